"""Numbers for what has none: sizes for letters, small readable values of the declared kind. One seed, one draw."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import prod
from random import Random
from typing import TYPE_CHECKING

from gradcheck_cli.grids import Grid, grid, places
from gradcheck_cli.problem.fields import ALONG_KINDS, MATRIX_KINDS
from gradcheck_cli.problem.shaping import misfit_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gradcheck_cli.graph import Graph, Input

WHOLE = frozenset({"integer", "binary", "sign", "onehot"})  # kinds whose drawn values have no point
_MOST_TRIES = 50


def draw_sizes(graph: Graph, numbers: Mapping[str, int], least_sizes: Mapping[str, int]) -> dict[str, int]:
    """Numbers for all letters: the given ones, the others distinct, greater than 1 and unlike any other size."""
    taken = set(numbers.values()) | {one.number for shape in graph.shapes.values() for one in shape}
    found = dict(numbers)
    for letter, _ in graph.dims:
        if letter in found:
            continue
        least = max(2, least_sizes.get(letter, 2))
        for _ in range(_MOST_TRIES):
            while least in taken:
                least += 1
            found[letter] = least
            if not misfit_at(graph, found):
                break
            least += 1
        taken.add(found[letter])
    return found


def draw(leaf: Input, shape: tuple[int, ...], seed: int, places: int = 0) -> Grid:
    """Values of a leaf's kind, multiples of 0.1 where there is a choice; indices of so many `places` where there are any.

    They depend on the seed and the leaf's name alone.
    """
    random = Random(f"{seed} {leaf.name}")  # noqa: S311 - an example, no secret
    if leaf.kind in ALONG_KINDS and shape:
        return _along(leaf, shape, random)
    if leaf.kind in MATRIX_KINDS and shape:
        return _matrix(shape[0], random, symmetric=leaf.kind != "invertible", heavy=leaf.kind != "symmetric")
    single = _SINGLE.get(leaf.kind, _real)
    if places and leaf.kind not in ("binary", "sign"):
        return grid(shape, (Fraction(random.randrange(places)) for _ in range(prod(shape))))
    return grid(shape, (single(random) for _ in range(prod(shape))))


def _tenths(random: Random, least: int, most: int) -> Fraction:
    return Fraction(random.randint(least, most), 10)


def _real(random: Random) -> Fraction:
    """From -2 to 2, never 0: many a function bends there."""
    return _tenths(random, 1, 20) * random.choice((-1, 1))


_SINGLE: dict[str, Callable[[Random], Fraction]] = {
    "positive": lambda random: _tenths(random, 1, 20),
    "nonnegative": lambda random: _tenths(random, 0, 20),
    "integer": lambda random: Fraction(random.randint(-5, 5)),
    "binary": lambda random: Fraction(random.randint(0, 1)),
    "sign": lambda random: Fraction(random.choice((-1, 1))),
    "probability": lambda random: _tenths(random, 1, 9),
}


def _along(leaf: Input, shape: tuple[int, ...], random: Random) -> Grid:
    """Entries that sum to 1 along the leaf's axis."""
    axis = leaf.axis % len(shape)
    lines: dict[tuple[int, ...], tuple[Fraction, ...]] = {}
    values = []
    for place in places(shape):
        others = place[:axis] + place[axis + 1 :]
        if others not in lines:
            lines[others] = _one(shape[axis], random) if leaf.kind == "onehot" else _shares(shape[axis], random)
        values.append(lines[others][place[axis]])
    return grid(shape, values)


def _one(count: int, random: Random) -> tuple[Fraction, ...]:
    chosen = random.randrange(count)
    return tuple(Fraction(int(at == chosen)) for at in range(count))


def _shares(count: int, random: Random) -> tuple[Fraction, ...]:
    """Positive parts of 1: tenths while there are at most five, then hundredths, and so on."""
    whole = 10
    while whole < 2 * count:
        whole *= 10
    cuts = [0, *sorted(random.sample(range(1, whole), count - 1)), whole]
    return tuple(Fraction(after - before, whole) for before, after in pairwise(cuts))


def _matrix(count: int, random: Random, *, symmetric: bool, heavy: bool) -> Grid:
    """A square matrix; `heavy` makes each diagonal entry outweigh its row, so that it is invertible, symmetric or not."""
    rows = [[_tenths(random, -5, 5) for _ in range(count)] for _ in range(count)]
    for at in range(count):
        for other in range(at):
            if symmetric:
                rows[at][other] = rows[other][at]
    if heavy:
        for at in range(count):
            rest = sum((abs(value) for value in rows[at]), Fraction(0)) - abs(rows[at][at])
            rows[at][at] = rest + _tenths(random, 1, 10)
    return grid((count, count), (value for row in rows for value in row))
