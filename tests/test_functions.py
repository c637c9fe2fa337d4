"""The table of functions, and the three witnesses' rows for it: none missing, none that may be wrong unseen."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy

from gradcheck_cli import probe, tape
from gradcheck_cli.crosscheck import crosscheck
from gradcheck_cli.expand import expand, meaning
from gradcheck_cli.expr import Call, walk
from gradcheck_cli.functions import ALIASES, FUNCTIONS, PRIMITIVES
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.symbolic import balls, rules, scalars
from gradcheck_cli.symbolic.derive import derive, locals_of
from gradcheck_cli.write.text import write
from tests.build import given, graph_of, names_of

# arguments at which every branch and every partial derivative counts somewhere
POINTS = {
    "asin": [(0.3,)], "where": [(1, 0.7, 0.4), (0, 0.7, 0.4)], "log": [(0.7,)],
    "maximum": [(0.7, 0.4), (0.4, 0.7)], "minimum": [(0.7, 0.4), (0.4, 0.7)],
    "gt": [(0.7, 0.4), (0.4, 0.7)], "ge": [(0.7, 0.4), (0.4, 0.7)], "eq": [(0.7, 0.4)],
}  # fmt: skip
DERIVED = [name for name, row in FUNCTIONS.items() if row.elementwise and not row.primitive]
OPERATORS = {"add": "x + y", "neg": "-x", "mul": "x*y", "div": "x/y", "pow": "x^y", "gt": "x > y", "ge": "x >= y",
             "eq": "x == y", "pi": "pi*x", "e": "e*x"}  # fmt: skip


def graphs(function):
    row = FUNCTIONS[function]
    names = row.params or ("x",)
    text = OPERATORS.get(function) or f"{function}({', '.join(names)})"
    default = [(0.7, 0.4, 1.3)[: len(names)]]
    for point in POINTS.get(function, default):
        yield graph_of(dict(zip(names, point, strict=True)), {"v": text, "out": "3*v"})


def agreement(graph):
    scalars._derivative.cache_clear()
    local = locals_of(graph)
    return crosscheck(graph, given(graph), local, derive(graph, local, graph.output).steps, graph.output)


def test_each_witness_covers_exactly_the_primitives():
    for table in (rules.RULES, balls.RULES, tape.RULES, probe.RULES):
        assert set(table) == set(PRIMITIVES)


@pytest.mark.parametrize("function", PRIMITIVES)
def test_the_witnesses_agree_on_each_primitive(function):
    for graph in graphs(function):
        assert agreement(graph).ok


@pytest.mark.parametrize("function", DERIVED)
def test_the_witnesses_agree_on_each_derived_function(function):
    count = len(FUNCTIONS[function].params) - len(FUNCTIONS[function].defaults)
    for values in ((0.3, 0.6, 0.9), (0.6, 0.3, 0.5)):
        names = ("x", "y", "c")[:count]
        text = OPERATORS.get(function) or f"{function}({', '.join(names)})"
        assert agreement(graph_of(dict(zip(names, values, strict=False)), {"v": text, "out": "3*v"})).ok


def caught(function):
    """Whether the cross-check notices that something is bent, at one of the points at least."""
    return any(not agreement(graph).ok for graph in graphs(function))


@pytest.mark.parametrize("function", PRIMITIVES)
def test_a_bent_forward_rule_is_caught(function, monkeypatch):
    for table, bend in ((balls.RULES, _bend_ball), (probe.RULES, _bend_probe), (tape.RULES, _bend_tape)):
        with monkeypatch.context() as patch:
            patch.setitem(table, function, bend(table[function]))
            assert caught(function), table


@pytest.mark.parametrize("function", PRIMITIVES)
def test_a_bent_symbolic_rule_is_caught(function, monkeypatch):
    rule = rules.RULES[function]
    factor, shift = sympy.Rational(1001, 1000), sympy.Rational(1, 1000)
    bent = []
    if rule.partials:
        for place in range(len(rule.partials)):
            partials = list(rule.partials)
            partials[place] = lambda *x, old=rule.partials[place]: factor * old(*x) + shift
            bent.append(replace(rule, partials=tuple(partials)))
    else:
        bent.append(replace(rule, build=lambda *x: factor * rule.build(*(factor * arg for arg in x[:1]), *x[1:])))
    for changed in bent:
        with monkeypatch.context() as patch:
            patch.setitem(rules.RULES, function, changed)
            assert caught(function)
    scalars._derivative.cache_clear()


@pytest.mark.parametrize("function", PRIMITIVES)
def test_a_bent_vjp_is_caught(function, monkeypatch):
    rule = tape.RULES[function]
    for place in range(len(FUNCTIONS[function].params)):
        old = rule.vjp(place, len(FUNCTIONS[function].params))
        vjps = [rule.vjp(at, len(FUNCTIONS[function].params)) for at in range(len(FUNCTIONS[function].params))]
        vjps[place] = lambda g, *x, old=old: 1.001 * old(g, *x) + 0.003 * g
        with monkeypatch.context() as patch:
            patch.setitem(tape.RULES, function, replace(rule, vjps=tuple(vjps)))
            assert caught(function)


def _bend_ball(rule):
    def bent(*x):
        value = rule(*x)
        return None if value is None else value * balls.fmpq(1001, 1000) + balls.fmpq(1, 1000)

    return bent


def _bend_probe(rule):
    return lambda *x: rule(*x) * 1001 / 1000 + 0.001


def _bend_tape(rule):
    return replace(rule, value=lambda *x: 1.001 * rule.value(*x) + 0.001)


@pytest.mark.parametrize("function", DERIVED)
def test_a_derived_function_expands_into_primitives(function):
    for part in walk(meaning(function)):
        assert not isinstance(part, Call) or part.function in PRIMITIVES


def test_aliases_mean_one_function_each():
    spellings = [spelling for row in FUNCTIONS.values() for spelling in (row.name, *row.aliases)]
    assert len(spellings) == len(set(spellings)) == len(ALIASES)


@pytest.mark.parametrize(
    "function",
    [
        name
        for name, row in FUNCTIONS.items()
        if row.elementwise and name not in (*OPERATORS, "lt", "le", "ne", "delta")
    ],
)
def test_each_function_parses_and_prints_back(function):
    row = FUNCTIONS[function]
    vocabulary = names_of("x", "y", "z")
    text = f"{function}({', '.join(('x', 'y', 'z')[: len(row.params)])})"
    expr = parse(text, vocabulary)
    assert write(expr) == text.replace("imum(", "(")
    assert parse(write(expand(expr)), vocabulary) == expand(expr) or row.means
    for alias in row.aliases:
        assert parse(text.replace(function, alias, 1), vocabulary) == expr
