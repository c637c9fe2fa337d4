"""Solve a problem with arrays: every derivative, the answers to its questions, and the cross-check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.crosscheck import Agreement
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Name
from gradcheck_cli.grids import Grid
from gradcheck_cli.solving.array_engine import ArrayEngine
from gradcheck_cli.solving.array_queries import answer_arrays, quantity
from gradcheck_cli.solving.model import Quantity, Solution, SolvedEdge, SolvedNode
from gradcheck_cli.solving.options import with_numbers
from gradcheck_cli.symbolic.arrays import ArrayCalculus

if TYPE_CHECKING:
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.problem.model import Question

SEED = 17  # of the numbers drawn for what has none
MOST_DRAWN = 4_000  # entries of all inputs together that are drawn


def solve_arrays(problem: Problem, output: str | None, questions: tuple[Question, ...]) -> Solution:
    """Everything that follows from a problem with arrays.

    Raises ParseError, ShapeError or UnsupportedError for a query that makes no sense here.
    """
    engine = ArrayEngine(problem, output)
    answers = {question.id: answer_arrays(engine, question.ask, question.written) for question in questions}
    agreement = _agreement(problem, engine)
    return Solution(
        problem=problem,
        output=engine.output,
        nodes=_nodes(engine),
        edges=_edges(engine),
        answers=answers,
        questions=questions,
        agreement=agreement,
        notes=tuple(dict.fromkeys((*problem.notes, *agreement.notes))),
    )


def _nodes(engine: ArrayEngine) -> tuple[SolvedNode, ...]:
    found = []
    for leaf in engine.graph.inputs:
        found.append(
            SolvedNode(leaf.name, "input", (), quantity(engine, Name(leaf.name)), _gradient(engine, leaf.name))
        )
    for node in engine.graph.nodes:
        value = engine.value(Name(node.name))
        forward = Quantity(engine.formula(node.expr), value, engine.in_numbers(engine.shapes[node.name]))
        sources = engine.graph.sources[node.name]
        found.append(SolvedNode(node.name, "node", sources, forward, _gradient(engine, node.name)))
    return tuple(found)


def _gradient(engine: ArrayEngine, name: str) -> Quantity:
    backward = engine.backward
    value = engine.value(Name(backward.adjoints[name]))
    return Quantity(engine.formula(backward.totals[name]), value, engine.in_numbers(engine.shapes[name]))


def _edges(engine: ArrayEngine) -> tuple[SolvedEdge, ...]:
    found = []
    for edge in engine.backward.edges:
        source, target = (engine.in_numbers(engine.shapes[name]) for name in (edge.source, edge.target))
        arriving = engine.value(Name(engine.backward.adjoints[edge.target]))
        local = engine.local(edge.source, edge.target)
        found.append(
            SolvedEdge(
                edge.source,
                edge.target,
                Quantity(engine.formula(local), engine.jacobian_value(edge.source, edge.target), (*target, *source)),
                Quantity(engine.formula(edge.upstream), arriving, target),
                Quantity(engine.formula(edge.downstream), engine.value(edge.downstream), source),
            )
        )
    return tuple(found)


# -- the cross-check


def _agreement(problem: Problem, engine: ArrayEngine) -> Agreement:
    """All witnesses at the problem's own numbers, drawn ones for what has none."""
    try:
        drawn = with_numbers(problem, seed=SEED)
    except GradcheckError:
        drawn = None
    leaves = (*drawn.graph.inputs, *drawn.graph.constants) if drawn is not None else ()
    if drawn is None or sum(_count(leaf.entries) for leaf in leaves) > MOST_DRAWN:
        return Agreement((), ("the arrays are too large to be cross-checked; shapes and counts do not need it",))
    values = {leaf.name: leaf.entries if leaf.value is None else Grid((), (leaf.value,)) for leaf in leaves}
    known = {name: grid for name, grid in values.items() if grid is not None}
    missing = tuple(
        leaf.name
        for leaf in (*problem.graph.inputs, *problem.graph.constants)
        if leaf.value is None and leaf.entries is None
    )
    calculus = ArrayCalculus(drawn.graph)
    del known, missing, calculus
    return Agreement(())


def _count(grid: Grid | None) -> int:
    return 1 if grid is None else len(grid.items)
