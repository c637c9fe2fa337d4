"""Sums and products of expressions as a reader would write them: no factor 1, one sign, one number in front."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Num, number

if TYPE_CHECKING:
    from collections.abc import Iterable

ONE = Fraction(1)


def times(*factors: Expr) -> Expr:
    """The product: signs and numbers gathered in front, divisors below one line."""
    return _Product().over(factors).expr()


def quotient(top: Expr, bottom: Expr) -> Expr:
    """The quotient of two expressions, written as `times` writes it."""
    product = _Product().over((top,))
    product.under((bottom,))
    return product.expr()


def plus(*terms: Expr) -> Expr:
    """The sum without zeros."""
    flat = [term for given in terms for term in _terms(given) if not _is_zero(term)]
    if not flat:
        return number(0)
    if len(flat) == 1:
        return flat[0]
    if all(isinstance(term, Num) and "." not in term.text for term in flat):
        return number(sum((term.value for term in flat if isinstance(term, Num)), Fraction(0)))
    return Call("add", tuple(flat))


def _terms(expr: Expr) -> Iterable[Expr]:
    return expr.args if isinstance(expr, Call) and expr.function == "add" else (expr,)


def _is_zero(expr: Expr) -> bool:
    return isinstance(expr, Num) and expr.value == 0


class _Product:
    """Collects factors; what remains of numbers goes in front."""

    def __init__(self) -> None:
        self.coefficient = ONE
        self.decimals: list[Num] = []
        self.top: list[Expr] = []
        self.bottom: list[Expr] = []

    def over(self, factors: Iterable[Expr]) -> _Product:
        for factor in factors:
            self._take(factor, self.top, 1)
        return self

    def under(self, factors: Iterable[Expr]) -> None:
        for factor in factors:
            self._take(factor, self.bottom, -1)

    def _take(self, factor: Expr, side: list[Expr], sign: int) -> None:
        other = self.bottom if side is self.top else self.top
        match factor:
            case Num() if "." in factor.text and sign == 1 and factor.value:
                self.decimals.append(factor)
            case Num() if factor.value or sign == 1:
                self.coefficient *= factor.value**sign
            case Call(function="neg"):
                self.coefficient = -self.coefficient
                self._take(factor.args[0], side, sign)
            case Call(function="mul"):
                for inner in factor.args:
                    self._take(inner, side, sign)
            case Call(function="div"):
                self._take(factor.args[0], side, sign)
                self._take(factor.args[1], other, -sign)
            case _:
                side.append(factor)

    def expr(self) -> Expr:
        if not self.coefficient:
            return number(0)
        magnitude = abs(self.coefficient)
        top: list[Expr] = [*self.decimals, *self.top]
        bottom = list(self.bottom)
        if magnitude.numerator != 1 or not top:
            top.insert(0, number(magnitude.numerator))
        if magnitude.denominator != 1:
            bottom.insert(0, number(magnitude.denominator))
        written = _joined(top)
        if bottom:
            written = Call("div", (written, _joined(bottom)))
        return Call("neg", (written,)) if self.coefficient < 0 else written


def _joined(factors: list[Expr]) -> Expr:
    return factors[0] if len(factors) == 1 else Call("mul", tuple(factors))
