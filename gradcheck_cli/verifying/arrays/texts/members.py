"""Members of formulas about arrays, and what else would be right of them than what they are compared with.

A row or a column for a vector; in a loss with a one-hot y, a letter for the right class: `-log p_k`, `p_i - δ_ik`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli import shapes
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr, Index, Name, Num, mapped, names, number, substitute
from gradcheck_cli.grids import Grid
from gradcheck_cli.verifying.arrays.batches import AS_ROWS, has_rows, is_column_of
from gradcheck_cli.verifying.arrays.texts.differentials import ArrayDifferentials
from gradcheck_cli.verifying.gradients import DIFFERENTIAL, base_of, moved_expression
from gradcheck_cli.verifying.match import ArrayTruth, Read, Truth, left_open
from gradcheck_cli.verifying.model import CORRECT, UNDECIDED, UNREADABLE, WRONG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gradcheck_cli.shapes import Shape
    from gradcheck_cli.solving.array_engine import ArrayEngine
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.arrays.bench import ArrayBench
    from gradcheck_cli.verifying.model import Diagnosis
    from gradcheck_cli.verifying.texts.own import Own

MOST_CLASSES = 2  # letters that may be the right class
ASSUMED = "assumed"


class ArrayMembers:
    """Reads members of formulas of one text.

    `classes`  the letters that the text uses for the right class
    `case`     two index letters, while a formula is judged where they are the same or differ; `equal` is which
    """

    def __init__(self, bench: ArrayBench) -> None:
        self.engine = bench.engine
        self.matcher = bench.matcher
        self.differentials = ArrayDifferentials(bench.matcher)
        self.classes: list[str] = []
        self.case: tuple[str, str] | None = None
        self.equal = False

    def moved(self, read: Read, truth: Truth, own: Own, *, latex: bool) -> tuple[Diagnosis | None, str]:
        """What is wrong with a wrong differential, and what is right."""
        target = moved_expression(truth.ask) or Name(base_of(truth.ask) or "")
        source = read.member.source
        return (None, "") if source is None else self.differentials.told(source, target, own, latex=latex)

    def read(self, source: Source, truth: Truth, own: Own, *, latex: bool) -> Read:
        """One member, in names of the problem and of the student's own."""
        if truth.kind == DIFFERENTIAL:
            target = moved_expression(truth.ask) or Name(base_of(truth.ask) or "")
            read = self.differentials.member(source, target, own, latex=latex)
            entry = isinstance(truth.ask, Call) and isinstance(truth.ask.args[0], Index)
            return left_open(read, "differentials of entries are not compared") if entry else read
        read = self.matcher.member(source, truth, latex=latex, own=own)
        if read.member.verdict == CORRECT and not read.member.note and read.written and has_rows(read.written):
            return replace(read, member=replace(read.member, note=AS_ROWS))
        if read.member.verdict in (CORRECT, UNREADABLE) or read.expr is None:
            return read
        found = self.matcher.quiet(read.expr)
        turned = as_matrix(truth, self.matcher.quiet(truth.expr), found)
        if turned is not None and not (is_column_of(truth.ask) and found is not None and found[0] == shapes.ONE):
            again = self.matcher.member(source, turned, latex=latex, own=own)
            return again if again.member.verdict == CORRECT else read
        for letter, name, other in self.by_class(truth, read.expr):
            again = self.matcher.member(source, other, latex=latex, own=own)
            if again.member.verdict == CORRECT:
                bound = letter in dict(truth.array.letters if truth.array else ()) or letter in (self.case or ())
                self.classes += [letter] * (not bound and letter not in self.classes)
                return replace(again, member=replace(again.member, note=f"{letter} is the class of {name}"))
            if again.member.verdict == WRONG and read.member.verdict == UNDECIDED and letter in self.classes:
                return again
        return read

    def by_class(self, truth: Truth, found: Expr) -> Iterator[tuple[str, str, Truth]]:
        """What is right where a letter stands for the right class: the letter, the one-hot name, the truth."""
        self.matcher.begin(truth)
        known = {letter for letter, _ in truth.array.letters} if truth.array is not None else set()
        free = {*names(found)} - {*self.engine.shapes, *self.engine.letters} - known
        said = [letter for letter in (*self.classes, *(self.case or ())) if letter in known or letter in free]
        if self.case and not self.equal:  # what differs from the class is none
            said = [letter for letter in said if letter in self.classes or letter not in known]
        for letter in dict.fromkeys((*said, *sorted(free)[:MOST_CLASSES])):
            for name, hot in one_hot(self.engine, letter):
                expr = substitute(truth.expr, {name: hot})
                meant = with_class(truth, expr, letter, self.engine) if expr != truth.expr else None
                if meant is not None:
                    yield letter, name, meant
        apart = () if self.equal else tuple(letter for letter in self.case or () if letter not in self.classes)
        for letter in apart:  # where i is not the class, y_i is 0
            for name, _ in one_hot(self.engine, letter):
                expr = _without_entry(truth.expr, name, letter)
                if expr != truth.expr:
                    yield letter, name, replace(truth, expr=expr)

    def assumption(self, lefts: Iterable[Expr], members: list[Source]) -> Truth | None:
        """`y_k = 1`: k is the right class from here on; None for any other formula."""
        if len(members) != 1 or members[0].text.strip() != "1":
            return None
        hot = {name for name, _ in one_hot(self.engine, "k")}
        for left in lefts:
            if not isinstance(left, Index) or not isinstance(left.base, Name) or left.base.id not in hot:
                continue
            letters = [index.id for index in left.indices if isinstance(index, Name)]
            if len(letters) == 1:
                self.classes.append(letters[0])
                return Truth(left.base, number(1), None, ASSUMED)
        return None


def _without_entry(expr: Expr, name: str, letter: str) -> Expr:
    """An expression with the entry of a name at a letter as 0."""
    if isinstance(expr, Index) and expr.base == Name(name):
        at = [index for index in expr.indices if not isinstance(index, Num)]
        return number(0) if at == [Name(letter)] else expr
    return mapped(expr, lambda child: _without_entry(child, name, letter))


def as_matrix(truth: Truth, wanted: Shape | None, found: Shape | None) -> Truth | None:
    """What is true of a vector, as the row or column that an answer writes it as; None for any other answer."""
    if (
        wanted is None
        or found is None
        or len(wanted) != 1
        or found not in ((shapes.ONE, *wanted), (*wanted, shapes.ONE))
    ):
        return None
    array = truth.array
    if array is not None and array.number is not None:
        count = len(array.number.items)
        number = Grid((1, count) if found[0] == shapes.ONE else (count, 1), array.number.items)
        array = replace(array, number=number)
    expr = Call("reshape", (truth.expr, *(one.expr() for one in found)))
    return replace(truth, expr=expr, array=array)


def one_hot(engine: ArrayEngine, letter: str) -> Iterator[tuple[str, Expr]]:
    """Each one-hot vector of a problem, and the one that has its 1 at a letter's place."""
    for leaf in engine.graph.inputs:
        if leaf.kind == "onehot" and leaf.entries is None and sum(one != shapes.ONE for one in leaf.shape) == 1:
            size = next(one for one in leaf.shape if one != shapes.ONE).expr()
            row = Index(Call("eye", (size,)), (Name(letter),))
            yield (
                leaf.name,
                row if len(leaf.shape) == 1 else Call("reshape", (row, *(one.expr() for one in leaf.shape))),
            )


def with_class(truth: Truth, expr: Expr, letter: str, engine: ArrayEngine) -> Truth | None:
    """A truth in which a letter stands for the right class; of an array entry by entry. None where it does not fit."""
    array = truth.array or ArrayTruth(None, ())
    try:
        size = {**dict(array.letters), **engine.indices(expr)}[letter]
        runs = {**dict(array.letters), letter: size}
        whole = engine.shape_of(expr, runs)[len(runs) :]
    except (GradcheckError, KeyError):
        return None
    if whole:  # the free letters of an answer are its entries then
        at = [Name(f"({place})") for place in range(len(whole))]
        free = tuple((one.id, axis) for one, axis in zip(at, whole, strict=True) if axis != shapes.ONE)
        places = tuple(one if axis != shapes.ONE else number(0) for one, axis in zip(at, whole, strict=True))
        expr, array = Index(expr, places), replace(array, letters=(*array.letters, *free))
    if letter not in dict(array.letters):
        array = replace(array, letters=(*array.letters, (letter, size)))
    return replace(truth, expr=expr, array=replace(array, number=None))
