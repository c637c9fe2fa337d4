"""Difference quotients on both sides of a point, and what their limits say: a slope, a kink, a jump, nothing.

Powers of ten that have to stay in this order:

    1e-80   rounding: 30 guard digits beside the 50 that are promised
    1e-60   a tie: what cancels to less than this part of its terms is 0, so that 3*0.1 - 0.3 stands on the kink
    1e-28   the narrow step, taken where the wide one found anything but a smooth function
    1e-16   the wide step, relative to the value that is moved

A difference quotient over steps h and h/2 is extrapolated to 0 (Richardson): 2*D(h/2) - D(h) for one side,
(4*C(h/2) - C(h))/3 for the mean of both. For a smooth function what is left is of order h^2 and h^4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradcheck_cli.probe.numbers import CONTEXT, INF, NAN, ONE, ZERO, Real

if TYPE_CHECKING:
    from collections.abc import Callable

WIDE = CONTEXT.mpf(10) ** -16
NARROW = CONTEXT.mpf(10) ** -28
SMALLEST = CONTEXT.mpf(10) ** -40  # a value below this is moved as if it were this large
NOISE = CONTEXT.mpf(10) ** -76  # rounding within one evaluation, relative to the largest value on the way
DOUBLED = CONTEXT.mpf("1.95")
STEADY = CONTEXT.mpf(10) ** -4  # how far the quotients of two steps may differ where the slope exists


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


def slope_of(at: Callable[[Real], Real], scale: Real, noise: Real) -> Slope:
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
