r"""Letters of a student's own for sizes: `W \in \mathbb{R}^{D \times H}` where the problem writes them another way."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

from gradcheck_cli.verifying.lookalikes import with_letters
from gradcheck_cli.verifying.model import CORRECT

if TYPE_CHECKING:
    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.verifying.arrays.grader import ArrayGrader

_SIZES = re.compile(
    r"[A-Za-z]_\{[A-Za-z0-9]+(?:_\{[A-Za-z0-9]+\}|_[A-Za-z0-9]+)?\}|[A-Za-z]_[A-Za-z0-9]"
    r"|(?<![A-Za-z\\_])(?<!_\{)[A-Za-z](?![A-Za-z_])"
)
_REALS = re.compile(r"\\(?:mathbb|mathbf)\s*\{?\s*R\s*\}?|ℝ|\\in|\\times")
MOST_SIZES = 2


def with_sizes(grader: ArrayGrader, formula: Formula) -> tuple[Formula, str] | None:
    r"""A set such as `\mathbb{R}^{D_x \times 1}` in the problem's letters for sizes, and what was read; None for none.

    Each letter of the student's stands for one of the problem's in the whole text.
    """
    sets = [_REALS.sub(" ", member.text) for member in formula.members[1:]]
    told = {text for plain in sets for text in _SIZES.findall(plain)}
    new = sorted(
        name
        for name in told
        if grader.own.scope.name(_plain(name)) not in grader.engine.letters and name not in grader.sizes
    )
    free = sorted(grader.engine.letters - set(grader.sizes.values()))
    used = sorted(told & set(grader.sizes))
    if formula.relation != "in" or not (new or used) or len(new) > MOST_SIZES:
        return None
    for letters in permutations(free, len(new)):
        meant = {**{name: grader.sizes[name] for name in used}, **dict(zip(new, letters, strict=True))}
        members = tuple(with_letters(member, meant) for member in formula.members)
        claim = grader.claim(replace(formula, members=members))
        if claim is not None and claim.verdict == CORRECT:
            grader.sizes.update(meant)
            return replace(formula, members=members), ", ".join(f"{name} is {one}" for name, one in meant.items())
    return None


def _plain(name: str) -> str:
    return re.sub(r"[{}\s]", "", name)
