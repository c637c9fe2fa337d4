"""The tape against derivatives that nobody took from it: known formulas, differences, arrays, edge cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli import tape
from tests.build import graph_of


def run(inputs, nodes):
    graph = graph_of(dict.fromkeys(inputs), nodes)
    return tape.compile_graph(graph).forward(inputs)


KNOWN = {
    "exp(x)": math.exp, "log(x)": lambda x: 1 / x, "sin(x)": math.cos, "cos(x)": lambda x: -math.sin(x),
    "asin(x)": lambda x: 1 / math.sqrt(1 - x * x), "atan(x)": lambda x: 1 / (1 + x * x), "sinh(x)": math.cosh,
    "cosh(x)": math.sinh, "tanh(x)": lambda x: 1 / math.cosh(x) ** 2, "erf(x)": lambda x: 2 / math.sqrt(math.pi) * math.exp(-x * x),
    "sigmoid(x)": lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2, "softplus(x)": lambda x: 1 / (1 + math.exp(-x)),
    "x^3": lambda x: 3 * x * x, "2^x": lambda x: 2**x * math.log(2), "x^x": lambda x: x**x * (math.log(x) + 1),
    "1/x": lambda x: -1 / x**2, "sqrt(x)": lambda x: 0.5 / math.sqrt(x), "tan(x)": lambda x: 1 / math.cos(x) ** 2,
    "x*x*x": lambda x: 3 * x * x, "max(x, 0.1)": lambda _: 1, "min(x, 0.1)": lambda _: 0, "relu(-x)": lambda _: 0,
}  # fmt: skip


@pytest.mark.parametrize("x", [0.3, 0.7, 0.95])
@pytest.mark.parametrize("expression", KNOWN)
def test_known_derivatives(expression, x):
    assert run({"x": x}, {"y": expression}).gradients()["x"] == pytest.approx(KNOWN[expression](x), rel=1e-12)


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.1, 3))
def test_a_small_net_against_central_differences(x, w, b):
    nodes = {"z": "w*x + b", "a": "tanh(z)", "c": "a*x + sin(z)", "y": "c^2 + exp(-a)*w"}
    slopes = run({"x": x, "w": w, "b": b}, nodes).gradients()
    step = 1e-6
    for name in ("x", "w", "b"):
        at = {"x": x, "w": w, "b": b}
        up, down = ({**at, name: at[name] + way} for way in (step, -step))
        difference = (run(up, nodes).values["y"] - run(down, nodes).values["y"]) / (2 * step)
        assert slopes[name] == pytest.approx(difference, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    ("expression", "slope"),
    [
        ("relu(x)", 0),
        ("abs(x)", 0),
        ("max(x, 0)", 1),
        ("max(0, x)", 0),
        ("min(x, 0)", 1),
        ("step(x)", 0),
        ("floor(x)", 0),
    ],
)
def test_the_convention_on_a_kink(expression, slope):
    assert run({"x": 0.0}, {"y": expression}).gradients()["x"] == slope


def test_a_factor_zero_takes_in_an_undefined_one():
    found = run({"p": 4.0, "y": 1.0}, {"L": "bce(p, y)"})
    assert found.values["L"] == pytest.approx(-math.log(4))
    assert found.gradients()["p"] == -0.25


def test_only_the_branch_taken_counts():
    assert run({"x": -1.0}, {"y": "where(x > 0, log(x), x^2)"}).gradients()["x"] == -2


@pytest.mark.parametrize("x", [1e4, -1e4, 800.0, -800.0])
def test_activations_are_stable(x):
    found = run({"x": x}, {"a": "sigmoid(x)", "s": "softplus(x)", "t": "tanh(x)", "y": "a + s + t"})
    assert all(np.isfinite(value) for value in found.values.values())
    assert np.isfinite(found.gradients()["x"])


def test_adjoints_are_summed_to_the_shape_of_their_operand():
    graph = graph_of({"w": None, "b": None, "x": None}, {"z": "w*x + b", "y": "z^2"})
    found = tape.compile_graph(graph).forward(
        {"w": np.array([1.0, 2.0]), "b": np.array(3.0), "x": np.array([[1.0], [2.0], [3.0]])}
    )
    slopes = found.gradients()
    assert [slopes[name].shape for name in ("w", "b", "x")] == [(2,), (), (3, 1)]
    z = found.values["z"]
    assert slopes["b"] == pytest.approx((2 * z).sum())
    assert slopes["w"] == pytest.approx((2 * z * [[1.0], [2.0], [3.0]]).sum(axis=0))


def test_locals_hold_other_inputs_fixed():
    found = run({"x": 2.0}, {"a": "x^2", "y": "a*x"}).locals()
    assert {edge: float(slope) for edge, slope in found.items()} == {("x", "a"): 4, ("a", "y"): 2, ("x", "y"): 4}


def test_what_is_not_reached_is_zero():
    slopes = run({"x": 2.0, "u": 5.0}, {"a": "u + 1", "y": "x^2"}).gradients("y")
    assert (slopes["u"], slopes["a"]) == (0, 0)


def test_a_chain_of_5000_nodes():
    nodes = {f"a{k}": f"{f'a{k - 1}' if k else 'x'} + 1" for k in range(5000)}
    assert run({"x": 0.0}, nodes).gradients()["x"] == 1
