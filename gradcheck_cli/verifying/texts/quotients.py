"""Derivatives by what is no node: by a name of the student's own, by a let name of the problem, by an expression.

Two readings have a meaning. The expression may be taken for a node that others hold: what these nodes do with it
counts, all else is held fixed. Or y is a function of s alone, as 1/(1 + s) of s = e^(-z): then dy/ds is (dy/dz)/(ds/dz).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, ParseError
from gradcheck_cli.expr import (
    Call,
    Expr,
    Index,
    Name,
    children,
    exchanged,
    names,
    number,
    substitute,
    walk,
    with_children,
)
from gradcheck_cli.symbolic.build import plus, quotient, times
from gradcheck_cli.verifying.texts.shifts import may_shift, put_in

if TYPE_CHECKING:
    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.match import Matcher
    from gradcheck_cli.verifying.texts.own import Own

MOST_NAMES = 6  # in what is differentiated by
_HELD = "held"


def by_expressions(engine: Engine, matcher: Matcher, expr: Expr) -> tuple[Expr, ...]:
    """The readings of an expression whose derivatives are all by inputs and nodes, or cannot be made so.

    Raises ParseError for a derivative by something that its numerator is no function of.
    """
    if not any(_by_other(engine, part) for part in walk(expr)):
        return (expr,)
    found: list[Expr] = []
    error: GradcheckError | None = None
    for as_node in (True, False):
        try:
            found.append(_rewritten(engine, matcher, expr, as_node=as_node))
        except GradcheckError as failure:
            error = failure
    if not found and error is not None:
        raise error
    return tuple(dict.fromkeys(found))


def _by_other(engine: Engine, part: Expr) -> bool:
    if not isinstance(part, Call) or part.function != "d" or len(part.args) != 2:
        return False
    below = part.args[1]
    return not isinstance(below, Index) and not (isinstance(below, Name) and below.id in engine.graph.by_name)


def _rewritten(engine: Engine, matcher: Matcher, expr: Expr, *, as_node: bool) -> Expr:
    below = children(expr)
    changed = tuple(_rewritten(engine, matcher, child, as_node=as_node) for child in below)
    expr = expr if changed == below else with_children(expr, changed)
    if not isinstance(expr, Call) or not _by_other(engine, expr):
        return expr
    target, source = expr.args
    source = engine.resolve(substitute(source, dict(engine.lets)))
    node = alias(engine, matcher, source)
    if isinstance(node, Name) and node.id in engine.graph.by_name:
        return Call("d", (target, node), (), expr.span)
    found = (_held(engine, target, source) if as_node else None) or _ratio(engine, matcher, target, source, expr)
    return Call("mul", (number(1), found)) if isinstance(found, Name) else found  # a name alone would be asked for


def _held(engine: Engine, target: Expr, source: Expr) -> Expr | None:
    """What the nodes that hold the expression make of it; None where none does."""
    terms = []
    for node in engine.graph.nodes:
        changed = exchanged(node.expr, source, Name(_HELD))
        if changed == node.expr:
            continue
        slope = substitute(engine.total_of(changed, _HELD), {_HELD: source})
        terms.append(slope if target == Name(node.name) else times(Call("d", (target, Name(node.name))), slope))
    return plus(*terms) if terms else None


def _ratio(engine: Engine, matcher: Matcher, target: Expr, source: Expr, place: Expr) -> Expr:
    """The quotient of the derivatives by what both are computed from, if it is the same for every name."""
    used = [name for name in dict.fromkeys(names(source)) if name in engine.graph.by_name]
    above = engine.graph.ancestors
    apart = not any(one in above.get(other, ()) for one in used for other in used)
    resolved = engine.resolve(target)
    slopes = [(engine.total(resolved, name), engine.total(source, name)) for name in used[: MOST_NAMES + 1]]
    steady = any(bottom == number(0) for _, bottom in slopes)
    if slopes and apart and not steady and len(slopes) <= MOST_NAMES:
        top, bottom = slopes[0]
        if all(matcher.agrees(times(top, below), times(over, bottom)) for over, below in slopes[1:]):
            return quotient(top, bottom)
    message = "this is no function of what it is differentiated by"
    raise ParseError(message, hint="differentiate by an input, a node or a part of one", span=place.span)


def resolvable(own: Own, engine: Engine, matcher: Matcher, source: Source, *, latex: bool) -> tuple[Expr, ...]:
    """Every reading of a text with the student's names replaced, and derivatives by inputs and nodes alone.

    Raises ParseError where there is none.
    """
    found: dict[Expr, None] = {}
    failed: GradcheckError | None = None
    shifts = may_shift(source.text)
    for expr in own.readings(source, latex=latex):
        try:
            ways = put_in(engine, expr) if shifts else (expr,)
            found |= dict.fromkeys([one for way in ways for one in by_expressions(engine, matcher, way)])
        except GradcheckError as error:
            failed = failed or error
    if failed is not None and not found:
        raise failed
    return tuple(found)


def alias(engine: Engine, matcher: Matcher, meaning: Expr) -> Expr:
    """The node that an expression is, so that it may be differentiated by; or the expression itself."""
    for node in engine.graph.nodes:
        if meaning == node.expr or matcher.agrees(meaning, Name(node.name)):
            return Name(node.name)
    return meaning
