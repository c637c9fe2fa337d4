"""SymPy's side of each primitive: how it is built, and its partial derivatives where SymPy has none.

Letters: x, y, c are the arguments, f is the value itself, so that sigmoid' is written f*(1 - f).
A row without partials is differentiated by SymPy's own rule for what `build` returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import sympy

if TYPE_CHECKING:
    from collections.abc import Callable

ZERO, ONE = sympy.Integer(0), sympy.Integer(1)


@dataclass(frozen=True, slots=True)
class Rule:
    """`build(*arguments)` is the SymPy expression; `partials` are functions of (f, *arguments)."""

    build: Callable[..., Any]
    partials: tuple[Callable[..., Any], ...] = ()


@cache
def opaque(name: str) -> type[sympy.Function]:
    """A function that SymPy keeps as it is and differentiates by the row of that name."""

    def derivative(self: Any, symbol: sympy.Symbol) -> sympy.Expr:
        partials = RULES[name].partials
        terms = []
        for partial, argument in zip(partials, self.args, strict=True):
            inner = argument.diff(symbol) if argument.has(symbol) else ZERO
            if inner != 0:
                terms.append(partial(self, *self.args) * inner)
        return sympy.Add(*terms)

    return type(name, (sympy.Function,), {"_eval_derivative": derivative})


@cache
def _branch() -> type[sympy.Function]:
    """where(c, x, y): the derivative of the branch taken, kept as one where(…)."""

    def derivative(self: Any, symbol: sympy.Symbol) -> sympy.Expr:
        condition, yes, no = self.args
        taken, other = RULES["where"].partials
        slopes = (taken(self, yes.diff(symbol)), other(self, no.diff(symbol)))
        return ZERO if slopes == (0, 0) else self.func(condition, *slopes)

    return type("where", (sympy.Function,), {"_eval_derivative": derivative})


def call(name: str, *arguments: Any) -> Any:
    """An opaque function applied to SymPy expressions."""
    return opaque(name)(*arguments)


def _flat(name: str, count: int, *partials: Callable[..., Any]) -> Rule:
    zero = tuple([lambda _f, *_x: ZERO] * count)
    return Rule(lambda *x: call(name, *x), partials or zero)


RULES: dict[str, Rule] = {
    "add": Rule(sympy.Add),
    "neg": Rule(lambda x: -x),
    "mul": Rule(sympy.Mul),
    "div": Rule(lambda x, y: x * y**-1),
    "pow": Rule(sympy.Pow),
    "gt": _flat("gt", 2),
    "ge": _flat("ge", 2),
    "eq": _flat("eq", 2),
    "pi": Rule(lambda: sympy.pi),
    "e": Rule(lambda: sympy.E),
    "exp": Rule(sympy.exp),
    "log": Rule(sympy.log),
    "sin": Rule(sympy.sin),
    "cos": Rule(sympy.cos),
    "asin": Rule(sympy.asin),
    "atan": Rule(sympy.atan),
    "sinh": Rule(sympy.sinh),
    "cosh": Rule(sympy.cosh),
    "tanh": Rule(sympy.tanh),
    "erf": Rule(sympy.erf),
    "sigmoid": _flat("sigmoid", 1, lambda f, _x: f * (1 - f)),
    "relu": _flat("relu", 1, lambda _f, x: call("step", x)),
    "softplus": _flat("softplus", 1, lambda _f, x: call("sigmoid", x)),
    "abs": _flat("abs", 1, lambda _f, x: call("sign", x)),
    "sign": _flat("sign", 1),
    "step": _flat("step", 1),
    "floor": _flat("floor", 1),
    # a tie goes to the first argument
    "maximum": _flat("maximum", 2, lambda _f, x, y: call("ge", x, y), lambda _f, x, y: call("gt", y, x)),
    "minimum": _flat("minimum", 2, lambda _f, x, y: call("ge", y, x), lambda _f, x, y: call("gt", x, y)),
    "where": Rule(_branch(), (lambda _f, x: x, lambda _f, y: y)),
}
