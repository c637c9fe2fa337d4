"""The probe's own rules of images, whose last two axes are rows and columns: window by window.

Padding surrounds an image with zeros for conv2d and avgpool2d, which divides by the whole window, and with nothing
that could be a maximum for maxpool2d. Windows that would reach beyond the padding are left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gradcheck_cli.grids import Grid, grid, places
from gradcheck_cli.probe.numbers import Real, dot, largest, total

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Reach = list[tuple[int, int]]  # of a window along one axis: (place in the window, place in the image)


def _windows(size: int, window: int, stride: int, padding: int, dilation: int = 1) -> list[Reach]:
    """For each window along an axis of an image the places where it meets the image."""
    count = (size + 2 * padding - dilation * (window - 1) - 1) // stride + 1
    starts = [stride * turn - padding for turn in range(count)]
    spread = [[(place, start + dilation * place) for place in range(window)] for start in starts]
    return [[(place, met) for place, met in reach if 0 <= met < size] for reach in spread]


def conv2d(image: Grid, kernel: Grid, stride: int = 1, padding: int = 0, dilation: int = 1) -> Grid:
    """Cross-correlation: the kernel is not turned round. Channels are summed, filters stand side by side."""
    x = Grid((1,) * (4 - len(image.shape)) + image.shape, image.items)
    k = Grid((1,) * (4 - len(kernel.shape)) + kernel.shape, kernel.items)
    rows, columns = (_windows(x.shape[axis], k.shape[axis], stride, padding, dilation) for axis in (2, 3))

    def entry(sample: int, filter_: int, row: Reach, column: Reach) -> Real:
        met = [(c, u, v, i, j) for c in range(x.shape[1]) for u, i in row for v, j in column]
        return dot([x[sample, c, i, j] for c, _, _, i, j in met], [k[filter_, c, u, v] for c, u, v, _, _ in met])

    made = [
        entry(sample, filter_, row, column)
        for sample, filter_ in places((x.shape[0], k.shape[0]))
        for row in rows
        for column in columns
    ]
    before = (*image.shape[:-3], k.shape[0]) if len(kernel.shape) > 2 else ()
    return grid((*before, len(rows), len(columns)), made)


def _pool(image: Grid, window: Grid, stride: int | None, padding: int, rule: Callable[[Sequence[Real]], Real]) -> Grid:
    """A rule of the entries in a window, in each plane of rows and columns by itself."""
    size = int(window.items[0])
    height, width = image.shape[-2:]
    rows, columns = (_windows(side, size, stride or size, padding) for side in (height, width))
    made = [
        rule([image.items[start + i * width + j] for _, i in row for _, j in column])
        for start in range(0, math.prod(image.shape), height * width)
        for row in rows
        for column in columns
    ]
    return grid((*image.shape[:-2], len(rows), len(columns)), made)


def maxpool2d(image: Grid, window: Grid, stride: int | None = None, padding: int = 0) -> Grid:
    """The largest entry of each window; windows stand side by side if no stride is given."""
    return _pool(image, window, stride, padding, largest)


def avgpool2d(image: Grid, window: Grid, stride: int | None = None, padding: int = 0) -> Grid:
    """The mean of each window, zeros of the padding included."""
    area = int(window.items[0]) ** 2
    return _pool(image, window, stride, padding, lambda entries: total(entries) / area)
