"""What the examiner of a problem with arrays works with: truths, the judge's space, the right answer in words."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, cached_property
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import GradcheckError, ShapeError
from gradcheck_cli.expr import Call, Expr, Index, Name, functions, names
from gradcheck_cli.functions import QUERIES
from gradcheck_cli.grids import Grid
from gradcheck_cli.judge import ArraySpace
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.solving.array_engine import ArrayEngine
from gradcheck_cli.solving.array_queries import answer_arrays
from gradcheck_cli.solving.numbers import number_text
from gradcheck_cli.verifying.arrays.batches import shown, with_samples
from gradcheck_cli.verifying.arrays.diagnosis.diagnose import diagnose, forms, likely
from gradcheck_cli.verifying.arrays.diagnosis.singles import exact_mistake
from gradcheck_cli.verifying.arrays.example import Examples, entries_to_look_at
from gradcheck_cli.verifying.arrays.local import factor_of, other_forms
from gradcheck_cli.verifying.arrays.match import ArrayMatcher
from gradcheck_cli.verifying.arrays.steps import array_steps, where
from gradcheck_cli.verifying.arrays.values import grid_of
from gradcheck_cli.verifying.diagnosis.diagnose import coarse
from gradcheck_cli.verifying.match import ArrayTruth, Read, Truth
from gradcheck_cli.verifying.model import CORRECT, WRONG, Claim, Diagnosis, Explanation
from gradcheck_cli.verifying.texts.conventions import usual_names, usual_scope, with_names
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.shapes import Size
    from gradcheck_cli.source import Source

_MOST_SHOWN = 24
_MOST_KEPT = 300  # questions of one problem, and right answers in words


class ArrayBench:
    """Everything about one problem with arrays that judging needs."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.engine = ArrayEngine(problem)
        self._truths: dict[Expr, tuple[Truth, dict[str, Size]]] = {}
        self._expected: dict[int, tuple[Truth, str]] = {}

    @cached_property
    def matcher(self) -> ArrayMatcher:
        """Judges members."""
        return ArrayMatcher(self.engine, usable_space(self.engine))

    @cached_property
    def examples(self) -> Examples:
        """Numbers that show where a wrong answer differs."""
        return Examples(self.engine)

    @cached_property
    def usual(self) -> dict[str, tuple[tuple[str, ...], Expr]]:
        """Names that courses share, with what they stand for here."""
        return usual_names(self.problem, self.engine.output, loss=not self.engine.shapes[self.engine.output])

    @cached_property
    def scope(self) -> Scope:
        """The names with which a text begins."""
        known = with_names(usual_scope(self.problem, self.engine.output), self.usual)
        return with_samples(known, self.matcher.scope.samples, self.usual)

    def truth(self, ask: Expr, text: Source | None = None) -> Truth:
        """What is right for a question; index letters run as in it then. Texts ask the same over and over."""
        if ask in self._truths:
            found, runs = self._truths[ask]
            self.engine.runs.clear()
            self.engine.runs.update(runs)
            return found
        found = self._truth(ask, text)
        if len(self._truths) >= _MOST_KEPT:
            self._truths.clear()
        self._truths[ask] = found, dict(self.engine.runs)
        return found

    def _truth(self, ask: Expr, text: Source | None) -> Truth:
        self.engine.runs.clear()
        found = answer_arrays(self.engine, ask, text)
        letters = tuple(self.engine.indices(found.quantity.expr.tree).items()) if _by_place(ask) else ()
        value = found.quantity.number
        grid = value if isinstance(value, Grid) else None if value is None else Grid((), (value,))
        single = grid.items[0] if grid is not None and len(grid.items) == 1 else None
        forms = other_forms(self.engine, ask) if found.kind == "derivative" else ()
        others = tuple(form for form in forms if form.expr != found.quantity.expr.tree)
        if not letters and found.kind == "derivative":
            letters = tuple(self.engine.indices(found.quantity.expr.tree).items())
        if letters and grid is not None and not isinstance(ask, Index):
            grid = None
        shape = found.sizes if found.kind == "shape" else ()
        array = ArrayTruth(grid, shape, letters, others)
        return Truth(ask, found.quantity.expr.tree, single, found.kind, found.holds, array)

    def led(self, truth: Truth, first: Source, latex: bool) -> Truth:  # noqa: FBT001
        """The truth under the letters of a chain's own left side, `d(L, W)[j, i] = …`; else as it is."""
        try:
            found = parse(first, self.problem.scope, latex=latex)
        except GradcheckError:
            return truth
        entries = isinstance(found, Index) and all(isinstance(index, Name) for index in found.indices)
        if not entries or found == truth.ask or not self.matcher.says_again(found, truth.ask):
            return truth
        try:
            return self.truth(found)
        except GradcheckError:
            return truth

    def expected(self, truth: Truth) -> str:
        """The right answer: the expression, and the numbers it comes to."""
        if id(truth) not in self._expected:
            if len(self._expected) >= _MOST_KEPT:
                self._expected.clear()
            self._expected[id(truth)] = truth, self._right(truth)
        return self._expected[id(truth)][1]

    def _right(self, truth: Truth) -> str:
        if truth.kind == "relation":
            return {True: "true", False: "false"}.get(truth.holds, "") if truth.holds is not None else ""
        if truth.kind == "shape":
            return self.expected_shape(truth)
        factor = factor_of(truth)
        text = write(shown(truth.expr, self.matcher.quiet)) if factor is None else f"{write(factor)}, as the factor"
        value = self.numbers(truth) if factor is None else ""
        if value in ("", text):
            return text
        return value if not names(truth.expr) else f"{text} = {value}"

    def expected_shape(self, truth: Truth) -> str:
        shape = truth.array.shape if truth.array else ()
        known = shapes.text_of(one.partly(self.engine.numbers.sizes) for one in shape)
        letters = shapes.text_of(shape)
        return letters if known == letters else f"{letters} = {known}"

    def numbers(self, truth: Truth) -> str:
        """The entries where they are few."""
        grid = truth.array.number if truth.array else None
        if grid is None or len(grid.items) > _MOST_SHOWN:
            return ""
        decimal = self.problem.decimal or truth.kind == "update"
        text = grid.map(lambda value: number_text(value, decimal=decimal)).nested()
        return str(text).replace("'", "")

    def doubted(self, read: Read, truth: Truth) -> Read:
        """One digit, right by rounding alone, is wrong where all numbers are exactly what a mistake gives: 1 for 1.5."""
        wanted = truth.array.number if truth.array else None
        if read.member.verdict != CORRECT or read.expr is None or names(read.expr) or wanted is None:
            return read
        typed = grid_of(read.expr, self.engine.letters)
        pairs = tuple(zip(typed.items, wanted.items, strict=False))
        if typed.shape != wanted.shape or not any(coarse(one, value) for one, value in pairs):
            return read
        if exact_mistake(self.engine, self.matcher, truth, read.expr) is None:
            return read
        return replace(read, member=replace(read.member, verdict=WRONG))

    def diagnose(self, truth: Truth, read: Read) -> Diagnosis | None:
        """The mistake behind a wrong member."""
        self.matcher.begin(truth)
        try:
            return diagnose(self.engine, self.matcher, truth, read)
        except ShapeError as error:
            return Diagnosis("shape", error.message)
        except GradcheckError:
            return None

    def told(self, claim: Claim, truth: Truth, reads: Sequence[Read]) -> Claim:
        """A wrong claim with how the right answer comes about from where its first wrong member leaves it; and where no
        mistake is named, with what it is worth and what it should be.
        """
        if claim.verdict != WRONG or claim.first_wrong is None or claim.follows_from is not None:
            return claim
        self.matcher.begin(truth)
        read = reads[claim.first_wrong]
        derived = any(map(_derived, reads[: claim.first_wrong]))  # what went wrong came behind the derivation
        claim = replace(claim, explain=cache(lambda: self.explanation(truth, read, derived=derived)))
        written = self.form(truth, read) if claim.diagnosis is None else None
        said = self.examples.told(self.matcher, truth, written) if written is not None else ""
        return with_note(claim, said) if said else claim

    def explanation(self, truth: Truth, read: Read, *, derived: bool) -> Explanation:
        """How the right answer comes about from where a wrong member leaves it, and where in that to look."""
        self.matcher.begin(truth)
        written = self.form(truth, read)
        steps = () if derived else array_steps(self.engine, truth, written)
        look = entries_to_look_at(self.matcher, truth, written) if written is not None else ""
        return Explanation(steps, look or where(steps))

    def form(self, truth: Truth, read: Read) -> Expr | None:
        """The reading of a wrong member that a reader will have meant: one whose shapes fit, if there is one."""
        meant, fitting = likely(forms(self.engine, self.matcher, read), self.matcher, truth)
        shaped = meant if fitting else [form for form in meant if self.matcher.quiet(form) is not None]
        return shaped[0] if shaped else read.expr


def _derived(read: Read) -> bool:
    """Whether a right member has the derivation behind it: it is no number, and no derivative stands in it."""
    if read.member.verdict != CORRECT or read.expr is None or read.written is None or not names(read.expr):
        return False
    return functions(read.written).isdisjoint(QUERIES)


def with_note(claim: Claim, said: str) -> Claim:
    """A claim whose first wrong member says this."""
    members = (replace(one, note=said) if at == claim.first_wrong else one for at, one in enumerate(claim.members))
    return replace(claim, members=tuple(members))


def _by_place(ask: Expr) -> bool:
    """Whether a question asks for an entry of a derivative."""
    return isinstance(ask, Index) or not (isinstance(ask, Call) and ask.function in QUERIES)


def usable_space(engine: ArrayEngine) -> ArraySpace:
    """The graph and every further name an answer may use; without those that cannot be worked with."""
    known = dict(engine.graph.shapes)
    kept = []
    for name, expr in (*engine.lets.items(), *engine.backward.steps):
        used = set(names(expr)) - set(known)
        try:
            shape = lower(expr, Shapes(known, engine.letters)).shape
        except GradcheckError:
            continue
        if not used - engine.letters:
            known[name] = shape
            kept.append((name, expr))
    return ArraySpace(engine.graph, tuple(kept))
