"""Every figure and formula of the homework behind the bundled problems."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import yaml

import gradcheck_cli as gc
from gradcheck_cli.expr import Num
from gradcheck_cli.judge import number_verdict
from gradcheck_cli.problem import bundled, load
from gradcheck_cli.problem.model import Question
from gradcheck_cli.solving import solve
from gradcheck_cli.source import Source
from gradcheck_cli.verifying import Examiner

CASES = Path(__file__).parents[1] / "cases"


def rows(name):
    table = yaml.safe_load((CASES / name).read_text(encoding="utf-8"))
    return [(problem, ask, expected) for problem, queries in table.items() for ask, expected in queries.items()]


@pytest.mark.parametrize(("problem", "ask", "number"), rows("figures.yaml"))
def test_each_figure_comes_out(problem, ask, number):
    answer = solve(load(problem), ask=[ask]).answers["ask 1"]
    verdict = number_verdict(Num(Fraction(number), number), answer.quantity.number)
    assert verdict in ("right", "truncated"), f"{ask} is {answer.value}"


@pytest.mark.parametrize(("problem", "ask", "texts"), rows("formulas.yaml"))
def test_each_formula_is_right(problem, ask, texts):
    loaded = load(problem)
    query = gc.parse(ask, loaded).tree
    examiner = Examiner(loaded)
    for text in texts:
        question = Question("1", query, Source("ask", ask))
        read = examiner.matcher.member(Source("answer", text), examiner.truth(question))
        assert read.member.verdict == "correct", (text, read.member.note)


@pytest.mark.parametrize("name", bundled())
def test_the_witnesses_agree_on_each_bundled_problem(name):
    solution = solve(load(name))
    assert solution.agreement.ok
    assert solution.agreement.spread < 1e-12


def test_a_relu_chain_gives_the_fraction_that_was_typed():
    solution = solve(load("residual-relu"))
    assert solution.answers["x0"].quantity.exact == Fraction(94, 100)


def test_rational_data_gives_exact_fractions():
    solution = solve(load("squared-term-bce"))
    assert solution.answers["upstream"].quantity.exact == Fraction(-1, 4)


def test_a_logarithm_outside_its_domain_is_a_note_where_it_does_not_count():
    solution = solve(load("squared-term-bce"))
    assert [note for note in solution.notes if "outside its domain" in note]
    assert solution.agreement.ok
