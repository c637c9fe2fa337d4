"""Queries about problems with arrays: what is answered, proved, refuted, refused; and a law over the bundled graphs."""

from __future__ import annotations

from dataclasses import replace

import pytest

import gradcheck_cli as gc
from gradcheck_cli.errors import GradcheckError, ParseError, ShapeError, UnsupportedError
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.problem import load, read_problem
from gradcheck_cli.problem.bundled import bundled
from gradcheck_cli.solving import solve, with_numbers
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


IMAGES = """title: Images
inputs:
  x: {value: [[[1, 2, 3], [4, 5, 6], [7, 8, 10]]]}
  k: {value: [[[[1, 2], [0, -1]]]], param: true}
graph:
  y: conv2d(x, k)
  p: maxpool2d(y, 2)
  q: avgpool2d(y, 2, stride=1)
  L: sum(p^2) + sum(q) + y[0, 1, 0]*x[0, 2, 2]
learning_rate: 0.5
"""


def test_images_have_gradients_in_numbers_that_three_ways_agree_on():
    problem = read_problem(Source("images.yaml", IMAGES), "images")
    solution = solve(problem, ask=["d(L, k)", "upstream(y)", "step(k)", "d(L, k[0, 0, 1, 1])"])
    kernel, upstream, step, entry = (solution.answers[f"ask {at}"].value for at in (1, 2, 3, 4))
    assert upstream == [
        [[0.25, 0.25], [10.25, 14.25]]
    ]  # worked out by hand: 14 to the largest, a quarter to each, x to y
    assert kernel == [[[[113.0, 138.0], [188.0, 227.25]]]]
    assert step == [[[[-55.5, -67.0], [-94.0, -114.625]]]]
    assert entry == 227.25
    assert solution.agreement.ok
    assert all(check.symbolic is not None for check in solution.agreement.checks)


@pytest.mark.parametrize("name", [*ARRAYS, "images"])
def test_every_result_is_read_back(name):
    problem = read_problem(Source("images.yaml", IMAGES), "images") if name == "images" else load(name)
    solution = solve(problem)
    found = [answer.expr for answer in solution.answers.values()]
    for node in solution.nodes:
        found += [node.forward.expr, node.gradient.expr]
    for edge in solution.edges:
        found += [edge.local.expr, edge.upstream.expr, edge.downstream.expr]
    assert [str(gc.parse(str(expr), problem)) for expr in found] == [str(expr) for expr in found]


def test_an_entry_of_any_array_is_differentiated():
    text = "title: T\ninputs: {x: {shape: [2, 3, m]}}\ndims: {m: 2}\ngraph:\n  L: sum(x[1]^2) + sum(x[0, 2]) + x[1, 1, 1]\n"
    problem = with_numbers(read_problem(Source("t.yaml", text), "t"), seed=3)
    solution = solve(problem, ask=["d(L, x)"])
    x = problem.data["x"]
    wanted = [[[0, 0], [0, 0], [1, 1]], [[2 * x[1, i, j] + (i == j == 1) for j in range(2)] for i in range(3)]]
    assert solution.answers["ask 1"].value == [[[float(one) for one in row] for row in plane] for plane in wanted]
    assert solution.agreement.ok


@pytest.mark.parametrize(
    ("name", "query"), [("lstm-gates", "d(zi, x)"), ("lstm-gates", "local(u, h0)[i, j, k, l]"), ("images", "d(y, k)")]
)
def test_a_jacobian_without_a_formula_entry_by_entry_says_so(name, query):
    problem = read_problem(Source("images.yaml", IMAGES), "images") if name == "images" else load(name)
    with pytest.raises(GradcheckError, match="has no formula entry by entry"):
        solve(problem, ask=[query])


@pytest.mark.parametrize("node", ["det(A)", "sum(inv(A))", "logdet(A @ A.T)"])
def test_a_matrix_too_large_to_be_written_out_is_no_disagreement(node):
    text = f"title: T\ninputs: {{A: {{shape: [12, 12], kind: invertible}}}}\ngraph: {{L: {node}}}\n"
    agreement = solve(read_problem(Source("t.yaml", text), "t")).agreement
    assert agreement.ok
    assert any("too large for the symbolic witness" in note for note in agreement.notes)


@pytest.mark.parametrize("node", ["sum(outer(x, x))", "sum(onehot(3, n)*x)", "sum(diag(x) @ x)"])
def test_what_would_be_too_large_on_the_way_is_not_worked_out(node):
    text = f'title: T\ninputs: {{x: {{shape: [n]}}}}\ndims: {{n: 3000}}\ngraph: {{L: "{node}"}}\n'
    solution = solve(with_numbers(read_problem(Source("t.yaml", text), "t"), seed=1))
    assert solution.agreement.notes == (
        "the arrays are too large to be cross-checked; shapes and counts do not need it",
    )
    assert solution.agreement.ok


@pytest.mark.parametrize("query", ["k", "k*d(L, W)", "shape(k)"])
def test_a_letter_that_is_no_index_is_told(query):
    problem = read_problem(Source("t.yaml", "title: T\ninputs: {W: {shape: [n, 2]}}\ngraph: {L: sum(W)}\n"), "t")
    with pytest.raises(ParseError, match="k is"):
        solve(problem, ask=[query])


def test_a_learning_rate_has_a_value():
    text = "title: T\ninputs: {W: {shape: [n, 2]}}\nconstants: {eta: 0.5}\ngraph: {L: sum(W)}\n"
    problem = read_problem(Source("t.yaml", text), "t")
    assert str(solve(problem, ask=["step(W, eta)"]).answers["ask 1"].expr) == "W - eta*ones(n, 2)"
    with pytest.raises(ParseError, match=r"l\*r is no learning rate: l has no value"):
        solve(problem, ask=["step(W, lr)"])


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


POOLS = """
title: T
inputs: {x: [[1, 2, 3, 0], [0, 1, -1, 2], [2, 2, 0, 1], [1, 0, 1, 3]], k: [[1, 0], [-1, 2]]}
graph:
  z: conv2d(x, k, padding=1, stride=2)
  h: relu(z)
  p: maxpool2d(h, 2, stride=1)
  q: avgpool2d(h, 2, stride=1, padding=1)
  L: sum(p^2) + sum(q)
"""


@pytest.mark.parametrize(("entry", "verdict"), [("70", "correct"), ("-70", "wrong")])
def test_numbers_that_come_back_through_pools_are_judged(entry, verdict, tmp_path):
    problem = problem_of(POOLS)
    assert judged(Examiner(problem), "d(L, k)", f"[[23, 0], [35, {entry}]]").verdict == verdict
    text = tmp_path / "homework.md"
    rows = rf"\begin{{bmatrix}} 23 & 0 \\ 35 & {entry} \end{{bmatrix}}"
    text.write_text(rf"$\frac{{\partial L}}{{\partial k}} = {rows}$", encoding="utf-8")
    (claim,) = gc.verify(problem, gc.read(text)).claims
    assert claim.verdict == verdict


def test_what_comes_back_through_a_convolution_is_compared_but_not_differentiated_again():
    same = solve(problem_of(CONVOLUTION), ask=["2*d(L, k) == d(2*L, k)"]).answers["ask 1"]
    assert same.holds
    with pytest.raises(UnsupportedError, match="is not differentiated"):
        solve(problem_of(CONVOLUTION), ask=["d(d(L, k), k)"])


def test_over_one_entry_nothing_is_summed():
    inputs = "inputs: {X: {shape: [m, d]}, W: {shape: [d, h]}, v: {shape: [h, 1]}, t: {shape: [m, 1]}}\n"
    solution = solve(problem_of(f"title: T\n{inputs}graph: {{L: sum(t*(X @ W @ v))}}\n"), ask=["d(L, W)[i, j]"])
    assert str(solution.answers["ask 1"].expr) == "v[j, 0]*sum(X[k, i]*t[k, 0], k)"


def test_a_step_descends_along_the_gradient_that_is_given():
    text = "title: T\ninputs: {X: {shape: [m, n]}, W: {shape: [n, k]}, G: {shape: [m, k]}}\ngraph: {Y: X @ W}\nupstream: {Y: G}\n"
    given = read_problem(Source("t.yaml", text), "t")
    assert str(solve(given, ask="step(W, 0.1)").answers["ask 1"].expr) == "W - 0.1*(X.T @ G)"
    without = read_problem(Source("t.yaml", text.partition("upstream")[0]), "t")
    with pytest.raises(ParseError, match="needs a number to descend"):
        solve(without, ask="step(W, 0.1)")


def test_a_relation_whose_side_does_not_fit_is_refuted_with_the_sizes():
    answer, other = asked("softmax-mlp", "(x @ W1).T == x.T @ W1.T", "(x @ W1).T == W1.T @ x.T")
    assert (answer.holds, answer.quantity.value) == (False, 0)
    assert "do not fit" in answer.reason
    assert other.holds


@pytest.mark.parametrize(("ask", "whole"), [("d(y, A)", True), ("d(y, A)[k, i, j]", True), ("d(y, A)[0, i, j]", False)])
def test_a_jacobian_has_an_axis_for_places_on_which_its_entries_do_not_depend(ask, whole):
    problem = problem_of("title: T\ninputs: {A: [[1, 2, 3], [4, 5, 6]]}\ngraph: {y: 'sum(A, axis=0)', L: sum(y*y)}\n")
    answer = solve(problem, ask=[ask]).answers["ask 1"]
    entries = [[[int(i == j) for j in range(3)] for _ in range(2)] for i in range(3)]
    assert answer.value == (entries if whole else entries[0])
    assert answer.reason == ("entry [i, j, k]" if ask == "d(y, A)" else "")
