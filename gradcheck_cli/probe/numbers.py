"""The probe's numbers: 80 digits, of which 50 are promised, and what counts as 0 among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mpmath

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

Real = Any  # an mpf of CONTEXT; mpmath has no types
DIGITS, GUARD = 50, 30
CONTEXT = mpmath.MPContext()  # its own precision: mpmath.mp belongs to whoever else uses mpmath
CONTEXT.dps = DIGITS + GUARD
ZERO, ONE = CONTEXT.mpf(0), CONTEXT.mpf(1)
NAN, INF = CONTEXT.nan, CONTEXT.inf
TIE, TIE_BITS = CONTEXT.mpf(10) ** -60, 200
LARGEST_BITS = 4_000_000


def bounded(value: Real) -> Real:
    """The value, or what it is as good as: 0 or an infinity."""
    if not value or not CONTEXT.isfinite(value):
        return value
    bits = CONTEXT.mag(value)
    if bits > LARGEST_BITS:
        return INF if value > 0 else -INF
    return ZERO if bits < -LARGEST_BITS else value


def tied(value: Real, bits: Real) -> Real:
    """0 where the value is only the rounding of terms of size 2^bits, else the value."""
    return ZERO if CONTEXT.mag(value) < bits - TIE_BITS else value


def whole(x: Real) -> Real:
    """The integer that x is but for rounding, else x."""
    if not CONTEXT.isfinite(x):
        return x
    nearest = CONTEXT.nint(x)
    return nearest if abs(x - nearest) <= TIE * abs(x) else x


def total(terms: Sequence[Real]) -> Real:
    """The sum of any number of terms; 0 where they cancel but for rounding."""
    return tied(CONTEXT.fsum(terms), max(map(CONTEXT.mag, terms), default=0))


def dot(left: Sequence[Real], right: Sequence[Real]) -> Real:
    """The sum of the products; a factor 0 wins over an infinite or unknown one."""
    return bounded(total([x * y for x, y in zip(left, right, strict=True) if x and y]))


def largest(entries: Sequence[Real]) -> Real:
    """The largest entry; nan where one is not known."""
    return NAN if any(map(CONTEXT.isnan, entries)) else max(entries, default=-INF)


def real(value: Fraction) -> Real:
    """The exact number, rounded once."""
    return CONTEXT.mpf(value.numerator) / value.denominator


def as_float(value: Real) -> float:
    """The nearest float; beyond its range 0 or infinite."""
    return float(value)
