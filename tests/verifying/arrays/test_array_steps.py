"""How a right answer about arrays comes about: every line is right by itself, and none is told that the answer has."""

from __future__ import annotations

import re

import pytest

from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.problem import load
from gradcheck_cli.problem.bundled import bundled
from gradcheck_cli.source import Source
from gradcheck_cli.verifying import Examiner
from gradcheck_cli.verifying.arrays.steps import GAP, MOST_STEPS, array_steps
from gradcheck_cli.verifying.texts.homework import grade
from tests.answers import judged

EXAMINERS = {name: Examiner(problem) for name in bundled() if (problem := load(name)).arrays}
DERIVATIVES = ("d(", "upstream(", "step(")
QUESTIONS = [
    (name, question)
    for name, examiner in EXAMINERS.items()
    for question in examiner.questions
    if question.written.text.startswith(DERIVATIVES) and "==" not in question.written.text
]
LINE = re.compile(r"(?:d(\w+)/d(\w+)|upstream\((\w+)\)) = (.*)")


def steps_of(examiner, question):
    truth = examiner.truth(question)
    examiner.arrays.matcher.begin(truth)
    return array_steps(examiner.arrays.engine, truth)


def equations(steps):
    """The lines of one step together: what it is of, and each formula for it without shapes and remarks."""
    found = []
    for step in steps:
        lead = len(step) - len(step.lstrip())
        text = step.strip().split(GAP)[0]
        if lead == 0:
            found.append([text])
        elif text.startswith("= "):
            found[-1].append(text[2:])
        elif text.startswith("+ "):
            found[-1][-1] += f" {text}"
    return found


@pytest.mark.parametrize(("name", "question"), QUESTIONS, ids=lambda part: getattr(part, "id", part))
def test_every_line_is_right_by_itself(name, question):
    examiner = EXAMINERS[name]
    for first, *others in equations(steps_of(examiner, question)):
        match = LINE.fullmatch(first)
        if match is None:
            continue
        target, source, seeded, formula = match.groups()
        ask = f"upstream({seeded})" if seeded else f"d({target}, {source})"
        for text in (formula, *others):
            spelt = re.sub(r"\bd(\w+)/d(\w+)", r"d(\1, \2)", text)  # dl/dh would be l/d_h beside a size d_h
            claim = judged(examiner, ask, spelt)
            assert claim.verdict in ("correct", "missing"), (
                text,
                claim.members,
            )  # of names of derivatives alone: missing


@pytest.mark.parametrize(("name", "question"), QUESTIONS, ids=lambda part: getattr(part, "id", part))
def test_every_question_for_a_derivative_has_steps(name, question):
    steps = steps_of(EXAMINERS[name], question)
    assert steps
    assert sum(1 for step in steps if not step.startswith(" ")) <= MOST_STEPS + 2


ROWS = "two-layer-rows"
COLUMNS = "two-layer-columns"


def steps_for(name, ask, answer):
    claim = judged(EXAMINERS[name], ask, answer)
    assert claim.verdict == "wrong"
    return claim.explain().steps


def test_the_way_back_is_told_with_shapes():
    assert steps_for(COLUMNS, "d(L, W1)", "x") == (
        "dL/dyhat = yhat - y   (c, 1)",
        "dL/da1 = W2.T @ dL/dyhat   (k, 1)",
        "dL/dz1 = dL/da1*(1 - a1^2)   (k, 1)",
        "dL/dW1 = dL/dz1 @ x.T   (k, n)",
        "       = ((1 - a1^2)*(W2.T @ (yhat - y))) @ x.T",
    )


def test_a_step_that_the_answer_has_is_where_it_begins():
    assert steps_for(COLUMNS, "d(L, z1)", "W2.T @ (yhat - y)") == (
        "dL/da1 = W2.T @ (yhat - y)   (k, 1)   right so far",
        "dL/dz1 = dL/da1*(1 - a1^2)   (k, 1)",
        "       = (1 - a1^2)*(W2.T @ (yhat - y))",
    )


def test_several_paths_are_told_one_by_one_and_added():
    steps = steps_for("rnn-two-steps", "d(L, b)", "d(L, z2)")
    at = steps.index("dL/db = dL/dz2   through z2")
    assert steps[at + 1] == "      + dL/dz1   through z1"
    assert steps[at + 2].startswith("      = ")


def test_numbers_stand_below_their_formula():
    steps = steps_for(ROWS, "d(L, W2)", "[[1], [2], [3]]")
    assert steps[:2] == ("dL/dYhat = Yhat - Y   (2, 1)", "         = [[2], [-1]]")
    assert steps[-1] == "       = [[5], [3], [0]]"


def test_a_fact_that_shortens_a_step_is_named_once():
    steps = steps_for("softmax-mlp", "d(l, W1)", "x")
    assert [step.strip() for step in steps if "one-hot" in step] == ["(sum(y, axis=1) = 1, since y is one-hot)"]


@pytest.mark.parametrize(
    ("name", "ask", "answer", "words"),
    [
        (ROWS, "shape(Z)", "(3, 2)", ["(2, 2) @ (2, 3) + (3,)", "has shape (2, 3)"]),
        (ROWS, "value(Z)", "[[3, 3, -2], [1, 3, 5]]", ["X @ W1 = [[1, 3, 0], [-1, 3, -3]]", "Z = X @ W1 + b1"]),
        (ROWS, "step(W2)", "W2 + 1", ["new W2 = W2 - 0.1*dL/dW2"]),
        (ROWS, "params()", "3", ["W1 has 6, b1 has 3, W2 has 3, b2 has 1: 13 together"]),
        (COLUMNS, "local(a1, z1)", "1 - a1", ["a1 = tanh(z1)", "da1/dz1 = 1 - a1^2"]),
        ("softmax-cross-entropy", "local(P, h)[i, j]", "P[i]", ["P[j]*(1 - P[j]) where j = i", "-P[j]*P[i] where j ≠ i"]),
        ("rnn-two-steps", "downstream(z2, U)", "z2", ["what z2 sends back to U = outer(dL/dz2, h1)"]),
    ],
)  # fmt: skip
def test_other_questions_have_their_own_way(name, ask, answer, words):
    text = "\n".join(steps_for(name, ask, answer))
    assert all(word in text for word in words), text


def test_right_answers_and_carried_ones_have_none():
    examiner = EXAMINERS[COLUMNS]
    assert judged(examiner, "d(L, yhat)", "yhat - y").explain().steps == ()


def test_texts_have_them_too():
    text = "$$\\frac{\\partial L}{\\partial z_1} = W_2^\\top (\\hat{y} - y)$$\n"
    (claim,) = grade([EXAMINERS[COLUMNS]], read_document(Source("homework.md", text)))
    assert claim.explain().steps[0] == "dL/da1 = W2.T @ (yhat - y)   (k, 1)   right so far"
    assert claim.explain().where == "dL/da1 is right in it, look at what comes behind"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("H.T @ (Yhat - Y) = [[5], [2], [0]]", False),  # the derivation was right
        ("H.T @ d(L, Yhat) = [[5], [2], [0]]", True),
        ("[[5], [2], [0]]", True),
    ],
)
def test_behind_a_right_derivation_the_result_is_enough(answer, told):
    claim = judged(EXAMINERS[ROWS], "d(L, W2)", answer)
    assert claim.verdict == "wrong"
    assert bool(claim.explain().steps) == told
    assert claim.expected == "H.T @ (Yhat - Y) = [[5], [3], [0]]"


@pytest.mark.parametrize("ask", ["local(yhat, a1)", "d(yhat, a1)"])
def test_the_derivative_of_a_product_is_told_as_its_factor(ask):
    claim = judged(EXAMINERS[COLUMNS], ask, "W2 + 1")
    assert claim.expected == "W2, as the factor"
    assert claim.explain().steps == (
        "yhat = W2 @ a1 + b2",
        "dyhat/da1 = W2, as the factor",
        "what yhat sends back to a1 = W2.T @ upstream(yhat)",
    )
    assert judged(EXAMINERS[COLUMNS], ask, "W2").verdict == "correct"
