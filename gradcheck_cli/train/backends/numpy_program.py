"""A program as a list of calls with their operands bound: the arrays they work on, and how a step is run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.train.backends import blas
from gradcheck_cli.train.backends.memory import aligned
from gradcheck_cli.train.backends.moving import Moving, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gradcheck_cli.train.programs.program import Program, Ref

Array = Any
SMALL = 4096  # up to so many numbers an operand of the full shape beats broadcasting a single one


@dataclass(slots=True)
class NumpyProgram:
    """A program bound to parameters and states; `run` does steps over rows of data."""

    program: Program
    dtype: Any
    params: Mapping[str, Array]
    states: Mapping[str, Array]
    calls: list[Callable[[], object]] = field(default_factory=list)
    buffers: list[Array] = field(default_factory=list)
    moving: Moving = field(default_factory=Moving)
    copied: dict[str, Array] = field(default_factory=dict)
    uniforms: dict[tuple[str, float], list[Array]] = field(default_factory=dict)
    records: dict[str, Array] = field(default_factory=dict)
    _scratch: dict[tuple[Any, ...], Array] = field(default_factory=dict)
    _arrays: dict[tuple[Any, ...], Array] = field(default_factory=dict)
    library: blas.Blas | None = None

    def run(
        self, feeds: Mapping[str, Array], steps: int, scalars: Mapping[str, Array], records: Mapping[str, Array]
    ) -> None:
        """Do `steps` steps; feeds, scalars and records have a first axis of steps and the program's dtype."""
        moving = self.moving.plan(feeds, records, steps, self.dtype)
        copies = [(buffer, feeds[name]) for name, buffer in self.copied.items()]
        varying = self._varying(steps, scalars)
        outs = [(self.records[name], records[name]) for name in self.records]
        calls = self.calls
        with np.errstate(all="ignore"):
            for step in range(steps):
                for held, values in moving:
                    held.value = values[step]
                for buffer, rows in copies:
                    buffer[...] = rows[step]
                for coefficient, arrays, numbers in varying:
                    for array in arrays:
                        array.fill(coefficient * numbers[step])
                for call in calls:
                    call()
                for buffer, rows in outs:
                    rows[step] = buffer

    def _varying(self, steps: int, scalars: Mapping[str, Array]) -> list[tuple[float, list[Array], Array]]:
        """The arrays of scalars that change from step to step; those of others are filled now."""
        varying = []
        for (name, coefficient), arrays in self.uniforms.items():
            if not name:
                continue
            numbers = scalars[name]
            if steps and (numbers[:steps] == numbers[0]).all():
                for array in arrays:
                    array.fill(coefficient * numbers[0])
            else:
                varying.append((coefficient, arrays, numbers))
        return varying

    # what instructions need

    def array(self, ref: Ref) -> Array:
        """The array of an operand: one object for the same memory and shape, or NumPy looks for overlaps at each call."""
        key = (ref.kind, ref.key, ref.shape)
        if key not in self._arrays:
            self._arrays[key] = self._array(ref)
        return self._arrays[key]

    def _array(self, ref: Ref) -> Array:
        if ref.kind == "buffer":
            return self.buffers[ref.key][: math.prod(ref.shape)].reshape(ref.shape)
        if ref.kind == "feed":
            if ref.key not in self.copied:
                self.copied[ref.key] = aligned(math.prod(self.program.feeds[ref.key]), self.dtype).reshape(
                    self.program.feeds[ref.key]
                )
            return self.copied[ref.key].reshape(ref.shape)
        if ref.kind in ("param", "state"):
            held = (self.params if ref.kind == "param" else self.states)[ref.key]
            return held if held.shape == ref.shape else _viewed(held, ref.shape)
        return self.uniform(ref.key, ref.shape if math.prod(ref.shape) <= SMALL else ())

    def uniform(self, key: tuple[str, float], shape: tuple[int, ...]) -> Array:
        """An array full of one number; that of a step's scalar is filled again when it changes."""
        for array in self.uniforms.setdefault(key, []):
            if array.shape == shape:
                return array
        array = np.full(shape, 0.0 if key[0] else key[1], self.dtype)
        self.uniforms[key].append(array)
        return array

    def real(self, key: tuple[str, float]) -> Any:
        """A uniform number as an argument of BLAS; that of a step's scalar is set again when it changes."""
        number = blas.real(self.dtype)[1](key[1])
        if not key[0]:
            return blas.fixed(number)
        self.uniforms.setdefault(key, []).append(np.frombuffer(number, self.dtype))
        return number

    def scratch(self, shape: tuple[int, ...], which: int = 0) -> Array:
        """Memory that an instruction may use while it runs."""
        size = math.prod(shape)
        if (size, which) not in self._scratch:
            self._scratch[size, which] = aligned(max(size, 1), self.dtype)[:size]
        return self._arrays.setdefault(("scratch", which, shape), self._scratch[size, which].reshape(shape))

    def operand(self, ref: Ref, *, spanned: bool = False) -> blas.Operand:
        """A matrix for BLAS; a feed's is where the step's rows lie, or the first column of them that counts."""
        if ref.kind == "feed" and len(ref.shape) <= 2:
            rows, columns = ref.shape if len(ref.shape) == 2 else (1, math.prod(ref.shape))
            pointer = self.moving.row(ref.key, columns=columns if spanned else 0)
            return blas.Operand((rows, columns), max(columns, 1), pointer, moves=True)
        return blas.operand(self.array(ref))

    def rows(self, ref: Ref, *, spanned: bool = False) -> list[blas.Operand]:
        """The rows of a matrix, each as an operand."""
        if ref.kind != "feed":
            return blas.rows(blas.operand(self.array(ref)), self.dtype.itemsize)
        count, columns = ref.shape
        offsets = [row * columns * self.dtype.itemsize for row in range(count)]
        pointers = [self.moving.row(ref.key, offset, columns if spanned else 0) for offset in offsets]
        return [blas.Operand((1, columns), columns, pointer, moves=True) for pointer in pointers]

    def span(self, ref: Ref, other: blas.Operand) -> tuple[Any, blas.Operand]:
        """How many columns of a feed's rows count, and a matrix with a row for each column, from the first of those on."""
        assert self.library is not None  # noqa: S101 - asked before
        columns = other.shape[0]
        span = self.moving.spans.setdefault((ref.key, columns), Span(self.library.integer(columns)))
        start, stride = other.pointer.value or 0, other.stride * self.dtype.itemsize
        return span.count, other.beside(self.moving.along(ref.key, columns, start, stride))


def _viewed(array: Array, shape: tuple[int, ...]) -> Array:
    """The same memory in another shape; refused where that would be a copy."""
    view = array.view()
    try:
        view.shape = shape
    except AttributeError as error:
        message = "a parameter is used in a shape that its rows do not have"
        raise UnsupportedError(message) from error
    return view
