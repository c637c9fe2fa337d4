"""Exact values for arrays of a declared kind: what holds of single entries, and of whole arrays.

A one-hot array has one 1 along its axis, a distribution sums to 1 there; symmetric, spd (A.T A + I) and invertible
(the diagonal outweighs its row) are matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from gradcheck_cli.grids import Grid, grid, places
from gradcheck_cli.judge.space import DENOMINATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

DISCRETE = frozenset({"binary", "sign", "integer", "onehot"})
TWO_VALUES = {"binary": (Fraction(0), Fraction(1)), "sign": (Fraction(-1), Fraction(1))}
_SMALL = tuple(Fraction(value) for value in (2, 3, 1, -1, -2, -3, 5))
_NEAR_ONE = (Fraction(1, 2), Fraction(1, 4), Fraction(3, 4))
_MOST_LISTED = 64

Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """An input or constant at sizes in numbers.

    `axis`   along which a one-hot or a distribution sums to 1
    `below`  for an integer that is used as an index: how many entries there are
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    axis: int = -1
    below: int | None = None

    @property
    def along(self) -> int:
        """The axis from 0; of a column the column, if nothing else was said."""
        axis = self.axis % len(self.shape) if self.shape else 0
        return 0 if self.axis == -1 and len(self.shape) == 2 and self.shape[1] == 1 else axis

    @property
    def square(self) -> bool:
        """Whether it is a matrix as its kind wants one."""
        return len(self.shape) == 2 and self.shape[0] == self.shape[1]


@dataclass(frozen=True, slots=True)
class Style:
    """How numbers are drawn: from a box, in small numbers (`box` is None), or around 2^`power`. `turn` counts points."""

    turn: int = 0
    box: tuple[int, int] | None = None
    power: int | None = None

    def real(self, draw: Random) -> Fraction:
        """A number of either sign."""
        if self.power is not None:
            size = Fraction(draw.randint(DENOMINATOR // 2, DENOMINATOR), DENOMINATOR) * Fraction(2) ** self.power
            return size if draw.random() < 1 / 2 else -size
        if self.box is None:
            return draw.choice(_SMALL)
        low, high = self.box
        return Fraction(draw.randint(low * DENOMINATOR + 1, high * DENOMINATOR - 1) or 1, DENOMINATOR)

    def share(self, draw: Random) -> Fraction:
        """A number between 0 and 1, near one of them where numbers are large."""
        if self.power is not None:
            small = Fraction(draw.randint(1, DENOMINATOR - 1), DENOMINATOR) / Fraction(2) ** self.power
            return small if draw.random() < 1 / 2 else 1 - small
        if self.box is None:
            return draw.choice(_NEAR_ONE)
        return Fraction(draw.randint(1, DENOMINATOR - 1), DENOMINATOR)

    def weight(self, draw: Random) -> int:
        """A positive whole number."""
        if self.power is not None:
            return 1 << draw.randint(0, self.power + 1)
        return draw.randint(1, 3 if self.box is None else DENOMINATOR)


def drawn(leaf: Leaf, style: Style, draw: Random, before: Grid | None = None) -> Grid:
    """Values of the kind; `before` are those of the last point, so that two points in a row see 0 and 1 of each entry."""
    if leaf.kind in ("onehot", "distribution") and leaf.shape:
        return _along(leaf, style, draw)
    if leaf.kind in _MATRICES and leaf.square:
        return _MATRICES[leaf.kind](leaf.shape[0], style, draw)
    if leaf.kind in TWO_VALUES:
        low, high = TWO_VALUES[leaf.kind]
        if before is not None and style.turn % 2:
            return before.map(lambda value: low + high - value)
        return _each(leaf.shape, lambda: draw.choice((low, high)))
    return _each(leaf.shape, lambda: _single(leaf, style, draw))


def _each(shape: tuple[int, ...], value: Callable[[], Fraction]) -> Grid:
    return grid(shape, (value() for _ in range(prod(shape))))


def _single(leaf: Leaf, style: Style, draw: Random) -> Fraction:
    match leaf.kind:
        case "integer" if leaf.below is not None:
            return Fraction(draw.randrange(leaf.below))
        case "integer":
            whole = round(style.real(draw))
            return Fraction(whole or draw.randint(-2, 3))
        case "probability":
            return style.share(draw)
        case "positive" | "nonnegative":
            size = abs(style.real(draw))
            return 1 / size if style.power is not None and draw.random() < 1 / 2 else size
    return style.real(draw)


def _along(leaf: Leaf, style: Style, draw: Random) -> Grid:
    """Each line along the axis: one 1, at another place each time, or positive parts of 1."""
    axis, count = leaf.along, leaf.shape[leaf.along]
    lines = {}
    for number, rest in enumerate(places((*leaf.shape[:axis], *leaf.shape[axis + 1 :]))):
        if leaf.kind == "onehot":
            hot = (style.turn * (1 + number % 2) + number) % count if style.power is None else draw.randrange(count)
            lines[rest] = [Fraction(int(k == hot)) for k in range(count)]
        else:
            weights = [style.weight(draw) for _ in range(count)]
            lines[rest] = [Fraction(weight, sum(weights)) for weight in weights]
    return grid(leaf.shape, (lines[(*at[:axis], *at[axis + 1 :])][at[axis]] for at in places(leaf.shape)))


def _symmetric(count: int, style: Style, draw: Random) -> Grid:
    found = {(i, j): style.real(draw) for i in range(count) for j in range(i, count)}
    return grid((count, count), (found[min(i, j), max(i, j)] for i, j in places((count, count))))


def _positive_definite(count: int, style: Style, draw: Random) -> Grid:
    a = _each((count, count), lambda: style.real(draw))
    entry = {(i, j): sum((a[k, i] * a[k, j] for k in range(count)), Fraction(i == j)) for i, j in a.places()}
    return grid((count, count), (entry[i, j] for i, j in a.places()))


def _invertible(count: int, style: Style, draw: Random) -> Grid:
    a = _each((count, count), lambda: style.real(draw))
    rows = [1 + sum(abs(a[i, j]) for j in range(count)) for i in range(count)]
    return grid((count, count), (a[i, j] if i != j else rows[i] * (1 if a[i, i] > 0 else -1) for i, j in a.places()))


_MATRICES: dict[str, Callable[[int, Style, Random], Grid]] = {
    "symmetric": _symmetric,
    "spd": _positive_definite,
    "invertible": _invertible,
}


def listed(leaves: tuple[Leaf, ...]) -> list[dict[str, Grid]] | None:
    """All values that the leaves can have together, where they are few; None otherwise."""
    total, choices = 1, []
    for leaf in leaves:
        options = _options(leaf)
        total *= options[0] if options else _MOST_LISTED + 1
        if options is None or total > _MOST_LISTED:
            return None
        choices.append(list(options[1]()))
    found = product(*choices)
    return [{leaf.name: values for leaf, values in zip(leaves, some, strict=True)} for some in found]


def _options(leaf: Leaf) -> tuple[int, Callable[[], Iterator[Grid]]] | None:
    """How many values a leaf can have, and these."""
    if leaf.kind in TWO_VALUES:
        values = TWO_VALUES[leaf.kind]
        entries = prod(leaf.shape)
        return 2 ** min(entries, 30), lambda: (Grid(leaf.shape, some) for some in product(values, repeat=entries))
    if leaf.kind == "integer" and leaf.below is not None:
        numbers, entries = tuple(map(Fraction, range(leaf.below))), prod(leaf.shape)
        return leaf.below ** min(entries, 30), lambda: (
            Grid(leaf.shape, some) for some in product(numbers, repeat=entries)
        )
    if leaf.kind == "onehot" and len(leaf.shape) == 1:
        (count,) = leaf.shape
        return count, lambda: (
            Grid((count,), tuple(Fraction(int(k == hot)) for k in range(count))) for hot in range(count)
        )
    return None
