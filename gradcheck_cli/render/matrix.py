"""Arrays as lines of text: columns aligned, brackets as in NumPy, so that a value can be pasted into an answer."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from rich.cells import cell_len

from gradcheck_cli.grids import places
from gradcheck_cli.render.layout import pad, widest

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.grids import Grid

MOST_ROWS = 8
_GAP = "   "


def matrix(grid: Grid, told: Callable[[object], str], width: int) -> list[str]:
    """The lines of an array; of one with more than 8 rows or wider than `width` only its sizes.

    `told` writes an entry.
    """
    if not grid.shape:
        return [told(grid.items[0])]
    rows, columns = prod(grid.shape[:-1]), grid.shape[-1]
    large = [f"({'×'.join(map(str, grid.shape))} array)" if len(grid.shape) > 1 else f"({columns} entries)"]
    if rows > MOST_ROWS or columns * 3 > width + 2:
        return large
    texts = [told(item) for item in grid.items]
    cells = [widest(texts[column::columns]) for column in range(columns)]
    lines = []
    for at, place in enumerate(places(grid.shape[:-1])):
        row = texts[at * columns : (at + 1) * columns]
        inner = ", ".join(pad(text, size, right=True) for text, size in zip(row, cells, strict=True))
        lines.append(_bracketed(inner, place, grid.shape))
    return lines if widest(lines) <= width else large


def _bracketed(inner: str, place: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """A row with the brackets that open before it and close behind it."""
    rank = len(place)
    opens = closes = 1
    while opens <= rank and all(index == 0 for index in place[rank - opens :]):
        opens += 1
    while closes <= rank and all(
        index == size - 1 for index, size in zip(place[rank - closes :], shape[rank - closes : rank], strict=True)
    ):
        closes += 1
    last = closes == rank + 1
    return " " * (rank + 1 - opens) + "[" * opens + inner + "]" * closes + ("" if last else ",")


def labelled(label: str, lines: list[str]) -> list[str]:
    """Lines behind a label, the later ones below the first."""
    blank = " " * cell_len(label)
    return [(blank if at else label) + line for at, line in enumerate(lines)]


def beside(left: list[str], right: list[str], width: int) -> list[str] | None:
    """Two blocks side by side, each line at the height of its own; None where they are wider than `width`."""
    column = widest(left)
    if column + len(_GAP) + widest(right) > width:
        return None
    height = max(len(left), len(right))
    left, right = ([*block, *[""] * (height - len(block))] for block in (left, right))
    return [(pad(one, column) + _GAP + two).rstrip() for one, two in zip(left, right, strict=True)]
