"""Where a wrong answer about arrays differs: the entries of numbers, the smallest example of a formula."""

from __future__ import annotations

import re

import pytest

from gradcheck_cli.problem import load
from gradcheck_cli.solving import solve
from gradcheck_cli.solving.options import with_numbers
from tests.answers import examiner_of, judged


def wrong(name, ask, answer):
    claim = judged(examiner_of(name), ask, answer)
    assert claim.verdict == "wrong"
    return claim


@pytest.mark.parametrize(
    ("ask", "answer", "note", "where"),
    [
        ("value(Z)", "[[3, 3, -2], [1, 3, 5]]", "entry [1, 2] is 5 and should be -5", "entry [1, 2]"),
        ("d(L, b1)", "[2, -1, 3]", "entry [0] is 2 and should be 1; entry [2] is 3 and should be 0", "entries [0] and [2]"),
        ("d(L, H)", "[[1, 2, 3], [4, 5, 6]]", "", ""),  # all of it is wrong
        ("step(W1)", "[[0.7, 0.7, 2], [-0.3, 2.3, -1]]", "entry [0, 1] is 0.7 and should be -0.7", "entry [0, 1]"),
    ],
)  # fmt: skip
def test_the_entries_of_numbers_that_are_wrong_are_named(ask, answer, note, where):
    claim = wrong("two-layer-rows", ask, answer)
    assert claim.members[0].note == note
    assert claim.explain().where == where


FORMULAS = [
    ("two-layer-columns", "d(L, a1)", "W2.T @ (yhat - y) + exp(a1)"),
    ("two-layer-columns", "d(L, W1)", "((W2.T @ (yhat - y))*(1 - a1^2)) @ x.T + W1"),
    ("rnn-two-steps", "step(b)", "b + exp(b)"),
    ("softmax-mlp", "d(l, h)", "(yhat - y*y) @ W2.T + h"),
]


@pytest.mark.parametrize(("name", "ask", "answer"), FORMULAS)
def test_the_example_is_small_and_what_it_says_is_so(name, ask, answer):
    """The numbers are put into the problem again, and worked out by its solver."""
    note = wrong(name, ask, answer).members[0].note
    match = re.fullmatch(r"for example it is (\[.*\]) and should be (\[.*\]), with (.*)", note)
    assert match, note
    given = re.split(r", (?=\w+ = )", match[3])
    sizes, *values = given
    *letters, size = sizes.split(" = ")
    problem = with_numbers(
        load(name), [value.replace(" = ", "=") for value in values], [f"{letter}={size}" for letter in letters], 1
    )
    answers = solve(problem, ask=[ask, answer]).answers
    for query, told in (("ask 1", match[2]), ("ask 2", match[1])):
        found = answers[query].value
        numbers = [float(number) for number in re.findall(r"-?[0-9.]+(?:e-?[0-9]+)?", told)]
        flat = [float(entry) for row in found for entry in (row if isinstance(row, list) else [row])]
        assert flat == pytest.approx(numbers, rel=1e-2, abs=1e-3)


def test_given_values_are_the_example():
    note = wrong("two-layer-rows", "d(L, H)", "(Yhat - Y) @ W2.T + H").members[0].note
    assert note == "at the given values entry [0, 0] is 5 and should be 2"


def test_a_mistake_that_is_named_needs_no_example():
    claim = wrong("two-layer-columns", "d(L, W2)", "-(yhat - y) @ a1.T")
    assert claim.diagnosis.code == "sign"
    assert "for example" not in claim.members[0].note
