r"""Sums and products in LaTeX: `\sum_j`, `\sum_{i,k}`, `\sum_{j \neq i}`, and written out between two numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.parsing.lexer import MAX_TOKENS, SAMPLE, Token
from gradcheck_cli.parsing.names import normal_latex
from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from gradcheck_cli.parsing.latexnames import Names

Found = tuple[list[Token], int]
MOST_TERMS = 50
_LIMITS = re.compile(r"\s*\\(?:no)?limits\s*")
_LETTERS = re.compile(r"\s*[a-z](?:\s*,?\s*[a-z]){1,2}\s*")  # a sum over two letters, or three
_RUNNING = re.compile(r"\s*([a-z])\s*(?:=\s*([0-9]+))?\s*")  # \\sum_i, and \\sum_{i=1} below an n
_LETTER = re.compile(r"\s*([a-z])\b")
_CONDITIONED = re.compile(r"\s*[a-z]\s*(?::|\\mid(?![a-z])|\\colon(?![a-z])|\|)\s*(?=.*(?:[<>=≤≥≠]|\\[lgn]e))")
_FROM = re.compile(r"(?:(?:=|\\geq?|≥)\s*([01]))?")
# a set of all there are: {1, …, n}, [n], or one whose letter says nothing else
_WHOLE = re.compile(
    r"(?:\\in(?![a-z])|∈)\s*(?:\\\{.*\}|\[.*\]|\\(?:mathcal|mathbb|text|mathrm)\s*\{.*\}|[BDN])\s*|=\s*[a-z]"
)
_EXCEPT = re.compile(r"\s*(?:[a-z]\s*(?:=\s*[^,]*?)?,\s*)?([a-z])\s*(?:\\neq|\\ne(?![a-z])|≠)\s*([a-z])\s*")
_ENDS = (")", "]", ",", "<", ">", "<=", ">=", "==", "!=")  # of what a sum sums
_INFIX = ("+", "-", "*", "/", "(", "[", ",", "<", ">", "<=", ">=", "==", "!=", "^", "√")


def total(lexer: Names, joint: str, at: int, behind: int, end: int, depth: int) -> Found:
    r"""`\sum` and `\prod`: written out between numbers, over an index letter where the scope has arrays."""
    if (named := _declared(lexer, at)) is not None:
        return named
    below, above, behind = _bounds(lexer, behind)
    texts = (lexer.text[below.start : below.end].strip(), lexer.text[above.start : above.end].strip())
    if numbers := _numbers(lexer, texts, behind, end):
        return _written_out(lexer, joint, numbers, Span(at, behind), end, depth)
    several, letter = _LETTERS.fullmatch(texts[0]), _LETTER.match(texts[0])
    if not (several or letter) or not lexer.scope.arrays:
        hint = "write its terms out" if not lexer.scope.arrays else "write the letter below it"
        lexer.fail("the sum has no letter and numbers to run over", hint, at, behind)
    span = Span(at, behind)
    condition = [] if several else _condition(lexer, below, texts[1], depth)
    over = [letter[1]] if letter and not several else re.findall("[a-z]", texts[0])
    body, after = _body(lexer, behind, end, depth)
    if lexer.wide:
        body, after = _wider(lexer, (body, after), behind, end, depth, set(over))
    if left_out := _EXCEPT.fullmatch(texts[0]):
        first, second = (Token("word", name, span) for name in left_out.groups())
        condition = [first, Token("!=", "!=", span), second]
    if condition:
        body = [*body, Token("*", "*", span), Token("(", "(", span), *condition, Token(")", ")", span)]
    word = Token("word", "sum" if joint == "+" else "prod", span)
    for run in reversed(over):
        name = run
        if lexer.scope.name(run) is not None:  # the letter of a size too: in the indices it is another
            body, name = _renamed(body, run), f"{run}'"
        tail = [Token(",", ",", span), Token("word", name, span), Token(")", ")", span)]
        body = [word, Token("(", "(", span), *body, *tail]
    return body, after


def _bounds(lexer: Names, behind: int) -> tuple[Span, Span, int]:
    """What stands below the sign of a sum and what above it, and the place behind both."""
    places: dict[str, Span] = {}
    if placed := _LIMITS.match(lexer.text, behind):
        behind = placed.end()
    while lexer.text[behind : behind + 1] in ("_", "^") and lexer.text[behind : behind + 1] not in places:
        sign = lexer.text[behind]
        places[sign], behind = lexer.group(behind + 1)
    nothing = Span(behind, behind)
    return places.get("_", nothing), places.get("^", nothing), behind


def _condition(lexer: Names, below: Span, above: str, depth: int) -> list[Token]:
    r"""What stands behind the letter of a sum as a condition, `\sum_{i: t_i < 1}`; nothing for a sum over a whole axis.

    Raises ParseError for a sum over a part of it, or over a set that is not known.
    """
    text = lexer.text[below.start : below.end]
    letter = _LETTER.match(text)
    rest = text[letter.end() :].strip() if letter else ""
    if conditioned := _CONDITIONED.match(text):
        return lexer.tokens(below.start + conditioned.end(), below.end, depth + 1)
    start = _FROM.fullmatch(rest)
    less = re.fullmatch(r".*-\s*1", above) and not (start and start[1] == "0")
    if _EXCEPT.fullmatch(text) or ((start or _WHOLE.fullmatch(rest)) and not less and above not in ("i", "j", "t")):
        return []
    return lexer.fail(
        "the sum is over a part that is not read",
        "write a condition behind the letter: i: t_i < 1",
        below.start,
        below.end,
    )


def _numbers(lexer: Names, limits: tuple[str, str], at: int, end: int) -> tuple[str, int, int] | None:
    r"""The letter of a sum that is written out, and the numbers it runs over; None for a sum over an index letter.

    Beside arrays it is one that numbers names: `\sum_t \delta_t` of \delta_1 and \delta_2.
    """
    below, above = limits
    written = _RUNNING.fullmatch(below)
    if written is None:
        return None
    given = (written[1], int(written[2]), int(above)) if written[2] and above.isdigit() and len(above) < 7 else None
    if given and not lexer.scope.arrays:
        return given
    plain, shifted = _known_with(lexer, written[1], at, end)
    if given:
        return (
            given if plain and all(set(range(given[1], given[2] + 1)) <= known for known in plain + shifted) else None
        )
    if lexer.scope.arrays and written[1] != "t":
        return None  # samples and entries are numbered by other letters
    if not plain or any(known != plain[0] for known in plain) or any(not plain[0] <= known for known in shifted):
        return None
    first, last = min(plain[0], default=0), max(plain[0], default=0)
    whole = last > first and len(plain[0]) == last - first + 1 and written[2] in (None, str(first))
    return (written[1], first, last) if whole else None


def _known_with(lexer: Names, letter: str, at: int, end: int) -> tuple[list[set[int]], list[set[int]]]:
    r"""The numbers with which names that a letter numbers are known, `\delta_t` and, for themselves, `h_{t-1}`.

    Nothing where the letter is an index of an array.
    """
    script = rf"(?:{letter}(?![A-Za-z0-9])|\{{\s*{letter}\s*(?P<shift>[-+]\s*[0-9])?\s*\}})"
    numbered = re.compile(rf"(?P<base>\\(?:hat|tilde|bar)\s*(?:\{{\s*\w\s*\}}|\w)|\\?[A-Za-z]+)\s*_\s*{script}")
    plain: list[set[int]] = []
    shifted: list[set[int]] = []
    for match in numbered.finditer(lexer.text, at, end):
        labelled = re.match(r"\s*\^\s*\{?\s*[(\[]", lexer.text[match.end() : match.end() + 9])
        if labelled or (lexer.scope.arrays and lexer.resolved(match["base"], "")):
            return [], []
        shift = int((match["shift"] or "0").replace(" ", ""))
        known = {number for number in range(MOST_TERMS) if lexer.resolved(match["base"], str(number + shift))}
        (shifted if match["shift"] else plain).append(known)
    return plain, shifted


def _declared(lexer: Names, at: int) -> Found | None:
    r"""A sum that the problem has a name for: `\sum_h \exp(x_h)` where that is declared as a spelling."""
    for spelling, name in lexer.scope.latex.items():
        if not spelling.startswith("\\sum"):
            continue
        end = at
        while end < len(lexer.text) and len(normal_latex(lexer.text[at:end])) < len(spelling):
            end += 1
        if normal_latex(lexer.text[at:end]) == spelling:
            return [Token("word", name, Span(at, end))], end
    return None


def _renamed(body: list[Token], letter: str) -> list[Token]:
    """The tokens with a letter in the indices of entries as one that nothing else has."""
    found, level = [], 0
    for token in body:
        level += (token.kind == "[" and token.text in ("_", SAMPLE)) - (token.kind == "]" and level > 0)
        index = level > 0 and token.kind == "word" and token.text == letter
        found.append(replace(token, text=f"{letter}'") if index else token)
    return found


def _written_out(lexer: Names, joint: str, run: tuple[str, int, int], span: Span, end: int, depth: int) -> Found:
    """The terms of a sum between two numbers, in brackets."""
    letter, first, last = run
    if last - first >= MOST_TERMS:
        lexer.fail(f"the sum has more than {MOST_TERMS} terms", "write fewer", span.start, span.end)
    kept, after = lexer.bound, span.end
    found = [Token("(", "{", span)]
    for value in range(first, last + 1):
        lexer.bound = {**kept, letter: str(value)}
        body, after = _body(lexer, span.end, end, depth)
        found += [Token(joint, joint, span)] * (value > first) + [Token("(", "{", span), *body, Token(")", "}", span)]
        if len(found) > MAX_TOKENS:
            lexer.fail(f"the formula has more than {MAX_TOKENS:,} signs", "split it", span.start, span.end)
    lexer.bound = kept
    if first > last:
        lexer.fail("the sum has no terms", "let it run upwards", span.start, span.end)
    return [*found, Token(")", "}", span)], after


def _wider(lexer: Names, found: Found, at: int, end: int, depth: int, letters: set[str]) -> Found:
    """What a sum sums with the terms behind it, where these have its letter and are no sums themselves; else as found."""
    longer, after = _body(lexer, at, end, depth, wide=True)
    rest = longer[len(found[0]) :]
    mine = any(token.text in letters for token in rest) and not any(token.text == "sum" for token in rest)
    return ([Token("(", "{", rest[0].span), *longer, Token(")", "}", rest[-1].span)], after) if mine else found


def _body(lexer: Names, at: int, end: int, depth: int, *, wide: bool = False) -> Found:
    """What a sum sums: up to the next +, - or comparison outside of brackets; `wide` up to the next comparison."""
    if depth > MOST_TERMS:
        lexer.fail("sums are nested too deep", "give its parts names", at)
    found: list[Token] = []
    level = 0
    while at < end:
        new, after = lexer.next(at, end, depth + 1)
        kind = new[0].kind if len(new) == 1 or (new and new[0].kind in (")", "]")) else ""
        ends = kind in ("+", "-") and bool(found) and found[-1].kind not in _INFIX
        if level == 0 and ((ends and not wide) or kind in _ENDS):
            break
        level += (kind in ("(", "[")) - (kind in (")", "]"))
        found, at = found + new, after
    if not found:
        lexer.fail("the sum has nothing behind it", "write its term", max(at - 1, 0))
    return found, at
