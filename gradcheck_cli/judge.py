"""Are two expressions equal? Decided by values with guaranteed error; SymPy has no say in it.

Balls that are disjoint at one exact point prove a difference, and the point is the counterexample. Agreement to 2^-900
at a dozen random points, with both sides of every kink seen, is "equal": a non-zero analytic difference vanishes on a
null set only. What is neither is undecided.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flint import arb, ctx, fmpq

from gradcheck_cli.expr import names, substitute
from gradcheck_cli.symbolic.balls import sign_of
from gradcheck_cli.symbolic.evaluate import Inner, Plan, Value, exactly, interval, outer, plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.expr import Expr, Num

REFUTE_BITS, AGREE_BITS = 64, 1088
AGREE_DIGITS = 900  # binary
POINTS = 12
FEWEST = 4
MOST_TRIES = 60
MOST_OUTWARD = 30
_BOXES = ((0, 1), (-1, 1), (0, 3), (-3, 3), (1, 4), (-8, 8))
_SMALL = (*tuple(Fraction(value) for value in (2, 3, -1, 1, -2, 5)), Fraction(1, 2), Fraction(-1, 2))

Point = tuple[tuple[str, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """An input: what is known of its values, and the value it is given."""

    name: str
    kind: str = "real"
    given: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Space:
    """The inputs, and names computed from them in order: nodes and let names, all in primitive functions."""

    inputs: tuple[Variable, ...]
    definitions: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """`kind` is `equal`, `different` or `undecided`; `counterexample` belongs to `different`."""

    kind: str
    reason: str = ""
    counterexample: Point | None = None
    note: str = ""


@dataclass(slots=True)
class _Tally:
    """What the points have shown so far."""

    agreed: int = 0
    undefined: int = 0
    seen: dict[int, set[int]] = field(default_factory=dict)

    def unseen(self) -> list[int]:
        return [slot for slot, signs in self.seen.items() if not {-1, 1} <= signs]


def decide(left: Expr, right: Expr, space: Space) -> Decision:
    """Whether two expanded expressions agree for all values of the inputs that their kinds allow."""
    try:
        program = _program(left, right, space)
    except RecursionError:
        return Decision("undecided", "the expressions are too large")
    used = {name for _, name in program.names}
    variables = tuple(variable for variable in space.inputs if variable.name in used)
    if not variables:
        return _constants(program)
    tally = _Tally(seen={slot: set() for slot in program.kinks})
    for point in _points(variables):
        found = _at(program, point, tally)
        if found == "different":
            return Decision("different", "", _friendly(program, variables, point))
        if tally.agreed >= POINTS and not tally.unseen():
            break
        if tally.agreed + tally.undefined >= MOST_TRIES:
            break
    return _outward(program, variables, tally)


@lru_cache(maxsize=256)
def _program(left: Expr, right: Expr, space: Space) -> Plan:
    """Both sides with the definitions that they use written in, equal parts shared."""
    return plan(inlined((left, right), space))


def inlined(sides: tuple[Expr, ...], space: Space) -> tuple[Expr, ...]:
    """Expressions in the inputs alone. Trees share what they have in common, so this is linear in the graph."""
    wanted = {name for side in sides for name in names(side)}
    needed: list[tuple[str, Expr]] = []
    for name, expr in reversed(space.definitions):
        if name in wanted:
            needed.append((name, expr))
            wanted |= set(names(expr))
    known: dict[str, Expr] = {}
    for name, expr in reversed(needed):
        known[name] = substitute(expr, known)
    return tuple(substitute(side, known) for side in sides)


def _constants(program: Plan) -> Decision:
    left, right = _sides(program, {}, AGREE_BITS)
    if left is None or right is None:
        return Decision("undecided", "one side is not defined")
    if _apart(left, right):
        return Decision("different")
    return (
        Decision("equal", "agree to 270 digits")
        if _together(left, right)
        else Decision("undecided", "too close to tell")
    )


def _at(program: Plan, point: Point, tally: _Tally) -> str:
    """Look at one point: `different`, `agree` or `undefined`."""
    env = {name: fmpq(value.numerator, value.denominator) for name, value in point}
    values = program.run(env, REFUTE_BITS)
    left, right = (values[slot] for slot in program.outputs)
    if left is None or right is None:
        tally.undefined += 1
        return "undefined"
    if _apart(left, right):
        return "different"
    left, right = _sides(program, env, AGREE_BITS)
    if left is None or right is None or not _together(left, right):
        if left is not None and right is not None and _apart(left, right):
            return "different"
        tally.undefined += 1
        return "undefined"
    tally.agreed += 1
    for slot in program.kinks:
        sign = sign_of(values[slot]) if values[slot] is not None else None
        if sign:
            tally.seen[slot].add(sign)
    return "agree"


def _sides(program: Plan, env: dict[str, Any], bits: int) -> list[Inner]:
    values = program.run(env, bits)
    return [values[slot] for slot in program.outputs]


def _apart(left: Inner, right: Inner) -> bool:
    """Whether two values certainly differ."""
    if isinstance(left, fmpq) and isinstance(right, fmpq):
        return bool(left != right)
    with ctx.workprec(AGREE_BITS):
        return not arb(left).overlaps(arb(right))


def _together(left: Inner, right: Inner) -> bool:
    """Whether two values agree to 2^-900 of their size."""
    if isinstance(left, fmpq) and isinstance(right, fmpq):
        return bool(left == right)
    with ctx.workprec(AGREE_BITS):
        difference = arb(left) - arb(right)
        size = arb(1).max(abs(arb(left)))
        return bool(abs(difference) < size * arb(2) ** -AGREE_DIGITS)


def _points(variables: tuple[Variable, ...]) -> Iterator[Point]:
    """The given values first, then random points from growing boxes, the same ones each time."""
    if all(variable.given is not None for variable in variables):
        yield tuple((variable.name, variable.given) for variable in variables if variable.given is not None)
    draw = random.Random(len(variables))  # noqa: S311 - sample points, no secrets
    for turn in range(MOST_TRIES):
        box = _BOXES[turn % len(_BOXES)]
        yield tuple((variable.name, _draw(variable.kind, box, draw)) for variable in variables)


def _draw(kind: str, box: tuple[int, int], draw: random.Random) -> Fraction:
    low, high = box
    value = Fraction(draw.randint(low * 997 + 1, high * 997 - 1), 997)
    match kind:
        case "positive":
            return abs(value) or Fraction(1)
        case "nonnegative":
            return abs(value)
        case "probability":
            return Fraction(draw.randint(1, 996), 997)
        case "binary":
            return Fraction(draw.randint(0, 1))
        case "sign":
            return Fraction(draw.choice((-1, 1)))
        case "integer":
            return Fraction(draw.randint(min(low, -2), max(high, 3)))
    return value


def _outward(program: Plan, variables: tuple[Variable, ...], tally: _Tally) -> Decision:
    """Enough points agree; look for the sides of kinks that were not seen, one variable moved far out at a time."""
    if tally.agreed < FEWEST:
        return Decision("undecided", "hardly any point where both sides are defined")
    draw = random.Random(5)  # noqa: S311 - sample points, no secrets
    moving = [variable for variable in variables if variable.kind in ("real", "positive", "nonnegative", "integer")]
    for power in range(2, MOST_OUTWARD + 1):
        if not tally.unseen():
            break
        for variable in moving:
            for sign in (1, -1) if variable.kind in ("real", "integer") else (1,):
                base = {other.name: _draw(other.kind, _BOXES[power % 6], draw) for other in variables}
                base[variable.name] = Fraction(sign * 2**power)
                point = tuple(base.items())
                if _at(program, point, tally) == "different":
                    return Decision("different", "", _friendly(program, variables, point))
    if _reachable(program, tally, variables):
        return Decision("undecided", "one branch was never reached")
    return Decision("equal", f"agree at {tally.agreed} random points to 270 digits")


def _reachable(program: Plan, tally: _Tally, variables: tuple[Variable, ...]) -> bool:
    """Whether a branch that was never seen could be reached: its argument is not of one sign by the inputs' kinds."""
    unseen = tally.unseen()
    if not unseen:
        return False
    boxes = {variable.name: _box(variable.kind) for variable in variables}
    values = program.run(boxes, REFUTE_BITS)
    return any(values[slot] is None or sign_of(values[slot]) is None for slot in unseen)


def _box(kind: str) -> Any:
    """A ball that holds every value of a kind, as far as one can."""
    half = {"probability": fmpq(1, 2), "binary": fmpq(1, 2)}.get(kind)
    if half is not None:
        return arb(half, half)
    size = arb(2**40)
    return arb(2**40, size) if kind in ("positive", "nonnegative") else arb(0, size)


def _friendly(program: Plan, variables: tuple[Variable, ...], point: Point) -> Point:
    """A counterexample in small numbers, where one is found."""
    for turn in range(8):
        small = tuple((variable.name, _small(variable.kind, turn + at)) for at, variable in enumerate(variables))
        if _at(program, small, _Tally(seen={slot: set() for slot in program.kinks})) == "different":
            return small
    return point


def _small(kind: str, turn: int) -> Fraction:
    value = _SMALL[turn % len(_SMALL)]
    match kind:
        case "positive" | "nonnegative":
            return abs(value)
        case "probability":
            return Fraction(1, 2 + turn % 4)
        case "binary":
            return Fraction(turn % 2)
        case "sign":
            return Fraction(1 if turn % 2 else -1)
        case "integer":
            return Fraction(int(value * 2))
    return value


# -- numbers


def number_verdict(typed: Num, exact: Value, tolerance: Fraction | None = None) -> str:
    """`right`, `truncated`, `rounding` or `wrong`: a number is right when it is right to the digits given.

    Half a unit of the last digit typed, or the true digits cut off there; one significant digit must be right, so `0`
    is no answer for 0.4. `rounding` is less than two units off. With a tolerance only the distance counts.
    """
    bounds = interval(exact)
    if bounds is None:
        return "wrong"
    low, high = bounds
    value = typed.value
    if tolerance is not None:
        return "right" if low - tolerance <= value <= high + tolerance else "wrong"
    if low <= value <= high:
        return "right"
    unit = Fraction(10) ** -places(typed.text)
    if value == 0 or not (low or high) or (value < 0) != (high < 0):
        return "wrong"
    if low - unit / 2 <= value <= high + unit / 2:
        return "right"
    size, true = abs(value), min(abs(low), abs(high))
    if size <= true < size + unit:
        return "truncated"
    return "rounding" if low - 2 * unit <= value <= high + 2 * unit and size >= 10 * unit else "wrong"


def places(text: str) -> int:
    """Decimal places of a number as typed: 0.20 has two, 1.5e-3 four, 3e2 minus two."""
    mantissa, _, exponent = text.lower().lstrip("+-").partition("e")
    return len(mantissa.partition(".")[2]) - int(exponent or 0)


def with_rounding(expr: Expr, exact: frozenset[Fraction]) -> Value:
    """The value of an arithmetic expression whose decimals may have been rounded or cut off by the student.

    A number with a point that is not one of the `exact` ones stands for all that rounds to it, or is cut to it.
    """

    def literal(number: Num) -> Inner:
        value = fmpq(number.value.numerator, number.value.denominator)
        if "." not in number.text or abs(number.value) in exact:
            return exactly(number)
        unit = fmpq(1, 10 ** places(number.text)) if places(number.text) >= 0 else fmpq(10 ** -places(number.text))
        # from half a unit below to a whole unit above
        with ctx.workprec(192):
            return arb(value + unit / 4, unit * fmpq(3, 4))

    program = plan((expr,), literal)
    return outer(program.run({}, 192)[program.outputs[0]])
