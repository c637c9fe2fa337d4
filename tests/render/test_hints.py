"""A hint about arrays says where to look, and never what is right there or which mistake it is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import yaml

from gradcheck_cli.render.canvas import canvas
from gradcheck_cli.render.report import Detail, print_report
from gradcheck_cli.verifying import Report
from tests.answers import examiner_of, judged

TABLE = yaml.safe_load((Path(__file__).parents[1] / "cases" / "arrays.yaml").read_text(encoding="utf-8"))
WRONG = [
    (name, ask, str(answer))
    for name, queries in TABLE.items()
    for ask, verdicts in queries.items()
    for answer in verdicts.get("wrong", ())
]


def printed(claim, **flags):
    stream = io.StringIO()
    report = Report("answers.yaml", ("problem",), (claim,))
    print_report(canvas(stream, 400), report, detail=Detail(**flags))
    return stream.getvalue()


@pytest.mark.parametrize(("name", "ask", "answer"), WRONG)
def test_a_hint_gives_nothing_away(name, ask, answer):
    claim = judged(examiner_of(name), ask, answer)
    assert claim.verdict == "wrong"
    _, *below = printed(claim, hint=True).splitlines()[1:]
    said = "\n".join(below[:-1])
    assert "look" in said
    assert "right:" not in said
    assert claim.expected not in said
    if claim.diagnosis is not None:
        assert claim.diagnosis.code not in said
        assert claim.diagnosis.message not in said
    assert "right:" in printed(claim, explain=True)


def test_what_the_problem_has_is_not_told_where_it_is_left_open(run, tmp_path):
    path = tmp_path / "homework.md"
    path.write_text("$$\\delta_2 = \\hat{y} + y$$\n", encoding="utf-8")
    shown = run("verify", path, "--problem", "two-layer-columns", "--hint", "--width", 80).out
    assert "this is taken for a name of the student's own" in shown
    assert "the problem has" not in shown
    assert "the problem has" in run("verify", path, "--problem", "two-layer-columns", "--width", 80).out
