"""What the parser says about text it cannot read: the place, the fact, the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from gradcheck_cli.errors import ParseError
from gradcheck_cli.expr import children
from gradcheck_cli.functions import QUERIES

if TYPE_CHECKING:
    from gradcheck_cli.expr import Expr
    from gradcheck_cli.parsing.lexer import Token
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.source import Source, Span

_OPENING = {")": "(", "]": "[", "}": "{"}
_MOST_NAMES = 12


def complain(source: Source, message: str, hint: str, span: Span) -> NoReturn:
    """Raise a ParseError."""
    raise ParseError(message, hint=hint, source=source, span=span)


def left_over(source: Source, token: Token) -> NoReturn:
    """Something stands behind a complete formula."""
    if token.kind in _OPENING:
        hint = f'remove it, or open it with "{_OPENING[token.kind]}"'
        complain(source, f'"{token.text}" closes nothing', hint, token.span)
    if token.kind == "number":
        message = f'"{token.text}" follows a value without an operator'
        complain(source, message, "put * or + between", token.span)
    if token.kind in ("=", "≈"):
        complain(source, '"=" stands inside an expression', "use == to compare", token.span)
    if token.kind == ",":
        message = '"," stands where no list can be'
        complain(source, message, "write one value, decimals with a point", token.span)
    complain(source, f'"{token.text}" has no meaning here', "remove it", token.span)


def no_operand(source: Source, token: Token, before: Token | None) -> NoReturn:
    """A value should stand here and does not."""
    if token.kind == "end" and before is not None:
        complain(source, f'the formula ends after "{before.text}"', "a value should follow", before.span)
    if before is not None and before.kind != "end":
        complain(source, f'"{token.text}" follows "{before.text}"', "a value should stand between", token.span)
    complain(source, f'"{token.text}" stands where a value should', "a value should come first", token.span)


def unknown(source: Source, token: Token, scope: Scope) -> NoReturn:
    """A word that is no name and no product of names."""
    if token.text in ("∂", "d"):
        message = f'"{token.text}" stands before nothing that is known here'
        complain(source, message, f"this problem knows {_some(scope)}", token.span)
    near = scope.suggestions(token.text)
    if QUERIES.get(token.text) == (0, 0):
        hint = f"write {token.text}()"
    elif near:
        hint = "did you mean " + " or ".join(near) + "?"
    else:
        shown = _some(scope)
        hint = f"this problem knows {shown}" if shown else "no names are known here"
    complain(source, f'"{token.text}" is no name or function here', hint, token.span)


def _some(scope: Scope) -> str:
    """The first names of a scope, for a hint."""
    known = list(dict.fromkeys(scope.spellings.values()))
    return ", ".join(known[:_MOST_NAMES]) + (", …" if len(known) > _MOST_NAMES else "")


def check_depth(expr: Expr, source: Source, most: int) -> None:
    """ParseError for a tree that is nested too deep to be walked."""
    level = [expr]
    for _ in range(most + 1):
        level = [below for above in level for below in children(above)]
        if not level:
            return
    complain(source, f"the formula is nested more than {most} deep", "give its parts names", expr.span)
