"""Convolution and pooling of scalar expressions: what a window that moves over rows and columns makes of an image, and
what comes back through it.
"""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Expr, number
from gradcheck_cli.grids import Grid, grid, places
from gradcheck_cli.symbolic.operations import UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Make = Callable[..., Expr]
    Options = Mapping[str, int]
    Place = tuple[int, ...]
    Share = Callable[[Expr, tuple[Expr, ...], int, Make], Iterable[Expr]]


def convolved(image: Grid, kernel: Grid, options: Options, make: Make) -> Grid:
    """Cross-correlation: y[f, r, c] = sum over (ch, i, j) of x[ch, r*S - P + i*D, c*S - P + j*D]*k[f, ch, i, j].

    Image and kernel have rows and columns alone, or channels, filters and perhaps a batch before them.
    """
    products = ((y, make("mul", image[x], kernel[k])) for y, x, k in _meetings(image.shape, kernel.shape, options))
    return _summed(_convolved_shape(image.shape, kernel.shape, options), products, make)


def sent_to_image(arriving: Grid, image: Grid, kernel: Grid, options: Options, make: Make) -> Grid:
    """What a convolution sends back to its image: each entry of it was multiplied by an entry of the kernel."""
    meetings = _meetings(image.shape, kernel.shape, options)
    return _summed(image.shape, ((x, make("mul", arriving[y], kernel[k])) for y, x, k in meetings), make)


def sent_to_kernel(arriving: Grid, image: Grid, kernel: Grid, options: Options, make: Make) -> Grid:
    """What a convolution sends back to its kernel."""
    meetings = _meetings(image.shape, kernel.shape, options)
    return _summed(kernel.shape, ((k, make("mul", arriving[y], image[x])) for y, x, k in meetings), make)


def products(image: Place, kernel: Place, options: Options) -> int:
    """How many products a convolution is made of, those with the border included."""
    return prod(_convolved_shape(image, kernel, options)) * prod(kernel if len(kernel) == 2 else kernel[1:])


def _meetings(image: Place, kernel: Place, options: Options) -> Iterator[tuple[Place, Place, Place]]:
    """The places of the result, the image and the kernel that have to do with each other; the border is left out."""
    dilation = options.get("dilation", 1)
    rows, columns = _convolution_starts(image, kernel, options)
    flat = len(kernel) == 2
    batch = () if flat else image[:-3]
    for y in places(_convolved_shape(image, kernel, options)):
        front, chosen = y[: len(batch)], y[len(batch) : -2]
        top, left = rows[y[-2]], columns[y[-1]]
        for *channel, i, j in places(kernel if flat else kernel[1:]):
            row, column = top + i * dilation, left + j * dilation
            if 0 <= row < image[-2] and 0 <= column < image[-1]:
                yield y, (*front, *channel, row, column), (*chosen, *channel, i, j)


def _convolved_shape(image: Place, kernel: Place, options: Options) -> Place:
    rows, columns = _convolution_starts(image, kernel, options)
    front = () if len(kernel) == 2 else (*image[:-3], kernel[0])
    return (*front, len(rows), len(columns))


def _convolution_starts(image: Place, kernel: Place, options: Options) -> tuple[list[int], list[int]]:
    stride, padding, dilation = options.get("stride", 1), options.get("padding", 0), options.get("dilation", 1)
    rows, columns = (_starts(image[a], dilation * (kernel[a] - 1) + 1, stride, padding) for a in (-2, -1))
    return rows, columns


def pooled(image: Grid, window: int, options: Options, combine: Callable[..., Expr], make: Make) -> Grid:
    """Each window's entries combined, `combine(entries, window, make)`; the stride is the window's size if not given."""
    shape, windows = _windows(image.shape, window, options)
    return grid(shape, (combine(tuple(image[x] for x in inside), window, make) for _, inside in windows))


def sent_to_pooled(arriving: Grid, image: Grid, window: int, options: Options, share: Share, make: Make) -> Grid:
    """What pooling sends back: of what arrives at a window, `share(arriving, entries, window, make)` for each entry."""
    _, windows = _windows(image.shape, window, options)
    shares = (
        one
        for y, inside in windows
        for one in zip(inside, share(arriving[y], tuple(image[x] for x in inside), window, make), strict=True)
    )
    return _summed(image.shape, shares, make)


def largest(inside: tuple[Expr, ...], _: int, make: Make) -> Expr:
    """The border does not count; a window of nothing but border has no largest entry."""
    return reduce(lambda x, y: make("maximum", x, y), inside) if inside else UNDEFINED


def to_largest(arriving: Expr, inside: tuple[Expr, ...], _: int, make: Make) -> Iterator[Expr]:
    """All to the entry that is larger than each before it, and no smaller than each behind it: a tie to the first."""
    for at, one in enumerate(inside):
        before = (make("gt", one, other) for other in inside[:at])
        behind = (make("ge", one, other) for other in inside[at + 1 :])
        yield make("mul", arriving, *before, *behind)


def average(inside: tuple[Expr, ...], window: int, make: Make) -> Expr:
    """The border counts as zeros."""
    return make("div", make("add", *inside), number(window * window))


def equally(arriving: Expr, inside: tuple[Expr, ...], window: int, make: Make) -> Iterator[Expr]:
    """An equal part to each entry; the border keeps its own."""
    return (make("div", arriving, number(window * window)) for _ in inside)


def _windows(image: Place, window: int, options: Options) -> tuple[Place, Iterator[tuple[Place, list[Place]]]]:
    """The shape of the result of pooling; and each of its places with the places inside its window."""
    stride, padding = options.get("stride", window), options.get("padding", 0)
    high, wide = image[-2:]
    rows, columns = (_starts(size, window, stride, padding) for size in (high, wide))
    shape = (*image[:-2], len(rows), len(columns))

    def inside(front: Place, top: int, left: int) -> list[Place]:
        across = range(max(left, 0), min(left + window, wide))
        return [(*front, i, j) for i in range(max(top, 0), min(top + window, high)) for j in across]

    return shape, ((y, inside(y[:-2], rows[y[-2]], columns[y[-1]])) for y in places(shape))


def _starts(have: int, reach: int, stride: int, padding: int) -> list[int]:
    """Where the windows begin, which may be before the first entry."""
    return list(range(-padding, have + padding - reach + 1, stride))


def _summed(shape: Place, terms: Iterable[tuple[Place, Expr]], make: Make) -> Grid:
    """The sum of the terms at each place."""
    found: dict[Place, list[Expr]] = {place: [] for place in places(shape)}
    for place, term in terms:
        found[place].append(term)
    return grid(shape, (make("add", *terms) for terms in found.values()))
