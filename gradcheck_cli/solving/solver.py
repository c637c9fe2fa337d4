"""Solve a problem: every derivative, the answers to its questions, and the cross-check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.crosscheck import crosscheck
from gradcheck_cli.expand import scalar_only
from gradcheck_cli.expr import Name
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.problem.model import Question
from gradcheck_cli.solving.array_solver import solve_arrays
from gradcheck_cli.solving.engine import Engine
from gradcheck_cli.solving.model import Quantity, Solution, SolvedEdge, SolvedNode
from gradcheck_cli.solving.options import known
from gradcheck_cli.solving.queries import about_output, answer, quantity
from gradcheck_cli.source import Source
from gradcheck_cli.symbolic.build import times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from fractions import Fraction

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.problem import Problem


def solve(problem: Problem, *, output: str | None = None, ask: str | Iterable[str] = ()) -> Solution:
    """Everything that follows from a problem.

    `output` is differentiated instead of the problem's own, whose questions about what arrives from there are then left
    out; `ask` is a further query, or several, answered after the problem's questions under the ids `ask 1`, `ask 2`, …

    Raises ParseError for a query that makes no sense here. A disagreement of the witnesses is in
    `solution.agreement`, not an exception.
    """
    if output is not None:
        output = known(problem, output, "output")
    own = output in (None, problem.outputs[0])
    kept = (question for question in problem.questions if own or not about_output(problem, question.ask))
    questions = (*kept, *_asked(problem, (ask,) if isinstance(ask, str) else ask))
    if problem.arrays:
        return solve_arrays(problem, output, questions)
    engine = Engine(problem, output)
    answers = {question.id: answer(engine, question.ask, question.written) for question in questions}
    backward = engine.backward
    agreement = crosscheck(engine.graph, problem.given, engine.local, backward.steps, engine.output, problem.seed)
    return Solution(
        problem=problem,
        output=engine.output,
        nodes=_nodes(engine),
        edges=_edges(engine),
        answers=answers,
        questions=questions,
        agreement=agreement,
        notes=tuple(dict.fromkeys((*problem.notes, *_relevant(agreement.notes, agreement.drawn)))),
    )


def _asked(problem: Problem, ask: Iterable[str]) -> tuple[Question, ...]:
    found = []
    for number, text in enumerate(ask, start=1):
        source = Source(f"--ask {text!r}" if len(text) < 40 else f"--ask {number}", text)
        found.append(Question(f"ask {number}", _in_scope(problem, source), source))
    return tuple(found)


def _in_scope(problem: Problem, source: Source) -> Expr:
    expr = parse(source, problem.scope)
    return expr if problem.arrays else scalar_only(expr, source)


def _relevant(notes: tuple[str, ...], drawn: tuple[tuple[str, Fraction], ...]) -> tuple[str, ...]:
    """Notes about given numbers; what happens at drawn ones is of no interest to a reader."""
    if not drawn:
        return notes
    shown = ", ".join(f"{name} = {float(value):g}" for name, value in drawn[:6])
    return (f"cross-checked at drawn numbers for what has no value: {shown}{', …' if len(drawn) > 6 else ''}",)


def _nodes(engine: Engine) -> tuple[SolvedNode, ...]:
    gradient = _gradient(engine)
    found = []
    for leaf in engine.graph.inputs:
        forward = quantity(engine, Name(leaf.name))
        found.append(SolvedNode(leaf.name, "input", (), forward, gradient(leaf.name)))
    for node in engine.graph.nodes:
        forward = replace(quantity(engine, Name(node.name)), expr=engine.formula(node.expr))
        sources = engine.graph.sources[node.name]
        found.append(SolvedNode(node.name, "node", sources, forward, gradient(node.name)))
    return tuple(found)


def _gradient(engine: Engine) -> Callable[[str], Quantity]:
    """The total derivatives; without a number where the output has none."""
    backward = engine.backward
    defined = engine.output not in engine.undefined
    return lambda name: Quantity(
        engine.formula(backward.totals[name]), engine.values[backward.adjoints[name]] if defined else None
    )


def _edges(engine: Engine) -> tuple[SolvedEdge, ...]:
    found = []
    adjoints = engine.backward.adjoints
    for edge in engine.backward.edges:
        name = adjoints[edge.target]
        local = quantity(engine, edge.local)
        upstream = Quantity(engine.formula(edge.upstream), engine.values[name])
        sent = engine.value(times(Name(name), edge.local))
        downstream = Quantity(engine.formula(edge.downstream), sent)
        if edge.target in engine.undefined:  # the node itself has no value here, so it has no slope
            local, downstream = replace(local, number=None), replace(downstream, number=None)
        found.append(SolvedEdge(edge.source, edge.target, local, upstream, downstream))
    return tuple(found)
