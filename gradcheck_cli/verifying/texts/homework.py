"""Homework as it was written: every formula of a text is a claim, found by its left side and judged member by member.

A claim goes to the problem in which its symbols are at home. A name that is at home nowhere is the student's own from
there on; what follows correctly from an earlier wrong claim is carried forward.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call
from gradcheck_cli.verifying.arrays.texts.grader import ArrayGrader
from gradcheck_cli.verifying.model import CORRECT, MISSING, RANK, UNREADABLE, WRONG, Claim, Member
from gradcheck_cli.verifying.texts.chains import undecided
from gradcheck_cli.verifying.texts.conditions import by_line, conditions, supposed
from gradcheck_cli.verifying.texts.equations import with_equations
from gradcheck_cli.verifying.texts.grader import FOREIGN, Grader
from gradcheck_cli.verifying.texts.hints import hinted
from gradcheck_cli.verifying.texts.junctures import parted
from gradcheck_cli.verifying.texts.listed import listed
from gradcheck_cli.verifying.texts.lookalikes import lookalike, with_accent, with_subscripts
from gradcheck_cli.verifying.texts.otherwise import as_written, fact, one_sample, with_accents, with_numbers
from gradcheck_cli.verifying.texts.own import OWN, bare, own_name
from gradcheck_cli.verifying.texts.shifts import STEPS
from gradcheck_cli.verifying.texts.shorthand import SUBSCRIPT, instances, written_out
from gradcheck_cli.verifying.undefined import among_words
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.parsing.document import Document, Formula, Passed
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.examiner import Examiner

NEAR = 4  # lines between a condition and the formula below it
LEAST_NAMED = 2  # sides before a name at the end of a chain
MOST_LATER = 100  # formulas that are searched for it
_PROSE = re.compile(r"[a-z]{3,}(?:\s+[a-z]{2,})+")  # n = input vector
_WORDS = re.compile(r"[A-Za-z]{3,}(?:[\s_]+[A-Za-z]+)*|[A-Za-z]+(?:\s+[A-Za-z]{2,})+")


def grade(examiners: Iterable[Examiner], document: Document) -> list[Claim]:
    """The claims of a text, each judged in the problem in which its symbols are at home.

    Where it is at home in several, the one in which it is right wins.
    """
    examiners = tuple(examiners)
    graders: list[Grader | ArrayGrader] = [
        ArrayGrader(examiner.arrays, FOREIGN) if examiner.arrays else Grader(examiner) for examiner in examiners
    ]
    found: list[Claim] = []
    lines = by_line(document)
    for at, formula in enumerate(document.formulas):
        if formula.relation == "!=" or not any(member.text for member in formula.members[1:]):
            continue
        named = _naming(document.formulas, at)
        cases = [*_cases(document.formulas, at), *conditions(document, at, lines)]
        parts = (named,) if named else _listed(graders, formula)
        for part in parts or parted(formula, lambda one: _best(graders, one)[0]):
            claim = _claim(graders, part, len(found), cases)
            if claim is not None and claim.verdict == UNREADABLE:
                claim = _with_later(graders, part, len(found), document.formulas[at + 1 : at + 1 + NEAR]) or claim
            if claim is not None and any(member.verdict == UNREADABLE for member in claim.members):
                claim = _with_steps(graders, part) or claim
            if claim is None or claim.verdict == UNREADABLE:
                claim = fact(examiners, graders, part) or claim
            if claim is not None:
                found.append(_named(graders, claim, formula) if named else claim)
    placed = with_equations([_in_its_place(found, at) for at in range(len(found))])
    counted = (claim for part in document.alone if (claim := _counted(examiners, part)) is not None)
    return [*placed, *counted, *map(_not_read, document.passed)]


def _listed(graders: Iterable[Grader | ArrayGrader], formula: Formula) -> tuple[Formula, ...]:
    """The formulas of a gradient that lists derivatives by numbers; none for any other."""
    numbers = (grader for grader in graders if isinstance(grader, Grader))
    found = (listed(formula, grader.own.scope, grader.engine.problem) for grader in numbers)
    return next((parts for parts in found if parts), ())


def _not_read(passed: Passed) -> Claim:
    """What was passed over, as a claim that cannot be read."""
    place = passed.place
    text = f"{' '.join(place.text.split())} …"
    member = Member(text, UNREADABLE, None, passed.why, place)
    return Claim(None, place.line_column(None)[0], text, (member,), UNREADABLE, cell=passed.cell, left=place)


def _counted(examiners: Iterable[Examiner], part: Source) -> Claim | None:
    """Arithmetic by itself, `30 × 1024 + 1024`, where it is the answer to a question for a number of parameters."""
    for examiner in examiners:
        for question in examiner.questions:
            if not isinstance(question.ask, Call) or question.ask.function not in ("params", "size", "nodes", "edges"):
                continue
            truth = examiner.truth(question)
            matcher = examiner.arrays.matcher if examiner.arrays else examiner.matcher
            read = matcher.member(part, truth, latex=True)
            if read.member.verdict == CORRECT:
                line, text = part.line_column(None)[0], " ".join(part.text.split())
                note, one = f"the answer to {write(question.ask)}", Fraction(1)
                return Claim(None, line, text, (read.member,), CORRECT, points=one, earned=one, note=note, left=part)
    return None


def _cases(formulas: tuple[Formula, ...], at: int) -> list[Formula]:
    """The conditions on index letters, `i = j` or `i ≠ j`, that a formula stands under: one before it, or behind it."""
    near = [other for other in formulas[max(0, at - 1) : at] if formulas[at].line - other.line <= NEAR]
    near += [
        other for other in formulas[at + 1 : at + 2] if other.line == formulas[at].members[-1].line_column(None)[0]
    ]
    return [other for other in near if all(re.fullmatch("[i-t]", member.text.strip()) for member in other.members)]


def _best(
    graders: list[Grader | ArrayGrader], formula: Formula, cases: Iterable[Formula] = ()
) -> tuple[Claim | None, Grader | ArrayGrader | None]:
    """One formula in the problem that knows most of it."""
    judged = [
        (_in_case(grader, claim, formula, cases), grader)
        for grader in graders
        if (claim := _judged(grader, formula)) is not None
    ]
    judged.sort(key=lambda pair: (RANK.index(pair[0].verdict), pair[0].note == FOREIGN))
    return judged[0] if judged else (None, None)


def _claim(
    graders: list[Grader | ArrayGrader], formula: Formula, index: int, cases: Iterable[Formula] = ()
) -> Claim | None:
    """One formula judged, explained and kept for those below; the set that an array is in tells its shape."""
    if formula.relation == "in":
        graders = [grader for grader in graders if isinstance(grader, ArrayGrader)]
    claim, grader = _best(graders, formula, cases)
    if claim is not None and grader is not None and claim.verdict not in (UNREADABLE, MISSING):
        claim = hinted(grader.engine.problem, grader.explained(claim), grader.last[0] if grader.last else None)
        if claim.follows_from is None:
            grader.remember(index, claim)
        assumed = [said for one in graders if (said := one.learn(formula))]
        return replace(claim, assumes=assumed[0]) if assumed else claim
    if _aside(formula, claim):
        return None
    defined = [own for one in graders if (own := one.define(formula)) is not None]
    if defined:
        return defined[0]
    if name := own_name(formula.members[0]):
        for one in graders:
            one.own.unread.add(name)
    return None if claim is None or claim.verdict == MISSING else claim


def _with_later(
    graders: list[Grader | ArrayGrader], formula: Formula, index: int, later: Iterable[Formula]
) -> Claim | None:
    """A formula with names that are explained right behind it, `… where b = w_2`; None where that does not help."""
    entered = [
        (grader, name)
        for other in later
        for grader in graders
        if (name := _explained(grader, formula, other)) is not None
    ]
    claim = _claim(graders, formula, index) if entered else None
    for grader, name in entered:
        grader.own.forget(name)
    return None if claim is None or claim.verdict == UNREADABLE else claim


def _with_steps(graders: list[Grader | ArrayGrader], formula: Formula) -> Claim | None:
    """A formula with quotients of differences whose step has no value; None where that does not help."""
    for grader in graders:
        found = grader.slopes.without_steps(formula) if isinstance(grader, Grader) else None
        claim = grader.claim(found[0]) if found else None
        if found is None or claim is None or claim.verdict == UNREADABLE:
            continue
        read = as_written(grader.explained(claim), claim, STEPS, formula)
        read = replace(
            read, text=" = ".join(" ".join(one.text.split()) for one in formula.members), left=formula.members[0]
        )
        sure = found[1] or claim.first_wrong is None or formula.members[claim.first_wrong + 1] not in found[0].members
        return read if sure else undecided(read, "this depends on the step, which has no value here")
    return None


def _explained(grader: Grader | ArrayGrader, formula: Formula, other: Formula) -> str | None:
    """A name that stands in one formula and that another right behind it defines; it is entered."""
    left = other.members[0]
    name = own_name(left)
    if (
        other.relation != "="
        or other.line - formula.line > 1
        or name is None
        or grader.own.scope.name(name) is not None
    ):
        return None
    place = re.compile(rf"(?<![A-Za-z\\]){re.escape(bare(left.text))}(?![A-Za-z0-9])|d{re.escape(name)}(?![A-Za-z0-9])")
    used = any(place.search(member.text) for member in formula.members)
    return name if used and grader.define(other) is not None else None


def _in_case(grader: Grader | ArrayGrader, claim: Claim, formula: Formula, cases: Iterable[Formula]) -> Claim:
    """A claim that is right only in the case that the words beside it name."""
    if claim.verdict == CORRECT:
        return claim
    if not isinstance(grader, ArrayGrader):
        return supposed(grader, claim, formula, cases)
    for case in (one for one in cases if one.relation != "if"):
        first, second = (member.text.strip() for member in case.members[:2])
        found = grader.under(formula, (first, second), equal=case.relation == "=")
        if found is not None:
            return found
    return claim


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
    entered = [one.names.name(name, claim) for one in graders if isinstance(one, ArrayGrader)]
    if not any(entered):
        return claim
    text = " ".join(name.text.split())
    note = f"{text} stands for this from here on"
    return replace(claim, note=f"{claim.note}; {note}" if claim.note else note)


def _judged(grader: Grader | ArrayGrader, formula: Formula) -> Claim | None:
    """A formula in one problem; where it cannot be read, with letters that look alike, if it is right then."""
    claim = grader.claim(formula)
    if isinstance(grader, ArrayGrader) and (claim is None or claim.verdict != CORRECT):
        claim = one_sample(grader, formula, claim)
    if claim is None:
        return _accented(grader, formula)
    if claim.verdict == WRONG and among_words(formula):
        return undecided(claim, "the words beside it may say where this is meant")
    if all(member.verdict != UNREADABLE for member in claim.members):
        return claim if isinstance(grader, Grader) else with_accents(grader, claim, formula)
    if isinstance(grader, Grader):
        return _written_out(grader, claim, formula) or _alike(grader, claim, formula)
    found = with_subscripts(formula, grader.own.scope)
    tried = grader.claim(found) if found is not None else None
    if tried is not None and tried.verdict != UNREADABLE:
        return as_written(tried, claim, "letters behind names read as their subscripts", formula)
    return with_numbers(grader, claim, formula) or _alike(grader, claim, formula)


def _alike(grader: Grader | ArrayGrader, claim: Claim, formula: Formula) -> Claim:
    """A formula that cannot be read, with letters that look like those that stand there, if it is right then."""
    other = lookalike(formula, grader.own.scope)
    if other is None:
        return claim
    last = grader.last
    tried = grader.claim(other[0])
    if isinstance(grader, ArrayGrader) and (tried is None or tried.verdict == UNREADABLE):
        tried = with_numbers(grader, claim, other[0])
    if tried is None or tried.verdict != CORRECT or len(tried.members) != len(claim.members):
        grader.last = last
        return claim
    return as_written(tried, claim, f"{other[1]}, {tried.note}" if tried.note else other[1], formula)


def _written_out(grader: Grader, claim: Claim, formula: Formula) -> Claim | None:
    """A formula in notations that courses share, as they are read elsewhere; None where that does not help."""
    last = grader.last
    for other, note, sure in written_out(formula, grader.own, grader.engine.problem, grader.engine.output):
        tried = grader.claim(other)
        if tried is not None and (tried.verdict == CORRECT or (sure and tried.verdict != UNREADABLE)):
            return as_written(tried, claim, f"{note}; {tried.note}" if tried.note else note, formula)
        if tried is not None and tried.verdict == WRONG and SUBSCRIPT in note:
            grader.define(formula)  # it may be a name as well
            return undecided(as_written(tried, claim, note, formula), f"{note}, this is wrong; it may be another name")
    grader.last = last
    return _for_all(grader, claim, formula)


def _for_all(grader: Grader, claim: Claim, formula: Formula) -> Claim | None:
    """A formula with an index letter: right if it is right for every number, wrong if it is for none; else undecided."""
    last = grader.last
    found = [
        (judged, at) for one, at in instances(formula, grader.own.scope) if (judged := grader.claim(one)) is not None
    ]
    verdicts = {judged.verdict for judged, _ in found}
    if not found or not verdicts <= {CORRECT, WRONG}:
        grader.last = last
        return None
    if verdicts == {CORRECT}:
        return as_written(found[0][0], claim, "for " + ", ".join(at for _, at in found), formula)
    wrong = next(judged for judged, _ in found if judged.verdict == WRONG)
    grader.last = None
    note = "for " + ", ".join(at for judged, at in found if judged.verdict == WRONG) + " this is wrong"
    read = as_written(wrong, claim, note, formula)
    return read if len(verdicts) == 1 else undecided(read, f"{note}, for other numbers it is right")


def _accented(grader: Grader | ArrayGrader, formula: Formula) -> Claim | None:
    """A formula for something that is given, with the accent its left side may have lost; None unless that is right."""
    for other, note in with_accent(formula, grader.own.scope):
        tried = grader.claim(other)
        if tried is not None and tried.verdict == CORRECT:
            return replace(tried, text=" = ".join(" ".join(one.text.split()) for one in formula.members), note=note)
    grader.last = None
    return None


def _aside(formula: Formula, claim: Claim | None) -> bool:
    """What is no claim: prose with an equality, an index (`j = i`)."""
    left, right = formula.members[0].text, formula.members[-1].text
    prose = _PROSE.fullmatch(right.rstrip(" $"))
    if formula.latex and claim is not None and prose:
        return True
    if claim is None or claim.note != FOREIGN:
        return False
    if prose:
        return True
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
