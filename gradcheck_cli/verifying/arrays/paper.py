r"""What formulas about arrays mean on paper, beside what they mean in code.

`A^{-1}` is the inverse, `A^2` a product, `|A|` may be the determinant, `diag(v)` takes a row or a column too, and an
index may have the letter of a size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.expr import (
    ENTRY,
    TOTAL,
    Call,
    Expr,
    Index,
    Name,
    Num,
    Sum,
    functions,
    mapped,
    number,
    walk,
    with_children,
)
from gradcheck_cli.verifying.arrays.batches import as_matrices, has_columns, has_index, sliced, turned
from gradcheck_cli.verifying.arrays.identity import with_identity
from gradcheck_cli.verifying.gradients import DIFFERENTIAL, moved_expression
from gradcheck_cli.verifying.texts.own import without_letters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.solving.array_engine import ArrayEngine

_SPREAD = frozenset({ENTRY, "outer"})
MOST_POWER = 4  # of a matrix that is written out


def on_paper(
    read: Iterable[Expr],
    engine: ArrayEngine,
    shape_of: Callable[[Expr], Shape | None],
    fits: Callable[[Expr], bool],
    *,
    latex: bool,
    sides: bool = False,
) -> Iterator[Expr]:
    """The readings with identities, with what paper means by powers, with letters of their own for indices.

    Last those with samples as matrices of one row or one column, but not of left sides, which `sides` says they are.
    `fits` says whether the operands of a product fit in any way in which it may be read.
    """
    rows: list[Expr] = []
    read = tuple(read)
    other_way = tuple(other for expr in read if has_index(expr) for other in turned(expr)) if latex else ()
    for expr in (*read, *other_way):
        indexed = has_index(expr)
        written = with_own_letters(sliced(expr, shape_of), engine.letters) if indexed else expr
        for other in with_identity(written, engine, shape_of, fits):
            plain = without_sums_of_nothing(other)
            single = as_matrices(plain, shape_of) if indexed and latex and not sides else plain
            if single is not plain and has_columns(plain):
                yield single
            yield from paper_readings(plain, shape_of) if latex else (flattened(plain, shape_of),)
            rows += [single] if single is not plain else []
    yield from rows


def paper_readings(expr: Expr, shape_of: Callable[[Expr], Shape | None]) -> Iterator[Expr]:
    """The expression with powers of square matrices as on paper, where it has any; then as it is."""
    expr = spread_indices(flattened(expr, shape_of), shape_of)
    changed = _with_powers(expr, shape_of)
    if changed != expr:
        yield changed
    yield expr
    determinant = _with_determinants(changed, shape_of)
    if determinant != changed:
        yield determinant


def _with_determinants(expr: Expr, shape_of: Callable[[Expr], Shape | None]) -> Expr:
    """The expression with bars around a square matrix as its determinant."""
    expr = mapped(expr, lambda child: _with_determinants(child, shape_of))
    square = isinstance(expr, Call) and expr.function == "abs" and is_square(shape_of(expr.args[0]))
    return Call("det", expr.args, (), expr.span) if square and isinstance(expr, Call) else expr


def _with_powers(expr: Expr, shape_of: Callable[[Expr], Shape | None]) -> Expr:
    if "pow" not in functions(expr):
        return expr
    if isinstance(expr, Call) and expr.function == "pow" and (moved := moved_expression(expr)) is not None:
        return Call(DIFFERENTIAL, (_with_powers(moved, shape_of),), (), expr.span)
    expr = mapped(expr, lambda child: _with_powers(child, shape_of))
    if not isinstance(expr, Call) or expr.function != "pow" or not is_square(shape_of(expr.args[0])):
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


def is_square(shape: Shape | None) -> bool:
    """Whether a shape is that of a square matrix of more than one entry."""
    return shape is not None and len(shape) == 2 and shape[0] == shape[1] != shapes.ONE


def _whole(expr: Expr) -> int | None:
    if isinstance(expr, Call) and expr.function == "neg":
        inner = _whole(expr.args[0])
        return None if inner is None else -inner
    return int(expr.value) if isinstance(expr, Num) and expr.value.denominator == 1 else None


def flattened(expr: Expr, shape_of: Callable[[Expr], Shape | None]) -> Expr:
    """The expression with `diag` of a row or a column as that of its entries, of an entry p_i(1 - p_i) as of all of them."""
    if "diag" not in functions(expr):
        return expr
    expr = mapped(expr, lambda child: flattened(child, shape_of))
    if isinstance(expr, Call) and expr.function == "diag" and len(expr.args) == 1:
        entries = [part for part in walk(expr.args[0]) if isinstance(part, Index) and len(part.indices) == 1]
        letters = {part.indices[0].id for part in entries if isinstance(part.indices[0], Name)}
        whole = without_letters(expr.args[0], tuple(letters)) if len(letters) == 1 else None
        if whole is not None:
            return with_children(expr, (as_vector(whole, shape_of(whole)),))
        return with_children(expr, (as_vector(expr.args[0], shape_of(expr.args[0])),))
    return expr


def as_vector(expr: Expr, shape: Shape | None) -> Expr:
    """A row or a column as a vector."""
    return Call("flatten", (expr,)) if shape is not None and len(shape) == 2 and shapes.ONE in shape else expr


def spread_indices(expr: Expr, shape_of: Callable[[Expr], Shape | None]) -> Expr:
    """Entries of rows and columns by one index: `yhat[j]` of a row is `yhat[0, j]`; the outer product of two rows."""
    if functions(expr).isdisjoint(_SPREAD):
        return expr
    expr = mapped(expr, lambda child: spread_indices(child, shape_of))
    if isinstance(expr, Call) and expr.function == "outer":
        vectors = tuple(as_vector(arg, shape_of(arg)) for arg in expr.args)
        return expr if vectors == expr.args else with_children(expr, vectors)
    if isinstance(expr, Index) and len(expr.indices) == 1:
        shape = shape_of(expr.base)
        if shape is not None and len(shape) == 2 and shapes.ONE in shape:
            zero = number(0)
            at = (zero, *expr.indices) if shape[0] == shapes.ONE else (*expr.indices, zero)
            return Index(expr.base, at, expr.span)
    return expr


def with_own_letters(expr: Expr, sizes: frozenset[str]) -> Expr:
    """The expression with an index that has the letter of a size under a letter of its own: `U_{ik}` beside k columns."""
    used = {
        part.id for part in walk(expr) if isinstance(part, Index) for part in part.indices if isinstance(part, Name)
    }
    used |= {part.index for part in walk(expr) if isinstance(part, Sum)}
    return _renamed(expr, used & sizes, frozenset()) if used & sizes else expr


def _renamed(expr: Expr, clash: set[str], bound: frozenset[str]) -> Expr:
    if isinstance(expr, Name) and expr.id in bound:
        return Name(f"{expr.id}'", expr.span)
    if isinstance(expr, Index):
        base = _renamed(expr.base, clash, bound)
        return Index(base, tuple(_renamed(index, clash, bound | clash) for index in expr.indices), expr.span)
    if isinstance(expr, Call) and expr.function == "delta":
        return with_children(expr, tuple(_renamed(arg, clash, bound | clash) for arg in expr.args))
    if isinstance(expr, Sum) and expr.index in clash:
        return Sum(_renamed(expr.body, clash, bound | {expr.index}), f"{expr.index}'", expr.span, expr.count)
    return mapped(expr, lambda child: _renamed(child, clash, bound))


def without_sums_of_nothing(expr: Expr) -> Expr:
    r"""The expression with `\sum_{k \neq i} 0`, which no letter in it bounds, as 0."""
    if TOTAL not in functions(expr):
        return expr
    expr = mapped(expr, without_sums_of_nothing)
    if isinstance(expr, Sum) and _is_nothing(expr.body):
        return number(0)
    return expr


def _is_nothing(expr: Expr) -> bool:
    if isinstance(expr, Call) and expr.function == "mul":
        return any(_is_nothing(arg) for arg in expr.args)
    return isinstance(expr, Num) and expr.value == 0
