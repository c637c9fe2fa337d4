"""Where samples stand in an array, what the loss of one is, what letters for sizes stand for, what is told of them."""

from __future__ import annotations

import pytest

from gradcheck_cli.expr import Index, Name
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.verifying.arrays.batches import sample_places, shown
from gradcheck_cli.verifying.arrays.texts.single import SingleLoss
from gradcheck_cli.write.text import write
from tests.answers import examiner_of, graded

PLACES = [
    ("softmax-regression", {"X": ("i:", True), "W": (":i", False), "b": None, "L": ("", False), "m": ("", False)}),
    ("binary-classifier-batch", {"X": (":i", True), "Y": ("0i", True), "W1": ("i:", False), "b1": None}),
    ("logistic-regression", {"y": ("i", True), "X": ("i:", True), "w": None}),
    ("attention-scores", {"Q": ("i:", False), "K": ("i:", False), "V": (":i", False), "A": ("i:", False)}),
    ("two-layer-columns", {"x": None, "a1": None, "W1": ("i:", False)}),
]


@pytest.mark.parametrize(("problem", "places"), PLACES)
def test_where_the_number_of_a_sample_stands(problem, places):
    found = sample_places(examiner_of(problem).problem.graph)
    assert {name: found.get(name) for name in places} == places


@pytest.mark.parametrize(
    ("problem", "adds_up"),
    [("softmax-regression", True), ("logistic-regression", True), ("ridge-regression", False), ("gan-losses", True)],
)
def test_whether_losses_of_samples_add_up(problem, adds_up):
    assert SingleLoss(examiner_of(problem).arrays.matcher).adds_up() is adds_up


def test_a_sample_is_told_as_it_is_written():
    bench = examiner_of("binary-classifier-batch").arrays
    told = {
        "((Yhat - Y)/m).T[i]": "(Yhat[:, i] - Y[:, i])/m",
        "(W2.T @ Y).T[i]": "(W2.T @ Y)[:, i]",
        "outer(Z1.T[i], ones(1))": "Z1[:, i]",
    }
    for text, wanted in told.items():
        assert write(shown(parse(text, bench.problem.scope), bench.matcher.quiet)) == wanted
    assert shown(Index(Name("b1"), (Name("i"),)), bench.matcher.quiet) == Index(Name("b1"), (Name("i"),))


def messages(lines, problem):
    """What is said of the last of some lines."""
    claim = graded("\n\n".join(lines), problem)[-1]
    notes = (claim.note, *(member.note for member in claim.members))
    return claim.verdict, claim.diagnosis.message if claim.diagnosis else "", "; ".join(note for note in notes if note)


TOLD = [
    (
        "mnist-mlp",
        [r"$W_1 \in \mathbb{R}^{p \times q}$", r"$b_1 \in \mathbb{R}^{p}$"],
        ("wrong", "p is dx since line 1; this should be (q,)", ""),
    ),
    (
        "mnist-mlp",
        [r"$W_1 \in \mathbb{R}^{p \times q}$", r"$Z_1 \in \mathbb{R}^{q \times m}$"],
        (
            "wrong",
            "the sizes are right, their order is not: the shape is (m, q), rows before columns",
            "",
        ),
    ),
    (
        "softmax-regression",
        [r"$\nabla_W L = \frac1m \sum_i x_i^\top (p_i - y_i)$"],
        ("correct", "", "each sample as a row"),
    ),
    (
        "softmax-regression",
        [r"$\frac{\partial L_i}{\partial b} = \frac1m (p_i - y_i)$"],
        ("correct", "", "the loss of one sample is its share in the mean here"),
    ),
    (
        "trace-of-inverse",
        [r"$d(A^{-1}) = A^{-1}\,dA\,A^{-1}$"],
        ("wrong", "the sign of what stands with dA is turned around", ""),
    ),
    (
        "logistic-regression",
        [r"$dL = (p - y)^\top X\,dw$"],
        ("wrong", "a factor 1/m is missing in what stands with dw", ""),
    ),
    (
        "mnist-mlp",
        [r"$\Delta W_2 = -\eta \frac1m H^\top (P - Y)$"],
        ("correct", "", "Δ is what one step adds"),
    ),
]


@pytest.mark.parametrize(("problem", "lines", "wanted"), TOLD)
def test_what_is_told(problem, lines, wanted):
    assert messages(lines, problem) == wanted


def test_what_a_step_adds_is_told_without_the_parameter():
    claim = graded(r"$\Delta W_2 = -\eta H^\top (P - Y)$", "mnist-mlp")[0]
    assert (claim.verdict, claim.expected) == ("wrong", "-0.01*(H.T @ (P - Y))/m")


def test_the_missing_division_is_told_as_such():
    line = r"$\frac{\partial L}{\partial H} = \frac{2}{m} (\hat{y} - y) w_2^T \odot M$"
    assert graded(line, "dropout")[0].diagnosis.message == "the division by q is missing"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (r"$\frac{\partial L}{\partial W_1} = H^T (P - Y)$", "the factor A is missing"),
        (r"$\frac{\partial L}{\partial W_1} = H^T A A (P - Y)$", "the factor A is one too many"),
    ],
)
def test_a_square_factor_of_a_product_may_be_missing_or_one_too_many(line, message):
    assert graded(line, "graph-convolution")[0].diagnosis.message == message
