"""Where the differences look in a graph of arrays: drawn directions, as many as its size allows."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING

from gradcheck_cli import probe
from gradcheck_cli.crosscheck.comparing import Sight
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.grids import Grid, grid, label, places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.graph import Graph

MOST_WORK = min(500_000, probe.MOST_STEPS)  # sums and products of two numbers in one cross-check: about a second
EVALUATIONS = 4  # of the function for one slope; a kink takes twice as many
FEW_ENTRIES = 8  # of all inputs together: then each is moved by itself
NOTE = "the sizes are too large for the differences to look at every quantity"


class Drawing:
    """Draws numbers that doubles hold exactly: the same ones each time."""

    def __init__(self) -> None:
        self._random = random.Random(20240101)  # noqa: S311 - directions, no secrets

    def grid(self, shape: tuple[int, ...]) -> Grid:
        """Entries from 1/64 to 99/64 of either sign."""
        return grid(shape, (self._one() for _ in range(prod(shape))))

    def direction(self, shape: tuple[int, ...]) -> Grid:
        """A direction; where there is one entry only, 1."""
        return grid(shape, [Fraction(1)]) if prod(shape) == 1 else self.grid(shape)

    def _one(self) -> Fraction:
        return Fraction(self._random.randint(1, 99) * self._random.choice((-1, 1)), 64)


@dataclass(slots=True)
class Slopes:
    """The differences of one graph at one point, while there is work left; `at` is None where there never was."""

    graph: Graph
    witness: probe.ArrayProbe | None
    at: Mapping[str, Grid] | None
    drawing: Drawing
    single: bool  # whether each entry is moved by itself, too
    left: int = MOST_WORK
    refused: bool = False

    def local(
        self, target: str, source: str, weights: Grid, hidden: frozenset[int], *, bent: bool = False
    ) -> tuple[Sight, ...]:
        """The slopes on an edge; the source's entries in `hidden` have no value and stay where they are."""
        if self.witness is None or self.at is None:
            return ()
        cost = EVALUATIONS * self.witness.programs[target].cost
        found = []
        for rates, where in self.ways(source, hidden, bent=bent):
            if self._spend(cost):
                slope = self.witness.local_along(target, source, {source: rates}, weights, self.at)
                found.append(Sight(_floats(rates), slope, where, _scale(weights)))
        return tuple(found)

    def total(
        self, output: str, name: str, weights: Grid, hidden: frozenset[int], *, bent: bool = False
    ) -> tuple[Sight, ...]:
        """The slopes of the output by a name."""
        if self.witness is None or self.at is None:
            return ()
        cost = EVALUATIONS * self.cost(output, name)
        found = []
        for rates, where in self.ways(name, hidden, bent=bent):
            if self._spend(cost):
                slope = self.witness.along(output, {name: rates}, weights, self.at)
                found.append(Sight(_floats(rates), slope, where))
        return tuple(found)

    def joint(self, output: str, moved: tuple[str, ...], weights: Grid) -> Sight | None:
        """The slope when all these names move at once."""
        if self.witness is None or self.at is None:
            return None
        if not self._spend(EVALUATIONS * sum(program.cost for program in self.witness.programs.values())):
            return None
        rates = {name: self.drawing.grid(self.at[name].shape) for name in moved}
        slope = self.witness.along(output, rates, weights, self.at)
        return Sight(tuple(rate for name in moved for rate in _floats(rates[name])), slope)

    def cost(self, output: str, name: str) -> int:
        """The sums and products of one evaluation when a name moves."""
        programs = self.witness.programs if self.witness else {}
        return sum(programs[node].cost for node in self.graph.between(output, name) if node in programs)

    def ways(self, name: str, hidden: frozenset[int], *, bent: bool = False) -> list[tuple[Grid, str]]:
        """Directions of a name. On kinks all entries together, too: along it those that tie still do."""
        shape = self.at[name].shape if self.at else ()
        drawn = self.drawing.direction(shape)
        kept = [Fraction(0) if at in hidden else rate for at, rate in enumerate(drawn.items)]
        if not any(kept):
            return []
        found = [(Grid(shape, tuple(kept)), "")]
        if bent and len(kept) > 1:
            found.append((Grid(shape, tuple(Fraction(int(bool(rate))) for rate in kept)), ""))
        if self.single and len(kept) > 1:
            for at, place in enumerate(places(shape)):
                if at not in hidden:
                    unit = tuple(Fraction(int(at == other)) for other in range(len(kept)))
                    found.append((Grid(shape, unit), label("", place)))
        return found

    def _spend(self, cost: int) -> bool:
        enough = cost <= self.left
        if enough:
            self.left -= cost
        else:
            self.refused = True
        return enough


def compiled(graph: Graph, values: Mapping[str, Grid]) -> Slopes:
    """The differences of a concrete graph; without values where one evaluation is more work than there may be."""
    few = sum(len(values[leaf.name].items) for leaf in graph.inputs) <= FEW_ENTRIES
    drawing = Drawing()
    try:
        witness = probe.compile_arrays(graph)
    except UnsupportedError:
        return Slopes(graph, None, None, drawing, few, refused=True)
    cost = sum(program.cost for program in witness.programs.values())
    if 2 * cost > MOST_WORK:
        return Slopes(graph, None, None, drawing, few, refused=True)
    return Slopes(graph, witness, witness.values(values), drawing, few, MOST_WORK - cost)


def _floats(rates: Grid) -> tuple[float, ...]:
    return tuple(map(float, rates.items))


def _scale(weights: Grid) -> float:
    """What a slope is divided by: a number's own adjoint."""
    return float(weights.items[0]) if not weights.shape and weights.items[0] else 1.0
