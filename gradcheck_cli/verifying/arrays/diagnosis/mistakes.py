"""Mistakes about arrays that follow from the graph: gradients derived again with one edge changed, and what was asked for
mistaken for something else. Nobody lists them.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Index, Name, children, names, number, substitute, walk, with_children
from gradcheck_cli.solving.array_engine import ArrayEngine
from gradcheck_cli.solving.queries import is_update
from gradcheck_cli.symbolic.build import plus, times
from gradcheck_cli.symbolic.reading import written
from gradcheck_cli.verifying.arrays.diagnosis.backprop import ONE, Backprop, Edge, gradient_by, ones, zeros
from gradcheck_cli.verifying.diagnosis.mistakes import SLIPS, Mistake, no_slips, of_step
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.verifying.match import Truth

MOST = 80
MOST_EDGES = 14
MOST_PATHS = 8


def array_mistakes(engine: ArrayEngine, truth: Truth) -> Iterator[Mistake]:
    """The single mistakes behind a wrong answer to a query, the likeliest first; at most `MOST`."""
    yield from islice(_all(engine, truth), MOST)


def _all(engine: ArrayEngine, truth: Truth) -> Iterator[Mistake]:
    ask = truth.ask.base if isinstance(truth.ask, Index) else truth.ask
    yield Mistake("sign", "the sign is turned around: a minus was lost or added", times(number(-1), truth.expr))
    if is_update(engine, ask) and isinstance(ask, Call):
        yield from _update(engine, ask)
    elif isinstance(ask, Call) and ask.function == "local":
        yield from _of_local(engine, ask)
    elif isinstance(ask, Call) and ask.function in ("d", "upstream", "downstream"):
        yield from _of_gradient(engine, ask)
    elif truth.kind == "value":
        yield from _of_value(engine, ask)
    yield from _ratios(engine, truth)


def _ratios(engine: ArrayEngine, truth: Truth) -> Iterator[Mistake]:
    yield Mistake("constant", "twice what is right", times(number(2), truth.expr))
    yield Mistake("constant", "half of what is right: a factor 2 is missing", Call("div", (truth.expr, number(2))))
    for letter in sorted(engine.letters):
        size = Name(letter)
        shown = f"the factor 1/{letter} is missing, as a mean has it"
        yield Mistake("constant", shown, times(size, truth.expr))
        yield Mistake("constant", f"divided by {letter} once too often", Call("div", (truth.expr, size)))
    fixed = {one.number for shape in engine.graph.shapes.values() for one in shape}
    for count in sorted(count for count in fixed if count is not None and count > 2):
        yield Mistake("constant", f"{count} times what is right: is a mean missing?", times(number(count), truth.expr))
        yield Mistake("constant", f"divided by {count} once too often", Call("div", (truth.expr, number(count))))


def _of_gradient(engine: ArrayEngine, ask: Call) -> Iterator[Mistake]:
    ends = [arg.id for arg in ask.args if isinstance(arg, Name)]
    if len(ends) != len(ask.args):
        return
    if ask.function == "downstream":
        yield from _local_instead(engine, ask.function, ends[1], (ends[0],))
        back = Backprop(engine)
        bare = _bare(engine, back, (ends[1], ends[0]))
        if bare is not None:
            yield bare
        for mistake in _changed(engine, ends[0]):
            yield Mistake(mistake.code, mistake.message, back.sent((ends[1], ends[0]), mistake.expr))
        yield from _roles(engine, ask.function, ends[1], (ends[0],))
        return
    target, source = (engine.output, ends[0]) if len(ends) == 1 else (ends[0], ends[1])
    if ask.function == "upstream" and len(ends) == 2:
        target, source = ends[1], ends[0]
    if target != engine.output:
        yield from _towards_another(engine, ask, target)
        return
    if source not in engine.backward.adjoints:
        return
    users = engine.graph.targets.get(source, ())
    yield from _local_instead(engine, ask.function, source, users)
    yield from _changed(engine, source)
    yield from _roles(engine, ask.function, source, users)
    yield from _others(engine, source)


def _towards_another(engine: ArrayEngine, ask: Call, target: str) -> Iterator[Mistake]:
    """The mistakes about a derivative of another number than the output, in names of the graph."""
    if engine.problem.seed is not None or engine.shapes.get(target) != ():
        return
    other = _towards(engine, target)
    known: dict[str, Expr] = {}
    for name, expr in other.backward.steps:
        known[name] = substitute(expr, known)
    for mistake in _of_gradient(other, ask):
        yield Mistake(mistake.code, mistake.message, substitute(mistake.expr, known))


@lru_cache(maxsize=32)
def _towards(engine: ArrayEngine, target: str) -> ArrayEngine:
    return ArrayEngine(engine.problem, target)


def step_form(engine: ArrayEngine, truth: Truth) -> Expr | None:
    """The gradient that is asked for as one step back from what arrives at the next nodes; None for another question."""
    ask = truth.ask.base if isinstance(truth.ask, Index) else truth.ask
    if not isinstance(ask, Call) or not all(isinstance(arg, Name) for arg in ask.args):
        return None
    back = Backprop(engine)
    if ask.function == "downstream":
        end, start = (write(arg) for arg in ask.args)
        return back.sent((start, end), back.arriving(end)) if end in back.called else None
    source = gradient_by(engine, ask)
    if source is None:
        return None
    users = [user for user in engine.graph.targets.get(source, ()) if user == engine.output or user in back.called]
    return plus(*(back.sent((source, user), back.arriving(user)) for user in users)) if users else None


def worked_out(engine: ArrayEngine, expr: Expr) -> Expr:
    """An expression with what arrives at each name worked out one step further back; nothing in it is shared."""
    return _apart(substitute(expr, dict(engine.backward.steps)))


def _apart(expr: Expr) -> Expr:
    """An expression whose every part stands at one place only."""
    if isinstance(expr, Name):
        return Name(expr.id, expr.span)
    below = tuple(map(_apart, children(expr)))
    return with_children(expr, below) if below else expr


def unfolded(engine: ArrayEngine, expr: Expr) -> Expr:
    """An expression with what they are in the place of nodes that are sums: H - Y for D."""
    sums = {
        node.name: node.expr
        for node in engine.graph.nodes
        if isinstance(node.expr, Call) and node.expr.function in ("add", "neg")
    }
    return substitute(expr, sums)


def _between(engine: ArrayEngine, source: str) -> list[Edge]:
    """The edges on the paths from a name to the output, the nearest first."""
    inside = set(engine.graph.between(engine.output, source))
    edges = [edge for edge in engine.graph.edges if edge[0] in inside and edge[1] in inside]
    return edges[:MOST_EDGES]


def _changed(engine: ArrayEngine, source: str) -> Iterator[Mistake]:
    """A path left out, a factor forgotten or written twice, a gate's classic slip: on each edge."""
    back = Backprop(engine)
    edges = _between(engine, source)
    feeds: dict[str, list[str]] = {}
    for start, end in edges:
        feeds.setdefault(start, []).append(end)
    for edge in edges:
        start, end = edge
        if len(feeds[start]) > 1:
            message = f"{start} feeds {' and '.join(feeds[start])}, and what comes back from {end} is missing"
            yield Mistake("missing-path", message, back.total(source, edge, zeros(engine, start)))
    yield from _single_paths(engine, back, source)
    for edge in edges:
        yield from _on_edge(engine, back, source, edge)
    for edge in edges:
        yield from _nothing_arrives(engine, back, source, edge)


def _nothing_arrives(engine: ArrayEngine, back: Backprop, source: str, edge: Edge) -> Iterator[Mistake]:
    """An edge that sends back its local derivative alone, without what arrives at its end."""
    bare = _bare(engine, back, edge)
    if bare is not None:
        yield Mistake("missing-factor", bare.message, back.total(source, edge, bare.expr))


def _bare(engine: ArrayEngine, back: Backprop, edge: Edge) -> Mistake | None:
    """What an edge sends back where nothing arrives; None where what arrives is no factor of that, or is 1."""
    _, end = edge
    arrives = back.arriving(end)
    if arrives == ONE or sum(part == Name(f"upstream({end})") for part in walk(back.rule(edge))) != 1:
        return None
    message = f"the factor {write(arrives)}, what arrives at {end}, is missing"
    return Mistake("missing-factor", message, back.sent(edge, ones(engine, end)))


def _single_paths(engine: ArrayEngine, back: Backprop, source: str) -> Iterator[Mistake]:
    """One path only, where there are three or more."""
    paths = engine.graph.paths(engine.output, source, MOST_PATHS + 1)
    if not 2 < len(paths) <= MOST_PATHS:
        return
    for path in paths:
        arrives: Expr = back.arriving(path[0])
        for end, start in pairwise(path):
            arrives = back.sent((start, end), arrives)
        shown = " → ".join(reversed(path))
        message = f"this is the path {shown} alone; {len(paths) - 1} further paths lead from {source} to {path[0]}"
        yield Mistake("missing-path", message, arrives)


def _on_edge(engine: ArrayEngine, back: Backprop, source: str, edge: Edge) -> Iterator[Mistake]:
    start, end = edge
    arrives = back.arriving(end)
    shown = f"d{end}/d{start}"
    if engine.shapes[start] == engine.shapes[end]:
        for message, wrong in wrong_locals(engine, edge):
            yield Mistake("wrong-local", message, back.total(source, edge, times(arrives, wrong)))
        factor = _factor(engine, edge)
        if factor is not None and factor != ONE:
            text = write(factor)
            missing = f"the factor {shown} = {text} is missing"
            yield Mistake("missing-factor", missing, back.total(source, edge, arrives))
            twice = times(arrives, factor, factor)
            yield Mistake(
                "extra-factor", f"the factor {shown} = {text} is there twice", back.total(source, edge, twice)
            )
    minus = times(number(-1), back.sent(edge, arrives))
    yield Mistake("sign", f"the sign of {shown} is turned around", back.total(source, edge, minus))


def _factor(engine: ArrayEngine, edge: Edge) -> Expr | None:
    """The local derivative where it is a factor entry by entry."""
    term, factor = engine.calculus.local(*edge)
    return written(engine.calculus.algebra, term) if factor else None


def wrong_locals(engine: ArrayEngine, edge: Edge) -> Iterator[tuple[str, Expr]]:
    """What is often written for the local derivative of a node that is one call of a function of its source."""
    start, end = edge
    node = next((node for node in engine.graph.nodes if node.name == end), None)
    if node is None or not isinstance(node.expr, Call) or node.expr.args[:1] != (Name(start),):
        return
    own, call = Name(end), node.expr
    if call.function == "softmax":
        remark = f"the Jacobian of softmax has entries off its diagonal: d{end}[i]/d{start}[j] = {end}[i]*(delta(i, j) - {end}[j])"
        yield remark, times(own, plus(ONE, times(number(-1), own)))
        yield remark, own
        return
    for remark, wrong in SLIPS.get(call.function, no_slips)(own, call):
        yield remark, wrong
    local = engine.local(start, end)
    if end in names(local):
        swapped = substitute(local, {end: Name(start)})
        yield f"{start} stands where {end} should: d{end}/d{start} = {write(local)}", swapped


_WANTED = {"d": "total derivative", "upstream": "upstream derivative", "downstream": "downstream derivative"}


def _local_instead(engine: ArrayEngine, function: str, source: str, users: tuple[str, ...]) -> Iterator[Mistake]:
    """A local derivative for what arrives."""
    for user in users:
        factor = _factor(engine, (source, user))
        if factor is not None and user != engine.output:
            message = f"this is the local derivative d{user}/d{source}; the {_WANTED[function]} was asked for"
            yield Mistake("upstream-local", message, factor)
        elif factor is None and engine.shapes[source] == engine.shapes[user]:
            yield from (Mistake("wrong-local", *slip) for slip in wrong_locals(engine, (source, user)))


def _roles(engine: ArrayEngine, function: str, source: str, users: tuple[str, ...]) -> Iterator[Mistake]:
    """What arrives at a neighbour for what was asked for; a value for a derivative."""
    wanted = _WANTED[function]
    for user in users:
        if user != engine.output and user in engine.backward.adjoints:
            message = f"this is what arrives at {user}; the {wanted} was asked for"
            yield Mistake("upstream-local", message, Backprop(engine).arriving(user))
    yield Mistake("wrong-node", f"this is the value of {source}, not a derivative", Name(source))


def _others(engine: ArrayEngine, source: str) -> Iterator[Mistake]:
    """The derivative by another name; of the same shape first, and with each matrix in its own layout."""
    back = Backprop(engine)
    for name in engine.backward.adjoints:
        if name not in (source, engine.output):
            message = f"this is d{engine.output}/d{name}; d{engine.output}/d{source} was asked for"
            yield Mistake("wrong-node", message, back.arriving(name))


def _of_local(engine: ArrayEngine, ask: Call) -> Iterator[Mistake]:
    target, source = (arg.id for arg in ask.args if isinstance(arg, Name))
    edge = (source, target)
    if source not in engine.graph.sources.get(target, ()):
        return
    for message, wrong in wrong_locals(engine, edge):
        yield Mistake("wrong-local", message, wrong)
    back = Backprop(engine)
    if source in engine.backward.adjoints:
        message = f"this is d{engine.output}/d{source}, what arrives in the end; the local derivative was asked for"
        yield Mistake("upstream-local", message, back.arriving(source))
    if target in engine.backward.adjoints and target != engine.output:
        message = f"this is what arrives at {target}; the local derivative d{target}/d{source} was asked for"
        yield Mistake("upstream-local", message, back.arriving(target))
    factor = _factor(engine, edge)
    if factor is not None:
        yield Mistake("sign", "the sign is turned around: a minus was lost or added", times(number(-1), factor))
        yield Mistake("extra-factor", f"{write(factor)} is there twice", times(factor, factor))
    for name in (source, target):
        yield Mistake("wrong-node", f"this is the value of {name}, not a derivative", Name(name))


def _update(engine: ArrayEngine, ask: Call) -> Iterator[Mistake]:
    name = engine.variable(ask.args[0])
    if name not in engine.backward.adjoints:
        return
    gradient = Backprop(engine).arriving(name)
    rate = ask.args[1] if len(ask.args) > 1 else number(engine.problem.learning_rate or 1)
    step = times(rate, gradient)
    down = f"an update goes down the gradient: {name} - {write(rate)}*d({engine.output}, {name})"
    yield from of_step(name, gradient, step, down)
    yield Mistake("wrong-node", f"this is {name} before the step", Name(name))
    for mistake in _changed(engine, name):
        wrong = plus(Name(name), times(number(-1), rate, mistake.expr))
        yield Mistake(mistake.code, f"in the gradient, {mistake.message}", wrong)


def _of_value(engine: ArrayEngine, ask: Expr) -> Iterator[Mistake]:
    inner = ask.args[0] if isinstance(ask, Call) and ask.function == "value" else ask
    node = next((node for node in engine.graph.nodes if isinstance(inner, Name) and node.name == inner.id), None)
    if node is not None and isinstance(node.expr, Call):
        if node.expr.function == "add":
            for at, term in enumerate(node.expr.args):
                rest = plus(*(other for place, other in enumerate(node.expr.args) if place != at))
                yield Mistake("missing-factor", f"the term {write(term)} is missing", rest)
        elif len(node.expr.args) == 1:
            argument = node.expr.args[0]
            yield Mistake("wrong-node", f"this is {write(argument)}, before {node.expr.function} is applied", argument)
    for name in engine.graph.by_name:
        if isinstance(inner, Name) and name != inner.id and engine.shapes[name] == engine.shapes.get(inner.id):
            yield Mistake("wrong-node", f"this is the value of {name}", Name(name))
