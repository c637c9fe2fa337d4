"""Where entries stand: broadcasting, parts along the first axis, groups along any."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.grids import Grid, places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def broadcast(grids: Iterable[Grid]) -> tuple[int, ...]:
    """The shape of operands taken elementwise by NumPy's rule.

    Raises UnsupportedError where they do not fit.
    """
    shape: tuple[int, ...] = ()
    for one in grids:
        if one.shape == shape or not one.shape:
            continue
        if not shape:
            shape = one.shape
            continue
        rank = max(len(shape), len(one.shape))
        left, right = ((1,) * (rank - len(sizes)) + sizes for sizes in (shape, one.shape))
        if any(a != b and 1 not in (a, b) for a, b in zip(left, right, strict=True)):
            message = f"shapes {shape} and {one.shape} do not fit at these sizes"
            raise UnsupportedError(message)
        shape = tuple(b if a == 1 else a for a, b in zip(left, right, strict=True))
    return shape


def spread(one: Grid, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """The entries as an array of a larger shape has them."""
    if one.shape == shape:
        return one.items
    if len(one.items) == 1:
        return one.items * prod(shape)
    skipped = len(shape) - len(one.shape)
    kept = [0 if size == 1 else None for size in one.shape]
    return tuple(
        one[tuple(index if fixed is None else 0 for index, fixed in zip(place[skipped:], kept, strict=True))]
        for place in places(shape)
    )


def part(base: Grid, place: int) -> Grid:
    """The entries at one place of the first axis."""
    step = len(base.items) // base.shape[0]
    return Grid(base.shape[1:], base.items[place * step : (place + 1) * step])


def groups(one: Grid, axis: int | None) -> Iterator[tuple[Any, ...]]:
    """The entries that are reduced to one, in the order of the results."""
    if axis is None:
        yield one.items
        return
    before, after = one.shape[:axis], one.shape[axis + 1 :]
    for place in places((*before, *after)):
        yield tuple(one[(*place[:axis], k, *place[axis:])] for k in range(one.shape[axis]))
