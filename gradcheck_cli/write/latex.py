r"""Expressions as LaTeX, the way homework writes them: fractions, roots, hats, `\\frac{\\partial a}{\\partial z}`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum, number
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.write.names import latex_name
from gradcheck_cli.write.precedence import ATOM, POWER, PRODUCT, SIGN, SUM, binding, split_sign

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMPARISONS = {"gt": ">", "ge": r"\geq", "eq": "=", "lt": "<", "le": r"\leq", "ne": r"\neq"}
_ADJOINT = re.compile(r"d\((\w+), (\w+)\)")
_HALF = number(Fraction(1, 2))
_OWN_BRACKETS = {"abs", "floor", "step", "sqrt", "exp"}


@dataclass(frozen=True, slots=True)
class LatexWriter:
    """Writes with a problem's own spellings: `names` maps a name to its declared LaTeX."""

    names: Mapping[str, str] = field(default_factory=dict)

    def write(self, expr: Expr) -> str:
        """The expression in LaTeX, without `$`."""
        match expr:
            case Num():
                return self.number(expr)
            case Name():
                return self.name(expr.id)
            case Index():
                inner = ", ".join(self.write(index) for index in expr.indices)
                return f"{self.at_least(expr.base, ATOM)}_{{{inner}}}"
            case Sum():
                return rf"\sum_{{{expr.index}}} {self.at_least(expr.body, PRODUCT)}"
            case Call():
                return self.call(expr)

    def name(self, name: str) -> str:
        """A name as its problem declares it, or as usual."""
        if match := _ADJOINT.fullmatch(name):
            top, bottom = (self.name(part) for part in match.groups())
            return rf"\frac{{\partial {top}}}{{\partial {bottom}}}"
        return self.names.get(name) or latex_name(name)

    def number(self, number: Num) -> str:
        """A number; an exponent as a power of ten."""
        mantissa, mark, exponent = number.text.lower().partition("e")
        if not mark:
            return number.text
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"

    def at_least(self, expr: Expr, level: int) -> str:
        text = self.write(expr)
        return text if binding(expr) >= level else rf"\left({text}\right)"

    def call(self, expr: Call) -> str:
        """Operators in their notation, other functions by the template of their row."""
        args = expr.args
        match expr.function:
            case "add":
                return self.sum(expr)
            case "neg":
                return "-" + self.at_least(args[0], PRODUCT)
            case "mul":
                return self.product(expr)
            case "div":
                return rf"\frac{{{self.write(args[0])}}}{{{self.write(args[1])}}}"
            case "pow":
                return self.power(args[0], args[1])
            case "matmul":
                return f"{self.at_least(args[0], PRODUCT)} {self.at_least(args[1], POWER)}"
            case "transpose":
                return rf"{self.at_least(args[0], ATOM)}^{{\top}}"
            case "d" | "local":
                return rf"\frac{{\partial {self.write(args[0])}}}{{\partial {self.write(args[1])}}}"
        if expr.function in _COMPARISONS:
            text = f"{self.at_least(args[0], SUM)} {_COMPARISONS[expr.function]} {self.at_least(args[1], SUM)}"
            return rf"\mathbb{{1}}\left[{text}\right]"
        return self.function(expr)

    def sum(self, expr: Call) -> str:
        first, *rest = expr.args
        text = self.at_least(first, SIGN)
        for term in rest:
            minus, magnitude = split_sign(term)
            text += (" - " if minus else " + ") + self.at_least(magnitude, PRODUCT)
        return text

    def product(self, expr: Call) -> str:
        parts = [self.at_least(factor, PRODUCT) for factor in expr.args]
        text = parts[0]
        for factor, part in zip(expr.args[1:], parts[1:], strict=True):
            digits = part[:1].isdigit()
            plain = isinstance(factor, Name) or part.startswith(r"\left(")
            text += "" if plain and part.startswith(r"\left(") else " " if plain else r" \cdot " if digits else r" \, "
            text += part
        return text

    def power(self, base: Expr, exponent: Expr) -> str:
        if exponent == _HALF:
            return rf"\sqrt{{{self.write(base)}}}"
        text = self.at_least(base, ATOM)
        if isinstance(base, Name) and "^" in text:
            text = rf"\left({text}\right)"
        return f"{text}^{{{self.write(exponent)}}}"

    def function(self, expr: Call) -> str:
        row = FUNCTIONS.get(expr.function)
        inner = [self.write(arg) for arg in expr.args]
        if row is None or not row.latex:
            shown = expr.function.replace("_", r"\_")
            return rf"\operatorname{{{shown}}}\left({', '.join(inner)}\right)"
        if not row.params:
            return row.latex
        if row.name in _OWN_BRACKETS:
            return row.latex.replace("[[x]]", inner[0])
        head = row.latex.replace("[[x]]", "").strip()
        return rf"{head}\left({', '.join(inner)}\right)"
