"""Scalar operations on entries, counted; what literal zeros, ones and comparisons settle is not made at all."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Call, Expr, Name, Num, number
from gradcheck_cli.grids import Grid, grid
from gradcheck_cli.symbolic.layout import broadcast, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ZERO, ONE = number(0), number(1)
UNDEFINED = Call("div", (ZERO, ZERO))
_COMPARED = {"eq": lambda x, y: x == y, "gt": lambda x, y: x > y, "ge": lambda x, y: x >= y}


class Operations:
    """Makes scalar operations while there are any `left`; `refused` says that some were too many."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.refused = False

    def spend(self, count: int) -> None:
        """Count what is about to be made; UnsupportedError where it is too much."""
        self.expect(count)
        self.left -= count

    def expect(self, count: int) -> None:
        """Refuse what will be too much before any of it is made: UnsupportedError."""
        if count > self.left:
            self.refused = True
            message = "there are too many entries to work with one by one"
            raise UnsupportedError(message, hint="use smaller sizes")

    def make(self, function: str, *args: Expr) -> Expr:
        """One scalar operation, unless literal zeros, ones and comparisons settle it."""
        self.spend(1)
        settled = _settled(function, args)
        if settled is not None:
            return settled
        if function in ("add", "mul"):
            neutral = ZERO if function == "add" else ONE
            args = tuple(arg for arg in args if arg != neutral)
        return Call(function, args)

    def total(self, terms: Iterable[Expr]) -> Expr:
        """A sum of entries."""
        return self.make("add", *terms)

    def product(self, factors: Iterable[Expr]) -> Expr:
        """A product of entries."""
        return self.make("mul", *factors)

    def elementwise(self, function: str, grids: Iterable[Grid]) -> Grid:
        """A scalar function entry by entry, sizes of 1 repeated."""
        grids = tuple(grids)
        shape = broadcast(grids)
        self.spend(prod(shape))
        columns = [spread(one, shape) for one in grids]
        if not columns:
            return Grid((), (self.make(function),))
        return grid(shape, (self.make(function, *items) for items in zip(*columns, strict=True)))

    def size(self, expr: Expr, bound: Mapping[str, int] | None = None) -> int | None:
        """The whole number that an expression in numbers and bound letters is, or None."""
        match expr:
            case Num() if expr.value.denominator == 1:
                return int(expr.value)
            case Name():
                return (bound or {}).get(expr.id)
            case Call(function="add" | "mul" | "neg" as function, args=args):
                parts = [self.size(arg, bound) for arg in args]
                if any(part is None for part in parts):
                    return None
                values = [part for part in parts if part is not None]
                return _WHOLE[function](values)
        return None


_WHOLE: dict[str, Callable[[list[int]], int]] = {
    "add": sum,
    "mul": lambda values: reduce(lambda x, y: x * y, values, 1),
    "neg": lambda values: -values[0],
}


def _settled(function: str, args: tuple[Expr, ...]) -> Expr | None:
    """What an operation is where literal numbers decide: a zero of eye(n) or delta(i, j) removes its product."""
    match function:
        case "add" | "mul":
            neutral = ZERO if function == "add" else ONE
            if function == "mul" and ZERO in args:
                return ZERO
            kept = [arg for arg in args if arg != neutral]
            return neutral if not kept else kept[0] if len(kept) == 1 else None
        case "neg" if args[0] == ZERO:
            return ZERO
        case "where" if isinstance(args[0], Num):
            return args[1] if args[0].value else args[2]
        case "eq" | "gt" | "ge":
            x, y = args
            if isinstance(x, Num) and isinstance(y, Num):
                return ONE if _COMPARED[function](x.value, y.value) else ZERO
    return None
