"""How a name is printed in LaTeX where its problem declares nothing."""

from __future__ import annotations

import re

from gradcheck_cli.greek import GREEK_WORDS

_GREEK = frozenset(GREEK_WORDS.values())
_PARTS = re.compile(r"([A-Za-z]+?)_?(hat|tilde|bar)?_?([0-9]*)")


def latex_name(name: str) -> str:
    r"""`w0` as `w_{0}`, `yhat1` as `\\hat{y}_{1}`, `alpha` as `\\alpha`, `d_i` as `d_{i}`, `xwb0` as `\\mathit{xwb}_{0}`."""
    match = _PARTS.fullmatch(name)
    if re.fullmatch(r"[A-Za-z]_[A-Za-z]", name):
        return f"{name[0]}_{{{name[2]}}}"
    if match is None:
        escaped = name.replace("_", r"\_")
        return rf"\mathit{{{escaped}}}"
    letters, accent, digits = match.groups()
    if accent and len(letters) == 1:
        body = rf"\{accent}{{{letters}}}"
    else:
        letters += accent or ""
        body = letters if len(letters) == 1 else f"\\{letters}" if letters in _GREEK else rf"\mathit{{{letters}}}"
    return f"{body}_{{{digits}}}" if digits else body
