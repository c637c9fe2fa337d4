"""Many points at once: the tape's values and derivatives, point by point."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck_cli import load, tape
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.problem import bundled
from gradcheck_cli.train.sampling import sampler

SCALAR = [name for name in bundled() if not any(load(name).graph.shapes.values())]


@pytest.mark.parametrize("name", SCALAR)
def test_every_point_is_the_tapes(name):
    graph = load(name).graph
    random = np.random.default_rng(0)
    values = {leaf.name: random.uniform(0.2, 0.9, 50) for leaf in (*graph.inputs, *graph.constants)}
    found, slopes = sampler(graph, 50).run(values)
    made = tape.compile_graph(graph)
    for at in range(50):
        run = made.forward({key: array[at] for key, array in values.items()})
        told = run.gradients()
        assert found[at] == pytest.approx(float(run.values[graph.output]), rel=1e-12, abs=1e-12)
        for key, array in slopes.items():
            assert array[at] == pytest.approx(float(told[key]), rel=1e-10, abs=1e-12)


def test_the_same_sampler_again():
    graph = load("sigmoid-neuron").graph
    made = sampler(graph, 4)
    values = {leaf.name: np.arange(4) / 4 for leaf in graph.inputs}
    first = made.run(values)[0].copy()
    made.run({name: array + 1 for name, array in values.items()})
    np.testing.assert_array_equal(made.run(values)[0], first)


def test_arrays_are_refused():
    with pytest.raises(UnsupportedError, match="arrays"):
        sampler(load("mnist-mlp").graph, 3)
