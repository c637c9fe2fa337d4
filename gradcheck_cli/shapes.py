"""Sizes and shapes: letters that stand for every number at once, and which operands fit together.

A size is a polynomial in letters with whole coefficients: `3`, `m`, `4*h`, `d + h`. Two sizes are the same only if
they are the same polynomial; that m and n are both 3 in some example makes them no more equal than their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

from gradcheck_cli.errors import OPERANDS, ShapeError
from gradcheck_cli.expr import Call, Expr, Name, Num, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Monomial = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """A polynomial: monomials (letters in order, repeated for powers) with their coefficients, none of them 0."""

    terms: tuple[tuple[Monomial, int], ...]

    @property
    def number(self) -> int | None:
        """The size where it has no letters."""
        if not self.terms:
            return 0
        return self.terms[0][1] if len(self.terms) == 1 and not self.terms[0][0] else None

    @property
    def letters(self) -> frozenset[str]:
        """The letters in it."""
        return frozenset(letter for monomial, _ in self.terms for letter in monomial)

    def at(self, sizes: Mapping[str, int]) -> int:
        """The number it is where the letters have these values."""
        total = 0
        for monomial, factor in self.terms:
            total += factor * prod(sizes[letter] for letter in monomial)
        return total

    def partly(self, sizes: Mapping[str, int]) -> Size:
        """The size where some of the letters have these values."""
        total = _size({})
        for monomial, factor in self.terms:
            term = size(factor)
            for letter in monomial:
                term = term * size(sizes.get(letter, letter))
            total = total + term
        return total

    def __add__(self, other: Size) -> Size:
        found = dict(self.terms)
        for monomial, factor in other.terms:
            found[monomial] = found.get(monomial, 0) + factor
        return _size(found)

    def __mul__(self, other: Size) -> Size:
        found: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in other.terms:
                monomial = tuple(sorted((*left, *right)))
                found[monomial] = found.get(monomial, 0) + a * b
        return _size(found)

    def __neg__(self) -> Size:
        return Size(tuple((monomial, -factor) for monomial, factor in self.terms))

    def __str__(self) -> str:
        text = ""
        for monomial, factor in self.terms:
            sign = " - " if factor < 0 else " + "
            count = [str(abs(factor))] if abs(factor) != 1 or not monomial else []
            text += (sign if text else "-" if factor < 0 else "") + "*".join([*count, *monomial])
        return text or "0"

    def expr(self) -> Expr:
        """The size as an expression."""
        found = []
        for monomial, factor in self.terms:
            names: list[Expr] = [Name(letter) for letter in monomial]
            parts = names if abs(factor) == 1 and names else [number(abs(factor)), *names]
            term = parts[0] if len(parts) == 1 else Call("mul", tuple(parts))
            found.append(Call("neg", (term,)) if factor < 0 else term)
        return found[0] if len(found) == 1 else Call("add", tuple(found)) if found else number(0)


Shape = tuple[Size, ...]


def _size(terms: Mapping[Monomial, int]) -> Size:
    kept = [(monomial, factor) for monomial, factor in terms.items() if factor]
    return _one(tuple(sorted(kept, key=lambda term: (-len(term[0]), term[0]))))


@lru_cache(maxsize=4096)
def _one(terms: tuple[tuple[Monomial, int], ...]) -> Size:
    """One object for equal sizes: shapes are compared all the time."""
    return Size(terms)


def size(value: int | str) -> Size:
    """A size that is a number or a letter."""
    return _size({(value,) if isinstance(value, str) else (): 1 if isinstance(value, str) else value})


ONE = size(1)


def text_of(shape: Iterable[Size]) -> str:
    """A shape as NumPy writes it: `(m, n)`, `(n,)`, `()`."""
    sizes = [str(one) for one in shape]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"


def count(shape: Iterable[Size]) -> Size:
    """How many entries an array of this shape has."""
    total = ONE
    for one in shape:
        total = total * one
    return total


def at(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape in numbers."""
    return tuple(one.at(sizes) for one in shape)


def size_of(expr: Expr, letters: Iterable[str]) -> Size | None:
    """The size that an expression in numbers and letters stands for, or None where it stands for none."""
    match expr:
        case Num() if expr.value.denominator == 1:
            return size(int(expr.value))
        case Name() if expr.id in letters:
            return size(expr.id)
        case Call(function="neg", args=(inner,)):
            found = size_of(inner, letters)
            return None if found is None else -found
        case Call(function="add" | "mul" as function, args=args):
            parts = [size_of(arg, letters) for arg in args]
            total = size(0) if function == "add" else ONE
            for part in parts:
                if part is None:
                    return None
                total = total + part if function == "add" else total * part
            return total
    return None


def usual_axis(shape: Shape) -> int:
    """The axis along which softmax acts and a one-hot sums to 1 where none is said: the last; of a column the column."""
    column = len(shape) == 2 and shape[1] == ONE and shape[0] != ONE
    return 0 if column else len(shape) - 1


def broadcast(left: Shape, right: Shape) -> Shape | None:
    """The shape of two operands taken elementwise by NumPy's rule, or None where they do not fit."""
    if left == right or not right:
        return left
    if not left:
        return right
    rank = max(len(left), len(right))
    padded = [(ONE,) * (rank - len(shape)) + shape for shape in (left, right)]
    found = []
    for a, b in zip(*padded, strict=True):
        if a is not b and a != b and ONE not in (a, b):
            return None
        found.append(b if a == ONE else a)
    return tuple(found)


def product(left: Shape, right: Shape) -> Shape:
    """The shape of a matrix product of operands with one or two axes.

    Raises ShapeError where the inner sizes differ; its message names both shapes.
    """
    if not left or not right:
        message = f"@ multiplies matrices, and {'the left' if not left else 'the right'} factor is a scalar"
        raise ShapeError(message, hint="write * to multiply by a number")
    if max(len(left), len(right)) > 2:
        message = f"@ has factors of shapes {text_of(left)} and {text_of(right)}"
        raise ShapeError(message, hint="matrix products of up to two axes are worked out")
    if left[-1] != right[0]:
        message = f"{text_of(left)} @ {text_of(right)} do not fit: {left[-1]} columns meet {right[0]} rows"
        if len(left) == 1 or len(right) == 1:
            message = f"{text_of(left)} @ {text_of(right)} do not fit: the sizes {left[-1]} and {right[0]} differ"
        raise ShapeError(message, what=OPERANDS, hint=_transposed(left, right))
    return (*left[:-1], *right[1:])


def _transposed(left: Shape, right: Shape) -> str:
    """Which transpose would make a product fit, if one does."""
    if len(right) == 2 and left[-1] == right[1]:
        return "transposing the right factor would fit"
    if len(left) == 2 and left[0] == right[0]:
        return "transposing the left factor would fit"
    return "look at the order of the factors"
