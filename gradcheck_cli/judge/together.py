"""Branches seen together: a term may count only where one kink is on its far side and a label is 0.

Each side of a kink may have been seen, and each value of a label, but never both at once: then a difference that only
shows there was never looked at. Where they depend on different inputs, a point with both is made of two that were met.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, TypeVar

from gradcheck_cli.judge.draws import TWO_VALUES

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

V = TypeVar("V")
S = TypeVar("S", bound="Hashable")
MOST = 24  # points that are made


def joined(
    met: Sequence[tuple[Mapping[str, V], frozenset[S]]], behind: Callable[[S], frozenset[str]]
) -> Iterator[dict[str, V]]:
    """Points with two sides at once that were only seen apart, made of points that were met, each with its sides.

    `behind` says which inputs decide about a side.
    """
    first_at: dict[S, Mapping[str, V]] = {}
    for values, sides in met:
        for side in sides:
            first_at.setdefault(side, values)
    made = 0
    for one, other in combinations(first_at, 2):
        below, others = behind(one), behind(other)
        if not below or not others or below & others or any(one in sides and other in sides for _, sides in met):
            continue
        made += 1
        if made > MOST:
            return
        yield {**first_at[one], **{name: first_at[other][name] for name in others if name in first_at[other]}}


def is_label(kind: str) -> bool:
    """Whether an input has one of two values, so that it may switch a term off."""
    return kind in TWO_VALUES
