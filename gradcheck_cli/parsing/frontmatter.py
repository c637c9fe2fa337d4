"""The front matter of a text: lines of YAML between two rules at its top, which may name its problems."""

from __future__ import annotations

import re

_FRONT = re.compile(r"\s*^---[ \t]*\n(?P<lines>.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL | re.MULTILINE)
_LINE = re.compile(
    r"\s*(?:#.*|[A-Za-z_][\w -]*:(?:\s.*)?|-\s.*)?|\s+\S.*"
)  # of YAML; a formula between two rules is none
_NAMED = re.compile(r"^problems?:[ \t]*(?P<listed>.*(?:\n[ \t]*-[ \t].*)*)", re.MULTILINE | re.IGNORECASE)
_ITEM = re.compile(r"(?:^|\n)[ \t]*-[ \t]|,")


def front_matter(text: str) -> tuple[tuple[str, ...], int]:
    """The names of the problems, and where the text behind it begins; nothing and 0 for a text without any."""
    front = _FRONT.match(text)
    if front is None or not all(_LINE.fullmatch(line) for line in front["lines"].split("\n")):
        return (), 0
    named = _NAMED.search(front["lines"])
    if named is None:
        return (), front.end()
    lines = "\n".join(line.split(" #")[0] for line in named["listed"].split("\n"))
    names = (name.strip().strip("[]").strip().strip("\"'") for name in _ITEM.split(lines))
    return tuple(name for name in names if name and not name.startswith("#")), front.end()
