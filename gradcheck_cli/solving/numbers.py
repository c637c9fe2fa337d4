"""Values as a reader wants them: a fraction where the data is rational, otherwise so many digits."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.symbolic.evaluate import digits, to_float

if TYPE_CHECKING:
    from gradcheck_cli.symbolic.evaluate import Value

DIGITS = 6
_LONGEST_FRACTION = 16
_LARGEST = 10**15
_MOST_DIGITS = 40


def number_text(value: Value, *, decimal: bool = True, count: int = DIGITS, exact: bool = False) -> str:
    """A value in plain text; empty where there is none.

    `decimal`  rational numbers as decimals, as where the data was typed with points
    `count`    significant digits of what is not exact
    `exact`    every rational number as a fraction, however long
    """
    if value is None:
        return ""
    if isinstance(value, Fraction):
        if exact or (value.denominator == 1 and abs(value) < _LARGEST):
            return str(value)
        if not decimal and len(str(value)) <= _LONGEST_FRACTION:
            return str(value)
    return tidy(digits(value, count) or f"{to_float(value):.{count}g}")


def apart(left: Value, right: Value) -> tuple[str, str]:
    """Two values that differ, with as many digits as it takes to see that."""
    texts = (number_text(left), number_text(right))
    for count in (2 * DIGITS, 3 * DIGITS, _MOST_DIGITS):
        if texts[0] != texts[1]:
            break
        texts = (number_text(left, count=count), number_text(right, count=count))
    return texts


def tidy(text: str) -> str:
    """`0.2000` as `0.2`, `-0` as `0`, `1e-05` as `1e-5`."""
    mantissa, mark, exponent = text.lower().partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    if mantissa == "-0":
        mantissa = "0"
    return f"{mantissa}e{int(exponent)}" if mark else mantissa
