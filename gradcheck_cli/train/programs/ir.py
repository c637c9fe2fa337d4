"""Values of a program before it has an order: each is an operation on earlier ones, equal ones exist once.

Shapes are numbers. `const` and `scalar` are uniform: one number for every entry, whatever their shape; the number of a
`scalar` is known only when a step runs (a rate), times a coefficient that is known now.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int, ...]
UNIFORM = ("const", "scalar")


@dataclass(frozen=True, slots=True)
class Value:
    """One value: `attrs` are what the operation needs beside its operands (axes, transposes, a number, a name)."""

    op: str
    args: tuple[int, ...]
    shape: Shape
    attrs: tuple[Any, ...] = ()


def broadcast(left: Shape, right: Shape) -> Shape:
    """NumPy's rule for two operands taken entry by entry."""
    rank = max(len(left), len(right))
    pairs = zip((1,) * (rank - len(left)) + left, (1,) * (rank - len(right)) + right, strict=True)
    return tuple(b if a == 1 else a for a, b in pairs)


@dataclass(slots=True)
class Builder:
    """Collects values; every method gives the number of a value, simplified where that is free.

    `sums_to_one`: feeds whose entries along an axis add up to 1, as the graph declares (one-hot, distribution).
    """

    values: list[Value] = field(default_factory=list)
    known: dict[Value, int] = field(default_factory=dict)
    sums_to_one: dict[str, int] = field(default_factory=dict)

    def put(self, op: str, args: tuple[int, ...], shape: Shape, *attrs: Any) -> int:
        """A value as it stands."""
        value = Value(op, args, shape, attrs)
        if value not in self.known:
            self.known[value] = len(self.values)
            self.values.append(value)
        return self.known[value]

    def shape(self, at: int) -> Shape:
        """The shape of a value."""
        return self.values[at].shape

    def const(self, number: float, shape: Shape = ()) -> int:
        """The same number in every entry."""
        return self.put("const", (), shape, float(number))

    def scalar(self, name: str, coefficient: float = 1.0, shape: Shape = ()) -> int:
        """A number that each step brings, times a coefficient."""
        return self.put("scalar", (), shape, name, float(coefficient))

    def number(self, at: int) -> float | None:
        """The number of a constant."""
        value = self.values[at]
        return float(value.attrs[0]) if value.op == "const" else None

    def uniform(self, at: int) -> bool:
        """Whether all entries are one number."""
        return self.values[at].op in UNIFORM

    def split(self, at: int) -> tuple[int | None, int]:
        """A value as (uniform factor, rest of the same shape)."""
        value = self.values[at]
        if value.op == "mul" and self.uniform(value.args[0]) and self.shape(value.args[1]) == value.shape:
            return value.args[0], value.args[1]
        return None, at

    def elementwise(self, op: str, *args: int) -> int:
        """An operation entry by entry, as it stands."""
        shape: Shape = ()
        for arg in args:
            shape = broadcast(shape, self.shape(arg))
        return self.put(op, args, shape)

    def mul(self, left: int, right: int) -> int:
        """A product entry by entry; uniform factors come first and are folded."""
        if self.uniform(right) and not self.uniform(left):
            left, right = right, left
        shape = broadcast(self.shape(left), self.shape(right))
        if not self.uniform(left):
            return self.put("mul", (left, right), shape)
        number = self.number(left)
        if number == 0:
            return self.const(0, shape)
        if number == 1 and self.shape(right) == shape:
            return right
        if self.uniform(right):
            return self._uniform_product(left, right, shape)
        inner, rest = self.split(right)
        if inner is not None and (number is not None or self.number(inner) is not None):
            left, right = self._uniform_product(left, inner, ()), rest
            if self.number(left) == 1 and self.shape(right) == shape:
                return right
        return self.put("mul", (left, right), shape)

    def _uniform_product(self, left: int, right: int, shape: Shape) -> int:
        a, b = self.number(left), self.number(right)
        if a is not None and b is not None:
            return self.const(a * b, shape)
        if a is None and b is None:
            return self.put("mul", (left, right), shape)
        name, coefficient = self.values[right if a is not None else left].attrs
        return self.scalar(name, coefficient * (a if a is not None else b or 0.0), shape)

    def neg(self, at: int) -> int:
        """The value with its sign turned."""
        return self.mul(self.const(-1), at)

    def add(self, left: int, right: int) -> int:
        """A sum entry by entry; a common uniform factor is taken out, a negated operand subtracted."""
        shape = broadcast(self.shape(left), self.shape(right))
        for one, other in ((left, right), (right, left)):
            if self.number(one) == 0 and self.shape(other) == shape:
                return other
        a, b = self.number(left), self.number(right)
        if a is not None and b is not None:
            return self.const(a + b, shape)
        (u, x), (v, y) = self.split(left), self.split(right)
        if v is not None and self.number(v) == -1:
            return self.put("sub", (left, y), shape)
        if u is not None and self.number(u) == -1:
            return self.put("sub", (right, x), shape)
        if u is not None and v is not None:
            if self._same(u, v):
                return self.mul(u, self.add(x, y))
            if self._same(u, self.neg(v)):
                return self.mul(u, self.add(x, self.neg(y)))
        return self.put("add", (left, right), shape)

    def _same(self, u: int, v: int) -> bool:
        return self.values[u].op == self.values[v].op and self.values[u].attrs == self.values[v].attrs

    def div(self, left: int, right: int) -> int:
        """A quotient entry by entry."""
        number = self.number(right)
        if number:
            return self.mul(self.const(1 / number, self.shape(right)), left)
        return self.elementwise("div", left, right)

    def unary(self, op: str, at: int) -> int:
        """A function of one operand; the logarithm of a softmax is one operation that cannot overflow."""
        value = self.values[at]
        if op == "log" and value.op == "softmax":
            return self.put("log_softmax", value.args, value.shape, *value.attrs)
        return self.put(op, (at,), value.shape)

    def matmul(self, left: int, right: int, left_t: bool = False, right_t: bool = False) -> int:  # noqa: FBT001, FBT002
        """A product of two matrices, each as it is or transposed."""
        (left, left_t), (right, right_t) = self._untransposed(left, left_t), self._untransposed(right, right_t)
        rows = self.shape(left)[1 if left_t else 0]
        columns = self.shape(right)[0 if right_t else 1]
        return self.put("matmul", (left, right), (rows, columns), left_t, right_t)

    def _untransposed(self, at: int, flag: bool) -> tuple[int, bool]:  # noqa: FBT001
        value = self.values[at]
        return (value.args[0], not flag) if value.op == "transpose" else (at, flag)

    def transpose(self, at: int) -> int:
        """Axes in reverse order."""
        value = self.values[at]
        if value.op == "transpose":
            return value.args[0]
        if len(value.shape) < 2:
            return at
        return self.put("transpose", (at,), value.shape[::-1])

    def reshape(self, at: int, shape: Shape) -> int:
        """The same entries in another shape."""
        value = self.values[at]
        if value.shape == shape:
            return at
        if value.op in UNIFORM:
            return self.put(value.op, (), shape, *value.attrs)
        if value.op == "reshape":
            return self.reshape(value.args[0], shape)
        return self.put("reshape", (at,), shape)

    def sum(self, at: int, axes: tuple[int, ...], *, keep: bool = False) -> int:
        """A sum over axes; what is known to sum to one does. A step's scalar stays inside: others use the product too."""
        value = self.values[at]
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(value.shape))
        shape = kept if keep else tuple(size for axis, size in enumerate(value.shape) if axis not in axes)
        if not axes or math.prod(value.shape) == math.prod(shape):
            return self.reshape(at, shape)
        if self.uniform(at):
            return self._uniform_product(self.const(math.prod(value.shape) / math.prod(shape)), at, shape)
        factor, rest = self.split(at)
        if factor is not None and (self.number(factor) is not None or self._sums_to_one(rest, axes)):
            return self.mul(self.reshape(factor, ()), self.sum(rest, axes, keep=keep))
        if self._sums_to_one(at, axes):
            return self.const(1, shape)
        return self.put("sum", (at,), shape, axes)

    def _sums_to_one(self, at: int, axes: tuple[int, ...]) -> bool:
        value = self.values[at]
        return value.op == "feed" and (self.sums_to_one.get(value.attrs[0]),) == axes
