"""Inputs that choose entries, as the y of `p[y]`: which places there are to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, UnsupportedError
from gradcheck_cli.expr import Index, Name, walk
from gradcheck_cli.lowering import Shapes, lower

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.graph import Graph
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.shapes import Size


def choices(graph: Graph, numbers: Mapping[str, int]) -> dict[str, tuple[str, int]]:
    """Leaves whose values are indices, with the node that uses them and how many places there are at the least."""
    found: dict[str, tuple[str, int]] = {}
    for node, name, size in _uses(graph):
        if size.letters <= set(numbers):
            count = size.at(numbers)
            if name not in found or count < found[name][1]:
                found[name] = (node, count)
    return found


def _uses(graph: Graph) -> Iterator[tuple[str, str, Size]]:
    """(node, leaf, size of the axis) for each index that is a leaf, or an entry of one."""
    leaves = {leaf.name for leaf in (*graph.inputs, *graph.constants)}
    known = Shapes(graph.shapes, frozenset(letter for letter, _ in graph.dims))
    for node in graph.nodes:
        parts = [part for part in walk(lower(node.expr, known).expr) if isinstance(part, Index)]
        for part in parts:
            try:
                shape = lower(part.base, known).shape
            except GradcheckError:
                continue
            for index, size in zip(part.indices, shape, strict=False):
                name = _leaf(index)
                if name in leaves:
                    yield node.name, name, size


def _leaf(index: Expr) -> str:
    while isinstance(index, Index):
        index = index.base
    return index.id if isinstance(index, Name) else ""


def check_choices(problem: Problem) -> None:
    """Raise UnsupportedError, with the place, for a value that is no index of what it is used on."""
    graph = problem.graph
    found = choices(graph, {letter: size for letter, size in graph.dims if size is not None})
    for leaf in (*graph.inputs, *graph.constants):
        if leaf.name not in found:
            continue
        node, count = found[leaf.name]
        values = leaf.entries.items if leaf.entries is not None else () if leaf.value is None else (leaf.value,)
        for value in values:
            if value.denominator != 1 or not 0 <= value < count:
                message = f"{node}: {leaf.name} chooses one of {count} entries, and {value} is none of them"
                hint = f"they are counted from 0 to {count - 1}"
                raise UnsupportedError(message, hint=hint, source=problem.source, span=leaf.span)
