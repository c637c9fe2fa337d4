"""Expressions to SymPy and back. SymPy objects are built from our trees only, never from text."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import sympy

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Call, Expr, Name, Num, number
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.symbolic import rules
from gradcheck_cli.symbolic.build import plus, quotient, times

if TYPE_CHECKING:
    from collections.abc import Callable

_BACK: dict[Any, str] = {
    sympy.exp: "exp", sympy.log: "log", sympy.sin: "sin", sympy.cos: "cos", sympy.tan: "tan", sympy.asin: "asin",
    sympy.atan: "atan", sympy.sinh: "sinh", sympy.cosh: "cosh", sympy.tanh: "tanh", sympy.erf: "erf",
    sympy.Abs: "abs", sympy.sign: "sign",
}  # fmt: skip


def to_sympy(expr: Expr) -> Any:
    """An expanded expression (primitives only) in SymPy."""
    match expr:
        case Num():
            return sympy.Rational(expr.value.numerator, expr.value.denominator)
        case Name():
            return sympy.Symbol(expr.id)
        case Call():
            return rules.RULES[expr.function].build(*(to_sympy(arg) for arg in expr.args))
    message = f"{type(expr).__name__} has no scalar form"
    raise TypeError(message)


def from_sympy(form: Any, *, decimal: bool = False) -> Expr:
    """A SymPy expression as ours, in the order in which it is read; `decimal` writes 0.5 for 1/2."""
    return _Back(decimal=decimal).expr(form)


class _Back:
    def __init__(self, *, decimal: bool) -> None:
        self.decimal = decimal

    def expr(self, form: Any) -> Expr:
        if form.is_Symbol:
            return Name(form.name)
        if form.is_Rational:
            return self.rational(Fraction(int(form.p), int(form.q)))
        if form.is_Add:
            return plus(*(self.expr(term) for term in _positive_first(form.as_ordered_terms())))
        if form.is_Mul:
            return self.product(form)
        if form.is_Pow:
            return self.power(form.base, form.exp)
        return self.function(form)

    def rational(self, value: Fraction) -> Expr:
        return as_typed(value) if self.decimal else number(value)

    def product(self, form: Any) -> Expr:
        coefficient, rest = form.as_coeff_Mul()
        factors = rest.as_ordered_factors() if rest.is_Mul else [rest]
        return times(self.rational(Fraction(int(coefficient.p), int(coefficient.q))), *map(self.expr, factors))

    def power(self, base: Any, exponent: Any) -> Expr:
        if exponent.could_extract_minus_sign():
            return quotient(number(1), self.power(base, -exponent))
        if exponent == 1:
            return self.expr(base)
        if exponent == sympy.Rational(1, 2):
            return Call("sqrt", (self.expr(base),))
        return Call("pow", (self.expr(base), self.expr(exponent)))

    def function(self, form: Any) -> Expr:
        if form is sympy.pi or form is sympy.E:
            return Call("pi" if form is sympy.pi else "e", ())
        name = _BACK.get(form.func) or form.func.__name__
        if name not in FUNCTIONS:
            message = f"the derivative needs {name}, which is no function of this program"
            raise UnsupportedError(message, hint="write the node with other functions")
        return Call(name, tuple(self.expr(arg) for arg in form.args))


def _positive_first(terms: list[Any]) -> list[Any]:
    """`1 - a` rather than `-a + 1`."""
    first: Callable[[Any], bool] = lambda term: not term.could_extract_minus_sign()  # noqa: E731 - a key in one line
    lead = next((index for index, term in enumerate(terms) if first(term)), 0)
    return [terms[lead], *terms[:lead], *terms[lead + 1 :]]


def as_typed(value: Fraction) -> Expr:
    """A number the way it is typed: 0.5 rather than 1/2 where the decimal ends."""
    if value.denominator != 1 and (text := terminating(abs(value))):
        written = Num(abs(value), text)
        return Call("neg", (written,)) if value < 0 else written
    return number(value)


def terminating(value: Fraction, most: int = 6) -> str:
    """A fraction as a decimal that ends after at most so many places, or nothing."""
    scaled = value * 10**most
    if scaled.denominator != 1:
        return ""
    text = f"{int(scaled):0{most + 1}d}"
    return f"{text[:-most]}.{text[-most:]}".rstrip("0").rstrip(".")
