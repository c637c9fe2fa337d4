"""Homework transcribed from paper: each claim gets the verdict of a careful reader, damaged text accuses nobody."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml

from tests.answers import graded

FOLDER = Path(__file__).parents[2] / "cases" / "transcripts"
TABLE = yaml.safe_load((FOLDER / "verdicts.yaml").read_text(encoding="utf-8"))
VARIANTS = 25


@pytest.mark.parametrize("case", TABLE)
def test_each_claim_gets_the_verdict_of_a_careful_reader(case):
    file, *names = case.split()
    found = {}
    for claim in graded((FOLDER / file).read_text(encoding="utf-8"), *names):
        code = claim.diagnosis.code if claim.diagnosis else None
        found.setdefault(claim.line, []).append([claim.verdict, code, claim.first_wrong])
    assert {line: found.get(line) for line in TABLE[case]} == TABLE[case]
    elsewhere = [row for line, rows in found.items() if line not in TABLE[case] for row in rows]
    assert not [row for row in elsewhere if row[0] == "wrong"]


def variants(text, count, seed):
    """The text with one place damaged: up to three characters gone, one doubled, two exchanged."""
    draw = random.Random(seed)
    for _ in range(count):
        at = draw.randrange(len(text))
        change = draw.choice(("delete", "double", "swap"))
        if change == "delete":
            yield text[:at] + text[at + draw.randint(1, 3) :]
        elif change == "double":
            yield text[:at] + text[at] * 2 + text[at + 1 :]
        else:
            yield text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]


def said(claim):
    """The members with their left side and verdicts."""
    left = claim.text.split(" = ")[0]
    return [(left, " ".join(member.text.split()), member.verdict) for member in claim.members]


@pytest.mark.parametrize(
    ("case", "line", "words"),
    [
        ("003.md sum-times sigmoid-neuron", 61, "a factor 0"),
        ("003.md sum-times sigmoid-neuron", 65, "the end is right"),
        (
            "003.md sum-times sigmoid-neuron binary-classifier-batch",
            133,
            "the right factors of the chain rule, in an order",
        ),
        ("004.md softmax-mlp", 103, "itself, not its derivative"),
    ],
)
def test_the_mistake_is_told_in_words(case, line, words):
    file, *names = case.split()
    claims = graded((FOLDER / file).read_text(encoding="utf-8"), *names)
    (message,) = [claim.diagnosis.message for claim in claims if claim.line == line]
    assert words in message


@pytest.mark.parametrize("case", TABLE)
def test_damage_makes_no_untouched_right_claim_wrong(case):
    file, *names = case.split()
    text = (FOLDER / file).read_text(encoding="utf-8")
    right = {row for claim in graded(text, *names) for row in said(claim) if row[2] == "correct"}
    for variant in variants(text, VARIANTS, seed=len(text)):
        for claim in graded(variant, *names):
            if claim.verdict == "wrong":
                accused = {(left, member, "correct") for left, member, verdict in said(claim) if verdict == "wrong"}
                assert not accused & right, claim.text
