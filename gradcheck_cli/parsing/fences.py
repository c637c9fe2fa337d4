"""What stands between signs that open and close alike: absolute values, norms, and inner products."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr
from gradcheck_cli.parsing.lexer import Token

if TYPE_CHECKING:
    from gradcheck_cli.parsing.cursor import Cursor

TWO_BARS = "||"  # as typed: a norm, or the end of one absolute value and the beginning of another
_EUCLIDEAN = frozenset({"", "2", "F", "fro"})
_DECORATION = re.compile(r"\\(?:text|mathrm|mathsf)|[{}\s]")


def fenced(parser: Cursor) -> Expr:
    """Fenced := "|" sum "|" | "‖" sum "‖" | "⟨" sum ["," sum] "⟩"."""
    if parser.token.kind == "⟨":
        return _inner(parser)
    if parser.token.kind == "‖" and parser.token.text.startswith(TWO_BARS) and parser.choose(2) == 1:
        _part(parser)
    opened = parser.take()
    outer, parser.fences = parser.fences, parser.fences + opened.kind
    expr = parser.comparison()
    if opened.kind == "|" and parser.token.kind == "‖" and parser.token.text == TWO_BARS:
        _part(parser)
    closed = parser.expect(opened.kind, opened)
    parser.fences = outer
    span = opened.span.join(closed.span)
    return Call("abs", (expr,), (), span) if opened.kind == "|" else _norm(parser, expr, closed)


def _part(parser: Cursor) -> None:
    """Two bars as typed, taken one by one."""
    token = parser.token
    single = Token("|", "|", token.span, gap=token.gap)
    parser.tokens = (*parser.tokens[: parser.at], single, single, *parser.tokens[parser.at + 1 :])


def _norm(parser: Cursor, expr: Expr, closed: Token) -> Expr:
    """The Euclidean or Frobenius norm, of a number its absolute value; the sum of absolute values where a 1 is below."""
    span = expr.span.join(closed.span)
    which = _DECORATION.sub("", closed.text.partition("_")[2])
    if which not in _EUCLIDEAN and which != "1":
        parser.fail(f"the norm with {which} below is not read", "write out what it is", closed.span)
    if not parser.scope.arrays or which == "1":
        inner = Call("abs", (expr,), (), span)
        return Call("sum", (inner,), (), span) if parser.scope.arrays else inner
    return Call("norm", (expr,), (), span)


def _inner(parser: Cursor) -> Expr:
    """Inner product := "⟨" sum "," sum "⟩": all products of entries, added; around one value only brackets."""
    opened = parser.take()
    outer, parser.fences = parser.fences, ""
    parser.lists += 1
    items = [parser.comparison()]
    if parser.token.kind == ",":
        parser.take()
        items.append(parser.comparison())
    parser.lists -= 1
    closed = parser.expect("⟩", opened)
    parser.fences = outer
    span = opened.span.join(closed.span)
    product = Call("mul", tuple(items), (), span)
    if len(items) == 1:
        return items[0]
    return Call("sum", (product,), (), span) if parser.scope.arrays else product
