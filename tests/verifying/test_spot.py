"""Mistakes in problems of numbers that give none: they are looked for at drawn ones."""

from __future__ import annotations

import pytest

from gradcheck_cli.problem import load
from gradcheck_cli.solving.engine import Engine
from gradcheck_cli.verifying.spot import spot
from tests.answers import examiner_of, judged

EXAMINER = examiner_of("softmax-unit")


@pytest.mark.parametrize(
    ("ask", "answer", "code"),
    [
        ("d(x4, w1)", "-x4*(1 - x4)*w2*step(x1)", "sign"),
        ("d(x4, w1)", "x4*(1 - x4)*step(x1)", "missing-factor"),
        ("d(x4, w1)", "x4*(1 - x4)*w2", "missing-factor"),
        ("d(x4, w2)", "2*x4*(1 - x4)*x2", "constant"),
        ("d(x4, x3)", "e3/s", "missing-path"),
        ("d(x4, w2)", "x4*(1 - x4)*w2", "wrong-node"),
    ],
)
def test_the_mistake_is_named_although_nothing_is_given(ask, answer, code):
    claim = judged(EXAMINER, ask, answer)
    assert (claim.verdict, claim.diagnosis.code) == ("wrong", code)


def test_a_number_is_judged_at_given_numbers_only():
    assert spot(EXAMINER.engine).has_all_values
    assert judged(EXAMINER, "d(x4, r)", 1).verdict == "undecided"


def test_given_numbers_are_looked_at_themselves():
    engine = Engine(load("sigmoid-neuron"))
    assert spot(engine) is engine
