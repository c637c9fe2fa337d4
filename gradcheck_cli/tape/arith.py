"""What the rules of the tape have in common: an exact zero absorbs whatever stands beside it, sums go to a shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.grids import Grid

if TYPE_CHECKING:
    from collections.abc import Callable

Array = Any  # numpy.ndarray of float64, or a NumPy scalar


def product(*factors: Array) -> Array:
    """An exact zero absorbs an infinite or undefined factor beside it, as in 0*log(-3)."""
    result = np.asarray(1.0)
    for factor in factors:
        result = result * factor
    if np.isfinite(result).all():
        return result + 0.0  # -0 is 0
    zero = np.asarray(False)
    for factor in factors:
        zero = zero | (np.asarray(factor) == 0)
    return np.where(zero, 0.0, result)


def bilinear(form: Callable[[Array, Array], Array], a: Array, b: Array) -> Array:
    """A sum of products of entries of a and b, such as a matrix product, in which an exact zero absorbs its factor.

    What is infinite or undefined is left out of the sum, and put in again where its factor is not zero.
    """
    if np.isfinite(a).all() and np.isfinite(b).all():
        return form(a, b)
    x, y = (np.where(np.isfinite(part), part, 0.0) for part in (a, b))

    def meet(left: Array, right: Array) -> Array:
        return form(left.astype(float), right.astype(float)) > 0

    up = meet(a == np.inf, b > 0) | meet(a == -np.inf, b < 0) | meet(x > 0, b == np.inf) | meet(x < 0, b == -np.inf)
    down = meet(a == np.inf, b < 0) | meet(a == -np.inf, b > 0) | meet(x < 0, b == np.inf) | meet(x > 0, b == -np.inf)
    undefined = meet(np.isnan(a), b != 0) | meet(a != 0, np.isnan(b)) | (up & down)
    sums = form(x, y) + np.where(up, np.inf, 0.0) - np.where(down, np.inf, 0.0)
    return np.where(undefined, np.nan, sums)


def summed(adjoint: Array, shape: tuple[int, ...]) -> Array:
    """An adjoint summed over the axes along which its operand was broadcast."""
    adjoint = np.asarray(adjoint)
    while adjoint.ndim > len(shape):
        adjoint = adjoint.sum(axis=0)
    axes = tuple(axis for axis, size in enumerate(shape) if size == 1 and adjoint.shape[axis] != 1)
    return adjoint.sum(axis=axes, keepdims=True) if axes else adjoint


def real(value: Any) -> float:
    """The nearest double; infinite where there is none."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def array(value: Any) -> Array:
    """A number, an array, nested lists or a grid in float64. Raises ValueError for lists of unequal length."""
    if isinstance(value, Grid):
        return np.array([real(item) for item in value.items], dtype=float).reshape(value.shape)
    if isinstance(value, (list, tuple)):
        given = np.array(value, dtype=object)
        if any(isinstance(item, (list, tuple)) for item in given.flat):
            message = "the lists of an array have unequal lengths"
            raise ValueError(message)
        return np.array([real(item) for item in given.flat], dtype=float).reshape(given.shape)
    return np.asarray(value, dtype=float)
