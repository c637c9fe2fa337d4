"""The forms in which a local derivative of arrays may be written: they all are right.

The factor entry by entry, the Jacobian as a matrix or by its entries, the rule with what arrives, and for a product or
a sum what the other factors are: `dZ/dW = X`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, UnsupportedError
from gradcheck_cli.expr import Call, Expr, Name, names, number, walk
from gradcheck_cli.symbolic.build import times
from gradcheck_cli.verifying.match import OtherForm
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.shapes import Size
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.verifying.match import Truth

ONE = number(1)
AS_FACTOR = "as the factor"


def other_forms(engine: ArrayEngine, ask: Expr) -> tuple[OtherForm, ...]:
    """Every further form of the answer to a question for the derivative on an edge."""
    edge = asked_edge(engine, ask)
    if edge is None:
        return ()
    found: list[OtherForm] = []
    for make in (_factor, _rule, _entries, _cofactors):
        try:
            found.extend(make(engine, *edge))
        except GradcheckError:
            continue
    return tuple(found)


def asked_edge(engine: ArrayEngine, ask: Expr) -> tuple[str, str] | None:
    """The edge (source, target) that `local(y, x)`, or d(y, x) of an array y, asks about as a whole."""
    if not isinstance(ask, Call) or ask.function not in ("local", "d"):
        return None
    if not all(isinstance(arg, Name) for arg in ask.args):
        return None
    target, source = (arg.id for arg in ask.args if isinstance(arg, Name))
    if source not in engine.graph.sources.get(target, ()):
        return None
    only = len(engine.graph.paths(target, source, 2)) == 1
    return (source, target) if ask.function == "local" or (only and engine.shapes[target]) else None


def factor_of(truth: Truth) -> Expr | None:
    """What multiplies x in y, where the local derivative itself is a rule or has index letters that were not asked for."""
    ask = truth.ask
    if truth.array is None or not isinstance(ask, Call) or ask.function not in ("local", "d"):
        return None
    if not truth.array.letters and f"upstream({write(ask.args[0])})" not in names(truth.expr):
        return None
    return next((form.expr for form in truth.array.others if form.note == AS_FACTOR), None)


def _factor(engine: ArrayEngine, source: str, target: str) -> Iterator[OtherForm]:
    yield OtherForm(engine.local(source, target), "the local derivative entry by entry")


def _rule(engine: ArrayEngine, source: str, target: str) -> Iterator[OtherForm]:
    """What the edge sends back, with what arrives in this graph."""
    yield OtherForm(engine.downstream(target, source), "the rule of the edge, with what arrives", sent=True)


def _entries(engine: ArrayEngine, source: str, target: str) -> Iterator[OtherForm]:
    """The Jacobian entry by entry."""
    sizes = (*engine.shapes[target], *engine.shapes[source])
    if not sizes:
        return
    at = engine.jacobians.free(len(sizes))
    runs: tuple[tuple[str, Size], ...] = tuple((letter.id, size) for letter, size in zip(at, sizes, strict=True))
    try:
        found = engine.jacobians.local(target, source, at)
    except UnsupportedError:
        return
    yield OtherForm(found, "entry by entry", runs)


def _cofactors(engine: ArrayEngine, source: str, target: str) -> Iterator[OtherForm]:
    """What multiplies x in y, as in dZ/dW = X; as it is, and transposed."""
    node = next(node for node in engine.graph.nodes if node.name == target)
    for factor in cofactors(node.expr, source):
        note = AS_FACTOR if factor != ONE else "1, for what is only added"
        yield OtherForm(factor, note)
        if len(engine.shape_of(factor)) == 2:
            yield OtherForm(Call("transpose", (factor,)), note)


def cofactors(expr: Expr, name: str) -> tuple[Expr, ...]:
    """The factors of a name in an expression that is linear in it; none where it is not, or stands there twice."""
    if expr == Name(name):
        return (ONE,)
    if not isinstance(expr, Call) or name not in names(expr):
        return ()
    inside = [arg for arg in expr.args if name in names(arg)]
    if len(inside) != 1:
        return ()
    rest = [arg for arg in expr.args if arg is not inside[0]]
    deeper = cofactors(inside[0], name)
    match expr.function:
        case "add":
            return deeper
        case "neg":
            return tuple(times(number(-1), factor) for factor in deeper)
        case "mul":
            return tuple(times(*rest, factor) for factor in deeper)
        case "div" if inside[0] is expr.args[0]:
            return tuple(Call("div", (factor, rest[0])) for factor in deeper)
        case "matmul" | "dot" if not any(
            isinstance(part, Call) and part.function in ("matmul", "dot") and name in names(part)
            for part in walk(inside[0])
        ):  # with a factor on either side of it no one array is what multiplies it
            return tuple(rest[0] if factor == ONE else times(factor, rest[0]) for factor in deeper)
    return ()
