r"""Facts about functions by themselves: `\sigma'(x) = \sigma(x)(1 - \sigma(x))` for a letter that means nothing else.

They are judged where that letter is the only input, and the problem's activation is what comes out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Name
from gradcheck_cli.functions import ALIASES, FUNCTIONS
from gradcheck_cli.problem import Problem, read_problem
from gradcheck_cli.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcheck_cli.parsing.document import Formula

NOTE = "about the function itself"
OTHERWISE = "the function may stand for another one here"
_UNNAMED = r"\\(?:var)?phi|\\psi|φ|ϕ|ψ|[fgs]"
_KNOWN = r"\\?(?:sigma|tanh|sinh|cosh|sin|cos|exp|ln|log)|\\(?:text|mathrm|operatorname)\{[A-Za-z]+\}|σ|sigmoid|[Rr]e[Ll][Uu]|softplus"
_CALLED = rf"(?P<name>{_KNOWN}|{_UNNAMED})\s*(?P<primed>['’′]|\^\s*\{{?\s*\\prime\s*\}}?)?\s*(?:\\left\s*)?\(\s*(?P<of>[a-z])\s*(?:\\right\s*)?\)"
_VALUE = re.compile(_CALLED)
_DERIVED = re.compile(
    r"(?:\\d?frac\s*\{\s*(?:d|\\mathrm\{d\}|\\partial)\s*(?P<top>[^{}]*(?:\{[^{}]*\}[^{}]*)*)\}\s*\{\s*(?:d\s*|\\mathrm\{d\}\s*|\\partial\s+)(?P<below>[a-z])\s*\}"
    r"|[d∂]\s?(?P<over>[A-Za-z()]*)\s?/\s?[d∂]\s?(?P<under>[a-z](?![A-Za-z0-9_])))(?P<behind>.*)",
    re.DOTALL,
)


def letter_of(formula: Formula) -> tuple[str, bool] | None:
    """The letter that a formula about a function is in, and whether it is about a derivative; None for any other formula."""
    left = formula.members[0].text.strip()
    value, derived = _VALUE.fullmatch(left), _DERIVED.fullmatch(left)
    if value is not None:
        return (value["of"], True) if value["primed"] else (value["of"], False)
    if derived is None:
        return None
    letter = derived["below"] or derived["under"]
    inside = (derived["top"] or derived["over"] or "") + derived["behind"]
    named = re.search(rf"(?<![A-Za-z\\]){letter}(?![A-Za-z0-9_])", " ".join(one.text for one in formula.members[1:]))
    return (letter, True) if inside.strip() and named is not None else None


def may_be_other(formula: Formula, function: str) -> bool:
    """Whether the left side may be about another function: φ or f, or σ where the activation is no sigmoid."""
    left = formula.members[0].text
    unnamed = re.search(rf"(?<![A-Za-z\\])(?:{_UNNAMED})\s*['’′(^]", left)
    sigma = re.search(r"(?:\\sigma|σ|sigma)\s*['’′(^]", left) and function not in ("", "sigmoid")
    return unnamed is not None or bool(sigma)


def activation(problems: Iterable[Problem]) -> tuple[str, str, str]:
    """The function of the activations, the name of what comes out and its LaTeX; empty where there are several."""
    found = []
    for problem in problems:
        for node in problem.graph.nodes:
            match node.expr:
                case Call(function=function, args=(Name(),)) if FUNCTIONS[function].elementwise:
                    found.append((function, node.name, node.latex[0] if node.latex else ""))
    if len({function for function, _, _ in found}) != 1:
        return "", "", ""
    return found[0] if len(found) == 1 else (found[0][0], "", "")


@lru_cache(maxsize=64)
def by_itself(letter: str, function: str, node: str, latex: str) -> Problem:
    """The problem with a letter as its only input, and a function of it as its only node."""
    name = node if node and node != letter and node not in ALIASES else "value"
    shown = f', latex: "{latex}"'.replace("\\", "\\\\") if latex else ""
    text = f"title: A function\ninputs: {{{letter}: {{}}}}\ngraph:\n  {name}: {{expr: {function or 'exp'}({letter}){shown}}}\n"
    return read_problem(Source("function", text), "function")
