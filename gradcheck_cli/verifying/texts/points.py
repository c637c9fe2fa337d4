"""Functions at a point: `f'(2) = 12` is the derivative at x = 2, `f(-2, 5, -4) = -12` the value at these inputs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Name
from gradcheck_cli.judge import number_verdict
from gradcheck_cli.parsing.text import read_quietly
from gradcheck_cli.source import Span
from gradcheck_cli.verifying.model import CORRECT, UNREADABLE, Claim
from gradcheck_cli.verifying.texts.chains import text_of, undecided
from gradcheck_cli.verifying.typed import as_typed_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from fractions import Fraction

    from gradcheck_cli.expr import Num
    from gradcheck_cli.parsing.document import Formula
    from gradcheck_cli.parsing.names import Scope
    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.source import Source

MOST_LETTERS = 6
LONGEST = 200  # characters of a left side that is looked at
_CALLED = re.compile(
    r"(?P<name>\\?[A-Za-z]+(?:_(?:\w|\{\w+\}))?)\s*(?P<primes>(?:['’′]|\^\s*\{?\s*\\prime\s*\}?)*)\s*"
    r"(?:\\left\s*)?\((?P<point>[^()A-Za-z]*[0-9][^()A-Za-z]*)(?:\\right\s*)?\)"
)
_TAKEN = re.compile(r"(?P<head>.*[}\w])\s*(?:\\left\s*)?\((?P<point>[-+−0-9.,/\s]+)(?:\\right\s*)?\)", re.DOTALL)
_OF_NUMBER = re.compile(
    r"(?<![A-Za-z\\])(?P<name>\\?[A-Za-z]+(?:_(?:\w|\{\w+\}))?)\s*(?:\\left\s*)?\(\s*[-+−]?[0-9.]+\s*(?:\\right\s*)?\)"
)


def may_be_called(formula: Formula, scope: Scope, engine: Engine) -> bool:
    """Whether a node stands before a number in brackets, `f(2.001)`: a value at a point, or a product."""
    found = (match["name"] for member in formula.members for match in _OF_NUMBER.finditer(member.text))
    return any(engine.graph.ancestors.get(node_of(name, scope, latex=formula.latex) or "") for name in found)


def arguments(engine: Engine, scope: Scope, name: str) -> list[str]:
    """What a node or name is computed from, the nearest first."""
    known = node_of(name, scope, latex=True)
    if known is None:
        return []
    near = engine.graph.sources.get(known, ())
    above = scope.ancestors.get(known, frozenset())
    return [*near, *sorted(above - set(near))][:MOST_LETTERS]


def function_of(left: Source) -> str:
    """The name of the function that a left side takes at a point, as it is written; empty for any other."""
    called = _CALLED.fullmatch(left.text.strip()) if len(left.text) <= LONGEST else None
    return called["name"] if called else ""


def at_point(
    formula: Formula,
    ways: Iterable[tuple[Formula, dict[str, Fraction]]],
    judge: Callable[[Formula, dict[str, Fraction]], Claim | None],
) -> Claim | None:
    """A function at a point, judged in each of the ways in which it may be meant; None where there is none."""
    here: list[Claim] = []
    moved: list[Claim] = []
    for other, point in ways:
        claim = judge(other, point)
        if claim is None or claim.verdict == UNREADABLE:
            continue
        claim = replace(claim, text=text_of(formula))
        if claim.verdict == CORRECT:
            return claim
        (moved if point else here).append(claim)
    if here or not moved:
        return here[0] if here else None
    if not function_of(formula.members[0]):  # of a derivative it is said by what
        return moved[0]
    return undecided(moved[0], "it is not clear what is set to this value")


def at_points(
    formula: Formula, scope: Scope, engine: Engine, near: list[str]
) -> Iterator[tuple[Formula, dict[str, Fraction]]]:
    """The formula without its point, and the inputs that the point sets, in every way in which they may be meant.

    `near` are the names of what is differentiated by, or what a single value is of. Inputs that have that value anyway are
    not set.
    """
    left = formula.members[0]
    called = _CALLED.fullmatch(left.text.strip()) if len(left.text) <= LONGEST else None
    if called is None:
        yield from _of_derivative(formula, scope, engine)
        return
    name = node_of(called["name"], scope, latex=formula.latex)
    if name is None or not engine.graph.ancestors.get(name):
        return
    numbers = [
        _number(text, scope, latex=formula.latex)
        for text in re.split(r"(?<!\\)[;,](?=\s|\\|[-+−]?[0-9])", called["point"])
    ]
    values = [value for value in numbers if value is not None]
    above = engine.graph.ancestors[name]
    inputs = [leaf.name for leaf in engine.graph.inputs if leaf.name in above]
    if len(values) < len(numbers) or not (len(values) == len(inputs) or len(values) == 1):
        return
    ways = [(one,) for one in near] if len(values) == 1 else [tuple(inputs)]
    behind = left.text.rstrip().rindex("(")
    for way in ways:
        point = {one: value.value for one, value in zip(way, values, strict=True) if not _has(engine, one, value)}
        if all(one in inputs for one in point) and (called["primes"] == "" or len(way) == 1):
            argument = f"({way[0]})" if called["primes"] else ""
            changed = _called(left, behind, argument)
            yield replace(formula, members=(changed, *formula.members[1:])), point


def _of_derivative(formula: Formula, scope: Scope, engine: Engine) -> Iterator[tuple[Formula, dict[str, Fraction]]]:
    r"""`\frac{df}{dx}(2)`: the derivative where what it is by has that value."""
    left = formula.members[0]
    taken = _TAKEN.fullmatch(left.text.rstrip()) if len(left.text) <= LONGEST else None
    value = _number(taken["point"], scope, latex=formula.latex) if taken else None
    if taken is None or value is None:
        return
    head = left.slice(Span(0, taken.end("head")))
    match next(iter(read_quietly(head, scope, latex=formula.latex)), None):
        case Call(function="d", args=(Name(), Name() as by)):
            point = {} if _has(engine, by.id, value) else {by.id: value.value}
            if not point or by.id in {leaf.name for leaf in engine.graph.inputs}:
                yield replace(formula, members=(head, *formula.members[1:])), point


def _called(left: Source, behind: int, argument: str) -> Source:
    """A left side with another argument."""
    bare = left.slice(Span(0, behind))
    name = re.sub(r"\\left\s*$", "", bare.text)
    offsets = (*range(len(name)), *[behind] * len(argument), len(left.text))
    return left.part(name + argument, offsets)


def node_of(text: str, scope: Scope, *, latex: bool) -> str | None:
    """The name that a text is; None for anything else."""
    found = next(iter(read_quietly(text, scope, latex=latex)), None)
    return found.id if isinstance(found, Name) else None


def _number(text: str, scope: Scope, *, latex: bool) -> Num | None:
    found = next(iter(read_quietly(text, scope, latex=latex)), None)
    return None if found is None else as_typed_number(found)


def _has(engine: Engine, name: str, value: Num) -> bool:
    """Whether a name has this value, to the digits given."""
    known = engine.values.get(name)
    return known is not None and number_verdict(value, known) in ("right", "truncated")
