"""Names that courses share, and what `dZ` stands for."""

from __future__ import annotations

import pytest

from gradcheck_cli.expr import Call, Name
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.problem import load
from gradcheck_cli.source import Source
from gradcheck_cli.verifying.gradients import Gradients, names_of
from gradcheck_cli.verifying.texts.conventions import activations, usual_names, usual_scope, without_mark
from gradcheck_cli.write.text import write


def test_a_name_of_the_problem_is_none_of_the_usual_ones():
    problem = load("binary-classifier-batch")
    usual = usual_names(problem, "J", loss=True)
    assert not {"L", "J", "A1", "Yhat"} & set(usual)
    assert usual["A2"][1] == Name("Yhat")
    assert write(usual["eta"][1]) == "0.1"


def test_what_goes_through_one_function_has_an_activation():
    assert activations(load("two-layer-columns").graph) == {"z1": "a1"}
    known = usual_scope(load("two-layer-columns"), "L")
    assert parse("g(z1)", known) == Name("a1")
    assert parse("g'(z1)", known) == Call("local", (Name("a1"), Name("z1")))


@pytest.mark.parametrize(
    ("left", "name", "updated"),
    [
        ("w_{new}", "w", True),
        ("w^{+}", "w", True),
        ("W_2^{(t+1)}", "W_2", True),
        ("w", "w", False),
        ("w^2", "w^2", False),
    ],
)
def test_the_mark_of_an_update(left, name, updated):
    found, marked = without_mark(Source("left", left))
    assert (found.text, marked) == (name, updated)


def test_a_gradient_may_be_that_of_the_sum_until_the_text_says():
    known = usual_scope(load("binary-classifier-batch"), "J")
    found = parse("dZ2 @ A1.T", known)
    assert names_of(found) == ("Z2",)
    gradients = Gradients({"Z2": Name("m")})
    assert [write(one) for one in gradients.put_in(found)] == ["upstream(Z2) @ A1.T", "(m*upstream(Z2)) @ A1.T"]
    gradients.said["Z2"] = (Name("Y"),)
    assert [write(one) for one in gradients.put_in(found)] == ["Y @ A1.T"]
