r"""Updates as homework writes them: `W_{t+1} = W_t - \eta \nabla L`, `W' = W - …`, and what only looks like one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Name, names, walk
from gradcheck_cli.verifying.model import WRONG
from gradcheck_cli.verifying.texts.lookalikes import exchanged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.match import Read, Truth

_PRIME = re.compile(r"(?:['’′]|\^\s*\{?\s*\\prime\s*\}?)\s*$")
_NEXT = re.compile(r"[\^_]\s*\{\s*\(?\s*([tkn])\s*\+\s*1\s*\)?\s*\}\s*$")


def primed_update(formula: Formula) -> Formula | None:
    """The formula with the prime behind its left side as the mark of an update; None where it has none."""
    left, *members = formula.members
    if not _PRIME.search(left.text):
        return None
    return replace(formula, members=(exchanged(left, _PRIME, "^{+}"), *members))


def without_time(member: Source, left: Source) -> Source:
    """A member without the mark that a parameter has before the step to t + 1 that the left side names."""
    step = _NEXT.search(left.text)
    if step is None:
        return member
    letter = step[1]
    before = re.compile(rf"[\^_]\s*(?:\{{\s*\(?\s*{letter}\s*\)?\s*\}}|{letter}(?![A-Za-z0-9]))")
    return exchanged(member, before, "")


def is_step(left: Expr, member: Iterable[Expr]) -> bool:
    """Whether a member is a name and more, `w + …`, on the right of that name: it gives no value, it goes on from it."""
    sums = (expr.args for expr in member if isinstance(expr, Call) and expr.function == "add")
    return isinstance(left, Name) and any(left in terms for terms in sums)


def elsewhere(truth: Truth, reads: Iterable[Read]) -> bool:
    """Whether what is wrong as an update names things, but neither the parameter nor a derivative: it is none.

    An input where it is best is not a step from what it is: `w = (X^T X)^{-1} X^T y`.
    """
    if truth.kind != "update" or not isinstance(truth.ask, Call) or not isinstance(truth.ask.args[0], Name):
        return False
    wrong = [read.expr for read in reads if read.member.verdict == WRONG]
    own = truth.ask.args[0].id
    return bool(wrong) and all(expr is not None and names(expr) and own not in names(expr) for expr in wrong)


def another_step(truth: Truth, reads: Iterable[Read]) -> bool:
    """Whether what is wrong as a step down the gradient has an inverse in it that is not there: a step of Newton's."""
    if truth.kind != "update" or _has_inverse(truth.expr):
        return False
    wrong = [read.expr for read in reads if read.member.verdict == WRONG]
    return bool(wrong) and all(expr is not None and _has_inverse(expr) for expr in wrong)


def _has_inverse(expr: Expr) -> bool:
    return any(isinstance(part, Call) and part.function == "inv" for part in walk(expr))
