"""What an author is warned of: numbers that hide a mistake, inputs that do nothing, names and sizes taken for others."""

from __future__ import annotations

import pytest

from gradcheck_cli.problem import load
from gradcheck_cli.problem.bundled import bundled
from gradcheck_cli.verifying.hazards import hazards
from gradcheck_cli.verifying.keys import check_problem


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text("title: Mine\n" + text, encoding="utf-8")
        return load(path)

    return write


@pytest.mark.parametrize(
    ("inputs", "graph", "words"),
    [
        ("{X: {shape: [n]}, U: {shape: [n]}}", "{L: sum(X)}", ["U feeds nothing that leads to L"]),
        ("{x: 2, y: 3}", "{f: 2*x}", ["y feeds nothing that leads to f"]),
        ("{x: 2, y: 3}", "{g: 2*y, f: 2*x}", ["y feeds nothing that leads to f; g does not either"]),
        ("{X: {shape: [n]}, T: {shape: [n]}}", "{L: sum(X*T)}", ["T is a name here"]),
        ("{X: {shape: [n]}, i: 2}", "{L: sum(X*i)}", ["i is a name here, so it is no index letter"]),
        ("{x: 2, y: 3, xy: 4}", "{f: x*y + xy}", ["xy may be read as x*y"]),
        ("{X: {shape: [n, k]}}", "{L: sum(X)}", []),
        ("{x: 2}", "{f: 2*x}", []),
    ],
)
def test_names_and_inputs(written, inputs, graph, words):
    output = "output: f\n" if "f:" in graph else ""
    found = list(hazards(written(f"inputs: {inputs}\ngraph: {graph}\n{output}")))
    assert len(found) == len(words)
    assert all(any(word in told for told in found) for word in words), found


def test_letters_of_the_same_size(written):
    problem = written("inputs: {X: {shape: [n, k]}}\ndims: {n: 3, k: 3}\ngraph: {L: sum(X)}\n")
    assert list(hazards(problem)) == ["n and k are both 3: a number in an answer may stand for either"]


def warnings_of(written, matrix, ask, learned="W"):
    text = f"inputs: {{X: {matrix}, W: [[1, 2], [3, 4]]}}\ngraph: {{Z: X @ W, H: relu(Z), L: sum(exp(-H))}}\n"
    problem = written(f'{text}questions: [{{id: q, ask: "{ask}", answer: "{learned}"}}]\n')
    return "\n".join(check_problem(problem).warnings)


def test_numbers_that_hide_a_transpose_are_told(written):
    assert "gives the same" in warnings_of(written, "[[1, 2], [2, 1]]", "d(L, W)")
    assert "gives the same" not in warnings_of(written, "[[1, 2], [5, 1]]", "d(L, W)")


def test_numbers_that_hide_a_factor_are_told(written):
    assert "the factor dH/dZ = step(Z) is missing" in warnings_of(written, "[[1, 2], [5, 1]]", "d(L, W)")
    assert "missing" not in warnings_of(written, "[[1, 2], [-5, 1]]", "d(L, H)")


def test_a_gradient_of_zeros_is_told(written):
    assert "every entry is 0" in warnings_of(written, "[[-1, -2], [-5, -1]]", "d(L, W)")


@pytest.mark.parametrize("name", bundled())
def test_bundled_problems_have_nothing_that_is_not_used(name):
    assert [told for told in hazards(load(name)) if "feeds nothing" in told] == []
