"""Mistakes that give the right numbers at the values a problem with arrays gives: a wrong derivation would pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.symbolic.evaluate import interval
from gradcheck_cli.verifying.arrays.compare import compare
from gradcheck_cli.verifying.arrays.diagnosis.edits import edits
from gradcheck_cli.verifying.arrays.diagnosis.mistakes import array_mistakes
from gradcheck_cli.verifying.diagnosis.diagnose import TELLING
from gradcheck_cli.verifying.diagnosis.mistakes import Mistake
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.grids import Grid
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.symbolic.evaluate import Value
    from gradcheck_cli.verifying.arrays.match import ArrayMatcher
    from gradcheck_cli.verifying.match import Truth

_TELLING = frozenset({*TELLING, "wrong-local"})


def array_collisions(engine: ArrayEngine, matcher: ArrayMatcher, truth: Truth) -> Iterator[Mistake]:
    """The mistakes whose numbers are the right ones here, and not at all values."""
    right = truth.array.number if truth.array else None
    if right is None or truth.kind not in ("derivative", "update", "value") or (truth.array and truth.array.letters):
        return
    if right.shape and all(item == 0 for item in right.items):
        yield Mistake("constant", "every entry is 0: so is any product with it", truth.expr)
        return
    for mistake in _candidates(engine, truth):
        try:
            value = engine.value(mistake.expr)
            if value is not None and _same(value, right) and _differs(matcher, truth, mistake):
                yield mistake
        except GradcheckError:
            continue


def _candidates(engine: ArrayEngine, truth: Truth) -> Iterator[Mistake]:
    """The mistakes that the graph allows, and the right products with a factor turned round."""
    for mistake in array_mistakes(engine, truth):
        if mistake.code in _TELLING:
            yield mistake
    for edit in edits(engine, truth.expr, set()):
        if edit.code == "transpose":
            yield Mistake(edit.code, f"{write(edit.expr)} gives the same", edit.expr)


def _differs(matcher: ArrayMatcher, truth: Truth, mistake: Mistake) -> bool:
    """Whether a mistake is one at other values."""
    return compare(matcher.space, mistake.expr, truth.expr).kind == "different"


def _same(left: Grid, right: Grid) -> bool:
    """Whether two grids have the same entries, as far as their bounds tell."""
    return left.shape == right.shape and all(map(_near, left.items, right.items))


def _near(left: Value, right: Value) -> bool:
    bounds, wanted = interval(left), interval(right)
    return bounds is not None and wanted is not None and bounds[0] <= wanted[1] and wanted[0] <= bounds[1]
