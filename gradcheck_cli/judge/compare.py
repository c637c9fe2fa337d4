"""Are two expressions equal? Decided by values with guaranteed error, never by algebra.

Balls that are disjoint at one exact point prove a difference, and the point is the counterexample. Agreement to
2^-900 at a dozen random points, both sides of every kink among them, is "equal": a difference that is analytic and
not zero vanishes on a null set only. What is neither is undecided.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, islice
from random import Random
from typing import TYPE_CHECKING

from flint import arb, ctx, fmpq

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.judge.nowhere import void
from gradcheck_cli.judge.ranges import ranges
from gradcheck_cli.judge.space import (
    DISCRETE,
    Point,
    Reach,
    Samples,
    Space,
    allowed,
    listable,
    outward,
    samples,
)
from gradcheck_cli.judge.together import is_label, joined
from gradcheck_cli.symbolic.evaluate import Inner, Plan, Value, outer, plan, sign_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.judge.space import Variable

REFUTE_BITS, AGREE_BITS, AGREE = 64, 1088, 900
POINTS, FEWEST = 12, 4
_QUICK = 3  # points looked at with few bits first: a wrong answer is found out there
_MOVES, _WORK = 800, 200_000  # points tried in search of a branch, and steps of evaluation they may cost
_FRIENDLY = 24
LARGE = fmpq(2) ** 256
NOWHERE = "this has no real value at any of the numbers tried"
_TINY = arb(2) ** -AGREE
_SMALL = (*(Fraction(value) for value in (2, 3, 1, -1, -2, -3, 5, 0)), Fraction(1, 2), Fraction(-1, 2))

Kink = tuple[str, int]  # the definition it is in ("" for the two sides), and which one there


@dataclass(frozen=True, slots=True)
class Decision:
    """`kind` is `equal`, `different`, `nowhere` or `undecided`, `reason` says why, `note` what a reader should know of it.

    `counterexample`  inputs at which the sides differ. With `equal`: at a kink only, where conventions differ
    `left`, `right`   the values there, or at the given values
    `points`          how many points agreed
    """

    kind: str
    reason: str
    counterexample: tuple[tuple[str, Fraction], ...] | None = None
    left: Value = None
    right: Value = None
    points: int = 0
    note: str = ""


def decide(left: Expr, right: Expr, space: Space) -> Decision:
    """Whether `left` equals `right`, for all inputs of the declared kinds where both are defined.

    Both sides and all definitions are in primitive functions. `left` is what is judged, `right` the truth.
    """
    try:
        return _Comparison(plan((left, right)), samples(space)).decision()
    except UnsupportedError as error:
        return Decision("undecided", error.message)


@dataclass(slots=True)
class _Tally:
    """What the points have shown so far."""

    agreed: list[Point] = field(default_factory=list)
    seen: set[tuple[str, int, int]] = field(default_factory=set)
    tie: Point | None = None
    hole: bool = False  # somewhere the truth has a value, and what is judged has none
    note: str = ""


class _Comparison:
    """One pair of expressions."""

    def __init__(self, pair: Plan, known: Samples) -> None:
        self.pair = pair
        self.known = known
        self.reach: Reach = known.reach(name for _, name in pair.names)
        self.tally = _Tally()

    def decision(self) -> Decision:
        if self.pair.outputs[0] == self.pair.outputs[1]:
            return Decision("equal", "the two sides are the same expression")
        wanted = POINTS if self.reach.variables else 1
        for tries, point in enumerate(self.known.points(self.reach)):
            found = self.look(point, quick=tries < _QUICK)
            if found == "different":
                return self.refuted(point, friendly=tries > 0 or self.known.given(self.reach) is None)
            if tries == 0:
                self.remark(point, found)
            if len(self.tally.agreed) >= wanted and not listable(self.reach):
                break
        if self.tally.hole:
            self.tally.agreed = [point for point in self.tally.agreed if self.earned(point)]
        if len(self.tally.agreed) < (1 if listable(self.reach) else FEWEST):
            return self.too_few()
        for point in chain(self.unseen_branches(), self.unseen_together()):
            return self.refuted(point, friendly=True)
        if self.missing():
            return self.result("undecided", "a branch was never reached")
        return self.result("equal", agreement(len(self.tally.agreed)))

    # -- one point

    def values(self, point: Point, bits: int, *, absorb: bool = True) -> tuple[Inner, Inner, dict[Kink, Inner]]:
        """Both sides and every kink's argument at a point."""
        run = point.run(self.reach, bits, absorb=absorb)
        found = self.pair.run(run.env, bits, absorb=absorb)
        kinks: dict[Kink, Inner] = {("", place): found[slot] for place, slot in enumerate(self.pair.kinks)}
        for name, _ in self.reach.definitions:
            kinks.update({(name, place): value for place, value in enumerate(run.kinks[name])})
        left, right = self.pair.outputs
        return found[left], found[right], kinks

    def look(self, point: Point, *, quick: bool) -> str:
        """`agree`, `different`, `tie` (differ at a kink), or `open`: undefined, or too close to tell."""
        for bits in (REFUTE_BITS, AGREE_BITS) if quick else (AGREE_BITS,):
            left, right, kinks = self.values(point, bits)
            if left is None or right is None:
                self.tally.hole |= right is not None
                continue
            verdict = relation(left, right, bits)
            if verdict == "apart":
                return self.differ(point, bits, kinks)
            if verdict == "together":
                self.tally.agreed.append(point)
                if abs(left) < LARGE:  # a larger value would hide what happens on this branch
                    self.tally.seen.update((*kink, sign) for kink, x in kinks.items() if (sign := sign_of(x)))
                return "agree"
        return "open"

    def differ(self, point: Point, bits: int, kinks: dict[Kink, Inner]) -> str:
        """A difference counts unless it rests on 0 times something undefined, or on a convention at a kink."""
        left, right, _ = self.values(point, bits, absorb=False)
        if left is None or right is None:
            return "open"
        if any(sign_of(x) == 0 and self.continuous(kink) for kink, x in kinks.items()):
            self.tally.tie = self.tally.tie or point
            return "tie"
        return "different"

    def earned(self, point: Point) -> bool:
        """Whether two sides that agree do not owe it to 0 times something undefined."""
        left, right, _ = self.values(point, AGREE_BITS, absorb=False)
        return left is not None and right is not None

    def continuous(self, kink: Kink) -> bool:
        """Whether a kink is met by chance only: some input it depends on is not discrete."""
        return any(variable.kind not in DISCRETE for variable in self.inputs_of(kink))

    def inputs_of(self, kink: Kink) -> tuple[Variable, ...]:
        owner, place = kink
        steps = self.known.plan(owner) if owner else self.pair
        return self.known.reach(steps.names_below(steps.kinks[place])).variables

    def remark(self, point: Point, found: str) -> None:
        """What is to be said about the given values, which come first."""
        if found == "open" and self.known.given(self.reach) is not None:
            left, right, _ = self.values(point, AGREE_BITS)
            if left is None and right is not None:
                self.tally.note = "not defined at the given values"

    # -- branches

    def missing(self) -> list[tuple[str, int, int]]:
        """The sides of kinks that no point was on, without those that cannot be reached."""
        unseen = [side for side in self.sides() if side not in self.tally.seen]
        if not unseen:
            return []
        names = self.known.ranges(self.reach)
        bounds = {"": ranges(self.pair, names)}
        found = []
        for owner, place, sign in unseen:
            steps = self.known.plan(owner) if owner else self.pair
            if owner not in bounds:
                bounds[owner] = ranges(steps, names)
            low, high = bounds[owner][steps.kinks[place]]
            if (low < 0) if sign < 0 else (high > 0):
                found.append((owner, place, sign))
        return found

    def sides(self) -> Iterator[tuple[str, int, int]]:
        counts = [("", len(self.pair.kinks)), *((name, len(steps.kinks)) for name, steps in self.reach.definitions)]
        for owner, count in counts:
            for place in range(count):
                yield owner, place, -1
                yield owner, place, 1

    def unseen_branches(self) -> Iterator[Point]:
        """Look at points that are on branches not seen yet; yields one at which the sides differ."""
        missing = set(self.missing()) - self.known.hopeless
        if not missing or listable(self.reach):
            return
        for point, is_new in self.moves(missing):
            if not missing:
                return
            _, _, kinks = self.values(point, REFUTE_BITS)
            here = {side for kink, x in kinks.items() if (side := (*kink, sign_of(x))) in missing}
            if not here:
                continue
            found = self.look(point, quick=True)
            if found == "different":
                yield point
            elif found == "agree":
                # a point found for another answer is far out: this answer's own kinks are looked for from near by
                missing -= {side for side in here & self.tally.seen if is_new or side[0]}
                if is_new:
                    self.known.far.append(point)
        self.known.hopeless |= {side for side in missing if side[0]}

    def unseen_together(self) -> Iterator[Point]:
        """Look where two sides meet that were only seen apart; yields a point at which the two expressions differ."""
        if listable(self.reach) or next(self.sides(), None) is None:
            return
        labels = [variable.name for variable in self.reach.variables if is_label(variable.kind)]
        met = []
        for point in self.tally.agreed:
            kinks = self.values(point, REFUTE_BITS)[2]
            sides: list[tuple[str, int, int | Fraction]] = [(name, -1, point.values[name]) for name in labels]
            sides += [(*kink, sign) for kink, x in kinks.items() if (sign := sign_of(x))]
            met.append((point.values, frozenset(sides)))
        for values in joined(met, self.behind):
            if self.look(point := Point(values), quick=True) == "different":
                yield point

    def behind(self, side: tuple[str, int, int | Fraction]) -> frozenset[str]:
        """The inputs that decide on which side of a kink a point is; of a label, which has no place, itself."""
        owner, place, _ = side
        return frozenset(one.name for one in self.inputs_of((owner, place))) if place >= 0 else frozenset((owner,))

    def moves(self, missing: set[tuple[str, int, int]]) -> Iterator[tuple[Point, bool]]:
        """Points that reached far branches before, then one input at a time moved outwards."""
        yield from ((point, False) for point in tuple(self.known.far) if self.covers(point))
        cost = len(self.pair.steps) + sum(len(steps.steps) for _, steps in self.reach.definitions)
        left = min(_MOVES, _WORK // (cost + 1))
        wanted = {variable.name: variable for side in missing for variable in self.inputs_of(side[:2])}
        bases = self.tally.agreed[:FEWEST]
        steps = [(name, outward(variable.kind)) for name, variable in wanted.items()]
        turn = 0
        while steps and left > 0:
            alive = []
            for name, values in steps:
                step = next(values, None)
                if step is None:
                    continue
                alive.append((name, values))
                for value in step:
                    left -= 1
                    yield bases[turn % len(bases)].moved(name, value), True
            steps = alive
            turn += 1

    def covers(self, point: Point) -> bool:
        return all(variable.name in point.values for variable in self.reach.variables)

    # -- results

    def result(self, kind: str, reason: str) -> Decision:
        """What the tally says, with the values at the given point."""
        note, tie = self.tally.note, None
        if self.tally.tie is not None and kind == "equal":
            tie = self.reach.shown(self.tally.tie)
            note = note or "differs at the kink itself, where conventions differ"
        point = self.tally.tie or self.known.given(self.reach)
        left, right = self.values(point, AGREE_BITS)[:2] if point is not None else (None, None)
        return Decision(kind, reason, tie, outer(left), outer(right), len(self.tally.agreed), note)

    def refuted(self, point: Point, *, friendly: bool) -> Decision:
        """The counterexample in small numbers where they serve as well."""
        if friendly:
            point = next((near for near in self.friendlier(point) if self.proves(near)), point)
        left, right, _ = self.values(point, AGREE_BITS)
        shown, agreed = self.reach.shown(point), len(self.tally.agreed)
        return Decision("different", "the values differ", shown, outer(left), outer(right), agreed)

    def proves(self, point: Point) -> bool:
        left, right, kinks = self.values(point, REFUTE_BITS)
        if left is None or right is None or relation(left, right, REFUTE_BITS) != "apart":
            return False
        return self.differ(point, REFUTE_BITS, kinks) == "different"

    def friendlier(self, point: Point) -> Iterator[Point]:
        """The point with fewer digits, then points of small numbers."""
        draw = Random(FEWEST)  # noqa: S311 - sample points, no secrets
        for digits in (0, 1):
            rounded = {
                variable.name: _rounded(point.values[variable.name], digits) for variable in self.reach.variables
            }
            yield from self.permitted(rounded)
        for _ in range(_FRIENDLY):
            small = {
                variable.name: draw.choice([value for value in _SMALL if allowed(variable.kind, value)])
                for variable in self.reach.variables
            }
            yield from self.permitted(small)

    def permitted(self, values: dict[str, Fraction]) -> Iterator[Point]:
        if all(allowed(variable.kind, values[variable.name]) for variable in self.reach.variables):
            yield Point(values)

    def too_few(self) -> Decision:
        """Hardly any point has values on both sides: the given ones may have."""
        if not self.reach.variables:
            return self.result("equal", "agree") if self.tally.agreed else self.constant()
        given = self.known.given(self.reach)
        if given is not None and any(self.reach.key(point) == self.reach.key(given) for point in self.tally.agreed):
            self.tally.note = "compared at the given values only"
            return self.result("equal", "agree at the given values")
        if self.nowhere():
            return Decision("nowhere", NOWHERE)
        return self.result("undecided", "both sides are defined at too few points")

    def nowhere(self) -> bool:
        """Whether what is judged certainly has no real value at any of the points, and the truth has one at each."""
        left, right = self.pair.outputs
        missing = 0
        for point in islice(self.known.points(self.reach), POINTS):
            run, strict = (point.run(self.reach, AGREE_BITS, absorb=absorb) for absorb in (True, False))
            found = self.pair.run(run.env, AGREE_BITS)
            if found[right] is None or left not in void(self.pair, self.pair.run(strict.env, AGREE_BITS, absorb=False)):
                return False
            missing += found[left] is None
        return missing >= (1 if listable(self.reach) else FEWEST)

    def constant(self) -> Decision:
        left, right, _ = self.values(Point({}), AGREE_BITS)
        close = left is not None and right is not None
        return self.result("undecided", "the values are too close to tell" if close else "a side is not defined")


def _rounded(value: Fraction, digits: int) -> Fraction:
    return Fraction(round(value * 10**digits), 10**digits)


def relation(left: Inner, right: Inner, bits: int) -> str:
    """Two values: `apart`, `together` (to 2^-900 of the larger of 1 and the values), or `open`."""
    with ctx.workprec(bits):
        return _relation(left, right)


def agreement(points: int) -> str:
    """What an equality rests on that was called at points."""
    return f"agree at {points} point{'' if points == 1 else 's'}"


def relations(left: Iterable[Inner], right: Iterable[Inner], bits: int) -> Iterator[tuple[int, str]]:
    """The relation of each pair of values that are both defined, by its place."""
    with ctx.workprec(bits):
        found = [
            (at, _relation(x, y))
            for at, (x, y) in enumerate(zip(left, right, strict=True))
            if x is not None and y is not None
        ]
    return iter(found)


def _relation(left: Inner, right: Inner) -> str:
    if isinstance(left, fmpq) and isinstance(right, fmpq):
        return "together" if left == right else "apart"
    difference = left - right
    if not difference.contains(0):
        return "apart"
    bound = abs(difference)
    if bound < _TINY:
        return "together"
    size = arb(1).max(abs(arb(left))).max(abs(arb(right)))
    return "together" if bound < size * _TINY else "open"
