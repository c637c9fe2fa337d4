"""The author's hints to the question that a claim of a text answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Name
from gradcheck_cli.verifying.model import WRONG, Claim

if TYPE_CHECKING:
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.verifying.match import Truth


def hinted(problem: Problem, claim: Claim, truth: Truth | None) -> Claim:
    """A wrong claim of a text with the hints to the questions that it answers; as it is where it answers none."""
    if claim.verdict != WRONG or claim.follows_from is not None or truth is None:
        return claim
    asks = {_query(problem, truth.ask, update=truth.kind == "update")}
    if truth.kind == "derivative" and isinstance(truth.ask, Call) and truth.ask.function == "d":
        asks.add(Call("local", truth.ask.args))
    found = (hint for question in problem.questions if _query(problem, question.ask) in asks for hint in question.hints)
    return replace(claim, hints=tuple(dict.fromkeys(found)))


def _query(problem: Problem, ask: Expr, *, update: bool = False) -> Expr:
    """A query in one form: upstream(x) as d(output, x), value(a) as a, and an update without its rate."""
    if update:
        return Call("step", (ask.args[:1] if isinstance(ask, Call) else (ask,)))
    if not isinstance(ask, Call):
        return ask
    if ask.function == "upstream":
        target = ask.args[1] if len(ask.args) > 1 else Name(problem.outputs[0])
        return Call("d", (target, ask.args[0]))
    if ask.function == "value":
        return ask.args[0]
    return Call("step", ask.args[:1]) if ask.function == "step" else ask
