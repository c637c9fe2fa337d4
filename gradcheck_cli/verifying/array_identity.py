r"""`I` as the identity and `\mathbf{1}` as a vector of ones, of the size that fits where they stand."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.expr import Call, Expr, names, number, substitute
from gradcheck_cli.parsing.latexnames import ONES

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.solving.array_engine import ArrayEngine

_IDENTITY = "I"


def identity_scope(scope: Scope) -> Scope:
    """The names of a problem, the vector of ones, and `I` where it is none of them."""
    known = {**scope.spellings, ONES: ONES}
    if scope.name(_IDENTITY) is None and _IDENTITY not in scope.indices:
        known[_IDENTITY] = _IDENTITY
    return replace(scope, spellings=known)


def with_identity(expr: Expr, engine: ArrayEngine, shape_of: Callable[[Expr], Shape | None]) -> tuple[Expr, ...]:
    """The expression with identities and ones, once for each size with which everything fits; as it is without any."""
    used = set(names(expr))
    meant: dict[str, list[Expr]] = {}
    sizes = dict.fromkeys(one for shape in engine.graph.shapes.values() for one in shape if one != shapes.ONE)
    if _IDENTITY in used and engine.problem.scope.name(_IDENTITY) is None:
        meant[_IDENTITY] = [Call("eye", (one.expr(),)) for one in sizes]
    if ONES in used:
        meant[ONES] = [Call("ones", (one.expr(), *more)) for more in ((), (number(1),)) for one in sizes]
    if not meant:
        return (expr,)
    found = [substitute(expr, dict(zip(meant, choice, strict=True))) for choice in product(*meant.values())]
    fitting = tuple(other for other in found if shape_of(other) is not None)
    return (tuple(found) if ONES in meant else fitting) or tuple(found[:1]) or (expr,)
