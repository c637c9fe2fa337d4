"""Entries and sums over index letters: as axes, written out, and where there is no such entry."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck_cli import tape
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.tape import flatten
from tests.shaped import concrete

SHAPES = {"A": (2, 3), "B": (3, 4), "x": (3,), "y": (3,), "s": (), "k": ()}
NUMBERS = np.random.default_rng(5)
VALUES = {name: NUMBERS.uniform(-1, 1, shape) for name, shape in SHAPES.items()} | {"k": np.array(1.0)}
A, B, X, Y, S = (VALUES[name] for name in ("A", "B", "x", "y", "s"))


def run(text, values=None):
    return tape.compile_graph(concrete(SHAPES, {"h": text})).forward(VALUES | (values or {}))


CASES = {
    "sum(x[i]*y[i], i)": X @ Y,
    "sum(sum(A[i, j]*x[j], j), i)": (A @ X).sum(),
    "sum(sum(sum(A[i, j]*B[j, l], l), j), i)": (A @ B).sum(),
    "sum(i*x[i], i)": X @ [0, 1, 2],
    "sum(x[i]*sum(y[i]^2, i), i)": X.sum() * (Y @ Y),
    "sum(sum(delta(i, j)*x[i]*y[j], j), i)": X @ Y,
    "sum(sum(delta(i, j)*x[i]*y[j], i), j)": X @ Y,
    "sum((A @ B)[0, i], i)": (A @ B)[0].sum(),
    "sum(A[i], i)": A.sum(axis=0),
    "sum(softmax(A[i])*x, i)": (np.exp(A) / np.exp(A).sum(axis=1, keepdims=True)).sum(axis=0) * X,
    "sum(where(i + 1/2 > 1, x[i] - x[i - 1], 0), i)": X[2] - X[0],
    "sum(s + 0*x[i], i)": 3 * S,
    "sum(sum(s + 0*x[i]*y[j], j), i)": 9 * S,
    "sum(x[i]*A[k, i], i)": A[1] @ X,
    "x[k] + x[0]": X[1] + X[0],
    "A[k]": A[1],
    "(A @ B)[1][2]": (A @ B)[1, 2],
    "sum(max(x[i], y[i]), i)": np.maximum(X, Y).sum(),
}


@pytest.mark.parametrize("text", CASES)
def test_values(text):
    assert run(text).values["h"] == pytest.approx(CASES[text], rel=1e-12)


@pytest.mark.parametrize("text", CASES)
def test_a_sum_written_out_is_the_same(text, monkeypatch):
    along = run(text)
    monkeypatch.setattr(flatten, "MAX_ENTRIES", 0)
    terms = run(text)
    assert terms.values["h"] == pytest.approx(along.values["h"], rel=1e-12)
    for name, slope in along.gradients().items():
        assert terms.gradients()[name] == pytest.approx(slope, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("text", CASES)
def test_slopes_are_what_differences_say(text):
    found = run(text).gradients()
    for name in ("A", "B", "x", "y", "s"):
        direction = np.random.default_rng(3).uniform(-1, 1, SHAPES[name])
        ahead, behind = (run(text, {name: VALUES[name] + way * 1e-6 * direction}).values["h"] for way in (1, -1))
        difference = np.sum(ahead - behind) / 2e-6
        assert np.sum(found[name] * direction) == pytest.approx(difference, rel=1e-6, abs=1e-8)


def test_a_sum_of_numbers_is_one_step_an_operation():
    text = "sum(sum(A[i, j]*x[j], j), i)"
    small = len(tape.compile_graph(concrete({"A": (2, 3), "x": (3,)}, {"h": text})).steps)
    assert len(tape.compile_graph(concrete({"A": (200, 300), "x": (300,)}, {"h": text})).steps) == small


def test_a_sum_too_long_to_write_out_is_refused(monkeypatch):
    monkeypatch.setattr(flatten, "MAX_STEPS", 100)
    with pytest.raises(UnsupportedError, match="too many terms"):
        tape.compile_graph(concrete({"A": (300, 2)}, {"h": "sum(softmax(A[i]), i)"}))


@pytest.mark.parametrize("index", [3.0, -1.0, 0.5, np.nan, np.inf])
def test_an_entry_that_is_not_there_is_undefined(index):
    found = run("x[k]", {"k": np.array(index)})
    assert np.isnan(found.values["h"])
    assert found.gradients()["x"].tolist() == [0, 0, 0]


def test_an_array_whose_entries_and_whole_are_used_collects_both():
    direction = np.random.default_rng(9).uniform(-1, 1, (2, 3))
    text = "sum(sum(softmax(A[i])*A[i] + A[0]*x, i)) + sum(A)*A[1, 1]"
    found = run(text).gradients()["A"]
    ahead, behind = (run(text, {"A": A + way * 1e-6 * direction}).values["h"] for way in (1, -1))
    assert np.sum(found * direction) == pytest.approx((ahead - behind) / 2e-6, rel=1e-6)


def test_an_entry_used_twice_is_counted_twice():
    assert run("x[1] + x[1]*x[1]").gradients()["x"] == pytest.approx([0, 1 + 2 * X[1], 0])


def test_an_index_gets_no_slope():
    assert run("x[k]^2").gradients()["k"] == 0
