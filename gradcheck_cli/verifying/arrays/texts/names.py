"""Names that a text gives to things of a problem with arrays: by a definition, by entries, behind a chain."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Expr, names
from gradcheck_cli.parsing.text import readings
from gradcheck_cli.verifying.arrays.identity import identity_scope
from gradcheck_cli.verifying.arrays.paper import on_paper
from gradcheck_cli.verifying.arrays.reading import fitting, product_readings, ways
from gradcheck_cli.verifying.model import CORRECT
from gradcheck_cli.verifying.texts.own import own_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.arrays.bench import ArrayBench
    from gradcheck_cli.verifying.match import Read, Truth
    from gradcheck_cli.verifying.model import Claim
    from gradcheck_cli.verifying.texts.own import Own

_ENTRY = re.compile(r"(.{1,60}?)_\s*\{?\s*([i-t](?:\s*,?\s*[i-t]){0,2})\s*\}?")
_LAYER = re.compile(r"(.{1,60}?)_\s*\{?\s*([i-t])\s*\}?\s*(\^\s*\{\s*[\[(]\s*[0-9]+\s*[\])]\s*\})")  # δ_i^{(2)}
_SAMPLE = re.compile(r"(.{1,60}?)(\^\s*\{[^{}]*)\(\s*([a-km-su-z])\s*\)\s*\}")  # δ^{(i)}, δ^{[1](i)}
MOST_MEANINGS = 20  # that are looked through for one of another shape
_NUMBERED = re.compile(r"(?<![A-Za-z\\\\])([A-Za-z])_\{?([0-9]{1,3})(?![0-9])")


class ArrayNames:
    """What one text has given names to.

    `values`  right derivatives so far: the student's name for each, what it is, and what it is the derivative of
    """

    def __init__(self, bench: ArrayBench, own: Own) -> None:
        self.engine = bench.engine
        self.matcher = bench.matcher
        self.own = own
        self.values: list[tuple[str | None, Expr | None, Expr | None]] = []

    def meaning(self, member: Source, *, latex: bool, letters: frozenset[str] = frozenset()) -> Expr | None:
        """What a member stands for in names of the problem, in the first reading that fits; None for none."""
        return next(self.meanings(member, latex=latex, letters=letters), None)

    def otherwise(self, member: Source, meaning: Expr, *, latex: bool) -> Expr | None:
        """What a member with ones in it stands for in a reading of another shape: they may be a vector or a column."""
        if "1" not in member.text:
            return None
        shape = self.matcher.quiet(meaning)
        others = islice(self.meanings(member, latex=latex), MOST_MEANINGS)
        return next((other for other in others if self.matcher.quiet(other) != shape), None)

    def meanings(self, member: Source, *, latex: bool, letters: frozenset[str] = frozenset()) -> Iterator[Expr]:
        """What a member may stand for, in every reading that fits.

        In LaTeX products of arrays are those of matrices where they can be; the `letters` may stand free in it.
        """
        shape_of = self.matcher.shapes_with(self.own)
        try:
            read = readings(member, identity_scope(self.own.scope), latex=latex)
            found = tuple(on_paper(read, self.engine, shape_of, fitting(member, shape_of, latex=latex), latex=latex))
        except GradcheckError:
            return
        products = (way for one in found if latex for way in product_readings(one, member, shape_of, latex=latex))
        for way in (*products, *ways(found, member, shape_of, latex=latex)):
            try:
                resolved = self.engine.resolve(self.own.meanings(way)[0], text=member)
                self.matcher.shape_of(resolved)
            except GradcheckError:
                continue
            if set(names(resolved)) - {*self.engine.shapes, *self.engine.letters} <= letters:
                yield resolved

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

    def told(self, truth: Truth, reads: list[Read]) -> None:
        """Keep what a right derivative is, as its last member was read, in its place among the others."""
        value = reads[-1].expr if reads else None
        known = {*self.engine.shapes, *self.engine.letters}
        self.values.append((None, value if value is not None and known.issuperset(names(value)) else None, truth.ask))

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

    def entries(self, formula: Formula) -> Expr | None:
        """What an entry is of a new name that is given by its entries, `e_j = p_j - y_j`; None for any other formula."""
        left, first, *_ = formula.members
        text = left.text.strip()
        if layer := _LAYER.fullmatch(text):
            text = f"{layer[1]}{layer[3]}_{{{layer[2]}}}"
        match, sample = _ENTRY.fullmatch(text), _SAMPLE.fullmatch(text)
        letters = tuple(character for character in match[2] if character.isalpha()) if match else ()
        name = match[1] if match else ""
        if sample is not None:
            number = sample[2].removeprefix("^").strip().removeprefix("{").strip()
            letters, name = (sample[3],), sample[1] + (f"^{{{number}}}" if number else "")
        if not name or len(set(letters)) != len(letters):
            return None
        entry = self.meaning(first, latex=formula.latex, letters=frozenset(letters))
        if entry is None or not set(letters) & set(names(entry)):
            return None
        base = left.part(name, tuple(range(len(name) + 1)))
        return entry if self.own.define_entries(base, letters, entry) else None
