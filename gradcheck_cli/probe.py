"""The witness by differences: values to 50 digits, slopes from both sides, and no derivative rule at all.

It may import the expressions, the functions' names, the graph and mpmath, and none of the other witnesses. Powers of ten that have to stay in this order:

    1e-80   rounding: 30 guard digits beside the 50 that are promised
    1e-60   a tie: what cancels to less than this part of its terms is 0, so that 3*0.1 - 0.3 stands on the kink
    1e-28   the narrow step, taken where the wide one found anything but a smooth function
    1e-16   the wide step, relative to the value that is moved

A difference quotient over steps h and h/2 is extrapolated to 0 (Richardson): 2*D(h/2) - D(h) for one side,
(4*C(h/2) - C(h))/3 for the mean of both. For a smooth function what is left is of order h^2 and h^4.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import mpmath

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, Expr, Name, Num, children

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gradcheck_cli.graph import Graph

Real = Any  # an mpf of CONTEXT; mpmath has no types
DIGITS, GUARD = 50, 30
CONTEXT = mpmath.MPContext()  # its own precision: mpmath.mp belongs to whoever else uses mpmath
CONTEXT.dps = DIGITS + GUARD
ZERO, ONE = CONTEXT.mpf(0), CONTEXT.mpf(1)
NAN, INF = CONTEXT.nan, CONTEXT.inf
TIE, TIE_BITS = CONTEXT.mpf(10) ** -60, 200
WIDE = CONTEXT.mpf(10) ** -16
NARROW = CONTEXT.mpf(10) ** -28
SMALLEST = CONTEXT.mpf(10) ** -40  # a value below this is moved as if it were this large
NOISE = CONTEXT.mpf(10) ** -76  # rounding within one evaluation, relative to the largest value on the way
DOUBLED = CONTEXT.mpf("1.95")
STEADY = CONTEXT.mpf(10) ** -4  # how far the quotients of two steps may differ where the slope exists
# Bounds on time: beyond them a value is infinite, 0 or not known.
LARGEST_EXPONENT = 10**6
LARGEST_ANGLE = CONTEXT.mpf(10) ** 30  # of a larger one no digit is left
LARGEST_BITS = 4_000_000
SATURATED = 1000  # tanh and erf have reached their limits, to all digits, long before


# -- forward values: x, y are the arguments; nan stands for "no real value"


def _bounded(value: Real) -> Real:
    """The value, or what it is as good as: 0 or an infinity."""
    if not value or not CONTEXT.isfinite(value):
        return value
    bits = CONTEXT.mag(value)
    if bits > LARGEST_BITS:
        return INF if value > 0 else -INF
    return ZERO if bits < -LARGEST_BITS else value


def _tied(value: Real, bits: Real) -> Real:
    """0 where the value is only the rounding of terms of size 2^bits, else the value."""
    return ZERO if CONTEXT.mag(value) < bits - TIE_BITS else value


def _whole(x: Real) -> Real:
    """The integer that x is but for rounding, else x."""
    if not CONTEXT.isfinite(x):
        return x
    nearest = CONTEXT.nint(x)
    return nearest if abs(x - nearest) <= TIE * abs(x) else x


def _add(*terms: Real) -> Real:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return _tied(total, max(map(CONTEXT.mag, terms)))


def _mul(*factors: Real) -> Real:
    """A factor 0 wins over an infinite or unknown one: (1 - y)*log(1 - p) is 0 at y = 1 for every p."""
    product = ONE
    for factor in factors:
        if not factor:
            return ZERO
        product = product * factor
    return _bounded(product)


def _exp(x: Real) -> Real:
    if x > LARGEST_EXPONENT:
        return INF
    return ZERO if x < -LARGEST_EXPONENT else CONTEXT.exp(x)


def _log(x: Real) -> Real:
    if x > 0:
        return _tied(CONTEXT.log(x), 0)
    return NAN if x else -INF


def _pow(x: Real, y: Real) -> Real:
    y = _whole(y)
    if CONTEXT.isnan(x) or not y:
        return x if CONTEXT.isnan(x) else ONE
    if not x:
        return ZERO if y > 0 else NAN
    whole = CONTEXT.isint(y)
    if x < 0 and not whole:
        return NAN
    if abs(x) < INF and abs(y) < 1000:
        return _bounded(x ** int(y) if whole else x**y)
    size = _exp(y * _log(abs(x)))
    return -size if x < 0 and y % 2 else size


def _asin(x: Real) -> Real:
    if abs(x) <= 1:
        return CONTEXT.asin(x)
    return CONTEXT.asin(_sign(x)) if abs(x) - 1 < TIE else NAN


def _within(bound: Real, function: Callable[[Real], Real], x: Real, beyond: Real) -> Real:
    return beyond if abs(x) > bound else function(x)


def _sigmoid(x: Real) -> Real:
    small = _exp(-abs(x))
    return (small if x < 0 else ONE) / (1 + small)


def _relu(x: Real) -> Real:
    return ZERO if x < 0 else x


def _sign(x: Real) -> Real:
    return ONE if x > 0 else -ONE if x < 0 else x


def _extreme(choose: Callable[[Real, Real], Real], x: Real, y: Real) -> Real:
    return NAN if CONTEXT.isnan(x) or CONTEXT.isnan(y) else choose(x, y)


RULES: dict[str, Callable[..., Real]] = {
    "add": _add,
    "neg": lambda x: -x,
    "mul": _mul,
    "div": lambda x, y: _bounded(x / y) if y else NAN,
    "pow": _pow,
    "gt": lambda x, y: _relu(_sign(_add(x, -y))),
    "ge": lambda x, y: 1 - _relu(_sign(_add(y, -x))),
    "eq": lambda x, y: 1 - abs(_sign(_add(x, -y))),
    "pi": lambda: +CONTEXT.pi,
    "e": lambda: +CONTEXT.e,
    "exp": _exp,
    "log": _log,
    "sin": lambda x: _tied(_within(LARGEST_ANGLE, CONTEXT.sin, x, NAN), CONTEXT.mag(x)),
    "cos": lambda x: _tied(_within(LARGEST_ANGLE, CONTEXT.cos, x, NAN), max(0, CONTEXT.mag(x))),
    "asin": _asin,
    "atan": CONTEXT.atan,
    "sinh": lambda x: _within(LARGEST_EXPONENT, CONTEXT.sinh, x, x * INF),
    "cosh": lambda x: _within(LARGEST_EXPONENT, CONTEXT.cosh, x, abs(x) * INF),
    "tanh": lambda x: _within(SATURATED, CONTEXT.tanh, x, _sign(x)),
    "erf": lambda x: _within(SATURATED, CONTEXT.erf, x, _sign(x)),
    "sigmoid": _sigmoid,
    "relu": _relu,
    "softplus": lambda x: _relu(x) + CONTEXT.log1p(_exp(-abs(x))),
    "abs": abs,
    "sign": _sign,
    "step": lambda x: _relu(_sign(x)),
    "floor": lambda x: CONTEXT.floor(_whole(x)),
    "maximum": lambda x, y: _extreme(max, x, y),
    "minimum": lambda x, y: _extreme(min, x, y),
    "where": lambda c, x, y: c if CONTEXT.isnan(c) else x if c else y,
}


# -- evaluation


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
class Slope:
    """How fast a value changes with another one.

    `left`, `right`  one-sided slopes; infinite at a jump or a vertical tangent, nan where there is no real value
    `central`        the slope, good to about 30 digits; at a kink the mean of both sides
    `kink`           there is no one finite slope: the sides differ, or one is infinite or nan
    `jump`           the value itself is discontinuous here (then `kink` holds too)
    `error`          how far `central` may be off: truncation and rounding, rather too much than too little

    Where the value itself is not finite all numbers are nan, and neither flag is set: nothing is known.
    """

    left: Real
    right: Real
    central: Real
    kink: bool
    jump: bool
    error: Real


UNKNOWN = Slope(NAN, NAN, NAN, kink=False, jump=False, error=NAN)


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
        return _slope(at, scale, noise)


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


# -- differences


@dataclass(frozen=True, slots=True)
class Side:
    """The difference quotients on one side over a step and over half of it."""

    coarse: Real
    fine: Real
    noise: Real

    @property
    def steady(self) -> bool:
        """Whether the quotients stay where they are when the step shrinks: there is a slope."""
        allowed = STEADY * max(abs(self.coarse), abs(self.fine)) + self.noise
        return bool(abs(self.fine - self.coarse) <= allowed < INF)

    def grows(self, factor: Real = ONE) -> bool:
        """Whether they grow instead, as at a vertical tangent. At a jump half the step doubles them."""
        return bool(not self.steady and abs(self.fine) > factor * abs(self.coarse))

    @property
    def slope(self) -> Real:
        """The limit of the quotients."""
        return self.fine * INF if self.grows() else 2 * self.fine - self.coarse

    @property
    def error(self) -> Real:
        """How far `slope` may be off."""
        return (abs(self.fine - self.coarse) if self.steady else abs(self.coarse)) + self.noise


def _slope(at: Callable[[Real], Real], scale: Real, noise: Real) -> Slope:
    """The slope at 0 of a function that is finite there; steps are relative to `scale`."""
    left, right = _sides(at, scale * WIDE, noise)
    if not (left.steady and right.steady and _agree(left, right)):
        # a kink, or one that is only near, or a steep curve: closer by, the last two look smooth
        left, right = _sides(at, scale * NARROW, noise)
    if _agree(left, right):
        coarse, fine = (left.coarse + right.coarse) / 2, (left.fine + right.fine) / 2
        error = abs(fine - coarse) + left.noise
        return Slope(left.slope, right.slope, (4 * fine - coarse) / 3, kink=False, jump=False, error=error)
    jump = left.grows(DOUBLED) or right.grows(DOUBLED)
    mean = (left.slope + right.slope) / 2
    return Slope(left.slope, right.slope, mean, kink=True, jump=jump, error=left.error + right.error)


def _sides(at: Callable[[Real], Real], step: Real, noise: Real) -> tuple[Side, Side]:
    centre = at(ZERO)
    left, right = (
        Side((at(way) - centre) / way, (at(way / 2) - centre) * 2 / way, noise / step) for way in (-step, step)
    )
    return left, right


def _agree(left: Side, right: Side) -> bool:
    """Whether both slopes are finite and differ by no more than curvature and rounding explain."""
    return bool(abs(left.slope - right.slope) <= 4 * (left.error + right.error) < INF)


def real(value: Fraction) -> Real:
    """The exact number, rounded once."""
    return CONTEXT.mpf(value.numerator) / value.denominator


def as_float(value: Real) -> float:
    """The nearest float; beyond its range 0 or infinite."""
    return float(value)
