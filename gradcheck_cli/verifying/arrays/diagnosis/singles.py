"""The single mistakes about a question, listed once: those of the graph, then the right answer with a slip at one place.

Numbers are looked up among what these come to. Of slips there are many, so few numbers are no evidence for one.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Index, Name, Num, walk
from gradcheck_cli.verifying.arrays.diagnosis.glance import looks
from gradcheck_cli.verifying.arrays.diagnosis.mistakes import array_mistakes, step_form, unfolded, worked_out
from gradcheck_cli.verifying.arrays.diagnosis.slips import faults
from gradcheck_cli.verifying.arrays.values import grid_of
from gradcheck_cli.verifying.typed import as_typed_number, significant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.grids import Grid
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.verifying.arrays.match import ArrayMatcher
    from gradcheck_cli.verifying.diagnosis.mistakes import Mistake
    from gradcheck_cli.verifying.match import Truth

MOST_FAULTS = 80
FEWEST_NUMBERS = 3  # different ones, or significant digits of one
Valued = tuple["Mistake", "Grid"]


def single_mistakes(engine: ArrayEngine, matcher: ArrayMatcher, truth: Truth) -> Iterator[Mistake]:
    """The single mistakes about a question, the likeliest first, each worked out once."""
    yield from _kept(matcher, truth, "graph", lambda: array_mistakes(engine, truth))
    yield from _kept(matcher, truth, "slips", lambda: _slips(engine, truth))


def _kept(matcher: ArrayMatcher, truth: Truth, what: str, make: Callable[[], Iterator[Mistake]]) -> Iterator[Mistake]:
    return looks(matcher.space).kept.of((truth.ask, truth.expr, truth.kind, what), make)


def _slips(engine: ArrayEngine, truth: Truth) -> Iterator[Mistake]:
    inside = names_inside(engine, truth)
    step = step_form(engine, truth)
    forms = [truth.expr, *((step, worked_out(engine, step)) if step is not None else ()), unfolded(engine, truth.expr)]
    for right in dict.fromkeys(forms):
        yield from islice(faults(engine, right, inside), MOST_FAULTS)


def in_numbers(engine: ArrayEngine, matcher: ArrayMatcher, truth: Truth, expr: Expr) -> Iterator[Valued]:
    """The mistakes that numbers as typed may tell, with what they come to, unless that is what is right."""
    kept, key = looks(matcher.space).kept, (truth.ask, truth.expr, truth.kind)
    graph = kept.of((*key, "graph in numbers"), lambda: _valued(engine, truth, array_mistakes(engine, truth)))
    slips = kept.of((*key, "slips in numbers"), lambda: _valued(engine, truth, _slips(engine, truth)))
    return chain(graph, slips if _telling(expr) else ())


def _telling(expr: Expr) -> bool:
    """Whether there is more in some numbers than chance may give."""
    typed = numbers_in(expr)
    return many(typed) or any(significant(one) >= FEWEST_NUMBERS for one in typed)


def numbers_in(expr: Expr) -> list[Num]:
    """The numbers in what was typed, without zeros."""
    return [part for part in walk(expr) if isinstance(part, Num) and part.value != 0]


def many(typed: Iterable[Num]) -> bool:
    """Whether there are enough different ones to be evidence."""
    return len({abs(one.value) for one in typed}) >= FEWEST_NUMBERS


def _valued(engine: ArrayEngine, truth: Truth, found: Iterator[Mistake]) -> Iterator[Valued]:
    right = truth.array.number if truth.array else None
    for mistake in found:
        try:
            value = engine.value(mistake.expr)
        except GradcheckError:
            continue
        if value is not None and right is not None and value.items != right.items:
            yield mistake, value


def exact_mistake(engine: ArrayEngine, matcher: ArrayMatcher, truth: Truth, expr: Expr) -> Mistake | None:
    """The mistake that gives exactly the numbers written; a single number may be the value of another node by chance."""
    typed = grid_of(expr, engine.letters)
    literals = [as_typed_number(one) for one in typed.items]
    values = tuple(None if one is None else one.value for one in literals)
    for mistake, value in in_numbers(engine, matcher, truth, expr):
        single = mistake.code == "wrong-node" and len(values) == 1
        if value.items == values and value.shape == typed.shape and not single:
            return mistake
    return None


def names_inside(engine: ArrayEngine, truth: Truth) -> set[str]:
    """The names on the paths of the derivative that was asked for."""
    ask = truth.ask.base if isinstance(truth.ask, Index) else truth.ask
    ends = [arg.id for arg in ask.args if isinstance(arg, Name)] if isinstance(ask, Call) else []
    if not ends:
        return set()
    target, source = (ends[0], ends[1]) if len(ends) > 1 else (engine.output, ends[0])
    return set(engine.graph.between(target, source))
