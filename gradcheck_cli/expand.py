"""Derived functions written out: what the witnesses see has primitive functions only."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Call, Expr, Index, Num, Sum, children, mapped, substitute, walk
from gradcheck_cli.functions import FUNCTIONS, Function
from gradcheck_cli.parsing.names import Scope, scope
from gradcheck_cli.parsing.text import parse

if TYPE_CHECKING:
    from gradcheck_cli.source import Source

EULER = Call("e", ())


def expand(expr: Expr) -> Expr:
    """The same expression in primitive functions; calls of two operands where a row takes two."""
    expr = mapped(expr, expand)
    if not isinstance(expr, Call) or expr.function not in FUNCTIONS:
        return expr
    row = FUNCTIONS[expr.function]
    if expr.function == "pow" and expr.args[0] == EULER:
        return Call("exp", expr.args[1:], (), expr.span)
    if row.primitive:
        return pairs(expr, row)
    arguments = (*expr.args, *_defaults(row)[len(expr.args) - len(row.params) :]) if row.defaults else expr.args
    arguments = arguments[: len(row.params)]
    return substitute(meaning(row.name), dict(zip(row.params, arguments, strict=True)))


def scalar_only(expr: Expr, source: Source) -> Expr:
    """The expression itself; UnsupportedError, with the place, where it has an operation of arrays."""
    for part in walk(expr):
        if of_arrays(part):
            message = "this acts on vectors and matrices, and everything in this problem is a number"
            raise UnsupportedError(message, hint="write it with numbers", source=source, span=part.span)
    return expr


def of_arrays(part: Expr) -> bool:
    """Whether an operation is one of arrays: a matrix product, a sum over entries, an entry."""
    if isinstance(part, Call):
        row = FUNCTIONS.get(part.function)
        return row is not None and not row.elementwise
    return isinstance(part, Index | Sum)


def pairs(expr: Call, row: Function) -> Call:
    """max(a, b, c) as max(max(a, b), c); sums and products keep all their operands."""
    if not row.variadic or not row.elementwise or row.name in ("add", "mul") or len(expr.args) <= len(row.params):
        return expr
    found = Call(row.name, expr.args[:2], (), expr.span)
    for other in expr.args[2:]:
        found = Call(row.name, (found, other), (), expr.span)
    return found


@cache
def meaning(function: str) -> Expr:
    """What a derived function stands for, in its parameters and primitive functions."""
    row = FUNCTIONS[function]
    return expand(parse(row.means, _parameters(row)))


@cache
def kinks(function: str) -> tuple[Expr, ...]:
    """The expressions in a primitive function's parameters at whose sign changes it bends or jumps."""
    row = FUNCTIONS[function]
    return tuple(expand(parse(text, _parameters(row))) for text in row.kinks)


@cache
def domain(function: str) -> tuple[Expr, ...]:
    """The expressions in a primitive function's parameters that must be positive where it is defined."""
    row = FUNCTIONS[function]
    return tuple(expand(parse(text, _parameters(row))) for text in row.domain)


def _parameters(row: Function) -> Scope:
    return scope(dict.fromkeys(row.params, ()))[0]


def _defaults(row: Function) -> tuple[Expr, ...]:
    return tuple(Num(Fraction(text), text) for text in row.defaults)


def kink_arguments(expr: Expr) -> tuple[Expr, ...]:
    """For an expanded expression: every argument whose sign decides which branch it is on."""
    found: dict[Expr, None] = {}
    _kinks_of(expr, found)
    return tuple(found)


def _kinks_of(expr: Expr, found: dict[Expr, None]) -> None:
    if isinstance(expr, Call) and expr.function in FUNCTIONS:
        row = FUNCTIONS[expr.function]
        if row.kinks:
            actual = dict(zip(row.params, expr.args, strict=False))
            for kink in kinks(row.name):
                found.setdefault(substitute(kink, actual))
    for child in children(expr):
        _kinks_of(child, found)
