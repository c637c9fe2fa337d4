from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_cli.errors import ShapeError, UnsupportedError
from gradcheck_cli.expr import Call, Index, Name, names, number
from gradcheck_cli.functions import ARRAY_PRIMITIVES, BACKWARD
from gradcheck_cli.graph import Graph, Input, Node
from gradcheck_cli.grids import Grid, grid
from gradcheck_cli.lowering import Shapes, at_sizes, in_numbers, lower
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.shapes import size
from gradcheck_cli.symbolic.entries import ENTRY_RULES, entries
from gradcheck_cli.symbolic.evaluate import to_float
from tests.arrayvalues import array_values

SIZES = {"A": (2, 3), "B": (3, 4), "M": (3, 3), "P": (4, 4), "u": (3,), "v": (3,), "w": (4,), "c": (3, 1), "r": (1, 3), "s": (),
         "I": (6, 5), "K": (2, 3), "T": (2, 6, 5), "F": (3, 2, 2, 3), "N": (2, 2, 6, 5), "y": (3,), "k": ()}  # fmt: skip
WHOLE = {"y": [2, 0, 1], "k": 2}
VOCABULARY = replace(scope(dict.fromkeys(SIZES, ()), indices=("i", "j"))[0], arrays=True)
KNOWN = Shapes({name: tuple(map(size, shape)) for name, shape in SIZES.items()})


def numbers(name):
    if name in WHOLE:
        return np.array(WHOLE[name], dtype=object)
    draw = np.random.default_rng(sorted(SIZES).index(name))
    return np.vectorize(lambda whole: Fraction(int(whole), 7))(draw.integers(-20, 20, SIZES[name]))


DATA = {name: numbers(name) for name in SIZES}
FLOATS = {name: np.array(values, dtype=float) for name, values in DATA.items()}
GIVEN = {name: Grid(SIZES[name], tuple(map(Fraction, np.ravel(values)))) for name, values in DATA.items()}


def read(text):
    return in_numbers(lower(parse(text, VOCABULARY), KNOWN).expr, {})


def values(text):
    graph = Graph((), (Node("result", read(text)),), "result")
    return array_values(graph, GIVEN)["result"]


def floats(found):
    return np.array([to_float(value) for value in found.items]).reshape(found.shape)


def test_every_primitive_of_arrays_has_a_rule_and_nothing_else_has():
    assert set(ENTRY_RULES) == {*ARRAY_PRIMITIVES, *BACKWARD}


def softmax(x, axis):
    powers = np.exp(x)
    return powers / powers.sum(axis=axis, keepdims=True)


def convolved(x, k, stride=1, padding=0, dilation=1):
    x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(padding, padding)] * 2)
    rows, columns = (
        (x.shape[a] - dilation * (k.shape[a] - 1) - 1) // stride + 1 for a in (-2, -1)
    )  # fmt: skip
    found = np.zeros((*x.shape[:-3], k.shape[0], rows, columns))
    for i in range(rows):
        for j in range(columns):
            part = x[..., i * stride :: dilation, j * stride :: dilation][..., : k.shape[-2], : k.shape[-1]]
            found[..., i, j] = np.tensordot(part, k, axes=([-3, -2, -1], [1, 2, 3]))
    return found


def pooled(x, n, stride, padding, border, how):
    x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(padding, padding)] * 2, constant_values=border)
    rows, columns = ((x.shape[a] - n) // stride + 1 for a in (-2, -1))
    return np.stack(
        [
            np.stack(
                [how(x[..., i * stride : i * stride + n, j * stride : j * stride + n]) for j in range(columns)], -1
            )
            for i in range(rows)
        ],
        -2,
    )


def largest(x):
    return x.max(axis=(-2, -1))


def average(x):
    return x.mean(axis=(-2, -1))


A, B, M, P, u, v, w, c, r, s, I, K, T, F, N = (FLOATS[name] for name in "ABMPuvwcrsIKTFN")  # noqa: E741
Y = WHOLE["y"]
AGAINST_NUMPY = {
    "A @ B": A @ B, "A @ u": A @ u, "w @ P": w @ P, "u @ v": u @ v, "A.T": A.T, "u.T": u, "outer(u, w)": np.outer(u, w),
    "A + u": A + u, "c + r": c + r, "c*M*s": c * M * s, "exp(A/9) - 1": np.exp(A / 9) - 1, "where(A > 0, A, 2)": np.where(A > 0, A, 2),
    "sum(A)": A.sum(), "sum(A, axis=0)": A.sum(0), "sum(A, axis=1, keepdims=1)": A.sum(1, keepdims=True), "sum(A, keepdims=1)": A.sum(keepdims=True),
    "prod(A, axis=1)": A.prod(1), "max(A)": A.max(), "max(A, axis=0)": A.max(0), "min(A, axis=-1)": A.min(1), "mean(T, axis=1)": T.mean(1),
    "var(A, axis=0)": A.var(0), "norm(A)": np.linalg.norm(A), "norm(A, axis=1)": np.linalg.norm(A, axis=1),
    "logsumexp(A)": np.log(np.exp(A).sum()), "logsumexp(A, axis=1)": np.log(np.exp(A).sum(1)), "softmax(u)": softmax(u, 0),
    "softmax(A)": softmax(A, 1), "softmax(A, axis=0)": softmax(A, 0), "softmax(c)": softmax(c, 0), "log_softmax(T)": np.log(softmax(T, 2)),
    "trace(M)": np.trace(M), "det(M)": np.linalg.det(M), "det(P)": np.linalg.det(P), "det([[s]])": s, "det([[1, 2], [3, 4]])": -2,
    "inv(M)": np.linalg.inv(M), "inv(P)": np.linalg.inv(P), "inv([[s]])": [[1 / s]], "diag(u)": np.diag(u), "diag(M)": np.diag(M),
    "reshape(A, 3, 2)": A.reshape(3, 2), "flatten(T)": T.ravel(), "concat(A, M)": np.concatenate((A, M)), "concat(u, w, v)": np.concatenate((u, w, v)),
    "concat(c, M, axis=1)": np.concatenate((c, M), 1), "[u, v]": [u, v], "[[s, 1], [2, s]]": [[s, 1], [2, s]], "ones(2, 3)": np.ones((2, 3)),
    "zeros(2)": np.zeros(2), "eye(3)": np.eye(3), "onehot(1, 4)": [0, 1, 0, 0], "onehot(k, 4)": [0, 0, 1, 0], "A[1, 2]": A[1, 2], "A[1]": A[1],
    "T[1, 5]": T[1, 5], "(A @ B)[0, 3]": (A @ B)[0, 3], "B[k, 1]": B[2, 1], "B[k]": B[2], "u[y[0]]": u[Y[0]], "eye(3)[k]": [0, 0, 1],
    "sum(u[i]*v[i], i)": u @ v, "sum(sum(A[i, j], i), j)": A.sum(), "sum(delta(i, 1)*u[i], i)": u[1], "sum(M[i, i], i)": np.trace(M),
    "sum(M[i, y[i]], i)": sum(M[i, Y[i]] for i in range(3)), "sum(i*u[i], i)": u[1] + 2 * u[2], "sum(M[i], i)": M.sum(0), "sum(sum(M[i, j], j)*u[i], i)": M.sum(1) @ u,
    "conv2d(I, K)": convolved(I[None], K[None, None])[0], "conv2d(I, K, padding=1)": convolved(I[None], K[None, None], padding=1)[0],
    "conv2d(T, F)": convolved(T, F), "conv2d(T, F, stride=2)": convolved(T, F, stride=2), "conv2d(N, F, padding=1, dilation=2)": convolved(N, F, padding=1, dilation=2),
    "maxpool2d(T, 2)": pooled(T, 2, 2, 0, 0, largest), "maxpool2d(I, 3, stride=1, padding=1)": pooled(I, 3, 1, 1, -np.inf, largest),
    "avgpool2d(T, 2)": pooled(T, 2, 2, 0, 0, average), "avgpool2d(N, 2, stride=1, padding=1)": pooled(N, 2, 1, 1, 0, average),
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), AGAINST_NUMPY.items())
def test_the_values_are_numpys(text, wanted):
    found = values(text)
    assert found.shape == np.shape(wanted)
    assert np.allclose(floats(found), wanted, rtol=1e-12, atol=1e-12)


def adjoint(function, x, step=2.0**-20):
    """d(sum(G*function(x)))/dx for the linear functions here, by differences, which are exact for them; and G."""
    weights = np.sin(np.arange(function(x).size, dtype=float)).reshape(function(x).shape)
    found = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        there = x.copy()
        there[place] += step
        found[place] = ((function(there) - function(x)) * weights).sum() / step
    return found, weights


@pytest.mark.parametrize(
    ("text", "function", "by"),
    [
        ("vjp_conv2d_x(G, T, F, stride=2, padding=1)", lambda x: convolved(x, F, 2, 1), T),
        ("vjp_conv2d_x(G, N, F, dilation=2, padding=1)", lambda x: convolved(x, F, 1, 1, 2), N),
        ("vjp_conv2d_x(G, I, K)", lambda x: convolved(x[None], K[None, None])[0], I),
        ("vjp_conv2d_k(G, T, F, stride=3)", lambda k: convolved(T, k, 3), F),
        ("vjp_conv2d_k(G, N, F, stride=2, padding=1)", lambda k: convolved(N, k, 2, 1), F),
        ("vjp_conv2d_k(G, I, K, padding=1)", lambda k: convolved(I[None], k[None, None], 1, 1)[0], K),
        ("vjp_maxpool2d_x(G, T, 2)", lambda x: pooled(x, 2, 2, 0, 0, largest), T),
        ("vjp_maxpool2d_x(G, I, 2, stride=3, padding=1)", lambda x: pooled(x, 2, 3, 1, -np.inf, largest), I),
        ("vjp_avgpool2d_x(G, T, 2, stride=3)", lambda x: pooled(x, 2, 3, 0, 0, average), T),
        ("vjp_avgpool2d_x(G, N, 2, padding=1)", lambda x: pooled(x, 2, 2, 1, 0, average), N),
    ],
)
def test_what_images_send_back_is_what_differences_find(text, function, by):
    wanted, weights = adjoint(function, by)
    known = Shapes({**KNOWN.names, "G": tuple(map(size, weights.shape))})
    vocabulary = replace(scope(dict.fromkeys([*SIZES, "G"], ()), indices=("i", "j"))[0], arrays=True)
    made = in_numbers(lower(parse(text, vocabulary), known).expr, {})
    given = {**GIVEN, "G": Grid(weights.shape, tuple(map(Fraction, weights.ravel().tolist())))}
    found = array_values(Graph((), (Node("result", made),), "result"), given)["result"]
    assert found.shape == wanted.shape
    assert np.allclose(floats(found), wanted, rtol=1e-7, atol=1e-7)


def test_of_a_tie_the_first_gets_all_that_comes_back():
    known = Shapes({"x": (size(2), size(2)), "G": (size(1), size(1))})
    vocabulary = replace(scope(dict.fromkeys(("x", "G"), ()))[0], arrays=True)
    made = in_numbers(lower(parse("vjp_maxpool2d_x(G, x, 2)", vocabulary), known).expr, {})
    given = {"x": Grid((2, 2), tuple(map(Fraction, (1, 3, 3, 3)))), "G": Grid((1, 1), (Fraction(5),))}
    assert array_values(Graph((), (Node("result", made),), "result"), given)["result"].items == (0, 5, 0, 0)


def test_what_arrives_has_the_shape_of_the_value():
    known = Shapes({"x": (size(4), size(4)), "G": (size(4), size(4))})
    vocabulary = replace(scope(dict.fromkeys(("x", "G"), ()))[0], arrays=True)
    with pytest.raises(ShapeError, match=r"needs g of shape \(2, 2\), this has shape \(4, 4\)"):
        lower(parse("vjp_avgpool2d_x(G, x, 2)", vocabulary), known)


@pytest.mark.parametrize(
    "text", ["A @ B", "inv(M)", "det(P)", "sum(A, axis=0)", "conv2d(T, F)", "avgpool2d(I, 2)", "max(A)"]
)
def test_rational_data_stays_exact(text):
    assert all(isinstance(value, Fraction) for value in values(text).items)


def test_an_entry_has_the_name_of_its_place():
    assert entries(Name("A"), {"A": (2, 2)}) == grid((2, 2), map(Name, ("A[0, 0]", "A[0, 1]", "A[1, 0]", "A[1, 1]")))
    assert entries(Name("s"), {}) == Grid((), (Name("s"),))
    assert entries(Name("A"), {"A": Grid((1,), (Name("q"),))}).items == (Name("q"),)


def test_a_free_index_letter_is_bound_from_outside():
    expr = read("u[i] - v[j]")
    assert names(entries(expr, SIZES, {"i": 2, "j": 0}).items[0]) == ("u[2]", "v[0]")


def test_zeros_of_a_unit_matrix_leave_nothing_behind():
    assert names(entries(read("trace(M)"), SIZES).items[0]) == ("M[0, 0]", "M[1, 1]", "M[2, 2]")
    assert entries(read("sum(delta(i, 1)*u[i], i)"), SIZES).items == (Name("u[1]"),)


def test_equal_parts_are_one_object():
    shared = entries(read("softmax(u)"), SIZES)
    assert len({id(item.args[1]) for item in shared.items}) == 1
    product = read("M @ M")
    twice = Index(product, (number(0), number(0)))
    found = entries(Call("add", (twice, twice, Index(product, (number(0), number(1))))), SIZES).items[0]
    assert found.args[0] is found.args[1]


@pytest.mark.parametrize("text", ["B[k]", "u[y[1]]"])
def test_an_index_outside_has_no_value(text):
    outside = GIVEN | {"k": Grid((), (Fraction(7),)), "y": Grid((3,), (Fraction(-1),) * 3)}
    found = array_values(Graph((), (Node("result", read(text)),), "result"), outside)["result"]
    assert set(found.items) == {None}


@pytest.mark.parametrize(
    "text",
    ["ones(1000, 1000)", "sum(eye(600))", "ones(300, 1)*ones(1, 900)", "ones(200, 200)@ones(200, 200)", "det(eye(30))"],
)
def test_what_is_too_large_is_refused(text):
    with pytest.raises(UnsupportedError, match="too") as refused:
        values(text)
    assert refused.value.hint == "use smaller sizes"


REFUSED = {"sum(u[i]*u[i + 1], i)": "outside", "M[y]": "one number"}


@pytest.mark.parametrize(("text", "message"), REFUSED.items())
def test_what_has_no_entry_is_refused(text, message):
    with pytest.raises(UnsupportedError, match=message):
        values(text)


def test_a_graph_has_values_node_by_node():
    letters = {"m": 2, "n": 3}
    texts = {"Z": "X @ W.T", "S": "softmax(Z)", "L": "-sum(log(S))/m"}
    shapes = {"X": ("m", "n"), "W": ("m", "n"), "Z": ("m", "m"), "S": ("m", "m"), "L": ()}
    vocabulary = replace(scope(dict.fromkeys((*shapes, "m", "n"), ()))[0], arrays=True)
    nodes = tuple(Node(name, parse(text, vocabulary)) for name, text in texts.items())
    sized = {name: tuple(map(size, shape)) for name, shape in shapes.items()}
    graph = Graph((Input("X"), Input("W")), nodes, "L", (), (("m", None), ("n", None)), sized)
    x, other = np.arange(6).reshape(2, 3), np.ones((2, 3))
    data = {"X": Grid((2, 3), tuple(map(Fraction, range(6)))), "W": Grid((2, 3), (Fraction(1),) * 6)}
    found = array_values(at_sizes(graph, letters), data, (("G", parse("S - 1", vocabulary)),), bits=200)
    assert np.allclose(floats(found["Z"]), x @ other.T)
    assert np.allclose(floats(found["G"]), -np.ones((2, 2)) / 2)
    assert to_float(found["L"].items[0]) == pytest.approx(2 * np.log(2))
    assert set(found) == {"X", "W", "Z", "S", "L", "G"}


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["M", "M.T", "outer(u, v)", "(c*r)", "eye(3)", "(M*c)", "softmax(M)"]), min_size=1, max_size=3),
       st.sampled_from(["{}", "sum({}, axis=0)", "({}) @ u", "v @ ({})", "{} + r", "trace({})"]))  # fmt: skip
def test_a_product_has_numpys_values(factors, around):
    text = around.format(" @ ".join(factors))
    table = {"M": M, "u": u, "v": v, "c": c, "r": r, "np": np}
    mean = {
        "M": M,
        "M.T": M.T,
        "outer(u, v)": np.outer(u, v),
        "(c*r)": c * r,
        "eye(3)": np.eye(3),
        "(M*c)": M * c,
        "softmax(M)": softmax(M, 1),
    }
    product = mean[factors[0]]
    for factor in factors[1:]:
        product = product @ mean[factor]
    outside = {"{}": lambda x: x, "sum({}, axis=0)": lambda x: x.sum(0), "({}) @ u": lambda x: x @ table["u"], "v @ ({})": lambda x: v @ x,
               "{} + r": lambda x: x + r, "trace({})": np.trace}  # fmt: skip
    assert np.allclose(floats(values(text)), outside[around](product), rtol=1e-10)
