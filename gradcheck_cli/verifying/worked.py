"""Members that are right by what stands beside them: results of rounded numbers, comparisons as remarks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr
from gradcheck_cli.judge import number_verdict
from gradcheck_cli.verifying.match import has_decimals
from gradcheck_cli.verifying.model import CORRECT, WRONG
from gradcheck_cli.verifying.typed import as_typed_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.verifying.match import Read

WORKED = "worked out with the rounded numbers before it"
_COMPARISONS = frozenset({"gt", "ge", "lt", "le", "ne"})


def worked_out(engine: Engine, reads: Iterable[Read]) -> list[Read]:
    """The members of a chain; a number is right where it is what the right arithmetic before it comes to.

    0.394 after 2 * 0.197 is no slip, though the truth is 0.3932: the numbers of a chain are the student's rounded ones.
    """
    found: list[Read] = []
    base: Expr | None = None
    for read in reads:
        literal = as_typed_number(read.expr) if read.expr is not None else None
        if literal is None:
            right = read.member.verdict == CORRECT and read.expr is not None
            base = read.expr if right and read.expr is not None and has_decimals(read.expr, engine.problem.given) else None
        elif read.member.verdict == WRONG and base is not None:
            if number_verdict(literal, engine.value(base)) in ("right", "truncated"):
                read = replace(read, member=replace(read.member, verdict=CORRECT, note=WORKED))  # noqa: PLW2901
        found.append(read)
    return found


def beside(engine: Engine, found: Iterable[Expr], side: int) -> Iterator[Expr]:
    """The side of a comparison that a chain goes through: in `y = -0.4 < 0` the rest is a remark, if it holds."""
    for expr in found:
        if not isinstance(expr, Call) or expr.function not in _COMPARISONS:
            continue
        try:
            holds = engine.value(engine.resolve(expr))
        except GradcheckError:
            continue
        if holds is None or holds == 1:
            yield expr.args[side]
