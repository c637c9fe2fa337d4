"""A file of answers to a `Submission`. The file is untrusted: it is read, never run, and may name no foreign file."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from gradcheck_cli.errors import FileError, ProblemError, UnsupportedError
from gradcheck_cli.files import LIMIT, checked, read_source, regular
from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.parsing.notebook import read_notebook
from gradcheck_cli.problem import Key, Problem, load
from gradcheck_cli.problem.bundled import bundled, bundled_folder
from gradcheck_cli.problem.questions import read_key
from gradcheck_cli.problem.reader import Reader, meant
from gradcheck_cli.source import Source
from gradcheck_cli.verifying.model import Submission
from gradcheck_cli.yamltree import Node, is_null, read_tree

_STRUCTURED = (".yaml", ".yml")
NOTEBOOK_LIMIT = 8 * LIMIT  # the pictures in it are not looked at
LONGEST_NAME = 200  # of a problem; a longer one can name no file
_WRITTEN = (".md", ".markdown", ".tex", ".txt")


def read(path: str | Path) -> Submission:
    """The answers in a file; `-` is standard input.

    Raises FileError for the file and ProblemError, with all errors found, for what is in it.
    """
    name = str(path)
    if name == "-":
        return _standard_input()
    if os.path.isdir(name):  # noqa: PTH112 - it is false, too, where a name is too long
        message = f"{name} is a folder"
        raise FileError(message, hint=f"name the files in it: {Path(name) / '*'}")
    kind = Path(name).suffix.lower()
    if kind == ".ipynb":
        return read_homework(read_source(path, limit=NOTEBOOK_LIMIT))
    if kind in _WRITTEN:
        return read_homework(read_source(path))
    if kind not in _STRUCTURED:
        regular(path)  # a folder, or no file at all, is told as that
        message = f"{name}: this kind of file is not read"
        raise UnsupportedError(message, hint="write a table of answers (.yaml) or a text (.md, .tex, .txt, .ipynb)")
    return read_submission(read_source(path))


def _standard_input() -> Submission:
    if sys.stdin is None:
        message = "standard input is closed"
        raise FileError(message, hint="write answers into it, or name a file")
    try:
        text = sys.stdin.read(LIMIT + 1)
    except UnicodeDecodeError:
        message = "standard input is not UTF-8"
        raise FileError(message, hint="write UTF-8 text into it") from None
    if len(text) > LIMIT:
        message = f"standard input has more than {LIMIT:,} characters"
        raise FileError(message, hint="write a smaller text")
    if not text.strip():
        message = "standard input is empty"
        raise FileError(message, hint="write answers into it")
    source = checked(Source("-", text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")))
    return read_submission(source) if re.search(r"^answers:", text, re.MULTILINE) else read_homework(source)


def read_homework(source: Source) -> Submission:
    """The formulas of a text; its front matter names the problem."""
    notebook = source.name.lower().endswith(".ipynb")
    document = read_notebook(source) if notebook else read_document(source)
    problem = document.problems[0] if document.problems else None
    return Submission(source, problem, (), document=document)


def read_submission(source: Source) -> Submission:
    """The answers in a YAML text."""
    tree = read_tree(source)
    reader = Reader(source)
    entry = reader.section(tree, "answers", "the answer file")
    problem = reader.text(entry.get("problem"), "problem")
    student = reader.text(entry.get("student"), "student")
    answers = tuple(_answers(reader, entry.get("answers")))
    if reader.errors:
        raise ProblemError(reader.errors)
    return Submission(source, problem or None, answers, student)


def _answers(reader: Reader, node: Node | None) -> list[tuple[str, Key, Source]]:
    found = []
    for key, value in reader.entries(node, "answers"):
        if value.kind == "scalar" and (is_null(value) or not value.text.strip()):
            found.append((key.text, Key(), value.source))
            continue
        found.append((key.text, read_key(reader, value, f"answer {key.text}"), key.source))
    return found


def problems_of(submission: Submission, named: tuple[Problem, ...] = ()) -> tuple[Problem, ...]:
    """The problems of a submission: those given, or those the file names.

    Raises FileError where there is none.
    """
    if named:
        return named
    names = tuple(dict.fromkeys(submission.problems)) or (None,)
    return tuple(problem_of(submission, name) for name in names)


def problem_of(submission: Submission, name: str | None = None) -> Problem:
    """The problem of that name, or the one the file names.

    A file may name a bundled problem, or one in its own folder or below it; nothing else, and what is said about a
    file outside says nothing of its content.
    """
    source = submission.source
    name = name or submission.problem
    if name is None:
        message = f"{source.name} names no problem"
        raise FileError(message, hint="add problem: NAME at its top, or say --problem NAME")
    if name in bundled():
        return load(bundled_folder() / f"{name}.yaml")
    folder = Path(os.path.realpath(Path(source.name).parent))
    for candidate in (folder / name, folder / f"{name}.yaml"):
        path = Path(os.path.realpath(candidate))
        if len(name) <= LONGEST_NAME and path.is_relative_to(folder) and path.is_file():
            return load(path)
    shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    message = f'{source.name} names the problem "{shown}", which is neither bundled nor in its folder'
    near = meant(name, bundled())
    hint = near if near.startswith("did") else "gradcheck problems lists those that come along,"
    raise FileError(message, hint=f"{hint} or say --problem FILE")
