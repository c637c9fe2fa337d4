"""Arrays entry by entry: an expression of arrays at sizes in numbers becomes a grid of scalar expressions.

With the rules in `entry_rules.py` this is the symbolic witness's forward value of every primitive of arrays, and of what
comes back where a derivative has no formula. What comes out speaks of elementwise
primitives and of names of entries only (`X[0, 1]`), which `evaluate.py` gives values. Equal parts are made once.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Expr, Index, Name, Num, Sum, children, number
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.grids import Grid, label, places
from gradcheck_cli.symbolic.entry_rules import ENTRY_RULES, SENT_BACK_RULES
from gradcheck_cli.symbolic.layout import part
from gradcheck_cli.symbolic.operations import UNDEFINED, Operations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_NODES = 200_000

Bound = dict[str, int]  # index letters with the numbers they stand for


def entries(expr: Expr, known: Mapping[str, tuple[int, ...] | Grid], letters: Mapping[str, int] | None = None) -> Grid:
    """The entries of an expression in primitive functions, all sizes in numbers; `letters` binds free index letters.

    `known` has shapes of names, whose entries become names, or grids that stand for them; other names are scalars.
    Raises UnsupportedError for an operation without entries, and where there would be too many.
    """
    return Entries(known).grid(expr, letters)


def named(name: str, shape: tuple[int, ...]) -> Grid:
    """The entries of an array by their names: `X[0, 1]`; a scalar by its own."""
    return Grid(shape, tuple(Name(label(name, place)) for place in places(shape)))


class Entries(Operations):
    """Makes grids of entries over the same names; parts that were made before are used again."""

    def __init__(self, known: Mapping[str, tuple[int, ...] | Grid], most: int = MOST_NODES) -> None:
        super().__init__(most)
        self.known = known
        self._grids: dict[str, Grid] = {}
        self._done: dict[tuple[int, tuple[tuple[str, int], ...]], Grid] = {}
        self._free: dict[int, frozenset[str]] = {}
        self._alive: list[Expr] = []

    def grid(self, expr: Expr, letters: Mapping[str, int] | None = None) -> Grid:
        """The entries of an expression."""
        return self._grid(expr, dict(letters or {}))

    # -- by kind of expression

    def _grid(self, expr: Expr, bound: Bound) -> Grid:
        key = (id(expr), tuple((name, bound[name]) for name in sorted(self._letters(expr, bound))))
        found = self._done.get(key)
        if found is None:
            found = self._worked_out(expr, bound)
            self._done[key] = found
            self._alive.append(expr)
        return found

    def _worked_out(self, expr: Expr, bound: Bound) -> Grid:
        match expr:
            case Num():
                return Grid((), (expr,))
            case Name():
                return Grid((), (number(bound[expr.id]),)) if expr.id in bound else self._named(expr.id)
            case Index():
                positions = tuple(self._position(index, bound) for index in expr.indices)
                return self._pick(self._grid(expr.base, bound), positions, expr)
            case Sum():
                return self._sum_over(expr, bound)
        grids = tuple(self._grid(arg, bound) for arg in expr.args)
        rule = ENTRY_RULES.get(expr.function) or SENT_BACK_RULES.get(expr.function)
        if rule is not None:
            return rule(self, expr, grids)
        if expr.function not in FUNCTIONS or not FUNCTIONS[expr.function].elementwise:
            message = f'"{expr.function}" has no entries'
            raise UnsupportedError(message, span=expr.span)
        return self.elementwise(expr.function, grids)

    def _letters(self, expr: Expr, bound: Bound) -> Iterable[str]:
        """The bound letters that an expression depends on."""
        if not bound:
            return ()
        if id(expr) not in self._free:
            self._free[id(expr)] = self._names(expr)
            self._alive.append(expr)
        return self._free[id(expr)] & bound.keys()

    def _names(self, expr: Expr) -> frozenset[str]:
        if isinstance(expr, Name):
            return frozenset((expr.id,))
        found: frozenset[str] = frozenset()
        for child in children(expr):
            if id(child) not in self._free:
                self._free[id(child)] = self._names(child)
                self._alive.append(child)
            found |= self._free[id(child)]
        return found - {expr.index} if isinstance(expr, Sum) else found

    def _named(self, name: str) -> Grid:
        if name not in self._grids:
            known = self.known.get(name, ())
            self.spend(1 if isinstance(known, Grid) else prod(known))
            self._grids[name] = known if isinstance(known, Grid) else named(name, known)
        return self._grids[name]

    def _sum_over(self, expr: Sum, bound: Bound) -> Grid:
        count = None if expr.count is None else self.size(expr.count, bound)
        if count is None:
            message = f"the sum over {expr.index} has no bounds in numbers"
            raise UnsupportedError(message, span=expr.span)
        return self.elementwise("add", [self._grid(expr.body, {**bound, expr.index: place}) for place in range(count)])

    # -- entries

    def _position(self, index: Expr, bound: Bound) -> int | Expr:
        """An index as a number, or as an expression where it depends on data."""
        at = self.size(index, bound)
        if at is not None:
            return at
        found = self._grid(index, bound)
        if found.shape:
            message = "an index is one number, this one is an array"
            raise UnsupportedError(message, hint="write an index letter: x[y[i]]", span=index.span)
        only: Expr = found.items[0]
        return only

    def _pick(self, base: Grid, positions: tuple[int | Expr, ...], where: Index) -> Grid:
        """The entries at some positions of the first axes; where data decides, a choice among all there are."""
        if not positions:
            return base
        first, rest = positions[0], positions[1:]
        count = base.shape[0]
        if isinstance(first, int):
            if not 0 <= first < count:
                message = f"the index {first} is outside 0 to {count - 1}"
                raise UnsupportedError(message, hint="entries are counted from 0", span=where.span)
            return self._pick(part(base, first), rest, where)
        chosen = Grid((), (UNDEFINED,))
        for place in reversed(range(count)):
            here = self._pick(part(base, place), rest, where)
            hit = Grid((), (self.make("eq", first, number(place)),))
            chosen = self.elementwise("where", (hit, here, chosen))
        return chosen
