"""A case of gradients.yaml in SymPy's matrix expressions, and its derivative there.

[n] is a column; broadcasting is written with OneMatrix, elementwise functions with applyfunc. A scalar that comes of
matrices has three spellings: a 1x1 matrix with sums as products with ones ("entry"), one with sums of products as
A^T B and powers by applyfunc ("inner"), a trace. A 1x1 matrix becomes its entry [0, 0] where a number is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sympy
from sympy import (
    Dummy,
    HadamardPower,
    HadamardProduct,
    Identity,
    MatrixSymbol,
    OneMatrix,
    Piecewise,
    Rational,
    ZeroMatrix,
)
from sympy.matrices.expressions.diagonal import DiagMatrix

from gradcheck_cli.expr import Call, Expr, Index, Name, Num
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.lowering import lower
from gradcheck_cli.shapes import ONE, Shape, Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from corpus import Case

ENCODINGS = ("entry", "inner", "trace")


class NotExpressibleError(Exception):
    """The case uses what SymPy's matrix expressions have no word for."""


class Value(NamedTuple):
    """A SymPy expression; a scalar (shape ()) may be a 1x1 matrix still."""

    expr: Any
    shape: Shape

    @property
    def matrix(self) -> bool:
        return bool(getattr(self.expr, "is_Matrix", False) or getattr(self.expr, "is_MatrixExpr", False))


_UNARY: dict[str, Callable[[Any], Any]] = {
    **{
        name: getattr(sympy, name)
        for name in ("exp", "log", "sin", "cos", "sinh", "cosh", "tanh", "erf", "asin", "atan")
    },
    "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
    "relu": lambda x: sympy.Max(0, x),
    "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
    "abs": sympy.Abs,
    "sign": sympy.sign,
    "floor": sympy.floor,
    "step": lambda x: Piecewise((1, x > 0), (0, True)),
}


def derivative(case: Case, encoding: str) -> tuple[Any, Any]:
    """The composed output and its derivative. Raises NotExpressibleError, and whatever SymPy raises."""
    found = Translation(case, encoding)
    output = found.output()
    symbol = found.symbol(case.wrt)
    return output, output.diff(symbol)


class Translation:
    """One case in one encoding of scalars."""

    def __init__(self, case: Case, encoding: str) -> None:
        self.case = case
        self.encoding = encoding
        self.nodes: dict[str, Value] = {}

    def output(self) -> Any:
        for name, expr in self.case.nodes.items():
            self.nodes[name] = self.at(expr)
            if name == self.case.wrt:
                self.nodes[name] = Value(self.symbol(name), self.nodes[name].shape)
        return self.nodes[self.case.output].expr

    def symbol(self, name: str) -> Any:
        shape = self.case.known.names[name]
        if not shape:
            return sympy.Symbol(name, real=True)
        return MatrixSymbol(name, self.size(shape[0]), self.size(shape[1]) if len(shape) > 1 else 1)

    def size(self, one: Size) -> Any:
        return sympy.sympify(one.at({letter: _letter(letter) for letter in one.letters}))

    def dims(self, shape: Shape) -> tuple[Any, Any]:
        return self.size(shape[0]), self.size(shape[1]) if len(shape) > 1 else sympy.Integer(1)

    def scalar(self, value: Value) -> Any:
        """A SymPy scalar."""
        if not value.matrix:
            return value.expr
        return value.expr[0, 0] if self.encoding != "trace" else sympy.Trace(value.expr)

    def one(self, matrix: Any) -> Value:
        """A 1x1 matrix as a scalar."""
        found = Value(matrix, ())
        return found if self.encoding != "trace" else Value(self.scalar(found), ())

    def spread(self, value: Value, shape: Shape) -> Any:
        """Broadcast to a shape."""
        if not shape or value.shape == shape:
            return value.expr
        rows, columns = self.dims(shape)
        if not value.shape or all(one == ONE for one in value.shape):
            return self.scalar(value) * OneMatrix(rows, columns)
        if len(value.shape) == 1:
            return OneMatrix(rows, 1) * value.expr.T
        if len(shape) > 2 or len(shape) < len(value.shape):
            raise NotExpressibleError("axes")
        return OneMatrix(rows, 1) * value.expr if value.shape[0] == ONE else value.expr * OneMatrix(1, columns)

    def at(self, expr: Expr) -> Value:
        match expr:
            case Num():
                return Value(Rational(expr.value.numerator, expr.value.denominator), ())
            case Name():
                return self.name(expr.id)
            case Call():
                return self.call(expr)
            case Index() if all(isinstance(index, Num) for index in expr.indices):
                base = self.at(expr.base)
                if len(expr.indices) == len(base.shape):
                    places = [int(index.value) for index in expr.indices if isinstance(index, Num)]
                    return Value(base.expr[places[0], places[1] if len(places) > 1 else 0], ())
        raise NotExpressibleError("indices")

    def name(self, name: str) -> Value:
        if name in self.nodes:
            return self.nodes[name]
        if name in self.case.known.letters:
            return Value(_letter(name), ())
        return Value(self.symbol(name), self.case.known.names[name])

    def call(self, expr: Call) -> Value:
        typed = lower(expr, self.case.known)
        special = getattr(self, f"on_{expr.function}", None)
        if special is not None:
            return Value(*special(expr, [self.at(arg) for arg in expr.args], typed.shape))
        if expr.function in _UNARY:
            return Value(self.each(_UNARY[expr.function], self.at(expr.args[0])), typed.shape)
        if expr.function in FUNCTIONS and FUNCTIONS[expr.function].means and typed.expr != expr:
            return self.at(typed.expr)
        if expr.function == "count":
            return self.at(typed.expr)
        raise NotExpressibleError(expr.function)

    def each(self, function: Callable[[Any], Any], value: Value) -> Any:
        if not value.matrix:
            return function(value.expr)
        entry = Dummy("d", real=True)
        return value.expr.applyfunc(sympy.Lambda(entry, function(entry)))

    def on_add(self, _expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        if not shape and not all(arg.matrix for arg in args):
            return sum(self.scalar(arg) for arg in args), shape
        parts = [self.spread(arg, shape) for arg in args]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total, shape

    def on_neg(self, _expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return -args[0].expr, shape

    def on_mul(self, _expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        arrays = [arg for arg in args if (arg.shape and not self.single(arg, shape)) or (not shape and arg.matrix)]
        if not shape and len(arrays) > 1:
            return sympy.Mul(*(self.scalar(arg) for arg in args)), shape
        factor = sympy.Mul(*(self.scalar(arg) for arg in args if arg not in arrays))
        if not arrays:
            return factor if not shape else factor * OneMatrix(*self.dims(shape)), shape
        parts = [self.spread(arg, shape) for arg in arrays]
        found = parts[0] if len(parts) == 1 else HadamardProduct(*parts)
        return factor * found, shape

    @staticmethod
    def single(value: Value, shape: Shape) -> bool:
        """Whether a (1, 1) array scales a larger one."""
        return value.shape != shape and all(one == ONE for one in value.shape)

    def on_div(self, expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        below = args[1]
        if not below.shape:
            inverse = Value(1 / self.scalar(below), ())
        else:
            inverse = Value(HadamardPower(below.expr, -1), below.shape)
        return self.on_mul(expr, [args[0], inverse], shape)

    def on_pow(self, _expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        base, exponent = args
        if exponent.shape:
            raise NotExpressibleError("powers")
        if not base.shape:
            power = self.scalar(exponent)
            return (
                self.each(lambda x: x**power, base) if self.encoding == "inner" else self.scalar(base) ** power
            ), shape
        return HadamardPower(base.expr, self.scalar(exponent)), shape

    def on_matmul(self, _expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        left, right = args
        first = left.expr.T if len(left.shape) == 1 else left.expr
        product = first * right.expr
        if not shape:
            return self.one(product)
        return (product.T if len(left.shape) == 1 else product), shape

    def on_dot(self, expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return self.on_matmul(expr, args, shape)

    def on_outer(self, _expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return args[0].expr * args[1].expr.T, shape

    def on_transpose(self, _expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return (args[0].expr.T if len(shape) == 2 else args[0].expr), shape

    def on_sum(self, expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        options = dict(lower(expr, self.case.known).expr.options)  # type: ignore[union-attr]
        axis = options.get("axis")
        return self.total(
            args[0], int(axis.value) if isinstance(axis, Num) else None, shape, keep="keepdims" in options
        )

    def total(self, value: Value, axis: int | None, shape: Shape, *, keep: bool) -> tuple[Any, Shape]:
        if not value.shape:
            return value.expr, shape
        rows, columns = self.dims(value.shape)
        if axis is None or len(value.shape) == 1:
            inner = None if keep or self.encoding == "entry" else self.inner(value.expr)
            if inner is not None:
                return (self.one(inner) if columns == 1 else Value(sympy.Trace(inner), ())).expr, shape
            whole = value.expr
            whole = whole if rows == 1 else OneMatrix(1, rows) * whole
            whole = whole if columns == 1 else whole * OneMatrix(columns, 1)
            return (whole, shape) if keep else self.one(whole)
        if axis == 1:
            return value.expr * OneMatrix(columns, 1), shape
        summed = OneMatrix(1, rows) * value.expr
        return (summed if keep else summed.T), shape

    @staticmethod
    def inner(expr: Any) -> Any:
        """A^T B for sum(A*B): of columns it is the sum itself, of matrices its trace is."""
        if isinstance(expr, HadamardPower) and expr.exp == 2:
            return expr.base.T * expr.base
        if isinstance(expr, HadamardProduct) and expr.args[0].is_Matrix:
            first, *rest = expr.args
            return first.T * (rest[0] if len(rest) == 1 else HadamardProduct(*rest))
        return None

    def on_softmax(self, expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        axis = int(dict(lower(expr, self.case.known).expr.options)["axis"].value)  # type: ignore[union-attr]
        weights = Value(self.each(sympy.exp, args[0]), shape)
        kept = (*shape[:axis], ONE, *shape[axis + 1 :]) if len(shape) > 1 else ()
        sums = Value(*self.total(weights, axis if kept else None, kept, keep=bool(kept)))
        return self.on_div(expr, [weights, sums], shape)

    def on_logsumexp(self, expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        summed = Value(*self.on_sum(expr, [Value(self.each(sympy.exp, args[0]), args[0].shape)], shape))
        return self.each(sympy.log, summed), shape

    def on_trace(self, _expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return sympy.Trace(args[0].expr), shape

    def on_det(self, _expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return sympy.Determinant(args[0].expr), shape

    def on_logdet(self, _expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return sympy.log(sympy.Determinant(args[0].expr)), shape

    def on_inv(self, _expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return args[0].expr.inverse(), shape

    def on_diag(self, _expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        if len(shape) == 2:
            return DiagMatrix(args[0].expr), shape
        size_ = self.dims(args[0].shape)[0]
        return HadamardProduct(args[0].expr, Identity(size_)) * OneMatrix(size_, 1), shape

    def on_eye(self, _expr: Call, _args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return Identity(self.size(shape[0])), shape

    def on_ones(self, _expr: Call, _args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return OneMatrix(*self.dims(shape)), shape

    def on_zeros(self, _expr: Call, _args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return ZeroMatrix(*self.dims(shape)), shape

    def on_pi(self, _expr: Call, _args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return sympy.pi, shape

    def on_where(self, expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        chosen, yes, no = args
        other = Value(
            *self.on_add(expr, [Value(sympy.Integer(1), ()), Value(-chosen.expr, chosen.shape)], chosen.shape)
        )
        parts = [Value(*self.on_mul(expr, [chosen, yes], shape)), Value(*self.on_mul(expr, [other, no], shape))]
        return self.on_add(expr, parts, shape)

    def compared(self, expr: Call, args: list[Value], shape: Shape, test: Callable[[Any], Any]) -> tuple[Any, Shape]:
        left, right = args
        gap = Value(*self.on_add(expr, [left, Value(-right.expr, right.shape)], shape))
        return self.each(lambda x: Piecewise((1, test(x)), (0, True)), gap), shape

    def on_gt(self, expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return self.compared(expr, args, shape, lambda x: x > 0)

    def on_ge(self, expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return self.compared(expr, args, shape, lambda x: x >= 0)

    def on_maximum(self, expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        if len(args) > 2:
            raise NotExpressibleError("max")
        return self.extreme(expr, args, shape, sympy.Max)

    def on_minimum(self, expr: Call, args: list[Value], shape: Shape) -> tuple[Any, Shape]:
        return self.extreme(expr, args, shape, sympy.Min)

    def extreme(self, expr: Call, args: list[Value], shape: Shape, function: Any) -> tuple[Any, Shape]:
        """max(x, y) as y + max(x - y, 0); with a number in one applyfunc."""
        left, right = args
        for plain, other in ((left, right), (right, left)):
            if not plain.matrix and not plain.shape:
                return self.each(lambda x, plain=plain: function(plain.expr, x), other), shape  # type: ignore[misc]
        gap = Value(*self.on_add(expr, [left, Value(-right.expr, right.shape)], shape))
        return self.on_add(expr, [right, Value(self.each(lambda x: function(x, 0), gap), shape)], shape)


def _letter(letter: str) -> Any:
    return sympy.Symbol(letter, integer=True, positive=True)
