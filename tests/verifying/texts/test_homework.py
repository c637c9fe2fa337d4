"""Homework as it was written: every claim gets the verdict of a careful reader, broken text is never accused."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml

import gradcheck_cli as gc
from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.source import Source
from gradcheck_cli.verifying import judge_files
from gradcheck_cli.verifying.texts.homework import grade
from gradcheck_cli.verifying.texts.own import OWN
from tests.answers import examiner_of

FOLDER = Path(__file__).parents[2] / "cases" / "homework"
TABLE = yaml.safe_load((FOLDER / "verdicts.yaml").read_text(encoding="utf-8"))


def claims_of(text, *names):
    document = read_document(Source("homework.md", text))
    return grade(list(map(examiner_of, names or document.problems)), document)


@pytest.mark.parametrize("name", TABLE)
def test_each_claim_gets_the_verdict_of_a_careful_reader(name):
    (report,) = judge_files([str(FOLDER / name)])
    found = [
        [claim.line, claim.verdict, claim.diagnosis.code if claim.diagnosis else None, claim.first_wrong]
        for claim in report.claims
    ]
    assert found == TABLE[name]
    judged = (claim for claim in report.claims if claim.note != OWN)
    assert report.score.possible == sum(claim.verdict in ("correct", "wrong") for claim in judged)


def test_the_python_api_reads_a_text():
    problem = gc.load("residual-relu")
    report = gc.verify(problem, gc.read(FOLDER / "residual-relu.md"))
    assert report.problems == ("residual-relu",)
    assert all(claim.id is None for claim in report.claims)


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("dz/dw0 = -0.2", ["correct"]),
        ("1) dz/dw0 = 0.2", ["wrong"]),
        ("- dz/dw1 = x1 = 0.4", ["correct"]),
        ("We see that $\\frac{dz}{dw_1} = 0.4$ and so on.", ["correct"]),
        ("\\[ \\frac{dz}{db_1} = 1 \\]", ["correct"]),
        ("\\begin{align*} xw_0 &= 0.3 \\\\ xwb_0 &= 0.4 \\end{align*}", ["correct", "correct"]),
        ("$z = 0.62$, $z = 0.63$", ["correct", "wrong"]),
        ("> $z = 0.62$", ["correct"]),
        ("```\nz = 5\n```\n", []),
        ("no formula here, only words", []),
        ("$z$ is the output", []),
        ("$$z = relu(yx)$$\n\n$$= 0.62$$", ["correct"]),
        ("$z = 0.62", ["unreadable"]),
    ],
)
def test_formulas_are_found(text, verdicts):
    assert [claim.verdict for claim in claims_of(text, "residual-relu")] == verdicts


def variants(text, count, seed):
    draw = random.Random(seed)
    for _ in range(count):
        lines = text.split("\n")
        at = draw.randrange(len(lines))
        line = lines[at]
        place = draw.randrange(len(line) + 1)
        change = draw.choice(("delete", "double", "swap"))
        if change == "delete":
            line = line[:place] + line[place + draw.randint(1, 3) :]
        elif change == "double":
            line = line[:place] + line[place : place + 1] * 2 + line[place + 1 :]
        else:
            line = line[:place] + line[place + 1 : place + 2] + line[place : place + 1] + line[place + 2 :]
        yield at + 1, "\n".join([*lines[:at], line, *lines[at + 1 :]])


@pytest.mark.parametrize("name", TABLE)
def test_a_misread_character_accuses_no_other_line(name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    names = read_document(Source(name, text)).problems
    right = {row[0] for row in TABLE[name]} - {row[0] for row in TABLE[name] if row[1] == "wrong"}
    lines = [row[0] for row in TABLE[name]]
    for changed, variant in variants(text, 40, seed=len(text)):
        if changed <= 3:
            continue
        begins = max((line for line in lines if line <= changed), default=0)
        for claim in claims_of(variant, *names):
            if claim.verdict == "wrong" and claim.line in right:
                member = claim.members[claim.first_wrong].source.line_column(None)[0]
                assert begins <= claim.line <= changed or member == changed, (changed, claim.line, claim.text)


def test_the_wrong_link_of_a_chain_is_named():
    (report,) = judge_files([str(FOLDER / "four-hidden-units.md")])
    messages = [claim.diagnosis.message for claim in report.claims if claim.diagnosis]
    assert "link 1 of the chain is dyhat2/dyhat1; it should be dL/dyhat1" in messages
