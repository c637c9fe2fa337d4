"""Expressions as plain text that the parser reads back as the same expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum
from gradcheck_cli.write.precedence import ATOM, POWER, PRODUCT, SIGN, SUM, binding, split_sign

if TYPE_CHECKING:
    from collections.abc import Callable

_SHORT = {"maximum": "max", "minimum": "min", "amax": "max", "amin": "min"}
_COMPARISONS = {"gt": ">", "ge": ">=", "eq": "==", "lt": "<", "le": "<=", "ne": "!="}


def write(expr: Expr) -> str:
    """The expression with no more brackets than the grammar needs; division by a product is bracketed."""
    match expr:
        case Num():
            return expr.text
        case Name():
            return expr.id
        case Index():
            inner = ", ".join(write(index) for index in expr.indices)
            return f"{_at_least(expr.base, ATOM)}[{inner}]"
        case Sum():
            return f"sum({write(expr.body)}, {expr.index})"
        case Call():
            return _call(expr)


def iverson(expr: Expr) -> str:
    """As `write`, but a derivative's branch as homework writes it: `[z > 0]` for `step(z)`."""
    return write(_iverson(expr))


def _iverson(expr: Expr) -> Expr:
    if isinstance(expr, Call):
        if expr.function == "where":  # its condition is no factor
            return Call("where", (expr.args[0], *(_iverson(arg) for arg in expr.args[1:])))
        args = tuple(_iverson(arg) for arg in expr.args)
        if expr.function == "step":
            return Name(f"[{write(args[0])} > 0]")
        if expr.function in _COMPARISONS:
            return Name(f"[{write(Call(expr.function, args))}]")
        return Call(expr.function, args, expr.options, expr.span)
    return expr


def _call(expr: Call) -> str:
    writer = _WRITERS.get(expr.function)
    if writer is not None:
        return writer(expr)
    if not expr.args and expr.function in ("pi", "e"):
        return expr.function
    name = _SHORT.get(expr.function, expr.function)
    inner = [write(arg) for arg in expr.args]
    inner += [f"{key}={write(value)}" for key, value in expr.options]
    return f"{name}({', '.join(inner)})"


def _at_least(expr: Expr, level: int) -> str:
    text = write(expr)
    closed = isinstance(expr, Sum)  # sum(…, j) has its own brackets
    return text if closed or binding(expr) >= level else f"({text})"


def _add(expr: Call) -> str:
    first, *rest = expr.args
    text = _at_least(first, SIGN)
    for term in rest:
        minus, magnitude = split_sign(term)
        text += (" - " if minus else " + ") + _at_least(magnitude, PRODUCT)
    return text


def _mul(expr: Call) -> str:
    first, *rest = expr.args
    # a quotient as a later factor would be read back as part of the division: a*(b/c)
    return "*".join([_factor(first), *(_at_least(factor, POWER) for factor in rest)])


def _factor(expr: Expr) -> str:
    """The first factor of a product; a matrix product in brackets, as a reader wants it: (A @ B)/m."""
    product = isinstance(expr, Call) and expr.function == "matmul"
    return _at_least(expr, POWER if product else PRODUCT)


def _div(expr: Call) -> str:
    top, bottom = expr.args
    return f"{_factor(top)}/{_at_least(bottom, POWER)}"


def _matmul(expr: Call) -> str:
    left, right = expr.args
    chain = isinstance(left, Call) and left.function == "matmul"  # A @ B @ C, but (a*b) @ C
    return f"{_at_least(left, PRODUCT if chain else POWER)} @ {_at_least(right, POWER)}"


def _pow(expr: Call) -> str:
    base, exponent = expr.args
    return f"{_at_least(base, ATOM)}^{_exponent(exponent)}"


def _exponent(exponent: Expr) -> str:
    minus, magnitude = split_sign(exponent)
    if minus and binding(magnitude) >= POWER:
        return f"(-{write(magnitude)})"
    return _at_least(exponent, POWER)


def _compare(expr: Call) -> str:
    left, right = expr.args
    return f"{_at_least(left, SUM)} {_COMPARISONS[expr.function]} {_at_least(right, SUM)}"


_WRITERS: dict[str, Callable[[Call], str]] = {
    "add": _add,
    "neg": lambda expr: "-" + _at_least(expr.args[0], PRODUCT),
    "mul": _mul,
    "div": _div,
    "matmul": _matmul,
    "pow": _pow,
    "transpose": lambda expr: _at_least(expr.args[0], ATOM) + ".T",
    "array": lambda expr: f"[{', '.join(write(arg) for arg in expr.args)}]",
    **dict.fromkeys(_COMPARISONS, _compare),
}
