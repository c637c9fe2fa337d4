r"""LaTeX to the same tokens as plain text: names with their scripts are settled here, by the problem's table.

`\frac{\partial a}{\partial x_0}` becomes the tokens of `(∂a/∂x0)`, `e^{-z}` those of `e^(-z)`, `w_{31}^2` the name
that declares this spelling, or a power of `w_{31}` where none does. The parser behind is the one for plain text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gradcheck_cli.errors import ParseError
from gradcheck_cli.functions import ALIASES
from gradcheck_cli.greek import GREEK, GREEK_WORDS
from gradcheck_cli.parsing import latexblocks as blocks
from gradcheck_cli.parsing.latexnames import ONES, TRANSPOSED, Names, is_entry, is_transposed
from gradcheck_cli.parsing.latexsums import total
from gradcheck_cli.parsing.lexer import (
    BRACKET,
    GROUPED,
    LATEX_COMMA,
    MAX_CHARACTERS,
    MAX_TOKENS,
    OPERATOR_SIGNS,
    VULGAR,
    Token,
    fold,
    number_value,
    raised_digits,
    ungrouped,
)
from gradcheck_cli.parsing.names import normal_latex
from gradcheck_cli.parsing.samples import THE_ONE
from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.source import Source

MAX_DEPTH = 60
_SPACING = (
    ", ; ! : quad qquad left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm biggm "
    "displaystyle textstyle scriptstyle tiny small normalsize large Large LARGE huge Huge bf rm it bfseries limits nolimits thinspace medspace enspace hfill nonumber notag ensuremath"
)
_SPACES = frozenset(_SPACING.split())
_IGNORED = {"label", "tag", "hspace", "vspace", "phantom", "hphantom", "vphantom", "color"}  # with their argument
_OPERATORS = {
    "cdot": "*", "times": "*", "odot": "*", "circ": "*", "ast": "*", "div": "/", "le": "<=", "leq": "<=", "ge": ">=",
    "geq": ">=", "ne": "!=", "neq": "!=", "lt": "<", "gt": ">", "{": "(", "}": ")", "lvert": "|", "rvert": "|",
    "vert": "|", "mid": "|", "lbrace": "(", "rbrace": ")", "lbrack": "[", "rbrack": "]", "star": "*", "bullet": "*",
    "leqslant": "<=", "geqslant": ">=", "slash": "/", "|": "‖", "lVert": "‖", "rVert": "‖", "Vert": "‖", "langle": "⟨",
    "rangle": "⟩",
}  # fmt: skip
_FRACTIONS = {"frac", "dfrac", "tfrac", "cfrac"}
_ACCENTS = {"hat": "hat", "widehat": "hat", "tilde": "tilde", "widetilde": "tilde", "bar": "bar", "overline": "bar"}
_STYLES = {"mathbf", "boldsymbol", "bm", "mathit", "vec", "mathsf", "mathcal", "mathscr", "mathfrak", "mathtt"}
_UPRIGHT = {"text", "mathrm", "operatorname", "textrm", "textit", "textbf", "texttt", "mbox"}
_GROUPS = {"boxed", "underline", "fbox", "underbrace", "overbrace", "cancel", "bcancel", "xcancel", "substack"}
_SECOND = {"textcolor", "colorbox", "overset", "underset", "stackrel"}  # the first argument says nothing
_DOTS = {"dots", "ldots", "cdots", "vdots", "ddots"}
_AROUND = {")": "(", "]": "["}
_SIGNS = set("+-*/()[]|<>,?=")
# digits with their decimals; `{,}` before three of them may be one of thousands, which is not settled here
_NUMBER = re.compile(GROUPED + r"|(?:[0-9]+(?:\{,\}(?![0-9]{3}(?!\s*\\%|[0-9eE]))[0-9]+|\.?[0-9]*)|\.[0-9]+)")
_EXPONENT = re.compile(
    r"[eE](?P<bare>[-+−]?[0-9]{1,3}(?![0-9.])|\{\s*[-+−][0-9]{1,3}\s*\})"
    r"|\s*\\(?:text|textrm|mathrm|mathit)\s*\{\s*[eE]\s*(?P<sign>[-+−]?)\s*(?P<digits>[0-9]{0,3})\s*\}"
    r"(?P<rest>\s*(?:\{\s*[-+−]?\s*[0-9]{1,3}\s*\}|[-+−]?[0-9]{1,3}(?![0-9.])))?"
)
_BOLD_NUMBER = re.compile(r"\s*\{\s*(?!1\s*\})[-+−]?\s*[0-9]*\.?[0-9]+\s*\}")  # \mathbf{1} is a vector of ones
_PIECEWISE = re.compile(r"\s*\\begin\s*\{(?:array|cases|matrix|aligned)\}")
_COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
_CONDITION = re.compile(r"\s*(?:_|(?:\\(?:left|[Bb]igg?l?))?\s*(?:[\[({]|\\\{))")
_COMPARED = re.compile(r"[()\[\]{}]|(?P<sign>[<>=≤≥≠∈]|\\(?:[lg]eq?|neq?|lt|gt|in|[lg]eqslant)(?![A-Za-z]))")
_INVERSE = re.compile(rf"\s*-\s*{TRANSPOSED}\s*")
_ENTRYWISE = re.compile(r"\s*\\(?:odot|circ)\s*(?=[-0-9])")
_TWO_BARS = re.compile(r"\|(?:\s*\\(?:left|right|[Bb]igg?[lr]?)\s*)?\|")


def tokenize_latex(
    source: Source, scope: Scope, *, powers: bool = True, single: bool = False, wide: bool = False
) -> tuple[Token, ...]:
    """The tokens of a formula in LaTeX, an `end` last; `$` around it is passed over.

    With `powers` the e of `3.9e-1` stands for a power of ten, else for Euler's number as any other e. With `single` the
    formula is about one sample of a batch: `p_i` is an entry of it, `p^{(i)}` is p; else both are samples. With `wide` a sum
    goes on over what is added behind it and has its letter.
    Raises ParseError, with the place, for a command that is not read.
    """
    if len(source.text) > MAX_CHARACTERS:
        message = f"the formula has {len(source.text):,} characters"
        raise ParseError(message, hint=f"at most {MAX_CHARACTERS:,} are read", source=source)
    lexer = _Lexer(source, scope)
    lexer.powers = powers and scope.name("e") is None
    lexer.one = THE_ONE if single else ""
    lexer.wide = wide
    end = len(source.text)
    return (*lexer.tokens(0, end, 0), Token("end", "", Span(end, end)))


class _Lexer(Names):
    """Reads stretches of one text; groups are read by the same methods, `depth` levels down."""

    def tokens(self, at: int, end: int, depth: int) -> list[Token]:
        """The tokens between two places."""
        if depth > MAX_DEPTH:
            self.fail(f"the formula is nested more than {MAX_DEPTH} deep", "give its parts names", at)
        found: list[Token] = []
        while at < end:
            new, at = self.next(at, end, depth)
            if len(new) > 1 and new[0].kind in _AROUND and len(found) > 1:  # (W_2)_{ij} is an entry of W_2
                alone = found[-1].kind == "word" and found[-2].kind == _AROUND[new[0].kind]
                found[-2:], new = (found[-1:], new[1:]) if alone else (found[-2:], new)
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
            token = self.number(match)
            return [token], token.span.end
        if self.text.startswith(LATEX_COMMA, at):
            return [Token(",", LATEX_COMMA, Span(at, at + 3))], at + 3
        if character == "{":
            inner, behind = self.group(at)
            return self.bracketed(inner, depth), behind
        if character == "^":
            return self.superscript(at, depth)
        if character.isalpha() and character.isascii():
            return self.name(at, end)
        if character == "\\":
            return self.command(at, end, depth)
        return self.sign(character, at)

    def sign(self, character: str, at: int) -> tuple[list[Token], int]:
        """An operator, a bracket with the indices of an entry behind it, a prime."""
        span = Span(at, at + 1)
        if character == "|":
            double = _TWO_BARS.match(self.text, at)
            return self.norm(at, double.end()) if double else self.bar(at, at + 1)
        if character in _AROUND:
            below, behind = self.subscript(at + 1)
            if "=" in below:  # [df/dx]_{x=2} says where it is taken
                return [Token(character, character, span)], behind
            indices = self.indices(below, Span(at + 1, behind)) if self.scope.arrays and is_entry(below) else []
            return [Token(character, character, span), *indices], behind if indices else at + 1
        if character == "." and self.scope.arrays and (found := blocks.of_library(self, at)):
            return found
        if character == "[":
            return [Token("[", BRACKET, span)], at + 1
        if character in "'’′":
            return [Token("'", "'", span)], at + 1
        if character in _SIGNS or (character in ";@" and self.scope.arrays):
            return [Token(character, character, span)], at + 1
        return self.unicode(character, at)

    def number(self, match: re.Match[str]) -> Token:
        """A number with its digits; `{,}` is a decimal comma."""
        span = Span(match.start(), match.end())
        text = ungrouped(match.group().replace("{,}", "."))
        if self.powers and (power := _EXPONENT.match(self.text, match.end())) and (raised := _power_of_ten(power)):
            text, span = f"{text}e{raised}", Span(span.start, power.end())
        if re.match(r"(?:\s|~|\\[,;: ])*\\%", self.text[span.end :]) and "e" not in text:
            text, span = f"{text}e-2", Span(span.start, self.text.index("%", span.end) + 1)
        gap = self.text[span.start - 1 : span.start].isspace()  # (1, 2) is no decimal comma
        return Token("number", text, span, number_value(text, self.source, span), gap)

    def unicode(self, character: str, at: int) -> tuple[list[Token], int]:
        """A sign that is no ASCII: an operator, a Greek letter, a letter with its accent, raised digits."""
        span = Span(at, at + 1)
        if character == "∇":
            return blocks.nabla(self, at, at + 1)
        if character in OPERATOR_SIGNS and character not in ";@":
            return [Token(OPERATOR_SIGNS[character], character, span)], at + 1
        if character == "∂":
            return [Token("word", character, span)], at + 1
        if character in GREEK_WORDS:
            return self.greek(GREEK_WORDS[character], at, at + 1)
        if character in VULGAR:
            top, bottom = VULGAR[character]
            return [Token("number", f"{top}/{bottom}", span, number_value(str(top)) / bottom)], at + 1
        if raised := raised_digits(self.text, at):
            return [Token("power", raised, Span(at, at + len(raised)))], at + len(raised)
        folded = fold(character)
        accent = next((word for word in ("hat", "tilde", "bar") if folded == folded[:1] + word), "")
        if accent:
            return self.scripted(f"\\{accent}{{{folded[0]}}}", at, at + 1)
        return self.fail(f'"{character}" has no meaning in a formula', "remove it", at)

    def superscript(self, at: int, depth: int) -> tuple[list[Token], int]:
        """A power, a transpose, or a label such as (i)."""
        primes, after = self.primes(at)
        if primes:
            return [Token("'", "'", Span(at, after))] * primes, after
        inner, behind = self.group(at + 1)
        if match := _INVERSE.fullmatch(self.text, inner.start, inner.end):  # A^{-T}
            one = [Token("-", "-", inner), Token("number", "1", inner, number_value("1"))]
            group = [Token("(", "{", inner), *one, Token(")", "}", inner)]
            return [Token("T", match.group(), inner), Token("^", "^", Span(at, at + 1)), *group], behind
        if self.text[inner.start : inner.end] == "-":  # e^-z means e^{-z}
            inner, behind = Span(inner.start, self.group(behind)[0].end), self.group(behind)[1]
        if entrywise := _ENTRYWISE.match(self.text, inner.start, inner.end):  # H^{\\odot 2}
            inner = Span(entrywise.end(), inner.end)
        raised = self.text[inner.start : inner.end].strip()
        if is_transposed(raised, self.scope):
            return [Token("T", raised, inner)], behind
        if label := re.fullmatch(rf"(?:\([A-Za-z0-9]+\)|\[[A-Za-z0-9]+\])\s*({TRANSPOSED})?('|\\prime)?", raised):
            turned, primed = [Token("T", raised, inner)] * bool(label[1]), [Token("'", "'", inner)] * bool(label[2])
            return [*turned, *primed], behind  # x^{(i)}: a label, not a power
        return [Token("^", "^", Span(at, at + 1)), *self.bracketed(inner, depth)], behind

    def bar(self, at: int, behind: int) -> tuple[list[Token], int]:
        r"""A bar; one with a subscript, as in `\bigg|_{x=2}`, says where something is taken and is passed over."""
        if self.text[behind : behind + 1] == "_":
            return [], self.group(behind + 1)[1]
        return [Token("|", "|", Span(at, behind))], behind

    def norm(self, at: int, behind: int) -> tuple[list[Token], int]:
        """Two bars, with what stands below them."""
        below, after = self.subscript(behind)
        text = self.text[at:behind] if self.text[behind - 1] == "|" and self.text[at] == "|" else "‖"
        return [Token("‖", f"{text}_{below}" if below else text, Span(at, after))], after

    # -- commands

    def command(self, at: int, end: int, depth: int) -> tuple[list[Token], int]:
        """A command and its arguments."""
        match = _COMMAND.match(self.text, at)
        if match is None:
            self.fail('"\\" stands at the end', "remove it", at)
        word, behind = match[1], match.end()
        if word in _SPACES or word.isspace():
            dot = word in ("left", "right") and self.text[behind : behind + 1] == "."
            return [], behind + dot
        if word in _IGNORED:
            return [], self.group(behind)[1]
        if word in ("{", "lbrace") and _PIECEWISE.match(self.text, behind):
            return [], behind  # the brace of cases
        if word in _OPERATORS:
            return self.operator(_OPERATORS[word], match.group(), at, behind)
        if word in _FRACTIONS:
            return blocks.fraction(self, behind, depth)
        if word in ("sum", "prod"):
            return total(self, "+" if word == "sum" else "*", at, behind, end, depth)
        if word in _STYLES | _UPRIGHT and _BOLD_NUMBER.match(self.text, behind):
            return self.wrapped(behind, depth)
        if word in _ACCENTS or word in _STYLES or word in _UPRIGHT or word == "mathbb":
            return self.decorated(word, at, behind, depth)
        return self.block(word, at, behind, depth)

    def operator(self, kind: str, text: str, at: int, behind: int) -> tuple[list[Token], int]:
        """A sign that is written as a command."""
        if kind in "|‖":
            return self.bar(at, behind) if kind == "|" else self.norm(at, behind)
        if kind == "⟩":
            _, last = self.subscript(behind)  # the F of a Frobenius product
            return [Token(kind, text, Span(at, behind))], last
        return [Token(kind, text, Span(at, behind))], behind

    def block(self, word: str, at: int, behind: int, depth: int) -> tuple[list[Token], int]:
        """A root, a gradient, an environment, a group with something around it."""
        if word == "sqrt":
            return blocks.root(self, at, behind, depth)
        if word == "nabla":
            return blocks.nabla(self, at, behind)
        if word == "binom":
            return blocks.binomial(self, at, behind, depth)
        if word == "begin":
            return blocks.environment(self, at, behind, depth)
        if word in _SECOND:
            return self.wrapped(self.group(behind)[1], depth)
        if word in _GROUPS:
            return self.wrapped(behind, depth)
        if word == "cancelto":
            value, after = self.group(behind)
            return self.bracketed(value, depth), self.group(after)[1]
        if word in _DOTS:
            self.fail("terms are left out here", "write them all", at, behind)
        return self.symbol(word, at, behind)

    def wrapped(self, behind: int, depth: int) -> tuple[list[Token], int]:
        r"""A group with a frame, a brace or a line through it; `\cancel{x}^1` is what stands above."""
        word = self.text[:behind].rpartition("\\")[2]
        inner, after = self.group(behind)
        labels: dict[str, Span] = {}
        while word in _GROUPS and self.text[after : after + 1] in ("_", "^") and self.text[after] not in labels:
            sign = self.text[after]
            if word in ("boxed", "underline", "fbox"):
                break
            labels[sign], after = self.group(after + 1)
        if word.endswith("cancel") and "^" in labels:
            return self.bracketed(labels["^"], depth), after
        return self.bracketed(inner, depth), after

    def symbol(self, word: str, at: int, behind: int) -> tuple[list[Token], int]:
        r"""`\partial`, a Greek letter, a function."""
        if word == "partial" and self.text[behind : behind + 1] == "_":
            return blocks.nabla(self, at, behind)
        if word == "partial":
            return [Token("word", "∂", Span(at, behind))], behind
        if word in GREEK or self.scope.name(word):
            return self.greek(word, at, behind)
        if word == "log":
            return blocks.logarithm(self, at, behind)
        if word in ALIASES:
            return [Token("word", word, Span(at, behind))], behind
        hint = "type the formula without it"
        return self.fail(f"\\{word} is not read", hint, at, behind)

    def greek(self, word: str, at: int, behind: int) -> tuple[list[Token], int]:
        r"""A Greek letter: a name, `\sigma` as the function, `\delta_{ij}` as Kronecker's."""
        plain = word.removeprefix("var") if word in GREEK else word
        below, after = self.subscript(behind)
        if word == "sigma" and not below and not self.resolved("\\sigma", ""):
            return [Token("word", "σ", Span(at, behind))], behind
        if word == "delta" and re.fullmatch(r"[a-z],? ?[a-z]", below) and not self.resolved("\\delta", below):
            span = Span(at, after)
            first, second = Token("word", below[0], span), Token("word", below[-1], span)
            opened, closed = Token("(", "(", span), Token(")", ")", span)
            return [Token("word", "delta", span), opened, first, Token(",", ",", span), second, closed], after
        return self.scripted(f"\\{plain}", at, behind)

    def decorated(self, word: str, at: int, behind: int, depth: int) -> tuple[list[Token], int]:
        r"""`\hat{y}_1`, `\mathbf{x}`, `\text{ReLU}`, `\mathbb{1}`."""
        inner, after = self.group(behind)
        content = self.text[inner.start : inner.end].strip()
        if content == "1" or (word == "mathbb" and content == "I"):
            span = Span(at, after)
            below, last = self.subscript(after)
            if self.scope.arrays and content == "1" and re.fullmatch(r"[A-Za-z]|[0-9]+", below):
                opened, closed = Token("(", "(", span), Token(")", ")", span)
                size = self.tokens(last - len(below) - (self.text[last - 1] == "}"), last, depth + 1)
                return [Token("word", "ones", span), opened, *(one for one in size if one.text != "}"), closed], last
            if self.scope.arrays and content == "1" and not is_condition(self.text, after):
                return [Token("word", ONES, span)], after
            one = [Token("(", "{", span), Token("number", "1", span, number_value("1")), Token(")", "}", span)]
            if self.text[after : after + 1] != "_":
                return one, after
            where, last = self.group(after + 1)  # the indicator of what stands below
            return [*one, *self.bracketed(where, depth)], last
        declared = self.scope.latex.get(normal_latex(self.text[at:after]))
        if declared is not None and self.text[after : after + 1] not in ("_", "^", "'"):
            return [Token("word", declared, Span(at, after))], after
        if word in _UPRIGHT and (content == "d" or content in ALIASES):
            return [Token("word", content, Span(at, after))], after
        if word in _UPRIGHT and not re.fullmatch(r"[A-Za-z]+", content):
            self.fail(f'the words "{content[:40]}" stand inside the formula', "write them outside", at, after)
        if word in _UPRIGHT and len(content) > 1 and not self.known(content, after):
            self.fail(f'the words "{content[:40]}" stand inside the formula', "write them outside", at, after)
        if word in _ACCENTS:
            return self.scripted(f"\\{_ACCENTS[word]}{{{content}}}", at, after)
        return self.scripted(content, at, after)

    def known(self, content: str, after: int) -> bool:
        """Whether an upright word is a name, with the subscript behind it."""
        return self.resolved(content, self.subscript(after)[0]) is not None


def is_condition(text: str, at: int) -> bool:
    r"""Whether a condition stands behind a one, `\mathbf{1}_{z > 0}` or `\mathbf{1}[z > 0]`, and no factor in brackets."""
    opened = _CONDITION.match(text, at)
    if opened is None or opened.group().endswith("_"):
        return opened is not None
    depth = 0
    for found in _COMPARED.finditer(text, opened.end() - 1):
        depth += 0 if found["sign"] else 1 if found.group() in "([{" else -1
        if found["sign"] or depth == 0:
            return bool(found["sign"])
    return False


def _power_of_ten(match: re.Match[str]) -> str:
    r"""The exponent in `3.9e-1`, `3.9\text{e-}1`, `3.9\mathrm{e}{-1}`; empty where there is none."""
    written = match["bare"] or "".join(match[part] or "" for part in ("sign", "digits", "rest"))
    raised = re.sub(r"[\s{}]", "", written).replace("−", "-")
    return raised if re.fullmatch(r"[-+]?[0-9]{1,3}", raised) else ""
