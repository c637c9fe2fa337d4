"""Piecewise functions on the branch that the given values choose: relu(z) is z where z is positive.

Homework writes 1 for the derivative of an active ReLU; at the given values, and around them, that is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, children, number, with_children
from gradcheck_cli.symbolic.evaluate import evaluate, interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gradcheck_cli.symbolic.evaluate import Value

_BITS = 192


def on_branch(expr: Expr, env: Mapping[str, Value]) -> Expr:
    """An expanded expression with every piecewise call on the branch it takes at `env`; as it is on a kink."""
    below = children(expr)
    changed = tuple(on_branch(child, env) for child in below)
    if any(new is not old for new, old in zip(changed, below, strict=True)):
        expr = with_children(expr, changed)
    if not isinstance(expr, Call) or expr.function not in _BRANCHES:
        return expr
    return _BRANCHES[expr.function](expr, env) or expr


def _sign(expr: Expr, env: Mapping[str, Value]) -> int:
    """The sign of an expression at the values; 0 where it is 0 or cannot be told."""
    bounds = interval(evaluate(expr, env, _BITS))
    if bounds is None:
        return 0
    return 1 if bounds[0] > 0 else -1 if bounds[1] < 0 else 0


def _difference(call: Call) -> Expr:
    return Call("add", (call.args[0], Call("neg", (call.args[1],))))


def _pick(positive: Callable[[Call], Expr], negative: Callable[[Call], Expr]) -> Callable[..., Expr | None]:
    """The branch by the sign of the only argument."""

    def branch(call: Call, env: Mapping[str, Value]) -> Expr | None:
        sign = _sign(call.args[0], env)
        return positive(call) if sign > 0 else negative(call) if sign < 0 else None

    return branch


def _compare(positive: Callable[[Call], Expr], negative: Callable[[Call], Expr]) -> Callable[..., Expr | None]:
    """The branch by the sign of the first argument minus the second."""

    def branch(call: Call, env: Mapping[str, Value]) -> Expr | None:
        sign = _sign(_difference(call), env)
        return positive(call) if sign > 0 else negative(call) if sign < 0 else None

    return branch


def _where(call: Call, env: Mapping[str, Value]) -> Expr | None:
    sign = _sign(call.args[0], env)
    condition = evaluate(call.args[0], env, _BITS)
    return call.args[1] if sign else call.args[2] if condition == 0 else None


ZERO, ONE = number(0), number(1)
_BRANCHES: dict[str, Callable[..., Expr | None]] = {
    "relu": _pick(lambda call: call.args[0], lambda _: ZERO),
    "abs": _pick(lambda call: call.args[0], lambda call: Call("neg", call.args)),
    "sign": _pick(lambda _: ONE, lambda _: number(-1)),
    "step": _pick(lambda _: ONE, lambda _: ZERO),
    "gt": _compare(lambda _: ONE, lambda _: ZERO),
    "ge": _compare(lambda _: ONE, lambda _: ZERO),
    "eq": _compare(lambda _: ZERO, lambda _: ZERO),
    "maximum": _compare(lambda call: call.args[0], lambda call: call.args[1]),
    "minimum": _compare(lambda call: call.args[1], lambda call: call.args[0]),
    "where": _where,
}
