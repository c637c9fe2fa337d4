"""The textbook gradients that the benchmark measures are read, fit, and agree with differences."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gradcheck_cli.errors import ShapeError
from gradcheck_cli.expr import Call, Name, size
from gradcheck_cli.graph import Input
from gradcheck_cli.symbolic.arrays import ArrayCalculus
from gradcheck_cli.symbolic.reading import written
from gradcheck_cli.write.text import write

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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_closed_form_is_the_textbooks_and_reads_back(case):
    calculus = ArrayCalculus(case.graph())
    closed = written(calculus.algebra, calculus.backward(case.output).totals[case.wrt])
    read_back = corpus.parse(write(closed), case.words)
    assert corpus.lower(read_back, case.known).shape == case.known.names[case.wrt]
    for seed in (0, 1, 2):
        rng = np.random.default_rng(seed)
        sizes = corpus.sizes_of(case, rng)
        everything = corpus.forward(case, corpus.draw(case, sizes, rng), sizes)
        ours, textbook = (corpus.evaluate(expr, everything, sizes, case.known) for expr in (read_back, case.textbook))
        np.testing.assert_allclose(ours, textbook, rtol=1e-9, atol=1e-9)


def test_most_closed_forms_are_no_larger_than_the_textbooks():
    ratios = []
    for case in CASES:
        calculus = ArrayCalculus(case.graph())
        closed = written(calculus.algebra, calculus.backward(case.output).totals[case.wrt])
        ratios.append(size(closed) / size(case.textbook))
    assert sum(ratio <= 1 for ratio in ratios) >= 249
    assert sum(ratio > 2 for ratio in ratios) <= 3


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_transposed_input_is_refused_or_still_right(case):
    for name, leaf in case.inputs.items():
        if len(leaf.shape) != 2 or leaf.shape[0] == leaf.shape[1]:
            continue
        turned = replace(case, inputs={**case.inputs, name: replace(leaf, shape=leaf.shape[::-1])})
        shapes = {other: one.shape for other, one in turned.inputs.items()}
        try:
            for node, expr in case.nodes.items():
                shapes[node] = corpus.lower(expr, corpus.Shapes(shapes, case.known.letters)).shape
        except ShapeError:
            continue
        if shapes[case.output] != ():
            continue
        turned = replace(turned, known=corpus.Shapes(shapes, case.known.letters))
        calculus = ArrayCalculus(turned.graph())
        closed = written(calculus.algebra, calculus.backward(case.output).totals[case.wrt])
        agrees_with_differences(turned, closed)


def agrees_with_differences(case, gradient):
    rng = np.random.default_rng(5)
    sizes = corpus.sizes_of(case, rng)
    values = corpus.draw(case, sizes, rng)
    everything = corpus.forward(case, values, sizes)
    found = corpus.evaluate(gradient, everything, sizes, case.known)
    direction = rng.normal(size=found.shape)
    above, below = (
        corpus.forward(case, values, sizes, {case.wrt: everything[case.wrt] + step * direction})[case.output]
        for step in (1e-6, -1e-6)
    )
    assert float(np.sum(found * direction)) == pytest.approx(float(above - below) / 2e-6, rel=1e-5, abs=1e-6)


INPUTS = [case for case in CASES if case.wrt in case.inputs]


@pytest.mark.parametrize("case", INPUTS, ids=lambda case: case.name)
def test_the_gradient_differentiated_again_along_a_direction(case):
    shape = case.known.names[case.wrt]
    graph = case.graph()
    known = corpus.Shapes({**case.known.names, "direction": shape}, case.known.letters)
    calculus = ArrayCalculus(replace(graph, constants=(Input("direction", shape=shape),), shapes=dict(known.names)))
    gradient = written(calculus.algebra, calculus.backward(case.output).bare[case.wrt])
    along = Call("mul", (gradient, Name("direction")))
    back, _ = calculus.of_expression(Call("sum", (along,)) if shape else along)
    product = written(calculus.algebra, back.totals[case.wrt])
    rng = np.random.default_rng(3)
    sizes = corpus.sizes_of(case, rng)
    values = corpus.draw(case, sizes, rng)
    everything = corpus.forward(case, values, sizes)
    direction = rng.normal(size=everything[case.wrt].shape)
    found = corpus.evaluate(product, {**everything, "direction": direction}, sizes, known)
    above, below = (
        corpus.evaluate(
            gradient,
            corpus.forward(case, values, sizes, {case.wrt: everything[case.wrt] + step * direction}),
            sizes,
            case.known,
        )
        for step in (1e-5, -1e-5)
    )
    np.testing.assert_allclose(found, (above - below) / 2e-5, rtol=1e-4, atol=1e-5 * (1 + np.abs(found).max()))
