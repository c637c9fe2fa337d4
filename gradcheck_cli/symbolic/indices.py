"""Terms entry by entry: sums over index letters, Kronecker deltas, and the one rule by which deltas go.

    sum(delta(i, j)*f(j), j) = f(i)

An entry is a sum of products: of numbers, entries of names, deltas, under sums over letters.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Call, Expr, Index, Name, Num, Sum, number, substitute
from gradcheck_cli.shapes import ONE, Shape, Size
from gradcheck_cli.symbolic.build import plus, quotient, times
from gradcheck_cli.symbolic.closed import depends
from gradcheck_cli.symbolic.reading import rational, written
from gradcheck_cli.symbolic.terms import NOUGHT, UNIT, Term

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from fractions import Fraction

    from gradcheck_cli.symbolic.algebra import Algebra

LETTERS = ("i", "j", "k", "l", "p", "q", "r", "s", "t", "u")
Indices = tuple[Expr, ...]
NIL = number(0)


@dataclass(frozen=True, slots=True)
class Product:
    """A summand: a number, factors with their powers, deltas of pairs, and the letters it is summed over."""

    coefficient: Fraction = UNIT
    factors: tuple[tuple[Expr, Fraction], ...] = ()
    deltas: tuple[tuple[Expr, Expr], ...] = ()
    sums: tuple[tuple[str, Expr], ...] = ()

    def __mul__(self, other: Product) -> Product:
        powers = dict(self.factors)
        for factor, power in other.factors:
            powers[factor] = powers.get(factor, NOUGHT) + power
        kept = tuple((factor, power) for factor, power in powers.items() if power)
        return Product(self.coefficient * other.coefficient, kept, self.deltas + other.deltas, self.sums + other.sums)

    def at(self, letter: str, place: Expr) -> Product:
        """The product with another index for a letter."""
        change = {letter: place}
        found = replace(
            self, factors=(), deltas=tuple((substitute(a, change), substitute(b, change)) for a, b in self.deltas)
        )
        for factor, power in self.factors:
            found = found * Product(UNIT, ((substitute(factor, change), power),))
        return found

    def contracted(self) -> Product:
        """The product without the deltas that a sum takes away."""
        for at, (left, right) in enumerate(self.deltas):
            rest = replace(self, deltas=self.deltas[:at] + self.deltas[at + 1 :])
            if left == right:
                return rest.contracted()
            if isinstance(left, Num) and isinstance(right, Num):
                return replace(self, coefficient=NOUGHT)
            for letter, _ in self.sums:
                place = right if left == Name(letter) else left if right == Name(letter) else None
                if place is not None:
                    fewer = replace(rest, sums=tuple(pair for pair in rest.sums if pair[0] != letter))
                    return fewer.at(letter, place).contracted()
        return self._counted()

    def _counted(self) -> Product:
        """The product without sums over letters that nothing in it has: such a sum counts its terms."""
        used = {name for factor, _ in self.factors for name in _names(factor)}
        used |= {name for pair in self.deltas for one in pair for name in _names(one)}
        idle = [(letter, size) for letter, size in self.sums if letter not in used]
        if not idle:
            return self
        found = replace(self, sums=tuple(pair for pair in self.sums if pair not in idle))
        for _, size in idle:
            value = rational(size)
            found = found * (Product(value) if value is not None else Product(UNIT, ((size, UNIT),)))
        return found

    def expr(self, *, bare: bool = False) -> Expr:
        """The product as an expression; without its sums if `bare`."""
        over = [_power(factor, power) for factor, power in self.factors if power > 0]
        under = [_power(factor, -power) for factor, power in self.factors if power < 0]
        over += [Call("delta", pair) for pair in self.deltas]
        inner = [factor for factor in over if self._varies(factor)] if not bare else over
        outer = [factor for factor in over if factor not in inner]
        below_in = [factor for factor in under if self._varies(factor)] if not bare else under
        below_out = [factor for factor in under if factor not in below_in]
        body = _fraction(UNIT, inner, below_in)
        if not bare:
            for letter, size in reversed(self.sums):
                if letter in _names(body):
                    body = Sum(body, letter, count=size)
                else:
                    outer.append(size)  # as many times the same
        return _fraction(self.coefficient, [*outer, body], below_out)

    def _varies(self, factor: Expr) -> bool:
        letters = {letter for letter, _ in self.sums}
        return bool(letters & set(_names(factor)))


def _fraction(coefficient: Fraction, over: list[Expr], under: list[Expr]) -> Expr:
    top = times(number(coefficient), *over)
    return quotient(top, times(*under)) if under else top


def _power(factor: Expr, power: Fraction) -> Expr:
    if power == 1:
        return factor
    return Call("sqrt", (factor,)) if power * 2 == 1 else Call("pow", (factor, number(power)))


def _names(expr: Expr) -> Iterator[str]:
    stack = [expr]
    while stack:
        top = stack.pop()
        if isinstance(top, Name):
            yield top.id
        elif isinstance(top, Call):
            stack.extend(top.args)
        elif isinstance(top, Index):
            stack.extend((top.base, *top.indices))
        elif isinstance(top, Sum):
            stack.append(top.body)


Polynomial = tuple[Product, ...]


@dataclass
class Entries:
    """Entries of an algebra's terms. `deltas` are names whose entry is a product of deltas: (place, …)."""

    algebra: Algebra
    taken: Collection[str]
    deltas: Mapping[str, Indices] = field(default_factory=dict)
    _fresh: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        free = [letter for letter in LETTERS if letter not in self.taken]
        self._fresh = iter([*free, *(f"i{at}" for at in range(200) if f"i{at}" not in self.taken)])

    def _letter(self) -> str:
        """A letter that nothing uses yet."""
        letter = next(self._fresh, "")
        if not letter:
            message = "the entries need more index letters than there are"
            raise UnsupportedError(message, hint="make parts of the formula nodes of their own")
        return letter

    def letters(self, rank: int) -> tuple[Expr, ...]:
        """So many letters that are not used yet."""
        return tuple(Name(self._letter()) for _ in range(rank))

    def entry(self, term: Term, at: Indices) -> Polynomial:
        """The entry of a term at some place, its deltas contracted."""
        found = (product.contracted() for product in self._entry(term, at))
        return tuple(product for product in found if product.coefficient)

    def _entry(self, term: Term, at: Indices) -> Polynomial:
        match term.op:
            case "num":
                return (Product(term.attr),)
            case "zeros":
                return ()
            case "ones":
                return (Product(),)
            case "name":
                return (self._named(term.attr, at),)
            case "add":
                return tuple(
                    part for arg in term.args for part in self._entry(arg, _trimmed(arg.shape, term.shape, at))
                )
            case "had":
                return self._product(term, at)
            case "transpose":
                return self._entry(term.args[0], at[::-1])
            case "matmul":
                return self._chain(term.args, at)
            case "fn":
                args = (self.expr(arg, _trimmed(arg.shape, term.shape, at)) for arg in term.args)
                return (_lone(Call(term.attr, tuple(args))),)
        return self._call(term, at)

    def _named(self, name: str, at: Indices) -> Product:
        if name in self.deltas:
            return Product(deltas=tuple(zip(at, self.deltas[name], strict=True)))
        return _lone(Index(Name(name), at) if at else Name(name))

    def _product(self, term: Term, at: Indices) -> Polynomial:
        coefficient, powers = term.attr
        found: Polynomial = (Product(coefficient),)
        for base, power in zip(term.args, powers, strict=True):
            parts = self._entry(base, _trimmed(base.shape, term.shape, at))
            lone = len(parts) == 1 and not parts[0].deltas and not parts[0].sums
            if power == 1 and (lone or base.op != "add" or len(found) == 1):
                found = tuple((one * other).contracted() for one in found for other in parts)
            elif lone and parts[0].coefficient == 1:
                raised = Product(UNIT, tuple((factor, exponent * power) for factor, exponent in parts[0].factors))
                found = tuple(one * raised for one in found)
            else:
                whole = Product(UNIT, ((_sum(parts), power),))
                found = tuple(one * whole for one in found)
        return found

    def _chain(self, factors: tuple[Term, ...], at: Indices) -> Polynomial:
        if len(factors) == 1:
            return self._entry(factors[0], at)
        first, *rest = factors
        mine, others = (at[:1], at[1:]) if first.rank == 2 else ((), at)
        middle, sums = self._run(first.shape[-1])
        left = self._entry(first, (*mine, middle))
        right = self._chain(tuple(rest), (middle, *others))
        return tuple(replace(a * b, sums=(*(a * b).sums, *sums)).contracted() for a in left for b in right)

    def _run(self, size: Size) -> tuple[Expr, tuple[tuple[str, Expr], ...]]:
        """An index that is summed over, and the sum; over one entry there is nothing to sum."""
        if size == ONE:
            return NIL, ()
        letter = self._letter()
        return Name(letter), ((letter, size.expr()),)

    def _call(self, term: Term, at: Indices) -> Polynomial:
        function, options = term.attr[0], dict(term.attr[1])
        match function:
            case "sum":
                return self._sum_over(term, at, options)
            case "outer":
                left, right = (self._entry(arg, at[place : place + 1]) for place, arg in enumerate(term.args))
                return tuple(a * b for a in left for b in right)
            case "eye":
                return (Product(deltas=((at[0], at[1]),)),)
            case "onehot":
                return (Product(deltas=((at[0], written(self.algebra, term.args[0])),)),)
            case "entry":
                places = tuple(written(self.algebra, arg) for arg in term.args[1:])
                return self._entry(term.args[0], (*places, *at))
            case "reshape" if (before := _reshaped(term.args[0].shape, term.shape, at)) is not None:
                return self._entry(term.args[0], before)
        if depends(term, frozenset(self.deltas)):
            message = f"a derivative through {function}(…) has no formula entry by entry"
            raise UnsupportedError(message, hint="ask for the derivative of a number, or for local(y, x)")
        return (_lone(Index(written(self.algebra, term), at) if at else written(self.algebra, term)),)

    def _sum_over(self, term: Term, at: Indices, options: Mapping[str, int]) -> Polynomial:
        (inner,) = term.args
        axis = options.get("axis")
        axes = tuple(range(inner.rank)) if axis is None else (axis,)
        given = iter(at)
        place: list[Expr] = []
        sums: list[tuple[str, Expr]] = []
        for one in range(inner.rank):
            if one in axes:
                index, run = self._run(inner.shape[one])
                place.append(index)
                sums.extend(run)
                if "keepdims" in options:
                    next(given)
            else:
                place.append(next(given))
        parts = self._entry(inner, tuple(place))
        return tuple(replace(part, sums=(*part.sums, *sums)).contracted() for part in parts)

    def expr(self, term: Term, at: Indices) -> Expr:
        """The entry as an expression."""
        return _sum(self.entry(term, at))


def _lone(expr: Expr) -> Product:
    return Product(UNIT, ((expr, UNIT),))


def _trimmed(shape: Shape, whole: Shape, at: Indices) -> Indices:
    """Where an operand that is broadcast has its entry."""
    mine = at[len(at) - len(shape) :]
    target = whole[len(whole) - len(shape) :]
    return tuple(
        NIL if size == ONE and wide != ONE else index for size, wide, index in zip(shape, target, mine, strict=True)
    )


def _reshaped(before: Shape, after: Shape, at: Indices) -> Indices | None:
    """The place before a reshape that only puts in or takes out axes of size 1."""
    if [size for size in before if size != ONE] != [size for size in after if size != ONE]:
        return None
    kept = iter([index for size, index in zip(after, at, strict=True) if size != ONE])
    return tuple(NIL if size == ONE else next(kept) for size in before)


def _sum(parts: Polynomial) -> Expr:
    return plus(*(part.expr() for part in positive_first(like(parts))))


def like(parts: Polynomial) -> Polynomial:
    """Like summands taken together."""
    found: dict[tuple[object, ...], Product] = {}
    for part in parts:
        key = (frozenset(part.factors), part.deltas, part.sums)
        before = found.get(key)
        total = part.coefficient + (before.coefficient if before else 0)
        found[key] = replace(part, coefficient=total)
    return tuple(part for part in found.values() if part.coefficient)


def positive_first(parts: Polynomial) -> Polynomial:
    """A summand without a minus leads."""
    lead = next((at for at, part in enumerate(parts) if part.coefficient > 0), 0)
    return (parts[lead], *parts[:lead], *parts[lead + 1 :]) if parts else parts


def grouped(parts: Polynomial) -> Expr:
    """The sum with the factors that all summands share before it: P[j]*(delta(i, j) - P[i])."""
    parts = positive_first(like(parts))
    if len(parts) < 2 or any(part.sums for part in parts):
        return _sum(parts)
    powers = [dict(part.factors) for part in parts]
    common = Product(UNIT, tuple((factor, min(one.get(factor, NOUGHT) for one in powers)) for factor in powers[0]))
    shared = tuple((factor, power) for factor, power in common.factors if power > 0)
    divisors = [
        (factor, power) for factor, power in powers[0].items() if all(one.get(factor) == power for one in powers)
    ]
    shared += tuple((factor, power) for factor, power in divisors if power < 0)
    deltas = tuple(pair for pair in parts[0].deltas if all(pair in part.deltas for part in parts))
    if not shared and not deltas:
        return _sum(parts)
    inverse = Product(UNIT, tuple((factor, -power) for factor, power in shared))
    left = (replace(part, deltas=tuple(pair for pair in part.deltas if pair not in deltas)) for part in parts)
    rest = tuple(part * inverse for part in left)
    outer = Product(UNIT, shared, deltas).expr(bare=True)
    return times(outer, _sum(rest))


def cases(parts: Polynomial, left: Expr, right: Expr) -> tuple[Expr, Expr]:
    """The sum where two indices are the same, and where they differ."""
    assert isinstance(right, Name)  # noqa: S101 - a letter
    same = tuple(part.at(right.id, left).contracted() for part in parts)
    pair = {left, right}
    differ = tuple(part for part in parts if not any({*delta} == pair for delta in part.deltas))
    return grouped(same), grouped(differ)
