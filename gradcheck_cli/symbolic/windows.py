"""Convolution and pooling of scalar expressions: what a window that moves over rows and columns makes of an image."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, number
from gradcheck_cli.grids import Grid, grid, places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Make = Callable[..., Expr]

_UNDEFINED = Call("div", (number(0), number(0)))


def convolved(image: Grid, kernel: Grid, options: Mapping[str, int], make: Make) -> Grid:
    """Cross-correlation: y[f, r, c] = sum over (ch, i, j) of x[ch, r*S - P + i*D, c*S - P + j*D]*k[f, ch, i, j].

    Image and kernel have rows and columns alone, or channels, filters and perhaps a batch before them.
    """
    flat = len(kernel.shape) == 2
    stride, padding = options.get("stride", 1), options.get("padding", 0)
    dilation = options.get("dilation", 1)
    starts = [_starts(image.shape[a], dilation * (kernel.shape[a] - 1) + 1, stride, padding) for a in (-2, -1)]
    batch = () if flat else image.shape[:-3]
    filters = () if flat else kernel.shape[:1]
    made = []
    for place in places((*batch, *filters, len(starts[0]), len(starts[1]))):
        front, chosen = place[: len(batch)], place[len(batch) : -2]
        top, left = starts[0][place[-2]], starts[1][place[-1]]
        factors = (
            (image[(*front, *ch, top + i * dilation, left + j * dilation)], kernel[(*chosen, *ch, i, j)])
            for *ch, i, j in places(kernel.shape if flat else kernel.shape[1:])
            if 0 <= top + i * dilation < image.shape[-2] and 0 <= left + j * dilation < image.shape[-1]
        )
        made.append(make("add", *(make("mul", x, k) for x, k in factors)))
    return grid((*batch, *filters, len(starts[0]), len(starts[1])), made)


def pooled(image: Grid, window: int, options: Mapping[str, int], combine: Callable[..., Expr], make: Make) -> Grid:
    """Each window's entries combined, `combine(entries, window, make)`; the stride is the window's size if not given."""
    stride, padding = options.get("stride", window), options.get("padding", 0)
    high, wide = image.shape[-2:]
    rows, columns = (_starts(size, window, stride, padding) for size in (high, wide))

    def inside(front: tuple[int, ...], top: int, left: int) -> Iterator[Expr]:
        for i in range(max(top, 0), min(top + window, high)):
            for j in range(max(left, 0), min(left + window, wide)):
                yield image[(*front, i, j)]

    shape = (*image.shape[:-2], len(rows), len(columns))
    every = ((place[:-2], rows[place[-2]], columns[place[-1]]) for place in places(shape))
    return grid(shape, (combine(tuple(inside(*where)), window, make) for where in every))


def largest(inside: tuple[Expr, ...], _: int, make: Make) -> Expr:
    """The border does not count; a window of nothing but border has no largest entry."""
    return reduce(lambda x, y: make("maximum", x, y), inside) if inside else _UNDEFINED


def average(inside: tuple[Expr, ...], window: int, make: Make) -> Expr:
    """The border counts as zeros."""
    return make("div", make("add", *inside), number(window * window))


def _starts(have: int, reach: int, stride: int, padding: int) -> list[int]:
    """Where the windows begin, which may be before the first entry."""
    return list(range(-padding, have + padding - reach + 1, stride))
