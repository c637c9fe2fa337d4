r"""Second and higher derivatives: `\frac{\partial^2 L}{\partial w \partial b}`, `d^2L/dw^2`, `d2L/dw2`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Name
from gradcheck_cli.parsing.calculus import operand_of
from gradcheck_cli.parsing.runs import differential

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.parsing.cursor import Cursor
    from gradcheck_cli.parsing.lexer import Token
    from gradcheck_cli.parsing.names import Scope

MOST_TIMES = 4
_JOINED = re.compile(r"[d∂](?P<order>[2-4])(?P<name>.+)")


def behind_order(scope: Scope, tokens: Sequence[Token]) -> int | None:
    """How many tokens `d^2` or `∂^2` at the beginning has; None where no such thing stands there."""
    found = _order(scope, tokens, 0) if tokens else None
    return found[1] if found else None


def higher(parser: Cursor) -> Expr | None:
    """Higher := ("d" | "∂") order [value] "/" differentials, as many as the order says; it is taken."""
    scope, start = parser.scope, parser.at
    if scope.arrays:
        return None
    first = parser.token
    top = _joined(scope, first)
    order = top[0] if top else _order(scope, parser.tokens, start)
    if order is None:
        return None
    parser.at = start + 1 if top else order[1]
    operand: Expr | None = Name(top[1], first.span) if top else None
    if operand is None and parser.token.kind != "/":
        operand = parser.postfix()
    names = _below(parser, top[0][0] if top else order[0]) if parser.token.kind == "/" else None
    if names is None:
        parser.at = start
        return None
    if operand is None:
        operand = operand_of(parser)
    for name in reversed(names):
        operand = Call("d", (operand, name), (), first.span.join(parser.tokens[parser.at - 1].span))
    return operand


def _order(scope: Scope, tokens: Sequence[Token], at: int) -> tuple[int, int] | None:
    """The order in `d^2`, `∂^{2}` or `d²`, and the place behind it."""
    token = tokens[at]
    if token.kind != "word" or token.text not in ("d", "∂") or scope.name(token.text):
        return None
    return _raised(tokens, at + 1)


def _raised(tokens: Sequence[Token], at: int) -> tuple[int, int] | None:
    """A small number as an exponent, and the place behind it."""
    kinds = [token.kind for token in tokens[at : at + 4]]
    if kinds[:1] == ["power"]:
        found, end = tokens[at].text, at + 1
    elif kinds[:2] == ["^", "number"]:
        found, end = tokens[at + 1].text, at + 2
    elif kinds == ["^", "(", "number", ")"]:
        found, end = tokens[at + 2].text, at + 4
    else:
        return None
    return (int(found), end) if found.isdigit() and 1 < int(found) <= MOST_TIMES else None


def _joined(scope: Scope, token: Token) -> tuple[tuple[int, int], str] | None:
    """`d2L` typed in one, where that is no name: the order, and the name."""
    match = _JOINED.fullmatch(token.text)
    if match is None or scope.name(token.text) or scope.name(token.text[1:]):
        return None
    name = scope.name(match["name"])
    return ((int(match["order"]), 0), name) if name else None


def _below(parser: Cursor, order: int) -> list[Name] | None:
    """What is differentiated by, behind the stroke: one name so many times, or so many names; it is taken."""
    at, found = parser.at + 1, list[Name]()
    closing = parser.tokens[at].kind == "("
    at += closing
    while len(found) < order:
        one = _by(parser, at, order)
        if one is None:
            return None
        names, at = one
        found += names
        at += parser.tokens[at].kind == "*" and len(found) < order
    if len(found) > order or (closing and parser.tokens[at].kind != ")"):
        return None
    parser.at = at + closing
    return found


def _by(parser: Cursor, at: int, order: int) -> tuple[list[Name], int] | None:
    """`dw`, `dw^2`, `dw2` or `dwdb` at a place: the names, and the place behind them."""
    scope, tokens = parser.scope, parser.tokens
    found = differential(scope, tokens, at)
    if found is not None and isinstance(found[0], Name):
        raised = _raised(tokens, found[1])
        return ([found[0]] * raised[0], raised[1]) if raised else ([found[0]], found[1])
    token = tokens[at]
    if token.kind != "word" or token.text[0] not in "d∂":
        return None
    if token.text.endswith(str(order)) and (name := scope.name(token.text[1:-1])):
        return [Name(name, token.span)] * order, at + 1
    for cut in range(2, len(token.text) - 1):
        first, second = scope.name(token.text[1:cut]), scope.name(token.text[cut + 1 :])
        if token.text[cut] in "d∂" and first and second:
            return [Name(first, token.span), Name(second, token.span)], at + 1
    return None
