"""Local derivatives as a student recognises them, and how they are chained."""

from __future__ import annotations

import pytest

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import number
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.symbolic.build import plus, quotient, times
from gradcheck_cli.symbolic.derive import derive, locals_of
from gradcheck_cli.write.text import iverson, write
from tests.build import graph_of, names_of

SCOPE = names_of("x", "y", "z", "v")

LOCALS = [
    ("sigmoid(x)", "v*(1 - v)"), ("tanh(x)", "1 - v^2"), ("exp(x)", "v"), ("log(x)", "1/x"), ("relu(x)", "step(x)"),
    ("abs(x)", "sign(x)"), ("softplus(x)", "sigmoid(x)"), ("sin(x)", "cos(x)"), ("x^2", "2*x"), ("x^3", "3*x^2"),
    ("sqrt(x)", "1/(2*v)"), ("1/x", "-1/x^2"), ("x/y", "1/y"), ("y/x", "-y/x^2"), ("x*y", "y"), ("x*x + x", "2*x + 1"),
    ("-x", "-1"), ("x", "1"), ("0.5*x^2", "x"), ("0.25*x", "0.25"), ("x/4", "1/4"), ("(x - y)^2/2", "x - y"),
    ("(y - x)^2/2", "x - y"), ("max(x, y)", "x >= y"), ("max(y, x)", "x > y"), ("min(x, y)", "y >= x"),
    ("where(y > 0, x, 2*x)", "where(y > 0, 1, 2)"), ("leaky_relu(x)", "where(x > 0, 1, 0.01)"), ("x^y", "x^(y - 1)*y"),
    ("2^x", "v*log(2)"), ("-(y*log(x) + (1 - y)*log(1 - x))", "(1 - y)/(1 - x) - y/x"), ("y*sigmoid(x)", "y*(1 - sigmoid(x))*sigmoid(x)"),
    ("x > y", "0"), ("floor(x)", "0"), ("atan(x)", "1/(x^2 + 1)"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "local"), LOCALS)
def test_a_local_derivative_reads_like_homework(expression, local):
    graph = graph_of(dict.fromkeys("xyz"), {"v": expression})
    assert write(locals_of(graph)["x", "v"]) == local


@pytest.mark.parametrize(
    ("factors", "text"),
    [
        (["x", "y"], "x*y"), (["1", "x"], "x"), (["0", "x"], "0"), (["-x", "y"], "-x*y"), (["-x", "-y"], "x*y"),
        (["x", "2"], "2*x"), (["2*x", "3"], "6*x"), (["x", "1/y"], "x/y"), (["1/x", "1/y"], "1/(x*y)"), (["x/2", "y"], "x*y/2"),
        (["x + y", "z"], "(x + y)*z"), (["1/2", "4"], "2"), (["0.5", "x"], "0.5*x"), (["-1/4", "4"], "-1"),
    ],
)  # fmt: skip
def test_products_are_written_as_a_reader_would(factors, text):
    assert write(times(*(parse(factor, SCOPE) for factor in factors))) == text


def test_sums_have_no_zeros():
    x, zero = parse("x", SCOPE), number(0)
    assert write(plus(x, zero, x)) == "x + x"
    assert write(plus(zero, zero)) == "0"
    assert write(plus(number(1), number(2))) == "3"
    assert write(quotient(x, parse("y/z", SCOPE))) == "x*z/y"


def test_every_contribution_arrives():
    graph = graph_of(dict.fromkeys("xy"), {"a": "x*y", "b": "x + y", "f": "a*b"})
    totals = derive(graph, locals_of(graph), "f").totals
    assert write(totals["x"]) == "a + b*y"
    assert write(totals["y"]) == "a + b*x"


def test_a_long_product_is_written_by_the_name_of_its_adjoint():
    nodes = {f"a{k}": f"sigmoid({f'a{k - 1}' if k else 'x'})" for k in range(60)}
    graph = graph_of({"x": None}, nodes)
    found = derive(graph, locals_of(graph), "a59")
    assert write(found.edges[-1].downstream).startswith("d(a59, a")
    assert max(len(write(edge.downstream)) for edge in found.edges) < 600


def test_a_branch_is_shown_as_an_iverson_bracket():
    assert iverson(parse("step(x)*y", SCOPE)) == "[x > 0]*y"
    assert iverson(parse("where(x > 0, 1, y)", SCOPE)) == "where(x > 0, 1, y)"


def test_a_tower_of_powers_is_refused():
    graph = graph_of({"x": None}, {"y": "((x^64)^64)^64"})
    with pytest.raises(UnsupportedError, match="powers of powers"):
        locals_of(graph)
