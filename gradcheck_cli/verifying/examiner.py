"""The examiner of one problem: answers to its questions, judged member by member and scored, the first mistake named."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Name, names
from gradcheck_cli.problem import Key, Problem, Question
from gradcheck_cli.solving.engine import Engine
from gradcheck_cli.solving.numbers import number_text
from gradcheck_cli.solving.queries import answer
from gradcheck_cli.source import Source
from gradcheck_cli.verifying.arrays.bench import ArrayBench
from gradcheck_cli.verifying.arrays.carried import array_follows, array_slips
from gradcheck_cli.verifying.arrays.diagnosis.collisions import array_collisions
from gradcheck_cli.verifying.arrays.worked import arrays_worked_out
from gradcheck_cli.verifying.carried import Slip, follows, slips
from gradcheck_cli.verifying.diagnosis.diagnose import coarse, collisions, diagnose, exact_mistake
from gradcheck_cli.verifying.gradients import DIFFERENTIAL
from gradcheck_cli.verifying.match import Matcher, Read, Truth
from gradcheck_cli.verifying.meanings import whole_differential
from gradcheck_cli.verifying.members import MAX_MEMBERS, is_latex, split
from gradcheck_cli.verifying.model import (
    CORRECT,
    MISSING,
    UNDECIDED,
    UNREADABLE,
    WRONG,
    Claim,
    Diagnosis,
    Explanation,
    Member,
)
from gradcheck_cli.verifying.steps import explained
from gradcheck_cli.verifying.typed import as_typed_number, significant
from gradcheck_cli.verifying.undefined import CONVENTION
from gradcheck_cli.verifying.worked import worked_out
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.verifying.diagnosis.mistakes import Mistake


CARRIED = Diagnosis("carried-forward", "this follows correctly from an earlier wrong answer")


class Examiner:
    """Judges answers to one problem; what it derives is kept for the next answer."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.arrays = ArrayBench(problem) if problem.arrays else None
        self.truths: dict[str, Truth] = {}
        self.reads: list[Read] = []  # of the claim judged last

    @cached_property
    def engine(self) -> Engine:
        """The derivations of a problem of numbers."""
        return Engine(self.problem)

    @cached_property
    def matcher(self) -> Matcher:
        """Judges members of answers about numbers."""
        return Matcher(self.engine)

    @property
    def questions(self) -> tuple[Question, ...]:
        """The problem's questions, or one for each input where it asks none."""
        return self.problem.questions or _derived(self.problem)

    def truth(self, question: Question) -> Truth:
        """What is right for a question."""
        if question.id not in self.truths and self.arrays:
            self.truths[question.id] = self.arrays.truth(question.ask, question.written)
        if question.id not in self.truths:
            found = answer(self.engine, question.ask, question.written)
            resolved = found.quantity.expr.tree
            self.truths[question.id] = Truth(question.ask, resolved, found.quantity.single, found.kind, found.holds)
        return self.truths[question.id]

    def claim(
        self, question: Question, key: Key | None, place: Source | None = None, earlier: Iterable[Slip] = ()
    ) -> Claim:
        """One answer judged, None or an empty one as missing; `earlier` are wrong answers it may follow from.

        A list is several members, or one shape or array where the question is about such: what is right counts.
        """
        earlier = tuple(earlier)
        found = self.judged(question, key, place, earlier)
        if key is None or key.listed is None or not key.texts or found.verdict == CORRECT:
            return found
        reads, truth = self.reads, self.truth(question)
        other = self.judged(question, Key((key.listed,)), place, earlier)
        of_array = truth.array is not None and truth.array.shape and all(read.numeric for read in reads)
        whole = truth.kind == "shape" or of_array
        if other.verdict == CORRECT or (whole and other.verdict != UNREADABLE):
            return other
        self.reads = reads
        return found

    def worked_out(self, truth: Truth, reads: list[Read]) -> list[Read]:
        """The members of a chain, where results of rounded numbers are right."""
        if self.arrays:
            return arrays_worked_out(self.arrays.matcher, truth, reads)
        return worked_out(self.engine, truth, reads)

    def judged(self, question: Question, key: Key | None, place: Source | None, earlier: Iterable[Slip]) -> Claim:
        """One answer judged as the members of a chain."""
        self.reads = []
        truth = self.truth(question)
        expected = self.expected(truth)
        if key is None or not any(part.text.strip() for part in key.parts):
            return _unanswered(question, expected)
        written = [(member, is_latex(part)) for part in key.parts for member in split(part)]
        parts = [part for part, _ in written]
        matcher = self.arrays.matcher if self.arrays else self.matcher
        truth = self.arrays.led(truth, *written[0]) if self.arrays and len(written) > 1 else truth
        reads = [matcher.member(part, truth, question.tolerance, latex=latex) for part, latex in written[:MAX_MEMBERS]]
        reads = self.worked_out(truth, reads)
        if len(written) > MAX_MEMBERS:
            place, note = (
                parts[MAX_MEMBERS],
                f"the chain has more than {MAX_MEMBERS} members: it is not read from here on",
            )
            reads.append(Read(Member(place.text, UNREADABLE, None, note, place)))
        self.reads = reads = [self.doubted(reads[0], truth)] if len(reads) == 1 else reads
        verdict, note = _overall(reads, question, truth)
        first_wrong = next((at for at, read in enumerate(reads) if read.member.verdict == WRONG), None)
        source = self.follows(earlier, truth, reads) if verdict == WRONG else None
        diagnosis = CARRIED if source is not None else self.diagnosis(truth, reads, verdict, first_wrong, note)
        line = (place or key.parts[0]).line_column(None)[0] if place or key.parts else None
        claim = Claim(
            id=question.id,
            line=line,
            text=" = ".join(part.text for part in parts),
            members=tuple(read.member for read in reads),
            verdict=verdict,
            first_wrong=first_wrong,
            follows_from=source,
            expected=expected,
            diagnosis=diagnosis,
            points=question.points,
            earned=question.points if verdict == CORRECT or source is not None else Fraction(0),
            note=note,
            explain=Explanation if verdict != WRONG or self.arrays else explained(self.engine, truth),
            hints=question.hints if verdict in (WRONG, MISSING) and source is None else (),
        )
        return self.arrays.told(claim, truth, reads) if self.arrays else claim

    def follows(self, earlier: Iterable[Slip], truth: Truth, reads: list[Read]) -> int | None:
        """The claim that a wrong answer follows from."""
        if self.arrays:
            return array_follows(self.arrays.matcher, earlier, truth, reads)
        return follows(self.matcher, earlier, truth, reads)

    def slips(self, index: int, ask: Expr) -> list[Slip]:
        """What the answer judged last may have spoiled in later ones."""
        return array_slips(index, ask, self.reads) if self.arrays else slips(self.engine, index, ask, self.reads)

    def collisions(self, question: Question) -> list[Mistake]:
        """Mistakes that give the right number at the problem's own values."""
        truth = self.truth(question)
        if self.arrays:
            self.arrays.matcher.begin(truth)
            return list(array_collisions(self.arrays.engine, self.arrays.matcher, truth))
        return collisions(self.engine, truth)

    def doubted(self, read: Read, truth: Truth) -> Read:
        """One digit, right by rounding alone, is wrong where it is exactly what a mistake gives: 1 for 0.94."""
        if self.arrays and truth.kind not in ("count", "relation", "shape"):
            return self.arrays.doubted(read, truth)
        if self.arrays or read.member.verdict != CORRECT or read.expr is None or truth.kind in ("count", "relation"):
            return read
        if read.member.note == CONVENTION or not coarse(read.expr, truth.value):
            return read
        if exact_mistake(self.engine, truth, read.expr) is None:
            return read
        return replace(read, member=replace(read.member, verdict=WRONG))

    def expected(self, truth: Truth) -> str:
        """The right answer: the expression, and the number it comes to."""
        if self.arrays:
            return self.arrays.expected(truth)
        if truth.kind == "relation":
            return {True: "true", False: "false"}.get(truth.holds, "") if truth.holds is not None else ""
        if truth.kind == "shape":
            return "()"
        if truth.kind == DIFFERENTIAL:
            return write(whole_differential(self.engine, truth) or truth.expr)
        text = write(truth.expr)
        value = number_text(truth.value, decimal=self.problem.decimal)
        return text if value in ("", text) else value if not names(truth.expr) else f"{text} = {value}"

    def diagnosis(
        self,
        truth: Truth,
        reads: list[Read],
        verdict: str,
        first_wrong: int | None,
        note: str,
    ) -> Diagnosis | None:
        """The mistake behind the first wrong member; never one on a right answer."""
        if verdict == MISSING and note:
            return Diagnosis("notation", note)
        if verdict != WRONG or first_wrong is None:
            return None
        if self.arrays:
            return self.arrays.diagnose(truth, reads[first_wrong])
        return diagnose(self.engine, self.matcher, truth, reads[first_wrong])


def _unanswered(question: Question, expected: str) -> Claim:
    """A question without an answer."""
    return Claim(question.id, None, "", (), MISSING, expected=expected, points=question.points, hints=question.hints)


def _overall(reads: list[Read], question: Question, truth: Truth) -> tuple[str, str]:
    """The verdict on a whole answer, and what is missing from it."""
    verdicts = [read.member.verdict for read in reads]
    for verdict in (WRONG, UNREADABLE, UNDECIDED):
        if verdict in verdicts:
            return verdict, ""
    worked = [read for read in reads if not read.restates]
    if not worked:
        return MISSING, "this restates the question: write the expression or the number it comes to"
    return _form(worked, question, truth)


def _form(worked: list[Read], question: Question, truth: Truth) -> tuple[str, str]:
    """Whether an answer is of the form asked for, with as many digits as asked for."""
    has_number = any(read.numeric for read in worked)
    has_expression = any(not read.numeric for read in worked) or not _has_names(truth.expr)
    if question.form in ("value", "both") and not has_number and truth.value is not None:
        return MISSING, "the number is missing"
    if any(_too_short(read, question.digits, truth) for read in worked):
        return MISSING, f"at least {question.digits} significant digits were asked for"
    if question.form in ("expression", "both") and not has_expression:
        return MISSING, "the expression is missing: the number alone was not asked for"
    return CORRECT, ""


def _too_short(read: Read, digits: int, truth: Truth) -> bool:
    """Whether a number has fewer digits than asked for, and is not exactly right anyway."""
    literal = as_typed_number(read.expr) if read.expr is not None else None
    return literal is not None and significant(literal) < digits and literal.value != truth.value


def _has_names(expr: Expr) -> bool:
    return bool(names(expr))


def _derived(problem: Problem) -> tuple[Question, ...]:
    """Where a problem asks nothing: the derivative of its output by each input that it depends on."""
    output = problem.outputs[0]
    found = []
    for leaf in problem.graph.inputs:
        if leaf.name in problem.graph.ancestors[output]:
            text = f"d({output}, {leaf.name})"
            found.append(Question(leaf.name, Call("d", (Name(output), Name(leaf.name))), Source(text, text)))
    return tuple(found)
