"""The commands train and predict."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

QUICK = ["--epochs", "2", "--hidden", "16"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def test_lines_tables_and_digits(run):
    done = run("train", "digits", *QUICK)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].startswith("gradient: ")
    assert lines[1].startswith("back end: numpy, 1 thread")
    assert lines[2] == "digits: 1,437 images to train, 360 to test"
    assert lines[3].startswith("1,210 parameters, 2 epochs, batches of ")
    assert re.fullmatch(
        r"Epoch 0: train loss = \d\.\d{4}, accy = 0\.\d{4}, \[\d\.\d{3} secs\]  test loss = \d\.\d{4}, accy = 0\.\d{4}",
        lines[4],
    )
    assert "Taken for" in done.out
    assert "Farthest from right" in done.out
    assert lines[-1].startswith("test accuracy 0.")
    assert done.err == ""


def test_every_line_fits_the_width(run):
    done = run("train", "digits", *QUICK, "--width", "60")
    assert max(map(len, done.out.splitlines()[:8])) <= 60
    assert re.search(r"secs\]\n         test loss = ", done.out)


def test_json_lines(run):
    done = run("train", "digits", *QUICK, "--json")
    documents = [json.loads(line) for line in done.out.splitlines()]
    assert [set(one) for one in documents[:2]] == [
        {"epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds"}
    ] * 2
    assert documents[2]["done"] is True
    assert {"dataset", "network", "seed", "parameters"} <= set(documents[2])
    assert len(documents) == 3


def test_quiet(run):
    assert len(run("train", "digits", *QUICK, "--quiet").out.splitlines()) == 1


def test_no_check_says_nothing_of_gradients(run):
    assert "gradient" not in run("train", "digits", *QUICK, "--no-check").out


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_logs(run, tmp_path, suffix):
    path = tmp_path / f"log.{suffix}"
    run("train", "digits", *QUICK, "--log", path, "--quiet")
    with path.open() as file:
        rows = list(csv.DictReader(file)) if suffix == "csv" else [json.loads(line) for line in file]
    assert [int(row["epoch"]) for row in rows] == [0, 1]
    assert run("train", "digits", *QUICK, "--log", tmp_path / "log.txt").code == 2


def test_save_and_resume(run, tmp_path):
    model = tmp_path / "digits.model"
    assert "saved in" in run("train", "digits", *QUICK, "--save", model).out
    assert run("train", "digits", "--resume", model, "--quiet").code == 0
    refused = run("train", "digits", "--resume", model, "--lr", "0.3")
    assert refused.code == 2
    assert "--lr cannot change a training that goes on" in refused.err
    assert "was trained on digits" in run("train", "mnist", "--resume", model).err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnist", "--data", "nowhere"], "nowhere: there is no such folder"),
        (["digits", "--epochs", "0"], "--epochs is 0"),
        (["digits", "--hidden", "a,b"], "no list of sizes"),
        (["digits", "--network", "nowhere.yaml"], "nowhere.yaml"),
        (["digits", "--network", "sigmoid-neuron"], "one for images and one for labels"),
        (["digits", "--resume", "nowhere.model"], "nowhere.model: cannot be read"),
        (["digits", "--activation", "softmax"], "--activation is softmax"),
        (["digits", "--save", "no/such/folder.model"], "cannot be written"),
        (["letters"], "letters"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(run, arguments, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = run("train", *arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_network_of_ones_own(run, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "title: Mine\ninputs: {X: {shape: [m, dx]}, Y: {shape: [m, do], kind: onehot}, "
        "W: {shape: [dx, do], param: true}}\ngraph: {P: softmax(X @ W), loss: 'cross_entropy(P, Y)'}"
    )
    assert "640 parameters" in run("train", "digits", "--network", path, "--epochs", "1").out


def _process(*arguments):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    return subprocess.Popen(
        [sys.executable, "-m", "gradcheck_cli", "train", "digits", "--epochs", "100000", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def _wait_for(process, text):
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"no line with {text}")


@pytest.mark.skipif(os.name == "nt", reason="no signals there")
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path):
    with _process("--save", tmp_path / "state", "--backend", "numpy") as process:
        _wait_for(process, "Epoch 1:")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert f"gradcheck train digits --resume {tmp_path / 'state'}" in said
    assert (tmp_path / "state").is_file()


@pytest.mark.skipif(os.name == "nt", reason="no signals there")
def test_a_kill_leaves_a_whole_file(tmp_path):
    from gradcheck_cli.train.checkpoint import load

    with _process("--save", tmp_path / "state", "--backend", "numpy") as process:
        _wait_for(process, "Epoch 3:")
        time.sleep(0.05)
        process.kill()
        process.communicate()
    assert load(tmp_path / "state").position.epoch >= 3
