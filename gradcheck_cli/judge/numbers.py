"""Numbers as typed against exact values: right to the digits given, and arithmetic with rounded numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from flint import arb, ctx

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.symbolic.evaluate import exactly, inner, interval, outer, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gradcheck_cli.expr import Expr, Num
    from gradcheck_cli.symbolic.evaluate import Inner, Value

NumberVerdict = Literal["right", "truncated", "rounding", "wrong"]

BITS = 256
_NOTHING = Fraction(1, 2**100)  # what cancels leaves a ball around zero that is smaller than this
_NEAR = Fraction(1, 10)


def number_verdict(typed: Num, exact: Value, tolerance: Fraction | None = None) -> NumberVerdict:
    """Whether a number is right to the digits given.

    `right`      within half a unit of the last digit typed, one significant digit right: 0 is right for 0 only
    `truncated`  the value cut off after the last digit typed
    `rounding`   neither, but within two units of it and a tenth of the value; whole numbers are not nearly right
    With `tolerance` the distance alone counts. Raises UnsupportedError where there is no value.
    """
    if exact is None:
        message = "there is no value to compare with"
        raise UnsupportedError(message)
    bounds = interval(exact)
    if bounds is None:  # above 2^20000, where no number can be typed
        return "wrong"
    value = typed.value
    low, high = bounds
    if tolerance is not None:
        return "right" if low - tolerance <= value <= high + tolerance else "wrong"
    if value == 0 or low <= 0 <= high:
        zero = low <= 0 <= high and max(-low, high) <= _NOTHING
        return "right" if zero and value == 0 else "wrong"
    if low <= value <= high:
        return "right"
    if (value < 0) != (low < 0):
        return "wrong"
    size, (low, high) = abs(value), sorted((abs(low), abs(high)))
    unit = Fraction(0) if "/" in typed.text else Fraction(10) ** -places(typed.text)
    if low - unit / 2 <= size <= high + unit / 2:
        return "right"
    if size <= low < size + unit:
        return "truncated"
    slack = min(2 * unit, low * _NEAR)
    whole = "." not in typed.text and "e" not in typed.text.lower()
    return "rounding" if not whole and low - slack <= size <= high + slack else "wrong"


def places(text: str) -> int:
    """Decimal places of a number as typed: 0.20 has two, 1.5e-3 four, 3e2 minus two."""
    mantissa, _, exponent = text.lower().partition("e")
    return len(mantissa.partition(".")[2]) - int(exponent or 0)


def with_rounding(expr: Expr, exact_numbers: frozenset[Fraction], env: Mapping[str, Value] | None = None) -> Value:
    """All values that an expanded expression can have when its decimals were rounded or cut off, as one ball.

    A number with a point that is not among the exact ones stands for everything from half a unit of its last digit
    below it to a whole unit above; numbers without a point are exact. `interval` tells whether the truth is inside.
    Raises UnsupportedError for an operation without a rule and a name without a value.
    """
    steps = plan((expr,), rounding(exact_numbers))
    return outer(steps.run(env or {}, BITS)[steps.outputs[0]])


def rounding(exact_numbers: frozenset[Fraction]) -> Callable[[Num], Inner]:
    """What a decimal that is not among the exact ones may have been rounded or cut off from, as one ball."""

    def literal(number: Num) -> Inner:
        if "." not in number.text or abs(number.value) in exact_numbers:
            return exactly(number)
        unit = Fraction(10) ** -places(number.text)
        low = number.value - unit / 2 if number.value else -unit
        with ctx.workprec(BITS):
            return arb(inner(low)).union(arb(inner(number.value + unit)))

    return literal
