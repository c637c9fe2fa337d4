"""Small graphs with arrays, for tests."""

from __future__ import annotations

from dataclasses import replace

from gradcheck_cli import shapes
from gradcheck_cli.graph import Graph, Input, Node
from gradcheck_cli.lowering import Shapes, at_sizes, lower
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse


def shape_of(given):
    """("m", 3) as sizes."""
    return tuple(shapes.size(one) for one in given)


def shaped_graph(inputs, nodes, dims=()):
    """A graph from {name: shape of letters and numbers} and {name: text}, in an order in which they are computed."""
    letters = frozenset(one for shape in inputs.values() for one in shape if isinstance(one, str)) | frozenset(dims)
    vocabulary = replace(scope(dict.fromkeys((*inputs, *nodes, *letters), ()))[0], arrays=True)
    found = {name: shape_of(shape) for name, shape in inputs.items()}
    built = []
    for name, text in nodes.items():
        expr = parse(text, vocabulary)
        found[name] = lower(expr, Shapes(found, letters)).shape
        built.append(Node(name, expr))
    leaves = tuple(Input(name, shape=found[name]) for name in inputs)
    return Graph(leaves, tuple(built), built[-1].name, (), tuple((one, None) for one in sorted(letters)), found)


def concrete(inputs, nodes, sizes=None):
    """The same in primitive functions, with numbers for letters."""
    return at_sizes(shaped_graph(inputs, nodes, sizes or ()), sizes or {})
