"""Small graphs for tests."""

from __future__ import annotations

from fractions import Fraction

from gradcheck_cli.graph import Graph, Input, Node, in_order
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse


def names_of(*names, ancestors=None):
    return scope(dict.fromkeys(names, ()), ancestors)[0]


def graph_of(inputs, nodes):
    """A graph from {name: value or None} and {name: text}."""
    vocabulary = names_of(*inputs, *nodes)
    ordered, circular = in_order([Node(name, parse(text, vocabulary)) for name, text in nodes.items()])
    assert not circular
    leaves = tuple(Input(name, None if value is None else Fraction(str(value))) for name, value in inputs.items())
    return Graph(leaves, ordered, list(nodes)[-1])


def given(graph):
    return {leaf.name: leaf.value for leaf in graph.inputs}
