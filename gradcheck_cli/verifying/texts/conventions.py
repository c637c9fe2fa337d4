"""Names that courses share: what a text may call things for which its problem has another name, or none.

`dout` is what arrives at the output, `A2` the activation of `Z2`, `g(z)` whatever activation z has, `L` the loss, `alpha`
the learning rate. A name of the problem always wins, and a text that says otherwise is believed.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Name, names
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.source import Source, Span
from gradcheck_cli.symbolic.convert import as_typed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.graph import Graph
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.problem import Problem

_OUTPUT = "out"
_RATES = ("alpha", "eta", "lr", "learning_rate")
_LOSSES = {
    "L": ("L", r"\mathcal{L}"), "J": ("J", r"\mathcal{J}"), "l": ("l",), "ell": (r"\ell",), "E": ("E",), "C": ("C",),
    "loss": ("loss", "Loss"), "cost": ("cost",),
}  # fmt: skip
LOSSES = frozenset({"L", "l", "ell", "loss", "cost"})  # these are hardly ever anything else
_LAYERS = ("A", "a", "H", "h")
_NUMBERED = re.compile(r"[Zz]_?([0-9]+)")
_LATER = r"(?:new|neu|nouveau|updated|next)"
_NEW = re.compile(
    rf"(?:\^\s*(?:\{{\s*(?:\+|{_LATER}|\(?[tkn]\s*\+\s*1\)?|\\(?:text|mathrm)\s*\{{\s*{_LATER}\s*\}})\s*\}}|\+)"
    rf"|_\s*\{{\s*[tkn]\s*\+\s*1\s*\}}|_\s*\{{?\s*(?:{_LATER}|\\(?:text|mathrm)\s*\{{\s*{_LATER}\s*\}})\s*\}}?|_{_LATER}|⁺)"
)


def without_mark(left: Source) -> tuple[Source, bool]:
    """A left side without the mark of an update (`w^{+}`, `w_{new}`), and whether it had one."""
    updated = _NEW.search(left.text)
    if updated is None or updated.end() != len(left.text.rstrip()):
        return left, False
    return left.slice(Span(0, updated.start())), True


def activations(graph: Graph) -> dict[str, str]:
    """For each node that goes through one function alone: what comes out of it."""
    found: dict[str, list[str]] = {}
    for node in graph.nodes:
        if isinstance(node.expr, Call) and len(node.expr.args) == 1 and isinstance(node.expr.args[0], Name):
            found.setdefault(node.expr.args[0].id, []).append(node.name)
    return {name: above[0] for name, above in found.items() if len(above) == 1}


def usual_scope(problem: Problem, output: str) -> Scope:
    """The scope of a text: differentials may stand alone, `dout` arrives at the output, `g(z)` is z's activation."""
    known = problem.scope
    moved = {f"d{name}" for name in problem.graph.by_name}
    # dh is how h moves, though the letter of a size be d_h
    kept = {text: name for text, name in known.spellings.items() if text == name or text not in moved}
    spellings = kept if known.name(_OUTPUT) else {**kept, _OUTPUT: output}
    return replace(known, differentials=True, spellings=spellings, activations=activations(problem.graph))


def usual_names(problem: Problem, output: str, *, loss: bool) -> dict[str, tuple[tuple[str, ...], Expr]]:
    """Names that nothing in the problem has: their spellings in LaTeX, and what they stand for."""
    found: dict[str, tuple[tuple[str, ...], Expr]] = {}
    if problem.learning_rate is not None:
        found |= {name: ((), as_typed(problem.learning_rate)) for name in _RATES}
    if loss:
        found |= {name: (latex, Name(output)) for name, latex in _LOSSES.items()}
    elif (seeded := behind_output(problem, output)) is not None:
        found |= {name: (latex, seeded) for name, latex in _LOSSES.items()}
    through = activations(problem.graph)
    for name, above in through.items():
        if match := _NUMBERED.fullmatch(name):
            found |= {f"{letter}{match[1]}": ((f"{letter}_{match[1]}",), Name(above)) for letter in _LAYERS}
    if loss and through:
        last = list(through.values())[-1]
        hats = {f"{letter}hat": ((f"\\hat{{{letter}}}",), Name(last)) for letter in "yY"}
        found |= {} if any(problem.scope.name(name) for name in hats) else hats  # of a known \\hat{Y} it is a sample
    return {name: row for name, row in found.items() if problem.scope.name(name) is None}


def behind_output(problem: Problem, output: str) -> Expr | None:
    """A loss of which only what it sends back to the output is given: their products, added up; None where there is none."""
    constants = {constant.name for constant in problem.graph.constants}
    if problem.seed is None or problem.outputs != (output,) or not set(names(problem.seed)) <= constants:
        return None
    return Call("sum", (Call("mul", (problem.seed, Name(output))),))


def with_names(known: Scope, usual: Mapping[str, tuple[tuple[str, ...], Expr]]) -> Scope:
    """The scope with further names; a spelling that it has stays what it is."""
    more, _ = scope({name: latex for name, (latex, _) in usual.items()})
    spellings = {**known.spellings, **{text: name for text, name in more.spellings.items() if not known.name(text)}}
    return replace(known, spellings=spellings, latex={**more.latex, **known.latex})
