r"""Second derivatives in LaTeX: `\frac{\partial^2 L}{\partial w \partial w^T}`, `\frac{d^2 a}{dz^2}`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.parsing.lexer import Token
from gradcheck_cli.parsing.runs import differential

if TYPE_CHECKING:
    from gradcheck_cli.parsing.latexnames import Names


def second_derivative(lexer: Names, above: list[Token], below: list[Token]) -> list[Token] | None:
    r"""`\frac{\partial^2 L}{\partial w \partial w^T}` as the derivative by w of the derivative by w; None for anything else."""
    lead = [token.text for token in above[:4]]
    if lead not in (["∂", "^", "{", "2"], ["d", "^", "{", "2"]) or lexer.scope.name(lead[0]):
        return None
    first, at = _one_differential(lexer, below, 0)
    again, end = (first, at) if at == len(below) else _one_differential(lexer, below, at)
    twice = at == len(below) and [token.text for token in below[-4:]] == ["^", "{", "2", "}"]
    if not first or not again or end != len(below) or (at == len(below) and not twice):
        return None
    sign = Token("word", "∂", above[0].span)
    slash = Token("/", "/", above[0].span)
    opened, closed = (Token(kind, text, above[0].span) for kind, text in (("(", "{"), (")", "}")))
    rest = [opened, *above[5:], closed] if len(above) > 5 else []
    return [sign, slash, sign, *again, sign, slash, sign, *first, *rest]


def _one_differential(lexer: Names, tokens: list[Token], at: int) -> tuple[list[Token], int]:
    """The tokens of the name in ∂w, ∂w_j, ∂w^T or ∂w^2 at a place, and the place behind it; none where there is none."""
    found = differential(lexer.scope, tuple(tokens), at)
    if found is None:
        return [], at
    start, end = at + (len(tokens[at].text) == 1), found[1]
    name = tokens[start:end]
    if len(tokens[at].text) > 1:  # dw in one word
        name = [replace(tokens[at], text=tokens[at].text[1:]), *tokens[at + 1 : end]]
    if end < len(tokens) and tokens[end].kind == "T":
        end += 1
    elif [token.text for token in tokens[end : end + 4]] == ["^", "{", "2", "}"]:
        end += 4
    return name, end
