"""The verdict on a whole chain, from those on its members."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.verifying.match import left_open
from gradcheck_cli.verifying.model import CORRECT, MISSING, UNDECIDED, WRONG, Claim, Explanation, Member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.verifying.match import Read, Truth
    from gradcheck_cli.verifying.model import Diagnosis


_OWN = ("given", "defined")
AGAIN = "this only says the left side again"
TAKEN = "this is taken for a value or name of the student's own"


def overall(reads: list[Read], truth: Truth | None, own: tuple[str, ...] = _OWN) -> str:
    """The verdict on a chain; where a value or name may be the student's `own`, a difference is no mistake."""
    verdicts = [read.member.verdict for read in reads]
    if truth is not None and truth.kind in own and WRONG in verdicts:
        return UNDECIDED  # x = 3 where the problem says 2, u = … of the student's own: no mistake
    for verdict in (WRONG, UNDECIDED):
        if verdict in verdicts:
            return verdict
    return verdicts[-1] if verdicts else MISSING


def claim_of(formula: Formula, reads: list[Read], verdict: str, *, judged: bool = True, expected: str = "") -> Claim:
    """The claim that a chain makes, worth a point where it is `judged` right or wrong; `expected` is told of wrong ones."""
    if verdict == CORRECT and all(_same(read.member.text, formula.members[0].text) for read in reads):
        reads = [left_open(replace(read, member=replace(read.member, verdict=WRONG)), AGAIN) for read in reads]
        verdict = UNDECIDED
    first = next((at for at, read in enumerate(reads) if read.member.verdict == WRONG), None)
    judged = judged and verdict in (CORRECT, WRONG)
    return Claim(
        id=None,
        line=formula.line,
        text=text_of(formula),
        members=tuple(read.member for read in reads),
        verdict=verdict,
        first_wrong=first if verdict == WRONG else None,
        expected=expected,
        points=Fraction(int(judged)),
        earned=Fraction(int(judged and verdict == CORRECT)),
        cell=formula.cell,
        left=formula.members[0],
    )


def _same(text: str, other: str) -> bool:
    return text.split() == other.split()


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
        explain=Explanation,
    )


def as_local(claim: Claim, truth: Truth, first: Truth) -> Claim:
    """A claim that is right for the local derivative, which says so where the total one is another."""
    if claim.verdict != CORRECT or truth is first or not truth.kind == first.kind == "derivative":
        return claim
    return (
        replace(claim, note="read as the local derivative, all else held fixed") if truth.expr != first.expr else claim
    )


def put_in(claim: Claim, reads: Iterable[Read], note_of: Callable[[Expr], str]) -> Claim | None:
    """A claim whose wrong members are right for the reason that `note_of` gives; None where one has none."""
    members = []
    for read in reads:
        member = read.member
        if member.verdict == WRONG:
            note = note_of(read.expr) if read.expr is not None else ""
            if not note:
                return None
            member = replace(member, verdict=CORRECT, note=note)
        members.append(member)
    return righted(claim, members)


def righted(claim: Claim, members: Iterable[Member]) -> Claim:
    """A claim that is right, with its members as they are right."""
    return replace(claim, members=tuple(members), verdict=CORRECT, first_wrong=None, earned=claim.points, expected="")


def with_rounded_of(member: Member, line: int) -> Member:
    """A member that is right to the digits of a number above it."""
    if member.verdict != WRONG:
        return member
    return replace(member, verdict=CORRECT, note=f"worked out with the rounded number of line {line}")


def loose(read: Read) -> Read:
    """A member behind the place where a chain may go on with another formula."""
    return left_open(read, "it is not clear which formula this goes on with")


def text_of(formula: Formula) -> str:
    """A formula on one line."""
    return " = ".join(" ".join(member.text.split()) for member in formula.members)
