"""The values of answers and of mistakes at one drawn point: two that differ there need no further comparison."""

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
SEED = 12
_APART = 1e-9  # of the larger value: far above what rounding to doubles can do

Print = tuple[tuple[int, ...], tuple[float | None, ...]]


class Prints:
    """Values at one point of one problem, each worked out once. What is listed for a question is kept as well."""

    def __init__(self, engine: ArrayEngine) -> None:
        self.engine = engine
        self.kept = Kept()
        self.numbers = _numbers(engine)
        self._found: dict[Expr, Print | None] = {}

    def of(self, expr: Expr) -> Print | None:
        """The value of an expression in names of the graph and of adjoints; None where there is none."""
        if expr not in self._found:
            if len(self._found) >= MOST_PRINTS:
                self._found.clear()
            self._found[expr] = self._worked_out(expr)
        return self._found[expr]

    def _worked_out(self, expr: Expr) -> Print | None:
        if self.numbers is None or not names(expr):
            return None
        try:
            grid = self.numbers.value(expr)
        except GradcheckError:
            return None
        return None if grid is None else _print(grid)

    def apart(self, left: Expr, right: Expr) -> bool:
        """Whether two expressions without free index letters surely differ; False says nothing."""
        first, second = self.of(left), self.of(right)
        if first is None or second is None or first[0] != second[0]:
            return False
        pairs = zip(first[1], second[1], strict=True)
        return any(one is not None and two is not None and _differ(one, two) for one, two in pairs)

    def proportional(self, left: Expr, right: Expr) -> bool:
        """Whether one of two expressions may be a multiple of the other; True where their values are not known."""
        first, second = self.of(left), self.of(right)
        if first is None or second is None:
            return True
        if first[0] != second[0]:
            return False
        pairs = [
            (one, two) for one, two in zip(first[1], second[1], strict=True) if one is not None and two is not None
        ]
        at = max(pairs, key=lambda pair: abs(pair[1]), default=(0.0, 0.0))
        return not any(_differ(one * at[1], two * at[0]) for one, two in pairs)


@lru_cache(maxsize=32)
def prints(engine: ArrayEngine) -> Prints:
    """The values of one engine's problem."""
    return Prints(engine)


def _differ(one: float, two: float) -> bool:
    return abs(one - two) > _APART * max(abs(one), abs(two))


def _print(grid: Grid) -> Print:
    return grid.shape, tuple(None if value is None else to_float(value) for value in grid.items)


def _numbers(engine: ArrayEngine) -> ArrayNumbers | None:
    """Numbers for everything that has none, at sizes that all differ; None where that is too much."""
    try:
        problem = with_numbers(engine.problem, seed=SEED)
        sizes = {letter: size for letter, size in problem.graph.dims if size is not None}
        total = sum(shapes.count(shape).at(sizes) for shape in problem.graph.shapes.values())
    except GradcheckError:
        return None
    if total > MOST_ENTRIES:
        return None
    numbers = ArrayNumbers(problem.graph, engine.shapes)
    numbers.define((*engine.lets.items(), *engine.backward.steps))
    return numbers
