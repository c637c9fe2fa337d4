"""What an expression does right beside the given values: go on as it was, jump, or have a pole."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Literal

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.judge.space import DISCRETE, Point, allowed, samples
from gradcheck_cli.symbolic.evaluate import plan, sign_of, to_float

if TYPE_CHECKING:
    from gradcheck_cli.expr import Expr
    from gradcheck_cli.judge.space import Reach, Space, Variable
    from gradcheck_cli.symbolic.evaluate import Inner, Plan

Kind = Literal["finite", "jump", "+pole", "-pole", "pole", "undefined", "unknown"]

_BITS = 256
_BESIDE = 12  # points
_STEP = Fraction(1, 2**60)
_MOST_PARTS = 99  # of a step
_LARGE = 2.0**20  # no finite value of a problem moves so far in such a step
_CLOSE = 2.0**-20


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What happens at the given values, and between which bounds the values beside them lie where it is a jump.

    `jump`  finite on all sides, but not the same
    `pole`  beyond all bounds: of one sign, of the other, or of both; it may have values on one side only
    """

    kind: Kind
    low: float = 0.0
    high: float = 0.0


def behaviour(expr: Expr, space: Space) -> Behaviour:
    """What an expanded expression does at the given values and right beside them; unknown where not all are given."""
    steps, known = plan((expr,)), samples(space)
    try:
        reach = known.reach(name for _, name in steps.names)
    except UnsupportedError:
        return Behaviour("unknown")
    given = known.given(reach)
    if given is None:
        return Behaviour("unknown")
    here = _value(steps, reach, given)
    beside = [_value(steps, reach, point) for point in _around(reach, given)] or [here]
    return _named(here, beside)


def at_kink(space: Space) -> bool:
    """Whether some definition bends exactly at the given values; False where these are not all given."""
    known = samples(space)
    reach = known.reach(name for name, _ in space.definitions)
    given = known.given(reach)
    kinks = given.run(reach, _BITS).kinks.values() if given is not None else ()
    return any(sign_of(x) == 0 for values in kinks for x in values)


def _named(here: Inner, beside: list[Inner]) -> Behaviour:
    sizes = [to_float(value) for value in beside if value is not None]
    if here is None and not sizes:
        return Behaviour("undefined")
    if here is None and all(abs(size) > _LARGE for size in sizes):
        signs = {size > 0 for size in sizes}
        return Behaviour("pole" if len(signs) > 1 else "+pole" if True in signs else "-pole")
    if here is None or len(sizes) < len(beside):
        return Behaviour("unknown")
    middle = to_float(here)
    near = _CLOSE * max(1.0, abs(middle))
    if max(sizes) - min(sizes) > near:
        return Behaviour("jump", min(sizes), max(sizes))
    return Behaviour("finite" if all(abs(size - middle) < near for size in sizes) else "unknown")


def _value(steps: Plan, reach: Reach, point: Point) -> Inner:
    return steps.run(point.run(reach, _BITS).env, _BITS)[steps.outputs[0]]


def _around(reach: Reach, given: Point) -> list[Point]:
    """Points so near the given one that nothing continuous moves."""
    moving = [variable for variable in reach.variables if variable.kind not in DISCRETE]
    draw = Random(_BESIDE)  # noqa: S311 - sample points, no secrets
    return [Point({**given.values, **_moved(moving, given, draw)}) for _ in range(_BESIDE)] if moving else []


def _moved(moving: list[Variable], given: Point, draw: Random) -> dict[str, Fraction]:
    found = {}
    for variable in moving:
        step = _STEP * draw.randint(1, _MOST_PARTS) * draw.choice((-1, 1))
        here = given.values[variable.name]
        found[variable.name] = here + step if allowed(variable.kind, here + step) else here - step
    return found
