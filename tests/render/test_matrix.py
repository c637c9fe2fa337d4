"""Arrays as text: columns aligned, brackets as NumPy sets them, nothing cut."""

from __future__ import annotations

import ast
import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.grids import grid
from gradcheck_cli.problem import load
from gradcheck_cli.render.json import dumps, solution_document
from gradcheck_cli.render.matrix import beside, labelled, matrix
from gradcheck_cli.solving import solve


def told(entry):
    return "–" if entry is None else str(entry)


@pytest.mark.parametrize(
    ("shape", "items", "lines"),
    [
        ((), (3,), ["3"]),
        ((3,), (1, -2, 30), ["[1, -2, 30]"]),
        ((2, 2), (1, -2, 30, 4), ["[[ 1, -2],", " [30,  4]]"]),
        ((1, 2), (1, None), ["[[1, –]]"]),
        ((2, 1), (1, -1), ["[[ 1],", " [-1]]"]),
        ((2, 2, 1), (1, 2, 3, 4), ["[[[1],", "  [2]],", " [[3],", "  [4]]]"]),
        ((9, 1), tuple(range(9)), ["(9×1 array)"]),
        ((30,), tuple(range(30)), ["(30 entries)"]),
    ],
)
def test_lines_of_an_array(shape, items, lines):
    assert matrix(grid(shape, items), told, 40) == lines


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4).map(tuple), st.data())
def test_what_is_shown_is_the_array(shape, data):
    count = 1
    for size in shape:
        count *= size
    shown = grid(shape, data.draw(st.lists(st.integers(-9999, 9999), min_size=count, max_size=count)))
    lines = matrix(shown, told, 60)
    if not lines[0].startswith("("):
        assert ast.literal_eval("\n".join(lines)) == shown.nested()


@given(st.integers(1, 60))
def test_an_array_is_whole_or_only_named(width):
    lines = matrix(grid((2, 4), range(1000, 1008)), told, width)
    assert lines == ["(2×4 array)"] or max(map(len, lines)) <= width


def test_blocks():
    assert labelled("x = ", ["[[1],", " [2]]"]) == ["x = [[1],", "     [2]]"]
    assert beside(["a", "bb"], ["c"], 7) == ["a    c", "bb"]
    assert beside(["a", "bb"], ["cccc"], 8) is None


def test_python_and_json_have_nested_lists():
    solution = solve(load("two-layer-rows"))
    assert solution.node("W1").gradient.value == [[3.0, -3.0, 0.0], [3.0, -3.0, 0.0]]
    assert solution.answers["W2"].value == [[5.0], [3.0], [0.0]]
    assert solution.node("W1").gradient.number.items[0] == Fraction(3)
    document = json.loads(dumps(solution_document(solution, {})))
    node = next(node for node in document["nodes"] if node["name"] == "Z")
    assert node["value"] == [[3, 3, -2], [1, 3, -5]]
    assert node["shape"] == [2, 3]
    assert node["gradient"]["value"] == [[2, -2, 0], [-1, 1, 0]]


def test_json_has_sizes_as_letters_and_shapes_as_values():
    document = json.loads(dumps(solution_document(solve(load("softmax-mlp")), {})))
    question = next(question for question in document["questions"] if question["id"] == "shape-W1")
    assert question["value"] == question["shape"] == ["d_i", "d_h"]
    assert next(node for node in document["nodes"] if node["name"] == "h")["value"] is None


def test_an_entry_without_a_value_is_null(problem_file):
    text = "title: t\ninputs: {x: [1, -1]}\ngraph: {y: log(x), L: sum(y)}\n"
    document = json.loads(dumps(solution_document(solve(load(str(problem_file(text)))), {})))
    assert next(node for node in document["nodes"] if node["name"] == "y")["value"] == [0, None]


def test_a_fact_is_told_in_full_once_in_the_backward_pass_and_once_in_the_questions(run):
    out = " ".join(run("solve", "softmax-mlp", "--width", 80).out.split())
    assert out.count("without that it is") == 2


def test_a_proof_is_printed_once(run):
    out = run("solve", "softmax-cross-entropy", "--width", 80).out
    assert out.count("(the chain rule)") == 1
    assert "(the sum over j leaves the term with j = i)" in out


@pytest.mark.parametrize("width", [30, 47, 80])
def test_no_line_is_wider_than_asked_where_it_can_be_broken(run, width):
    out = run("solve", "two-layer-rows", "--width", width).out
    assert max(map(len, out.splitlines())) <= width + 2
