"""`I` as the identity, of the size that fits where it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr, names, substitute

if TYPE_CHECKING:
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.solving.array_engine import ArrayEngine

_IDENTITY = "I"


def identity_scope(scope: Scope) -> Scope:
    """The names of a problem, and `I` where it is none of them."""
    if scope.name(_IDENTITY) is not None or _IDENTITY in scope.indices:
        return scope
    return replace(scope, spellings={**scope.spellings, _IDENTITY: _IDENTITY})


def with_identity(expr: Expr, engine: ArrayEngine) -> tuple[Expr, ...]:
    """The expression with `I` as an identity, once for each size with which everything fits; as it is without one."""
    if _IDENTITY not in names(expr) or engine.problem.scope.name(_IDENTITY) is not None:
        return (expr,)
    sizes = dict.fromkeys(one for shape in engine.graph.shapes.values() for one in shape if one != shapes.ONE)
    found = [substitute(expr, {_IDENTITY: Call("eye", (one.expr(),))}) for one in sizes]
    fitting = tuple(other for other in found if _fits(other, engine))
    return fitting or tuple(found[:1]) or (expr,)


def _fits(expr: Expr, engine: ArrayEngine) -> bool:
    try:
        engine.shape_of(engine.resolve(expr))
    except GradcheckError:
        return False
    return True
