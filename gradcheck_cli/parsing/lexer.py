"""Plain text to tokens. Unicode is read through one explicit table; nothing is normalised behind its back."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.errors import ParseError
from gradcheck_cli.source import Source, Span

if TYPE_CHECKING:
    from gradcheck_cli.expr import Num

MAX_CHARACTERS = 20_000
MAX_TOKENS = 2_000
MAX_DIGITS = 60
MAX_EXPONENT = 400
MAX_NAME = 64
BRACKET = r"\left["  # the text of a bracket in LaTeX, which groups: neither a list nor an index
LATEX_COMMA = "{,}"  # of a decimal comma, or of thousands: never of a list
SAMPLE = r"^{("  # that of the bracket behind a sample of a batch: what stands in it is as it is
MATRIX = r"\begin"  # that of the bracket around the rows of a matrix: a list and no index

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_COMBINING = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar"}

# one character -> the operator it stands for
OPERATOR_SIGNS = {
    "−": "-", "–": "-", "×": "*", "·": "*", "⋅": "*", "∗": "*", "∙": "*", "•": "*", "⊙": "*", "∘": "*", "÷": "/", "∕": "/", "⁄": "/",
    "≤": "<=", "≥": ">=", "≠": "!=", "⟨": "⟨", "⟩": "⟩", "[": "[", "]": "]", "{": "{", "}": "}", "|": "|",
    "+": "+", "-": "-", "*": "*", "/": "/", "^": "^", "(": "(", ")": ")", ",": ",", ";": ";", "<": "<", ">": ">", "@": "@",
    "=": "=", "≈": "≈", "≃": "≈", "√": "√", "?": "?", "ᵀ": "T", "⊤": "T", "'": "'", "′": "'", "\\": "\\",
}  # fmt: skip
_DOUBLE = ("**", ".*", "<=", ">=", "==", "!=", ":=", "~=", "->", ".T")
VULGAR = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5), "⅘": (4, 5),
    "⅙": (1, 6), "⅚": (5, 6), "⅐": (1, 7), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8), "⅑": (1, 9), "⅒": (1, 10),
}  # fmt: skip
_LETTER = "A-Za-z\u0370-\u03ff∂∇ŷŶâêîôûĉĝĥĵŝŵẑãñõ\u0302\u0303\u0304"
# 1'234'567 and 1.234.567: groups of thousands that can be nothing else
GROUPED = r"[0-9]{1,3}(?:['’][0-9]{3})+(?![0-9'’])|[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,}(?![0-9.])"
_NUMBER = re.compile(rf"{GROUPED}|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(rf"[{_LETTER}](?:[{_LETTER}0-9₀-₉]|_\{{[{_LETTER}0-9]+\}}|_)*")
_NORM = re.compile(r"(?:\|\||‖)(?:_(?:\{\s*[A-Za-z0-9]+\s*\}|[A-Za-z0-9]+))?")  # with what stands below
_RAISED = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is `number`, `word`, `power` (raised digits), `end`, or the operator itself."""

    kind: str
    text: str
    span: Span
    value: Fraction | None = None
    gap: bool = False  # white space before it


def tokenize(source: Source) -> tuple[Token, ...]:
    """The tokens of a plain-text expression, an `end` last.

    Raises ParseError for a character that has no meaning here and for what is over a limit.
    """
    text = source.text
    if len(text) > MAX_CHARACTERS:
        message = f"the formula has {len(text):,} characters"
        raise ParseError(message, hint=f"at most {MAX_CHARACTERS:,} are read", source=source)
    tokens: list[Token] = []
    position = 0
    while True:
        start = position
        while position < len(text) and text[position].isspace():
            position += 1
        if position == len(text):
            break
        token = _next(source, position, gap=position > start)
        tokens.append(token)
        position = token.span.end
        if len(tokens) > MAX_TOKENS:
            message = f"the formula has more than {MAX_TOKENS:,} signs"
            raise ParseError(message, hint="split it", source=source, span=token.span)
    return (*tokens, Token("end", "", Span(len(text), len(text))))


def _next(source: Source, at: int, *, gap: bool) -> Token:
    text = source.text
    if match := _NUMBER.match(text, at):
        return _number(source, match.group(), at, gap=gap)
    if match := _WORD.match(text, at):
        return _word(source, match.group(), at, gap=gap)
    if match := _RAISED.match(text, at) or _NORM.match(text, at):
        norm = match.re is _NORM
        raised = match.group() if norm else match.group().translate(_SUPERSCRIPTS)
        return Token("‖" if norm else "power", raised, Span(at, match.end()), gap=gap)
    character = text[at]
    if character in VULGAR:
        top, bottom = VULGAR[character]
        return Token("number", f"{top}/{bottom}", Span(at, at + 1), Fraction(top, bottom), gap)
    pair = text[at : at + 2]
    if pair in ("**", ".^"):
        return Token("^", pair, Span(at, at + 2), gap=gap)
    if pair == ".T" and not text[at + 2 : at + 3].isalnum():
        return Token("T", pair, Span(at, at + 2), gap=gap)
    if pair in _DOUBLE:
        kind = {"~=": "≈", ".*": "*"}.get(pair, pair)
        return Token(kind, pair, Span(at, at + 2), gap=gap)
    if character == "." and text[at + 1 : at + 2].isalpha():
        return Token(".", ".", Span(at, at + 1), gap=gap)
    if character in OPERATOR_SIGNS:
        return Token(OPERATOR_SIGNS[character], character, Span(at, at + 1), gap=gap)
    raise unknown_character(source, at)


def _number(source: Source, text: str, at: int, *, gap: bool) -> Token:
    span = Span(at, at + len(text))
    text = ungrouped(text)
    value = number_value(text, source, span)
    if (percent := re.compile(r"\s?%").match(source.text, span.end)) and "e" not in text.lower():
        return Token("number", f"{text}e-2", Span(at, percent.end()), value / 100, gap)
    return Token("number", text, span, value, gap)


def ungrouped(text: str) -> str:
    """A number without the signs between its thousands."""
    return re.sub(r"['’.]", "", text) if text.count(".") > 1 or not text.isascii() or "'" in text else text


def number_value(text: str, source: Source | None = None, span: Span | None = None) -> Fraction:
    """The exact value of a decimal number; ParseError where it is over a limit."""
    mantissa, _, exponent = text.lower().partition("e")
    if sum(character.isdigit() for character in mantissa) > MAX_DIGITS:
        message = f"a number has more than {MAX_DIGITS} digits"
        raise ParseError(message, hint="round it", source=source, span=span)
    power = exponent.lstrip("+-").lstrip("0")
    if len(power) > 3 or int(power or 0) > MAX_EXPONENT:
        message = f"the exponent of {text[:40]} is out of range"
        raise ParseError(message, hint=f"at most {MAX_EXPONENT} is read", source=source, span=span)
    return Fraction(f"{mantissa.removesuffix('.')}e{'-' if exponent.startswith('-') else ''}{power or 0}")


def decimals(number: Num) -> int:
    """How many places after the point the number was typed with, its exponent counted in."""
    mantissa, _, exponent = number.text.lower().partition("e")
    places = len(mantissa.partition(".")[2])
    return places - int(exponent or 0)


def _word(source: Source, raw: str, at: int, *, gap: bool) -> Token:
    span = Span(at, at + len(raw))
    if len(raw) > MAX_NAME:
        message = f"a name has more than {MAX_NAME} letters"
        raise ParseError(message, hint="put * between factors", source=source, span=span)
    return Token("word", fold(raw), span, gap=gap)


def raised_digits(text: str, at: int) -> str:
    """Raised digits that stand at a place, in plain ones; empty where there are none."""
    match = _RAISED.match(text, at)
    return match.group().translate(_SUPERSCRIPTS) if match else ""


def fold(word: str) -> str:
    """A word in plain letters: lowered digits become digits, an accent its name (`ŷ` is `yhat`)."""
    letters = []
    for character in word.translate(_SUBSCRIPTS).replace("{", "").replace("}", ""):
        base, *marks = tuple(unicodedata.normalize("NFD", character))
        letters.append(base if not marks else base + "".join(_COMBINING.get(mark, mark) for mark in marks))
    return "".join(_COMBINING.get(letter, letter) for letter in letters)


def unknown_character(source: Source, at: int) -> ParseError:
    """What is wrong with a character, and what it may be meant as."""
    character = source.text[at]
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "unnamed")
    shown = character if character.isprintable() else code
    message = f'the character "{shown}" ({code}, {name.lower()}) has no meaning in a formula'
    latin = re.search(r"SMALL LETTER ([A-Z])$|CAPITAL LETTER ([A-Z])$", name)
    hint = "remove it"
    if latin and character.isalpha():
        letter = (latin.group(1) or latin.group(2) or "").lower()
        hint = f'it looks like "{letter if latin.group(1) else letter.upper()}": type that'
    elif character in '"`“”‘’':
        hint = "formulas need no quotes"
    elif character == ":":
        hint = "ranges are not read: write an entry as a[i], or make the parts inputs of their own"
    elif character == "$":
        hint = "LaTeX stands between $ and $ as a whole: $w_0 \\alpha$"
    return ParseError(message, hint=hint, source=source, span=Span(at, at + 1))
