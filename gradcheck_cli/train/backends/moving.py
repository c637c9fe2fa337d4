"""What changes from step to step in calls with bound operands: where a step's rows and records lie, and how much of rows counts."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = 8  # numbers that are looked at together: the kernels of products take so many at once


@dataclass(slots=True)
class Span:
    """From the first to the last column of a step's rows that is not all 0: the others change no product.

    `pointers` go with it: the address of the first column, and the bytes from one column to the next.
    """

    count: Any
    pointers: list[tuple[ctypes.c_void_p, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Moving:
    """Pointers and counts by feed or record; each is one object, which all calls that need it share.

    A span belongs to a feed that is seen as rows of so many columns.
    """

    rows: dict[tuple[str, int, int], ctypes.c_void_p] = field(default_factory=dict)
    records: dict[str, ctypes.c_void_p] = field(default_factory=dict)
    spans: dict[tuple[str, int], Span] = field(default_factory=dict)

    def row(self, feed: str, offset: int = 0, columns: int = 0) -> ctypes.c_void_p:
        """Where a step's rows of a feed begin, so many bytes further on; with `columns` where those begin that count."""
        return self.rows.setdefault((feed, offset, columns), ctypes.c_void_p())

    def record(self, name: str) -> ctypes.c_void_p:
        """Where a step's record goes."""
        return self.records.setdefault(name, ctypes.c_void_p())

    def along(self, feed: str, columns: int, address: int, stride: int) -> ctypes.c_void_p:
        """A pointer that goes along with the first column that counts."""
        pointer = ctypes.c_void_p()
        self.spans[feed, columns].pointers.append((pointer, address, stride))
        return pointer

    def plan(
        self, feeds: Mapping[str, Any], records: Mapping[str, Any], steps: int, dtype: Any
    ) -> list[tuple[Any, list[int]]]:
        """What has to be set in every step and its values; what stays the same is set now."""
        first, found = {}, []
        for key, span in self.spans.items():
            first[key], count = _counted(feeds[key[0]][:steps], key[1])
            found.append((span.count, count))
            found += [(pointer, address + first[key] * stride) for pointer, address, stride in span.pointers]
        for (name, offset, columns), pointer in self.rows.items():
            places = _places(feeds[name], steps, dtype) + offset
            found.append((pointer, places + first[name, columns] * dtype.itemsize if columns else places))
        found += [(pointer, _places(records[name], steps, dtype)) for name, pointer in self.records.items()]
        moving = []
        for held, values in found:
            if steps and (values == values[0]).all():
                held.value = int(values[0])
            else:
                moving.append((held, values.tolist()))
        return moving


def _places(rows: Any, steps: int, dtype: Any) -> Any:
    """The address of each step's rows."""
    assert rows.flags.c_contiguous and rows.dtype == dtype and len(rows) >= steps  # noqa: S101, PT018
    return rows.ctypes.data + rows.strides[0] * np.arange(steps, dtype=np.int64)


def _counted(rows: Any, columns: int) -> tuple[Any, Any]:
    """The first column that counts and their number, for each step: whole groups."""
    groups = columns // GROUP
    there = ((rows != 0).reshape(len(rows), -1).view(np.uint64) != 0).reshape(len(rows), -1, groups).any(axis=1)
    first = there.argmax(axis=1)
    last = groups - there[:, ::-1].argmax(axis=1)
    return first * GROUP, (last - first) * GROUP
