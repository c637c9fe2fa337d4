"""The probe of graphs that have arrays, at sizes in numbers: slopes along directions, weighted where they arrive.

For a target T, weights W and directions D the slope is that of sum(W*T) where every moved name x is x + t*D, at t = 0.
A gradient G of sum(W*T) is right when it is sum(G*D) for directions drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradcheck_cli.errors import ShapeError, UnsupportedError
from gradcheck_cli.grids import Grid
from gradcheck_cli.probe.differences import NOISE, SMALLEST, UNKNOWN, Slope, slope_of
from gradcheck_cli.probe.numbers import CONTEXT, ONE, Real, dot, real
from gradcheck_cli.probe.programs import ArrayProgram, compile_arrays_expr, scalar
from gradcheck_cli.shapes import at as in_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from gradcheck_cli.graph import Graph, Input

MOST_STEPS = 2_000_000  # sums and products of two numbers in one evaluation: a few seconds


@dataclass(frozen=True, slots=True)
class ArrayProbe:
    """A graph ready to be evaluated: a program for each node, in topological order. Every value is a grid."""

    graph: Graph
    programs: Mapping[str, ArrayProgram]

    def values(self, inputs: Mapping[str, Grid | Fraction]) -> dict[str, Grid]:
        """The values of all inputs, constants and nodes, by name; what `inputs` omits has its value in the graph.

        An entry that is not real or not finite is nan or infinite. Raises UnsupportedError where an input or
        constant has no value, ShapeError where it has another shape.
        """
        found: dict[str, Grid] = {}
        for part in (*self.graph.inputs, *self.graph.constants):
            found[part.name] = self._given(part, inputs.get(part.name)).map(real)
        for name, program in self.programs.items():
            found[name] = program.run(found)
        return found

    def along(self, target: str, directions: Mapping[str, Grid], weights: Grid, values: Mapping[str, Grid]) -> Slope:
        """The slope of sum(weights*target) where several inputs or nodes move at once, each along its direction.

        `values` is a result of `values()`; directions and weights are fractions. A node with a direction moves by
        itself, whatever it is computed from, and stays where it is where its direction is 0.
        """
        moved = {name for source in directions for name in self.graph.between(target, source)}
        order = [name for name in self.programs if name in moved and name not in directions]
        return self._measure(target, order, directions, weights, values)

    def local_along(
        self, target: str, source: str, directions: Mapping[str, Grid], weights: Grid, values: Mapping[str, Grid]
    ) -> Slope:
        """The same on one edge: in the target's own expression the source moves, every other name keeps its value."""
        order = [target] if target in self.programs and target != source else []
        return self._measure(target, order, {source: directions[source]}, weights, values)

    def _given(self, part: Input, value: Grid | Fraction | None) -> Grid:
        if value is None:
            value = part.entries if part.entries is not None else part.value
        if value is None:
            raise UnsupportedError(f'"{part.name}" has no value', hint="give it a number", span=part.span)
        return self._fitting(part.name, value if isinstance(value, Grid) else scalar(value), "value")

    def _fitting(self, name: str, given: Grid, what: str) -> Grid:
        """The grid itself, where it has the shape of what is named."""
        if name not in self.graph.by_name and what != "value":
            raise UnsupportedError(f'"{name}" is no input or node', hint="only these have derivatives")
        shape = in_numbers(self.graph.shapes.get(name, ()), {})
        if given.shape != shape:
            message = f'the {what} for "{name}" has shape {given.shape}, its own is {shape}'
            raise ShapeError(message, hint="give it an entry for each of its entries")
        return given

    def _measure(
        self,
        target: str,
        order: list[str],
        directions: Mapping[str, Grid],
        weights: Grid,
        values: Mapping[str, Grid],
    ) -> Slope:
        """The slope of sum(weights*target) when the nodes of `order`, and no others, follow what moves."""
        rates = {name: self._fitting(name, rate, "direction").map(real) for name, rate in directions.items()}
        shares = self._fitting(target, weights, "weights").map(real).items
        centre = dot(shares, values[target].items)
        if not CONTEXT.isfinite(centre):
            return UNKNOWN

        def value(distance: Real) -> Real:
            if not distance:
                return centre
            state = dict(values)
            for name, rate in rates.items():
                state[name] = _moved(values[name], rate, distance)
            for name in order:
                state[name] = self.programs[name].run(state)
            return dot(shares, state[target].items)

        sizes = [abs(item) for name in (*order, target, *rates) for item in values[name].items]
        largest = max((size for size in sizes if CONTEXT.isfinite(size)), default=ONE)
        noise = NOISE * largest * max(ONE, sum(map(abs, shares)))
        return slope_of(value, _scale(rates, values), noise)


def _moved(start: Grid, rate: Grid, distance: Real) -> Grid:
    moved = (item + speed * distance if speed else item for item, speed in zip(start.items, rate.items, strict=True))
    return Grid(start.shape, tuple(moved))


def _scale(rates: Mapping[str, Grid], values: Mapping[str, Grid]) -> Real:
    """The distance after which the first of the moved entries has moved by its own size."""
    pairs = [
        (abs(item) or ONE, abs(speed))
        for name, rate in rates.items()
        for item, speed in zip(values[name].items, rate.items, strict=True)
        if speed
    ]
    return min((max(size, SMALLEST) / speed for size, speed in pairs), default=ONE)


def compile_arrays(graph: Graph) -> ArrayProbe:
    """The probe of a graph in primitive functions whose sizes are numbers, as `lowering.at_sizes` makes it.

    Raises UnsupportedError where an expression has something that has no rule, or where one evaluation would be more
    than `MOST_STEPS` sums and products; ShapeError where operands do not fit.
    """
    names = [part.name for part in (*graph.inputs, *graph.constants)] + [node.name for node in graph.nodes]
    shapes = {name: graph.shapes.get(name, ()) for name in names}
    programs = {node.name: compile_arrays_expr(node.expr, shapes) for node in graph.nodes}
    cost = sum(program.cost for program in programs.values())
    if cost > MOST_STEPS:
        message = f"one evaluation would take the probe about {cost:,} sums and products, {MOST_STEPS:,} at most"
        raise UnsupportedError(message, hint="take smaller sizes")
    return ArrayProbe(graph, programs)
