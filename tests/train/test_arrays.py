"""Memory for programs: what a compiled program writes behind the last number is still its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.train.backends.memory import padded, stride
from gradcheck_cli.train.programs.program import LANES


@given(st.lists(st.integers(1, 40), max_size=3).map(tuple), st.sampled_from(["float32", "float64"]))
def test_room_for_whole_vectors(shape, dtype):
    array = padded(shape, dtype)
    assert array.shape == shape
    assert array.ctypes.data % 64 == 0
    whole = array
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    last = array.ctypes.data - whole.ctypes.data + array.itemsize * _written(shape)
    assert whole.nbytes >= last


def _written(shape):
    """How many numbers whole vectors reach."""
    count = shape[0] * stride(shape) if len(shape) == 2 else math.prod(shape)
    return -(-count // LANES) * LANES


@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (), (1, 17)])
def test_smallest_shapes(shape):
    test_room_for_whole_vectors.hypothesis.inner_test(shape, "float64")
