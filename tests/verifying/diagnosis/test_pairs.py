"""Two mistakes at once are told only where no single one fits and one pair alone does."""

from __future__ import annotations

import pytest

from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.problem import load
from gradcheck_cli.source import Source
from gradcheck_cli.verifying import Examiner
from gradcheck_cli.verifying.texts.homework import grade


def claims_of(name, text):
    return grade([Examiner(load(name))], read_document(Source("homework.md", text)))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("sigmoid-neuron", "da/dw0 = -x0", ("the factor da/dz = a*(1 - a) is missing", "the sign is turned around")),
        ("residual-relu", "dz/dx0 = -1.000", ("the path through xw0 is missing", "the sign is turned around")),
    ],
)
def test_a_pair_that_alone_fits_is_told(name, text, words):
    (claim,) = claims_of(name, text)
    assert claim.verdict == "wrong"
    assert claim.diagnosis.message.startswith("two mistakes: ")
    assert all(word in claim.diagnosis.message for word in words)


@pytest.mark.parametrize("text", ["dz/dx0 = 1.000", "dz/dx0 = -1", "dz/dx0 = 0.94", "dz/dx0 = 17.25"])
def test_a_single_mistake_few_digits_and_no_fit_are_no_pair(text):
    (claim,) = claims_of("residual-relu", text)
    assert claim.diagnosis is None or "two mistakes" not in claim.diagnosis.message
