"""One member of a chain against the truth: read it in every way its spelling allows, and judge each reading.

Right if any reading is right; wrong only if all are; a reading never looks at the truth before it is admissible.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expand import expand, scalar_only
from gradcheck_cli.expr import Call, Expr, Num, names, number, substitute, walk
from gradcheck_cli.functions import QUERIES
from gradcheck_cli.judge import Space, decide, number_verdict, with_rounding
from gradcheck_cli.solving.queries import space
from gradcheck_cli.symbolic.evaluate import Value, interval, to_float
from gradcheck_cli.verifying.branches import on_branch
from gradcheck_cli.verifying.kept import Kept
from gradcheck_cli.verifying.model import CORRECT, RANK, UNDECIDED, UNREADABLE, WRONG, Member
from gradcheck_cli.verifying.remarks import beside
from gradcheck_cli.verifying.typed import (
    THOUSANDS,
    as_thousands,
    as_typed_number,
    has_decimals,
    is_query,
    number_of,
    restates,
    with_decimals,
)
from gradcheck_cli.verifying.undefined import CONVENTION, WithoutValue, has_none
from gradcheck_cli.verifying.words import counterexample, read_member
from gradcheck_cli.verifying.worth import derived, stands_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.grids import Grid
    from gradcheck_cli.shapes import Shape, Size
    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.worth import Worth

_YES = {"true": True, "yes": True, "holds": True, "proved": True, "false": False, "no": False, "refuted": False}
ON_BRANCH = "with each branch as at the given values"
SCALAR = ("()", "[]", "scalar", "a scalar", "1", "1x1", "1 x 1", "(1, 1)", "r")


@dataclass(frozen=True, slots=True)
class Truth:
    """What is asked for: the query itself, its expression in names of the graph, its value where there is one."""

    ask: Expr
    expr: Expr
    value: Value
    kind: str
    holds: bool | None = None
    array: ArrayTruth | None = None
    summed: bool = False  # of the sum over a batch, where the loss is its mean


@dataclass(frozen=True, slots=True)
class ArrayTruth:
    """What is true of an array, beside its expression.

    `number`   its entries at the given numbers, where there are any
    `shape`    of the expression, axes for free index letters not among them; for the question for a shape: the answer
    `letters`  the free index letters of the expression, with what they run over
    `others`   further expressions that are as right: other forms of a local derivative
    """

    number: Grid | None
    shape: Shape
    letters: tuple[tuple[str, Size], ...] = ()
    others: tuple[OtherForm, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherForm:
    """An expression that is accepted beside the truth, what it is, and its free index letters.

    `sent`  whether it holds what arrives at the target, and is right only where the answer names that
    """

    expr: Expr
    note: str
    letters: tuple[tuple[str, Size], ...] = ()
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """A member as judged: `expr` is the reading that was judged, resolved to names of the graph."""

    member: Member
    expr: Expr | None = None
    restates: bool = False
    numeric: bool = False
    written: Expr | None = None  # the reading before its derivatives were worked out


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one reading; `misfit` as in `Member`."""

    verdict: str
    note: str = ""
    misfit: str = ""


class Matcher:
    """Judges members against truths of one problem; points and definitions are shared between them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.space: Space = space(engine)
        self.given = engine.problem.given
        self.granted: frozenset[str] = frozenset()  # inputs whose given value may be put in anywhere
        self.supposed: dict[str, Fraction] = {}  # values for whose sign a condition beside a formula stands
        self._fixed: dict[tuple[frozenset[str], bool], Space] = {}
        self._branched: dict[frozenset[tuple[str, Fraction]], Space | None] = {}
        self.kept = Kept()
        self.missing = WithoutValue(self.space, engine.problem.scope, self.kept)

    def member(self, source: Source, truth: Truth, tolerance: Fraction | None = None, *, latex: bool = False) -> Read:
        """The verdict on one member, in plain spelling or in LaTeX."""
        if truth.kind in ("relation", "shape"):
            return self.word(source, truth)
        if (none := self.without_value(source, truth)) is not None:
            return none
        try:
            found = self.read(source, truth, latex=latex)
        except GradcheckError as error:
            return unreadable(source, error)
        return self.best(source, (*beside(self.engine, found, 0), *found), truth, tolerance)

    def without_value(self, source: Source, truth: Truth) -> Read | None:
        """An answer that says there is no value; None for any other."""
        what = self.missing.said(source.text) if truth.kind != "count" else ""
        if not what:
            return None
        verdict, note = self.missing.judged(what, truth.expr)
        return Read(Member(source.text, verdict, None, note, source), None, numeric=True)

    def best(self, source: Source, found: Iterable[Expr], truth: Truth, tolerance: Fraction | None = None) -> Read:
        """The verdict on the reading that makes the student right, if one does."""
        try:
            found = [scalar_only(expr, source) for expr in found]
        except GradcheckError as error:
            return unreadable(source, error)
        best: Read | None = None
        for expr in found:
            judged = self.reading(source, expr, truth, tolerance)
            if best is None or RANK.index(judged.member.verdict) < RANK.index(best.member.verdict):
                best = judged
        assert best is not None  # noqa: S101 - there is a reading, or an error was raised
        return best

    def read(self, source: Source, truth: Truth, *, latex: bool) -> tuple[Expr, ...]:
        """The readings of a text; for a count, a number with a word behind it (`20 parameters`) is one too."""
        return read_member(source, self.engine.problem.scope, counted=truth.kind == "count", latex=latex)

    def reading(self, source: Source, expr: Expr, truth: Truth, tolerance: Fraction | None) -> Read:
        """Judge one reading."""
        asks = any(isinstance(part, Call) and part.function in QUERIES and is_query(part) for part in walk(expr))
        if expr == truth.ask or restates(expr, truth.ask):
            return Read(Member(source.text, CORRECT, _float(truth.value), "", source), None, restates=True)
        try:
            candidates = self.resolved(expr, source)
        except GradcheckError as error:
            return unreadable(source, error)
        judged = [(candidate, self.judge(candidate, truth, tolerance)) for candidate in candidates]
        resolved, verdict = min(judged, key=lambda pair: RANK.index(pair[1].verdict))
        numeric = not names(resolved)
        value = _float(self.engine.value(resolved)) if self.has_values(resolved) else None
        member = Member(source.text, verdict.verdict, value, verdict.note, source)
        return Read(member, resolved, restates=asks, numeric=numeric, written=expr)

    def resolved(self, expr: Expr, source: Source) -> tuple[Expr, ...]:
        """The expression with its derivatives worked out: as total ones, and as local ones where that differs."""
        total = self.engine.resolve(expr, text=source)
        partial = self.engine.resolve(expr, partial=True, text=source)
        return (total,) if partial == total else (total, partial)

    def has_values(self, expr: Expr) -> bool:
        """Whether every name in an expression has a number."""
        return all(self.engine.values.get(name) is not None for name in names(expr))

    # -- verdicts

    def judge(self, expr: Expr, truth: Truth, tolerance: Fraction | None) -> Verdict:
        """Is this what was asked for? For all inputs, or at the given values where it shows them."""
        if self.supposed and (found := self.on_branches(expr, truth.expr)):
            return found
        if not names(expr):
            return self.in_numbers(expr, truth, tolerance)
        verdict = self.formula(expr, truth, tolerance)
        if verdict.verdict != WRONG:
            return verdict
        note = self.stands_for(expr, truth, self.kept.of("derived", lambda: derived(self.engine)))
        return Verdict(CORRECT, note) if note else verdict

    def stands_for(self, expr: Expr, truth: Truth, known: Iterable[Worth]) -> str:
        """How a formula is right by numbers that stand for what has them as its value; empty where it is not."""

        def right(put: Expr) -> bool:
            return self.formula(put, truth, None).verdict == CORRECT

        return stands_for(self.engine, expr, truth.value, known, right)

    def formula(self, expr: Expr, truth: Truth, tolerance: Fraction | None) -> Verdict:
        """A formula with names in it: for all inputs, with given values put in, or on the branches of those."""
        try:
            decision = decide(expand(expr), expand(truth.expr), self.space)
        except GradcheckError as error:
            return Verdict(UNDECIDED, error.message)
        if decision.kind == "equal":
            return Verdict(CORRECT, decision.note)
        found = self.with_values(expr, truth, tolerance) or self.on_branches(expr, truth.expr)
        if found is not None:
            return found
        if decision.kind in ("undecided", "nowhere"):
            return Verdict(WRONG if decision.kind == "nowhere" else UNDECIDED, decision.reason)
        return Verdict(WRONG, counterexample(decision.counterexample))

    def in_numbers(self, expr: Expr, truth: Truth, tolerance: Fraction | None) -> Verdict:
        """A number, or arithmetic with such; where thousands are asked for, 32.769 may be meant as those."""
        literal = as_typed_number(expr)
        found = self.number(literal, truth, tolerance) if literal else self.arithmetic(expr, truth, tolerance)
        whole = isinstance(truth.value, Fraction) and truth.value.denominator == 1 and abs(truth.value) >= 1000
        if not whole or found.verdict != WRONG or (grouped := as_thousands(expr)) is None:
            return found
        again = self.in_numbers(grouped, truth, tolerance)
        return Verdict(CORRECT, THOUSANDS) if again.verdict == CORRECT else found

    def number(self, literal: Num, truth: Truth, tolerance: Fraction | None) -> Verdict:
        """A number is right when it is right to the digits given."""
        if truth.value is None:
            return Verdict(*self.missing.number(truth.expr))
        if truth.kind == "count":
            return Verdict(CORRECT if literal.value == truth.value else WRONG)
        found = number_verdict(literal, truth.value, tolerance)
        if found in ("wrong", "rounding") and self.missing.by_convention(literal.value, truth.expr):
            return Verdict(CORRECT, CONVENTION)
        notes = {"truncated": "truncated, not rounded", "rounding": "rounding"}
        return Verdict(CORRECT if found in ("right", "truncated") else WRONG, notes.get(found, ""))

    def arithmetic(self, expr: Expr, truth: Truth, tolerance: Fraction | None) -> Verdict:
        """Arithmetic with numbers: typed decimals stand for what they may have been rounded from."""
        exact = self.engine.value(expr)
        if exact is None and has_none(expr):
            return Verdict(*self.missing.judged("1/0", truth.expr))
        if truth.value is None:
            return self.instead(expr, truth)
        if exact is None:
            return Verdict(UNDECIDED, "this is not defined")
        bounds, wanted = interval(exact), interval(truth.value)
        if bounds and wanted and bounds[0] <= wanted[1] and wanted[0] <= bounds[1]:
            return Verdict(CORRECT)
        slack = tolerance or Fraction(0)
        ball = with_rounding(expand(with_decimals(expr)), self.typed_exactly)
        bounds = interval(ball) if ball is not None else None
        if bounds and wanted and bounds[0] - slack <= wanted[1] and wanted[0] <= bounds[1] + slack:
            return Verdict(CORRECT, "to the digits of its numbers")
        return Verdict(WRONG)

    def instead(self, expr: Expr, truth: Truth) -> Verdict:
        """A constant against a truth without numbers: right if it holds for all inputs."""
        decision = decide(expand(expr), expand(truth.expr), self.space)
        verdicts = {"equal": CORRECT, "different": WRONG}
        return Verdict(verdicts.get(decision.kind, UNDECIDED), counterexample(decision.counterexample))

    def with_values(self, expr: Expr, truth: Truth, tolerance: Fraction | None) -> Verdict | None:
        """Given values may be put in: those that the answer shows as numbers instead of names."""
        shown = {abs(part.value) for part in walk(expr) if isinstance(part, Num)}
        written = set(names(expr))
        put_in = {
            name: number(value)
            for name, value in self.given.items()
            if name in self.labels or name in self.granted or (abs(value) in shown and name not in written)
        }
        for held in (put_in, {**put_in, **self.absent(written)}):
            if held and self.agrees_with(held, expr, truth.expr):
                return Verdict(CORRECT, "with given values put in")
        if truth.value is None or not self.has_values(expr) or not has_decimals(expr, self.given):
            return None
        values = {name: number_of(self.engine.values[name]) for name in written}
        if any(value is None for value in values.values()):
            return None
        put = substitute(expr, {name: value for name, value in values.items() if value is not None})
        verdict = self.arithmetic(put, truth, tolerance)
        return Verdict(CORRECT, "at the given values") if verdict.verdict == CORRECT else None

    def agrees_with(self, held: dict[str, Expr], expr: Expr, true: Expr) -> bool:
        """Whether two expressions agree with some inputs at their given values, or then on the branches of those."""
        if decide(expand(expr), expand(true), self.fixed(held)).kind == "equal":
            return True
        return self.on_branches(expr, true) is None and self.on_branches(expr, true, held) is not None

    def absent(self, written: set[str]) -> dict[str, Expr]:
        """Given values of inputs that nothing written depends on: 6x has c = 3 in it. That 1 or -1 was put in, nothing shows."""
        above = self.engine.graph.ancestors
        used = written.union(*(above.get(name, frozenset()) for name in written))
        return {
            name: number(value) for name, value in self.given.items() if name not in used and abs(value) not in (0, 1)
        }

    @cached_property
    def typed_exactly(self) -> frozenset[Fraction]:
        """The numbers that are the problem's own: these nobody has rounded."""
        rate = self.engine.problem.learning_rate
        return frozenset(abs(value) for value in (*self.given.values(), *(() if rate is None else (rate,))))

    def agrees(self, left: Expr, right: Expr) -> bool:
        """Whether two expressions in names agree for all inputs, or on the branches of the given values."""
        decision = decide(expand(left), expand(right), self.space)
        return decision.kind == "equal" or self.on_branches(left, right) is not None

    def on_branches(self, expr: Expr, true: Expr, held: dict[str, Expr] | None = None) -> Verdict | None:
        """Piecewise functions may stand on the branch that the given values choose: 1 for an active ReLU."""
        if self.branched is None or not (self.supposed or self.has_values(expr)):
            return None
        sides = [on_branch(expand(side), {**self.engine.values, **self.supposed}) for side in (expr, true)]
        decision = decide(sides[0], sides[1], self.fixed(held, self.branched) if held else self.branched)
        return Verdict(CORRECT, ON_BRANCH) if decision.kind == "equal" else None

    @cached_property
    def labels(self) -> set[str]:
        """Constants, and inputs that are 0 or 1 or -1: their given value may be taken for granted, as y = 1 in a loss."""
        constants = {constant.name for constant in self.engine.graph.constants}
        labels = (variable.name for variable in self.space.inputs if variable.kind in ("binary", "sign"))
        return constants.union(labels)

    @property
    def branched(self) -> Space | None:
        """The space with every piecewise function on its branch; None where there are none, or no numbers."""
        key = frozenset(self.supposed.items())
        if key not in self._branched:
            names_of = [name for name, _ in self.space.definitions]
            values = {**self.engine.values, **self.supposed}
            known = self.supposed or all(values.get(name) is not None for name in names_of)
            found = tuple((name, on_branch(expr, values)) for name, expr in self.space.definitions) if known else ()
            same = not known or (found == self.space.definitions and not self.supposed)
            self._branched[key] = None if same else Space(self.space.inputs, found)
        return self._branched[key]

    def fixed(self, put_in: dict[str, Expr], whole: Space | None = None) -> Space:
        """The space, or the one with every piecewise function on its branch, with some inputs held at their values."""
        key = (frozenset(put_in), whole is None)
        if key not in self._fixed:
            whole = whole or self.space
            variables = tuple(variable for variable in whole.inputs if variable.name not in put_in)
            self._fixed[key] = Space(variables, (*put_in.items(), *whole.definitions))
        return self._fixed[key]

    def word(self, source: Source, truth: Truth) -> Read:
        """An answer to `lhs == rhs`, true or false; or the shape of a scalar."""
        if truth.kind == "shape":
            verdict = CORRECT if source.text.strip().lower() in SCALAR else WRONG
            return Read(Member(source.text, verdict, None, "", source), number(1), numeric=True)
        return said(source, truth)


def said(source: Source, truth: Truth) -> Read:
    """An answer to `lhs == rhs`: true or false."""
    word = _YES.get(source.text.strip().lower().rstrip("."))
    if word is None:
        note = f'"{source.text}" is neither true nor false; answer true or false'
        return Read(Member(source.text, UNREADABLE, None, note, source))
    if truth.holds is None:
        return Read(Member(source.text, UNDECIDED, None, "", source), number(int(word)), numeric=True)
    verdict = CORRECT if word is truth.holds else WRONG
    return Read(Member(source.text, verdict, None, "", source), number(int(word)), numeric=True)


def left_open(read: Read, note: str) -> Read:
    """A member that differs from the problem's own value or definition: it is neither right nor wrong."""
    if read.member.verdict != WRONG:
        return read
    return replace(read, member=replace(read.member, verdict=UNDECIDED, note=note))


def unreadable(source: Source, error: GradcheckError) -> Read:
    """A member that cannot be read, with the reason and the place."""
    excerpt = error.source.excerpt(error.span) if error.source else ""
    return Read(Member(source.text, UNREADABLE, None, str(error), source, excerpt))


def _float(value: Value) -> float | None:
    return None if value is None else to_float(value)
