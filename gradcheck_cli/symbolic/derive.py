"""Reverse mode along the edges, with names: upstream × local = downstream, summed where paths meet.

Every adjoint has a name, `d(L, z)`. A written-out product of local derivatives stays as it is while it is short;
past `LONGEST` tree nodes the adjoint stands there by its name, so the derivation is linear in the graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Expr, Name, number, size
from gradcheck_cli.symbolic.build import plus, times
from gradcheck_cli.symbolic.scalars import local_derivatives

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.graph import Graph

LONGEST = 120
ONE = number(1)


@dataclass(frozen=True, slots=True)
class Edge:
    """The edge source -> target: what target receives, its own derivative, what it sends back to source."""

    source: str
    target: str
    local: Expr
    upstream: Expr
    downstream: Expr


@dataclass(frozen=True, slots=True)
class Derivation:
    """All derivatives of one output.

    `edges`   in the order of the backward pass
    `totals`  the derivative by each input and node, written in names of the graph
    `adjoints` what the derivative by each name is called in `steps`
    `steps`   the same as definitions, each in names of the graph and of earlier adjoints: linear in the graph
    """

    output: str
    edges: tuple[Edge, ...]
    totals: Mapping[str, Expr]
    adjoints: Mapping[str, str]
    steps: tuple[tuple[str, Expr], ...]


def adjoint(output: str, name: str) -> str:
    """The name of the derivative of `output` by `name`."""
    return f"d({output}, {name})"


def locals_of(graph: Graph) -> dict[tuple[str, str], Expr]:
    """The local derivative on every edge (source, target)."""
    found: dict[tuple[str, str], Expr] = {}
    for node in graph.nodes:
        for source, local in local_derivatives(node, graph.sources[node.name]).items():
            found[source, node.name] = local
    return found


def derive(graph: Graph, local: Mapping[tuple[str, str], Expr], output: str, seed: Expr = ONE) -> Derivation:
    """Every upstream, downstream and total derivative of `output`, from the local ones.

    `seed` is what arrives at the output itself: 1, or a gradient given by the problem; what then arrives at a node
    is called upstream(x), since it is no derivative of the output alone.
    """

    def name_of(name: str) -> str:
        return adjoint(output, name) if seed is ONE else f"upstream({name})"

    written: dict[str, list[Expr]] = {name: [] for name in graph.by_name}
    named: dict[str, list[Expr]] = {name: [] for name in graph.by_name}
    written[output], named[output] = [seed], [seed]
    totals: dict[str, Expr] = {}
    steps: list[tuple[str, Expr]] = []
    edges: list[Edge] = []
    order = (*(node.name for node in reversed(graph.nodes)), *(leaf.name for leaf in graph.inputs))
    for name in order:
        totals[name] = plus(*written[name])
        steps.append((name_of(name), plus(*named[name])))
        if not written[name]:
            continue
        upstream = totals[name] if size(totals[name], LONGEST) < LONGEST else Name(name_of(name))
        for source in graph.sources.get(name, ()):
            step = local[source, name]
            downstream = times(upstream, step)
            edges.append(Edge(source, name, step, totals[name], downstream))
            written[source].append(downstream)
            named[source].append(times(Name(name_of(name)), step))
    return Derivation(output, tuple(edges), totals, {name: name_of(name) for name in order}, tuple(steps))
