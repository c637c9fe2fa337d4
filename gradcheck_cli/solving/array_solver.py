"""Solve a problem with arrays: every derivative, the answers to its questions, and the cross-check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.crosscheck import Agreement, crosscheck_arrays
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Name
from gradcheck_cli.grids import Grid
from gradcheck_cli.lowering import Shapes, largest, lower
from gradcheck_cli.shapes import size
from gradcheck_cli.solving.array_engine import ArrayEngine
from gradcheck_cli.solving.array_queries import answer_arrays, fact_note, quantity
from gradcheck_cli.solving.indexing import check_choices, check_growth, power_notes
from gradcheck_cli.solving.model import Answer, Quantity, Solution, SolvedEdge, SolvedNode
from gradcheck_cli.solving.options import with_numbers
from gradcheck_cli.symbolic.arrays import ArrayCalculus

if TYPE_CHECKING:
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.problem.model import Question
    from gradcheck_cli.shapes import Size

SEED = 17  # of the numbers drawn for what has none
MOST_DRAWN = 10_000  # entries of all inputs together that are drawn
MOST_WITHIN = 2_000_000  # entries of one array that is worked out on the way
LEAST_LARGE = 6  # a size that is replaced where the arrays are too large


def solve_arrays(problem: Problem, output: str | None, questions: tuple[Question, ...]) -> Solution:
    """Everything that follows from a problem with arrays.

    Raises ParseError, ShapeError or UnsupportedError for a query that makes no sense here.
    """
    check_growth(problem)
    check_choices(problem)
    engine = ArrayEngine(problem, output)
    answers = {question.id: _answered(engine, question) for question in questions}
    agreement = _agreement(problem, engine)
    return Solution(
        problem=problem,
        output=engine.output,
        nodes=_nodes(engine),
        edges=_edges(engine),
        answers=answers,
        questions=questions,
        agreement=agreement,
        notes=tuple(dict.fromkeys((*problem.notes, *power_notes(problem.graph), *agreement.notes))),
    )


def _answered(engine: ArrayEngine, question: Question) -> Answer:
    """The answer to a question, a forward value in the inputs too: judging needs it not."""
    found = answer_arrays(engine, question.ask, question.written)
    closed = engine.graph.closed(found.quantity.expr.tree) if found.kind == "value" else None
    return found if closed is None else replace(found, closed=engine.formula(closed))


def _nodes(engine: ArrayEngine) -> tuple[SolvedNode, ...]:
    found = []
    for leaf in engine.graph.inputs:
        gradient, note = _gradient(engine, leaf.name), fact_note(engine, leaf.name)
        found.append(SolvedNode(leaf.name, "input", (), quantity(engine, Name(leaf.name)), gradient, note))
    for node in engine.graph.nodes:
        value = engine.value(Name(node.name))
        forward = Quantity(engine.formula(node.expr), value, engine.in_numbers(engine.shapes[node.name]))
        sources = engine.graph.sources[node.name]
        gradient, note = _gradient(engine, node.name), fact_note(engine, node.name)
        found.append(SolvedNode(node.name, "node", sources, forward, gradient, note))
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
    drawn = _drawn(problem)
    small = None if drawn is not None else _small(problem)
    notes: tuple[str, ...] = ()
    if drawn is None and small is not None:
        drawn = _drawn(small)
        notes = ("cross-checked with small sizes in place of the large ones: no rule depends on a size",)
    if drawn is None:
        return Agreement((), ("the arrays are too large to be cross-checked; shapes and counts do not need it",))
    leaves = (*drawn.graph.inputs, *drawn.graph.constants)
    values = {leaf.name: leaf.entries if leaf.value is None else Grid((), (leaf.value,)) for leaf in leaves}
    known = {name: grid for name, grid in values.items() if grid is not None}
    own = (*problem.graph.inputs, *problem.graph.constants)
    missing = tuple(leaf.name for leaf in own if leaf.value is None and leaf.entries is None)
    # numbers change no derivation: what was shown is what is checked
    calculus = engine.calculus if small is None else ArrayCalculus(drawn.graph)
    found = crosscheck_arrays(drawn.graph, known, calculus, engine.output, problem.seed, missing)
    return replace(found, notes=(*found.notes, *notes))


def _drawn(problem: Problem) -> Problem | None:
    """The problem with a number for everything; None where that is too much."""
    try:
        drawn = with_numbers(problem, seed=SEED)
    except GradcheckError:
        return None
    leaves = (*drawn.graph.inputs, *drawn.graph.constants)
    sizes = {letter: count for letter, count in drawn.graph.dims if count is not None}
    few = sum(_count(leaf.entries) for leaf in leaves) <= MOST_DRAWN and largest(drawn.graph, sizes) <= MOST_WITHIN
    return drawn if few else None


def _small(problem: Problem) -> Problem | None:
    """The problem with letters for its large sizes, where its shapes still fit; None where they do not, or it has data."""
    graph = problem.graph
    if any(leaf.entries is not None for leaf in (*graph.inputs, *graph.constants)):
        return None
    letters: dict[int, str] = {}
    inputs, constants = (
        tuple(replace(leaf, shape=tuple(_lettered(one, letters) for one in leaf.shape)) for leaf in leaves)
        for leaves in (graph.inputs, graph.constants)
    )
    dims = (*graph.dims, *((letter, None) for letter in letters.values()))
    shaped = {leaf.name: leaf.shape for leaf in (*inputs, *constants)}
    known = frozenset(letter for letter, _ in dims)
    try:
        for node in graph.nodes:
            shaped[node.name] = lower(node.expr, Shapes(shaped, known)).shape
    except GradcheckError:
        return None
    return replace(problem, graph=replace(graph, inputs=inputs, constants=constants, dims=dims, shapes=shaped))


def _lettered(one: Size, letters: dict[int, str]) -> Size:
    if one.number is None or one.number < LEAST_LARGE:
        return one
    return size(letters.setdefault(one.number, f"size {one.number}"))


def _count(grid: Grid | None) -> int:
    return 1 if grid is None else len(grid.items)
