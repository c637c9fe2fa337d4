r"""Formulas of homework about arrays: each left side with what it may mean, each member judged by the same matcher.

A left side is a derivative, by an array or by an entry of one, a node or an input, an update, or a shape
(`W_1 \in \mathbb{R}^{d \times h}`). What cannot be read is unreadable, never wrong.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr, Index, Name, names, walk
from gradcheck_cli.parsing.text import read_quietly, readings
from gradcheck_cli.shapes import ONE, size
from gradcheck_cli.verifying.arrays.batches import of_a_sample
from gradcheck_cli.verifying.arrays.carried import array_follows, array_slips
from gradcheck_cli.verifying.arrays.likely import MISREAD, may_be_nearer, nearer
from gradcheck_cli.verifying.arrays.loose import sides
from gradcheck_cli.verifying.arrays.paper import on_paper
from gradcheck_cli.verifying.arrays.reading import fitting, ways
from gradcheck_cli.verifying.arrays.texts.differentials import as_products
from gradcheck_cli.verifying.arrays.texts.increments import Increments
from gradcheck_cli.verifying.arrays.texts.meanings import GIVEN, IDENTITY, ArrayMeanings, batch_sizes, moving
from gradcheck_cli.verifying.arrays.texts.members import ASSUMED, ArrayMembers
from gradcheck_cli.verifying.arrays.texts.names import ArrayNames
from gradcheck_cli.verifying.arrays.texts.onestep import told_of_a_step
from gradcheck_cli.verifying.arrays.texts.single import SHARE, SingleLoss
from gradcheck_cli.verifying.arrays.texts.sizes import OwnSizes
from gradcheck_cli.verifying.arrays.worked import arrays_worked_out
from gradcheck_cli.verifying.carried import MOST_DIAGNOSED, MOST_SLIPS
from gradcheck_cli.verifying.examiner import CARRIED
from gradcheck_cli.verifying.gradients import DIFFERENTIAL, Gradients, base_of
from gradcheck_cli.verifying.match import Read, Truth, left_open, unreadable
from gradcheck_cli.verifying.model import CORRECT, UNDECIDED, WRONG, Claim, Member
from gradcheck_cli.verifying.texts.chains import claim_of, overall, undecided
from gradcheck_cli.verifying.texts.conventions import LOSSES, behind_output, without_mark
from gradcheck_cli.verifying.texts.own import OWN, Own, meant_by, own_name
from gradcheck_cli.verifying.texts.updates import another_step, elsewhere, primed_update, without_time
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.arrays.bench import ArrayBench
    from gradcheck_cli.verifying.carried import Slip

_CONSISTENT = (GIVEN, IDENTITY, "own")


class ArrayGrader:
    """Judges the formulas of one text against one problem with arrays."""

    def __init__(self, bench: ArrayBench, foreign: str) -> None:
        self.bench = bench
        self.engine = bench.engine
        self.foreign = foreign  # the note of a claim whose left side is unknown here
        loss = not self.engine.shapes[self.engine.output]
        self.own = Own(bench.scope)
        self.own.seeded = None if loss else behind_output(bench.problem, self.engine.output)
        self.single = SingleLoss(bench.matcher)
        self.own.single = self.single.put_in
        self.names = ArrayNames(bench, self.own)
        self.own.gradients = Gradients(batch_sizes(bench))
        self.usual = {name: meaning for name, (_, meaning) in bench.usual.items()}
        self.own.definitions.update(self.usual)
        self.doubtful: set[str] = set()  # usual names that the text uses for something that cannot be read
        self.alone: tuple[ArrayGrader, ...] | None = None  # of one sample by itself, once wanted
        self.slips: deque[Slip] = deque(maxlen=MOST_SLIPS)
        self.diagnosed = 0
        self.last: tuple[Truth, list[Read]] | None = None
        self._gradients: dict[tuple[str, int], str | None] = {}  # of the left side read last
        self.sizes = OwnSizes(self.engine, self.as_written)
        self.meanings = ArrayMeanings(bench)
        self.learned = frozenset(leaf.name for leaf in self.engine.graph.inputs if leaf.param)
        rated = bench.problem.learning_rate is not None and loss
        self.increments = Increments(
            self.own, self.learned if rated else frozenset(), self.engine.output, self.as_written
        )
        self.members = ArrayMembers(bench)

    def claim(self, formula: Formula) -> Claim | None:
        """One formula judged; None for one that says nothing about this problem. A prime may be the mark of an update."""
        if formula.relation == "in":
            return self.sizes.claim(formula)
        if (increment := self.increments.claim(formula)) is not None:
            self.last = None  # what a reader is told of a step is not about what it adds
            return increment
        claim = self.of_samples(formula) or self.moved(formula)
        other = primed_update(formula)
        if claim is None or claim.verdict == CORRECT or other is None:
            return claim
        last = self.last
        tried = self.as_written(other)
        if tried is not None and tried.verdict == CORRECT:
            return replace(tried, text=claim.text, left=claim.left)
        self.last = last
        number = last is not None and self.bench.matcher.quiet(last[0].expr) == ()
        return undecided(claim, "this does not say what is differentiated by") if number else claim

    def moved(self, formula: Formula) -> Claim | None:
        """A formula for `dh` where that is a size too, written d_h; None for any other."""
        kept = self.own.scope
        name = formula.members[0].text.strip()
        if kept.name(name) not in self.engine.letters or kept.name(name) == name or kept.name(name[1:]) is None:
            return None
        self.own.scope = replace(kept, spellings={text: one for text, one in kept.spellings.items() if text != name})
        found = self.of_samples(formula)
        self.own.scope = kept
        return found

    def of_samples(self, formula: Formula) -> Claim | None:
        """As `as_written`; the loss of one sample may be its share in a mean, where the text has not shown otherwise."""
        claim, single = self.as_written(formula), self.single
        if claim is None or claim.verdict != WRONG or not single.used or single.fixed:
            return claim
        if single.unread(self.own):
            return undecided(claim, "what the loss of one sample is could not be read above")
        single.share, last = not single.share, self.last
        tried = self.as_written(formula)
        if tried is not None and tried.verdict == CORRECT:
            return replace(tried, note=SHARE if single.share else tried.note)
        single.share, self.last = not single.share, last
        return claim

    def as_written(self, formula: Formula) -> Claim | None:
        """As `claim`, with its left side as it stands."""
        written, *members = formula.members
        left, updated = without_mark(written)
        members = [without_time(member, written) for member in members]
        self.last, self.single.used = None, False
        self.names.left_out(formula)
        try:
            meanings = self.left_sides(left, latex=formula.latex)
        except GradcheckError as error:
            return replace(self.finish(formula, [unreadable(left, error)], None), note=self.foreign)
        best: Claim | None = None
        kept = None
        if (truth := self.members.assumption(meanings, members)) is not None:
            self.last = truth, []
            read = Read(Member(members[0].text, CORRECT, None, "", members[0]))
            return replace(self.finish(formula, [read], truth), points=Fraction(0), earned=Fraction(0))
        for meaning in meanings:
            truths = self.meanings.truths(meaning, members, self.own, latex=formula.latex)
            for truth in (one for one in truths if not updated or one.kind == "update"):
                kind = "derivative" if meaning in self.single.derived else truth.kind
                apart = replace(truth, expr=self.own.apart(truth.expr), kind=kind)
                claim = self.judged(formula, members, apart, best)
                if best is None or nearer(claim, best):
                    best, kept = claim, self.last
                if claim.verdict == CORRECT:
                    return claim
        self.last = kept
        if best is None:
            why = of_a_sample(meanings)
            return None if why is None else self.finish(formula, [unreadable(formula.members[0], why)], None)
        if best.verdict == WRONG and self.single.said and self.single.derived & set(meanings):
            return undecided(best, "the text says otherwise what the loss of one sample is")
        if own_name(left) in self.own.definitions:
            return self.define(formula) or self.not_usual(left, best)
        return self.doubted(left, self.of_other_steps(best, updated=updated), latex=formula.latex)

    def of_other_steps(self, claim: Claim, *, updated: bool) -> Claim:
        """A wrong claim that may say where a parameter is best, or what another method adds to it: undecided."""
        if claim.verdict != WRONG or self.last is None:
            return claim
        if another_step(*self.last):
            return undecided(claim, "this is another kind of step than one down the gradient")
        if not updated and elsewhere(*self.last):
            return undecided(claim, "an input may have any value; this is taken for one that is looked for")
        return claim

    def not_usual(self, left: Source, claim: Claim) -> Claim:
        """A name that courses share, used for something else that cannot be read: it means nothing below."""
        name = own_name(left) or ""
        if name in LOSSES & set(self.usual):
            self.doubtful.add(name)
        elif name in self.usual:
            self.own.forget(name)
        return claim

    def doubted(self, left: Source, claim: Claim, *, latex: bool) -> Claim:
        """A wrong claim about a loss that the text gives in words of its own, which could not be read: undecided."""
        if claim.verdict != WRONG or not self.doubtful:
            return claim
        used = {name for expr in readings(left, self.own.scope, latex=latex) for name in names(expr)}
        return undecided(claim, "what this is could not be read above") if used & self.doubtful else claim

    def under(self, formula: Formula, letters: tuple[str, str], *, equal: bool) -> Claim | None:
        """A formula judged where two index letters are the same, or where they differ."""
        kept, last = dict(self.own.definitions), self.last
        if equal:
            self.own.definitions[letters[1]] = Name(letters[0])
        else:
            self.own.unequal = frozenset(letters)
        self.members.case, self.members.equal = letters, equal
        found = self.claim(formula)
        self.members.case = None
        self.own.definitions, self.own.unequal = kept, frozenset()
        if found is None or found.verdict != CORRECT:
            self.last = last
            return None
        return replace(found, note=f"for {letters[0]} {'=' if equal else '≠'} {letters[1]}")

    def left_sides(self, left: Source, *, latex: bool) -> tuple[Expr, ...]:
        """The readings of a left side, or of anything else, in names of the problem; products of arrays as on paper.

        Raises ParseError where there is none.
        """
        shape_of = self.bench.matcher.shapes_with(self.own)
        read = readings(left, self.own.scope, latex=latex)
        read = tuple(one for expr in read for one in sides(self.engine, expr, expr, left, 1))
        fits = fitting(left, shape_of, latex=latex)
        found = tuple(on_paper(read, self.engine, shape_of, fits, latex=latex, sides=True))
        meant = meant_by(ways(found, left, shape_of, latex=latex), self.own.variants)
        return as_products(tuple(dict.fromkeys(one for _, one in meant)), left, shape_of)

    def judged(self, formula: Formula, members: list[Source], truth: Truth, rival: Claim | None) -> Claim:
        """A formula under one meaning of its left side; a shape may be meant for one sample of the batch.

        `rival` is the formula under the likeliest of other meanings.
        """
        reads = self.read(formula, members, truth)
        claim = self.finish(formula, reads, truth, rival)
        self.last = truth, reads
        named = truth.ask.args[0] if isinstance(truth.ask, Call) and truth.ask.args else truth.ask
        learned = isinstance(named, Name) and named.id in self.learned
        if claim.verdict == WRONG and truth.kind == "shape" and truth.array is not None and not learned:
            for letter in sorted({letter for one in truth.array.shape for letter in one.letters}):
                shape = tuple(ONE if one == size(letter) else one for one in truth.array.shape)
                single = replace(truth, array=replace(truth.array, shape=shape))
                found = self.finish(formula, self.read(formula, members, single), single)
                if found.verdict == CORRECT:
                    return replace(found, note=f"for {letter} = 1: one sample")
        return claim

    def read(self, formula: Formula, members: list[Source], truth: Truth) -> list[Read]:
        """The members of a formula, judged; ragged rows and letters of two sizes are taken for misread."""
        found = [self.members.read(member, truth, self.own, latex=formula.latex) for member in members if member.text]
        found = arrays_worked_out(self.bench.matcher, truth, found, in_text=True)
        return [left_open(one, one.member.note) if self.misread(one, truth) else one for one in found]

    def misread(self, read: Read, truth: Truth) -> bool:
        """Whether what is wrong may be the transcription's: ragged rows, letters of two sizes, the norm of a number."""
        written = read.written
        if read.member.verdict != WRONG or written is None:
            return read.member.verdict == WRONG and read.member.misfit in MISREAD
        if read.member.misfit in MISREAD:
            return True
        quiet = self.bench.matcher.quiet
        calls = [part for part in walk(written) if isinstance(part, Call)]
        if any(part.function == "norm" and quiet(part.args[0]) == () for part in calls):
            return True
        lettered = any(one.number is None for one in quiet(truth.expr) or ())
        return lettered and any(part.function == "array" for part in calls)  # entries written out for a size in letters

    # -- what one formula means for those below it

    def explained(self, claim: Claim) -> Claim:
        """The claim just judged, with what a reader needs to know where it is wrong."""
        self.diagnosed += claim.verdict == WRONG
        claim, looked = self.carried(claim), self.diagnosed <= MOST_DIAGNOSED
        return self.bench.told(claim, *self.last) if looked and self.last is not None else claim

    def carried(self, claim: Claim) -> Claim:
        """A wrong claim with the one that it follows from, whose points it earns; else with the mistake it is."""
        self.says(claim)
        self.single.learn(claim, self.own, self.names)
        self.single.fixed = self.single.fixed or (self.single.used and claim.verdict == CORRECT)
        if self.last is None or self.last[0].kind != "derivative":
            return claim
        if claim.verdict == CORRECT:
            self.names.told(*self.last)
        if claim.verdict != WRONG or self.diagnosed > MOST_DIAGNOSED:
            return claim
        source = array_follows(self.bench.matcher, self.slips, *self.last)
        if source is None:
            found = claim.diagnosis
            if found is None or found.code in ("shape", "missing-factor"):
                found = told_of_a_step(self.bench, self.names, *self.last) or found
            return replace(claim, diagnosis=found)
        return replace(claim, follows_from=source, diagnosis=CARRIED, earned=claim.points)

    def says(self, claim: Claim) -> None:
        """Keep what a line says that dZ is; where that is wrong, the right one may be meant below it too."""
        if self.last is None or claim.left is None:
            return
        truth, reads = self.last
        name = self.gradient_of(claim.left)
        if name is None or truth.kind != "derivative":
            return
        if isinstance(truth.ask, Index):
            if claim.verdict == CORRECT and not self.leaves_open(claim):
                self.own.gradients.say(name, summed=truth.summed)
        elif claim.verdict == CORRECT:
            self.own.gradients.said.pop(name, None)
            if not self.leaves_open(claim):
                self.own.gradients.said[name] = (truth.expr,)
        elif claim.verdict == WRONG:
            self.own.gradients.said.pop(name, None)
            own = next((read.expr for read in reads if read.member.verdict == WRONG), None)
            fits = own is not None and self.bench.matcher.quiet(own) == self.engine.shapes.get(name)
            self.own.gradients.said[name] = (
                *self.own.gradients.of(name),
                *((own,) if own is not None and fits else ()),
            )

    def leaves_open(self, claim: Claim) -> bool:
        """Whether a right claim is right for each sample and for the mean alike: it names a dZ that was not said."""
        used = {one for member in claim.members if member.source for one in self.gradients_in(member.source)}
        return any(len(self.own.gradients.of(one)) > 1 for one in used)

    def gradients_in(self, source: Source) -> tuple[str, ...]:
        """The Z of every dZ in a text."""
        return next((found for latex in (True, False) if (found := moving(source, self.own, latex=latex))), ())

    def gradient_of(self, left: Source) -> str | None:
        """The Z where a left side is dZ."""
        key = (left.text, id(self.own.scope))
        if key not in self._gradients:
            ways = (read_quietly(left, self.own.scope, latex=latex) for latex in (True, False))
            self._gradients = {key: next((base_of(found[0]) for found in ways if found), None)}
        return self._gradients[key]

    def remember(self, index: int, claim: Claim) -> None:
        """Keep what a wrong claim says for those that follow from it."""
        if claim.verdict != WRONG or self.last is None or self.last[0].kind != "derivative":
            return
        truth, reads = self.last
        self.slips += array_slips(index, truth.ask, reads)
        name = self.gradient_of(claim.left) if claim.left is not None else None
        for batch in self.own.gradients.sizes(name or ""):  # it may be that of the sum over the batch
            each = [replace(read, expr=Call("div", (read.expr, batch)) if read.expr else None) for read in reads]
            self.slips += array_slips(index, truth.ask, each)

    def learn(self, formula: Formula) -> str:
        """What a formula assumes: which class is the right one, `y_k = 1`; data are taken from the problem."""
        if self.last is None or self.last[0].kind != ASSUMED:
            return ""
        letter, name = self.members.classes[-1], self.last[0].ask
        return f"line {formula.line} takes {letter} for the class of {write(name)}" if isinstance(name, Name) else ""

    def define(self, formula: Formula) -> Claim | None:
        """A formula whose left side is a new name: what it stands for from here on; the rest of the chain is judged."""
        left, *members = formula.members
        spelling = own_name(left)
        known_as = self.own.scope.name(spelling) if spelling else None
        known = known_as is not None and known_as not in self.own.definitions
        if known or formula.relation == "in" or self.gradient_of(left) is not None:
            return None
        if (entry := self.names.entries(formula)) is not None:
            read = Read(Member(members[0].text, CORRECT, None, "", members[0]), entry)
            claim = self.finish(replace(formula, members=(left, members[0])), [read], None)
            return replace(claim, note=OWN, points=Fraction(0), earned=Fraction(0))
        if spelling is None:
            return None
        for at, member in enumerate(members):
            resolved = self.names.meaning(member, latex=formula.latex)
            if resolved is None:
                continue
            output = known_as is not None and self.usual.get(known_as) == Name(self.engine.output)
            if known_as is not None and output and self.bench.matcher.quiet(resolved) == ():
                self.own.seconds[known_as] = resolved  # L may be the problem's loss below all the same
            else:
                self.own.define(left, resolved)
                other = self.names.otherwise(member, resolved, latex=formula.latex)
                if other is not None and (named := self.own.scope.name(spelling)) in self.own.definitions:
                    self.own.seconds[named] = other
            try:
                truth = replace(self.bench.truth(resolved), kind="own")
            except GradcheckError:
                return None
            rest = self.read(replace(formula, members=(left, *members[at:])), members[at + 1 :], truth)
            reads = [Read(Member(member.text, CORRECT, None, "", member), resolved), *rest]
            claim = self.finish(replace(formula, members=(left, *members[at:])), reads, truth)
            return replace(claim, note=OWN, points=Fraction(0), earned=Fraction(0))
        return None

    # -- verdicts

    def finish(self, formula: Formula, reads: list[Read], truth: Truth | None, rival: Claim | None = None) -> Claim:
        """The verdict on a whole chain, its first wrong member and its diagnosis, unless the rival is likelier anyhow."""
        verdict = overall(reads, truth, _CONSISTENT)
        if verdict == UNDECIDED and truth is not None and truth.kind in _CONSISTENT:
            note = f"the problem has {self.bench.expected(truth)}; this is taken for a name of the student's own"
            reads = [left_open(read, note) for read in reads]
        claim = claim_of(formula, reads, verdict)
        if claim.first_wrong is None or truth is None:
            return claim
        if truth.kind == DIFFERENTIAL:
            found, expected = self.members.moved(reads[claim.first_wrong], truth, self.own, latex=formula.latex)
            return replace(claim, expected=expected, diagnosis=found)
        likely = rival is None or may_be_nearer(claim, rival)
        looked = likely and self.diagnosed < MOST_DIAGNOSED
        found = self.bench.diagnose(truth, reads[claim.first_wrong]) if looked else None
        return replace(claim, expected=self.bench.expected(truth), diagnosis=found)
