"""What a generator gave for a key, kept for the next time it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
MOST_KEPT = 500


class Kept:
    """Results by key; a generator is run no further than somebody looked."""

    def __init__(self) -> None:
        self._kept: dict[object, tuple[list[Any], Iterator[Any]]] = {}

    def of(self, key: object, make: Callable[[], Iterator[T]]) -> Iterator[T]:
        """What `make` gives, one after the other; what it has given before for this key is kept."""
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        found, more = self._kept.setdefault(key, ([], make()))
        at = 0
        while True:
            if at == len(found):
                following = next(more, None)
                if following is None:
                    return
                found.append(following)
            yield found[at]
            at += 1
