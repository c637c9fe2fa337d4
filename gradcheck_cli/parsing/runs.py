"""Letters written together: products of names (`w0x0`) and differentials (`dz`)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Index, Name, Num
from gradcheck_cli.parsing.lexer import Token
from gradcheck_cli.parsing.names import GREEK
from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from gradcheck_cli.expr import Expr
    from gradcheck_cli.parsing.names import Scope

MAX_SPLITS = 8


def splits(scope: Scope, token: Token) -> list[list[Token]]:
    """The ways to read a run of letters as the fewest names; the last piece may be a function.

    Dynamic programming from the left: `best[i]` holds the shortest splits of the first i letters.
    A digit never begins a piece, so `x2` is neither 2x nor x*2.
    """
    word, start = token.text, token.span.start
    if word in GREEK and token.span.end - start == len(word) + 1:  # \psi is one letter
        return []
    exact = token.span.end - start == len(word)
    longest = max((len(spelling) for spelling in scope.spellings), default=1)
    best: list[list[tuple[int, ...]]] = [[()], *([] for _ in word)]
    for end in range(1, len(word) + 1):
        for begin in range(max(0, end - max(longest, 12)), end):
            piece = word[begin:end]
            last = end == len(word) and scope.function(piece) is not None
            if not best[begin] or not (scope.piece(piece) or last) or piece[0].isdigit():
                continue
            found = [(*cuts, end) for cuts in best[begin]]
            if not best[end] or len(found[0]) < len(best[end][0]):
                best[end] = found[:MAX_SPLITS]
            elif len(found[0]) == len(best[end][0]):
                best[end] = (best[end] + found)[:MAX_SPLITS]
    return [_pieces(word, cuts, start if exact else None, token.span) for cuts in best[len(word)]]


def _pieces(word: str, cuts: tuple[int, ...], start: int | None, span: Span) -> list[Token]:
    begins = (0, *cuts[:-1])
    return [
        Token("word", word[begin:end], span if start is None else Span(start + begin, start + end))
        for begin, end in zip(begins, cuts, strict=True)
    ]


def differential(scope: Scope, tokens: tuple[Token, ...], at: int) -> tuple[Name | Index, int] | None:
    """`dz`, `∂z`, `d z`: the name, or in a scope with arrays an entry, and the place of the token after it."""
    if at >= len(tokens) or tokens[at].kind != "word":
        return None
    token = tokens[at]
    if token.text[0] not in "d∂" or (scope.name(token.text) and token.text[0] == "d" and len(token.text) > 1):
        return None
    if len(token.text) == 1:
        if at + 1 >= len(tokens) or tokens[at + 1].kind != "word":
            return None
        token, at = tokens[at + 1], at + 1
        name = scope.name(token.text)
    else:
        name = scope.name(token.text[1:])
    return _entry(scope, tokens, Name(name, token.span), at + 1) if name else None


def _entry(scope: Scope, tokens: tuple[Token, ...], name: Name, at: int) -> tuple[Name | Index, int]:
    """The name, or its entry where letters and numbers in brackets follow; a subscript of LaTeX counts from 1."""
    if not scope.arrays or at >= len(tokens) or tokens[at].kind != "[" or tokens[at].gap:
        return name, at
    first = 1 if tokens[at].text == "_" else 0
    indices: list[Expr] = []
    place = at + 1
    while place + 1 < len(tokens) and tokens[place].kind in ("word", "number"):
        token = tokens[place]
        if token.value is None:
            indices.append(Name(token.text, token.span))
        else:
            value = token.value - first
            indices.append(Num(value, str(value), token.span))
        place += 2
        if tokens[place - 1].kind == "]":
            return Index(name, tuple(indices), name.span.join(tokens[place - 1].span)), place
        if tokens[place - 1].kind != ",":
            break
    return name, at


def base_of(found: Name | Index) -> str:
    """The name that is differentiated, or whose entry is."""
    return found.id if isinstance(found, Name) else base_of(found.base) if isinstance(found.base, Name | Index) else ""


def derivative_at(scope: Scope, tokens: tuple[Token, ...], at: int) -> tuple[Expr, int] | None:
    """`dz/dx` as d(z, x), or `dz` alone where the scope allows it; and the place of the token after it."""
    top = differential(scope, tokens, at)
    if top is None:
        return None
    after = min(top[1], len(tokens) - 1)
    bottom = differential(scope, tokens, after + 1) if tokens[after].kind == "/" else None
    if bottom is not None:
        span = tokens[at].span.join(tokens[bottom[1] - 1].span)
        return Call("d", (top[0], bottom[0]), (), span), bottom[1]
    if scope.differentials and base_of(top[0]) != scope.name(tokens[at].text):
        return Call("differential", (top[0],), (), tokens[at].span.join(top[0].span)), top[1]
    return None


def with_comma(token: Token, follows: Token) -> tuple[Num, ...]:
    """Digits, a comma, digits: a decimal comma, or thousands where three digits follow."""
    span = token.span.join(follows.span)
    decimal = Num(Fraction(f"{token.text}.{follows.text}"), f"{token.text}.{follows.text}", span)
    joined = token.text + follows.text
    if len(follows.text) != 3 or token.text == "0":
        return (decimal,)
    return Num(Fraction(joined), joined, span), decimal
