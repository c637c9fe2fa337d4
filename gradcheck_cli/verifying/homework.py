"""Homework as it was written: every formula of a text is a claim, found by its left side and judged member by member.

A claim goes to the problem in which its symbols are at home. A name that is at home nowhere is the student's own from
there on; what follows correctly from an earlier wrong claim is carried forward.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.verifying.array_homework import ArrayGrader
from gradcheck_cli.verifying.grader import FOREIGN, RANK, Grader, undecided
from gradcheck_cli.verifying.lookalikes import lookalike, with_subscripts
from gradcheck_cli.verifying.model import CORRECT, MISSING, UNREADABLE, WRONG, Claim
from gradcheck_cli.verifying.own import OWN, bare, own_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.parsing.document import Document, Formula
    from gradcheck_cli.verifying.examiner import Examiner

LEAST_NAMED = 2  # sides before a name at the end of a chain
MOST_LATER = 100  # formulas that are searched for it
_WORDS = re.compile(r"[A-Za-z]{3,}(?:[\s_]+[A-Za-z]+)*|[A-Za-z]+(?:\s+[A-Za-z]{2,})+")


def grade(examiners: Iterable[Examiner], document: Document) -> list[Claim]:
    """The claims of a text, each judged in the problem in which its symbols are at home.

    Where it is at home in several, the one in which it is right wins.
    """
    graders: list[Grader | ArrayGrader] = [
        ArrayGrader(examiner.arrays, FOREIGN) if examiner.arrays else Grader(examiner) for examiner in examiners
    ]
    found: list[Claim] = []
    for at, formula in enumerate(document.formulas):
        named = _naming(document.formulas, at)
        claim = _claim(graders, named or formula, len(found))
        if claim is not None:
            found.append(_named(graders, claim, formula) if named else claim)
    return [_in_its_place(found, at) for at in range(len(found))]


def _claim(graders: list[Grader | ArrayGrader], formula: Formula, index: int) -> Claim | None:
    """One formula, in the problem that knows most of it; the set that an array is in tells its shape."""
    if formula.relation == "in":
        graders = [grader for grader in graders if isinstance(grader, ArrayGrader)]
    judged = [(claim, grader) for grader in graders if (claim := _judged(grader, formula)) is not None]
    judged.sort(key=lambda pair: (RANK.index(pair[0].verdict), pair[0].note == FOREIGN))
    claim, grader = judged[0] if judged else (None, None)
    if claim is not None and grader is not None and claim.verdict not in (UNREADABLE, MISSING):
        claim = _told(grader, claim)
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


def _told(grader: Grader | ArrayGrader, claim: Claim) -> Claim:
    """A claim explained; a wrong one about arrays with how the right answer comes about."""
    claim = grader.explained(claim)
    if not isinstance(grader, ArrayGrader) or grader.last is None:
        return claim
    return grader.bench.told(claim, *grader.last)


def _naming(formulas: tuple[Formula, ...], at: int) -> Formula | None:
    """A chain without the name at its end, as in `… = S_1`, where later formulas use that name; None for any other."""
    *rest, last = formulas[at].members
    if len(rest) < LEAST_NAMED or "_" not in last.text or own_name(last) is None:
        return None
    name = re.compile(re.escape(bare(last.text)) + r"(?![A-Za-z0-9])")
    later = formulas[at + 1 : at + 1 + MOST_LATER]
    used = any(name.search(member.text) for formula in later for member in formula.members)
    return replace(formulas[at], members=tuple(rest)) if used else None


def _named(graders: list[Grader | ArrayGrader], claim: Claim, formula: Formula) -> Claim:
    """A claim whose last member is a name from here on, or where it is one already, a member like any other."""
    name = formula.members[-1]
    for grader in graders:
        if grader.own.scope.name(own_name(name) or "") is not None:
            whole = grader.claim(formula)
            return claim if whole is None else replace(whole, note=claim.note)
    entered = [one.name(name, claim) for one in graders if isinstance(one, ArrayGrader)]
    if not any(entered):
        return claim
    text = " ".join(name.text.split())
    note = f"{text} stands for this from here on"
    return replace(claim, note=f"{claim.note}; {note}" if claim.note else note)


def _judged(grader: Grader | ArrayGrader, formula: Formula) -> Claim | None:
    """A formula in one problem; where it cannot be read, with letters that look alike, if it is right then."""
    claim = grader.claim(formula)
    if claim is None or all(member.verdict != UNREADABLE for member in claim.members):
        return claim
    found = with_subscripts(formula, grader.own.scope) if isinstance(grader, ArrayGrader) else None
    tried = grader.claim(found) if found is not None else None
    if tried is not None and tried.verdict != UNREADABLE:
        return _as_written(tried, claim, "letters behind names read as their subscripts", formula)
    other = lookalike(formula, grader.own.scope)
    if other is None and isinstance(grader, ArrayGrader):
        other = grader.with_sizes(formula)
    if other is None:
        return claim
    last = grader.last
    tried = grader.claim(other[0])
    if tried is None or tried.verdict != CORRECT or len(tried.members) != len(claim.members):
        grader.last = last
        return claim
    return _as_written(tried, claim, other[1], formula)


def _as_written(read: Claim, claim: Claim, note: str, formula: Formula) -> Claim:
    """A claim that was read with other letters, in the letters that stand there."""
    texts = [member.text for member in formula.members[1:] if member.text]
    members = tuple(replace(new, text=text) for new, text in zip(read.members, texts, strict=False))
    return replace(read, text=claim.text, members=members, note=note)


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
    if after is None or after.note != FOREIGN:
        return claim
    if (before is None or before.note != FOREIGN) and not _told_before(claims[:at], claim):
        return claim
    return undecided(claim, "this seems to speak of another exercise")


def _told_before(claims: list[Claim], claim: Claim) -> bool:
    """Whether the left side of a formula with names in it has had its right formula before."""
    left = claim.left.text.split() if claim.left is not None else []
    again = any(
        other.left is not None and other.left.text.split() == left and other.verdict == CORRECT for other in claims
    )
    return again and bool(re.search(r"[A-Za-z]_?", claim.members[0].text))
