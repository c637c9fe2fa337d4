"""Queries about problems with arrays: what is answered, proved, refuted, refused; and a law over the bundled graphs."""

from __future__ import annotations

from dataclasses import replace

import pytest

import gradcheck_cli as gc
from gradcheck_cli.errors import GradcheckError, ParseError, ShapeError, UnsupportedError
from gradcheck_cli.expr import Call, Name
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.problem import load
from gradcheck_cli.problem.bundled import bundled
from gradcheck_cli.problem.loading import read_problem
from gradcheck_cli.solving import solve
from gradcheck_cli.source import Source
from gradcheck_cli.verifying import Examiner
from tests.answers import judged

ARRAYS = [name for name in bundled() if load(name).arrays]


def problem_of(text):
    return read_problem(Source("t.yaml", text), "t")


def asked(name, *queries):
    solution = solve(load(name), ask=queries)
    return [solution.answers[f"ask {at}"] for at in range(1, len(queries) + 1)]


def test_derivatives_come_in_the_shape_of_what_they_are_by():
    answers = asked("softmax-mlp", "d(l, W1)", "d(l, W1[0, 1])", "d(l, W1)[i, j]", "upstream(h)", "downstream(z, W1)")
    assert [answer.quantity.shape for answer in answers] == [
        ("d_i", "d_h"),
        (),
        ("d_i", "d_h"),
        (1, "d_h"),
        ("d_i", "d_h"),
    ]
    assert answers[2].quantity.indices == ("i", "j")
    assert str(answers[3].expr) == "(yhat - y) @ W2.T"


def test_a_fact_is_told_with_what_it_did():
    (answer,) = asked("softmax-cross-entropy", "d(L, h)")
    assert str(answer.expr) == "P - y"
    assert answer.reason == "sum(y) = 1, since y is one-hot; without that it is P*sum(y) - y"
    assert answer.proof[0] == "∂P[j]/∂h[i] = P[i]*(delta(i, j) - P[j])"
    assert answer.proof[-1].startswith("  = P[i] - y[i]")


@pytest.mark.parametrize(
    ("query", "holds", "reason"),
    [
        ("d(L, h) == P - y", True, "both sides have the same normal form"),
        ("sum(P) == 1", True, "both sides have the same normal form"),
        ("d(L, h)[i] == P[i] - y[i]", True, "the same expression"),
        ("logsumexp(h) == log(sum(exp(h)))", True, "agree at"),
        ("d(L, h) == y - P", False, "is not"),
        ("d(L, h) == P", False, "is not"),
        ("outer(P, y) == outer(y, P)", False, "is not"),
        ("P @ y == sum(P)", False, "is not"),
    ],
)
def test_relations_are_proved_or_refuted_with_numbers(query, holds, reason):
    (answer,) = asked("softmax-cross-entropy", query)
    assert answer.holds is holds
    assert reason in answer.reason


def test_a_derivative_that_is_zero_says_why():
    answers = asked("softmax-mlp", "d(h, W2)", "local(l, x)", "upstream(x, W1)")
    assert ["does not depend" in answer.reason or "no edge" in answer.reason for answer in answers] == [True] * 3
    assert all("zeros" in str(answer.expr) for answer in answers)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("d(l, d_h)", "d_h is a size"),
        ("d(W1 + W2, x)", "do not fit"),
        ("d(l, x @ W1)", "is no input or node"),
        ("W1 @ W1", "do not fit"),
        ("h[0, 0, 0]", "too many"),
        ("sum(x, axis=2)", "no axis 2"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(query, message):
    with pytest.raises(GradcheckError) as refused:
        asked("softmax-mlp", query)
    assert message in refused.value.message
    assert refused.value.source is not None


def test_an_update_needs_a_number_to_descend():
    with pytest.raises(ParseError, match="is an array"):
        solve(load("softmax-mlp"), output="yhat", ask=["step(W1)"])


def test_counts_are_in_letters_and_tell_each_share():
    (params,) = asked("lstm-gates", "params()")
    assert str(params.expr) == "4*k*k + 4*k*n"
    assert params.reason == "Wi k*k + k*n, Wf k*k + k*n, Wo k*k + k*n, Wg k*k + k*n"
    (dense,) = asked("dense-parameter-count", "params()")
    assert dense.value == 557057


def test_second_derivatives_and_products_with_a_direction():
    hessian, product = asked("log-sum-exp", "d(d(f, x), x)", "d(d(f, x) @ v, x)")
    assert hessian.quantity.shape == ("n", "n")
    assert product.quantity.shape == ("n",)
    (same,) = asked("log-sum-exp", "d(d(f, x) @ v, x) == d(d(f, x), x) @ v")
    assert same.holds


def test_values_are_nested_lists():
    solution = gc.solve(gc.load("two-layer-rows"))
    assert solution.node("W1").gradient.value == [[3.0, -3.0, 0.0], [3.0, -3.0, 0.0]]
    assert solution.answers["L"].value == 2.5


@pytest.mark.parametrize("name", ARRAYS)
def test_a_transposed_input_is_refused_or_the_witnesses_still_agree(name):
    problem = load(name)
    graph = problem.graph
    for leaf in graph.inputs:
        if len(leaf.shape) != 2 or leaf.shape[0] == leaf.shape[1]:
            continue
        turned = replace(leaf, shape=leaf.shape[::-1], entries=None)
        inputs = tuple(turned if other.name == leaf.name else other for other in graph.inputs)
        shapes = {other.name: other.shape for other in (*inputs, *graph.constants)}
        letters = frozenset(letter for letter, _ in graph.dims)
        try:
            for node in graph.nodes:
                shapes[node.name] = lower(node.expr, Shapes(shapes, letters)).shape
        except ShapeError:
            continue
        seed = problem.seed if shapes[problem.outputs[0]] == graph.shapes[problem.outputs[0]] else None
        changed = replace(problem, graph=replace(graph, inputs=inputs, shapes=shapes), questions=(), lets=(), seed=seed)
        assert solve(changed).agreement.ok, leaf.name


CONVOLUTION = """
title: T
inputs: {x: [[1, 2], [3, 4]], k: {value: [[1, -1]], param: true}}
graph: {z: "conv2d(x, k)", L: sum(z*z)}
questions: [{id: k, ask: "d(L, k)"}, {id: x, ask: "d(L, x)"}, {id: entry, ask: "d(L, k)[0, 1]"}]
"""


def test_a_convolution_sends_back_numbers():
    answers = solve(problem_of(CONVOLUTION)).answers
    assert str(answers["k"].expr) == "vjp_conv2d_k(2*z, x, k)"
    assert answers["k"].value == [[-8, -12]]
    assert answers["x"].value == [[-2, 2], [-2, 2]]
    assert answers["entry"].value == -12


@pytest.mark.parametrize(("text", "verdict"), [("[[-8, -12]]", "correct"), ("[[8, 12]]", "wrong"), ("2*z", "wrong")])
def test_an_answer_about_a_convolution_is_judged(text, verdict):
    assert judged(Examiner(problem_of(CONVOLUTION)), "d(L, k)", text).verdict == verdict


def test_what_only_moves_entries_has_a_jacobian_with_a_one_at_its_place():
    inputs = "title: T\ninputs: {x: [[1, 2], [3, 4]], s: [5, 6], t: {shape: [1, 2, 2]}}\n"
    graph = "graph: {f: flatten(x), c: 'concat(s, s)', m: 'maxpool2d(t, 2)', L: sum(f) + sum(c) + sum(m)}\n"
    solution = solve(problem_of(inputs + graph), ask=["d(c, s)", "d(f, x)[1, 0, 1]", "d(f, x)[1, 1, 0]", "local(m, t)"])
    rows, one, none, named = solution.answers.values()
    assert rows.value == [[1, 0], [0, 1], [1, 0], [0, 1]]
    assert (one.value, none.value) == (1, 0)
    assert named.reason == "what the edge sends back, as upstream(m) arrives"
    with pytest.raises(UnsupportedError, match="3 axes"):
        solve(problem_of(inputs + graph), ask=["d(m, t)"])


@pytest.mark.parametrize(("entry", "verdict"), [("70", "correct"), ("-70", "wrong")])
def test_numbers_that_come_back_through_pools_are_judged(entry, verdict):
    problem = problem_of(
        "title: T\ninputs:\n  x: [[1, 2, 3, 0], [0, 1, -1, 2], [2, 2, 0, 1], [1, 0, 1, 3]]\n  k: [[1, 0], [-1, 2]]\ngraph:\n"
        "  z: conv2d(x, k, padding=1, stride=2)\n  h: relu(z)\n  p: maxpool2d(h, 2, stride=1)\n"
        "  q: avgpool2d(h, 2, stride=1, padding=1)\n  L: sum(p^2) + sum(q)\n"
    )
    assert judged(Examiner(problem), "d(L, k)", f"[[23, 0], [35, {entry}]]").verdict == verdict


def test_what_arrives_at_a_convolution_has_its_shape():
    graph = problem_of(CONVOLUTION).graph
    sent = Call("vjp_conv2d_k", (Name("x"), Name("x"), Name("k")))
    with pytest.raises(ShapeError, match=r"\(2, 2\) arrives at conv2d\(…\) of shape \(2, 1\)"):
        lower(sent, Shapes(graph.shapes))


def test_what_comes_back_through_a_convolution_is_compared_but_not_differentiated_again():
    same = solve(problem_of(CONVOLUTION), ask=["2*d(L, k) == d(2*L, k)"]).answers["ask 1"]
    assert same.holds
    with pytest.raises(UnsupportedError, match="is not differentiated"):
        solve(problem_of(CONVOLUTION), ask=["d(d(L, k), k)"])


def test_over_one_entry_nothing_is_summed():
    inputs = "inputs: {X: {shape: [m, d]}, W: {shape: [d, h]}, v: {shape: [h, 1]}, t: {shape: [m, 1]}}\n"
    solution = solve(problem_of(f"title: T\n{inputs}graph: {{L: sum(t*(X @ W @ v))}}\n"), ask=["d(L, W)[i, j]"])
    assert str(solution.answers["ask 1"].expr) == "v[j, 0]*sum(X[k, i]*t[k, 0], k)"
