"""Parts of arrays: by entries, by terms, by the tape and by the probe; what concat sends back."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest

from gradcheck_cli import probe, tape
from gradcheck_cli.errors import ShapeError, UnsupportedError
from gradcheck_cli.expr import number
from gradcheck_cli.grids import Grid
from gradcheck_cli.lowering import Shapes, at_sizes, in_numbers, lower
from gradcheck_cli.symbolic.arrays import ArrayCalculus
from gradcheck_cli.symbolic.closed import Closing
from gradcheck_cli.symbolic.reading import written
from gradcheck_cli.write.text import write
from tests.arrayvalues import array_values
from tests.shaped import shaped_graph

SIZES = {"n": 3, "h": 2}
INPUTS = {"v": ("n",), "w": ("h",), "A": ("n", "h"), "B": ("n", "n"), "T": (2, "n", "h")}

# the gradient of sum(y^2) by the first name
GRADIENTS = {
    "part(v, 1, n - 1)": "concat(zeros(1), 2*y)",
    "part(v, 0, n - 1)": "concat(2*y, zeros(1))",
    "part(v, 0, n)": "2*y",
    "part(A, 0, 1, axis=1)": "concat(2*y, zeros(n, h - 1), axis=1)",
    "part(A, 1, 2, axis=-2)": "concat(zeros(1, h), 2*y, zeros(n - 3, h))",
    "part(T, 1, 1, axis=1)": "concat(zeros(2, 1, h), 2*y, zeros(2, n - 2, h), axis=1)",
    "concat(v, w)": "part(2*y, 0, n)",
    "concat(w, v)": "part(2*y, h, n)",
    "concat(A, B, axis=1)": "part(2*y, 0, h, axis=1)",
    "exp(part(concat(w, tanh(v)), 1, n))": "(1 - tanh(v)^2)*part(concat(zeros(1), 2*y^2, zeros(h - 1)), h, n)",
    "sigmoid(part(A @ w, 1, 1))*v": "2*y*sigmoid(part(A @ w, 1, 1))",
    "part(concat(v, w, v), n - 1, h)": (
        "part(concat(zeros(n - 1), 2*y, zeros(n + 1)), 0, n) + part(concat(zeros(n - 1), 2*y, zeros(n + 1)), h + n, n)"
    ),
}


def problem(text):
    """The graph for every size and at some, values, and the tape's gradients."""
    inputs = {name: shape for name, shape in INPUTS.items() if name in re.findall(r"\w+", text)}
    graph = shaped_graph(inputs, {"y": text, "L": "sum(y^2)"}, SIZES)
    fixed = at_sizes(graph, SIZES)
    drawn = np.random.default_rng(1)
    values = {name: drawn.integers(-8, 9, [SIZES.get(one, one) for one in shape]) / 8 for name, shape in inputs.items()}
    return graph, fixed, values


def grids(values):
    return {name: Grid(one.shape, tuple(Fraction(float(x)) for x in one.ravel())) for name, one in values.items()}


def as_array(grid):
    return np.reshape([float(x) for x in grid.items], grid.shape)


@pytest.mark.parametrize("text", GRADIENTS)
def test_the_witnesses_agree_on_a_part(text):
    graph, fixed, values = problem(text)
    run = tape.compile_graph(fixed).forward(values)
    known = array_values(fixed, grids(values))
    probed = probe.compile_arrays(fixed).values(grids(values))
    for found in (known, probed):
        np.testing.assert_allclose(as_array(found["y"]), run.values["y"], rtol=1e-14, strict=True)
    derivation = ArrayCalculus(graph).derivation("L")
    assert write(derivation.totals[next(iter(values))]) == GRADIENTS[text]
    numbers = {letter: number(size) for letter, size in SIZES.items()}
    for name in values:
        total = in_numbers(lower(derivation.totals[name], Shapes(graph.shapes, frozenset(SIZES))).expr, numbers)
        worked_out = array_values(fixed, grids(values), [("total", total)])["total"]
        np.testing.assert_allclose(as_array(worked_out), run.gradients()[name], rtol=1e-13, atol=1e-13, strict=True)


@pytest.mark.parametrize("text", ["part(v, 1, n - 1)", "part(A, 0, 1, axis=1)", "concat(v, w)", "concat(A, A, axis=0)"])
def test_what_is_written_is_read_as_the_same_term(text):
    graph, _, _ = problem(text)
    calculus = ArrayCalculus(graph)
    term = calculus.definitions["y"]
    assert calculus.read(written(calculus.algebra, term)) is term
    assert Closing(calculus.algebra).close(term) is term


@pytest.mark.parametrize("text", ["part(A, 0, 2{})", "concat(A, A{})"])
def test_the_first_axis_is_the_same_named_or_not(text):
    graph, _, _ = problem("exp(A)")
    read = ArrayCalculus(graph).read
    named, plain = (problem(text.format(option))[0].nodes[0].expr for option in (", axis=-2", ""))
    assert read(named) is read(plain)


def test_each_witness_refuses_a_part_beyond_the_end():
    graph = at_sizes(shaped_graph({"v": ("n",), "w": ("h",)}, {"y": "part(v, 1, h)"}), {"n": 2, "h": 2})
    values = {"v": np.zeros(2), "w": np.zeros(2)}
    with pytest.raises(UnsupportedError, match="there are no 2 entries from 1 on among 2"):
        tape.compile_graph(graph).forward(values)
    with pytest.raises(UnsupportedError, match="there are no 2 entries from 1 on among 2"):
        array_values(graph, grids(values))
    with pytest.raises(ShapeError, match="there are no 2 entries from 1 on along axis 0"):
        probe.compile_arrays(graph)
