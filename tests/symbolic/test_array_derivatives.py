"""Derivatives of arrays as a student reads them: the texts, the facts, the steps, the index forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Call, Name
from gradcheck_cli.functions import ARRAY_PRIMITIVES
from gradcheck_cli.lowering import at_sizes
from gradcheck_cli.parsing.arrays import index_letters
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.symbolic import pullback
from gradcheck_cli.symbolic.arrays import ArrayCalculus
from gradcheck_cli.symbolic.indices import Entries, grouped
from gradcheck_cli.symbolic.jacobians import Jacobians
from gradcheck_cli.symbolic.reading import written
from gradcheck_cli.tape import compile_graph
from gradcheck_cli.write.text import write
from tests.shaped import shaped_graph

CLASSIFIER = (
    {"X": ("dx", "m"), "Y": (1, "m"), "W1": ("dh", "dx"), "b1": ("dh", 1), "W2": (1, "dh"), "b2": (1, 1)},
    {
        "Z1": "W1 @ X + b1",
        "A1": "relu(Z1)",
        "Z2": "W2 @ A1 + b2",
        "Yhat": "sigmoid(Z2)",
        "J": "-sum(Y*log(Yhat) + (1 - Y)*log(1 - Yhat))/m",
    },
)
ROWS = (
    {"x": (1, "dx"), "y": (1, "k"), "W1": ("dx", "dh"), "b1": (1, "dh"), "W2": ("dh", "k"), "b2": (1, "k")},
    {
        "z1": "x @ W1 + b1",
        "h": "sigmoid(z1)",
        "z2": "h @ W2 + b2",
        "yhat": "softmax(z2)",
        "L": "-sum(y*log(yhat))",
    },
)
SOFTMAX = ({"h": ("N",), "y": ("N",)}, {"P": "softmax(h)", "L": "-sum(y*log(P))"})


def calculus_of(inputs, nodes, kinds=()):
    graph = shaped_graph(inputs, nodes)
    known = dict(kinds)
    leaves = tuple(replace(leaf, kind=known.get(leaf.name, "real")) for leaf in graph.inputs)
    return ArrayCalculus(replace(graph, inputs=leaves))


def totals(calculus, output):
    return {name: write(expr) for name, expr in calculus.derivation(output).totals.items()}


def test_the_binary_classifier_as_the_textbook_has_it():
    assert totals(calculus_of(*CLASSIFIER), "J") == {
        "J": "1",
        "Yhat": "((1 - Y)/(1 - Yhat) - Y/Yhat)/m",
        "Z2": "(Yhat - Y)/m",
        "A1": "(W2.T @ (Yhat - Y))/m",
        "Z1": "step(Z1)*(W2.T @ (Yhat - Y))/m",
        "W1": "((step(Z1)*(W2.T @ (Yhat - Y))) @ X.T)/m",
        "b1": "sum(step(Z1)*(W2.T @ (Yhat - Y)), axis=1, keepdims=1)/m",
        "W2": "((Yhat - Y) @ A1.T)/m",
        "b2": "sum(Yhat - Y, axis=1, keepdims=1)/m",
        "X": "(W1.T @ (step(Z1)*(W2.T @ (Yhat - Y))))/m",
        "Y": "(log(1 - Yhat) - log(Yhat))/m",
    }


def test_the_softmax_net_in_row_vectors():
    found = totals(calculus_of(*ROWS, kinds={"y": "onehot"}), "L")
    assert found["yhat"] == "-y/yhat"
    assert found["z2"] == found["b2"] == "yhat - y"
    assert found["h"] == "(yhat - y) @ W2.T"
    assert found["z1"] == found["b1"] == "h*(1 - h)*((yhat - y) @ W2.T)"
    assert found["W2"] == "h.T @ (yhat - y)"
    assert found["W1"] == "x.T @ (h*(1 - h)*((yhat - y) @ W2.T))"


def test_the_contrast_of_pairs_is_the_softmax_less_the_identity():
    graph = {"A": ("n", "d"), "B": ("n", "d")}, {"S": "A @ B.T", "P": "softmax(S)", "L": "-trace(log(P))/n"}
    found = totals(calculus_of(*graph), "L")
    assert found["S"] == "(P - eye(n))/n"
    assert found["A"] == "((P - eye(n)) @ B)/n"
    assert found["B"] == "((P.T - eye(n)) @ A)/n"


def test_without_the_fact_the_sum_stays_and_with_it_the_derivation_says_whose_it_was():
    assert totals(calculus_of(*SOFTMAX), "L")["h"] == "P*sum(y) - y"
    facts = calculus_of(*SOFTMAX, kinds={"y": "onehot"}).derivation("L").facts
    assert {name: (whose, write(bare)) for name, (whose, bare) in facts.items()} == {"h": (("y",), "P*sum(y) - y")}


def test_a_fact_about_what_a_node_is_made_of_is_told_too():
    graph = {"h": ("N",), "y": ("N",)}, {"t": "y/2 + 1/(2*N)", "L": "-sum(t*log_softmax(h))"}
    derivation = calculus_of(*graph, kinds={"y": "onehot"}).derivation("L")
    assert write(derivation.totals["h"]) == "softmax(h) - t"
    whose, bare = derivation.facts["h"]
    assert (whose, write(bare)) == (("y",), "softmax(h)*sum(t) - t")


def test_deltas_that_all_summands_share_stand_before_them():
    calculus = calculus_of({"W": ("h", "h"), "p": ("h", 1)}, {"s": "tanh(W @ p)"})
    entry = Jacobians(calculus).total("s", "p", tuple(map(Name, "ijkl")))
    assert write(entry) == "W[i, k]*delta(l, j)*(1 - s[i, l]^2)"


@pytest.mark.parametrize(
    ("shape", "expected"),
    [(("n", 1), "p - y"), ((1, "n"), "p - y"), (("n",), "p - y"), (("m", "n"), "p - y")],
)
def test_a_one_hot_sums_along_the_axis_of_its_shape(shape, expected):
    calculus = calculus_of({"z": shape, "y": shape}, {"p": "softmax(z)", "L": "-sum(y*log(p))"}, {"y": "onehot"})
    assert totals(calculus, "L")["z"] == expected


def test_a_symmetric_matrix_is_its_transpose_only_where_that_is_declared():
    graph = {"A": ("n", "n"), "x": ("n",)}, {"q": "x @ A @ x"}
    assert totals(calculus_of(*graph), "q")["x"] == "(A + A.T) @ x"
    assert totals(calculus_of(*graph, kinds={"A": "symmetric"}), "q")["x"] == "2*(A @ x)"
    assert totals(calculus_of(*graph, kinds={"A": "symmetric"}), "q")["A"] == "outer(x, x)"


def test_a_node_that_feeds_two_others_has_a_contribution_from_each():
    calculus = calculus_of({"x": ("n",), "W": ("n", "n")}, {"a": "tanh(x)", "b": "W @ a", "L": "sum(a*b)"})
    derivation = calculus.derivation("L")
    sent = {(edge.source, edge.target): write(edge.downstream) for edge in derivation.edges}
    assert sent["a", "L"] == "b"
    assert sent["a", "b"] == "W.T @ a"
    assert write(derivation.totals["a"]) in ("b + W.T @ a", "W.T @ a + b")


@pytest.mark.parametrize(
    ("nodes", "wrt", "expected"),
    [
        ({"L": "sum(x*x*x)"}, "x", "3*x^2"),
        ({"L": "sum(x*y*z)"}, "x", "y*z"),
        ({"L": "sum(x)*sum(y)"}, "x", "sum(y)*ones(n)"),
        ({"L": "x @ y + 0*sum(z)"}, "z", "zeros(n)"),
        ({"L": "x @ x"}, "x", "2*x"),
        ({"a": "x @ y", "L": "a^2"}, "x", "2*a*y"),
        ({"L": "sum(C)*s"}, "C", "s*ones(1, 1)"),
        ({"L": "sum(C*s)"}, "s", "C[0, 0]"),
        ({"L": "x[0]*x[1]"}, "x", "x[1]*onehot(0, n) + x[0]*onehot(1, n)"),
    ],
)
def test_products_of_one_dimensional_arrays_and_lone_entries(nodes, wrt, expected):
    inputs = {"x": ("n",), "y": ("n",), "z": ("n",), "C": (1, 1), "s": ()}
    assert totals(calculus_of(inputs, nodes), "L")[wrt] == expected


def test_steps_name_each_adjoint_and_grow_with_the_layers_alone():
    weights = []
    for layers in (8, 16):
        inputs = {"h0": ("d", 1), **{f"W{at}": ("d", "d") for at in range(1, layers + 1)}}
        nodes = {f"h{at}": f"tanh(W{at} @ h{at - 1})" for at in range(1, layers + 1)}
        calculus = calculus_of(inputs, {**nodes, "L": f"sum(h{layers})"})
        weights.append(sum(term.weight for term in calculus.backward("L").steps.values()))
    assert weights[1] < 2.1 * weights[0]
    assert "d(L, h16)" in {name for name, _ in calculus.derivation("L").steps}


def test_an_array_as_output_leaves_its_adjoint_by_name():
    calculus = calculus_of({"W": ("m", "n"), "x": ("n",)}, {"y": "W @ x"})
    assert totals(calculus, "y") == {"y": "d(y, y)", "W": "outer(d(y, y), x)", "x": "W.T @ d(y, y)"}


def test_a_given_gradient_has_to_have_the_shape_of_the_output():
    calculus = calculus_of({"W": ("m", "n"), "x": ("n",)}, {"y": "W @ x"})
    with pytest.raises(UnsupportedError, match=r"arrives at y has shape \(n,\)"):
        calculus.backward("y", Name("x"))


# -- index forms


def test_the_proof_for_any_number_of_classes():
    jacobians = Jacobians(calculus_of(*SOFTMAX, kinds={"y": "onehot"}))
    proof = jacobians.proof("L", "h")
    assert write(proof.local) == "P[i]*(delta(i, j) - P[j])"
    assert (write(proof.same), write(proof.differ)) == ("P[i]*(1 - P[i])", "-P[i]*P[j]")
    assert [write(step.expr) for step in proof.steps] == [
        "sum(d(L, P)[j]*local(P, h)[j, i], j)",
        "sum(-y[j]*P[i]*(delta(i, j) - P[j])/P[j], j)",
        "-P[i]*sum(y[j]*delta(i, j)/P[j], j) + P[i]*sum(y[j], j)",
        "-y[i] + P[i]*sum(y[j], j)",
        "P[i]*sum(y[j], j) - y[i]",
        "P[i] - y[i]",
    ]
    assert proof.steps[-1].reason == "the entries of y sum to 1"


def test_an_edge_that_goes_entry_by_entry_needs_no_proof():
    assert Jacobians(calculus_of({"x": ("n",)}, {"a": "tanh(x)", "L": "sum(a^2)"})).proof("L", "x") is None


@pytest.mark.parametrize(
    ("inputs", "nodes", "edge", "expected"),
    [
        ({"W": ("m", "n"), "X": ("n", "c")}, {"Z": "W @ X"}, ("W", "Z"), "X[l, j]*delta(k, i)"),
        ({"W": ("m", "n"), "x": ("n",)}, {"z": "W @ x"}, ("x", "z"), "W[i, j]"),
        ({"x": ("n",)}, {"p": "softmax(x)"}, ("x", "p"), "p[j]*(delta(j, i) - p[i])"),
        ({"X": ("m", "n")}, {"s": "sum(X, axis=0)"}, ("X", "s"), "delta(k, i)"),
        ({"X": ("m", "n")}, {"Y": "X.T"}, ("X", "Y"), "delta(l, i)*delta(k, j)"),
        ({"X": ("n", "n")}, {"t": "trace(X)"}, ("X", "t"), "delta(i, j)"),
    ],
)
def test_local_jacobians_in_index_form(inputs, nodes, edge, expected):
    # the letters that the names leave free, in the alphabet's order
    jacobians = Jacobians(calculus_of(inputs, nodes))
    source, target = edge
    shapes = jacobians.calculus.shapes
    letters = jacobians.free(len(shapes[target]) + len(shapes[source]))
    assert write(jacobians.local(target, source, letters)) == expected


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ({"y": "W @ x"}, "W"),
        ({"y": "softmax(x)"}, "diag(y) - outer(y, y)"),
        ({"y": "tanh(x)"}, "diag(1 - y^2)"),
        ({"r": "norm(x)", "y": "x/r"}, "(eye(n) - outer(x, y)/r)/r"),
        ({"a": "W @ x", "y": "relu(a)"}, None),
        ({"y": "x*sum(x)"}, None),
    ],
)
def test_jacobians_of_vectors_as_matrices_are_the_tapes(nodes, expected):
    calculus = calculus_of({"W": ("n", "n"), "x": ("n",)}, nodes)
    jacobians = Jacobians(calculus)
    seed = calculus.algebra.name("d(y, y)", calculus.shapes["y"])
    found = written(calculus.algebra, jacobians.matrix(calculus.backward("y").totals["x"], seed))
    if expected is not None:
        assert write(found) == expected
    values = {"W": np.array([[0.5, -1, 2], [1, 0.25, -0.5], [-1.5, 1, 0.75]]), "x": np.array([0.3, -0.7, 1.1])}
    run = compile_graph(at_sizes(calculus.graph, {"n": 3})).forward(values)
    rows = [run.send("y", row)["x"] for row in np.eye(3)]
    probe = shaped_graph({"W": (3, 3), "x": (3,)}, {**nodes, "J": write(found).replace("(n)", "(3)")})
    ours = compile_graph(at_sizes(probe, {})).forward(values).values["J"]
    np.testing.assert_allclose(ours, np.stack(rows), rtol=1e-12, atol=1e-12)


def test_sums_lose_their_deltas():
    calculus = calculus_of({"x": ("n",), "y": ("n",)}, {"L": "x @ y"})
    make = calculus.algebra
    names = frozenset({"x", "y", "n", "L", "i"})
    term = make.sum(make.mul(make.name("G", make.name("x").shape), make.name("x")))
    parts = Entries(make, names, {"G": (Name("i"),)}).entry(term, ())
    assert write(grouped(parts)) == "x[i]"


# -- the table


def test_every_primitive_of_arrays_has_a_rule():
    made_of_sizes = {"ones", "zeros", "eye"}
    by_terms = {"matmul", "transpose"}
    rules = {*pullback._CALLS, *by_terms, *made_of_sizes}
    assert set(ARRAY_PRIMITIVES) <= rules


def test_a_rule_that_loses_a_contribution_is_noticed(monkeypatch):
    def loses(_algebra, term, _value, adjoint):
        yield term.args[0], adjoint

    monkeypatch.setitem(pullback._RULES, "matmul", loses)
    with pytest.raises(AssertionError):
        calculus_of({"W": ("m", "n"), "x": ("n",)}, {"y": "W @ x", "L": "sum(y)"}).derivation("L")


@pytest.mark.parametrize("text", ["sum(A[0, j]*x[j], j)", "sum(x[j]*j, j)", "sum(x[j]*x, j)", "sum(x[j]*ones(n), j)"])
def test_what_is_not_differentiated_is_refused_with_its_place(text):
    vocabulary = replace(scope(dict.fromkeys(("A", "x", "n"), ()))[0], arrays=True, indices=index_letters({"A", "x"}))
    calculus = calculus_of({"A": ("n", "n"), "x": ("n",)}, {"L": "sum(x)"})
    with pytest.raises(UnsupportedError) as refused:
        calculus.read(parse(text, vocabulary))
    assert refused.value.span is not None


def test_the_expression_of_a_call_reads_back():
    calculus = calculus_of({"X": ("m", "n")}, {"L": "sum(logsumexp(X, axis=0))"})
    found = calculus.derivation("L").totals["X"]
    assert write(found) == "softmax(X, axis=0)"
    assert calculus.read(found) is calculus.read(Call("softmax", (Name("X"),), (("axis", parse("0", scope({})[0])),)))


def test_batch_normalisation_comes_out_in_its_textbook_form():
    inputs = {"X": ("m", "n"), "g": ("n",), "b": ("n",), "G": ("m", "n")}
    nodes = {
        "mu": "mean(X, axis=0)",
        "C": "X - mu",
        "s": "sqrt(mean(C^2, axis=0) + 1)",
        "N": "C/s",
        "Y": "g*N + b",
        "L": "sum(G*Y)",
    }
    found = totals(calculus_of(inputs, nodes), "L")
    assert found["X"] == "g*(G - (N*sum(G*N, axis=0) + sum(G, axis=0))/m)/s"
    assert found["g"] == "sum(G*N, axis=0)"
