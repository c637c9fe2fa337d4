"""A problem as read: the graph, the names, the questions."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.graph import Graph, Input, Node
    from gradcheck_cli.grids import Grid
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.source import Source


@dataclass(frozen=True, slots=True)
class Key:
    """An answer as somebody wrote it: one text, several, or an expression and its value.

    `listed` is a list as one text: several members may also be a shape, or the entries of an array.
    """

    texts: tuple[Source, ...] = ()
    expression: Source | None = None
    value: Source | None = None
    listed: Source | None = None

    @property
    def parts(self) -> tuple[Source, ...]:
        """All its texts in the order written."""
        parts = (*self.texts, *(part for part in (self.expression, self.value) if part is not None))
        return parts or tuple(part for part in (self.listed,) if part is not None)


@dataclass(frozen=True, slots=True)
class Question:
    """One question: `ask` is the query as parsed, `written` its text."""

    id: str
    ask: Expr
    written: Source
    text: str = ""
    points: Fraction = Fraction(1)
    form: str = "any"
    tolerance: Fraction | None = None
    digits: int = 1
    key: Key | None = None
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem: `name` is the file's stem, `scope` what an answer may call things."""

    name: str
    title: str
    source: Source
    graph: Graph
    scope: Scope
    outputs: tuple[str, ...]
    description: str = ""
    lets: tuple[tuple[str, Expr], ...] = ()
    seed: Expr | None = None
    learning_rate: Fraction | None = None
    questions: tuple[Question, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def given(self) -> dict[str, Fraction]:
        """The inputs and constants that have a number."""
        leaves = (*self.graph.inputs, *self.graph.constants)
        return {leaf.name: leaf.value for leaf in leaves if leaf.value is not None}

    @property
    def arrays(self) -> bool:
        """Whether anything in it is an array, or has a size: `graph.shapes` then has every name."""
        return bool(self.graph.shapes)

    @property
    def data(self) -> dict[str, Grid]:
        """The inputs and constants that have the entries of an array."""
        leaves = (*self.graph.inputs, *self.graph.constants)
        return {leaf.name: leaf.entries for leaf in leaves if leaf.entries is not None}

    @property
    def latex(self) -> Mapping[str, str]:
        """How names are printed in LaTeX, where the problem says."""
        parts: tuple[Input | Node, ...] = (*self.graph.inputs, *self.graph.nodes, *self.graph.constants)
        return {part.name: part.latex[0] for part in parts if part.latex}

    @property
    def decimal(self) -> bool:
        """Whether results are shown as decimals: some value was typed with a point, or is no number at all."""
        return any(leaf.decimal for leaf in (*self.graph.inputs, *self.graph.constants))
