"""Inputs that choose entries: drawn among the places there are, refused beyond them."""

from __future__ import annotations

import pytest

import gradcheck_cli as gc
from gradcheck_cli.errors import UnsupportedError

TEXT = """title: Choice
inputs:
  h: {{shape: [n]}}
  y: {given}
graph:
  p: softmax(h)
  L: {loss}
"""


def problem(tmp_path, given, loss="-log(p[y])"):
    path = tmp_path / "choice.yaml"
    path.write_text(TEXT.format(given=given, loss=loss))
    return gc.load(str(path))


@pytest.mark.parametrize("given", ["{kind: integer}", "{}"])
@pytest.mark.parametrize("loss", ["-log(p[y])", "-sum(onehot(y, n)*log(p))"])
def test_an_index_without_a_value_is_drawn_among_the_places(tmp_path, given, loss):
    assert gc.solve(problem(tmp_path, given, loss)).agreement.ok


@pytest.mark.parametrize("value", [0, 2, 9])
def test_a_size_without_a_number_is_drawn_so_large_that_the_index_is_within(tmp_path, value):
    assert gc.solve(problem(tmp_path, f"{{value: {value}}}")).agreement.ok


@pytest.mark.parametrize("value", ["-1", "2.5"])
def test_what_is_no_index_at_any_size_is_refused_with_its_place(tmp_path, value):
    with pytest.raises(
        UnsupportedError, match=r"L: y chooses one of several entries, and .* is none of them"
    ) as caught:
        gc.solve(problem(tmp_path, f"{{value: {value}}}"))
    assert caught.value.source is not None


@pytest.mark.parametrize("value", [3, -1])
def test_a_value_beyond_the_entries_is_refused_with_its_place(tmp_path, value):
    loaded = problem(tmp_path, f"{{kind: integer, value: {value}}}\ndims: {{n: 3}}")
    with pytest.raises(UnsupportedError, match=rf"L: y chooses one of 3 entries, and {value} is none") as caught:
        gc.solve(loaded)
    assert caught.value.source is not None


def test_calls_that_stand_for_too_much_are_refused_before_they_are_worked_out(tmp_path):
    loaded = problem(tmp_path, "1", "sum(" + "silu(" * 30 + "h" + ")" * 30 + ")*y")
    with pytest.raises(UnsupportedError, match="nested too deep"):
        gc.solve(loaded)


def test_a_power_of_a_square_matrix_is_noted(tmp_path):
    path = tmp_path / "power.yaml"
    path.write_text(
        "title: P\ninputs:\n  A: {shape: [n, n]}\n  X: {shape: [m, n]}\ngraph:\n  L: sum(A^-1) + sum(A^2) + sum(X^2)\n"
    )
    assert [note for note in gc.solve(gc.load(str(path))).notes if "entry by entry" in note] == [
        "L: A^(-1) goes entry by entry; the inverse is inv(A)",
        "L: A^2 goes entry by entry; the matrix product is A @ A",
    ]
