r"""What formulas about arrays mean on paper, beside what they mean in code.

`A^{-1}` is the inverse and `A^2` a product, `diag(v)` takes a row or a column too, and an index may have the letter of
a size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum, children, walk, with_children

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gradcheck_cli.shapes import Shape

MOST_POWER = 4  # of a matrix that is written out


def paper_readings(expr: Expr, shape_of: Callable[[Expr], Shape | None]) -> Iterator[Expr]:
    """The expression with powers of square matrices as on paper, where it has any; then as it is."""
    expr = flattened(expr, shape_of)
    changed = _with_powers(expr, shape_of)
    if changed != expr:
        yield changed
    yield expr


def _with_powers(expr: Expr, shape_of: Callable[[Expr], Shape | None]) -> Expr:
    below = tuple(_with_powers(child, shape_of) for child in children(expr))
    same = all(new is old for new, old in zip(below, children(expr), strict=True))
    expr = expr if same else with_children(expr, below)
    if not isinstance(expr, Call) or expr.function != "pow" or not _is_square(shape_of(expr.args[0])):
        return expr
    base, power = expr.args[0], _whole(expr.args[1])
    if power == -1:
        return Call("inv", (base,), (), expr.span)
    if power is None or not 1 < power <= MOST_POWER:
        return expr
    found = base
    for _ in range(power - 1):
        found = Call("matmul", (found, base), (), expr.span)
    return found


def _is_square(shape: Shape | None) -> bool:
    return shape is not None and len(shape) == 2 and shape[0] == shape[1] != shapes.ONE


def _whole(expr: Expr) -> int | None:
    if isinstance(expr, Call) and expr.function == "neg":
        inner = _whole(expr.args[0])
        return None if inner is None else -inner
    return int(expr.value) if isinstance(expr, Num) and expr.value.denominator == 1 else None


def flattened(expr: Expr, shape_of: Callable[[Expr], Shape | None]) -> Expr:
    """The expression with `diag` of a row or a column as that of its entries."""
    below = tuple(flattened(child, shape_of) for child in children(expr))
    same = all(new is old for new, old in zip(below, children(expr), strict=True))
    expr = expr if same else with_children(expr, below)
    if isinstance(expr, Call) and expr.function == "diag" and len(expr.args) == 1:
        return with_children(expr, (as_vector(expr.args[0], shape_of(expr.args[0])),))
    return expr


def as_vector(expr: Expr, shape: Shape | None) -> Expr:
    """A row or a column as a vector."""
    return Call("flatten", (expr,)) if shape is not None and len(shape) == 2 and shapes.ONE in shape else expr


def with_own_letters(expr: Expr, sizes: frozenset[str]) -> Expr:
    """The expression with an index that has the letter of a size under a letter of its own: `U_{ik}` beside k columns."""
    used = {part.id for part in walk(expr) if isinstance(part, Index) for part in part.indices if isinstance(part, Name)}
    used |= {part.index for part in walk(expr) if isinstance(part, Sum)}
    return _renamed(expr, used & sizes, frozenset()) if used & sizes else expr


def _renamed(expr: Expr, clash: set[str], bound: frozenset[str]) -> Expr:
    if isinstance(expr, Name) and expr.id in bound:
        return Name(f"{expr.id}'", expr.span)
    if isinstance(expr, Index):
        base = _renamed(expr.base, clash, bound)
        return Index(base, tuple(_renamed(index, clash, bound | clash) for index in expr.indices), expr.span)
    if isinstance(expr, Sum) and expr.index in clash:
        return Sum(_renamed(expr.body, clash, bound | {expr.index}), f"{expr.index}'", expr.span, expr.count)
    below = children(expr)
    changed = tuple(_renamed(child, clash, bound) for child in below)
    same = all(new is old for new, old in zip(changed, below, strict=True))
    return expr if same else with_children(expr, changed)
