r"""Letters of a student's own for sizes: `W \in \mathbb{R}^{D \times H}` where the problem writes them another way.

Each letter stands for one size of the problem in the whole text, any with which the line that brings it is right; a line
below that takes it for another one is wrong. A letter of the problem's stands for itself, unless it stands beside a new
one and can only be meant otherwise: n samples and d features, where the problem has m and n.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.verifying.model import CORRECT, RANK, UNREADABLE, WRONG, Diagnosis
from gradcheck_cli.verifying.texts.chains import text_of, undecided
from gradcheck_cli.verifying.texts.lookalikes import with_letters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.verifying.model import Claim

_SIZES = re.compile(
    r"[A-Za-z]_\{[A-Za-z0-9]+(?:_\{[A-Za-z0-9]+\}|_[A-Za-z0-9]+)?\}|[A-Za-z]_[A-Za-z0-9]"
    r"|(?<![A-Za-z\\_])(?<!_\{)[A-Za-z](?![A-Za-z_])"
)
_REALS = re.compile(r"\\(?:mathbb|mathbf)\s*\{?\s*R\s*\}?|ℝ|\\in|\\times")
_PLAIN = re.compile(r"[{}\s]")
MOST_SIZES = 3  # new ones in one set


class OwnSizes:
    """What one text calls the sizes of a problem. `judge` judges a formula as it stands.

    `meant`  the size that each of its letters stands for, as the problem writes it
    `since`  the line that brought it
    `kept`   letters of the problem's that the text uses as such
    `unsure` letters of lines that could not be read
    """

    def __init__(self, engine: ArrayEngine, judge: Callable[[Formula], Claim | None]) -> None:
        self.engine = engine
        self.judge = judge
        self.meant: dict[str, str] = {}
        self.since: dict[str, int] = {}
        self.kept: set[str] = set()
        self.unsure: set[str] = set()

    def claim(self, formula: Formula) -> Claim | None:
        """A formula that says what set something is in; with letters of a line that could not be read it is never wrong."""
        found = self.as_meant(formula)
        told = self.letters(formula)
        if found is None or found.verdict == UNREADABLE:
            self.unsure |= told
        elif found.verdict == WRONG and told & self.unsure:
            return undecided(found, "a line with the same letter could not be read")
        return found

    def as_meant(self, formula: Formula) -> Claim | None:
        """As `claim`, with what the letters stand for in the lines that could be read."""
        told = self.letters(formula)
        foreign = {name for name in told if self.known(name) is None}
        own = {name for name in told if name in self.meant}
        if not foreign and not own:
            found = self.judge(formula)
            self.kept |= told if found is not None and found.verdict == CORRECT else set()
            return found
        best: Claim | None = None
        for meant in self.ways(told, foreign - own, own):
            found = self.under(formula, meant)
            if found is None or found.verdict == UNREADABLE:
                return found
            if found.verdict == CORRECT:
                self.enter(meant, told, formula.line)
                return found
            if best is None or RANK.index(found.verdict) < RANK.index(best.verdict):
                best = found if found.verdict != WRONG else self.contradicted(found, own)
        return best if best is not None else self.judge(formula)

    def letters(self, formula: Formula) -> set[str]:
        """The letters in the set."""
        return {text for member in formula.members[1:] for text in _SIZES.findall(_REALS.sub(" ", member.text))}

    def known(self, name: str) -> str | None:
        """The problem's letter of that name."""
        plain = _PLAIN.sub("", name)
        found = self.engine.problem.scope.name(plain) or self.engine.problem.scope.name(plain.replace("_", ""))
        return found if found in self.engine.letters else None

    def ways(self, told: set[str], new: set[str], own: set[str]) -> Iterator[dict[str, str]]:
        """What the letters of a set may stand for: new ones for any size that is free, the problem's own first for themselves."""
        if len(new) > MOST_SIZES:
            return
        sizes = {str(one): one for shape in self.engine.graph.shapes.values() for one in shape if one != shapes.ONE}
        fixed = {name: self.meant[name] for name in own}
        themselves = {name for name in told - new - own if self.known(name)}
        used = {*self.meant.values(), *(self.known(name) or "" for name in themselves)}
        yield from _assigned(fixed, sorted(new), sorted(set(sizes) - used))
        others = sorted(new | {name for name in themselves - self.kept if len(name) == 1})
        if new and len(others) > len(new):
            yield from _assigned(fixed, others, sorted(set(sizes) - set(self.meant.values())))

    def under(self, formula: Formula, meant: Mapping[str, str]) -> Claim | None:
        """The formula judged with its letters as they are meant, in the letters that stand there."""
        put = {
            f"\x00{at}": size for at, size in enumerate(meant.values())
        }  # one letter's meaning may be another letter
        first = dict(zip(meant, put, strict=True))
        members = tuple(with_letters(with_letters(member, first), put) for member in formula.members[1:])
        claim = self.judge(replace(formula, members=(formula.members[0], *members)))
        if claim is None:
            return None
        texts = [member.text for member in formula.members[1:] if member.text]
        shown = tuple(replace(one, text=text) for one, text in zip(claim.members, texts, strict=False))
        told = ", ".join(f"{name} is {size}" for name, size in meant.items() if _PLAIN.sub("", name) != size)
        note = claim.note or (told if claim.verdict == CORRECT else "")
        return replace(claim, text=text_of(formula), members=shown, note=note)

    def enter(self, meant: Mapping[str, str], told: set[str], line: int) -> None:
        """Keep what the letters of a right line stand for."""
        self.since = {**dict.fromkeys(meant, line), **self.since}
        self.meant.update(meant)
        self.kept |= told - set(meant)

    def contradicted(self, claim: Claim, own: set[str]) -> Claim:
        """A wrong claim with the lines that say what its letters stand for."""
        if not own:
            return claim
        said = ", ".join(f"{name} is {self.meant[name]} since line {self.since[name]}" for name in sorted(own))
        should = self.in_own(claim.expected)
        if claim.diagnosis is not None and claim.diagnosis.code == "transpose":
            message = claim.diagnosis.message.replace(claim.expected, should)
            return replace(claim, diagnosis=Diagnosis("transpose", message))
        return replace(claim, diagnosis=Diagnosis("shape", f"{said}; this should be {should}"))

    def in_own(self, text: str) -> str:
        """A shape in the text's own letters, where it has them."""
        back = {size: name for name, size in self.meant.items()}
        return re.sub(r"[A-Za-z_][A-Za-z0-9_]*", lambda match: back.get(match.group(), match.group()), text)


def _assigned(fixed: Mapping[str, str], new: list[str], free: list[str]) -> Iterator[dict[str, str]]:
    for chosen in permutations(free, len(new)):
        yield {**fixed, **dict(zip(new, chosen, strict=True))}
