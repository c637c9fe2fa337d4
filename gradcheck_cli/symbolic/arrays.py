"""Reverse mode over a graph of arrays: one contribution an edge, their sums, closed forms while they are short.

Every adjoint is a name, `d(J, Z1)`, so the steps stay linear in the graph. A total is written out in names of the graph
while that is no longer than `LONGEST`; past that it is its step, in names of other adjoints.
Facts about values (a one-hot target sums to 1) shorten totals; the definitions never use them, and what is
differentiated again is the form without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, UnsupportedError
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.shapes import Shape, text_of, usual_axis
from gradcheck_cli.symbolic.algebra import Algebra
from gradcheck_cli.symbolic.backward import Backward
from gradcheck_cli.symbolic.closed import Closing, depends
from gradcheck_cli.symbolic.derive import adjoint
from gradcheck_cli.symbolic.pullback import pullback
from gradcheck_cli.symbolic.reading import read, written
from gradcheck_cli.symbolic.terms import Term, is_zero

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.graph import Graph

LONGEST = 120
SHORTEST = 24  # in a graph of many nodes, which is read step by step
MOST_READ = 6000
_SUMMING = frozenset({"onehot", "distribution"})
_SYMMETRIC = frozenset({"symmetric", "spd"})
_TEMPORARY = "(expression)"


@dataclass(frozen=True, slots=True)
class ArrayEdge:
    """The edge source -> target.

    `local`   where it can be written as a factor of the adjoint, entry by entry: that factor; else the whole rule, what
              is sent back in terms of `upstream(target)`
    `factor`  which of the two
    """

    source: str
    target: str
    local: Expr
    factor: bool
    upstream: Expr
    downstream: Expr


@dataclass(frozen=True, slots=True)
class ArrayDerivation:
    """All derivatives of one output, each in the shape of what it is by.

    `totals`    written in names of the graph, or past `LONGEST` of other adjoints
    `adjoints`  what the derivative by each name is called in `steps`
    `steps`     each adjoint in names of the graph and of earlier adjoints: linear in the graph
    `facts`     for each name whose total is shorter by a fact: whose fact, and the total without it
    """

    output: str
    edges: tuple[ArrayEdge, ...]
    totals: Mapping[str, Expr]
    adjoints: Mapping[str, str]
    steps: tuple[tuple[str, Expr], ...]
    facts: Mapping[str, tuple[tuple[str, ...], Expr]]


class ArrayCalculus:
    """Derivatives of the nodes of one graph of arrays."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.letters = frozenset(letter for letter, _ in graph.dims)
        self.shapes: dict[str, Shape] = dict(graph.shapes)
        leaves = (*graph.inputs, *graph.constants)
        self.algebra = Algebra(
            self.shapes,
            self.letters,
            sums_to_one={
                leaf.name: usual_axis(leaf.shape) if leaf.axis == -1 else leaf.axis
                for leaf in leaves
                if leaf.kind in _SUMMING and leaf.shape
            },
            symmetric=frozenset(leaf.name for leaf in leaves if leaf.kind in _SYMMETRIC),
        )
        self._passes: dict[tuple[str, Expr | None], Backward] = {}
        self._fresh = count()
        self._rules: dict[str, dict[str, Term]] = {}
        self._closings: dict[bool, Closing] = {}
        self.longest = max(SHORTEST, min(LONGEST, MOST_READ // max(1, len(graph.nodes))))

    @property
    def has_facts(self) -> bool:
        """Whether anything is known of inputs' values that could shorten a total."""
        return bool(self.algebra.sums_to_one or self.algebra.symmetric)

    # -- definitions

    def read(self, expr: Expr) -> Term:
        """An expression in names of the graph, and of adjoints, as a term.

        Raises ShapeError, UnsupportedError.
        """
        return read(self.algebra, lower(expr, Shapes(self.shapes, self.letters)).expr)

    @cached_property
    def definitions(self) -> dict[str, Term]:
        """The term of each node."""
        found = {}
        for node in self.graph.nodes:
            try:
                found[node.name] = self.read(node.expr)
            except GradcheckError as error:
                error.message, error.span = f"{node.name}: {error.message}", node.span
                raise
        self.algebra.defined.update(found)
        self._note_symmetry(found)
        return found

    def _note_symmetry(self, definitions: Mapping[str, Term]) -> None:
        """The inverse of a symmetric matrix is symmetric too."""
        make = self.algebra
        make.facts = True
        for name, term in definitions.items():
            if term.rank == 2 and term.shape[0] == term.shape[1] and make.transpose(term) is term:
                make.symmetric |= {name}
        make.facts = False

    @cached_property
    def named(self) -> dict[Term, Term]:
        """Definitions that are worth their name, and the name."""
        return {
            term: self.algebra.name(name)
            for name, term in reversed(self.definitions.items())
            if term.op not in ("name", "num", "ones", "zeros")
        }

    def close(self, term: Term, values: Mapping[str, Term] | None = None, *, facts: bool = False) -> Term:
        """A term with names' values put in, in its shortest form, with or without facts about inputs."""
        self.algebra.facts = facts
        if facts not in self._closings:
            self._closings[facts] = Closing(self.algebra, {}, self.named)
        base = self._closings[facts]
        if values and all(value.op == "name" for value in values.values()):
            found = Closing(self.algebra, values, self.named, base, plain=True).close(base.close(term))
        else:
            found = Closing(self.algebra, values, self.named, base).close(term) if values else base.close(term)
        self.algebra.facts = False
        return found

    def placed(self, name: str, shape: Shape) -> Term:
        """An adjoint as a name that expressions may use."""
        self.shapes.setdefault(name, shape)
        return self.algebra.name(name, shape)

    # -- local derivatives

    def rule(self, target: str) -> dict[str, Term]:
        """What a node sends back to each of its sources, in terms of the name `upstream(target)`."""
        if target not in self._rules:
            upstream = self.placed(f"upstream({target})", self.shapes[target])
            sources = self.graph.sources[target]
            own = self.algebra.name(target)
            sent = pullback(self.algebra, self.definitions[target], upstream, own, frozenset(sources))
            self._rules[target] = {source: sent[source] for source in sources}
        return self._rules[target]

    def local(self, source: str, target: str) -> tuple[Term, bool]:
        """The local derivative on an edge, and whether it is a factor of the adjoint, entry by entry."""
        sent = self.close(self.rule(target)[source])
        factor = self._factor(sent, self.placed(f"upstream({target})", self.shapes[target]))
        return self.close(sent if factor is None else factor), factor is not None

    def _factor(self, sent: Term, upstream: Term) -> Term | None:
        if is_zero(sent):
            return sent
        coefficient, powers = self.algebra.factors(sent)
        if powers.get(upstream) != 1 or (upstream.shape and sent.shape != upstream.shape):
            return None
        rest = {base: power for base, power in powers.items() if base is not upstream}
        found = self.algebra.product(coefficient, rest, sent.shape)
        return None if depends(found, frozenset({str(upstream.attr)})) else found

    # -- backward

    def backward(self, output: str, seed: Expr | None = None) -> Backward:
        """What arrives at each name when 1, or the seed, arrives at the output; at an array the name of its adjoint.

        Raises UnsupportedError for a seed of another shape.
        """
        key = (output, seed)
        if key not in self._passes:
            if seed is not None:
                start = self.read(seed)
            else:
                start = self.placed(adjoint(output, output), self.shapes[output])
                start = start if self.shapes[output] else self.algebra.num(1)
            if start.shape != self.shapes[output]:
                message = f"the gradient that arrives at {output} has shape {text_of(start.shape)}"
                raise UnsupportedError(message, hint=f"{output} has shape {text_of(self.shapes[output])}")
            self._passes[key] = Backward(self, {output: start}, lambda name: _called(output, name, seed), self.longest)
        return self._passes[key]

    def of_expression(self, expr: Expr) -> tuple[Backward, Term | None]:
        """What arrives at each name from an expression in names of the graph when 1 arrives at it; at an array the name
        that comes with it.
        """
        term = self.close(self.read(expr))
        wanted = frozenset(name for name in self.graph.by_name if depends(term, frozenset({name})))
        seed = self.placed(f"d({_TEMPORARY}, {next(self._fresh)})", term.shape) if term.shape else None
        sent = pullback(self.algebra, term, seed or self.algebra.num(1), term, wanted)
        return Backward(self, sent, lambda name: f"d({_TEMPORARY}, {name})", 10 * LONGEST), seed

    # -- as expressions

    def derivation(self, output: str, seed: Expr | None = None) -> ArrayDerivation:
        """All derivatives of an output, as expressions."""
        found, make = self.backward(output, seed), self.algebra
        totals = {name: written(make, term) for name, term in found.totals.items()}
        edges: list[ArrayEdge] = []
        for node in reversed(self.graph.nodes):
            if not is_zero(found.steps[node.name]):
                edges.extend(self._edges(found, node.name, totals[node.name]))
        steps = tuple((found.called(name), written(make, term)) for name, term in found.steps.items())
        called = {name: found.called(name) for name in found.totals}
        return ArrayDerivation(output, tuple(edges), totals, called, steps, self._facts(found))

    def _edges(self, found: Backward, target: str, upstream: Expr) -> list[ArrayEdge]:
        edges = []
        for source in self.graph.sources[target]:
            local, factor = self.local(source, target)
            downstream = written(self.algebra, found.closed.sent[source, target])
            edges.append(ArrayEdge(source, target, written(self.algebra, local), factor, upstream, downstream))
        return edges

    def _facts(self, found: Backward) -> dict[str, tuple[tuple[str, ...], Expr]]:
        return {
            name: (self.facts_in(bare), written(self.algebra, bare))
            for name, bare in found.bare.items()
            if bare is not found.totals[name]
        }

    def facts_in(self, bare: Term) -> tuple[str, ...]:
        """The names in a term without facts that something is known of."""
        known = {*self.algebra.sums_to_one, *self.algebra.symmetric}
        found = sorted(name for name in known if depends(bare, frozenset({name})))
        if not found:  # the fact is about what a node is made of
            above = self.graph.ancestors
            nodes = {name: frozenset(node for node in above if name in above[node]) for name in known}
            found = sorted(name for name in known if depends(bare, nodes[name]))
        return tuple(found)


def _called(output: str, name: str, seed: Expr | None) -> str:
    return adjoint(output, name) if seed is None else f"upstream({name})"
