"""Homework about arrays as different students write it: every line gets the verdicts of a careful reader."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.problem import load
from gradcheck_cli.source import Source
from gradcheck_cli.verifying import Examiner
from gradcheck_cli.verifying.homework import grade

TABLE = yaml.safe_load((Path(__file__).parents[1] / "cases" / "array_homework.yaml").read_text(encoding="utf-8"))
EXAMINERS = {}


def claims_of(problem, lines):
    """The claims of a text of these lines, a blank one between each two; and on which of them each stands."""
    EXAMINERS.setdefault(problem, Examiner(load(problem)))
    claims = grade([EXAMINERS[problem]], read_document(Source("homework.md", "\n\n".join(lines))))
    starts = [1 + sum(line.count("\n") + 2 for line in lines[:at]) for at in range(len(lines))]
    return [(max(at for at, start in enumerate(starts) if start <= claim.line), claim) for claim in claims]


@pytest.mark.parametrize("title", TABLE)
def test_each_line_gets_the_verdicts_of_a_careful_reader(title):
    lines = [row[0] for row in TABLE[title]["text"]]
    found = [[line] for line in lines]
    for at, claim in claims_of(TABLE[title]["problem"], lines):
        found[at].append(claim.verdict)
    assert found == TABLE[title]["text"]


@pytest.mark.parametrize(
    ("problem", "lines"),
    [
        ("binary-classifier-batch", [r"$dZ_2 = Y - \hat{Y}$", r"$dW_2 = \frac1m (Y - \hat{Y}) A_1^T$"]),
        ("mnist-mlp", ["dZ1 = (P - Y)/m @ W2.T * (1 - H)", "dW1 = X.T @ ((P - Y)/m @ W2.T * (1 - H))"]),
    ],
)
def test_what_follows_from_a_wrong_gradient_keeps_its_points(problem, lines):
    (_, first), (_, second) = claims_of(problem, lines)
    assert (first.verdict, first.earned) == ("wrong", 0)
    assert (second.verdict, second.follows_from, second.earned) == ("wrong", 0, 1)


def test_a_gradient_of_the_sum_over_a_batch_stays_one_below():
    (_, first), (_, second) = claims_of("binary-classifier-batch", [r"$dZ_2 = \hat{Y} - Y$", "$dW_2 = dZ_2 A_1^T$"])
    assert [first.verdict, second.verdict] == ["correct", "wrong"]
    (_, first), (_, second) = claims_of("binary-classifier-batch", ["dZ2 = (Yhat - Y)/m", "dW2 = dZ2 @ A1.T"])
    assert [first.verdict, second.verdict] == ["correct", "correct"]
