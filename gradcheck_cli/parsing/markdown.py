"""Marks of Markdown in a line without LaTeX: what is struck out is gone, what is only set off is blank.

The line stays as long as it was, so that every place stays where it is.
"""

from __future__ import annotations

import re

from gradcheck_cli.parsing.scaffold import without_tags

_URL = r"(?:[a-z]+:[^()\s]*|(?:\.{0,2}/|\#)[^()\s]*|[^()\s]*\.(?:png|jpe?g|svg|gif|pdf|md|html?|ipynb|ya?ml))(?:\s+\"[^\"]*\")?"
_LINK = re.compile(rf"!\[[^\[\]]*\]\({_URL}\)|\[[^\[\]=]*\]\({_URL}\)")
_STRUCK = re.compile(r"~~(?=\S)[^~]*(?<=\S)~~")
_BOX = re.compile(r"^\s*\[[ xX✓✔]\]\s")
_SET_OFF = re.compile(
    r"(?<![^\s])(?P<mark>\*{1,3}|_{1,3})(?=[^\s*_])(?P<inside>[^*]*?[^\s*_])(?P=mark)(?=[\s.,;:!?)]|$)"
)
_ENDS = re.compile(r"\s*(?:[=≈,;.!?)]|$)")


def plainly(text: str) -> str:
    """A line without its marks."""
    text = _STRUCK.sub(_blank, _BOX.sub(_blank, without_tags(_LINK.sub(_blank, text))))
    if re.search(r"(?:^|\s)\*\*\S", text) and text.count("**") % 2 == 0:  # bold, not a power
        text = text.replace("**", "  ")
    return _SET_OFF.sub(_unmarked, text)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _unmarked(match: re.Match[str]) -> str:
    alone = match.string[: match.start()].rstrip()[-1:] in ("", "=", "≈") and _ENDS.match(match.string, match.end())
    if "=" not in match["inside"] and not alone:
        return match.group()  # the signs of two products
    around = " " * len(match["mark"])
    return f"{around}{match['inside']}{around}"
