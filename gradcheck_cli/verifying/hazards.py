"""What an author should know of a problem before students meet it: inputs that do nothing, names and sizes that can be
taken for others.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.problem import Problem

LONGEST_PRODUCT = 3  # letters of a name that may be read as a product of others
_INDICES = frozenset({"i", "j"})  # which nearly every answer with entries has


def hazards(problem: Problem) -> Iterator[str]:
    """One sentence for each."""
    yield from _unused(problem)
    yield from _names(problem)
    if problem.arrays:
        yield from _sizes(problem)


def _unused(problem: Problem) -> Iterator[str]:
    """Inputs that no output depends on."""
    graph = problem.graph
    reached = set(problem.outputs).union(*(graph.ancestors.get(output, frozenset()) for output in problem.outputs))
    for leaf in graph.inputs:
        if leaf.name not in reached:
            used = f"; {' and '.join(graph.targets[leaf.name])} does not either" if graph.targets[leaf.name] else ""
            yield f"{leaf.name} feeds nothing that leads to {' or '.join(problem.outputs)}{used}"


def _names(problem: Problem) -> Iterator[str]:
    """Names that an answer can be misread by: T beside a transpose, an index letter, a product of other names."""
    graph = problem.graph
    known = set(graph.by_name) | {leaf.name for leaf in graph.constants}
    letters = {letter for letter, _ in graph.dims}
    if problem.arrays and "T" in known | letters:
        yield "T is a name here: X^T in an answer is then a power, and a transpose has to be written X.T or X^\\top"
    for name in sorted((known | letters) & _INDICES) if problem.arrays else ():
        yield f"{name} is a name here, so it is no index letter in answers"
    single = {name for name in known | letters if len(name) == 1}
    for name in sorted(known):
        if 1 < len(name) <= LONGEST_PRODUCT and set(name) <= single:
            yield f"{name} may be read as {'*'.join(name)}: the name wins"


def _sizes(problem: Problem) -> Iterator[str]:
    """Letters of sizes with the same number: where they are put in, an answer with one for the other passes."""
    sizes = [(letter, size) for letter, size in problem.graph.dims if size is not None]
    for (first, one), (second, other) in combinations(sizes, 2):
        if one == other:
            yield f"{first} and {second} are both {one}: a number in an answer may stand for either"
