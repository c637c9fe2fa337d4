"""Compares arrays as the witnesses see them: entry by entry, and along the directions of the differences."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gradcheck_cli.crosscheck.model import TOLERANCE, UNCOMPARED, UNDEFINED, Check, finite, judged
from gradcheck_cli.grids import Grid, label
from gradcheck_cli.probe import as_float

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gradcheck_cli.probe import Slope

NO_VALUE = "the formula has no value at this point"


@dataclass(frozen=True, slots=True)
class Sight:
    """What the differences see along one direction; `rates` are its entries, `scale` divides the slopes."""

    rates: tuple[float, ...]
    slope: Slope
    where: str = ""
    scale: float = 1.0

    def side(self, name: str) -> float | None:
        """A slope as a number; the central one only where rounding has left its digits."""
        found = finite(as_float(getattr(self.slope, name)) / self.scale)
        if found is not None and name == "central":
            rounding = as_float(self.slope.error) / abs(self.scale)
            return found if rounding <= TOLERANCE * max(1.0, abs(found)) else None
        return found


@dataclass(frozen=True, slots=True)
class Seen:
    """A derivative as the witnesses see it.

    `symbolic`  None where the symbolic witness has no rule, or too much work     `taped`  nan where undefined
    `sights`    the differences' slopes along directions
    `bent`      some node on the way stands exactly on a kink, or ties
    `strays`    doubles put the tape on another branch than the exact values: it abstains
    """

    quantity: str
    symbolic: Grid | None
    taped: Grid
    sights: tuple[Sight, ...] = ()
    bent: bool = False
    strays: bool = False


def whole(quantity: str, parts: Sequence[Check]) -> Check:
    """One check of several: the worst that fails; else the first with most numbers, and the largest error of all."""
    failed = [part for part in parts if not part.ok]
    if failed:
        return max(failed, key=lambda part: part.error)
    most = max(parts, key=_told)
    notes = [part.note for part in parts if part.note and part.note != UNDEFINED]
    note = most.note if most.note == UNDEFINED or not notes else notes[0]
    return replace(most, quantity=quantity, error=max(part.error for part in parts), note=note)


def _told(part: Check) -> tuple[int, float]:
    return sum(number is not None for number in (part.symbolic, part.autodiff, part.difference)), part.error


def values(quantity: str, symbolic: Grid | None, taped: Grid, probed: Grid | None) -> Check:
    """Forward values, entry by entry."""
    parts = []
    for at, place in enumerate(taped.places()):
        one, two = (None if grid is None else finite(grid.items[at]) for grid in (symbolic, probed))
        void = symbolic is not None and probed is not None and one is None and two is None
        numbers = (one, None if void else finite(taped.items[at]), two)  # of 1/(1/0) doubles make 0
        parts.append(_lenient(label(quantity, place), *numbers, absent=one is None and two is not None))
        if symbolic is None and probed is None:
            return Check(quantity, None, numbers[1], None, 0.0, ok=True, note=UNCOMPARED)
    return whole(quantity, parts)


def _lenient(
    quantity: str, symbolic: float | None, autodiff: float | None, difference: float | None, *, absent: bool
) -> Check:
    """Where the symbolic witness has no number, the other two are enough if they agree."""
    check = judged(quantity, symbolic, autodiff, difference)
    if absent and autodiff is not None and difference is not None:
        return replace(check, ok=check.error <= TOLERANCE)
    return check


def derivative(seen: Seen) -> tuple[Check, list[str]]:
    """Compare a derivative; with what is to be said of it."""
    if seen.strays:
        seen = replace(seen, taped=seen.taped.map(lambda _: math.nan))
    notes: list[str] = []
    entries = _entries(seen)
    along = [_sighted(seen, sight, notes) for sight in seen.sights]
    seeing = [check for check in along if check.note not in (UNDEFINED, UNCOMPARED)]
    if seeing and seen.bent and all(check.ok for check in along):
        # on a kink each of two slopes is right: what differs there was held against the slopes on both sides
        entries = [check for check in entries if check.ok]
    if not seeing:
        entries += _alone(seen)
    parts = [*along, *entries]
    return whole(seen.quantity, parts or [judged(seen.quantity, None, None, None)]), notes


def _entries(seen: Seen) -> list[Check]:
    """Symbolic against tape where both have a number."""
    if seen.symbolic is None:
        return []
    if seen.symbolic.shape != seen.taped.shape:
        note = f"the symbolic witness has shape {seen.symbolic.shape}, the tape {seen.taped.shape}"
        return [Check(seen.quantity, None, None, None, 0.0, ok=False, note=note)]
    found = []
    for place, one, two in zip(seen.taped.places(), seen.symbolic.items, seen.taped.items, strict=True):
        left, right = finite(one), finite(two)
        if left is not None and right is not None:
            found.append(judged(label(seen.quantity, place), left, right, None))
    return found


def _alone(seen: Seen) -> list[Check]:
    """Entries that only one witness knows, where no slope can confirm them."""
    found = []
    symbolic = seen.symbolic.items if seen.symbolic else (math.nan,) * len(seen.taped.items)
    for place, one, two in zip(seen.taped.places(), symbolic, seen.taped.items, strict=False):
        left, right = finite(one), finite(two)
        if (left is None) != (right is None):
            ok = seen.symbolic is None or seen.strays
            note = UNCOMPARED if ok else NO_VALUE if left is None else "the tape has no value at this point"
            found.append(Check(label(seen.quantity, place), left, right, None, 0.0, ok, note))
    return found


def along(rates: Iterable[float], entries: Iterable[float]) -> float:
    """The slope along a direction; nan where an entry that counts is undefined."""
    terms = [rate * entry for rate, entry in zip(rates, entries, strict=True) if rate]
    return math.fsum(terms) if all(map(math.isfinite, terms)) else math.nan


def _sighted(seen: Seen, sight: Sight, notes: list[str]) -> Check:
    """The slopes along one direction."""
    quantity = seen.quantity + sight.where
    fits = seen.symbolic is not None and seen.symbolic.shape == seen.taped.shape
    symbolic = finite(along(sight.rates, seen.symbolic.items)) if seen.symbolic is not None and fits else None
    taped = finite(along(sight.rates, seen.taped.items))
    if sight.slope.jump:
        note = "the value jumps here; the slope beside the jump is used"
        notes.append(f": {note}")
        check = judged(quantity, symbolic, taped, None)
        return replace(check, ok=check.ok or seen.bent or symbolic is None or taped is None, note=note)
    if sight.slope.kink:
        return _kink(seen, sight, (quantity, symbolic, taped), notes)
    central = sight.side("central")
    if central is None:
        both = symbolic is not None and taped is not None
        return judged(quantity, symbolic, taped, None) if both else judged(quantity, None, None, None, UNDEFINED)
    check = _scaled(seen, sight, _lenient(quantity, symbolic, taped, central, absent=symbolic is None))
    if symbolic is None and check.ok and seen.symbolic is not None:
        return replace(check, note=NO_VALUE)
    if check.ok or not seen.bent or symbolic is None:
        return check
    agreed = judged(quantity, symbolic, taped, None)
    note = f"kinks cancel here: the slope is {central:.6g}, the convention at each of them gives {symbolic:.6g}"
    if agreed.ok:
        notes.append(f": {note}")
    return replace(agreed, difference=central, note=note)


def _scaled(seen: Seen, sight: Sight, check: Check) -> Check:
    """A slope is a sum: what its terms lose in cancelling each other is rounding."""
    numbers = [number for number in (check.symbolic, check.autodiff, check.difference) if number is not None]
    terms = sum(
        abs(rate * entry)
        for rate, entry in zip(sight.rates, seen.taped.items, strict=True)
        if rate and math.isfinite(entry)
    )
    if check.ok or len(numbers) < 2:
        return check
    error = (max(numbers) - min(numbers)) / max(1.0, terms, *(abs(number) for number in numbers))
    enough = check.symbolic is not None or seen.symbolic is None or check.difference is not None
    return replace(check, error=error, ok=error <= TOLERANCE and enough)


def _kink(seen: Seen, sight: Sight, numbers: tuple[str, float | None, float | None], notes: list[str]) -> Check:
    """The symbolic slope has to be one of the two, or lie between; so has the tape's where it is another one."""
    quantity, symbolic, taped = numbers
    left, right = sight.side("left"), sight.side("right")
    sides = [side for side in (left, right) if side is not None]
    if not sides:
        return judged(quantity, symbolic, taped, None)
    slack = TOLERANCE * max([1.0, *(abs(side) for side in sides)])
    low, high = min(sides) - slack, max(sides) + slack
    inside = [low <= number <= high for number in (symbolic, taped) if number is not None]
    used = symbolic if symbolic is not None else taped
    note = _told_of(sight, left, right)
    notes.append(f" sits {note}" + ("" if used is None or len(sight.rates) > 1 else f"; {used:.6g} is used"))
    nearest = None if used is None else min(max(used, min(sides)), max(sides))
    check = judged(quantity, symbolic, taped, None)
    # several entries on kinks at once: what each sends back by convention need not add up to a slope in between
    many = sum(map(bool, sight.rates)) > 1 and seen.bent and len(inside) == 2
    ok = check.ok if many and not all(inside) else all(inside) and (check.ok or seen.bent or len(inside) < 2)
    return Check(quantity, symbolic, taped, nearest, 0.0 if ok else check.error, ok, note)


def _told_of(sight: Sight, left: float | None, right: float | None) -> str:
    """The slopes on both sides of a kink; those along a drawn direction would say nothing to a reader."""
    if len(sight.rates) > 1:
        return "on a kink: the slopes on both sides differ, and the convention at each entry is used"
    told = ["no slope" if side is None else f"slope {side:.6g}" for side in (left, right)]
    return f"on a kink: {told[0]} from the left, {told[1].removeprefix('slope ')} from the right"
