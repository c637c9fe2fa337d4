r"""Gradients written as lists: `\nabla f = (8.4, -8.2, 0)` claims the derivative by each input, in their order."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.source import Span
from gradcheck_cli.verifying.points import node_of

if TYPE_CHECKING:
    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.source import Source

LONGEST_LEFT, LONGEST_LIST = 60, 600  # characters
_GRADIENT = re.compile(r"(?:\\nabla|∇)\s*(?P<name>\\?[A-Za-z]\w*(?:_\{\w+\})?)\s*(?:\([^()]*\))?")
_LIST = re.compile(
    r"\s*(?:\\left\s*)?(?:[(\[⟨]|\\langle)\s*(?P<row>.*?)\s*(?:\\right\s*)?(?:[)\]⟩]|\\rangle)\s*"
    r"(?:\^\s*\{?\s*(?:T|\\top|\\intercal)\s*\}?)?\s*"
    r"|\s*\\begin\{(?P<kind>[pb]matrix)\}\s*(?P<column>.*?)\s*\\end\{(?P=kind)\}\s*(?:\^\s*\{?\s*(?:T|\\top)\s*\}?)?\s*",
    re.DOTALL,
)


def listed(formula: Formula, scope: Scope, problem: Problem) -> tuple[Formula, ...]:
    """One formula for each derivative that a gradient lists; none where the formula is something else."""
    left, *members = formula.members
    gradient = _GRADIENT.fullmatch(left.text.strip()) if len(left.text) <= LONGEST_LEFT else None
    name = node_of(gradient["name"], scope, latex=formula.latex) if gradient else None
    lists = [_entries(member) for member in members]
    if gradient is None or name is None or not all(lists) or len({len(one) for one in lists}) != 1:
        return ()
    above = problem.graph.ancestors.get(name, frozenset())
    inputs = [leaf for leaf in problem.graph.inputs if leaf.name in above]
    for chosen in (inputs, [leaf for leaf in inputs if leaf.param]):
        if len(chosen) == len(lists[0]):
            return tuple(
                replace(formula, members=(_by(left, name, leaf.name), *(one[at] for one in lists)))
                for at, leaf in enumerate(chosen)
            )
    return ()


def _by(left: Source, name: str, source: str) -> Source:
    """The derivative by one input, in the place of the gradient."""
    text = f"d({name}, {source})"
    return left.part(text, (*[0] * len(text), len(left.text)))


def _entries(member: Source) -> list[Source]:
    """The entries of a list, each with its place; none where it is no list."""
    match = _LIST.fullmatch(member.text) if len(member.text) <= LONGEST_LIST else None
    if match is None:
        return []
    group = "row" if match["kind"] is None else "column"
    begin, text = match.start(group), match[group]
    found, start, level = [], 0, 0
    for sign in (*re.finditer(r"[({\[]|[)}\]]|\\\\|[,;&]", text), None):
        level += (sign is not None and sign.group() in "({[") - (sign is not None and sign.group() in ")}]")
        if sign is not None and (sign.group()[0] in "({[)}]" or level):
            continue
        end = sign.start() if sign else len(text)
        piece = text[start:end]
        inner = Span(begin + start + len(piece) - len(piece.lstrip()), begin + start + len(piece.rstrip()))
        found.append(member.slice(Span(inner.start, max(inner.start, inner.end))))
        start = sign.end() if sign else end
    return found if len(found) > 1 and all(one.text for one in found) else []
