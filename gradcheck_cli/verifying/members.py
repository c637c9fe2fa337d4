"""A text to the members of a chain: `w0*a*(1-a) = 0.39` has two."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from gradcheck_cli.source import Source

MAX_MEMBERS = 200
_RELATION = re.compile(r"(?<![<>=!:\\])(?:=(?!=)|≈|≃|~=|≐|≅)|\\(?:approx|simeq|cong|doteq|equiv)(?![A-Za-z])")
_OPTION = re.compile(r"[,(]\s*(?:axis|keepdims|stride|padding|dilation)\s*$")
_WRAPPED = re.compile(r"\s*(?:(\$\$?)(.*)\1|\\\((.*)\\\)|\\\[(.*)\\\])\s*", re.DOTALL)
_ENDING = re.compile(r"[\s.,;…]+$")
_ROUGHLY = re.compile(r"\s*~(?!=)")


def is_latex(source: Source) -> bool:
    """Whether an answer is LaTeX: between `$` and `$`, or with a command in it."""
    return "\\" in source.text or _WRAPPED.fullmatch(source.text) is not None


def split(source: Source) -> tuple[Source, ...]:
    """The members, each with its place, white space around it cut off; `==`, `<=`, `axis=0` and the like do not split.

    A full stop, a comma or dots behind the last one, and a `~` before the first, are none of it.
    """
    if ending := _ENDING.search(source.text):
        source = source.slice(Span(0, ending.start()))
    if wrapped := _WRAPPED.fullmatch(source.text):
        inner = next(group for group in (2, 3, 4) if wrapped[group] is not None)
        source = source.slice(Span(wrapped.start(inner), wrapped.end(inner)))
    elif roughly := _ROUGHLY.match(source.text):
        source = source.slice(Span(roughly.end(), len(source.text)))
    found = []
    start = 0
    text = source.text
    relations = [match for match in _RELATION.finditer(text) if not _inside(text, match.start())]
    for match in (*relations, None):
        end = match.start() if match else len(text)
        found.append(_trimmed(source, start, end))
        if match:
            start = match.end()
    if len(found) > 1 and not found[0].text:
        found = found[1:]  # a chain that begins with = goes on from the question
    return tuple(found[: MAX_MEMBERS + 1])


def _inside(text: str, at: int) -> bool:
    r"""Whether a sign of equality belongs to an option, `axis=0`, or stands in a group, as in `\sum_{i=1}`."""
    grouped = text.count("{") == text.count("}") and text.count("{", 0, at) > text.count("}", 0, at)
    return grouped or _OPTION.search(text, 0, at) is not None


def _trimmed(source: Source, start: int, end: int) -> Source:
    piece = source.text[start:end]
    left = len(piece) - len(piece.lstrip())
    return source.slice(Span(start + left, start + max(left, len(piece.rstrip()))))
