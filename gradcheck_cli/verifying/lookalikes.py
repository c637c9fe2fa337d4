"""Letters that a scanner takes for others: γ for y, χ for x, g for ŷ. Tried only where a formula cannot be read as it stands."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.parsing.text import readings
from gradcheck_cli.source import Source

if TYPE_CHECKING:
    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.parsing.names import Scope

_LOOKALIKES = (
    (r"\\gamma(?![A-Za-z])", "\\gamma", "y"),
    (r"\\chi(?![A-Za-z])", "\\chi", "x"),
    (r"\\omega(?![A-Za-z])", "\\omega", "w"),
    (r"\\nu(?![A-Za-z])", "\\nu", "v"),
    (r"\\rho(?![A-Za-z])", "\\rho", "p"),
    (r"(?<![A-Za-z\\])g(?![A-Za-z])", "g", "\\hat{y}"),
)


def lookalike(formula: Formula, scope: Scope) -> tuple[Formula, str] | None:
    """The formula with letters that mean nothing here read as those they look like, and what was read; None for none."""
    told = []
    members = formula.members
    for pattern, wrong, right in _LOOKALIKES:
        found = re.compile(pattern)
        if not formula.latex or not any(found.search(member.text) for member in members):
            continue
        if _known(wrong, scope) or not _known(right, scope):
            continue
        members = tuple(_with(member, found, right) for member in members)
        told.append(f"{wrong} read as {right}")
    return (replace(formula, members=members), ", ".join(told)) if told else None


def _known(text: str, scope: Scope) -> bool:
    try:
        readings(Source("letter", text), scope, latex=True)
    except GradcheckError:
        return False
    return True


def _with(source: Source, found: re.Pattern[str], right: str) -> Source:
    """A text with each letter exchanged, its places in the file kept."""
    text, offsets, start = "", [], 0
    for match in found.finditer(source.text):
        text += source.text[start : match.start()] + right
        offsets += [*range(start, match.start()), *[match.start()] * len(right)]
        start = match.end()
    text += source.text[start:]
    offsets += range(start, len(source.text) + 1)
    return source.part(text, tuple(offsets))
