"""What one claim, and one text, about arrays may cost: past that nothing is explained, and every verdict stands."""

from __future__ import annotations

import pytest

from gradcheck_cli.judge import ArrayDecision
from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.problem import load
from gradcheck_cli.source import Source
from gradcheck_cli.tape import MOST_STEPS
from gradcheck_cli.verifying import Examiner
from gradcheck_cli.verifying.arrays.diagnosis import glance
from gradcheck_cli.verifying.arrays.diagnosis.glance import MOST_COMPARED, UNDECIDED_COSTS, looks
from gradcheck_cli.verifying.arrays.match import ArrayMatcher
from gradcheck_cli.verifying.arrays.texts import grader
from gradcheck_cli.verifying.texts.homework import grade

SUMS = r"\sum_i \sum_j \sum_k \sum_l \sum_p \sum_q \sum_r \sum_s P_{ij}P_{kl}P_{pq}P_{rs}"
TURNED = r"$\frac{\partial loss}{\partial Z_2} = \frac{Y - P}{m}$"


@pytest.fixture
def examiner():
    return Examiner(load("mnist-mlp"))


def claims_of(examiner, *lines):
    return grade([examiner], read_document(Source("homework.md", "\n\n".join(lines))))


@pytest.mark.parametrize("body", [SUMS, SUMS + "P_{is}"])
def test_sums_over_many_letters_are_judged_and_looked_at_no_further_than_allowed(examiner, monkeypatch, body):
    looked, compared = looks(examiner.arrays.matcher.space), []
    compare = glance.compare
    monkeypatch.setattr(glance, "compare", lambda *args: compared.append(args) or compare(*args))
    worked_out = type(looked.glances[0])._worked_out
    steps = []
    monkeypatch.setattr(
        type(looked.glances[0]), "_worked_out", lambda self, *args: steps.append(self) or worked_out(self, *args)
    )
    (claim,) = claims_of(examiner, rf"$\frac{{\partial loss}}{{\partial Z_2}} = {body}$")
    assert (claim.verdict, claim.diagnosis.code) == ("wrong", "shape")
    assert len(compared) <= MOST_COMPARED
    assert all(steps.count(glance) <= 2 * MOST_STEPS for glance in looked.glances)  # once more for what it follows from


def test_a_mistake_is_told_within_the_allowance_only(examiner, monkeypatch):
    assert claims_of(examiner, TURNED)[0].diagnosis.code == "sign"
    monkeypatch.setattr(glance, "MOST_COMPARED", 0)
    (claim,) = claims_of(examiner, TURNED)
    assert (claim.verdict, claim.diagnosis) == ("wrong", None)


def test_where_comparisons_run_out_few_more_are_tried(examiner, monkeypatch):
    tried = []

    def undecided(*sides):
        tried.append(sides)
        return ArrayDecision("undecided", "there are too many entries")

    monkeypatch.setattr(glance, "compare", undecided)
    looked = looks(examiner.arrays.matcher.space)
    found = [looked.equal(expr, expr, {}) for _, expr in looked.space.definitions]
    assert not any(found)
    assert len(tried) == MOST_COMPARED // UNDECIDED_COSTS
    looked.begin()
    assert not looked.exhausted


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        ("P - Y", "-(Y - P)", True),
        ("P - Y", "Y - P", False),
        ("m*Y", "2*Y", False),  # m is 2 at one choice of sizes only
        ("P - P", "0*P", False),  # this says nothing
        ("P/0", "P/0", False),
    ],
)
def test_what_has_the_same_values_at_all_points_and_sizes_is_alike(examiner, left, right, found):
    scope = examiner.problem.scope
    looked = looks(examiner.arrays.matcher.space)
    assert 2 in {one.sizes["m"] for one in looked.glances}
    assert looked.alike(*(parse(Source("test", text), scope) for text in (left, right)), {}) == found


def test_a_vector_of_ones_has_only_the_sizes_that_fit_beside_its_neighbour(examiner, monkeypatch):
    read, reading = [], ArrayMatcher.reading
    monkeypatch.setattr(ArrayMatcher, "reading", lambda *args: read.append(args) or reading(*args))
    ones = r"(P - Y)^T \mathbf{1}"
    (claim,) = claims_of(examiner, rf"$\frac{{\partial loss}}{{\partial b_2}} = \frac{{1}}{{m}} ({ones} + {ones})$")
    assert (claim.verdict, claim.diagnosis.code) == ("wrong", "constant")
    assert len(read) < 20


def times(number, left="Z_2", factor=""):
    return rf"$\frac{{\partial loss}}{{\partial {left}}} = {number} {factor} \frac{{P - Y}}{{m}}$"


def test_a_text_of_wrong_claims_has_only_its_first_ones_looked_into(examiner, monkeypatch):
    monkeypatch.setattr(grader, "MOST_DIAGNOSED", 3)
    claims = claims_of(examiner, *[times(number) for number in (3, 5, 7, 11, 13)], times(1))
    assert [claim.verdict for claim in claims] == ["wrong"] * 5 + ["correct"]
    assert [bool(claim.explain().steps) for claim in claims] == [True] * 3 + [False] * 3
    assert [claim.diagnosis is not None for claim in claims] == [True] * 3 + [False] * 3


@pytest.mark.parametrize(("number", "source"), [(3, None), (7, 1)])
def test_the_last_wrong_claims_are_kept_for_those_below(examiner, monkeypatch, number, source):
    after = times(number, "W_2", r"H^\top")
    assert claims_of(examiner, times(3), times(7), after)[-1].follows_from == (0 if number == 3 else 1)
    monkeypatch.setattr(grader, "MOST_SLIPS", 1)
    assert claims_of(examiner, times(3), times(7), after)[-1].follows_from == source
