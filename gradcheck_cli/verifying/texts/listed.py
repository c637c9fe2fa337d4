r"""Gradients written as lists: `\nabla f = (8.4, -8.2, 0)` claims the derivative by each input, in their order."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.parsing.passages import balanced
from gradcheck_cli.source import Span
from gradcheck_cli.verifying.texts.points import node_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.source import Source

LONGEST_LEFT, LONGEST_LIST = 80, 600  # characters
_NAME = r"\\?[A-Za-z]\w*(?:_\{\w+\})?(?:\{\w\}(?:_\w)?)?"
_BELOW = r"(?:\\(?:mathbf|boldsymbol|bm|vec|mathrm)\s*)?\{?\\?[A-Za-z][^{}]*?\}?"
_GRADIENT = re.compile(
    rf"(?:\\nabla|∇|\\(?:operatorname|mathrm|text)\{{grad\}}|grad)\s*(?:_\s*(?P<below>\{{(?:[^{{}}]|\{{[^{{}}]*\}})*\}}|\w|\\[A-Za-z]+))?\s*"
    rf"(?P<name>{_NAME})\s*(?:\([^()]*\))?"
    rf"|\\[dt]?frac\s*\{{\s*(?:\\partial|d)\s*(?P<top>{_NAME})\s*\}}\s*\{{\s*(?:\\partial|d)\s*(?P<by>{_BELOW})\s*\}}"
)
_LIST = re.compile(
    r"\s*(?:\\left\s*)?(?:[(\[⟨]|\\langle)\s*(?P<row>.*?)\s*(?:\\right\s*)?(?:[)\]⟩]|\\rangle)\s*"
    r"(?:\^\s*\{?\s*(?:T|\\top|\\intercal)\s*\}?)?\s*"
    r"|\s*\\begin\{(?P<kind>[pb]matrix)\}\s*(?P<column>.*?)\s*\\end\{(?P=kind)\}\s*(?:\^\s*\{?\s*(?:T|\\top)\s*\}?)?\s*",
    re.DOTALL,
)
_OPENING = re.compile(r"(?:\\left\s*)?[(\[]|\\begin\{[pb]matrix\}")
_TIMES = re.compile(r"(?:\s|\\[,;!: ]|\\cdot|\\times|\*|·)*$")


def listed(formula: Formula, scope: Scope, problem: Problem) -> tuple[Formula, ...]:
    """One formula for each derivative that a gradient lists; none where the formula is something else."""
    left, *members = formula.members
    gradient = _GRADIENT.fullmatch(left.text.strip()) if len(left.text) <= LONGEST_LEFT else None
    name = node_of(gradient["name"] or gradient["top"], scope, latex=formula.latex) if gradient else None
    lists = [_entries(member) or _scaled(member) for member in members] if name is not None else []
    if gradient is None or name is None or not all(lists) or len({len(one) for one in lists}) != 1:
        return ()
    for chosen in _by_which(gradient["below"] or gradient["by"] or "", name, scope, problem):
        if len(chosen) == len(lists[0]):
            return tuple(
                replace(formula, members=(_by(left, name, leaf), *(one[at] for one in lists)))
                for at, leaf in enumerate(chosen)
            )
    return ()


def _by_which(below: str, name: str, scope: Scope, problem: Problem) -> Iterator[list[str]]:
    r"""The inputs by which a gradient may be: all, the parameters, or those that `\nabla_w`, `\nabla_{w,b}` names."""
    above = problem.graph.ancestors.get(name, frozenset())
    inputs = [leaf for leaf in problem.graph.inputs if leaf.name in above]
    plain = re.sub(r"\\(?:mathbf|boldsymbol|bm|vec|mathrm)\b|[{}()\s\\]", "", below)
    if plain in ("", "theta", "θ"):
        yield from ([leaf.name for leaf in inputs], [leaf.name for leaf in inputs if leaf.param])
        return
    named = [scope.name(one.replace("_", "")) or scope.name(one) for one in plain.split(",")]
    if len(named) > 1:
        yield [one for one in named if one is not None]
    elif named == [None]:  # the inputs that have this letter and a number
        yield [leaf.name for leaf in inputs if re.fullmatch(rf"{re.escape(plain)}_?[0-9]+", leaf.name)]


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


def _scaled(member: Source) -> list[Source]:
    r"""The entries of a list with a factor before it, `a(1 - a) (x_0, x_1)^\top`; none where there is no such list."""
    text = member.text
    if len(text) > LONGEST_LIST:
        return []
    for opening in reversed([match for match in _OPENING.finditer(text) if match.start()]):
        entries = _entries(member.slice(Span(opening.start(), len(text))))
        factor = _TIMES.sub("", text[: opening.start()])
        factor = "-1" if factor == "-" else factor
        if entries and factor and factor[-1] not in "+-/^_" and balanced(factor):
            return [_product(member, factor, entry) for entry in entries]
    return []


def _product(member: Source, factor: str, entry: Source) -> Source:
    """A factor and an entry as a product, in the place of the entry."""
    before = f"({factor})*("
    start, end = (entry.whole(Span(at, at))[1].start for at in (0, len(entry.text)))
    whole = member.whole(None)[0]
    places = (*[start] * len(before), *(entry.whole(Span(at, at))[1].start for at in range(len(entry.text) + 1)), end)
    return whole.part(f"{before}{entry.text})", places)
