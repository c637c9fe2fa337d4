"""The matrix products of NumPy's own BLAS, called directly: NumPy's wrappers cost more than a small product does.

NumPy's wheels bring OpenBLAS under names of their own; where it is not found, NumPy's functions are used instead.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Operand:
    """A matrix for BLAS: an array that stays where it is, or a pointer that `moves` from step to step."""

    shape: tuple[int, int]
    stride: int
    pointer: ctypes.c_void_p
    moves: bool = False

    @property
    def passed(self) -> Any:
        """The pointer as an argument."""
        return self.pointer if self.moves else fixed(self.pointer)

    def beside(self, pointer: ctypes.c_void_p) -> Operand:
        """The same matrix where a pointer that moves says."""
        return replace(self, pointer=pointer, moves=True)


def operand(array: Any) -> Operand:
    """An array of one or two axes with its rows in one piece."""
    rows, columns = array.shape if array.ndim == 2 else (1, array.size)
    stride = array.strides[0] // array.itemsize if array.ndim == 2 and rows > 1 else columns
    return Operand((rows, columns), max(stride, 1), ctypes.c_void_p(array.ctypes.data))


def fits(array: Any) -> bool:
    """Whether BLAS can read the array: entries of a row side by side."""
    return array.dtype in (np.float32, np.float64) and (array.ndim < 2 or array.strides[1] == array.itemsize)


def fixed(number: Any) -> Any:
    """An argument that never changes, converted once: ctypes converts others again at every call."""
    return type(number).from_param(number.value)


def real(dtype: Any) -> tuple[str, Any]:
    """The letter of a real type in BLAS, and its type in C."""
    return ("s", ctypes.c_float) if dtype == np.float32 else ("d", ctypes.c_double)


def product(
    blas: Blas, dtype: Any, out: Operand, left: Operand, right: Operand, attrs: dict[str, Any], count: Any = None
) -> Callable[[], object]:
    """A call that does out = beta*out + alpha*left @ right, as a product with a vector where one operand is one.

    `count` is a number of columns of `left` that changes from step to step, the others being left out.
    """
    letter, kind = real(dtype)
    alpha, beta = fixed(kind(attrs["alpha"])), fixed(kind(attrs["beta"]))
    left_t, right_t = attrs["left_t"], attrs["right_t"]
    (m, n), k = out.shape, left.shape[0 if left_t else 1]

    def size(number: int) -> Any:
        return fixed(blas.integer(number))

    if (m == 1 and left.stride == max(left.shape)) or (m == 1 and not left_t):
        flag = _PLAIN if right_t else _TRANSPOSED  # a row times a matrix is the matrix transposed times a column
        args: tuple[Any, ...] = (_int(_ROW_MAJOR), _int(flag), count or size(right.shape[0]), size(right.shape[1]))
        args += (alpha, right.passed, size(right.stride), left.passed, size(1), beta, out.passed, size(1))
        return partial(blas.function(f"cblas_{letter}gemv"), *args)
    many, inner = (count or size(m), size(k)) if left_t else (size(m), count or size(k))
    if k == 1 and attrs["beta"] == 1 and _contiguous(left) and _contiguous(right) and _by_columns(dtype, m * n):
        args = (_int(_ROW_MAJOR), many, size(n), alpha, left.passed, size(1), right.passed)
        return partial(blas.function(f"cblas_{letter}ger"), *args, size(1), out.passed, size(out.stride))
    args = tuple(_int(one) for one in (_ROW_MAJOR, _flag(left_t), _flag(right_t)))
    args += (many, size(n), inner, alpha, left.passed, size(left.stride))
    args += (right.passed, size(right.stride), beta, out.passed, size(out.stride))
    return partial(blas.function(f"cblas_{letter}gemm"), *args)


def _int(number: int) -> Any:
    return fixed(ctypes.c_int(number))


def _flag(transposed: bool) -> int:  # noqa: FBT001
    return _TRANSPOSED if transposed else _PLAIN


def _by_columns(dtype: Any, size: int) -> bool:
    """Whether a column times a row is quicker by ger than by gemm: measured so for large matrices in float64 only."""
    return bool(dtype != np.float32) and size > PACKED


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
    letter, kind = real(dtype)
    one, size = fixed(blas.integer(1)), fixed(blas.integer(target.size))
    args = (size, fixed(kind(alpha)), operand(source.reshape(-1)).passed, one, operand(target.reshape(-1)).passed, one)
    return partial(blas.function(f"cblas_{letter}axpy"), *args)


def axpby(blas: Blas, dtype: Any, factors: tuple[Any, Any], source: Operand, target: Any) -> Callable[[], object]:
    """A call that does target = beta*target + alpha*source on contiguous numbers; the factors may change between calls."""
    one, size = fixed(blas.integer(1)), fixed(blas.integer(target.size))
    args = (size, factors[0], source.passed, one, factors[1], operand(target.reshape(-1)).passed, one)
    return partial(blas.function(f"cblas_{real(dtype)[0]}axpby"), *args)


def copy(blas: Blas, dtype: Any, source: Any, target: Operand) -> Callable[[], object]:
    """A call that copies a contiguous array."""
    one, size = fixed(blas.integer(1)), fixed(blas.integer(source.size))
    args = (size, operand(source.reshape(-1)).passed, one, target.passed, one)
    return partial(blas.function(f"cblas_{real(dtype)[0]}copy"), *args)


def norm(blas: Blas, dtype: Any, array: Any) -> Callable[[], float]:
    """A call that gives the root of the sum of squares of a contiguous array; no number where one of them is none."""
    letter, kind = real(dtype)
    function = blas.function(f"cblas_{letter}nrm2")
    function.restype = kind
    args = (fixed(blas.integer(array.size)), operand(array.reshape(-1)).passed, fixed(blas.integer(1)))
    return partial(function, *args)
