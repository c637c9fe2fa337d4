"""The tape's rules for entries and for sums over an index letter.

Inside a sum a letter is an axis: the outermost letter the last one, each further letter the one before, so that NumPy's
broadcasting lines them up and the innermost sum is over the first axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradcheck_cli.tape.arrays import ArrayRule

if TYPE_CHECKING:
    from gradcheck_cli.tape.arith import Array

Places = tuple[int | None, ...]


def _where(base: Array, indices: tuple[Array, ...], places: Places) -> tuple[tuple[Array, ...], Array]:
    """Indices in whole numbers, a safe one where there is no such entry; and where there is one.

    `places` has the literal indices, which may count from the end, and None for those that are computed.
    """
    given = iter(indices)
    wanted = []
    for place, size in zip(places, base.shape, strict=False):
        wanted.append(next(given) if place is None else place + size if place < 0 else place)
    whole = np.broadcast_arrays(*(np.asarray(index, dtype=float) for index in wanted))
    there = np.ones(whole[0].shape, dtype=bool)
    for index, size in zip(whole, base.shape, strict=False):
        there &= (index == np.floor(index)) & (index >= 0) & (index < size)
    return tuple(np.where(there, index, 0.0).astype(int) for index in whole), there


def _fitting(there: Array, rank: int) -> Array:
    """The mask with an axis of size 1 for each axis that the indices leave."""
    return there.reshape(there.shape + (1,) * rank)


def entry(base: Array, *indices: Array, places: Places) -> Array:
    """The entries; undefined where an index is no whole number or there is no such entry."""
    whole, there = _where(base, indices, places)
    return np.where(_fitting(there, base.ndim - len(places)), base[whole], np.nan)


def scatter(total: Array, g: Array, *indices: Array, places: Places) -> None:
    """Add the adjoint of entries to that of their array, in place.

    A sum that is written out takes one entry of an array at a time: an array of zeros for each would be quadratic.
    """
    whole, there = _where(total, indices, places)
    np.add.at(total, whole, np.where(_fitting(there, total.ndim - len(places)), g, 0.0))


def _letter(count: int, depth: int) -> Array:
    return np.arange(count, dtype=float).reshape(count, *(1,) * depth)


def _over(body: Array, count: int, depth: int) -> Array:
    """The sum over the letter at `depth`; a body without it counts as often as the letter has values."""
    return body.sum(axis=0) if np.ndim(body) > depth else body * count


def _over_vjp(g: Array, _y: Array, body: Array, count: int, depth: int) -> tuple[Array, ...]:
    return (np.broadcast_to(g, np.shape(body)) if np.ndim(body) > depth else g * count,)


# an entry is none of them: its adjoint is added in place
LETTER_RULES: dict[str, ArrayRule] = {
    "letter": ArrayRule(_letter, lambda _g, _y, **_options: ()),
    "over": ArrayRule(_over, _over_vjp),
}
