r"""LaTeX to the same tokens as plain text: names with their scripts are settled here, by the problem's table.

`\frac{\partial a}{\partial x_0}` becomes the tokens of `(∂a/∂x0)`, `e^{-z}` those of `e^(-z)`, `w_{31}^2` the name
that declares this spelling, or a power of `w_{31}` where none does. The parser behind is the one for plain text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from gradcheck_cli.errors import ParseError
from gradcheck_cli.functions import ALIASES
from gradcheck_cli.parsing.arrays import entry_places
from gradcheck_cli.parsing.lexer import MAX_CHARACTERS, MAX_TOKENS, Token, number_value
from gradcheck_cli.parsing.names import GREEK, normal_latex, plain_spellings
from gradcheck_cli.parsing.runs import differential
from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.source import Source

MAX_DEPTH = 60
_SPACING = (
    ", ; ! : quad qquad left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr displaystyle textstyle limits "
    "nolimits thinspace medspace enspace"
)
_SPACES = frozenset(_SPACING.split())
_OPERATORS = {
    "cdot": "*", "times": "*", "odot": "*", "circ": "*", "ast": "*", "div": "/", "le": "<=", "leq": "<=", "ge": ">=",
    "geq": ">=", "ne": "!=", "neq": "!=", "lt": "<", "gt": ">", "{": "(", "}": ")", "lvert": "|", "rvert": "|",
    "vert": "|", "mid": "|", "lbrace": "(", "rbrace": ")", "lbrack": "[", "rbrack": "]",
}  # fmt: skip
_FRACTIONS = {"frac", "dfrac", "tfrac", "cfrac"}
_ACCENTS = {"hat": "hat", "widehat": "hat", "tilde": "tilde", "widetilde": "tilde", "bar": "bar", "overline": "bar"}
_STYLES = {"mathbf", "boldsymbol", "bm", "mathit", "vec", "mathsf"}
_UPRIGHT = {"text", "mathrm", "operatorname", "textrm", "textit"}
_GROUPS = {"boxed", "underline"}
_SIGNS = set("+-*/()[]|<>,?")
_NUMBER = re.compile(r"(?:[0-9]+(?:\{,\}[0-9]+|\.?[0-9]*)|\.[0-9]+)")
_COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
_LETTERS = re.compile(r"[A-Za-z]+")


def tokenize_latex(source: Source, scope: Scope) -> tuple[Token, ...]:
    """The tokens of a formula in LaTeX, an `end` last; `$` around it is passed over.

    Raises ParseError, with the place, for a command that is not read.
    """
    if len(source.text) > MAX_CHARACTERS:
        message = f"the formula has {len(source.text):,} characters"
        raise ParseError(message, hint=f"at most {MAX_CHARACTERS:,} are read", source=source)
    lexer = _Lexer(source, scope)
    end = len(source.text)
    return (*lexer.tokens(0, end, 0), Token("end", "", Span(end, end)))


class _Lexer:
    """Reads stretches of one text; groups are read by the same methods, `depth` levels down."""

    def __init__(self, source: Source, scope: Scope) -> None:
        self.source = source
        self.text = source.text
        self.scope = scope
        self.count = 0

    def fail(self, message: str, hint: str, at: int, end: int | None = None) -> NoReturn:
        raise ParseError(message, hint=hint, source=self.source, span=Span(at, end or at + 1))

    def tokens(self, at: int, end: int, depth: int) -> list[Token]:
        """The tokens between two places."""
        if depth > MAX_DEPTH:
            self.fail(f"the formula is nested more than {MAX_DEPTH} deep", "give its parts names", at)
        found: list[Token] = []
        while at < end:
            new, at = self.next(at, end, depth)
            found += new
            self.count += len(new)
            if self.count > MAX_TOKENS:
                self.fail(f"the formula has more than {MAX_TOKENS:,} signs", "split it", at - 1)
        return found

    def next(self, at: int, end: int, depth: int) -> tuple[list[Token], int]:
        """The tokens that begin at a place, and the place behind them."""
        character = self.text[at]
        if character.isspace() or character in "$&~":
            return [], at + 1
        if match := _NUMBER.match(self.text, at, end):
            return [self.number(match)], match.end()
        if character == "{":
            inner, behind = self.group(at)
            return self.bracketed(inner, depth), behind
        if character == "^":
            return self.superscript(at, depth)
        if character.isalpha() and character.isascii():
            return self.name(at, end, depth)
        if character == "\\":
            return self.command(at, depth)
        if character in _SIGNS:
            return [Token(character, character, Span(at, at + 1))], at + 1
        return self.fail(f'"{character}" has no meaning in a formula', "remove it", at)

    def number(self, match: re.Match[str]) -> Token:
        span = Span(match.start(), match.end())
        text = match.group().replace("{,}", ".")
        return Token("number", text, span, number_value(text, self.source, span))

    def group(self, at: int) -> tuple[Span, int]:
        """What stands at a place as one argument: a group in braces, a command, or one character."""
        while at < len(self.text) and self.text[at].isspace():
            at += 1
        if at >= len(self.text):
            self.fail("an argument is missing", "put it in braces", max(at - 1, 0))
        if self.text[at] != "{":
            match = _COMMAND.match(self.text, at)
            end = match.end() if match else at + 1
            return Span(at, end), end
        level = 0
        for place in range(at, len(self.text)):
            if self.text[place] in "{}" and self.text[place - 1 : place] != "\\":
                level += 1 if self.text[place] == "{" else -1
                if level == 0:
                    return Span(at + 1, place), place + 1
        return self.fail('"{" is never closed', 'add "}"', at)

    def bracketed(self, inner: Span, depth: int) -> list[Token]:
        """A group as the parser sees it: in brackets."""
        opened, closed = Span(inner.start, inner.start), Span(inner.end, inner.end)
        return [Token("(", "{", opened), *self.tokens(inner.start, inner.end, depth + 1), Token(")", "}", closed)]

    def superscript(self, at: int, depth: int) -> tuple[list[Token], int]:
        inner, behind = self.group(at + 1)
        if self.text[inner.start : inner.end] == "-":  # e^-z means e^{-z}
            inner, behind = Span(inner.start, self.group(behind)[0].end), self.group(behind)[1]
        raised = self.text[inner.start : inner.end].strip()
        if raised in ("T", r"\top", r"\intercal", r"\mathsf{T}"):
            return [Token("T", raised, inner)], behind
        if re.fullmatch(r"\([a-z0-9]+\)|\[[a-z0-9]+\]", raised):
            return [], behind  # x^{(i)}: a label, not a power
        return [Token("^", "^", Span(at, at + 1)), *self.bracketed(inner, depth)], behind

    # -- names

    def name(self, at: int, end: int, depth: int) -> tuple[list[Token], int]:
        """Letters with scripts on the last of them."""
        match = _LETTERS.match(self.text, at, end)
        last = match.end() if match else at + 1
        return self.scripted(self.text[at:last], at, last, depth)

    def scripted(self, base: str, at: int, end: int, depth: int) -> tuple[list[Token], int]:
        r"""A base (letters, `\alpha`, `\hat{y}`) with its scripts: the name that has this spelling, or a power of one."""
        below, behind = self.subscript(end)
        spelling = base + (f"_{{{below}}}" if below else "")
        if self.text[behind : behind + 1] == "^":
            raised, after = self.group(behind + 1)
            written = f"{spelling}^{{{self.text[raised.start : raised.end]}}}"
            named = self.scope.latex.get(normal_latex(written))
            after_sub, last = self.subscript(after)
            if named is None and not below and after_sub:
                named = self.scope.latex.get(normal_latex(f"{base}_{{{after_sub}}}^{{{written.partition('^')[2]}}}"))
                after = last if named else after
            if named is not None:
                return [Token("word", named, Span(at, after))], after
        del depth
        return self.words(base, below, Span(at, behind)), behind

    def subscript(self, at: int) -> tuple[str, int]:
        if self.text[at : at + 1] != "_":
            return "", at
        inner, behind = self.group(at + 1)
        return self.text[inner.start : inner.end].strip(), behind

    def words(self, base: str, below: str, span: Span) -> list[Token]:
        """The longest end of a run of letters that is a name with the subscript; what is before it is a factor."""
        if base.startswith("\\"):
            named = self.resolved(base, below)
            return [Token("word", named or _typed(base, below), span)] if named else self.entry(base, below, span)
        if not below:
            return [Token("word", base, span)]
        for cut in range(len(base)):
            named = self.resolved(base[cut:], below)
            if named is not None:
                lead = [Token("word", base[:cut], Span(span.start, span.start + cut))] if cut else []
                return [*lead, Token("word", named, Span(span.start + cut, span.end))]
        return self.entry(base, below, span)

    def entry(self, base: str, below: str, span: Span) -> list[Token]:
        r"""A name with letters of entries below it, `P_i` as P[i], `\delta_{ij}` as delta(i, j); else the name as typed."""
        places = entry_places(below) if self.scope.arrays else ()
        for cut in range(1 if base.startswith("\\") else len(base)):
            named = self.resolved(base[cut:], "") or (None if base != "\\delta" or len(places) != 2 else "delta")
            if places and named is not None:
                opened, closed = ("(", ")") if named == "delta" else ("[", "]")
                lead = [Token("word", base[:cut], Span(span.start, span.start + cut))] if cut else []
                inner: list[Token] = []
                for place in places:
                    value = number_value(place) if place.isdigit() else None
                    inner += [Token(",", ",", span), Token("number" if place.isdigit() else "word", place, span, value)]
                return [
                    *lead,
                    Token("word", named, span),
                    Token(opened, opened, span),
                    *inner[1:],
                    Token(closed, closed, span),
                ]
        return [Token("word", _typed(base, below), span)]

    def sum_over(self, at: int, behind: int) -> tuple[list[Token], int]:
        r"""`\sum_j`, `\sum_{j=1}^N`: over a letter, all of whose places are meant; without one over all entries."""
        below, after = self.subscript(behind)
        letter = below.partition("=")[0].strip()
        if not letter:
            return [Token("word", "sum", Span(at, behind))], behind
        if not re.fullmatch("[a-z]", letter):
            self.fail(f"a sum over {below} is not read", "sum over a single letter", behind, after)
        if self.text[after : after + 1] == "^":
            after = self.group(after + 1)[1]
        return [Token("Σ", letter, Span(at, after))], after

    def resolved(self, base: str, below: str) -> str | None:
        """The name with this spelling, declared or derived."""
        spelling = base + (f"_{{{below}}}" if below else "")
        declared = self.scope.latex.get(normal_latex(spelling))
        if declared is not None:
            return declared
        plain = (self.scope.name(text) for text in plain_spellings(spelling))
        return next((name for name in plain if name is not None), None)

    # -- commands

    def command(self, at: int, depth: int) -> tuple[list[Token], int]:
        """A command and its arguments."""
        match = _COMMAND.match(self.text, at)
        if match is None:
            self.fail('"\\" stands at the end', "remove it", at)
        word, behind = match[1], match.end()
        if word in _SPACES or word.isspace():
            dot = word in ("left", "right") and self.text[behind : behind + 1] == "."
            return [], behind + dot
        if word in _OPERATORS:
            return [Token(_OPERATORS[word], match.group(), Span(at, behind))], behind
        if word in _FRACTIONS:
            return self.fraction(behind, depth)
        if word == "sqrt":
            return self.root(at, behind, depth)
        if word in _ACCENTS or word in _STYLES or word in _UPRIGHT or word in _GROUPS or word == "mathbb":
            return self.decorated(word, at, behind, depth)
        return self.symbol(word, at, behind, depth)

    def symbol(self, word: str, at: int, behind: int, depth: int) -> tuple[list[Token], int]:
        r"""`\partial`, a Greek letter, a function."""
        if word == "partial":
            return [Token("word", "∂", Span(at, behind))], behind
        if word == "sum" and self.scope.arrays:
            return self.sum_over(at, behind)
        plain = word.removeprefix("var") if word in GREEK else word
        if word in GREEK or self.scope.name(word):
            below, after = self.subscript(behind)
            if word == "sigma" and not below and not self.resolved("\\sigma", ""):
                return [Token("word", "σ", Span(at, behind))], behind
            return self.scripted(f"\\{plain}", at, behind, depth) if below or after else ([], after)
        if word in ALIASES:
            return [Token("word", word, Span(at, behind))], behind
        hint = "type the formula without it"
        return self.fail(f"\\{word} is not read", hint, at, behind)

    def decorated(self, word: str, at: int, behind: int, depth: int) -> tuple[list[Token], int]:
        r"""`\hat{y}_1`, `\mathbf{x}`, `\text{ReLU}`, `\mathbb{1}`, `\boxed{…}`."""
        inner, after = self.group(behind)
        content = self.text[inner.start : inner.end].strip()
        if word in _GROUPS:
            return self.bracketed(inner, depth), after
        if content == "1":
            return [Token("number", "1", Span(at, after), number_value("1"))], after
        if word in _UPRIGHT and (content == "d" or content in ALIASES or self.scope.name(content)):
            return [Token("word", content, Span(at, after))], after
        if word in _UPRIGHT and not re.fullmatch(r"[A-Za-z]", content):
            self.fail(f'the words "{content[:40]}" stand inside the formula', "write them outside", at, after)
        if word in _ACCENTS:
            return self.scripted(f"\\{_ACCENTS[word]}{{{content}}}", at, after, depth)
        return self.scripted(content, at, after, depth)

    def fraction(self, at: int, depth: int) -> tuple[list[Token], int]:
        r"""`\frac{a}{b}` as (a)/(b), `\frac{\partial a}{\partial z}` as ∂a/∂z, both in brackets."""
        top, at = self.group(at)
        bottom, behind = self.group(at)
        above, below = (self.tokens(part.start, part.end, depth + 1) for part in (top, bottom))
        slash = Token("/", "/", Span(top.end, bottom.start))
        opened, closed = Token("(", "{", Span(top.start, top.start)), Token(")", "}", Span(bottom.end, bottom.end))
        if entries := self.by_entry(above, below, Span(top.start, bottom.end)):
            return entries, behind
        d_above, d_below = self.differential(above), self.differential(below)
        if d_above and d_below:
            return [opened, *d_above, slash, *d_below, closed], behind
        if not above or not below:
            self.fail("a fraction has an empty part", "fill it", top.start, max(bottom.end, top.start + 1))
        parts = [opened, opened, *above, closed, slash, opened, *below, closed, closed]
        return parts, behind

    def by_entry(self, above: list[Token], below: list[Token], span: Span) -> list[Token]:
        r"""`\frac{\partial L}{\partial h_i}` as d(L, h[i]); empty where neither is an entry."""
        sides = [side[1:] if side and side[0].text in ("∂", "d") else [] for side in (above, below)]
        entries = [
            len(side) > 3 and side[0].kind == "word" and side[1].kind == "[" and side[-1].kind == "]" for side in sides
        ]
        plain = [len(side) == 1 and side[0].kind == "word" for side in sides]
        if not any(entries) or not all(a or b for a, b in zip(entries, plain, strict=True)):
            return []
        opened, comma, closed = (Token(sign, sign, span) for sign in "(,)")
        return [Token("word", "d", span), opened, *sides[0], comma, *sides[1], closed]

    def differential(self, tokens: list[Token]) -> list[Token]:
        """The tokens of dz or ∂z, without the arguments that notation may add, as in ∂φ(h); empty for anything else."""
        found = differential(self.scope, tuple(tokens), 0) if tokens else None
        if found is None:
            return []
        name, end = found
        above = self.scope.ancestors.get(name.id, frozenset())
        rest = [token for token in tokens[end:] if token.kind not in ("(", ")", ",")]
        if not all(token.kind == "word" and self.scope.name(token.text) in above for token in rest):
            return []
        return tokens[:end]

    def root(self, at: int, behind: int, depth: int) -> tuple[list[Token], int]:
        if self.text[behind : behind + 1] == "[":
            self.fail("roots with an index are not read", "write a power: x^{1/3}", at, behind + 1)
        inner, after = self.group(behind)
        return [Token("√", "√", Span(at, behind)), *self.bracketed(inner, depth)], after


def _typed(base: str, below: str) -> str:
    """A name as it would be typed, for a message."""
    return base.lstrip("\\").replace("{", "").replace("}", "") + (f"_{below}" if below else "")
