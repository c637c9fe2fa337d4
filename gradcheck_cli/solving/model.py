"""What solving a problem gives: quantities, edges, answers, the agreement of the witnesses."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from gradcheck_cli.grids import Grid
from gradcheck_cli.symbolic.evaluate import Value, to_float

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.crosscheck import Agreement
    from gradcheck_cli.problem import Problem, Question
    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.write.formula import Formula

SCALAR: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantity:
    """An expression and its value at the given numbers: a rational number, a ball of 192 bits, a grid of them, or None.

    `shape`    numbers where they are known, letters of sizes else
    `indices`  free index letters of an expression that tells an array entry by entry: axes before its own
    """

    expr: Formula
    number: Value | Grid
    shape: tuple[int | str, ...] = SCALAR
    indices: tuple[str, ...] = ()

    @property
    def value(self) -> Any:
        """The value as a float, of an array as nested lists; None where there is none."""
        if isinstance(self.number, Grid):
            return self.number.map(lambda entry: None if entry is None else to_float(entry)).nested()
        return None if self.number is None else to_float(self.number)

    @property
    def single(self) -> Value:
        """The value of a number; None for an array."""
        return None if isinstance(self.number, Grid) else self.number

    @property
    def exact(self) -> Fraction | None:
        """The value where it is rational."""
        return self.number if isinstance(self.number, Fraction) else None

    @property
    def latex(self) -> str:
        """The expression in LaTeX."""
        return self.expr.latex


@dataclass(frozen=True, slots=True)
class SolvedEdge:
    """`source` feeds `target`: upstream(target) × local = downstream, which goes back to `source`."""

    source: str
    target: str
    local: Quantity
    upstream: Quantity
    downstream: Quantity


@dataclass(frozen=True, slots=True)
class SolvedNode:
    """An input or node: `forward` is its expression and value, `gradient` the output's derivative by it.

    Of an array `gradient.value` has nested lists, as NumPy writes them; `note` says which fact about values the gradient
    rests on (`sum(y) = 1, since y is one-hot`).
    """

    name: str
    kind: str  # "input" or "node"
    inputs: tuple[str, ...]
    forward: Quantity
    gradient: Quantity
    note: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query.

    `kind`    `value`, `derivative`, `count`, `shape`, `update` or `relation`
    `closed`  the expression in the inputs alone, where it is short enough to be read
    `holds`   for a relation: True, False, or None where it could not be settled; `reason` says how
    `sizes`   for a shape: its sizes, in letters
    `proof`   lines that derive an entry of a gradient
    """

    ask: str
    kind: str
    quantity: Quantity
    closed: Formula | None = None
    holds: bool | None = None
    reason: str = ""
    sizes: Shape = ()
    proof: tuple[str, ...] = ()

    @property
    def expr(self) -> Formula:
        """The expression, in the names of the graph; of a forward value in the inputs, where it is short enough."""
        return self.closed if self.kind == "value" and self.closed is not None else self.quantity.expr

    @property
    def value(self) -> Any:
        """The value at the given numbers: a float, of an array nested lists, None where a number is missing."""
        return self.quantity.value

    @property
    def latex(self) -> str:
        """The expression in LaTeX."""
        return self.expr.latex


@dataclass(frozen=True, slots=True)
class Solution:
    """Everything derived from one problem for one output."""

    problem: Problem
    output: str
    nodes: tuple[SolvedNode, ...]
    edges: tuple[SolvedEdge, ...]
    answers: Mapping[str, Answer]
    questions: tuple[Question, ...]
    agreement: Agreement
    notes: tuple[str, ...]

    def node(self, name: str) -> SolvedNode:
        """The input or node of that name."""
        return next(node for node in self.nodes if node.name == name)
