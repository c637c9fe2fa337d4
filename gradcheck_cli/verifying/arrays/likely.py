"""Which of several meanings of a formula, or of several readings of a member, is nearest to what was meant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import LETTERS, OPERANDS, ROWS, SUMS
from gradcheck_cli.verifying.model import RANK, UNDECIDED, WHOLE, WRONG, Diagnosis

if TYPE_CHECKING:
    from gradcheck_cli.verifying.match import Read, Truth, Verdict
    from gradcheck_cli.verifying.model import Claim

MISREAD = (ROWS, LETTERS, SUMS)  # what does not fit may be the transcription's doing


def is_misfit(verdict: Verdict) -> bool:
    """Whether letters fit nowhere in this form: then another one was meant."""
    return verdict.misfit == LETTERS


def closeness(read: Read, truth: Truth) -> tuple[int, bool, bool]:
    """How near a reading is to being right; one whose shapes or letters fit is nearer than one whose do not."""
    misfit = read.member.misfit
    inside = misfit == OPERANDS or (misfit == LETTERS and truth.kind in ("derivative", "value"))
    return RANK.index(read.member.verdict), inside, misfit == WHOLE


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
    return claim.first_wrong is not None and claim.members[claim.first_wrong].misfit in ("", WHOLE)


def _is_misread(claim: Claim) -> bool:
    """Whether nothing but letters that fit nowhere leaves a claim open."""
    return all(one.misfit in MISREAD for one in claim.members if one.verdict == UNDECIDED)


def _unlikely(claim: Claim) -> tuple[int, int, int]:
    """How far a meaning is from what was meant.

    Of two that are wrong, one in which the chain goes wrong later is nearer; then one whose mistake is told, one that is
    wrong in what it comes to, and one whose shapes do not fit.
    """
    found = claim.diagnosis
    told = 0 if found is not None and found.code != "shape" else 1 if _differs(claim) else 3 - (found is not None)
    return RANK.index(claim.verdict), -(claim.first_wrong or 0), told if claim.verdict == WRONG else 0
