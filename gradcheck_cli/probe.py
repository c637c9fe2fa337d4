"""The probe: derivatives as differences of forward values in 50-digit arithmetic. There is no derivative rule here.

A slope is taken from the left and from the right, each extrapolated from several step sizes; where they differ the
point sits on a kink. This file may import the expression, the graph and mpmath; never another witness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mpmath.ctx_mp import MPContext

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, Expr, Name, Num

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from fractions import Fraction

    from gradcheck_cli.graph import Graph

Number = Any  # mpmath's mpf

_mp = MPContext()  # a context of our own: mpmath's global precision is left alone
_mp.dps = 50
NAN, ZERO, ONE = _mp.nan, _mp.mpf(0), _mp.mpf(1)
_STEP = _mp.mpf(10) ** -15
_LARGEST_EXPONENT = 10**6
_LARGEST_ANGLE = _mp.mpf(10) ** 30
_KINK = _mp.mpf(10) ** -9


def _exp(x: Number) -> Number:
    if x > _LARGEST_EXPONENT:
        return _mp.inf
    return ZERO if x < -_LARGEST_EXPONENT else _mp.exp(x)


def _angle(function: Callable[[Number], Number]) -> Callable[[Number], Number]:
    return lambda x: function(x) if abs(x) < _LARGEST_ANGLE else NAN


def _power(x: Number, y: Number) -> Number:
    if y == 0:
        return ONE
    if x == 0:
        return ZERO if y > 0 else NAN
    whole = y == _mp.floor(y)
    if x < 0 and not whole:
        return NAN
    size = y * _mp.log(abs(x))
    if abs(size) > _LARGEST_EXPONENT:
        return _exp(size) if x > 0 else NAN
    if whole and abs(y) < 2**31:
        return x ** int(y)
    return _mp.exp(size) if x > 0 else NAN


def _product(*factors: Number) -> Number:
    """An exact zero absorbs an undefined factor beside it, as in 0*log(-3)."""
    if any(factor == 0 for factor in factors):
        return ZERO
    result = ONE
    for factor in factors:
        result *= factor
    return result


def _total(*terms: Number) -> Number:
    result = ZERO
    for term in terms:
        result += term
    return result


def _softplus(x: Number) -> Number:
    return x if x > 200 else _mp.log(1 + _exp(x))


def _sign(x: Number) -> Number:
    return NAN if _mp.isnan(x) else _mp.sign(x)


# x, y, c: arguments; a value that is not real is nan
RULES: dict[str, Callable[..., Number]] = {
    "add": _total,
    "neg": lambda x: -x,
    "mul": _product,
    "div": lambda x, y: x / y if y != 0 else NAN,
    "pow": _power,
    "gt": lambda x, y: ONE if x > y else ZERO,
    "ge": lambda x, y: ONE if x >= y else ZERO,
    "eq": lambda x, y: ONE if x == y else ZERO,
    "pi": lambda: +_mp.pi,
    "e": lambda: +_mp.e,
    "exp": _exp,
    "log": lambda x: _mp.log(x) if x > 0 else NAN,
    "sin": _angle(_mp.sin),
    "cos": _angle(_mp.cos),
    "asin": lambda x: _mp.asin(x) if abs(x) <= 1 else NAN,
    "atan": _mp.atan,
    "sinh": lambda x: (_exp(x) - _exp(-x)) / 2,
    "cosh": lambda x: (_exp(x) + _exp(-x)) / 2,
    "tanh": lambda x: _mp.tanh(x) if abs(x) < 200 else _mp.sign(x),
    "erf": lambda x: _mp.erf(x) if abs(x) < 20 else _mp.sign(x),
    "sigmoid": lambda x: 1 / (1 + _exp(-x)),
    "relu": lambda x: x if not x <= 0 else ZERO,
    "softplus": _softplus,
    "abs": abs,
    "sign": _sign,
    "step": lambda x: ONE if x > 0 else ZERO,
    "floor": lambda x: _mp.floor(x) if _mp.isfinite(x) else NAN,
    "maximum": lambda x, y: NAN if _mp.isnan(x + y) else max(x, y),
    "minimum": lambda x, y: NAN if _mp.isnan(x + y) else min(x, y),
    "where": lambda c, x, y: x if c != 0 else y,
}


@dataclass(frozen=True, slots=True)
class Slope:
    """Slopes from both sides. `kink`: they differ; `jump`: the value itself does. Numbers are mpf, nan where undefined."""

    left: Number
    right: Number
    central: Number
    kink: bool
    jump: bool


Code = tuple[tuple[str, tuple[int, ...], Number | str | None], ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """A graph whose nodes are flattened for evaluation; a node's code is run in a loop."""

    graph: Graph
    codes: Mapping[str, Code]

    def values(self, inputs: Mapping[str, Fraction]) -> dict[str, Number]:
        """The values of inputs, constants and nodes."""
        found = {name: number(value) for name, value in inputs.items()}
        for node in self.graph.nodes:
            found[node.name] = _run(self.codes[node.name], found)
        return found

    def slope(self, target: str, source: str, values: Mapping[str, Number]) -> Slope:
        """The total derivative of `target` by `source`: only the nodes between them are computed again."""
        between = [name for name in self.graph.between(target, source) if name != source and name in self.codes]

        def moved(shift: Number) -> Number:
            changed = dict(values)
            changed[source] = values[source] + shift
            for name in between:
                changed[name] = _run(self.codes[name], changed)
            return changed[target]

        return _slopes(moved, values[source])

    def local(self, target: str, source: str, values: Mapping[str, Number]) -> Slope:
        """The partial derivative on the edge source -> target, its other inputs fixed."""
        code = self.codes[target]

        def moved(shift: Number) -> Number:
            changed = dict(values)
            changed[source] = values[source] + shift
            return _run(code, changed)

        return _slopes(moved, values[source])

    def along(self, output: str, directions: Mapping[str, Fraction], values: Mapping[str, Number]) -> Slope:
        """The derivative of `output` when several inputs move at once, each by its part of the direction."""
        ways = {name: number(part) for name, part in directions.items()}

        def moved(shift: Number) -> Number:
            changed = dict(values)
            for name, part in ways.items():
                changed[name] = values[name] + shift * part
            for node in self.graph.nodes:
                changed[node.name] = _run(self.codes[node.name], changed)
            return changed[output]

        return _slopes(moved, ONE)


def _slopes(moved: Callable[[Number], Number], at: Number) -> Slope:
    """Left, right and central slope at shift 0, extrapolated from the steps h and h/2."""
    step = _STEP * max(ONE, abs(at)) if _mp.isfinite(at) else _STEP
    here = moved(ZERO)
    if not _mp.isfinite(here):
        return Slope(NAN, NAN, NAN, kink=False, jump=False)
    right_1, right_2 = moved(step), moved(step / 2)
    left_1, left_2 = moved(-step), moved(-step / 2)
    # one-sided: 2 f'(h/2) - f'(h) has an error of order h^2; central: of order h^4
    right = 2 * (right_2 - here) / (step / 2) - (right_1 - here) / step
    left = 2 * (here - left_2) / (step / 2) - (here - left_1) / step
    central = (4 * (right_2 - left_2) / step - (right_1 - left_1) / (2 * step)) / 3
    scale = max(ONE, abs(left), abs(right)) if _mp.isfinite(left + right) else ONE
    steepest = max(abs(right_1 - here), abs(left_1 - here))
    jump = bool(_mp.isfinite(steepest) and steepest > _KINK * max(ONE, abs(here)) and _grows(moved, here, step))
    kink = bool(not jump and _mp.isfinite(left + right) and abs(left - right) > _KINK * scale)
    return Slope(left, right, central, kink, jump)


def _grows(moved: Callable[[Number], Number], here: Number, step: Number) -> bool:
    """Whether the change stays when the step shrinks: then the value jumps."""
    tiny = step * _mp.mpf(10) ** -12
    wide = max(abs(moved(step) - here), abs(moved(-step) - here))
    close = max(abs(moved(tiny) - here), abs(moved(-tiny) - here))
    return bool(close > wide / 1000)


def number(value: Fraction) -> Number:
    """An exact number in 50 digits."""
    return _mp.mpf(value.numerator) / value.denominator


def as_float(value: Number) -> float:
    """The nearest double; nan and inf stay what they are."""
    return float(value)


def compile_graph(graph: Graph) -> Probe:
    """The graph with each node's expression flattened."""
    return Probe(graph, {node.name: _code(expand(node.expr)) for node in graph.nodes})


def _code(expr: Expr) -> Code:
    steps: list[tuple[str, tuple[int, ...], Number | str | None]] = []
    known: dict[Expr, int] = {}
    _flatten(expr, steps, known)
    return tuple(steps)


def _flatten(expr: Expr, steps: list[tuple[str, tuple[int, ...], Number | str | None]], known: dict[Expr, int]) -> int:
    if expr in known:
        return known[expr]
    if isinstance(expr, Name):
        steps.append(("name", (), expr.id))
    elif isinstance(expr, Num):
        steps.append(("number", (), number(expr.value)))
    elif isinstance(expr, Call) and expr.function in RULES:
        operands = tuple(_flatten(arg, steps, known) for arg in expr.args)
        steps.append((expr.function, operands, None))
    else:
        what = expr.function if isinstance(expr, Call) else type(expr).__name__
        message = f"{what} cannot be probed"
        raise UnsupportedError(message, hint="write it with functions of the table")
    known[expr] = len(steps) - 1
    return known[expr]


def _run(code: Code, values: Mapping[str, Number]) -> Number:
    found: list[Number] = []
    for function, operands, content in code:
        if function == "name":
            found.append(values[content])  # type: ignore[index]
        elif function == "number":
            found.append(content)
        else:
            found.append(RULES[function](*(found[at] for at in operands)))
    return found[-1]
