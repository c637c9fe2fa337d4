"""Runs: the same bits again and after a stop, model files, warps, what stops a run."""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import DataError, DisagreementError, FileError, GradcheckError, UnsupportedError
from gradcheck_cli.train import check, session
from gradcheck_cli.train.backends import blas
from gradcheck_cli.train.backends.numpy_backend import NumpyBackend
from gradcheck_cli.train.checkpoint import load, save
from gradcheck_cli.train.data.augment import Warper, bank
from gradcheck_cli.train.engine import Engine
from gradcheck_cli.train.initial import initial
from gradcheck_cli.train.loop import Trainer
from gradcheck_cli.train.metrics import confusion, log_parts, log_softmax, score, worst
from gradcheck_cli.train.network import mlp, read_network
from gradcheck_cli.train.programs import adjoints
from gradcheck_cli.train.recipes import RECIPES, Recipe, recipe
from gradcheck_cli.train.session import Wishes, begin


def nothing(*_):
    pass


def trainer(**changes):
    changes = {"epochs": 3, "hidden": (16,), "batch_size": 32} | changes
    return begin(Wishes("digits", changes=changes, backend="numpy"), nothing)


def bits(made):
    arrays = {**made.engine.params, **made.engine.states}
    return {name: array.tobytes() for name, array in arrays.items()}


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
def test_the_same_seed_gives_the_same_bits(optimizer):
    runs = [trainer(optimizer=optimizer, lr=0.01, dropout=0.2) for _ in range(2)]
    for one in runs:
        assert one.run(nothing, nothing)
    assert bits(runs[0]) == bits(runs[1])
    assert runs[0].history[-1].train_loss == runs[1].history[-1].train_loss
    other = trainer(optimizer=optimizer, lr=0.01, dropout=0.2, seed=2)
    other.run(nothing, nothing)
    assert bits(other) != bits(runs[0])


@pytest.mark.parametrize("chunks", [1, 3, 4, 7])
@pytest.mark.parametrize("optimizer", ["nesterov", "adam"])
def test_a_run_that_was_stopped_goes_on_bit_for_bit(chunks, optimizer, tmp_path, monkeypatch):
    monkeypatch.setattr("gradcheck_cli.train.loop.CHUNK", 400)
    settings = {"optimizer": optimizer, "lr": 0.01, "dropout": 0.3, "weight_decay": 0.01}
    whole = trainer(**settings)
    whole.run(nothing, nothing)
    stopped = trainer(**settings)
    left = iter([False] * chunks)
    stopped.stop = lambda: next(left, True)
    assert not stopped.run(nothing, nothing)
    save(tmp_path / "state", stopped)
    again = begin(Wishes("digits", resume=tmp_path / "state"), nothing)
    assert again.run(nothing, nothing)
    assert bits(again) == bits(whole)
    figures = [[replace(one, seconds=0) for one in made.history] for made in (again, whole)]
    assert figures[0] == figures[1]


def test_a_model_file_has_everything(tmp_path):
    made = trainer()
    made.run(nothing, nothing)
    save(tmp_path / "model", made)
    found = load(tmp_path / "model")
    assert found.recipe == made.engine.recipe
    assert found.history == tuple(made.history)
    assert found.position.epoch == 3
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileError, match="cannot be written"):
        save(tmp_path / "no" / "model", trainer())
    with pytest.raises(FileError, match="cannot be read"):
        load(tmp_path / "model")


@pytest.fixture
def model(tmp_path):
    save(tmp_path / "model", trainer())
    return tmp_path / "model"


def rewritten(path, change):
    """The file with its members changed: change(members) on a dictionary of bytes."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)


def meta(change):
    def inside(members):
        found = json.loads(members["model.json"])
        change(found)
        members["model.json"] = json.dumps(found)

    return inside


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


HOSTILE = {
    "no meta": lambda members: members.pop("model.json"),
    "no array": lambda members: members.pop("param/W1.npy"),
    "cut array": lambda members: members.update({"param/W1.npy": members["param/W1.npy"][:-8]}),
    "no json": lambda members: members.update({"model.json": b"{"}),
    "a list": lambda members: members.update({"model.json": b"[]"}),
    "huge header": lambda members: members.update({"param/b1.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b" " * 120}),
    "objects": lambda members: members.update(
        {"param/b1.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (16,), }".ljust(192)}
    ),
    "format": meta(lambda found: found.update(format="other")),
    "dtype": meta(lambda found: found["recipe"].update(dtype="object")),
    "settings": meta(lambda found: found["recipe"].update(surprise=1)),
    "text for a number": meta(lambda found: found["recipe"].update(lr="fast")),
    "sizes": meta(lambda found: found["recipe"].update(hidden=[4_000_000, 4_000_000])),
    "features": meta(lambda found: found.update(features=10**9)),
    "network": meta(lambda found: found.update(network="title: no\ninputs: {x: 1}\ngraph: {y: x}")),
    "states": meta(lambda found: found.update(states=["v"])),
    "position": meta(lambda found: found.update(position={"epoch": 1, "else": 2})),
    "no epochs": meta(lambda found: found["recipe"].update(epochs=-1)),
    "endless": meta(lambda found: found["recipe"].update(epochs=10**400)),
    "no batch": meta(lambda found: found["recipe"].update(batch_size=0)),
    "no rate": meta(lambda found: found["recipe"].update(lr=float("nan"))),
    "no optimizer": meta(lambda found: found["recipe"].update(optimizer="x")),
    "no schedule": meta(lambda found: found["recipe"].update(schedule="x")),
    "warps": meta(lambda found: found["recipe"].update(augment=1e308)),
    "views": meta(lambda found: found["recipe"].update(views=10**9)),
    "seed": meta(lambda found: found["recipe"].update(seed=-1)),
    "momentum": meta(lambda found: found["recipe"].update(momentum=float("inf"))),
    "a truth for a number": meta(lambda found: found["recipe"].update(epochs=True)),
    "hidden letters": meta(lambda found: found["recipe"].update(hidden=["a"])),
    "top": meta(lambda found: found.update(top=0)),
    "no size": meta(lambda found: found.update(size=[-8, -8])),
    "another size": meta(lambda found: found.update(size=[8, 9])),
    "classes": meta(lambda found: found.update(classes=3)),
    "data set": meta(lambda found: found.update(dataset="../etc")),
    "back end": meta(lambda found: found.update(backend="../x")),
    "rows": meta(lambda found: found.update(rows=-1)),
    "states left out": meta(lambda found: found.update(states=[])),
    "before the first epoch": meta(lambda found: found["position"].update(epoch=-5)),
    "beyond the last epoch": meta(lambda found: found["position"].update(epoch=10**9)),
    "epoch in words": meta(lambda found: found["position"].update(epoch="x")),
    "loss in words": meta(lambda found: found["position"].update(loss="x")),
    "history": meta(lambda found: found.update(history=["abc"])),
    "not finite": lambda members: members.update({"param/b1.npy": npy(np.full(16, np.nan, np.float32))}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_models_are_refused_in_a_line(name, model):
    rewritten(model, HOSTILE[name])
    with pytest.raises(DataError) as caught:
        load(model)
    assert str(caught.value).count("\n") == 0
    assert str(model) in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="no such files there")
def test_what_has_no_end_or_no_beginning_is_no_model(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", "/dev/null", tmp_path / "pipe"):
        with pytest.raises(DataError, match="this is no model of gradcheck"):
            load(Path(path))


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_nothing_is_unpacked(model, how):
    with zipfile.ZipFile(model) as file:
        members = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(model, "w", how) as file:
        for name, content in (members | {"model.json": b" " * 3_900_000}).items():
            file.writestr(name, content)
    with pytest.raises(DataError, match="no model of gradcheck"):
        load(model)


def test_truncated_models_are_refused(model):
    content = model.read_bytes()
    for size in (0, 10, len(content) // 2, len(content) - 1):
        model.write_bytes(content[:size])
        with pytest.raises(DataError, match="no model of gradcheck, or a damaged one"):
            load(model)


def test_settings_that_make_no_sense():
    for changes, name in (({"epochs": 0}, "epochs"), ({"lr": -1.0}, "lr"), ({"dropout": 1.0}, "dropout")):
        with pytest.raises(GradcheckError, match=f"--{name} is"):
            recipe("default", "mnist", changes)
    with pytest.raises(GradcheckError, match="--hidden is"):
        recipe("default", "mnist", {"hidden": (0,)})


@given(st.integers(1, 400), st.sampled_from(["constant", "linear", "cosine"]), st.floats(0, 0.5))
def test_rates_stay_within_bounds(steps, schedule, warmup):
    settings = Recipe(schedule=schedule, warmup=warmup)
    rates = [settings.rate(step, steps) for step in range(steps)]
    assert all(0 <= rate <= settings.lr for rate in rates)
    if schedule != "constant":
        after = rates[round(warmup * steps) :]
        assert after == sorted(after, reverse=True)


def test_a_rate_that_is_too_large_stops_with_step_and_cause():
    made = trainer(lr=1e30, optimizer="sgd")
    with pytest.raises(GradcheckError, match=r"step \d+ of epoch 0: the loss is not a finite number; ") as caught:
        made.run(nothing, nothing)
    assert "--lr" in str(caught.value)


def test_a_wrong_gradient_is_not_trained(monkeypatch):
    monkeypatch.setattr(check, "_slope", lambda *_: 1.0)
    with pytest.raises(DisagreementError, match="differences along random directions differ"):
        trainer()


def test_a_back_end_that_differs_is_left_out(monkeypatch):
    monkeypatch.setitem(adjoints._RULES, "relu", lambda builder, g, _at, _place: builder.mul(builder.const(2), g))
    said = []
    with pytest.raises(GradcheckError, match="no back end agrees"):
        begin(Wishes("digits", changes={"hidden": (16,)}, backend="numpy"), said.append)
    assert any("it is not used" in line for line in said)
    assert begin(Wishes("digits", changes={"hidden": (16,)}), said.append).engine.backend.name == "tape"


@pytest.mark.parametrize("text", [mlp((3,), "relu", dropout=True), mlp((), "relu")])
def test_the_text_of_a_network_is_a_problem_file(text):
    found = read_network(text, "test", 6, 4, (3,))
    assert found.batch == "m"
    assert found.parameters()["W1"] in {(6, 3), (6, 4)}


BROKEN = {
    "inputs: {X: {shape: [m, dx]}, Y: {shape: [m, do], kind: onehot}}\ngraph: {loss: sum(X) + sum(Y)}": "no parameter",
    "inputs: {X: {shape: [m, dx]}, W: {shape: [dx], param: true}}\ngraph: {loss: sum(X @ W)}": "one for images",
    "inputs: {X: {shape: [m, dx]}, Y: {shape: [m, do], kind: onehot}, W: {shape: [dx, do], param: true}}\n"
    "graph: {loss: X @ W - Y}": "is an array",
    "inputs: {X: {shape: [m, 7]}, Y: {shape: [m, do], kind: onehot}, W: {shape: [7, do], param: true}}\n"
    "graph: {loss: sum(X @ W - Y)}": "X gets data",
    "inputs: {X: {shape: [m, dx]}, Y: {shape: [m, do], kind: onehot}, W: {shape: [dx, k], param: true}}\n"
    "graph: {loss: sum(X @ W) + sum(Y)}": "open",
}


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_network_is_said(text):
    with pytest.raises(UnsupportedError, match=BROKEN[text]):
        read_network("title: t\n" + text, "test", 6, 4)


LINEAR = """\
title: Scores
constants: {lam: 0.01}
inputs:
  X: {shape: [m, dx]}
  Y: {shape: [m, do], kind: onehot}
  W: {shape: [dx, do], param: true}
graph:
  S: X @ W
  own: "sum(S*Y, axis=1, keepdims=1)"
  M: max(0, S - own + 1)
  loss: sum(M*(1 - Y))/m + lam*sum(W^2)
"""


@pytest.mark.parametrize("backend", ["numpy", "c", "tape"])
def test_scores_below_zero_predict_and_the_labels_do_not(tmp_path, backend):
    path = tmp_path / "scores.yaml"
    path.write_text(LINEAR)
    changes = {"epochs": 2, "lr": 0.02, "batch_size": 31}
    made = begin(Wishes("digits", changes=changes, network=str(path), backend=backend), nothing)
    assert made.engine.backend.name in (backend, "numpy")
    made.run(nothing, nothing)
    images, labels = made.dataset.test_images / 16, made.dataset.test_labels
    scores = images @ made.engine.params["W"].astype(float)
    assert (scores < 0).any()
    assert made.history[-1].test_accuracy == pytest.approx(np.mean(scores.argmax(1) == labels))
    assert made.history[-1].test_accuracy > 0.6
    margins = np.maximum(0, scores - scores[np.arange(len(labels)), labels][:, None] + 1)
    margins[np.arange(len(labels)), labels] = 0
    penalty = 0.01 * np.sum(made.engine.params["W"].astype(float) ** 2)
    assert made.history[-1].test_loss == pytest.approx(margins.sum() / len(labels) + penalty, rel=1e-5)


def test_a_loss_of_its_own_weighs_rows_not_steps(tmp_path):
    path = tmp_path / "scores.yaml"
    path.write_text(LINEAR)
    made = begin(Wishes("digits", changes={"epochs": 1}, network=str(path), backend="numpy"), nothing)
    data = made.dataset
    found = made.engine.forward(data.images, data.labels, 1 / 16)  # steps of 500, 500 and 437 rows
    scores = data.images / 16 @ made.engine.params["W"].astype(float)
    at = np.arange(len(scores))
    margins = np.maximum(0, scores - scores[at, data.labels][:, None] + 1)
    margins[at, data.labels] = 0
    penalty = 0.01 * np.sum(made.engine.params["W"].astype(float) ** 2)
    assert score(found.log_p, data.labels, found.losses).loss == pytest.approx(
        margins.sum() / len(at) + penalty, rel=1e-5
    )


def test_a_probability_of_nothing_is_a_number():
    found = log_parts(np.array([[0.0, 1.0], [-2.0, 3.0], [0.5, 1.5], [np.nan, 1.0]]))
    np.testing.assert_allclose(np.exp(found[:3]).sum(axis=1), 1)
    assert found[0].tolist() == [-np.inf, 0]
    assert found.argmax(axis=1)[:3].tolist() == [1, 1, 1]
    assert np.isnan(found[3]).any()


CONVOLUTION = """\
title: Convolution
inputs:
  x: {shape: [1, 8, 8]}
  y: {shape: [10], kind: onehot}
  k: {shape: [2, 1, 3, 3], param: true}
  W: {shape: [10, 18], param: true}
graph:
  c: relu(conv2d(x, k))
  f: flatten(maxpool2d(c, 2))
  P: softmax(W @ f)
  loss: cross_entropy(P, y)
"""


def test_an_image_may_have_rows_columns_and_channels(tmp_path):
    path = tmp_path / "conv.yaml"
    path.write_text(CONVOLUTION)
    said = []
    changes = {"epochs": 2, "lr": 0.02, "batch_size": 1}
    made = begin(Wishes("digits", changes=changes, network=str(path)), said.append)
    assert made.engine.backend.name == "tape"
    made.dataset = replace(made.dataset, images=made.dataset.images[:200], labels=made.dataset.labels[:200])
    made._order = None
    made.run(nothing, nothing)
    assert made.history[-1].train_loss < made.history[0].train_loss


def test_large_sizes_in_numbers_are_not_probed():
    text = mlp((600,), "relu").replace("dx", "800").replace("h1", "600").replace("do", "10")
    made = begin(Wishes("digits", changes={"epochs": 1}), nothing)
    network = read_network(text, "test", 800, 10)
    assert check._probed(network) is None
    assert check._probed(made.engine.network) < 1e-9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activation": "tanh"}, "--activation does nothing"),
        ({"dropout": 0.5}, "--dropout does nothing"),
        ({"hidden": (4,)}, "leaves 0 sizes open"),
    ],
)
def test_what_would_do_nothing_to_a_file_is_refused(tmp_path, changes, message):
    path = tmp_path / "scores.yaml"
    path.write_text(LINEAR)
    with pytest.raises(GradcheckError, match=message):
        begin(Wishes("digits", changes=changes, network=str(path)), nothing)


@pytest.mark.parametrize("hidden", [(), (9,), (9, 7)])
def test_the_homework_with_other_layers_has_those_layers(hidden):
    made = begin(Wishes("digits", "homework", {"hidden": hidden, "epochs": 1}, backend="numpy"), nothing)
    sizes = [64, *hidden, 10]
    assert sorted(array.shape for array in made.engine.params.values() if array.ndim == 2) == sorted(
        itertools.pairwise(sizes)
    )
    assert made.engine.network.hidden == hidden


def test_a_loss_of_its_own_is_reported(tmp_path):
    path = tmp_path / "squared.yaml"
    path.write_text(
        "title: Squared\ninputs: {X: {shape: [m, dx]}, Y: {shape: [m, do], kind: onehot}, "
        "W: {shape: [dx, do], param: true}}\ngraph: {P: sigmoid(X @ W), loss: sum((P - Y)^2)/m}"
    )
    made = begin(Wishes("digits", changes={"epochs": 2}, network=str(path), backend="numpy"), nothing)
    made.run(nothing, nothing)
    images, labels = made.dataset.test_images / 16, made.dataset.test_labels
    p = 1 / (1 + np.exp(-images @ made.engine.params["W"].astype(float)))
    assert made.history[-1].test_loss == pytest.approx(np.sum((p - np.eye(10)[labels]) ** 2) / len(labels), rel=1e-5)
    assert made.history[-1].test_accuracy == pytest.approx(np.mean(p.argmax(1) == labels))


SCALED = """\
title: Scaled
inputs:
  X: {shape: [m, 64]}
  Y: {shape: [m, do], kind: onehot}
  s: {value: [1, 2, 0.5, 1, 1, 1, 1, -1], param: true}
  c: {value: 0.25, param: true}
  V: {shape: [8], param: true}
  W: {shape: [8, do], param: true}
graph:
  R: reshape(X, m, 8, 8)
  A: relu(sum(R*s, axis=2) * c) + relu(sum(R*V, axis=2))
  P: softmax(A @ W)
  loss: cross_entropy(P, Y)
"""


@pytest.mark.parametrize("backend", ["numpy", "tape"])
def test_parameters_begin_where_the_file_says_and_others_on_a_bend(tmp_path, backend):
    path = tmp_path / "scaled.yaml"
    path.write_text(SCALED)
    said = []
    made = begin(Wishes("digits", changes={"epochs": 2}, network=str(path), backend=backend), said.append)
    assert made.engine.params["s"].tolist() == [1, 2, 0.5, 1, 1, 1, 1, -1]
    assert float(made.engine.params["c"]) == 0.25
    assert not made.engine.params["V"].any()  # relu(0) has two slopes
    assert said[0].startswith("gradient: within ")
    made.run(nothing, nothing)
    assert made.history[-1].train_loss < made.history[0].train_loss


def test_a_warp_of_no_strength_changes_nothing():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, 64), np.uint8)
    out = np.empty((40, 64), np.float32)
    Warper((8, 8), "float32").warp(images, bank((8, 8), 0.0, random, "float32"), random, 1 / 255, out)
    np.testing.assert_allclose(out, images / np.float32(255), atol=1e-5)


def test_warps_keep_pixels_in_bounds_and_move_them():
    random = np.random.default_rng(0)
    images = np.full((40, 784), 255, np.uint8)
    out = np.empty((40, 784), np.float32)
    Warper((28, 28), "float32").warp(images, bank((28, 28), 1.0, random, "float32"), random, 1 / 255, out)
    assert out.min() >= 0
    assert out.max() <= 1 + 1e-5
    assert out.std() > 0


def test_no_loss_is_nothing_below_zero():
    found = score(np.array([[0.0, -np.inf]]), np.array([0]))
    assert str(found.loss) == "0.0"


def test_scores():
    log_p = log_softmax([[1e4, -1e4, 0], [0, 1, 0]])
    found = score(log_p, np.array([1, 1]))
    assert found.loss == pytest.approx((2e4 + np.log(np.e + 2) - 1) / 2)
    assert found.accuracy == 0.5
    assert confusion(found.taken, np.array([1, 1]), 3).tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert worst(found, np.array([1, 1]), 5) == [0]


def test_a_compiled_program_is_for_long_runs():
    names = {}
    for dataset, changes in (("short", {"epochs": 1}), ("long", {"epochs": 5000})):
        made = trainer(**changes)
        names[dataset] = session.seconds_with_numpy(made.engine, made.rows) > session._PAYS
    assert names == {"short": False, "long": True}


def test_the_digits_are_learnt():
    made = begin(Wishes("digits"), nothing)
    made.run(nothing, nothing)
    assert made.history[-1].test_accuracy > 0.92


@pytest.mark.parametrize("backend", ["auto", "numpy"])
def test_the_homework_on_real_data(backend, data_dir, monkeypatch):
    monkeypatch.setenv("GRADCHECK_DATA", str(data_dir))
    made = begin(Wishes("mnist", "homework", {"epochs": 2}, backend=backend), nothing)
    made.run(nothing, nothing)
    assert made.history[-1].train_loss == pytest.approx(0.2564, abs=2e-3)
    assert made.history[-1].test_accuracy == pytest.approx(0.9215, abs=3e-3)


def test_recipes_fit_their_limits():
    for name in RECIPES:
        recipe(name, "mnist", {})


def test_single_rows_left_over():
    settings = Recipe(hidden=(4,), batch_size=50, epochs=1, augment=0.0)
    made = trainer(hidden=(4,), batch_size=479, epochs=1, augment=0.0)  # 1437 = 3*479
    assert made.steps() == 3
    network = read_network(mlp((4,), "relu"), "test", 64, 10, (4,))
    engine = Engine(network, settings, NumpyBackend(), initial(network.parameters(), "he", 1, "float32"))
    other = Trainer(engine, made.dataset)
    other.run(nothing, nothing)
    assert other.steps() == 29
    assert np.isfinite(other.history[0].train_loss)


@pytest.mark.skipif(blas.find() is None, reason="NumPy has another library here")
@pytest.mark.parametrize(
    ("threads", "two", "said"),
    [
        (0, 0.7, "2 threads"),
        (0, 0.9, "1 thread"),
        (2, 1.2, "2 threads"),
        (2, 11.0, "2 threads; one thread is 11.0 times as fast at the moment"),
        (64, 1.0, "2 threads"),
        (1, 11.0, "1 thread"),
    ],
)
def test_threads_that_wait_for_each_other_are_not_taken_and_said_where_asked_for(monkeypatch, threads, two, said):
    lines = []
    monkeypatch.setattr(session, "_processors", lambda: 2)
    monkeypatch.setattr(session, "_trial", lambda *_: (1.0, two))
    wishes = Wishes("digits", changes={"hidden": (8,), "batch_size": 64}, backend="numpy", threads=threads)
    begin(wishes, lines.append)
    blas.find().set_threads(1)
    (line,) = [line for line in lines if line.startswith("back end: ")]
    assert re.sub(r", OpenBLAS for \w+", "", line) == f"back end: numpy, {said}"


@pytest.mark.skipif(blas.find() is None, reason="NumPy has another library here")
def test_a_trial_of_threads_leaves_the_parameters_as_they_are():
    made, again = trainer(batch_size=64), trainer(batch_size=64)
    feeds, _ = made.prepared(slice(0, 64))
    means = session._trial(made, blas.find(), feeds, 2)
    blas.find().set_threads(1)
    assert min(means) > 0
    assert bits(made) == bits(again)
