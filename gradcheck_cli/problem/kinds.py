"""What is declared of an array's values: entry by entry, along an axis, or of a square matrix as a whole."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from gradcheck_cli.expr import number
from gradcheck_cli.grids import Grid, label, places
from gradcheck_cli.problem.fields import ALONG_KINDS, MATRIX_KINDS, allows
from gradcheck_cli.shapes import text_of
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.shapes import Shape

_EXACT = 24  # rows of a matrix up to which pivots are computed in fractions
_SMALL = 1e-12


def shape_misfit(kind: str, shape: Shape) -> str:
    """Why no array of this shape is of a kind, or an empty text."""
    if kind in MATRIX_KINDS and (len(shape) != 2 or shape[0] != shape[1]):
        return f"has shape {text_of(shape)} and cannot be {kind}: that is for square matrices"
    return ""


def entry_misfit(kind: str, values: Grid) -> tuple[int, ...] | None:
    """The place of the first entry that is not of its kind, or None."""
    single = "binary" if kind == "onehot" else "probability" if kind == "distribution" else kind
    return next((place for place in values.places() if not allows(single, values[place])), None)


def misfit(kind: str, values: Grid, axis: int) -> str:
    """Why the entries as a whole are not of a kind, or an empty text. The entries by themselves are."""
    if kind in ALONG_KINDS:
        for line in _lines(values, axis):
            total = sum((values[place] for place in line), Fraction(0))
            if total != 1:
                return f"is not of the kind {kind}: {_span(line, axis)} sum to {_shown(total)}"
    if kind in ("symmetric", "spd"):
        place = next((place for place in values.places() if values[place] != values[place[::-1]]), None)
        if place is not None:
            return f"is not of the kind {kind}: {label('', place)} and {label('', place[::-1])} differ"
    if kind == "spd" and not all(pivot > 0 for pivot in _pivots(values, swap=False)):
        return "is not of the kind spd: it is not positive definite"
    if kind == "invertible" and not all(_pivots(values, swap=True)):
        return "is not of the kind invertible: its determinant is 0"
    return ""


def _shown(total: Fraction) -> str:
    """A sum as a decimal where that is exact."""
    text = f"{float(total):.12g}"
    return text if Fraction(text) == total else write(number(total))


def _lines(values: Grid, axis: int) -> Iterator[list[tuple[int, ...]]]:
    """The places of the entries along an axis, for each choice of the other indices."""
    shape = values.shape
    for before in places(shape[:axis]):
        for after in places(shape[axis + 1 :]):
            yield [(*before, at, *after) for at in range(shape[axis])]


def _span(line: list[tuple[int, ...]], axis: int) -> str:
    if len(line[0]) == 1:
        return "the entries"
    inner = ", ".join(":" if at == axis else str(index) for at, index in enumerate(line[0]))
    return f"the entries [{inner}]"


def _pivots(values: Grid, *, swap: bool) -> Iterator[Fraction | float]:
    """The pivots of Gaussian elimination, up to the first that is 0; in floats where the matrix is large.

    With `swap` rows are exchanged, so that a 0 means a determinant of 0; without, all are positive exactly where a
    symmetric matrix is positive definite.
    """
    count = values.shape[0]
    exact = count <= _EXACT
    rows: list[list[Any]] = [
        [value if exact else float(value) for value in values.items[at * count : (at + 1) * count]]
        for at in range(count)
    ]
    least = 0 if exact else _SMALL * max(abs(float(value)) for value in values.items)
    for at in range(count):
        if swap:
            best = max(range(at, count), key=lambda row: abs(rows[row][at]))
            rows[at], rows[best] = rows[best], rows[at]
        pivot = rows[at][at]
        if abs(pivot) <= least:
            yield 0.0
            return
        yield pivot
        for below in rows[at + 1 :]:
            factor = below[at] / pivot
            if factor:
                below[at:] = [a - factor * b for a, b in zip(below[at:], rows[at][at:], strict=True)]
