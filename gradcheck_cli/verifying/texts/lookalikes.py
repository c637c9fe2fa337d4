"""Letters that a scanner takes for others: γ for y, χ for x, g for ŷ. Tried only where a formula cannot be read as it stands."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from gradcheck_cli.parsing.text import read_quietly
from gradcheck_cli.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.parsing.names import Scope

_LOOKALIKES = (
    (r"\\gamma(?![A-Za-z])", "\\gamma", "y"),
    (r"\\chi(?![A-Za-z])", "\\chi", "x"),
    (r"\\omega(?![A-Za-z])", "\\omega", "w"),
    (r"\\nu(?![A-Za-z])", "\\nu", "v"),
    (r"\\rho(?![A-Za-z])", "\\rho", "p"),
    (r"(?<![A-Za-z\\])g(?![A-Za-z])", "g", "\\hat{y}"),
    (r"(?<![A-Za-z\\])n(?![A-Za-z])", "n", "x"),
)
_PLAIN = {"\\hat{y}": "yhat"}  # what a letter may be in plain text
_SHORT = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{1,2}(?![A-Za-z0-9_'({])")
_ACCENTED = re.compile(r"\\(?P<accent>hat|tilde|bar)\s*\{?\s*(?P<letter>[A-Za-z])\s*\}?")
MOST_NUMBERS = 5  # of a name: W_0 to W_4
MOST_UNKNOWN = 3  # letters
_LOST = re.compile(r"(?<![A-Za-z\\_])([A-Za-z])([ijk])(?![A-Za-z])")
_LOST_IN_DERIVATIVE = re.compile(r"\\partial\s+[A-Za-z][ijk]\s*\}.*\\partial\s+[A-Za-z][ijk]\s*\}")


def lookalike(formula: Formula, scope: Scope) -> tuple[Formula, str] | None:
    """The formula with letters that mean nothing here read as those they look like, and what was read; None for none."""
    told = []
    members = formula.members
    for pattern, wrong, looks in _LOOKALIKES:
        found = re.compile(pattern)
        right = looks if formula.latex else _PLAIN.get(looks, "")
        if not right or not any(found.search(member.text) for member in members):
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


def numbered(formula: Formula, scope: Scope) -> Iterator[tuple[Formula, str]]:
    """The formula with letters that mean nothing here as names with a number, in every choice of numbers, and how."""
    runs = [match.group() for member in formula.members for match in _SHORT.finditer(member.text)]
    unknown = {letter for run in runs if scope.name(run) is None for letter in run if scope.name(letter) is None}
    choices = {letter: [at for at in range(MOST_NUMBERS) if scope.name(f"{letter}{at}")] for letter in sorted(unknown)}
    if not formula.latex or not choices or not all(choices.values()) or len(choices) > MOST_UNKNOWN:
        return
    for numbers in product(*choices.values()):
        put = dict(zip(choices, numbers, strict=True))

        def named(match: re.Match[str], put: dict[str, int] = put) -> str:
            run = match.group()
            return run if scope.name(run) else "".join(f"{one}_{put[one]} " if one in put else one for one in run)

        members = tuple(exchanged(member, _SHORT, named) for member in formula.members)
        yield (
            replace(formula, members=members),
            ", ".join(f"{letter} read as {letter}_{at}" for letter, at in put.items()),
        )


def other_accents(formula: Formula, scope: Scope) -> Iterator[tuple[int, Formula, str]]:
    """The formula with another accent on its left side's name where that stands again, member by member, and a remark."""
    accented = _ACCENTED.fullmatch(formula.members[0].text.strip())
    if not formula.latex or accented is None:
        return
    wrong = re.compile(rf"\\{accented['accent']}\s*\{{?\s*{accented['letter']}\s*\}}?(?![A-Za-z])")
    for at, member in enumerate(formula.members[1:], 1):
        for accent in ("hat", "tilde", "bar") if wrong.search(member.text) else ():
            put = f"\\{accent}{{{accented['letter']}}}"
            if accent != accented["accent"] and _known(put, scope):
                changed = exchanged(member, wrong, lambda _, put=put: put)  # type: ignore[misc]
                members = (*formula.members[:at], changed, *formula.members[at + 1 :])
                note = f"what stands on the right may be {put}; then this is right"
                yield at, replace(formula, members=members), note


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
