"""What comes of asking the three witnesses for the same quantity, and the rule by which their numbers agree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

BITS = 192
TOLERANCE = 1e-9
UNDEFINED = "undefined here"
UNCOMPARED = "not compared"  # one witness alone, since the sizes are too large for the others


@dataclass(frozen=True, slots=True)
class Check:
    """One quantity as the three witnesses see it; None where one of them has no number.

    `error` is the largest difference, relative to the larger of 1 and the quantity. Of an array the numbers are those
    of the entry that differs most, or the slopes along a drawn direction; `error` is the largest of all entries.
    """

    quantity: str
    symbolic: float | None
    autodiff: float | None
    difference: float | None
    error: float
    ok: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """All checks of one solution; `drawn` and `sampled` say which numbers are not the problem's own.

    `sampled` has names of arrays and numbers of a graph of arrays.
    """

    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()
    drawn: tuple[tuple[str, Fraction], ...] = ()
    sampled: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the witnesses agree on every quantity."""
        return all(check.ok for check in self.checks)

    @property
    def spread(self) -> float:
        """The largest difference between two witnesses."""
        return max((check.error for check in self.checks), default=0.0)

    @property
    def compared(self) -> int:
        """How many quantities have numbers to compare."""
        return sum(check.note not in (UNDEFINED, UNCOMPARED) for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The quantities on which they differ."""
        return tuple(check for check in self.checks if not check.ok)


def finite(number: float) -> float | None:
    """The number, or None where it is none."""
    return number if math.isfinite(number) else None


def judged(
    quantity: str, symbolic: float | None, autodiff: float | None, difference: float | None, note: str = ""
) -> Check:
    """Two numbers or more have to agree; a quantity without any is undefined, one number alone is a disagreement."""
    numbers = [number for number in (symbolic, autodiff, difference) if number is not None]
    if len(numbers) < 2:
        return Check(quantity, symbolic, autodiff, difference, 0.0, not numbers, note or UNDEFINED)
    error = (max(numbers) - min(numbers)) / max(1.0, *(abs(number) for number in numbers))
    ok = error <= TOLERANCE and symbolic is not None
    return Check(quantity, symbolic, autodiff, difference, error, ok, note)


def once(notes: list[tuple[str, str]]) -> list[str]:
    """What is said of quantities, each thing once: of a local derivative rather than of a total one."""
    told: dict[str, str] = {}
    for quantity, note in notes:
        told.setdefault(note, f"{quantity}{note}")
    return list(told.values())
