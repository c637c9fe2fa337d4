"""Terms of arrays with symbolic sizes: light, interned, built by a few constructors that keep them in order.

    num       a number, shape ()                   name      an input, node, adjoint or size
    add       a sum of terms                       had       coefficient times bases to rational powers, entry by entry
    matmul    a chain of factors                   transpose of what it cannot be pushed into
    fn        an elementwise function of terms     call      any other function, with its options
    ones      an array of ones                     zeros     of zeros

Entry by entry means NumPy's broadcasting; scalars take part like everything else. Equal terms are one object.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from gradcheck_cli import shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gradcheck_cli.shapes import Shape, Size

NOUGHT, UNIT = Fraction(0), Fraction(1)
MOST_BITS = 4096  # of a number that is worked out
_LARGEST_POWER = 64


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A term; `attr` is what its operation needs beside its arguments. Compared by identity: terms are interned.

    `weight` is how much there is to read, what is shared counted each time.
    """

    op: str
    args: tuple[Term, ...]
    attr: Any
    shape: Shape
    weight: int

    @property
    def rank(self) -> int:
        """How many axes it has."""
        return len(self.shape)


Powers = dict[Term, Fraction]


def is_zero(term: Term) -> bool:
    """Whether a term is 0 for every value."""
    return term.op == "zeros" or (term.op == "num" and term.attr == 0)


def calls(term: Term, function: str) -> bool:
    """Whether a term is a call of that function of arrays."""
    return term.op == "call" and term.attr[0] == function


def fit(left: Shape, right: Shape) -> Shape:
    """The shape of two terms taken entry by entry; shapes were checked when the expression was read."""
    if not right or left == right:
        return left
    if not left:
        return right
    found = shapes.broadcast(left, right)
    assert found is not None, f"{shapes.text_of(left)}, {shapes.text_of(right)}"  # noqa: S101
    return found


@dataclass(eq=False)
class Entrywise:
    """Makes sums and products entry by entry, and keeps one of each."""

    shapes: Mapping[str, Shape]
    letters: frozenset[str] = frozenset()
    _known: dict[Any, Term] = field(default_factory=dict)

    def term(self, op: str, args: tuple[Term, ...], attr: Any, shape: Shape, key: Any = None) -> Term:
        """The one term of that kind."""
        key = (op, args, attr, shape) if key is None else key
        found = self._known.get(key)
        if found is None:
            found = Term(op, args, attr, shape, _weight(op, args, attr))
            self._known[key] = found
        return found

    # -- leaves

    def name(self, name: str, shape: Shape | None = None) -> Term:
        """An input, node, adjoint, constant or size."""
        return self.term("name", (), name, self.shapes.get(name, ()) if shape is None else shape)

    def num(self, value: Fraction | int) -> Term:
        """A number."""
        return self.term("num", (), Fraction(value), ())

    def ones(self, shape: Shape) -> Term:
        """An array of ones; the number 1 for shape ()."""
        return self.term("ones", (), None, shape) if shape else self.num(1)

    def zeros(self, shape: Shape) -> Term:
        """An array of zeros."""
        return self.term("zeros", (), None, shape) if shape else self.num(0)

    # -- sums

    def add(self, *terms: Term) -> Term:
        """The sum; like terms are taken together."""
        shape: Shape = ()
        parts: dict[Term, Fraction] = {}
        for term in terms:
            shape = fit(shape, term.shape)
            for coefficient, core in self._summands(term):
                parts[core] = parts.get(core, NOUGHT) + coefficient
        kept = [self.scaled(coefficient, core) for core, coefficient in parts.items() if coefficient]
        if not kept:
            return self.zeros(shape)
        found = kept[0]
        if len(kept) > 1:
            within: Shape = ()
            for term in kept:
                within = fit(within, term.shape)
            found = self.term("add", tuple(kept), None, within, ("add", frozenset(kept)))
        return self.stretched(found, shape)

    def _summands(self, term: Term) -> Iterable[tuple[Fraction, Term]]:
        if is_zero(term):
            return
        if term.op == "add":
            for arg in term.args:
                yield self.split(arg)
        else:
            yield self.split(term)

    def split(self, term: Term) -> tuple[Fraction, Term]:
        """A term as a number times the rest, without ones: in a sum they only give the shape."""
        if term.op in ("num", "ones"):
            return term.attr or UNIT, self.num(1)
        if term.op == "had" and (term.attr[0] != 1 or any(base.op == "ones" for base in term.args)):
            return term.attr[0], self.product(UNIT, dict(zip(term.args, term.attr[1], strict=True)))
        return UNIT, term

    def scaled(self, coefficient: Fraction, core: Term) -> Term:
        """A term times a number."""
        return core if coefficient == 1 else self.mul(self.num(coefficient), core)

    def negative(self, term: Term) -> Term:
        """The term with the other sign."""
        return self.mul(self.num(-1), term)

    def stretched(self, term: Term, shape: Shape) -> Term:
        """The term in a shape that it broadcasts to."""
        return term if term.shape == shape else self.mul(term, self.ones(shape))

    # -- products

    def mul(self, *factors: Term) -> Term:
        """The product entry by entry: numbers in one coefficient, equal bases in one power."""
        shape: Shape = ()
        coefficient: Fraction = UNIT
        powers: Powers = {}
        zero = False
        for factor in factors:
            shape = fit(shape, factor.shape)
            zero = zero or is_zero(factor)
            coefficient *= self._take(powers, factor, UNIT)
        return self.zeros(shape) if zero else self.product(coefficient, powers, shape)

    def power(self, base: Term, exponent: Fraction) -> Term:
        """A rational power of each entry."""
        if exponent == 0:
            return self.ones(base.shape)
        powers: Powers = {}
        coefficient = self._take(powers, base, exponent)
        return self.product(coefficient, powers, base.shape)

    def _take(self, powers: Powers, factor: Term, exponent: Fraction) -> Fraction:
        """Put a factor into `powers`; what of it is a number comes back."""
        if factor.op == "ones" or (factor.op == "num" and factor.attr == 1):
            return UNIT
        whole = exponent.denominator == 1 and abs(exponent) <= _LARGEST_POWER
        if factor.op == "num" and whole and (factor.attr or exponent > 0) and _short(factor.attr, exponent):
            return Fraction(factor.attr**exponent.numerator)
        if factor.op == "had" and whole and _short(factor.attr[0], exponent):
            for base, power in zip(factor.args, factor.attr[1], strict=True):
                powers[base] = powers.get(base, NOUGHT) + power * exponent
            return Fraction(factor.attr[0] ** exponent.numerator)
        powers[factor] = powers.get(factor, NOUGHT) + exponent
        return UNIT

    def product(self, coefficient: Fraction, powers: Powers, shape: Shape | None = None) -> Term:
        """Coefficient times powers, in a shape that is at least theirs; theirs where none is wanted."""
        kept = {base: power for base, power in powers.items() if power and base.op != "ones"}
        within: Shape = ()
        for base in kept:
            within = fit(within, base.shape)
        shape = within if shape is None else shape
        if coefficient == 0:
            return self.zeros(shape)
        if within != shape:
            kept[self.ones(shape)] = UNIT
        if not kept:
            return self.num(coefficient)
        if coefficient == 1 and len(kept) == 1:
            base, power = next(iter(kept.items()))
            if power == 1:
                return base
        key = ("had", coefficient, frozenset(kept.items()))
        return self.term("had", tuple(kept), (coefficient, tuple(kept.values())), shape, key)

    def factors(self, term: Term) -> tuple[Fraction, Powers]:
        """A term as coefficient and powers."""
        if term.op == "had":
            return term.attr[0], dict(zip(term.args, term.attr[1], strict=True))
        return (term.attr, {}) if term.op == "num" else (UNIT, {term: UNIT})

    def scalars_out(self, term: Term) -> tuple[Term, Term]:
        """A term as (factors that are numbers) times (the rest, of the same shape)."""
        if term.op != "had" or not term.shape:
            return self.num(1), term
        coefficient, powers = self.factors(term)
        outer = {base: power for base, power in powers.items() if not base.shape}
        inner = {base: power for base, power in powers.items() if base.shape}
        return self.product(coefficient, outer, ()), self.product(UNIT, inner, term.shape)

    # -- sizes as numbers

    def size(self, one: Size) -> Term:
        """A size as a number."""
        terms = []
        for monomial, factor in one.terms:
            terms.append(self.mul(self.num(factor), *(self.name(letter, ()) for letter in monomial)))
        return self.add(*terms) if terms else self.num(0)

    def sizes(self, args: Iterable[Term]) -> Shape:
        """Terms made by `size` as sizes again."""
        return tuple(self._size_of(arg) for arg in args)

    def _size_of(self, term: Term) -> Size:
        match term.op:
            case "num":
                return shapes.size(int(term.attr))
            case "name":
                return shapes.size(term.attr)
            case "add":
                total = shapes.size(0)
                for arg in term.args:
                    total = total + self._size_of(arg)
                return total
        coefficient, powers = self.factors(term)
        total = shapes.size(int(coefficient))
        for base, power in powers.items():
            for _ in range(int(power)):
                total = total * self._size_of(base)
        return total


def _short(value: Fraction, exponent: Fraction) -> bool:
    """Whether a power has a number that can be written down, and is one."""
    bits = value.numerator.bit_length() + value.denominator.bit_length()
    return bits * abs(exponent.numerator) <= MOST_BITS


def _weight(op: str, args: tuple[Term, ...], attr: Any) -> int:
    below = sum(arg.weight for arg in args)
    if op == "had":
        coefficient, powers = attr
        number = 0 if coefficient == 1 else 1 if coefficient == -1 else 2
        return below + len(args) - 1 + number + sum(power not in (1, -1) for power in powers) * 2
    if op in ("add", "matmul"):
        return below + len(args) - 1
    if op == "transpose":
        return below + 1
    if op in ("fn", "call"):
        return below + 3 + (len(attr[1]) if op == "call" else 0)
    return 2 if op in ("ones", "zeros") else 1
