"""What follows correctly from an earlier wrong answer: the slip is counted once, where it was made.

The problem is worked out again with the student's number in place of the right one, and a later answer that agrees with
that is carried forward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradcheck_cli.crosscheck import BITS
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, Expr, Name, exchanged, names, number, walk
from gradcheck_cli.functions import QUERIES
from gradcheck_cli.judge import number_verdict, with_rounding
from gradcheck_cli.solving.queries import is_update
from gradcheck_cli.symbolic.build import plus, times
from gradcheck_cli.symbolic.derive import adjoint, derive
from gradcheck_cli.symbolic.evaluate import evaluate, interval
from gradcheck_cli.verifying.model import WRONG
from gradcheck_cli.verifying.typed import as_typed_number, is_query, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.symbolic.evaluate import Value
    from gradcheck_cli.verifying.match import Matcher, Read, Truth


MOST_SLIPS = 40  # the last ones, from which a wrong claim may follow
MOST_DIAGNOSED = 300  # wrong claims of one text; a file of more is no homework


@dataclass(frozen=True, slots=True)
class Slip:
    """A wrong answer: the index of its claim, what was asked, and what was written instead; of arrays as an expression.

    A right answer that is rounded has its line for an index.
    """

    index: int
    ask: Expr
    value: Value
    expr: Expr | None = None


def slips(engine: Engine, index: int, ask: Expr, reads: Iterable[Read]) -> list[Slip]:
    """The numbers that a later answer may have been computed with: the wrong members of an answer in order."""
    found = []
    for read in reads:
        if read.member.verdict == WRONG and read.expr is not None:
            value = engine.value(read.expr)
            if value is not None:
                found.append(Slip(index, ask, value))
    return found


def roundings(line: int, ask: Expr, reads: Iterable[Read]) -> list[Slip]:
    """The numbers of a right answer, which a later one may have been computed with to their digits."""
    found = []
    for read in reads:
        literal = as_typed_number(read.expr) if read.expr is not None else None
        if literal is not None and "." in literal.text:
            found.append(Slip(line, ask, literal.value))
    return found


def follows(matcher: Matcher, earlier: Iterable[Slip], truth: Truth, reads: Iterable[Read]) -> int | None:
    """The claim that a wrong answer follows from: all its wrong members are right once that slip is granted, or all are.

    A slip that changes nothing about this answer excuses nothing.
    """
    wrong = [read.expr for read in reads if read.member.verdict == WRONG]
    if not wrong or any(expr is None for expr in wrong):
        return None
    for slips_together in _together(earlier):
        try:
            granted = _after(matcher.engine, slips_together, truth.ask)
        except GradcheckError:
            continue
        changed = granted is not None and not _near(granted, truth.value)
        if changed and all(_agrees(matcher, expr, granted) for expr in wrong if expr is not None):
            return slips_together[-1].index
    return None


def _together(earlier: Iterable[Slip]) -> Iterator[tuple[Slip, ...]]:
    """Each slip alone, the latest first; then the latest about everything."""
    found = list(earlier)
    yield from ((slip,) for slip in reversed(found))
    latest = {slip.ask: slip for slip in found}
    if len(latest) > 1:
        yield tuple(latest.values())


def _agrees(matcher: Matcher, written: Expr, granted: Value) -> bool:
    literal = as_typed_number(written)
    if literal is not None:
        return number_verdict(literal, granted) in ("right", "truncated")
    named = bool(names(written))
    value = matcher.engine.value(written) if named else with_rounding(expand(written), matcher.typed_exactly)
    return _near(value, granted)


def _near(value: Value, other: Value) -> bool:
    left, right = interval(value), interval(other)
    if left is None or right is None:
        return False
    slack = max(abs(right[0]), abs(right[1])) / 10**9
    return left[0] - slack <= right[1] and right[0] <= left[1] + slack


def _after(engine: Engine, earlier: Iterable[Slip], ask: Expr) -> Value:
    """The answer to a query, or what an expression is worth, had the slips' numbers been right; None where that is not known."""
    local = dict(engine.local)
    fixed: dict[str, Value] = {}
    for slip in earlier:
        if slip.ask != ask:
            _enter(engine, slip, local, fixed)
    if not fixed and local == engine.local:
        return None
    if _is_query(engine, ask):
        return _granted(engine, ask, local, fixed)
    for part in set(walk(ask)):
        if isinstance(part, Call) and part.function in QUERIES and is_query(part):
            value = number_of(_granted(engine, part, local, fixed)) if _is_query(engine, part) else None
            if value is None:
                return None
            ask = exchanged(ask, part, value)
    return evaluate(expand(ask), _values(engine, fixed, ()), BITS)


def _is_query(engine: Engine, ask: Expr) -> bool:
    """Whether it is a name, or a query about names of the graph."""
    args = (ask,) if isinstance(ask, Name) else ask.args if isinstance(ask, Call) else ()
    about = all(isinstance(arg, Name) and arg.id in engine.graph.by_name for arg in args[:2]) and bool(args)
    asks = isinstance(ask, Name) or is_update(engine, ask) or (isinstance(ask, Call) and ask.function in QUERIES)
    return asks and (about or is_update(engine, ask))


def _enter(engine: Engine, slip: Slip, local: dict[tuple[str, str], Expr], fixed: dict[str, Value]) -> None:
    """Put a slip's number in the place of what was asked."""
    granted = number_of(slip.value)
    target, source = _ends(engine, slip.ask)
    if granted is None:
        return
    if isinstance(slip.ask, Call) and slip.ask.function == "local":
        local[source, target] = granted
    elif isinstance(slip.ask, Call) and slip.ask.function in ("d", "upstream"):
        fixed[adjoint(target, source)] = slip.value
    elif target == source:
        fixed[target] = slip.value


def _granted(engine: Engine, ask: Expr, local: dict[tuple[str, str], Expr], fixed: dict[str, Value]) -> Value:
    """The answer to a query with other local derivatives and fixed values."""
    target, wrt = _ends(engine, ask)
    env = _values(engine, fixed, derive(engine.graph, local, target).steps)
    resolved = _resolved(engine, ask, target, wrt, local)
    return None if resolved is None else evaluate(expand(resolved), env, BITS)


def _values(engine: Engine, fixed: dict[str, Value], steps: Iterable[tuple[str, Expr]]) -> dict[str, Value]:
    """Forward values and adjoints in their order, some of them fixed."""
    env: dict[str, Value] = dict(engine.problem.given)
    definitions = [(node.name, node.expr) for node in engine.graph.nodes]
    for name, expr in (*definitions, *steps):
        env[name] = fixed[name] if name in fixed else evaluate(expand(expr), env, BITS)
    return env


def _resolved(engine: Engine, ask: Expr, target: str, wrt: str, local: dict[tuple[str, str], Expr]) -> Expr | None:
    """A query in names of the graph and of adjoints."""
    arrives = Name(adjoint(target, wrt))
    if is_update(engine, ask) and isinstance(ask, Call):
        rate = ask.args[1] if len(ask.args) > 1 else number(engine.problem.learning_rate or 1)
        return plus(Name(wrt), times(number(-1), rate, arrives))
    if not isinstance(ask, Call) or ask.function == "value":
        return Name(wrt) if target == wrt else None
    if ask.function == "local":
        return local.get((wrt, target))
    if ask.function == "downstream" and isinstance(ask.args[0], Name):
        edge = local.get((wrt, ask.args[0].id))
        return None if edge is None else times(Name(adjoint(target, ask.args[0].id)), edge)
    return arrives if ask.function in ("d", "upstream") else None


def _ends(engine: Engine, ask: Expr) -> tuple[str, str]:
    """The target and the source of a query; a node twice for its value."""
    inner = ask.args[0] if isinstance(ask, Call) and ask.function == "value" else ask
    if isinstance(inner, Name):
        return inner.id, inner.id
    if not isinstance(ask, Call):
        return engine.output, engine.output
    known = [arg.id for arg in ask.args if isinstance(arg, Name)]
    match ask.function:
        case "upstream":
            return (known[1] if len(known) > 1 else engine.output), known[0]
        case "d" | "local" if len(known) > 1:
            return known[0], known[1]
        case "downstream" if len(known) > 1:
            return engine.output, known[1]
    return engine.output, known[0] if known else engine.output
