"""What a user says on the command line about a problem: other values, names of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcheck_cli.errors import ParseError, UnsupportedError
from gradcheck_cli.expr import Call, Expr, Num
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse as parse_text
from gradcheck_cli.problem.fields import allows
from gradcheck_cli.solving.solver import with_values
from gradcheck_cli.source import Source, visible
from gradcheck_cli.write.formula import Formula

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction

    from gradcheck_cli.problem import Problem

_NO_NAMES, _ = scope({})


def parse(text: str, problem: Problem) -> Formula:
    """An expression in the names of a problem; ParseError, with the place, where it is none."""
    return Formula(parse_text(Source("formula", text), problem.scope), problem.latex)


def known(problem: Problem, name: str, option: str) -> str:
    """A name of the graph, by any of its spellings; ParseError with the nearest names where it is none."""
    found = problem.scope.name(name)
    if found is not None and found in problem.graph.by_name:
        return found
    near = [near for near in problem.scope.suggestions(name) if near in problem.graph.by_name]
    hint = f"did you mean {' or '.join(near)}?" if near else f"its names are {', '.join(problem.graph.by_name)}"
    message = f'{option}: "{visible(name)}" is no input or node of {problem.name}'
    raise ParseError(message, hint=hint)


def assigned(problem: Problem, settings: Iterable[str]) -> Problem:
    """The problem with the values of `NAME=NUMBER` texts."""
    values: dict[str, tuple[Fraction, bool]] = {}
    leaves = {leaf.name for leaf in (*problem.graph.inputs, *problem.graph.constants)}
    for setting in settings:
        name, mark, text = setting.partition("=")
        if not mark or not text.strip():
            message = f'--set: "{visible(setting)}" gives no value'
            raise ParseError(message, hint="write --set x0=3")
        found = problem.scope.name(name.strip())
        if found is not None and found not in leaves:
            message = f"--set: {found} is computed, not given"
            raise UnsupportedError(message, hint=f"set one of its inputs: {', '.join(sorted(leaves))}")
        if found is None:
            near = [near for near in problem.scope.suggestions(name.strip()) if near in leaves]
            hint = f"did you mean {' or '.join(near)}?" if near else f"its inputs are {', '.join(sorted(leaves))}"
            message = f'--set: "{visible(name)}" is no input of {problem.name}'
            raise ParseError(message, hint=hint)
        values[found] = _number(text)
        kind = next(leaf.kind for leaf in (*problem.graph.inputs, *problem.graph.constants) if leaf.name == found)
        if not allows(kind, values[found][0]):
            message = f"--set: {found} = {visible(text)} is not {kind}"
            raise ParseError(message, hint="set another value")
    return with_values(problem, values)


def _number(text: str) -> tuple[Fraction, bool]:
    """A number, a negative one or a fraction; and whether it has a point."""
    source = Source("--set", text)
    expr = parse_text(source, _NO_NAMES)
    value = _value(expr)
    if value is None:
        message = f'--set: "{visible(text)}" is no number'
        raise ParseError(message, hint="write a number such as 3, -0.5 or 1/3", source=source, span=expr.span)
    return value, "." in text or "e" in text.lower()


def _value(expr: Expr) -> Fraction | None:
    match expr:
        case Num():
            return expr.value
        case Call(function="neg", args=(inner,)):
            value = _value(inner)
            return None if value is None else -value
        case Call(function="div", args=(Num() as top, Num() as bottom)) if bottom.value:
            return top.value / bottom.value
    return None
