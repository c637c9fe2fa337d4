"""The computation graph: inputs, nodes in an order in which they can be computed, and the edges between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from gradcheck_cli.expr import NOWHERE, names, size, substitute

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.grids import Grid
    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.source import Span

LONGEST_CLOSED = 400  # tree nodes of an expression in the inputs alone


@dataclass(frozen=True, slots=True)
class Input:
    """A leaf of the graph.

    `value`    exact, or None where the problem gives none
    `entries`  the same for an array
    `shape`    in numbers and letters; () for a number
    `axis`     along which a one-hot or a distribution sums to 1; the last one if not said
    `decimal`  whether the value was typed with a point: results are then shown as decimals
    `kind`     what is known of the values: `real`, `positive`, `binary`, …
    """

    name: str
    value: Fraction | None = None
    decimal: bool = False
    kind: str = "real"
    param: bool = False
    latex: tuple[str, ...] = ()
    span: Span = NOWHERE
    shape: Shape = ()
    entries: Grid | None = None
    axis: int = -1


@dataclass(frozen=True, slots=True)
class Node:
    """A value computed from others by `expr`."""

    name: str
    expr: Expr
    latex: tuple[str, ...] = ()
    span: Span = NOWHERE


@dataclass(frozen=True)
class Graph:
    """Inputs and nodes; `nodes` are in topological order. `constants` are symbols that are no nodes.

    `dims`    the letters of sizes, with their numbers where the problem gives them
    `shapes`  the shape of every input, constant and node; empty where everything is a number
    """

    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    output: str
    constants: tuple[Input, ...] = ()
    dims: tuple[tuple[str, int | None], ...] = ()
    shapes: Mapping[str, Shape] = field(default_factory=dict, hash=False)

    @cached_property
    def by_name(self) -> Mapping[str, Input | Node]:
        """Inputs and nodes (not the constants) by name."""
        parts: tuple[Input | Node, ...] = (*self.inputs, *self.nodes)
        return {part.name: part for part in parts}

    @cached_property
    def sources(self) -> Mapping[str, tuple[str, ...]]:
        """For each node the inputs and nodes it is computed from directly, in reading order."""
        known = self.by_name
        return {node.name: tuple(name for name in names(node.expr) if name in known) for node in self.nodes}

    @cached_property
    def targets(self) -> Mapping[str, tuple[str, ...]]:
        """For each input and node the nodes that use it directly, in topological order."""
        found: dict[str, list[str]] = {name: [] for name in self.by_name}
        for node in self.nodes:
            for source in self.sources[node.name]:
                found[source].append(node.name)
        return {name: tuple(users) for name, users in found.items()}

    @cached_property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """All edges as (source, target): the source feeds the target."""
        return tuple((source, node.name) for node in self.nodes for source in self.sources[node.name])

    @cached_property
    def ancestors(self) -> Mapping[str, frozenset[str]]:
        """For each node every input and node it depends on."""
        found: dict[str, frozenset[str]] = {part.name: frozenset() for part in self.inputs}
        for node in self.nodes:
            direct = self.sources[node.name]
            found[node.name] = frozenset(direct).union(*(found[source] for source in direct))
        return found

    def closed(self, expr: Expr, limit: int = LONGEST_CLOSED) -> Expr | None:
        """The expression in inputs and constants alone, or None where it is longer than `limit` tree nodes."""
        used = names(expr)
        wanted = set(used).union(*(self.ancestors.get(name, frozenset()) for name in used))
        definitions: dict[str, Expr] = {}
        for node in self.nodes:
            if node.name in wanted:
                definitions[node.name] = substitute(node.expr, definitions)
                if size(definitions[node.name], limit) >= limit:
                    return None
        result = substitute(expr, definitions)
        return result if size(result, limit) < limit else None

    def between(self, target: str, source: str) -> tuple[str, ...]:
        """The nodes on the paths from `source` to `target`, both ends included, in topological order."""
        if source != target and source not in self.ancestors.get(target, frozenset()):
            return ()
        above = self.ancestors.get(target, frozenset()) | {target}
        order = (*(part.name for part in self.inputs), *(node.name for node in self.nodes))
        return tuple(name for name in order if name in above and (name == source or source in self.ancestors[name]))

    def paths(self, target: str, source: str, limit: int = 64) -> tuple[tuple[str, ...], ...]:
        """The paths from `target` down to `source`, each as names from target to source; at most `limit`."""
        inside = set(self.between(target, source))
        found: list[tuple[str, ...]] = []
        stack: list[tuple[str, ...]] = [(target,)] if inside else []
        while stack and len(found) < limit:
            path = stack.pop()
            if path[-1] == source:
                found.append(path)
                continue
            below = [name for name in self.sources[path[-1]] if name in inside]
            stack.extend((*path, name) for name in reversed(below))
        return tuple(found)


def in_order(nodes: Iterable[Node]) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """The nodes in topological order, as near to the order given as can be, and those on or behind a cycle.

    Linear in the number of edges, but for a heap of the nodes that are ready.
    """
    given = list(nodes)
    place = {node.name: index for index, node in enumerate(given)}
    waits = [{used for used in names(node.expr) if used in place} for node in given]
    users: dict[str, list[int]] = {name: [] for name in place}
    for index, used in enumerate(waits):
        for below in used:
            users[below].append(index)
    ready = [index for index, used in enumerate(waits) if not used]
    ordered: list[Node] = []
    while ready:
        node = given[heappop(ready)]
        ordered.append(node)
        for user in users[node.name]:
            waits[user].discard(node.name)
            if not waits[user]:
                heappush(ready, user)
    done = {node.name for node in ordered}
    return tuple(ordered), tuple(node for node in given if node.name not in done)
