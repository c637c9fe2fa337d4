"""A first look at two expressions of arrays while a mistake is looked for: whether they differ at a few points.

It works in float64 and spares the judge what is far off. What seems alike is compared by the judge where a verdict may
rest on it; a mistake is also told where an answer that is seen to be far from right has its values at all these points.
How much a claim may cost is bounded: where that is used up, everything differs, so that no mistake is told.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import GradcheckError, ShapeError
from gradcheck_cli.expr import has_letters
from gradcheck_cli.judge import array_points
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.tape import MOST_STEPS, Glance, multiple, near, same, vanishes
from gradcheck_cli.verifying.arrays.compare import compare
from gradcheck_cli.verifying.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.judge import ArraySpace
    from gradcheck_cli.lowering import Typed
    from gradcheck_cli.shapes import Size
    from gradcheck_cli.tape.arith import Array

MOST_KEPT = 5_000
MOST_LETTERED = 1_000  # expressions with index letters
MOST_COMPARED = 24  # candidates of one claim that seem alike and are compared by the judge
UNDECIDED_COSTS = 8  # comparisons: where one has run out, so will the next
_POINTS = 4


@lru_cache(maxsize=32)
def looks(space: ArraySpace) -> Looks:
    """What is kept for a space."""
    return Looks(space)


def begin(space: ArraySpace) -> None:
    """A new claim, with an allowance of its own; a space that is too large to be looked at needs none."""
    with suppress(GradcheckError):
        looks(space).begin()


class Looks:
    """The points at which expressions over a space are looked at; what is listed for a question is kept as well."""

    def __init__(self, space: ArraySpace) -> None:
        choices = tuple(array_points(space, _POINTS))
        self.space = space
        self.compared = 0
        self.known = choices[0].known
        self.kept = Kept()
        self._lettered: dict[tuple[Expr, tuple[tuple[str, Size], ...]], tuple[Typed, dict[str, Size]]] = {}
        self.glances = [Glance(points.sizes, grids) for points in choices for grids in points.grids]
        for glance in self.glances:
            for name, typed in choices[0].definitions.items():
                glance.define(name, typed.expr)

    def begin(self) -> None:
        """Give a new allowance."""
        self.compared = 0
        for glance in self.glances:
            glance.left = MOST_STEPS

    @property
    def exhausted(self) -> bool:
        """Whether a claim has had its allowance."""
        return self.compared >= MOST_COMPARED or any(glance.left < 0 for glance in self.glances)

    def count(self, *, undecided: bool) -> None:
        """Count a comparison by the judge, and how it ended."""
        self.compared += UNDECIDED_COSTS if undecided else 1

    def equal(self, left: Expr, right: Expr, ranges: Mapping[str, Size], *, trusting: bool = False) -> bool:
        """Whether two expressions that seem alike are equal for all sizes and inputs; trusting, whether they seem so."""
        if self.differ(left, right, ranges):
            return False
        if trusting and self.alike(left, right, ranges):
            return True
        found = compare(self.space, left, right, ranges)
        self.count(undecided=found.kind in ("undecided", "nowhere"))
        return found.kind == "equal"

    def alike(self, left: Expr, right: Expr, ranges: Mapping[str, Size]) -> bool:
        """Whether two expressions have the same values at all points, and not only zeros, which many have."""
        told = 0
        try:
            for one, two in self.values(left, right, ranges):
                if not same(one, two):
                    return False
                told += not vanishes(one)
        except GradcheckError:
            return False
        return told >= len(self.glances)

    def proportional(self, left: Expr, right: Expr) -> bool:
        """Whether one of two expressions may be a multiple of the other; True where their values are not known."""
        for place in range(len(self.glances)):
            first, second = self.value(left, place), self.value(right, place)
            if first is None or second is None:
                return not self.exhausted
            if not multiple(first, second):
                return False
        return True

    def value(self, expr: Expr, place: int = 0) -> Array | None:
        """The value of an expression without free index letters at a point; None where there is none."""
        glance = self.glances[place]
        try:
            return glance.value(self.lowered(expr, {})[0].expr) if has_letters(expr) else self.at(glance, expr)
        except GradcheckError:
            return None

    def lowered(self, expr: Expr, ranges: Mapping[str, Size]) -> tuple[Typed, dict[str, Size]]:
        """An expression in primitive functions, each worked out once; without letters, what it shares with others is shared."""
        if len(self.known.seen) > MOST_KEPT:
            self.known.seen.clear()
        if not has_letters(expr):
            return lower(expr, self.known), {}
        key = (expr, tuple(ranges.items()))
        if key not in self._lettered:
            if len(self._lettered) >= MOST_LETTERED:
                self._lettered.clear()
            known = Shapes(self.known.names, self.known.letters, dict(ranges))
            self._lettered[key] = lower(expr, known), known.ranges
        return self._lettered[key]

    def at(self, glance: Glance, expr: Expr) -> Array:
        """The value of an expression without index letters."""
        return glance.written(expr, lambda part: lower(part, self.known).expr)

    def differ(self, left: Expr, right: Expr, ranges: Mapping[str, Size]) -> bool:
        """Whether two expressions are seen to differ, or operands in one do not fit; False says nothing.

        Where a claim has had its allowance, all differ.
        """
        if self.exhausted:
            return True
        try:
            return any(not near(one, two) for one, two in self.values(left, right, ranges))
        except ShapeError:
            return True
        except GradcheckError:
            return self.exhausted

    def values(self, left: Expr, right: Expr, ranges: Mapping[str, Size]) -> Iterator[tuple[Array, Array]]:
        """The values of two expressions, one point after the other, and for a few numbers of free index letters.

        Raises ShapeError where operands or the two do not fit, UnsupportedError for what has no value.
        """
        if not ranges and not has_letters(left) and not has_letters(right):
            yield from ((self.at(glance, left), self.at(glance, right)) for glance in self.glances)
            return
        (first, one), (second, two) = (self.lowered(side, ranges) for side in (left, right))
        both = (first.shape, second.shape)
        if both[0] != both[1] and not all(shapes.count(shape) == shapes.ONE for shape in both):
            message = f"the shapes are {shapes.text_of(both[0])} and {shapes.text_of(both[1])}"
            raise ShapeError(message)
        letters = {**one, **two, **ranges}
        for glance in self.glances:
            for bound in glance.places({letter: size.at(glance.sizes) for letter, size in letters.items()}):
                yield glance.value(first.expr, bound), glance.value(second.expr, bound)
