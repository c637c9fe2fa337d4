"""A file of answers to a `Submission`. The file is untrusted: it is read, never run, and may name no foreign file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck_cli.errors import FileError, ProblemError, UnsupportedError
from gradcheck_cli.files import read_source
from gradcheck_cli.problem import Key, Problem, load
from gradcheck_cli.problem.bundled import bundled, bundled_folder
from gradcheck_cli.problem.loading import read_key
from gradcheck_cli.problem.reader import Reader, meant
from gradcheck_cli.verifying.model import Submission
from gradcheck_cli.yamltree import Node, read_tree

if TYPE_CHECKING:
    from gradcheck_cli.source import Source

_STRUCTURED = (".yaml", ".yml")


def read(path: str | Path) -> Submission:
    """The answers in a file.

    Raises FileError for the file and ProblemError, with all errors found, for what is in it.
    """
    name = str(path)
    if Path(name).suffix.lower() not in _STRUCTURED:
        message = f"{name}: answers are read from YAML files"
        raise UnsupportedError(message, hint="write `problem: NAME` and `answers:` into a file ending in .yaml")
    return read_submission(read_source(path))


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
        if value.kind == "scalar" and not value.text.strip():
            found.append((key.text, Key(), value.source))
            continue
        found.append((key.text, read_key(reader, value, f"answer {key.text}"), key.source))
    return found


def problem_of(submission: Submission, named: Problem | None = None) -> Problem:
    """The problem of a submission: the one given, or the one the file names.

    A file may name a bundled problem, or one in its own folder or below it; nothing else, and what is said about a
    file outside says nothing of its content.
    """
    if named is not None:
        return named
    source = submission.source
    if submission.problem is None:
        message = f"{source.name} names no problem"
        raise FileError(message, hint="add problem: NAME at its top, or say --problem NAME")
    name = submission.problem
    if name in bundled():
        return load(bundled_folder() / f"{name}.yaml")
    folder = Path(os.path.realpath(Path(source.name).parent))
    for candidate in (folder / name, folder / f"{name}.yaml"):
        path = Path(os.path.realpath(candidate))
        if path.is_relative_to(folder) and path.is_file():
            return load(path)
    message = f'{source.name} names the problem "{name}", which is neither bundled nor in its folder'
    raise FileError(message, hint=meant(name, bundled()) + " or say --problem FILE")
