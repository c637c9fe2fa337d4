"""The probe's own forward rule of each function of single numbers: one row a primitive, nan for "no real value"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.probe.numbers import CONTEXT, INF, NAN, ONE, TIE, ZERO, Real, bounded, tied, whole

if TYPE_CHECKING:
    from collections.abc import Callable

# Bounds on time: beyond them a value is infinite, 0 or not known.
LARGEST_EXPONENT = 10**6
LARGEST_ANGLE = CONTEXT.mpf(10) ** 30  # of a larger one no digit is left
SATURATED = 1000  # tanh and erf have reached their limits, to all digits, long before


def _add(*terms: Real) -> Real:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return tied(total, max(map(CONTEXT.mag, terms)))


def multiply(*factors: Real) -> Real:
    """A factor 0 wins over an infinite or unknown one: (1 - y)*log(1 - p) is 0 at y = 1 for every p."""
    product = ONE
    for factor in factors:
        if not factor:
            return ZERO
        product = product * factor
    return bounded(product)


def exp(x: Real) -> Real:
    """0 or infinite where the exponent is beyond all bounds."""
    if x > LARGEST_EXPONENT:
        return INF
    return ZERO if x < -LARGEST_EXPONENT else CONTEXT.exp(x)


def log(x: Real) -> Real:
    """The logarithm; nan of a negative number."""
    if x > 0:
        return tied(CONTEXT.log(x), 0)
    return NAN if x else -INF


def _pow(x: Real, y: Real) -> Real:
    y = whole(y)
    if CONTEXT.isnan(x) or not y:
        return x if CONTEXT.isnan(x) else ONE
    if not x:
        return ZERO if y > 0 else NAN
    integer = CONTEXT.isint(y)
    if x < 0 and not integer:
        return NAN
    if abs(x) < INF and abs(y) < 1000:
        return bounded(x ** int(y) if integer else x**y)
    size = exp(y * log(abs(x)))
    return -size if x < 0 and y % 2 else size


def _asin(x: Real) -> Real:
    if abs(x) <= 1:
        return CONTEXT.asin(x)
    return CONTEXT.asin(_sign(x)) if abs(x) - 1 < TIE else NAN


def _within(bound: Real, function: Callable[[Real], Real], x: Real, beyond: Real) -> Real:
    return beyond if abs(x) > bound else function(x)


def _sigmoid(x: Real) -> Real:
    small = exp(-abs(x))
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
    "mul": multiply,
    "div": lambda x, y: bounded(x / y) if y else NAN,
    "pow": _pow,
    "gt": lambda x, y: _relu(_sign(_add(x, -y))),
    "ge": lambda x, y: 1 - _relu(_sign(_add(y, -x))),
    "eq": lambda x, y: 1 - abs(_sign(_add(x, -y))),
    "pi": lambda: +CONTEXT.pi,
    "e": lambda: +CONTEXT.e,
    "exp": exp,
    "log": log,
    "sin": lambda x: tied(_within(LARGEST_ANGLE, CONTEXT.sin, x, NAN), CONTEXT.mag(x)),
    "cos": lambda x: tied(_within(LARGEST_ANGLE, CONTEXT.cos, x, NAN), max(0, CONTEXT.mag(x))),
    "asin": _asin,
    "atan": CONTEXT.atan,
    "sinh": lambda x: _within(LARGEST_EXPONENT, CONTEXT.sinh, x, x * INF),
    "cosh": lambda x: _within(LARGEST_EXPONENT, CONTEXT.cosh, x, abs(x) * INF),
    "tanh": lambda x: _within(SATURATED, CONTEXT.tanh, x, _sign(x)),
    "erf": lambda x: _within(SATURATED, CONTEXT.erf, x, _sign(x)),
    "sigmoid": _sigmoid,
    "relu": _relu,
    "softplus": lambda x: _relu(x) + CONTEXT.log1p(exp(-abs(x))),
    "abs": abs,
    "sign": _sign,
    "step": lambda x: _relu(_sign(x)),
    "floor": lambda x: CONTEXT.floor(whole(x)),
    "maximum": lambda x, y: _extreme(max, x, y),
    "minimum": lambda x, y: _extreme(min, x, y),
    "where": lambda c, x, y: c if CONTEXT.isnan(c) else x if c else y,
}
