"""A graph with numbers for its sizes, as values of a program."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Call, Expr, Name, Num
from gradcheck_cli.train.programs.ir import Builder, Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.graph import Graph

SUMMING = ("onehot", "distribution")
UNARY = [
    "exp",
    "log",
    "sin",
    "cos",
    "asin",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "erf",
    "sigmoid",
    "relu",
    "softplus",
    "abs",
    "sign",
    "step",
    "floor",
]  # one operand, entry by entry
BINARY = ("maximum", "minimum", "gt", "ge", "eq", "pow")


@dataclass(slots=True)
class Trace:
    """The values of a graph: `names` says which value each input and node is."""

    builder: Builder
    names: dict[str, int] = field(default_factory=dict)


def trace(graph: Graph, *, named: bool = False) -> Trace:
    """The forward values of a graph whose sizes are numbers and whose expressions are primitive.

    With `named`, every node is a value of its own that nothing is simplified across, so that each has its own adjoint.
    Raises UnsupportedError for an operation that has no place in a program.
    """
    found = Trace(Builder())
    for leaf in graph.inputs:
        shape = shape_of(graph, leaf.name)
        if leaf.kind in SUMMING and shape:
            found.builder.sums_to_one[leaf.name] = leaf.axis % len(shape)
        found.names[leaf.name] = found.builder.put("param" if leaf.param else "feed", (), shape, leaf.name)
    for constant in graph.constants:
        if constant.value is None:
            message = f"the constant {constant.name} has no value"
            raise UnsupportedError(message, hint="give it a number in the file")
        found.names[constant.name] = found.builder.const(float(constant.value))
    for node in graph.nodes:
        at = _value(node.expr, found, {})
        found.names[node.name] = found.builder.put("node", (at,), found.builder.shape(at), node.name) if named else at
    return found


def shape_of(graph: Graph, name: str) -> Shape:
    """The shape of an input or node, in numbers."""
    return shapes.at(graph.shapes.get(name, ()), {})


def _value(expr: Expr, found: Trace, memo: dict[int, int]) -> int:
    if id(expr) in memo:
        return memo[id(expr)]
    if isinstance(expr, Num):
        at = found.builder.const(float(expr.value))
    elif isinstance(expr, Name):
        at = found.names[expr.id]
    elif isinstance(expr, Call):
        at = _call(expr, [_value(arg, found, memo) for arg in _arrays(expr)], found.builder)
    else:
        message = f"{type(expr).__name__.lower()} expressions have no place in a training program"
        raise UnsupportedError(message, hint="write it with whole arrays", span=expr.span)
    memo[id(expr)] = at
    return at


def _arrays(expr: Call) -> tuple[Expr, ...]:
    """The operands that are values, not sizes."""
    if expr.function in ("reshape", "ones", "zeros"):
        return expr.args[: 1 if expr.function == "reshape" else 0]
    return expr.args


def _call(expr: Call, args: list[int], builder: Builder) -> int:
    if expr.function in UNARY:
        return builder.unary(expr.function, args[0])
    if expr.function in BINARY:
        return builder.elementwise(expr.function, *args)
    if expr.function not in _RULES:
        message = f"{expr.function} has no place in a training program"
        raise UnsupportedError(message, hint="the tape can train it: --backend tape", span=expr.span)
    return _RULES[expr.function](builder, expr, args)


def _folded(combine: Callable[[Builder, int, int], int]) -> Callable[[Builder, Call, list[int]], int]:
    def rule(builder: Builder, _expr: Call, args: list[int]) -> int:
        total = args[0]
        for arg in args[1:]:
            total = combine(builder, total, arg)
        return total

    return rule


def option(expr: Call, name: str) -> int | None:
    """An option in normal form as a whole number."""
    for key, value in expr.options:
        if key == name and isinstance(value, Num):
            return int(value.value)
    return None


def _axes(builder: Builder, expr: Call, at: int) -> tuple[int, ...]:
    axis = option(expr, "axis")
    return tuple(range(len(builder.shape(at)))) if axis is None else (axis,)


def _sum(builder: Builder, expr: Call, args: list[int]) -> int:
    return builder.sum(args[0], _axes(builder, expr, args[0]), keep=option(expr, "keepdims") == 1)


def _softmax(builder: Builder, expr: Call, args: list[int]) -> int:
    return builder.put("softmax", (args[0],), builder.shape(args[0]), option(expr, "axis"))


def _logsumexp(builder: Builder, expr: Call, args: list[int]) -> int:
    """The difference x - log softmax(x) is the same number in every entry along the axis: take the mean of it."""
    (at,) = args
    axes = _axes(builder, expr, at)
    if len(axes) != 1:
        flat = builder.reshape(at, (math.prod(builder.shape(at)),))
        return builder.reshape(_logsumexp_along(builder, flat, 0, keep=False), _reduced(builder, expr, at))
    return _logsumexp_along(builder, at, axes[0], keep=option(expr, "keepdims") == 1)


def _logsumexp_along(builder: Builder, at: int, axis: int, *, keep: bool) -> int:
    shape = builder.shape(at)
    log_p = builder.put("log_softmax", (at,), shape, axis)
    total = builder.sum(builder.add(at, builder.neg(log_p)), (axis,), keep=keep)
    return builder.mul(builder.const(1 / shape[axis]), total)


def _reduced(builder: Builder, expr: Call, at: int) -> Shape:
    return (1,) * len(builder.shape(at)) if option(expr, "keepdims") == 1 else ()


def _matmul(builder: Builder, _expr: Call, args: list[int]) -> int:
    """Vectors become a row on the left, a column on the right, and lose that axis afterwards."""
    left, right = args
    a, b = builder.shape(left), builder.shape(right)
    product = builder.matmul(
        builder.reshape(left, (1, *a)) if len(a) == 1 else left,
        builder.reshape(right, (*b, 1)) if len(b) == 1 else right,
    )
    return builder.reshape(product, (*a[:-1], *b[1:]))


def _outer(builder: Builder, _expr: Call, args: list[int]) -> int:
    left, right = args
    return builder.matmul(
        builder.reshape(left, (*builder.shape(left), 1)), builder.reshape(right, (1, *builder.shape(right)))
    )


def _sizes(expr: Call, start: int) -> Shape:
    return tuple(int(arg.value) for arg in expr.args[start:] if isinstance(arg, Num))


_RULES: dict[str, Callable[[Builder, Call, list[int]], int]] = {
    "add": _folded(Builder.add),
    "mul": _folded(Builder.mul),
    "neg": lambda builder, _expr, args: builder.neg(args[0]),
    "div": lambda builder, _expr, args: builder.div(*args),
    "where": lambda builder, _expr, args: builder.elementwise("where", *args),
    "pi": lambda builder, _expr, _args: builder.const(math.pi),
    "e": lambda builder, _expr, _args: builder.const(math.e),
    "matmul": _matmul,
    "outer": _outer,
    "transpose": lambda builder, _expr, args: builder.transpose(args[0]),
    "sum": _sum,
    "softmax": _softmax,
    "logsumexp": _logsumexp,
    "reshape": lambda builder, expr, args: builder.reshape(args[0], _sizes(expr, 1)),
    "ones": lambda builder, expr, _args: builder.const(1, _sizes(expr, 0)),
    "zeros": lambda builder, expr, _args: builder.const(0, _sizes(expr, 0)),
}
