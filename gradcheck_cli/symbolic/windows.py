"""Convolution and pooling of scalar expressions: what a window that moves over rows and columns makes of an image.

And what comes back: each entry gets the sum, over all windows that saw it, of what arrives there times what it met.
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, number
from gradcheck_cli.grids import Grid, grid, places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Make = Callable[..., Expr]
    Place = tuple[int, ...]
    Shape = tuple[int, ...]

_UNDEFINED = Call("div", (number(0), number(0)))


def convolved(image: Grid, kernel: Grid, options: Mapping[str, int], make: Make) -> Grid:
    """Cross-correlation: y[f, r, c] = sum over (ch, i, j) of x[ch, r*S - P + i*D, c*S - P + j*D]*k[f, ch, i, j].

    Image and kernel have rows and columns alone, or channels, filters and perhaps a batch before them.
    """
    shape, met = _meetings(image.shape, kernel.shape, options)
    return _summed(shape, ((out, (image[seen], kernel[by])) for out, seen, by in met), make)


def sent_to_image(sent: Grid, image: Grid, kernel: Grid, options: Mapping[str, int], make: Make) -> Grid:
    """What comes back to the image of a convolution at whose value `sent` arrives."""
    _, met = _meetings(image.shape, kernel.shape, options)
    return _summed(image.shape, ((seen, (sent[out], kernel[by])) for out, seen, by in met), make)


def sent_to_kernel(sent: Grid, image: Grid, kernel: Grid, options: Mapping[str, int], make: Make) -> Grid:
    """What comes back to the kernel."""
    _, met = _meetings(image.shape, kernel.shape, options)
    return _summed(kernel.shape, ((by, (sent[out], image[seen])) for out, seen, by in met), make)


def _meetings(
    image: Shape, kernel: Shape, options: Mapping[str, int]
) -> tuple[Shape, Iterator[tuple[Place, Place, Place]]]:
    """The value's shape; and of each of its entries which entry of the image meets which of the kernel."""
    flat = len(kernel) == 2
    stride, padding = options.get("stride", 1), options.get("padding", 0)
    dilation = options.get("dilation", 1)
    starts = [_starts(image[axis], dilation * (kernel[axis] - 1) + 1, stride, padding) for axis in (-2, -1)]
    batch = () if flat else image[:-3]
    shape = (*batch, *(() if flat else kernel[:1]), len(starts[0]), len(starts[1]))

    def met() -> Iterator[tuple[Place, Place, Place]]:
        for out in places(shape):
            front, chosen = out[: len(batch)], out[len(batch) : -2]
            top, left = starts[0][out[-2]], starts[1][out[-1]]
            for *channel, i, j in places(kernel if flat else kernel[1:]):
                row, column = top + i * dilation, left + j * dilation
                if 0 <= row < image[-2] and 0 <= column < image[-1]:
                    yield out, (*front, *channel, row, column), (*chosen, *channel, i, j)

    return shape, met()


def _summed(shape: Shape, products: Iterable[tuple[Place, tuple[Expr, Expr]]], make: Make) -> Grid:
    """For each place the sum of the products that belong there."""
    terms: dict[Place, list[Expr]] = {place: [] for place in places(shape)}
    for place, factors in products:
        terms[place].append(make("mul", *factors))
    return grid(shape, (make("add", *found) for found in terms.values()))


def pooled(image: Grid, window: int, options: Mapping[str, int], combine: Callable[..., Expr], make: Make) -> Grid:
    """Each window's entries combined, `combine(entries, window, make)`; the stride is the window's size if not given."""
    shape, covered = _covered(image.shape, window, options)
    return grid(shape, (combine(tuple(image[place] for place in inside), window, make) for _, inside in covered))


def sent_by_average(sent: Grid, image: Grid, window: int, options: Mapping[str, int], make: Make) -> Grid:
    """What comes back to an image whose windows were averaged: an equal share to each entry."""
    _, covered = _covered(image.shape, window, options)
    share = number(Fraction(1, window * window))
    return _summed(image.shape, ((seen, (sent[out], share)) for out, inside in covered for seen in inside), make)


def sent_by_largest(sent: Grid, image: Grid, window: int, options: Mapping[str, int], make: Make) -> Grid:
    """What comes back to an image of whose windows the largest entry was taken: all to it, of a tie to the first."""

    def chosen(seen: Place, inside: tuple[Place, ...]) -> Expr:
        at = inside.index(seen)
        above = (make("gt", image[seen], image[place]) for place in inside[:at])
        return make("mul", *above, *(make("ge", image[seen], image[place]) for place in inside[at + 1 :]))

    _, covered = _covered(image.shape, window, options)
    met = ((seen, (sent[out], chosen(seen, inside))) for out, inside in covered for seen in inside)
    return _summed(image.shape, met, make)


def _covered(
    image: Shape, window: int, options: Mapping[str, int]
) -> tuple[Shape, Iterator[tuple[Place, tuple[Place, ...]]]]:
    """The value's shape; and of each of its entries the places of the image that its window covers, row by row."""
    stride, padding = options.get("stride", window), options.get("padding", 0)
    high, wide = image[-2:]
    rows, columns = (_starts(size, window, stride, padding) for size in (high, wide))
    shape = (*image[:-2], len(rows), len(columns))

    def inside(front: Place, top: int, left: int) -> Iterator[Place]:
        for i in range(max(top, 0), min(top + window, high)):
            for j in range(max(left, 0), min(left + window, wide)):
                yield (*front, i, j)

    return shape, ((out, tuple(inside(out[:-2], rows[out[-2]], columns[out[-1]]))) for out in places(shape))


def largest(inside: tuple[Expr, ...], _: int, make: Make) -> Expr:
    """The border does not count; a window of nothing but border has no largest entry."""
    return reduce(lambda x, y: make("maximum", x, y), inside) if inside else _UNDEFINED


def average(inside: tuple[Expr, ...], window: int, make: Make) -> Expr:
    """The border counts as zeros."""
    return make("div", make("add", *inside), number(window * window))


def _starts(have: int, reach: int, stride: int, padding: int) -> list[int]:
    """Where the windows begin, which may be before the first entry."""
    return list(range(-padding, have + padding - reach + 1, stride))


# operands (of pools the window's size last), options, and who makes an operation
IMAGE_RULES: dict[str, Callable[..., Grid]] = {
    "conv2d": convolved,
    "maxpool2d": lambda x, n, options, make: pooled(x, n, options, largest, make),
    "avgpool2d": lambda x, n, options, make: pooled(x, n, options, average, make),
    "vjp_conv2d_x": sent_to_image,
    "vjp_conv2d_k": sent_to_kernel,
    "vjp_maxpool2d_x": sent_by_largest,
    "vjp_avgpool2d_x": sent_by_average,
}
