"""What expressions of arrays are compared over: a graph whose sizes are letters, and numbers to stand for these.

Two numbers are never the same and none is 1, so that shapes that only happen to coincide are not confused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, permutations
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.expr import Expr, Index, Num, has_letters, names, walk
from gradcheck_cli.grids import Grid
from gradcheck_cli.judge.draws import Leaf
from gradcheck_cli.judge.setting import Setting
from gradcheck_cli.lowering import Shapes, Typed, lower

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gradcheck_cli.graph import Graph, Input
    from gradcheck_cli.shapes import Size

_LARGEST_GIVEN = 8  # a size that the problem gives is worked with up to here
_MOST_PERMUTATIONS = 2000
_MOST_LOWERED = 5_000  # parts of expressions


@dataclass(frozen=True, slots=True)
class ArrayPoints:
    """A few points of a space at one choice of sizes: grids by name, and definitions in primitive functions."""

    known: Shapes
    sizes: Mapping[str, int]
    grids: tuple[Mapping[str, Grid], ...]
    definitions: Mapping[str, Typed]


@dataclass(frozen=True, slots=True, eq=False)
class ArraySpace:
    """A graph with shapes, and names computed from its own in order (let names, gradients by name), as written.

    A space equals itself only: what is computed for it is kept as long as it is in use.
    """

    graph: Graph
    definitions: tuple[tuple[str, Expr], ...] = ()


@lru_cache(maxsize=32)
def array_samples(space: ArraySpace) -> ArraySamples:
    """What has been computed for a space so far."""
    return ArraySamples(space)


def array_points(space: ArraySpace, count: int) -> Iterator[ArrayPoints]:
    """The first points that are drawn for a space, of all its inputs: so many together, of each choice of sizes alike."""
    samples = array_samples(space)
    for setting, choices in samples.settings():
        points = islice(setting.drawn_points(), count // choices)
        known = Shapes(samples.known.names, samples.known.letters)
        yield ArrayPoints(known, setting.sizes, tuple(point.leaves for point in points), samples.definitions)


class ArraySamples:
    """A space in primitive functions, with its settings: one or two choices of sizes.

    Raises ShapeError for definitions whose operands do not fit.
    """

    def __init__(self, space: ArraySpace) -> None:
        graph = space.graph
        self.leaves: tuple[Input, ...] = (*graph.inputs, *graph.constants)
        letters = {letter for shape in graph.shapes.values() for size in shape for letter in size.letters}
        self.letters = tuple(dict.fromkeys((*(letter for letter, _ in graph.dims), *sorted(letters))))
        self.known = Shapes(dict(graph.shapes), frozenset(self.letters))
        self.definitions: dict[str, Typed] = {}
        all_shapes = dict(graph.shapes)
        for name, expr in (*((node.name, node.expr) for node in graph.nodes), *space.definitions):
            self.definitions[name] = lower(expr, replace(self.known, names=all_shapes, ranges={}))
            all_shapes[name] = self.definitions[name].shape
        self.known = Shapes(all_shapes, frozenset(self.letters))
        self._plain = Shapes(all_shapes, frozenset(self.letters))
        self.limits = self._limits()
        self._choices = tuple(self._sizes(dict(graph.dims)))
        self._settings: dict[int, Setting] = {}

    def settings(self) -> Iterator[tuple[Setting, int]]:
        """The choices of sizes worked with, and how many there are."""
        for place, sizes in enumerate(self._choices):
            if place not in self._settings:
                self._settings[place] = self._setting(sizes)
            yield self._settings[place], len(self._choices)

    def lowered(self, expr: Expr, ranges: Mapping[str, Size] | None = None) -> tuple[Typed, Mapping[str, Size]]:
        """An expression in primitive functions with its shape, and the sizes over which its free index letters run.

        `ranges` has those of letters that stand in no index, as in `delta(i, j)`.
        """
        if not ranges and not has_letters(expr):
            return self._without_letters(expr), {}
        known = Shapes(self.known.names, self.known.letters, dict(ranges or {}))
        typed = lower(expr, known)
        free = names(typed.expr)
        return typed, {letter: size for letter, size in known.ranges.items() if letter in free}

    def _without_letters(self, expr: Expr) -> Typed:
        """An expression in which no letter runs over anything; what it shares with others is lowered once."""
        if len(self._plain.seen) > _MOST_LOWERED:
            self._plain.seen.clear()
        return lower(expr, self._plain)

    # -- sizes

    def _sizes(self, dims: Mapping[str, int | None]) -> Iterator[dict[str, int]]:
        """The problem's own sizes where they tell letters apart, and sizes that are drawn."""
        fixed = {size.number for shape in self.known.names.values() for size in shape}
        numbers = [dims.get(letter) for letter in self.letters]
        own = {letter: count for letter, count in zip(self.letters, numbers, strict=True) if count is not None}
        apart = len(set(own.values())) == len(own) == len(self.letters)
        given = apart and all(1 < count <= _LARGEST_GIVEN for count in own.values())
        if given:
            yield own
        if not self.letters:
            return
        count = len(self.letters)
        usable = [number for number in range(2, 2 * count + 16) if number not in fixed]
        yield self._drawn(usable)
        if not given:
            turned = usable[1:]
            yield self._drawn([*turned[1:count], turned[0], *turned[count:]])

    def _drawn(self, usable: list[int]) -> dict[str, int]:
        """The first choice in this order at which every array has entries."""
        count = len(self.letters)
        first = dict(zip(self.letters, usable, strict=False))
        tried = islice(permutations(usable[: count + 3], count), _MOST_PERMUTATIONS)
        for chosen in (tuple(usable[:count]), *tried):
            sizes = dict(zip(self.letters, chosen, strict=True))
            if all(size.at(sizes) > 0 for shape in self.known.names.values() for size in shape):
                return sizes
        return first

    def _setting(self, sizes: dict[str, int]) -> Setting:
        leaves = tuple(
            Leaf(
                leaf.name,
                leaf.kind,
                shapes.at(self.known.names.get(leaf.name, ()), sizes),
                leaf.axis,
                self.limits[leaf.name].at(sizes) if leaf.name in self.limits else None,
            )
            for leaf in self.leaves
        )
        definitions = {name: (typed.expr, shapes.at(typed.shape, sizes)) for name, typed in self.definitions.items()}
        given: dict[str, Grid] = {}
        for leaf, at_sizes in zip(self.leaves, leaves, strict=True):
            values = Grid((), (leaf.value,)) if leaf.value is not None else leaf.entries
            if values is not None and values.shape == at_sizes.shape:
                given[leaf.name] = values
        return Setting(sizes, leaves, definitions, given)

    def _limits(self) -> dict[str, Size]:
        """For each integer input that is used as an index: how many entries there are to choose from."""
        integers = {leaf.name for leaf in self.leaves if leaf.kind == "integer"}
        found: dict[str, Size] = {}
        for typed in self.definitions.values() if integers else ():
            for part in walk(typed.expr):
                if not isinstance(part, Index):
                    continue
                base = lower(part.base, replace(self.known, ranges={})).shape
                for index, size in zip(part.indices, base, strict=False):
                    if not isinstance(index, Num):
                        found.update({name: size for name in names(index) if name in integers})
        return found
