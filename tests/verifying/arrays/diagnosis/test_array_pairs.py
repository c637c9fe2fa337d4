"""Two mistakes at once about arrays are told only where no single one fits and one pair alone does."""

from __future__ import annotations

import pytest

from tests.answers import examiner_of, judged

SIGN = "the sign is turned around"
PAIRS = [
    ("softmax-mlp", "d(l, W1)", "x.T @ ((y - yhat) @ W2.T)", "missing-factor", ("h*(1 - h) is missing", SIGN)),
    ("softmax-mlp", "d(l, z)", "z*(1 - z)*((y - yhat) @ W2.T)", "wrong-local", ("z stands where h should", SIGN)),
    ("softmax-mlp", "d(l, h)", "(y - yhat) @ W2", "transpose", ("W2 has to be transposed", SIGN)),
    ("softmax-mlp", "d(l, W2)", "(y - yhat).T @ h", "transpose", ("wrong order", SIGN)),
    ("mnist-mlp", "d(loss, Z2)", "Y - P", "sign", (SIGN, "the factor 1/m is missing")),
    ("mnist-mlp", "d(loss, W1)", "X.T @ ((P - Y) @ W2.T)", "missing-factor", ("H*(1 - H)", "the factor 1/m is missing")),
    ("mnist-mlp", "d(loss, W2)", "(P - Y).T @ H", "transpose", ("wrong order", "the factor 1/m is missing")),
    ("rnn-two-steps", "d(L, h0)", "U.T @ (U.T @ (h2 - y))", "missing-factor", ("1 - h2^2", "1 - h1^2")),
    ("two-layer-rows", "d(L, Z)", "[[-2, 2, -6], [1, -1, 3]]", "missing-factor", ("step(Z) is missing", SIGN)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "ask", "answer", "code", "words"), PAIRS)
def test_a_pair_that_alone_fits_is_told(name, ask, answer, code, words):
    claim = judged(examiner_of(name), ask, answer)
    assert claim.verdict == "wrong"
    assert claim.diagnosis is not None
    assert claim.diagnosis.code == code
    assert claim.diagnosis.message.startswith("two mistakes: ")
    assert all(word in claim.diagnosis.message for word in words), claim.diagnosis.message


@pytest.mark.parametrize(
    ("name", "ask", "answer"),
    [
        ("softmax-mlp", "d(l, W1)", "x.T @ ((yhat - y) @ W2.T)"),
        ("softmax-mlp", "d(l, W2)", "(yhat - y).T @ h"),
        ("mnist-mlp", "d(loss, Z2)", "P - Y"),
        ("two-layer-rows", "d(L, Z)", "[[2, -2, 6], [-1, 1, -3]]"),
    ],
)
def test_a_single_mistake_is_named_first(name, ask, answer):
    claim = judged(examiner_of(name), ask, answer)
    assert claim.diagnosis is not None
    assert "two mistakes" not in claim.diagnosis.message


@pytest.mark.parametrize(
    ("name", "ask", "answer"),
    [
        ("softmax-mlp", "d(l, W1)", "x.T @ (h + z) + W1"),
        ("two-layer-rows", "d(L, Z)", "[[1, 1, 1], [1, 1, 1]]"),
        ("two-layer-rows", "d(L, b2)", "[-1]"),  # one number is no evidence of two mistakes
        ("two-layer-rows", "d(L, b2)", "[7]"),
    ],
)
def test_no_fit_and_few_numbers_are_no_pair(name, ask, answer):
    claim = judged(examiner_of(name), ask, answer)
    assert claim.verdict == "wrong"
    assert claim.diagnosis is None or "two mistakes" not in claim.diagnosis.message


@pytest.mark.parametrize("name", ["softmax-mlp", "mnist-mlp", "rnn-two-steps", "two-layer-columns", "two-layer-rows"])
def test_a_right_answer_has_no_diagnosis(name):
    examiner = examiner_of(name)
    claims = [examiner.claim(question, question.key) for question in examiner.questions if question.key]
    assert [claim.diagnosis for claim in claims if claim.diagnosis] == []
