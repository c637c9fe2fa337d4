"""The values of answers and of mistakes at a few drawn points: two that differ there need no further comparison."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import names
from gradcheck_cli.solving.array_numbers import ArrayNumbers
from gradcheck_cli.solving.options import with_numbers
from gradcheck_cli.symbolic.evaluate import to_float
from gradcheck_cli.verifying.kept import Kept

if TYPE_CHECKING:
    from gradcheck_cli.expr import Expr
    from gradcheck_cli.grids import Grid
    from gradcheck_cli.solving.array_engine import ArrayEngine

MOST_ENTRIES = 400  # of all arrays together at the drawn sizes
MOST_PRINTS = 4_000
SEEDS = (12, 13, 14)  # a second point is looked at where two agree at the first: all units may sleep there
_APART = 1e-9  # of the larger value: far above what rounding to doubles can do

Print = tuple[tuple[int, ...], tuple[float | None, ...]]


class Prints:
    """Values at the points of one problem, each worked out once. What is listed for a question is kept as well."""

    def __init__(self, engine: ArrayEngine) -> None:
        self.engine = engine
        self.kept = Kept()
        self._numbers: dict[int, ArrayNumbers | None] = {}
        self._found: dict[tuple[int, Expr], Print | None] = {}

    def numbers(self, seed: int) -> ArrayNumbers | None:
        """The numbers of a point; None where there would be too many."""
        if seed not in self._numbers:
            self._numbers[seed] = _numbers(self.engine, seed)
        return self._numbers[seed]

    def of(self, expr: Expr, seed: int = SEEDS[0]) -> Print | None:
        """The value of an expression in names of the graph and of adjoints; None where there is none."""
        if (seed, expr) not in self._found:
            if len(self._found) >= MOST_PRINTS:
                self._found.clear()
            self._found[seed, expr] = self._worked_out(expr, seed)
        return self._found[seed, expr]

    def _worked_out(self, expr: Expr, seed: int) -> Print | None:
        numbers = self.numbers(seed)
        if numbers is None or not names(expr):
            return None
        try:
            grid = numbers.value(expr)
        except GradcheckError:
            return None
        return None if grid is None else _print(grid)

    def apart(self, left: Expr, right: Expr) -> bool:
        """Whether two expressions without free index letters surely differ; False says nothing."""
        for seed in SEEDS:
            pairs = self._pairs(left, right, seed)
            if pairs is None or any(_differ(one, two) for one, two in pairs):
                return pairs is not None
        return False

    def undefined(self, left: Expr, right: Expr) -> bool:
        """Whether the first of two expressions has no value at a place where the second has one."""
        first, second = self.of(left), self.of(right)
        if first is None or second is None or first[0] != second[0]:
            return False
        return any(one is None and two is not None for one, two in zip(first[1], second[1], strict=True))

    def proportional(self, left: Expr, right: Expr) -> bool:
        """Whether one of two expressions may be a multiple of the other; True where their values are not known."""
        for seed in SEEDS:
            pairs = self._pairs(left, right, seed)
            if pairs is None:
                first, second = self.of(left, seed), self.of(right, seed)
                return first is None or second is None  # those of another shape are no multiples
            at = max(pairs, key=lambda pair: abs(pair[1]), default=(0.0, 0.0))
            if any(_differ(one * at[1], two * at[0]) for one, two in pairs):
                return False
            if any(at):
                break
        return True

    def _pairs(self, left: Expr, right: Expr, seed: int) -> list[tuple[float, float]] | None:
        """The entries of two expressions of the same shape, side by side; None where they have no values."""
        first, second = self.of(left, seed), self.of(right, seed)
        if first is None or second is None or first[0] != second[0]:
            return None
        pairs = zip(first[1], second[1], strict=True)
        return [(one, two) for one, two in pairs if one is not None and two is not None]


@lru_cache(maxsize=32)
def prints(engine: ArrayEngine) -> Prints:
    """The values of one engine's problem."""
    return Prints(engine)


def _differ(one: float, two: float) -> bool:
    return abs(one - two) > _APART * max(abs(one), abs(two))


def _print(grid: Grid) -> Print:
    return grid.shape, tuple(None if value is None else to_float(value) for value in grid.items)


def _numbers(engine: ArrayEngine, seed: int) -> ArrayNumbers | None:
    """Numbers for everything that has none, at sizes that all differ; None where that is too much."""
    try:
        problem = with_numbers(engine.problem, seed=seed)
        sizes = {letter: size for letter, size in problem.graph.dims if size is not None}
        total = sum(shapes.count(shape).at(sizes) for shape in problem.graph.shapes.values())
    except GradcheckError:
        return None
    if total > MOST_ENTRIES:
        return None
    numbers = ArrayNumbers(problem.graph, engine.shapes)
    numbers.define((*engine.lets.items(), *engine.backward.steps))
    return numbers
