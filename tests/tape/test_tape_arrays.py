"""The tape's rules for arrays: by differences, at their edges, and where something is infinite or undefined."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from gradcheck_cli import tape
from gradcheck_cli.errors import ShapeError, UnsupportedError
from gradcheck_cli.functions import ARRAY_PRIMITIVES
from gradcheck_cli.grids import Grid
from tests.shaped import concrete, shaped_graph

SIZES = {"m": 2, "n": 3}


def run(inputs, nodes):
    """A run on these arrays; nodes are texts."""
    values = {name: np.asarray(value, dtype=float) for name, value in inputs.items()}
    graph = concrete({name: value.shape for name, value in values.items()}, nodes)
    return tape.compile_graph(graph).forward(inputs)


def test_the_rules_cover_exactly_the_primitives_of_arrays():
    assert set(tape.ARRAY_RULES) == set(ARRAY_PRIMITIVES)


FORMS = {
    "matmul": ["W @ v", "u @ W", "v @ v", "W @ S", "W.T @ u @ v"], "transpose": ["W.T @ u"], "outer": ["outer(u, v)"],
    "sum": ["sum(W)", "sum(W, axis=0)", "sum(W, axis=-1, keepdims=1)"],
    "prod": ["prod(W)", "prod(W, axis=0)", "prod(W, axis=1, keepdims=1)"],
    "amax": ["max(W)", "max(W, axis=0)", "max(W, axis=1, keepdims=1)"], "amin": ["min(W)", "min(W, axis=1)"],
    "logsumexp": ["logsumexp(W)", "logsumexp(W, axis=0)", "logsumexp(W, axis=1, keepdims=1)"],
    "softmax": ["softmax(W)", "softmax(W, axis=0)", "softmax(c)"], "det": ["det(S)"], "inv": ["inv(S)"],
    "reshape": ["reshape(W, 3, 2)"], "concat": ["concat(u, v)", "concat(W, S)", "concat(W, W.T @ W, axis=0)"],
    "part": ["part(W, 1, 2, axis=1)"], "array": ["[u[0], v[1], 2]", "[v, v*v]"], "ones": ["ones(2, 3)*W"], "zeros": ["zeros(3) + v"], "eye": ["eye(3) @ v"],
    "conv2d": ["conv2d(S, W)", "conv2d(x, k, padding=1)", "conv2d(x, k, dilation=2, padding=1)", "conv2d(x, k, stride=2)"],
    "maxpool2d": ["maxpool2d(S, 2, stride=1)", "maxpool2d(x, 2)"], "avgpool2d": ["avgpool2d(x, 3, stride=1, padding=1)"],
}  # fmt: skip
SHAPES = {"u": (2,), "v": (3,), "c": (3, 1), "W": (2, 3), "S": (3, 3), "x": (2, 4, 4), "k": (3, 2, 2, 2)}


def test_each_primitive_has_a_form():
    assert set(FORMS) == set(ARRAY_PRIMITIVES)


@pytest.mark.parametrize("text", [text for texts in FORMS.values() for text in texts])
def test_what_is_sent_is_what_differences_say(text):
    numbers = np.random.default_rng(11)
    values = {name: numbers.uniform(0.3, 1.7, shape) for name, shape in SHAPES.items()}
    compiled = tape.compile_graph(concrete(SHAPES, {"y": text}))
    found = compiled.forward(values)
    adjoint = numbers.uniform(-1, 1, found.values["y"].shape)
    slopes = found.send("y", adjoint)
    for name, value in values.items():
        direction = numbers.uniform(-1, 1, value.shape)
        ahead, behind = (
            compiled.forward({**values, name: value + way * 1e-6 * direction}).values["y"] for way in (1, -1)
        )
        difference = np.sum(adjoint * (ahead - behind)) / 2e-6
        assert np.sum(slopes[name] * direction) == pytest.approx(difference, rel=1e-6, abs=1e-8)


def test_shapes_are_those_of_the_graph():
    inputs = {"X": ("m", "n"), "W": ("n", "n"), "b": ("n",)}
    graph = concrete(inputs, {"Z": "X @ W + b", "P": "softmax(Z)", "L": "sum(P*P)/m"}, SIZES)
    found = tape.compile_graph(graph).forward({"X": np.ones((2, 3)), "W": np.eye(3), "b": np.arange(3.0)})
    for name, shape in graph.shapes.items():
        assert found.values[name].shape == tuple(one.number for one in shape)
        assert found.gradients()[name].shape == found.values[name].shape


def test_the_gradient_of_a_softmax_and_its_cross_entropy():
    logits, target = np.array([[0.2, -1.0, 0.7], [2.0, 0.1, -0.4]]), np.array([[0.0, 1, 0], [1, 0, 0]])
    found = run({"z": logits, "y": target}, {"p": "softmax(z)", "L": "cross_entropy(p, y)"})
    assert found.gradients()["z"] == pytest.approx((found.values["p"] - target) / 2, rel=1e-14)


@pytest.mark.parametrize("size", [1e3, -1e3, 1e300])
def test_softmax_and_logsumexp_do_not_overflow(size):
    found = run({"z": [size, size, size - 1e-9]}, {"p": "softmax(z)", "l": "logsumexp(z)", "y": "l + p[0]"})
    assert found.values["p"].sum() == pytest.approx(1)
    assert found.values["l"] == pytest.approx(size, abs=2)
    assert np.isfinite(found.gradients()["z"]).all()


def test_logsumexp_of_nothing_but_minus_infinity():
    found = run({"z": [-np.inf, -np.inf]}, {"y": "logsumexp(z)"})
    assert found.values["y"] == -np.inf


@pytest.mark.parametrize(
    ("values", "slopes"), [([2, 0, 5], [0, 10, 0]), ([0, 0, 5], [0, 0, 0]), ([0, 3, 0], [0, 0, 0]), ([0, np.inf, 0], [0] * 3)]
)  # fmt: skip
def test_a_product_with_zeros(values, slopes):
    found = run({"x": values}, {"y": "prod(x)"})
    assert found.values["y"] == 0
    assert found.gradients()["x"].tolist() == slopes


@pytest.mark.parametrize(
    ("text", "slopes"),
    [
        ("max(x)", [[0, 1], [0, 0]]),
        ("min(x)", [[1, 0], [0, 0]]),
        ("sum(max(x, axis=0))", [[0, 1], [1, 0]]),
        ("sum(max(x, axis=1))", [[0, 1], [1, 0]]),
        ("sum(min(x, axis=0))", [[1, 1], [0, 0]]),
        ("sum(max(y, axis=1))", [[0, 0], [0, 0]]),
        ("sum(maxpool2d(x, 2))", [[0, 1], [0, 0]]),
    ],
)
def test_a_tie_goes_to_the_first(text, slopes):
    found = run({"x": [[1, 3], [3, 3]], "y": np.zeros((2, 2))}, {"L": text})
    assert found.gradients()["x"].tolist() == slopes


def test_the_border_of_a_pool_is_never_largest_and_counts_in_the_mean():
    found = run({"x": [[-4, -3], [-2, -1]]}, {"a": "maxpool2d(x, 2, padding=1)", "b": "avgpool2d(x, 2, padding=1)", "L": "sum(a)"})  # fmt: skip
    assert found.values["a"].tolist() == [[-4, -3], [-2, -1]]
    assert found.values["b"].tolist() == [[-1, -0.75], [-0.5, -0.25]]
    assert found.gradients()["x"].tolist() == [[1, 1], [1, 1]]


def test_windows_that_overlap_add_up():
    found = run({"x": [[1, 2, 3], [4, 9, 6], [7, 8, 5]]}, {"y": "maxpool2d(x, 2, stride=1)", "L": "sum(y)"})
    assert found.gradients()["x"].tolist() == [[0, 0, 0], [0, 4, 0], [0, 0, 0]]


def test_the_determinant_of_a_singular_matrix_has_a_slope():
    matrix = np.array([[1.0, 2, 3], [2, 4, 6], [0, 1, 5]])
    slope = run({"x": matrix}, {"y": "det(x)"}).gradients()["x"]
    cofactors = [[(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(matrix, i, 0), j, 1)) for j in range(3)] for i in range(3)]  # fmt: skip
    assert slope == pytest.approx(np.array(cofactors), abs=1e-12)


def test_a_matrix_without_inverse_is_undefined():
    found = run({"x": np.zeros((2, 2)), "w": [[1.0, 0], [0, 1]]}, {"y": "inv(x)", "L": "sum(w*w) + 0*sum(y)"})
    assert np.isnan(found.values["y"]).all()
    assert found.values["L"] == 2
    assert found.gradients()["w"].tolist() == [[2, 0], [0, 2]]


@pytest.mark.parametrize("text", ["y @ log(p)", "sum(y*log(p))", "conv2d([y], [log(p)])[0, 0]"])
def test_an_exact_zero_takes_in_an_infinite_factor(text):
    found = run({"y": [1.0, 0.0, 0.0], "p": [0.5, 0.0, -1.0]}, {"L": text})
    assert found.values["L"] == pytest.approx(np.log(0.5))
    assert found.gradients()["p"].tolist() == [2, 0, 0]


def test_what_is_infinite_stays_so_in_a_matrix_product():
    left, right = [[np.inf, 0.0], [1.0, -np.inf], [np.inf, np.nan]], [[1.0, 0.0], [2.0, 3.0]]
    found = run({"a": left, "b": right}, {"y": "a @ b"}).values["y"]
    assert np.array_equal(found, [[np.inf, 0], [-np.inf, -np.inf], [np.nan, np.nan]], equal_nan=True)
    both = run({"a": [np.inf, np.inf], "b": [1.0, -1.0]}, {"y": "a @ b"}).values["y"]
    assert np.isnan(both)


@pytest.mark.parametrize(
    "given",
    [
        [[Fraction(1, 2), 2], [3, 4.5]],
        Grid((2, 2), (Fraction(1, 2), Fraction(2), Fraction(3), Fraction(9, 2))),
        np.array([[0.5, 2], [3, 4.5]], dtype=np.float32),
        ((0.5, 2), (3, 4.5)),
    ],
    ids=["lists", "grid", "array", "tuples"],
)
def test_inputs_may_be_given_as(given):
    graph = concrete({"x": (2, 2)}, {"y": "sum(x)"})
    found = tape.compile_graph(graph).forward({"x": given})
    assert found.values["y"] == 10
    assert found.values["x"].dtype == np.float64


def test_a_fraction_too_large_for_doubles_is_infinite():
    graph = concrete({"x": (2,)}, {"y": "sum(x)"})
    assert tape.compile_graph(graph).forward({"x": [Fraction(10) ** 400, 1]}).values["y"] == np.inf


@pytest.mark.parametrize("given", [[1, 2], 5, [[1, 2, 3]]])
def test_an_input_of_another_shape_is_refused(given):
    graph = concrete({"x": (3,)}, {"y": "sum(x)"})
    with pytest.raises(ShapeError, match=r"x has shape .*, not \(3,\)"):
        tape.compile_graph(graph).forward({"x": given})


def test_sizes_that_are_letters_are_refused():
    with pytest.raises(UnsupportedError, match="the tape works in numbers"):
        tape.compile_graph(shaped_graph({"x": ("n",)}, {"y": "sum(x)"}))
