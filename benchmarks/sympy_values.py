"""The value of a SymPy matrix or array expression at concrete sizes, in NumPy, by rules of our own.

SymPy's own way (as_explicit, then subs) takes minutes for some results; what has no row here is not evaluable.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from sympy.tensor.array.expressions import array_expressions as arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class NotEvaluableError(Exception):
    """A node that stands for no number: an unevaluated derivative, an unknown operation."""


def value(expr: Any, known: Mapping[str, Any]) -> Any:
    """The value where symbols and matrices have the values in `known`, by name."""
    for kind in type(expr).__mro__:
        if kind in _ROWS:
            return _ROWS[kind](expr, known)
    if getattr(expr, "is_Number", False) or getattr(expr, "is_NumberSymbol", False):
        return float(expr)
    if type(expr).__name__ in _BY_NAME:
        return _BY_NAME[type(expr).__name__](*(value(arg, known) for arg in expr.args))
    raise NotEvaluableError(type(expr).__name__)


def _size(expr: Any, known: Mapping[str, Any]) -> int:
    return int(value(expr, known))


def _product(expr: Any, known: Mapping[str, Any]) -> Any:
    factor: Any = 1.0
    matrix = None
    for arg in expr.args:
        found = value(arg, known)
        if getattr(arg, "is_Matrix", False) or getattr(arg, "is_MatrixExpr", False):
            matrix = found if matrix is None else matrix @ found
        else:
            factor = factor * found
    return factor if matrix is None else factor * matrix


def _times(expr: Any, known: Mapping[str, Any]) -> Any:
    return math.prod(value(arg, known) for arg in expr.args)


def _apply(expr: Any, known: Mapping[str, Any]) -> Any:
    function, inner = expr.function, value(expr.expr, known)
    (dummy,) = function.variables
    return np.broadcast_to(value(function.expr, {**known, _key(dummy): inner}), np.shape(inner))


def _key(symbol: Any) -> Any:
    return symbol if isinstance(symbol, sympy.Dummy) else symbol.name


def _symbol(expr: Any, known: Mapping[str, Any]) -> Any:
    if _key(expr) not in known:
        raise NotEvaluableError(str(expr))
    return known[_key(expr)]


def _piecewise(expr: Any, known: Mapping[str, Any]) -> Any:
    found: Any = np.nan
    for part, condition in reversed(expr.args):
        holds = True if condition == sympy.true else value(condition, known)
        found = np.where(holds, value(part, known), found)
    return found


def _sum(expr: Any, known: Mapping[str, Any]) -> Any:
    total: Any = 0.0
    ranges = [(variable, _size(low, known), _size(high, known)) for variable, low, high in expr.limits]
    places: list[dict[Any, int]] = [{}]
    for variable, low, high in ranges:
        places = [{**place, _key(variable): at} for place in places for at in range(low, high + 1)]
    for place in places:
        total = total + value(expr.function, {**known, **place})
    return total


def _matrix_power(base: Any, exponent: float) -> Any:
    return np.power(base, exponent) if np.size(base) == 1 else np.linalg.matrix_power(base, int(exponent))


def _element(expr: Any, known: Mapping[str, Any]) -> Any:
    base = value(expr.parent, known)
    return base[_size(expr.i, known), _size(expr.j, known)]


def _contraction(expr: Any, known: Mapping[str, Any]) -> Any:
    inner = value(expr.expr, known)
    labels = list(range(np.ndim(inner)))
    gone = set()
    for group in expr.contraction_indices:
        for axis in group:
            labels[axis] = group[0]
        gone.add(group[0])
    return np.einsum(inner, labels, [label for label in labels if label not in gone])


def _diagonal(expr: Any, known: Mapping[str, Any]) -> Any:
    inner = value(expr.expr, known)
    labels = list(range(np.ndim(inner)))
    kept = []
    for group in expr.diagonal_indices:
        for axis in group:
            labels[axis] = group[0]
        kept.append(group[0])
    return np.einsum(inner, labels, [label for label in dict.fromkeys(labels) if label not in kept] + kept)


def _tensor(expr: Any, known: Mapping[str, Any]) -> Any:
    found: Any = np.array(1.0)
    for arg in expr.args:
        found = np.multiply.outer(found, value(arg, known))
    return found


def _all(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda expr, known: function(*(value(arg, known) for arg in expr.args))


def _plus(*terms: Any) -> Any:
    shapes = {np.shape(term) for term in terms if np.shape(term)}
    if len(shapes) > 1:
        raise NotEvaluableError(f"a sum of shapes {sorted(shapes)}")
    return sum(terms)


def _hadamard(*factors: Any) -> Any:
    if len({np.shape(factor) for factor in factors}) > 1:
        raise NotEvaluableError("an elementwise product of different shapes")
    return math.prod(factors)


def _dims(function: Callable[[tuple[int, ...]], Any]) -> Callable[..., Any]:
    return lambda expr, known: function(tuple(_size(arg, known) for arg in expr.shape))


def _diag(x: Any) -> Any:
    return np.diag(np.ravel(x))


_ROWS: dict[type, Callable[..., Any]] = {
    sympy.MatrixSymbol: lambda expr, known: np.asarray(known[expr.name]),
    sympy.Symbol: _symbol,
    sympy.MatMul: _product,
    sympy.Mul: _times,
    sympy.MatAdd: _all(_plus),
    sympy.Add: _all(_plus),
    sympy.Pow: _all(np.power),
    sympy.MatPow: _all(_matrix_power),
    sympy.HadamardProduct: _all(_hadamard),
    sympy.HadamardPower: _all(np.power),
    sympy.Transpose: lambda expr, known: value(expr.arg, known).T,
    sympy.Inverse: lambda expr, known: np.linalg.inv(value(expr.arg, known)),
    sympy.Trace: _all(np.trace),
    sympy.Determinant: _all(np.linalg.det),
    sympy.Identity: _dims(lambda shape: np.eye(shape[0])),
    sympy.OneMatrix: _dims(np.ones),
    sympy.ZeroMatrix: _dims(np.zeros),
    sympy.DiagMatrix: _all(_diag),
    sympy.DiagonalMatrix: _all(lambda x: np.diag(np.diag(x))),
    sympy.DiagonalOf: _all(lambda x: np.diag(x)[:, None]),
    sympy.Piecewise: _piecewise,
    sympy.Sum: _sum,
    sympy.KroneckerDelta: lambda expr, known: float(value(expr.args[0], known) == value(expr.args[1], known)),
    sympy.matrices.expressions.applyfunc.ElementwiseApplyFunction: _apply,
    sympy.matrices.expressions.matexpr.MatrixElement: _element,
    arrays.ArrayTensorProduct: _tensor,
    arrays.ArrayContraction: _contraction,
    arrays.ArrayDiagonal: _diagonal,
    arrays.ArrayAdd: _all(_plus),
    arrays.PermuteDims: lambda expr, known: np.transpose(value(expr.expr, known), expr.permutation.array_form),
    arrays.ArrayElementwiseApplyFunc: _apply,
    arrays.ZeroArray: _dims(np.zeros),
    arrays.OneArray: _dims(np.ones),
}
_BY_NAME: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("exp", "log", "sin", "cos", "sinh", "cosh", "tanh", "sign", "floor")},
    "Abs": np.abs,
    "asin": np.arcsin,
    "atan": np.arctan,
    "erf": np.vectorize(math.erf, otypes=[float]),
    "Max": lambda *args: np.max(np.broadcast_arrays(*args), axis=0),
    "Min": lambda *args: np.min(np.broadcast_arrays(*args), axis=0),
    "Heaviside": lambda x, half=0.5: np.heaviside(x, half),
    "DiracDelta": lambda x, *_: np.where(np.equal(x, 0), np.nan, 0.0),
    "StrictGreaterThan": np.greater,
    "GreaterThan": np.greater_equal,
    "StrictLessThan": np.less,
    "LessThan": np.less_equal,
}
