"""A notebook (`.ipynb`) to its formulas: the text of its Markdown cells, each with its number and lines of its own."""

from __future__ import annotations

import json
from typing import Any

from gradcheck_cli.errors import FileError
from gradcheck_cli.parsing.document import Document, Formula, Passed, bounded, read_document
from gradcheck_cli.parsing.macros import Macros
from gradcheck_cli.source import Source

MOST_CELLS = 2000


def read_notebook(source: Source) -> Document:
    """The formulas of all Markdown cells; the first that has front matter names the problem. Nothing in it is run.

    Raises FileError for what is no notebook.
    """
    problems: tuple[str, ...] = ()
    formulas: list[Formula] = []
    passed: list[Passed] = []
    macros = Macros()
    for number, text in _cells(source):
        part = read_document(Source(f"{source.name} cell {number}", text), number, macros)
        problems = problems or part.problems
        formulas += part.formulas
        passed += part.passed
    kept, cut = bounded(tuple(formulas))
    return Document(problems, kept, passed=(*passed, *cut))


def _cells(source: Source) -> list[tuple[int, str]]:
    """The Markdown cells with their places among all cells, counted from 1."""
    try:
        tree: Any = json.loads(source.text)
    except (ValueError, RecursionError):
        raise _no_notebook(source, "it is no JSON") from None
    cells = tree.get("cells") if isinstance(tree, dict) else None
    if not isinstance(cells, list):
        raise _no_notebook(source, "it has no list of cells")
    found = []
    for number, cell in enumerate(cells[:MOST_CELLS], start=1):
        if isinstance(cell, dict) and cell.get("cell_type") == "markdown":
            text = _text(cell.get("source"))
            if text is None:
                raise _no_notebook(source, f"cell {number} has no text")
            found.append((number, text))
    return found


def _text(written: Any) -> str | None:
    if isinstance(written, list) and all(isinstance(line, str) for line in written):
        written = "".join(written)
    if not isinstance(written, str):
        return None
    return written.replace("\r\n", "\n").replace("\r", "\n")


def _no_notebook(source: Source, reason: str) -> FileError:
    message = f"{source.name} is no notebook: {reason}"
    return FileError(message, hint="save it again, or export it as Markdown")
