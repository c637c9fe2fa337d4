"""Given values of arrays in an answer: put in where a name could stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.expr import Call, Expr, Name, Num, functions, mapped, names, number, walk, with_children
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.symbolic.entries import entries
from gradcheck_cli.symbolic.evaluate import interval
from gradcheck_cli.verifying.match import Verdict
from gradcheck_cli.verifying.model import CORRECT, UNDECIDED, WRONG
from gradcheck_cli.verifying.typed import as_typed_number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from gradcheck_cli.grids import Grid
    from gradcheck_cli.problem import Problem
    from gradcheck_cli.symbolic.evaluate import Value


def literals_named(expr: Expr, data: Mapping[str, Grid]) -> Expr:
    """The expression with the name of an input for each array of numbers that is its value."""
    if "array" not in functions(expr):
        return expr
    if isinstance(expr, Call) and expr.function == "array" and not names(expr):
        name = _whose(expr, data)
        return expr if name is None else Name(name, expr.span)
    return mapped(expr, lambda child: literals_named(child, data))


def grid_of(expr: Expr, letters: frozenset[str] = frozenset()) -> Grid:
    """The entries of numbers as they were typed, without names; `letters` are sizes. Raises GradcheckError."""
    return entries(lower(expr, Shapes({}, letters)).expr, {}, {})


def _whose(expr: Expr, data: Mapping[str, Grid]) -> str | None:
    try:
        grid = grid_of(expr)
    except GradcheckError:
        return None
    literals = [as_typed_number(item) for item in grid.items]
    values = tuple(None if literal is None else literal.value for literal in literals)
    return next((name for name, one in data.items() if one.shape == grid.shape and one.items == values), None)


def sizes_named(expr: Expr, sizes: Mapping[str, int]) -> Expr:
    """The expression with the letter of a size for each whole number that is its value, but for exponents."""
    if isinstance(expr, Num):
        letter = next((letter for letter, size in sizes.items() if size == expr.value and size > 1), None)
        return expr if letter is None else Name(letter, expr.span)
    if isinstance(expr, Call) and expr.function == "pow":
        return with_children(expr, (sizes_named(expr.args[0], sizes), *expr.args[1:]))
    return mapped(expr, lambda child: sizes_named(child, sizes))


def put_in(problem: Problem, expr: Expr) -> dict[str, Expr]:
    """The numbers of the problem that an answer shows instead of their names."""
    if not problem.given:
        return {}
    shown = {abs(part.value) for part in walk(expr) if isinstance(part, Num)}
    written = set(names(expr))
    constants = {constant.name for constant in problem.graph.constants}
    return {
        name: number(value)
        for name, value in problem.given.items()
        if name not in written and (abs(value) in shown or name in constants)
    }


def shows_numbers(expr: Expr) -> bool:
    """Whether an array of numbers or a number with a point stands in an expression."""
    return "array" in functions(expr) or any(isinstance(part, Num) and "." in part.text for part in walk(expr))


def grids_equal(found: Grid, wanted: Grid, slack: Fraction | int = 0) -> bool:
    """Whether all entries may be the same, given how uncertain they are."""
    return all(meets(one, two, slack) for one, two in zip(found.items, wanted.items, strict=True))


def meets(one: Value, two: Value, slack: Fraction | int = 0) -> bool:
    """Whether two values may be the same."""
    if one is None or two is None:
        return False
    bounds, wanted = interval(one), interval(two)
    if bounds is None or wanted is None:
        return False
    margin = slack + max(abs(wanted[0]), abs(wanted[1])) / 10**12
    return bounds[0] - margin <= wanted[1] and wanted[0] <= bounds[1] + margin


def alike(left: Grid, right: Grid) -> bool:
    """Whether two grids differ in nothing but a first axis of one: a list for a row; or hold one number each."""
    if len(left.items) == len(right.items) == 1:
        return True
    return len(left.shape) == 1 and right.shape == (1, *left.shape)


def worst(judged: list[Verdict]) -> Verdict:
    """The verdict on all entries of an array."""
    for verdict in (WRONG, UNDECIDED):
        found = [one for one in judged if one.verdict == verdict]
        if found:
            return Verdict(verdict, found[0].note if len({one.note for one in found}) == 1 else "")
    return next((one for one in judged if one.note), Verdict(CORRECT))
