r"""What of a document is no homework: comments, the preamble of a LaTeX file, drawings, listings, marks of HTML.

It becomes blanks, so that every place stays where it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gradcheck_cli.parsing.frontmatter import front_matter
from gradcheck_cli.parsing.macros import Macros
from gradcheck_cli.parsing.passages import blanks

if TYPE_CHECKING:
    from gradcheck_cli.source import Source

_BEGINS = "\\begin{document}"
_COMMENT = re.compile(r"(?P<kept>\\.)|%[^\n]*")
_REMARK = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ASIDE = re.compile(
    r"\\begin\{(?P<what>tikzpicture|verbatim|Verbatim|lstlisting|minted|comment|forest|pgfpicture)\*?\}.*?"
    r"(?:\\end\{(?P=what)\*?\}|\Z)",
    re.DOTALL,
)
_SETTING = re.compile(
    r"\\(?:label|includegraphics|documentclass|usepackage|begin\{(?:figure|table|enumerate|itemize|minipage)\}"
    r"|geometry|hypersetup|lstset|tikzset|graphicspath)\*?\s*(?:\[[^\[\]\n]*\])?(?:\{[^{}\n]*\})*"
)
_FENCED = re.compile(
    r"^[ \t]*(?P<mark>```+|~~~+)[ \t]*\{?(?:math|latex|tex|katex)\}?[ \t]*\n(?P<inside>.*?)^[ \t]*(?P=mark)[ \t]*$",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_TICKED = re.compile(r"\$`(?P<inside>[^`$\n]+)`\$")
_MARKED = re.compile(r"\$|\\\[|\\\(|\\begin\{(?!array|cases|[a-zA-Z]?matrix)")
_TAG = re.compile(
    r"</?(?:p|br|hr|img|div|span|b|i|u|em|strong|small|mark|code|kbd|center|font|a|h[1-6]|details|summary|table|thead|tbody|tr|td|th"
    r"|ul|ol|li|figure|figcaption|blockquote)(?:\s[^<>\n]*)?/?>",
    re.IGNORECASE,
)


def readable(source: Source, macros: Macros | None = None) -> Source:
    """A text without its scaffold and with its commands written out; the source itself where there are none."""
    text = source.text
    if is_latex(source) and "%" in text:
        text = _COMMENT.sub(lambda match: match["kept"] or blanks(match), text)
    text, places = (macros or Macros()).expanded(text) if "\\" in text else (text, ())
    if "\\" in text:
        start = text.find(_BEGINS)
        if start >= 0:
            _, first = front_matter(text)
            text = text[:first] + _lines(text[first:start]) + text[start:]
        text = _SETTING.sub(blanks, _ASIDE.sub(_lined, text))
    if "`" in text or "~~~" in text:
        text = _TICKED.sub(r"$ \g<inside> $", _FENCED.sub(_displayed, text))
    if "<" in text:
        text = _REMARK.sub(_lined, text)
    if text == source.text:
        return source
    return source.part(text, places or tuple(range(len(text) + 1)))


def is_latex(source: Source) -> bool:
    """Whether a text is a LaTeX document, in which a % begins a comment."""
    return source.name.endswith(".tex") or _BEGINS in source.text


def without_tags(line: str) -> str:
    """A line without marks of HTML."""
    return _TAG.sub(blanks, line) if "<" in line else line


def _displayed(match: re.Match[str]) -> str:
    """A fence around mathematics as the signs around a formula, or as nothing where it has signs inside."""
    text = match.group()
    start, end = match.start("inside") - match.start(), match.end("inside") - match.start()
    sign = "" if _MARKED.search(text, start, end) else "$$"
    return f"{sign:{start - 1}}\n{text[start:end]}{sign:{len(text) - end}}"


def _lined(match: re.Match[str]) -> str:
    return _lines(match.group())


def _lines(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
