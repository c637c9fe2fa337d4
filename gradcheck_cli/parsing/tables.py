"""Tables of Markdown whose rows are claims: a quantity in the first column, what it is in others.

Which columns say what the quantity is, their heads tell: `expression`, `value` and the like. A column of local or upstream
derivatives, of remarks or of values after an update says something else, and is passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_ROW = 2000  # characters
_RULE = re.compile(r"^[ \t]*(?:\|[ \t]*)?:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+(?:\|[ \t]*)?$", re.MULTILINE)
_CELL = re.compile(r"(?:\$[^$\n]*\$|\\\||[^|\n$])+")
_COUNTED = re.compile(r"#|nr\.?|no\.?|step|row")
_LABEL = re.compile(r"\(?[0-9]{1,3}[.)]?|\(?[a-z][.)]")
_SAYS = re.compile(
    r"express|formula|symbol|result|value|number|numeric|answer|solution|=|ausdruck|formel|wert|zahl|ergebnis"
)
_SAYS_OF_DERIVATIVE = re.compile(r"deriv|gradient|ableitung")
_ELSE = re.compile(r"local|upstream|downstream|incoming|outgoing|new|old|before|after|update|lokal|alt|neu")
_DERIVATIVE = re.compile(r"\\d?frac|\\partial|∂|\bd\s?\S+\s*/\s*d|\\nabla|['’′]")
_PROSE = re.compile(r"[^\W\d_]{3,}\s+[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row that claims something: the place of the whole, of its left side and of its members."""

    line: Span
    left: Span
    members: tuple[Span, ...]
    latex: bool


def table_rows(text: str) -> Iterator[Row]:
    """The rows of all tables of a text that are claims."""
    at = 0
    while (rule := _RULE.search(text, at)) is not None:
        before = max(0, rule.start() - 1)
        head = text[text.rfind("\n", 0, before) + 1 : before]
        heads = [cell.strip().lower() for cell in _CELL.findall(head)]
        told = not any(_ELSE.search(one) for one in heads)
        at = rule.end() + 1
        while at < len(text) and "|" in text[at : (end := _line_end(text, at))]:
            row = _row(text, Span(at, end), heads) if told else None
            if row is not None:
                yield row
            at = end + 1


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _row(text: str, line: Span, heads: list[str]) -> Row | None:
    """A row as a claim; None where it is none, or claims something by itself."""
    if line.end - line.start > LONGEST_ROW:
        return None
    cells = [Span(*match.span()) for match in _CELL.finditer(text, line.start, line.end)]
    if len(cells) != len(heads) or re.search(r"[=≈]|\\approx", text[line.start : line.end]):
        return None
    label = not heads[0] and _LABEL.fullmatch(text[cells[0].start : cells[0].end].strip())
    first = 1 if label or _COUNTED.fullmatch(heads[0]) else 0
    if len(cells) < first + 2:
        return None
    left = _mathematics(text, cells[first])
    derivative = bool(left and _DERIVATIVE.search(text, left.start, left.end))
    members = [
        found
        for cell, head in zip(cells[first + 1 :], heads[first + 1 :], strict=True)
        if _SAYS.search(head) or (derivative and _SAYS_OF_DERIVATIVE.search(head))
        if (found := _mathematics(text, cell)) is not None
    ]
    latex = "$" in text[line.start : line.end]
    return Row(line, left, tuple(members), latex) if left and members else None


def _mathematics(text: str, cell: Span) -> Span | None:
    """What a cell holds, without `$` around it; None for words and for nothing."""
    inner = text[cell.start : cell.end]
    start = cell.start + len(inner) - len(inner.lstrip())
    end = cell.end - len(inner) + len(inner.rstrip())
    if text[start:end].count("$") == 2 and text[start] == text[end - 1] == "$":
        return Span(start + 1, end - 1)
    wordy = "$" in text[start:end] or _PROSE.search(text, start, end)
    return None if wordy or start >= end else Span(start, end)
