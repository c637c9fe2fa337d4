r"""Texts about arrays: entries under index letters, names of the student's own, letters that look alike, sizes."""

from __future__ import annotations

import pytest

from tests.answers import graded


def claims_of(name, text):
    return graded(text, name)


@pytest.mark.parametrize(
    ("member", "verdict"),
    [
        (r"-\sum_j y_j \frac{\partial}{\partial h_i} \log P_j", "correct"),
        (r"-\sum_j y_j \frac{1}{P_j} \frac{\partial P_j}{\partial h_i}", "correct"),
        (r"-\sum_j y_j \frac{\partial}{\partial h_i} (h_j - \log \sum_k e^{h_k})", "correct"),
        (r"\sum_j y_j \frac{\partial}{\partial h_i} \log P_j", "wrong"),
        (r"-\sum_j y_j \frac{\partial}{\partial h_i} (h_j + \log \sum_k e^{h_k})", "wrong"),
        (r"P(y = i) - y_i", "correct"),
        (r"y_i - P(y = i)", "wrong"),
        (r"P(\gamma = i) - \gamma_i", "correct"),
        (r"\gamma_i - P(\gamma = i)", "unreadable"),
    ],
)
def test_entries_under_index_letters(member, verdict):
    (claim,) = claims_of("softmax-cross-entropy", rf"$\frac{{\partial L}}{{\partial h_i}} = {member}$")
    assert claim.verdict == verdict


def test_a_name_of_the_students_own_is_known_below():
    claims = claims_of(
        "softmax-mlp",
        "$D = \\hat{y} - y$\n\n$\\frac{\\partial l}{\\partial W_2} = h^\\top D$\n\n$\\frac{\\partial l}{\\partial b_2} = -D$\n",
    )
    assert [claim.verdict for claim in claims] == ["correct", "correct", "wrong"]


def test_a_name_behind_a_chain_is_known_below():
    claims = claims_of(
        "softmax-mlp",
        "$\\frac{\\partial l}{\\partial \\tilde{y}} = \\hat{y} - y = S_1$\n\n$\\frac{\\partial l}{\\partial W_2} = h^\\top S_1$\n",
    )
    assert [claim.verdict for claim in claims] == ["correct", "correct"]


def test_what_follows_from_a_slip_is_carried_forward():
    claims = claims_of(
        "softmax-mlp",
        "$\\frac{\\partial l}{\\partial \\tilde{y}} = y - \\hat{y}$\n\n$\\frac{\\partial l}{\\partial W_2} = h^\\top (y - \\hat{y})$\n",
    )
    assert [claim.follows_from for claim in claims] == [None, 0]
    assert [claim.earned for claim in claims] == [0, 1]


def test_a_students_letter_for_a_size_stays_what_it_was():
    text = "$W_1 \\in \\mathbb{R}^{D_h \\times D_x}$\n\n$b_1 \\in \\mathbb{R}^{%s \\times 1}$\n"
    assert [claim.verdict for claim in claims_of("binary-classifier-batch", text % "D_h")] == ["correct", "correct"]
    assert claims_of("binary-classifier-batch", text % "D_x")[1].verdict != "correct"
