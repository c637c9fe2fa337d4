"""Expressions: inert, frozen trees that say what was written and nothing more.

Operators are calls of functions of `functions.py`: `add` and `mul` take any number of operands, `neg`, `div`,
`pow`, `matmul`, `transpose` and the comparisons the usual one or two. A difference is `add(a, neg(b))`.
Nothing here evaluates or rearranges; what changes an expression is a function with a name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from gradcheck_cli.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NOWHERE = Span(0, 0)
ENTRY, TOTAL = "[]", "sum over"
_ENTRY, _TOTAL = frozenset((ENTRY,)), frozenset((TOTAL,))
_LETTERED = _ENTRY | _TOTAL


@dataclass(frozen=True, slots=True)
class Num:
    """A number with its digits as typed; two numbers are equal when their values are."""

    value: Fraction
    text: str = field(compare=False)
    span: Span = field(default=NOWHERE, compare=False)

    def __eq__(self, other: object) -> bool:
        # a fraction asks an abstract class what it is compared with
        if not isinstance(other, Num):
            return NotImplemented
        left, right = self.value, other.value
        return left is right or (left.numerator == right.numerator and left.denominator == right.denominator)

    def __hash__(self) -> int:
        return hash((self.value.numerator, self.value.denominator))


@dataclass(frozen=True, slots=True)
class Name:
    """An input, node, constant, size or index letter, by its canonical name."""

    id: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of arguments; `options` are its named ones (`axis`, `keepdims`)."""

    function: str
    args: tuple[Expr, ...]
    options: tuple[tuple[str, Expr], ...] = ()
    span: Span = field(default=NOWHERE, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)  # these are there once they were asked for
    _functions: frozenset[str] = field(init=False, repr=False, compare=False)
    _names: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        # trees are looked up in tables all the time, and a hash goes down to the leaves
        try:
            return self._hash
        except AttributeError:
            object.__setattr__(self, "_hash", hash((self.function, self.args, self.options)))
            return self._hash

    @property
    def functions(self) -> frozenset[str]:
        """What `functions` says."""
        try:
            return self._functions
        except AttributeError:
            object.__setattr__(self, "_functions", _below(self, frozenset((self.function,))))
            return self._functions

    @property
    def names(self) -> tuple[str, ...]:
        """What `names` says."""
        try:
            return self._names
        except AttributeError:
            object.__setattr__(self, "_names", _free(self))
            return self._names


@dataclass(frozen=True, slots=True)
class Index:
    """An entry: `a[i]`, `a[i, j]`."""

    base: Expr
    indices: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum over an index letter: `sum(expr, j)`; `count` is how far the letter runs, once that is known."""

    body: Expr
    index: str
    span: Span = field(default=NOWHERE, compare=False)
    count: Expr | None = field(default=None, compare=False)


Expr = Num | Name | Call | Index | Sum


def number(value: Fraction | int) -> Expr:
    """A number as an expression: negative ones and fractions become the operations that write them."""
    value = Fraction(value)
    if value < 0:
        return Call("neg", (number(-value),))
    if value.denominator != 1:
        return Call("div", (number(value.numerator), number(value.denominator)))
    return Num(value, str(value))


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly below."""
    match expr:
        case Call():
            return expr.args + tuple(value for _, value in expr.options) if expr.options else expr.args
        case Index():
            return (expr.base, *expr.indices)
        case Sum():
            return (expr.body,)
    return ()


def with_children(expr: Expr, below: tuple[Expr, ...]) -> Expr:
    """The same operation on other operands, in the order of `children`."""
    match expr:
        case Call():
            count = len(expr.args)
            options = tuple((key, new) for (key, _), new in zip(expr.options, below[count:], strict=True))
            return Call(expr.function, below[:count], options, expr.span)
        case Index():
            return Index(below[0], below[1:], expr.span)
        case Sum():
            return Sum(below[0], expr.index, expr.span, expr.count)
    return expr


def functions(expr: Expr) -> frozenset[str]:
    """The functions that are called anywhere in a tree, an entry among them as `ENTRY`, a sum over a letter as `TOTAL`.

    What rewrites one kind of thing has nothing to do in a tree without it.
    """
    match expr:
        case Call():
            return expr.functions
        case Index():
            return _below(expr, _ENTRY)
        case Sum():
            return _below(expr, _TOTAL)
    return frozenset()


def has_letters(expr: Expr) -> bool:
    """Whether an entry or a sum over a letter stands in a tree."""
    return not _LETTERED.isdisjoint(functions(expr))


def _below(expr: Expr, found: frozenset[str]) -> frozenset[str]:
    """The functions in the parts of an expression, and these."""
    for child in children(expr):
        if not isinstance(child, Name | Num) and not (below := functions(child)) <= found:
            found |= below
    return found


def walk(expr: Expr) -> Iterator[Expr]:
    """Every expression in the tree, from the top, left to right."""
    stack = [expr]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(reversed(children(top)))


def parts(expr: Expr) -> Iterator[Expr]:
    """Every expression in the tree, from the top; what is shared comes once."""
    seen: set[int] = set()
    stack = [expr]
    while stack:
        top = stack.pop()
        if id(top) not in seen:
            seen.add(id(top))
            yield top
            stack.extend(reversed(children(top)))


def names(expr: Expr) -> tuple[str, ...]:
    """The names that occur free, each once, in reading order; in time linear in what is not shared."""
    return expr.names if isinstance(expr, Call) else _free(expr)


def _free(expr: Expr) -> tuple[str, ...]:
    found: dict[str, None] = {}
    _collect(expr, frozenset(), found, {})
    return tuple(found)


def _collect(expr: Expr, bound: frozenset[str], found: dict[str, None], seen: dict[frozenset[str], set[int]]) -> None:
    """Enter the free names of an expression; `seen` has what was gone through where these letters are bound."""
    done = seen.setdefault(bound, set())
    stack = [expr]
    while stack:
        top = stack.pop()
        if isinstance(top, Name):
            if top.id not in bound:
                found.setdefault(top.id)
        elif id(top) not in done:
            done.add(id(top))
            if isinstance(top, Sum):
                _collect(top.body, bound | {top.index}, found, seen)
            else:
                stack.extend(reversed(children(top)))


def mapped(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The expression with each of its parts changed; itself where nothing does."""
    below = children(expr)
    changed = tuple([change(child) for child in below])
    for new, old in zip(changed, below, strict=True):  # this is done for every part of every tree
        if new is not old:
            return with_children(expr, changed)
    return expr


def substitute(expr: Expr, replacements: Mapping[str, Expr]) -> Expr:
    """The expression with names replaced; what shares a subtree shares it afterwards."""
    if isinstance(expr, Name):
        return replacements.get(expr.id, expr)
    return mapped(expr, lambda child: substitute(child, replacements))


def exchanged(expr: Expr, old: Expr, new: Expr) -> Expr:
    """The expression with every part that is `old` exchanged."""
    return new if expr == old else mapped(expr, lambda child: exchanged(child, old, new))


def size(expr: Expr, limit: int = 1_000_000) -> int:
    """How many tree nodes the expression has when written out, counted up to `limit`."""
    count = 0
    for _ in walk(expr):
        count += 1
        if count >= limit:
            break
    return count
