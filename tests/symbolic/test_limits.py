"""Derivatives at ties and at matrices without an inverse: what the conventions say, not what the formula would give."""

from __future__ import annotations

import pytest

import gradcheck_cli as gc


def solved(inputs, graph, tmp_path):
    lines = ["title: Limits", "inputs:", *(f"  {name}: {value}" for name, value in inputs.items()), "graph:"]
    path = tmp_path / "limits.yaml"
    path.write_text("\n".join([*lines, *(f"  {name}: {text}" for name, text in graph.items())]) + "\n")
    return gc.solve(gc.load(str(path)))


def gradient(solution, name):
    return flat(next(node.gradient.value for node in solution.nodes if node.name == name))


def flat(value):
    """Nested lists as one."""
    if isinstance(value, list | tuple):
        return [item for part in value for item in flat(part)]
    return [value if value is None else float(value)]


TIES = [
    ("[1, 3, 3, 2]", {"m": "max(x)", "L": "m^2"}, [0, 6, 0, 0]),
    ("[1, 3, 3, 2]", {"L": "max(x)"}, [0, 1, 0, 0]),
    ("[[1, 3, 3], [2, 2, 2]]", {"m": "max(x, axis=1)", "L": "sum(m*m)"}, [0, 6, 0, 4, 0, 0]),
    ("[[1, 3], [1, 2]]", {"m": "min(x, axis=0)", "L": "sum(m)"}, [1, 0, 0, 1]),
    ("[[3, 3], [3, 2]]", {"m": "max(x, axis=0, keepdims=1)", "L": "sum(m*x)"}, [9, 8, 3, 3]),
]


@pytest.mark.parametrize(("value", "graph", "expected"), TIES)
def test_a_tie_goes_to_the_first_entry(value, graph, expected, tmp_path):
    solution = solved({"x": value}, graph, tmp_path)
    assert gradient(solution, "x") == expected
    assert solution.agreement.ok


def test_a_mask_in_the_graph_marks_every_entry(tmp_path):
    solution = solved({"x": "[1, 3, 3]"}, {"k": "(x == max(x))*2", "L": "sum(k*x)"}, tmp_path)
    assert flat(next(node.forward.value for node in solution.nodes if node.name == "L")) == [12]


SINGULAR = [
    ({"A": "[[1, 2], [2, 4]]"}, {"L": "det(A)"}, [4, -2, -2, 1]),
    ({"A": "[[1, 2], [2, 4]]"}, {"D": "det(A)", "L": "D^2 + 3*D"}, [12, -6, -6, 3]),
    ({"A": "[[1, 2], [2, 4]]"}, {"B": "2*A", "L": "det(B)"}, [16, -8, -8, 4]),
]


@pytest.mark.parametrize(("inputs", "graph", "expected"), SINGULAR)
def test_a_singular_matrix_has_cofactors(inputs, graph, expected, tmp_path):
    solution = solved(inputs, graph, tmp_path)
    assert gradient(solution, "A") == expected
    assert solution.agreement.ok


def test_an_inverse_that_does_not_exist_is_not_taken_for_zero(tmp_path):
    inputs = {"A": "[[1, 2], [2, 4]]", "B": "[[1, 0], [2, 3]]"}
    found = gradient(solved(inputs, {"L": "det(A @ B)"}, tmp_path), "A")
    assert found in ([12, -6, -6, 3], [None] * 4)


def test_a_node_that_is_an_inverse_is_looked_through(tmp_path):
    graph = {"D": "det(A)", "B": "inv(A)", "L": "D*sum(B)"}
    solution = solved({"A": "[[1, 2], [3, 5]]"}, graph, tmp_path)
    assert gradient(solution, "A") == [1, -1, -1, 1]  # det(A)*sum(inv(A)) = a - b - c + d
    assert solution.agreement.ok


@pytest.mark.parametrize(
    ("value", "graph", "expected"),
    [
        ("[1, 0, 3]", {"L": "prod(x)"}, [0, 3, 0]),
        ("[0, 0, 3]", {"L": "prod(x)"}, [0, 0, 0]),
        ("[5]", {"L": "prod(x)"}, [1]),
        ("[[1, 0, 3], [0, 0, 2]]", {"L": "sum(prod(x, axis=1)*[2, 3])"}, [0, 6, 0, 0, 0, 0]),
        ("[[1, 0], [4, 2]]", {"p": "prod(x, axis=0)", "L": "sum(p^2 + p)"}, [36, 2, 9, 0]),
    ],
)
def test_a_product_with_a_zero_has_the_products_of_the_others(value, graph, expected, tmp_path):
    solution = solved({"x": value}, graph, tmp_path)
    assert gradient(solution, "x") == expected
    assert solution.agreement.ok
