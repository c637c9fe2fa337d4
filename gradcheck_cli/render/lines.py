"""Long lines of a text in rows that fit, broken where a reader would: behind a row of LaTeX, before a sign of equality."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len

from gradcheck_cli.source import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROW_ENDS = re.compile(r"\\\\\s*")
# environments whose rows belong together
_MATRICES = re.compile(r"\\begin\{(?P<kind>[a-zA-Z]?matrix|smallmatrix|cases|array)\*?\}.*?\\end\{(?P=kind)\*?\}")
_BEFORE_EQUALITY = re.compile(r"\s(?=&?\s?(?:=|\\approx|\\Rightarrow|\\Leftrightarrow))")
PLACE = re.compile(r":([0-9]+):([0-9]+): ")  # of a message about a file, between its name and what is said
_SIGN = 6  # cells before and behind a matrix: `&= ` and `$$`
_LEAST_FILLED = 0.4  # of a row, before it is broken for the sake of a sign of equality


def rows(text: str, width: int) -> list[tuple[int, int]]:
    """The stretches of a line that stand below each other, each at most `width` cells wide."""
    if fits(text, width):
        return [(0, len(text))]
    inside = [match.span() for match in _MATRICES.finditer(text) if cells(match[0]) + _SIGN <= width]
    ends = [
        match.end()
        for match in _ROW_ENDS.finditer(text)
        if not any(start < match.start() < end for start, end in inside)
    ]
    found: list[tuple[int, int]] = []
    start = 0
    for end in (*ends, len(text)):
        if text[start:end].strip():
            found += _broken(text, start, end, width)
        start = end
    return found


def fits(text: str, width: int) -> bool:
    """Whether a text stands on one row."""
    return len(text) <= 4 * width and cells(text) <= width


def cells(text: str) -> int:
    """How wide a text is as it is shown."""
    return cell_len(visible(text))


def _broken(text: str, start: int, end: int, width: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = _reach(text, start, end, width)
        if stop < end:
            stop = _place(text, start, stop)
        yield start, stop
        start = stop + len(text[stop:end]) - len(text[stop:end].lstrip())


def _reach(text: str, start: int, end: int, width: int) -> int:
    """How far a row goes that begins here: one character at the least."""
    at, filled = start, 0
    while at < end:
        filled += cells(text[at])
        if filled > width and at > start:
            return at
        at += 1
    return end


def _place(text: str, start: int, stop: int) -> int:
    """The last good place for a break in a stretch that is full: outside of braces, before a sign of equality."""
    least = int(_LEAST_FILLED * (stop - start))
    depths = [0]
    for character in text[start:stop]:
        depths.append(depths[-1] + (character in "{(") - (character in "})"))
    equalities = [match.start() - start for match in _BEFORE_EQUALITY.finditer(text, start + least, stop)]
    blanks = [at for at in range(max(least, 1), stop - start) if text[start + at] == " "]
    for places in (equalities, blanks):
        if places:
            return start + min(reversed(places), key=lambda at: depths[at])
    return stop


def without_place(message: str) -> str:
    """A message without the file, line and column before it."""
    place = PLACE.search(message)
    return message[place.end() :] if place else message
