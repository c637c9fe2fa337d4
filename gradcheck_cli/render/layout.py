"""Columns and hanging indents without a table library: no number is ever cut, whatever the width."""

from __future__ import annotations

import re

from rich.cells import cell_len


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


def breakable(text: str) -> list[str]:
    """A formula in pieces that `wrap` may put on different lines: behind blanks and signs of multiplication."""
    return re.findall(r"(?:[=+-] )?(?:\[[^\]]*\]|[^ *\[])+[ *]*|[ *\[]+", text)


def words(text: str) -> list[str]:
    """A sentence in pieces that `wrap` may put on different lines."""
    return [word + " " for word in text.split(" ")]
