"""Calls with named arguments (`axis=0`), sums over an index letter, `max` of one array."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Num, Sum
from gradcheck_cli.functions import FUNCTIONS, OF_ONE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.parsing.cursor import Cursor
    from gradcheck_cli.parsing.lexer import Token

Options = tuple[tuple[str, Expr], ...]
_TRUTH = {"true": 1, "True": 1, "false": 0, "False": 0}
INDEX_LETTERS = ("i", "j", "k", "l", "p", "q", "r", "s", "t", "u")


def call(parser: Cursor, function: str, word: Token) -> Expr:
    """Call := function "(" [comparison ("," comparison)*] ("," option "=" value)* ")"."""
    opened = parser.take()
    index = _bound(parser) if function == "sum" else None
    scope = parser.scope
    if index is not None:
        parser.scope = replace(scope, indices=scope.indices | {index})
    arguments, options = _arguments(parser, function, opened)
    parser.scope = scope
    if index is not None and len(arguments) == 2:
        return Sum(arguments[0], index, word.span.join(parser.tokens[parser.at - 1].span))
    return checked(parser, function, word, arguments, options)


def checked(parser: Cursor, function: str, word: Token, arguments: tuple[Expr, ...], options: Options) -> Expr:
    """The call, where the function takes so many arguments and options of these names."""
    span = word.span.join(parser.tokens[parser.at - 1].span)
    if function in OF_ONE and len(arguments) == 1:
        function = OF_ONE[function]
    if any(name == "axis" for name, _ in options) and function in OF_ONE:
        function = OF_ONE[function]
    row = FUNCTIONS[function]
    if len(arguments) == len(row.params) + 1 and "axis" in row.options and isinstance(arguments[-1], Num):
        options = (*options, ("axis", arguments[-1]))  # sum(x, 0), as NumPy has it
        arguments = arguments[:-1]
    if not row.accepts(len(arguments)):
        parser.fail(f"{word.text}(…) has {len(arguments)} arguments", f"it takes {row.arity()}", span)
    for name, value in options:
        if name not in row.options:
            known = f"it knows {', '.join(row.options)}" if row.options else "it has none"
            parser.fail(f"{word.text}(…) has no option {name}", known, value.span)
    return Call(function, arguments, options, span)


def _bound(parser: Cursor) -> str | None:
    """The letter that sum(…, j) sums over: a word that is no name, last before the closing bracket."""
    depth, at = 1, parser.at
    while at < len(parser.tokens) - 1:
        kind = parser.tokens[at].kind
        depth += (kind in "([{") - (kind in ")]}")
        if depth == 0:
            break
        at += 1
    comma, word = parser.tokens[max(at - 2, 0)], parser.tokens[max(at - 1, 0)]
    single = word.kind == "word" and len(word.text) == 1 and parser.scope.name(word.text) is None
    return word.text if single and comma.kind == "," and at - 2 > parser.at else None


def _arguments(parser: Cursor, function: str, opened: Token) -> tuple[tuple[Expr, ...], Options]:
    found: list[Expr] = []
    options: list[tuple[str, Expr]] = []
    known = FUNCTIONS[OF_ONE.get(function, function)].options
    bars, parser.bars = parser.bars, 0
    parser.lists += 1
    while parser.token.kind != ")":
        if parser.token.kind == "word" and parser.ahead().kind == "=" and known:
            options.append(_option(parser))
        else:
            found.append(parser.comparison())
        if parser.token.kind != ",":
            break
        parser.take()
    parser.expect(")", opened)
    parser.lists -= 1
    parser.bars = bars
    return tuple(found), tuple(options)


def _option(parser: Cursor) -> tuple[str, Expr]:
    """Option := word "=" (sum | "true" | "false")."""
    name = parser.take().text
    parser.take()
    token = parser.token
    if token.kind == "word" and token.text in _TRUTH:
        parser.take()
        truth = _TRUTH[token.text]
        return name, Num(Fraction(truth), str(truth), token.span)
    parser.deeper()
    value = parser.sum()
    parser.depth -= 1
    return name, value


def index_letters(names: Iterable[str]) -> frozenset[str]:
    """The letters that may stand for an index beside these names."""
    return frozenset(INDEX_LETTERS) - frozenset(names)
