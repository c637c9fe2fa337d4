"""Members with words in them, and numbers that are told in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gradcheck_cli.errors import ParseError
from gradcheck_cli.parsing.text import readings
from gradcheck_cli.source import Span
from gradcheck_cli.symbolic.convert import as_typed
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from fractions import Fraction

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.source import Source

_UNIT = re.compile(r"^\s*([+-]?[0-9][0-9.,]*)\s+\(?[A-Za-z]+\)?(?:\s+[a-z]+){0,3}\s*$")


def read_member(source: Source, scope: Scope, *, counted: bool, latex: bool) -> tuple[Expr, ...]:
    """The readings of a text; for a count, a number with a word behind it (`20 parameters`) is one too."""
    try:
        return readings(source, scope, latex=latex)
    except ParseError:
        if (match := _UNIT.match(source.text)) is None or not counted:
            raise
        return readings(source.slice(Span(match.start(1), match.end(1))), scope)


def counterexample(point: tuple[tuple[str, Fraction], ...] | None) -> str:
    """Numbers at which two expressions differ, in words."""
    if not point:
        return ""
    return "differs at " + ", ".join(f"{name} = {write(as_typed(value))}" for name, value in point[:6])
