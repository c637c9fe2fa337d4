"""Homework about arrays as different students write it: every line gets the verdicts of a careful reader."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
import yaml

from gradcheck_cli.verifying.texts.own import OWN
from tests.answers import graded

TABLE = yaml.safe_load((Path(__file__).parents[3] / "cases" / "array_homework.yaml").read_text(encoding="utf-8"))
VARIANTS = 4
GRADIENT = re.compile(r"\\?d[A-Za-z\\]")  # what dZ is said to be, the lines below take it for
CONTEXT = re.compile(r"\b(?:For|If|Assume|where|since)\b|\\in\b|^\$(?:\\Delta|L_i = )")  # what lines below rest on


def claims_of(problem, lines):
    """The claims of a text of these lines, a blank one between each two; and on which of them each stands."""
    claims = graded("\n\n".join(lines), problem)
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


def damaged(lines, draw):
    """The lines with one to three places damaged: up to three characters gone, one doubled, two exchanged; and where."""
    lines, spots = list(lines), set()
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(lines))
        text = lines[at] or " "
        place = draw.randrange(len(text))
        change = draw.choice(("delete", "double", "swap"))
        if change == "delete":
            lines[at] = text[:place] + text[place + draw.randint(1, 3) :]
        elif change == "double":
            lines[at] = text[:place] + text[place] * 2 + text[place + 1 :]
        else:
            lines[at] = text[:place] + text[place + 1 : place + 2] + text[place] + text[place + 2 :]
        spots.add(at)
    return lines, spots


def members_of(claims, verdict):
    """The members with a verdict, each with its line and left side."""
    return {
        (at, claim.left.text.strip() if claim.left else "", member.text.strip())
        for at, claim in claims
        for member in claim.members
        if member.verdict == verdict
    }


@pytest.mark.parametrize("title", TABLE)
def test_damage_makes_no_untouched_right_claim_wrong(title):
    problem, lines = TABLE[title]["problem"], [row[0] for row in TABLE[title]["text"]]
    claims = claims_of(problem, lines)
    right = members_of(claims, "correct")
    said_there = {at for at, claim in claims if claim.note == OWN or GRADIENT.match(claim.text)} | {
        at for at, line in enumerate(lines) if CONTEXT.search(line)
    }  # what these lines say, others rest on
    draw = random.Random(title)
    for _ in range(VARIANTS):
        variant, spots = damaged(lines, draw)
        wrong = members_of([pair for pair in claims_of(problem, variant) if pair[1].verdict == "wrong"], "wrong")
        accused = {row for row in wrong & right if row[0] not in spots}
        assert not accused or spots & said_there, "\n\n".join(variant)
