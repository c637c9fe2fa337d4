"""Programs do what the tape says: every back end, optimizer and kind of network."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli import tape
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.train import check
from gradcheck_cli.train.backends import blas, c_backend
from gradcheck_cli.train.backends.c_backend import CBackend, compiler
from gradcheck_cli.train.backends.c_source import source
from gradcheck_cli.train.backends.numpy_backend import NumpyBackend
from gradcheck_cli.train.backends.tape_backend import TapeBackend
from gradcheck_cli.train.network import mlp
from gradcheck_cli.train.programs import adjoints
from gradcheck_cli.train.programs.compiling import LOGITS, compile_program
from gradcheck_cli.train.programs.trace import shape_of
from gradcheck_cli.train.programs.updates import UPDATES, step_scalars
from tests.train.networks import COLUMNS, ONE_ROW, TEXTS, TWO_LAYERS, engine, feeds

BACKENDS = {"numpy": NumpyBackend, "tape": TapeBackend}
if compiler() is not None:
    BACKENDS["c"] = CBackend


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", TEXTS)
def test_two_steps_are_those_of_the_tape(name, backend):
    text, hidden = TEXTS[name]
    made = engine(text, hidden, optimizer="sgd", dtype="float64", lr=0.3)
    assert check.program(made, BACKENDS[backend](), feeds(made.network, 8, "float64"), 8) == ""


KINDS = [(optimizer, dtype) for optimizer in UPDATES for dtype in ("float32", "float64")]
CASES = [(*kind, rows, backend) for kind in KINDS for rows in (1, 2, 3, 5, 33) for backend in BACKENDS]


@pytest.mark.parametrize(
    ("optimizer", "dtype", "rows", "backend"),
    [case for at, case in enumerate(CASES) if case[3] != "c" or at % 4 == 2],  # a compilation takes its time
)
def test_optimizers_and_batches(optimizer, dtype, rows, backend):
    made = engine(TWO_LAYERS, (24, 12), optimizer=optimizer, dtype=dtype, weight_decay=0.1)
    assert check.program(made, BACKENDS[backend](), feeds(made.network, rows, dtype), rows) == ""


@pytest.mark.parametrize("optimizer", UPDATES)
def test_checks_leave_the_parameters_as_they_are(optimizer):
    made = engine(TWO_LAYERS, (24, 12), optimizer=optimizer, dtype="float64", weight_decay=0.1)
    before = {name: array.tobytes() for name, array in made.params.items()}
    batch = feeds(made.network, 8, "float64")
    assert check.gradient(made, batch, 8).error < 1e-6
    assert check.program(made, NumpyBackend(), batch, 8) == ""
    assert {name: array.tobytes() for name, array in made.params.items()} == before
    assert not any(array.any() for array in made.states.values())


def test_a_bent_rule_is_noticed(monkeypatch):
    true = adjoints._RULES["relu"]

    def bent(builder, g, at, place):
        return builder.mul(builder.const(1.02), true(builder, g, at, place))

    monkeypatch.setitem(adjoints._RULES, "relu", bent)
    for optimizer in UPDATES:
        made = engine(TWO_LAYERS, (24, 12), optimizer=optimizer, dtype="float64")
        wrong = check.program(made, NumpyBackend(), feeds(made.network, 8, "float64"), 8)
        assert "has moved by" in wrong or optimizer == "adam"  # Adam's first steps hardly depend on a gradient's size


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("text", "hidden"), [(ONE_ROW, ()), (COLUMNS, (21,)), (COLUMNS, (16,)), (COLUMNS, (1,))])
def test_one_example_a_step(text, hidden, backend):
    made = engine(text, hidden, optimizer="sgd", batch_size=1, dtype="float64")
    assert check.program(made, BACKENDS[backend](), feeds(made.network, 1, "float64"), 1) == ""


def test_without_the_library_of_products(monkeypatch):
    monkeypatch.setattr(blas, "find", lambda: None)
    for rows in (1, 2, 8):
        made = engine(TWO_LAYERS, (24, 12), optimizer="momentum")
        assert check.program(made, NumpyBackend(), feeds(made.network, rows), rows) == ""


RECTANGLES = """\
title: Images as rectangles
inputs:
  X: {shape: [m, 6, 12]}
  Y: {shape: [m, do], kind: onehot}
  W: {shape: [72, 64], param: true}
  V: {shape: [64, do], param: true}
graph:
  P: softmax(tanh(reshape(X, m, 72) @ W) @ V)
  loss: cross_entropy(P, Y)
"""


def with_margins(made, count):
    """Steps of one row each: rows with nothing at their ends, one of nothing at all, and one with no margin."""
    data = np.random.default_rng(1).random((count, 72))
    for at, row in enumerate(data):
        row[: 3 * at] = 0
        row[len(row) - 5 * at :] = 0
    data[1], data[2] = 0, 0.5
    return feeds(made.network, count, "float64") | {made.network.data.name: data}


@pytest.mark.parametrize("optimizer", UPDATES)
@pytest.mark.parametrize("rows", [1, 2, 3, 4])
@pytest.mark.parametrize(("text", "hidden"), [(mlp((64,), "sigmoid"), (64,)), (RECTANGLES, ())])
def test_margins_that_are_left_out_change_nothing(text, hidden, rows, optimizer):
    found = {}
    for backend in (NumpyBackend, TapeBackend):
        made = engine(text, hidden, features=72, optimizer=optimizer, dtype="float64", backend=backend(), initial="he")
        scalars = step_scalars(optimizer, np.full(12 // rows, 0.05), 0, 0.0)
        made.run(with_margins(made, 12), rows, scalars, train=True)
        found[backend] = made.params
    for name, array in found[TapeBackend].items():
        np.testing.assert_allclose(found[NumpyBackend][name], array, rtol=1e-10, atol=1e-13)


def test_margins_are_left_out_where_that_saves_something():
    def spans(features, hidden, rows):
        made = engine(mlp((hidden,), "relu"), (hidden,), features=features, backend=NumpyBackend(), optimizer="sgd")
        return made.program(rows, train=True)[1].moving.spans

    assert spans(72, 64, 2)
    assert not spans(72, 64, 5)
    assert not spans(72, 8, 2)
    assert not spans(71, 64, 2)


@pytest.mark.parametrize("name", TEXTS)
def test_gradients_are_those_of_the_tape(name):
    text, hidden = TEXTS[name]
    made = engine(text, hidden, dtype="float64")
    graph = made.network.at(6)
    program = compile_program(graph, None, {param: f"d:{param}" for param in made.params})
    bound = NumpyBackend().bind(program, "float64", made.params, {})
    given_feeds = {key: rows.reshape(1, *rows.shape) for key, rows in feeds(made.network, 6, "float64").items()}
    records = {key: np.zeros((1, *shape)) for key, shape in program.records.items()}
    bound.run(given_feeds, 1, {}, records)
    values = {key: rows[0] for key, rows in given_feeds.items()} | made.params
    told = tape.compile_graph(graph).forward(values).gradients()
    for param, found in records.items():
        np.testing.assert_allclose(found[0], told[param], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [0.0, 5.0, 79.0, 81.0, 1e4])
@pytest.mark.parametrize("rows", [1, 3])
def test_probabilities_of_few_rows(rows, size, dtype):
    """One logit is so large, in the first row: the others' probabilities are right whether their maximum is looked for."""
    made = engine(TEXTS["linear"][0], dtype=dtype)
    graph = made.network.at(rows)
    program = compile_program(graph, None, {"p": "P"})
    bound = NumpyBackend().bind(program, dtype, made.params, {})
    given_feeds = feeds(made.network, rows, dtype)
    made.params["b1"][...] = 0
    made.params["W1"][0] = [size, 0, -size, 0.25, 1]
    given_feeds["X"][:, 0] = 0
    given_feeds["X"][0] = np.eye(20)[0]
    found = {"p": np.zeros((1, rows, 5), dtype)}
    bound.run({key: one[None] for key, one in given_feeds.items()}, 1, {}, found)
    z = given_feeds["X"].astype(float) @ made.params["W1"]
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    rtol = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(found["p"][0], powers / powers.sum(axis=1, keepdims=True), rtol=rtol, atol=1e-37)


@pytest.mark.parametrize("backend", sorted({*BACKENDS} - {"tape"}))
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_huge_logits_are_no_overflow(backend, size):
    made = engine(TEXTS["linear"][0], backend=BACKENDS[backend](), optimizer="sgd")
    made.usual = 4
    made.params["W1"][...] *= size
    given_feeds = feeds(made.network, 4)
    records = made.run(given_feeds, 4, {"lr": np.array([1e-3])}, train=True)
    assert records.finite.all()
    assert np.isfinite(made.params["W1"]).all()
    assert -records.log_p.min() > 1000


@pytest.mark.parametrize("backend", sorted({*BACKENDS} - {"tape"}))
def test_overflow_is_seen(backend):
    made = engine(TWO_LAYERS, (24, 12), backend=BACKENDS[backend](), optimizer="sgd")
    made.usual = 4
    made.params["W2"][...] = np.inf
    records = made.run(feeds(made.network, 4), 4, {"lr": np.array([1e-3])}, train=True)
    assert not records.finite.all()


def test_the_backward_pass_of_the_softmax_is_one_difference():
    program = compile_program(engine(TWO_LAYERS, (24, 12)).network.at(8), UPDATES["sgd"](), {"logits": LOGITS})
    names = [one.op for one in program.instructions]
    assert names.count("log_softmax") == 0
    assert names.count("softmax") == names.count("sub") == 1
    stored = [one for one in program.instructions if one.out.kind == "buffer" and one.out.shape in {(20, 24), (24, 12)}]
    assert not stored, "gradients of matrices go straight into the parameters"


def test_a_compiled_program_has_the_kernels_that_it_calls():
    def text(rows):
        program = compile_program(engine(TWO_LAYERS, (24, 16)).network.at(rows), UPDATES["sgd"](), {"logits": LOGITS})
        return source(program, "float32")[0]

    assert re.findall(r"void (tile_\d|few_\d|outer_\d)x?1?\(", text(8)) == ["tile_8", "tile_4"]  # 20 features: 16 + 4
    assert set(re.findall(r"void (tile|few_\d|outer_\d)", text(1))) == {"few_1", "outer_1"}


@pytest.mark.skipif(compiler() is None, reason="no C compiler")
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 0", "made nothing"),
        ("echo boom >&2; exit 1", "says: boom"),
        ("exec 0<&-; kill -9 $$", "made nothing"),
        ('while [ "$1" != -o ]; do shift; done; echo rubbish > "$2"', "cannot be loaded"),
    ],
)
def test_a_compiler_that_fails_is_left_out(tmp_path, monkeypatch, script, said):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fake = tmp_path / "cc"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(c_backend, "compiler", lambda: (str(fake), script))
    monkeypatch.setattr(c_backend, "_RUNNING", {})
    for _ in range(2):  # and again: nothing of it stays
        made = engine(TWO_LAYERS, (24, 12))
        assert said in check.program(made, CBackend(), feeds(made.network, 8, "float32"), 8)
        assert list(c_backend.folder().iterdir()) == []


@pytest.mark.skipif(compiler() is None, reason="no C compiler")
def test_a_compilation_that_nobody_waits_for_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(c_backend, "_RUNNING", {})
    old = c_backend.folder() / "old.part"
    old.write_bytes(b"")
    os.utime(old, (1, 1))
    made = engine(TWO_LAYERS, (24, 12), backend=CBackend())
    made.warm(8, tested=0)
    assert len(list(c_backend.folder().iterdir())) == 1
    c_backend.stop_all()
    assert list(c_backend.folder().iterdir()) == []


@pytest.mark.skipif(compiler() is None, reason="no C compiler")
@pytest.mark.parametrize("damage", [lambda text: text[:3000], lambda text: bytes(len(text)), lambda _text: b""])
def test_a_damaged_program_in_the_cache_is_compiled_again(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(c_backend, "_RUNNING", {})
    made = engine(TWO_LAYERS, (24, 12))
    assert check.program(made, CBackend(), feeds(made.network, 8), 8) == ""
    (path,) = c_backend.folder().iterdir()
    content = path.read_bytes()
    path.unlink()  # the old one may be loaded still
    path.write_bytes(damage(content))
    c_backend._RUNNING.clear()
    again = engine(TWO_LAYERS, (24, 12))
    assert check.program(again, CBackend(), feeds(again.network, 8), 8) == ""
    (path,) = c_backend.folder().iterdir()
    assert path.stat().st_size > 3000


def test_buffers_are_used_again():
    network = engine(TEXTS["norm"][0], (10,)).network
    program = compile_program(network.at(8), UPDATES["sgd"](), {"logits": LOGITS})
    values = sum(one.out.kind == "buffer" for one in program.instructions)
    assert len(program.buffers) < values / 2


@pytest.mark.parametrize(("text", "found"), [("relu", True), ("squared", False), ("norm", False)])
def test_the_logits_are_found_where_the_loss_is_the_mean_cross_entropy(text, found):
    graph = engine(*TEXTS[text]).network.at(8)
    assert ("logits" in compile_program(graph, None, {"logits": LOGITS}).records) is found


def test_what_no_program_can_do_is_said():
    text = """\
title: Determinant
inputs:
  X: {shape: [m, 20]}
  Y: {shape: [m, 5], kind: onehot}
  W: {shape: [20, 5], param: true}
  D: {shape: [3, 3], param: true}
graph:
  P: softmax(X @ W)
  loss: cross_entropy(P, Y) + det(D)
"""
    made = engine(text)
    with pytest.raises(UnsupportedError, match="det has no place in a training program"):
        compile_program(made.network.at(2), None, {"logits": LOGITS})
    assert check.program(made, TapeBackend(), feeds(made.network, 2), 2) == ""


@given(st.lists(st.integers(1, 40), max_size=3), st.integers(1, 9), st.sampled_from(["relu", "tanh", "sigmoid"]))
def test_any_sizes(hidden, rows, activation):
    made = engine(mlp(tuple(hidden), activation), tuple(hidden), optimizer="nesterov", dtype="float64")
    assert check.program(made, NumpyBackend(), feeds(made.network, rows, "float64"), rows) == ""
    assert shape_of(made.network.at(rows), "P") == (rows, 5)
