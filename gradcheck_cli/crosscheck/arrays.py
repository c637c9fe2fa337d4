"""Graphs of arrays: asks the three witnesses for the same arrays at the same point and compares their entries.

They share the expression, the graph and the names. What arrives at a node is drawn, so that a rule that is wrong shows
in the numbers; the differences look along drawn directions, which a wrong entry changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from gradcheck_cli import probe, tape
from gradcheck_cli.crosscheck.borders import beside
from gradcheck_cli.crosscheck.comparing import Seen, derivative, values, whole
from gradcheck_cli.crosscheck.model import Agreement, Check, judged, once
from gradcheck_cli.crosscheck.slopes import NOTE, Slopes, compiled
from gradcheck_cli.crosscheck.symbols import Symbols, Valued
from gradcheck_cli.grids import Grid
from gradcheck_cli.lowering import at_sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.graph import Graph
    from gradcheck_cli.symbolic.arrays import ArrayCalculus

MOST_DIRECTIONS = 3


@dataclass(slots=True)
class _Comparison:
    """What the witnesses say at one point, and what came of comparing it.

    `env`   values of names, exact or balls; the tape's where the symbolic witness has none
    `bent`  nodes that stand exactly on a kink     `beside`  where doubles are beside it, or out of range
    """

    graph: Graph
    symbols: Symbols
    run: tape.Run
    slopes: Slopes
    env: dict[str, Grid]
    bent: set[str] = field(default_factory=set)
    beside: frozenset[str] = frozenset()
    checks: list[Check] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)

    def values(self) -> None:
        """The forward value of each node."""
        symbolic: dict[str, Grid | None] = {}
        for node in self.graph.nodes:
            found = self.symbols.node(node.name, node.expr, self.env)
            symbolic[node.name] = None if found is None else found.floats
            self.env[node.name] = _exact(listed(self.run.values[node.name])) if found is None else found.grid
            if found is not None and found.bent:
                self.bent.add(node.name)
        given = {name: grid for name, grid in self.env.items() if name not in symbolic}
        self.beside = beside(self.graph, self.bent, given, self.env) | self.overflowing(symbolic)
        for node in self.graph.nodes:
            taped = listed(self.run.values[node.name])
            if self.on(self.beside, node.name):
                taped = taped.map(lambda _: math.nan)
            probed = None if self.slopes.at is None else self.slopes.at[node.name].map(probe.as_float)
            self.add(values(f"value({node.name})", symbolic[node.name], taped, probed))

    def overflowing(self, symbolic: Mapping[str, Grid | None]) -> frozenset[str]:
        """The nodes that have values, only not within the range of doubles: the tape has lost them."""
        found = set()
        for name, exact in symbolic.items():
            items = () if exact is None else exact.items
            pairs = zip(items, listed(self.run.values[name]).items, strict=False)
            if any(math.isfinite(item) and not math.isfinite(double) for item, double in pairs):
                found.add(name)
        return frozenset(found)

    def locals(self) -> None:
        """What each node alone sends to its sources when a drawn array arrives at it."""
        for node in self.graph.nodes:
            weights = self.weights(node.name)
            scale = float(weights.items[0]) if not weights.shape and weights.items[0] else 1.0
            sent = self.run.send_local(node.name, weights)
            env = {**self.env, f"upstream({node.name})": weights}
            for source, term in self.symbols.calculus.rule(node.name).items():
                quantity = f"local({node.name}, {source})"
                found = self.symbols.term(quantity, term, env)
                if found is not None and found.bent:
                    self.bent.add(node.name)
                bent = node.name in self.bent
                sights = self.slopes.local(node.name, source, weights, self.hidden(source), bent=bent)
                seen = self.seen(quantity, found, sent[source], scale)
                self.derivative(node.name, Seen(*seen, sights, *self.standing(node.name)))

    def totals(self, output: str, seed: Expr | None) -> None:
        """The derivative of the output by each input and node, in steps and in closed form."""
        backward = self.symbols.calculus.backward(output, seed)
        start = backward.called(output)
        arriving = self.arriving(output, seed)
        taped = self.run.send(output, arriving)
        env = {**self.env, start: arriving}
        names = [name for name in self.graph.by_name if name in self.graph.ancestors[output]]
        joint = self.joint(output, names, arriving)
        symbolic: dict[str, Valued | None] = {}
        for name, term in backward.steps.items():
            if name != output:
                symbolic[name] = found = self.symbols.term(backward.called(name), term, env)
                exact = _exact(listed(taped[name])) if found is None else found.grid
                env[backward.called(name)] = exact
        for name in names:
            quantity = backward.called(name)
            standing = self.standing(output)
            sights = () if joint else self.slopes.total(output, name, arriving, self.hidden(name), bent=standing[0])
            one = Seen(*self.seen(quantity, symbolic[name], taped[name]), sights, *standing)
            closed = self.symbols.term(quantity, backward.totals[name], env)
            two = Seen(*self.seen(f"{quantity} in closed form", closed, taped[name]), sights, *standing)
            self.derivative(output, one, *([] if closed is None else [two]))
        self.along(output, symbolic, taped, joint)

    def joint(self, output: str, names: list[str], arriving: Grid) -> list[tuple[Any, tuple[str, ...]]]:
        """For a graph too large to move each name by itself: slopes along directions in all inputs together."""
        work = sum(self.slopes.cost(output, name) for name in names) * 4
        if self.slopes.at is None or work <= self.slopes.left:
            return []
        moved = tuple(leaf.name for leaf in self.graph.inputs if leaf.name in names)
        found = (self.slopes.joint(output, moved, arriving) for _ in range(MOST_DIRECTIONS))
        return [(sight, moved) for sight in found if sight is not None]

    def along(
        self,
        output: str,
        symbolic: Mapping[str, Valued | None],
        taped: Mapping[str, Any],
        joint: list[tuple[Any, tuple[str, ...]]],
    ) -> None:
        """The directions in which all inputs moved together."""
        for turn, (sight, moved) in enumerate(joint, start=1):
            both = [found.floats for name in moved if (found := symbolic[name]) is not None]
            tapes = Grid((len(sight.rates),), tuple(item for name in moved for item in listed(taped[name]).items))
            items = tuple(item for grid in both for item in grid.items)
            exact = Grid(tapes.shape, items) if len(items) == len(sight.rates) else None
            quantity = f"slope of {output} along direction {turn}"
            self.derivative(output, Seen(quantity, exact, tapes, (sight,), *self.standing(output)))

    # -- parts

    def add(self, check: Check) -> None:
        """A check; one that the symbolic witness's own mistake decides fails."""
        wrong = self.symbols.wrong.get(check.quantity)
        if wrong is not None:
            numbers = (check.symbolic, check.autodiff, check.difference)
            check = Check(check.quantity, *numbers, check.error, ok=False, note=f"the symbolic result: {wrong}")
        self.checks.append(check)

    def derivative(self, target: str, *ways: Seen) -> None:
        """One check of a derivative of the target in one form or two; nothing to check where that has no value."""
        if all(item is None for item in self.env[target].items):
            self.add(judged(ways[0].quantity, None, None, None))
            return
        found = [derivative(seen) for seen in ways]
        quantity = ways[0].quantity
        self.notes.extend((quantity, note) for note in found[0][1])
        self.add(whole(quantity, [check for check, _ in found]))

    def seen(
        self, quantity: str, symbolic: Valued | None, taped: Any, scale: float = 1.0
    ) -> tuple[str, Grid | None, Grid]:
        """A derivative of the target as symbolic witness and tape have it."""
        tapes = listed(taped).map(lambda item: item / scale)
        return quantity, None if symbolic is None else symbolic.floats.map(lambda item: item / scale), tapes

    def standing(self, target: str) -> tuple[bool, bool]:
        """Whether there is a kink on the way to the target, and whether the tape stands beside one."""
        return self.on(frozenset(self.bent), target), self.on(self.beside, target)

    def on(self, nodes: frozenset[str], target: str) -> bool:
        """Whether one of these nodes is the target or lies below it."""
        return bool(nodes & (self.graph.ancestors[target] | {target}))

    def weights(self, target: str) -> Grid:
        """A drawn adjoint; nothing arrives where the target has no value."""
        drawn = self.slopes.drawing.grid(self.env[target].shape)
        pairs = zip(drawn.items, self.env[target].items, strict=True)
        return Grid(drawn.shape, tuple(Fraction(0) if value is None else weight for weight, value in pairs))

    def hidden(self, name: str) -> frozenset[int]:
        """Which entries have no value: they cannot be moved."""
        return frozenset(at for at, item in enumerate(self.env[name].items) if item is None)

    def arriving(self, output: str, seed: Expr | None) -> Grid:
        """What arrives at the output: 1, the seed, or a drawn array."""
        if seed is not None:
            found = self.symbols.expression(f"upstream({output})", seed, self.env)
            if found is not None:
                return _exact(found.floats)
        weights = self.weights(output)
        return weights if weights.shape else Grid((), (Fraction(1),))


def listed(array: Any) -> Grid:
    """An array of the tape as a grid of doubles."""
    return Grid(tuple(array.shape), tuple(array.reshape(-1).tolist()))


def _exact(grid: Grid) -> Grid:
    """Doubles as the fractions that they are; None where they are none."""
    return grid.map(lambda item: Fraction(item) if math.isfinite(item) else None)


def crosscheck_arrays(
    graph: Graph,
    values: Mapping[str, Grid],
    calculus: ArrayCalculus,
    output: str,
    seed: Expr | None = None,
    drawn: tuple[str, ...] = (),
) -> Agreement:
    """Compare forward values, what each edge sends back and each total derivative of `output`.

    `graph` has a number for each letter of its sizes, `values` a grid of fractions for each input and constant, and
    `calculus` is the graph's. What arrives at an output that is an array is drawn, unless there is a `seed`. `drawn`
    names the values that are not the problem's own. Nothing is raised for a disagreement: it is in the result.
    """
    sizes = {letter: count for letter, count in graph.dims if count is not None}
    concrete = at_sizes(graph, sizes)
    run = tape.compile_graph(concrete).forward(dict(values))
    slopes = compiled(concrete, values)
    compared = _Comparison(concrete, Symbols(calculus, sizes), run, slopes, dict(values))
    compared.values()
    compared.locals()
    compared.totals(output, seed)
    notes = [*compared.symbols.notes, *([NOTE] if slopes.refused else []), *undefined(compared)]
    notes += [] if drawn else once(compared.notes)  # on which kinks drawn numbers fall is of no interest
    return Agreement(tuple(compared.checks), tuple(dict.fromkeys(notes)), sampled=drawn)


def undefined(compared: _Comparison) -> list[str]:
    """The first node that has an entry without a value."""
    for node in compared.graph.nodes:
        if None in compared.env[node.name].items:
            return [f"{node.name} is not defined at these values, so derivatives through it have no value"]
    return []
