"""Mistakes in problems of numbers that give none: they are looked for at drawn ones."""

from __future__ import annotations

import pytest

from gradcheck_cli.parsing.text import parse
from gradcheck_cli.problem import Key, Question, load
from gradcheck_cli.solving.engine import Engine
from gradcheck_cli.source import Source
from gradcheck_cli.verifying import Examiner
from gradcheck_cli.verifying.spot import spot

EXAMINER = Examiner(load("softmax-unit"))


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
    written = Source("ask", ask)
    question = Question(ask, parse(written, EXAMINER.problem.scope), written)
    claim = EXAMINER.claim(question, Key((Source("answer", answer),)))
    assert (claim.verdict, claim.diagnosis.code) == ("wrong", code)


def test_a_number_is_judged_at_given_numbers_only():
    written = Source("ask", "d(x4, r)")
    question = Question("r", parse(written, EXAMINER.problem.scope), written)
    assert spot(EXAMINER.engine).has_all_values
    assert EXAMINER.claim(question, Key((Source("answer", "1"),))).verdict == "undecided"


def test_given_numbers_are_looked_at_themselves():
    engine = Engine(load("sigmoid-neuron"))
    assert spot(engine) is engine
