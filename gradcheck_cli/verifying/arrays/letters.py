"""Index letters of answers and truths made the same: whole arrays against their entries, letters of another name.

And the factors of a product, among them the links of the chain rule in symbols.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.expr import Call, Expr, Index, Name, functions, names, number, substitute, walk
from gradcheck_cli.functions import QUERIES
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.verifying.typed import is_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gradcheck_cli.shapes import Shape, Size
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.verifying.match import Truth

    Letters = tuple[tuple[str, Size], ...]
    Pair = tuple[Expr, Expr, Letters]

_MOST_LETTERS = 4
_AXIS = "axis'"  # the index along an axis that no letter of an answer numbers: nobody writes it


def free_letters(engine: ArrayEngine, expr: Expr) -> Mapping[str, Size | None]:
    """The free index letters of an expression in the order of the alphabet; None for what no index bounds."""
    if not set(names(expr)) - engine.shapes.keys() - engine.letters:
        return {}
    return _free_letters(engine, expr, len(engine.shapes))


@lru_cache(maxsize=1024)
def _free_letters(engine: ArrayEngine, expr: Expr, _: int) -> Mapping[str, Size | None]:
    """The same, worked out once as long as no further name has a shape; with so many it is asked for at each step."""
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


def only_asks(expr: Expr, truth: Truth) -> bool:
    """Whether an answer says nothing but what is to be worked out: products of derivatives, w - lr*d(J, w)."""
    if functions(expr).isdisjoint(QUERIES):
        return False
    parts = [part for part in walk(expr) if isinstance(part, Call) and part.function in QUERIES and is_query(part)]
    if truth.kind == "update" and isinstance(truth.ask, Call):
        return any(part.args[-1:] == truth.ask.args[:1] for part in parts)
    return bool(parts) and all(
        isinstance(factor, Call) and factor.function in QUERIES and is_query(factor) for factor in factors(expr)
    )


def is_chain(engine: ArrayEngine, expr: Expr, ask: Expr) -> bool:
    """Whether an expression is the chain rule in symbols: links that join the two ends of a derivative in order."""
    if not isinstance(expr, Call) or expr.function not in ("mul", "matmul") or not isinstance(ask, Call):
        return False
    ends = [arg.id for arg in ask.args if isinstance(arg, Name)]
    if ask.function == "upstream" and len(ends) == 1:
        ends = [engine.output, *ends]
    links = [arg for arg in factors(expr) if isinstance(arg, Call) and arg.function == "d"]
    if len(ends) != 2 or len(links) != len(factors(expr)) or ask.function not in ("d", "upstream"):
        return False
    at = ends[0]
    for link in links:
        top, bottom = link.args
        known = isinstance(bottom, Name) and bottom.id in engine.graph.ancestors.get(at, ())
        if top != Name(at) or not isinstance(bottom, Name) or not known:
            return False
        at = bottom.id
    return at == ends[1]
