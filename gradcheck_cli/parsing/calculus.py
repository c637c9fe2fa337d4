"""Derivatives as notation: primes, and `d/dx` or `∂/∂x` applied to what follows."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Index, Name, Num
from gradcheck_cli.parsing.runs import differential

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradcheck_cli.parsing.cursor import Cursor
    from gradcheck_cli.parsing.lexer import Token
    from gradcheck_cli.parsing.names import Scope

MOST_CHOICES = 6
MOST_PRIMES = 4
_UNNAMED = frozenset({"f", "g", "h", "s", "phi", "φ", "ϕ", "psi", "ψ", "act", "activation"})
_NO_MEANING = ("a prime has no meaning here", "write the derivative as d(y, x)")


def operator(parser: Cursor) -> Expr | None:
    """Operator := ("d" | "∂") "/" ("d" | "∂") name ["*"] product, or only its first factor."""
    token = parser.token
    if token.text not in ("d", "∂") or parser.scope.name(token.text) or parser.ahead().kind != "/":
        return None
    bottom = differential(parser.scope, parser.tokens, parser.at + 2)
    if bottom is None:
        return None
    name, parser.at = bottom
    if parser.token.kind == "*":  # d/dx × (…), as some write it
        parser.take()
    operand = operand_of(parser)
    return Call("d", (operand, name), (), token.span.join(operand.span))


def operand_of(parser: Cursor) -> Expr:
    """What an operator is applied to: the product that follows, or only its first factor."""
    start = parser.at
    operand = parser.unary()
    if parser.goes_on() and parser.choose(2) == 0:
        parser.at = start
        operand = parser.product()
    return operand


def beside(parser: Cursor, before: Expr) -> tuple[Expr, ...]:
    r"""The next factor of a product without a sign, with the one before it; `4\tfrac14` is also four and a quarter."""
    factor = parser.unary()
    match before, factor:
        case Num(), Call(function="div", args=(Num() as top, Num() as bottom)):
            whole = all(one.text.isdigit() for one in (before, top, bottom))
            if whole and 0 < top.value < bottom.value and before.value and parser.choose(2) == 1:
                return (Call("add", (before, factor), (), before.span.join(factor.span)),)
    return before, factor


def of_expression(parser: Cursor) -> Expr | None:
    """Differential := "d" (function call | fenced), as in d tr(AB), d ln det(A), d ln a."""
    token, follows, scope = parser.token, parser.ahead(), parser.scope
    if token.text != "d" or not scope.differentials or scope.name("d"):
        return None
    called = follows.kind == "word" and scope.name(follows.text) is None and scope.function(follows.text) is not None
    if not called and follows.kind not in ("‖", "⟨"):
        return None
    parser.take()
    operand = parser.unary()
    return Call("differential", (operand,), (), token.span.join(operand.span))


def grouped(scope: Scope, tokens: Sequence[Token], at: int) -> int | None:
    """Behind `d(…)` or `∂(…)`, one value in the brackets; None where no such thing stands at a place."""
    if not scope.differentials or at + 1 >= len(tokens) or tokens[at].text not in ("d", "∂"):
        return None
    if scope.name(tokens[at].text) or tokens[at + 1].kind != "(":
        return None
    level = 0
    for place in range(at + 1, len(tokens)):
        level += (tokens[place].kind in "([{") - (tokens[place].kind in ")]}")
        if level == 0:
            return place + 1 if place > at + 2 else None
        if level == 1 and tokens[place].kind == ",":
            return None
    return None


def quotient(parser: Cursor) -> Expr | None:
    """Quotient := differential "/" differential, where one at least is "d" "(" value ")", as in df/d(x^2)."""
    tokens, scope, first = parser.tokens, parser.scope, parser.token
    upper = grouped(scope, tokens, parser.at)
    top = None if upper else differential(scope, tokens, parser.at)
    behind = upper or (top[1] if top else None)
    if behind is None or behind >= len(tokens) or tokens[behind].kind != "/":
        return None
    lower = grouped(scope, tokens, behind + 1)
    bottom = None if lower else differential(scope, tokens, behind + 1)
    if lower is None and (upper is None or bottom is None):
        return None
    above = _inside(parser, top)
    parser.at = behind + 1
    below = _inside(parser, bottom)
    return Call("d", (above, below), (), first.span.join(tokens[parser.at - 1].span))


def _inside(parser: Cursor, named: tuple[Name | Index, int] | None) -> Expr:
    """What is differentiated, or by what: a name that is known, else the group behind the d; it is taken."""
    if named is not None:
        parser.at = named[1]
        return named[0]
    parser.take()
    return parser.group()


def prime(parser: Cursor, expr: Expr) -> Expr:
    """Primed := name "'"+ ["(" ancestor ")"]: the derivative by what the name is computed from, a transpose for an array."""
    mark, times = parser.take(), 1
    while parser.token.kind == "'" and times < MOST_PRIMES and not parser.scope.arrays:
        parser.take()
        times += 1
    if parser.token.kind == "'" or not isinstance(expr, Name):
        parser.fail(*_NO_MEANING, mark.span)
    above = parser.scope.ancestors.get(expr.id, frozenset())
    if parser.token.kind == "(" and parser.ahead(2).kind == ")":
        inner = parser.ahead()
        wanted = parser.scope.name(inner.text) if inner.kind == "word" else None
        if wanted in above:
            for _ in range(3):
                parser.take()
            return _repeated(expr, Name(wanted, inner.span), times)
    if parser.scope.arrays:
        return Call("transpose", (expr,), (), expr.span.join(mark.span))
    if not above:
        parser.fail(*_NO_MEANING, mark.span)
    options = sorted(above)[:MOST_CHOICES]
    wanted = options[parser.choose(len(options)) if len(options) > 1 else 0]
    return _repeated(expr, Name(wanted, mark.span), times)


def _repeated(expr: Expr, name: Name, times: int) -> Expr:
    """The derivative by a name, so many times."""
    span = expr.span.join(name.span)
    for _ in range(times):
        expr = Call("d", (expr, name), (), span)
    return expr


def activation(parser: Cursor) -> Expr | None:
    """Activation := ("f" | "g" | "φ" | …) ["'"] "(" name [index] ")": what comes out of the name, whatever the function is."""
    primed = parser.ahead().kind == "'"
    opened, inner = (parser.ahead(distance + primed) for distance in (1, 2))
    name = parser.scope.name(inner.text) if inner.kind == "word" else None
    above = parser.scope.activations.get(name or "")
    after = _behind_index(parser, 3 + primed)
    closed = parser.ahead(after)
    if parser.token.text not in _UNNAMED or above is None or opened.kind != "(" or closed.kind != ")":
        return None
    span = parser.token.span.join(closed.span)
    place = parser.at + after
    parser.at += 3 + primed
    found: Expr = Name(above, span)
    if primed:
        found = Call("local", (found, Name(name or "", inner.span)), (), span)
    if parser.at < place:
        found = parser.index(found)
    parser.take()
    return found


def _behind_index(parser: Cursor, distance: int) -> int:
    """How far ahead stands what follows an index that may stand so far ahead."""
    if parser.ahead(distance).kind != "[" or not parser.scope.arrays:
        return distance
    after = distance
    while parser.ahead(after).kind not in ("]", "end"):
        after += 1
    return after + 1


def primed_function(parser: Cursor, word: Token) -> bool:
    """Whether a prime stands behind a function's name, which is then taken: σ'(z)."""
    if parser.token.kind != "'":
        return False
    mark = parser.take()
    if not parser.scope.differentials or parser.token.kind != "(":
        parser.fail(*_NO_MEANING, word.span.join(mark.span))
    return True


def exponent_of_function(parser: Cursor) -> Token | None:
    """The number in tanh^2 h, which in LaTeX may stand in braces; it is taken."""
    if parser.token.kind == "power":
        return parser.take()
    if parser.token.kind != "^":
        return None
    if parser.ahead().kind == "number":
        parser.take()
        return parser.take()
    if parser.ahead().text == "{" and parser.ahead(2).kind == "number" and parser.ahead(3).text == "}":
        parser.take()
        parser.take()
        found = parser.take()
        parser.take()
        return found
    return None


def probability(parser: Cursor, name: Name) -> Expr | None:
    """Probability := name "(" word "=" (letter | number) ")", as in P(y = j): an entry, where there are arrays."""
    tokens = [parser.ahead(distance) for distance in range(5)]
    kinds = [token.kind for token in tokens]
    letter = tokens[3]
    if not parser.scope.arrays or kinds[:3] != ["(", "word", "="] or kinds[4] != ")":
        return None
    if letter.kind not in ("word", "number"):
        return None
    for _ in tokens:
        parser.take()
    index: Expr = Name(letter.text, letter.span)
    if letter.value is not None:
        index = Num(letter.value, letter.text, letter.span)
    return Index(name, (index,), name.span.join(tokens[4].span))


def counted_from_one(parser: Cursor, opened: Token, indices: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The indices of an entry: a subscript of LaTeX counts from 1, or else from 0."""
    numbers = [index for index in indices if isinstance(index, Num) and index.value >= 1]
    if opened.text != "_" or len(numbers) != sum(isinstance(index, Num) for index in indices) or not numbers:
        return indices
    if parser.choose(2) == 1:
        return indices
    return tuple(_one_less(index) if isinstance(index, Num) else index for index in indices)


def _one_less(index: Num) -> Num:
    value = index.value - Fraction(1)
    return Num(value, str(value), index.span)
