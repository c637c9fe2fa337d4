"""Numbers as they were typed, and answers that only say the question again."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Name, Num, children, mapped, number, walk, with_children
from gradcheck_cli.functions import QUERIES
from gradcheck_cli.symbolic.evaluate import interval

if TYPE_CHECKING:
    from gradcheck_cli.symbolic.evaluate import Value

TEN = 10
THOUSANDS = "the point read as one between thousands"
_GROUPED = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")
_FEWEST_DIGITS = 2  # of a fraction that is a decimal
_FEWEST_ZEROS, _MOST_ZEROS = 2, 60
_MOST_BITS = 8000  # of a number that is written out


def restates(expr: Expr, ask: Expr) -> bool:
    """Whether an expression only says again what is asked: d(a, x0) for d(a, x0), h1 for value(h1)."""
    if isinstance(ask, Call) and ask.function == "value":
        return expr == ask.args[0]
    if isinstance(ask, Name):
        return expr == ask
    if not isinstance(expr, Call) or not isinstance(ask, Call) or not is_query(expr):
        return False
    return (
        expr.args[:2] == ask.args[:2]
        and expr.function in QUERIES
        and ask.function in QUERIES
        and (expr.function == ask.function or (expr.function == "d" and ask.function == "local"))
    )


def is_query(call: Call) -> bool:
    """Whether step(…) is an update and no indicator; any other call of that kind is a query."""
    return call.function != "step" or len(call.args) == 2


def as_typed_number(expr: Expr) -> Num | None:
    """A number alone, signed, times a power of ten or over one, with its digits; any other fraction is arithmetic."""
    match expr:
        case Num():
            return None if "/" in expr.text else expr
        case Call(function="div", args=(top, bottom)):
            return _decimal_fraction(as_typed_number(top), bottom)
        case Call(function="neg", args=(inner,)):
            found = as_typed_number(inner)
            return Num(-found.value, "-" + found.text) if found and found.value >= 0 else None
        case Call(function="mul", args=(Num() as mantissa, Call(function="pow", args=(Num() as ten, exponent)))):
            power = as_typed_number(exponent)
            if ten.value == 10 and power and power.value.denominator == 1 and abs(power.value) <= 400:
                text = f"{mantissa.text}e{int(power.value)}"
                return Num(mantissa.value * Fraction(10) ** int(power.value), text)
    return None


def _decimal_fraction(top: Num | None, bottom: Expr) -> Num | None:
    """`1966/10000` and `1966/10^4` as 0.1966; None for a fraction of few digits, as 3/10, which may be meant exactly."""
    zeros = _zeros(bottom)
    if (
        top is None
        or "/" in top.text
        or significant(top) < _FEWEST_DIGITS
        or not _FEWEST_ZEROS <= zeros <= _MOST_ZEROS
        or "e" in top.text
    ):
        return None
    sign, digits = ("-", top.text[1:]) if top.text.startswith("-") else ("", top.text)
    whole, _, part = digits.partition(".")
    whole = whole.rjust(zeros + 1, "0")
    return Num(top.value / TEN**zeros, f"{sign}{whole[:-zeros]}.{whole[-zeros:]}{part}", top.span)


def _zeros(bottom: Expr) -> int:
    """How many zeros a power of ten has, written as 1000 or as 10^3; 0 for anything else."""
    match bottom:
        case Call(function="pow", args=(Num() as ten, Num() as exponent)) if ten.value == TEN:
            return int(exponent.value) if exponent.value.denominator == 1 and "/" not in exponent.text else 0
        case Num():
            return len(bottom.text) - 1 if bottom.text == "1" + "0" * (len(bottom.text) - 1) else 0
    return 0


def with_decimals(expr: Expr) -> Expr:
    """Arithmetic with its decimal fractions, `2*1966/10000`, as decimals: such numbers are rounded as those are."""
    match expr:
        case Call(function="div", args=(Num() as top, bottom)) if found := _decimal_fraction(top, bottom):
            return found
        case Call(function="div", args=(Call(function="mul", args=(*first, Num() as top)), bottom)):
            if found := _decimal_fraction(top, bottom):
                return Call("mul", (*map(with_decimals, first), found), (), expr.span)
    return with_children(expr, tuple(with_decimals(child) for child in children(expr)))


def as_thousands(expr: Expr) -> Expr | None:
    """The numbers of three digits behind a point as thousands, as in 32.769; None where there are none."""
    found = _thousandfold(expr)
    return None if found is expr else found


def _thousandfold(expr: Expr) -> Expr:
    if isinstance(expr, Num):
        grouped = _GROUPED.fullmatch(expr.text)
        return Num(expr.value * 1000, expr.text.replace(".", ""), expr.span) if grouped else expr
    return mapped(expr, _thousandfold)


def significant(number: Num) -> int:
    """How many significant digits a number was typed with: 0.20 has two, 0 none."""
    mantissa = number.text.lower().lstrip("+-").partition("e")[0]
    return len(mantissa.replace(".", "").lstrip("0"))


def has_decimals(expr: Expr, given: dict[str, Fraction]) -> bool:
    """Whether a number with a point stands in an expression that is not one of the given ones: it may be rounded."""
    exact = {abs(value) for value in given.values()}
    return any(isinstance(part, Num) and "." in part.text and part.value not in exact for part in walk(expr))


def number_of(value: Value) -> Expr | None:
    """A value as an expression: exact, or the middle of its ball, which is good to 50 digits."""
    if value is None:
        return None
    if isinstance(value, Fraction):
        return number(value)
    bounds = interval(value)
    if bounds is None or bounds[0].numerator.bit_length() + bounds[0].denominator.bit_length() > _MOST_BITS:
        return None
    return number(bounds[0])
