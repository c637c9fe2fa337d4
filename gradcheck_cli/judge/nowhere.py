"""Is a value certainly missing? A logarithm of a negative number has none; a ball that leaves it open says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flint import fmpq

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gradcheck_cli.symbolic.evaluate import Inner, Plan


def void(steps: Plan, values: Sequence[Inner]) -> frozenset[int]:
    """The slots of a plan that certainly have no real value, in a run in which 0 times something undefined has none."""
    found: set[int] = set()
    for slot, function, arguments in steps.steps:
        if values[slot] is not None:
            continue
        lost = [argument in found for argument in arguments]
        operands = [values[argument] for argument in arguments]
        if function == "where":  # the side that is not chosen may be anything
            missing = lost[0] or all(lost[1:])
        else:
            missing = any(lost) or (None not in operands and _UNDEFINED.get(function, _never)(*operands))
        if missing:
            found.add(slot)
    return frozenset(found)


def _never(*_: Inner) -> bool:
    return False


def _pow(x: Inner, y: Inner) -> bool:
    """Real powers only."""
    return isinstance(y, fmpq) and bool((x < 0 and y.q != 1) or (x == 0 and y < 0))


_UNDEFINED: dict[str, Callable[..., bool]] = {
    "log": lambda x: bool(x <= 0),
    "div": lambda _, y: bool(y == 0),
    "asin": lambda x: bool(x > 1 or x < -1),
    "pow": _pow,
}
