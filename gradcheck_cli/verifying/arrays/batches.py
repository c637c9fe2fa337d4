r"""Samples of a batch and columns of matrices: where the number of a sample stands, and `X_{:,i}` in what is known.

A sample is a row of X where the samples are rows, a column where they are columns; written with a transpose where a
column has none, as in `x_i^\top \delta_i`, it is meant as a row.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import ENTRY, Call, Expr, Index, Name, functions, mapped, number, walk, with_children
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.parsing.samples import ALL, EITHER
from gradcheck_cli.verifying.gradients import DIFFERENTIAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gradcheck_cli.graph import Graph
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.shapes import Shape

    ShapeOf = Callable[[Expr], Shape | None]

MOST_TURNED = 3
_ONE = number(1)
_WHOLE = (Name(ALL), Name(EITHER))
_SHOWN = frozenset({ENTRY, "outer", "flatten", "reshape", "div"})
AS_ROWS = "each sample as a row"


def sample_places(graph: Graph) -> dict[str, tuple[str, bool]]:
    """For each array where the number of a row, column or sample stands among its indices, and whether of a sample.

    An axis of the batch has a letter that no parameter's shape has; of a parameter the axis is the one of its outputs.
    """
    learned = {leaf.name for leaf in graph.inputs if leaf.param}
    fixed = {letter for leaf in graph.inputs if leaf.param for one in leaf.shape for letter in one.letters}
    found: dict[str, tuple[str, bool]] = {letter: ("", False) for letter, _ in graph.dims}
    for name, shape in graph.shapes.items():
        if not shape:
            found[name] = "", False
        along = [at for at, one in enumerate(shape) if learned and one.letters and not set(one.letters) & fixed]
        if len(shape) == 2 and name in learned and (axis := _outputs(graph, name)) is not None:
            found[name] = _place(shape, axis), False
        elif len(shape) in (1, 2) and len(along) == 1 and name not in learned:
            found[name] = _place(shape, along[0]), True
        elif len(shape) == 2 and shapes.ONE not in shape:
            found[name] = _place(shape, 0), False
    return found


def with_loss(places: Mapping[str, tuple[str, bool]], graph: Graph) -> dict[str, tuple[str, bool]]:
    """The places, and that of L_i, the loss of a sample, where there are samples."""
    number = not graph.shapes[graph.output] and any(batch for _, batch in places.values())
    return {**places, graph.output: ("i", True)} if number else dict(places)


def with_samples(
    known: Scope, places: Mapping[str, tuple[str, bool]], usual: Mapping[str, tuple[tuple[str, ...], Expr]]
) -> Scope:
    """The scope in which samples are read; a usual name has those of what it stands for."""
    meant = {name: meaning.id for name, (_, meaning) in usual.items() if isinstance(meaning, Name)}
    more = {name: places[meaning] for name, meaning in meant.items() if meaning in places}
    return replace(known, samples={**places, **more})


def _place(shape: Shape, axis: int) -> str:
    return "".join("i" if at == axis else "0" if one == shapes.ONE else ALL for at, one in enumerate(shape))


def _outputs(graph: Graph, name: str) -> int | None:
    """The axis of a parameter that is no operand's in the product of matrices it stands in; None where it stands in none."""
    for node in graph.nodes:
        for part in walk(node.expr):
            if isinstance(part, Call) and part.function == "matmul" and Name(name) in part.args:
                return 1 if part.args[1] == Name(name) else 0
    return None


def has_index(expr: Expr) -> bool:
    """Whether an entry, a row or a column of anything stands in an expression."""
    return ENTRY in functions(expr)


def sliced(expr: Expr, shape_of: ShapeOf) -> Expr:
    """The expression with `X[:, i]` as a row of the transpose, also where X is differentiated, or differentiated by."""
    if isinstance(expr, Call) and expr.function == DIFFERENTIAL and isinstance(moved := expr.args[0], Index):
        whole = Call(DIFFERENTIAL, (moved.base,), (), expr.span)
        return taken(whole, moved.indices, expr) if is_slice(moved) else expr
    if isinstance(expr, Call) and expr.function == "d" and isinstance(by := expr.args[1], Index) and is_slice(by):
        if isinstance(expr.args[0], Index) or shape_of(expr.args[0]) != ():
            return expr  # of the loss of a sample
        return taken(Call("d", (expr.args[0], by.base), (), expr.span), by.indices, expr)
    if isinstance(expr, Index) and is_slice(expr):
        return taken(sliced(expr.base, shape_of), expr.indices, expr)
    return mapped(expr, lambda child: sliced(child, shape_of))


def is_slice(expr: Expr) -> bool:
    """Whether an expression is a row or a column, written as one."""
    return isinstance(expr, Index) and any(one in expr.indices for one in _WHOLE)


def of_a_sample(meanings: Iterable[Expr]) -> UnsupportedError | None:
    """Why a left side about a sample by itself is not read; None for one that is about something else."""
    if not any(is_slice(part) for meaning in meanings for part in walk(meaning)):
        return None
    message = "the derivative of one sample by itself is not read"
    return UnsupportedError(message, hint="write one of its entries, or what it sends back")


def turned(expr: Expr) -> Iterator[Expr]:
    """The expression with rows for the columns, and columns for the rows, that may be either, matrix by matrix."""
    bases = tuple(dict.fromkeys(part.base for part in walk(expr) if _is_either(part) and isinstance(part, Index)))
    for count in range(1, min(len(bases), MOST_TURNED) + 1):
        for chosen in combinations(bases[:MOST_TURNED], count):
            yield _turned(expr, frozenset(chosen))


def _turned(expr: Expr, bases: frozenset[Expr]) -> Expr:
    if _is_either(expr) and isinstance(expr, Index) and expr.base in bases:
        return Index(expr.base, expr.indices[::-1], expr.span)
    return mapped(expr, lambda child: _turned(child, bases))


def _is_either(expr: Expr) -> bool:
    return isinstance(expr, Index) and len(expr.indices) == 2 and _WHOLE[1] in expr.indices


def taken(base: Expr, at: tuple[Expr, ...], place: Expr) -> Expr:
    """A row or a column of a matrix; as it is for what has more axes."""
    if all(one in _WHOLE for one in at):
        return base
    if len(at) == 2 and at[1] in _WHOLE:
        return Index(base, at[:1], place.span)
    if len(at) == 2:
        return Index(Call("transpose", (base,), (), place.span), at[1:], place.span)
    return Index(base, at, place.span)


def as_matrices(expr: Expr, shape_of: ShapeOf) -> Expr:
    """The expression with rows of matrices as matrices of one row, columns of one column; itself without any."""
    if isinstance(expr, Index):
        shape, base = shape_of(expr), shape_of(expr.base)
        if shape is None or base is None or (len(shape), len(base)) != (1, 2) or shapes.ONE in base:
            return expr
        column = Call("outer", (expr, Call("ones", (_ONE,))), (), expr.span)
        return column if is_column_of(expr) else Call("transpose", (column,), (), expr.span)
    return mapped(expr, lambda child: as_matrices(child, shape_of))


def is_column_of(expr: Expr) -> bool:
    """Whether an expression is a column of a matrix: a row of its transpose."""
    return isinstance(expr, Index) and isinstance(expr.base, Call) and expr.base.function == "transpose"


def has_columns(expr: Expr) -> bool:
    """Whether a column of a matrix stands in it."""
    return has_index(expr) and any(map(is_column_of, walk(expr)))


def has_rows(expr: Expr) -> bool:
    """Whether a sample stands as a matrix of one row in it."""
    if "outer" not in functions(expr):
        return False
    return any(_is_single(part) and isinstance(part, Call) and part.function == "transpose" for part in walk(expr))


def shown(expr: Expr, shape_of: ShapeOf) -> Expr:
    """An expression with samples as they are written: `P[i] - Y[i]` for the row i of P - Y, `X[:, i]` for a column."""
    if functions(expr).isdisjoint(_SHOWN):
        return expr
    if isinstance(expr, Index) and len(expr.indices) == 1 and len(shape_of(expr.base) or ()) == 2:
        return _row_of(expr.base, expr.indices[0], shape_of)
    if isinstance(expr, Call) and (_is_single(expr) or expr.function in ("flatten", "reshape")):
        inner = expr.args[0]
        return shown(inner.args[0] if isinstance(inner, Call) and expr.function == "transpose" else inner, shape_of)
    expr = mapped(expr, lambda child: shown(child, shape_of))
    one = isinstance(expr, Call) and expr.function == "div" and expr.args[1] == _ONE
    return expr.args[0] if one and isinstance(expr, Call) else expr


def _row_of(expr: Expr, at: Expr, shape_of: ShapeOf, *, column: bool = False) -> Expr:
    """The row or column of an expression, taken where its operands go entry by entry."""
    if isinstance(expr, Call) and expr.function == "transpose":
        return _row_of(expr.args[0], at, shape_of, column=not column)
    whole = shape_of(expr)
    row = FUNCTIONS.get(expr.function) if isinstance(expr, Call) else None
    if isinstance(expr, Call) and row is not None and row.elementwise:
        shaped = [shape_of(arg) for arg in expr.args]
        if all(one in (whole, ()) for one in shaped):
            pairs = zip(expr.args, shaped, strict=True)
            return with_children(
                expr, tuple(_row_of(arg, at, shape_of, column=column) if one else arg for arg, one in pairs)
            )
    return Index(shown(expr, shape_of), (_WHOLE[0], at) if column else (at,))


def _is_single(expr: Expr) -> bool:
    """Whether a vector stands as a column, or as a row."""
    inner = expr.args[0] if isinstance(expr, Call) and expr.function == "transpose" else expr
    return isinstance(inner, Call) and inner.function == "outer" and inner.args[1] == Call("ones", (_ONE,))
