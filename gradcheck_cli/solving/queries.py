"""A query to its answer: what `ask:` and `--ask` may hold."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, Expr, Name, number, walk
from gradcheck_cli.judge import Space, Variable, decide
from gradcheck_cli.problem import Problem
from gradcheck_cli.solving.asking import why_zero
from gradcheck_cli.solving.model import Answer, Quantity
from gradcheck_cli.solving.numbers import apart
from gradcheck_cli.symbolic.convert import as_typed
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from gradcheck_cli.judge import Decision
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.source import Source

COUNTS = ("nodes", "edges", "params", "size")
DERIVATIVES = ("d", "local", "upstream", "downstream")


def answer(engine: Engine, ask: Expr, text: Source | None = None) -> Answer:
    """The answer to one query.

    Raises ParseError, with the place in `text`, for a query that makes no sense for this graph.
    """
    written = text.text.strip() if text else write(ask)
    if isinstance(ask, Call):
        if ask.function == "eq":
            return _relation(engine, ask, written, text)
        if ask.function == "shape":
            engine.variable(ask.args[0], text)
            return Answer(written, "shape", Quantity(engine.formula(Call("shape", ask.args)), None))
        if is_update(engine, ask):
            return _update(engine, ask, written, text)
        if ask.function in COUNTS:
            return Answer(written, "count", quantity(engine, engine.resolve(ask, text=text)))
        if ask.function in DERIVATIVES:
            resolved = engine.resolve(ask, text=text)
            found = _finished(engine, written, "derivative", resolved, resolved)
            return replace(found, reason=why_zero(engine.graph, engine.output, ask)) if resolved == number(0) else found
    return _forward(engine, ask, written, text)


def about_output(problem: Problem, ask: Expr) -> bool:
    """Whether a query is about what comes back from the problem's output, without naming it."""
    calls = [part for part in walk(ask) if isinstance(part, Call)]
    return any(
        call.function == "downstream"
        or (call.function == "upstream" and len(call.args) == 1)
        or is_update(problem, call)
        for call in calls
    )


def is_update(engine: Engine | ArrayEngine | Problem, ask: Expr) -> bool:
    """Whether step(…) asks for an update: with a learning rate, or of a parameter.

    Where a problem has a learning rate and declares no parameters, any input may be one.
    """
    if not isinstance(ask, Call) or ask.function != "step":
        return False
    if len(ask.args) == 2:
        return True
    problem = engine if isinstance(engine, Problem) else engine.problem
    inputs = problem.graph.inputs
    learned = [leaf for leaf in inputs if leaf.param] or (inputs if problem.learning_rate is not None else ())
    return isinstance(ask.args[0], Name) and any(leaf.name == ask.args[0].id for leaf in learned)


def quantity(engine: Engine, resolved: Expr) -> Quantity:
    """An expression in names of the graph with its value at the given numbers."""
    return Quantity(engine.formula(resolved), engine.value(resolved))


def _finished(engine: Engine, written: str, kind: str, shown: Expr, resolved: Expr) -> Answer:
    number_of = engine.value(resolved)
    closed = engine.graph.closed(resolved)
    return Answer(
        written,
        kind,
        Quantity(engine.formula(shown), number_of),
        engine.formula(closed) if closed is not None else None,
    )


def _forward(engine: Engine, ask: Expr, written: str, text: Source | None) -> Answer:
    """The forward value of a node or expression; a node is shown by what computes it."""
    inner = ask.args[0] if isinstance(ask, Call) and ask.function == "value" else ask
    resolved = engine.resolve(inner, text=text)
    shown = resolved
    if isinstance(inner, Name):
        node = next((node for node in engine.graph.nodes if node.name == inner.id), None)
        shown = node.expr if node else engine.lets.get(inner.id, resolved)
        resolved = shown
    return _finished(engine, written, "value", shown, resolved)


def _update(engine: Engine, ask: Call, written: str, text: Source | None) -> Answer:
    resolved = engine.update(ask, text)
    return _finished(engine, written, "update", resolved, resolved)


def space(engine: Engine) -> Space:
    """The inputs, what is known of them, and every name an answer may use, in the order of their definitions."""
    leaves = (*engine.graph.inputs, *engine.graph.constants)
    variables = tuple(Variable(leaf.name, leaf.kind, leaf.value) for leaf in leaves)
    definitions = [(node.name, expand(node.expr)) for node in engine.graph.nodes]
    definitions += [(name, expand(expr)) for name, expr in (*engine.lets.items(), *engine.backward.steps)]
    return Space(variables, tuple(definitions))


def _relation(engine: Engine, ask: Call, written: str, text: Source | None) -> Answer:
    """`lhs == rhs`: shown for all values, refuted with numbers, or left open."""
    left, right = (engine.resolve(side, text=text) for side in ask.args)
    decision = decide(expand(left), expand(right), space(engine))
    holds = {"equal": True, "different": False}.get(decision.kind)
    shown = Quantity(engine.formula(Call("eq", (left, right))), None if holds is None else Fraction(int(holds)))
    reason = decision.reason
    if holds and any(engine.value(side) is None for side in (left, right)) and engine.has_all_values:
        reason += " where both sides are defined; at the given values one is not"
    if decision.kind == "different":
        reason = _difference(decision)
    elif decision.counterexample:
        reason += f"; {decision.note}: {_difference(decision)}"
    return Answer(written, "relation", shown, None, holds, reason)


def _difference(decision: Decision) -> str:
    """What the two sides are where they differ."""
    differ = " is not ".join(apart(decision.left, decision.right))
    where = ", ".join(f"{name} = {write(as_typed(value))}" for name, value in decision.counterexample or ())
    return f"{differ} at {where}" if where else differ
