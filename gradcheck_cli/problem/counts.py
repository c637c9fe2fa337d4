"""Counts of a graph: shapes, entries, parameters with each one's share, nodes, edges. Letters stay letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.shapes import count, size

if TYPE_CHECKING:
    from gradcheck_cli.graph import Graph
    from gradcheck_cli.shapes import Shape, Size


def shape_of(graph: Graph, name: str) -> Shape:
    """The shape of an input, constant or node; () where nothing in the graph is an array."""
    return graph.shapes.get(name, ())


def size_of(graph: Graph, name: str) -> Size:
    """How many entries an input, constant or node has."""
    return count(shape_of(graph, name))


def shares(graph: Graph) -> tuple[tuple[str, Size], ...]:
    """How many entries each learnable input has, in the order of the inputs."""
    return tuple((leaf.name, size_of(graph, leaf.name)) for leaf in graph.inputs if leaf.param)


def params(graph: Graph) -> Size:
    """How many learnable numbers there are: the entries of all learnable inputs."""
    total = size(0)
    for _, share in shares(graph):
        total = total + share
    return total


def nodes(graph: Graph) -> Size:
    """How many nodes there are; inputs and output are nodes."""
    return size(len(graph.by_name))


def edges(graph: Graph) -> Size:
    """How many edges there are: one for each use of a value by a node."""
    return size(len(graph.edges))


def in_numbers(total: Size, graph: Graph) -> int | None:
    """A count where the problem gives numbers for its letters; None where one is missing."""
    numbers = {letter: value for letter, value in graph.dims if value is not None}
    return total.at(numbers) if total.letters <= set(numbers) else None
