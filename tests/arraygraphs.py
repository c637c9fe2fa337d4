"""Small graphs with arrays for tests of the probe."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from gradcheck_cli.graph import Graph, Input, Node
from gradcheck_cli.grids import Grid, grid
from gradcheck_cli.lowering import Shapes, at_sizes, lower
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.shapes import size


def filled(shape, *numbers):
    """A grid of fractions from texts or numbers."""
    return grid(shape, [Fraction(str(number)) for number in numbers])


def shaped(inputs, constants=(), **nodes):
    """A graph in primitive functions from {name: Grid or shape} and texts; the shapes of nodes are worked out."""
    shapes = {name: tuple(map(size, getattr(given, "shape", given))) for name, given in inputs.items()}
    leaves = tuple(
        Input(name, shape=shapes[name], entries=given if isinstance(given, Grid) else None)
        for name, given in inputs.items()
    )
    known = replace(scope(dict.fromkeys([*inputs, *nodes], ()))[0], arrays=True)
    made = []
    for name, text in nodes.items():
        made.append(Node(name, parse(text, known)))
        shapes[name] = lower(made[-1].expr, Shapes(shapes)).shape
    parts = ([leaf for leaf in leaves if (leaf.name in constants) == flag] for flag in (False, True))
    free, fixed = map(tuple, parts)
    return at_sizes(Graph(free, tuple(made), made[-1].name, fixed, (), shapes), {})
