"""Reverse mode on the values of a program: the adjoint of each value, as values.

These rules write programs; the tape's rules compute numbers. A program's result is compared with the tape's before it
is used.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.train.programs.ir import Builder, Shape


def adjoints(b: Builder, output: int, seed: int, wanted: set[int]) -> dict[int, int]:
    """The adjoint of every wanted value that the output depends on, where the output's own is `seed`."""
    on_path = _reaching(b, wanted, output)
    found = {output: seed}
    for at in range(output, -1, -1):
        value = b.values[at]
        if at not in found or at not in on_path or not value.args:
            continue
        for place, arg in enumerate(value.args):
            if arg not in on_path:
                continue
            sent = unbroadcast(b, _sent(b, at, place, found[at]), b.shape(arg))
            found[arg] = b.add(found[arg], sent) if arg in found else sent
    return {at: found[at] for at in wanted if at in found}


def _reaching(b: Builder, wanted: set[int], output: int) -> set[int]:
    """The values up to the output that depend on a wanted one."""
    found = set(wanted)
    for at in range(output + 1):
        if any(arg in found for arg in b.values[at].args):
            found.add(at)
    return found


def unbroadcast(b: Builder, g: int, shape: Shape) -> int:
    """An adjoint summed over the axes along which its operand was repeated; a uniform one in the operand's shape."""
    have = b.shape(g)
    if have == shape:
        return g
    extra = len(have) - len(shape)
    if extra < 0:
        return b.mul(b.const(1, shape), g)
    leading = tuple(range(extra))
    g = b.sum(g, leading)
    axes = tuple(axis for axis, size in enumerate(shape) if size == 1 and b.shape(g)[axis] != 1)
    g = b.sum(g, axes, keep=True)
    return g if b.shape(g) == shape else b.mul(b.const(1, shape), g)


def _sent(b: Builder, at: int, place: int, g: int) -> int:
    value = b.values[at]
    if value.op not in _RULES:
        message = f"{value.op} has no derivative in a training program"
        raise UnsupportedError(message, hint="the tape can train it: --backend tape")
    return _RULES[value.op](b, g, at, place)


Rule = "Callable[[Builder, int, int, int], int]"


def _one(formula: Callable[[Builder, int, int, int], int]) -> Callable[[Builder, int, int, int], int]:
    """A rule of one operand: formula(b, g, y, x)."""
    return lambda b, g, at, _place: formula(b, g, at, b.values[at].args[0])


def _nothing(b: Builder, _g: int, at: int, place: int) -> int:
    return b.const(0, b.shape(b.values[at].args[place]))


def _mul(b: Builder, g: int, at: int, place: int) -> int:
    return b.mul(g, b.values[at].args[1 - place])


def _div(b: Builder, g: int, at: int, place: int) -> int:
    _, right = b.values[at].args
    quotient = b.div(g, right)
    return quotient if place == 0 else b.neg(b.mul(quotient, at))  # d(a/b)/db = -y/b


def _pow(b: Builder, g: int, at: int, place: int) -> int:
    base, exponent = b.values[at].args
    if place == 1:  # y log a
        return b.mul(g, b.mul(at, b.unary("log", base)))
    number = b.number(exponent)
    if number == 2:
        return b.mul(g, b.mul(b.const(2), base))
    less = b.add(exponent, b.const(-1))
    return b.mul(g, b.mul(exponent, b.elementwise("pow", base, less)))


def _matmul(b: Builder, g: int, at: int, place: int) -> int:
    (left, right), (left_t, right_t) = b.values[at].args, b.values[at].attrs
    if place == 0:
        return b.matmul(right, g, right_t, True) if left_t else b.matmul(g, right, False, not right_t)
    return b.matmul(g, left, True, left_t) if right_t else b.matmul(left, g, not left_t, False)


def _sum(b: Builder, g: int, at: int, _place: int) -> int:
    shape = b.shape(b.values[at].args[0])
    axes = b.values[at].attrs[0]
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    g = b.reshape(g, kept)
    return b.reshape(g, shape) if b.uniform(g) else b.elementwise("mul", b.const(1, shape), g)


def _softmax(b: Builder, g: int, at: int, _place: int) -> int:
    axis = b.values[at].attrs[0]
    inner = b.sum(b.mul(g, at), (axis,), keep=True)
    return b.mul(at, b.add(g, b.neg(inner)))  # p (g - sum(g p))


def _log_softmax(b: Builder, g: int, at: int, _place: int) -> int:
    value = b.values[at]
    p = b.put("softmax", value.args, value.shape, *value.attrs)
    total = b.sum(g, (value.attrs[0],), keep=True)
    return b.add(g, b.neg(b.mul(total, p)))  # g - p sum(g)


def _choice(compare: str) -> Callable[[Builder, int, int, int], int]:
    """The larger or smaller of two: a tie goes to the first."""

    def rule(b: Builder, g: int, at: int, place: int) -> int:
        first, second = b.values[at].args
        left, right = (first, second) if compare == "max" else (second, first)
        if place == 0:
            return b.mul(g, b.elementwise("ge", left, right))
        return b.mul(g, b.elementwise("gt", right, left))

    return rule


def _where(b: Builder, g: int, at: int, place: int) -> int:
    condition = b.values[at].args[0]
    zero = b.const(0, b.shape(g))
    if place == 0:
        return b.const(0, b.shape(condition))
    return b.elementwise("where", condition, *((g, zero) if place == 1 else (zero, g)))


_RULES: dict[str, Callable[[Builder, int, int, int], int]] = {
    "node": lambda _b, g, _at, _place: g,
    "add": lambda _b, g, _at, _place: g,
    "sub": lambda b, g, _at, place: b.neg(g) if place else g,
    "mul": _mul,
    "div": _div,
    "pow": _pow,
    "matmul": _matmul,
    "sum": _sum,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "maximum": _choice("max"),
    "minimum": _choice("min"),
    "where": _where,
    "transpose": lambda b, g, _at, _place: b.transpose(g),
    "reshape": lambda b, g, at, _place: b.reshape(g, b.shape(b.values[at].args[0])),
    "exp": _one(lambda b, g, y, _x: b.mul(g, y)),
    "log": _one(lambda b, g, _y, x: b.div(g, x)),
    "sin": _one(lambda b, g, _y, x: b.mul(g, b.unary("cos", x))),
    "cos": _one(lambda b, g, _y, x: b.neg(b.mul(g, b.unary("sin", x)))),
    "asin": _one(lambda b, g, _y, x: b.div(g, b.elementwise("pow", _one_minus_square(b, x), b.const(0.5)))),
    "atan": _one(lambda b, g, _y, x: b.div(g, b.add(b.const(1), b.mul(x, x)))),
    "sinh": _one(lambda b, g, _y, x: b.mul(g, b.unary("cosh", x))),
    "cosh": _one(lambda b, g, _y, x: b.mul(g, b.unary("sinh", x))),
    "tanh": _one(lambda b, g, y, _x: b.elementwise("dtanh", g, y)),
    "sigmoid": _one(lambda b, g, y, _x: b.elementwise("dsigmoid", g, y)),
    "relu": _one(lambda b, g, y, _x: b.elementwise("drelu", g, y)),
    "softplus": _one(lambda b, g, _y, x: b.mul(g, b.unary("sigmoid", x))),
    "erf": _one(lambda b, g, _y, x: b.mul(g, b.mul(b.const(2 / math.sqrt(math.pi)), _bell(b, x)))),
    "abs": _one(lambda b, g, _y, x: b.mul(g, b.unary("sign", x))),
    "sign": _nothing,
    "step": _nothing,
    "floor": _nothing,
    "gt": _nothing,
    "ge": _nothing,
    "eq": _nothing,
}


def _one_minus_square(b: Builder, x: int) -> int:
    return b.add(b.const(1), b.neg(b.mul(x, x)))


def _bell(b: Builder, x: int) -> int:
    return b.unary("exp", b.neg(b.mul(x, x)))
