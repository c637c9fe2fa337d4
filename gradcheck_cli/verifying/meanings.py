"""What a left side may mean, and members that are no plain expressions: differentials, assumptions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import ParseError
from gradcheck_cli.expr import Call, Expr, Name, children, mapped, names, number, substitute, walk, with_children
from gradcheck_cli.symbolic.build import plus, times
from gradcheck_cli.verifying.gradients import DIFFERENTIAL
from gradcheck_cli.verifying.match import Read, Truth
from gradcheck_cli.verifying.model import CORRECT, UNDECIDED, WRONG, Member
from gradcheck_cli.verifying.typed import as_typed_number
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.match import Matcher


def truths(engine: Engine, left: Expr, relation: str, *, updated: bool) -> list[Truth]:
    """The meanings of a left side, each with what is true of it. Raises GradcheckError where it makes no sense here."""
    if isinstance(left, Name):
        if updated or relation != ":=":
            return _of_name(engine, left, updated=updated)
        return [*_of_name(engine, left, updated=_learns(engine, left)), *_given(engine, left)]
    if isinstance(left, Call) and left.function == DIFFERENTIAL:
        return [Truth(left, left, None, DIFFERENTIAL)]
    if _has_differentials(left):
        message = "a differential stands among other factors"
        raise ParseError(message, hint="write it alone: dy = …", span=left.span)
    if isinstance(left, Call) and left.function == "d" and all(isinstance(arg, Name) for arg in left.args):
        return [_truth(engine, left, partial=False), _truth(engine, left, partial=True)]
    return [_truth(engine, left, partial=False)]


def _truth(engine: Engine, left: Expr, *, partial: bool) -> Truth:
    resolved = engine.resolve(left, partial=partial)
    return Truth(left, resolved, engine.value(resolved), "derivative")


def _of_name(engine: Engine, left: Name, *, updated: bool) -> list[Truth]:
    """A node is what computes it; an input is its given value, or its value after an update."""
    node = next((node for node in engine.graph.nodes if node.name == left.id), None)
    if node is not None:
        return [Truth(left, node.expr, engine.values.get(left.id), "value")]
    if left.id in engine.lets:
        return [replace(_truth(engine, left, partial=False), kind="defined")]
    found = [] if updated else _given(engine, left)
    if not found and left.id in engine.graph.by_name and not updated:
        found.append(Truth(left, left, None, "assumed"))
    if left.id in engine.graph.by_name and engine.problem.learning_rate is not None:
        update = engine.update(Call("step", (left,)))
        found.append(Truth(left, update, engine.value(update), "update"))
    if not found:
        message = f"the problem gives no learning rate for an update of {left.id}"
        raise ParseError(message, hint="set learning_rate: in the problem", span=left.span)
    return found


def _learns(engine: Engine, left: Name) -> bool:
    """Whether `w := …` may be an update: of a parameter, or of any input where the problem declares none."""
    declared = {leaf.name: leaf.param for leaf in engine.graph.inputs}
    return declared.get(left.id, False) or not any(declared.values())


def _given(engine: Engine, left: Name) -> list[Truth]:
    given = engine.problem.given.get(left.id)
    return [] if given is None else [Truth(left, number(given), given, "given")]


def asked(truth: Truth) -> Truth:
    """The truth with a query that the table of mistakes knows."""
    if truth.kind == "value" and isinstance(truth.ask, Name):
        return replace(truth, ask=Call("value", (truth.ask,)))
    if truth.kind == "update":
        return replace(truth, ask=Call("step", (truth.ask,)))
    return truth


def known(engine: Engine, truth: Truth) -> bool:
    """Whether a truth is a query about names of the graph, of which the mistakes are known."""
    asked_of = truth.ask.args if isinstance(truth.ask, Call) else (truth.ask,)
    return all(isinstance(arg, Name) and arg.id in engine.graph.by_name for arg in asked_of)


def assumption(member: Source, found: tuple[Expr, ...]) -> Read:
    """A value for an input that the problem gives none."""
    literal = as_typed_number(found[0])
    note = "" if literal is not None else "the problem gives this no value"
    verdict = CORRECT if literal is not None else UNDECIDED
    return Read(Member(member.text, verdict, float(literal.value) if literal else None, note, member), found[0])


# -- differentials


def _has_differentials(expr: Expr) -> bool:
    return any(isinstance(part, Call) and part.function == DIFFERENTIAL for part in walk(expr))


def without_differentials(found: tuple[Expr, ...], source: Source) -> tuple[Expr, ...]:
    """The readings in which no differential stands alone. Raises ParseError where there is none."""
    kept = tuple(expr for expr in found if not _has_differentials(expr))
    if not kept:
        message = "a differential stands alone"
        raise ParseError(message, hint="write dy = … dx, or a derivative", source=source, span=found[0].span)
    return kept


def differential(engine: Engine, matcher: Matcher, member: Source, found: Iterable[Expr], truth: Truth) -> Read:
    """Dy = x dw + …: the coefficient of each dw is the local derivative on that edge."""
    target = truth.ask.args[0] if isinstance(truth.ask, Call) else truth.ask
    judged = [_coefficients(engine, matcher, member, expr, target) for expr in found]
    verdicts = [verdict for verdict, _ in judged]
    verdict = CORRECT if CORRECT in verdicts else WRONG if all(one == WRONG for one in verdicts) else UNDECIDED
    return Read(Member(member.text, verdict, None, judged[0][1] if verdict == WRONG else "", member), None)


def whole_differential(engine: Engine, truth: Truth) -> Expr | None:
    """The differential of a node by all that feeds it: z*dq + q*dz; None for what is no node."""
    target = truth.ask.args[0] if isinstance(truth.ask, Call) else truth.ask
    edges = [(source, local) for (source, end), local in engine.local.items() if target == Name(end)]
    if not isinstance(target, Name):
        edges = [(name, engine.total_of(target, name)) for name in names(target) if name in engine.graph.by_name]
    return plus(*(times(local, Name(f"d{source}")) for source, local in edges)) if edges else None


def _coefficients(engine: Engine, matcher: Matcher, member: Source, expr: Expr, target: Expr) -> tuple[str, str]:
    """The verdict on a differential, and which coefficient is wrong."""
    if expr == Call(DIFFERENTIAL, (target,)):  # da = d(x^2), where that is what a is
        return CORRECT, ""
    expr = _spread(engine, expr)
    used = {part.args[0] for part in walk(expr) if isinstance(part, Call) and part.function == DIFFERENTIAL}
    if not used:
        return UNDECIDED, ""
    above = frozenset().union(*(engine.graph.ancestors.get(name, frozenset()) for name in names(target)))
    above = above if isinstance(target, Name) else above.union(names(target))
    sources = [source for source in used if isinstance(source, Name) and source.id in above]
    if len(sources) != len(used):
        return UNDECIDED, ""
    factors = {source.id: matcher.resolved(_coefficient(expr, source), member) for source in sources}
    told = ""
    for way in _ways(engine, target, list(factors)):
        wrong = [
            f"the coefficient of d{source} should be {write(way(source))}"
            for source, found in factors.items()
            if not any(matcher.agrees(one, way(source)) for one in found)
        ]
        if not wrong:
            return CORRECT, ""
        told = told or "; ".join(sorted(wrong))
    return (WRONG, told) if told else (UNDECIDED, "")


def _ways(engine: Engine, target: Expr, sources: list[str]) -> Iterator[Callable[[str], Expr]]:
    """The derivatives that a differential may have: those on edges, and total ones where nothing is counted twice."""
    if isinstance(target, Name) and all((source, target.id) in engine.local for source in sources):
        yield lambda source: engine.local[source, target.id]
    elif not isinstance(target, Name) and set(sources) <= set(names(target)):
        yield lambda source: engine.total_of(target, source)
    above = engine.graph.ancestors
    if not any(one in above.get(other, ()) for one in sources for other in sources):
        yield lambda source: engine.total(target, source)


def _spread(engine: Engine, expr: Expr) -> Expr:
    """An expression with d(u v) as v du + u dv: what each name in it does, the others held fixed."""
    moved = expr.args[0] if isinstance(expr, Call) and expr.function == DIFFERENTIAL else None
    if moved is None:
        return mapped(expr, lambda child: _spread(engine, child))
    if isinstance(moved, Name):
        return expr
    inner = engine.resolve(substitute(moved, dict(engine.lets)))
    known = [name for name in names(inner) if name in engine.graph.by_name]
    return plus(*(times(engine.total_of(inner, name), Call(DIFFERENTIAL, (Name(name),))) for name in known))


def _coefficient(expr: Expr, source: Name) -> Expr:
    """The factor of one differential in a sum: that one put to 1, the others to 0."""
    if isinstance(expr, Call) and expr.function == DIFFERENTIAL:
        return number(int(expr.args[0] == source))
    if not _has_differentials(expr):
        return expr  # (x + y) in (x + y) dz
    if isinstance(expr, Call) and expr.function == "add":
        terms = [term for term in expr.args if any(part == Call(DIFFERENTIAL, (source,)) for part in walk(term))]
        return plus(*(_coefficient(term, source) for term in terms))
    return with_children(expr, tuple(_coefficient(child, source) for child in children(expr)))
