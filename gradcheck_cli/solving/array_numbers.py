"""Numbers of arrays at the sizes and values that a problem gives; what misses one has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.crosscheck import BITS
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import names, number
from gradcheck_cli.grids import Grid, label, places
from gradcheck_cli.lowering import Shapes, in_numbers, lower
from gradcheck_cli.symbolic.entries import Entries
from gradcheck_cli.symbolic.evaluate import Inner, exactly, inner, outer, plan
from gradcheck_cli.symbolic.limits import DerivedEntries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gradcheck_cli.expr import Expr, Num
    from gradcheck_cli.graph import Graph
    from gradcheck_cli.shapes import Shape, Size

MOST_ENTRIES = 20_000


class ArrayNumbers:
    """Values by name, worked out when they are first wanted."""

    def __init__(self, graph: Graph, shaped: Mapping[str, Shape]) -> None:
        self.graph = graph
        self.shaped = shaped
        self.sizes = {letter: size for letter, size in graph.dims if size is not None}
        self.letters = frozenset(letter for letter, _ in graph.dims)
        self.whole = {letter: number(size) for letter, size in self.sizes.items()}
        self.grids: dict[str, Grid | None] = {}
        self._env: dict[str, Inner] = {}
        self._known: dict[str, tuple[int, ...]] = {}
        self._nodes = {node.name: node.expr for node in graph.nodes}
        self._fixed: dict[str, Expr] = {}  # nodes in primitives, sizes in numbers
        for leaf in (*graph.inputs, *graph.constants):
            self._place(leaf.name, leaf.entries if leaf.value is None else Grid((), (leaf.value,)))

    def define(self, definitions: Iterable[tuple[str, Expr]]) -> None:
        """Further names, with what they stand for."""
        for name, expr in definitions:
            if name not in self._nodes:
                self._nodes[name] = expr

    def _place(self, name: str, grid: Grid | None) -> None:
        self.grids[name] = grid
        if grid is not None:
            self._known[name] = grid.shape
            pairs = zip(places(grid.shape), grid.items, strict=True)
            self._env.update({label(name, place): inner(value) for place, value in pairs})

    def of(self, name: str) -> Grid | None:
        """The value of a name: a grid of exact numbers and balls."""
        if name not in self.grids:
            self.grids[name] = None  # while it is worked out; and for what has no definition
            node = name if name in self.graph.by_name else ""
            found = self.value(self._nodes[name], node=node) if name in self._nodes else None
            self._place(name, found)
        return self.grids[name]

    def value(
        self,
        expr: Expr,
        runs: Iterable[tuple[str, Size]] = (),
        literal: Callable[[Num], Inner] = exactly,
        *,
        node: str = "",
    ) -> Grid | None:
        """The value of an expression, its free index letters as axes before its own; None where something is missing.

        `literal` says what a number as typed stands for. An entry without a value, as log(-1) has none, is None itself.
        `node` is the node whose own expression this is; any other one follows the conventions for derivatives.
        """
        runs = tuple(runs)
        typed = lower(expr, Shapes(self.shaped, self.letters, dict(runs)))
        shape = (*(size for _, size in runs), *typed.shape)
        if any(letter not in self.sizes for size in shape for letter in size.letters):
            return None
        if shapes.count(shape).at(self.sizes) > MOST_ENTRIES or not self._ready(
            typed.expr, {letter for letter, _ in runs}
        ):
            return None
        fixed = in_numbers(typed.expr, self.whole)
        if node:
            self._fixed[node] = fixed
        outside = tuple(size.at(self.sizes) for _, size in runs)
        try:
            parts: list[Expr] = []
            inside: tuple[int, ...] = ()
            work = Entries(self._known) if node else DerivedEntries(self._known, self._fixed)
            for place in places(outside):
                bound = dict(zip((letter for letter, _ in runs), place, strict=True))
                grid = work.grid(fixed, bound)
                parts.extend(grid.items)
                inside = grid.shape
            steps = plan(parts, literal)
        except UnsupportedError:
            return None
        values = steps.run(self._env, BITS)
        return Grid((*outside, *inside), tuple(outer(values[slot]) for slot in steps.outputs))

    def _ready(self, expr: Expr, bound: set[str]) -> bool:
        """Whether every name in an expression has a value; they are worked out on the way."""
        for name in names(expr):
            if name in bound or name in self.sizes:
                continue
            if name in self.letters or self.of(name) is None:
                return False
        return True
