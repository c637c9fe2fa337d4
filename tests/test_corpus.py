"""The textbook gradients that the benchmark measures are read, fit, and agree with differences."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).resolve().parents[1] / "benchmarks" / "corpus.py"
SPEC = importlib.util.spec_from_file_location("corpus", PATH)
corpus = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = corpus
SPEC.loader.exec_module(corpus)
CASES = corpus.load()


def test_there_are_many_and_each_has_a_name_of_its_own():
    assert len(CASES) >= 170
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_output_is_a_scalar_and_the_gradient_has_the_shape_of_its_variable(case):
    assert case.known.names[case.output] == ()
    assert corpus.lower(case.textbook, case.known).shape == case.known.names[case.wrt]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_textbook_form_agrees_with_differences_in_random_directions(case):
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        sizes = corpus.sizes_of(case, rng)
        values = corpus.draw(case, sizes, rng)
        everything = corpus.forward(case, values, sizes)
        gradient = corpus.evaluate(case.textbook, everything, sizes, case.known)
        direction = rng.normal(size=gradient.shape)
        step = 1e-6
        above, below = (
            corpus.forward(case, values, sizes, {case.wrt: everything[case.wrt] + sign * step * direction})[case.output]
            for sign in (1, -1)
        )
        assert float(np.sum(gradient * direction)) == pytest.approx(
            float(above - below) / (2 * step), rel=1e-5, abs=1e-6
        )
