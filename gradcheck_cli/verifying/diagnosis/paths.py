"""Mistakes about one path, one term or one number of a derivative: its sign, a path left out, a constant that is lost."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from gradcheck_cli.expr import Call, Expr, Num, number, walk
from gradcheck_cli.solving.numbers import number_text
from gradcheck_cli.symbolic.build import plus, times
from gradcheck_cli.symbolic.derive import derive
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcheck_cli.solving.engine import Engine

MOST_PATHS = 12
MOST_NUMBERS = 6
Row = tuple[str, str, Expr]  # a code, a sentence, and what would have been written


def of_paths(engine: Engine, target: str, source: str, total: Expr) -> Iterator[Row]:
    """Where there are several paths: one with the other sign, or left out."""
    paths = engine.graph.paths(target, source, MOST_PATHS + 1)
    if not 1 < len(paths) <= MOST_PATHS:
        return
    shares = [(" → ".join(path), _share(engine, path)) for path in paths]
    for shown, share in shares:
        yield "sign", f"the sign of the path {shown} is turned around", plus(total, times(number(-2), share))
    for shown, share in shares:
        yield "missing-path", f"the path {shown} is missing", plus(total, times(number(-1), share))


def _share(engine: Engine, path: tuple[str, ...]) -> Expr:
    """What one path adds to the derivative."""
    return times(*(engine.local[start, end] for end, start in pairwise(path)))


def of_terms(engine: Engine, target: str, source: str) -> Iterator[Row]:
    """Where the derivative of one node is a sum: a term of it with the other sign, or left out."""
    inside = set(engine.graph.between(target, source))
    for (start, end), local in engine.local.items():
        if {start, end} <= inside and isinstance(local, Call) and local.function == "add":
            yield from _terms(engine, (target, source), (start, end), local)


def _terms(engine: Engine, ends: tuple[str, str], edge: tuple[str, str], local: Call) -> Iterator[Row]:
    whole = f"d{edge[1]}/d{edge[0]} = {write(local)}"
    for term in local.args:
        turned = plus(local, times(number(-2), term))
        message = f"the sign of the term {write(term)} is turned around: {whole}"
        yield "sign", message, with_local(engine, *ends, edge, turned)
    for term in local.args:
        rest = plus(local, times(number(-1), term))
        yield "missing-path", f"the term {write(term)} is missing: {whole}", with_local(engine, *ends, edge, rest)


def of_products(engine: Engine, target: str, source: str) -> Iterator[Row]:
    """Where the derivative of one node is a product of several names: one of them left out."""
    inside = set(engine.graph.between(target, source))
    for (start, end), local in engine.local.items():
        if {start, end} <= inside and isinstance(local, Call) and local.function == "mul":
            whole = f"d{end}/d{start} = {write(local)}"
            for at, factor in enumerate(local.args):
                rest = times(*(other for place, other in enumerate(local.args) if place != at))
                message = f"the factor {write(factor)} is missing: {whole}"
                yield "missing-factor", message, with_local(engine, target, source, (start, end), rest)


def with_local(engine: Engine, target: str, source: str, edge: tuple[str, str], local: Expr) -> Expr:
    """The total derivative, had the local derivative on one edge been another."""
    return derive(engine.graph, {**engine.local, edge: local}, target).totals[source]


def constants(engine: Engine, target: str, source: str, total: Expr) -> Iterator[Row]:
    """A factor 2, or a number of the graph, too much or too little: the 1/3 of a mean."""
    yield "constant", "twice what is right", times(number(2), total)
    yield "constant", "half of what is right: a factor 2 is missing", times(number(Fraction(1, 2)), total)
    inside = set(engine.graph.between(target, source))
    nodes = (node for node in engine.graph.nodes if node.name in inside)
    found = dict.fromkeys(abs(part.value) for node in nodes for part in walk(node.expr) if isinstance(part, Num))
    for value in [value for value in found if value not in (0, 1, 2)][:MOST_NUMBERS]:
        for ratio in (value, 1 / value):
            lost = number_text(1 / ratio, decimal=False)
            much = number_text(ratio, decimal=False)
            yield "constant", f"{much} times what is right: a factor {lost} is missing", times(number(ratio), total)
