"""The entries of each primitive of arrays, and of what comes back through windows: one rule each.

A rule takes what makes the operations, the call, and the grids of its arguments.
"""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.functions import sending
from gradcheck_cli.grids import Grid, grid, places
from gradcheck_cli.inference import whole
from gradcheck_cli.symbolic.layout import groups
from gradcheck_cli.symbolic.minors import adjugate, determinant
from gradcheck_cli.symbolic.operations import ONE, ZERO, Operations
from gradcheck_cli.symbolic.windows import (
    average,
    convolved,
    equally,
    largest,
    pooled,
    products,
    sent_to_image,
    sent_to_kernel,
    sent_to_pooled,
    to_largest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gradcheck_cli.expr import Call, Expr

    Rule = Callable[[Operations, Call, tuple[Grid, ...]], Grid]


def _matmul(work: Operations, _: Call, grids: tuple[Grid, ...]) -> Grid:
    left, right = grids
    rows, columns, inner = left.shape[:-1], right.shape[1:], range(left.shape[-1])
    work.expect(prod(rows) * prod(columns) * len(inner))
    made = (
        work.total(work.product((left[(*row, k)], right[(k, *column)])) for k in inner)
        for row in places(rows)
        for column in places(columns)
    )
    return grid((*rows, *columns), made)


def _transpose(_: Operations, __: Call, grids: tuple[Grid, ...]) -> Grid:
    shape = grids[0].shape[::-1]
    return grid(shape, (grids[0][place[::-1]] for place in places(shape)))


def _outer(work: Operations, _: Call, grids: tuple[Grid, ...]) -> Grid:
    left, right = grids
    made = (work.product((x, y)) for x in left.items for y in right.items)
    return grid((*left.shape, *right.shape), made)


def _reduction(combine: Callable[[Operations, tuple[Expr, ...]], Expr]) -> Rule:
    def rule(work: Operations, call: Call, grids: tuple[Grid, ...]) -> Grid:
        options, (one,) = whole(call.options), grids
        axis, keep = options.get("axis"), "keepdims" in options
        shape = (1,) * len(one.shape) if keep else ()
        if axis is not None:
            shape = (*one.shape[:axis], *((1,) if keep else ()), *one.shape[axis + 1 :])
        return grid(shape, (combine(work, items) for items in groups(one, axis)))

    return rule


def _chain(function: str) -> Callable[[Operations, tuple[Expr, ...]], Expr]:
    """max(max(a, b), c): a tie goes to the first."""
    return lambda work, items: reduce(lambda x, y: work.make(function, x, y), items)


def _logsumexp(work: Operations, items: tuple[Expr, ...]) -> Expr:
    """By its definition: balls have exponents of any size, so that nothing overflows and no branch is added."""
    return work.make("log", work.total(work.make("exp", item) for item in items))


def _softmax(work: Operations, call: Call, grids: tuple[Grid, ...]) -> Grid:
    """exp(x_i) over the sum of them, by its definition, as logsumexp."""
    axis, one = whole(call.options)["axis"], grids[0]
    powers = one.map(lambda item: work.make("exp", item))
    totals = [work.total(items) for items in groups(powers, axis)]
    shape = (*one.shape[:axis], *one.shape[axis + 1 :])
    below = grid(shape, totals)
    made = (work.make("div", powers[place], below[(*place[:axis], *place[axis + 1 :])]) for place in places(one.shape))
    return grid(one.shape, made)


def _det(work: Operations, _: Call, grids: tuple[Grid, ...]) -> Grid:
    return Grid((), (determinant(grids[0], work.make),))


def _inv(work: Operations, _: Call, grids: tuple[Grid, ...]) -> Grid:
    """The adjugate over the determinant."""
    below = determinant(grids[0], work.make)
    return adjugate(grids[0], work.make).map(lambda item: work.make("div", item, below))


def _numbers(work: Operations, call: Call, start: int) -> tuple[int, ...]:
    found = [work.size(arg) for arg in call.args[start:]]
    if any(size is None for size in found):
        message = f"{call.function}(…) has a size that is no number"
        raise UnsupportedError(message, span=call.span)
    return tuple(size for size in found if size is not None)


def _sizes(work: Operations, call: Call, start: int) -> tuple[int, ...]:
    sizes = _numbers(work, call, start)
    work.spend(prod(sizes))
    return sizes


def _reshape(work: Operations, call: Call, grids: tuple[Grid, ...]) -> Grid:
    return grid(_sizes(work, call, 1), grids[0].items)


def _concat(_: Operations, call: Call, grids: tuple[Grid, ...]) -> Grid:
    axis = whole(call.options).get("axis", 0)
    owner = [(one, k) for one in grids for k in range(one.shape[axis])]
    shape = (*grids[0].shape[:axis], len(owner), *grids[0].shape[axis + 1 :])
    made = []
    for place in places(shape):
        one, k = owner[place[axis]]
        made.append(one[(*place[:axis], k, *place[axis + 1 :])])
    return grid(shape, made)


def _portion(work: Operations, call: Call, grids: tuple[Grid, ...]) -> Grid:
    one, axis = grids[0], whole(call.options).get("axis", 0)
    start, count = _numbers(work, call, 1)
    if start < 0 or start + count > one.shape[axis]:
        message = f"there are no {count} entries from {start} on among {one.shape[axis]}"
        raise UnsupportedError(message, hint="use larger sizes, or a smaller part", span=call.span)
    shape = (*one.shape[:axis], count, *one.shape[axis + 1 :])
    return grid(shape, (one[(*place[:axis], place[axis] + start, *place[axis + 1 :])] for place in places(shape)))


def _array(_: Operations, __: Call, grids: tuple[Grid, ...]) -> Grid:
    return grid((len(grids), *grids[0].shape), (item for one in grids for item in one.items))


def _filled(value: Expr) -> Rule:
    def rule(work: Operations, call: Call, _: tuple[Grid, ...]) -> Grid:
        shape = _sizes(work, call, 0)
        return grid(shape, (value for _ in places(shape)))

    return rule


def _eye(work: Operations, call: Call, _: tuple[Grid, ...]) -> Grid:
    shape = _sizes(work, call, 0) * 2
    work.spend(prod(shape))
    return grid(shape, (ONE if row == column else ZERO for row, column in places(shape)))


def _pool(combine: Callable[..., Expr]) -> Rule:
    def rule(work: Operations, call: Call, grids: tuple[Grid, ...]) -> Grid:
        (window,) = _sizes(work, call, 1)
        return pooled(grids[0], window, whole(call.options), combine, work.make)

    return rule


def _convolution(made: Callable[..., Grid]) -> Rule:
    """conv2d, or what it sends back: the image and the kernel come last."""

    def rule(work: Operations, call: Call, grids: tuple[Grid, ...]) -> Grid:
        options = whole(call.options)
        work.expect(products(grids[-2].shape, grids[-1].shape, options))
        return made(*grids, options, work.make)

    return rule


def _pool_back(share: Callable[..., Iterable[Expr]]) -> Rule:
    def rule(work: Operations, call: Call, grids: tuple[Grid, ...]) -> Grid:
        (window,) = _sizes(work, call, 2)
        return sent_to_pooled(grids[0], grids[1], window, whole(call.options), share, work.make)

    return rule


ENTRY_RULES: dict[str, Rule] = {
    "matmul": _matmul,
    "transpose": _transpose,
    "outer": _outer,
    "sum": _reduction(Operations.total),
    "prod": _reduction(Operations.product),
    "amax": _reduction(_chain("maximum")),
    "amin": _reduction(_chain("minimum")),
    "logsumexp": _reduction(_logsumexp),
    "softmax": _softmax,
    "det": _det,
    "inv": _inv,
    "reshape": _reshape,
    "concat": _concat,
    "part": _portion,
    "array": _array,
    "ones": _filled(ONE),
    "zeros": _filled(ZERO),
    "eye": _eye,
    "conv2d": _convolution(convolved),
    "maxpool2d": _pool(largest),
    "avgpool2d": _pool(average),
}
# what a window sends back has no formula in matrices, only entries
SENT_BACK_RULES: dict[str, Rule] = {
    sending("conv2d", 0): _convolution(sent_to_image),
    sending("conv2d", 1): _convolution(sent_to_kernel),
    sending("maxpool2d", 0): _pool_back(to_largest),
    sending("avgpool2d", 0): _pool_back(equally),
}
