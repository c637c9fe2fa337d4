"""Programs in NumPy: always there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.train.backends import blas
from gradcheck_cli.train.backends.memory import aligned
from gradcheck_cli.train.backends.numpy_fusing import fused
from gradcheck_cli.train.backends.numpy_program import NumpyProgram
from gradcheck_cli.train.backends.numpy_rules import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.train.programs.program import Program

Array = Any


def bind(program: Program, dtype: Any, params: Mapping[str, Array], states: Mapping[str, Array]) -> NumpyProgram:
    """The program ready to run on these parameters and states, which it changes in place."""
    found = NumpyProgram(program, np.dtype(dtype), params, states, library=blas.find())
    found.buffers = [aligned(size, dtype) for size in program.buffers]
    for one in fused(program.instructions) if found.library is not None else program.instructions:
        if one.op in RULES:
            found.calls.extend(RULES[one.op](found, one))
        else:
            message = f"{one.op} has no place in the NumPy back end"
            raise UnsupportedError(message, hint="the tape can train it: --backend tape")
    return found


class NumpyBackend:
    """NumPy and its own BLAS: always there."""

    name = "numpy"

    def bind(
        self, program: Program, dtype: str, params: Mapping[str, Array], states: Mapping[str, Array]
    ) -> NumpyProgram:
        """A program on parameters and states, which it changes in place."""
        return bind(program, dtype, params, states)
