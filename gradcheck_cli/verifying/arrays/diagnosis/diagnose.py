"""Which mistake a wrong answer about arrays is: looked up among those that the graph and the answer itself allow.

A candidate is accepted when it equals what was written for all sizes and inputs, or gives the numbers written.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Index, Name, has_letters, names, substitute, walk
from gradcheck_cli.verifying.arrays.compare import compare
from gradcheck_cli.verifying.arrays.diagnosis.counts import count_mistakes
from gradcheck_cli.verifying.arrays.diagnosis.edits import edits, reshapings
from gradcheck_cli.verifying.arrays.diagnosis.glance import begin, looks
from gradcheck_cli.verifying.arrays.diagnosis.pairs import pair
from gradcheck_cli.verifying.arrays.diagnosis.singles import (
    exact_mistake,
    in_numbers,
    many,
    names_inside,
    numbers_in,
    single_mistakes,
)
from gradcheck_cli.verifying.arrays.diagnosis.slips import slips
from gradcheck_cli.verifying.arrays.letters import aligned, free_letters
from gradcheck_cli.verifying.arrays.reading import product_readings
from gradcheck_cli.verifying.arrays.shapes import read_shape
from gradcheck_cli.verifying.model import CORRECT, UNDECIDED, Diagnosis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.shapes import Size
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.verifying.arrays.match import ArrayMatcher
    from gradcheck_cli.verifying.match import Read, Truth

_MOST_READINGS = 2
MOST_CHANGES = 240
_SHAPES = re.compile(r"the shapes are (\(.*\)) and (\(.*\))")


def diagnose(engine: ArrayEngine, matcher: ArrayMatcher, truth: Truth, read: Read) -> Diagnosis | None:
    """The mistake behind a wrong member, or None where nothing fits."""
    if read.member.note == "rounding":
        return Diagnosis("rounding", "nearly right: the last digit is neither rounded nor cut off correctly")
    if truth.kind == "shape":
        return _of_shape(engine, truth, read)
    if read.expr is None or truth.kind == "relation":
        return None
    if truth.kind == "count":
        return _of_count(engine, truth, read.expr)
    begin(matcher.space)
    if not names(read.expr):
        return _of_numbers(engine, matcher, truth, read.expr)
    meant, fitting = likely(forms(engine, matcher, read), matcher, truth)
    for expr in meant:
        found = _of_expression(engine, matcher, truth, expr)
        if found is not None:
            return found
    return _pair(matcher, truth, read) or (None if fitting else _misfit(engine, read))


def forms(engine: ArrayEngine, matcher: ArrayMatcher, read: Read) -> list[Expr]:
    """The answer as it was judged, and with its products as products of matrices."""
    found = [read.expr] if read.expr is not None else []
    if read.written is None or read.member.source is None:
        return found
    latex = "\\" in read.member.source.text
    for other in product_readings(read.written, read.member.source, matcher.quiet, latex=latex):
        if len(found) > _MOST_READINGS:
            break
        found.append(engine.resolve(other))
    return found


def likely(found: Sequence[Expr], matcher: ArrayMatcher, truth: Truth) -> tuple[list[Expr], bool]:
    """The readings that a reader will have meant, those of the right shape first; and whether there is one of that shape.

    Where one has the right shape, none whose operands do not fit was meant.
    """
    known = [(form, matcher.quiet(form)) for form in found]
    wanted = matcher.quiet(truth.expr)
    right = [form for form, shape in known if shape == wanted]
    others = [form for form, shape in known if shape != wanted and not (right and shape is None)]
    return [*right, *others], bool(right)


def _of_expression(engine: ArrayEngine, matcher: ArrayMatcher, truth: Truth, expr: Expr) -> Diagnosis | None:
    shape, wanted = matcher.quiet(expr), engine.shape_of(truth.expr)
    typed = any(map(matcher.may_be_rounded, walk(expr)))
    trusting = not typed and _far(matcher, truth, expr)
    if shape not in (None, wanted):
        for edit in reshapings(expr, shape, wanted):
            if is_right(matcher, truth, edit.expr, typed=typed, trusting=trusting):
                return Diagnosis(edit.code, edit.message)
    for mistake in single_mistakes(engine, matcher, truth):
        if equals(matcher, truth, expr, mistake.expr, trusting=trusting):
            return Diagnosis(mistake.code, mistake.message)
    diagonal = _diagonal(matcher, truth, expr)
    if diagonal is not None:
        return diagonal
    inside = names_inside(engine, truth)
    changes = chain(edits(engine, expr, inside), slips(engine, expr, truth.expr, inside))
    for edit in islice(changes, MOST_CHANGES):
        if is_right(matcher, truth, edit.expr, typed=typed, trusting=trusting):
            return Diagnosis(edit.code, edit.message)
    return None


def is_right(matcher: ArrayMatcher, truth: Truth, expr: Expr, *, typed: bool, trusting: bool = False) -> bool:
    """Whether a changed answer is right; what is far off at a point is compared no further, but for numbers as typed.

    `trusting`, what has a right answer's values at all points is right.
    """
    look = looks(matcher.space)
    if look.exhausted or (not typed and _far(matcher, truth, expr)):
        return False
    if trusting and any(look.alike(expr, form, letters) for expr, form, letters in _forms(matcher, truth, expr)):
        return True
    verdict = matcher.guarded(expr, truth, None, expr).verdict
    look.count(undecided=verdict == UNDECIDED)
    return verdict == CORRECT


def _far(matcher: ArrayMatcher, truth: Truth, expr: Expr) -> bool:
    """Whether an expression is seen to be none of the right ones."""
    look = looks(matcher.space)
    return all(look.differ(left, right, letters) for left, right, letters in _forms(matcher, truth, expr))


def _forms(matcher: ArrayMatcher, truth: Truth, expr: Expr) -> list[tuple[Expr, Expr, dict[str, Size]]]:
    """An expression beside each right one, with how far their index letters run; nothing where operands do not fit."""
    others = truth.array.others if truth.array else ()
    lettered = bool(truth.array and truth.array.letters) or any(one.letters for one in others)
    if not lettered and not has_letters(expr):
        return [(expr, form, {}) for form in (truth.expr, *(one.expr for one in others))]
    try:
        pairs = [pair for form in matcher.accepted(truth, expr) for pair in aligned(matcher.engine, expr, form)]
    except GradcheckError:
        return []
    return [(left, right, dict(letters)) for left, right, letters in pairs]


def _pair(matcher: ArrayMatcher, truth: Truth, read: Read) -> Diagnosis | None:
    """Two mistakes at once, where no single one fits and one pair alone does."""
    if read.expr is None or (truth.array and truth.array.letters) or truth.kind != "derivative":
        return None
    trusting = _far(matcher, truth, read.expr)
    return pair(matcher, truth, read.expr, lambda left, right: equals(matcher, truth, left, right, trusting=trusting))


def equals(matcher: ArrayMatcher, truth: Truth, expr: Expr, candidate: Expr, *, trusting: bool = False) -> bool:
    """Whether the answer is what a mistake gives; `trusting`, whether it has these values at all points."""
    look = looks(matcher.space)
    plain = not (truth.array and truth.array.letters) and not isinstance(truth.ask, Index)
    if plain and not has_letters(expr) and not has_letters(candidate) and look.differ(expr, candidate, {}):
        return False
    try:
        free = free_letters(matcher.engine, candidate)
        if truth.array and truth.array.letters and free:
            return look.equal(candidate, expr, dict(truth.array.letters), trusting=trusting)
        for left, right, letters in aligned(matcher.engine, expr, _plain(truth, candidate)):
            return look.equal(right, left, dict(letters), trusting=trusting)
    except GradcheckError:
        return False
    return False


def _plain(truth: Truth, candidate: Expr) -> Truth:
    """A whole array in the place of the truth, whose entries were asked for."""
    ask = truth.ask
    letters = truth.array.letters if truth.array else ()
    if isinstance(ask, Index) and letters:
        candidate = Index(candidate, ask.indices)
        return replace(truth, expr=candidate)
    return replace(truth, expr=candidate, array=None)


def _diagonal(matcher: ArrayMatcher, truth: Truth, expr: Expr) -> Diagnosis | None:
    """Only the diagonal of a Jacobian: the case i = j for all entries."""
    forms = [(truth.expr, truth.array.letters)] if truth.array and len(truth.array.letters) == 2 else []
    forms += [
        (form.expr, form.letters) for form in (truth.array.others if truth.array else ()) if len(form.letters) == 2
    ]
    for entry, ((first, size), (second, _)) in forms:
        same = substitute(entry, {second: Name(first)})
        answer = expr
        try:
            free = free_letters(matcher.engine, expr)
            if not free and len(matcher.engine.shape_of(expr)) == 1:
                answer = Index(expr, (Name(first),))
            elif len(free) == 1:
                answer = substitute(expr, {next(iter(free)): Name(first)})
            elif not free:
                answer = Index(expr, (Name(first), Name(first)))
            found = compare(matcher.space, answer, same, {first: size}, lenient=False)
        except GradcheckError:
            continue
        if found.kind == "equal":
            message = f"this is the case {first} = {second} only: the Jacobian has entries off its diagonal too"
            return Diagnosis("wrong-local", message)
    return None


def _misfit(engine: ArrayEngine, read: Read) -> Diagnosis | None:
    """Operands that do not fit, where nothing else explains the answer."""
    if read.expr is None:
        return None
    try:
        engine.shape_of(engine.resolve(read.expr))
    except GradcheckError as error:
        return Diagnosis("shape", error.message)
    shapes_of = _SHAPES.fullmatch(read.member.note)
    return Diagnosis("shape", f"its shape is {shapes_of[1]} and should be {shapes_of[2]}") if shapes_of else None


def _of_numbers(engine: ArrayEngine, matcher: ArrayMatcher, truth: Truth, expr: Expr) -> Diagnosis | None:
    """Numbers: those of a mistake, or the right ones transposed."""
    if truth.array is None or truth.array.number is None:
        return None
    shape = engine.shape_of(expr)
    wanted = tuple(shapes.size(one) for one in truth.array.number.shape)
    for edit in reshapings(expr, shape, wanted) if shape != wanted else ():
        if is_right(matcher, truth, edit.expr, typed=True):
            return Diagnosis(edit.code, edit.message)
    exact = exact_mistake(engine, matcher, truth, expr)
    if exact is not None:
        return Diagnosis(exact.code, exact.message)
    for mistake, value in in_numbers(engine, matcher, truth, expr):
        if matcher.gives(expr, truth, value):
            return Diagnosis(mistake.code, mistake.message)
    two = _pair_of_numbers(matcher, truth, expr)
    if two is not None:
        return two
    return Diagnosis("shape", read_note) if (read_note := _shapes_differ(shape, wanted)) else None


def _pair_of_numbers(matcher: ArrayMatcher, truth: Truth, expr: Expr) -> Diagnosis | None:
    """Two mistakes that give the numbers written; few numbers are no evidence."""
    if truth.kind != "derivative" or not many(numbers_in(expr)):
        return None

    def same(written: Expr, mistake: Expr) -> bool:
        try:
            value = matcher.engine.value(mistake)
        except GradcheckError:
            return False
        return value is not None and matcher.gives(written, truth, value)

    return pair(matcher, truth, expr, same)


def _shapes_differ(shape: shapes.Shape, wanted: shapes.Shape) -> str:
    single = shapes.count(shape) == shapes.count(wanted) == shapes.ONE
    told = f"its shape is {shapes.text_of(shape)} and should be {shapes.text_of(wanted)}"
    return "" if single or shape == wanted else told


def _of_count(engine: ArrayEngine, truth: Truth, expr: Expr) -> Diagnosis | None:
    sizes = engine.numbers.sizes
    found = shapes.size_of(expr, engine.letters)
    for message, wrong in count_mistakes(engine, truth.ask):
        if found is not None and found.partly(sizes) == wrong.partly(sizes):
            return Diagnosis("count", message)
    return None


def _of_shape(engine: ArrayEngine, truth: Truth, read: Read) -> Diagnosis | None:
    """Sizes in another order, or others."""
    wanted = truth.array.shape if truth.array else ()
    source = read.member.source
    if source is None:
        return None
    try:
        found = read_shape(engine, source, latex="\\" in source.text)
    except GradcheckError:
        return Diagnosis("shape", f"the shape is {shapes.text_of(wanted)}")
    order = f"the shape is {shapes.text_of(wanted)}, rows before columns"
    if len(found) > 1 and sorted(map(str, found)) == sorted(map(str, wanted)):
        return Diagnosis("transpose", f"the sizes are right, their order is not: {order}")
    numbers = engine.numbers.sizes
    if len(found) > 1 and sorted(str(one.partly(numbers)) for one in found) == sorted(
        str(one.partly(numbers)) for one in wanted
    ):
        return Diagnosis("transpose", f"the sizes are right, their order is not: {order}")
    axes = {0: "no axis", 1: "one axis"}.get(len(wanted), f"{len(wanted)} axes")
    if len(found) != len(wanted):
        return Diagnosis("shape", f"it has {axes}: the shape is {shapes.text_of(wanted)}")
    return Diagnosis("shape", f"the shape is {shapes.text_of(wanted)}")
