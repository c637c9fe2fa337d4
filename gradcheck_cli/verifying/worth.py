"""Numbers that stand for what the graph gives: the 17 in `17/y`, where df/da is 17 at the given values."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Name, Num, exchanged, names, number, walk
from gradcheck_cli.solving.numbers import number_text
from gradcheck_cli.symbolic.build import times
from gradcheck_cli.symbolic.evaluate import interval
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.symbolic.evaluate import Value

COMMON = frozenset({Fraction(0), Fraction(1), Fraction(2), Fraction(1, 2)})  # these stand in formulas by themselves
MOST_TRIED = 20
MOST_EDGES = 60


@dataclass(frozen=True, slots=True)
class Worth:
    """A number that is not zero, what has it as its value, and what to call that."""

    value: Fraction
    meaning: Expr
    label: str


def stands_for(engine: Engine, expr: Expr, value: Value, known: Iterable[Worth], right: Callable[[Expr], bool]) -> str:
    """How a formula of this value is `right`: by numbers in it that stand for what has them as its value; empty for none."""
    shown = {abs(part.value) for part in walk(expr) if isinstance(part, Num)} | set(_quotients(expr))
    if not shown or not names(expr) or not _same(engine, expr, value):
        return ""
    together = expr
    told: dict[Fraction, str] = {}
    for one in islice((one for one in known if abs(one.value) in shown), MOST_TRIED):
        size, meaning = number(abs(one.value)), one.meaning if one.value > 0 else times(number(-1), one.meaning)
        text = f"{number_text(one.value, decimal=False)} stands for {one.label}"
        if right(exchanged(expr, size, meaning)):
            return text
        if abs(one.value) not in told:
            together = exchanged(together, size, meaning)
            told[abs(one.value)] = text
    return ", ".join(told.values()) if len(told) > 1 and right(together) else ""


def _quotients(expr: Expr) -> Iterator[Fraction]:
    """The fractions of whole numbers in an expression."""
    for part in walk(expr):
        match part:
            case Call(function="div", args=(Num() as top, Num() as bottom)) if bottom.value:
                yield abs(top.value / bottom.value)


def _same(engine: Engine, expr: Expr, value: Value) -> bool:
    """Whether an expression has this value at the given numbers."""
    if value is None or any(engine.values.get(name) is None for name in names(expr)):
        return False
    bounds, wanted = interval(engine.value(expr)), interval(value)
    return bounds is not None and wanted is not None and bounds[0] <= wanted[1] and wanted[0] <= bounds[1]


def derived(engine: Engine) -> Iterator[Worth]:
    """What nodes and derivatives are worth, where that is a number which hardly stands in a formula by chance."""
    found: list[tuple[Expr, str]] = [(Name(node.name), node.name) for node in engine.graph.nodes]
    for name, total in engine.backward.totals.items():
        found.append((total, f"d{engine.output}/d{name}"))
    for (source, target), local in islice(engine.local.items(), MOST_EDGES):
        found.append((local, f"d{target}/d{source}"))
    for meaning, label in found:
        value = engine.value(meaning)
        if isinstance(value, Fraction) and abs(value) not in COMMON and names(meaning):
            yield Worth(value, meaning, label)


def told(line: int, ask: Expr, meaning: Expr, value: Value) -> Iterator[Worth]:
    """The exact number of a right claim, for the formulas below it."""
    if isinstance(value, Fraction) and value and names(meaning):
        yield Worth(value, meaning, f"{write(ask)} (line {line})")
