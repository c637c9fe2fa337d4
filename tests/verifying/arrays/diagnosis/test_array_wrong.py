"""Wrong answers about arrays that a generous reading might let through: each is called wrong, alone in its text."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.answers import graded

TABLE = yaml.safe_load((Path(__file__).parents[3] / "cases" / "array_wrong.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("problem", TABLE)
def test_no_wrong_answer_is_called_right(problem):
    found = {line: [claim.verdict for claim in graded(line, problem)] for line in TABLE[problem]}
    assert {line: verdicts for line, verdicts in found.items() if verdicts != ["wrong"]} == {}
