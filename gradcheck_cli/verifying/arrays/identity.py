r"""`I` as the identity and `\mathbf{1}` as a vector of ones, of the size that fits where they stand."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.expr import (
    Call,
    Expr,
    Name,
    Num,
    children,
    functions,
    mapped,
    names,
    number,
    substitute,
    walk,
    with_children,
)
from gradcheck_cli.parsing.latexnames import ONES

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.solving.array_engine import ArrayEngine

_IDENTITY = "I"
MOST_ONES = 2  # of sizes of their own in one formula
MOST_READINGS = 40


def identity_scope(scope: Scope) -> Scope:
    """The names of a problem, the vector of ones, and `I` where it is none of them."""
    known = {**scope.spellings, ONES: ONES}
    if scope.name(_IDENTITY) is None and _IDENTITY not in scope.indices:
        known[_IDENTITY] = _IDENTITY
    return replace(scope, spellings=known)


def with_identity(
    expr: Expr, engine: ArrayEngine, shape_of: Callable[[Expr], Shape | None], fits: Callable[[Expr], bool]
) -> tuple[Expr, ...]:
    """The expression with identities and ones, once for each size with which everything fits; as it is without any.

    `fits` says whether the operands of a product fit in any way in which it may be read.
    """
    expr = with_ones(expr)
    used = {_IDENTITY, ONES} & set(names(expr))
    if not used:
        return (expr,)
    meant: dict[str, list[Expr]] = {}
    sizes = dict.fromkeys(one for shape in engine.graph.shapes.values() for one in shape if one != shapes.ONE)
    if _IDENTITY in used and engine.problem.scope.name(_IDENTITY) is None:
        meant[_IDENTITY] = [Call("eye", (one.expr(),)) for one in sizes]
    if ONES in used:
        expr, placed = _one_by_one(expr, ())
        for name in placed[:MOST_ONES]:
            ones: list[Expr] = [Call("ones", (one.expr(), *more)) for more in ((), (number(1),)) for one in sizes]
            meant[name] = _in_product(expr, name, ones, fits)
    if not meant:
        return (expr,)
    found = [substitute(expr, dict(zip(meant, choice, strict=True))) for choice in product(*meant.values())]
    fitting = tuple(other for other in found if shape_of(other) is not None)
    return (*fitting, *(other for other in found if other not in fitting))[:MOST_READINGS]


def _in_product(expr: Expr, name: str, ones: list[Expr], fits: Callable[[Expr], bool]) -> list[Expr]:
    """The vectors of ones with which the product fits in which this one is a factor; all where that does not tell."""
    factors = (Name(name), Call("transpose", (Name(name),)))
    products = (part for part in walk(expr) if isinstance(part, Call) and part.function in ("mul", "matmul"))
    around = next((part for part in products if any(arg in factors for arg in part.args)), None)
    if around is None:
        return ones
    return [one for one in ones if fits(substitute(around, {name: one}))] or ones


def with_ones(expr: Expr) -> Expr:
    """The expression with a transposed 1, or a transposed e, as a vector of ones: 1^T r, e^T r."""
    if "transpose" not in functions(expr):
        return expr
    expr = mapped(expr, with_ones)
    if not isinstance(expr, Call) or expr.function != "transpose":
        return expr
    inner = expr.args[0]
    one = inner == Call("e", ()) or (isinstance(inner, Num) and inner.text == "1")
    return Call("transpose", (Name(ONES, inner.span),), (), expr.span) if one else expr


def _one_by_one(expr: Expr, placed: tuple[str, ...]) -> tuple[Expr, tuple[str, ...]]:
    """The expression with a name of its own for every vector of ones, and these names."""
    if expr == Name(ONES):
        name = f"{ONES}{len(placed)}"
        return Name(name, expr.span), (*placed, name)
    below = []
    for child in children(expr):
        found, placed = _one_by_one(child, placed)
        below.append(found)
    same = all(new is old for new, old in zip(below, children(expr), strict=True))
    return (expr if same else with_children(expr, tuple(below))), placed
