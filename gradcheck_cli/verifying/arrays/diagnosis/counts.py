"""Mistakes in counting: numbers of parameters, nodes, edges and entries of a problem with arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.expr import Call, Expr, Name, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.solving.array_engine import ArrayEngine


def count_mistakes(engine: ArrayEngine, ask: Expr) -> Iterator[tuple[str, shapes.Size]]:
    """Numbers of parameters, nodes or entries as they come out with a slip."""
    graph = engine.graph
    if not isinstance(ask, Call):
        return
    if ask.function == "params":
        learned = [leaf for leaf in graph.inputs if leaf.param]
        added = _added(engine)
        biases = [leaf for leaf in learned if leaf.name in added]
        yield "the biases are missing", _sum(leaf.shape for leaf in learned if leaf not in biases)
        for leaf in learned:
            rest = _sum(other.shape for other in learned if other is not leaf)
            yield f"the entries of {leaf.name} are missing", rest
        yield "this is the number of arrays, not of their entries", shapes.size(len(learned))
    if ask.function in ("nodes", "edges"):
        yield "this counts without the inputs", shapes.size(len(graph.nodes))
        yield "this is the number of nodes", shapes.size(len(graph.by_name))
        yield "this is the number of edges", shapes.size(len(graph.edges))
        yield "this is the number of inputs", shapes.size(len(graph.inputs))
    if ask.function == "size" and isinstance(ask.args[0], Name):
        shape = engine.shapes[ask.args[0].id]
        total = shapes.size(0)
        for one in shape:
            total = total + one
        yield "the sizes are added; they are to be multiplied", total


def _added(engine: ArrayEngine) -> set[str]:
    """The names that are terms of a sum: biases."""
    sums = (part for node in engine.graph.nodes for part in walk(node.expr))
    terms = (arg for part in sums if isinstance(part, Call) and part.function == "add" for arg in part.args)
    return {term.id for term in terms if isinstance(term, Name)}


def _sum(all_shapes: Iterator[shapes.Shape]) -> shapes.Size:
    total = shapes.size(0)
    for shape in all_shapes:
        total = total + shapes.count(shape)
    return total
