r"""Jacobians of one sample of a batch: `\frac{\partial z^{(i)}}{\partial x^{(i)}} = W`, judged where that sample is all there is.

The problem of one sample has the batch's without its axis: vectors, or else matrices of one row or column.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import number, substitute
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.shapes import ONE
from gradcheck_cli.verifying.arrays.batches import sample_places
from gradcheck_cli.verifying.texts.lookalikes import exchanged
from gradcheck_cli.verifying.texts.shorthand import LOSS_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.graph import Graph, Input
    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.shapes import Shape

MATRIX = 2  # axes
NOTE = "for one sample by itself"
_NAME = r"\\?[A-Za-z]+(?:\{[A-Za-z]\})?"
_TOP = re.compile(
    rf"\\d?frac\s*\{{\s*\\?(?:partial|mathrm\{{d\}}|d)\s*(?P<name>{_NAME})\s*(?:"
    r"(?:_\{?[0-9]+\}?)?\s*\^\s*\{\s*(?:[\[(][0-9]+[\])])?\s*\(\s*(?P<label>[a-km-su-z])\s*\)\s*\}"
    r"|_\{?(?:[0-9]+\s*,?\s*)?(?P<below>[i-ns])\}?)\s*\}"
)
_SUMS = re.compile(r"\\(?:sum|prod)|[ΣΠ∑∏]")
_WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]+(?:_?\{?[0-9]+\}?)?")


def sample_of(formula: Formula) -> tuple[str, bool] | None:
    """The letter of the sample whose derivative a left side is, and whether as a label; None for any other formula.

    The loss of a sample is judged elsewhere: it may be its share in a mean.
    """
    match = _TOP.match(formula.members[0].text.strip())
    if (
        match is None
        or match["name"].strip("\\") in LOSS_NAMES
        or any(_SUMS.search(member.text) for member in formula.members)
    ):
        return None
    return (match["label"], True) if match["label"] else (match["below"], False)


def unnumbered(formula: Formula, letter: str) -> Formula:
    """The formula without the number of the sample."""
    label = re.compile(rf"\^\s*\{{(?P<before>[^{{}}]*?)\(\s*{letter}\s*\)(?P<behind>[^{{}}]*)\}}")
    below = re.compile(rf"_\s*(?:{letter}(?![A-Za-z0-9])|\{{\s*(?:(?P<layer>[0-9]+)\s*,?\s*)?{letter}\s*\}})")

    def without_label(match: re.Match[str]) -> str:
        rest = (match["before"] + match["behind"]).strip()
        return f"^{{{rest}}}" if rest else ""

    members = (exchanged(member, label, without_label) for member in formula.members)
    members = (exchanged(one, below, lambda match: f"_{match['layer']}" if match["layer"] else "") for one in members)
    return replace(formula, members=tuple(members))


def names_all(formula: Formula, letter: str, scope: Scope, batch: frozenset[str]) -> bool:
    """Whether an array of the batch stands without the number of a sample in a formula: it is about all of them."""
    numbered = re.compile(
        rf"{_NAME}\s*(?:_\{{?[0-9]+\}}?)?\s*(?:\^\s*\{{[^{{}}]*\(\s*{letter}\s*\)|_\s*(?:\{{\s*(?:[0-9]+\s*,?\s*)?)?{letter}(?![A-Za-z0-9]))"
    )
    rest = " ".join(numbered.sub(" ", member.text) for member in formula.members)
    return any(scope.name(re.sub(r"[{}_]", "", word)) in batch for word in _WORD.findall(rest))


def batch_of(graph: Graph) -> dict[str, int]:
    """The axis of the batch of each array that has one."""
    return {name: place.index("i") for name, (place, batch) in sample_places(graph).items() if batch and "i" in place}


def of_one_sample(problem: Problem) -> Iterator[Problem]:
    """The problem of one sample by itself, in the ways in which such is written; none where there is no batch."""
    graph, batch = problem.graph, batch_of(problem.graph)
    letters = {letter for name, axis in batch.items() for letter in graph.shapes[name][axis].letters}
    if len(letters) != 1:
        return
    (letter,) = letters
    axes = {axis for name, axis in batch.items() if len(graph.shapes[name]) == MATRIX}
    for dropped in (axes, set[int]()):
        shapes = {name: _shape(shape, batch.get(name), dropped) for name, shape in graph.shapes.items()}
        sized = {name: tuple(one.partly({letter: 1}) for one in shape) for name, shape in shapes.items()}
        found = _with_shapes(problem, sized, letter)
        if _fits(found):
            yield found


def _shape(shape: Shape, axis: int | None, dropped: set[int]) -> Shape:
    """A shape without the axis of the batch, where that is dropped; a bias loses the one that it has there."""
    if axis is None and len(shape) == MATRIX:
        axis = next((at for at in dropped if shape[at] == ONE), None)
    return shape if axis is None or not dropped else (*shape[:axis], *shape[axis + 1 :])


def _with_shapes(problem: Problem, shapes: dict[str, Shape], letter: str) -> Problem:
    graph, one = problem.graph, {letter: number(1)}

    def alone(leaf: Input) -> Input:
        shape = shapes[leaf.name]
        changed = shape != graph.shapes[leaf.name]
        return replace(leaf, shape=shape, entries=None, value=None, axis=-1) if changed else leaf

    small = replace(
        graph,
        inputs=tuple(alone(leaf) for leaf in graph.inputs),
        constants=tuple(alone(leaf) for leaf in graph.constants),
        nodes=tuple(replace(node, expr=substitute(node.expr, one)) for node in graph.nodes),
        dims=tuple((name, size) for name, size in graph.dims if name != letter),
        shapes=shapes,
    )
    return replace(
        problem, graph=small, scope=_with_small_letters(problem.scope, batch_of(graph)), questions=(), lets=()
    )


def _with_small_letters(scope: Scope, batch: dict[str, int]) -> Scope:
    """The scope in which a sample of `Z1` is `z_1`."""
    small = {name[0].lower() + name[1:]: name for name in batch if name[0].isupper()}
    small |= {re.sub(r"^([a-z])([0-9]+)$", r"\1_\2", text): name for text, name in small.items()}
    known = {text: name for text, name in small.items() if scope.name(text) is None}
    return replace(scope, spellings={**scope.spellings, **known})


def _fits(problem: Problem) -> bool:
    """Whether every node has the shape that it should have."""
    graph = problem.graph
    known = Shapes(graph.shapes, frozenset(name for name, _ in graph.dims))
    try:
        return all(lower(node.expr, known).shape == graph.shapes[node.name] for node in graph.nodes)
    except GradcheckError:
        return False
