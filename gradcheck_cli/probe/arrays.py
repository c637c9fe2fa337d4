"""The probe's own forward rule of each function of arrays, from its definition: one row a primitive.

Operands are grids, sizes such as the 3 in `eye(3)` grids of shape (); options are whole numbers in normal form.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING

from gradcheck_cli.grids import Grid, grid, places
from gradcheck_cli.probe.elementary import exp, log, multiply
from gradcheck_cli.probe.images import avgpool2d, conv2d, maxpool2d
from gradcheck_cli.probe.numbers import CONTEXT, NAN, ONE, ZERO, Real, bounded, dot, largest, total

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


# -- entry by entry


def lifted(rule: Callable[..., Real]) -> Callable[..., Grid]:
    """The rule of single numbers applied entry by entry, after NumPy's broadcasting."""

    def on_grids(*operands: Grid) -> Grid:
        shape = operands[0].shape if operands else ()
        if any(operand.shape != shape for operand in operands):
            shape = _broadcast(*(operand.shape for operand in operands))
        if not operands:
            return Grid((), (rule(),))
        return Grid(shape, tuple(map(rule, *(_stretched(operand, shape) for operand in operands))))

    return on_grids


def _broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(max(sizes) for sizes in zip(*padded, strict=True))


def _stretched(operand: Grid, shape: tuple[int, ...]) -> tuple[Real, ...]:
    """The entries, repeated along each axis where the operand has size 1 or no such axis."""
    if operand.shape == shape:
        return operand.items
    items, block = operand.items, 1
    own = (1,) * (len(shape) - len(operand.shape)) + operand.shape
    for mine, wanted in zip(reversed(own), reversed(shape), strict=True):
        if mine != wanted:
            items = tuple(chain.from_iterable(part * wanted for part in _blocks(items, block)))
        block *= wanted
    return items


def _blocks(items: tuple[Real, ...], length: int) -> Iterator[tuple[Real, ...]]:
    """The entries in runs of one length."""
    return (items[start : start + length] for start in range(0, len(items), length))


# -- products


def _matmul(left: Grid, right: Grid) -> Grid:
    rows = list(_blocks(left.items, left.shape[-1]))
    width = right.shape[1] if len(right.shape) > 1 else 1
    columns = [right.items[column::width] for column in range(width)]
    return Grid((*left.shape[:-1], *right.shape[1:]), tuple(dot(row, column) for row in rows for column in columns))


def _transpose(x: Grid) -> Grid:
    shape = x.shape[::-1]
    return Grid(shape, tuple(x[place[::-1]] for place in places(shape)))


def _outer(left: Grid, right: Grid) -> Grid:
    return Grid((*left.shape, *right.shape), tuple(multiply(x, y) for x in left.items for y in right.items))


# -- along an axis


def _lanes(x: Grid, axis: int | None) -> Iterator[tuple[Real, ...]]:
    """The entries that differ in this axis alone, or all of them, for each place that is left."""
    if axis is None:
        yield x.items
        return
    inner = math.prod(x.shape[axis + 1 :])
    for block in _blocks(x.items, inner * x.shape[axis]):
        yield from (block[start::inner] for start in range(inner))


def _reduction(rule: Callable[[Sequence[Real]], Real]) -> Callable[..., Grid]:
    """A rule of many numbers, applied along an axis or to all entries; with `keepdims` the axis stays, of size 1."""

    def on_grid(x: Grid, axis: int | None = None, keepdims: int = 0) -> Grid:
        gone = range(len(x.shape)) if axis is None else (axis,)
        kept = [1 if at in gone else size for at, size in enumerate(x.shape) if keepdims or at not in gone]
        return Grid(tuple(kept), tuple(map(rule, _lanes(x, axis))))

    return on_grid


def _smallest(lane: Sequence[Real]) -> Real:
    return -largest([-x for x in lane])


def _logsumexp(lane: Sequence[Real]) -> Real:
    top = largest(lane)
    if not CONTEXT.isfinite(top):
        return top
    return total((top, log(CONTEXT.fsum([exp(x - top) for x in lane]))))


def _softmax(x: Grid, axis: int) -> Grid:
    """Each lane in proportion to its exponentials; the lanes of a block are then put side by side again."""
    inner = math.prod(x.shape[axis + 1 :])
    items: list[Real] = []
    shares = [_shares(lane) for lane in _lanes(x, axis)]
    for start in range(0, len(shares), inner):
        items.extend(chain.from_iterable(zip(*shares[start : start + inner], strict=True)))
    return grid(x.shape, items)


def _shares(lane: Sequence[Real]) -> list[Real]:
    top = largest(lane)
    powers = [exp(x - top) for x in lane]
    whole = CONTEXT.fsum(powers)
    return [power / whole for power in powers]


# -- square matrices


def _eliminated(rows: list[list[Real]]) -> Real:
    """Gauss and Jordan, with the largest pivot: the left square becomes I; the result is its determinant."""
    product = ONE
    for at in range(len(rows)):
        best = max(range(at, len(rows)), key=lambda row: abs(rows[row][at]))
        pivot = rows[best][at]
        if not pivot:
            return ZERO
        if best != at:
            rows[at], rows[best], product = rows[best], rows[at], -product
        product = bounded(product * pivot)
        top = rows[at] = [entry / pivot for entry in rows[at]]
        for place, row in enumerate(rows):
            factor = row[at]
            if place != at and factor:
                rows[place] = [total((x, -factor * y)) if y else x for x, y in zip(row, top, strict=True)]
    return product


def _known(x: Grid) -> bool:
    return all(map(CONTEXT.isfinite, x.items))


def _det(x: Grid) -> Grid:
    return Grid((), (_eliminated(list(map(list, _blocks(x.items, x.shape[1])))) if _known(x) else NAN,))


def _inv(x: Grid) -> Grid:
    size = x.shape[0]
    unit = _unit(size)
    rows = [[*row, *one] for row, one in zip(_blocks(x.items, size), _blocks(unit.items, size), strict=True)]
    if not _known(x) or not _eliminated(rows):
        return x.map(lambda _: NAN)
    return grid(x.shape, chain.from_iterable(row[size:] for row in rows))


# -- arrays made, and put into other shapes


def _sizes(numbers: tuple[Grid, ...]) -> tuple[int, ...]:
    return tuple(int(number.items[0]) for number in numbers)


def _reshape(x: Grid, *sizes: Grid) -> Grid:
    return grid(_sizes(sizes), x.items)


def _concat(*parts: Grid, axis: int = 0) -> Grid:
    first = parts[0].shape
    runs = [_blocks(part.items, math.prod(part.shape[axis:])) for part in parts]
    joined = sum(part.shape[axis] for part in parts)
    items = chain.from_iterable(chain.from_iterable(zip(*runs, strict=True)))
    return grid((*first[:axis], joined, *first[axis + 1 :]), items)


def _part(x: Grid, start: Grid, count: Grid, axis: int = 0) -> Grid:
    begin, taken = _sizes((start, count))
    inner = math.prod(x.shape[axis + 1 :])
    runs = (run[begin * inner : (begin + taken) * inner] for run in _blocks(x.items, inner * x.shape[axis]))
    return grid((*x.shape[:axis], taken, *x.shape[axis + 1 :]), chain.from_iterable(runs))


def _array(*parts: Grid) -> Grid:
    return grid((len(parts), *parts[0].shape), chain.from_iterable(part.items for part in parts))


def _filled(value: Real) -> Callable[..., Grid]:
    def of_sizes(*sizes: Grid) -> Grid:
        shape = _sizes(sizes)
        return Grid(shape, (value,) * math.prod(shape))

    return of_sizes


def _unit(size: int) -> Grid:
    return Grid((size, size), tuple(ONE if row == column else ZERO for row, column in places((size, size))))


ARRAY_RULES: dict[str, Callable[..., Grid]] = {
    "matmul": _matmul,
    "transpose": _transpose,
    "outer": _outer,
    "sum": _reduction(total),
    "prod": _reduction(lambda lane: multiply(*lane)),
    "amax": _reduction(largest),
    "amin": _reduction(_smallest),
    "logsumexp": _reduction(_logsumexp),
    "softmax": _softmax,
    "det": _det,
    "inv": _inv,
    "reshape": _reshape,
    "concat": _concat,
    "part": _part,
    "array": _array,
    "ones": _filled(ONE),
    "zeros": _filled(ZERO),
    "eye": lambda size: _unit(*_sizes((size,))),
    "conv2d": conv2d,
    "maxpool2d": maxpool2d,
    "avgpool2d": avgpool2d,
}
