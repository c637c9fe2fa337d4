"""Arrays of numbers that were worked out with rounded ones: with those before them in the chain, or with some of a line above."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import names, walk
from gradcheck_cli.symbolic.evaluate import to_float
from gradcheck_cli.verifying.match import left_open
from gradcheck_cli.verifying.model import CORRECT, WRONG
from gradcheck_cli.verifying.worked import NEARLY, WORKED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.verifying.arrays.match import ArrayMatcher
    from gradcheck_cli.verifying.match import Read, Truth


def arrays_worked_out(
    matcher: ArrayMatcher, truth: Truth, reads: Iterable[Read], *, in_text: bool = False
) -> list[Read]:
    """The members of a chain; numbers are right where they are what the right arithmetic before them comes to.

    In a text those that are wrong in the last digit alone behind a right formula without decimals are undecided: which
    rounded numbers were put in is not shown.
    """
    found: list[Read] = []
    base: Expr | None = None
    for read in reads:
        if read.expr is not None and read.member.verdict == CORRECT and not (read.numeric and _is_literal(read.expr)):
            base = read.expr
        judged = _judged(matcher, truth, base, read) if base is not None else read
        nearly = in_text and base is not None and names(base) and judged.member.note == "rounding"
        found.append(left_open(judged, NEARLY) if nearly else judged)
    return found


def _judged(matcher: ArrayMatcher, truth: Truth, base: Expr, read: Read) -> Read:
    if read.member.verdict != WRONG or not read.numeric or read.expr is None or read.expr == base:
        return read
    rounded = any(map(matcher.may_be_rounded, walk(base)))
    return _what_it_comes_to(matcher, truth, base, read) if rounded else read


def _what_it_comes_to(matcher: ArrayMatcher, truth: Truth, base: Expr, read: Read) -> Read:
    """Numbers behind arithmetic with rounded ones: right where they are its result, and near the truth."""
    wanted = truth.array.number if truth.array else None
    try:
        value = matcher.engine.numbers.value(base, ())
        own = matcher.engine.numbers.value(read.expr, ()) if read.expr is not None else None
    except GradcheckError:
        return read
    if value is None or own is None or wanted is None or not len(own.items) == len(wanted.items) == len(value.items):
        return read
    pairs = zip(own.items, wanted.items, strict=True)
    near = all(
        one is not None and two is not None and abs(to_float(one) - to_float(two)) <= abs(to_float(two)) / 10
        for one, two in pairs
    )
    if not near or read.expr is None or not matcher.gives(read.expr, truth, value):
        return read
    return replace(read, member=replace(read.member, verdict=CORRECT, note=WORKED))


def _is_literal(expr: Expr) -> bool:
    """Whether an expression is a number, or a list of such."""
    return all(getattr(part, "function", "array") in ("array", "neg") for part in walk(expr))
