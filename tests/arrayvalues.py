"""Forward values of a graph of arrays at sizes in numbers: node by node, each entry exact or a ball."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.grids import Grid, label
from gradcheck_cli.symbolic.entries import entries
from gradcheck_cli.symbolic.evaluate import Inner, inner, outer, plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.graph import Graph


def array_values(
    graph: Graph, given: Mapping[str, Grid], definitions: Iterable[tuple[str, Expr]] = (), bits: int = 128
) -> dict[str, Grid]:
    """The values of all names: `given` as they are, then the nodes of a graph from `at_sizes`, then `definitions`.

    `given` has a grid of exact numbers for each input and constant. Entries are values as `evaluate` tells them.
    Raises UnsupportedError for a name without a value, and where there are too many entries.
    """
    env: dict[str, Inner] = {}
    found: dict[str, Grid] = {}
    known: dict[str, tuple[int, ...]] = {name: shapes.at(shape, {}) for name, shape in graph.shapes.items()}
    for name, values in given.items():
        known[name], found[name] = values.shape, values
        env.update(
            {label(name, place): inner(value) for place, value in zip(values.places(), values.items, strict=True)}
        )
    for name, expr in (*((node.name, node.expr) for node in graph.nodes), *definitions):
        parts = entries(expr, known)
        steps = plan(parts.items)
        results = steps.run(env, bits)
        found[name] = Grid(parts.shape, tuple(outer(results[slot]) for slot in steps.outputs))
        known[name] = parts.shape
        env.update(
            {label(name, place): results[slot] for place, slot in zip(parts.places(), steps.outputs, strict=True)}
        )
    return found
