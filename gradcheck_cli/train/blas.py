"""The matrix products of NumPy's own BLAS, called directly: NumPy's wrappers cost more than a small product does.

NumPy's wheels bring OpenBLAS under names of their own; where it is not found, NumPy's functions are used instead.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112
FEW = 4  # so few rows are faster one by one,
PACKED = 4096  # unless the other matrix has so few entries: a product packs it
_NAMES = (("scipy_", "64_", ctypes.c_int64), ("", "64_", ctypes.c_int64))


@dataclass(frozen=True, slots=True)
class Blas:
    """The library with its naming and its integer type."""

    library: Any
    prefix: str
    suffix: str
    integer: Any

    def function(self, name: str) -> Any:
        """A function of it, with every argument passed as it is given."""
        found = getattr(self.library, f"{self.prefix}{name}{self.suffix}")
        found.restype = None
        return found

    def core(self) -> str:
        """Which processor its kernels are for."""
        named = getattr(self.library, f"{self.prefix}openblas_get_corename{self.suffix}")
        named.restype = ctypes.c_char_p
        return str(named().decode())

    def set_threads(self, count: int) -> None:
        """How many threads a product may take."""
        self.function("openblas_set_num_threads")(ctypes.c_int(count))


@cache
def find() -> Blas | None:
    """NumPy's own OpenBLAS, or None."""
    package = Path(np.__file__).parent
    folders = (package.parent / "numpy.libs", package / ".dylibs")
    for path in sorted(path for folder in folders if folder.is_dir() for path in folder.glob("*openblas*")):
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for prefix, suffix, integer in _NAMES:
            if hasattr(library, f"{prefix}cblas_sgemm{suffix}"):
                return Blas(library, prefix, suffix, integer)
    return None


@dataclass(slots=True)
class Operand:
    """A matrix for BLAS: an array that stays where it is, or a pointer that moves from step to step."""

    shape: tuple[int, int]
    stride: int
    pointer: ctypes.c_void_p


def operand(array: Any) -> Operand:
    """An array of one or two axes with its rows in one piece."""
    rows, columns = array.shape if array.ndim == 2 else (1, array.size)
    stride = array.strides[0] // array.itemsize if array.ndim == 2 and rows > 1 else columns
    return Operand((rows, columns), max(stride, 1), ctypes.c_void_p(array.ctypes.data))


def fits(array: Any) -> bool:
    """Whether BLAS can read the array: entries of a row side by side."""
    return array.dtype in (np.float32, np.float64) and (array.ndim < 2 or array.strides[1] == array.itemsize)


def product(
    blas: Blas, dtype: Any, out: Operand, left: Operand, right: Operand, attrs: dict[str, Any]
) -> Callable[[], object]:
    """A call that does out = beta*out + alpha*left @ right, as a product with a vector where one operand is one."""
    letter, real = ("s", ctypes.c_float) if dtype == np.float32 else ("d", ctypes.c_double)
    integer, alpha, beta = blas.integer, real(attrs["alpha"]), real(attrs["beta"])
    left_t, right_t = attrs["left_t"], attrs["right_t"]
    m, n = out.shape
    k = left.shape[0] if left_t else left.shape[1]
    if (m == 1 and left.stride == max(left.shape)) or (m == 1 and not left_t):
        flag = _PLAIN if right_t else _TRANSPOSED  # a row times a matrix is the matrix transposed times a column
        args: tuple[Any, ...] = (
            _ROW_MAJOR,
            flag,
            integer(right.shape[0]),
            integer(right.shape[1]),
            alpha,
            right.pointer,
        )
        args += (integer(right.stride), left.pointer, integer(1), beta, out.pointer, integer(1))
        return partial(blas.function(f"cblas_{letter}gemv"), *args)
    if k == 1 and attrs["beta"] == 1 and _contiguous(left) and _contiguous(right):
        args = (_ROW_MAJOR, integer(m), integer(n), alpha, left.pointer, integer(1), right.pointer)
        args += (integer(1), out.pointer, integer(out.stride))
        return partial(blas.function(f"cblas_{letter}ger"), *args)
    flags = (_ROW_MAJOR, _TRANSPOSED if left_t else _PLAIN, _TRANSPOSED if right_t else _PLAIN)
    args = (*flags, integer(m), integer(n), integer(k), alpha, left.pointer, integer(left.stride))
    args += (right.pointer, integer(right.stride), beta, out.pointer, integer(out.stride))
    return partial(blas.function(f"cblas_{letter}gemm"), *args)


def _contiguous(one: Operand) -> bool:
    return one.shape[0] == 1 or one.stride == one.shape[1]


def rows(one: Operand, itemsize: int) -> list[Operand]:
    """The rows of a matrix that stays where it is, each as an operand."""
    start = one.pointer.value or 0
    return [
        Operand((1, one.shape[1]), one.shape[1], ctypes.c_void_p(start + row * one.stride * itemsize))
        for row in range(one.shape[0])
    ]


def axpy(blas: Blas, dtype: Any, alpha: float, source: Any, target: Any) -> Callable[[], object]:
    """A call that does target += alpha*source on contiguous arrays."""
    letter, real = ("s", ctypes.c_float) if dtype == np.float32 else ("d", ctypes.c_double)
    integer = blas.integer
    args = (integer(target.size), real(alpha), ctypes.c_void_p(source.ctypes.data), integer(1))
    return partial(blas.function(f"cblas_{letter}axpy"), *args, ctypes.c_void_p(target.ctypes.data), integer(1))
