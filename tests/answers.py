"""Answers to single questions and texts, judged."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.problem import Key, Question, load
from gradcheck_cli.source import Source
from gradcheck_cli.verifying import Examiner
from gradcheck_cli.verifying.homework import grade

PROBLEMS = Path(__file__).parent / "cases" / "problems"


@cache
def examiner_of(name):
    """The examiner of a bundled problem, or of one of the tests' own, made once."""
    path = PROBLEMS / f"{name}.yaml"
    return Examiner(load(str(path) if path.exists() else name))


def judged(examiner, ask, answer):
    """The claim that an answer to a query makes."""
    written = Source("ask", ask)
    question = Question(ask, parse(written, examiner.problem.scope), written)
    return examiner.claim(question, Key((Source("answer", str(answer)),)))


def graded(text, *names):
    """The claims of homework in Markdown against bundled problems."""
    return grade([examiner_of(name) for name in names], read_document(Source("homework.md", text)))
