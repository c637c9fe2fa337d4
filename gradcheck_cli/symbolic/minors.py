"""Determinants and adjugates of scalar expressions, by cofactors with shared minors; no division, so exact stays exact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.expr import Expr, number
from gradcheck_cli.grids import Grid, grid, places

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Expr]
    Afford = Callable[[int], None]


def determinant(matrix: Grid, make: Make, afford: Afford) -> Expr:
    """The determinant of a square matrix, in n*2^n operations.

    `afford` hears of them before anything is made, and may refuse.
    """
    count = matrix.shape[0]
    afford(count << count)
    return _minors(matrix, tuple(range(count)), make)[(1 << count) - 1]


def adjugate(matrix: Grid, make: Make, afford: Afford) -> Grid:
    """The transposed matrix of the cofactors, in n^2*2^n operations."""
    count = matrix.shape[0]
    afford(count * count << count)
    everything = (1 << count) - 1
    found: dict[tuple[int, ...], Expr] = {}
    for row in range(count):
        minors = _minors(matrix, tuple(other for other in range(count) if other != row), make)
        for column in range(count):
            minor = minors[everything & ~(1 << column)]
            found[column, row] = make("neg", minor) if (row + column) % 2 else minor
    return grid(matrix.shape, (found[place] for place in places(matrix.shape)))


def _minors(matrix: Grid, rows: tuple[int, ...], make: Make) -> dict[int, Expr]:
    """For each set of columns, as bits, as large as a number of last rows: the determinant of what they have in common.

    A minor is expanded along its first row: the sum of (-1)^k times an entry times a minor with one row less.
    """
    count = matrix.shape[1]
    last: dict[int, Expr] = {0: number(1)}
    for row in reversed(rows):
        found: dict[int, list[Expr]] = {}
        for used, minor in last.items():
            for column in range(count):
                if used >> column & 1:
                    continue
                before = (used & ((1 << column) - 1)).bit_count()
                term = make("mul", matrix[row, column], minor)
                found.setdefault(used | 1 << column, []).append(make("neg", term) if before % 2 else term)
        last = {columns: make("add", *terms) for columns, terms in found.items()}
    return last
