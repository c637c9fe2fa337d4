"""Arrays entry by entry: an expression of arrays at sizes in numbers becomes a grid of scalar expressions.

This is the symbolic witness's forward rule of every primitive of arrays. What comes out speaks of elementwise
primitives and of names of entries only (`X[0, 1]`), which `evaluate.py` gives values. Equal parts are made once.
"""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum, children, number
from gradcheck_cli.functions import FUNCTIONS
from gradcheck_cli.grids import Grid, grid, label, places
from gradcheck_cli.inference import whole
from gradcheck_cli.symbolic.layout import broadcast, groups, part, spread
from gradcheck_cli.symbolic.minors import adjugate, determinant
from gradcheck_cli.symbolic.windows import IMAGE_RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Rule = Callable[["Entries", Call, tuple[Grid, ...]], Grid]

MOST_NODES = 200_000
ZERO, ONE = number(0), number(1)
_UNDEFINED = Call("div", (ZERO, ZERO))
_COMPARED = {"eq": lambda x, y: x == y, "gt": lambda x, y: x > y, "ge": lambda x, y: x >= y}

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


class Entries:
    """Makes grids of entries over the same names; parts that were made before are used again, `grids` of names by others."""

    def __init__(
        self, known: Mapping[str, tuple[int, ...] | Grid], most: int = MOST_NODES, grids: dict[str, Grid] | None = None
    ) -> None:
        self.known = known
        self.left = most
        self._grids: dict[str, Grid] = {} if grids is None else grids
        self._done: dict[tuple[int, tuple[tuple[str, int], ...]], Grid] = {}
        self._free: dict[int, frozenset[str]] = {}
        self._alive: list[Expr] = []

    def grid(self, expr: Expr, letters: Mapping[str, int] | None = None) -> Grid:
        """The entries of an expression."""
        return self._grid(expr, dict(letters or {}))

    def spend(self, count: int) -> None:
        """Count what is about to be made; UnsupportedError where it is too much."""
        self.left -= count
        if self.left < 0:
            message = "there are too many entries to work with one by one"
            raise UnsupportedError(message, hint="use smaller sizes")

    def afford(self, count: int) -> None:
        """UnsupportedError, before anything is made, where so many operations are too many."""
        if count > self.left:
            self.spend(count)

    def make(self, function: str, *args: Expr) -> Expr:
        """One scalar operation, unless literal zeros, ones and comparisons settle it."""
        self.spend(1)
        if function in ("add", "mul"):
            return _combined(function, args)
        settled = _settled(function, args)
        return Call(function, args) if settled is None else settled

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

    # -- by kind of expression

    def _grid(self, expr: Expr, bound: Bound) -> Grid:
        letters = self._letters(expr, bound) if bound else ()
        key = (id(expr), tuple([(name, bound[name]) for name in sorted(letters)]) if letters else ())
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
        rule = ENTRY_RULES.get(expr.function)
        if rule is not None:
            return rule(self, expr, grids)
        if expr.function not in FUNCTIONS or not FUNCTIONS[expr.function].elementwise:
            message = f'"{expr.function}" has no entries'
            raise UnsupportedError(message, span=expr.span)
        return self.elementwise(expr.function, grids)

    def _letters(self, expr: Expr, bound: Bound) -> Iterable[str]:
        """The bound letters that an expression depends on."""
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
        chosen = Grid((), (_UNDEFINED,))
        for place in reversed(range(count)):
            here = self._pick(part(base, place), rest, where)
            hit = Grid((), (self.make("eq", first, number(place)),))
            chosen = self.elementwise("where", (hit, here, chosen))
        return chosen


_WHOLE: dict[str, Callable[[list[int]], int]] = {
    "add": sum,
    "mul": lambda values: reduce(lambda x, y: x * y, values, 1),
    "neg": lambda values: -values[0],
}


def _combined(function: str, args: tuple[Expr, ...]) -> Expr:
    """A sum or a product; literal zeros and ones drop out of it, and a zero of eye(n) or delta(i, j) removes its product."""
    neutral, kept = ZERO if function == "add" else ONE, args
    if Num in map(type, args):  # numbers are seldom among them, and slow to compare
        if function == "mul" and ZERO in args:
            return ZERO
        kept = tuple([arg for arg in args if arg != neutral])
    if not kept:
        return neutral
    return kept[0] if len(kept) == 1 else Call(function, kept)


def _settled(function: str, args: tuple[Expr, ...]) -> Expr | None:
    """What any other operation is where literal numbers decide."""
    match function:
        case "neg" if args[0] == ZERO:
            return ZERO
        case "where" if isinstance(args[0], Num):
            return args[1] if args[0].value else args[2]
        case "eq" | "gt" | "ge":
            x, y = args
            if isinstance(x, Num) and isinstance(y, Num):
                return ONE if _COMPARED[function](x.value, y.value) else ZERO
    return None


# -- the rules, one a primitive


def _matmul(work: Entries, _: Call, grids: tuple[Grid, ...]) -> Grid:
    left, right = grids
    inner, columns = left.shape[-1], right.shape[1:]
    across = [right.items[at :: prod(columns)] for at in range(prod(columns))]
    down = (left.items[at : at + inner] for at in range(0, len(left.items), inner))
    made = (work.total(map(work.product, zip(row, column, strict=True))) for row in down for column in across)
    return grid((*left.shape[:-1], *columns), made)


def _transpose(_: Entries, __: Call, grids: tuple[Grid, ...]) -> Grid:
    shape = grids[0].shape[::-1]
    return grid(shape, (grids[0][place[::-1]] for place in places(shape)))


def _outer(work: Entries, _: Call, grids: tuple[Grid, ...]) -> Grid:
    left, right = grids
    made = (work.product((x, y)) for x in left.items for y in right.items)
    return grid((*left.shape, *right.shape), made)


def _reduction(combine: Callable[[Entries, tuple[Expr, ...]], Expr]) -> Rule:
    def rule(work: Entries, call: Call, grids: tuple[Grid, ...]) -> Grid:
        options, (one,) = whole(call.options), grids
        axis, keep = options.get("axis"), "keepdims" in options
        shape = (1,) * len(one.shape) if keep else ()
        if axis is not None:
            shape = (*one.shape[:axis], *((1,) if keep else ()), *one.shape[axis + 1 :])
        return grid(shape, (combine(work, items) for items in groups(one, axis)))

    return rule


def _chain(function: str) -> Callable[[Entries, tuple[Expr, ...]], Expr]:
    """max(max(a, b), c): a tie goes to the first."""
    return lambda work, items: reduce(lambda x, y: work.make(function, x, y), items)


def _logsumexp(work: Entries, items: tuple[Expr, ...]) -> Expr:
    """By its definition: balls have exponents of any size, so that nothing overflows and no branch is added."""
    return work.make("log", work.total(work.make("exp", item) for item in items))


def _softmax(work: Entries, call: Call, grids: tuple[Grid, ...]) -> Grid:
    """exp(x_i) over the sum of them, by its definition, as logsumexp."""
    axis, one = whole(call.options)["axis"], grids[0]
    powers = one.map(lambda item: work.make("exp", item))
    totals = [work.total(items) for items in groups(powers, axis)]
    shape = (*one.shape[:axis], *one.shape[axis + 1 :])
    below = grid(shape, totals)
    made = (work.make("div", powers[place], below[(*place[:axis], *place[axis + 1 :])]) for place in places(one.shape))
    return grid(one.shape, made)


def _det(work: Entries, _: Call, grids: tuple[Grid, ...]) -> Grid:
    return Grid((), (determinant(grids[0], work.make, work.afford),))


def _inv(work: Entries, _: Call, grids: tuple[Grid, ...]) -> Grid:
    """The adjugate over the determinant."""
    below = determinant(grids[0], work.make, work.afford)
    return adjugate(grids[0], work.make, work.afford).map(lambda item: work.make("div", item, below))


def _numbers(work: Entries, call: Call, start: int) -> tuple[int, ...]:
    found = [work.size(arg) for arg in call.args[start:]]
    if any(size is None for size in found):
        message = f"{call.function}(…) has a size that is no number"
        raise UnsupportedError(message, span=call.span)
    return tuple(size for size in found if size is not None)


def _sizes(work: Entries, call: Call, start: int) -> tuple[int, ...]:
    sizes = _numbers(work, call, start)
    work.spend(prod(sizes))
    return sizes


def _reshape(work: Entries, call: Call, grids: tuple[Grid, ...]) -> Grid:
    return grid(_sizes(work, call, 1), grids[0].items)


def _concat(_: Entries, call: Call, grids: tuple[Grid, ...]) -> Grid:
    axis = whole(call.options).get("axis", 0)
    owner = [(one, k) for one in grids for k in range(one.shape[axis])]
    shape = (*grids[0].shape[:axis], len(owner), *grids[0].shape[axis + 1 :])
    made = []
    for place in places(shape):
        one, k = owner[place[axis]]
        made.append(one[(*place[:axis], k, *place[axis + 1 :])])
    return grid(shape, made)


def _portion(work: Entries, call: Call, grids: tuple[Grid, ...]) -> Grid:
    one, axis = grids[0], whole(call.options).get("axis", 0)
    start, count = _numbers(work, call, 1)
    if start < 0 or start + count > one.shape[axis]:
        message = f"there are no {count} entries from {start} on among {one.shape[axis]}"
        raise UnsupportedError(message, hint="use larger sizes, or a smaller part", span=call.span)
    shape = (*one.shape[:axis], count, *one.shape[axis + 1 :])
    return grid(shape, (one[(*place[:axis], place[axis] + start, *place[axis + 1 :])] for place in places(shape)))


def _array(_: Entries, __: Call, grids: tuple[Grid, ...]) -> Grid:
    return grid((len(grids), *grids[0].shape), (item for one in grids for item in one.items))


def _filled(value: Expr) -> Rule:
    def rule(work: Entries, call: Call, _: tuple[Grid, ...]) -> Grid:
        shape = _sizes(work, call, 0)
        return grid(shape, (value for _ in places(shape)))

    return rule


def _eye(work: Entries, call: Call, _: tuple[Grid, ...]) -> Grid:
    shape = _sizes(work, call, 0) * 2
    work.spend(prod(shape))
    return grid(shape, (ONE if row == column else ZERO for row, column in places(shape)))


def _image(function: str) -> Rule:
    def rule(work: Entries, call: Call, grids: tuple[Grid, ...]) -> Grid:
        window = _sizes(work, call, len(grids) - 1) if FUNCTIONS[function].params[-1] == "n" else grids[-1:]
        return IMAGE_RULES[function](*grids[:-1], *window, whole(call.options), work.make)

    return rule


ENTRY_RULES: dict[str, Rule] = {
    "matmul": _matmul,
    "transpose": _transpose,
    "outer": _outer,
    "sum": _reduction(Entries.total),
    "prod": _reduction(Entries.product),
    "amax": _reduction(_chain("maximum")),
    "amin": _reduction(_chain("minimum")),
    "logsumexp": _reduction(_logsumexp),
    "softmax": _softmax,
    "det": _det,
    "inv": _inv,
    "reshape": _reshape,
    "concat": _concat,
    "part": _portion,
    "array": _array,
    "ones": _filled(ONE),
    "zeros": _filled(ZERO),
    "eye": _eye,
    **{function: _image(function) for function in IMAGE_RULES},
}
