"""Plain formulas to expressions: the likeliest reading of a text, or all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, ParseError
from gradcheck_cli.late import late
from gradcheck_cli.parsing.arrays import index_letters
from gradcheck_cli.parsing.lexer import tokenize
from gradcheck_cli.parsing.pratt import Parser
from gradcheck_cli.source import Source

if TYPE_CHECKING:
    from gradcheck_cli.expr import Expr
    from gradcheck_cli.parsing import latex as written
    from gradcheck_cli.parsing.lexer import Token
    from gradcheck_cli.parsing.names import Scope
else:
    written = late("gradcheck_cli.parsing.latex")

MAX_READINGS = 8


def parse(text: str | Source, scope: Scope, *, latex: bool = False) -> Expr:
    """The expression a text stands for, by its likeliest reading.

    Raises ParseError with the place, what is wrong and what would be right.
    """
    source = text if isinstance(text, Source) else Source("formula", text)
    return Parser(source, scope, (), tokens_of(source, scope, latex=latex)).formula()


def tokens_of(source: Source, scope: Scope, *, latex: bool) -> tuple[Token, ...]:
    """The tokens of a text, plain or in LaTeX."""
    return written.tokenize_latex(source, scope) if latex else tokenize(source)


def readings(text: str | Source, scope: Scope, *, latex: bool = False) -> tuple[Expr, ...]:
    """All readings of a text, the likeliest first, at most `MAX_READINGS`.

    Raises ParseError where there is none.
    """
    source = text if isinstance(text, Source) else Source("formula", text)
    found: list[Expr] = []
    pending: list[tuple[int, ...]] = [()]
    error: GradcheckError | None = None
    tries = 0
    if latex and scope.arrays:  # i and j of an entry stand for themselves
        scope = replace(scope, indices=scope.indices | index_letters(scope.spellings))
    tokens = tokens_of(source, scope, latex=latex)
    while pending and tries < MAX_READINGS:
        script = pending.pop(0)
        tries += 1
        parser = Parser(source, scope, script, tokens)
        try:
            expr = parser.formula()
        except ParseError as failure:
            error = error or failure
        else:
            if expr not in found:
                found.append(expr)
        taken = parser.taken
        for place in range(len(script), len(taken)):
            pending.extend((*(choice for choice, _ in taken[:place]), other) for other in range(1, taken[place][1]))
    if not found and error is not None:
        raise error
    return tuple(found)
