"""What is written together: products of names (`w0x0`), differentials (`dz`), groups of digits (`12,345`)."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Index, Name, Num
from gradcheck_cli.greek import GREEK
from gradcheck_cli.parsing.lexer import LATEX_COMMA, Token
from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from gradcheck_cli.expr import Expr
    from gradcheck_cli.parsing.names import Scope

MAX_SPLITS = 8
_GROUP = 3  # digits of a group of thousands
_DECIMAL_COMMA = re.compile(r"(?<![0-9.,}])(?:0|[0-9]+(?=\{?,\}?(?:[0-9]{1,2}|[0-9]{4,})(?![0-9])))(?:\{,\}|,)[0-9]")
_THOUSAND = re.compile(r"[0-9]{3}(?:\.[0-9]*)?")


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


def numeral(tokens: tuple[Token, ...], at: int, *, listed: bool) -> tuple[tuple[Num, ...], int]:
    """The number that begins at a place, in each of its readings, and the place behind it.

    Behind its digits may stand a decimal comma, or thousands in groups of three: 12,345 or 12 345. A comma between the
    items of a list (`listed`) is neither, unless it stands in braces, as LaTeX writes it.
    """
    first = tokens[at]
    alone = Num(first.value or Fraction(0), first.text, first.span)
    if not first.text.isdigit():
        return (alone,), at + 1
    groups, behind = _groups(tokens, at + 1, listed=listed)
    thousands = len(first.text) <= _GROUP and not first.text.startswith("0")
    if groups and thousands:
        text = "".join((first.text, *groups))
        found = (Num(Fraction(text.removesuffix(".")), text, first.span.join(tokens[behind - 1].span)),)
        if len(groups) > 1 or "." in text or tokens[at + 1].kind != ",":
            return found, behind
        return (*found, _decimal(first, tokens[at + 2])), behind
    if _comma(tokens, at + 1, listed=listed) and tokens[at + 2].text.isdigit():
        return (_decimal(first, tokens[at + 2]),), at + 3
    return (alone,), at + 1


def has_decimal_comma(text: str) -> bool:
    """Whether a comma that can be nothing else stands in a text, as in 0,4 or 1{,}25: then 1,972 is hardly 1972."""
    return _DECIMAL_COMMA.search(text) is not None


def digits_listed(tokens: tuple[Token, ...], at: int) -> bool:
    """Whether a comma between two numbers stands before the bracket that closes what begins at a place."""
    depth = 1
    while depth and tokens[at].kind != "end":
        kind = tokens[at].kind
        depth += (kind in "([{") - (kind in ")]}")
        if depth == 1 and kind == "," and tokens[at + 1].kind in ("number", "-") and tokens[at - 1].kind == "number":
            return True
        at += 1
    return False


def _groups(tokens: tuple[Token, ...], at: int, *, listed: bool) -> tuple[list[str], int]:
    """The groups of three digits that begin at a place, all apart by commas or all by blanks; the last may have a point."""
    found: list[str] = []
    commas = _comma(tokens, at, listed=listed)
    while _comma(tokens, at, listed=listed) if commas else tokens[at].kind == "number" and not listed:
        group = tokens[at + commas].text
        if not _THOUSAND.fullmatch(group):
            break
        found.append(group)
        at += 1 + commas
        if "." in group:
            break
    return found, at


def _comma(tokens: tuple[Token, ...], at: int, *, listed: bool) -> bool:
    """Whether a comma between digits stands at a place."""
    if tokens[at].kind != "," or tokens[at].gap or (listed and tokens[at].text != LATEX_COMMA):
        return False
    return tokens[at + 1].kind == "number" and not tokens[at + 1].gap


def _decimal(first: Token, follows: Token) -> Num:
    text = f"{first.text}.{follows.text}"
    return Num(Fraction(text), text, first.span.join(follows.span))
