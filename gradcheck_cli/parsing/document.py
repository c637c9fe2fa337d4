r"""A piece of homework to its formulas: Markdown, LaTeX or plain text, each formula with its place in the file.

Mathematics stands between `$`, `$$`, `\(`, `\[` or in an `align`-like environment, and ends at a blank line at the latest.
A line without mathematics is a formula where it holds one `=` and begins with a name, a derivative or a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.source import Source

MAX_FORMULAS = 2000
_FRONT = re.compile(r"---[ \t]*\n(.*?)\n---[ \t]*(?:\n|$)", re.DOTALL)
_MATH = re.compile(
    r"\$\$(?P<display>.+?)\$\$"
    r"|(?<![\\$])\$(?P<inline>[^$]+?)\$"
    r"|\\\[(?P<bracket>.+?)\\\]"
    r"|\\\((?P<paren>.+?)\\\)"
    r"|\\begin\{(?P<name>equation|align|aligned|split|gather|eqnarray)\*?\}(?P<body>.+?)\\end\{(?P=name)\*?\}",
    re.DOTALL,
)
_CODE = re.compile(r"^```.*?^```[^\n]*$", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"\\(?:begin|end)\{(?:equation|align|aligned|split|gather|eqnarray|array)\*?\}")
_SEPARATOR = re.compile(
    r"\\\\|\\qquad|\\quad|\\Leftrightarrow|\\Rightarrow|\\rightarrow|\\implies|\\iff|\\therefore|\\because|\\to(?![a-z])"
    r"|\\(?:text|mathrm|textrm)\{\s*(?:(?!ReLU|sigmoid|softmax|tanh|relu|exp|log|if )[^{}]{2,}?)\s*\}"
    r"|,(?=\s*(?:\\[,;])?\s*(?:\\d?frac|\\?[A-Za-z]\S{0,14}\s*=))"
)
_LABEL = re.compile(r"(?:\s|&|\\[,;!]|\\left\s*\.|\\star|\\bullet|[•*+-](?=\s)|\(?[0-9a-z]{1,2}\)|[0-9]+\.(?=\s))+")
_TAIL = re.compile(r"(?:\s|&|\\[,;!]|[.,;]|\\right\s*\.)+$")
_PLAIN = re.compile(r"^[ \t>]*(?:[-*•+]\s+|\(?[0-9a-z]{1,2}[).]\s+)?(?P<body>[^\s].*?)[ \t.,;]*$", re.MULTILINE)
_RELATION = re.compile(r"(?<![<>=!:\\])(?:=(?!=)|≈|≃|≠)|\\(?:approx|simeq|cong|doteq|neq|ne)(?![A-Za-z])")


@dataclass(frozen=True, slots=True)
class Formula:
    """A chain: its members, the first of which is its left side; whether it is LaTeX."""

    members: tuple[Source, ...]
    latex: bool

    @property
    def line(self) -> int:
        """The line of the file in which it begins, counted from 1."""
        return self.members[0].line_column(None)[0]


@dataclass(frozen=True, slots=True)
class Document:
    """The problem names of the front matter, and the formulas in their order."""

    problems: tuple[str, ...]
    formulas: tuple[Formula, ...]


def read_document(source: Source) -> Document:
    """The formulas of a text with an equality in them; a formula that begins with `=` goes on with the one before."""
    front = _FRONT.match(source.text)
    start = front.end() if front else 0
    formulas: list[Formula] = []
    for span, latex in _pieces(source.text, start):
        for part in _parts(source, span, latex=latex):
            members = _members(part)
            if members is None:
                continue
            if not members[0].text and formulas:
                last = formulas.pop()
                formulas.append(Formula((*last.members, *members[1:]), last.latex or latex))
            elif members[0].text:
                formulas.append(Formula(members, latex))
            if len(formulas) >= MAX_FORMULAS:
                break
    return Document(_problems(front[1]) if front else (), tuple(formulas))


def _problems(front: str) -> tuple[str, ...]:
    """`problem: a`, `problem: [a, b]`."""
    match = re.search(r"^problem:[ \t]*(.+)$", front, re.MULTILINE)
    if match is None:
        return ()
    names = match[1].split("#")[0].strip().strip("[]").split(",")
    return tuple(name.strip().strip("\"'") for name in names if name.strip())


def _pieces(text: str, start: int) -> Iterator[tuple[Span, bool]]:
    """The stretches of mathematics, and the lines without any, in order: (span, whether it is LaTeX)."""
    hidden = [match.span() for match in _CODE.finditer(text, start)]
    math = [
        match for match in _MATH.finditer(text, start)
        if not any(begin <= match.start() < end for begin, end in hidden) and not re.search(r"\n[ \t>]*\n", match.group())
    ]  # fmt: skip
    pieces: list[tuple[Span, bool]] = []
    for match in math:
        group = next(name for name in ("display", "inline", "bracket", "paren", "body") if match[name] is not None)
        pieces.append((Span(*match.span(group)), True))
    taken = hidden + [match.span() for match in math]
    lines = (
        (Span(*line.span("body")), "\\" in line["body"])
        for line in _PLAIN.finditer(text, start)
        if not any(begin < line.end() and line.start() < end for begin, end in taken)
    )
    pieces.extend(lines)
    yield from sorted(pieces, key=lambda piece: piece[0].start)


def _parts(source: Source, span: Span, *, latex: bool) -> Iterator[Source]:
    """The claims in a stretch: parted by line breaks, wide gaps, arrows and words."""
    text = source.text[span.start : span.end]
    if not latex:
        yield source.slice(span)
        return
    text = _BLOCK.sub(lambda match: " " * len(match.group()), text).replace("&", " ")
    text = re.sub(r"\n[ \t]*>", lambda match: " " * len(match.group()), text)
    start = 0
    for match in (*_SEPARATOR.finditer(text), None):
        end = match.start() if match else len(text)
        piece = text[start:end]
        comma = match is not None and match.group().startswith(",")
        if comma and piece.count("(") != piece.count(")"):
            continue  # the comma of a list of arguments
        if piece.strip() and (_balanced(piece) or match is None):
            offsets = tuple(range(span.start + start, span.start + end + 1))
            yield source.part(piece, offsets)
        elif match is not None and piece.strip():
            continue  # the separator stands inside a group
        start = match.end() if match else end


def _balanced(text: str) -> bool:
    return text.count("{") == text.count("}")


def _members(part: Source) -> tuple[Source, ...] | None:
    """The members of a chain without labels; None where there is no equality."""
    text = part.text
    broken = not _balanced(text)  # a brace is lost: the parser will say where
    relations = [match for match in _RELATION.finditer(text) if broken or _balanced(text[: match.start()])]
    if not relations:
        return None
    start = match.end() if (match := _LABEL.match(text)) else 0
    start = min(start, relations[0].start())
    found = []
    for relation in (*relations, None):
        end = relation.start() if relation else len(text)
        found.append(_trimmed(part, start, end))
        start = relation.end() if relation else end
    return tuple(found)


def _trimmed(part: Source, start: int, end: int) -> Source:
    piece = part.text[start:end]
    left = len(piece) - len(piece.lstrip())
    tail = _TAIL.search(piece)
    right = tail.start() if tail else len(piece)
    return part.slice(Span(start + left, start + max(left, right)))
