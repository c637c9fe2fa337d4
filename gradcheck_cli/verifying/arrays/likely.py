"""Which of several meanings of a formula, or of several readings of a member, is nearest to what was meant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.verifying.model import RANK, UNDECIDED, WRONG, Diagnosis

if TYPE_CHECKING:
    from gradcheck_cli.verifying.match import Read, Truth, Verdict
    from gradcheck_cli.verifying.model import Claim

LETTERS = "the index "  # how a note begins where an index letter runs over two sizes
MISREAD = ("the rows of an array", LETTERS, "the sum over ")  # and where a row or a sum does not fit either


def is_misfit(verdict: Verdict) -> bool:
    """Whether letters fit nowhere in this form: then another one was meant."""
    return verdict.verdict == WRONG and verdict.note.startswith(LETTERS)


def closeness(read: Read, truth: Truth) -> tuple[int, bool, bool]:
    """How near a reading is to being right; one whose shapes or letters fit is nearer than one whose do not."""
    note = read.member.note
    misfit = "do not fit" in note or (truth.kind in ("derivative", "value") and note.startswith(LETTERS))
    return RANK.index(read.member.verdict), misfit, note.startswith("the shapes are")


def nearer(claim: Claim, best: Claim) -> bool:
    """Whether a meaning is nearer to what was meant; one that fits is, where of the other the letters may be misread."""
    for one, other, found in ((claim, best, True), (best, claim, False)):
        if one.verdict == WRONG and other.verdict == UNDECIDED and _differs(one) and _is_misread(other):
            return found
    return _unlikely(claim) < _unlikely(best)


def may_be_nearer(claim: Claim, best: Claim) -> bool:
    """Whether a meaning is nearer to what was meant once a mistake is told."""
    return nearer(replace(claim, diagnosis=Diagnosis("other", "")), best)


def _differs(claim: Claim) -> bool:
    """Whether a claim is wrong in what it comes to, not in its shapes or letters."""
    return claim.first_wrong is not None and claim.members[claim.first_wrong].note.startswith(
        ("differs", "the shapes are")
    )


def _is_misread(claim: Claim) -> bool:
    """Whether nothing but letters that fit nowhere leaves a claim open."""
    return all(one.note.startswith(MISREAD) for one in claim.members if one.verdict == UNDECIDED)


def _unlikely(claim: Claim) -> tuple[int, int, int]:
    """How far a meaning is from what was meant.

    Of two that are wrong, one in which the chain goes wrong later is nearer; then one whose mistake is told, one that is
    wrong in what it comes to, and one whose shapes do not fit.
    """
    found = claim.diagnosis
    told = 0 if found is not None and found.code != "shape" else 1 if _differs(claim) else 3 - (found is not None)
    return RANK.index(claim.verdict), -(claim.first_wrong or 0), told if claim.verdict == WRONG else 0
