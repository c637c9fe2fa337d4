"""Answers that say there is no value, against truths that have one, jump, or have none."""

from __future__ import annotations

import pytest

from tests.answers import LETTERS, examiner_of, judged, verdicts_of

ANSWERS = ("undefined", "DNE", "$\\text{does not exist}$", "1/0", "0/0", "\\infty", "-inf", "±∞", "0", "1", "5")


@pytest.mark.parametrize(
    ("ask", "wanted"),
    [
        ("d(r, x)", "ccc?????ccw"),  # relu at 0: some take 0, some 1
        ("d(s, w)", "ccc?????ccw"),  # |w| at 0
        ("d(f, x)", "ccc?????ccw"),  # 0 to 3, 5 is too much
        ("value(t)", "ccccc??cwww"),  # 3/0
        ("d(t, x)", "cccccwc?www"),
        ("value(u)", "ccccccw?www"),
        ("d(k, q)", "ccccccw?www"),
        ("d(m, x)", "wwwwwwwwcww"),  # smooth
        ("value(r)", "wwwwwwwwcww"),
        ("d(f, v)", "wwwwwwwwcww"),
    ],
)
def test_no_value_is_right_where_there_is_none(ask, wanted):
    examiner = examiner_of("no-value")
    assert "".join(LETTERS[judged(examiner, ask, answer).verdict] for answer in ANSWERS) == wanted


@pytest.mark.parametrize(
    ("ask", "answer"), [("d(f, x)", "1/0"), ("d(f, x)", "undefined"), ("d(f, c)", "\\infty"), ("value(f)", "nan")]
)
def test_where_a_number_is_asked_for_none_is_wrong_and_no_slip(ask, answer):
    claim = judged(examiner_of("squared-term"), ask, answer)
    assert (claim.verdict, claim.diagnosis) == ("wrong", None)


@pytest.mark.parametrize("answer", ["undefined", "DNE", "\\infty"])
def test_words_of_arrays_without_numbers_are_left_open(answer):
    assert judged(examiner_of("mnist-mlp"), "d(loss, W2)", answer).verdict == "undecided"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("dr/dx does not exist", "c"),
        ("dr/dx = DNE", "c"),
        ("r'(0) is not defined", "c"),
        (r"$\frac{dr}{dx}$ does not exist.", "c"),
        (r"$\frac{dr}{dx} = \text{does not exist}$", "c"),
        (r"$t = \frac{v}{x} = \frac30 = \text{undefined}$", "c"),
        (r"$\frac{dm}{dx} = \text{undefined}$", "w"),
        ("dm/dx is undefined", "w"),
        (r"$\frac{dm}{dx} = \text{undefined}$ for large values", "?"),  # the words say where
        ("The derivative does not exist.", ""),
        ("This is undefined.", ""),
    ],
)
def test_sentences_about_no_value(text, wanted):
    assert verdicts_of(text, "no-value") == wanted


@pytest.mark.parametrize(
    ("ask", "answer", "verdict"),
    [
        ("params()", "557.057", "correct"),
        ("params()", "557'057", "correct"),
        ("params()", "$557'057$", "correct"),
        ("params()", "557.057 parameters", "correct"),
        ("size(W1)", "30*1.024 = 30.720", "correct"),
        ("size(W1)", "30.72", "wrong"),
        ("params()", "556.545", "wrong"),
        ("params()", "0.557057", "wrong"),
    ],
)
def test_a_point_between_thousands(ask, answer, verdict):
    assert judged(examiner_of("dense-parameter-count"), ask, answer).verdict == verdict
