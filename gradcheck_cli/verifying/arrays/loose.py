r"""What paper leaves to the reader in formulas about arrays: comparisons that are remarks, vectors without a direction.

`L = 2.5 > 0` says that L is 2.5, `w^2` of a vector is its product with itself, `(2, -1)^T` may be a column.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr, Num, functions, mapped, names
from gradcheck_cli.shapes import ONE
from gradcheck_cli.verifying.remarks import is_comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.source import Source

_TERMS = ("add", "neg", "mul", "div")
_OPENED = re.compile(r"[(\[{]")
_CLOSED = re.compile(r"[)\]}]")


def sides(engine: ArrayEngine, written: Expr, meant: Expr, source: Source, side: int) -> Iterator[Expr]:
    """What a chain goes through: in `L = 2.5 > 0` that is one side, the rest is a remark, if it holds; else as it is.

    `written` is the member as it stands in the text, `meant` the same in names of the problem.
    """
    remark = _is_remark(engine, written, meant, source)
    if remark and isinstance(meant, Call):
        yield meant.args[side]
    if not remark or names(meant):
        yield meant


def _is_remark(engine: ArrayEngine, written: Expr, meant: Expr, source: Source) -> bool:
    if not is_comparison(meant) or not isinstance(written, Call):
        return False
    before = source.text[: written.args[1].span.start]
    if len(_OPENED.findall(before)) != len(_CLOSED.findall(before)):
        return False  # an indicator: 1[z > 0]
    try:
        grid = engine.value(engine.resolve(meant))
    except GradcheckError:
        return False
    return grid is None or all(item is None or item == 1 for item in grid.items)


def loosely(expr: Expr, source: Source, shape_of: Callable[[Expr], Shape | None], *, latex: bool) -> Iterator[Expr]:
    """Further readings of one that may not be right: squares of vectors as numbers, vectors in brackets as columns."""
    if latex and (found := _with_squares(expr, shape_of)) is not expr:
        yield found
    if (found := _upright(expr, source)) is not expr:
        yield found


def _with_squares(expr: Expr, shape_of: Callable[[Expr], Shape | None]) -> Expr:
    """The expression with squares of vectors, rows and columns in its terms as products with themselves."""
    if not isinstance(expr, Call) or expr.function not in ("pow", *_TERMS) or "pow" not in functions(expr):
        return expr
    if expr.function in _TERMS:
        return mapped(expr, lambda child: _with_squares(child, shape_of))
    if not isinstance(expr.args[1], Num) or expr.args[1].value != 2:
        return expr
    shape = shape_of(expr.args[0])
    return Call("sum", (expr,), (), expr.span) if shape and sum(one != ONE for one in shape) < 2 else expr


def _upright(expr: Expr, source: Source) -> Expr:
    """The expression with vectors of numbers in round brackets, or transposed, as columns."""
    if "array" not in functions(expr):
        return expr
    turned = isinstance(expr, Call) and expr.function == "transpose"
    inner = expr.args[0] if isinstance(expr, Call) and turned else expr
    if isinstance(inner, Call) and inner.function == "array":
        flat = not any(isinstance(item, Call) and item.function == "array" for item in inner.args)
        if flat and (turned or source.text[inner.span.start : inner.span.start + 1] == "("):
            return Call("array", tuple(Call("array", (item,), (), item.span) for item in inner.args), (), expr.span)
        return expr
    return mapped(expr, lambda child: _upright(child, source))
