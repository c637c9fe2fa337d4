r"""Samples by their number in LaTeX: `x^{(i)}`, `x_i`, `x_{ij}`, rows and columns, and sums that go on."""

from __future__ import annotations

import pytest

from gradcheck_cli.errors import ParseError
from gradcheck_cli.parsing.samples import letters_of
from gradcheck_cli.parsing.text import readings
from gradcheck_cli.verifying.arrays.texts.grader import ArrayGrader
from gradcheck_cli.write.text import write
from tests.answers import examiner_of

READ = {
    "softmax-regression": [
        ("x_i", ["X[i, :]", "X[s', i]"]),
        ("x^{(i)}", ["X[i, :]", "X"]),
        ("x_j^{(i)}", ["X[i, j]", "X[s', j]"]),
        ("x^{(i)}_j", ["X[i, j]"]),
        (r"x^{(i)\top}", ["X[i, :].T", "X.T"]),
        (r"(x^{(i)})^\top", ["X[i, :].T", "X.T"]),
        ("x_{ij}", ["X[i, j]"]),
        ("w_k", ["W[::, k]"]),
        (r"X_{i,:}", ["X[i, :]"]),
        (r"X_{i\cdot}", ["X[i, :]"]),
        ("W_{:,k}", ["W[:, k]"]),
        (r"\hat{y}_i", ["yhat[i, :]", "yhat[s', i]"]),
        (r"\sum_{n=1}^m x_n", ["sum(X[n', :], n')", "sum(X[s', n'], n')"]),
        (r"\sum\limits_i x_i", ["sum(X[i, :], i)", "sum(X[s', i], i)"]),
        (r"\sum_i Y_{ij} + P_{ij}", ["sum(Y[i, j], i) + P[i, j]", "sum(Y[i, j] + P[i, j], i)"]),
        (r"\frac{\partial L}{\partial x_i}", ["d(L, X[i, :])", "d(L, X[s', i])"]),
        (r"\frac{\partial^2 L}{\partial b \partial b^\top}", ["d(d(L, b), b)"]),
        (r"\frac{\partial^2 L}{\partial b_j \partial b_k}", ["d(d(L, b[j]), b[k])"]),
        (r"\frac{d^2 L}{db^2}", ["d(d(L, b), b)"]),
    ],
    "binary-classifier-batch": [
        ("x^{(i)}", ["X[:, i]", "X"]),
        ("z^{[1](i)}", ["Z1[:, i]", "Z1"]),
        ("z_1^{(i)}", ["Z1[:, i]", "Z1"]),
        ("a_j^{[1](i)}", ["A1[j, i]"]),
        ("y^{(i)}", ["Y[0, i]", "Y"]),
        ("dz^{[2](i)}", ["differential(Z2[0, i])"]),
    ],
    "two-layer-columns": [("x^{(i)}", ["x"]), ("x_i", ["x[i]"]), ("a_1^{(i)}", ["a1"])],
}
ROWS = [(name, text, wanted) for name, rows in READ.items() for text, wanted in rows]


def scope_of(name):
    """The scope of a text about a problem."""
    return ArrayGrader(examiner_of(name).arrays, "").own.scope


@pytest.mark.parametrize(("name", "text", "wanted"), ROWS)
def test_samples_are_read_as_rows_and_columns_and_as_one_sample(name, text, wanted):
    assert [write(expr) for expr in readings(text, scope_of(name), latex=True)] == wanted


@pytest.mark.parametrize("text", ["e^{(i)}", "q_i", r"x^{(l)}", "x_{ijk}"])
def test_what_is_no_sample_is_not_read_as_one(text):
    with pytest.raises(ParseError):
        readings(text, scope_of("softmax-regression"), latex=True)


def test_letters_that_number_samples():
    assert letters_of(r"\sum_{n=1}^N x_n t^{(a)}") == {"n", "a"}
    assert letters_of("w_{mj} + z^{(l)}") == {"m", "j"}
    assert letters_of("W_{kc} + W_{hh} + W_{xh} + b_c") == {"k", "c"}
    assert letters_of("f(x)") == frozenset()
