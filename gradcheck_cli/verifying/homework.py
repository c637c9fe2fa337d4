"""Homework as it was written: every formula of a text is a claim, found by its left side and judged member by member.

A claim goes to the problem in which its symbols are at home. A name that is at home nowhere is the student's own from
there on; what follows correctly from an earlier wrong claim is carried forward.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.verifying.array_homework import ArrayGrader
from gradcheck_cli.verifying.grader import FOREIGN, OWN, RANK, Grader, undecided
from gradcheck_cli.verifying.lookalikes import lookalike
from gradcheck_cli.verifying.model import CORRECT, MISSING, UNREADABLE, WRONG, Claim

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.parsing.document import Document, Formula
    from gradcheck_cli.verifying.examiner import Examiner

_WORDS = re.compile(r"[A-Za-z]{3,}(?:[\s_]+[A-Za-z]+)*|[A-Za-z]+(?:\s+[A-Za-z]{2,})+")


def grade(examiners: Iterable[Examiner], document: Document) -> list[Claim]:
    """The claims of a text, each judged in the problem in which its symbols are at home.

    Where it is at home in several, the one in which it is right wins.
    """
    graders: list[Grader | ArrayGrader] = [
        ArrayGrader(examiner.arrays, FOREIGN) if examiner.arrays else Grader(examiner) for examiner in examiners
    ]
    found: list[Claim] = []
    for formula in document.formulas:
        claim = _claim(graders, formula, len(found))
        if claim is not None:
            found.append(claim)
    return [_in_its_place(found, at) for at in range(len(found))]


def _claim(graders: list[Grader | ArrayGrader], formula: Formula, index: int) -> Claim | None:
    """One formula, in the problem that knows most of it; the set that an array is in tells its shape."""
    if formula.relation == "in":
        graders = [grader for grader in graders if isinstance(grader, ArrayGrader)]
    judged = [(claim, grader) for grader in graders if (claim := _judged(grader, formula)) is not None]
    judged.sort(key=lambda pair: (RANK.index(pair[0].verdict), pair[0].note == FOREIGN))
    claim, grader = judged[0] if judged else (None, None)
    if claim is not None and grader is not None and claim.verdict not in (UNREADABLE, MISSING):
        claim = grader.explained(claim)
        if claim.follows_from is None:
            grader.remember(index, claim)
        assumed = [said for one in graders if (said := one.learn(formula))]
        return replace(claim, assumes=assumed[0]) if assumed else claim
    if _aside(formula, claim):
        return None
    defined = [own for one in graders if (own := one.define(formula)) is not None]
    if defined:
        return defined[0]
    return None if claim is None or claim.verdict == MISSING else claim


def _judged(grader: Grader | ArrayGrader, formula: Formula) -> Claim | None:
    """A formula in one problem; where it cannot be read, with letters that look alike, if it is right then."""
    claim = grader.claim(formula)
    if claim is None or all(member.verdict != UNREADABLE for member in claim.members):
        return claim
    other = lookalike(formula, grader.own.scope)
    if other is None:
        return claim
    last = grader.last
    tried = grader.claim(other[0])
    if tried is None or tried.verdict != CORRECT or len(tried.members) != len(claim.members):
        grader.last = last
        return claim
    members = tuple(replace(new, text=old.text) for new, old in zip(tried.members, claim.members, strict=True))
    return replace(tried, text=claim.text, members=members, note=other[1])


def _aside(formula: Formula, claim: Claim | None) -> bool:
    """What is no claim: prose with an equality, an index (`j = i`)."""
    if claim is None or claim.note != FOREIGN:
        return False
    left, right = formula.members[0].text, formula.members[-1].text
    if not formula.latex and _WORDS.fullmatch(left):
        return len(left.split()) > 1 or not re.search(r"[A-Za-z]", right)
    return bool(re.fullmatch(r"[i-n]", left) and re.fullmatch(r"[i-n]|[0-9]+", right))


def _in_its_place(claims: list[Claim], at: int) -> Claim:
    """A formula for a node amid formulas about other things speaks of another exercise: undecided, not wrong."""
    claim = claims[at]
    if claim.verdict != WRONG or len(claim.members) > 1:
        return claim
    before = next((other for other in reversed(claims[:at]) if other.note != OWN), None)
    after = next((other for other in claims[at + 1 :] if other.note != OWN), None)
    if before is None or after is None or before.note != FOREIGN or after.note != FOREIGN:
        return claim
    return undecided(claim, "this seems to speak of another exercise")
