"""The probe on graphs of arrays: values, slopes along directions against known gradients, kinks, bounds."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli import probe
from gradcheck_cli.errors import ShapeError, UnsupportedError
from gradcheck_cli.expr import Call, Index, Name, Sum
from gradcheck_cli.graph import Graph, Input, Node
from gradcheck_cli.grids import Grid, grid
from gradcheck_cli.shapes import size
from tests.arraygraphs import filled, shaped

M = probe.CONTEXT
ONE = filled((), 1)
A = filled((2, 3), 1, -2, "1/3", "0.7", 5, -1)
X = filled((3, 2), 2, "0.1", -3, 1, "1/7", 4)
S = filled((3, 3), 4, 1, "0.5", -1, 3, 1, 0, "1/3", 2)
V = filled((3,), 1, "-0.5", 2)
U = filled((3,), "0.3", 2, "-1/7")


def compiled(inputs, **nodes):
    made = probe.compile_arrays(shaped(inputs, **nodes))
    return made, made.values({})


def value(inputs, text):
    return compiled(inputs, f=text)[1]["f"]


def floats(found):
    return np.array([probe.as_float(item) for item in found.items]).reshape(found.shape)


def unit(shape, place):
    """The direction that moves one entry."""
    return grid(shape, [Fraction(at == place) for at in Grid(shape, ()).places()])


def gradient(made, values, target, source, weights=ONE):
    """One slope an entry; none of them may be a kink."""
    shape = values[source].shape
    slopes = [made.along(target, {source: unit(shape, place)}, weights, values) for place in values[source].places()]
    assert not any(slope.kink or slope.jump for slope in slopes)
    return grid(shape, [slope.central for slope in slopes])


def near(found, expected, digits=28):
    bound = M.mpf(10) ** -digits
    return found.shape == expected.shape and all(
        abs(a - b) <= bound * max(1, abs(b)) for a, b in zip(found.items, expected.items, strict=True)
    )


CLOSED = {
    "trace of a product": ({"A": A, "X": X}, "trace(A @ X)", "X", "A.T"),
    "trace of a product, by the left factor": ({"A": A, "X": X}, "trace(A @ X)", "A", "X.T"),
    "logsumexp": ({"v": V}, "logsumexp(v)", "v", "softmax(v)"),
    "logsumexp of rows": ({"A": A}, "sum(logsumexp(A, axis=1))", "A", "softmax(A, axis=1)"),
    "determinant": ({"S": S}, "det(S)", "S", "det(S)*inv(S).T"),
    "logarithm of the determinant": ({"S": S}, "logdet(S)", "S", "inv(S).T"),
    "inverse": ({"S": S, "u": U, "v": V}, "u @ inv(S) @ v", "S", "-outer(inv(S).T @ u, inv(S) @ v)"),
    "quadratic form": ({"S": S, "v": V}, "v @ S @ v", "v", "(S + S.T) @ v"),
    "bilinear form": ({"S": S, "u": U, "v": V}, "u @ S @ v", "S", "outer(u, v)"),
    "least squares": ({"A": A, "v": V}, "sum((A @ v - 1)^2)", "v", "2*A.T @ (A @ v - 1)"),
    "length": ({"v": V}, "norm(v)", "v", "v/norm(v)"),
    "mean": ({"A": A}, "mean(A)", "A", "ones(2, 3)/6"),
    "variance": ({"v": V}, "var(v)", "v", "2*(v - mean(v))/3"),
    "product": ({"v": V}, "prod(v)", "v", "prod(v)/v"),
    "largest": ({"A": A}, "max(A)", "A", "A == 5"),
    "largest of columns": ({"A": A}, "sum(max(A, axis=0))", "A", "A == max(A, axis=0, keepdims=1)"),
    "smallest": ({"A": A}, "min(A)", "A", "A == -2"),
    "row added to all rows": ({"A": A, "v": V}, "sum((A + v)^2)", "v", "2*sum(A + v, axis=0)"),
    "column times all columns": ({"A": A, "c": filled((2, 1), 3, 4)}, "sum(A*c)", "c", "sum(A, axis=1, keepdims=1)"),
    "cross-entropy of softmax": ({"v": V}, "-sum([0, 1, 0]*log_softmax(v))", "v", "softmax(v) - [0, 1, 0]"),
    "entropy of softmax": ({"v": V}, "sum(softmax(v)*v)", "v", "softmax(v)*(1 + v - sum(softmax(v)*v))"),
    "parts": ({"A": A, "u": U}, "sum(concat(u, A[0])^2)", "A", "2*A*[[1], [0]]"),
    "another order": ({"A": A, "X": X}, "sum(reshape(A, 3, 2)*X)", "A", "reshape(X, 2, 3)"),
    "an entry": ({"A": A}, "A[1, 2]^2", "A", "2*A[1, 2]*[[0, 0, 0], [0, 0, 1]]"),
    "sum over an index": ({"v": V, "u": U}, "sum(v[j]*u[j]^2, j)", "u", "2*v*u"),
    "sums in sums": ({"S": S, "v": V}, "sum(v[i]*sum(S[i, j]*v[j], j), i)", "S", "outer(v, v)"),
    "delta": ({"v": V}, "sum(sum(delta(i, j)*v[i]*v[j], i), j)", "v", "2*v"),
    "filter": ({"S": S, "k": filled((2, 2), 1, 2, 3, 4)}, "sum(conv2d(S, k))", "k", "4*avgpool2d(S, 2, stride=1)"),
    "mean pool": ({"S": S}, "sum(avgpool2d(S, 3))", "S", "ones(3, 3)/9"),
    "max pool": ({"S": S}, "sum(maxpool2d(S, 2, stride=1))", "S", "[[1, 0, 0], [0, 3, 0], [0, 0, 0]]"),
}  # fmt: skip


@pytest.mark.parametrize("case", CLOSED)
def test_the_gradient_entry_by_entry_is_the_textbooks(case):
    inputs, text, source, expected = CLOSED[case]
    made, values = compiled(inputs, f=text, expected=f"({expected}) + 0*{source}")
    assert near(gradient(made, values, "f", source), values["expected"])


numbers = st.lists(st.fractions(-2, 2, max_denominator=9), min_size=6, max_size=6)


@given(numbers, numbers, numbers)
def test_a_slope_along_a_direction_is_the_gradient_times_the_direction(weights, first, second):
    made, values = compiled({"A": A, "v": V}, h="tanh(A*v)", f="h*sum(A, axis=0)", G="(1 - h^2)*sum(A, axis=0)")
    w, a, v = grid((2, 3), weights), grid((2, 3), first), grid((3,), second[:3])
    found = made.along("f", {"A": a, "v": v}, w, values)
    change = [
        values["G"][i, j] * (probe.real(a[i, j]) * values["v"][j,] + values["A"][i, j] * probe.real(v[j,]))
        + values["h"][i, j] * probe.real(a[0, j] + a[1, j])
        for i, j in a.places()
    ]
    expected = sum(probe.real(w[place]) * part for place, part in zip(w.places(), change, strict=True))
    assert abs(found.central - expected) <= min(M.mpf(10) ** -25, found.error)
    assert not found.kink


NET = {"Z": "W @ X + b", "H": "relu(Z)", "Y": "V @ H", "P": "softmax(Y, axis=0)", "L": "-sum(T*log(P))/2"}
NET_INPUTS = {
    "W": filled((3, 2), 1, "-0.5", "0.3", 2, "-1/3", "0.25"),
    "X": filled((2, 2), 1, -2, "0.5", 3),
    "b": filled((3, 1), "0.1", -1, "0.2"),
    "V": filled((2, 3), 1, -1, "0.4", "0.6", 2, "-0.3"),
    "T": filled((2, 2), 1, 0, 0, 1),
}


def test_a_net_has_the_gradients_of_backpropagation():
    made, values = compiled(
        NET_INPUTS,
        **NET,
        dY="(P - T)/2",
        dV="dY @ H.T",
        dH="V.T @ dY",
        dZ="dH*step(Z)",
        dW="dZ @ X.T",
        db="sum(dZ, axis=1, keepdims=1)",
        dX="W.T @ dZ",
        dP="-T/P/2",
    )
    for name in ("Y", "V", "H", "Z", "W", "b", "X", "P"):
        assert near(gradient(made, values, "L", name), values[f"d{name}"]), name


def test_a_node_that_moves_is_cut_from_its_definition():
    made, values = compiled({"v": V}, a="2*v", b="a*v", f="sum(b)")
    direction = filled((3,), 1, 1, 1)
    assert near(gradient(made, values, "f", "a"), values["v"])
    assert near(gradient(made, values, "f", "v"), values["v"].map(lambda x: 4 * x))
    both = made.along("f", {"v": direction, "a": direction}, ONE, values)
    assert abs(both.central - 3 * sum(values["v"].items)) < M.mpf(10) ** -28
    held = made.along("f", {"v": direction, "a": filled((3,), 0, 0, 0)}, ONE, values)
    assert abs(held.central - 2 * sum(values["v"].items)) < M.mpf(10) ** -28
    itself = made.along("b", {"b": direction}, filled((3,), 1, 2, 3), values)
    assert abs(itself.central - 6) < M.mpf(10) ** -28


def test_a_local_slope_goes_through_one_edge_alone():
    made, values = compiled({"v": V}, a="2*v", b="a*v", f="sum(b)")
    directions = {"v": filled((3,), 1, 2, 3), "a": filled((3,), 1, 0, 0), "b": filled((3,), 1, 1, 1)}
    weights = filled((3,), 1, 1, 10)
    v = values["v"].items
    through_v = 2 * (v[0] + 2 * v[1] + 30 * v[2])
    assert abs(made.local_along("b", "v", directions, weights, values).central - through_v) < M.mpf(10) ** -28
    assert abs(made.local_along("b", "a", directions, weights, values).central - v[0]) < M.mpf(10) ** -28
    assert made.local_along("f", "v", directions, ONE, values).central == 0
    assert abs(made.local_along("b", "b", directions, weights, values).central - 12) < M.mpf(10) ** -28


def test_weights_choose_entries():
    made, values = compiled({"A": A, "v": V}, y="A @ v")
    for place in (0, 1):
        found = gradient(made, values, "y", "v", unit((2,), (place,)))
        assert near(found, Grid((3,), values["A"].items[3 * place : 3 * place + 3]))


def test_what_does_not_depend_or_does_not_move_has_slope_zero():
    made, values = compiled({"v": V, "u": U}, f="sum(v)")
    still, moving = filled((3,), 0, 0, 0), filled((3,), 1, 1, 1)
    for directions in ({}, {"v": still}, {"u": moving}):
        found = made.along("f", directions, ONE, values)
        assert (found.central, found.kink, found.jump) == (0, False, False)


def test_only_what_lies_between_is_computed_again():
    made, values = compiled({"v": V, "u": U}, a="exp(v)", b="exp(u)", c="a*b", f="sum(c)", g="sum(a)")
    runs = []

    class Counted:
        def __init__(self, name, program):
            self.name, self.program = name, program

        def run(self, state):
            runs.append(self.name)
            return self.program.run(state)

    watched = probe.ArrayProbe(made.graph, {name: Counted(name, one) for name, one in made.programs.items()})
    watched.along("f", {"u": filled((3,), 1, 1, 1)}, ONE, values)
    assert set(runs) == {"b", "c", "f"}
    runs.clear()
    watched.along("f", {"c": filled((3,), 1, 1, 1), "v": filled((3,), 1, 1, 1)}, ONE, values)
    assert "b" not in runs
    assert "c" not in runs
    runs.clear()
    watched.local_along("c", "a", {"a": filled((3,), 1, 1, 1)}, filled((3,), 1, 1, 1), values)
    assert set(runs) == {"c"}


KINKS = {
    "two largest, one moves": ("max(v)", (2, 2, 1), (1, 0, 0), 0, 1),
    "two largest, the other moves": ("max(v)", (2, 2, 1), (0, 1, 0), 0, 1),
    "two largest, both move": ("max(v)", (2, 2, 1), (1, 3, 0), 1, 3),
    "two smallest": ("min(v)", (2, 1, 1), (0, 1, -1), 1, -1),
    "rows that tie": ("sum(max([v, 2*v], axis=0))", (0, 1, 1), (1, 0, 0), 1, 2),
    "a tie of decimals": ("max([v[0]*3, v[1]])", ("0.1", "0.3", 0), (1, 0, 0), 0, 3),
    "a sum on the border": ("relu(v @ [1, 1, 1])", ("0.1", "0.2", "-0.3"), (1, 0, 0), 0, 1),
    "an index sum on the border": ("relu(sum(v[j], j))", ("0.1", "0.2", "-0.3"), (2, 0, 0), 0, 2),
    "one entry of many": ("sum(abs(v))", (0, 1, -1), (1, 1, 1), -1, 1),
    "pool": ("sum(maxpool2d([v, v], 2))", (1, 1, 5), (0, 1, 0), 0, 1),
}


@pytest.mark.parametrize("case", KINKS)
def test_a_tie_is_a_kink_with_two_slopes(case):
    text, start, direction, left, right = KINKS[case]
    made, values = compiled({"v": filled((3,), *start)}, f=text)
    found = made.along("f", {"v": filled((3,), *direction)}, ONE, values)
    assert found.kink
    assert not found.jump
    assert abs(found.left - left) < 1e-12
    assert abs(found.right - right) < 1e-12


def test_a_tie_that_moves_together_is_no_kink():
    made, values = compiled({"v": filled((3,), 2, 2, 1)}, f="max(v)")
    found = made.along("f", {"v": filled((3,), 1, 1, 0)}, ONE, values)
    assert not found.kink
    assert abs(found.central - 1) < M.mpf(10) ** -28


def test_a_kink_under_a_weight_of_zero_does_not_count():
    made, values = compiled({"v": filled((3,), 0, 2, 1)}, f="abs(v)")
    direction = filled((3,), 1, 1, 1)
    assert not made.along("f", {"v": direction}, filled((3,), 0, 1, 1), values).kink
    assert made.along("f", {"v": direction}, filled((3,), 1, 1, 1), values).kink


def test_a_comparison_jumps():
    made, values = compiled({"v": filled((3,), "0.1", "0.2", "0.3")}, f="sum(v >= [0.1, 5, 5])")
    found = made.along("f", {"v": filled((3,), 1, 1, 1)}, ONE, values)
    assert found.kink
    assert found.jump
    assert (found.left, found.right) == (M.inf, 0)


def test_nothing_is_known_where_the_value_is_not_finite():
    made, values = compiled({"v": filled((3,), -1, 1, 2), "S": filled((2, 2), 1, 2, 2, 4)}, f="log(v)", g="inv(S)")
    assert M.isnan(values["f"].items[0])
    direction = filled((3,), 1, 1, 1)
    assert M.isnan(made.along("f", {"v": direction}, direction, values).central)
    known = made.along("f", {"v": direction}, filled((3,), 0, 1, 2), values)
    assert abs(known.central - 2) < 1e-28
    assert all(map(M.isnan, values["g"].items))


def test_small_and_large_entries_move_together():
    made, values = compiled({"v": filled((3,), "1e-9", 1, "1e9")}, f="sum(log(v))")
    found = made.along("f", {"v": filled((3,), 1, 1, 1)}, ONE, values)
    assert abs(found.central / (10**9 + 1 + M.mpf(10) ** -9) - 1) < M.mpf(10) ** -25
    assert not found.kink


def test_a_singular_matrix_has_slopes_of_its_determinant():
    made, values = compiled({"S": filled((3, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9)}, f="det(S)")
    assert values["f"].items == (0,)
    cofactors = filled((3, 3), -3, 6, -3, 6, -12, 6, -3, 6, -3).map(probe.real)
    assert near(gradient(made, values, "f", "S"), cofactors)


def test_values_are_grids_of_every_shape_and_what_is_given_wins():
    made = probe.compile_arrays(shaped({"v": V, "c": filled((), 3)}, constants=("c",), f="c*v", g="sum(f)"))
    values = made.values({"v": filled((3,), 1, 2, 4), "c": Fraction(2)})
    assert {name: found.shape for name, found in values.items()} == {"v": (3,), "c": (), "f": (3,), "g": ()}
    assert values["f"].items == (2, 4, 8)
    assert made.values({})["c"].items == (3,)


def test_a_graph_of_numbers_is_a_graph_of_arrays():
    graph = Graph((Input("x", Fraction(3)),), (Node("f", Call("mul", (Name("x"), Name("x")))),), "f")
    made = probe.compile_arrays(graph)
    assert abs(made.along("f", {"x": ONE}, ONE, made.values({})).central - 6) < 1e-28


def test_measuring_leaves_the_values_as_they_are():
    made, values = compiled({"v": V}, f="sum(v^2)")
    before = dict(values)
    made.along("f", {"v": V}, ONE, values)
    assert values == before


def test_a_value_that_is_missing_is_named():
    made = probe.compile_arrays(shaped({"v": (3,)}, f="sum(v)"))
    with pytest.raises(UnsupportedError) as caught:
        made.values({})
    assert str(caught.value) == '"v" has no value; give it a number'


def test_values_directions_and_weights_have_the_shape_of_what_they_are_for():
    made, values = compiled({"v": V}, f="2*v")
    short, right = filled((2,), 1, 1), filled((3,), 1, 1, 1)
    with pytest.raises(ShapeError, match=r'the value for "v" has shape \(2,\), its own is \(3,\)'):
        made.values({"v": short})
    with pytest.raises(ShapeError, match='the direction for "v"'):
        made.along("f", {"v": short}, right, values)
    with pytest.raises(ShapeError, match='the weights for "f"'):
        made.along("f", {"v": right}, ONE, values)


def test_only_inputs_and_nodes_move():
    made = probe.compile_arrays(shaped({"v": V, "c": filled((), 3)}, constants=("c",), f="c*v"))
    with pytest.raises(UnsupportedError, match='"c" is no input or node'):
        made.along("f", {"c": ONE}, filled((3,), 1, 1, 1), made.values({}))


# -- entries and sums over an index


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A[1]", [0.7, 5, -1]),
        ("A[1, 0]", 0.7),
        ("A.T[1]", [-2, 5]),
        ("eye(3)[k]", [0, 1, 0]),
        ("A[0, k + 1]*3", 1),
        ("sum(j*v[j], j)", 3.5),
        ("sum(A[i], i)", [1.7, 3, -2 / 3]),
        ("sum(sum(A[i, j]*v[j], j)*sum(v[j], j), i)", 2.5 * (1 + 1 + 2 / 3 + 0.7 - 2.5 - 2)),
        ("sum((exp(v) @ (2*eye(3)))[j]/sum(exp(v[j]), j), j)", 2),
        ("sum(v[j] + sum(v[j], j), j)", 10),
        ("sum(sum((i == j)*A[i, j], i), j)", 6),
    ],
)  # fmt: skip
def test_entries_and_sums_over_an_index(text, expected):
    found = floats(value({"A": A, "v": V, "k": filled((), 1)}, text))
    np.testing.assert_allclose(found, np.asarray(expected, float), rtol=1e-14, strict=True)


def test_what_does_not_depend_on_the_letter_is_computed_once(monkeypatch):
    calls = 0

    def counted(x):
        nonlocal calls
        calls += 1
        return M.exp(x)

    monkeypatch.setitem(probe.RULES, "exp", counted)
    text = "sum((exp(v) @ (2*eye(3)))[j]/sum(exp(v[i]), i)*sum(exp(v[j]), j), j)"
    assert abs(value({"v": V}, text).items[0] - 2 * sum(map(M.exp, (1, M.mpf(-0.5), 2)))) < 1e-28
    assert calls == 9


def test_a_bent_rule_shows_in_value_and_slope(monkeypatch):
    rule = probe.ARRAY_RULES["matmul"]
    monkeypatch.setitem(probe.ARRAY_RULES, "matmul", lambda x, y: rule(x, y).map(lambda item: 2 * item))
    made, values = compiled({"v": V, "u": U}, f="u @ v")
    assert near(gradient(made, values, "f", "v"), values["u"].map(lambda x: 2 * x))


@pytest.mark.parametrize("index", [3, -1])
def test_an_index_beyond_the_entries_is_refused(index):
    made = probe.compile_arrays(shaped({"v": V, "k": filled((), index)}, f="v[k]"))
    with pytest.raises(UnsupportedError, match=f"the index {index} is none of the 3 that there are"):
        made.values({})


def test_between_two_entries_there_is_no_value():
    assert M.isnan(value({"v": V, "k": filled((), "0.5")}, "v[k]").items[0])
    made, values = compiled({"v": V, "k": filled((), 1)}, f="v[k]")
    found = made.along("f", {"k": ONE}, ONE, values)
    assert found.kink
    assert M.isnan(found.left)


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        (Call("fft", (Name("v"),)), 'the probe has no rule for "fft"'),
        (Sum(Index(Name("v"), (Name("j"),)), "j"), "how far the index j runs is not known"),
        (Index(Name("v"), (Name("v"),)), "an index is an array"),
        (Index(Name("v"), (Name("j"),)), '"j" has no value'),
    ],
)
def test_what_cannot_be_computed_is_named(expr, message):
    graph = Graph((Input("v", shape=(size(3),)),), (Node("f", expr),), "f", shapes={"v": (size(3),), "f": ()})
    with pytest.raises(UnsupportedError, match=message):
        probe.compile_arrays(graph)


# -- bounds


@pytest.mark.parametrize(
    "text",
    ["X @ X", "inv(X)", "exp(X)*exp(-X) + tanh(X)", "sum(sum(X[i]@X[j], i), j)", "conv2d(X, ones(30, 30))", "ones(2000, 2000)"],
)  # fmt: skip
def test_more_work_than_the_bound_is_refused_before_it_is_done(text):
    with pytest.raises(UnsupportedError, match=r"sums and products, 2,000,000 at most; take smaller sizes"):
        probe.compile_arrays(shaped({"X": (300, 300)}, f=text))


def test_work_below_the_bound_is_taken():
    made = probe.compile_arrays(shaped({"X": (40, 40)}, f="sum(X @ X)"))
    ones = grid((40, 40), [Fraction(1)] * 1600)
    values = made.values({"X": ones})
    assert values["f"].items == (64_000,)
    assert abs(made.along("f", {"X": ones}, ONE, values).central - 128_000) < 1e-20


@pytest.mark.parametrize(("count", "cost"), [(2, 8), (10, 1000)])
def test_the_work_of_a_matrix_product_is_its_number_of_products(count, cost):
    made = probe.compile_arrays(shaped({"X": (count, count)}, f="X @ X"))
    assert made.programs["f"].cost == cost


def test_a_chain_of_many_layers_is_a_loop():
    nodes = {"h0": "tanh(W @ x)"} | {f"h{at}": f"tanh(W @ h{at - 1})" for at in range(1, 256)}
    made, values = compiled({"W": filled((2, 2), "0.6", "-0.8", "0.8", "0.6"), "x": filled((2,), 1, 2)}, **nodes)
    found = made.along("h255", {"W": filled((2, 2), 1, 0, 0, 1)}, filled((2,), 1, 1), values)
    assert M.isfinite(found.central)
    assert found.error < 1e-20
    assert not found.kink
