"""What the engines of numbers and of arrays share: the learning rate of an update, why a derivative is 0, queries that
make no sense.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gradcheck_cli.errors import ParseError
from gradcheck_cli.expr import Call, Name, names, substitute
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.graph import Node
from gradcheck_cli.symbolic.convert import as_typed
from gradcheck_cli.symbolic.scalars import local_derivatives
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from gradcheck_cli.expr import Expr
    from gradcheck_cli.graph import Graph
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.source import Source

_ARGUMENT = "(argument)"
_VALUE = "(value)"


class Resolving(Protocol):
    """An engine: a problem, and expressions in which queries are worked out."""

    problem: Problem

    def resolve(self, expr: Expr, *, partial: bool = False, text: Source | None = None) -> Expr:
        """The expression in names of the graph."""


def variable_of(problem: Problem, expr: Expr, text: Source | None) -> str:
    """An input or node that may be differentiated by.

    Raises ParseError, with the place in `text`, for anything else; it says what that is.
    """
    if isinstance(expr, Name) and expr.id in problem.graph.by_name:
        return expr.id
    if isinstance(expr, Name) and expr.id in dict(problem.lets):
        hint = f"make {expr.id} a node of the graph"
        raise senseless(f"{expr.id} is a let name, not a node", hint, expr, text)
    if isinstance(expr, Name):
        what = "a size" if expr.id in dict(problem.graph.dims) else "a constant"
        raise senseless(f"{expr.id} is {what}", "differentiate by an input or a node", expr, text)
    raise senseless(f"{write(expr)} is no input or node", "give it a name in graph:", expr, text)


def rate_of(engine: Resolving, call: Call, name: str, text: Source | None) -> Expr:
    """The learning rate of step(w) or step(w, lr)."""
    if len(call.args) > 1:
        known = set(engine.problem.scope.spellings.values())
        if unknown := [used for used in names(call.args[1]) if used not in known]:
            hint = f"write step({name}, 0.1), or step({name}) with learning_rate: in the problem"
            raise senseless(f"{write(call.args[1])} is no learning rate: {unknown[0]} has no value", hint, call, text)
        return engine.resolve(call.args[1], text=text)
    if engine.problem.learning_rate is not None:
        return as_typed(engine.problem.learning_rate)
    hint = f"write step({name}, 0.1), or learning_rate: in the problem"
    raise senseless(f"step({name}) has no learning rate", hint, call, text)


def slope_at(engine: Resolving, call: Call, *, partial: bool, text: Source | None) -> Expr:
    """σ'(u): the derivative of a function of one number, at that argument; of an array entry by entry.

    Raises ParseError, with the place in `text`, for anything else with a prime.
    """
    inner = call.args[0]
    row = FUNCTIONS.get(inner.function) if isinstance(inner, Call) else None
    if not isinstance(inner, Call) or row is None or not row.elementwise or len(inner.args) != 1 or inner.options:
        raise senseless("a prime stands at no function of one argument", "write d(y, x)", call, text)
    plain = Call(inner.function, (Name(_ARGUMENT),))
    slope = local_derivatives(Node(_VALUE, plain), (_ARGUMENT,))[_ARGUMENT]
    argument = engine.resolve(inner.args[0], partial=partial, text=text)
    return substitute(substitute(slope, {_VALUE: plain}), {_ARGUMENT: argument})


def why_zero(graph: Graph, output: str, ask: Call) -> str:
    """Why a derivative is 0 for every value."""
    whole, by = ask.args[0], ask.args[-1]
    if ask.function == "upstream":
        whole, by = (by if len(ask.args) > 1 else Name(output)), whole
    shown, source = write(whole), names(by)[0]
    if ask.function in ("local", "downstream"):
        if source not in graph.sources.get(shown, ()):
            return f"there is no edge from {write(by)} to {shown}"
        if ask.function == "downstream" and shown not in graph.ancestors[output] | {output}:
            return f"{output} does not depend on {shown}"
    elif not any(source == name or source in graph.ancestors.get(name, ()) for name in names(whole)):
        return f"{shown} does not depend on {write(by)}"
    several = isinstance(whole, Name) and ask.function != "local" and len(graph.paths(shown, source, 2)) > 1
    return "the contributions cancel" if several else "the slope is 0 for every value"


def senseless(message: str, hint: str, expr: Expr, text: Source | None) -> ParseError:
    """A query that makes no sense here."""
    return ParseError(message, hint=hint, source=text, span=expr.span if text else None)
