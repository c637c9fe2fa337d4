"""Wrong answers about arrays that a generous reading might let through: each is called wrong, alone in its text."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.problem import load
from gradcheck_cli.source import Source
from gradcheck_cli.verifying import Examiner
from gradcheck_cli.verifying.homework import grade

TABLE = yaml.safe_load((Path(__file__).parents[2] / "cases" / "array_wrong.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("problem", TABLE)
def test_no_wrong_answer_is_called_right(problem):
    examiner = Examiner(load(problem))
    found = {
        line: [claim.verdict for claim in grade([examiner], read_document(Source("homework.md", line)))]
        for line in TABLE[problem]
    }
    assert {line: verdicts for line, verdicts in found.items() if verdicts != ["wrong"]} == {}
