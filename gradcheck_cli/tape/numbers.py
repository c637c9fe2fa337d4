"""The tape's rules for numbers: value and vector-Jacobian products of each elementwise primitive.

Arrays broadcast as NumPy's do; who walks the tape sums a VJP's result down to the shape of its operand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradcheck_cli.tape.arith import Array, product

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Rule:
    """`value(a, b, …)`, and one VJP an operand: `vjp(g, y, a, b, …)` with the adjoint g and the value y."""

    value: Callable[..., Array]
    vjps: tuple[Callable[..., Array], ...] | Callable[[int], tuple[Callable[..., Array], ...]] = ()

    def vjp(self, place: int, count: int) -> Callable[..., Array]:
        """The VJP of the operand at `place`, of `count`."""
        return self.row(count)[place]

    def row(self, count: int) -> tuple[Callable[..., Array], ...]:
        """The VJPs of all `count` operands."""
        return self.vjps(count) if callable(self.vjps) else self.vjps


_erf = np.vectorize(math.erf, otypes=[float])


def _sigmoid(a: Array) -> Array:
    small = np.exp(-np.abs(a))
    return np.where(a >= 0, 1 / (1 + small), small / (1 + small))


def _others(place: int) -> Callable[..., Array]:
    """d(a*b*c)/db: the product of the other factors."""
    return lambda g, _y, *x: product(g, *x[:place], *x[place + 1 :])


def _power(a: Array, b: Array) -> Array:
    return np.power(np.asarray(a, float), b)


def _power_base(g: Array, _y: Array, a: Array, b: Array) -> Array:
    slope = np.where(np.asarray(b) == 0, 0.0, b * _power(a, np.asarray(b) - 1))
    return g * slope


def _power_exponent(g: Array, y: Array, a: Array, _b: Array) -> Array:
    return g * np.where((np.asarray(a) == 0) & (y == 0), 0.0, y * np.log(a))


def _nothing(count: int) -> tuple[Callable[..., Array], ...]:
    """Piecewise constant: the adjoint stops here."""
    return tuple([lambda g, _y, *_x: 0.0 * g] * count)


# g: adjoint of the value, y: the value, a, b, c: the operands
RULES: dict[str, Rule] = {
    "add": Rule(lambda *x: sum(x[1:], start=x[0]), lambda n: tuple([lambda g, _y, *_x: g] * n)),  # d(a+b)/da = 1
    "neg": Rule(lambda a: -a, (lambda g, _y, _a: -g,)),
    "mul": Rule(product, lambda n: tuple(_others(place) for place in range(n))),  # d(ab)/da = b
    "div": Rule(lambda a, b: a / b, (lambda g, _y, _a, b: g / b, lambda g, y, _a, b: -g * y / b)),  # -a/b^2 = -y/b
    "pow": Rule(_power, (_power_base, _power_exponent)),  # b a^(b-1), a^b log a
    "gt": Rule(lambda a, b: np.greater(a, b) * 1.0, _nothing),
    "ge": Rule(lambda a, b: np.greater_equal(a, b) * 1.0, _nothing),
    "eq": Rule(lambda a, b: np.equal(a, b) * 1.0, _nothing),
    "pi": Rule(lambda: np.float64(np.pi)),
    "e": Rule(lambda: np.float64(np.e)),
    "exp": Rule(np.exp, (lambda g, y, _a: g * y,)),  # exp' = exp
    "log": Rule(np.log, (lambda g, _y, a: np.where(a > 0, g / a, np.nan),)),  # log' = 1/a
    "sin": Rule(np.sin, (lambda g, _y, a: g * np.cos(a),)),
    "cos": Rule(np.cos, (lambda g, _y, a: -g * np.sin(a),)),
    "asin": Rule(np.arcsin, (lambda g, _y, a: g / np.sqrt((1 - a) * (1 + a)),)),  # 1/sqrt(1 - a^2)
    "atan": Rule(np.arctan, (lambda g, _y, a: g / (1 + a * a),)),
    "sinh": Rule(np.sinh, (lambda g, _y, a: g * np.cosh(a),)),
    "cosh": Rule(np.cosh, (lambda g, _y, a: g * np.sinh(a),)),
    "tanh": Rule(np.tanh, (lambda g, y, _a: g * (1 - y) * (1 + y),)),  # 1 - y^2
    "erf": Rule(_erf, (lambda g, _y, a: g * (2 / np.sqrt(np.pi)) * np.exp(-a * a),)),
    "sigmoid": Rule(_sigmoid, (lambda g, y, a: g * y * _sigmoid(-a),)),  # y (1 - y)
    "relu": Rule(lambda a: np.maximum(a, 0.0), (lambda g, _y, a: g * (a > 0),)),  # 0 at the kink
    "softplus": Rule(lambda a: np.logaddexp(0.0, a), (lambda g, _y, a: g * _sigmoid(a),)),
    "abs": Rule(np.abs, (lambda g, _y, a: g * np.sign(a),)),
    "sign": Rule(np.sign, _nothing),
    "step": Rule(lambda a: np.greater(a, 0) * 1.0, _nothing),
    "floor": Rule(np.floor, _nothing),
    # a tie goes to the first
    "maximum": Rule(np.maximum, (lambda g, _y, a, b: g * (a >= b), lambda g, _y, a, b: g * (b > a))),
    "minimum": Rule(np.minimum, (lambda g, _y, a, b: g * (a <= b), lambda g, _y, a, b: g * (b < a))),
    "where": Rule(
        lambda c, a, b: np.where(np.asarray(c) != 0, a, b),
        (
            lambda g, _y, _c, _a, _b: 0.0 * g,
            lambda g, _y, c, _a, _b: np.where(np.asarray(c) != 0, g, 0.0),
            lambda g, _y, c, _a, _b: np.where(np.asarray(c) != 0, 0.0, g),
        ),
    ),
}
