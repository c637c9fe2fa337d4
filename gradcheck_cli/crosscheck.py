"""Asks the three witnesses for the same quantities at the same point and compares their numbers.

They share the expression, the graph and the names; a rule that is wrong in one of them shows here.
At a kink the differences have two slopes: the symbolic one has to be one of them, or lie between.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from gradcheck_cli import probe, tape
from gradcheck_cli.expand import domain, expand
from gradcheck_cli.expr import Call, substitute, walk
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.symbolic.derive import adjoint
from gradcheck_cli.symbolic.evaluate import Value, evaluate, to_float
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.graph import Graph

BITS = 192
TOLERANCE = 1e-9
MOST_SLOPES = 4_000  # nodes times derivatives: beyond, the totals are probed along directions


@dataclass(frozen=True, slots=True)
class Check:
    """One quantity as the three witnesses see it; None where one of them has no number.

    `error` is the largest difference, relative to the larger of 1 and the quantity.
    """

    quantity: str
    symbolic: float | None
    autodiff: float | None
    difference: float | None
    error: float
    ok: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """All checks of one solution."""

    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()
    drawn: tuple[tuple[str, Fraction], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the witnesses agree on every quantity."""
        return all(check.ok for check in self.checks)

    @property
    def spread(self) -> float:
        """The largest difference between two witnesses."""
        return max((check.error for check in self.checks), default=0.0)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The quantities on which they differ."""
        return tuple(check for check in self.checks if not check.ok)


@dataclass(slots=True)
class _Comparison:
    """Collects checks and notes."""

    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def values(self, quantity: str, symbolic: Value, autodiff: float, difference: float) -> None:
        """Compare three numbers."""
        exact = _finite(to_float(symbolic))
        self.checks.append(_check(quantity, exact, _finite(autodiff), _finite(difference)))

    def slope(self, quantity: str, symbolic: Value, autodiff: float, slope: probe.Slope, factor: float = 1.0) -> None:
        """Compare a derivative with the slopes on both sides."""
        exact = _finite(to_float(symbolic))
        if not slope.kink and not slope.jump:
            self.values(quantity, symbolic, autodiff, factor * probe.as_float(slope.central))
            return
        left, right = factor * probe.as_float(slope.left), factor * probe.as_float(slope.right)
        if slope.jump:
            self.checks.append(_check(quantity, exact, _finite(autodiff), None, "the value jumps here"))
            self.notes.append(f"{quantity}: the value jumps here; the slope beside the jump is used")
            return
        low, high = min(left, right), max(left, right)
        slack = TOLERANCE * max(1.0, abs(low), abs(high))
        inside = exact is not None and low - slack <= exact <= high + slack
        nearest = (
            exact if inside else (left if exact is None else min((left, right), key=lambda side: abs(side - exact)))
        )
        note = f"on a kink: slope {left:.6g} from the left, {right:.6g} from the right"
        self.checks.append(_check(quantity, exact, _finite(autodiff), nearest, note))
        used = "" if exact is None else f"; {exact:.6g} is used"
        self.notes.append(f"{quantity} sits {note}{used}")


def undefined(quantity: str) -> Check:
    """A derivative where the function itself has no value: there is nothing to compare."""
    return Check(quantity, None, None, None, 0.0, ok=True, note="undefined here")


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _check(
    quantity: str, symbolic: float | None, autodiff: float | None, difference: float | None, note: str = ""
) -> Check:
    numbers = [number for number in (symbolic, autodiff, difference) if number is not None]
    if len(numbers) < 2 or symbolic is None:
        agree = not numbers
        return Check(quantity, symbolic, autodiff, difference, 0.0, agree or bool(note), note or "undefined here")
    error = (max(numbers) - min(numbers)) / max(1.0, *(abs(number) for number in numbers))
    return Check(quantity, symbolic, autodiff, difference, error, error <= TOLERANCE, note)


def crosscheck(
    graph: Graph,
    given: Mapping[str, Fraction],
    local: Mapping[tuple[str, str], Expr],
    steps: Iterable[tuple[str, Expr]],
    output: str,
) -> Agreement:
    """Compare forward values, the local derivative on each edge and each total derivative of `output`.

    `local` and `steps` are the symbolic witness's; inputs without a value are drawn. Nothing is raised for a
    disagreement: it is in the result.
    """
    values, drawn = complete(graph, given)
    env = symbolic_values(graph, values, steps)
    run = tape.compile_graph(graph).forward({name: float(value) for name, value in values.items()})
    witness = probe.compile_graph(graph)
    at = witness.values(values)
    compared = _Comparison()
    for node in graph.nodes:
        difference = probe.as_float(at[node.name])
        compared.values(f"value({node.name})", env[node.name], float(run.values[node.name]), difference)
    _compare_locals(graph, local, env, run, witness, at, compared)
    _compare_totals(graph, output, env, run, witness, at, compared)
    notes = [*domain_notes(graph, env), *dict.fromkeys(compared.notes)]
    return Agreement(tuple(compared.checks), tuple(notes), drawn)


def _compare_locals(
    graph: Graph,
    local: Mapping[tuple[str, str], Expr],
    env: Mapping[str, Value],
    run: tape.Run,
    witness: probe.Probe,
    at: Mapping[str, probe.Real],
    compared: _Comparison,
) -> None:
    slopes = run.locals()
    for source, target in graph.edges:
        quantity = f"local({target}, {source})"
        if env[target] is None:
            compared.checks.append(undefined(quantity))
            continue
        symbolic = evaluate(expand(local[source, target]), env, BITS)
        slope = witness.local(target, source, at)
        compared.slope(quantity, symbolic, float(slopes[source, target]), slope)


def _compare_totals(
    graph: Graph,
    output: str,
    env: Mapping[str, Value],
    run: tape.Run,
    witness: probe.Probe,
    at: Mapping[str, probe.Real],
    compared: _Comparison,
) -> None:
    gradients = run.gradients(output)
    reached = [name for name in graph.by_name if name in graph.ancestors[output]]
    if len(reached) * len(graph.nodes) > MOST_SLOPES:
        _compare_directions(graph, output, env, gradients, witness, at, compared)
        return
    for name in reached:
        if env[output] is None:
            compared.checks.append(undefined(f"d({output}, {name})"))
            continue
        symbolic = env.get(adjoint(output, name))
        slope = witness.slope(output, name, at)
        compared.slope(f"d({output}, {name})", symbolic, float(gradients[name]), slope)


def _compare_directions(
    graph: Graph,
    output: str,
    env: Mapping[str, Value],
    gradients: Mapping[str, Any],
    witness: probe.Probe,
    at: Mapping[str, probe.Real],
    compared: _Comparison,
    count: int = 3,
) -> None:
    """For a large graph: symbolic against tape entry by entry, and both against the probe along directions."""
    reached = [leaf.name for leaf in graph.inputs if leaf.name in graph.ancestors[output]]
    for name in reached:
        exact = env.get(adjoint(output, name))
        number = _finite(to_float(exact)) if exact is not None else None
        compared.checks.append(_check(f"d({output}, {name})", number, _finite(float(gradients[name])), None))
    draw = random.Random(20240101)  # noqa: S311 - directions, no secrets
    for turn in range(1, count + 1):
        direction = {name: Fraction(draw.randint(-99, 99) or 1, 100) for name in reached}
        symbolic = sum((float(v) * to_float(env[adjoint(output, n)]) for n, v in direction.items()), 0.0)
        taped = sum(float(v) * float(gradients[n]) for n, v in direction.items())
        slope = witness.along(output, direction, at)
        compared.slope(f"slope of {output} along direction {turn}", Fraction(symbolic), taped, slope)


def complete(
    graph: Graph, given: Mapping[str, Fraction]
) -> tuple[dict[str, Fraction], tuple[tuple[str, Fraction], ...]]:
    """The given values, and drawn ones, pairwise different, for inputs and constants that have none."""
    values = dict(given)
    drawn = []
    draw = random.Random(17)  # noqa: S311 - sample points, no secrets
    for leaf in (*graph.inputs, *graph.constants):
        if leaf.name in values:
            continue
        values[leaf.name] = _draw(leaf.kind, draw)
        drawn.append((leaf.name, values[leaf.name]))
    return values, tuple(drawn)


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
    undefined = [node.name for node in graph.nodes if env[node.name] is None]
    if undefined:
        notes.append(f"{undefined[0]} is not defined at these values, so derivatives through it have no value")
    return list(dict.fromkeys(notes))
