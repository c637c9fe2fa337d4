"""One backward pass over a graph of arrays: the steps in names of adjoints, and from them the closed forms.

The steps are linear in the graph. The closed forms are worked out when they are first wanted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from gradcheck_cli.symbolic.terms import Term, is_zero

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gradcheck_cli.graph import Graph
    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.symbolic.algebra import Algebra


class Rules(Protocol):
    """What a pass needs to know of the calculus: the rules of nodes, and how terms become short."""

    graph: Graph
    algebra: Algebra
    shapes: dict[str, Shape]

    @property
    def has_facts(self) -> bool:
        """Whether anything is known of values that could shorten a term."""

    def rule(self, target: str) -> dict[str, Term]:
        """What a node sends back to each of its sources, in terms of `upstream(target)`."""

    def close(self, term: Term, values: Mapping[str, Term] | None = None, *, facts: bool = False) -> Term:
        """The term in its shortest form."""

    def placed(self, name: str, shape: Shape) -> Term:
        """The name of an adjoint."""


@dataclass
class Closed:
    """Closed forms: by name with facts about values, `bare` without, and what each edge (source, target) sends back."""

    totals: dict[str, Term] = field(default_factory=dict)
    bare: dict[str, Term] = field(default_factory=dict)
    sent: dict[tuple[str, str], Term] = field(default_factory=dict)


class Backward:
    """What arrives at each name in one backward pass that starts with `start`.

    `called` names the adjoints. A closed form of `longest` terms or more stands in those below it by its name.
    """

    def __init__(self, rules: Rules, start: Mapping[str, Term], called: Callable[[str], str], longest: int) -> None:
        self.rules = rules
        self.start = start
        self.called = called
        self.longest = longest

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The names in the order of the pass."""
        graph = self.rules.graph
        return (*(node.name for node in reversed(graph.nodes)), *(leaf.name for leaf in graph.inputs))

    @cached_property
    def steps(self) -> dict[str, Term]:
        """Each adjoint in names of the graph and of earlier adjoints; zeros where nothing arrives."""
        rules, make = self.rules, self.rules.algebra
        arriving: dict[str, list[Term]] = {name: [] for name in self.order}
        found: dict[str, Term] = {}
        for name, term in self.start.items():
            arriving[name].append(term)
        for name in self.order:
            shape = rules.shapes[name]
            found[name] = make.stretched(make.add(*arriving[name]), shape) if arriving[name] else make.zeros(shape)
            if name in rules.graph.sources and not is_zero(found[name]):
                here = self.named(name, found[name])
                for source, sent in rules.rule(name).items():
                    arriving[source].append(rules.close(sent, {f"upstream({name})": here}))
        return found

    def named(self, name: str, term: Term) -> Term:
        """How an adjoint stands in others: by its name, a number by itself."""
        return term if term.op == "num" else self.rules.placed(self.called(name), self.rules.shapes[name])

    @property
    def totals(self) -> dict[str, Term]:
        """What arrives at each name in closed form."""
        return self.closed.totals

    @property
    def bare(self) -> dict[str, Term]:
        """The same without facts about values, fit to be differentiated again."""
        return self.closed.bare

    @cached_property
    def closed(self) -> Closed:
        """The closed forms."""
        found = Closed()
        bare: dict[str, list[Term]] = {name: [] for name in self.order}
        totals: dict[str, list[Term]] = {name: [] for name in self.order}
        for name, term in self.start.items():
            bare[name].append(term)
            totals[name].append(term)
        for name in self.order:
            self._arrive(found, name, bare[name], totals[name])
            if name in self.rules.graph.sources and not is_zero(self.steps[name]):
                self._send(found, name, bare, totals)
        return found

    def _arrive(self, found: Closed, name: str, bare: list[Term], totals: list[Term]) -> None:
        """Add up what arrives at a node."""
        rules, make = self.rules, self.rules.algebra
        if not bare:
            found.totals[name] = found.bare[name] = make.zeros(rules.shapes[name])
            return
        found.bare[name] = found.totals[name] = make.stretched(rules.close(make.add(*bare)), rules.shapes[name])
        if rules.has_facts:
            total = rules.close(make.add(*totals), facts=True)
            found.totals[name] = make.stretched(total, rules.shapes[name])

    def _send(self, found: Closed, name: str, bare: dict[str, list[Term]], totals: dict[str, list[Term]]) -> None:
        """Pass on what arrived at a node to its sources, written out where that is short."""
        rules, upstream = self.rules, f"upstream({name})"
        here = self.named(name, found.totals[name])
        total, plain = (part if part.weight < self.longest else here for part in (found.totals[name], found.bare[name]))
        for source, rule in rules.rule(name).items():
            bare[source].append(rules.close(rule, {upstream: plain}))
            found.sent[source, name] = bare[source][-1]
            if rules.has_facts:
                found.sent[source, name] = rules.close(rule, {upstream: total}, facts=True)
                totals[source].append(found.sent[source, name])
