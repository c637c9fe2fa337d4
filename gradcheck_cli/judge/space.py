"""What two expressions are compared over: the inputs with what is known of them, the nodes, and points to look at.

Points are exact rationals, the same ones each time, and belong to a space, so that all answers to one problem share
them and what has been computed at them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.judge.ranges import Range, kind_range, ranges
from gradcheck_cli.symbolic.evaluate import Inner, Plan, inner, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from gradcheck_cli.expr import Expr

DENOMINATOR = 997  # a prime, so that no typed decimal is hit by chance
MOST_TRIES = 72
_BOXES = ((0, 1), (-1, 1), (0, 3), (-3, 3), (0, 8), (-8, 8))
_OUTWARD = 30
_MOST_LISTED = 6
DISCRETE = frozenset({"binary", "sign", "integer"})
_VALUES = {"binary": (Fraction(0), Fraction(1)), "sign": (Fraction(-1), Fraction(1))}


@dataclass(frozen=True, slots=True)
class Variable:
    """An input: what is known of its values, and the value it is given."""

    name: str
    kind: str = "real"
    given: Fraction | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """The inputs, and names computed from them in order: nodes and let names, in primitive functions.

    A space equals itself only: what is computed for it is kept as long as it is in use.
    """

    inputs: tuple[Variable, ...]
    definitions: tuple[tuple[str, Expr], ...] = ()


@dataclass(slots=True)
class Run:
    """What is known at one point and precision: names to values, and for each definition its kinks' values."""

    env: dict[str, Inner]
    kinks: dict[str, tuple[Inner, ...]] = field(default_factory=dict)


class Point:
    """Values of the inputs, and what was computed from them."""

    def __init__(self, values: dict[str, Fraction]) -> None:
        self.values = values
        self._runs: dict[tuple[int, bool], Run] = {}

    def run(self, scope: Reach, bits: int, *, absorb: bool = True) -> Run:
        """The names of a scope at this point."""
        run = self._runs.get((bits, absorb))
        if run is None:
            run = Run({name: inner(value) for name, value in self.values.items()})
            self._runs[bits, absorb] = run
        for name, steps in scope.definitions:
            if name not in run.kinks:
                values = steps.run(run.env, bits, absorb=absorb)
                run.env[name] = values[steps.outputs[0]]
                run.kinks[name] = tuple(values[slot] for slot in steps.kinks)
        return run

    def moved(self, name: str, value: Fraction) -> Point:
        """The point with another value of one input."""
        return Point({**self.values, name: value})


@dataclass(frozen=True, slots=True)
class Reach:
    """What some names depend on: inputs, and definitions in the order in which they are computed."""

    variables: tuple[Variable, ...]
    definitions: tuple[tuple[str, Plan], ...]

    def key(self, point: Point) -> tuple[Fraction, ...]:
        """What the point says about these names."""
        return tuple(point.values[variable.name] for variable in self.variables)

    def shown(self, point: Point) -> tuple[tuple[str, Fraction], ...]:
        """The values of the inputs as a reader wants them."""
        return tuple((variable.name, point.values[variable.name]) for variable in self.variables)


def reached(
    names: Iterable[str],
    given: Container[str],
    defined: Container[str],
    uses: Callable[[str], Iterable[str]],
) -> set[str]:
    """All names that some names depend on, themselves too; `uses` has what a definition depends on directly.

    Raises UnsupportedError for a name that is neither given nor defined.
    """
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if name in defined:
            waiting.extend(uses(name))
        elif name not in given:
            message = f'"{name}" has no value here'
            raise UnsupportedError(message)
    return found


@lru_cache(maxsize=64)
def samples(space: Space) -> Samples:
    """What has been computed for a space so far."""
    return Samples(space)


class Samples:
    """Plans and points of a space, made when they are first wanted.

    `far`       points found by moving outwards, which see branches that the others do not
    `hopeless`  sides of definitions' kinks that the search has not reached
    """

    def __init__(self, space: Space) -> None:
        self.variables = {variable.name: variable for variable in space.inputs}
        self.expressions = dict(space.definitions)
        self.order = {name: place for place, (name, _) in enumerate(space.definitions)}
        self.far: list[Point] = []
        self.hopeless: set[tuple[str, int, int]] = set()
        self._plans: dict[str, Plan] = {}
        self._ranges: dict[str, Range] = {}
        self._points: list[Point] = []
        self._coming = _draw_points(space.inputs)

    def plan(self, name: str) -> Plan:
        """The steps of a definition."""
        if name not in self._plans:
            self._plans[name] = plan((self.expressions[name],))
        return self._plans[name]

    def uses(self, name: str) -> tuple[str, ...]:
        """The names that a definition depends on directly."""
        return tuple(other for _, other in self.plan(name).names)

    def reach(self, names: Iterable[str]) -> Reach:
        """Everything that names depend on.

        Raises UnsupportedError for a name that the space does not have.
        """
        found = reached(names, self.variables, self.expressions, self.uses)
        defined = sorted((name for name in found if name in self.expressions), key=self.order.__getitem__)
        variables = tuple(variable for name, variable in self.variables.items() if name in found)
        return Reach(variables, tuple((name, self.plan(name)) for name in defined))

    def ranges(self, reach: Reach) -> dict[str, Range]:
        """Between which bounds each name of a scope lies, for all values that the kinds allow."""
        for variable in reach.variables:
            self._ranges.setdefault(variable.name, kind_range(variable.kind))
        for name, steps in reach.definitions:
            if name not in self._ranges:
                self._ranges[name] = ranges(steps, self._ranges)[steps.outputs[0]]
        return self._ranges

    def given(self, reach: Reach) -> Point | None:
        """The problem's own values, when all that matter are given."""
        if any(variable.given is None for variable in reach.variables):
            return None
        return Point({variable.name: variable.given for variable in reach.variables if variable.given is not None})

    def points(self, reach: Reach) -> Iterator[Point]:
        """Points that differ in what matters, the given values first; all there are where they can be listed."""
        seen: set[tuple[Fraction, ...]] = set()
        given = self.given(reach)
        if given is not None:
            seen.add(reach.key(given))
            yield given
        for point in _listed(reach.variables) if listable(reach) else self._drawn():
            key = reach.key(point)
            if key not in seen:
                seen.add(key)
                yield point

    def _drawn(self) -> Iterator[Point]:
        for place in range(MOST_TRIES):
            if place == len(self._points):
                self._points.append(next(self._coming))
            yield self._points[place]


def listable(reach: Reach) -> bool:
    """Whether the inputs have so few values that all their combinations can be looked at."""
    return len(reach.variables) <= _MOST_LISTED and all(variable.kind in _VALUES for variable in reach.variables)


def _listed(variables: tuple[Variable, ...]) -> Iterator[Point]:
    for values in product(*(_VALUES[variable.kind] for variable in variables)):
        yield Point({variable.name: value for variable, value in zip(variables, values, strict=True)})


def _draw_points(variables: tuple[Variable, ...]) -> Iterator[Point]:
    """Points from the boxes in turn, and every seventh near the given values, where the problem is at home."""
    draw = random.Random(1088)  # noqa: S311 - sample points, no secrets
    turns = len(_BOXES) + 1
    turn = 0
    while True:
        box = _BOXES[turn % turns] if turn % turns < len(_BOXES) else None
        yield Point({variable.name: _draw(variable, box, draw) for variable in variables})
        turn += 1


def _draw(variable: Variable, box: tuple[int, int] | None, draw: random.Random) -> Fraction:
    if box is None and variable.given is not None:
        near = variable.given + Fraction(draw.randint(-99, 99), DENOMINATOR)
        return near if allowed(variable.kind, near) else variable.given
    low, high = box or (0, 1)
    if variable.kind in _VALUES:
        return draw.choice(_VALUES[variable.kind])
    if variable.kind == "integer":
        return Fraction(draw.randint(min(low, -2), max(high, 3)))
    if variable.kind == "probability":
        low, high = 0, 1
    value = Fraction(draw.randint(low * DENOMINATOR + 1, high * DENOMINATOR - 1), DENOMINATOR)
    if variable.kind in ("positive", "nonnegative"):
        return abs(value) or Fraction(1)
    return value


def allowed(kind: str, value: Fraction) -> bool:
    """Whether an input of that kind may have the value."""
    match kind:
        case "binary" | "sign":
            return value in _VALUES[kind]
        case "integer":
            return value.denominator == 1
        case "positive":
            return value > 0
        case "nonnegative":
            return value >= 0
        case "probability":
            return 0 <= value <= 1
    return True


def outward(kind: str) -> Iterator[tuple[Fraction, ...]]:
    """Values farther and farther out, or nearer and nearer to the border of the kind."""
    if kind in _VALUES:
        yield _VALUES[kind]
        return
    if kind != "positive":
        yield (Fraction(0),)
    for power in range(_OUTWARD + 1):
        large, small = Fraction(2**power), Fraction(1, 2**power)
        match kind:
            case "positive" | "nonnegative":
                yield large, small
            case "probability":
                yield small, 1 - small
            case _:
                yield large, -large
