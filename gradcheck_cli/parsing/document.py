r"""A piece of homework to its formulas: Markdown, LaTeX or plain text, each formula with its place in the file.

Mathematics stands between `$`, `$$`, `\(`, `\[` or in an `align`-like environment, and ends at a blank line at the latest.
A line without mathematics is a formula where it holds one `=` and begins with a name, a derivative or a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gradcheck_cli.parsing.absent import with_sign
from gradcheck_cli.parsing.frontmatter import front_matter
from gradcheck_cli.parsing.markdown import plainly, typed
from gradcheck_cli.parsing.passages import LONGEST, PART, balanced, cleaned, in_brackets, levels, pieces
from gradcheck_cli.parsing.scaffold import readable
from gradcheck_cli.parsing.tables import table_rows
from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.parsing.macros import Macros
    from gradcheck_cli.source import Source

MAX_FORMULAS = 2000
MAX_MEMBERS = 200
MAX_TOTAL = 8000  # members of all formulas together
SHOWN = 60  # characters of what is not read
TOO_LONG = f"a formula or line of more than {LONGEST:,} characters is not read: split it"
_WORD = r"with|and|so|where|since|because|then|hence|thus|therefore|which|as|gives|using|we get|we have"
_TEXT = r"\\(?:text|mathrm|textrm|textbf|textit|mbox)\{(?P<text>[^{}]*)\}"
_NAMED = r"\s*\\?[A-Za-z]+_(?:\{?[0-9]+\}?)(?:\^\{?\([a-z]\)\}?)?\s*$"  # S_3^{(i)}: a name, and nothing behind it
_ARROWS = (
    rf"\\Leftrightarrow(?!{_NAMED})(?![A-Za-z])|"
    r"\\(?:Rightarrow|rightarrow|Longrightarrow|longrightarrow|Longleftrightarrow|implies|iff|therefore"
    r"|because|to|mapsto|longmapsto|leadsto|downarrow|xrightarrow\{[^{}]*\}|qquad|quad|hspace\{[^{}]*\})(?![A-Za-z])|[⇒⇔→∴∵⟹⟺]"
)
_SEPARATOR = re.compile(
    rf"(?P<row>\\\\(?:\[[0-9.a-z]*\])?|\n[ \t]*\n)|{PART}|{_ARROWS}|{_TEXT}|(?<=[\s}})])(?:{_WORD})(?=[\s\\])"
    r"|(?<!\\)[,;](?=(?:\\[,;:]|\\?\s)*(?:\\d?frac|\\?[A-Za-z∂][^\s=,]{0,24}\s*(?::?=|\\leftarrow)))"
)
_PLAIN_SEPARATOR = re.compile(
    rf"(?:[,;]|(?<=[0-9]):)\s+(?=[^,;=]{{1,40}}[=≈])|[⇒⇔→∴∵⟹⟺]|=>|->|\s(?:{_WORD})\s|\s(?:at|for|if|when|by|is|are|but)\s"
    r"|(?:(?<=[0-9)])|(?<=[a-zß-ÿ]{2}))\.\s+(?=(?:[A-Z][a-zß-ÿ]+,?\s+(?:[a-zß-ÿ]+,?\s+){0,5})?[A-Za-z∂][^\s=]{0,20}\s*=)"
    r"|\s(?:und|sowie|also|daher|damit|somit|folglich|wobei|weil|et|donc|alors|ainsi|avec|puis)\s"
)
_FUNCTIONS = re.compile(r"\s*(?:ReLU|sigmoid|softmax|tanh|relu|exp|log|if\b|otherwise|else|when\b)")
_OF_NUMBER = re.compile(r"\s*[eE]\s*[-+−]?\s*[0-9]*\s*")
_NAMES_ON = re.compile(r"\s*(?:[_^=(+*/']|\\cdot|\\times|\\approx)")
_LABEL = re.compile(
    r"(?:\s|&|>(?=\s)|:(?!=)|\\[,;!:]|\\left\s*\.|\\star|\\bullet|\\item|[•*+-](?=\s)|\(?[0-9a-z]{1,2}\)|[0-9]+\.(?=\s)|Q\s?[0-9]{1,2}[a-z]?[.):]?(?=\s)"
    r"|A\.\s?N\.?(?![a-z])|AN(?=[\s:]))+"
)
_TAIL = re.compile(
    r"(?:\\[,;!:]|\\right\s*\.|\\(?:square|blacksquare|checkmark|blacktriangleright)|[✓✗☐∎]|(?<=[\s}])A\.\s?N\.?"
    r"|(?<=[\s}])AN|\s\([A-Za-z]{4,}[A-Za-z ,.]*\)"
    r"|\s\((?:because|since|as|by|from|using|see|note|weil|da|wegen)\s[^()]{1,80}\)|\s[(\[]\s*\d+(?:\.\d+)?\s*(?:points?|pts?|marks?|P)\.?\s*[)\]]|(?<=[0-9])\s+approx(?:\.|imately)?|(?<=[0-9])\s*\\[lc]?dots)$"
)
_RELATION = re.compile(
    r"(?<![<>=!:\\])(?:=(?!=)|≈|≃|≠)|(?P<assigned>:=|<-(?=\s)|←|⟵|\\(?:leftarrow|gets|coloneqq)(?![A-Za-z]))"
    r"|\\(?:approx|simeq|cong|doteq|neq|ne|equiv|triangleq)(?![A-Za-z])"
    rf"|\\Leftrightarrow(?={_NAMED})"
)
_UNEQUAL = re.compile(r"≠|\\neq?")
_MEMBERSHIP = re.compile(r"(?:\\in(?![A-Za-z])|∈)(?=\s*\\mathbb\s*\{?\s*R|\s*ℝ|\s*R\^)")
_PROSE = re.compile(
    r"^On a\s+|^(?:i\.\s?e\.|e\.\s?g\.|d\.\s?h\.|z\.\s?B\.)[,:]?\s+|^(?:(?:[LlDdJjNnQqSsCc]['’](?=[a-zà-ÿ]{3}))?[A-Za-zÀ-ÿ][a-zß-ÿ]+[,:]?\s+)+(?=[^\s=/])|^[^=:]{0,80}:\s+"
)
_GOES_ON = re.compile(r"(?:\s|\\left\s*\.|\\q?quad)*(?:[-+*/]|\\(?:cdot|times|pm)(?![a-z]))")
_ASIDE = re.compile(r"\s+(?:(?://|--+|(?<![0-9] )%)\s+(?=[A-Za-z])|#\s)")  # `z = 1  # forward pass`
_ABOUT = re.compile(r"(?:about|approximately|approx\.?|roughly|circa|ca\.|etwa|ungefähr|environ)\s+(?=[-+−.0-9])")
_ARITHMETIC = re.compile(r"(?=[^+*]*(?:[+*]|\\times|\\cdot))(?:[0-9.\s()+*-]|\\times|\\cdot|\\,){3,400}")
_AUGMENTED = re.compile(r"(.*\S)\s*([-+])")  # what stands before the = of w -= …
_COMPARISON = re.compile(r"[^<>≤≥]{1,40}(?:[<>≤≥]|\\[lg](?:eq?|eqslant|t)(?![A-Za-z]))[^<>≤≥]{1,40}")
_CONDITION = re.compile(r"\(((?:if|when|for|where)\s[^()]*)\)")
_DOTS = re.compile(r"(?:\\(?:[lcv]?dots|,|;)|\.\.\.|…|\s)*")


@dataclass(frozen=True, slots=True)
class Formula:
    """A chain: its members, the first of which is its left side.

    `latex`     whether it is LaTeX
    `relation`  the first sign: `=`, `:=` for an assignment, `!=`, `in` for the set it is in; `if` of a condition
    `loose`     the index of the member that may go on with another formula, where one stands between
    `cell`      the cell of a notebook it stands in, counted from 1
    """

    members: tuple[Source, ...]
    latex: bool
    relation: str = "="
    loose: int | None = None
    cell: int | None = None

    @property
    def line(self) -> int:
        """The line of the file, or of the cell, in which it begins, counted from 1."""
        return self.members[0].line_column(None)[0]


@dataclass(frozen=True, slots=True)
class Passed:
    """What was not read: where it begins, and why; `cell` of a notebook."""

    place: Source
    why: str
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """The problem names of the front matter, the formulas in their order, and arithmetic that stands by itself.

    `passed`  what was not read
    `conditions`  comparisons, `x_1 > 0`, that may say where a formula beside them holds
    """

    problems: tuple[str, ...]
    formulas: tuple[Formula, ...]
    alone: tuple[Source, ...] = ()
    passed: tuple[Passed, ...] = ()
    conditions: tuple[Formula, ...] = ()


@dataclass(slots=True)
class _Reading:
    """What has been found so far; `head` is the last formula without an equality, where none with one came after."""

    formulas: list[Formula]
    head: Source | None = None
    alone: list[Source] = field(default_factory=list)
    conditions: list[Formula] = field(default_factory=list)
    near: int = 0  # where the head ends
    blocked: bool = False
    prose: bool = False  # a line without an equality stands behind the last formula
    where: Span | None = None  # the stretch that the last formula ends in


def read_document(source: Source, cell: int | None = None, macros: Macros | None = None) -> Document:
    """The formulas of a text with an equality in them; a formula that begins with `=` goes on with the one before.

    `macros` are the commands that earlier cells of a notebook define.
    """
    source = readable(source, macros)
    named, begin = front_matter(source.text)
    found = _Reading([])
    parts, long = pieces(source.text, begin)
    rows = {row.line.start: row for row in table_rows(source.text) if row.line.start >= begin}
    row_taken = -1
    for span, latex in parts:
        if len(found.formulas) > MAX_FORMULAS:
            break
        line = source.text.rfind("\n", 0, span.start) + 1
        if line in rows:
            row = rows[line]
            if line != row_taken:
                row_taken = line
                members = (source.slice(one) for one in (row.left, *row.members))
                found.formulas.append(Formula(tuple(members), row.latex))
                found.head, found.where = None, None
            continue
        for part in _parts(source, span) if latex else _plain_parts(source, span):
            _take(found, part, latex=latex, alone=span)
    passed = [Passed(_beginning(source, span.start), TOO_LONG, cell) for span in long]
    formulas, cut = bounded(tuple(replace(one, cell=cell) for one in found.formulas))
    conditions = tuple(replace(one, cell=cell) for one in found.conditions)
    return Document(named, formulas, tuple(found.alone), (*passed, *cut), conditions)


def bounded(formulas: tuple[Formula, ...]) -> tuple[tuple[Formula, ...], tuple[Passed, ...]]:
    """The first formulas, as many as are read, with the first members of each; and where the others begin."""
    kept: list[Formula] = []
    passed: list[Passed] = []
    room = MAX_TOTAL
    for one in formulas:
        room -= min(len(one.members), MAX_MEMBERS)
        if room < 0 or len(kept) == MAX_FORMULAS:
            what = (
                f"more than {MAX_FORMULAS:,} formulas" if room >= 0 else f"formulas of more than {MAX_TOTAL:,} members"
            )
            passed.append(
                Passed(_beginning(one.members[0]), f"the text has {what}: it is not read from here on", one.cell)
            )
            break
        kept.append(replace(one, members=one.members[:MAX_MEMBERS]))
        if len(one.members) > MAX_MEMBERS:
            why = f"the chain has more than {MAX_MEMBERS} members: it is not read from here on"
            passed.append(Passed(_beginning(one.members[MAX_MEMBERS]), why, one.cell))
    return tuple(kept), tuple(passed)


def _listed(left: Source) -> tuple[Source, ...]:
    """The names of a list, each with its place."""
    inside, start, found = in_brackets(left.text), 0, []
    level = levels(left.text)
    for at, sign in enumerate(f"{left.text},"):
        if at == len(left.text) or (sign == "," and inside[at] == level[at] == 0):
            found.append(_trimmed(left, start, at))
            start = at + 1
    return tuple(one for one in found if one.text)


def _set_behind(text: str) -> re.Match[str] | None:
    """The sign that says in which set the last member of a chain is; None where there is no such sign."""
    found = list(_MEMBERSHIP.finditer(text))
    relation = _RELATION.search(text) if len(found) == 1 else None
    if relation is None or relation.start() > found[0].start():
        return None
    levelled, behind = levels(text)[found[0].start()], _RELATION.search(text, found[0].end())
    return found[0] if levelled == 0 and in_brackets(text)[found[0].start()] == 0 and behind is None else None


def _beginning(source: Source, start: int = 0) -> Source:
    """The first letters of what is not read."""
    line = source.text[start : start + SHOWN].split("\n")[0]
    return source.slice(Span(start, start + len(line)))


def _take(found: _Reading, part: Source, *, latex: bool, alone: Span) -> None:
    r"""One stretch; a set behind a chain, as in `W = AB \in \mathbb{R}^{m \times n}`, is a claim of its own about the left side."""
    inside = _set_behind(part.text) if latex else None
    if inside is None:
        _take_chain(found, part, latex=latex, alone=alone)
        return
    _take_chain(found, part.slice(Span(0, inside.start())), latex=latex, alone=alone)
    if found.formulas:
        last = _trimmed(part, inside.end(), len(part.text))
        found.formulas.append(Formula((found.formulas[-1].members[0], last), latex, "in"))


def _take_chain(found: _Reading, part: Source, *, latex: bool, alone: Span) -> None:
    """One stretch: a chain of its own, the rest of the one before, or a left side whose equality follows."""
    split = _members(part, latex=latex)
    if split is None:
        if _COMPARISON.fullmatch(part.text) and len(found.conditions) < MAX_FORMULAS:
            found.conditions.append(Formula((_trimmed(part, 0, len(part.text)),), latex, "if"))
        if found.where == alone and not found.blocked and _GOES_ON.match(part.text):
            last = found.formulas[-1]
            longer = last.members[-1].joined(_trimmed(part, 0, len(part.text)))
            found.formulas[-1] = replace(last, members=(*last.members[:-1], longer))
        elif latex and part.text.strip():
            if _ARITHMETIC.fullmatch(part.text) and len(found.alone) < MAX_MEMBERS:
                found.alone.append(_trimmed(part, 0, len(part.text)))
            found.head, found.near = part, alone.end
            found.blocked = True
        found.prose |= bool(part.text.strip())
        return
    members, relation = split
    if relation == "in" and not members[0].text:
        return
    if members[0].text:
        lefts = _listed(members[0]) if relation == "in" else (members[0],)  # z_1, a_1 \in …
        found.formulas += [Formula((left, *members[1:]), latex, relation) for left in lefts]
    elif found.head is not None and alone.start - found.near <= 8:
        head = _trimmed(found.head, 0, len(found.head.text))
        found.formulas.append(Formula((head, *members[1:]), latex=True))
    elif found.formulas:
        last = found.formulas.pop(-1 - (found.formulas[-1].relation == "in" and len(found.formulas) > 1))
        blocked = found.blocked or (found.prose and not latex)
        loose = len(last.members) - 1 if blocked and last.loose is None else last.loose
        both = (*last.members, *members[1:])
        found.formulas.append(replace(last, members=both, latex=last.latex or latex, loose=loose))
    found.head, found.blocked, found.prose, found.where = None, False, False, alone if found.formulas else None


def _parts(source: Source, span: Span) -> Iterator[Source]:
    """The claims in a stretch of LaTeX: parted by line breaks, wide gaps, arrows and words."""
    text = cleaned(with_sign(source.text[span.start : span.end], latex=True))
    open_at = levels(text)
    broken = open_at[-1] != 0
    start = 0
    for match in (*_SEPARATOR.finditer(text), None):
        end = match.start() if match else len(text)
        if match is not None:
            nested = open_at[end] != open_at[start] and not (broken and match["row"])
            if nested or not _parts_here(text, start, match):
                continue
        if text[start:end].strip():
            yield source.part(text[start:end], tuple(range(span.start + start, span.start + end + 1)))
        start = match.end() if match else end


def _parts_here(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether a separator separates: not the comma of a list of arguments, not a name in upright letters."""
    if match.group()[0] in ",;":
        before = text[start : match.start()]
        return before.count("(") == before.count(")") and before.count("\\langle") == before.count("\\rangle")
    words = match["text"]
    if words is None:
        return True
    if words.strip() in ("if", "when", "for") and _COMPARISON.match(text, match.end()):
        return True
    name = " " not in words.strip()
    if len(words.strip()) < 2 or _FUNCTIONS.match(words):
        return False
    if _OF_NUMBER.fullmatch(words) and text[: match.start()].rstrip()[-1:].isdigit():  # 3.9\text{e-}1
        return False
    if name and _NAMES_ON.match(text, match.end()):
        return False
    return not (name and re.search(r"(?:[-+*/=(]|\\cdot|\\times)\s*$", text[start : match.start()]))


def _plain_parts(source: Source, span: Span) -> Iterator[Source]:
    """The claims in a line without LaTeX, what is prose before them left out."""
    text, places = typed(source.text[span.start : span.end])
    text = plainly(_ASIDE.split(text.replace("`", " "), maxsplit=1)[0])
    text = _CONDITION.sub(lambda match: f" {match[1]} ", with_sign(text, latex=False))
    start = 0
    for match in (*_PLAIN_SEPARATOR.finditer(text), None):
        end = match.start() if match else len(text)
        if match is not None and text.count("(", start, end) != text.count(")", start, end):
            continue
        begin = start
        while "=" in text[begin:end] and (lead := _PROSE.match(text[begin:end])):
            begin += lead.end()
        yield source.part(text[begin:end], tuple(span.start + place for place in places[begin : end + 1]))
        start = match.end() if match else end


def _members(part: Source, *, latex: bool) -> tuple[tuple[Source, ...], str] | None:
    """The members of a chain without labels, and its first sign; None where there is no equality."""
    text = part.text
    open_at = levels(text)
    broken = not balanced(text)  # a brace is lost: the parser will say where
    inside = in_brackets(text)
    relations = [
        match
        for match in _RELATION.finditer(text)
        if inside[match.start()] == 0 and (broken or open_at[match.start()] == 0)
    ]
    relation = ":=" if relations and relations[0]["assigned"] else "="
    if relations and _UNEQUAL.fullmatch(relations[0].group()):
        relation = "!="
    if not relations:
        relations = [match for match in _MEMBERSHIP.finditer(text) if latex and open_at[match.start()] == 0][:1]
        relation = "in"
    if not relations:
        return None
    label = match.end() if (match := _LABEL.match(text)) else 0
    found: list[Source] = []
    relations = relations[: MAX_MEMBERS + 1]
    for before, sign in zip((None, *relations), (*relations, None), strict=True):
        start = before.end() if before else min(label, relations[0].start())
        member = _trimmed(part, start, sign.start() if sign else len(text))
        if before is not None and relation != "!=" and _UNEQUAL.fullmatch(before.group()):
            continue  # what stands behind ≠ is not what it is
        if not found or not _DOTS.fullmatch(member.text) or not member.text:
            found.append(member)
    if not latex and (updated := _AUGMENTED.fullmatch(found[0].text)) and len(found) == 2:
        return _written_out(found[0], updated, found[1]), ":="
    return tuple(found), relation


def _written_out(left: Source, updated: re.Match[str], right: Source) -> tuple[Source, Source]:
    """`w -= r` as `w := w - (r)`."""
    name = left.slice(Span(0, updated.end(1)))
    behind = name.part(f" {updated[2]} (", (0,) * 5)
    closed = right.part(")", (len(right.text), len(right.text)))
    return name, name.joined(behind).joined(right).joined(closed)


def _trimmed(part: Source, start: int, end: int) -> Source:
    """A member without the space before it and what only ends it: full stops, spaces of LaTeX, a tick."""
    piece = part.text[start:end]
    left = len(piece) - len(piece.lstrip())
    if about := _ABOUT.match(piece, left):
        left = about.end()
    right = len(piece)
    while right > left:
        shorter = len(piece[:right].rstrip(" \t\n&.,;:").rstrip("\\"))
        tail = _TAIL.search(piece, max(left, shorter - 60), shorter)
        shorter = tail.start() if tail else shorter
        if shorter == right:
            break
        right = shorter
    return part.slice(Span(start + left, start + max(left, right)))
