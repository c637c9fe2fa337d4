r"""The differential of an expression of arrays, written out by the rules of calculus: `d(XW)` is `dX\,W + X\,dW`.

It is done on what was written, before its products are read: a product keeps its place in the text, so that each term is
read as the product was. Products that nobody wrote have no place and go entry by entry.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Call, Expr, Index, Name, Num, mapped, number, with_children
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.verifying.gradients import moved_expression

if TYPE_CHECKING:
    from collections.abc import Callable

_LINEAR = frozenset({"neg", "transpose", "trace", "sum", "mean", "diag", "flatten", "reshape"})
_PRODUCTS = frozenset({"mul", "matmul", "dot", "outer"})


def written_out(expr: Expr, moved: Callable[[str], Name | None]) -> Expr:
    """The expression with every d(XW) written out, dX as `moved` names it, None for what does not move.

    As it is where there is no rule.
    """
    inside = moved_expression(expr)
    if inside is None:
        return mapped(expr, lambda child: written_out(child, moved))
    try:
        return _moving(inside, moved) or expr
    except UnsupportedError:
        return expr


def _moving(expr: Expr, moved: Callable[[str], Name | None]) -> Expr | None:
    """How an expression moves; None for what does not. Raises UnsupportedError where there is no rule."""
    match expr:
        case Num():
            return None
        case Name():
            found = moved(expr.id)
            return None if found is None else Name(found.id, expr.span)
        case Index():
            whole = _moving(expr.base, moved)
            return None if whole is None else Index(whole, expr.indices, expr.span)
        case Call(function="add"):
            terms = [term for arg in expr.args if (term := _moving(arg, moved)) is not None]
            return None if not terms else terms[0] if len(terms) == 1 else Call("add", tuple(terms), (), expr.span)
        case Call() if expr.function in _LINEAR:
            first = _moving(expr.args[0], moved)
            return None if first is None else with_children(expr, (first, *_rest(expr)))
        case Call() if expr.function in _PRODUCTS:
            return _product(expr, moved)
        case Call():
            return _of_function(expr, moved)
    message = "this is not differentiated here"
    raise UnsupportedError(message, span=expr.span)


def _rest(expr: Call) -> tuple[Expr, ...]:
    return (*expr.args[1:], *(value for _, value in expr.options))


def _product(expr: Call, moved: Callable[[str], Name | None]) -> Expr | None:
    terms: list[Expr] = []
    for at, arg in enumerate(expr.args):
        one = _moving(arg, moved)
        if one is not None:
            terms.append(Call(expr.function, (*expr.args[:at], one, *expr.args[at + 1 :]), expr.options, expr.span))
    return None if not terms else terms[0] if len(terms) == 1 else Call("add", tuple(terms), (), expr.span)


def _of_function(expr: Call, moved: Callable[[str], Name | None]) -> Expr | None:
    """Division by a number, an inverse, a function of each entry. Raises UnsupportedError for any other."""
    row = FUNCTIONS.get(expr.function)
    if expr.function == "div" and _moving(expr.args[1], moved) is None:
        top = _moving(expr.args[0], moved)
        return None if top is None else Call("div", (top, expr.args[1]), (), expr.span)
    if expr.function == "pow" and expr.args[1] in (number(-1), Num(Fraction(-1), "-1")):  # of a matrix the inverse
        inner = _moving(expr.args[0], moved)
        return None if inner is None else Call("neg", (Call("mul", (expr, inner, expr), (), expr.span),))
    if expr.function == "inv" and (inner := _moving(expr.args[0], moved)) is not None:
        return Call("neg", (Call("matmul", (Call("matmul", (expr, inner)), expr)),))
    if row is not None and row.elementwise and len(expr.args) == 1 and not expr.options:
        inner = _moving(expr.args[0], moved)
        return None if inner is None else Call("mul", (Call("prime", (expr,), (), expr.span), inner))
    message = "this is not differentiated here"
    raise UnsupportedError(message, span=expr.span)
