"""The cross-check: what is compared, what is said of kinks and undefined points, what is drawn."""

from __future__ import annotations

import pytest

from gradcheck_cli.crosscheck import crosscheck
from gradcheck_cli.symbolic.derive import derive, locals_of
from tests.build import given, graph_of


def agreement(inputs, nodes):
    graph = graph_of(inputs, nodes)
    local = locals_of(graph)
    values = {name: value for name, value in given(graph).items() if value is not None}
    return crosscheck(graph, values, local, derive(graph, local, graph.output).steps, graph.output)


def test_values_locals_and_totals_are_compared():
    found = agreement({"x": 2, "w": 3}, {"z": "w*x", "a": "tanh(z)"})
    assert [check.quantity for check in found.checks] == [
        "value(z)", "value(a)", "local(z, w)", "local(z, x)", "local(a, z)", "d(a, x)", "d(a, w)", "d(a, z)",
    ]  # fmt: skip
    assert found.ok
    assert found.compared == 8


def test_nothing_is_compared_where_a_function_has_no_value():
    found = agreement({"x": -1}, {"y": "log(x)"})
    assert found.ok
    assert found.compared == 0
    assert [note for note in found.notes if "outside its domain" in note]


@pytest.mark.parametrize("expression", ["log(x)", "sqrt(x - 1)", "asin(x)", "log(1 - x^2)", "1/log(x)"])
def test_numbers_are_drawn_where_the_graph_is_defined(expression):
    found = agreement({"x": None}, {"y": expression})
    assert found.ok
    assert found.compared == 3
    assert [name for name, _ in found.drawn] == ["x"]


def test_a_large_graph_is_probed_along_directions():
    nodes = {f"a{k}": f"sin({f'a{k - 1}' if k else 'x'} + w)" for k in range(80)}
    found = agreement({"x": 0.3, "w": 0.2}, nodes)
    assert found.ok
    assert [check.quantity for check in found.checks if "direction" in check.quantity] == [
        f"slope of a79 along direction {turn}" for turn in (1, 2, 3)
    ]


def test_one_number_alone_is_a_disagreement():
    graph = graph_of({"x": 2}, {"y": "x^2"})
    local = locals_of(graph)
    steps = derive(graph, local, "y").steps
    broken = {("x", "y"): graph_of({"x": 2}, {"y": "log(-x)"}).nodes[0].expr}
    found = crosscheck(graph, given(graph), broken, steps, "y")
    assert [check.quantity for check in found.failed] == ["local(y, x)"]


def test_the_slopes_on_both_sides_of_a_kink_are_told():
    found = agreement({"x": 1}, {"y": "abs(x - 1) + 2*x"})
    assert found.ok
    assert found.notes[0] == "local(y, x) sits on a kink: slope 1 from the left, 3 from the right; 2 is used"


def test_a_slope_beside_a_kink_that_is_neither_is_a_disagreement():
    graph = graph_of({"x": 0}, {"y": "relu(x)"})
    local = {("x", "y"): graph_of({"x": 0}, {"y": "x + 2"}).nodes[0].expr}
    found = crosscheck(graph, given(graph), local, derive(graph, locals_of(graph), "y").steps, "y")
    assert not found.ok


def test_kinks_that_cancel_are_a_note_and_no_disagreement():
    found = agreement({"x": 0}, {"f": "relu(x) - relu(-x)"})
    assert found.ok
    assert found.notes == ("local(f, x): kinks cancel here: the slope is 1, the convention at each of them gives 0",)
    assert agreement({"x": 0}, {"a": "relu(x)", "b": "relu(-x)", "f": "a - b"}).ok


@pytest.mark.parametrize(
    "expression", ["sqrt(x^2)", "y*log(x)", "max(x, y) + min(x, y)", "x^x", "x^0.5*x", "abs(x)^0.5", "sqrt(x)"]
)
def test_the_edge_of_a_domain_is_no_disagreement(expression):
    assert agreement({"x": 0, "y": 0}, {"f": expression}).ok


def test_differences_abstain_where_rounding_has_eaten_their_digits():
    found = agreement({"x": "1e300", "y": 2}, {"f": "x + 3*y"})
    assert found.ok
    assert next(check for check in found.checks if check.quantity == "local(f, y)").difference is None


def test_a_cancelled_kink_does_not_hide_a_wrong_rule():
    graph = graph_of({"x": 0}, {"f": "relu(x) - relu(-x)"})
    wrong = {("x", "f"): graph_of({"x": 0}, {"f": "x + 1/2"}).nodes[0].expr}
    steps = derive(graph, locals_of(graph), "f").steps
    assert not crosscheck(graph, given(graph), wrong, steps, "f").ok


def test_a_given_gradient_is_cross_checked():
    graph = graph_of({"x": 3, "G": 7}, {"h": "x^2", "f": "2*h"})
    local = locals_of(graph)
    seed = graph_of({"G": 7}, {"s": "G"}).nodes[0].expr
    found = crosscheck(graph, given(graph), local, derive(graph, local, "f", seed).steps, "f", seed)
    assert found.ok
    assert {check.quantity: check.autodiff for check in found.checks}["upstream(x)"] == 84


@pytest.mark.parametrize("function", ["relu", "abs", "step", "sign", "floor"])
def test_decimals_that_meet_on_a_kink_are_no_disagreement(function):
    found = agreement({"w": 0.1, "x": 3, "b": -0.3}, {"a": f"{function}(w*x + b)", "y": "2*a"})
    assert found.ok, found.failed
    assert found.notes


@pytest.mark.parametrize("inner", ["1/(x - 2)", "log(x - 2)", "tan(pi/2)", "1/(1/(x - 2))", "x/(x - 2)"])
def test_where_a_node_has_no_value_nothing_is_compared_behind_it(inner):
    graph = graph_of({"x": 2}, {"u": inner, "z": "1/u"})
    local = locals_of(graph)
    found = crosscheck(graph, given(graph), local, derive(graph, local, "z").steps, "z")
    assert found.ok
    assert [check.autodiff for check in found.checks if check.quantity in ("value(u)", "value(z)")] == [None, None]
