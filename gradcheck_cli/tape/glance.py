"""Values of single expressions at one point, in float64: enough to see that two of them differ, never that they agree."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.errors import ShapeError, UnsupportedError
from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum, names
from gradcheck_cli.functions import BACKWARD, FUNCTIONS
from gradcheck_cli.inference import whole
from gradcheck_cli.tape.arith import array, real
from gradcheck_cli.tape.arrays import ARRAY_RULES
from gradcheck_cli.tape.flatten import with_options
from gradcheck_cli.tape.numbers import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gradcheck_cli.grids import Grid
    from gradcheck_cli.tape.arith import Array

MOST_KEPT = 20_000
MOST_STEPS = 20_000  # operations that are looked at before there is a new allowance
_NEAR = 1e-7
_SAME = 1e-9
_PLACES = (0, 1, 2, 3, 5)  # from which the numbers of index letters are made: at some both are the same, at some not
_DIRECT = {"add", "mul", "neg", "div", "log", "sigmoid", "tanh", "relu", "matmul", "transpose", "outer", "sum"}

Bound = dict[str, int]  # index letters with the numbers they stand for


class Glance:
    """The values of expressions in primitive functions where names have these values, and letters these `sizes`.

    What stays the same from one expression to the next is worked out once. `left` says how many operations it may still
    work out; where there are none left, nothing has a value.
    """

    def __init__(self, sizes: Mapping[str, int], grids: Mapping[str, Grid]) -> None:
        self.left = MOST_STEPS
        self.sizes = dict(sizes)
        self.env: dict[str, Array] = {letter: float(size) for letter, size in sizes.items()}
        self.env.update({name: array(grid) for name, grid in grids.items()})
        self._done: dict[tuple[int, tuple[int, ...]], tuple[Expr, Array]] = {}
        self._written: dict[int, tuple[Expr, Array]] = {}
        self._letters: dict[int, tuple[Expr, tuple[str, ...]]] = {}

    def define(self, name: str, expr: Expr) -> None:
        """Enter a name that stands for an expression."""
        self.env[name] = self.value(expr)

    def places(self, letters: Mapping[str, int]) -> Iterator[Bound]:
        """A few numbers for free index letters, each below how far it runs; once nothing, where there are none."""
        for at in _PLACES if letters else (0,):
            yield {letter: (at * step) % count for step, (letter, count) in enumerate(letters.items(), 1)}

    def value(self, expr: Expr, bound: Bound | None = None) -> Array:
        """The value of an expression in primitive functions where free index letters stand for these numbers.

        Raises UnsupportedError for what has no value here.
        """
        if len(self._done) > MOST_KEPT:
            self._done.clear()
            self._letters.clear()
        try:
            with np.errstate(all="ignore"):
                return np.asarray(self._value(expr, bound or {}))
        except (ValueError, IndexError, KeyError, TypeError, ArithmeticError) as error:
            message = "this has no value here"
            raise UnsupportedError(message) from error

    def written(self, expr: Expr, primitive: Callable[[Expr], Expr]) -> Array:
        """The value of an expression without index letters as it is written; what is no primitive is made of such.

        Raises UnsupportedError for what has no value here, ShapeError where operands do not fit.
        """
        if (known := self._written.get(id(expr))) is not None:
            return known[1]
        if len(self._written) > MOST_KEPT:
            self._written.clear()
        try:
            with np.errstate(all="ignore"):
                return np.asarray(self._as_written(expr, primitive))
        except (ValueError, IndexError, KeyError, TypeError, ArithmeticError) as error:
            message = "the operands do not fit"
            raise ShapeError(message) from error

    def _as_written(self, expr: Expr, primitive: Callable[[Expr], Expr]) -> Array:
        if isinstance(expr, Num):
            return real(expr.value)
        if isinstance(expr, Name) and expr.id in self.env:
            return self.env[expr.id]
        found = self._written.get(id(expr))
        if found is None:
            found = self._written[id(expr)] = (expr, np.asarray(self._of_parts(expr, primitive)))
        return found[1]

    def _of_parts(self, expr: Expr, primitive: Callable[[Expr], Expr]) -> Array:
        self._spend()
        if not isinstance(expr, Call) or expr.function not in _DIRECT:
            return self.value(primitive(expr))
        parts = [self._as_written(arg, primitive) for arg in expr.args]
        if expr.function in RULES:
            return RULES[expr.function].value(*parts)
        return ARRAY_RULES[expr.function].value(*map(np.asarray, parts), **whole(expr.options))

    def _value(self, expr: Expr, bound: Bound) -> Array:
        match expr:
            case Num():
                return real(expr.value)
            case Name():
                return float(bound[expr.id]) if expr.id in bound else self.env[expr.id]
        letters = self._free(expr) if bound else ()
        key = (id(expr), tuple(bound[letter] for letter in letters if letter in bound))
        if key not in self._done:
            self._done[key] = (expr, self._worked_out(expr, bound))
        return self._done[key][1]

    def _free(self, expr: Expr) -> tuple[str, ...]:
        """The names in an expression, in their order."""
        if id(expr) not in self._letters:
            self._letters[id(expr)] = (expr, names(expr))
        return self._letters[id(expr)][1]

    def _spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            message = "this is too much to look at"
            raise UnsupportedError(message)

    def _worked_out(self, expr: Expr, bound: Bound) -> Array:
        self._spend()
        match expr:
            case Index():
                places = tuple(int(self._value(index, bound)) for index in expr.indices)
                return np.asarray(self._value(expr.base, bound))[places]
            case Sum() if expr.count is not None:
                count = int(self._value(expr.count, bound))
                return sum(self._value(expr.body, {**bound, expr.index: at}) for at in range(count))
            case Call() if expr.function in RULES:
                return RULES[expr.function].value(*(self._value(arg, bound) for arg in expr.args))
            case Call() if expr.function in ARRAY_RULES:
                parts, options = self._operands(expr, bound)
                return ARRAY_RULES[expr.function].value(*parts, **options)
            case Call() if expr.function in BACKWARD:
                return self._sent_back(expr, bound)
        message = "this has no value here"
        raise UnsupportedError(message)

    def _operands(self, expr: Call, bound: Bound) -> tuple[list[Array], dict[str, Any]]:
        """What a rule of arrays is called with."""
        operands, options = with_options(expr, lambda size: int(self._value(size, bound)))
        return [np.asarray(self._value(arg, bound)) for arg in operands], options

    def _sent_back(self, expr: Call, bound: Bound) -> Array:
        """What the tape sends back to the parameter that the name of `vjp_conv2d_k` ends in."""
        _, function, parameter = expr.function.split("_")
        parts, options = self._operands(Call(function, expr.args[1:], expr.options), bound)
        rule = ARRAY_RULES[function]
        sent = rule.vjp(np.asarray(self._value(expr.args[0], bound)), rule.value(*parts, **options), *parts, **options)
        return sent[FUNCTIONS[function].params.index(parameter)]


def near(left: Array, right: Array) -> bool:
    """Whether two values may be the same, undefined at the same places; a single number may stand in another shape."""
    one, two = np.asarray(left), np.asarray(right)
    if one.shape != two.shape and not one.size == two.size == 1:
        return False
    if one.size and not _near(float(one.item(0)), float(two.item(0))):  # most that differ do so at once
        return False
    one, two = one.ravel(), two.ravel()
    known = np.isfinite(one)
    if not np.array_equal(known, np.isfinite(two)):
        return False
    one, two = one[known], two[known]
    return bool(np.all(np.abs(one - two) <= _NEAR * (1 + np.abs(two))))


def _near(one: float, two: float) -> bool:
    """As `near`, of two numbers."""
    if isfinite(one) and isfinite(two):
        return abs(one - two) <= _NEAR * (1 + abs(two))
    return isfinite(one) == isfinite(two)


def same(left: Array, right: Array) -> bool:
    """Whether two values are near, everywhere defined and alike to the digits that float64 can tell."""
    if not near(left, right) or not np.all(np.isfinite(right)):
        return False
    return bool(np.max(np.abs(np.ravel(left) - np.ravel(right))) <= _SAME * np.max(np.abs(right)))


def vanishes(value: Array) -> bool:
    """Whether all entries are 0."""
    return not np.any(value)


def multiple(left: Array, right: Array) -> bool:
    """Whether one of two values may be a multiple of the other."""
    if np.shape(left) != np.shape(right):
        return False
    one, two = np.ravel(left), np.ravel(right)
    at = np.argmax(np.where(np.isfinite(two), np.abs(two), 0.0))
    with np.errstate(all="ignore"):
        return near(one * two[at], two * one[at])
