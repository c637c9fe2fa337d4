r"""Samples of a batch by their number, and small letters for what a matrix holds: `x^{(i)}`, `z^{[1](i)}`, `x_i`, `x_{ij}`.

`x_i` is a row of X where the samples are rows, a column where they are columns; in the lexer's second reading it is an
entry of the one sample that the formula is about.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from gradcheck_cli.parsing.lexer import SAMPLE, Token, number_value
from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from gradcheck_cli.parsing.latexnames import Names

ALL = ":"  # the index of an axis of which everything is meant
EITHER = "::"  # the same, where the other axis may be meant: w_k may be a row or a column of W
THE_ONE = "s'"  # the number of the one sample that a formula is about: nobody writes it
ERRORS = "e[]"  # the name of what a text gives by its entries as e_i: e alone is a number
_LAYER = r"(?:\[\s*(?P<square>[0-9]+)\s*\]|\(\s*(?P<round>[0-9]+)\s*\))?"
_NUMBER = r"\(\s*(?P<letter>[a-km-su-z])\s*\)"  # the l of z^{(l)} counts layers, the t steps in time
_LABEL = re.compile(rf"\s*{_LAYER}\s*{_NUMBER}\s*")
_SMALL = re.compile(r"[a-z]|\\(?:hat|tilde|bar)\{[a-z]\}")
_RUNS = re.compile(
    r"\\sum(?:\s*\\limits)?\s*_\s*\{?\s*(?P<sum>[a-z])(?![a-z])|\(\s*(?P<label>[a-km-su-z])\s*\)\s*\S{0,8}\}"
)
# two different letters below, of which b, c, d may number batches, classes and dimensions: X_{nd}, W_{kc}
_PAIR = re.compile(r"_\s*\{\s*(?P<first>[bcdi-nprstu])\s*,?\s*(?!(?P=first))(?P<second>[bcdi-nprstu])\s*\}")
_NUMBERED = re.compile(r"_\s*(?:\{\s*)?(?P<below>[mn])(?:\s*,?\s*[a-z])?(?![A-Za-z])")


@lru_cache(maxsize=256)
def letters_of(text: str) -> frozenset[str]:
    """The letters that number samples in a formula: those of its sums and in labels, m and n in subscripts."""
    found = {match["below"] for match in _NUMBERED.finditer(text)} if "_" in text else set()
    if "_" in text:
        found |= {one for match in _PAIR.finditer(text) for one in match.group("first", "second")}
    if "\\sum" in text or "(" in text:
        found |= {match["sum"] or match["label"] for match in _RUNS.finditer(text)}
    return frozenset(found)


def labelled(lexer: Names, base: str, below: str, above: str, span: Span) -> list[Token]:
    """`x^{(i)}`, `z^{[1](i)}`, `z_1^{(i)}` and `x^{(i)}_j`; empty where there is no such sample. `above` has no sign of a transpose."""
    label = _LABEL.fullmatch(above)
    if label is None or not lexer.scope.samples:
        return []
    layer = label["square"] or label["round"] or ""
    entry = "" if below.isdigit() and not layer else below
    number = layer or (below if below.isdigit() else "")
    if base == "e" and lexer.scope.name("e") is None:
        if ERRORS not in lexer.scope.samples:
            lexer.fail("e has a number here as a sample has", "say what it is: e_i = …", span.start, span.end)
        return placed(lexer, ERRORS, label["letter"], "", span)
    for cut in range(1 if base.startswith("\\") else len(base)):
        named = _named(lexer, base[cut:], number)
        if named is not None and lexer.scope.samples[named][1]:
            lead = [Token("word", base[:cut], Span(span.start, span.start + cut))] if cut else []
            if lexer.one:  # the whole batch, as if it were one
                return [] if entry or cut else [Token("word", named, span)]
            return [*lead, *placed(lexer, named, label["letter"], entry, Span(span.start + cut, span.end))]
    return []


def _named(lexer: Names, base: str, number: str) -> str | None:
    """The matrix or vector that a letter stands for, itself or by its capital."""
    for spelling in (base, capital(base)):
        named = lexer.resolved(spelling, number) if spelling else None
        if named in lexer.scope.samples:
            return named
    return None


def small(lexer: Names, base: str, below: str, span: Span) -> list[Token]:
    """`x_i` as a sample of X, and `x_{ij}` as an entry; empty where X is none, or `x_{ij}` has a meaning of its own."""
    known = lexer.resolved(base, "")
    if base == "e" and not known and ERRORS in lexer.scope.samples:
        return placed(lexer, ERRORS, below, "", span)
    if known and not lexer.scope.samples.get(known, (ALL,))[0]:
        known = None  # a number, or the letter of a size
    named = known or (lexer.resolved(capital(base), "") if capital(base) else None)
    if named is None or not capital(base) or named not in lexer.scope.samples:
        return []
    place, batch = lexer.scope.samples[named]
    parts = parts_of(below)
    if len(parts) == len(place) > 1 and not known:
        return [Token("word", named, span), *lexer.indices(below, span)]
    if len(parts) != 1 or ALL not in place or (known and not batch):
        return []
    if lexer.one and batch:
        return placed(lexer, named, lexer.one, parts[0], span)
    return placed(lexer, named, parts[0], "", span)


def placed(lexer: Names, named: str, letter: str, entry: str, span: Span) -> list[Token]:
    """A sample of a batch, or an entry of that sample."""
    found = [Token("word", named, span)]
    place, batch = lexer.scope.samples[named]
    for at, sign in enumerate(place):
        whole = entry or (ALL if batch else EITHER)
        text = {"i": letter, ALL: whole}.get(sign, sign)
        value = number_value(text) if text.isdigit() else None
        lead = Token("," if at else "[", "," if at else SAMPLE, span)
        found += [lead, Token("word" if value is None else "number", text, span, value)]
    return [*found, Token("]", "]", span)]


def parts_of(below: str) -> list[str]:
    """The indices of a subscript, each a letter or a number."""
    return re.findall(r"[0-9]+|[a-z:]", below)


def capital(base: str) -> str:
    """The capital of a single small letter, with its accent; empty for anything else."""
    return base[:-2] + base[-2:].upper() if _SMALL.fullmatch(base) else ""
