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
from gradcheck_cli.verifying.model import CORRECT
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gradcheck_cli.solving.engine import Engine
    from gradcheck_cli.symbolic.evaluate import Value
    from gradcheck_cli.verifying.match import Matcher, Read, Truth

COMMON = frozenset({Fraction(0), Fraction(1), Fraction(2), Fraction(1, 2)})  # these stand in formulas by themselves
MOST_TRIED = 20
MOST_EDGES = 60


@dataclass(frozen=True, slots=True)
class Worth:
    """A number that is not zero, what has it as its value, and what to call that."""

    value: Fraction
    meaning: Expr
    label: str


def stands_for(matcher: Matcher, expr: Expr, truth: Truth, known: Iterable[Worth]) -> str:
    """How a formula with numbers in it is right: by a number that stands for what has it as its value; empty for none."""
    shown = {abs(part.value) for part in walk(expr) if isinstance(part, Num)} | set(_quotients(expr))
    if not shown or not names(expr) or not _same(matcher, expr, truth.value):
        return ""
    together, told = expr, dict[Fraction, str]()
    for one in islice((one for one in known if abs(one.value) in shown), MOST_TRIED):
        size, meaning = number(abs(one.value)), one.meaning if one.value > 0 else times(number(-1), one.meaning)
        text = f"{number_text(one.value, decimal=False)} stands for {one.label}"
        if matcher.formula(exchanged(expr, size, meaning), truth, None).verdict == CORRECT:
            return text
        if abs(one.value) not in told:
            together = exchanged(together, size, meaning)
            told[abs(one.value)] = text
    if len(told) > 1 and matcher.formula(together, truth, None).verdict == CORRECT:
        return ", ".join(told.values())
    return ""


def _quotients(expr: Expr) -> Iterator[Fraction]:
    """The fractions of whole numbers in an expression."""
    for part in walk(expr):
        match part:
            case Call(function="div", args=(Num() as top, Num() as bottom)) if bottom.value:
                yield abs(top.value / bottom.value)


def _same(matcher: Matcher, expr: Expr, value: Value) -> bool:
    """Whether an expression has this value at the given numbers."""
    if value is None or not matcher.has_values(expr):
        return False
    bounds, wanted = interval(matcher.engine.value(expr)), interval(value)
    return bounds is not None and wanted is not None and bounds[0] <= wanted[1] and wanted[0] <= bounds[1]


def derived(engine: Engine) -> Iterator[Worth]:
    """What nodes and derivatives are worth, where that is a number which hardly stands in a formula by chance."""
    found = [(Name(node.name), node.name) for node in engine.graph.nodes]
    for name, total in engine.backward.totals.items():
        found.append((total, f"d{engine.output}/d{name}"))
    for (source, target), local in islice(engine.local.items(), MOST_EDGES):
        found.append((local, f"d{target}/d{source}"))
    for meaning, label in found:
        value = engine.value(meaning)
        if isinstance(value, Fraction) and abs(value) not in COMMON and names(meaning):
            yield Worth(value, meaning, label)


def told(line: int, truth: Truth, reads: Iterable[Read], engine: Engine) -> Iterator[Worth]:
    """The exact numbers that a right claim ends with, for the formulas below it."""
    for read in reads:
        value = engine.value(read.expr) if read.expr is not None and read.numeric else None
        if isinstance(value, Fraction) and value and value == truth.value and names(truth.expr):
            yield Worth(value, truth.expr, f"{write(truth.ask)} (line {line})")
            return
