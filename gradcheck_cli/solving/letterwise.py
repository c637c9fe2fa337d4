"""Derivatives of what stands under index letters by an entry with a letter: ∂/∂h_i of log P_j, of y_j (h_j - log Σ_k e^{h_k}).

The rules of sums, products, quotients and powers, entry by entry; an entry by an entry of the same array is a delta.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum, names, number, substitute
from gradcheck_cli.symbolic.build import plus, quotient, times

if TYPE_CHECKING:
    from gradcheck_cli.symbolic.indices import Indices
    from gradcheck_cli.symbolic.jacobians import Jacobians

_SPARE = "klmnpqrst"
_ONE, _MINUS = number(1), number(-1)


def slope(jacobians: Jacobians, expr: Expr, wrt: str, at: Indices) -> Expr:
    """The derivative of a number with free letters by one entry.

    Raises UnsupportedError for a function that has no rule here.
    """
    if not _depends(jacobians, expr, wrt):
        return number(0)
    if isinstance(expr, Sum):
        return _of_sum(jacobians, expr, wrt, at)
    if isinstance(expr, Index):
        return _of_entry(jacobians, expr, wrt, at)
    if isinstance(expr, Name) and not jacobians.calculus.shapes.get(expr.id):
        return jacobians.total(expr.id, wrt, at)
    if isinstance(expr, Call):
        return _of_call(jacobians, expr, wrt, at)
    raise _unknown(expr)


def _depends(jacobians: Jacobians, expr: Expr, wrt: str) -> bool:
    above = jacobians.calculus.graph.ancestors
    return any(name == wrt or wrt in above.get(name, ()) for name in names(expr))


def _of_sum(jacobians: Jacobians, expr: Sum, wrt: str, at: Indices) -> Expr:
    """Term by term; a bound letter that the entry has too is another one."""
    letter, body = expr.index, expr.body
    taken = {name for index in at for name in names(index)}
    if letter in taken:
        used = (
            taken
            | set(names(body))
            | set(jacobians.calculus.shapes)
            | {size for size, _ in jacobians.calculus.graph.dims}
        )
        fresh = next((spare for spare in _SPARE if spare not in used), None)
        if fresh is None:
            raise _unknown(expr)
        letter, body = fresh, substitute(body, {letter: Name(fresh)})
    return Sum(slope(jacobians, body, wrt, at), letter, expr.span, expr.count)


def _of_entry(jacobians: Jacobians, expr: Index, wrt: str, at: Indices) -> Expr:
    base = expr.base
    if not isinstance(base, Name) or len(expr.indices) != len(jacobians.calculus.shapes.get(base.id, ())):
        raise _unknown(expr)
    if base.id == wrt:
        pairs = zip(expr.indices, at, strict=True)
        return times(*(_ONE if left == right else Call("delta", (left, right)) for left, right in pairs))
    return jacobians.total(base.id, wrt, (*expr.indices, *at))


def _of_call(jacobians: Jacobians, expr: Call, wrt: str, at: Indices) -> Expr:
    args = expr.args
    match expr.function:
        case "add":
            return plus(*(slope(jacobians, arg, wrt, at) for arg in args))
        case "neg":
            return times(_MINUS, slope(jacobians, args[0], wrt, at))
        case "sub":
            return plus(slope(jacobians, args[0], wrt, at), times(_MINUS, slope(jacobians, args[1], wrt, at)))
        case "mul":
            turns = range(len(args))
            return plus(*(times(slope(jacobians, args[k], wrt, at), *args[:k], *args[k + 1 :]) for k in turns))
        case "div":
            top, bottom = (slope(jacobians, arg, wrt, at) for arg in args)
            square = Call("pow", (args[1], number(2)))
            return plus(quotient(top, args[1]), times(_MINUS, quotient(times(args[0], bottom), square)))
        case "pow" if not _depends(jacobians, args[0], wrt):
            rate = _ONE if args[0] == Call("e", ()) else Call("log", (args[0],))
            return times(expr, rate, slope(jacobians, args[1], wrt, at))
        case "exp" | "log" | "sigmoid" | "tanh" | "pow":
            return times(_outer(expr), slope(jacobians, args[0], wrt, at))
    raise _unknown(expr)


def _outer(expr: Call) -> Expr:
    """The derivative of a function by what stands in it."""
    inner = expr.args[0]
    match expr.function:
        case "exp":
            return expr
        case "log":
            return quotient(_ONE, inner)
        case "sigmoid":
            return times(expr, plus(_ONE, times(_MINUS, expr)))
        case "tanh":
            return plus(_ONE, times(_MINUS, Call("pow", (expr, number(2)))))
    power = expr.args[1]
    if not isinstance(power, Num):
        raise _unknown(expr)
    return times(power, Call("pow", (inner, number(power.value - 1))))


def _unknown(expr: Expr) -> UnsupportedError:
    message = "an entry by a letter that no sum runs over is not differentiated here"
    return UnsupportedError(message, hint="write it with whole arrays", span=expr.span)
