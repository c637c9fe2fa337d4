"""The tape's rules for images: windows that slide over the last two axes, all of them at once.

Convolution is cross-correlation, as deep learning has it: y[o] = sum over k of x[o*stride + k*dilation - padding]*k[k].
"""

from __future__ import annotations

import numpy as np

from gradcheck_cli.tape.arith import Array, bilinear


def _padded(image: Array, before: int, after: int, value: float = 0.0) -> Array:
    """The image with a border of a value around its rows and columns."""
    ways = ((0, 0),) * (image.ndim - 2) + ((before, after),) * 2
    return np.pad(image, ways, constant_values=value)


def _windows(image: Array, window: tuple[int, int], stride: int = 1, dilation: int = 1) -> Array:
    """A view of shape (…, rows, columns, window rows, window columns); what does not fit at the end is left out."""
    reach = tuple(dilation * (size - 1) + 1 for size in window)
    views = np.lib.stride_tricks.sliding_window_view(image, reach, axis=(-2, -1))
    return views[..., ::stride, ::stride, ::dilation, ::dilation]


def _spread(g: Array, stride: int, room: tuple[int, int]) -> Array:
    """Entries set `stride` apart into zeros, in `room` rows and columns."""
    found = np.zeros((*g.shape[:-2], *room))
    found[..., : stride * g.shape[-2] : stride, : stride * g.shape[-1] : stride] = g
    return found


def _cropped(image: Array, padding: int) -> Array:
    return image[..., padding : image.shape[-2] - padding, padding : image.shape[-1] - padding]


def _four(x: Array, k: Array) -> tuple[Array, Array]:
    """Image and kernel as (images, channels, rows, columns) and (filters, channels, rows, columns)."""
    return x.reshape((1,) * (4 - x.ndim) + x.shape), k.reshape((1,) * (4 - k.ndim) + k.shape)


def _weighted(views: Array, kernel: Array) -> Array:
    return np.einsum("nchwij,fcij->nfhw", views, kernel, optimize=True)


def conv2d(x: Array, k: Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> Array:
    """Images (rows, columns), (channels, …) or (images, channels, …) under a kernel of two or four axes."""
    image, kernel = _four(x, k)
    views = _windows(_padded(image, padding, padding), kernel.shape[-2:], stride, dilation)
    found = bilinear(_weighted, views, kernel)
    return found.reshape(found.shape[4 - x.ndim :])


def conv2d_vjp(
    g: Array, _y: Array, x: Array, k: Array, stride: int = 1, padding: int = 0, dilation: int = 1
) -> tuple[Array, Array]:
    """To the image: the adjoints, set apart by the stride, under the turned kernel; to the kernel: windows by adjoints."""
    image, kernel = _four(x, k)
    arrived = g.reshape((1,) * (4 - g.ndim) + g.shape)
    bordered = _padded(image, padding, padding)
    views = _windows(bordered, kernel.shape[-2:], stride, dilation)
    to_kernel = bilinear(lambda a, b: np.einsum("nchwij,nfhw->fcij", a, b, optimize=True), views, arrived)
    rows, columns = (dilation * (size - 1) for size in kernel.shape[-2:])
    apart = _spread(arrived, stride, (bordered.shape[-2], bordered.shape[-1]))
    apart = np.pad(apart, ((0, 0), (0, 0), (rows, 0), (columns, 0)))
    turned = kernel[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    to_image = bilinear(_weighted, _windows(apart, kernel.shape[-2:], 1, dilation), turned)
    return _cropped(to_image, padding).reshape(x.shape), to_kernel.reshape(k.shape)


def _pooled(x: Array, window: int, stride: int | None, padding: int, border: float) -> Array:
    """Windows of shape (…, rows, columns, window*window), their entries in row-major order."""
    views = _windows(_padded(x, padding, padding, border), (window, window), stride or window)
    return views.reshape(*views.shape[:-2], window * window)


def _scattered(sent: Array, x: Array, window: int, stride: int | None, padding: int) -> Array:
    """What each window sends to its entries, added up where windows overlap; the border keeps its share."""
    step = stride or window
    room = (x.shape[-2] + 2 * padding, x.shape[-1] + 2 * padding)
    total = np.zeros((*x.shape[:-2], *room))
    rows, columns = sent.shape[-3:-1]
    for at in range(window * window):
        row, column = divmod(at, window)
        total[..., row : row + step * rows : step, column : column + step * columns : step] += sent[..., at]
    return _cropped(total, padding)


def maxpool2d(x: Array, window: int, stride: int | None = None, padding: int = 0) -> Array:
    """The largest entry of each window; the border never is."""
    return _pooled(x, window, stride, padding, -np.inf).max(axis=-1)


def maxpool2d_vjp(
    g: Array, _y: Array, x: Array, window: int, stride: int | None = None, padding: int = 0
) -> tuple[Array, ...]:
    """To the first of the largest entries of each window, in row-major order."""
    views = _pooled(x, window, stride, padding, -np.inf)
    chosen = np.arange(window * window) == views.argmax(axis=-1)[..., None]
    return (_scattered(np.where(chosen, g[..., None], 0.0), x, window, stride, padding),)


def avgpool2d(x: Array, window: int, stride: int | None = None, padding: int = 0) -> Array:
    """The mean of each window, a border of zeros counted in."""
    return _pooled(x, window, stride, padding, 0.0).mean(axis=-1)


def avgpool2d_vjp(
    g: Array, y: Array, x: Array, window: int, stride: int | None = None, padding: int = 0
) -> tuple[Array, ...]:
    """An equal share to each entry of the window."""
    shares = np.broadcast_to(g[..., None] / window**2, (*y.shape, window * window))
    return (_scattered(shares, x, window, stride, padding),)
