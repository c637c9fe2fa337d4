"""Local derivatives of scalar nodes, one small SymPy derivative per edge, in the names of the graph."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sympy

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, Expr, Name, Num, children, names, size, substitute, walk, with_children
from gradcheck_cli.symbolic.convert import from_sympy, to_sympy

if TYPE_CHECKING:
    from gradcheck_cli.graph import Node

_MOST_OPERATIONS = 60
_OWN = "z_own"
_LARGEST_POWER = 64
_HIGHEST_POWER = 4096


def local_derivatives(node: Node, sources: tuple[str, ...]) -> dict[str, Expr]:
    """The derivative of a node by each of its sources, the others held fixed.

    The node's own value is written by its name where it occurs, so sigmoid's derivative is `a*(1 - a)`.
    """
    used = names(node.expr)
    letters = {name: f"v{index:03d}" for index, name in enumerate(used)}
    expanded = substitute(expand(node.expr), {name: Name(letter) for name, letter in letters.items()})
    constants: dict[Expr, str] = {}
    pattern = _without_constants(expanded, constants)
    _bounded(pattern)
    decimal = any(isinstance(part, Num) and "." in part.text for part in walk(expanded))
    back: dict[str, Expr] = {letter: Name(name) for name, letter in letters.items()}
    back |= {letter: constant for constant, letter in constants.items()}
    back[_OWN] = Name(node.name)
    return {source: substitute(_derivative(pattern, letters[source], decimal), back) for source in sources}


def _without_constants(expr: Expr, constants: dict[Expr, str]) -> Expr:
    """The expression with letters for constants such as log(2): SymPy would work them out, 9^9^9^9 for ever."""
    if not children(expr) or _plain(expr):
        return expr
    if not names(expr):
        return Name(constants.setdefault(expr, f"k{len(constants):03d}"))
    below = children(expr)
    changed = [_without_constants(child, constants) for child in below]
    if isinstance(expr, Call) and expr.function == "pow" and not names(below[0]):
        changed[0] = Name(constants.setdefault(below[0], f"k{len(constants):03d}"))  # log(-8) would be complex
    if (
        isinstance(expr, Call)
        and expr.function == "pow"
        and isinstance(below[1], Num)
        and below[1].value > _LARGEST_POWER
    ):
        changed[1] = Name(constants.setdefault(below[1], f"k{len(constants):03d}"))
    return with_children(expr, tuple(changed))


def _plain(expr: Expr) -> bool:
    """Whether an expression is a number with a sign, or a fraction."""
    return isinstance(expr, Call) and expr.function in ("neg", "div") and all(isinstance(arg, Num) for arg in expr.args)


def _bounded(expr: Expr, power: Fraction = Fraction(1)) -> None:
    """UnsupportedError where powers of powers would make SymPy write out huge numbers."""
    if isinstance(expr, Call) and expr.function == "pow" and isinstance(expr.args[1], Num):
        power *= max(Fraction(1), abs(expr.args[1].value))
    if power > _HIGHEST_POWER:
        message = f"powers of powers reach the exponent {int(power)}"
        raise UnsupportedError(message, hint="make the inner power a node of its own", span=expr.span)
    for child in children(expr):
        _bounded(child, power)


@lru_cache(maxsize=1024)
def _derivative(pattern: Expr, source: str, decimal: bool) -> Expr:  # noqa: FBT001 - lru_cache keys are positional
    """The derivative of an expression whose names were replaced by v000, v001, … in reading order.

    Layers of one form share it, and SymPy, which sorts by name, keeps the order in which they were written.
    """
    form = to_sympy(pattern)
    raw = sympy.diff(form, sympy.Symbol(source))
    if raw.has(sympy.Pow) and any(power.exp.free_symbols for power in raw.atoms(sympy.Pow)):
        raw = sympy.powsimp(raw)  # x^y*y/x is y*x^(y - 1), which also holds at x = 0
    forms = [raw]
    if not form.is_Symbol and not form.is_Add:
        forms.append(_own_name(raw, form, sympy.Symbol(source)))
    if (raw.is_Mul or raw.is_Add) and raw.count_ops() <= _MOST_OPERATIONS:
        forms.extend([sympy.powsimp(candidate) for candidate in forms])
        forms.extend([sympy.factor_terms(candidate) for candidate in forms[:2]])
    candidates = [from_sympy(candidate, decimal=decimal) for candidate in dict.fromkeys(forms)]
    return min(candidates, key=_cost)


def _own_name(raw: Any, form: Any, source: Any) -> Any:
    """The node's own expression, where it occurs in its derivative, by the node's name."""
    own = sympy.Symbol(_OWN)
    if form.is_Pow and form.exp.is_Rational and not form.exp.is_Integer:
        return raw.subs(form, own)
    if form.is_Pow and form.base.has(source):
        return raw  # x^y*y/x would lose x = 0
    return raw.xreplace({form: own})


def _cost(expr: Expr) -> int:
    """How much there is to read: a power or a call weighs more than a sign."""
    weights = {"neg": 0, "pow": 2, "sqrt": 2}
    calls = sum(
        weights.get(part.function, 1 if part.function in ("add", "mul", "div") else 3)
        for part in walk(expr)
        if isinstance(part, Call)
    )
    return size(expr) + calls
