"""Where a wrong answer about arrays differs, in numbers: at the problem's own, or at the smallest example that shows it.

The example has one of everything if that is enough, then two, and the smallest values of a few draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import names
from gradcheck_cli.solving.array_numbers import ArrayNumbers
from gradcheck_cli.solving.numbers import number_text
from gradcheck_cli.solving.options import with_numbers
from gradcheck_cli.symbolic.evaluate import to_float
from gradcheck_cli.verifying.arrays.letters import aligned
from gradcheck_cli.verifying.arrays.values import grid_of
from gradcheck_cli.verifying.model import CORRECT, UNDECIDED
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.grids import Grid
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.shapes import Size
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.verifying.arrays.match import ArrayMatcher
    from gradcheck_cli.verifying.match import Truth

SIZES = (1, 2)  # of every letter that has no number, one after the other
SEEDS = (1, 2, 3)
MOST_PLACES = 3  # entries that are named
MOST_WHOLE = 4  # entries of an array that is shown whole
MOST_GIVEN = 30  # numbers of an example
FEWEST_DIGITS = 4
_CLEAR, _SMALL, _LARGE = 1e-2, 1e-4, 1e4

Letters = tuple[tuple[str, "Size"], ...]


class Examples:
    """The numbers of one problem at which answers are compared; those that are drawn are kept."""

    def __init__(self, engine: ArrayEngine) -> None:
        self.engine = engine
        self._drawn: dict[tuple[int, int], tuple[Problem, ArrayNumbers] | None] = {}

    def told(self, matcher: ArrayMatcher, truth: Truth, written: Expr) -> str:
        """What a wrong answer is worth and what it should be, in a sentence; empty where no numbers show it."""
        try:
            if not names(written):
                return _of_numbers(matcher, truth, written)
            pair = next(aligned(self.engine, written, truth), None)
            if pair is None:
                return ""
            left, right, letters = pair
            return self._given(left, right, letters) or self._small(left, right, letters)
        except GradcheckError:
            return ""

    def _given(self, left: Expr, right: Expr, letters: Letters) -> str:
        """At the numbers that the problem gives."""
        engine = self.engine
        found, wanted = (engine.value(side, dict(letters)) for side in (left, right))
        said = _difference(found, wanted, decimal=engine.problem.decimal)
        return f"at the given values {said}" if said else ""

    def _small(self, left: Expr, right: Expr, letters: Letters) -> str:
        """At the smallest of the examples at which the two differ clearly."""
        for problem, numbers in self._examples():
            found, wanted = (numbers.value(side, letters) for side in (left, right))
            said = _difference(found, wanted, decimal=True) if _clearly(found, wanted) else ""
            if not said:
                continue
            at = self._at(problem, {*names(left), *names(right)})
            if at.count(",") < MOST_GIVEN:
                return f"for example {said}" + (f", with {at}" if at else "")
        return ""

    def _examples(self) -> Iterator[tuple[Problem, ArrayNumbers]]:
        for size in SIZES if self._free() else SIZES[:1]:
            for seed in SEEDS:
                if (size, seed) not in self._drawn:
                    self._drawn[size, seed] = self._draw(size, seed)
                found = self._drawn[size, seed]
                if found is not None:
                    yield found

    def _free(self) -> list[str]:
        """The letters of sizes without a number."""
        return [letter for letter, number in self.engine.graph.dims if number is None]

    def _draw(self, size: int, seed: int) -> tuple[Problem, ArrayNumbers] | None:
        """The problem with every letter at this size, and a number for everything; None where that does not fit."""
        engine = self.engine
        try:
            problem = with_numbers(engine.problem, (), [f"{letter}={size}" for letter in self._free()], seed)
        except GradcheckError:
            return None
        numbers = ArrayNumbers(problem.graph, engine.shapes)
        numbers.define((*engine.lets.items(), *engine.backward.steps))
        return problem, numbers

    def _at(self, problem: Problem, used: set[str]) -> str:
        """The sizes, and the values of all that the two sides are computed from."""
        graph = problem.graph
        lets = {name: set(names(expr)) for name, expr in (*self.engine.lets.items(), *self.engine.backward.steps)}
        reached: set[str] = set()
        waiting = set(used)
        while waiting:
            name = waiting.pop()
            reached.add(name)
            below = lets.get(name) or graph.ancestors.get(name, frozenset())
            waiting |= set(below) - reached
        free = self._free()
        sizes = [f"{' = '.join(free)} = {dict(graph.dims)[free[0]]}"] if free else []
        values = []
        for leaf in (*graph.inputs, *graph.constants):
            if leaf.name not in reached:
                continue
            if leaf.entries is not None:
                values.append(f"{leaf.name} = {_nested(leaf.entries, decimal=True)}")
            elif leaf.value is not None:
                values.append(f"{leaf.name} = {number_text(leaf.value)}")
        return ", ".join([*sizes, *values])


def _clearly(found: Grid | None, wanted: Grid | None) -> bool:
    """Whether a reader sees at once that the numbers differ, none of them tiny or huge."""
    if found is None or wanted is None or found.shape != wanted.shape:
        return False
    pairs = [(to_float(one), to_float(two)) for one, two in zip(found.items, wanted.items, strict=True)
             if one is not None and two is not None]  # fmt: skip
    apart = any(abs(one - two) > _CLEAR * max(1.0, abs(one), abs(two)) for one, two in pairs)
    return apart and all(value == 0 or _SMALL < abs(value) < _LARGE for pair in pairs for value in pair)


def _difference(found: Grid | None, wanted: Grid | None, *, decimal: bool) -> str:
    """`it is 3 and should be 4`, of the whole or of the first entry that differs."""
    if found is None or wanted is None or found.shape != wanted.shape:
        return ""
    texts = [
        tuple(number_text(item, decimal=decimal, count=FEWEST_DIGITS) for item in grid.items)
        for grid in (found, wanted)
    ]
    apart = [at for at, (one, two) in enumerate(zip(*texts, strict=True)) if one != two and one and two]
    if not apart:
        return ""
    if len(found.items) <= MOST_WHOLE:
        one, two = (_nested(grid, decimal=decimal) for grid in (found, wanted))
        return f"it is {one} and should be {two}"
    place = list(found.places())[apart[0]]
    return f"entry {list(place)} is {texts[0][apart[0]]} and should be {texts[1][apart[0]]}"


def _nested(grid: Grid, *, decimal: bool) -> str:
    return str(grid.map(lambda value: number_text(value, decimal=decimal, count=FEWEST_DIGITS)).nested()).replace(
        "'", ""
    )


def wrong_places(matcher: ArrayMatcher, truth: Truth, written: Expr) -> list[tuple[tuple[int, ...], str, str]]:
    """The entries of numbers as typed that are wrong: where, as typed, and what is right; of another shape none."""
    wanted = truth.array.number if truth.array else None
    if wanted is None or names(written):
        return []
    typed = grid_of(written, matcher.engine.letters)
    if typed.shape != wanted.shape:
        return []
    decimal = matcher.engine.problem.decimal or truth.kind == "update"
    found = []
    for place, one, value in zip(typed.places(), typed.items, wanted.items, strict=True):
        if matcher.entry(one, value, None).verdict not in (CORRECT, UNDECIDED):
            typed_so = decimal or "." in write(one)
            found.append((place, write(one), number_text(value, decimal=typed_so)))
    return found


def _few(matcher: ArrayMatcher, truth: Truth, written: Expr) -> list[tuple[tuple[int, ...], str, str]]:
    """The entries that are wrong, where they are few and others are right."""
    found = wrong_places(matcher, truth, written)
    total = len(truth.array.number.items) if truth.array and truth.array.number else 0
    return found if len(found) <= MOST_PLACES and len(found) < total else []


def _of_numbers(matcher: ArrayMatcher, truth: Truth, written: Expr) -> str:
    said = [
        f"entry {list(place)} is {typed} and should be {right}" for place, typed, right in _few(matcher, truth, written)
    ]
    return "; ".join(said)


def entries_to_look_at(matcher: ArrayMatcher, truth: Truth, written: Expr) -> str:
    """Which entries of numbers as typed to look at, without what is right there."""
    try:
        places = [str(list(place)) for place, *_ in _few(matcher, truth, written)]
    except GradcheckError:
        return ""
    lead = "entry" if len(places) == 1 else "entries"
    return f"{lead} {' and '.join(places)}" if places else ""
