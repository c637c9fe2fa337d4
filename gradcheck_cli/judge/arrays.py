"""Are two expressions of arrays equal, for every size? Shape first, then entry by entry at sizes in numbers.

The procedure is the one of `compare.py`: balls that are disjoint at an exact point prove a difference; agreement of
every entry to 2^-900 at the points of two choices of sizes, on both sides of each kink, is "equal"; else undecided.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Call
from gradcheck_cli.judge.array_decision import ArrayDecision
from gradcheck_cli.judge.array_space import array_samples
from gradcheck_cli.judge.compare import AGREE_BITS, FEWEST, LARGE, NOWHERE, REFUTE_BITS, agreement, relations
from gradcheck_cli.judge.draws import DISCRETE, listed
from gradcheck_cli.judge.needs import needs
from gradcheck_cli.judge.nowhere import void
from gradcheck_cli.judge.setting import Point, turned
from gradcheck_cli.judge.together import is_label, joined
from gradcheck_cli.shapes import text_of
from gradcheck_cli.symbolic.evaluate import Inner, Value, outer, sign_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.grids import Grid
    from gradcheck_cli.judge.array_space import ArraySpace
    from gradcheck_cli.judge.draws import Leaf
    from gradcheck_cli.judge.setting import Block, Setting, Values
    from gradcheck_cli.shapes import Shape, Size

_POINTS = 8  # of all choices of sizes together, each with many entries
_FEW = 8  # kinks of which each two sides are looked at together
_OFTEN = 3  # times that the other side of a kink is met where this one is rare
_WORK = 400_000  # steps of evaluation that the search for a branch may cost

Side = tuple[str, int, int]  # a kink's block, which one there, and its sign


def compare_arrays(
    space: ArraySpace, left: Expr, right: Expr, *, lenient: bool = False, ranges: Mapping[str, Size] | None = None
) -> ArrayDecision:
    """Whether `left` equals `right` entry by entry, for all sizes and for all inputs of the declared kinds.

    Both are as written. Free index letters run over their sizes; `ranges` says over which, where no index tells. `left` is what is judged, `right` the truth. With
    `lenient` an array with a single entry, such as (1, 1), is taken for a number.
    Raises ShapeError where the operands within a side do not fit.
    """
    samples = array_samples(space)
    first, letters = samples.lowered(left, ranges)
    second, others = samples.lowered(right, ranges)
    both = (first.shape, second.shape)
    clash = next((letter for letter in letters if others.get(letter, letters[letter]) != letters[letter]), None)
    if clash is not None:
        reason = f"the index {clash} runs over {letters[clash]} and over {others[clash]}"
        return ArrayDecision("letters", reason, both)
    if first.shape != second.shape and not (lenient and all(_single(shape) for shape in both)):
        reason = f"the shapes are {text_of(first.shape)} and {text_of(second.shape)}"
        return ArrayDecision("shape", reason, both)
    if first.expr == second.expr:
        return ArrayDecision("equal", "the two sides are the same expression", both)
    flat = [
        Call("reshape", (side.expr,)) if side.shape and both[0] != both[1] else side.expr for side in (first, second)
    ]
    try:
        found = _at_all_sizes(space, (flat[0], flat[1]), {**letters, **others})
    except UnsupportedError as error:
        found = ArrayDecision("undecided", error.message)
    return replace(found, shapes=both)


def _single(shape: Shape) -> bool:
    return shapes.count(shape) == shapes.ONE


def _at_all_sizes(space: ArraySpace, sides: tuple[Expr, Expr], letters: Mapping[str, Size]) -> ArrayDecision:
    """Every choice of sizes has to agree; one that differs settles it."""
    done = []
    for setting, count in array_samples(space).settings():
        runs = [(letter, size.at(setting.sizes)) for letter, size in letters.items()]
        pair = (setting.side("left", sides[0], runs, keep=False), setting.side("right", sides[1], runs, keep=True))
        found = _Comparison(setting, pair, _POINTS // count).decision()
        if found.kind in ("different", "nowhere"):
            return found
        done.append(found)
    worst = next((found for found in done if found.kind == "undecided"), done[0])
    note = next((found for found in done if found.note), worst)
    total = sum(found.points for found in done)
    if worst.kind == "undecided":
        return replace(worst, points=total)
    return replace(note, reason=agreement(total), points=total)


class _Comparison:
    """Two sides at sizes in numbers; sets of entries are bits of whole numbers."""

    def __init__(self, setting: Setting, pair: tuple[Block, Block], wanted: int) -> None:
        self.setting = setting
        self.pair = pair
        self.reach = setting.reach(pair)
        self.wanted = wanted
        self.count = len(pair[0].plan.outputs)
        self.agreed = [0] * self.count
        self.points = 0
        self.met: list[tuple[Point, int]] = []  # where entries agreed
        self.holes = 0  # entries that have a value in the truth, and at some point none in what is judged
        self.base: Point | None = None
        self.seen: dict[Side, int] = {}
        self.needs = needs(pair, self.reach.blocks)
        self.at = 0  # the entry that differs
        self.bits = AGREE_BITS  # with which it was seen to
        self.tie: tuple[Point, int] | None = None  # where they differ at a kink only
        self.note = ""
        self.exhaustive = listed(self.reach.leaves) is not None

    def decision(self) -> ArrayDecision:
        own = self.setting.own(self.reach)
        point = self.differs_early(own) or self.differs_drawn()
        if point is not None:
            return self.refuted(point)
        if self.holes:
            self.without_unearned()
        if min(self.agreed) < (1 if self.exhaustive else min(FEWEST, self.wanted)):
            return self.too_few(own)
        if self.exhaustive:
            return self.equal()
        point = self.unseen_branches() or self.unseen_together()
        if point is not None:
            return self.refuted(point)
        if self.missing():
            return ArrayDecision("undecided", "a branch was never reached", points=self.points)
        return self.equal()

    def differs_early(self, own: Point | None) -> Point | None:
        """The given values come first, then small numbers: most wrong answers are found out there."""
        if own is not None:
            if self.look(own, (REFUTE_BITS, AGREE_BITS)):
                return own
            self.remark(own)
        for point in self.setting.friendly() if self.reach.leaves else ():
            if self.look(point, (REFUTE_BITS,), count=False):
                return point
            if not self.tied(point):
                break
        return None

    def differs_drawn(self) -> Point | None:
        for point in self.setting.points(self.reach):
            if self.look(point, (AGREE_BITS,)):
                return self.friendlier(point)
            if min(self.agreed) >= self.wanted and not self.exhaustive:
                break
        known = {leaf.name for leaf in self.reach.leaves}
        for point in () if self.exhaustive else self.setting.far:
            if known <= point.leaves.keys() and self.look(point, (AGREE_BITS,)):
                return point
        return None

    # -- one point

    def tied(self, point: Point) -> bool:
        """Whether some kink is met exactly: such a point says nothing about a branch."""
        return any(sign_of(x) == 0 for _, _, x in self.kinks(point, REFUTE_BITS))

    def values(self, point: Point, bits: int, *, absorb: bool = True) -> tuple[Values, Values]:
        left, right = (self.setting.values(self.reach, side, point, bits, absorb=absorb) for side in self.pair)
        return left, right

    def kinks(self, point: Point, bits: int) -> Iterator[tuple[str, int, Value]]:
        """The arguments of all kinks at a point."""
        for side, (_, kinks) in zip(self.pair, self.values(point, bits), strict=True):
            yield from ((side.name, place, x) for place, x in enumerate(kinks))
        for block, (_, kinks) in self.setting.defined(self.reach, point, bits).items():
            yield from ((block.name, place, x) for place, x in enumerate(kinks))

    def look(self, point: Point, precisions: tuple[int, ...], *, count: bool = True) -> bool:
        """Whether some entry differs; entries that agree are counted, and the branches they were on."""
        together = small = 0
        for bits in precisions:
            (left, _), (right, _) = self.values(point, bits)
            if count:
                self.holes |= holes(left, right)
            for at, found in relations(left, right, bits):
                if found == "apart" and self.proves(point, at, bits):
                    self.at, self.bits = at, bits
                    return True
                if found == "together":
                    together |= 1 << at
                    small |= (1 << at) if abs(left[at]) < LARGE else 0  # a larger one would hide what happens here
        if count and together:
            self.note_agreement(point, together, small, precisions[-1])
        return False

    def note_agreement(self, point: Point, together: int, small: int, bits: int) -> None:
        self.points += 1
        self.met.append((point, together))
        self.base = self.base or point
        self.agreed = [number + (together >> at & 1) for at, number in enumerate(self.agreed)]
        for name, place, x in self.kinks(point, bits):
            if sign := sign_of(x):
                self.seen[name, place, sign] = self.seen.get((name, place, sign), 0) | small

    def without_unearned(self) -> None:
        """Take back where entries with holes agree only because 0 times something undefined counts as 0."""
        for point, together in self.met:
            (left, _), (right, _) = self.values(point, AGREE_BITS, absorb=False)
            owed = self.holes & together & (empty(left) | empty(right))
            self.agreed = [number - (owed >> at & 1) for at, number in enumerate(self.agreed)]

    def proves(self, point: Point, at: int, bits: int) -> bool:
        """A difference counts unless it rests on 0 times something undefined, or on a convention at a kink."""
        (left, _), (right, _) = self.values(point, bits, absorb=False)
        if left[at] is None or right[at] is None:
            return False
        for name, place, x in self.kinks(point, bits):
            if sign_of(x) == 0 and self.needs[name][place] >> at & 1 and self.continuous(name, place):
                self.tie = self.tie or (point, at)
                return False
        return True

    def continuous(self, name: str, place: int) -> bool:
        """Whether a kink is met by chance only: some input it depends on is not discrete."""
        block = next(block for block in (*self.pair, *self.reach.blocks) if block.name == name)
        return any(leaf.kind not in DISCRETE for leaf in self.setting.behind(block, place))

    def remark(self, own: Point) -> None:
        (left, _), (right, _) = self.values(own, AGREE_BITS)
        if any(x is None and y is not None for x, y in zip(left, right, strict=True)):
            self.note = "not defined at the given values"

    # -- branches

    def missing(self) -> dict[Side, int]:
        """The sides of kinks on which some entry was not seen to agree, without those that cannot be reached."""
        found = {}
        for block in (*self.pair, *self.reach.blocks):
            for place, slot in enumerate(block.plan.kinks):
                for sign in (-1, 1):
                    left = self.needs[block.name][place] & ~self.seen.get((block.name, place, sign), 0)
                    if not left:
                        continue
                    low, high = self.setting.bounds(self.reach, block)[slot]
                    if (low < 0) if sign < 0 else (high > 0):
                        found[block.name, place, sign] = left
        return found

    def unseen_branches(self) -> Point | None:
        """Look at points that are on branches not seen yet; one at which the sides differ, if there is one."""
        missing = {side: left for side, left in self.missing().items() if side not in self.setting.hopeless}
        steps = sum(len(block.plan.steps) for block in (*self.pair, *self.reach.blocks))
        left = _WORK // (steps + 1)
        for point in self.setting.outward(self.reach, self.base) if missing and self.base else ():
            if not missing or left < 0:
                break
            left -= 1
            if not any((name, place, sign_of(x)) in missing for name, place, x in self.kinks(point, REFUTE_BITS)):
                continue
            before = len(missing)
            both = (point, *turned(point, self.reach.leaves))
            if (found := next((one for one in both if self.look(one, (REFUTE_BITS, AGREE_BITS))), None)) is not None:
                return found
            missing = {side: left for side, left in self.missing().items() if side in missing}
            if len(missing) < before:
                point.shared = True
                self.setting.far.append(point)
        self.setting.hopeless |= {side for side in missing if side[0] not in ("left", "right")}
        return None

    def unseen_together(self) -> Point | None:
        """Look where two sides meet that were only seen apart: of a few kinks, and of labels."""
        blocks = {block.name: block for block in (*self.pair, *self.reach.blocks)}
        count = sum(len(block.plan.kinks) for block in blocks.values())
        labels = tuple(leaf for leaf in self.reach.leaves if is_label(leaf.kind))
        alone = tuple(leaf for leaf in labels if not leaf.shape)
        points = [point for point, _ in self.met] if count else []
        made: Iterable[Point]
        if count > _FEW:
            rare = points if alone else self.rarely(points) if labels else ()
            made = (other for point in rare for other in turned(point, labels))
        else:
            met = [(point.leaves, self.sides(point, alone)) for point in points]
            joint = (Point(leaves, shared=False) for leaves in joined(met, partial(self.leaves_behind, blocks)))
            made = chain(
                joint, (other for point in points for other in turned(point, [leaf for leaf in labels if leaf.shape]))
            )
        return next((point for point in made if self.look(point, (REFUTE_BITS, AGREE_BITS))), None)

    def rarely(self, points: list[Point]) -> list[Point]:
        """The points at which a block's kinks are on a side on which they hardly ever are."""
        found = [Counter((name, sign) for name, _, sign in self.sides(point, ())) for point in points]
        total = sum(found, Counter[tuple[str, int]]())
        rare = {(name, sign) for name, sign in total if _OFTEN * total[name, sign] < total[name, -sign]}
        return [point for point, sides in zip(points, found, strict=True) if not rare.isdisjoint(sides)]

    def sides(self, point: Point, labels: Iterable[Leaf]) -> frozenset[Side]:
        """The sides of all kinks that a point is on, and the values of labels there, which have no place."""
        found = [(leaf.name, -1, int(point.leaves[leaf.name].items[0])) for leaf in labels]
        return frozenset(
            [*found, *((name, at, sign) for name, at, x in self.kinks(point, REFUTE_BITS) if (sign := sign_of(x)))]
        )

    def leaves_behind(self, blocks: Mapping[str, Block], side: Side) -> frozenset[str]:
        """The inputs that decide about a side."""
        name, place, _ = side
        return (
            frozenset(leaf.name for leaf in self.setting.behind(blocks[name], place))
            if place >= 0
            else frozenset((name,))
        )

    # -- results

    def friendlier(self, point: Point) -> Point:
        """A point of small numbers that proves the difference too, if one does."""
        return next((near for near in self.setting.friendly() if self.look(near, (REFUTE_BITS,), count=False)), point)

    def shown(self, point: Point) -> tuple[tuple[str, Grid], ...]:
        return tuple((leaf.name, point.leaves[leaf.name]) for leaf in self.reach.leaves)

    def refuted(self, point: Point) -> ArrayDecision:
        (left, _), (right, _) = self.values(point, self.bits)
        if not isinstance(outer(left[self.at]), Fraction) or not isinstance(outer(right[self.at]), Fraction):
            (left, _), (right, _) = self.values(point, AGREE_BITS)  # what is exact is so with any bits
        binding, place = self.pair[0].places[self.at]
        return ArrayDecision(
            "different",
            "the values differ",
            sizes=tuple(self.setting.sizes.items()),
            letters=binding,
            place=place,
            left=outer(left[self.at]),
            right=outer(right[self.at]),
            counterexample=self.shown(point),
            points=self.points,
        )

    def equal(self) -> ArrayDecision:
        if self.tie is None:
            return ArrayDecision("equal", agreement(self.points), points=self.points, note=self.note)
        point, at = self.tie
        binding, place = self.pair[0].places[at]
        return ArrayDecision(
            "equal",
            agreement(self.points),
            sizes=tuple(self.setting.sizes.items()),
            letters=binding,
            place=place,
            counterexample=self.shown(point),
            points=self.points,
            note=self.note or "differs at the kink itself, where conventions differ",
        )

    def too_few(self, own: Point | None) -> ArrayDecision:
        """Hardly any point has values on both sides: the given ones may have."""
        if own is not None and min(self.agreed) > 0:
            note = "compared at the given values only"
            return ArrayDecision("equal", "agree at the given values", points=self.points, note=note)
        if self.nowhere():
            return ArrayDecision("nowhere", NOWHERE, points=self.points)
        reason = "both sides are defined at too few points" if self.reach.leaves else "a side is not defined"
        return ArrayDecision("undecided", reason, points=self.points)

    def nowhere(self) -> bool:
        """Whether some entry certainly has no real value at any of the points, and has one in the truth at each."""
        side, left = self.pair[0].plan, (1 << self.count) - 1
        missing = tried = 0
        for point in islice(self.setting.points(self.reach), FEWEST):
            (found, _), (wanted, _) = self.values(point, AGREE_BITS)
            self.values(point, AGREE_BITS, absorb=False)
            lost = void(side, slots := side.run(point.env(AGREE_BITS, absorb=False), AGREE_BITS, absorb=False))
            left &= sum(1 << at for at, slot in enumerate(side.outputs) if slot in lost and slots[slot] is None)
            left &= ~empty(wanted)
            missing |= holes(found, wanted)
            tried += 1
        return tried > 0 and bool(left & missing)


def empty(values: tuple[Inner, ...]) -> int:
    """The entries that have no value."""
    return sum(1 << at for at, value in enumerate(values) if value is None)


def holes(left: tuple[Inner, ...], right: tuple[Inner, ...]) -> int:
    """The entries that have a value on the right side only."""
    return empty(left) & ~empty(right)
