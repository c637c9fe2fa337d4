"""Conditions beside a formula: `w_2 if x_1 > 0` is right where it holds, on that branch of what has several."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Name
from gradcheck_cli.verifying.model import CORRECT, UNDECIDED, WRONG, Claim
from gradcheck_cli.verifying.typed import as_typed_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from fractions import Fraction

    from gradcheck_cli.expr import Expr
    from gradcheck_cli.parsing.document import Document, Formula
    from gradcheck_cli.source import Source
    from gradcheck_cli.verifying.texts.grader import Grader

MOST_BEFORE = 20  # formulas on one line
_ABOVE = {"gt": 1, "ge": 1, "lt": -1, "le": -1}


def by_line(document: Document) -> dict[tuple[int | None, int], list[Formula]]:
    """The conditions of a text, by cell and line."""
    found: dict[tuple[int | None, int], list[Formula]] = {}
    for one in document.conditions:
        found.setdefault((one.cell, one.line), []).append(one)
    return found


def conditions(
    document: Document, at: int, lines: Mapping[tuple[int | None, int], Sequence[Formula]]
) -> Iterator[Formula]:
    """The conditions that a formula stands under: behind it, at the beginning of its line, or on the line above alone."""
    if not lines:
        return
    formula = document.formulas[at]
    start, end = _place(formula.members[0]), _place(formula.members[-1])
    line, last = formula.line, formula.members[-1].line_column(None)[0]
    file = formula.members[0].whole(None)[0]
    begins = file.text.rfind("\n", 0, start) + 1
    near = document.formulas[max(0, at - MOST_BEFORE) : at + 2]
    others = [_place(other.members[0]) for other in near if other is not formula]
    for one in (one for where in sorted({line, last}) for one in lines.get((formula.cell, where), ())):
        place = _place(one.members[0])
        first = all(place < other for other in (start, *others) if other >= begins)
        if first or (place > end and not any(end < other < place for other in others)):
            yield one
    if not any(other.line == line - 1 for other in near[:-1] if other is not formula):
        yield from lines.get((formula.cell, line - 1), ())


def _place(source: Source) -> int:
    """Where a text begins in its file."""
    return source.whole(None)[1].start


def supposed(grader: Grader, claim: Claim, formula: Formula, cases: Iterable[Formula]) -> Claim:
    """A wrong claim judged where a condition beside it holds; as it is where that does not make it right."""
    if claim.verdict not in (WRONG, UNDECIDED):
        return claim
    last = grader.last
    for case in cases:
        if case.relation != "if" or not (values := _values(grader, case)):
            continue
        grader.matcher.supposed = values
        tried = grader.judged(formula)
        grader.matcher.supposed = {}
        if tried is not None and tried.verdict == CORRECT:
            grader.last = None
            return replace(tried, note=f"where {' '.join(case.members[0].text.split())}")
    grader.last = last
    return claim


def _values(grader: Grader, case: Formula) -> dict[str, Fraction]:
    """Values of names for which a condition holds; none where it is not of that kind."""
    try:
        found = grader.own.readings(case.members[0], latex=case.latex)[0]
    except GradcheckError:
        return {}
    if not isinstance(found, Call) or found.function not in _ABOVE:
        return {}
    first, second = found.args
    step = _ABOVE[found.function]
    if isinstance(first, Name):
        return _beyond(first, second, step)
    return _beyond(second, first, -step) if isinstance(second, Name) else {}


def _beyond(name: Name, border: Expr, step: int) -> dict[str, Fraction]:
    number = as_typed_number(border)
    return {} if number is None else {name.id: number.value + step}
