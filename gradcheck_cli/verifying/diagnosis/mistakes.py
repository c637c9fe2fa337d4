"""Mistakes that follow from the graph: what an answer would be if one thing had gone wrong.

Nobody lists them: they are the truth derived again with one edge, one factor or one rule changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, islice, starmap
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Name, Num, number
from gradcheck_cli.solving.numbers import number_text
from gradcheck_cli.solving.queries import is_update
from gradcheck_cli.symbolic.build import plus, times
from gradcheck_cli.symbolic.derive import derive
from gradcheck_cli.symbolic.evaluate import to_float
from gradcheck_cli.verifying.diagnosis.paths import constants, of_paths, of_products, of_terms, with_local
from gradcheck_cli.verifying.diagnosis.powers import without_powers
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.verifying.match import Truth

MOST_EDGES = 60
MOST_PAIRED = 8  # single mistakes that are paired with each other
ONE = number(1)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What somebody who made it would have written, in names of the graph."""

    code: str
    message: str
    expr: Expr
    of_branch: bool = False  # about a factor that is 1 or 0 by the branch of a piecewise function


def mistakes(engine: Engine, truth: Truth) -> Iterator[Mistake]:
    """The single mistakes behind a wrong answer to a query, the likeliest first."""
    ask = truth.ask
    if isinstance(ask, Call) and ask.function in ("d", "upstream", "local", "downstream"):
        yield from _derivative(engine, ask, truth)
    elif is_update(engine, ask) and isinstance(ask, Call):
        yield from _update(engine, ask, truth)
    elif truth.kind == "count":
        yield from _count(engine)
    elif truth.kind == "value":
        yield from _value(engine, ask, truth)


def _derivative(engine: Engine, ask: Call, truth: Truth) -> Iterator[Mistake]:
    target, source = _ends(engine, ask)
    yield Mistake("sign", _sign_message(engine, target, source), times(number(-1), truth.expr))
    if ask.function == "local":
        yield from _slips(engine, target, source, target)
        yield from _roles(engine, ask, target, source)
    else:
        yield from _paths(engine, target, source)
        yield from _roles(engine, ask, target, source)
        yield from _factors(engine, target, source)
        yield from starmap(Mistake, of_paths(engine, target, source, truth.expr))
    for rows in (of_terms, of_products):
        yield from starmap(Mistake, rows(engine, target, source))
    yield from _other_nodes(engine, target, source)
    for message, expr in without_powers(engine, truth.expr):
        yield Mistake("missing-factor", message, expr)
    yield from starmap(Mistake, constants(engine, target, source, truth.expr))


def strange_factors(engine: Engine, truth: Truth) -> Iterator[Mistake]:
    """The right derivative times a name that has no place in it; of numbers alone too many would fit."""
    if isinstance(truth.ask, Call) and truth.ask.function in ("d", "upstream", "local", "downstream"):
        for name in islice(engine.graph.by_name, MOST_EDGES):
            message = f"the factor {name} does not belong there"
            yield Mistake("extra-factor", message, times(Name(name), truth.expr))


def _sign_message(engine: Engine, target: str, source: str) -> str:
    """Where the minus comes from, if there is just one link that is negative."""
    negative = []
    for edge in _between(engine, target, source):
        value = engine.value(engine.local[edge])
        if value is not None and to_float(value) < 0:
            negative.append(f"{_partial(edge)} = {write(engine.local[edge])} = {number_text(value)}")
    if len(negative) == 1:
        return f"the sign is turned around: {negative[0]} is negative"
    return "the sign is turned around: a minus was lost or added"


def _ends(engine: Engine, ask: Call) -> tuple[str, str]:
    """The target and the source of a derivative query."""
    names = [engine.variable(arg) for arg in ask.args if isinstance(arg, Name)]
    if ask.function == "upstream":
        return (names[1] if len(names) > 1 else engine.output), names[0]
    if ask.function == "downstream":
        return engine.output, names[1]
    return (names[0], names[1]) if len(names) > 1 else (engine.output, names[-1])


def _between(engine: Engine, target: str, source: str) -> tuple[tuple[str, str], ...]:
    """The edges on the paths from source to target, as (source, target)."""
    inside = set(engine.graph.between(target, source))
    found = [edge for edge in engine.graph.edges if edge[0] in inside and edge[1] in inside]
    return tuple(found[:MOST_EDGES])


def _partial(edge: tuple[str, str]) -> str:
    return f"d{edge[1]}/d{edge[0]}"


def _paths(engine: Engine, target: str, source: str) -> Iterator[Mistake]:
    """A path left out where a node feeds several others."""
    edges = _between(engine, target, source)
    feeds: dict[str, list[str]] = {}
    for start, end in edges:
        feeds.setdefault(start, []).append(end)
    for start, end in edges:
        if len(feeds[start]) > 1:
            others = [other for other in feeds[start] if other != end]
            which = "its direct path" if end == target else f"the path through {end}"
            links = _partial((start, end)) if end == target else f"d{target}/d{end} * {_partial((start, end))}"
            message = f"{start} feeds {_and(feeds[start])}, and {which} is missing: add {links}"
            if len(others) > 1 or end not in others:
                yield Mistake("missing-path", message, with_local(engine, target, source, (start, end), number(0)))


def _factors(engine: Engine, target: str, source: str) -> Iterator[Mistake]:
    """One link of the chain forgotten, written twice, turned upside down, or a gate's classic slip."""
    for edge in _between(engine, target, source):
        local = engine.local[edge]
        if local == ONE:
            continue
        shown = f"{_partial(edge)} = {write(local)}"
        yield Mistake(
            "missing-factor",
            f"the factor {shown} is missing",
            with_local(engine, target, source, edge, ONE),
            isinstance(local, Call) and local.function in ("step", "gt", "ge", "sign", "where"),
        )
        yield from _slips(engine, target, source, edge[1], edge[0])
        yield Mistake(
            "extra-factor",
            f"the factor {shown} is there twice",
            with_local(engine, target, source, edge, times(local, local)),
        )
        yield Mistake(
            "wrong-local",
            f"divided by {write(local)}, where {_partial(edge)} = {write(local)} should be multiplied",
            with_local(engine, target, source, edge, Call("div", (number(1), local))),
        )
        yield Mistake(
            "sign",
            f"the minus of {shown} went wrong"
            if write(local).startswith("-")
            else f"the sign is turned around at {shown}",
            with_local(engine, target, source, edge, times(number(-1), local)),
        )


def pairs(engine: Engine, truth: Truth) -> Iterator[Mistake]:
    """Two mistakes at once: two of a sign turned around, a factor missing and a path missing, on different edges."""
    ask = truth.ask
    if not isinstance(ask, Call) or ask.function not in ("d", "upstream"):
        return
    target, source = _ends(engine, ask)
    single = list(islice(_edits(engine, target, source), MOST_PAIRED))
    for first, second in combinations(single, 2):
        if first[2] == second[2]:
            continue
        changed = {**engine.local, first[2]: first[3], second[2]: second[3]}
        total = derive(engine.graph, changed, target).totals[source]
        yield Mistake(first[0], f"two mistakes: {first[1]}; and {second[1]}", total)
    for code, message, edge, local in single:
        turned = times(number(-1), with_local(engine, target, source, edge, local))
        yield Mistake(code, f"two mistakes: {message}; and the sign is turned around", turned)


def _edits(engine: Engine, target: str, source: str) -> Iterator[tuple[str, str, tuple[str, str], Expr]]:
    """A factor or a path left out: code, sentence, edge, and what stands for its local derivative."""
    edges = _between(engine, target, source)
    starts = [start for start, _ in edges]
    for edge in edges:
        local = engine.local[edge]
        if starts.count(edge[0]) > 1:
            yield "missing-path", f"the path through {edge[1]} is missing", edge, number(0)
        if local not in (ONE, number(-1)):
            yield "missing-factor", f"the factor {_partial(edge)} = {write(local)} is missing", edge, ONE


def _slips(engine: Engine, target: str, source: str, node: str, via: str | None = None) -> Iterator[Mistake]:
    """What is written instead of one local derivative: sigmoid without 1 - a, a power without its exponent."""
    start = via or source
    for message, local in _wrong_locals(engine, start, node):
        if via is None:
            yield Mistake("wrong-local", message, local)
        else:
            yield Mistake("wrong-local", message, with_local(engine, target, source, (start, node), local))


def _wrong_locals(engine: Engine, source: str, target: str) -> Iterator[tuple[str, Expr]]:
    """What is often written for the local derivative of a node that is one call."""
    node = next((node for node in engine.graph.nodes if node.name == target), None)
    if node is None or not isinstance(node.expr, Call) or not node.expr.args:
        return
    call, inner = node.expr, engine.total_of(node.expr.args[0], source)
    outer = engine.edge(source, target)
    right = f"d{target}/d{source} = {write(outer)}"
    for remark, wrong in SLIPS.get(call.function, no_slips)(Name(target), call):
        yield f"{remark}: {right}", times(wrong, inner)
    if call.function == "div":
        yield from _quotient(call.args, source, right, engine)
    if inner != ONE and call.function not in ("add", "mul", "div", "neg"):
        yield f"the inner derivative is missing: {right}", Call("div", (outer, inner))


Slips = tuple[tuple[str, Expr], ...]


def no_slips(_name: Name, _call: Call) -> Slips:
    """A function without a classic slip."""
    return ()


def _one_minus(expr: Expr) -> Expr:
    return plus(ONE, times(number(-1), expr))


def _sigmoid_slips(name: Name, _call: Call) -> Slips:
    remark = f"the derivative of sigmoid is {name.id}*(1 - {name.id})"
    wrongs = (name, _one_minus(name), times(name, plus(ONE, name)), _power(name, 2), _one_minus(_power(name, 2)))
    return tuple((remark, wrong) for wrong in wrongs)


def _tanh_slips(name: Name, _call: Call) -> Slips:
    remark = f"the derivative of tanh is 1 - {name.id}^2"
    wrongs = (_one_minus(name), times(name, _one_minus(name)), name, plus(ONE, _power(name, 2)))
    return tuple((remark, wrong) for wrong in wrongs)


def _relu_slips(name: Name, call: Call) -> Slips:
    return ((f"the derivative of {call.function} is not its value", name),)


def _log_slips(name: Name, call: Call) -> Slips:
    return (("the derivative of log(u) is 1/u", name), ("the derivative of log(u) is 1/u", call.args[0]))


def _exp_slips(name: Name, call: Call) -> Slips:
    shorter = times(call.args[0], Call("exp", (plus(call.args[0], number(-1)),)))
    remark = "the derivative of exp(u) is exp(u) itself"
    return ((remark, call.args[0]), (remark, shorter), (remark, _power(name, 2)))


def _power_slips(_name: Name, call: Call) -> Slips:
    base, exponent = call.args
    if not isinstance(exponent, Num):
        return ()
    reduced = Call("pow", (base, number(exponent.value - 1)))
    return (
        (f"the exponent {exponent.text} comes down as a factor", reduced),
        ("the exponent goes down by one", times(exponent, call)),
    )


SLIPS: dict[str, Callable[[Name, Call], Slips]] = {
    "sigmoid": _sigmoid_slips,
    "tanh": _tanh_slips,
    "relu": _relu_slips,
    "leaky_relu": _relu_slips,
    "log": _log_slips,
    "exp": _exp_slips,
    "pow": _power_slips,
}


def _quotient(args: tuple[Expr, ...], source: str, right: str, engine: Engine) -> Iterator[tuple[str, Expr]]:
    top, bottom = args
    du, dv = engine.total_of(top, source), engine.total_of(bottom, source)
    if number(0) not in (du, dv):
        turned = plus(times(top, dv), times(number(-1), du, bottom))
        yield f"the numerator of the quotient rule is turned around: {right}", Call("div", (turned, _power(bottom, 2)))
    if dv != number(0):
        numerator = plus(times(du, bottom), times(number(-1), top, dv))
        yield f"the denominator of the quotient rule is squared: {right}", Call("div", (numerator, bottom))


def _power(base: Expr, exponent: int) -> Expr:
    return Call("pow", (base, number(exponent)))


def _roles(engine: Engine, ask: Call, target: str, source: str) -> Iterator[Mistake]:
    """Local for upstream, upstream for downstream, and the like."""
    asked = {"d": "derivative", "upstream": "upstream derivative", "local": "local derivative"}
    wanted = asked.get(ask.function, "downstream derivative")
    users = engine.graph.targets.get(source, ())
    edges = [ask.args[0].id] if ask.function in ("local", "downstream") and isinstance(ask.args[0], Name) else users
    for user in edges:
        if ask.function != "local" and not (ask.function == "d" and user == target):
            message = f"this is the local derivative d{user}/d{source}; the {wanted} was asked for"
            yield Mistake("upstream-local", message, engine.edge(source, user))
        if ask.function != "upstream" and user != engine.output:
            message = f"this is what arrives at {user}; the {wanted} was asked for"
            yield Mistake("upstream-local", message, engine.upstream(user))
        if ask.function != "downstream" and not (ask.function == "d" and len(users) == 1):
            message = f"this is what {user} sends back to {source}; the {wanted} was asked for"
            yield Mistake("upstream-local", message, times(engine.upstream(user), engine.edge(source, user)))
    for name in (source, target):
        yield Mistake("wrong-node", f"this is the value of {name}, not a derivative", Name(name))


def _other_nodes(engine: Engine, target: str, source: str) -> Iterator[Mistake]:
    """The derivative by, or of, a node next to the one asked for."""
    totals = engine.derivation(target).totals
    for name in engine.graph.by_name:
        if name not in (source, target) and name in engine.graph.ancestors[target]:
            message = f"this is d{target}/d{name}; d{target}/d{source} was asked for"
            yield Mistake("wrong-node", message, totals[name])


def of_step(name: str, gradient: Expr, step: Expr, down: str) -> Iterator[Mistake]:
    """Mistakes about an update whose gradient and step are right; `down` says which way it goes."""
    yield Mistake("sign", f"the step is added; {down}", plus(Name(name), step))
    yield Mistake("missing-factor", "the learning rate is missing", plus(Name(name), times(number(-1), gradient)))
    yield Mistake("missing-factor", f"only the step: it is taken from {name}", step)
    yield Mistake("sign", f"only the step: it is taken from {name}", times(number(-1), step))
    yield Mistake("upstream-local", "this is the gradient, not the updated value", gradient)


def _update(engine: Engine, ask: Call, truth: Truth) -> Iterator[Mistake]:
    name = engine.variable(ask.args[0])
    gradient = engine.total(Name(engine.output), name)
    rate = ask.args[1] if len(ask.args) > 1 else number(engine.problem.learning_rate or 1)
    step = times(rate, gradient)
    down = f"an update goes down the gradient: {write(truth.expr)}"
    yield from of_step(name, gradient, step, down)
    for edge in _between(engine, engine.output, name):
        if engine.local[edge] != ONE:
            wrong = with_local(engine, engine.output, name, edge, number(1))
            message = f"in the gradient the factor {_partial(edge)} = {write(engine.local[edge])} is missing"
            yield Mistake("missing-factor", message, plus(Name(name), times(number(-1), rate, wrong)))


def _count(engine: Engine) -> Iterator[Mistake]:
    graph = engine.graph
    counts = (
        (len(graph.nodes), "this counts without the inputs"),
        (len(graph.by_name) - 1, "one is missing: inputs and output count"),
        (len(graph.by_name), "this is the number of nodes"),
        (len(graph.edges), "this is the number of edges"),
        (len(graph.inputs), "this is the number of inputs"),
    )
    for count, message in counts:
        yield Mistake("count", message, number(count))


def _value(engine: Engine, ask: Expr, truth: Truth) -> Iterator[Mistake]:
    inner = ask.args[0] if isinstance(ask, Call) and ask.function == "value" else ask
    yield Mistake("sign", "the sign is turned around", times(number(-1), truth.expr))
    node = next((node for node in engine.graph.nodes if isinstance(inner, Name) and node.name == inner.id), None)
    if node is None:
        return
    if isinstance(node.expr, Call) and node.expr.function == "add":
        yield from _terms(node.expr, "", lambda total: total)
    elif isinstance(node.expr, Call) and len(node.expr.args) == 1:
        function, argument = node.expr.function, node.expr.args[0]
        yield Mistake("wrong-node", f"this is {write(argument)}, before {function} is applied", argument)
        if isinstance(argument, Call) and argument.function == "add":
            yield from _terms(argument, f"inside {function} ", lambda total: Call(function, (total,)))
    for name in engine.graph.by_name:
        if isinstance(inner, Name) and name != inner.id:
            yield Mistake("wrong-node", f"this is the value of {name}", Name(name))


def _terms(total: Call, where: str, inside: Callable[[Expr], Expr]) -> Iterator[Mistake]:
    """One term of a sum left out, or with the other sign."""
    parted = [
        (term, plus(*(other for place, other in enumerate(total.args) if place != at)))
        for at, term in enumerate(total.args)
    ]
    for term, rest in parted:
        yield Mistake("missing-factor", f"{where}the term {write(term)} is missing", inside(rest))
    for term, rest in parted:
        message = f"{where}the sign of the term {write(term)} is turned around"
        yield Mistake("sign", message, inside(plus(rest, times(number(-1), term))))


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
