"""Expressions of arrays at sizes in numbers: their entries as plans, and points at which these are run.

Points are exact and keep what was computed at them, so that all answers to one problem share it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import inf, prod
from random import Random
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Expr, number
from gradcheck_cli.grids import Grid, label
from gradcheck_cli.judge.draws import TWO_VALUES, Leaf, Style, drawn, listed
from gradcheck_cli.judge.ranges import REAL, Range, kind_range, ranges
from gradcheck_cli.judge.space import reached
from gradcheck_cli.lowering import in_numbers
from gradcheck_cli.symbolic.entries import Entries, named
from gradcheck_cli.symbolic.evaluate import Inner, Plan, inner, plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_BOXES = ((-1, 1), (0, 1), (-3, 3), (-8, 8), (0, 3), (0, 8))
MOST_TRIES = 36
FRIENDLY = 6
_OUTWARD, _OFTEN = 30, 2
_MOST_ENTRIES = 20_000
_MOST_TRUTHS = 128
_UNIT = frozenset({"onehot", "distribution"})

Values = tuple[tuple[Inner, ...], tuple[Inner, ...]]
Binding = tuple[tuple[str, int], ...]  # free index letters with their numbers


class Point:
    """Values of the inputs as grids, and what was computed from them; `given` where they are the problem's own."""

    def __init__(self, leaves: Mapping[str, Grid], *, given: bool = False, shared: bool = True) -> None:
        self.leaves = dict(leaves)
        self.given = given
        self.shared = shared
        self.definitions: dict[tuple[Block, int, bool], Values] = {}
        self._env: dict[tuple[int, bool], dict[str, Inner]] = {}

    def env(self, bits: int, *, absorb: bool) -> dict[str, Inner]:
        """The entries known so far at a precision."""
        found = self._env.get((bits, absorb))
        if found is None:
            found = {
                label(name, place): inner(value)
                for name, values in self.leaves.items()
                for place, value in zip(values.places(), values.items, strict=True)
            }
            self._env[bits, absorb] = found
        return found


@dataclass(slots=True, eq=False)
class Block:
    """The entries of expressions as one plan; a definition's `labels` name them, a side's `places` say which they are."""

    name: str
    plan: Plan
    labels: tuple[str, ...] = ()
    places: tuple[tuple[Binding, tuple[int, ...]], ...] = ()
    results: dict[tuple[Point, int, bool], Values] = field(default_factory=dict)
    whole: set[tuple[Point, int]] = field(default_factory=set)  # where all in it is defined
    behind: dict[int, tuple[Leaf, ...]] = field(default_factory=dict)
    uses: frozenset[str] = field(init=False)  # the arrays it depends on directly

    def __post_init__(self) -> None:
        self.uses = frozenset(name.partition("[")[0] for _, name in self.plan.names)

    def run(self, point: Point, bits: int, *, absorb: bool) -> Values:
        """The outputs, and the arguments of the kinks; the entries of definitions at the point are known."""
        values, whole = self.plan.run_through(point.env(bits, absorb=absorb), bits, absorb=absorb)
        if whole and point.shared:
            self.whole.add((point, bits))
        outputs = tuple([values[slot] for slot in self.plan.outputs])
        return outputs, tuple([values[slot] for slot in self.plan.kinks])


@dataclass(frozen=True, slots=True)
class Reach:
    """What some blocks depend on: inputs, and definitions in the order in which they are computed."""

    leaves: tuple[Leaf, ...]
    blocks: tuple[Block, ...]


class Setting:
    """A space at sizes in numbers. `leaves` and `definitions` are all there are, `given` the problem's own values.

    `far`       points that see branches which the others do not
    `hopeless`  sides of definitions' kinks that the search has not reached
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        leaves: tuple[Leaf, ...],
        definitions: Mapping[str, tuple[Expr, tuple[int, ...]]],
        given: Mapping[str, Grid],
    ) -> None:
        self.sizes = dict(sizes)
        self.leaves = {leaf.name: leaf for leaf in leaves}
        self.definitions = definitions
        self.given = given
        if sum(prod(leaf.shape) for leaf in leaves) > _MOST_ENTRIES:
            message = "there are too many entries to work with one by one"
            raise UnsupportedError(message, hint="use smaller sizes")
        self.shapes = {leaf.name: leaf.shape for leaf in leaves} | {name: two[1] for name, two in definitions.items()}
        self.numbers = {letter: number(count) for letter, count in sizes.items()}
        self.far: list[Point] = []
        self.hopeless: set[tuple[str, int, int]] = set()
        self._named: dict[str, Grid] = {}
        self._blocks: dict[str, Block] = {}
        self._truths: dict[tuple[Expr, tuple[tuple[str, int], ...]], Block] = {}
        self._ranges: dict[str, Range] = {}
        self._bounds: dict[Block, list[Range]] = {}
        self._points: list[Point] = []
        self._coming = _points(leaves)
        self._friendly: list[Point] = []
        self._own: dict[tuple[Leaf, ...], Point] = {}

    # -- blocks

    def block(self, name: str) -> Block:
        """The entries of a definition."""
        if name not in self._blocks:
            expr, _ = self.definitions[name]
            parts = Entries(self.shapes, grids=self._named).grid(in_numbers(expr, self.numbers))
            labels = tuple(label(name, place) for place in parts.places())
            self._blocks[name] = Block(name, plan(parts.items), labels)
        return self._blocks[name]

    def side(self, name: str, expr: Expr, letters: Iterable[tuple[str, int]], *, keep: bool) -> Block:
        """The entries of an expression for all values of its free index letters, each with how far it runs.

        Raises UnsupportedError where it has none. With `keep` it is remembered.
        """
        letters = tuple(letters)
        found = self._truths.get((expr, letters)) if keep else None
        if found is not None:
            return found
        work, fixed = Entries(self.shapes, grids=self._named), in_numbers(expr, self.numbers)
        items: list[Expr] = []
        places: list[tuple[Binding, tuple[int, ...]]] = []
        for values in product(*(range(count) for _, count in letters)):
            binding = tuple((letter, value) for (letter, _), value in zip(letters, values, strict=True))
            parts = work.grid(fixed, dict(binding))
            items.extend(parts.items)
            places.extend((binding, place) for place in parts.places())
        found = Block(name, plan(items), (), tuple(places))
        if keep:
            if len(self._truths) >= _MOST_TRUTHS:
                self._truths.pop(next(iter(self._truths)))
            self._truths[expr, letters] = found
        return found

    def reach(self, sides: Iterable[Block]) -> Reach:
        """Everything that blocks depend on.

        Raises UnsupportedError for a name that is not known.
        """
        return self._reach(name for side in sides for name in side.uses)

    def behind(self, block: Block, place: int) -> tuple[Leaf, ...]:
        """The inputs that a kink of a block depends on."""
        if place not in block.behind:
            labels = block.plan.names_below(block.plan.kinks[place])
            block.behind[place] = self._reach(text.partition("[")[0] for text in labels).leaves
        return block.behind[place]

    def _reach(self, names: Iterable[str]) -> Reach:
        found = reached(names, self.leaves, self.definitions, lambda name: self.block(name).uses)
        leaves = tuple(leaf for name, leaf in self.leaves.items() if name in found)
        return Reach(leaves, tuple(self.block(name) for name in self.definitions if name in found))

    def values(self, reach: Reach, side: Block, point: Point, bits: int, *, absorb: bool = True) -> Values:
        """The entries and kinks of a side at a point; what definitions have there is found on the way."""
        found = side.results.get((point, bits, absorb))
        if found is None and not absorb and all((point, bits) in block.whole for block in (side, *reach.blocks)):
            found = side.results.get((point, bits, True))  # there was nothing to absorb
        if found is None:
            self.defined(reach, point, bits, absorb=absorb)
            found = side.run(point, bits, absorb=absorb)
            if point.shared:
                side.results[point, bits, absorb] = found
        return found

    def defined(self, reach: Reach, point: Point, bits: int, *, absorb: bool = True) -> dict[Block, Values]:
        """What every definition in reach has at a point."""
        env = point.env(bits, absorb=absorb)
        for block in reach.blocks:
            if (block, bits, absorb) not in point.definitions:
                outputs, kinks = block.run(point, bits, absorb=absorb)
                env.update(zip(block.labels, outputs, strict=True))
                point.definitions[block, bits, absorb] = outputs, kinks
        return {block: point.definitions[block, bits, absorb] for block in reach.blocks}

    def bounds(self, reach: Reach, block: Block) -> list[Range]:
        """Between which bounds every slot of a block lies, for all values that the kinds allow."""
        if block not in self._bounds:
            for leaf in reach.leaves:
                for part in named(leaf.name, leaf.shape).items:
                    self._ranges.setdefault(part.id, _range(leaf))
            for other in reach.blocks:
                if other is not block and not all(text in self._ranges for text in other.labels):
                    self.bounds(Reach(reach.leaves, reach.blocks[: reach.blocks.index(other)]), other)
                if other is block:
                    break
            self._bounds[block] = ranges(block.plan, self._ranges)
            slots = zip(block.labels, block.plan.outputs, strict=bool(block.labels))
            self._ranges.update({text: self._bounds[block][slot] for text, slot in slots})
        return self._bounds[block]

    # -- points

    def own(self, reach: Reach) -> Point | None:
        """The problem's own values, when all that matter are given."""
        if not reach.leaves or any(leaf.name not in self.given for leaf in reach.leaves):
            return None
        if reach.leaves not in self._own:
            self._own[reach.leaves] = Point({leaf.name: self.given[leaf.name] for leaf in reach.leaves}, given=True)
        return self._own[reach.leaves]

    def points(self, reach: Reach) -> Iterator[Point]:
        """The points that are drawn, or all there are where they can be listed."""
        every = listed(reach.leaves)
        if every is not None:
            yield from (Point(values, shared=False) for values in every)
            return
        yield from self.drawn_points()

    def drawn_points(self) -> Iterator[Point]:
        """The points that are drawn, with values of all inputs."""
        for place in range(MOST_TRIES):
            if place == len(self._points):
                self._points.append(next(self._coming))
            yield self._points[place]

    def friendly(self) -> Iterator[Point]:
        """Points of small numbers."""
        draw = Random(FRIENDLY)  # noqa: S311 - sample points, no secrets
        while len(self._friendly) < FRIENDLY:
            style = Style(len(self._friendly))
            self._friendly.append(Point({name: drawn(leaf, style, draw) for name, leaf in self.leaves.items()}))
        yield from self._friendly

    def outward(self, reach: Reach, base: Point) -> Iterator[Point]:
        """Points farther and farther out: all inputs at once, then each alone."""
        draw = Random(_OUTWARD)  # noqa: S311 - sample points, no secrets
        for power in range(_OUTWARD + 1):
            style = Style(power, None, power)
            far = [{leaf.name: drawn(leaf, style, draw) for leaf in reach.leaves} for _ in range(_OFTEN)]
            yield from (Point(leaves, shared=False) for leaves in far)
            for leaf in reach.leaves if len(reach.leaves) > 1 else ():
                yield Point({**base.leaves, leaf.name: drawn(leaf, style, draw)}, shared=False)


def _points(leaves: tuple[Leaf, ...]) -> Iterator[Point]:
    draw = Random(1088)  # noqa: S311 - sample points, no secrets
    before: dict[str, Grid] = {}
    turn = 0
    while True:
        style = Style(turn, _BOXES[turn % len(_BOXES)])
        before = {leaf.name: drawn(leaf, style, draw, before.get(leaf.name)) for leaf in leaves}
        yield Point(before)
        turn += 1


def _range(leaf: Leaf) -> Range:
    if leaf.kind in _UNIT:
        return Fraction(0), Fraction(1)
    if leaf.kind == "integer" and leaf.below is not None:
        return Fraction(0), Fraction(leaf.below - 1)
    if leaf.kind == "integer":
        return -inf, inf
    return kind_range(leaf.kind) if leaf.kind else REAL


def turned(point: Point, leaves: Iterable[Leaf]) -> list[Point]:
    """A point with every label the other way round; none where there are no labels."""
    other = {leaf.name: _turned(point.leaves[leaf.name], leaf.kind) for leaf in leaves if leaf.kind in TWO_VALUES}
    return [Point({**point.leaves, **other}, shared=False)] if other else []


def _turned(values: Grid, kind: str) -> Grid:
    both = sum(TWO_VALUES[kind])
    return values.map(lambda value: both - value)
