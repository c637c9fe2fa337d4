"""Answers about vectors and matrices: right spellings are right, wrong ones are wrong and named, at every size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradcheck_cli.expr import Call, children, with_children
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.problem import load
from gradcheck_cli.problem.bundled import bundled
from gradcheck_cli.problem.model import Key, Question
from gradcheck_cli.source import Source
from gradcheck_cli.verifying import Examiner
from gradcheck_cli.verifying.answers import read_homework, read_submission
from gradcheck_cli.verifying.members import split
from gradcheck_cli.verifying.model import CODES
from gradcheck_cli.verifying.report import judge
from gradcheck_cli.write.text import write
from tests.answers import judged, rows_of

TABLE = yaml.safe_load((Path(__file__).parents[2] / "cases" / "arrays.yaml").read_text(encoding="utf-8"))
EXAMINERS = {name: Examiner(problem) for name in bundled() if (problem := load(name)).arrays}
ROWS = rows_of(TABLE)
KEYS = [
    (name, question, member)
    for name, examiner in EXAMINERS.items()
    for question in examiner.problem.questions
    for part in (question.key.parts if question.key else ())
    for member in split(part)
    if isinstance(question.ask, Call) and question.ask.function in ("d", "upstream", "downstream")
]


@pytest.mark.parametrize(("problem", "ask", "verdict", "answer", "code"), ROWS)
def test_each_answer_gets_the_verdict_of_a_careful_teacher(problem, ask, verdict, answer, code):
    claim = judged(EXAMINERS[problem], ask, answer)
    assert claim.verdict == verdict, [member.note for member in claim.members]
    if verdict == "correct":
        assert claim.diagnosis is None
        assert claim.earned == claim.points == 1
    else:
        assert claim.earned == 0
    if verdict == "wrong":
        assert (claim.diagnosis.code if claim.diagnosis else None) == code
        assert claim.expected
        assert claim.members[claim.first_wrong].verdict == "wrong"


def test_every_code_of_the_table_is_one_of_the_contract():
    assert {code for *_, code in ROWS if code} <= set(CODES)


@pytest.mark.parametrize("name", EXAMINERS)
def test_every_key_of_a_bundled_problem_is_right(name):
    examiner = EXAMINERS[name]
    claims = [examiner.claim(question, question.key) for question in examiner.problem.questions if question.key]
    assert claims
    assert [(claim.id, claim.text) for claim in claims if claim.verdict != "correct" or claim.diagnosis] == []


# -- laws


def shuffled(expr, draw):
    """The same sums and products entry by entry, in another order; products of matrices stay as they are."""
    below = tuple(shuffled(child, draw) for child in children(expr))
    if isinstance(expr, Call) and expr.function in ("add", "mul"):
        below = tuple(draw(st.permutations(below)))
    return with_children(expr, below) if below else expr


def products(expr):
    if isinstance(expr, Call) and expr.function == "matmul":
        yield expr
    for child in children(expr):
        yield from products(child)


def replaced(expr, old, new):
    if expr is old:
        return new
    return with_children(expr, tuple(replaced(child, old, new) for child in children(expr)))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_the_order_of_terms_and_of_factors_entry_by_entry_does_not_matter(data):
    name, question, member = data.draw(st.sampled_from(KEYS))
    examiner = EXAMINERS[name]
    text = write(shuffled(parse(member, examiner.problem.scope), data.draw))
    claim = examiner.claim(question, Key((Source("answer", text),)))
    assert claim.verdict == "correct", text


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_factor_transposed_is_never_right(data):
    with_products = [
        (name, question, member)
        for name, question, member in KEYS
        if not EXAMINERS[name].problem.data and list(products(parse(member, EXAMINERS[name].problem.scope)))
    ]
    name, question, member = data.draw(st.sampled_from(with_products))
    examiner = EXAMINERS[name]
    expr = parse(member, examiner.problem.scope)
    product = data.draw(st.sampled_from(list(products(expr))))
    place = data.draw(st.sampled_from((0, 1)))
    factor = product.args[place]
    other = (
        factor.args[0] if isinstance(factor, Call) and factor.function == "transpose" else Call("transpose", (factor,))
    )
    if examiner.arrays.matcher.agrees(*(examiner.arrays.engine.resolve(one) for one in (factor, other))):
        return  # a vector, or a symmetric matrix
    changed = replace(product, args=tuple(other if at == place else arg for at, arg in enumerate(product.args)))
    text = write(replaced(expr, product, changed))
    claim = examiner.claim(question, Key((Source("answer", text),)))
    assert claim.verdict == "wrong", text
    assert claim.diagnosis is not None


# -- what follows from an earlier slip


def table(problem, answers):
    examiner = EXAMINERS[problem]
    keys = "".join(f"  {name}: '{text}'\n" for name, text in answers.items())
    submission = read_submission(Source("answers.yaml", f"problem: {problem}\nanswers:\n{keys}"))
    claims = judge([examiner], submission).claims
    ids = [claim.id for claim in claims]
    return {
        claim.id: (claim.diagnosis.code, None if claim.follows_from is None else ids[claim.follows_from])
        for claim in claims
        if claim.verdict == "wrong" and claim.diagnosis
    }


def test_what_follows_from_an_earlier_slip_is_carried_forward():
    answers = {
        "ytilde": "y - yhat",
        "h": "(y - yhat) @ W2.T",
        "W2": "h.T @ (y - yhat)",
        "step": "W2 - 0.01*h.T @ (y - yhat)",
        "b2": "yhat - y",
        "sigmoid": "h",
        "b1": "h*((yhat - y) @ W2.T)",
    }
    assert table("softmax-mlp", answers) == {
        "ytilde": ("sign", None),
        "h": ("carried-forward", "ytilde"),
        "W2": ("carried-forward", "ytilde"),
        "step": ("carried-forward", "W2"),
        "sigmoid": ("wrong-local", None),
        "b1": ("carried-forward", "sigmoid"),
    }


def test_numbers_are_carried_forward_too():
    answers = {"dYhat": "[[-2], [1]]", "W2": "[[-5], [-3], [0]]", "dH": "[[-2, 2, -6], [1, -1, 3]]", "b2": "5"}
    found = table("two-layer-rows", answers)
    assert found == {"dYhat": ("sign", None), "W2": ("carried-forward", "dYhat"), "dH": ("carried-forward", "dYhat")}


# -- texts


def claims_of(text, *names):
    return judge([EXAMINERS[name] for name in names], read_homework(Source("homework.md", text))).claims


@pytest.mark.parametrize(
    ("problem", "formula", "verdict"),
    [
        ("binary-classifier-batch", r"Z_1 = W_1 X + b_1", "correct"),
        ("binary-classifier-batch", r"Z_1 = X W_1 + b_1", "wrong"),
        ("binary-classifier-batch", r"\frac{\partial J}{\partial Z_2} = \frac{1}{m} (\hat{Y} - Y)", "correct"),
        ("binary-classifier-batch", r"\frac{\partial z_2}{\partial a_1} = w_2", "correct"),
        ("binary-classifier-batch", r"\frac{\partial z_2}{\partial a_1} = w_2^\top", "correct"),
        ("binary-classifier-batch", r"\frac{\partial z_1}{\partial w_1} = x^{(i)}", "correct"),
        ("binary-classifier-batch", r"\frac{\partial J}{\partial L^{(i)}} = -\frac{1}{m}", "correct"),
        ("binary-classifier-batch", r"\frac{\partial \hat{y}}{\partial z_2} = \hat{y} (1 - \hat{y})", "correct"),
        (
            "binary-classifier-batch",
            r"\frac{\partial J}{\partial W_2} = \frac{\partial J}{\partial Z_2} \frac{\partial Z_2}{\partial W_2} = \frac{\hat{Y} - Y}{m} A_1^\top",
            "correct",
        ),
        (
            "binary-classifier-batch",
            r"\frac{\partial J}{\partial W_2} = \frac{\partial J}{\partial Z_2} \frac{\partial Z_1}{\partial W_2}",
            "wrong",
        ),
        ("binary-classifier-batch", r"\frac{\partial J}{\partial W_2} = \frac{1}{m} (\hat{Y} - Y) A_1", "wrong"),
        ("softmax-mlp", r"h = \sigma(z) = \frac{1}{1 + e^{-z}}", "correct"),
        ("softmax-mlp", r"z = x W^1 + b^1", "correct"),
        ("softmax-mlp", r"l = -y \cdot \log \hat{y}", "correct"),
        ("softmax-mlp", r"l = -\log(\hat{y}_t)", "correct"),
        ("softmax-mlp", r"\frac{\partial l}{\partial \tilde{y}_j} = \hat{y}_j - y_j", "correct"),
        ("softmax-mlp", r"W_2 = W_2 - 0.01 h^\top (\hat{y} - y)", "correct"),
        ("softmax-cross-entropy", r"\frac{\partial L}{\partial h_i} = P_i - y_i", "correct"),
        ("softmax-cross-entropy", r"\frac{\partial P_j}{\partial h_i} = P_j (\delta_{ij} - P_i)", "correct"),
        ("softmax-cross-entropy", r"P_j = \frac{\exp(h_j)}{\sum_k \exp(h_k)}", "correct"),
        ("softmax-cross-entropy", r"L = -\sum_j y_j \log P_j", "correct"),
        ("softmax-cross-entropy", r"\frac{\partial L}{\partial h_i} = y_i - P_i", "wrong"),
        ("softmax-cross-entropy", r"\frac{\partial L}{\partial h_i} = q_i - y_i", "unreadable"),
    ],
)
def test_formulas_of_a_text_are_judged(problem, formula, verdict):
    (claim,) = claims_of(f"$$ {formula} $$\n", problem)
    assert claim.verdict == verdict, [(member.text, member.verdict, member.note) for member in claim.members]
    assert (claim.diagnosis is None) or verdict == "wrong"


@pytest.mark.parametrize(
    "answer", ["[[3, -3], [3]]", "[]", "W1[0, 0, 0]", "x.T @ (x", "sum(h, axis=7)", "1/0", "-[1, 2]", "[[1]]"]
)
def test_odd_answers_are_judged_all_the_same(answer):
    assert judged(EXAMINERS["two-layer-rows"], "d(L, W1)", answer).verdict in ("wrong", "unreadable", "undecided")


def test_one_number_against_an_array_of_numbers_that_are_not_rational_is_judged():
    assert judged(EXAMINERS["determinant"], "B*log(D)", "2").verdict == "wrong"


def test_the_learning_rate_is_exact_in_an_update():
    """Were 0.1 taken for anything from 0.05 to 0.15, `w` for `lam*w` would pass for right at the given values."""
    problem = load("hinge-loss")
    examiner, ask = Examiner(problem), Source("ask", "step(w)")
    question = Question("step", parse(ask, problem.scope), ask)
    texts = ("w - 0.1*(w - X.T @ (y*step(1 - t))/4)", "w - 0.1*(lam*w - X.T @ (y*step(1 - t))/4)")
    found = [examiner.claim(question, Key((Source("answer", text),))) for text in texts]
    assert [claim.verdict for claim in found] == ["wrong", "correct"]
    assert found[0].diagnosis.code == "missing-factor"
