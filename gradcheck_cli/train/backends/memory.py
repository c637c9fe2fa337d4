"""Memory for programs: aligned arrays, rows begun at multiples of a vector register."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.train.programs.program import whole

if TYPE_CHECKING:
    from gradcheck_cli.train.programs.ir import Shape

Array = Any


def aligned(count: int, dtype: Any) -> Array:
    """Zeros from an address that is a multiple of 64 on."""
    itemsize = np.dtype(dtype).itemsize
    raw = np.zeros(count * itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + count * itemsize].view(dtype)


def stride(shape: Shape) -> int:
    """From one row to the next, in numbers."""
    if len(shape) < 2 or shape[-1] == 1:
        return shape[-1] if shape else 1
    return whole(shape[-1])


def padded(shape: Shape, dtype: Any) -> Array:
    """Zeros of a shape; a matrix is a view of rows with room at their ends."""
    if len(shape) != 2:
        return aligned(whole(math.prod(shape)), dtype)[: math.prod(shape)].reshape(shape)
    count = shape[0] * stride(shape)
    memory = aligned(whole(count), dtype)  # also behind a single number: a compiled program writes whole vectors
    return memory[:count].reshape(shape[0], stride(shape))[:, : shape[1]]
