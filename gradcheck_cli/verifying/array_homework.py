r"""Formulas of homework about arrays: each left side with what it may mean, each member judged by the same matcher.

A left side is a derivative, by an array or by an entry of one, a node or an input, an update, or a shape
(`W_1 \in \mathbb{R}^{d \times h}`). What cannot be read is unreadable, never wrong.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr, Index, Name, names
from gradcheck_cli.parsing.text import readings
from gradcheck_cli.shapes import ONE, size
from gradcheck_cli.source import Span
from gradcheck_cli.symbolic.convert import as_typed
from gradcheck_cli.verifying.array_carried import array_follows, array_slips
from gradcheck_cli.verifying.array_diagnose import equals
from gradcheck_cli.verifying.array_letters import factors
from gradcheck_cli.verifying.array_match import MISREAD
from gradcheck_cli.verifying.array_reading import product_readings, spread_indices
from gradcheck_cli.verifying.examiner import CARRIED
from gradcheck_cli.verifying.grader import NEW
from gradcheck_cli.verifying.lookalikes import exchanged
from gradcheck_cli.verifying.match import Read, Truth, left_open, unreadable
from gradcheck_cli.verifying.model import CORRECT, MISSING, UNDECIDED, UNREADABLE, WRONG, Claim, Diagnosis, Member
from gradcheck_cli.verifying.own import OWN, Own, own_name
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.array_bench import ArrayBench
    from gradcheck_cli.verifying.carried import Slip

_RANK = (CORRECT, UNDECIDED, WRONG, UNREADABLE, MISSING)
_SPACE = re.compile(r"\s*(?:\\mathbb\s*\{?\s*R|ℝ|∈|\\in(?![A-Za-z]))")
_NUMBERED = re.compile(r"(?<![A-Za-z\\\\])([A-Za-z])_\{?([0-9]{1,3})(?![0-9])")
_SIZES = re.compile(r"[A-Za-z]_\{[A-Za-z0-9]+(?:_\{[A-Za-z0-9]+\}|_[A-Za-z0-9]+)?\}|[A-Za-z]_[A-Za-z0-9]")
MOST_SIZES = 2
_GIVEN = "given"
_CONSISTENT = ("given", "own")


class ArrayGrader:
    """Judges the formulas of one text against one problem with arrays."""

    def __init__(self, bench: ArrayBench, foreign: str) -> None:
        self.bench = bench
        self.engine = bench.engine
        self.foreign = foreign  # the note of a claim whose left side is unknown here
        self.own = Own(replace(self.engine.problem.scope, differentials=True))
        self.slips: list[Slip] = []
        # right derivatives so far: the student's name for each, what it is, and what it is the derivative of
        self.values: list[tuple[str | None, Expr | None, Expr | None]] = []
        self.last: tuple[Truth, list[Read]] | None = None
        self.sizes: dict[str, str] = {}  # the student's letters for sizes
        self._truths: dict[Expr, list[Truth]] = {}

    def claim(self, formula: Formula) -> Claim | None:
        """One formula judged; None for one that says nothing about this problem."""
        left, *members = formula.members
        self.last = None
        self.left_out(formula)
        updated = NEW.search(left.text)
        if updated and updated.end() == len(left.text.rstrip()):
            left = left.slice(Span(0, updated.start()))
        else:
            updated = None
        try:
            meanings = self.own.readings(left, latex=formula.latex)
        except GradcheckError as error:
            return replace(self.finish(formula, [unreadable(left, error)], None), note=self.foreign)
        best: Claim | None = None
        kept = None
        for meaning in meanings:
            for truth in self.truths(meaning, members):
                if updated and truth.kind != "update":
                    continue
                claim = self.judged(formula, members, truth)
                if best is None or _unlikely(claim) < _unlikely(best):
                    best, kept = claim, self.last
                if claim.verdict == CORRECT:
                    return claim
        self.last = kept
        if best is not None and best.verdict != CORRECT and own_name(left) in self.own.definitions:
            return self.define(formula) or best
        return best

    def with_sizes(self, formula: Formula) -> tuple[Formula, str] | None:
        r"""A set such as `\mathbb{R}^{D_x \times 1}` in the problem's letters for sizes, and what was read; None for none.

        Each letter of the student's stands for one of the problem's in the whole text.
        """
        told = {text for member in formula.members[1:] for text in _SIZES.findall(member.text)}
        new = sorted(name for name in told if self.own.scope.name(_plain(name)) is None and name not in self.sizes)
        free = sorted(self.engine.letters - set(self.sizes.values()))
        used = sorted(told & set(self.sizes))
        if formula.relation != "in" or not (new or used) or len(new) > MOST_SIZES:
            return None
        for letters in permutations(free, len(new)):
            meant = {**{name: self.sizes[name] for name in used}, **dict(zip(new, letters, strict=True))}
            members = tuple(_exchanged(member, meant) for member in formula.members)
            claim = self.claim(replace(formula, members=members))
            if claim is not None and claim.verdict == CORRECT:
                self.sizes.update(meant)
                return replace(formula, members=members), ", ".join(f"{name} is {one}" for name, one in meant.items())
        return None

    def judged(self, formula: Formula, members: list[Source], truth: Truth) -> Claim:
        """A formula under one meaning of its left side; a shape may be meant for one sample of the batch."""
        reads = self.read(formula, members, truth)
        claim = self.finish(formula, reads, truth)
        self.last = truth, reads
        if claim.verdict == WRONG and truth.kind == "shape" and truth.array is not None:
            for letter in sorted({letter for one in truth.array.shape for letter in one.letters}):
                shape = tuple(ONE if one == size(letter) else one for one in truth.array.shape)
                single = replace(truth, array=replace(truth.array, shape=shape))
                found = self.finish(formula, self.read(formula, members, single), single)
                if found.verdict == CORRECT:
                    return replace(found, note=f"for {letter} = 1: one sample")
        return claim

    def read(self, formula: Formula, members: list[Source], truth: Truth) -> list[Read]:
        """The members of a formula, judged; ragged rows and letters of two sizes are taken for misread."""
        found = [self.member(member, truth, latex=formula.latex) for member in members if member.text]
        return [left_open(one, one.member.note) if _misread(one) else one for one in found]

    def member(self, source: Source, truth: Truth, *, latex: bool) -> Read:
        """One member, in names of the problem and of the student's own."""
        return self.bench.matcher.member(source, truth, latex=latex, own=self.own)

    # -- what one formula means for those below it

    def explained(self, claim: Claim) -> Claim:
        """The claim just judged; it earns its points where it follows from an earlier one."""
        if self.last is None or self.last[0].kind != "derivative":
            return claim
        if claim.verdict == CORRECT:
            self.told(claim)
        if claim.verdict != WRONG:
            return claim
        source = array_follows(self.bench.matcher, self.slips, *self.last)
        if source is None:
            found = claim.diagnosis
            if found is None or found.code in ("shape", "missing-factor"):
                found = self.told_of_a_step(*self.last) or found
            return replace(claim, diagnosis=found)
        return replace(claim, follows_from=source, diagnosis=CARRIED, earned=claim.points)

    def told_of_a_step(self, truth: Truth, reads: list[Read]) -> Diagnosis | None:
        """What is wrong with a step of homework: a value for its derivative, the right factors in a senseless order."""
        read = next(read for read in reads if read.member.verdict == WRONG)
        ask = truth.ask.base if isinstance(truth.ask, Index) else truth.ask
        if not isinstance(ask, Call) or ask.function not in ("d", "local") or read.expr is None:
            return None
        top = ask.args[0]
        if isinstance(truth.ask, Index) and isinstance(top, Name):
            top = Index(top, truth.ask.indices[: len(self.engine.shapes.get(top.id, ()))])
        if equals(self.bench.matcher, truth, read.expr, top):
            return Diagnosis("wrong-local", f"this is {write(top)} itself, not its derivative")
        if self.is_chain(read, ask) and read.member.note:
            message = "these are the right factors of the chain rule, in an order whose shapes do not fit"
            return Diagnosis("shape", f"{message}: {read.member.note.partition(':')[0].removesuffix(' do not fit')}")
        return None

    def is_chain(self, read: Read, ask: Call) -> bool:
        """Whether a product is one of names for the links of the chain rule, in their order."""
        if read.member.source is None:
            return False
        try:
            written = readings(read.member.source, self.own.scope, latex="\\" in read.member.source.text)
        except GradcheckError:
            return False
        asks = {name: link for name, _, link in self.values if name is not None}
        for expr in written:
            parts = [factor.id if isinstance(factor, Name) else "" for factor in factors(expr)]
            links = [asks.get(part) for part in parts]
            joined = Call("mul", tuple(Call("d", link.args) for link in links if isinstance(link, Call)))
            if len(joined.args) == len(links) and self.bench.matcher.is_chain(joined, ask):
                return True
        return False

    def remember(self, index: int, claim: Claim) -> None:
        """Keep what a wrong claim says for those that follow from it."""
        if claim.verdict == WRONG and self.last is not None and self.last[0].kind == "derivative":
            self.slips += array_slips(index, self.last[0].ask, self.last[1])

    def learn(self, formula: Formula) -> str:
        """What a formula assumes: nothing, since data of arrays are taken from the problem."""
        del formula
        return ""

    def define(self, formula: Formula) -> Claim | None:
        """A formula whose left side is a new name: what it stands for from here on; the rest of the chain is judged."""
        left, *members = formula.members
        spelling = own_name(left)
        known_as = self.own.scope.name(spelling) if spelling else None
        if spelling is None or (known_as and known_as not in self.own.definitions) or formula.relation == "in":
            return None
        for at, member in enumerate(members):
            resolved = self.meaning(member, latex=formula.latex)
            if resolved is None:
                continue
            self.own.define(left, resolved)
            try:
                truth = replace(self.bench.truth(resolved), kind="own")
            except GradcheckError:
                return None
            rest = self.read(replace(formula, members=(left, *members[at:])), members[at + 1 :], truth)
            reads = [Read(Member(member.text, CORRECT, None, "", member), resolved), *rest]
            claim = self.finish(replace(formula, members=(left, *members[at:])), reads, truth)
            return replace(claim, note=OWN, points=Fraction(0), earned=Fraction(0))
        return None

    def name(self, left: Source, claim: Claim) -> bool:
        """Enter a name that stands behind a right claim, as in `… = w_2 = S_3`; whether it could be."""
        sources = [member.source for member in claim.members if member.verdict == CORRECT and member.source is not None]
        spelling = own_name(left)
        if spelling is None or claim.verdict != CORRECT or self.own.scope.name(spelling) is not None:
            return False
        for source in reversed(sources):
            resolved = self.meaning(source, latex=True)
            if resolved is not None:
                self.own.define(left, resolved)
                self.values[-1:] = [(spelling, resolved, self.values[-1][2] if self.values else None)]
                return True
        return False

    def told(self, claim: Claim) -> None:
        """Keep what a right derivative is, in its place among the others."""
        sources = [member.source for member in claim.members if member.source is not None]
        value = self.meaning(sources[-1], latex=True) if sources else None
        ask = self.last[0].ask if self.last is not None else None
        self.values.append((None, value, ask))

    def left_out(self, formula: Formula) -> None:
        """A numbered name that was never given, S_4 between S_3 and S_5: the one derivative between these two."""
        known = [name for name, _, _ in self.values]
        for letter, digits in {found for member in formula.members for found in _NUMBERED.findall(member.text)}:
            name = f"{letter}_{digits}"
            ends = [self.own.scope.name(f"{letter}_{int(digits) + step}") for step in (-1, 1)]
            if self.own.scope.name(name) is not None or any(end not in known for end in ends):
                continue
            first, last = (known.index(end) for end in ends)
            between = [at for at in range(first + 1, last) if self.values[at][0] is None]
            value = self.values[between[0]][1] if len(between) == 1 else None
            if value is not None:
                self.own.define(formula.members[0].part(name, (0,) * (len(name) + 1)), value)
                self.values[between[0]] = (self.own.scope.name(name), *self.values[between[0]][1:])

    def meaning(self, member: Source, *, latex: bool) -> Expr | None:
        """What a member stands for in names of the problem, in the first reading that fits; None for none."""
        try:
            found = self.own.readings(member, latex=latex)
        except GradcheckError:
            return None
        ways = [
            *found,
            *(way for one in found for way in product_readings(one, member, self.bench.matcher.quiet, latex=latex)),
        ]
        for expr in ways:
            try:
                resolved = self.engine.resolve(expr, text=member)
                self.engine.shape_of(resolved)
            except GradcheckError:
                continue
            free = set(names(resolved)) - {*self.engine.shapes, *self.engine.letters}
            if not free:
                return resolved
        return None

    # -- what a left side may mean

    def truths(self, left: Expr, members: list[Source]) -> list[Truth]:
        """The meanings of a left side, each with what is true of it."""
        if any(_SPACE.match(member.text) for member in members):
            return self.asked(Call("shape", (left,))) if isinstance(left, Name) else []
        if left not in self._truths:
            self._truths[left] = self.meant(left)
        return self._truths[left]

    def meant(self, left: Expr) -> list[Truth]:
        """As `truths`, for what is no shape; one index is enough for a row or a column."""
        left = spread_indices(left, self.bench.matcher.quiet)
        if isinstance(left, Name):
            return self.of_name(left)
        if isinstance(left, Call) and left.function == "d":
            return [*self.asked(left), *self.local(left)]
        if isinstance(left, Call) and left.function == "differential":
            return []
        return self.asked(left)

    def asked(self, ask: Expr) -> list[Truth]:
        """What is true of a query; nothing where it makes no sense."""
        try:
            return [self.bench.truth(ask)]
        except GradcheckError:
            return []

    def local(self, left: Call) -> list[Truth]:
        """∂y/∂x as the local derivative, where an edge joins them."""
        ends = [arg.base if isinstance(arg, Index) else arg for arg in left.args]
        if not all(isinstance(name, Name) for name in ends):
            return []
        target, source = (name.id for name in ends if isinstance(name, Name))
        if source not in self.engine.graph.sources.get(target, ()):
            return []
        ask: Expr = Call("local", tuple(ends))
        places = tuple(index for arg in left.args if isinstance(arg, Index) for index in arg.indices)
        return self.asked(Index(ask, places) if places else ask)

    def of_name(self, left: Name) -> list[Truth]:
        """A node is what computes it; an input is its given value, or its value after an update."""
        engine = self.engine
        if any(node.name == left.id for node in engine.graph.nodes):
            return self.asked(left)
        if left.id in engine.lets:
            return [replace(truth, kind="own") for truth in self.asked(left)]
        leaf = engine.graph.by_name.get(left.id)
        if leaf is None:
            return []
        found = []
        if left.id in engine.problem.data or left.id in engine.problem.given:
            found += [replace(truth, kind=_GIVEN) for truth in self.asked(left)]
        learns = left.id in {leaf.name for leaf in engine.graph.inputs if leaf.param}
        if learns and engine.problem.learning_rate is not None and not engine.shapes[engine.output]:
            found += self.asked(Call("step", (left, as_typed(engine.problem.learning_rate))))
        return found

    # -- verdicts

    def finish(self, formula: Formula, reads: list[Read], truth: Truth | None) -> Claim:
        """The verdict on a whole chain, its first wrong member and its diagnosis."""
        verdict = _overall(reads, truth)
        if verdict == UNDECIDED and truth is not None and truth.kind in _CONSISTENT:
            note = f"the problem has {self.bench.expected(truth)}; this is taken for a name of the student's own"
            reads = [left_open(read, note) for read in reads]
        first = next((at for at, read in enumerate(reads) if read.member.verdict == WRONG), None)
        wrong = verdict == WRONG and first is not None and truth is not None
        judged = verdict in (CORRECT, WRONG)
        return Claim(
            id=None,
            line=formula.line,
            text=" = ".join(" ".join(member.text.split()) for member in formula.members),
            members=tuple(read.member for read in reads),
            verdict=verdict,
            first_wrong=first if verdict == WRONG else None,
            expected=self.bench.expected(truth) if wrong and truth is not None else "",
            diagnosis=self.bench.diagnose(truth, reads[first or 0]) if wrong and truth is not None else None,
            points=Fraction(int(judged)),
            earned=Fraction(int(verdict == CORRECT)),
            cell=formula.cell,
            left=formula.members[0],
        )


def _unlikely(claim: Claim) -> tuple[int, bool]:
    """How far a meaning is from what was meant; of two that are wrong, one whose mistake is told is nearer."""
    told = claim.diagnosis is not None and claim.diagnosis.code != "shape"
    return _RANK.index(claim.verdict), claim.verdict == WRONG and not told


def _plain(name: str) -> str:
    return re.sub(r"[{}\s]", "", name)


def _exchanged(source: Source, meant: dict[str, str]) -> Source:
    """A text with the student's letters for sizes exchanged, the longest first."""
    for name in sorted(meant, key=len, reverse=True):
        source = exchanged(source, re.compile(re.escape(name) + r"(?![A-Za-z0-9_])"), meant[name])
    return source


def _overall(reads: list[Read], truth: Truth | None) -> str:
    verdicts = [read.member.verdict for read in reads]
    if truth is not None and truth.kind in _CONSISTENT and WRONG in verdicts:
        return UNDECIDED  # other data than the problem's, a name of the student's own: no mistake
    for verdict in (WRONG, UNDECIDED):
        if verdict in verdicts:
            return verdict
    return verdicts[-1] if verdicts else MISSING


def _misread(read: Read) -> bool:
    return read.member.verdict == WRONG and read.member.note.startswith(MISREAD)
