"""Marks of Markdown and HTML in a line without LaTeX: what is struck out is gone, what is only set off is blank.

Of HTML subscripts and superscripts are read as they are typed, `w<sub>0</sub>` as `w_0`; each sign keeps its place.
"""

from __future__ import annotations

import re
from html import unescape

from gradcheck_cli.parsing.passages import blanks
from gradcheck_cli.parsing.scaffold import without_tags

_URL = r"(?:[a-z]+:[^()\s]*|(?:\.{0,2}/|\#)[^()\s]*|[^()\s]*\.(?:png|jpe?g|svg|gif|pdf|md|html?|ipynb|ya?ml))(?:\s+\"[^\"]*\")?"
_LINK = re.compile(rf"!\[[^\[\]]*\]\({_URL}\)|\[[^\[\]=]*\]\({_URL}\)")
_STRUCK = re.compile(r"~~(?=\S)[^~]*(?<=\S)~~")
_BOX = re.compile(r"^\s*\[[ xX✓✔]\]\s")
_SET_OFF = re.compile(
    r"(?<![^\s])(?P<mark>\*{1,3}|_{1,3})(?=[^\s*_])(?P<inside>[^*]*?[^\s*_])(?P=mark)(?=[\s.,;:!?)]|$)"
)
_SCRIPT = (
    r"<(?P<tag>su[bp])>\s*(?P<script>[^<>]{1,40}?)\s*</(?P=tag)>"
    r"|(?<=[A-Za-z0-9)])(?P<mark>[~^])(?P<raised>[-−]?[A-Za-z0-9]{1,4})(?P=mark)(?![~^A-Za-z0-9(])"
)
_HTML = re.compile(
    rf"{_SCRIPT}|</?(?:b|i|u|em|strong|code|var|span|font|p|div|br|center|mark)(?:\s[^<>]*)?/?>|&#?[A-Za-z0-9]{{2,8}};"
)
_ENDS = re.compile(r"\s*(?:[=≈,;.!?)]|$)")


def plainly(text: str) -> str:
    """A line without its marks."""
    text = _STRUCK.sub(blanks, _BOX.sub(blanks, without_tags(_LINK.sub(blanks, text))))
    if re.search(r"(?:^|\s)\*\*\S", text) and text.count("**") % 2 == 0:  # bold, not a power
        text = text.replace("**", "  ")
    return _SET_OFF.sub(_unmarked, text)


def typed(text: str) -> tuple[str, list[int]]:
    """A line with what HTML marks in it as it is typed; and the place of each of its signs, and of its end, in the line."""
    found, places, at = "", [], 0
    for match in _HTML.finditer(text):
        put = _as_typed(match)
        found += text[at : match.start()] + put
        places += [*range(at, match.start()), *[match.start()] * len(put)]
        at = match.end()
    return found + text[at:], [*places, *range(at, len(text) + 1)]


def _as_typed(match: re.Match[str]) -> str:
    """One mark: a script with its sign, a letter by its name, or nothing."""
    script = match["script"] or match["raised"]
    if script is None:
        return unescape(match.group()) if match.group()[0] == "&" else " "
    sign = "_" if match["tag"] == "sub" or match["mark"] == "~" else "^"
    script = unescape(script)
    return f"{sign}{script} " if script.isalnum() else f"{sign}({script}) " if sign == "^" else f"_{{{script}}} "


def _unmarked(match: re.Match[str]) -> str:
    alone = match.string[: match.start()].rstrip()[-1:] in ("", "=", "≈") and _ENDS.match(match.string, match.end())
    if "=" not in match["inside"] and not alone:
        return match.group()  # the signs of two products
    around = " " * len(match["mark"])
    return f"{around}{match['inside']}{around}"
