r"""What products of arrays may mean: written without a sign they are matrix products, and in LaTeX a vector is a column.

The reading that the parser gives comes first; these are for where it is not right. `\odot`, `\circ` and `*` stay what
they are, products entry by entry.
"""

from __future__ import annotations

import re
from itertools import chain, pairwise, product
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import NOWHERE, Call, Expr, children, functions, number, walk, with_children
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.verifying.arrays.loose import loosely
from gradcheck_cli.verifying.arrays.paper import spread_indices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.source import Source

ENTRYWISE = re.compile(r"(?<!\\),|\\odot|\\circ|\\ast|\*|⊙|∘")
_OCTAVE = re.compile(r"[A-Za-z0-9)\]]'|\.\*")  # where ' transposes, * is the product of matrices
_CIRCLED = re.compile(r"\\odot|\\circ|⊙|∘")
_DOTTED = re.compile(r"\.\*")
_DOT = re.compile(r"\\cdot|\\times|·|×|⋅|∙")
_PRODUCTS = frozenset({"mul", "matmul"})
_UNKNOWN = (shapes.size(0),)  # no array has this shape
_TURNED = _PRODUCTS | {"transpose"}
_ROW, _COLUMN = "row", "column"


def widens(expr: Expr, shape_of: Callable[[Expr], Shape | None]) -> bool:
    """Whether a product entry by entry in it widens two of its operands, as a column beside a row does.

    On paper that is a product of matrices, in this order or not at all; so is one with a vector of ones.
    """
    if "mul" not in functions(expr):
        return False
    for part in walk(expr):
        if isinstance(part, Call) and part.function == "mul":
            whole = shape_of(part)
            arrays = [shape for arg in part.args if (shape := shape_of(arg))]
            if whole is not None and sum(shape != whole and len(shape) == 2 for shape in arrays) > 1:
                return True
            if whole is not None and len(arrays) > 1 and whole not in arrays:  # a column beside a vector
                return True
            if whole is not None and any(_is_ones(arg) and shape_of(arg) != whole for arg in part.args):
                return True
    return False


def _is_ones(expr: Expr) -> bool:
    inner = expr.args[0] if isinstance(expr, Call) and expr.function == "transpose" else expr
    return isinstance(inner, Call) and inner.function == "ones"


def product_readings(
    expr: Expr, source: Source, shape_of: Callable[[Expr], Shape | None], *, latex: bool
) -> Iterator[Expr]:
    """Further readings of an expression as written, the likelier first; none where it has no product to be read anew."""
    if functions(expr).isdisjoint(_PRODUCTS) or not any(_is_product(part) for part in walk(expr)):
        return
    seen = {expr}
    either, never = (True, False), (False,)
    choices = [*product(reversed(either) if latex else never, either if latex else never, either)]
    readers = [Products(source, shape_of, dots=dots, columns=columns, tight=tight) for dots, columns, tight in choices]
    if latex:
        readers.append(Products(source, shape_of, dots=False, columns=True, tight=True, alike=True))
        if any(_is_list(part) for part in walk(expr)):
            readers.append(Products(source, shape_of, dots=True, columns=True, tight=True, rows=True))
    if latex and _CIRCLED.search(source.text):
        readers.append(Products(source, shape_of, dots=False, columns=True, tight=False, first=True))
    if not latex and _OCTAVE.search(source.text):
        readers.append(Products(source, shape_of, dots=True, columns=False, tight=True, signs=_DOTTED))
    for reader in readers:
        found = reader.read(expr)
        if found not in seen:
            seen.add(found)
            yield found


def fitting(source: Source, shape_of: Callable[[Expr], Shape | None], *, latex: bool) -> Callable[[Expr], bool]:
    """Whether the operands of an expression in a text fit in any of its readings."""

    def fits(expr: Expr) -> bool:
        others = product_readings(expr, source, shape_of, latex=latex)
        return any(shape_of(one) is not None for one in chain((expr,), others))

    return fits


def ways(
    found: tuple[Expr, ...], source: Source, shape_of: Callable[[Expr], Shape | None], *, latex: bool
) -> Iterator[Expr]:
    """As `ordered`; then with what paper leaves to the reader."""
    strict = []
    for way in ordered(found, source, shape_of, latex=latex):
        strict.append(way)
        yield way
    for way in strict:
        yield from loosely(way, source, shape_of, latex=latex)


def ordered(
    found: tuple[Expr, ...], source: Source, shape_of: Callable[[Expr], Shape | None], *, latex: bool
) -> Iterator[Expr]:
    """The readings of the parser; then with products of matrices, then with one index for a row or a column."""
    plain = [expr for expr in found if not (latex and widens(expr, shape_of))]
    yield from plain
    for expr in found:
        yield from product_readings(expr, source, shape_of, latex=latex)
    if not plain:
        yield from (expr for expr in found if not any(product_readings(expr, source, shape_of, latex=latex)))
    if latex:
        yield from (Call("flatten", (expr,)) for expr in found if is_column(expr))
    for expr in found:
        spread = spread_indices(expr, shape_of)
        if spread is not expr:
            yield spread


def _is_product(part: Expr) -> bool:
    return isinstance(part, Call) and part.function in ("mul", "matmul") and len(part.args) > 1


def _is_list(part: Expr) -> bool:
    """Whether numbers or names stand side by side in brackets."""
    return isinstance(part, Call) and part.function == "array" and not any(_is_array(arg) for arg in part.args)


def _is_array(part: Expr) -> bool:
    return isinstance(part, Call) and part.function == "array"


class Products:
    r"""Reads products of arrays as products of matrices.

    `dots`     whether a dot or a cross between two arrays is a product of matrices too
    `columns`  whether a vector is a column, and its transpose a row
    `tight`    whether products of matrices bind closer than those entry by entry
    `signs`    the signs of a product entry by entry
    `first`    whether products entry by entry bind closer than those of matrices: W(1 - h) ⊙ δ
    `alike`    whether arrays of one shape side by side go entry by entry where they fit no other way: h(1 - h)
    `rows`     whether numbers in a row, (1, 2, 3), are a matrix of one row
    """

    def __init__(
        self,
        source: Source,
        shape_of: Callable[[Expr], Shape | None],
        *,
        dots: bool,
        columns: bool,
        tight: bool,
        signs: re.Pattern[str] = ENTRYWISE,
        alike: bool = False,
        first: bool = False,
        rows: bool = False,
    ) -> None:
        self.first = first
        self.rows = rows
        self.alike = alike
        self.source = source
        self.signs = signs
        self.shape_of = shape_of
        self.dots = dots
        self.columns = columns
        self.tight = tight

    def read(self, expr: Expr) -> Expr:
        """The reading of an expression."""
        return self.turned(expr)[0]

    def turned(self, expr: Expr) -> tuple[Expr, str]:
        """The reading, and how it stands where it is a vector: as a row or as a column."""
        if functions(expr).isdisjoint(_TURNED) or _is_list(expr):
            return expr, _ROW if self.rows and _is_list(expr) else _COLUMN
        if isinstance(expr, Call) and expr.function == "transpose":
            inner, way = self.turned(expr.args[0])
            shape = self.shape_of(inner)
            if shape is not None and len(shape) == 1 and self.columns:
                return inner, _COLUMN if way == _ROW else _ROW
            return with_children(expr, (inner,)), _COLUMN
        if isinstance(expr, Call) and expr.function in _PRODUCTS and len(expr.args) > 1 and expr.span != NOWHERE:
            return self.product(expr)
        pairs = [self.turned(child) for child in children(expr)]
        below = tuple(pair[0] for pair in pairs)
        way = _COLUMN
        if isinstance(expr, Call) and expr.function in FUNCTIONS and FUNCTIONS[expr.function].elementwise:
            ways = [way for child, way in pairs if self.rank(child) == 1]
            way = _ROW if _ROW in ways else _COLUMN
        return with_children(expr, below), way

    def rank(self, expr: Expr) -> int | None:
        """How many axes an expression has; None where its parts do not fit."""
        shape = self.shape_of(expr)
        return None if shape is None else len(shape)

    def product(self, expr: Call) -> tuple[Expr, str]:
        """A product from the left, each sign read as what it may be."""
        groups = [self.turned(expr.args[0])]
        for before, arg in pairwise(expr.args):
            right, right_way = self.turned(arg)
            of_matrices = expr.function == "matmul" or self.is_matrix_product(before, arg)
            if self.tight if not of_matrices else self.first:
                groups.append((right, right_way))
            elif of_matrices:
                groups[-1] = self.joined(*groups[-1], right, right_way)
            else:
                groups[-1] = self.entrywise(groups[-1], (right, right_way))
        found = groups[0]
        for group in groups[1:]:
            found = self.joined(*found, *group) if self.first else self.entrywise(found, group)
        return found

    def entrywise(self, left: tuple[Expr, str], right: tuple[Expr, str]) -> tuple[Expr, str]:
        """A product entry by entry."""
        return Call("mul", (left[0], right[0])), left[1] if self.rank(left[0]) else right[1]

    def is_matrix_product(self, left: Expr, right: Expr) -> bool:
        """Whether what stands between two factors may be the sign of a matrix product."""
        between = self.source.text[left.span.end : right.span.start]
        if self.signs.search(between):
            return False
        return self.dots or not _DOT.search(between)

    def joined(self, left: Expr, way: str, right: Expr, right_way: str) -> tuple[Expr, str]:
        """A matrix product where both are arrays; a number scales."""
        ranks = self.rank(left), self.rank(right)
        shape = self.shape_of(left)
        if (
            self.dots
            and shape is not None
            and shapes.ONE in shape
            and shape == self.shape_of(right) != (shapes.ONE,) * 2
        ):
            return Call("sum", (Call("mul", (left, right)),)), _COLUMN
        if (
            self.alike
            and shape is not None
            and len(shape) == 2
            and shape == self.shape_of(right)
            and shape[0] != shape[1]
        ):
            return Call("mul", (left, right)), way
        if not all(ranks):
            return Call("mul", (left, right)), way if ranks[0] else right_way
        if self.columns and ranks == (1, 1):
            if way == _COLUMN and right_way == _ROW:
                return Call("outer", (left, right)), _COLUMN
            if way == right_way:
                return Call("mul", (left, right)), way
        if self.columns and ranks == (2, 1) and right_way == _ROW:
            return Call("matmul", (left, Call("transpose", (as_column(right),)))), _COLUMN
        if self.columns and ranks == (1, 2) and way == _COLUMN:
            return Call("matmul", (as_column(left), right)), _COLUMN
        return Call("matmul", (left, right)), _ROW if ranks == (1, 2) else _COLUMN


def as_column(vector: Expr) -> Expr:
    """A vector as a matrix of one column."""
    return Call("outer", (vector, Call("ones", (number(1),))))


def is_column(expr: Expr) -> bool:
    """Whether numbers stand one below the other: on paper a vector does."""
    rows = expr.args if isinstance(expr, Call) and expr.function == "array" else ()
    return bool(rows) and all(isinstance(row, Call) and row.function == "array" and len(row.args) == 1 for row in rows)


def quietly(shape_of: Callable[[Expr], Shape]) -> Callable[[Expr], Shape | None]:
    """The shape of an expression, None where its parts do not fit; each worked out once."""
    known: dict[Expr, Shape | None] = {}

    def found(expr: Expr) -> Shape | None:
        shape = known.get(expr, _UNKNOWN)
        if shape is _UNKNOWN:
            try:
                shape = known[expr] = shape_of(expr)
            except GradcheckError:
                shape = known[expr] = None
        return shape

    return found
