"""What the engines of numbers and of arrays share: the learning rate of an update, and queries that make no sense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gradcheck_cli.errors import ParseError
from gradcheck_cli.symbolic.convert import as_typed

if TYPE_CHECKING:
    from gradcheck_cli.expr import Call, Expr
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.source import Source


class Resolving(Protocol):
    """An engine: a problem, and expressions in which queries are worked out."""

    problem: Problem

    def resolve(self, expr: Expr, *, partial: bool = False, text: Source | None = None) -> Expr:
        """The expression in names of the graph."""


def rate_of(engine: Resolving, call: Call, name: str, text: Source | None) -> Expr:
    """The learning rate of step(w) or step(w, lr)."""
    if len(call.args) > 1:
        return engine.resolve(call.args[1], text=text)
    if engine.problem.learning_rate is not None:
        return as_typed(engine.problem.learning_rate)
    hint = f"write step({name}, 0.1), or learning_rate: in the problem"
    raise senseless(f"step({name}) has no learning rate", hint, call, text)


def senseless(message: str, hint: str, expr: Expr, text: Source | None) -> ParseError:
    """A query that makes no sense here."""
    return ParseError(message, hint=hint, source=text, span=expr.span if text else None)
