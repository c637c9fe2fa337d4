"""Members that are right by what stands beside them: results of rounded numbers, comparisons as remarks."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Name, names
from gradcheck_cli.judge import number_verdict
from gradcheck_cli.symbolic.evaluate import to_float
from gradcheck_cli.verifying.match import left_open
from gradcheck_cli.verifying.model import CORRECT, UNREADABLE, WRONG
from gradcheck_cli.verifying.typed import as_typed_number, has_decimals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gradcheck_cli.expr import Num
    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.verifying.match import Matcher, Read, Truth

MOST_EDGES = 50
NEARLY = "nearly right: with which rounded numbers it was worked out is not shown"
WORKED = "worked out with the rounded numbers before it"
_FOLLOWED = re.compile(r"\s*\\d?frac\s*(?:\{(?:[^{}]|\{[^{}]*\})*\}\s*){2}(?:\\left\s*)?[(\[]")
_NUMBER_AND_MORE = re.compile(r"[-+−]?\s*[0-9][0-9.,]*[\s|~\\]")


def worked_out(engine: Engine, truth: Truth, reads: Iterable[Read]) -> list[Read]:
    """The members of a chain; a number is right where it is what the right arithmetic before it comes to.

    0.394 after 2 * 0.197 is no slip, though the truth is 0.3932: the numbers of a chain are the student's rounded ones.
    """
    found: list[Read] = []
    base: Expr | None = None
    for read in reads:
        literal = as_typed_number(read.expr) if read.expr is not None else None
        if literal is None:
            right = read.member.verdict == CORRECT and read.expr is not None
            base = (
                read.expr if right and read.expr is not None and has_decimals(read.expr, engine.problem.given) else None
            )
        elif base is not None and near(engine, truth, read) and _comes_to(engine, base, literal):
            found.append(replace(read, member=replace(read.member, verdict=CORRECT, note=WORKED)))
            continue
        found.append(read)
    return found


def near(engine: Engine, truth: Truth, read: Read) -> bool:
    """Whether a wrong member is within a tenth of the truth, as far as rounding goes."""
    if read.member.verdict != WRONG or read.expr is None or truth.value is None:
        return False
    true, written = to_float(truth.value), to_float(engine.value(read.expr))
    return abs(written - true) <= abs(true) / 10


def nearly(engine: Engine, reads: Iterable[Read]) -> bool:
    """Whether all that is wrong in a chain is the last digit of a number behind a right expression without decimals.

    The numbers put into it are not shown: they may be rounded ones, of a line above that cannot be read.
    """
    base = False
    for read in reads:
        if read.member.verdict == WRONG and not (base and read.member.note == "rounding"):
            return False
        if read.expr is not None and read.member.verdict == CORRECT:
            base = bool(names(read.expr)) and not has_decimals(read.expr, engine.problem.given)
    return True


def _comes_to(engine: Engine, expr: Expr, literal: Num) -> bool:
    value = engine.value(expr)
    return value is not None and number_verdict(literal, value) in ("right", "truncated")


def local_of(matcher: Matcher, truth: Truth) -> Expr | None:
    r"""The local derivative that an expression is, as \sigma'(z) is one; None where it is no other name of one."""
    if truth.kind != "derivative" or truth.value is None:
        return None
    for (source, target), expr in islice(matcher.engine.local.items(), MOST_EDGES):
        same = bool(names(expr)) and to_float(matcher.engine.value(expr)) == to_float(truth.value)
        if same and (not names(truth.expr) or matcher.agrees(expr, truth.expr)):
            return Call("local", (Name(target), Name(source)))
    return None


def repeats(found: Iterable[Expr], truth: Truth) -> bool:
    """Whether a derivative stands as a factor in its own right side, as in da/dz = da/dz (1/u)."""
    products = (expr for expr in found if isinstance(expr, Call) and expr.function == "mul")
    return any(factor == truth.ask for expr in products for factor in expr.args)


def as_operator(found: Iterable[Expr], truth: Truth, text: str, agrees: Callable[[Expr, Expr], bool]) -> bool:
    r"""Whether a derivative that stands again is meant as d/dx of what follows in brackets, which is what is differentiated.

    So it is in `\frac{\partial a}{\partial z} (\frac{1}{u})`, where a = 1/u; with a sign between them it is a product.
    """
    if not isinstance(truth.ask, Call) or truth.ask.function != "d" or _FOLLOWED.match(text) is None:
        return False
    for expr in found:
        if isinstance(expr, Call) and expr.function == "mul" and len(expr.args) == 2 and expr.args[0] == truth.ask:
            return agrees(expr.args[1], truth.ask.args[0])
    return False


def behind_unreadable(reads: list[Read]) -> list[Read]:
    """Where a number and more that cannot be read stand between two signs, another claim may begin: nobody is accused.

    `z = 1 gilt a = 0.731`: the last member may be right for something else.
    """
    for at, read in enumerate(reads):
        if read.member.verdict == UNREADABLE and _NUMBER_AND_MORE.match(read.member.text):
            note = "a member before it cannot be read; perhaps this belongs to another claim"
            return [*reads[: at + 1], *(left_open(one, note) for one in reads[at + 1 :])]
    return reads
