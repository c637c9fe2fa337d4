"""The lines that explain a right answer: one step a line, what is said of a step in a column, long numbers as matrices."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len

from gradcheck_cli.render.layout import breakable, fold, pad, widest

if TYPE_CHECKING:
    from collections.abc import Iterable

_TAIL = re.compile(r"(?<=\S)   (?=\S.*$)")
_ROWS = re.compile(r"\[\[[^\[\]]*\](?:, \[[^\[\]]*\])*\]$")
_LEADING = re.compile(r" *(?:(?:new )?\S+ )?[=+] | *")


def step_lines(steps: Iterable[str], room: int) -> list[str]:
    """Steps in lines of at most `room` cells. What stands behind three blanks (a shape) is in one column where it fits."""
    parts = [_parted(step) for step in steps]
    fitting = [head for head, tail in parts if tail and cell_len(f"{head}   {tail}") <= room]
    column = widest(fitting)
    found: list[str] = []
    for head, tail in parts:
        if tail and cell_len(pad(head, column)) + 3 + cell_len(tail) <= room:
            found.append(f"{pad(head, column)}   {tail}")
            continue
        found += with_matrix(head, room)
        if tail and cell_len(found[-1]) + 3 + cell_len(tail) <= room:
            found[-1] += f"   {tail}"
        elif tail:
            found.append(" " * _hang(head) + tail)
    return found


def with_matrix(text: str, room: int) -> list[str]:
    """A formula in lines; a matrix at its end, where it does not fit, with a row a line and its columns aligned."""
    if cell_len(text) <= room:
        return [text]
    numbers = _ROWS.search(text)
    if numbers is None:
        return _folded(text, room)
    rows = [row.split(", ") for row in numbers[0][2:-2].split("], [")]
    lead, lines = text[: numbers.start()], _aligned(rows)
    if cell_len(lead) + widest(lines) <= room:
        return [(" " * cell_len(lead) if at else lead) + line for at, line in enumerate(lines)]
    start, sign, _ = lead.rpartition("= ")
    indent = " " * (min(_hang(text), 4) or 2)
    if not start.strip() or widest(lines) + len(indent) + 2 > room:
        return _folded(text, room)
    return [
        *_folded(start.rstrip(), room),
        *(indent + (sign if at == 0 else "  ") + line for at, line in enumerate(lines)),
    ]


def _parted(step: str) -> tuple[str, str]:
    """A step, and what stands behind it."""
    cut = _TAIL.search(step)
    return (step, "") if cut is None else (step[: cut.start()], step[cut.end() :])


def _hang(text: str) -> int:
    """Where the later lines of a formula begin: behind its first sign of equality."""
    match = _LEADING.match(text)
    return cell_len(match[0]) if match else 0


def _folded(text: str, room: int) -> list[str]:
    lead = len(text) - len(text.lstrip())
    blank = " " * lead
    hang = _hang(text) - lead
    hang = hang if 0 < hang < room // 2 - lead else 2
    return [blank + line for line in fold(breakable(text.lstrip()), max(20, room - lead), hang)]


def _aligned(rows: list[list[str]]) -> list[str]:
    """The rows of a matrix as NumPy prints them."""
    columns = max(map(len, rows))
    sizes = [widest([row[at] for row in rows if at < len(row)]) for at in range(columns)]
    lines = [", ".join(pad(cell, size, right=True) for cell, size in zip(row, sizes, strict=False)) for row in rows]
    return [
        ("[[" if at == 0 else " [") + line + ("]]" if at == len(lines) - 1 else "],") for at, line in enumerate(lines)
    ]
