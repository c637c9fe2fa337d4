"""The tape's rules for arrays: a forward rule and a vector-Jacobian product for each primitive function of arrays.

Whole numbers that say how (axis, window, sizes) are options; operands are arrays. The formulas are those of Giles, An
extended collection of matrix derivative results (2008), and of the softmax's usual backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.tape.arith import Array, bilinear, product
from gradcheck_cli.tape.images import avgpool2d, avgpool2d_vjp, conv2d, conv2d_vjp, maxpool2d, maxpool2d_vjp

if TYPE_CHECKING:
    from collections.abc import Callable

Adjoints = tuple[Array, ...]
Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ArrayRule:
    """`value(a, b, …, **options)`, and `vjp(g, y, a, b, …, **options)`: the adjoint of each operand, in its shape."""

    value: Callable[..., Array]
    vjp: Callable[..., Adjoints]


def _nothing(_g: Array, _y: Array, **_options: Sizes) -> Adjoints:
    """No operands: nothing is sent."""
    return ()


# products


def _matmul(a: Array, b: Array) -> Array:
    return bilinear(np.matmul, a, b)


def _matmul_vjp(g: Array, _y: Array, a: Array, b: Array) -> Adjoints:
    """G @ B.T and A.T @ G; a vector on the left is a row, on the right a column."""
    left = a.reshape(-1, a.shape[-1])
    right = b.reshape(b.shape[0], -1)
    arrived = np.reshape(g, (left.shape[0], right.shape[1]))
    return _matmul(arrived, right.T).reshape(a.shape), _matmul(left.T, arrived).reshape(b.shape)


def _outer_vjp(g: Array, _y: Array, a: Array, b: Array) -> Adjoints:
    return _matmul(g, b), _matmul(a, g)


# over all entries, or along an axis: a sum's value is broadcast back


def _kept(x: Array, like: Array, axis: int | None) -> Array:
    """A reduced value, or its adjoint, with the reduced axes at size 1."""
    return np.reshape(x, (1,) * like.ndim if axis is None else (*like.shape[:axis], 1, *like.shape[axis + 1 :]))


def _sum(a: Array, axis: int | None = None, keepdims: int = 0) -> Array:
    return a.sum(axis=axis, keepdims=bool(keepdims))


def _sum_vjp(g: Array, _y: Array, a: Array, axis: int | None = None, keepdims: int = 0) -> Adjoints:  # noqa: ARG001
    return (np.broadcast_to(_kept(g, a, axis), a.shape),)


def _along(a: Array, axis: int | None) -> Array:
    """The entries that are reduced together, as the last axis."""
    return a.reshape(-1) if axis is None else np.moveaxis(a, axis, -1)


def _back(a: Array, like: Array, axis: int | None) -> Array:
    """The inverse of `_along`."""
    return a.reshape(like.shape) if axis is None else np.moveaxis(a, -1, axis)


def _prod(a: Array, axis: int | None = None, keepdims: int = 0) -> Array:
    found = np.where((a == 0).any(axis=axis), 0.0, a.prod(axis=axis))
    return _kept(found, a, axis) if keepdims else found


def _prod_vjp(g: Array, _y: Array, a: Array, axis: int | None = None, keepdims: int = 0) -> Adjoints:  # noqa: ARG001
    """The product of the other entries, from both ends: nothing is divided, so zeros are right."""
    rows = _along(a, axis)
    ones = np.ones((*rows.shape[:-1], 1))
    before = np.cumprod(np.concatenate([ones, rows[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, rows[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    zero = rows == 0
    others = np.where(zero.sum(axis=-1, keepdims=True) - zero > 0, 0.0, before * after)
    return (product(_kept(g, a, axis), _back(others, a, axis)),)


def _extreme(function: Callable[..., Array]) -> Callable[..., Array]:
    return lambda a, axis=None, keepdims=0: function(a, axis=axis, keepdims=bool(keepdims))


def _first(function: Callable[..., Array]) -> Callable[..., Adjoints]:
    """The adjoint goes to the first of the entries that are largest, or smallest."""

    def vjp(g: Array, _y: Array, a: Array, axis: int | None = None, keepdims: int = 0) -> Adjoints:  # noqa: ARG001
        rows = _along(a, axis)
        chosen = np.arange(rows.shape[-1]) == function(rows, axis=-1)[..., None]
        return (np.where(_back(chosen, a, axis), _kept(g, a, axis), 0.0),)

    return vjp


def _shifted(a: Array, axis: int | None) -> tuple[Array, Array]:
    """The largest entry, where it is finite, and exp of the entries without it: nothing overflows."""
    top = a.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    return top, np.exp(a - top)


def _logsumexp(a: Array, axis: int | None = None, keepdims: int = 0) -> Array:
    top, powers = _shifted(a, axis)
    found = np.log(powers.sum(axis=axis, keepdims=True)) + top
    return found if keepdims else found.reshape(()) if axis is None else found.squeeze(axis)


def _softmax(a: Array, axis: int | None) -> Array:
    _, powers = _shifted(a, axis)
    return powers / powers.sum(axis=axis, keepdims=True)


def _logsumexp_vjp(g: Array, _y: Array, a: Array, axis: int | None = None, keepdims: int = 0) -> Adjoints:  # noqa: ARG001
    return (product(_kept(g, a, axis), _softmax(a, axis)),)


def _softmax_vjp(g: Array, y: Array, _a: Array, axis: int) -> Adjoints:
    return (product(y, g - product(g, y).sum(axis=axis, keepdims=True)),)  # p*(g - sum(g*p))


# square matrices; one that has no inverse is undefined in every entry


def _inv(a: Array) -> Array:
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return np.full(a.shape, np.nan)


def _inv_vjp(g: Array, y: Array, _a: Array) -> Adjoints:
    return (-_matmul(_matmul(y.T, g), y.T),)  # -Y.T @ G @ Y.T


def _cofactors(a: Array) -> Array:
    """The matrix of cofactors, det(A) inv(A).T, from A = U diag(s) V: right where A has no inverse, too."""
    try:
        left, singular, right = np.linalg.svd(a)
    except np.linalg.LinAlgError:
        return np.full(a.shape, np.nan)
    (others,) = _prod_vjp(np.asarray(1.0), np.asarray(0.0), singular)
    return np.linalg.det(left) * np.linalg.det(right) * ((left * others) @ right)


def _det_vjp(g: Array, _y: Array, a: Array) -> Adjoints:
    return (product(g, _cofactors(a)),)


# arrays made, and put into other shapes


def _concat_vjp(g: Array, _y: Array, *parts: Array, axis: int = 0) -> Adjoints:
    ends = np.cumsum([part.shape[axis] for part in parts])
    return tuple(np.split(g, ends[:-1], axis=axis))


def _bounded(a: Array, bounds: Sizes, axis: int) -> tuple[slice, ...]:
    """Where a part stands in an array."""
    start, count = bounds
    if start < 0 or start + count > a.shape[axis]:
        message = f"there are no {count} entries from {start} on among {a.shape[axis]}"
        raise UnsupportedError(message, hint="use larger sizes, or a smaller part")
    return (*(slice(None),) * axis, slice(start, start + count))


def _part_vjp(g: Array, _y: Array, a: Array, bounds: Sizes, axis: int = 0) -> Adjoints:
    total = np.zeros(a.shape)
    total[_bounded(a, bounds, axis)] = g
    return (total,)


# g: adjoint of the value, y: the value, a, b: the operands
ARRAY_RULES: dict[str, ArrayRule] = {
    "matmul": ArrayRule(_matmul, _matmul_vjp),
    "transpose": ArrayRule(lambda a: a.T, lambda g, _y, _a: (g.T,)),
    "outer": ArrayRule(lambda a, b: product(a[:, None], b), _outer_vjp),
    "sum": ArrayRule(_sum, _sum_vjp),
    "prod": ArrayRule(_prod, _prod_vjp),
    "amax": ArrayRule(_extreme(np.max), _first(np.argmax)),
    "amin": ArrayRule(_extreme(np.min), _first(np.argmin)),
    "logsumexp": ArrayRule(_logsumexp, _logsumexp_vjp),
    "softmax": ArrayRule(_softmax, _softmax_vjp),
    "det": ArrayRule(np.linalg.det, _det_vjp),
    "inv": ArrayRule(_inv, _inv_vjp),
    "reshape": ArrayRule(lambda a, shape: a.reshape(shape), lambda g, _y, a, shape: (g.reshape(a.shape),)),  # noqa: ARG005
    "concat": ArrayRule(lambda *parts, axis=0: np.concatenate(parts, axis=axis), _concat_vjp),
    "part": ArrayRule(lambda a, bounds, axis=0: a[_bounded(a, bounds, axis)], _part_vjp),
    "array": ArrayRule(lambda *parts: np.stack(parts), lambda g, _y, *parts: tuple(g[at] for at in range(len(parts)))),
    "ones": ArrayRule(np.ones, _nothing),
    "zeros": ArrayRule(np.zeros, _nothing),
    "eye": ArrayRule(lambda shape: np.eye(*shape), _nothing),
    "conv2d": ArrayRule(conv2d, conv2d_vjp),
    "maxpool2d": ArrayRule(maxpool2d, maxpool2d_vjp),
    "avgpool2d": ArrayRule(avgpool2d, avgpool2d_vjp),
}
