"""Homework as it was written: every formula of a text is a claim, found by its left side and judged member by member.

A left side is a derivative, a differential, a node, an input or an update of one, or any expression of its own. Where it
can mean several things, the meaning that makes the student right wins. What cannot be read is unreadable, never wrong.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expand import scalar_only
from gradcheck_cli.expr import Call, Expr, Name, children, number, walk, with_children
from gradcheck_cli.parsing.text import readings
from gradcheck_cli.source import Span
from gradcheck_cli.symbolic.build import plus
from gradcheck_cli.verifying.array_homework import ArrayGrader
from gradcheck_cli.verifying.diagnose import diagnose
from gradcheck_cli.verifying.match import Matcher, Read, Truth, unreadable
from gradcheck_cli.verifying.model import CORRECT, MISSING, UNDECIDED, UNREADABLE, WRONG, Claim, Member

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.parsing.document import Document, Formula
    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.examiner import Examiner

_RANK = (CORRECT, UNDECIDED, WRONG, UNREADABLE, MISSING)
_REMARK = re.compile(r"\([A-Za-z]+\)$")
_DIFFERENTIAL = "differential"
_FOREIGN = "its left side is unknown here"


def grade(examiners: Iterable[Examiner], document: Document) -> list[Claim]:
    """The claims of a text, each judged in the problem in which its symbols are at home.

    Where it is at home in several, the one in which it is right wins.
    """
    graders = [
        ArrayGrader(examiner.arrays, _FOREIGN) if examiner.arrays else Grader(examiner) for examiner in examiners
    ]
    found = []
    for formula in document.formulas:
        claims = [claim for grader in graders if (claim := grader.claim(formula)) is not None]
        best = min(claims, key=lambda claim: (_RANK.index(claim.verdict), claim.note == _FOREIGN), default=None)
        if best is not None and best.verdict != MISSING:
            found.append(best)
    return [_in_its_place(found, at) for at in range(len(found))]


def _in_its_place(claims: list[Claim], at: int) -> Claim:
    """A formula for a node amid formulas about other things speaks of another exercise: undecided, not wrong."""
    claim = claims[at]
    around = [other for place in (at - 1, at + 1) if 0 <= place < len(claims) for other in (claims[place],)]
    stranger = len(around) > 1 and all(other.note == _FOREIGN for other in around)
    if claim.verdict != WRONG or not stranger or len(claim.members) > 1:
        return claim
    members = tuple(replace(member, verdict=UNDECIDED) for member in claim.members)
    note = "this seems to speak of another exercise"
    return replace(
        claim, verdict=UNDECIDED, members=members, first_wrong=None, diagnosis=None, points=Fraction(0), note=note
    )


class Grader:
    """Judges the formulas of one text against one problem."""

    def __init__(self, examiner: Examiner) -> None:
        self.examiner = examiner
        self.engine: Engine = examiner.engine
        self.matcher: Matcher = examiner.matcher
        self.scope = replace(self.engine.problem.scope, differentials=True)

    def claim(self, formula: Formula) -> Claim | None:
        """One formula judged; None for one that says nothing about this problem."""
        left, *members = formula.members
        try:
            meanings = self.meanings(left, latex=formula.latex)
        except GradcheckError as error:
            return replace(self.finish(formula, [unreadable(left, error)], None), note=_FOREIGN)
        best: Claim | None = None
        for meaning in meanings:
            for truth in self.truths(meaning):
                reads = [self.read(member, truth, latex=formula.latex) for member in members if member.text]
                if len(reads) == 1 and truth.kind == "derivative":
                    reads = [self.examiner.doubted(reads[0], truth)]
                claim = self.finish(formula, reads, truth)
                if best is None or _RANK.index(claim.verdict) < _RANK.index(best.verdict):
                    best = claim
        return best

    def meanings(self, left: Source, *, latex: bool) -> tuple[Expr, ...]:
        """The readings of a left side; a word in brackets behind it, as in L(loss), is a remark."""
        try:
            return tuple(scalar_only(expr, left) for expr in readings(left, self.scope, latex=latex))
        except GradcheckError:
            remark = _REMARK.search(left.text)
            if remark is None:
                raise
            return readings(left.slice(Span(0, remark.start())), self.scope, latex=latex)

    # -- what a left side may mean

    def truths(self, left: Expr) -> list[Truth]:
        """The meanings of a left side, each with what is true of it."""
        found: list[Truth] = []
        try:
            if isinstance(left, Call) and left.function == "d" and all(isinstance(arg, Name) for arg in left.args):
                found += [self.truth(left, partial=False), self.truth(left, partial=True)]
            elif isinstance(left, Name):
                found += self.of_name(left)
            elif isinstance(left, Call) and left.function == _DIFFERENTIAL:
                found.append(Truth(left, left, None, "differential"))
            else:
                found.append(self.truth(left, partial=False))
        except GradcheckError:
            return []
        return found

    def truth(self, left: Expr, *, partial: bool) -> Truth:
        resolved = self.engine.resolve(left, partial=partial)
        return Truth(left, resolved, self.engine.value(resolved), "derivative")

    def of_name(self, left: Name) -> list[Truth]:
        """A node is what computes it; an input is its given value, or its value after an update."""
        node = next((node for node in self.engine.graph.nodes if node.name == left.id), None)
        if node is not None:
            return [Truth(left, node.expr, self.engine.values.get(left.id), "value")]
        if left.id in self.engine.lets:
            return [replace(self.truth(left, partial=False), kind="defined")]
        found = []
        given = self.engine.problem.given.get(left.id)
        if given is not None:
            found.append(Truth(left, number(given), given, "given"))
        if left.id in self.engine.graph.by_name and self.engine.problem.learning_rate is not None:
            update = self.engine.update(Call("step", (left,)))
            found.append(Truth(left, update, self.engine.value(update), "update"))
        return found

    # -- members

    def read(self, member: Source, truth: Truth, *, latex: bool) -> Read:
        """One member judged; a differential by the coefficients of its terms."""
        if truth.kind == _DIFFERENTIAL:
            return self.differential(member, truth, latex=latex)
        read = self.matcher.member(member, truth, latex=latex)
        if read.member.verdict == WRONG and self.repeats(member, truth, latex=latex):
            note = "the left side stands again on the right: perhaps it is meant as d/dx of what follows"
            return replace(read, member=replace(read.member, verdict=UNDECIDED, note=note))
        return read

    def repeats(self, member: Source, truth: Truth, *, latex: bool) -> bool:
        """Whether a derivative stands as a factor in its own right side, as in da/dz = da/dz (1/u)."""
        found = readings(member, self.scope, latex=latex)
        products = (expr for expr in found if isinstance(expr, Call) and expr.function == "mul")
        return any(factor == truth.ask for expr in products for factor in expr.args)

    def differential(self, member: Source, truth: Truth, *, latex: bool) -> Read:
        """Dy = x dw + …: the coefficient of each dw is the local derivative on that edge."""
        target = truth.ask.args[0] if isinstance(truth.ask, Call) else truth.ask
        try:
            found = readings(member, self.scope, latex=latex)
            verdicts = [self.coefficients(expr, target) for expr in found]
        except GradcheckError as error:
            return unreadable(member, error)
        verdict = CORRECT if CORRECT in verdicts else WRONG if all(one == WRONG for one in verdicts) else UNDECIDED
        return Read(Member(member.text, verdict, None, "", member), None)

    def coefficients(self, expr: Expr, target: Expr) -> str:
        used = {part.args[0] for part in walk(expr) if isinstance(part, Call) and part.function == _DIFFERENTIAL}
        if not used or not isinstance(target, Name):
            return UNDECIDED
        verdicts = []
        for source in used:
            if not isinstance(source, Name) or (source.id, target.id) not in self.engine.local:
                return UNDECIDED
            coefficient = _coefficient(expr, source)
            local = self.engine.local[source.id, target.id]
            verdicts.append(CORRECT if self.matcher.agrees(coefficient, local) else WRONG)
        return WRONG if WRONG in verdicts else CORRECT

    def finish(self, formula: Formula, reads: list[Read], truth: Truth | None) -> Claim:
        """The verdict on a whole chain, its first wrong member and its diagnosis."""
        verdict = _overall(reads, truth)
        if verdict == UNDECIDED and truth is not None and truth.kind in ("given", "defined"):
            note = f"the problem has {self.examiner.expected(truth)}; this is taken for a value or name of the student's own"
            reads = [_open(read, note) for read in reads]
        first = next((at for at, read in enumerate(reads) if read.member.verdict == WRONG), None)
        diagnosis = None
        if verdict == WRONG and first is not None and truth is not None and truth.kind != _DIFFERENTIAL:
            diagnosis = diagnose(self.engine, self.matcher, _asked(truth), reads[first])
        judged = verdict in (CORRECT, WRONG)
        return Claim(
            id=None,
            line=formula.line,
            text=" = ".join(" ".join(member.text.split()) for member in formula.members),
            members=tuple(read.member for read in reads),
            verdict=verdict,
            first_wrong=first if verdict == WRONG else None,
            expected=self.examiner.expected(truth) if truth is not None and verdict == WRONG else "",
            diagnosis=diagnosis,
            points=Fraction(int(judged)),
            earned=Fraction(int(verdict == CORRECT)),
        )


def _overall(reads: list[Read], truth: Truth | None) -> str:
    verdicts = [read.member.verdict for read in reads]
    if truth is not None and truth.kind in ("given", "defined") and WRONG in verdicts:
        return UNDECIDED  # x = 3 where the problem says 2, u = … of the student's own: no mistake
    for verdict in (WRONG, UNDECIDED):
        if verdict in verdicts:
            return verdict
    return verdicts[-1] if verdicts else MISSING


def _open(read: Read, note: str) -> Read:
    """A member that differs from the problem's own value or definition: it is neither right nor wrong."""
    if read.member.verdict != WRONG:
        return read
    return replace(read, member=replace(read.member, verdict=UNDECIDED, note=note))


def _asked(truth: Truth) -> Truth:
    """The truth with a query that the table of mistakes knows."""
    if truth.kind == "value" and isinstance(truth.ask, Name):
        return replace(truth, ask=Call("value", (truth.ask,)))
    if truth.kind == "update":
        return replace(truth, ask=Call("step", (truth.ask,)))
    return truth


def _coefficient(expr: Expr, source: Name) -> Expr:
    """The factor of one differential in a sum: that one put to 1, the others to 0."""
    if isinstance(expr, Call) and expr.function == _DIFFERENTIAL:
        return number(int(expr.args[0] == source))
    if isinstance(expr, Call) and expr.function == "add":
        terms = [term for term in expr.args if any(part == Call(_DIFFERENTIAL, (source,)) for part in walk(term))]
        return plus(*(_coefficient(term, source) for term in terms))
    return with_children(expr, tuple(_coefficient(child, source) for child in children(expr)))
