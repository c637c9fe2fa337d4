"""The value of each primitive: exact on `fmpq`, in ball arithmetic on `arb` at flint's current precision.

A row returns None, or a ball that is not finite, where the function is undefined or a ball leaves that open.
A ball across a bend (relu, abs, maximum, minimum) gives the ball of both branches, across a jump None.

Letters: x, y, c are arguments of a function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flint import arb, fmpq, fmpz

if TYPE_CHECKING:
    from collections.abc import Callable

Inner = Any  # fmpq, arb or None: what a number is inside a run

MOST_BITS = 4096  # of an exact number; a larger one becomes a ball
FEWEST_BITS = 512  # so many are always kept
MANY = 16
MOST_EXPONENT = 64

ZERO, ONE = fmpq(0), fmpq(1)


def bounded(x: fmpq, bits: int = MOST_BITS) -> Inner:
    """The number as it stands, or its ball where it has more bits."""
    return x if x.height_bits() <= bits else arb(x)


def _add(*terms: Inner) -> Inner:
    bits = MOST_BITS if len(terms) <= MANY else FEWEST_BITS
    exact = ZERO
    balls: Inner = ZERO
    for term in terms:
        if isinstance(term, fmpq):
            exact += term
            if exact.height_bits() > bits:
                exact, balls = ZERO, balls + arb(exact)
        else:
            balls = balls + term
    return exact if isinstance(balls, fmpq) else balls + exact


def _mul(*factors: Inner) -> Inner:
    """An exact zero absorbs whatever stands beside it, as y = 0 does in y*log(p)."""
    bits = MOST_BITS if len(factors) <= MANY else FEWEST_BITS
    exact, undefined = ONE, False
    balls: Inner = ONE
    for factor in factors:
        if factor is None:
            undefined = True
        elif isinstance(factor, fmpq):
            exact *= factor
            if not exact:
                return ZERO
            if exact.height_bits() > bits:
                exact, balls = ONE, balls * arb(exact)
        else:
            balls = balls * factor
    if undefined:
        return None
    return exact if isinstance(balls, fmpq) else balls * exact


def _div(x: Inner, y: Inner) -> Inner:
    if isinstance(y, fmpq) and not y:
        return None
    return x / y


def _pow(x: Inner, y: Inner) -> Inner:
    """Real powers only: undefined for a negative x unless y is an integer. 0^0 is 1."""
    if isinstance(y, fmpq) and y.q == 1:
        return _integer_power(x, int(y.p))
    if isinstance(x, fmpq) and x <= 0:
        return ZERO if not x and y > 0 else None
    if not isinstance(y, fmpq):
        return arb(x) ** y
    root = _exact_root(x, int(y.q)) if isinstance(x, fmpq) and y.q <= MOST_EXPONENT else None
    if root is not None:
        return _integer_power(root, int(y.p))
    return arb(x).sqrt() ** y.p if y.q == 2 else arb(x) ** arb(y)


def _integer_power(x: Inner, n: int) -> Inner:
    if n < 0 and isinstance(x, fmpq) and not x:
        return None
    if isinstance(x, fmpq) and x.height_bits() <= 1 and (x != 0 or n != 0):
        return x if n % 2 or not x else ONE
    if isinstance(x, fmpq) and abs(n) <= MOST_EXPONENT and x.height_bits() * abs(n) <= MOST_BITS:
        return x**n
    return arb(x) ** fmpz(n)


def _exact_root(x: fmpq, n: int) -> fmpq | None:
    top, bottom = x.p.root(n), x.q.root(n)
    return fmpq(top, bottom) if top**n == x.p and bottom**n == x.q else None


def sign_of(x: Inner) -> int | None:
    """-1, 0 or 1; None where a ball leaves it open."""
    if x is None:
        return None
    if x > 0:
        return 1
    if x < 0:
        return -1
    return 0 if isinstance(x, fmpq) or x.is_zero() else None


def _jump(negative: int, zero: int, positive: int) -> Callable[[Inner], Inner]:
    values = {-1: fmpq(negative), 0: fmpq(zero), 1: fmpq(positive), None: None}
    return lambda x: values[sign_of(x)]


def _smooth(method: Callable[[arb], arb], at: int, value: int | fmpq) -> Callable[[Inner], Inner]:
    """A function of arb that is rational at one rational point."""
    point, exact = fmpq(at), fmpq(value)
    return lambda x: exact if isinstance(x, fmpq) and x == point else method(arb(x))


def _sigmoid(x: arb) -> arb:
    value = 1 / (1 + (-x).exp())
    return x.exp() if not value.is_finite() and x < 0 else value


def _softplus(x: Inner) -> Inner:
    x = arb(x)
    return x + (-x).exp().log1p() if x > 0 else x.exp().log1p()


def _log(x: Inner) -> Inner:
    if isinstance(x, fmpq):
        return ZERO if x == ONE else arb(x).log() if x > 0 else None
    return x.log()


def _abs(x: Inner) -> Inner:
    return abs(x)


def _maximum(x: Inner, y: Inner) -> Inner:
    if isinstance(x, fmpq) and isinstance(y, fmpq):
        return max(x, y)
    return arb(x).max(arb(y))


def _minimum(x: Inner, y: Inner) -> Inner:
    return -_maximum(-x, -y)


def _floor(x: Inner) -> Inner:
    if isinstance(x, fmpq):
        return fmpq(x.floor())
    whole = x.floor().unique_fmpz() if abs(x) < fmpz(2) ** MOST_BITS else None
    return None if whole is None else fmpq(whole)


def _where(c: Inner, x: Inner, y: Inner) -> Inner:
    sign = sign_of(c)
    return None if sign is None else y if sign == 0 else x


_greater, _at_least, _same = _jump(0, 0, 1), _jump(0, 1, 1), _jump(0, 1, 0)

RULES: dict[str, Callable[..., Inner]] = {
    "add": _add,
    "neg": lambda x: -x,
    "mul": _mul,
    "div": _div,
    "pow": _pow,
    "gt": lambda x, y: _greater(x - y),
    "ge": lambda x, y: _at_least(x - y),
    "eq": lambda x, y: _same(x - y),
    "pi": arb.pi,
    "e": arb.const_e,
    "exp": _smooth(arb.exp, 0, 1),
    "log": _log,
    "sin": _smooth(arb.sin, 0, 0),
    "cos": _smooth(arb.cos, 0, 1),
    "asin": _smooth(arb.asin, 0, 0),
    "atan": _smooth(arb.atan, 0, 0),
    "sinh": _smooth(arb.sinh, 0, 0),
    "cosh": _smooth(arb.cosh, 0, 1),
    "tanh": _smooth(arb.tanh, 0, 0),
    "erf": _smooth(arb.erf, 0, 0),
    "sigmoid": _smooth(_sigmoid, 0, fmpq(1, 2)),
    "relu": lambda x: _maximum(x, ZERO),
    "softplus": _softplus,
    "abs": _abs,
    "sign": _jump(-1, 0, 1),
    "step": _jump(0, 0, 1),
    "floor": _floor,
    "maximum": _maximum,
    "minimum": _minimum,
    "where": _where,
}
CHOOSING = frozenset({"where"})  # rows that take undefined arguments
ABSORBING = CHOOSING | {"mul"}
