"""Between which bounds an expression lies for all inputs: coarse, but certain.

A kink whose argument keeps one sign needs no point on its other side: |exp(x)|, relu(sigmoid(z)), |1 - p|.
Bounds are fractions or infinite floats; both ends belong to the range. Letters: x, y, c are ranges of arguments.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import ceil, floor, inf
from typing import TYPE_CHECKING

from gradcheck_cli.symbolic.evaluate import outer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gradcheck_cli.symbolic.evaluate import Plan

Bound = Fraction | float
Range = tuple[Bound, Bound]

REAL: Range = (-inf, inf)
_ZERO, _ONE = Fraction(0), Fraction(1)
_UNIT: Range = (_ZERO, _ONE)
_MOST_BITS = 128  # of a bound; a longer one is moved outwards to a whole number or to infinity
_KINDS: dict[str, Range] = {
    "positive": (_ZERO, inf),
    "nonnegative": (_ZERO, inf),
    "binary": _UNIT,
    "probability": _UNIT,
    "sign": (-_ONE, _ONE),
}


def kind_range(kind: str) -> Range:
    """The range of an input of a kind."""
    return _KINDS.get(kind, REAL)


def ranges(plan: Plan, names: Mapping[str, Range]) -> list[Range]:
    """The range of every slot of a plan, wherever it is defined."""
    found: list[Range] = [REAL] * plan.count
    exact: dict[int, Fraction] = {}
    for slot, literal in plan.literals:
        value = outer(literal)
        if isinstance(value, Fraction):
            exact[slot] = value
            found[slot] = (value, value)
    for slot, name in plan.names:
        found[slot] = names[name]
    for slot, function, arguments in plan.steps:
        operands = [found[argument] for argument in arguments]
        if function == "mul":
            value_range = _mul(arguments, found)
        elif function == "neg" and arguments[0] in exact:
            exact[slot] = -exact[arguments[0]]
            value_range = (exact[slot], exact[slot])
        elif function == "pow":
            value_range = _pow(operands[0], exact.get(arguments[1]))
        else:
            value_range = RANGES[function](*operands)
        found[slot] = (_outwards(value_range[0], floor, -inf), _outwards(value_range[1], ceil, inf))
    return found


def _outwards(bound: Bound, whole: Callable[[Fraction], int], end: float) -> Bound:
    if not isinstance(bound, Fraction) or bound.numerator.bit_length() + bound.denominator.bit_length() <= _MOST_BITS:
        return bound
    rounded = whole(bound)
    return Fraction(rounded) if rounded.bit_length() <= _MOST_BITS else end if (end > 0) == (rounded > 0) else _ZERO


def _times(x: Bound, y: Bound) -> Bound:
    return _ZERO if not x or not y else x * y


def _product(x: Range, y: Range) -> Range:
    corners = [_times(first, second) for first in x for second in y]
    return min(corners), max(corners)


def _mul(arguments: tuple[int, ...], found: list[Range]) -> Range:
    """A factor that stands there twice is a square."""
    result: Range = (_ONE, _ONE)
    for slot, times in Counter(arguments).items():
        result = _product(result, _pow(found[slot], Fraction(times)))
    return result


def _pow(x: Range, exponent: Fraction | None) -> Range:
    if exponent == 1:
        return x
    if exponent is None or exponent.denominator != 1:
        return (_ZERO, inf) if x[0] >= 0 or (exponent and exponent.denominator % 2 == 0) else REAL
    if exponent <= 0:
        return (_ZERO, inf) if exponent % 2 == 0 or x[0] >= 0 else REAL
    inside = max(-x[0], x[1]) <= 1
    if exponent % 2 == 0 or x[0] >= 0:
        return (_ZERO, _ONE if inside else inf)
    return (-_ONE, _ONE) if inside else (-inf, _ZERO) if x[1] <= 0 else REAL


def _div(x: Range, y: Range) -> Range:
    if y[0] < 0 < y[1] or y[0] == y[1] == 0:
        return REAL
    if y[1] <= 0:
        return _div((-x[1], -x[0]), (-y[1], -y[0]))
    low = 1 / y[1] if y[1] != inf else _ZERO
    high = 1 / y[0] if y[0] else inf
    return _product(x, (low, high))


def _odd(most: int | float) -> Callable[[Range], Range]:
    """A function that keeps its argument's sign, not larger than `most`."""
    bound: Bound = Fraction(most) if most != inf else inf
    return lambda x: (_ZERO if x[0] >= 0 else -bound, _ZERO if x[1] <= 0 else bound)


def _floor(x: Range) -> Range:
    low = x[0] if x[0] == -inf else Fraction(floor(x[0]))
    return low, x[1]


RANGES: dict[str, Callable[..., Range]] = {
    "add": lambda *x: (sum((low for low, _ in x), _ZERO), sum((high for _, high in x), _ZERO)),
    "neg": lambda x: (-x[1], -x[0]),
    "div": _div,
    "gt": lambda _x, _y: _UNIT,
    "ge": lambda _x, _y: _UNIT,
    "eq": lambda _x, _y: _UNIT,
    "pi": lambda: (Fraction(3), Fraction(4)),
    "e": lambda: (Fraction(2), Fraction(3)),
    "exp": lambda x: (_ONE if x[0] >= 0 else _ZERO, _ONE if x[1] <= 0 else inf),
    "log": lambda x: (_ZERO if x[0] >= 1 else -inf, _ZERO if x[1] <= 1 else inf),
    "sin": lambda _x: (-_ONE, _ONE),
    "cos": lambda _x: (-_ONE, _ONE),
    "asin": _odd(2),
    "atan": _odd(2),
    "sinh": _odd(inf),
    "cosh": lambda _x: (_ONE, inf),
    "tanh": _odd(1),
    "erf": _odd(1),
    "sigmoid": lambda x: (Fraction(1, 2) if x[0] >= 0 else _ZERO, Fraction(1, 2) if x[1] <= 0 else _ONE),
    "relu": lambda x: (max(x[0], _ZERO), max(x[1], _ZERO)),
    "softplus": lambda x: (max(x[0], _ZERO), _ONE if x[1] <= 0 else x[1] + 1),
    "abs": lambda x: (max(x[0], -x[1], _ZERO), max(-x[0], x[1])),
    "sign": _odd(1),
    "step": lambda _x: _UNIT,
    "floor": _floor,
    "maximum": lambda x, y: (max(x[0], y[0]), max(x[1], y[1])),
    "minimum": lambda x, y: (min(x[0], y[0]), min(x[1], y[1])),
    "where": lambda _c, x, y: (min(x[0], y[0]), max(x[1], y[1])),
}
