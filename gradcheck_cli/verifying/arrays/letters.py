"""Index letters of answers and truths made the same: whole arrays against their entries, letters of another name."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.expr import Call, Expr, Index, Name, names, number, substitute, walk
from gradcheck_cli.lowering import Shapes, lower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gradcheck_cli.shapes import Shape, Size
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.verifying.match import Truth

    Letters = tuple[tuple[str, Size], ...]
    Pair = tuple[Expr, Expr, Letters]

_MOST_LETTERS = 4
_AXIS = "axis'"  # the index along an axis that no letter of an answer numbers: nobody writes it


def free_letters(engine: ArrayEngine, expr: Expr) -> dict[str, Size | None]:
    """The free index letters of an expression in the order of the alphabet; None for what no index bounds."""
    if not set(names(expr)) - engine.shapes.keys() - engine.letters:
        return {}
    known = Shapes(engine.shapes, engine.letters)
    used = set(names(lower(expr, known).expr)) - {*engine.shapes, *engine.letters}
    return {letter: known.ranges.get(letter) for letter in sorted(used)}


def aligned(engine: ArrayEngine, expr: Expr, truth: Truth) -> Iterator[Pair]:
    """An answer and the truth with the same free letters: a whole array against entries, other letters renamed."""
    free = free_letters(engine, expr)
    letters = truth.array.letters if truth.array else ()
    if len(free) > _MOST_LETTERS:
        return
    if letters and not free:
        yield _entry_of_answer(engine, expr, truth, letters)
    elif free and not letters:
        yield from _entries_of_truth(engine, expr, truth, free)
    elif set(free) == {letter for letter, _ in letters} or len(free) != len(letters):
        yield expr, truth.expr, letters
    else:
        renamed = dict(zip(free, (Name(letter) for letter, _ in letters), strict=True))
        yield substitute(expr, renamed), truth.expr, letters


def _entry_of_answer(engine: ArrayEngine, expr: Expr, truth: Truth, letters: Letters) -> Pair:
    """A whole array where an entry was asked for: that entry of it."""
    rank = len(engine.shape_of(expr))
    asked = truth.ask.indices if isinstance(truth.ask, Index) else tuple(Name(letter) for letter, _ in letters)
    if rank == len(asked):
        return Index(expr, asked), truth.expr, letters
    for chosen in (letters, [(letter, one) for letter, one in letters if one != shapes.ONE]):
        if rank == len(chosen):  # of a column the Jacobian is a matrix too
            return Index(expr, tuple(Name(letter) for letter, _ in chosen)), truth.expr, letters
    return expr, truth.expr, letters


def _entries_of_truth(engine: ArrayEngine, expr: Expr, truth: Truth, free: Mapping[str, Size | None]) -> Iterator[Pair]:
    """An entry where a whole array was asked for: the letters are its axes, in the order of the alphabet."""
    shape = engine.shape_of(truth.expr)
    places = [at for at, one in enumerate(shape) if one != shapes.ONE]
    if len(free) == len(shape):
        places = list(range(len(shape)))
    if len(free) != len(places):
        yield from _beside_whole(engine, expr, truth, free)
        yield expr, truth.expr, ()
        return
    for order in permutations(free):
        sizes = [shape[place] for place in places]
        fits = all(free[letter] in (None, one) for letter, one in zip(order, sizes, strict=True))
        if fits:
            at: list[Expr] = [number(0)] * len(shape)
            for place, letter in zip(places, order, strict=True):
                at[place] = Name(letter)
            yield expr, Index(truth.expr, tuple(at)), tuple(zip(order, sizes, strict=True))
            return
    yield expr, truth.expr, ()


def _beside_whole(engine: ArrayEngine, expr: Expr, truth: Truth, free: Mapping[str, Size | None]) -> Iterator[Pair]:
    r"""Whole arrays beside entries, as in `D - \frac1n \sum_j D_{ij}`: the letters number axes of the whole ones."""
    shape = engine.shape_of(truth.expr)
    if not len(free) < len(shape) or engine.shape_of(expr) != shape:
        return
    for places in permutations(range(len(shape)), len(free)):
        if all(free[letter] in (None, shape[place]) for letter, place in zip(free, places, strict=True)):
            at = [f"{_AXIS}{place}" for place in range(len(shape))]
            for letter, place in zip(free, places, strict=True):
                at[place] = letter
            letters = tuple(map(Name, at))
            yield Index(expr, letters), Index(truth.expr, letters), tuple(zip(at, shape, strict=True))


def has_jacobians(expr: Expr, shape_of: Callable[[Expr], Shape | None], above: Mapping[str, frozenset[str]]) -> bool:
    """Whether a derivative of an array by an array stands in an expression, of which one is no vector: it is no matrix."""
    parts = [part for part in walk(expr) if isinstance(part, Call) and part.function == "d"]
    if any(set(names(part.args[1])).isdisjoint(above.get(name, ())) for part in parts for name in names(part.args[0])):
        return False  # a link that is none: that is wrong
    both = ([shape_of(arg) or () for arg in part.args] for part in parts)
    return any(all(found) and max(map(len, found)) > 1 for found in both)


def factors(expr: Expr) -> tuple[Expr, ...]:
    """The factors of a product in their order, however it is grouped."""
    if isinstance(expr, Call) and expr.function in ("mul", "matmul"):
        return tuple(factor for arg in expr.args for factor in factors(arg))
    if isinstance(expr, Call) and expr.function in ("transpose", "neg"):
        return factors(expr.args[0])
    return (expr,)
