"""The derivations of one problem, each worked out once: local derivatives, totals by target, values by name."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from gradcheck_cli.crosscheck import BITS, symbolic_values
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, Expr, Name, mapped, names, number, size, substitute
from gradcheck_cli.functions import QUERIES
from gradcheck_cli.graph import Graph, Node
from gradcheck_cli.solving.asking import rate_of, senseless, slope_at, variable_of
from gradcheck_cli.symbolic.build import plus, times
from gradcheck_cli.symbolic.derive import Derivation, derive, locals_of
from gradcheck_cli.symbolic.evaluate import evaluate
from gradcheck_cli.symbolic.scalars import local_derivatives
from gradcheck_cli.write.formula import Formula

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.problem import Problem
    from gradcheck_cli.source import Source
    from gradcheck_cli.symbolic.evaluate import Value

LONGEST_DERIVED = 5000  # tree nodes; derivatives of derivatives grow with every step
_TEMPORARY = "(expression)"


class Engine:
    """Derivations of a problem's graph. Everything is computed on demand and kept."""

    def __init__(self, problem: Problem, output: str | None = None) -> None:
        self.problem = problem
        self.graph: Graph = problem.graph
        self.output = output or problem.outputs[0]
        self.latex = problem.latex
        self._derivations: dict[str, Derivation] = {}
        self._let_names = {name for name, _ in problem.lets}

    @cached_property
    def local(self) -> Mapping[tuple[str, str], Expr]:
        """The local derivative on every edge (source, target)."""
        return locals_of(self.graph)

    def derivation(self, target: str) -> Derivation:
        """All derivatives of one node."""
        if target not in self._derivations:
            self._derivations[target] = derive(self.graph, self.local, target)
        return self._derivations[target]

    @cached_property
    def backward(self) -> Derivation:
        """The derivation of the output, with the gradient that the problem says arrives there."""
        seed = self.problem.seed
        return self.derivation(self.output) if seed is None else derive(self.graph, self.local, self.output, seed)

    @cached_property
    def lets(self) -> Mapping[str, Expr]:
        """The let names, in names of the graph."""
        found: dict[str, Expr] = {}
        for name, expr in self.problem.lets:
            found[name] = self.resolve(substitute(expr, found))
        return found

    @cached_property
    def values(self) -> dict[str, Value]:
        """The values of inputs, nodes, lets and adjoints at the given numbers; None where there is none."""
        leaves: dict[str, Value] = {leaf.name: leaf.value for leaf in (*self.graph.inputs, *self.graph.constants)}
        return symbolic_values(self.graph, leaves, (*self.backward.steps, *self.lets.items()))

    @cached_property
    def has_all_values(self) -> bool:
        """Whether every input and constant is given a number."""
        return all(leaf.value is not None for leaf in (*self.graph.inputs, *self.graph.constants))

    @cached_property
    def undefined(self) -> frozenset[str]:
        """Nodes that have no value at the given numbers although nothing they need is missing: log(-1), 1/0."""
        leaves = (*self.graph.inputs, *self.graph.constants)
        missing = {leaf.name for leaf in leaves if leaf.value is None}
        found: set[str] = set()
        for node in self.graph.nodes:
            if missing & set(names(node.expr)):
                missing.add(node.name)
            elif self.values[node.name] is None:
                found.add(node.name)
        return frozenset(found)

    def value(self, expr: Expr) -> Value:
        """An expression in names of the graph, and of adjoints, at the given numbers."""
        for name in names(expr):
            if name not in self.values:  # an adjoint of another target than the output
                target = name.removeprefix("d(").partition(",")[0]
                for step, definition in self.derivation(target).steps:
                    self.values[step] = evaluate(expand(definition), self.values, BITS)
        return evaluate(expand(expr), self.values, BITS)

    def formula(self, expr: Expr) -> Formula:
        """An expression with the problem's LaTeX."""
        return Formula(expr, self.latex)

    # -- queries inside expressions

    def resolve(self, expr: Expr, *, partial: bool = False, text: Source | None = None) -> Expr:
        """The expression with derivatives and other queries worked out, in names of the graph.

        `partial` reads d(y, x) as the local derivative on the edge x -> y, where there is one.
        Raises ParseError, with the place in `text`, for a query that makes no sense.
        """
        if isinstance(expr, Call) and expr.function in QUERIES and expr.function != "step":
            return self._query(expr, partial=partial, text=text)
        if isinstance(expr, Call) and expr.function == "step" and len(expr.args) == 2:
            return self.update(expr, text)
        if isinstance(expr, Call) and expr.function == "prime":
            return slope_at(self, expr, partial=partial, text=text)
        return mapped(expr, lambda child: self.resolve(child, partial=partial, text=text))

    def _query(self, call: Call, *, partial: bool, text: Source | None) -> Expr:
        args = call.args
        match call.function:
            case "value":
                return self.resolve(args[0], partial=partial, text=text)
            case "d":
                wrt = self.variable(args[1], text)
                if partial and isinstance(args[0], Name) and (edge := self.local.get((wrt, args[0].id))) is not None:
                    return edge
                return self.total(self.resolve(args[0], partial=partial, text=text), wrt)
            case "local":
                return self.edge(self.variable(args[1], text), self.node(args[0], text))
            case "upstream":
                name = self.variable(args[0], text)
                target = self.node(args[1], text) if len(args) > 1 else None
                return self.upstream(name) if target is None else self.total(Name(target), name)
            case "downstream":
                target, name = self.node(args[0], text), self.variable(args[1], text)
                return times(self.upstream(target), self.edge(name, target))
            case "size":
                return number(1)
        return number(self.count(call, text))

    def count(self, call: Call, text: Source | None = None) -> int:
        """`nodes()`, `edges()`, `params()`; inputs and output are counted as nodes."""
        if call.function == "nodes":
            return len(self.graph.by_name)
        if call.function == "edges":
            return len(self.graph.edges)
        if call.function == "params":
            return sum(leaf.param for leaf in self.graph.inputs)
        raise senseless(f"{call.function}(…) is no number", "ask it by itself", call, text)

    def edge(self, source: str, target: str) -> Expr:
        """The partial derivative of a node by another, its other inputs fixed: 0 where no edge joins them."""
        return number(1) if source == target else self.local.get((source, target), number(0))

    def upstream(self, name: str) -> Expr:
        """What arrives at a node."""
        return self.backward.totals[name]

    def total(self, expr: Expr, wrt: str) -> Expr:
        """The total derivative of a node, or of an expression in nodes, by an input or node."""
        if isinstance(expr, Name) and expr.id in self.graph.by_name:
            return self.derivation(expr.id).totals[wrt]
        if any(name in self._let_names for name in names(expr)):
            expr = substitute(expr, self.lets)
        if size(expr, LONGEST_DERIVED) >= LONGEST_DERIVED:
            message = "what is differentiated here is too long"
            raise UnsupportedError(message, hint="derive it in fewer steps, or in names of nodes")
        used = tuple(name for name in names(expr) if name in self.graph.by_name)
        partials = local_derivatives(Node(_TEMPORARY, expr), used)
        found = plus(*(times(partials[name], self.derivation(name).totals[wrt]) for name in used))
        return substitute(found, {_TEMPORARY: expr})

    def total_of(self, expr: Expr, wrt: str) -> Expr:
        """The partial derivative of an expression by one of its names, its other names held fixed."""
        if wrt not in names(expr):
            return number(0)
        return substitute(local_derivatives(Node(_TEMPORARY, expr), (wrt,))[wrt], {_TEMPORARY: expr})

    def variable(self, expr: Expr, text: Source | None = None) -> str:
        """An input or node that may be differentiated by."""
        return variable_of(self.problem, expr, text)

    def node(self, expr: Expr, text: Source | None = None) -> str:
        """A node, as the target of an edge or of a derivative."""
        return self.variable(expr, text)

    def update(self, call: Call, text: Source | None = None) -> Expr:
        """step(w) or step(w, lr): w - lr*d(output, w)."""
        name = self.variable(call.args[0], text)
        rate = rate_of(self, call, name, text)
        step = times(rate, self.total(Name(self.output), name))
        return plus(Name(name), times(number(-1), step))
