"""Steps in lines: shapes in a column, matrices with aligned columns, nothing cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from gradcheck_cli.render.lines import rows
from gradcheck_cli.render.steps import step_lines, with_matrix

STEPS = (
    "dL/dyhat = yhat - y   (c, 1)   right so far",
    "dL/da1 = W2.T @ dL/dyhat   (k, 1)",
    "       = W2.T @ (yhat - y)",
)


def test_what_stands_behind_a_step_is_in_one_column():
    assert step_lines(STEPS, 60) == [
        "dL/dyhat = yhat - y        (c, 1)   right so far",
        "dL/da1 = W2.T @ dL/dyhat   (k, 1)",
        "       = W2.T @ (yhat - y)",
    ]


def test_a_step_that_is_too_long_is_folded_behind_its_equality():
    assert step_lines(STEPS[1:2], 24) == ["dL/da1 = W2.T @ dL/dyhat", "         (k, 1)"]


@pytest.mark.parametrize(
    ("text", "room", "lines"),
    [
        ("A = [[1, 2], [3, 4]]", 30, ["A = [[1, 2], [3, 4]]"]),
        ("A = [[1, -20], [300, 4]]", 18, ["A = [[  1, -20],", "     [300,   4]]"]),
        (
            "right: X @ W1 + b1 = [[1, -20], [300, 4]]",
            30,
            ["right: X @ W1 + b1", "  = [[  1, -20],", "     [300,   4]]"],
        ),
    ],
)
def test_a_matrix_that_does_not_fit_has_a_row_a_line(text, room, lines):
    assert with_matrix(text, room) == lines


@given(
    st.lists(st.lists(st.integers(-999, 999), min_size=1, max_size=5), min_size=1, max_size=4).filter(
        lambda found: len({len(row) for row in found}) == 1
    ),
    st.integers(20, 60),
)
def test_no_number_is_lost(found, room):
    text = f"A @ B = {found}"
    lines = with_matrix(text, room)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line) <= room for line in lines) or len(found[0]) > 2


def test_the_rows_of_a_matrix_stay_together():
    text = r"\frac{\partial L}{\partial W} = H^\top (Y - T) = \begin{pmatrix} 5 \\ 2 \\ 0 \end{pmatrix} \\ x = 3"
    shown = [text[start:end] for start, end in rows(text, 60)]
    assert any(r"\begin{pmatrix} 5 \\ 2 \\ 0 \end{pmatrix}" in row for row in shown)
    assert shown[-1] == "x = 3"
