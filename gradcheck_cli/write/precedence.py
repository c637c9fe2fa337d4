"""How tightly each operator binds; the one place that both writers read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Num, Sum

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPARISON, SUM, SIGN, PRODUCT, POWER, ATOM = range(6)

OPERATORS: Mapping[str, int] = {
    "gt": COMPARISON, "ge": COMPARISON, "eq": COMPARISON, "lt": COMPARISON, "le": COMPARISON, "ne": COMPARISON,
    "add": SUM, "neg": SIGN, "mul": PRODUCT, "div": PRODUCT, "matmul": PRODUCT, "pow": POWER,
}  # fmt: skip


def binding(expr: Expr) -> int:
    """How tightly the outermost operation of an expression binds."""
    if isinstance(expr, Call):
        return OPERATORS.get(expr.function, ATOM)
    if isinstance(expr, Num) and expr.value < 0:
        return SIGN
    return SUM if isinstance(expr, Sum) else ATOM


def split_sign(expr: Expr) -> tuple[bool, Expr]:
    """Whether an expression begins with a minus, and the rest."""
    if isinstance(expr, Call) and expr.function == "neg":
        return True, expr.args[0]
    return False, expr
