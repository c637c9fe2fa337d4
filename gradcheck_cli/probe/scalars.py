"""The probe of graphs whose values are numbers: a program for each node, run again where something moved."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, Expr, Name, Num, children
from gradcheck_cli.probe.differences import NOISE, SMALLEST, UNKNOWN, Slope, slope_of
from gradcheck_cli.probe.elementary import RULES
from gradcheck_cli.probe.numbers import CONTEXT, NAN, ONE, ZERO, Real, real

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gradcheck_cli.graph import Graph


@dataclass(frozen=True, slots=True)
class Program:
    """An expression laid flat: registers, some filled beforehand, some by name, and steps that fill the others."""

    registers: tuple[Real, ...]
    loads: tuple[tuple[int, str], ...]
    steps: tuple[tuple[Callable[..., Real], tuple[int, ...], int], ...]
    result: int

    def run(self, values: Mapping[str, Real]) -> Real:
        """The value of the expression where the names have these values."""
        registers = list(self.registers)
        for place, name in self.loads:
            registers[place] = values[name]
        for rule, arguments, place in self.steps:
            registers[place] = rule(*[registers[argument] for argument in arguments])
        return registers[self.result]


@dataclass(frozen=True, slots=True)
class Probe:
    """A graph ready to be evaluated: a program for each node, in topological order."""

    graph: Graph
    programs: Mapping[str, Program]

    def values(self, inputs: Mapping[str, Fraction]) -> dict[str, Real]:
        """The values of all inputs, constants and nodes, by name; what `inputs` omits has its value in the graph.

        A value that is not real or not finite is nan or infinite. Raises UnsupportedError where an input or
        constant has no value.
        """
        found: dict[str, Real] = {}
        for part in (*self.graph.inputs, *self.graph.constants):
            value = inputs.get(part.name, part.value)
            if value is None:
                raise UnsupportedError(f'"{part.name}" has no value', hint="give it a number", span=part.span)
            found[part.name] = real(value)
        for name, program in self.programs.items():
            found[name] = program.run(found)
        return found

    def slope(self, target: str, source: str, values: Mapping[str, Real]) -> Slope:
        """The total derivative of an input or node by another one, along all paths of the graph.

        `values` is a result of `values()`. A source that is a node moves by itself, whatever it is computed from.
        """
        return self.along(target, {source: Fraction(1)}, values)

    def along(self, output: str, directions: Mapping[str, Fraction], values: Mapping[str, Real]) -> Slope:
        """The derivative of `output` where several inputs or nodes move at once, each at its own rate."""
        moved = {name for source in directions for name in self.graph.between(output, source)}
        order = [name for name in self.programs if name in moved and name not in directions]
        return self._measure(output, order, directions, values)

    def local(self, target: str, source: str, values: Mapping[str, Real]) -> Slope:
        """The partial derivative of the target's own expression: every other name in it keeps its value."""
        order = [target] if target in self.programs and target != source else []
        return self._measure(target, order, {source: Fraction(1)}, values)

    def _measure(
        self, target: str, order: list[str], directions: Mapping[str, Fraction], values: Mapping[str, Real]
    ) -> Slope:
        """The slope of `target` when the nodes of `order`, and no others, follow what moves."""
        state = dict(values)
        rates = {name: real(rate) for name, rate in directions.items() if rate}

        def at(distance: Real) -> Real:
            for name, rate in rates.items():
                state[name] = values[name] + rate * distance
            for name in order:
                state[name] = self.programs[name].run(state)
            return state[target]

        if not CONTEXT.isfinite(at(ZERO)):
            return UNKNOWN
        starts = {name: abs(values[name]) or ONE for name in rates}
        scale = min((max(starts[name], SMALLEST) / abs(rates[name]) for name in rates), default=ONE)
        sizes = [abs(state[name]) for name in (*order, target, *rates)]
        noise = NOISE * max(size for size in sizes if CONTEXT.isfinite(size))
        return slope_of(at, scale, noise)


def compile_graph(graph: Graph) -> Probe:
    """The probe of a graph; the rules are those that stand in `RULES` now.

    Raises UnsupportedError where an expression has something that has no row there.
    """
    return Probe(graph, {node.name: compile_expr(expand(node.expr)) for node in graph.nodes})


def compile_expr(expr: Expr) -> Program:
    """The program of an expanded expression; what occurs twice is computed once."""
    places: dict[int, int] = {}  # by identity: to compare two shared trees would be to walk them again and again
    known: dict[object, int] = {}
    registers: list[Real] = []
    loads: list[tuple[int, str]] = []
    steps: list[tuple[Callable[..., Real], tuple[int, ...], int]] = []

    def place_of(part: Expr) -> int:
        if id(part) in places:
            return places[id(part)]
        arguments = tuple(place_of(below) for below in children(part))
        key = (part.function, arguments) if isinstance(part, Call) else part
        place = places[id(part)] = known.setdefault(key, len(registers))
        if place == len(registers):
            registers.append(real(part.value) if isinstance(part, Num) else NAN)
            if isinstance(part, Name):
                loads.append((place, part.id))
            elif not isinstance(part, Num):
                steps.append((_rule(part), arguments, place))
        return place

    result = place_of(expr)
    return Program(tuple(registers), tuple(loads), tuple(steps), result)


def _rule(part: Expr) -> Callable[..., Real]:
    if isinstance(part, Call) and part.function in RULES and not part.options:
        return RULES[part.function]
    what = f'"{part.function}"' if isinstance(part, Call) else "an entry or a sum"
    raise UnsupportedError(f"the probe has no rule for {what}", hint="use functions of single numbers", span=part.span)
