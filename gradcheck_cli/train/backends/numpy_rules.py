"""What each instruction is in NumPy and BLAS calls: one row an operation."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.train.backends import blas
from gradcheck_cli.train.backends.moving import GROUP
from gradcheck_cli.train.backends.numpy_program import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.train.backends.numpy_program import NumpyProgram
    from gradcheck_cli.train.programs.program import Instruction, Ref

Array = Any
_FEW = 64  # up to so many numbers a test whether they are small is quicker than looking for the largest,
_SAFE = 80.0  # and numbers of no larger norm have exponentials whose sums neither overflow nor vanish


def _unary(function: Any) -> Any:
    def rule(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
        return [partial(function, bound.array(one.args[0]), bound.array(one.out))]

    return rule


def _binary(function: Any) -> Any:
    def rule(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
        left, right = (_spread(bound, ref, one.out) for ref in one.args)
        out = bound.array(one.out)
        if function in (np.maximum, np.minimum):  # NumPy has other plans for their third argument
            return [partial(function, left, right, out=out)]
        return [partial(function, left, right, out)]

    return rule


def _spread(bound: NumpyProgram, ref: Ref, out: Ref) -> Array:
    """An operand; a uniform one in the result's shape where that is small."""
    if ref.kind == "uniform":
        return bound.uniform(ref.key, out.shape if math.prod(out.shape) <= SMALL else ())
    return bound.array(ref)


def _compare(function: Any) -> Any:
    def rule(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
        left, right = (bound.array(ref) for ref in one.args)
        return [partial(function, left, right, out=bound.array(one.out), casting="unsafe", dtype=bool)]

    return rule


def _sigmoid(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    """1/(1 + exp(-x)); an overflow of exp gives 0, which is right."""
    x, out = bound.array(one.args[0]), bound.array(one.out)
    ones = bound.uniform(("", 1.0), out.shape if out.size <= SMALL else ())
    return [
        *[partial(np.negative, x, out)] * (not one.attrs.get("negated")),
        partial(np.exp, out, out),
        partial(np.add, out, ones, out),
        partial(np.reciprocal, out, out),
    ]


def _dsigmoid(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    g, y, out = bound.array(one.args[0]), bound.array(one.args[1]), bound.array(one.out)
    slope = bound.scratch(out.shape)
    return [
        partial(np.multiply, y, y, slope),
        partial(np.subtract, y, slope, slope),
        partial(np.multiply, g, slope, out),
    ]


def _dtanh(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    """As g (1 - y^2) as g - g y y."""
    g, y, out = bound.array(one.args[0]), bound.array(one.args[1]), bound.array(one.out)
    part = bound.scratch(out.shape)
    return [partial(np.multiply, g, y, part), partial(np.multiply, part, y, part), partial(np.subtract, g, part, out)]


def _drelu(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    """The value of relu is y, so its sign is 0 or 1."""
    g, y, out = bound.array(one.args[0]), bound.array(one.args[1]), bound.array(one.out)
    sign = bound.scratch(out.shape)
    return [partial(np.sign, y, sign), partial(np.multiply, g, sign, out)]


def _relu(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    x, out = bound.array(one.args[0]), bound.array(one.out)
    zeros = bound.uniform(("", 0.0), out.shape if out.size <= SMALL else ())
    return [partial(np.maximum, x, zeros, out=out)]


def _softplus(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    x, out = bound.array(one.args[0]), bound.array(one.out)
    return [partial(np.logaddexp, x, bound.uniform(("", 0.0), ()), out)]


def _along(bound: NumpyProgram, function: Any, x: Array, axis: int, which: int) -> tuple[list[Any], Array]:
    """Calls that reduce along an axis, and the array that has the result: a small one in the full shape.

    Two calls on operands of one shape cost less than one that broadcasts.
    """
    kept = tuple(1 if at == axis else size for at, size in enumerate(x.shape))
    found = bound.scratch(kept, which)
    calls = [partial(function.reduce, x, axis, None, found, True)]
    if x.size > SMALL:
        return calls, found
    wide = bound.scratch(x.shape, which + 1)
    return [*calls, partial(np.copyto, wide, found)], wide


def _softmax(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    """exp(x - max), and over its sum."""
    x, out = bound.array(one.args[0]), bound.array(one.out)
    if bound.library is not None and x.ndim == 2 and one.attrs["axis"] == 1 and 1 < x.size <= _FEW:
        return _small_softmax(bound, bound.library, x, out)
    find_top, top = _along(bound, np.maximum, x, one.attrs["axis"], 4)
    add_up, total = _along(bound, np.add, out, one.attrs["axis"], 4)
    return [
        *find_top,
        partial(np.subtract, x, top, out),
        partial(np.exp, out, out),
        *add_up,
        partial(np.divide, out, total, out),
    ]


def _small_softmax(bound: NumpyProgram, library: blas.Blas, x: Array, out: Array) -> list[Callable[[], object]]:
    """The maximum is only looked for where an exponential might overflow; sums along rows are a product with ones."""
    norm = blas.norm(library, bound.dtype, x)
    top, total = bound.scratch((len(x), 1), 4), bound.scratch(x.shape, 5)
    ones = blas.operand(bound.uniform(("", 1.0), (x.shape[1], x.shape[1])))
    plain = {"alpha": 1.0, "beta": 0.0, "left_t": False, "right_t": False}

    def powers() -> None:
        if norm() <= _SAFE:
            np.exp(x, out)
        else:
            np.maximum.reduce(x, axis=1, out=top, keepdims=True)
            np.subtract(x, top, out)
            np.exp(out, out)

    return [
        powers,
        blas.product(library, bound.dtype, blas.operand(total), blas.operand(out), ones, plain),
        partial(np.divide, out, total, out),
    ]


def _log_softmax(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    x, out = bound.array(one.args[0]), bound.array(one.out)
    find_top, top = _along(bound, np.maximum, x, one.attrs["axis"], 4)
    powers = bound.scratch(x.shape, 2)
    add_up, total = _along(bound, np.add, powers, one.attrs["axis"], 4)
    return [
        *find_top,
        partial(np.subtract, x, top, out),
        partial(np.exp, out, powers),
        *add_up,
        partial(np.log, total, total),
        partial(np.subtract, out, total, out),
    ]


def _matmul(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    out = bound.array(one.out)
    attrs, calls = dict(one.attrs), []
    if len(one.args) == 3:
        calls.append(_started(bound, out, bound.array(one.args[2])))
        attrs["beta"] = attrs["alpha"]  # 1, or -1 where the negative is wanted
    if bound.library is not None and all(ref.kind != "uniform" for ref in one.args) and _blas_fits(bound, one):
        return [*calls, *_blas_products(bound, one, out, attrs)]
    left, right = (np.broadcast_to(bound.array(ref), ref.shape) for ref in one.args[:2])
    left, right = (left.T if attrs["left_t"] else left), (right.T if attrs["right_t"] else right)
    if attrs["beta"] == 0 and attrs["alpha"] == 1 and out.flags.c_contiguous:
        return [*calls, partial(np.dot, left, right, out)]
    part = bound.scratch(out.shape, 3)
    return [*calls, partial(np.dot, left, right, part), *_combine(bound, out, part, attrs)]


def _started(bound: NumpyProgram, out: Array, row: Array) -> Callable[[], object]:
    """A call that puts a row into every row of `out`."""
    if bound.library is not None and row.size == out.size and row.flags.c_contiguous:
        return blas.copy(bound.library, bound.dtype, row, blas.operand(out.reshape(1, -1)))
    return partial(np.copyto, out, row)


def _blas_products(
    bound: NumpyProgram, one: Instruction, out: Array, attrs: dict[str, Any]
) -> list[Callable[[], object]]:
    """One product, or for a few rows one product of a row and a matrix for each."""
    assert bound.library is not None  # noqa: S101 - asked before
    product, count = partial(blas.product, bound.library, bound.dtype), None
    right, target = bound.operand(one.args[1]), blas.operand(out)
    spanned = _spans(one, attrs)
    if spanned and attrs["left_t"]:
        count, target = bound.span(one.args[0], target)
    elif spanned:
        count, right = bound.span(one.args[0], right)
    few = 1 < len(out) <= blas.FEW and math.prod(right.shape) > blas.PACKED
    if few and len(out) == out.size // out.shape[-1] and not attrs["left_t"]:
        pairs = zip(bound.rows(one.out), bound.rows(one.args[0], spanned=spanned), strict=True)
        return [product(target, row, right, attrs, count) for target, row in pairs]
    return [product(target, bound.operand(one.args[0], spanned=spanned), right, attrs, count)]


def _spans(one: Instruction, attrs: dict[str, Any]) -> bool:
    """Whether the columns at the ends of a few rows of data may be left out where they are 0: they change nothing."""
    data, other = one.args[:2]
    if data.kind != "feed" or len(data.shape) != 2 or other.kind == "feed" or attrs["right_t"]:
        return False
    rows, columns = data.shape
    narrow = rows > blas.FEW or columns % GROUP or columns * one.out.shape[-1] <= blas.PACKED
    return not narrow and (attrs["beta"] == 1 or not attrs["left_t"])


def _blas_fits(bound: NumpyProgram, one: Instruction) -> bool:
    arrays = [bound.array(ref) for ref in (one.out, *one.args[:2]) if ref.kind != "feed"]
    return all(blas.fits(array) for array in arrays)


def _combine(bound: NumpyProgram, out: Array, part: Array, attrs: dict[str, Any]) -> list[Callable[[], object]]:
    """Sets out = beta*out + alpha*part, where `part` may be overwritten."""
    calls: list[Callable[[], object]] = []
    alpha, beta = attrs["alpha"], attrs["beta"]
    if beta not in (0, 1):
        calls.append(partial(np.multiply, out, bound.uniform(("", beta), ()), out))
    if alpha not in (1, -1):
        calls.append(partial(np.multiply, part, bound.uniform(("", alpha), ()), part))
    if beta == 0:
        return [*calls, partial(np.negative if alpha == -1 else np.positive, part, out)]
    return [*calls, partial(np.subtract if alpha == -1 else np.add, out, part, out)]


def _sum(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    out, attrs = bound.array(one.out), one.attrs
    (ref,) = one.args
    array = bound.array(ref)
    if bound.library is not None and attrs["axes"] == (0,) and array.ndim == 2 and out.ndim == 1 and blas.fits(array):
        ones = bound.uniform(("", 1.0), (1, array.shape[0]))
        more = attrs | {"left_t": False, "right_t": False}
        return [
            blas.product(bound.library, bound.dtype, blas.operand(out), blas.operand(ones), blas.operand(array), more)
        ]
    if attrs["beta"] == 0 and attrs["alpha"] == 1:
        return [partial(np.add.reduce, array, attrs["axes"], None, out.reshape(_reduced(array, attrs["axes"])), True)]
    part = bound.scratch(out.shape, 3)
    return [partial(np.add.reduce, array, attrs["axes"], None, part), *_combine(bound, out, part, attrs)]


def _reduced(array: Array, axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if axis in axes else size for axis, size in enumerate(array.shape))


def _axpby(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    out, source = bound.array(one.out), np.broadcast_to(bound.array(one.args[0]), one.out.shape)
    alpha, beta = one.attrs["alpha"], one.attrs["beta"]
    whole = out.flags.c_contiguous and source.flags.c_contiguous
    if bound.library is not None and beta == 1 and whole and out.size:
        return [blas.axpy(bound.library, bound.dtype, alpha, source, out)]
    part = bound.scratch(out.shape, 3)
    if alpha in (1, -1):
        return _combine(bound, out, source, one.attrs)
    scaled = partial(np.multiply, source, bound.uniform(("", alpha), ()), part)
    return [scaled, *_combine(bound, out, part, {"alpha": 1.0, "beta": beta})]


def _scale(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    out = bound.array(one.out)
    return [partial(np.multiply, out, bound.uniform(one.args[0].key, ()), out)]


def _adam(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    """m, v, then p -= rate m/(sqrt(v) + epsilon)."""
    p = bound.array(one.out)
    m, v, g = (bound.array(ref) for ref in one.args[:3])
    g = np.broadcast_to(g, p.shape)
    rate, epsilon = (bound.uniform(ref.key, ()) for ref in one.args[3:])
    part = bound.scratch(p.shape, 3)
    beta1, beta2 = one.attrs["beta1"], one.attrs["beta2"]

    def number(value: float) -> Array:
        return bound.uniform(("", value), ())

    return [
        partial(np.multiply, m, number(beta1), m),
        partial(np.multiply, g, number(1 - beta1), part),
        partial(np.add, m, part, m),
        partial(np.multiply, v, number(beta2), v),
        partial(np.multiply, g, g, part),
        partial(np.multiply, part, number(1 - beta2), part),
        partial(np.add, v, part, v),
        partial(np.sqrt, v, part),
        partial(np.add, part, epsilon, part),
        partial(np.divide, m, part, part),
        partial(np.multiply, part, rate, part),
        partial(np.subtract, p, part, p),
    ]


def _where(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    """The first operand decides: a copy of the third, then of the second where it is not 0."""
    out = bound.array(one.out)
    chosen, first, second = (np.broadcast_to(bound.array(ref), out.shape) for ref in one.args)
    mask = np.zeros(out.shape, bool)
    return [
        partial(np.not_equal, chosen, bound.uniform(("", 0.0), ()), mask),
        partial(np.copyto, out, second),
        partial(np.copyto, out, first, where=mask),
    ]


def _blend(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    """As out = factor*feed + factor*out."""
    assert bound.library is not None  # noqa: S101 - instructions are fused for it alone
    factors = (bound.real(one.attrs["source"]), bound.real(one.attrs["target"]))
    row = blas.Operand((1, math.prod(one.out.shape)), 1, bound.moving.row(one.args[0].key), moves=True)
    return [blas.axpby(bound.library, bound.dtype, factors, row, bound.array(one.out))]


def _record(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    """What lies in one piece goes where it shall be; of the rest a copy is kept until the step is done."""
    source = bound.array(one.args[0])
    if bound.library is not None and source.flags.c_contiguous and source.shape == one.out.shape and source.size:
        target = blas.Operand((1, source.size), 1, bound.moving.record(one.out.key), moves=True)
        return [blas.copy(bound.library, bound.dtype, source, target)]
    kept = bound.scratch(one.out.shape, hash(one.out.key))
    bound.records[one.out.key] = kept
    return [partial(np.copyto, kept, source)]


def _transpose(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    return [partial(np.copyto, bound.array(one.out), bound.array(one.args[0]).T)]


_erf = np.vectorize(math.erf, otypes=[float])


def _erf_rule(bound: NumpyProgram, one: Instruction) -> list[Callable[[], object]]:
    x, out = bound.array(one.args[0]), bound.array(one.out)
    return [lambda: np.copyto(out, _erf(x))]


RULES: dict[str, Callable[[NumpyProgram, Instruction], list[Callable[[], object]]]] = {
    "add": _binary(np.add),
    "sub": _binary(np.subtract),
    "mul": _binary(np.multiply),
    "div": _binary(np.divide),
    "pow": _binary(np.power),
    "maximum": _binary(np.maximum),
    "minimum": _binary(np.minimum),
    "gt": _compare(np.greater),
    "ge": _compare(np.greater_equal),
    "eq": _compare(np.equal),
    "node": lambda bound, one: [partial(np.copyto, bound.array(one.out), bound.array(one.args[0]))],
    "exp": _unary(np.exp),
    "log": _unary(np.log),
    "sin": _unary(np.sin),
    "cos": _unary(np.cos),
    "asin": _unary(np.arcsin),
    "atan": _unary(np.arctan),
    "sinh": _unary(np.sinh),
    "cosh": _unary(np.cosh),
    "tanh": _unary(np.tanh),
    "abs": _unary(np.abs),
    "sign": _unary(np.sign),
    "floor": _unary(np.floor),
    "step": lambda bound, one: [
        partial(np.heaviside, bound.array(one.args[0]), bound.uniform(("", 0.0), ()), bound.array(one.out))
    ],
    "erf": _erf_rule,
    "sigmoid": _sigmoid,
    "relu": _relu,
    "softplus": _softplus,
    "dsigmoid": _dsigmoid,
    "dtanh": _dtanh,
    "drelu": _drelu,
    "softmax": _softmax,
    "blend": _blend,
    "record": _record,
    "log_softmax": _log_softmax,
    "matmul": _matmul,
    "sum": _sum,
    "axpby": _axpby,
    "scale": _scale,
    "adam": _adam,
    "where": _where,
    "transpose": _transpose,
}
