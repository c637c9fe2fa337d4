"""Where a piece of text stands: `Source` (a file, or a part of one), `Span`, line, column, excerpt.

An expression inside a YAML file is a source of its own whose `origin` maps each of its characters to
the file, so that an error in the expression names the file's line and column.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

EXCERPT_WIDTH = 100
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of characters, counted from 0."""

    start: int
    end: int

    def join(self, other: Span) -> Span:
        """The range from the beginning of the first to the end of the last."""
        return Span(min(self.start, other.start), max(self.end, other.end))


@dataclass(frozen=True, slots=True)
class Origin:
    """Maps a part to its whole: character i of the part is character `offsets[i]` of `source`.

    `offsets` has one entry more than the part has characters: the last is where the part ends.
    """

    source: Source
    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A text with a name to be quoted in messages: a path, `-` for standard input, `answer`."""

    name: str
    text: str
    origin: Origin | None = None

    def part(self, text: str, offsets: tuple[int, ...]) -> Source:
        """A piece of this source as a source of its own."""
        return Source(self.name, text, Origin(self, offsets))

    def slice(self, span: Span) -> Source:
        """The piece at `span`, as it stands."""
        return self.part(self.text[span.start : span.end], tuple(range(span.start, span.end + 1)))

    def joined(self, other: Source) -> Source:
        """Two pieces of one file as one, a blank between them; the other is the later one."""
        places = [part.whole(Span(at, at))[1].start for part in (self, other) for at in range(len(part.text) + 1)]
        return self.whole(None)[0].part(f"{self.text} {other.text}", tuple(places))

    def whole(self, span: Span | None) -> tuple[Source, Span]:
        """The outermost source and the span there."""
        span = span or Span(0, 0)
        if self.origin is None:
            return self, span
        offsets = self.origin.offsets
        last = len(offsets) - 1
        start = offsets[min(span.start, last)]
        end = offsets[min(span.end, last)]
        return self.origin.source.whole(Span(start, max(start, end)))

    def line_column(self, span: Span | None) -> tuple[int, int]:
        """Line and column in the file, both counted from 1."""
        source, span = self.whole(span)
        before = source.text[: span.start]
        line = before.count("\n") + 1
        return line, span.start - (before.rfind("\n") + 1) + 1

    def place(self, span: Span | None) -> str:
        """`file:line:column`."""
        if span is None and self.origin is None:
            return visible(self.name)
        line, column = self.line_column(span)
        return f"{visible(self.name)}:{line}:{column}"

    def excerpt(self, span: Span | None) -> str:
        """The line of the file with a row of carets under the span; empty where there is no span."""
        if span is None and self.origin is None:
            return ""
        source, span = self.whole(span)
        begin = source.text.rfind("\n", 0, span.start) + 1
        end = source.text.find("\n", span.start)
        end = len(source.text) if end < 0 else end
        begin = max(begin, span.start - EXCERPT_WIDTH // 2)
        end = min(end, begin + EXCERPT_WIDTH)
        stop = min(max(span.end, span.start + 1), max(end, span.start + 1))
        line = visible(source.text[begin:end])
        pad = len(visible(source.text[begin : span.start]))
        carets = max(1, len(visible(source.text[span.start : stop])))
        return f"  {line}\n  {' ' * pad}{'^' * carets}"


def visible(text: str, limit: int = 2000) -> str:
    r"""Text that is safe to show: control, bidirectional and invisible characters become `\\uXXXX`."""
    shown = "".join(_visible_character(character) for character in text[:limit])
    return shown + ("…" if len(text) > limit else "")


def _visible_character(character: str) -> str:
    if character == "\t":
        return " "
    if unicodedata.category(character) in _HIDDEN:
        code = ord(character)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return character
