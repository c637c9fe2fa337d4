"""Slips at one place: a sign, a factor too many or too few, one name for another, a factor the wrong way round.

Looked for from both sides: what would make a wrong answer right, and what comes out where the right answer has the slip.
Factors that may be missing are taken from the right answer and from the local derivatives on the way; nobody lists them.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr, Name, children, names, number, walk
from gradcheck_cli.verifying.arrays.diagnosis.edits import Edit, Replacing, is_product, neighbours, parts_of, reordered
from gradcheck_cli.verifying.diagnosis.mistakes import Mistake
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.solving.array_engine import ArrayEngine

MOST_PLACES = 40
MOST_FACTORS = 10
MOST_INSERTED = 120
ONE = number(1)
_OTHER = {"mean": "sum", "sum": "mean"}


Change = tuple[str, str, Expr]  # code, message, what stands at the place then


def slips(engine: ArrayEngine, expr: Expr, truth: Expr, inside: set[str]) -> Iterator[Edit]:
    """Changes at one place, the likeliest first. `inside` has the names on the paths of the derivative asked for."""
    put = Replacing(expr)
    places = list(islice((part for part in parts_of(expr) if isinstance(part, Call)), MOST_PLACES))
    divisors = set(_divisors(expr, below=False))
    for find in (_signs, _factors_too_many, _means):
        for place in places:
            for code, message, new in find(engine, place):
                told = _turned_over(message) if id(place) in divisors else message
                yield Edit(code, told, put(place, new))
    yield from _single_names(engine, expr, inside, put)
    yield from islice(_factors_too_few(engine, put, places, truth, inside), MOST_INSERTED)


def faults(engine: ArrayEngine, right: Expr, inside: set[str]) -> Iterator[Mistake]:
    """The right answer with a slip at one place, the likeliest first."""
    put = Replacing(right)
    places = list(islice((part for part in parts_of(right) if isinstance(part, Call)), MOST_PLACES))
    divisors = set(_divisors(right, below=False))
    for find in (_signs, _forgotten, _sums, _twice):
        for place in places:
            for code, message, new in find(engine, place):
                told = _turned_over(message) if id(place) in divisors else message
                yield Mistake(code, told, put(place, new))
    if not isinstance(right, Call) or right.function != "mul":
        yield Mistake("extra-factor", f"the factor {write(right)} is there twice", Call("mul", (right, right)))
    yield from _wrong_names(engine, right, inside, put)
    for place in places:
        for code, _, new in reordered(place) if is_product(place, engine) else ():
            yield Mistake(code, f"right is {write(place)}, in this order", put(place, new))


def _turned_over(message: str) -> str:
    """What is said of a factor, said of a divisor; and the other way round."""
    one, other = "the factor", "the division by"
    return message.replace(other, one) if message.startswith(other) else message.replace(one, other)


def _wrong_names(engine: ArrayEngine, right: Expr, inside: set[str], put: Replacing) -> Iterator[Mistake]:
    """A neighbour at one place of a name; not where all cancels, which would explain whatever lacks the whole."""
    for part in parts_of(right):
        if isinstance(part, Name):
            for other, code, _ in neighbours(engine, part.id, inside):
                wrong = put(part, Name(other))
                if not _cancels(wrong):
                    yield Mistake(code, f"{other} stands where {part.id} should", wrong)


def _cancels(expr: Expr) -> bool:
    """Whether a term is taken from itself in it."""
    sums = (part.args for part in parts_of(expr) if isinstance(part, Call) and part.function == "add")
    return any(Call("neg", (term,)) in terms for terms in sums for term in terms)


def _forgotten(engine: ArrayEngine, place: Call) -> Iterator[Change]:
    """A factor of the right answer, or what it is divided by, left out."""
    for code, message, new in _factors_too_many(engine, place):
        code = "missing-factor" if code == "extra-factor" else code  # noqa: PLW2901
        yield code, message.replace("one too many", "missing").replace("there twice", "missing"), new


def _sums(engine: ArrayEngine, place: Call) -> Iterator[Change]:
    """As `_means`, seen from the right answer."""
    for code, message, new in _means(engine, place):
        if place.function in _OTHER:
            yield code, f"right is the {place.function} {write(place)}", new
        else:
            yield code, message.replace("is missing at", "is there once too often at").partition(", as")[0], new


def _twice(engine: ArrayEngine, place: Call) -> Iterator[Change]:
    """A factor written once more."""
    for at, factor in enumerate(place.args) if place.function == "mul" else ():
        if not _is_size(engine, factor):
            message = f"the factor {write(factor)} is there twice"
            yield "extra-factor", message, _with(place, at, Call("mul", (factor, factor)))


def _turned(expr: Expr) -> Expr:
    return expr.args[0] if isinstance(expr, Call) and expr.function == "neg" else Call("neg", (expr,))


def _with(place: Call, at: int, new: Expr) -> Expr:
    return Call(place.function, (*place.args[:at], new, *place.args[at + 1 :]), place.options)


def _signs(_: ArrayEngine, place: Call) -> Iterator[Change]:
    """The sign of one term, or of a part that has a minus."""
    if place.function == "add":
        for at, term in enumerate(place.args):
            shown = write(term.args[0] if isinstance(term, Call) and term.function == "neg" else term)
            yield "sign", f"the sign of {shown} is turned around", _with(place, at, _turned(term))
    elif place.function == "neg":
        yield "sign", f"the sign of {write(place.args[0])} is turned around", place.args[0]


def _factors_too_many(engine: ArrayEngine, place: Call) -> Iterator[Change]:
    """One factor, or what is divided by, left out."""
    if place.function == "mul":
        for at, factor in enumerate(place.args):
            rest = place.args[:at] + place.args[at + 1 :]
            yield *_too_many(engine, factor), rest[0] if len(rest) == 1 else Call("mul", rest)
    elif place.function == "matmul":
        left, right = place.args
        for factor, kept in ((left, right), (right, left)):
            if _shape(engine, kept) == _shape(engine, place):
                yield *_too_many(engine, factor), kept
    elif place.function == "div":
        code, message = _too_many(engine, place.args[1])
        yield code, message.replace("the factor", "the division by"), place.args[0]
    elif place.function == "pow" and place.args[1] == number(2):
        yield "extra-factor", f"the factor {write(place.args[0])} is there twice", place.args[0]


def _shape(engine: ArrayEngine, expr: Expr) -> Shape | None:
    """The shape of a part; None where its operands do not fit."""
    try:
        return engine.shape_of(expr)
    except GradcheckError:
        return None


def _too_many(engine: ArrayEngine, factor: Expr) -> tuple[str, str]:
    return ("constant" if _is_size(engine, factor) else "extra-factor"), f"the factor {write(factor)} is one too many"


def _means(engine: ArrayEngine, place: Call) -> Iterator[Change]:
    """A mean where a sum belongs, or the other way round; a size that is missing at this place."""
    other = _OTHER.get(place.function)
    if other is not None:
        message = f"this has to be a {other}, not a {place.function}: {write(place)}"
        yield "constant", message, Call(other, place.args, place.options)
    if place.function in ("add", "matmul", "mul", "sum", "outer"):
        for letter in sorted(engine.letters):
            message = f"1/{letter} is missing at {write(place)}, as a mean has it"
            yield "constant", message, Call("div", (place, Name(letter)))


def _is_size(engine: ArrayEngine, expr: Expr) -> bool:
    """Whether nothing is in it but numbers and letters of sizes."""
    return set(names(expr)) <= engine.letters


def _single_names(engine: ArrayEngine, expr: Expr, inside: set[str], put: Replacing) -> Iterator[Edit]:
    """A name that stands at one place for its neighbour."""
    for part in parts_of(expr):
        if isinstance(part, Name):
            for other, code, message in neighbours(engine, part.id, inside):
                yield Edit(code, message, put(part, Name(other)))


def _factors_too_few(
    engine: ArrayEngine, put: Replacing, places: list[Call], truth: Expr, inside: set[str]
) -> Iterator[Edit]:
    """A factor of the right answer, or of a local derivative, put in or divided by at one place."""
    factors = list(islice(_candidates(engine, truth, inside), MOST_FACTORS))
    seen: list[Expr] = []
    divisors = set(_divisors(put.expr, below=False))
    for place in (put.expr, *_operands(places)):
        if any(place is other for other in seen):
            continue
        seen.append(place)
        for factor in factors:
            code = "constant" if _is_size(engine, factor) else "missing-factor"
            told = [f"the factor {write(factor)} is missing", f"the division by {write(factor)} is missing"]
            first, second = reversed(told) if id(place) in divisors else told
            yield Edit(code, first, put(place, Call("mul", (place, factor))))
            yield Edit(code, second, put(place, Call("div", (place, factor))))


def _divisors(expr: Expr, *, below: bool) -> Iterator[int]:
    """The parts of an expression that divide it, by their ids."""
    if below:
        yield id(expr)
    for at, child in enumerate(children(expr)):
        divides = isinstance(expr, Call) and expr.function == "div" and at == 1
        yield from _divisors(child, below=below != divides)


def _operands(places: list[Call]) -> Iterator[Expr]:
    """Where a factor may be missing: at operands of products, and at terms of sums."""
    for place in places:
        if place.function in ("matmul", "outer", "dot", "add", "mul", "div", "transpose", "sum", "neg"):
            yield from place.args


def _candidates(engine: ArrayEngine, truth: Expr, inside: set[str]) -> Iterator[Expr]:
    seen: set[Expr] = {ONE}
    locals_of = (_local(engine, edge) for edge in engine.graph.edges if set(edge) <= inside)
    for expr in (truth, *(one for one in locals_of if one is not None)):
        for factor in _factors(expr):
            if factor not in seen:
                seen.add(factor)
                yield factor


def _local(engine: ArrayEngine, edge: tuple[str, str]) -> Expr | None:
    """The local derivative of an edge that acts entry by entry."""
    try:
        return engine.local(edge[1], edge[0]) if engine.shapes[edge[0]] == engine.shapes[edge[1]] else None
    except GradcheckError:
        return None


def _factors(expr: Expr) -> Iterator[Expr]:
    """The factors and divisors in an expression that act entry by entry."""
    for part in walk(expr):
        if isinstance(part, Call) and part.function in ("mul", "div"):
            for arg in part.args:
                bare = arg.args[0] if isinstance(arg, Call) and arg.function == "neg" else arg
                if not (isinstance(bare, Call) and bare.function in ("mul", "div", "matmul")) and bare != ONE:
                    yield bare
