"""What is looked at before a problem with arrays is solved: inputs that choose entries, formulas that grow too large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError, UnsupportedError
from gradcheck_cli.expr import Call, Index, Name, parts, size
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from fractions import Fraction

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.graph import Graph, Input
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.shapes import Size


_MOST_GROWTH = 25  # times as many parts as are written
_LEAST_REFUSED = 500
_MEANT = {"-1": "the inverse is inv({name})", "2": "the matrix product is {name} @ {name}"}


def check_growth(problem: Problem) -> None:
    """Raise UnsupportedError for a node in which calls of derived functions stand for far more than is written."""
    graph = problem.graph
    known = Shapes(graph.shapes, frozenset(letter for letter, _ in graph.dims))
    for node in graph.nodes:
        most = max(_LEAST_REFUSED, _MOST_GROWTH * size(node.expr))
        if size(lower(node.expr, known).expr, most) >= most:
            message = f"{node.name}: functions that stand for formulas are nested too deep"
            hint = "make the inner calls nodes of their own"
            raise UnsupportedError(message, hint=hint, source=problem.source, span=node.span)


def choices(graph: Graph, numbers: Mapping[str, int]) -> dict[str, tuple[str, int]]:
    """Leaves whose values are indices, with the node that uses them and how many places there are at the least."""
    return _least(_uses(graph), numbers)


def _least(uses: Iterable[tuple[str, str, Size]], numbers: Mapping[str, int]) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for node, name, places in uses:
        if places.letters <= set(numbers):
            count = places.at(numbers)
            if name not in found or count < found[name][1]:
                found[name] = (node, count)
    return found


def _uses(graph: Graph) -> Iterator[tuple[str, str, Size]]:
    """(node, leaf, size of the axis) for each index that is a leaf, or an entry of one."""
    leaves = {leaf.name for leaf in (*graph.inputs, *graph.constants)}
    known = Shapes(graph.shapes, frozenset(letter for letter, _ in graph.dims))
    for node in graph.nodes:
        found = [part for part in parts(lower(node.expr, known).expr) if isinstance(part, Index)]
        for part in found:
            try:
                shape = lower(part.base, known).shape
            except GradcheckError:
                continue
            for index, places in zip(part.indices, shape, strict=False):
                name = _leaf(index)
                if name in leaves:
                    yield node.name, name, places


def _leaf(index: Expr) -> str:
    while isinstance(index, Index):
        index = index.base
    return index.id if isinstance(index, Name) else ""


def least_sizes(graph: Graph, leaves: Mapping[str, Input]) -> dict[str, int]:
    """The least number for a letter at which given indices are among its entries, as 3 for v in `E[i]` where i is 2."""
    found: dict[str, int] = {}
    for _, name, places in _uses(graph):
        letter = str(places)
        if letter in places.letters:
            found[letter] = max(found.get(letter, 0), *(int(value) + 1 for value in _values(leaves[name])), 0)
    return found


def check_choices(problem: Problem) -> None:
    """Raise UnsupportedError, with the place, for a value that is no index of what it is used on."""
    graph = problem.graph
    leaves = {leaf.name: leaf for leaf in (*graph.inputs, *graph.constants)}
    uses = tuple(_uses(graph))
    found = _least(uses, {letter: size for letter, size in graph.dims if size is not None})
    for used, name, _ in uses:
        node, count = found.get(name, (used, None))
        for value in _values(leaves[name]):
            if value.denominator != 1 or value < 0 or (count is not None and value >= count):
                message = f"{node}: {name} chooses one of {count or 'several'} entries, and {value} is none of them"
                hint = "they are counted from 0" + (f" to {count - 1}" if count else "")
                raise UnsupportedError(message, hint=hint, source=problem.source, span=leaves[name].span)


def _values(leaf: Input) -> tuple[Fraction, ...]:
    """The values of a leaf that has some."""
    if leaf.entries is not None:
        return leaf.entries.items
    return () if leaf.value is None else (leaf.value,)


def power_notes(graph: Graph) -> tuple[str, ...]:
    """A power of a square matrix goes entry by entry: what somebody who means the matrix's own has to write."""
    found = []
    known = Shapes(graph.shapes, frozenset(letter for letter, _ in graph.dims))
    for node in graph.nodes:
        for part in parts(node.expr):
            if not (isinstance(part, Call) and part.function == "pow" and isinstance(part.args[0], Name)):
                continue
            name, power = part.args[0].id, write(part.args[1])
            shape = lower(part.args[0], known).shape
            if len(shape) == 2 and shape[0] == shape[1] and shape[0].number != 1 and power in _MEANT:
                found.append(f"{node.name}: {write(part)} goes entry by entry; " + _MEANT[power].format(name=name))
    return tuple(found)
