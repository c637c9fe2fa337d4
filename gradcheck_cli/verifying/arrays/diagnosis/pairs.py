"""Two mistakes at once in an answer about arrays: told only where no single one fits and one pair alone does.

Either two edges of the way back went wrong, or one and the sign or a constant; or a factor of the answer is the wrong way
round, and with that taken back the answer is a single mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations, islice
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Name, names, number
from gradcheck_cli.symbolic.build import times
from gradcheck_cli.verifying.arrays.diagnosis.backprop import Backprop, Edge, gradient_by, zeros
from gradcheck_cli.verifying.arrays.diagnosis.edits import edits
from gradcheck_cli.verifying.arrays.diagnosis.glance import looks
from gradcheck_cli.verifying.arrays.diagnosis.mistakes import wrong_locals
from gradcheck_cli.verifying.diagnosis.mistakes import Mistake
from gradcheck_cli.verifying.model import Diagnosis
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.verifying.arrays.diagnosis.glance import Looks
    from gradcheck_cli.verifying.arrays.match import ArrayMatcher
    from gradcheck_cli.verifying.match import Truth

    Same = Callable[[Expr, Expr], bool]

MOST_PAIRED = 6  # changes of an edge that are paired with each other
MOST_CHANGES = 16  # that are paired with the sign and with constants
MOST_EDITS = 12
_REORDERED = ("transpose", "shape")


@dataclass(frozen=True, slots=True)
class Change:
    """What an edge would send back, as a function of what arrives at its target, had one thing gone wrong there."""

    code: str
    message: str
    edge: Edge
    sent: Callable[[Expr], Expr]


def pair(matcher: ArrayMatcher, truth: Truth, written: Expr, same: Same) -> Diagnosis | None:
    """The one pair of mistakes that gives what was written; None where there is none, or more than one.

    `same` says whether two expressions agree for all sizes and inputs, or whether one gives the numbers of the other.
    """
    source = gradient_by(matcher.engine, truth.ask)
    if source is None or source not in matcher.engine.backward.adjoints:
        return None
    fitting = list(islice(_fitting(matcher, truth, source, written, same), 2))
    return fitting[0] if len(fitting) == 1 else None


def _fitting(matcher: ArrayMatcher, truth: Truth, source: str, written: Expr, same: Same) -> Iterator[Diagnosis]:
    """The pairs that give what was written: of two edges, of an edge and the sign or a constant, of these two."""
    engine, known = matcher.engine, looks(matcher.space)
    edges = known.kept.of((source, "edges"), lambda: _single(engine, source))
    for mistake in chain(known.kept.of((source, "pairs"), lambda: _double(engine, source)), _turned(engine, truth)):
        if same(written, mistake.expr):
            yield Diagnosis(mistake.code, f"two mistakes: {mistake.message}")
    for mistake in chain(edges, _mended(engine, known, truth, written)):
        base, other = (written, mistake.expr) if mistake.code not in _REORDERED else (mistake.expr, truth.expr)
        if names(written) and not known.proportional(base, other):
            continue
        for _, message, scaled in _scales(engine, truth):
            if same(base, scaled(other)):
                yield Diagnosis(mistake.code, f"two mistakes: {mistake.message}; and {message}")


def _double(engine: ArrayEngine, source: str) -> Iterator[Mistake]:
    """Two edges gone wrong."""
    back = Backprop(engine)
    for first, second in combinations(islice(_changes(engine, source), MOST_PAIRED), 2):
        if first.edge != second.edge:
            found = back.through(source, {first.edge: first.sent, second.edge: second.sent})
            yield Mistake(first.code, f"{first.message}; and {second.message}", found)


def _single(engine: ArrayEngine, source: str) -> Iterator[Mistake]:
    """One edge gone wrong, to which the sign or a constant is added."""
    back = Backprop(engine)
    for change in islice(_changes(engine, source), MOST_CHANGES):
        yield Mistake(change.code, change.message, back.through(source, {change.edge: change.sent}))


def _turned(engine: ArrayEngine, truth: Truth) -> Iterator[Mistake]:
    """The sign and a constant."""
    for code, message, scaled in _scales(engine, truth):
        if code != "sign":
            turned = times(number(-1), scaled(truth.expr))
            yield Mistake("sign", f"the sign is turned around; and {message}", turned)


def _changes(engine: ArrayEngine, source: str) -> Iterator[Change]:
    """On each edge of the way: its path left out, its factor left out, a gate's classic slip; the slips come last."""
    inside = set(engine.graph.between(engine.output, source))
    edges = [edge for edge in engine.graph.edges if edge[0] in inside and edge[1] in inside]
    starts = [start for start, _ in edges]
    for edge in edges:
        start, end = edge
        if starts.count(start) > 1:
            nothing = zeros(engine, start)
            yield Change("missing-path", f"what comes back from {end} is missing", edge, _constant(nothing))
        local = engine.local(start, end)
        if _by_entry(engine, edge) and f"upstream({end})" not in names(local) and names(local):
            message = f"the factor d{end}/d{start} = {write(local)} is missing"
            yield Change("missing-factor", message, edge, _unchanged)
    for edge in edges:
        for message, wrong in wrong_locals(engine, edge) if _by_entry(engine, edge) else ():
            yield Change("wrong-local", message, edge, _times(wrong))


def _by_entry(engine: ArrayEngine, edge: Edge) -> bool:
    """Whether the two ends of an edge have the same shape."""
    return engine.shapes[edge[0]] == engine.shapes[edge[1]]


def _unchanged(arrives: Expr) -> Expr:
    return arrives


def _constant(expr: Expr) -> Callable[[Expr], Expr]:
    return lambda _arrives: expr


def _times(factor: Expr) -> Callable[[Expr], Expr]:
    return lambda arrives: times(arrives, factor)


def _scales(engine: ArrayEngine, truth: Truth) -> Iterator[tuple[str, str, Callable[[Expr], Expr]]]:
    """The sign, and the constants that are forgotten: the size of a mean, the factor 2 of a square."""
    yield "sign", "the sign is turned around", _times(number(-1))
    for letter in sorted(engine.letters & set(names(truth.expr))):
        yield "constant", f"the factor 1/{letter} is missing", _times(Name(letter))
    yield "constant", "a factor 2 is missing", lambda expr: Call("div", (expr, number(2)))
    yield "constant", "there is a factor 2 too many", _times(number(2))


def _mended(engine: ArrayEngine, known: Looks, truth: Truth, written: Expr) -> Iterator[Mistake]:
    """The answer with the factors of one product turned round, where it has the right shape then."""
    wanted = engine.shape_of(truth.expr)
    found: list[Expr] = []  # the same turn has several names: of the factors, of the whole
    for edit in islice(edits(engine, written, set()), MOST_EDITS if names(written) else 0):
        if edit.code not in _REORDERED:
            return
        try:
            if engine.shape_of(edit.expr) == wanted and all(known.differ(edit.expr, other, {}) for other in found):
                found.append(edit.expr)
                yield Mistake(edit.code, edit.message, edit.expr)
        except GradcheckError:
            continue
