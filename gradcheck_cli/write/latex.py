r"""Expressions as LaTeX, the way homework writes them: fractions, roots, hats, `\\frac{\\partial a}{\\partial z}`.

Of arrays a product without a sign is one of matrices, `\\odot` goes entry by entry, and a vector is a column: `a @ b` is
`a^\\top b`, and `v @ W` is `W^\\top v`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum, number
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.write.names import latex_name
from gradcheck_cli.write.precedence import ATOM, POWER, PRODUCT, SIGN, SUM, binding, split_sign
from gradcheck_cli.write.ranks import rank

if TYPE_CHECKING:
    from collections.abc import Mapping, Sized

_COMPARISONS = {"gt": ">", "ge": r"\geq", "eq": "=", "lt": "<", "le": r"\leq", "ne": r"\neq"}
_ADJOINT = re.compile(r"d\((\w+), (\w+)\)")
_ARRIVING = re.compile(r"upstream\((\w+)\)")
_HALF = number(Fraction(1, 2))
_OWN_BRACKETS = {"abs", "floor", "step", "sqrt", "exp", "norm"}
_TOP = r"\top"
_JOINING = {"matmul", "dot", "outer"}
_RAISED = {"transpose", "inv", "exp"}


@dataclass(frozen=True, slots=True)
class LatexWriter:
    """Writes with a problem's own spellings: `names` maps a name to its declared LaTeX, `shapes` has the arrays'."""

    names: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, Sized] = field(default_factory=dict)

    def write(self, expr: Expr) -> str:
        """The expression in LaTeX, without `$`."""
        match expr:
            case Num():
                return self.number(expr)
            case Name():
                return self.name(expr.id)
            case Index():
                return self.entry(expr)
            case Sum():
                return rf"\sum_{{{expr.index}}} {self.at_least(expr.body, PRODUCT)}"
            case Call():
                return self.call(expr)

    def name(self, name: str) -> str:
        """A name as its problem declares it, or as usual."""
        if match := _ADJOINT.fullmatch(name):
            top, bottom = (self.name(part) for part in match.groups())
            return rf"\frac{{\partial {top}}}{{\partial {bottom}}}"
        if match := _ARRIVING.fullmatch(name):
            return rf"\operatorname{{upstream}}\left({self.name(match[1])}\right)"
        return self.names.get(name) or latex_name(name)

    def number(self, number: Num) -> str:
        """A number; an exponent as a power of ten."""
        mantissa, mark, exponent = number.text.lower().partition("e")
        if not mark:
            return number.text
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"

    def at_least(self, expr: Expr, level: int) -> str:
        text = self.write(expr)
        return text if self.level(expr) >= level else rf"\left({text}\right)"

    def level(self, expr: Expr) -> int:
        """How tightly an expression binds as it is written here."""
        return PRODUCT if self.joins(expr) else binding(expr)

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
            case "d" | "local":
                return rf"\frac{{\partial {self.write(args[0])}}}{{\partial {self.write(args[1])}}}"
        text = self.arrays(expr)
        if text:
            return text
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
        r"""Numbers side by side; `\\odot` between arrays, products of matrices among them in brackets."""
        arrays = sum(self.rank(factor) > 0 for factor in expr.args)
        text, array = "", False
        for factor in expr.args:
            entrywise = arrays > 1 and self.rank(factor) > 0
            apart = self.joins(factor) and (entrywise or (arrays > 0 and not self.rank(factor)))
            part = self.bracketed(factor) if apart else self.at_least(factor, PRODUCT)
            if text and entrywise and array:
                text += r" \odot " + part
            elif text:
                digits = part[:1].isdigit()
                plain = isinstance(factor, Name) or part.startswith(r"\left(")
                text += (
                    "" if plain and part.startswith(r"\left(") else " " if plain else r" \cdot " if digits else r" \, "
                )
                text += part
            else:
                text = part
            array = array or entrywise
        return text

    # -- arrays

    def arrays(self, expr: Call) -> str:
        """What arrays have a notation for; empty for other calls."""
        args = expr.args
        match expr.function:
            case "matmul" | "dot" if self.shapes:
                return self.matrix_product(*args)
            case "outer":
                return rf"{self.left(args[0])} {self.raised(args[1], _TOP)}"
            case "transpose":
                return self.transposed(args[0]) if self.rank(args[0]) > 1 or not self.shapes else self.write(args[0])
            case "inv":
                return self.raised(args[0], "-1")
            case "where":
                return self.cases(expr)
            case "ones" | "zeros" | "eye":
                return self.made(expr)
            case "delta" if all(isinstance(arg, Name) and len(arg.id) == 1 for arg in args):
                return rf"\delta_{{{self.write(args[0])}{self.write(args[1])}}}"
        return ""

    def rank(self, expr: Expr) -> int:
        """How many axes an expression has."""
        return rank(expr, self.shapes) if self.shapes else 0

    def joins(self, expr: Expr) -> bool:
        """Whether an expression is written as a product of matrices."""
        if isinstance(expr, Call) and expr.function == "transpose" and self.rank(expr) < 2:
            return self.joins(expr.args[0])
        return isinstance(expr, Call) and expr.function in _JOINING

    def bracketed(self, expr: Expr) -> str:
        return rf"\left({self.write(expr)}\right)"

    def left(self, expr: Expr) -> str:
        """The first factor of a product of matrices."""
        entrywise = isinstance(expr, Call) and expr.function == "mul" and r" \odot " in self.write(expr)
        return self.bracketed(expr) if entrywise else self.at_least(expr, PRODUCT)

    def right(self, expr: Expr) -> str:
        """A later factor of a product of matrices: the product is associative."""
        plain = self.joins(expr) or (isinstance(expr, Call) and expr.function == "div")
        return self.write(expr) if plain else self.at_least(expr, POWER)

    def matrix_product(self, first: Expr, second: Expr) -> str:
        """A product of matrices; a vector stands as a column."""
        ranks = self.rank(first), self.rank(second)
        if ranks == (1, 2):
            return f"{self.transposed(second)} {self.right(first)}"
        if ranks != (1, 1):
            return f"{self.left(first)} {self.right(second)}"
        if isinstance(first, Call) and first.function == "matmul" and self.rank(first.args[1]) == 2:
            row, matrix = first.args
            if self.rank(row) == 1:  # x @ A @ y
                return f"{self.transposed(row)} {self.right(matrix)} {self.right(second)}"
        return f"{self.transposed(first)} {self.right(second)}"

    def transposed(self, expr: Expr) -> str:
        """The transpose of a matrix, or of a vector that stands as a column."""
        if isinstance(expr, Call) and expr.function == "transpose" and self.rank(expr) == 2:
            return self.left(expr.args[0])
        return self.raised(expr, _TOP)

    def raised(self, base: Expr, exponent: str) -> str:
        """With a superscript; what has one already is bracketed."""
        text = self.at_least(base, ATOM)
        has_one = (isinstance(base, Name) and "^" in text) or (isinstance(base, Call) and base.function in _RAISED)
        has_one = has_one or text.startswith(r"\frac")
        return f"{self.bracketed(base) if has_one else text}^{{{exponent}}}"

    def entry(self, expr: Index) -> str:
        """An entry; what has a subscript already is bracketed."""
        inner = ", ".join(self.write(index) for index in expr.indices)
        text = self.write(expr.base)
        plain = isinstance(expr.base, Name) and "_" not in text and "^" not in text
        return f"{text if plain else self.bracketed(expr.base)}_{{{inner}}}"

    def cases(self, expr: Call) -> str:
        """One value where a condition holds, another elsewhere."""
        condition, value, other = expr.args
        told = self.write(condition).removeprefix(r"\mathbb{1}\left[").removesuffix(r"\right]")
        if not (isinstance(condition, Call) and condition.function in _COMPARISONS):
            told = rf"{self.at_least(condition, SUM)} \neq 0"
        rows = rf"{self.write(value)} & {told} \\ {self.write(other)} & \text{{otherwise}}"
        return rf"\begin{{cases}} {rows} \end{{cases}}"

    def made(self, expr: Call) -> str:
        """An array of ones or zeros, or the identity, with its sizes."""
        sizes = r" \times ".join(self.write(arg) for arg in expr.args)
        return f"{FUNCTIONS[expr.function].latex}_{{{sizes}}}"

    def power(self, base: Expr, exponent: Expr) -> str:
        if exponent == _HALF:
            return rf"\sqrt{{{self.write(base)}}}"
        return self.raised(base, self.write(exponent))

    def function(self, expr: Call) -> str:
        row = FUNCTIONS.get(expr.function)
        inner = [self.write(arg) for arg in expr.args]
        if expr.options:
            inner += [rf"\mathit{{{key}}}={self.write(value)}" for key, value in expr.options]
        if row is None or not row.latex:
            shown = expr.function.replace("_", r"\_")
            return rf"\operatorname{{{shown}}}\left({', '.join(inner)}\right)"
        if not row.params:
            return row.latex
        if row.name in _OWN_BRACKETS and len(inner) == 1:
            return row.latex.replace("[[x]]", inner[0])
        head = row.latex.replace("[[x]]", "").strip()
        return rf"{head}\left({', '.join(inner)}\right)"
