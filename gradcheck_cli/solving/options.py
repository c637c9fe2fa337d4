"""What a user says on the command line about a problem: other values, sizes, names of nodes."""

from __future__ import annotations

import re
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from gradcheck_cli.errors import ParseError, UnsupportedError
from gradcheck_cli.expr import Call, Expr, Num
from gradcheck_cli.grids import Grid, label
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse as parse_text
from gradcheck_cli.problem.fields import allows
from gradcheck_cli.problem.kinds import entry_misfit, misfit
from gradcheck_cli.problem.shaping import misfit_at
from gradcheck_cli.problem.sizes import MAX_SIZE, bind
from gradcheck_cli.problem.values import MAX_NUMBERS
from gradcheck_cli.shapes import at, text_of
from gradcheck_cli.solving.drawing import WHOLE, draw, draw_sizes
from gradcheck_cli.solving.indexing import choices, least_sizes
from gradcheck_cli.source import Source, visible
from gradcheck_cli.write.formula import Formula

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction

    from gradcheck_cli.graph import Graph, Input
    from gradcheck_cli.problem import Problem

_NO_NAMES, _ = scope({})
_ENTRIES = replace(_NO_NAMES, arrays=True)
Value = tuple["Fraction | Grid", bool]  # and whether it was typed with a point


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
    """The problem with the values of `NAME=VALUE` texts."""
    return with_numbers(problem, settings)


def with_numbers(
    problem: Problem, sets: Iterable[str] = (), dims: Iterable[str] = (), seed: int | None = None
) -> Problem:
    """The problem with the values of `NAME=VALUE` texts and the sizes of `LETTER=NUMBER` texts.

    With a `seed` everything that has no number still gets one: `Graph.dims` then holds a number for every letter.
    Raises ParseError for a text that makes no sense or does not fit, UnsupportedError where too much would be drawn.
    """
    graph = problem.graph
    leaves = {leaf.name: leaf for leaf in (*graph.inputs, *graph.constants)}
    values = dict(_setting(problem, leaves, text) for text in sets)
    numbers = _sizes(graph, leaves, values, dict(_size(problem, part) for text in dims for part in _parts(text)))
    changed = {name: _with(leaves[name], value) for name, value in values.items()}
    if seed is not None:
        numbers = draw_sizes(graph, numbers, least_sizes(graph, {**leaves, **changed}))
    wrong = misfit_at(graph, numbers)
    if wrong:
        message = f"--dims: {wrong}"
        raise ParseError(message, hint="choose other sizes")
    if seed is not None:
        changed |= _drawn(graph, {**leaves, **changed}, numbers, seed)
    sized = replace(graph, dims=tuple((letter, numbers.get(letter)) for letter, _ in graph.dims))
    return _with_leaves(replace(problem, graph=sized), changed)


def with_values(problem: Problem, values: Mapping[str, Fraction]) -> Problem:
    """The problem with other numbers, shown as decimals."""
    leaves = (*problem.graph.inputs, *problem.graph.constants)
    given = ((leaf, values[leaf.name]) for leaf in leaves if leaf.name in values)
    return _with_leaves(problem, {leaf.name: replace(leaf, value=value, decimal=True) for leaf, value in given})


def _with_leaves(problem: Problem, changed: Mapping[str, Input]) -> Problem:
    """The problem with other inputs and constants by name."""
    inputs, constants = (
        tuple(changed.get(leaf.name, leaf) for leaf in leaves)
        for leaves in (problem.graph.inputs, problem.graph.constants)
    )
    return replace(problem, graph=replace(problem.graph, inputs=inputs, constants=constants))


# -- values


def _setting(problem: Problem, leaves: Mapping[str, Input], setting: str) -> tuple[str, Value]:
    """`NAME=VALUE`: the leaf's name and its value, which is of the leaf's kind."""
    name, mark, text = setting.partition("=")
    if not mark or not text.strip():
        message = f'--set: "{visible(setting)}" gives no value'
        raise ParseError(message, hint="write --set x0=3")
    leaf = leaves[_leaf(problem, leaves, name)]
    if not leaf.shape:
        value, decimal = _number(leaf, text)
        if not allows(leaf.kind, value):
            message = f"--set: {leaf.name} = {visible(text)} is not {leaf.kind}"
            raise ParseError(message, hint="set another value")
        return leaf.name, (value, decimal)
    values = _entries(leaf, text)
    place = entry_misfit(leaf.kind, values) if len(values.shape) == len(leaf.shape) else None
    if place is not None:
        message = f"--set: {label(leaf.name, place)} makes {leaf.name} not {leaf.kind}"
        raise ParseError(message, hint="set another value")
    return leaf.name, (values, _point(text))


def _leaf(problem: Problem, leaves: Mapping[str, Input], name: str) -> str:
    found = problem.scope.name(name.strip())
    if found in leaves:
        return str(found)
    if found is not None and found in dict(problem.graph.dims):
        message = f"--set: {found} is a size"
        raise ParseError(message, hint=f"write --dims {found}=3")
    if found is not None:
        message = f"--set: {found} is computed, not given"
        raise UnsupportedError(message, hint=f"set one of its inputs: {', '.join(sorted(leaves))}")
    near = [near for near in problem.scope.suggestions(name.strip()) if near in leaves]
    hint = f"did you mean {' or '.join(near)}?" if near else f"its inputs are {', '.join(sorted(leaves))}"
    message = f'--set: "{visible(name)}" is no input of {problem.name}'
    raise ParseError(message, hint=hint)


def _number(leaf: Input, text: str) -> tuple[Fraction, bool]:
    """A number, a negative one or a fraction; and whether it has a point."""
    try:
        value = _value(parse_text(Source("--set", text), _NO_NAMES))
    except ParseError:
        value = None
    if value is None:
        message = f'--set {leaf.name}: "{visible(text, 60)}" is no number'
        raise ParseError(message, hint="write a number such as 3, -0.5 or 1/3")
    return value, _point(text)


def _point(text: str) -> bool:
    return "." in text or "e" in text.lower()


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


def _entries(leaf: Input, text: str) -> Grid:
    """Nested lists of numbers."""
    source = Source(f"--set {leaf.name}", text)
    rows: list[Expr] = [parse_text(source, _ENTRIES)]
    shape: list[int] = []
    hint = f"{leaf.name} has shape {text_of(leaf.shape)}: write {leaf.name}=" + (
        "[[1, 2], [3, 4]], say" if len(leaf.shape) == 2 else "[1, 2, 3], say"
    )
    while isinstance(rows[0], Call) and rows[0].function == "array":
        count = len(rows[0].args)
        wrong = next((row for row in rows if not _is_array(row, count)), None)
        if wrong is not None:
            message = f"the rows of {leaf.name} have not equally many entries"
            raise ParseError(message, hint=hint, source=source, span=wrong.span)
        shape.append(count)
        rows = [arg for row in rows if isinstance(row, Call) for arg in row.args]
    values = []
    for row in rows:
        value = _value(row)
        if value is None or not shape:
            message = f'"{visible(text[row.span.start : row.span.end], 60)}" is no '
            message += "list of numbers" if not shape else "number"
            raise ParseError(message, hint=hint, source=source, span=row.span)
        values.append(value)
    return Grid(tuple(shape), tuple(values))


def _is_array(row: Expr, count: int) -> bool:
    return isinstance(row, Call) and row.function == "array" and len(row.args) == count


def _with(leaf: Input, value: Value) -> Input:
    """The leaf with a value; ParseError where an array as a whole is not of its kind."""
    given, decimal = value
    if not isinstance(given, Grid):
        return replace(leaf, value=given, decimal=decimal)
    wrong = misfit(leaf.kind, given, leaf.axis)
    if wrong:
        message = f"--set: {leaf.name} {wrong}"
        raise ParseError(message, hint="set another value")
    return replace(leaf, entries=given, decimal=decimal)


# -- sizes


def _parts(text: str) -> list[str]:
    return [part for part in text.split(",") if part.strip()] or [text]


def _size(problem: Problem, part: str) -> tuple[str, int]:
    """`LETTER=NUMBER`."""
    letter, mark, text = (piece.strip() for piece in part.partition("="))
    letters = dict(problem.graph.dims)
    if not mark or not re.fullmatch(r"[0-9]{1,8}", text) or not 1 <= int(text) <= MAX_SIZE:
        message = f'--dims: "{visible(part.strip())}" gives no size'
        raise ParseError(message, hint=f"write --dims {next(iter(letters), 'm')}=3")
    if letter not in letters:
        hint = f"its letters are {', '.join(letters)}" if letters else "none of its sizes is a letter"
        message = f'--dims: "{visible(letter)}" is no size of {problem.name}'
        raise ParseError(message, hint=hint)
    return letter, int(text)


def _sizes(
    graph: Graph, leaves: Mapping[str, Input], values: Mapping[str, Value], wanted: Mapping[str, int]
) -> dict[str, int]:
    """The numbers of letters: by the options, by data; what replaced data said about sizes no longer counts."""
    kept = {name: leaf.entries for name, leaf in leaves.items() if leaf.entries is not None and name not in values}
    data = kept | {name: value for name, (value, _) in values.items() if isinstance(value, Grid)}
    held = {letter for name in kept for one in leaves[name].shape for letter in one.letters}
    freed = {letter for name in values for one in leaves[name].shape for letter in one.letters if leaves[name].entries}
    numbers = {letter: count for letter, count in graph.dims if count is not None and letter not in freed - held}
    numbers.update(wanted)
    for name, entries in data.items():
        wrong = bind(leaves[name].shape, entries.shape, numbers)
        if wrong:
            message = f"{'--set' if name in values else '--dims'}: {name} has {wrong}"
            raise ParseError(message, hint="the sizes have to fit")
    return numbers


def _drawn(graph: Graph, leaves: Mapping[str, Input], numbers: Mapping[str, int], seed: int) -> dict[str, Input]:
    """The leaves that have no value, with one."""
    missing = {name: leaf for name, leaf in leaves.items() if leaf.value is None and leaf.entries is None}
    shapes = {name: at(graph.shapes.get(name, ()), numbers) for name in missing}
    total = sum(prod(shape) for shape in shapes.values())
    if total > MAX_NUMBERS:
        message = f"--seed: {total:,} numbers are missing, and at most {MAX_NUMBERS:,} are drawn"
        raise UnsupportedError(message, hint="give smaller sizes with --dims" if numbers else "make the arrays smaller")
    found, places = {}, choices(graph, numbers)
    for name, leaf in missing.items():
        values = draw(leaf, shapes[name], seed, places[name][1] if name in places else 0)
        decimal = leaf.kind not in WHOLE and name not in places
        if shapes[name]:
            found[name] = replace(leaf, entries=values, decimal=decimal)
        else:
            found[name] = replace(leaf, value=values.items[0], decimal=decimal)
    return found
