"""Plain formulas to expressions: the likeliest reading of a text, or all of them."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, ParseError
from gradcheck_cli.late import late
from gradcheck_cli.parsing.arrays import index_letters
from gradcheck_cli.parsing.lexer import SAMPLE, tokenize
from gradcheck_cli.parsing.pratt import Parser
from gradcheck_cli.parsing.samples import THE_ONE, letters_of
from gradcheck_cli.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.parsing import latex as written
    from gradcheck_cli.parsing.lexer import Token
    from gradcheck_cli.parsing.names import Scope
else:
    written = late("gradcheck_cli.parsing.latex")

MAX_READINGS = 8
_ADDED = re.compile(r"\\sum.*[-+−]", re.DOTALL)


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
    error: GradcheckError | None = None
    if latex and scope.arrays:  # i and j of an entry stand for themselves
        running = letters_of(source.text) - set(scope.spellings) if scope.samples else frozenset()
        scope = replace(scope, indices=scope.indices | index_letters(scope.spellings) | running | {THE_ONE})
    for tokens in _ways(source, scope, latex=latex):
        parsed, failure = _parsed(source, scope, tokens)
        found += [expr for expr in parsed if expr not in found]
        error = error or failure
    if not found and error is not None:
        raise error
    return tuple(found)


def read_quietly(text: str | Source, scope: Scope, *, latex: bool = False) -> tuple[Expr, ...]:
    """As `readings`, none where there is none."""
    try:
        return readings(text, scope, latex=latex)
    except GradcheckError:
        return ()


def _ways(source: Source, scope: Scope, *, latex: bool) -> Iterator[tuple[Token, ...]]:
    """The tokens of a text; in LaTeX also as of one sample only, with the e of `2e-1` as Euler's number."""
    tokens = tokens_of(source, scope, latex=latex)
    yield tokens
    if latex and scope.samples and any(token.text == SAMPLE for token in tokens):
        with suppress(ParseError):
            yield written.tokenize_latex(source, scope, single=True)
    if latex and scope.arrays and _ADDED.search(source.text):
        with suppress(ParseError):
            wider = written.tokenize_latex(source, scope, wide=True)
            yield from (wider,) if len(wider) != len(tokens) else ()
    if latex and any(token.kind == "number" and "e" in token.text for token in tokens):
        with suppress(ParseError):
            yield written.tokenize_latex(source, scope, powers=False)


def _parsed(source: Source, scope: Scope, tokens: tuple[Token, ...]) -> tuple[list[Expr], GradcheckError | None]:
    """All readings of some tokens, the likeliest first, and what the first that failed failed at."""
    found: list[Expr] = []
    pending: list[tuple[int, ...]] = [()]
    error: GradcheckError | None = None
    for _ in range(MAX_READINGS):
        if not pending:
            break
        script = pending.pop(0)
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
    return found, error
