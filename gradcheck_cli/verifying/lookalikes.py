"""Letters that a scanner takes for others: γ for y, χ for x, g for ŷ. Tried only where a formula cannot be read as it stands."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.parsing.text import read_quietly
from gradcheck_cli.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

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
_LOST = re.compile(r"(?<![A-Za-z\\_])([A-Za-z])([ijk])(?![A-Za-z])")
_LOST_IN_DERIVATIVE = re.compile(r"\\partial\s+[A-Za-z][ijk]\s*\}.*\\partial\s+[A-Za-z][ijk]\s*\}")


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
        members = tuple(exchanged(member, found, right) for member in members)
        told.append(f"{wrong} read as {right}")
    return (replace(formula, members=members), ", ".join(told)) if told else None


def with_accent(formula: Formula, scope: Scope) -> list[tuple[Formula, str]]:
    r"""The formula with the accent that its left side may have lost: `y = h W` where the problem has `\tilde{y}` too."""
    left = formula.members[0]
    if not formula.latex or not re.fullmatch(r"[A-Za-z]", left.text.strip()):
        return []
    found = []
    for accent in ("tilde", "hat", "bar"):
        put = f"\\{accent}{{{left.text.strip()}}}"
        if _known(put, scope):
            changed = exchanged(left, re.compile(r"[A-Za-z]"), put)
            found.append(
                (replace(formula, members=(changed, *formula.members[1:])), f"{left.text.strip()} read as {put}")
            )
    return found


def with_subscripts(formula: Formula, scope: Scope) -> Formula | None:
    """The formula with `hi` and `zi`, whose subscripts were lost, as `h_i` and `z_i`; None where its left side has none."""
    if not _LOST_IN_DERIVATIVE.search(formula.members[0].text):
        return None
    tokens = {match.groups() for member in formula.members for match in _LOST.finditer(member.text)}
    if any(scope.name(name + letter) is not None or scope.name(name) is None for name, letter in tokens):
        return None
    members = tuple(exchanged(member, _LOST, r"\g<1>_\g<2>") for member in formula.members)
    return replace(formula, members=members)


def _known(text: str, scope: Scope) -> bool:
    return bool(read_quietly(Source("letter", text), scope, latex=True))


def exchanged(source: Source, found: re.Pattern[str], right: str | Callable[[re.Match[str]], str]) -> Source:
    """A text with each letter exchanged, its places in the file kept."""
    text, offsets, start = "", [], 0
    for match in found.finditer(source.text):
        put = _put(match, right)
        text += source.text[start : match.start()] + put
        offsets += [*range(start, match.start()), *[match.start()] * len(put)]
        start = match.end()
    text += source.text[start:]
    offsets += range(start, len(source.text) + 1)
    return source.part(text, tuple(offsets))


def with_letters(source: Source, meant: dict[str, str]) -> Source:
    """A text with the student's letters for sizes exchanged, the longest first."""
    for name in sorted(meant, key=len, reverse=True):
        source = exchanged(source, re.compile(r"(?<![A-Za-z\\])" + re.escape(name) + r"(?![A-Za-z0-9_])"), meant[name])
    return source


def _put(match: re.Match[str], right: str | Callable[[re.Match[str]], str]) -> str:
    if callable(right):
        return right(match)
    return match.expand(right) if "\\g<" in right else right
