"""The judge's comparison of arrays, for those that are small enough to be compared entry by entry."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.expr import substitute
from gradcheck_cli.judge import ArrayDecision, ArraySpace, compare_arrays
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.shapes import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.shapes import Size

MOST_ENTRIES = 3_000  # of all arrays of a graph together
_LETTER = 6  # about what a letter is where sizes are drawn


@lru_cache(maxsize=64)
def _large(space: ArraySpace) -> bool:
    """Whether the arrays of a graph have too many entries; letters stand for small numbers here."""
    total = shapes.size(0)
    for shape in space.graph.shapes.values():
        total = total + shapes.count(shape)
    return total.at(dict.fromkeys(total.letters, _LETTER)) > MOST_ENTRIES


def compare(
    space: ArraySpace, left: Expr, right: Expr, ranges: Mapping[str, Size] | None = None, *, lenient: bool = True
) -> ArrayDecision:
    """As `compare_arrays`; of large arrays the shapes are compared, and whether the expressions are the same.

    Raises ShapeError where the operands within a side do not fit.
    """
    if not _large(space):
        return compare_arrays(space, left, right, lenient=lenient, ranges=ranges)
    letters = frozenset(letter for letter, _ in space.graph.dims)
    known = dict(space.graph.shapes)
    for name, expr in space.definitions:
        known[name] = lower(expr, Shapes(known, letters)).shape
    first, second = (lower(side, Shapes(known, letters, dict(ranges or {}))) for side in (left, right))
    both = (first.shape, second.shape)
    if first == second:
        return ArrayDecision("equal", "the two sides are the same expression", both)
    if first.shape != second.shape:
        return ArrayDecision("shape", f"the shapes are {text_of(first.shape)} and {text_of(second.shape)}", both)
    return ArrayDecision("undecided", "the arrays are too large to be compared entry by entry", both)


def held_at(space: ArraySpace, held: Mapping[str, Expr]) -> ArraySpace:
    """A space with some inputs held at given values."""
    graph = space.graph
    return ArraySpace(
        replace(
            graph,
            inputs=tuple(leaf for leaf in graph.inputs if leaf.name not in held),
            constants=tuple(leaf for leaf in graph.constants if leaf.name not in held),
            nodes=tuple(replace(node, expr=substitute(node.expr, held)) for node in graph.nodes),
        ),
        tuple((name, substitute(expr, held)) for name, expr in space.definitions),
    )
