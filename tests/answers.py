"""Answers to single questions and texts, judged."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.problem import Key, Question, load
from gradcheck_cli.source import Source
from gradcheck_cli.verifying import Examiner
from gradcheck_cli.verifying.texts.homework import grade

CASES = Path(__file__).parent / "cases"
LETTERS = {"correct": "c", "wrong": "w", "undecided": "?", "unreadable": "u"}
OWN = {path.stem: path for folder in ("problems", "homework") for path in (CASES / folder).glob("*.yaml")}


@cache
def examiner_of(name):
    """The examiner of a bundled problem, or of one of the tests' own, made once."""
    return Examiner(load(str(OWN.get(name, name))))


def rows_of(table):
    """The rows of a table of answers by problem and query: problem, ask, verdict, answer, code; lists are left out."""
    return [
        (problem, ask, verdict, answer, answers[answer] if isinstance(answers, dict) else None)
        for problem, queries in table.items()
        for ask, verdicts in queries.items()
        for verdict, answers in verdicts.items()
        for answer in answers
        if not isinstance(answer, list | dict)
    ]


def judged(examiner, ask, answer):
    """The claim that an answer to a query makes."""
    written = Source("ask", ask)
    question = Question(ask, parse(written, examiner.problem.scope), written)
    return examiner.claim(question, Key((Source("answer", str(answer)),)))


def graded(text, *names):
    """The claims of homework in Markdown against bundled problems."""
    return grade([examiner_of(name) for name in names], read_document(Source("homework.md", text)))


def verdicts_of(text, *names):
    """The verdicts on the claims of homework, a letter each."""
    return "".join(LETTERS[claim.verdict] for claim in graded(text, *names))
