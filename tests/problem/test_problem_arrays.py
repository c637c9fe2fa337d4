"""Problem files with arrays: shapes, letters of sizes, data, kinds; and what every mistake is told."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import GradcheckError, ProblemError, ShapeError
from gradcheck_cli.expr import Call, Index
from gradcheck_cli.grids import Grid
from gradcheck_cli.problem import bundled, counts, load, read_problem
from gradcheck_cli.shapes import text_of
from gradcheck_cli.source import Source

CLASSIFIER = """title: Classifier
inputs:
  X: {shape: [dx, m]}
  Y: {shape: [1, m], kind: binary}
  W1: {shape: [dh, dx], param: true}
  b1: {shape: [dh, 1], param: true}
  W2: {shape: [1, dh], param: true, latex: W_2}
  b2: {shape: [1, 1], param: true, value: [[0.5]]}
dims: {dx: 3}
constants: {s: [[1, 2, 3]]}
let: {delta: "-d(J, Z1)", mask: step(Z1)}
graph:
  Z1: W1 @ X + b1
  A1: relu(Z1)
  Z2: W2 @ A1 + b2
  Yhat: sigmoid(Z2)
  J: sum(-(Y*log(Yhat) + (1 - Y)*log(1 - Yhat)))/m
questions:
  - {ask: "d(J, W1)", answer: "(mask * (W2.T @ (Yhat - Y))) @ X.T / m"}
  - {ask: "d(J, W1[0, 1])"}
  - {ask: "d(J, Z1)[i, j]"}
  - {ask: shape(W1), answer: "(dh, 3)"}
  - {ask: "local(A1, Z1)[i, j]"}
"""


def read(text):
    return read_problem(Source("p.yaml", "title: T\n" + text), "p")


def complaints(text):
    with pytest.raises(ProblemError) as caught:
        read(text)
    return [line.removeprefix("p.yaml:") for line in str(caught.value).split("\n")]


def shapes(problem):
    return {name: text_of(shape) for name, shape in problem.graph.shapes.items()}


def test_a_classifier_of_every_size_has_its_shapes():
    problem = read_problem(Source("p.yaml", CLASSIFIER), "p")
    assert problem.arrays
    assert problem.graph.dims == (("dx", 3), ("m", None), ("dh", None))
    assert shapes(problem) == {
        "X": "(dx, m)", "Y": "(1, m)", "W1": "(dh, dx)", "b1": "(dh, 1)", "W2": "(1, dh)", "b2": "(1, 1)", "s": "(1, 3)",
        "Z1": "(dh, m)", "A1": "(dh, m)", "Z2": "(1, m)", "Yhat": "(1, m)", "J": "()",
    }  # fmt: skip
    assert problem.data == {"b2": Grid((1, 1), (Fraction(1, 2),)), "s": Grid((1, 3), (1, 2, 3))}
    assert problem.given == {}
    assert problem.decimal
    assert [type(question.ask) for question in problem.questions] == [Call, Call, Index, Call, Index]


@pytest.mark.parametrize("name", bundled())
def test_only_a_problem_with_arrays_has_shapes(name):
    problem = load(name)
    assert problem.arrays == any(leaf.shape for leaf in (*problem.graph.inputs, *problem.graph.constants))
    assert set(problem.graph.shapes) in (
        set(),
        {*problem.graph.by_name, *(leaf.name for leaf in problem.graph.constants)},
    )


@pytest.mark.parametrize(
    ("leaf", "shape", "dims"),
    [
        ("{shape: [4*h, d + h]}", "(4*h, d + h)", {"d": None, "h": None}),
        ("{shape: n}", "(n,)", {"n": None}),
        ("{shape: 3}", "(3,)", {}),
        ("{shape: [n, 1]}", "(n, 1)", {"n": None}),
        ("{shape: [n, n], kind: spd}", "(n, n)", {"n": None}),
        ("[1, 2, 3]", "(3,)", {}),
        ("[[1/2, -0.5]]", "(1, 2)", {}),
        ("[[[1], [2]]]", "(1, 2, 1)", {}),
        ("{shape: [a, 2*a + 1], value: [[1, 2, 3]]}", "(a, 2*a + 1)", {"a": 1}),
        ("{shape: [a + b, b], value: [[1, 2], [3, 4], [5, 6]]}", "(a + b, b)", {"a": 1, "b": 2}),
    ],
)
def test_a_shape_is_declared_or_that_of_the_data(leaf, shape, dims):
    text = f"inputs: {{x: {leaf}}}\ngraph: {{z: sum(x)}}\n"
    problem = read(text)
    assert shapes(problem)["x"] == shape
    assert dict(problem.graph.dims) == dims


def test_a_size_is_no_power():
    assert complaints("inputs: {x: {shape: [4*h, h^2]}}\ngraph: {z: sum(x)}\n")


@pytest.mark.parametrize(
    "expression",
    ["reshape(x, m, 2)", "ones(m, 2) @ ones(2)", "eye(2*m) @ x", "x + zeros(2*m)", "x[m]", "sum(x[i], i)/m"],
)
def test_a_letter_may_have_a_number_everywhere(expression):
    text = f"inputs: {{x: {{shape: [2*m]}}}}\ndims: {{m: 3}}\ngraph: {{z: '{expression}'}}\n"
    assert shapes(read(text)) == shapes(read(text.replace("dims: {m: 3}\n", "")))


def test_a_scalar_with_a_shape_is_a_scalar():
    problem = read("inputs: {x: {shape: [], value: 3}}\ngraph: {z: 2*x}\n")
    assert not problem.arrays
    assert problem.given == {"x": 3}
    assert (problem.graph.dims, problem.graph.shapes) == ((), {})


@pytest.mark.parametrize(
    ("leaf", "axis"),
    [
        ("{shape: [n], kind: onehot}", 0),
        ("{shape: [m, n], kind: onehot}", 1),
        ("{shape: [n, 1], kind: onehot}", 0),  # a column sums along the column
        ("{shape: [1, n], kind: distribution}", 1),
        ("{shape: [m, n], kind: distribution, axis: 0}", 0),
        ("{shape: [m, n], kind: distribution, axis: -2}", 0),
        ("{shape: [m, n]}", -1),
        ("{value: [[0, 1], [1, 0]], kind: onehot}", 1),
        ("{value: [[0.1, 0.2], [0.9, 0.8]], kind: distribution, axis: 0}", 0),
        ("{value: [[2, -1], [-1, 2]], kind: spd}", -1),
        ("{value: [[0, 1], [1, 0]], kind: invertible}", -1),
        ("{value: [[0, 1], [1, 0]], kind: symmetric}", -1),
    ],
)
def test_kinds_of_arrays(leaf, axis):
    (found,) = read(f"inputs: {{x: {leaf}}}\ngraph: {{z: sum(x)}}\n").graph.inputs
    assert found.axis == axis


def test_large_matrices_are_checked_too():
    def matrix(corner):
        rows = [[(2 if row == column else int(abs(row - column) == 1)) for column in range(40)] for row in range(40)]
        rows[0][0] = corner
        return rows

    for kind in ("spd", "invertible"):
        assert read(f"inputs: {{A: {{value: {matrix(2)}, kind: {kind}}}}}\ngraph: {{z: sum(A)}}\n").data
    assert (
        "not positive definite"
        in complaints(f"inputs: {{A: {{value: {matrix(0)}, kind: spd}}}}\ngraph: {{z: sum(A)}}\n")[0]
    )
    ones = [[1] * 30] * 30
    assert (
        "determinant is 0"
        in complaints(f"inputs: {{A: {{value: {ones}, kind: invertible}}}}\ngraph: {{z: sum(A)}}\n")[0]
    )


def test_more_numbers_than_the_limit_are_refused():
    rows = ", ".join([str([1] * 400).replace(" ", "")] * 251)
    assert complaints(f"inputs: {{A: [{rows}]}}\ngraph: {{z: sum(A)}}\n") == [
        "2:13: A has more than 100,000 numbers; use fewer"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inputs: {W: {shape: [m, n]}, x: {shape: [m]}}\ngraph: {z: W @ x}\n", "3:12: z: (m, n) @ (m,) do not fit: the sizes n and m differ; transposing the left factor would fit"),
        ("inputs: {W: {shape: [m, n]}, x: {shape: [m, 1]}}\ngraph: {z: W + x, y: z * W.T}\n", "3:22: y: shapes (m, n) and (n, m) do not fit: there is no way to multiply them entry by entry; @ is the matrix product, * goes entry by entry"),
        ("inputs: {W: {shape: [m, n]}, m: 3}\ngraph: {z: sum(W)/m}\n", "2:22: m is the letter of a size here and the name of something else in line 2; remove the other, a size is a number in expressions too; or rename it"),
        ("inputs: {W: {shape: [2, 3], value: [[1, 2], [3, 4]]}}\ngraph: {z: sum(W)}\n", "2:36: W has shape (2, 2), and (2, 3) is declared; change the value or the shape"),
        ("inputs: {W: [[1, 2], [3]]}\ngraph: {z: sum(W)}\n", "2:22: W[1] is a list of 1, where the first row of its kind is a list of 2; rows have equally many entries"),
        ("inputs: {W: [[1, 2], 3]}\ngraph: {z: sum(W)}\n", '2:22: W[1] is "3", where the first row of its kind is a list of 2; rows have equally many entries'),
        ("inputs: {W: [1, [2]]}\ngraph: {z: sum(W)}\n", "2:17: W[1] is a list, where the first entry is a number; rows have equally many entries"),
        ("inputs: {W: [[]]}\ngraph: {z: sum(W)}\n", "2:13: W has an empty list; write numbers into it, or leave the value out"),
        ("inputs: {W: [[1, no], [3, 1:30]]}\ngraph: {z: sum(W)}\n", ['2:18: W[0, 1] is "no", which is no number; write a number such as 2, -0.3 or 1/3', "2:27: 1:30 is a time of day to some readers of YAML, no number; write a decimal, or quote a text"]),
        ("inputs: {W: {shape: [2], value: 3}}\ngraph: {z: sum(W)}\n", "2:33: W is the number 3, and shape (2,) is declared; write nested lists"),
        ("inputs: {W: {shape: [m/2]}}\ngraph: {z: sum(W)}\n", "2:22: a size of W is m/2; write a whole number, a letter, or something like 4*h or d + h"),
        ("inputs: {W: {shape: [0, 3]}}\ngraph: {z: sum(W)}\n", "2:22: a size of W is 0; write 1 or more"),
        ("inputs: {W: {shape: [2.5]}}\ngraph: {z: sum(W)}\n", "2:22: a size of W is 2.5; write a whole number, a letter, or something like 4*h or d + h"),
        ("inputs: {W: {shape: [1, 2, 3, 4, 5]}}\ngraph: {z: sum(W)}\n", "2:21: W has 5 axes; arrays of up to 4 axes are worked out"),
        ("inputs: {W: {shape: [[1, 2]]}}\ngraph: {z: sum(W)}\n", "2:22: a size of W is a list; write a whole number, a letter, or something like 4*h or d + h"),
        ("inputs: {W: {shape: {a: 2}}}\ngraph: {z: sum(W)}\n", "2:21: a size of W is a mapping; write a whole number, a letter, or something like 4*h or d + h"),
        ("inputs: {W: {shape: [30000000]}}\ngraph: {z: sum(W)}\n", "2:22: a size of W is 30000000; sizes of up to 10,000,000 are worked out"),
        ("inputs: {W: {shape: [m]}}\ndims: {m: 0}\ngraph: {z: sum(W)}\n", "3:11: m = 0 is no size; write a whole number up to 10,000,000"),
        ("inputs: {W: {shape: [m]}}\ndims: {m: 2.5}\ngraph: {z: sum(W)}\n", "3:11: m = 2.5 is no size; write a whole number up to 10,000,000"),
        ("inputs: {W: {shape: [m - 3]}}\ndims: {m: 2}\ngraph: {z: sum(W)}\n", "2:10: W has the size m - 3, which is -1 here; sizes are 1 or more"),
        ("inputs: {W: {shape: [m], value: [1, 2]}}\ndims: {m: 3}\ngraph: {z: sum(W)}\n", "2:33: W has shape (2,), and (m,) is declared, where m = 3; change the value or the shape"),
        ("inputs: {W: {shape: [m], value: [1, 2]}, x: {shape: [m], value: [1, 2, 3]}}\ngraph: {z: sum(W)}\n", "2:65: x has shape (3,), and (m,) is declared, where m = 2; change the value or the shape"),
        ("inputs: {W: {shape: [a*b], value: [1, 2]}}\ngraph: {z: sum(W)}\n", "2:35: W has size 2 where a*b is declared, and dims: does not say what a, b are; change the value or the shape"),
        ("inputs: {W: {shape: [dh, dx]}, x: [1, 2, 3]}\ndims: {dx: 3}\ngraph: {z: W @ x}\n", "4:12: z: (dh, dx) @ (3,) do not fit: the sizes dx and 3 differ; sizes that only have the same number are not the same: declare shape: with the same letters"),
        ("inputs: {y: {value: [0, 1, 1], kind: onehot}}\ngraph: {z: sum(y)}\n", "2:21: y is not of the kind onehot: the entries sum to 2; change the value or the kind"),
        ("inputs: {y: {value: [0, 0.5, 0.5], kind: onehot}}\ngraph: {z: sum(y)}\n", "2:25: y[1] = 0.5, and the entries of a onehot are 0 or 1; change the value or the kind"),
        ("inputs: {y: {value: [[0, 1], [1, 1]], kind: onehot, axis: 0}}\ngraph: {z: sum(y)}\n", "2:21: y is not of the kind onehot: the entries [:, 1] sum to 2; change the value or the kind"),
        ("inputs: {y: {value: [0.3, 0.6], kind: distribution}}\ngraph: {z: sum(y)}\n", "2:21: y is not of the kind distribution: the entries sum to 0.9; change the value or the kind"),
        ("inputs: {y: {value: [0.3, 0.7], kind: distribution, axis: 1}}\ngraph: {z: sum(y)}\n", "2:59: there is no axis 1 in shape (2,); axes are counted from 0 to 0"),
        ("inputs: {y: {value: [0.3, 0.7], kind: positive, axis: 0}}\ngraph: {z: sum(y)}\n", "2:55: y is positive and has no axis; axis: is for the kinds onehot and distribution"),
        ("inputs: {y: {value: [0.3, -0.7], kind: positive}}\ngraph: {z: sum(y)}\n", "2:27: y[1] = -0.7 is not positive; change the value or the kind"),
        ("inputs: {A: {value: [[1, 2], [3, 4]], kind: symmetric}}\ngraph: {z: sum(A)}\n", "2:21: A is not of the kind symmetric: [0, 1] and [1, 0] differ; change the value or the kind"),
        ("inputs: {A: {value: [[1, 2], [2, 1]], kind: spd}}\ngraph: {z: sum(A)}\n", "2:21: A is not of the kind spd: it is not positive definite; change the value or the kind"),
        ("inputs: {A: {value: [[1, 2], [2, 4]], kind: invertible}}\ngraph: {z: sum(A)}\n", "2:21: A is not of the kind invertible: its determinant is 0; change the value or the kind"),
        ("inputs: {A: {shape: [2, 3], kind: spd}}\ngraph: {z: sum(A)}\n", "2:35: A has shape (2, 3) and cannot be spd: that is for square matrices; change the shape or the kind"),
        ("inputs: {x: {shape: [n]}}\ngraph: {z: 'x[i]'}\n", "3:15: z: i is an index that nothing sums over; write sum(…, i), or give i under inputs:"),
        ("inputs: {x: {shape: [n]}}\ngraph: {z: 'sum(x[i], i)', y: 'sum(z[j], j)'}\n", "3:36: y: 1 indices are too many for shape (); it has 0 axes"),
        ("inputs: {x: {shape: [n]}}\ngraph: {z: 'd(x, x)'}\n", "3:13: d(…) has to be derived, and a node is a formula of inputs and other nodes; make it a let name or a question"),
        ("inputs: {x: {shape: [1, 5, 5]}, k: {shape: [1, 1, 2, 2]}}\ngraph: {z: 'vjp_conv2d_x(x, x, k)'}\n", "3:13: vjp_conv2d_x(…) has to be derived, and a node is a formula of inputs and other nodes; make it a let name or a question"),
        ("inputs: {x: {shape: [n]}, G: {shape: [m]}}\ngraph: {z: 'x*2'}\nupstream: {z: G}\n", "4:15: upstream of z has shape (m,), and z has shape (n,); a gradient has its node's shape"),
        ("inputs: {x: {shape: [n]}}\nlet: {u: 'x @ x.T @ x @ x', v: 'det(x)'}\ngraph: {z: 'x*2'}\n", ["3:11: u: @ multiplies matrices, and the left factor is a scalar; write * to multiply by a number", "3:33: v: det(…) needs a square matrix, this has shape (n,); look at the factors' order and transposes"]),
        ("inputs: {x: {shape: [n]}}\ngraph: {z: 'x*2'}\nquestions: [{ask: 'd(z, x)[i, j]'}, {ask: 'W + 1'}]\n", '4:44: "W" is no name or function here; this problem knows x, z, n'),
        ("inputs: {x: {shape: [exp]}}\ngraph: {z: 'exp(x)'}\n", "3:13: exp is a name of this problem (line 2) and hides the function exp(…); give it another name, or write * for a product"),
        ("inputs: {x: {shape: [], value: [1]}}\ngraph: {z: 'exp(x)'}\n", "2:32: x has shape (1,), and () is declared; change the value or the shape"),
        ("dims: [m]\ninputs: {x: {shape: [m]}}\ngraph: {z: x}\n", "2:7: dims is a list; write one `name: …` a line"),
        ("inputs: {x: {shape: [m], value: [1, 2]}}\ngraph: {z: 'x[3]'}\n", "3:15: z: the index 3 is too large: there are 2 entries, counted from 0; the last one is 1"),
        ("inputs: {x: {shape: [2]}}\ngraph: {z: 'x[3]'}\n", "3:15: z: the index 3 is too large: there are 2 entries, counted from 0; the last one is 1"),
        ("inputs: {x: {shape: [2]}}\ngraph: {z: 'x[-3]', y: 'x[1/2]'}\n", ["3:15: z: an index is a letter or a whole number, counted from 0; write x[0] or x[i]", "3:27: y: an index is a letter or a whole number, counted from 0; write x[0] or x[i]"]),
        ("inputs: {x: {shape: [n]}}\ndims: {nn: 3}\ngraph: {z: sum(x)}\n", "3:8: nn is the size of nothing; did you mean n?"),
        ("inputs: {x: {shape: [n, 3]}, K: {shape: [2, 2]}}\ndims: {n: 1}\ngraph: {z: 'conv2d(x, K)'}\n", "4:13: z: a window that reaches over 2 does not fit into 1 with padding 0; use a smaller window or more padding"),
        ("inputs: {x: {shape: [n], kind: onehot, axis: 0.5}}\ngraph: {z: sum(x)}\n", "2:46: there is no axis 0.5 in shape (n,); axes are counted from 0 to 0"),
        ("inputs: {x: {shape: [(a + b)*(c + d)*(e + f)*(g + h)*(k + l)*(m + n)*(o + p)*(q + r)]}}\ngraph: {z: sum(x)}\n", '2:22: a size of x is "(a + b)*(c + d)*(e + f)*(g + h)*(k + l)*(m + n)*(o + p)*(q ; write a whole number, a letter, or something like 4*h or d + h'),
        ("inputs: {x: [[[[[1]]]]]}\ngraph: {z: sum(x)}\n", "2:13: x has 5 axes; arrays of up to 4 axes are worked out"),
        ("inputs: {x: {shape: ['']}}\ngraph: {z: sum(x)}\n", '2:22: a size of x is ""; write a whole number, a letter, or something like 4*h or d + h'),
        ("inputs: {x: {shape: [m+]}}\ngraph: {z: sum(x), y: x @ z}\n", '2:23: the formula ends after "+"; a value should follow'),
    ],
)  # fmt: skip
def test_each_mistake_has_its_place(text, expected):
    assert complaints(text) == ([expected] if isinstance(expected, str) else expected)


def test_a_mismatch_is_an_error_of_shapes():
    with pytest.raises(ProblemError) as caught:
        read("inputs: {W: {shape: [m, n]}}\ngraph: {z: W @ W, y: sum(z)}\n")
    (error,) = caught.value.errors
    assert isinstance(error, ShapeError)
    assert error.source.excerpt(error.span).endswith("^^^^^")


def test_a_mismatch_inside_a_derived_function_stands_at_its_call():
    assert complaints("inputs: {x: {shape: [n]}, y: {shape: [m]}}\ngraph: {z: '1 + mse(x, y)'}\n") == [
        (
            "3:17: z: shapes (n,) and (m,) do not fit: there is no way to add them entry by entry; "
            "sizes have to be the same, or 1, counted from the last axis"
        )
    ]


def test_nested_derived_functions_are_read_once_each():
    expression = "x"
    for _ in range(30):
        expression = f"silu({expression})"  # each uses its argument twice: 2^30 readings without care
    assert shapes(read(f"inputs: {{x: {{shape: [n]}}}}\ngraph: {{z: '{expression}'}}\n"))["z"] == "(n,)"


@pytest.mark.parametrize(
    ("name", "share"),
    [("W1", "dh*dx"), ("b1", "dh"), ("W2", "dh"), ("b2", "1")],
)
def test_each_parameter_has_its_share(name, share):
    graph = read_problem(Source("p.yaml", CLASSIFIER), "p").graph
    assert str(dict(counts.shares(graph))[name]) == share
    assert str(counts.size_of(graph, name)) == share


def test_counts_of_a_graph():
    graph = read_problem(Source("p.yaml", CLASSIFIER), "p").graph
    assert str(counts.params(graph)) == "dh*dx + 2*dh + 1"
    assert counts.in_numbers(counts.params(graph), graph) is None
    assert (str(counts.nodes(graph)), str(counts.edges(graph))) == ("11", "10")
    assert text_of(counts.shape_of(graph, "Z1")) == "(dh, m)"


@given(
    st.integers(0, len(CLASSIFIER) - 1), st.sampled_from(["", "\t", "[", "]", ":", "x", "\n", "'", "*", "0", "@", "i"])
)
def test_a_damaged_file_is_read_or_explained(at, change):
    try:
        read_problem(Source("p.yaml", CLASSIFIER[:at] + change + CLASSIFIER[at + 1 :]), "p")
    except GradcheckError as error:
        assert str(error).startswith("p.yaml")


def _listed(items):
    return f"[{', '.join(items)}]"


_LEAVES = st.recursive(
    st.sampled_from(["1", "-0.5", "x", "1/3", "''", "{}"]),
    lambda below: st.lists(below, max_size=3).map(_listed),
    max_leaves=9,
)


@given(
    _LEAVES, _LEAVES, st.sampled_from(["real", "onehot", "distribution", "symmetric", "spd", "invertible", "binary"])
)
def test_any_nest_of_lists_is_read_or_explained(value, shape, kind):
    text = f"inputs: {{A: {{value: {value}, shape: {shape}, kind: {kind}, axis: 0}}}}\ngraph: {{z: sum(A)}}\n"
    try:
        problem = read(text)
    except GradcheckError as error:
        assert str(error).startswith("p.yaml")
    else:
        assert problem.data or not problem.arrays
