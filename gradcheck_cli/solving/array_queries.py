"""A query about a problem with arrays to its answer."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, ShapeError, UnsupportedError
from gradcheck_cli.expr import Call, Expr, Index, Name, names, number
from gradcheck_cli.judge import ArraySpace, compare_arrays
from gradcheck_cli.problem import counts
from gradcheck_cli.shapes import text_of
from gradcheck_cli.solving.asking import senseless, why_zero
from gradcheck_cli.solving.model import Answer, Quantity
from gradcheck_cli.solving.numbers import apart, number_text
from gradcheck_cli.solving.queries import COUNTS, DERIVATIVES, is_update
from gradcheck_cli.symbolic.terms import is_zero
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from gradcheck_cli.grids import Grid
    from gradcheck_cli.judge import ArrayDecision
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.source import Source

_MOST_SHOWN = 8
_SAME_FORM = "proved: both sides have the same normal form"


def answer_arrays(engine: ArrayEngine, ask: Expr, text: Source | None = None) -> Answer:
    """The answer to one query.

    Raises ParseError, ShapeError or UnsupportedError, with the place in `text`, for a query that makes no sense here.
    """
    written = text.text.strip() if text else write(ask)
    engine.runs.clear()  # the letters of another query run over other sizes
    try:
        return _answer(engine, ask, written, text)
    except GradcheckError as error:
        if text is not None and error.source is None:
            error.source, error.span = text, error.span or ask.span
        raise


def _answer(engine: ArrayEngine, ask: Expr, written: str, text: Source | None) -> Answer:
    asked = ask.base if isinstance(ask, Index) else ask
    if isinstance(ask, Call):
        if ask.function == "eq":
            return _relation(engine, ask, written, text)
        if ask.function == "shape":
            return _shape(engine, ask, written, text)
        if is_update(engine, ask):
            resolved = engine.update(ask, text)
            return Answer(written, "update", quantity(engine, resolved))
        if ask.function in COUNTS:
            return _count(engine, ask, written, text)
    if isinstance(asked, Call) and asked.function in DERIVATIVES:
        return _derivative(engine, ask, asked, written, text)
    return _forward(engine, ask, written, text)


def quantity(engine: ArrayEngine, expr: Expr, *, whole: bool = False) -> Quantity:
    """An expression in names of the graph with its value at the given numbers; free index letters are axes.

    Those of a `whole` derivative are, on which an entry does not depend too.
    Raises ParseError for a letter that is an index of nothing.
    """
    indices = engine.indices(expr, whole=whole)
    loose = [name for name in names(expr) if not (name in engine.shapes or name in engine.letters or name in indices)]
    if loose:
        raise senseless(f"{loose[0]} is an index of nothing here", "write it in brackets: d(L, x)[i]", expr, None)
    shape = engine.in_numbers(engine.shape_of(expr, indices))
    return Quantity(engine.formula(expr), engine.value(expr, indices), shape, tuple(indices))


def _derivative(engine: ArrayEngine, ask: Expr, call: Call, written: str, text: Source | None) -> Answer:
    expr = engine.resolve(ask, text=text)
    found = Answer(written, "derivative", quantity(engine, expr, whole=True))
    notes = [*_facts(engine, call, ask is not call), *_rule_note(engine, call, expr, ask is not call)]
    if ask is call and engine.runs:
        notes.append(f"entry [{', '.join(engine.runs)}]")
    if _vanishes(expr):
        notes.append(why_zero(engine.graph, engine.output, call))
    proof = _proof(engine, call) if engine.shapes else ()
    return replace(found, reason="; ".join(notes), proof=proof)


def _vanishes(expr: Expr) -> bool:
    return expr == number(0) or (isinstance(expr, Call) and expr.function == "zeros")


def fact_note(engine: ArrayEngine, name: str) -> str:
    """What a fact about an input did to the gradient that arrives at a node; empty where nothing did."""
    return "; ".join(_facts(engine, Call("upstream", (Name(name),)), entry=False))


def _facts(engine: ArrayEngine, call: Call, entry: bool) -> list[str]:  # noqa: FBT001
    """What a fact about an input did to a derivative."""
    if call.function == "upstream" and len(call.args) == 1 and isinstance(call.args[0], Name):
        derivation, wrt = engine.backward, call.args[0].id
    elif call.function == "d" and all(isinstance(arg, Name) and arg.id in engine.graph.by_name for arg in call.args):
        target, wrt = (arg.id for arg in call.args if isinstance(arg, Name))
        derivation = engine.derivation(target)
    else:
        return []
    if wrt not in derivation.facts:
        return []
    whose, bare = derivation.facts[wrt]
    told = [_fact(engine, name) for name in whose]
    without = "" if entry else f"; without that it is {write(bare)}"
    return [" and ".join(told) + without] if told else []


def _fact(engine: ArrayEngine, name: str) -> str:
    leaf = next((leaf for leaf in (*engine.graph.inputs, *engine.graph.constants) if leaf.name == name), None)
    if leaf is None or leaf.kind in ("symmetric", "spd"):
        return f"{name}.T = {name}, since {name} is symmetric"
    what = "one-hot" if leaf.kind == "onehot" else "a distribution"
    rank = len(leaf.shape)
    along = "" if rank == 1 else f", axis={leaf.axis % rank}"
    return f"sum({name}{along}) = 1, since {name} is {what}"


def _rule_note(engine: ArrayEngine, call: Call, expr: Expr, entry: bool) -> list[str]:  # noqa: FBT001
    """How a local derivative is to be read."""
    if call.function != "local" or entry or not all(isinstance(arg, Name) for arg in call.args):
        return []
    target, source = (arg.id for arg in call.args if isinstance(arg, Name))
    if source not in engine.graph.sources.get(target, ()):
        return []
    if f"upstream({target})" in write(expr):
        return [f"what the edge sends back, as upstream({target}) arrives{_index_form(engine, target, source)}"]
    if engine.calculus.local(source, target)[1] and engine.shapes[target] and engine.shapes[source]:
        return ["entry by entry: the diagonal of the Jacobian"]
    return []


def _index_form(engine: ArrayEngine, target: str, source: str) -> str:
    """The Jacobian entry by entry, behind a semicolon; an empty text where it has no such formula."""
    rank = len(engine.shapes[target])
    letters = engine.jacobians.free(rank + len(engine.shapes[source]))
    top, bottom = (
        write(Index(Name(name), at)) if at else name
        for name, at in ((target, letters[:rank]), (source, letters[rank:]))
    )
    try:
        return f"; ∂{top}/∂{bottom} = {write(engine.jacobians.local(target, source, letters))}"
    except UnsupportedError:
        return ""


def _proof(engine: ArrayEngine, call: Call) -> tuple[str, ...]:
    """The derivation of an entry of a gradient, delta by delta, where the graph has the form for it."""
    if call.function != "d" or not all(isinstance(arg, Name) for arg in call.args):
        return ()
    target, source = (arg.id for arg in call.args if isinstance(arg, Name))
    found = engine.jacobians.proof(target, source)
    if found is None:
        return ()
    inner, middle = found.edge
    i, j = found.letters
    edge = f"∂{middle}[{j}]/∂{inner}[{i}]"
    lines = [
        f"{edge} = {write(found.local)}",
        f"  case {i} = {j}: {write(found.same)}",
        f"  case {i} ≠ {j}: {write(found.differ)}",
    ]
    for at, step in enumerate(found.steps):
        lead = f"d({target}, {source})[{i}] = " if at == 0 else "  = "
        lines.append(f"{lead}{write(step.expr)}   ({step.reason})")
    return tuple(lines)


def _shape(engine: ArrayEngine, ask: Call, written: str, text: Source | None) -> Answer:
    """A shape in letters, with numbers where the problem gives them."""
    inner = ask.args[0]
    expr = inner if isinstance(inner, Name) and inner.id in engine.shapes else engine.resolve(inner, text=text)
    if isinstance(inner, Name) and inner.id not in engine.shapes:
        engine.variable(inner, text)
    found = engine.shape_of(expr, engine.indices(expr))
    numbers = engine.in_numbers(found)
    shown = Call("shape", (inner,))
    letters = text_of(found)
    return Answer(written, "shape", Quantity(engine.formula(shown), None, numbers), reason=letters, sizes=found)


def _count(engine: ArrayEngine, ask: Call, written: str, text: Source | None) -> Answer:
    found = Answer(written, "count", quantity(engine, engine.resolve(ask, text=text)))
    if ask.function == "params":
        shares = [f"{name} {size}" for name, size in counts.shares(engine.graph)]
        return replace(found, reason=", ".join(shares)) if len(shares) > 1 else found
    return found


def _forward(engine: ArrayEngine, ask: Expr, written: str, text: Source | None) -> Answer:
    """The forward value of a node or expression; a node is shown by what computes it."""
    inner = ask.args[0] if isinstance(ask, Call) and ask.function == "value" else ask
    shown = engine.resolve(inner, text=text)
    if isinstance(inner, Name):
        node = next((node for node in engine.graph.nodes if node.name == inner.id), None)
        shown = node.expr if node else engine.lets.get(inner.id, shown)
    return Answer(written, "value", quantity(engine, shown))


def array_space(engine: ArrayEngine) -> ArraySpace:
    """The graph and every further name an answer may use, in the order of their definitions."""
    return ArraySpace(engine.graph, (*engine.lets.items(), *engine.backward.steps))


def _relation(engine: ArrayEngine, ask: Call, written: str, text: Source | None) -> Answer:
    """`lhs == rhs`: proved by normal forms, shown at points of several sizes, refuted with numbers, or left open."""
    left, right = (engine.resolve(side, text=text) for side in ask.args)
    shown = engine.formula(Call("eq", (left, right)))
    try:
        if (how := _proved(engine, left, right)) is not None:
            return Answer(written, "relation", Quantity(shown, Fraction(1)), None, True, how)
        decision = compare_arrays(array_space(engine), left, right, ranges=engine.runs)
    except ShapeError as error:  # (A @ B).T == A.T @ B.T: one side is nothing at all
        return Answer(written, "relation", Quantity(shown, Fraction(0)), None, False, error.message)
    holds = {"equal": True, "different": False, "shape": False, "letters": False}.get(decision.kind)
    value = None if holds is None else Fraction(int(holds))
    return Answer(written, "relation", Quantity(shown, value), None, holds, told(decision))


def told(decision: ArrayDecision) -> str:
    """Why two arrays are equal or not, the counterexample in small numbers."""
    if decision.kind != "different":
        return "; ".join(part for part in (decision.reason, decision.note) if part)
    at = [f"{letter} = {value}" for letter, value in (*decision.sizes, *decision.letters)]
    given = [
        f"{name} = {_entries(grid)}" for name, grid in (decision.counterexample or ()) if len(grid.items) <= _MOST_SHOWN
    ]
    where = ", ".join([*at, *given][:_MOST_SHOWN])
    entry = f" in entry [{', '.join(map(str, decision.place))}]" if decision.place else ""
    left, right = apart(decision.left, decision.right)
    return f"{left} is not {right}{entry}" + (f" at {where}" if where else "")


def _entries(grid: Grid) -> str:
    nested = grid.map(number_text).nested()
    return str(nested).replace("'", "")


def _proved(engine: ArrayEngine, left: Expr, right: Expr) -> str | None:
    """How an equality follows from normal forms alone, if it does."""
    calculus = engine.calculus
    if engine.indices(left) or engine.indices(right):
        return "both sides are the same expression" if left == right else None
    if engine.shape_of(left) != engine.shape_of(right):
        return None
    try:
        first, second = (calculus.read(side) for side in (left, right))
    except GradcheckError:
        return None
    difference = calculus.algebra.add(first, calculus.algebra.negative(second))
    for replaced in ({}, calculus.definitions):
        if is_zero(calculus.close(difference, replaced)):
            return _SAME_FORM
    for replaced in ({}, calculus.definitions):
        if is_zero(calculus.close(difference, replaced, facts=True)):
            bare = calculus.close(difference, replaced)
            return "; ".join([_SAME_FORM, *(_fact(engine, name) for name in calculus.facts_in(bare))])
    return None
