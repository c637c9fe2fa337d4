"""A first look at two expressions of arrays: whether they differ at a point or two, in float64.

It only spares the judge what is far off while a mistake is looked for; what seems alike is compared as ever.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import GradcheckError, ShapeError
from gradcheck_cli.expr import Index, Name, Num, Sum, children
from gradcheck_cli.judge import array_points
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.tape import Glance, near
from gradcheck_cli.verifying.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.judge import ArraySpace
    from gradcheck_cli.lowering import Typed
    from gradcheck_cli.shapes import Size
    from gradcheck_cli.tape.arith import Array

MOST_KEPT = 5_000
_POINTS = 2


@lru_cache(maxsize=32)
def looks(space: ArraySpace) -> Looks:
    """What is kept for a space."""
    return Looks(space)


class Looks:
    """The points at which expressions over a space are looked at; what is listed for a question is kept as well."""

    def __init__(self, space: ArraySpace) -> None:
        points = array_points(space, _POINTS)
        self.known = points.known
        self.sizes = points.sizes
        self.kept = Kept()
        self._indexed: dict[int, tuple[Expr, bool]] = {}
        self.glances = [Glance(points.sizes, grids) for grids in points.grids]
        for glance in self.glances:
            for name, typed in points.definitions.items():
                glance.define(name, typed.expr)

    def lowered(self, expr: Expr, ranges: Mapping[str, Size]) -> tuple[Typed, dict[str, Size]]:
        """An expression in primitive functions; where it has no letters, what it shares with others is shared."""
        if len(self.known.seen) > MOST_KEPT:
            self.known.seen.clear()
            self._indexed.clear()
        if self.indexed(expr):
            known = Shapes(self.known.names, self.known.letters, dict(ranges))
            return lower(expr, known), known.ranges
        return lower(expr, self.known), {}

    def indexed(self, expr: Expr) -> bool:
        """Whether there are indices or sums over letters in an expression."""
        if isinstance(expr, Name | Num):
            return False
        if id(expr) not in self._indexed:
            self._indexed[id(expr)] = (expr, isinstance(expr, Index | Sum) or any(map(self.indexed, children(expr))))
        return self._indexed[id(expr)][1]

    def at(self, glance: Glance, expr: Expr) -> Array:
        """The value of an expression without index letters."""
        return glance.written(expr, lambda part: lower(part, self.known).expr)

    def differ(self, left: Expr, right: Expr, ranges: Mapping[str, Size]) -> bool:
        """Whether two expressions are seen to differ, or operands in one do not fit; False says nothing."""
        try:
            if not ranges and not self.indexed(left) and not self.indexed(right):
                return any(not near(self.at(glance, left), self.at(glance, right)) for glance in self.glances)
            (first, one), (second, two) = (self.lowered(side, ranges) for side in (left, right))
            if (
                first.shape != second.shape
                and not shapes.count(first.shape) == shapes.count(second.shape) == shapes.ONE
            ):
                return True
            letters = [(letter, size.at(self.sizes)) for letter, size in {**one, **two, **ranges}.items()]
            return any(
                not near(glance.entries(first.expr, letters), glance.entries(second.expr, letters))
                for glance in self.glances
            )
        except ShapeError:
            return True
        except GradcheckError:
            return False
