r"""Words that say there is no value: `undefined`, `DNE`; and sentences with them, `$f'(0)$ does not exist`, as equalities.

What is exchanged is as long as before, so that every place stays where it is.
"""

from __future__ import annotations

import re

NONE = (
    r"(?:undefined|undef\.?|not\s+defined|does\s*(?:not|n[o'’]t)\s+exist|DNE|D\.N\.E\.?|dne|non-?existent|nan|NaN"
    r"|indeterminate|nicht\s+definiert|undefiniert|existiert\s+nicht|n['’]existe\s+pas|non\s+défini|no\s+existe|indefinido)"
)
_IS = rf"\s*(?:is\s+|ist\s+|est\s+|está\s+)?(?={NONE}(?![A-Za-z]))"
BEHIND = re.compile(rf"{_IS}{NONE}")  # the end of a formula
_CLOSED = re.compile(rf"(?:\$\$?|\\\)|\\\]){_IS}")
_PLAIN = re.compile(
    rf"(?P<left>(?<![\w\\])(?:[d∂]\s?\w+\s?/\s?[d∂]\s?\w+(?:\([^()]*\))?|\w+['’]*\([^()]*\)))(?P<between>\s{_IS})"
)
_UPRIGHT = re.compile(rf"\\(?:text|mathrm|textrm|textit|mbox)\s*\{{(?P<words>\s*{NONE}\s*)\}}")


def with_sign(text: str, *, latex: bool) -> str:
    """A text in which what has no value is equal to that."""
    if latex:
        text = _CLOSED.sub(lambda match: "=".ljust(len(match.group())), text)
        return _UPRIGHT.sub(lambda match: f"{match['words']} ".rjust(len(match.group())), text)
    return _PLAIN.sub(lambda match: match["left"] + "= ".ljust(len(match["between"]))[: len(match["between"])], text)
