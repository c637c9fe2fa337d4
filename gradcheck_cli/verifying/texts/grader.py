"""One text judged against one problem: what a formula's left side may mean, and its members against each meaning.

A left side is a derivative, a differential, a node, an input or an update of one, or any expression of its own. Where it
can mean several things, the meaning that makes the student right wins. What cannot be read is unreadable, never wrong.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, ParseError
from gradcheck_cli.expand import scalar_only
from gradcheck_cli.expr import Expr, names
from gradcheck_cli.parsing.names import normal_latex
from gradcheck_cli.solving.options import with_values
from gradcheck_cli.source import Span
from gradcheck_cli.verifying.carried import MOST_DIAGNOSED, MOST_SLIPS, Slip, follows, roundings, slips
from gradcheck_cli.verifying.diagnosis.diagnose import diagnose
from gradcheck_cli.verifying.examiner import CARRIED, Examiner
from gradcheck_cli.verifying.gradients import DIFFERENTIAL
from gradcheck_cli.verifying.match import ON_BRANCH, Matcher, Read, Truth, left_open, unreadable
from gradcheck_cli.verifying.meanings import asked, assumption, differential, known, truths, without_differentials
from gradcheck_cli.verifying.model import CORRECT, RANK, UNDECIDED, UNREADABLE, WRONG, Claim, Member
from gradcheck_cli.verifying.remarks import beside
from gradcheck_cli.verifying.steps import explained
from gradcheck_cli.verifying.texts.chains import (
    TAKEN,
    as_local,
    claim_of,
    found_again,
    loose,
    overall,
    put_in,
    righted,
    text_of,
    undecided,
    with_rounded_of,
)
from gradcheck_cli.verifying.texts.conventions import usual_scope, without_mark
from gradcheck_cli.verifying.texts.definitions import (
    gradient_of,
    learn,
    may_be_loss,
    meaning_of,
    new_name,
    number_of_node,
    stepped,
    taken_with,
    updated_by,
)
from gradcheck_cli.verifying.texts.own import OWN, Own, own_name, taken_at, unknown_argument, with_letter
from gradcheck_cli.verifying.texts.points import arguments, at_point, at_points, function_of, may_be_called
from gradcheck_cli.verifying.texts.quotients import alias, resolvable
from gradcheck_cli.verifying.texts.shifts import Slopes
from gradcheck_cli.verifying.worked import (
    NEARLY,
    as_operator,
    behind_unreadable,
    local_of,
    near,
    nearly,
    repeats,
    worked_out,
)
from gradcheck_cli.verifying.worth import Worth, told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.source import Source

FOREIGN = "its left side is unknown here"
MOST_SETTINGS = 20
_REMARK = re.compile(r"\([A-Za-z]+\)$")


class Grader:
    """Judges the formulas of one text against one problem, in the order in which they stand."""

    def __init__(self, examiner: Examiner, own: Own | None = None) -> None:
        self.examiner = examiner
        self.engine: Engine = examiner.engine
        self.matcher: Matcher = examiner.matcher
        self.own = own or Own(usual_scope(self.engine.problem, self.engine.output))
        self.slopes = Slopes(self.engine, self.matcher, self.own)
        self.slips: deque[Slip] = deque(maxlen=MOST_SLIPS)
        self.rounded: deque[Slip] = deque(maxlen=MOST_SLIPS)  # right numbers, with their lines for an index
        self.told: deque[Worth] = deque(maxlen=MOST_SLIPS)  # exact numbers of right claims
        self.diagnosed = 0
        self.settings: dict[tuple[tuple[str, Fraction], ...], Grader] = {}
        self.last: tuple[Truth, list[Read]] | None = None  # what the last claim was judged by
        self.gradient: Expr | None = None  # what the left side stands for, where it is dz for the gradient by z

    # -- claims

    def claim(self, formula: Formula) -> Claim | None:
        """One formula judged; None for one that says nothing about this problem."""
        self.last, self.slopes.found = None, False
        if not any(member.text for member in formula.members[1:]):
            return None
        turned = self.turned(formula)
        if turned is not None and (found := self.claim(turned)) is not None:
            return replace(found, text=text_of(formula))
        called = self.called(formula)
        if called is not None and (function_of(formula.members[0]) or called.verdict == CORRECT):
            return called
        found = self.judged(formula)  # of df/dx (2) it may be a product
        if called is not None and (found is None or found.verdict != CORRECT):
            return called
        if found is None or found.verdict == UNREADABLE:
            return found
        taken, given = taken_at(formula.members, self.own.scope), self.engine.problem.given
        point = {name: value for name, value in taken.items() if given.get(name) != value}
        if found.verdict != CORRECT and own_name(formula.members[0]) in self.own.definitions:
            return self.define(formula)
        if point or (self.own.assumed and found.verdict != CORRECT):
            found = self.elsewhere(formula, found, point)
        return self.after_step(formula, found, point) if found.verdict == WRONG else found

    def after_step(self, formula: Formula, found: Claim, point: Mapping[str, Fraction]) -> Claim:
        """A wrong claim, with the values that parameters have after an update where it is right with those."""
        last = self.last
        later = last is not None and last[0].kind == "value" and without_mark(formula.members[0])[1]
        for values in (self.own.updated, stepped(self.engine) if later else {}):
            tried = self.moved(formula, {**values, **point}) if values else None
            if tried is not None and tried.verdict == CORRECT:
                return tried
        self.last = last
        return undecided(found, "this is a value after an update") if later else found

    def called(self, formula: Formula) -> Claim | None:
        """A function at a point, `f'(2) = 12`; None for any other left side."""
        near = arguments(self.engine, self.own.scope, function_of(formula.members[0]))
        ways = at_points(formula, self.own.scope, self.engine, near)
        return at_point(formula, ways, lambda one, point: self.moved(one, point) if point else self.judged(one))

    def turned(self, formula: Formula) -> Formula | None:
        """A chain that begins with a number, `0.731 = a`, from its first member with a name in it; None for any other."""
        for at, member in enumerate(formula.members):
            try:
                named = any(names(expr) for expr in self.own.readings(member, latex=formula.latex))
            except GradcheckError:
                return None
            if named:
                others = (*formula.members[:at], *formula.members[at + 1 :])
                return replace(formula, members=(member, *others)) if at else None
        return None

    def judged(self, formula: Formula) -> Claim | None:
        """At the problem's values; a letter that means nothing here may stand for what a node is computed from."""
        try:
            found = self.meant(formula)
        except GradcheckError as error:
            found = replace(self.finish(formula, [unreadable(formula.members[0], error)], None), note=FOREIGN)
        dummy = unknown_argument(formula.members[0], self.own.scope)
        if dummy is None or found is None or found.verdict not in (UNREADABLE, WRONG):
            return found
        kept, last = self.own.scope, self.last
        for name in arguments(self.engine, self.own.scope, dummy[0]):
            self.own.scope = with_letter(kept, dummy[1], name)
            try:
                tried = self.meant(formula)
            except GradcheckError:
                tried = None
            self.own.scope = kept
            if tried is not None and tried.verdict == CORRECT:
                return replace(tried, note=f"{dummy[1]} read as {name}")
        self.last = last
        return found

    def meant(self, formula: Formula) -> Claim | None:
        """The best claim over all meanings of the left side. Raises GradcheckError where it has none."""
        left, *members = formula.members
        declared = normal_latex(left.text) in self.own.scope.latex
        left, updated = (left, False) if declared else without_mark(left)
        best: Claim | None = None
        senseless: GradcheckError | None = None
        for meaning in self.meanings(left, latex=formula.latex):
            self.gradient = gradient_of(self.engine, self.own.scope, meaning, members, latex=formula.latex)
            try:
                found = truths(self.engine, self.gradient or meaning, formula.relation, updated=updated)
            except GradcheckError as error:
                senseless = senseless or error
                continue
            for truth in found:
                judged = [self.read(member, truth, latex=formula.latex) for member in members if member.text]
                reads = worked_out(self.engine, truth, self.slopes.settled(formula, truth, judged))
                on_branch = self.matcher.supposed and reads and reads[0].member.note == ON_BRANCH
                if len(reads) == 1 and truth.kind == "derivative" and not on_branch:
                    reads = [self.examiner.doubted(reads[0], truth)]
                claim = as_local(self.finish(formula, reads, truth), truth, found[0])
                unlike = truth.kind == "given" and claim.verdict != CORRECT and best is not None
                if best is None or (not unlike and RANK.index(claim.verdict) < RANK.index(best.verdict)):
                    best, self.last = claim, (truth, reads)
        if best is None and senseless is not None:
            raise ParseError(senseless.message, hint=senseless.hint, source=left, span=Span(0, len(left.text)))
        return best

    def meanings(self, left: Source, *, latex: bool) -> tuple[Expr, ...]:
        """The readings of a left side; a word in brackets behind it, as in L(loss), is a remark."""
        try:
            found = tuple(scalar_only(expr, left) for expr in self.readings(left, latex=latex))
            return (*beside(self.engine, found, 1), *found)
        except GradcheckError:
            remark = _REMARK.search(left.text)
            if remark is None:
                raise
            return self.readings(left.slice(Span(0, remark.start())), latex=latex)

    def readings(self, source: Source, *, latex: bool) -> tuple[Expr, ...]:
        """Every reading of a text in names of the problem. Raises ParseError where there is none."""
        return resolvable(self.own, self.engine, self.matcher, source, latex=latex)

    # -- members

    def read(self, member: Source, truth: Truth, *, latex: bool) -> Read:
        """One member judged; a differential by the coefficients of its terms."""
        if truth.kind not in (DIFFERENTIAL, "assumed") and (none := self.matcher.without_value(member, truth)):
            return none
        try:
            found = self.readings(member, latex=latex)
            if truth.kind == DIFFERENTIAL:
                return differential(self.engine, self.matcher, member, found, truth)
            if self.gradient is not None or truth.kind == "update":
                found = tuple(one for expr in found for one in self.own.gradients.put_in(expr))
            found = without_differentials(found, member)
        except GradcheckError as error:
            return unreadable(member, error)
        found = tuple(dict.fromkeys((*beside(self.engine, found, 0), *found)))
        if truth.kind == "assumed":
            return assumption(member, found)
        read = self.matcher.best(member, found, truth)
        if self.gradient is not None and read.numeric and not self.own.gradients.sure:
            return left_open(read, "this may be the gradient, or how far something moves")
        self.own.gradients.sure |= self.gradient is not None and read.member.verdict == CORRECT and not read.numeric
        if read.member.verdict == WRONG and as_operator(found, truth, member.text, self.matcher.agrees):
            note = "the derivative stands for d/dx of what follows"
            return replace(read, member=replace(read.member, verdict=CORRECT, note=note))
        if read.member.verdict == WRONG and repeats(found, truth):
            note = "the left side stands again on the right: perhaps it is meant as d/dx of what follows"
            return replace(read, member=replace(read.member, verdict=UNDECIDED, note=note))
        return read

    # -- verdicts

    def finish(self, formula: Formula, reads: list[Read], truth: Truth | None) -> Claim:
        """The verdict on a whole chain, its first wrong member and its diagnosis."""
        reads = [
            loose(read) if formula.loose is not None and at >= formula.loose else read for at, read in enumerate(reads)
        ]
        reads = behind_unreadable(reads)
        verdict = overall(reads, truth)
        if verdict == WRONG and truth is not None and truth.kind == "update" and self.own.rate(self.engine.problem):
            reads = [left_open(read, "the text takes another learning rate than the problem") for read in reads]
            verdict = overall(reads, truth)
        if verdict == WRONG and not self.slopes.found and may_be_called(formula, self.own.scope, self.engine):
            reads = [left_open(read, "a number in brackets behind a name may be a point or a factor") for read in reads]
            verdict = overall(reads, truth)
        if verdict == UNDECIDED and truth is not None and truth.kind in ("given", "defined"):
            note = f"the problem has {self.examiner.expected(truth)}; {TAKEN}"
            reads = [left_open(read, note) for read in reads]
        judged = truth is None or truth.kind not in ("assumed", "own")
        expected = self.examiner.expected(truth) if truth is not None and verdict == WRONG else ""
        return claim_of(formula, reads, verdict, judged=judged, expected=expected)

    def explained(self, claim: Claim) -> Claim:
        """The claim just judged, with the mistake it is; it earns its points where it follows from an earlier one."""
        if claim.verdict != WRONG or self.last is None:
            return claim
        truth, reads = self.last
        query = asked(truth)
        if truth.kind in (DIFFERENTIAL, "own") or not known(self.engine, query):
            shown = Read(Member("", CORRECT), truth.expr)
            return undecided(claim, NEARLY) if nearly(self.engine, [shown, *reads]) else claim
        self.diagnosed += 1
        if self.diagnosed > MOST_DIAGNOSED:
            return claim
        wrong = [read for read in reads if read.member.verdict == WRONG]
        close = all(near(self.engine, truth, read) for read in wrong)
        if close and (origin := follows(self.matcher, self.rounded, query, reads)) is not None:
            return righted(claim, [with_rounded_of(member, origin) for member in claim.members])
        told_above = tuple(reversed(self.told))
        if (right := put_in(claim, reads, lambda expr: self.matcher.stands_for(expr, truth, told_above))) is not None:
            return right
        if nearly(self.engine, reads):
            return undecided(claim, NEARLY)
        claim = replace(claim, explain=explained(self.engine, query))
        source = follows(self.matcher, self.slips, query, reads)
        if source is not None:
            return replace(claim, follows_from=source, diagnosis=CARRIED, earned=claim.points)
        found = diagnose(self.engine, self.matcher, query, wrong[0])
        return replace(claim, diagnosis=found_again(found, claim))

    def remember(self, index: int, claim: Claim) -> None:
        """Keep the numbers of a wrong claim, and the rounded ones of a right claim, for those that follow from it."""
        if self.last is None or claim.verdict not in (WRONG, CORRECT):
            return
        truth, reads = self.last
        query = asked(truth)
        if not known(self.engine, query):
            edge = local_of(self.matcher, truth)
            if edge is None:
                return
            query = replace(query, ask=edge)
        if claim.verdict == WRONG:
            self.slips += slips(self.engine, index, query.ask, reads)
        elif claim.line is not None:
            self.rounded += roundings(claim.line, query.ask, reads)
            if truth.kind == "update":
                self.own.updated |= updated_by(truth, reads)
            if any(read.numeric for read in reads):
                self.told += told(claim.line, query.ask, truth.expr, truth.value)

    # -- definitions and assumptions

    def learn(self, formula: Formula) -> str:
        """Take in what the formula judged last sets for those below it; what it assumes, in words."""
        return learn(self.own, self.engine, formula, self.last)

    def define(self, formula: Formula) -> Claim | None:
        """A formula whose left side is a new name: what it stands for from here on; the rest of the chain is judged."""
        left, *members = formula.members
        spelling, found = new_name(self.own, left), meaning_of(self.own, self.engine, self.matcher, formula)
        if spelling is None or found is None:
            return None
        at, truth = found
        again = spelling in self.own.definitions and not names(truth.expr)
        loss = not names(truth.expr) and may_be_loss(self.engine, self.matcher, spelling, truth)
        self.own.define(left, alias(self.engine, self.matcher, truth.expr))
        if not names(truth.expr):
            self.own.stands(left, number_of_node(self.engine, spelling, truth))
        reads = [self.read(one, truth, latex=formula.latex) for one in members[at:] if one.text]
        defined = Read(Member(formula.members[at].text, CORRECT), truth.expr)
        reads = self.rounded_right(truth, worked_out(self.engine, truth, [defined, *reads])[1:])
        wrong = [one.expr for one in reads if one.member.verdict == WRONG and one.expr is not None]
        self.own.otherwise(left, wrong)
        note = "this is another value than above; it is taken from here on" if again else ""
        note = "if this is the problem's loss, it is not right" if loss else note
        member = formula.members[at]
        first = Read(Member(member.text, UNDECIDED if note else CORRECT, None, note, member), truth.expr)
        claim = self.finish(replace(formula, members=(left, *members[at - 1 :])), [first, *reads], truth)
        if (
            claim.verdict == WRONG
            and self.diagnosed <= MOST_DIAGNOSED
            and (origin := follows(self.matcher, self.slips, truth, reads)) is not None
        ):
            claim = replace(claim, follows_from=origin, diagnosis=CARRIED)
        return replace(claim, note=OWN)

    def rounded_right(self, truth: Truth, reads: list[Read]) -> list[Read]:
        """The members of a definition; what was worked out with rounded numbers of lines above is right."""
        wrong = [read for read in reads if read.member.verdict == WRONG]
        self.diagnosed += bool(wrong)
        if not wrong or self.diagnosed > MOST_DIAGNOSED or not all(near(self.engine, truth, read) for read in wrong):
            return reads
        line = follows(self.matcher, self.rounded, truth, reads)
        return reads if line is None else [replace(read, member=with_rounded_of(read.member, line)) for read in reads]

    def elsewhere(self, formula: Formula, found: Claim, point: Mapping[str, Fraction]) -> Claim:
        """A claim that is not right at the problem's values, at those that it or a line above it takes."""
        last = self.last
        tried = self.moved(formula, point)
        if tried is None or (tried.verdict != CORRECT and not point):
            self.last = last
            return found if not point else undecided(found, "this is taken at other values than the problem's")
        return tried

    def moved(self, formula: Formula, point: Mapping[str, Fraction]) -> Claim | None:
        """A formula judged at other values, and at those that lines above it take; None where that cannot be done."""
        inputs = self.engine.graph.by_name
        assumed = {name: value for name, (value, _) in self.own.assumed.items()}
        values = {name: value for name, value in {**assumed, **point}.items() if name in inputs}
        other = self.setting(values)
        tried = other.judged(formula) if other is not None else None
        if tried is None or other is None:
            return None
        tried = replace(other.explained(tried), diagnosis=None)  # it may as well be the number of another point
        other.remember(0, tried)
        self.last = None
        return replace(tried, note=taken_with(self.own, values, point))

    def setting(self, values: Mapping[str, Fraction]) -> Grader | None:
        """The same text against the problem with other values."""
        key = tuple(sorted(values.items()))
        if key not in self.settings:
            if not values or len(self.settings) >= MOST_SETTINGS:
                return None
            changed = with_values(self.engine.problem, dict(key))
            self.settings[key] = Grader(Examiner(changed), self.own)
            self.settings[key].matcher.granted = frozenset(values)
        return self.settings[key]
