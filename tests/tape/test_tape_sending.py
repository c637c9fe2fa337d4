"""What arrives at a node and what it sends on: whole graphs, one node, Jacobians where they are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck_cli import tape
from gradcheck_cli.errors import ShapeError, UnsupportedError
from gradcheck_cli.tape import run as running
from tests.shaped import concrete

NUMBERS = np.random.default_rng(7)
VALUES = {"X": NUMBERS.uniform(-1, 1, (2, 3)), "W": NUMBERS.uniform(-1, 1, (3, 4)), "b": NUMBERS.uniform(-1, 1, 4)}
NODES = {"Z": "X @ W + b", "A": "tanh(Z)", "P": "softmax(A)*A", "L": "sum(P*A)"}


@pytest.fixture(scope="module")
def found():
    graph = concrete({name: value.shape for name, value in VALUES.items()}, NODES)
    return tape.compile_graph(graph).forward(VALUES)


def test_what_each_node_sends_adds_up_to_the_gradients(found):
    """Backpropagation by hand, node by node: the adjoint of a name is the sum of what its targets send."""
    adjoints = {name: np.zeros_like(value) for name, value in found.values.items()}
    adjoints["L"] = np.array(1.0)
    for target in reversed(NODES):
        for source, sent in found.send_local(target, adjoints[target]).items():
            adjoints[source] = adjoints[source] + sent
    for name, slope in found.gradients().items():
        assert adjoints[name] == pytest.approx(slope, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("source", "target"), [("X", "Z"), ("W", "Z"), ("b", "Z"), ("Z", "A"), ("A", "P"), ("P", "L")])
def test_a_jacobian_contracted_with_an_adjoint_is_what_is_sent(found, source, target):
    jacobian = found.local(target, source)
    value = found.values[target]
    assert jacobian.shape == value.shape + found.values[source].shape
    adjoint = NUMBERS.uniform(-1, 1, value.shape)
    sent = np.tensordot(adjoint, jacobian, value.ndim)
    assert found.send_local(target, adjoint)[source] == pytest.approx(sent, rel=1e-12, abs=1e-14)
    assert np.array_equal(found.locals()[source, target], jacobian)


def test_an_elementwise_node_has_a_diagonal_jacobian(found):
    jacobian = found.local("A", "Z").reshape(8, 8)
    assert jacobian == pytest.approx(np.diag(1 - found.values["A"].ravel() ** 2))


def test_send_is_linear_and_starts_where_it_is_told(found):
    one, two = (NUMBERS.uniform(-1, 1, (2, 4)) for _ in range(2))
    both = found.send("A", 2 * one + two)
    for name, slope in both.items():
        parts = 2 * found.send("A", one)[name] + found.send("A", two)[name]
        assert slope == pytest.approx(parts, rel=1e-12, abs=1e-14)
    assert np.array_equal(both["A"], 2 * one + two)
    assert not both["L"].any()
    assert not both["P"].any()


def test_a_seed_may_be_a_number_or_an_array(found):
    ones = found.gradients("P", np.ones((2, 4)))
    for name, slope in found.gradients("P").items():
        assert np.array_equal(slope, ones[name])
        assert slope == pytest.approx(found.send("P", np.ones((2, 4)).tolist())[name])


@pytest.mark.parametrize("adjoint", [1.0, np.ones(4), np.ones((4, 2)), np.ones((1, 2, 4))])
def test_an_adjoint_of_another_shape_is_refused(found, adjoint):
    for send in (found.send, found.send_local):
        with pytest.raises(ShapeError, match="what arrives at Z"):
            send("Z", adjoint)


def test_there_is_no_jacobian_without_an_edge(found):
    with pytest.raises(KeyError):
        found.local("L", "W")


def test_large_jacobians_only_on_demand_and_never_huge(found, monkeypatch):
    monkeypatch.setattr(running, "MAX_LOCAL", 70)
    assert set(found.locals()) == {("X", "Z"), ("b", "Z"), ("Z", "A"), ("A", "P"), ("P", "L"), ("A", "L")}
    assert found.local("Z", "W").shape == (2, 4, 3, 4)
    monkeypatch.setattr(running, "MAX_JACOBIAN", 90)
    with pytest.raises(UnsupportedError, match="too large to write out"):
        found.local("Z", "W")


@pytest.mark.parametrize("text", ["log(x)", "x @ log(x)", "softmax(log(x))*[1, 0]", "sqrt(x)", "prod([1, 1]/x)*x[0]"])
def test_where_no_adjoint_arrives_nothing_is_sent(text):
    """The second entry's slope is infinite or undefined, and stays out where the adjoint is an exact zero."""
    graph = concrete({"x": (2,)}, {"h": text, "k": "h"})
    run = tape.compile_graph(graph).forward({"x": [1.0, 0.0]})
    assert not run.send("k", np.zeros(run.values["k"].shape))["x"].any()


@pytest.mark.parametrize("text", ["log(x)", "sqrt(x)", "1/x", "eye(2) @ log(x)", "[log(x[0]), log(x[1])]"])
def test_an_entry_with_adjoint_zero_sends_zero(text):
    run = tape.compile_graph(concrete({"x": (2,)}, {"h": text})).forward({"x": [1.0, 0.0]})
    sent = run.send("h", [1.0, 0.0])["x"]
    assert np.isfinite(sent).all()
    assert sent[1] == 0
