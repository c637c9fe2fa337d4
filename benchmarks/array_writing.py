r"""Expressions of arrays as homework has them, in several notations: `\odot` or `\circ`, `^\top` or `^T`, $\sigma(z)$.

A product without a sign is one of matrices, a vector is a column. Raises NoValueError for what has no such spelling.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from array_numbers import NoValueError, value

from gradcheck_cli.expr import Call, Index, Name, Num, Sum, number
from gradcheck_cli.write.latex import LatexWriter

ENTRYWISE = {"sigmoid": r"\sigma", "tanh": r"\tanh", "exp": r"\exp", "log": r"\log", "relu": r"\operatorname{ReLU}"}
SUM_LEVEL, PRODUCT_LEVEL, ATOM_LEVEL = range(3)


@dataclass
class Notation:
    """One way to write: names as the problem spells them, `env` tells which are numbers, vectors and matrices."""

    spellings: dict
    env: dict
    times: str = r"\odot"
    top: str = r"\top"
    hat: bool = False  # \hat y for \hat{y}
    small: bool = False  # \frac1m (…) before a product in place of one fraction
    names: dict = field(default_factory=dict)

    def name(self, name):
        text = LatexWriter(self.spellings).write(Name(name))
        return text.replace(r"\hat{y}", r"\hat y") if self.hat else text

    def rank(self, expr):
        return len(np.shape(value(expr, self.env)))

    def write(self, expr):
        return self.told(expr)[0]

    def at(self, expr, level):
        text, found = self.told(expr)
        return text if found >= level else rf"({text})"

    def told(self, expr):
        """The text, and how closely it binds."""
        match expr:
            case Num():
                return expr.text, ATOM_LEVEL
            case Name():
                return self.name(expr.id), ATOM_LEVEL
            case Index():
                return self.entry(expr)
            case Sum():
                return rf"\sum_{{{expr.index}}} {self.at(expr.body, PRODUCT_LEVEL)}", SUM_LEVEL
        rule = getattr(self, "of_" + expr.function, None)
        if rule is not None:
            return rule(expr)
        if expr.function in ENTRYWISE:
            return rf"{ENTRYWISE[expr.function]}({self.write(expr.args[0])})", ATOM_LEVEL
        raise NoValueError

    def entry(self, expr):
        if isinstance(expr.base, Call) and expr.base.function == "d":
            target, source = expr.base.args
            return self.of_d(Call("d", (target, Index(source, expr.indices))))
        text = self.at(expr.base, ATOM_LEVEL)
        at = "".join(self.write(index) for index in expr.indices)
        return (rf"({text})_{{{at}}}" if "_" in text or "^" in text else rf"{text}_{{{at}}}"), ATOM_LEVEL

    def of_add(self, expr):
        text = self.at(expr.args[0], PRODUCT_LEVEL)
        for term in expr.args[1:]:
            if isinstance(term, Call) and term.function == "neg":
                text += " - " + self.at(term.args[0], PRODUCT_LEVEL)
            else:
                text += " + " + self.at(term, PRODUCT_LEVEL)
        return text, SUM_LEVEL

    def of_neg(self, expr):
        return "-" + self.at(expr.args[0], PRODUCT_LEVEL), SUM_LEVEL

    def of_mul(self, expr):
        numbers = [arg for arg in expr.args if self.rank(arg) == 0]
        arrays = [arg for arg in expr.args if arg not in numbers]
        level = PRODUCT_LEVEL if len(arrays) < 2 else ATOM_LEVEL
        front = [self.factor(arg) for arg in numbers]
        joint = f" {self.times} ".join(
            self.factor(arg) if level == ATOM_LEVEL else self.at(arg, PRODUCT_LEVEL) for arg in arrays
        )
        joint = f"({joint})" if front and len(arrays) > 1 else joint
        return beside(
            [*front, joint] if joint else front
        ), PRODUCT_LEVEL if not arrays or front or level == PRODUCT_LEVEL else SUM_LEVEL

    def factor(self, expr):
        """A factor, in brackets unless it is one name, entry, fraction or function."""
        return self.at(expr, ATOM_LEVEL)

    def of_div(self, expr):
        top, bottom = expr.args
        if self.small and self.rank(bottom) == 0 and self.rank(top):
            front = rf"\frac{{1}}{{{self.write(bottom)}}} "
            return front + self.at(top, ATOM_LEVEL), PRODUCT_LEVEL
        return rf"\frac{{{self.write(top)}}}{{{self.write(bottom)}}}", ATOM_LEVEL

    def of_pow(self, expr):
        base, power = expr.args
        return rf"{self.at(base, ATOM_LEVEL)}^{{{self.write(power)}}}", ATOM_LEVEL

    def of_transpose(self, expr):
        if self.rank(expr.args[0]) < 2:
            return self.told(expr.args[0])
        return self.turned(expr.args[0]), ATOM_LEVEL

    def turned(self, expr):
        if isinstance(expr, Call) and expr.function == "transpose":
            inner = expr.args[0]
            return self.at(inner, ATOM_LEVEL) if self.rank(inner) > 1 else self.turned(inner)
        text = self.at(expr, ATOM_LEVEL)
        return rf"({text})^{self.top}" if "^" in text and not text.startswith("(") else rf"{text}^{self.top}"

    def of_matmul(self, expr):
        left, right = expr.args
        ranks = self.rank(left), self.rank(right)
        if ranks == (1, 2):
            return rf"{self.turned(right)} {self.operand(left)}", PRODUCT_LEVEL
        if ranks == (1, 1):
            return rf"{self.turned(left)} {self.operand(right)}", PRODUCT_LEVEL
        return f"{self.operand(left)} {self.operand(right)}", PRODUCT_LEVEL

    def operand(self, expr):
        inner = isinstance(expr, Call) and expr.function == "matmul"
        return self.at(expr, PRODUCT_LEVEL if inner and self.rank(expr) == 2 else ATOM_LEVEL)

    def of_outer(self, expr):
        left, right = expr.args
        return rf"{self.at(left, ATOM_LEVEL)} {self.turned(right)}", PRODUCT_LEVEL

    def of_inv(self, expr):
        return rf"{self.at(expr.args[0], ATOM_LEVEL)}^{{-1}}", ATOM_LEVEL

    def of_diag(self, expr):
        return rf"\operatorname{{diag}}({self.write(expr.args[0])})", ATOM_LEVEL

    def of_sqrt(self, expr):
        return rf"\sqrt{{{self.write(expr.args[0])}}}", ATOM_LEVEL

    def of_step(self, expr):
        return rf"\mathbb{{1}}[{self.write(expr.args[0])} > 0]", ATOM_LEVEL

    def of_delta(self, expr):
        return rf"\delta_{{{''.join(self.write(arg) for arg in expr.args)}}}", ATOM_LEVEL

    def of_d(self, expr):
        top, bottom = (self.write(arg) for arg in expr.args)
        return rf"\frac{{\partial {top}}}{{\partial {bottom}}}", ATOM_LEVEL

    def of_sum(self, expr):
        """Columns of ones add up: rows of a matrix, or all entries of a vector."""
        arg, axis = expr.args[0], dict(expr.options).get("axis")
        ranks = self.rank(arg), self.rank(expr)
        if ranks == (2, 1) and axis == number(0):
            return rf"{self.turned(arg)} \mathbf{{1}}", PRODUCT_LEVEL
        if ranks == (2, 2) and axis == number(1):
            return rf"{self.at(arg, ATOM_LEVEL)} \mathbf{{1}}", PRODUCT_LEVEL
        raise NoValueError


def beside(factors):
    """Factors without a sign between them, but for a dot before a number."""
    text = factors[0] if factors else ""
    for factor in factors[1:]:
        text += rf" \cdot {factor}" if factor[:1].isdigit() else f" {factor}"
    return text


def notations(spellings, env):
    return (
        Notation(spellings, env),
        Notation(spellings, env, times=r"\circ", top="T", hat=True, small=True),
    )


def array_text(grid, digits):
    """Numbers as a nested list: `[[1, 2], [3, 4]]`."""
    if np.ndim(grid):
        return "[" + ", ".join(array_text(row, digits) for row in grid) + "]"
    return number_text(grid, digits)


def matrix_text(grid, digits):
    """Numbers as a matrix in LaTeX; a vector is a column."""
    rows = np.reshape(grid, (-1, 1)) if np.ndim(grid) == 1 else grid
    body = r" \\ ".join(" & ".join(number_text(one, digits) for one in row) for row in rows)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def number_text(number_of, digits):
    text = f"{number_of:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if abs(float(text) - number_of) < 1e-10 else text
    return "0" if float(text) == 0 and abs(number_of) < 1e-10 else text
