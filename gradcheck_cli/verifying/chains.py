"""The verdict on a whole chain, from those on its members."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.verifying.match import left_open
from gradcheck_cli.verifying.model import CORRECT, MISSING, UNDECIDED, WRONG

if TYPE_CHECKING:
    from gradcheck_cli.verifying.match import Read, Truth
    from gradcheck_cli.verifying.model import Claim, Diagnosis


def overall(reads: list[Read], truth: Truth | None) -> str:
    """The verdict on a chain; where a value or name may be the student's own, a difference is no mistake."""
    verdicts = [read.member.verdict for read in reads]
    if truth is not None and truth.kind in ("given", "defined") and WRONG in verdicts:
        return UNDECIDED  # x = 3 where the problem says 2, u = … of the student's own: no mistake
    for verdict in (WRONG, UNDECIDED):
        if verdict in verdicts:
            return verdict
    return verdicts[-1] if verdicts else MISSING


def found_again(diagnosis: Diagnosis | None, claim: Claim) -> Diagnosis | None:
    """The diagnosis of a wrong step, which says so where the end of the chain is right again."""
    ends = {"sign": "it is found again, and the end is right", "extra-factor": "the end is right again"}
    if diagnosis is None or claim.members[-1].verdict != CORRECT or diagnosis.code not in ends:
        return diagnosis
    return replace(diagnosis, message=f"{diagnosis.message}; {ends[diagnosis.code]}")


def undecided(claim: Claim, note: str) -> Claim:
    """A wrong claim that may be about something else."""
    if claim.verdict != WRONG:
        return claim
    members = tuple(replace(one, verdict=UNDECIDED) if one.verdict == WRONG else one for one in claim.members)
    return replace(
        claim,
        verdict=UNDECIDED,
        members=members,
        first_wrong=None,
        diagnosis=None,
        points=Fraction(0),
        note=note,
        expected="",
        steps=(),
    )


def loose(read: Read) -> Read:
    """A member behind the place where a chain may go on with another formula."""
    return left_open(read, "it is not clear which formula this goes on with")
