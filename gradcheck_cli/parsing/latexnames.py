r"""Names in LaTeX: letters, Greek letters and accents with their scripts and primes, settled by the problem's table.

`w_{31}^2` is the name that declares this spelling, or a power of `w_{31}` where none does; `W^{(2)}` is `W2` where the
problem knows that, else the bracket is a label. In a scope with arrays `h_j` is an entry of `h`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from gradcheck_cli.errors import ParseError
from gradcheck_cli.parsing import samples
from gradcheck_cli.parsing.arrays import INDEX_LETTERS
from gradcheck_cli.parsing.lexer import Token, number_value
from gradcheck_cli.parsing.names import normal_latex, plain_spellings
from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.source import Source

_COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
_LETTERS = re.compile(r"[A-Za-z]+")
_DIGITS = re.compile(r"[0-9]+(?![.0-9_])")
_PRIME = re.compile(r"(?:\s*(?:['’′]|\^\s*(?:\\prime|\{\s*(?:\\prime\s*)+\}|\{\s*'+\s*\}|')))+")
ONES = "𝟏"  # a vector of ones, of whatever size fits
TRANSPOSED = r"(?:T|\\top|\\intercal|\\(?:mathsf|mathrm|text|mathit)\s*\{?\s*T\s*\}?|⊤)"
_RAISED = re.compile(
    rf"(?:\(\s*(?P<round>[A-Za-z0-9]+)\s*\)|\[\s*(?P<square>[A-Za-z0-9]+)\s*\])\s*(?P<turned>{TRANSPOSED})?"
)
_INDICES = re.compile(rf"(?:[{''.join(INDEX_LETTERS)}0-9:]|,\s*)+")
_WHOLE = re.compile(r"\\cdot|\\bullet|\*")  # in a subscript: everything along this axis
_TURNED = re.compile(rf"(?P<label>.*\))\s*(?P<turned>{TRANSPOSED})?", re.DOTALL)
_SHIFTED = re.compile(r"([a-z])\s*([-+]\s*[0-9])")  # h_{t-1} in a sum over t
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_OLD = re.compile(r"(?:\\(?:text|mathrm)\s*\{\s*)?old\s*\}?")


class Names:
    """A stretch of LaTeX and how names in it are read; `bound` are the letters of a sum that is written out."""

    def __init__(self, source: Source, scope: Scope) -> None:
        self.source = source
        self.text = source.text
        self.scope = scope
        self.count = 0
        self.powers = True  # whether the e of 3.9e-1 stands for a power of ten
        self.bound: dict[str, str] = {}
        self.wide = False  # whether a sum goes on over what is added behind it
        self.running = samples.letters_of(source.text) if scope.samples else frozenset()
        self.one = ""  # the number of the one sample that the formula is about, where that is how it is read

    def fail(self, message: str, hint: str, at: int, end: int | None = None) -> NoReturn:
        """ParseError at a place."""
        raise ParseError(message, hint=hint, source=self.source, span=Span(at, end or at + 1))

    def tokens(self, at: int, end: int, depth: int) -> list[Token]:
        """The tokens between two places."""
        raise NotImplementedError

    def next(self, at: int, end: int, depth: int) -> tuple[list[Token], int]:
        """The tokens that begin at a place, and the place behind them."""
        raise NotImplementedError

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

    # -- names

    def name(self, at: int, end: int) -> tuple[list[Token], int]:
        """Letters with scripts on the last of them."""
        match = _LETTERS.match(self.text, at, end)
        last = match.end() if match else at + 1
        if found := self.typed(at, last, end):
            return found
        return self.scripted(self.text[at:last], at, last)

    def typed(self, at: int, last: int, end: int) -> tuple[list[Token], int] | None:
        """A name typed with its number, `w1` or `dw1`, where the letters alone are none; None for anything else."""
        digits = _DIGITS.match(self.text, last, end)
        raised = digits is not None and self.text[digits.end() : digits.end() + 1] == "^"
        if digits is None or (raised and any("^" in spelling for spelling in self.scope.latex)):
            return None
        for cut in range(at, last):
            named = self.resolved(self.text[cut : digits.end()], "")
            if named is not None and not self.resolved(self.text[cut:last], ""):
                lead = [Token("word", self.text[at:cut], Span(at, cut))] if cut > at else []
                return [*lead, Token("word", named, Span(cut, digits.end()))], digits.end()
        return None

    def scripted(self, base: str, at: int, end: int) -> tuple[list[Token], int]:
        r"""A base (letters, `\alpha`, `\hat{y}`) with its scripts: the name that has this spelling, or a power of one."""
        if not base:
            self.fail("a name is missing", "write it in the braces", at, max(end, at + 1))
        primes, end = self.primes(end)
        below, behind = self.subscript(end)
        if not primes:
            primes, behind = self.primes(behind)
        if primes:
            return self.primed(base, below, primes, Span(at, behind)), behind
        if self.text[behind : behind + 1] == "^" and (found := self.raised(base, below, at, behind)):
            return found
        return self.words(base, below, Span(at, behind)), behind

    def primes(self, at: int) -> tuple[int, int]:
        r"""How many primes stand at a place, as `'` or `^\prime`, and the place behind them."""
        match = _PRIME.match(self.text, at)
        if match is None:
            return 0, at
        count = sum(match.group().count(sign) for sign in ("'", "’", "′", r"\prime"))
        return count, match.end()

    def primed(self, base: str, below: str, primes: int, span: Span) -> list[Token]:
        """A name that has the prime in its spelling, or a name and its primes."""
        script, marks = f"_{{{below}}}" if below else "", "'" * primes
        for spelling in (base + marks + script, base + script + marks):
            named = self.scope.latex.get(normal_latex(spelling))
            if named is not None:
                return [Token("word", named, span)]
        sign = Token("'", "'", Span(span.end - 1, span.end))
        return [*self.words(base, below, span), *[sign] * primes]

    def raised(self, base: str, below: str, at: int, behind: int) -> tuple[list[Token], int] | None:
        """The name whose spelling has this superscript; None where it is a power or a label."""
        inner, after = self.group(behind + 1)
        above = self.text[inner.start : inner.end].strip()
        spelling = base + (f"_{{{below}}}" if below else "")
        named = self.scope.latex.get(normal_latex(f"{spelling}^{{{above}}}"))
        later, last = self.subscript(after)
        if named is None and not below and later:
            named = self.scope.latex.get(normal_latex(f"{base}_{{{later}}}^{{{above}}}"))
            after = last if named else after
        elif named is not None and not below and self.scope.arrays and is_entry(later):
            return [Token("word", named, Span(at, after)), *self.indices(later, Span(after, last))], last
        if named is not None:
            return [Token("word", named, Span(at, after))], after
        if self.scope.samples and (sample := self.sample((base, below, above, later), at, (behind, after, last))):
            return sample
        return self.numbered(base, below, above, (at, behind, after))

    def sample(
        self, spelling: tuple[str, str, str, str], at: int, places: tuple[int, int, int]
    ) -> tuple[list[Token], int] | None:
        """`x^{(i)}` and the like as a sample of a batch, its transpose too; None for what is none."""
        base, below, above, later = spelling
        behind, after, last = places
        label = _TURNED.fullmatch(above)
        if label is None:
            return None
        ends = last if later and not below and not label["turned"] else after
        found = samples.labelled(self, base, below or (later if ends == last else ""), label["label"], Span(at, ends))
        turned = [Token("T", above, Span(behind, after))] if label["turned"] else []
        return ([*found, *turned], ends) if found else None

    def numbered(
        self, base: str, below: str, above: str, places: tuple[int, int, int]
    ) -> tuple[list[Token], int] | None:
        """`W^{(2)}` as the name W2, also behind another letter, as in dW^{[2]}, and transposed; None for what is none."""
        at, behind, after = places
        label = _RAISED.fullmatch(above)
        bare = above if not below and not self.resolved(base, "") else ""
        number = (label["round"] or label["square"]) if label else bare
        turned = [Token("T", above, Span(after - 1, after))] if label and label["turned"] else []
        cuts = range(1 if base.startswith("\\") else len(base)) if number.isdigit() else ()
        for cut in cuts:
            named = self.resolved(base[cut:], number)
            if named is None:
                continue
            found = [Token("word", base[:cut], Span(at, at + cut))] if cut else []
            found.append(Token("word", named, Span(at + cut, behind if below else after)))
            later, last = (below, after) if below else self.subscript(after)
            if below or (later and not turned):
                found += self.indices(later, Span(after if not below else at, last))
                after = last
            return [*found, *turned], after
        return None

    def subscript(self, at: int) -> tuple[str, int]:
        """What stands below at a place, with letters that a sum binds as numbers; and the place behind it."""
        last = at
        while last < len(self.text) and self.text[last] in "₀₁₂₃₄₅₆₇₈₉":
            last += 1
        if last > at:
            return self.text[at:last].translate(_LOWERED), last
        if self.text[at : at + 1] != "_":
            return "", at
        inner, behind = self.group(at + 1)
        below = self.text[inner.start : inner.end].strip()
        if self.scope.samples and not below.isalnum():
            below = _WHOLE.sub(":", below)
        if self.bound and (shifted := _SHIFTED.fullmatch(below)) and shifted[1] in self.bound:
            below = str(int(self.bound[shifted[1]]) + int(shifted[2].replace(" ", "")))
        elif self.bound and re.fullmatch(r"[A-Za-z0-9, ]+", below):
            below = "".join(self.bound.get(letter, letter) for letter in below)
        return below, behind

    def words(self, base: str, below: str, span: Span) -> list[Token]:
        """The longest end of a run of letters that is a name with the subscript; what is before it is a factor."""
        if base in self.bound and not below:
            return [Token("number", self.bound[base], span, number_value(self.bound[base]))]
        if _OLD.fullmatch(below) and self.resolved(base, ""):
            below = ""  # the value before an update
        if base.startswith("\\"):
            named = self.resolved(base, below)
            entry = self.entry(base, below, span) if named is None else None
            return entry or [Token("word", named or _typed(base, below), span)]
        if not below:
            return [Token("word", base, span)]
        for cut in range(len(base)):
            named = self.resolved(base[cut:], below)
            lead = [Token("word", base[:cut], Span(span.start, span.start + cut))] if cut else []
            if named is not None:
                return [*lead, Token("word", named, Span(span.start + cut, span.end))]
            if entry := self.entry(base[cut:], below, Span(span.start + cut, span.end)):
                return [*lead, *entry]
        return [Token("word", _typed(base, below), span)]

    def entry(self, base: str, below: str, span: Span) -> list[Token]:
        """An entry of an array, where the scope has arrays: `h_j`, `W_{ij}`; empty for anything else."""
        if not self.scope.arrays or not is_entry("".join("i" if one in self.running else one for one in below)):
            return []
        if base[0] == "d" and self.resolved(base[1:], below):
            return []  # dZ_1 is about Z_1, whatever dZ is
        named = self.resolved(base, "")
        number, _, letters = below.partition(",")
        if letters and number.isdigit() and (numbered := self.resolved(base, number)) is not None and named is None:
            named, below = numbered, letters.strip()  # \delta_{1,i} is a row of \delta_1
        if self.scope.samples and (found := samples.small(self, base, below, span)):
            return found
        return [Token("word", named, span), *self.indices(below, span)] if named else []

    def indices(self, below: str, span: Span) -> list[Token]:
        """A subscript as the indices of an entry; mathematics counts from 1, which the bracket's text says."""
        parts = samples.parts_of(below)
        found: list[Token] = []
        for at, part in enumerate(parts):
            value = number_value(part) if part.isdigit() else None
            kind = "word" if value is None else "number"
            found += [Token("," if at else "[", "," if at else "_", span), Token(kind, part, span, value)]
        return [*found, Token("]", "]", span)] if found else []

    def resolved(self, base: str, below: str) -> str | None:
        """The name with this spelling, declared or derived."""
        spelling = base + (f"_{{{below}}}" if below else "")
        declared = self.scope.latex.get(normal_latex(spelling))
        if declared is not None:
            return declared
        plain = (self.scope.name(text) for text in plain_spellings(spelling))
        return next((name for name in plain if name is not None), None)


def is_transposed(raised: str, scope: Scope) -> bool:
    """Whether a superscript is the sign of a transpose: T where that is no name, t beside arrays."""
    if raised == "t":
        return scope.arrays and scope.name("t") is None
    return bool(re.fullmatch(TRANSPOSED, raised)) and (raised != "T" or not scope.name("T"))


def is_entry(below: str) -> bool:
    """Whether a subscript is that of an entry: index letters and numbers."""
    return bool(_INDICES.fullmatch(below))


def _typed(base: str, below: str) -> str:
    """A name as it would be typed, for a message."""
    accent = re.fullmatch(r"\\(hat|tilde|bar)\{\s*([A-Za-z]+)(.*)\}", base)
    if accent:
        base = accent[2] + accent[1] + accent[3]
    return base.lstrip("\\").replace("{", "").replace("}", "") + (f"_{below}" if below else "")
