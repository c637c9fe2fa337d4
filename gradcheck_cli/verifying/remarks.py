"""Comparisons behind a value: in `y = -0.4 < 0` the rest is a remark, if it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gradcheck_cli.solving.engine import Engine

_COMPARISONS = frozenset({"gt", "ge", "lt", "le", "ne"})


def is_comparison(expr: Expr) -> bool:
    """Whether an expression compares two others."""
    return isinstance(expr, Call) and expr.function in _COMPARISONS


def beside(engine: Engine, found: Iterable[Expr], side: int) -> Iterator[Expr]:
    """The side of a comparison that a chain goes through, of each reading that is one."""
    for expr in found:
        if not isinstance(expr, Call) or not is_comparison(expr):
            continue
        try:
            holds = engine.value(engine.resolve(expr))
        except GradcheckError:
            continue
        if holds is None or holds == 1:
            yield expr.args[side]
