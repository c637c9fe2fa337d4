r"""How a student writes the names of a problem: `\hat{y}` for yhat, `W^{(2)}` for W2, so that sentences can say it so."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Name
from gradcheck_cli.greek import GREEK_WORDS
from gradcheck_cli.parsing.text import read_quietly
from gradcheck_cli.source import Source
from gradcheck_cli.verifying.model import UNDECIDED, WRONG, Explanation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gradcheck_cli.parsing.document import Document
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.verifying.model import Claim, Report

MOST_TOKENS = 400  # different ones in a text
_ACCENTS = {"hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303", "bar": "\u0304"}
_FONTS = "mathbf|boldsymbol|bm|mathrm|text|mathcal|mathit|vec"
_BASE = rf"\\(?:{'|'.join(_ACCENTS)}|{_FONTS})\s*(?:\{{\s*[A-Za-z]+\s*\}}|\s[A-Za-z])|\\[A-Za-z]+|[A-Za-z]"
_SCRIPT = r"(?:\s*_\s*(?:\{[A-Za-z0-9]{1,4}\}|[A-Za-z0-9]))?(?:\s*\^\s*(?:\{\s*[(\[]?[0-9]+[)\]]?\s*\}|[0-9]))?"
_TOKEN = re.compile(rf"(?:{_BASE}){_SCRIPT}")
_PARTS = re.compile(
    rf"(?:\\(?P<command>[A-Za-z]+)\s*(?:\{{\s*(?P<inner>[A-Za-z]+)\s*\}}|\s(?P<next>[A-Za-z]))?|(?P<letter>[A-Za-z]))(?P<script>{_SCRIPT})"
)
_NUMBERED = re.compile(r"([A-Za-z])([0-9]+)")
_LETTERS = {word: letter for letter, word in GREEK_WORDS.items() if len(letter) == 1}
# names that are words of a sentence, too
_WORDS = frozenset(
    {"a", "i", "is", "it", "in", "to", "of", "by", "at", "as", "and", "the", "for", "sum", "step", "right"}
)


def spellings(problem: Problem, document: Document) -> tuple[tuple[str, str], ...]:
    """The names of inputs and nodes that a text in LaTeX writes otherwise than the problem, each as it is shown."""
    counts: dict[str, Counter[str]] = {}
    known: dict[str, str | None] = {}
    for token in _tokens(document):
        if token not in known and len(known) < MOST_TOKENS:
            known[token] = _meant(problem, token)
        name = known.get(token)
        if name is not None:
            counts.setdefault(name, Counter())[token] += 1
    found = {name: shown(tokens.most_common(1)[0][0]) for name, tokens in counts.items()}
    found |= _alike(problem, found)
    return tuple((name, text) for name, text in found.items() if text not in ("", name) and name not in _WORDS)


def _alike(problem: Problem, found: Mapping[str, str]) -> dict[str, str]:
    """Numbered names that a text does not mention, in the style of those that it does: h_2 beside h_1."""
    styles: Counter[str] = Counter()
    own: dict[str, str] = {}
    for name, text in found.items():
        numbered = _NUMBERED.fullmatch(name)
        if numbered is not None and text.startswith(numbered[1]) and text.endswith((numbered[2], numbered[2] + ")")):
            style = text.removeprefix(numbered[1]).replace(numbered[2], "{}")
            styles[style] += 1
            own.setdefault(numbered[1], style)
    if not styles:
        return {}
    usual = styles.most_common(1)[0][0]
    others = [match for name in problem.graph.by_name if name not in found and (match := _NUMBERED.fullmatch(name))]
    return {match[0]: match[1] + own.get(match[1], usual).format(match[2]) for match in others}


def _tokens(document: Document) -> Iterator[str]:
    for formula in document.formulas:
        for member in formula.members if formula.latex else ():
            yield from (match[0].strip() for match in _TOKEN.finditer(member.text))


def _meant(problem: Problem, token: str) -> str | None:
    """The input or node that a token is; None where it is none, or more than a name."""
    found = next(iter(read_quietly(Source("name", token), problem.scope, latex=True)), None)
    return found.id if isinstance(found, Name) and found.id in problem.graph.by_name else None


def shown(token: str) -> str:
    r"""A name in LaTeX as a terminal can show it: `ŷ`, `W_2`, `W^(2)`, `δ_1`; empty where it cannot."""
    match = _PARTS.fullmatch(token)
    if match is None:
        return ""
    command, inner = match["command"], match["inner"] or match["next"]
    if command is None:
        base = match["letter"]
    elif inner is None:
        base = _LETTERS.get(command, "")
    else:
        base = unicodedata.normalize("NFC", inner + _ACCENTS.get(command, ""))
    scripts = re.sub(r"[\s{}]", "", match["script"])
    return base + scripts if base else ""


def in_own_names(text: str, names: Mapping[str, str]) -> str:
    """A sentence or formula with names as the student writes them, also in `dy/dx`."""
    if not names:
        return text
    return _WORD.sub(lambda match: _renamed(match, names), text)


def renamed(report: Report) -> Report:
    """A report whose sentences and formulas use the student's spellings; what was written stays as it was."""
    names = dict(report.names)
    return replace(report, claims=tuple(_told(claim, names) for claim in report.claims)) if names else report


def _told(claim: Claim, names: Mapping[str, str]) -> Claim:
    def said(text: str) -> str:
        return in_own_names(text, names)

    diagnosis = claim.diagnosis and replace(claim.diagnosis, message=said(claim.diagnosis.message))
    members = tuple(
        replace(member, note=said(member.note)) if member.verdict in (WRONG, UNDECIDED) else member
        for member in claim.members
    )
    return replace(
        claim,
        members=members,
        diagnosis=diagnosis,
        expected=said(claim.expected),
        explain=cache(lambda: _explained(claim.explain(), said)),
    )


def _explained(explanation: Explanation, said: Callable[[str], str]) -> Explanation:
    return Explanation(tuple(_aligned(explanation.steps, said)), said(explanation.where))


def _aligned(steps: tuple[str, ...], said: Callable[[str], str]) -> Iterator[str]:
    """Steps in other spellings, whose later lines still stand under the first sign of equality."""
    shift = 0
    for step in steps:
        blanks = len(step) - len(step.lstrip())
        text = said(step.lstrip())
        if not blanks:
            shift = _wide(text.partition(" = ")[0]) - len(step.partition(" = ")[0])
        yield " " * (blanks + shift if blanks else 0) + text


def _wide(text: str) -> int:
    """The characters of a text that take room."""
    return sum(not unicodedata.combining(character) for character in text)


_WORD = re.compile(r"(?<![\w\\.])(?:d(?P<top>\w+)/d(?P<bottom>\w+)|(?P<name>[A-Za-z]\w*))(?P<power>\^)?")


def _renamed(match: re.Match[str], names: Mapping[str, str]) -> str:
    power = match["power"] or ""
    if match["name"] is None:
        top, bottom = (names.get(match[part], match[part]) for part in ("top", "bottom"))
        return f"d{top}/d{bottom}{power}"
    name = names.get(match["name"], match["name"])
    return f"({name})^" if power and "^" in name else name + power
