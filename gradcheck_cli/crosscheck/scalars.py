"""Graphs of numbers: asks the three witnesses for the same quantities at the same point and compares their numbers.

They share the expression, the graph and the names; a rule that is wrong in one of them shows here.
At a kink the differences have two slopes: the symbolic one has to be one of them, or lie between.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli import probe, tape
from gradcheck_cli.crosscheck.model import BITS, TOLERANCE, Agreement, Check, finite, judged, once
from gradcheck_cli.expand import domain, expand, kink_arguments
from gradcheck_cli.expr import Call, names, substitute, walk
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.graph import Graph, Node
from gradcheck_cli.symbolic.derive import adjoint
from gradcheck_cli.symbolic.evaluate import Value, evaluate, to_float
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gradcheck_cli.expr import Expr

MOST_DRAWS = 40
MOST_SLOPES = 4_000  # nodes times derivatives: beyond, the totals are probed along directions


@dataclass(slots=True)
class _Comparison:
    """What the witnesses say at one point, and what came of comparing it."""

    graph: Graph
    env: Mapping[str, Value]
    run: tape.Run
    witness: probe.Probe
    at: Mapping[str, probe.Real]
    bent: frozenset[str]  # the nodes that stand exactly on a kink
    beside: frozenset[str]  # those of them that doubles put beside it: 0.1*3 - 0.3 is 5.6e-17 to the tape
    checks: list[Check] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)  # a quantity, and what is to be said of it

    def values(self) -> None:
        """The forward value of each node."""
        for node in self.graph.nodes:
            probed = probe.as_float(self.at[node.name])
            taped = math.nan if self.strays(node.name) else float(self.run.values[node.name])
            above = any(self.env[name] is None for name in self.graph.ancestors[node.name])
            if self.env[node.name] is None and (above or not math.isfinite(probed)):
                taped = probed = math.nan  # of 1/log(0) and tan(pi/2) they make a number, of infinity or by rounding
            self.number(f"value({node.name})", self.env[node.name], taped, probed)

    def locals(self, local: Mapping[tuple[str, str], Expr]) -> None:
        """The derivative on each edge."""
        slopes = self.run.locals()
        for source, target in self.graph.edges:
            symbolic = evaluate(expand(local[source, target]), self.env, BITS)
            slope = self.witness.local(target, source, self.at)
            self.slope(f"local({target}, {source})", target, symbolic, float(slopes[source, target]), slope)

    def totals(self, output: str) -> None:
        """The derivative of the output by each input and node; of a large graph, along directions."""
        gradients = {name: float(slope) for name, slope in self.run.gradients(output).items()}
        reached = [name for name in self.graph.by_name if name in self.graph.ancestors[output]]
        if len(reached) * len(self.graph.nodes) > MOST_SLOPES:
            self.directions(output, [leaf.name for leaf in self.graph.inputs if leaf.name in reached], gradients)
            return
        for name in reached:
            slope = self.witness.slope(output, name, self.at)
            self.slope(f"d({output}, {name})", output, self.env[adjoint(output, name)], gradients[name], slope)

    def arrivals(self, output: str, seed: Value) -> None:
        """What arrives at each input and node when `seed` arrives at the output."""
        factor = to_float(seed)
        gradients = self.run.gradients(output, seed=factor)
        for name in self.graph.by_name:
            if name in self.graph.ancestors[output]:
                slope = self.witness.slope(output, name, self.at)
                scaled = replace(
                    slope, **{side: getattr(slope, side) * factor for side in ("left", "right", "central")}
                )
                quantity = f"upstream({name})"
                self.slope(quantity, output, self.env[quantity], float(gradients[name]), scaled)

    def directions(self, output: str, names: list[str], gradients: Mapping[str, float], count: int = 3) -> None:
        """Symbolic against tape entry by entry, and both against the probe along drawn directions."""
        slopes = {name: to_float(self.env[adjoint(output, name)]) for name in names}
        for name in names:
            self.checks.append(judged(f"d({output}, {name})", finite(slopes[name]), finite(gradients[name]), None))
        draw = random.Random(20240101)  # noqa: S311 - directions, no secrets
        for turn in range(1, count + 1):
            direction = {name: Fraction(draw.randint(1, 99) * draw.choice((-1, 1)), 100) for name in names}
            symbolic = sum((float(part) * slopes[name] for name, part in direction.items()), 0.0)
            taped = sum((float(part) * gradients[name] for name, part in direction.items()), 0.0)
            slope = self.witness.along(output, direction, self.at)
            exact = Fraction(symbolic) if math.isfinite(symbolic) else None
            self.slope(f"slope of {output} along direction {turn}", output, exact, taped, slope)

    def strays(self, target: str) -> bool:
        """Whether the tape is on another branch than the exact values: it abstains then."""
        return bool(self.beside & (self.graph.ancestors[target] | {target}))

    def number(self, quantity: str, symbolic: Value, autodiff: float, difference: float) -> None:
        """Compare three numbers."""
        self.checks.append(judged(quantity, finite(to_float(symbolic)), finite(autodiff), finite(difference)))

    def smooth(self, quantity: str, target: str, symbolic: Value, autodiff: float, slope: probe.Slope) -> None:
        """A derivative where the differences see one slope: it abstains where rounding has eaten its digits."""
        exact, central = finite(to_float(symbolic)), finite(probe.as_float(slope.central))
        rounding = probe.as_float(slope.error)
        if central is not None and not rounding <= TOLERANCE * max(1.0, abs(central)):
            central = None
        check = judged(quantity, exact, finite(autodiff), central)
        if not check.ok and exact is None and central == 0 and autodiff == 0:
            # 0*log(0): the others count the factor 0, the formula y/x has nothing to put in
            check = Check(quantity, None, 0.0, 0.0, 0.0, ok=True, note="the formula has no value at this point")
        elif not check.ok and self.bent & (self.graph.ancestors[target] | {target}):
            agreed = judged(quantity, exact, finite(autodiff), None)
            note = f"kinks cancel here: the slope is {central:.6g}, the convention at each of them gives {exact:.6g}"
            check = replace(agreed, difference=central, note=note)
            self.notes.append((quantity, f": {note}"))
        self.checks.append(check)

    def slope(self, quantity: str, target: str, symbolic: Value, autodiff: float, slope: probe.Slope) -> None:
        """Compare a derivative of `target` with the slopes on both sides of the point."""
        if self.strays(target) and not slope.jump:
            autodiff = math.nan
        if self.env[target] is None:  # the function itself has no value: there is nothing to compare
            self.checks.append(judged(quantity, None, None, None))
        elif slope.jump:
            note = "the value jumps here; the slope beside the jump is used"
            self.checks.append(judged(quantity, finite(to_float(symbolic)), finite(autodiff), None, note))
            self.notes.append((quantity, f": {note}"))
        elif slope.kink:
            self.kink(quantity, finite(to_float(symbolic)), autodiff, slope)
        else:
            self.smooth(quantity, target, symbolic, autodiff, slope)

    def kink(self, quantity: str, exact: float | None, autodiff: float, slope: probe.Slope) -> None:
        """The symbolic slope has to be one of the two, or lie between; on the edge of a domain there is one, or none."""
        left, right = (finite(probe.as_float(side)) for side in (slope.left, slope.right))
        sides = [side for side in (left, right) if side is not None]
        slack = TOLERANCE * max([1.0, *(abs(side) for side in sides)])
        inside = exact is not None and sides and min(sides) - slack <= exact <= max(sides) + slack
        nearest = exact if inside else min(sides, default=None)
        told = ["no slope" if side is None else f"slope {side:.6g}" for side in (left, right)]
        if exact is None and finite(autodiff) is None:
            nearest = None
        note = f"on a kink: {told[0]} from the left, {told[1].removeprefix('slope ')} from the right"
        self.checks.append(judged(quantity, exact, finite(autodiff), nearest, note if sides else ""))
        if sides:
            used = "" if exact is None else f"; {exact:.6g} is used"
            self.notes.append((quantity, f" sits {note}{used}"))


def crosscheck(
    graph: Graph,
    given: Mapping[str, Fraction],
    local: Mapping[tuple[str, str], Expr],
    steps: Iterable[tuple[str, Expr]],
    output: str,
    seed: Expr | None = None,
) -> Agreement:
    """Compare forward values, the local derivative on each edge and each total derivative of `output`.

    `local` and `steps` are the symbolic witness's; inputs without a value are drawn. With a `seed`, the gradient that
    arrives at the output, it is what then arrives at each node. Nothing is raised for a disagreement: it is in the
    result.
    """
    values, drawn = complete(graph, given)
    env = symbolic_values(graph, values, steps)
    run = tape.compile_graph(graph).forward({name: to_float(value) for name, value in values.items()})
    witness = probe.compile_graph(graph)
    compared = _Comparison(graph, env, run, witness, witness.values(values), *_on_kinks(graph, env, values))
    compared.values()
    compared.locals(local)
    if seed is None:
        compared.totals(output)
    else:
        compared.arrivals(output, evaluate(expand(seed), env, BITS))
    notes = [*domain_notes(graph, env), *once(compared.notes)]
    return Agreement(tuple(compared.checks), tuple(notes), drawn)


def _on_kinks(
    graph: Graph, env: Mapping[str, Value], values: Mapping[str, Fraction]
) -> tuple[frozenset[str], frozenset[str]]:
    """The nodes in which a piecewise function is exactly at its border, and those where doubles are not."""
    bent, beside = set(), set()
    for node in graph.nodes:
        for argument in kink_arguments(expand(node.expr)):
            if evaluate(argument, env, BITS) == 0:
                bent.add(node.name)
                border = Node("(border)", argument)
                probed = Graph(graph.inputs, (*graph.nodes, border), border.name, graph.constants)
                run = tape.compile_graph(probed).forward({name: to_float(value) for name, value in values.items()})
                if run.values[border.name] != 0:
                    beside.add(node.name)
    return frozenset(bent), frozenset(beside)


def complete(
    graph: Graph, given: Mapping[str, Fraction]
) -> tuple[dict[str, Fraction], tuple[tuple[str, Fraction], ...]]:
    """The given values, and drawn ones for inputs and constants that have none: where all nodes are defined."""
    missing = [leaf for leaf in (*graph.inputs, *graph.constants) if leaf.name not in given]
    draw = random.Random(17)  # noqa: S311 - sample points, no secrets
    drawn: dict[str, Fraction] = {}
    for _ in range(MOST_DRAWS if missing else 1):
        drawn = {leaf.name: _draw(leaf.kind, draw) for leaf in missing}
        env = symbolic_values(graph, {**given, **drawn}, bits=64)
        if all(env[node.name] is not None for node in graph.nodes):
            break
    return {**given, **drawn}, tuple(drawn.items())


def _draw(kind: str, draw: random.Random) -> Fraction:
    size: Fraction = Fraction(draw.randint(101, 999), 1000)
    match kind:
        case "positive" | "nonnegative":
            return 2 * size
        case "probability":
            return size
        case "binary":
            return Fraction(draw.randint(0, 1))
        case "sign":
            return Fraction(draw.choice((-1, 1)))
        case "integer":
            return Fraction(draw.randint(2, 9))
    return 2 * draw.choice((-1, 1)) * size


def symbolic_values(
    graph: Graph, values: Mapping[str, Value], definitions: Iterable[tuple[str, Expr]] = (), bits: int = BITS
) -> dict[str, Value]:
    """The values of the nodes, then of further definitions in their order: exact where the data is rational."""
    env: dict[str, Value] = dict(values)
    for node in graph.nodes:
        env[node.name] = evaluate(expand(node.expr), env, bits)
    for name, expr in definitions:
        env[name] = evaluate(expand(expr), env, bits)
    return env


def domain_notes(graph: Graph, env: Mapping[str, Value]) -> list[str]:
    """Where a function stands outside its domain at these values: in a branch that does not count, or undefined."""
    notes = []
    for node in graph.nodes:
        for part in walk(expand(node.expr)):
            if not isinstance(part, Call) or part.function not in FUNCTIONS:
                continue
            actual = dict(zip(FUNCTIONS[part.function].params, part.args, strict=False))
            for condition in domain(part.function):
                inside = evaluate(substitute(condition, actual), env, 64)
                number = to_float(inside) if inside is not None else None
                if number is not None and number < 0:
                    effect = (
                        "its factor is 0, so it does not count" if env[node.name] is not None else "it has no value"
                    )
                    argument = "; ".join(write(arg) for arg in part.args)
                    notes.append(f"{node.name}: {part.function}({argument}) is outside its domain here; {effect}")
    given = {name for name, value in env.items() if value is not None}
    undefined = [node.name for node in graph.nodes if node.name not in given and given.issuperset(names(node.expr))]
    if undefined:
        notes.append(f"{undefined[0]} is not defined at these values, so derivatives through it have no value")
    return list(dict.fromkeys(notes))
