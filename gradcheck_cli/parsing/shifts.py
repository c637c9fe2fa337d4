"""A node at another place, as in quotients of differences: `f(x + 0.01)`, `L(w - h, b)`, `f(2.01)`; or a product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call

if TYPE_CHECKING:
    from gradcheck_cli.expr import Expr, Name
    from gradcheck_cli.parsing.cursor import Cursor

STEPS = ("h", "epsilon", "eps", "ε", "k", "t")  # letters that a step often has
SHIFTED = "at"  # of what is taken at a place, and the place or places


def shifted(parser: Cursor, name: Name, above: frozenset[str]) -> Expr | None:
    """Shifted := name "(" arguments ")", one of them an ancestor with something added, or a number; all of a formula or none."""
    scope, opened = parser.scope, parser.token
    if not scope.differentials or scope.arrays or opened.text != "(" or not _moves(parser, above):
        return None
    if parser.calls is None:
        parser.calls = parser.choose(2) == 1
    if not parser.calls:
        return None
    parser.take()
    places = parser.arguments(")", opened)
    span = name.span.join(parser.tokens[parser.at - 1].span)
    return Call(SHIFTED, (name, *places), (), span)


def _moves(parser: Cursor, above: frozenset[str]) -> bool:
    """Whether what stands in the brackets is a number, or an ancestor and something that is added."""
    depth, signs, words = 0, False, list[str]()
    for token in parser.tokens[parser.at :]:
        depth += (token.kind == "(") - (token.kind == ")")
        if depth == 0:
            named = any(parser.scope.name(word) in above for word in words)
            return (signs and named) or all(word in STEPS for word in words)
        signs = signs or token.kind in "+-"
        words += [token.text] if token.kind == "word" else []
    return False
