"""Columns and hanging indents without a table library: no number is ever cut, whatever the width."""

from __future__ import annotations

import re

from rich.cells import cell_len

_LEAST_FILLED = 0.55  # of a line, before it is broken for the sake of brackets


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text filled up with blanks to `width` cells; longer text stays whole."""
    blanks = " " * max(0, width - cell_len(text))
    return blanks + text if right else text + blanks


def widest(texts: list[str]) -> int:
    """The widest of some texts, in cells."""
    return max((cell_len(text) for text in texts), default=0)


def wrap(pieces: list[str], width: int, indent: int) -> list[str]:
    """Join pieces into lines of at most `width` cells, later lines indented; a piece is never broken."""
    lines: list[str] = []
    current = ""
    for piece in pieces:
        joined = current + piece
        if current.strip() and cell_len(joined.rstrip()) > width:
            lines.append(current.rstrip())
            joined = " " * indent + piece.lstrip()
        current = joined
    return [*lines, current.rstrip()] if current.strip() else lines


def fold(pieces: list[str], width: int, indent: int) -> list[str]:
    """As `wrap`, for formulas: of the places where a line could end, the last one with fewest brackets open."""
    lines: list[str] = []
    depths = [0]
    for piece in pieces:
        depths.append(depths[-1] + sum(piece.count(mark) for mark in "([") - sum(piece.count(mark) for mark in ")]"))
    start, lead = 0, ""
    while start < len(pieces):
        line, ends = lead, []
        for at in range(start, len(pieces)):
            piece = pieces[at] if line.strip() or not lines else pieces[at].lstrip()
            if line.strip() and cell_len((line + piece).rstrip()) > width:
                break
            line += piece
            ends.append((at + 1, line.rstrip()))
        end, shown = ends[-1]
        if end < len(pieces):
            usable = [(at, text) for at, text in ends if cell_len(text) >= _LEAST_FILLED * width] or ends[-1:]
            end, shown = min(reversed(usable), key=lambda place: depths[place[0]])
        lines.append(shown)
        start, lead = end, " " * indent
    return [line for line in lines if line.strip()]


def breakable(text: str) -> list[str]:
    """A formula in pieces that `wrap` may put on different lines: behind blanks and signs of multiplication."""
    return re.findall(r"(?:[=+@-] )?(?:\[[^\]]*\]|[^ *\[])+[ *]*|[ *\[]+", text)


def words(text: str) -> list[str]:
    """A sentence in pieces that `wrap` may put on different lines."""
    return [word + " " for word in text.split(" ")]
