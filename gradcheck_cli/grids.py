"""Arrays of anything: entries in row-major order. A container and nothing more; who computes brings the rules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Grid:
    """`items` has the entries of an array of this shape, the last index moving fastest; shape () holds one."""

    shape: tuple[int, ...]
    items: tuple[Any, ...]

    def __getitem__(self, place: tuple[int, ...]) -> Any:
        at = 0
        for index, size in zip(place, self.shape, strict=True):
            at = at * size + index
        return self.items[at]

    def places(self) -> Iterator[tuple[int, ...]]:
        """The index of each entry, in the order of `items`."""
        return places(self.shape)

    def map(self, function: Callable[[Any], Any]) -> Grid:
        """The grid with a function applied to each entry."""
        return Grid(self.shape, tuple(function(item) for item in self.items))

    def nested(self) -> Any:
        """The entries as nested lists; a lone entry for shape ()."""
        return _nested(self.shape, iter(self.items))


def places(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every index of an array of this shape, the last one moving fastest."""
    return product(*(range(size) for size in shape))


def grid(shape: tuple[int, ...], items: Iterable[Any]) -> Grid:
    """A grid, with as many entries as its shape wants."""
    found = Grid(shape, tuple(items))
    assert len(found.items) == math.prod(shape)  # noqa: S101 - a mistake here would put entries in wrong places
    return found


def label(name: str, place: tuple[int, ...]) -> str:
    """How an entry of a named array is called: `W[0, 1]`; a scalar by its name."""
    return f"{name}[{', '.join(map(str, place))}]" if place else name


def _nested(shape: tuple[int, ...], items: Iterator[Any]) -> Any:
    if not shape:
        return next(items)
    return [_nested(shape[1:], items) for _ in range(shape[0])]
