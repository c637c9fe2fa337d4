"""How many axes an expression has: what tells a product of matrices from one of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum
from gradcheck_cli.functions import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sized

_REDUCING = frozenset({"mean", "var", "norm"})
_NUMBERS = frozenset({"trace", "logdet", "det", "count", "samples"})
_OF = {"eye": 2, "outer": 2, "inv": 2, "flatten": 1, "onehot": 1}


def rank(expr: Expr, shapes: Mapping[str, Sized]) -> int:
    """The number of axes of an expression; `shapes` has those of names, a name without one is a number."""
    match expr:
        case Num():
            return 0
        case Name():
            return _of_name(expr.id, shapes)
        case Index():
            return max(rank(expr.base, shapes) - len(expr.indices), 0)
        case Sum():
            return rank(expr.body, shapes)
        case Call():
            return _of_call(expr, shapes)


def _of_name(name: str, shapes: Mapping[str, Sized]) -> int:
    """A name; a gradient that is named has the axes of what it belongs to."""
    if name in shapes:
        return len(shapes[name])
    inner = name[name.find("(") + 1 : -1].rpartition(", ")[2] if name.endswith(")") else ""
    return len(shapes[inner]) if inner in shapes else 0


def _of_call(expr: Call, shapes: Mapping[str, Sized]) -> int:
    function, args = expr.function, expr.args
    row = FUNCTIONS.get(function)
    first = rank(args[0], shapes) if args else 0
    if function in _NUMBERS or (row is not None and row.of_rank and row.elementwise):
        return 0
    if function in _OF:
        return _OF[function]
    if function in ("matmul", "dot"):
        return max(first + rank(args[1], shapes) - 2, 0)
    if function in ("reshape", "ones", "zeros"):
        return len(args) - (function == "reshape")
    if function in ("array", "diag"):
        return first + 1 if function == "array" else 3 - first
    if function in _REDUCING or (row is not None and row.shape == "reduce"):
        options = {key for key, _ in expr.options}
        return first if "keepdims" in options else first - 1 if "axis" in options else 0
    if row is None or not row.elementwise:  # softmax, transpose, concat, convolutions keep what they are given
        return first
    return max((rank(arg, shapes) for arg in args), default=0)
