"""One point of a graph of numbers: values and derivatives are the tape's, for every way of evaluating it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradcheck_cli import load, tape
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.problem import bundled, read_problem
from gradcheck_cli.source import Source
from gradcheck_cli.train import points
from gradcheck_cli.train.backends import c_backend
from gradcheck_cli.train.points import point

SCALAR = [name for name in bundled() if not any(load(name).graph.shapes.values())]
COMPILED = pytest.param("c", marks=pytest.mark.skipif(c_backend.compiler() is None, reason="no C compiler"))


def graph_of(text):
    return read_problem(Source("test", text), "test").graph


def made(graph, backend, monkeypatch):
    if backend == "numpy":
        monkeypatch.setattr(c_backend, "compiler", lambda: None)
    found = point(graph)
    assert found.backend == backend
    return found


@pytest.mark.parametrize("backend", [COMPILED, "numpy"])
@pytest.mark.parametrize("name", SCALAR)
def test_values_and_derivatives_are_the_tapes(name, backend, monkeypatch):
    graph = load(name).graph
    found = made(graph, backend, monkeypatch)
    reference = tape.compile_graph(graph)
    random = np.random.default_rng(7)
    for _ in range(10):
        numbers = random.uniform(-2, 2, len(found.leaves)).tolist()
        run = reference.forward(dict(zip(found.leaves, numbers, strict=True)))
        told = run.values | {f"d:{key}": one for key, one in run.gradients().items()}
        for key, number in zip(found.records, found.run(*numbers), strict=True):
            if math.isfinite(float(told[key])):
                assert number == pytest.approx(float(told[key]), rel=1e-9, abs=1e-11)
            elif not key.startswith("d:"):  # outside of a domain the value says so, and a derivative means nothing
                assert not math.isfinite(number)


@pytest.mark.parametrize("backend", [COMPILED, "numpy"])
def test_equal_nodes_have_adjoints_of_their_own(backend, monkeypatch):
    text = "title: t\ninputs: {a: 2, b: 3}\ngraph:\n  p: a*b\n  q: a*b\n  u: -1*p\n  y: u + 2*q\noutput: y\n"
    found = made(graph_of(text), backend, monkeypatch)
    told = dict(zip(found.records, found.run(2.0, 3.0), strict=True))
    assert [told[key] for key in ("p", "q", "u", "y")] == [6, 6, -6, 6]
    assert [told[f"d:{key}"] for key in ("a", "b", "p", "q", "u", "y")] == [3, 2, -1, 2, 1, 1]


@pytest.mark.parametrize("backend", [COMPILED, "numpy"])
def test_small_arguments_keep_their_digits(backend, monkeypatch):
    found = made(graph_of("title: t\ninputs: {x: 1}\ngraph:\n  y: tanh(x)\noutput: y\n"), backend, monkeypatch)
    assert found.run(1e-12)[0] == pytest.approx(1e-12, rel=1e-12)


@pytest.mark.skipif(c_backend.compiler() is None, reason="no C compiler")
def test_a_program_that_differs_is_not_used(monkeypatch):
    monkeypatch.setitem(points.scalar_source.__globals__["_EXACT"], "node", "a * 1.001")
    said = []
    found = point(load("sigmoid-neuron").graph, said.append)
    assert found.backend == "numpy"
    assert len(said) == 1


def test_arrays_are_refused():
    with pytest.raises(UnsupportedError, match="arrays"):
        point(load("mnist-mlp").graph)
