"""The files of a training: what cannot be written is said first, and nothing that was there is lost."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time

import pytest

from gradcheck_cli.cli import train_command
from gradcheck_cli.errors import FileError
from gradcheck_cli.train import checkpoint

QUICK = ["--epochs", "2", "--hidden", "8", "--quiet"]


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for name in ("folder.csv", "folder.svg", "folder.model"):
        (tmp_path / name).mkdir()
    (tmp_path / "device.svg").symlink_to("/dev/null")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--save", ""], "--save .: this is a folder"),
        (["--save", "."], "--save .: this is a folder"),
        (["--save", "folder.model"], "--save folder.model: this is a folder"),
        (["--log", "folder.csv"], "--log folder.csv: this is a folder"),
        (["--plot", "folder.svg"], "--plot folder.svg: this is a folder"),
        (["--save", "device.svg"], "--save device.svg: this is no regular file"),
        (["--plot", "device.svg"], "--plot device.svg: this is no regular file"),
        (["--plot", "no/such/a.svg"], "--plot no/such/a.svg: cannot be written: there is no folder no/such"),
        (["--log", "a.txt"], "end it in .csv or .jsonl"),
        (["--save", "a.csv", "--log", "a.csv"], "--save and --log name the same file a.csv"),
        (["--save", "a.svg", "--plot", "./a.svg"], "--save and --plot name the same file a.svg"),
        (["--resume", "a.csv", "--log", "a.csv"], "--resume and --log name the same file a.csv"),
    ],
)
def test_what_cannot_be_written_is_said_first(run, arguments, message):
    done = run("train", "digits", *arguments)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""


def test_a_folder_that_may_not_be_written_to(run, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    done = run("train", "digits", *QUICK, "--save", "a.model")
    assert done.code == 2
    assert "--save a.model: cannot be written: . may not be written to" in done.err


def test_a_log_is_kept_until_the_first_epoch_of_another_run(run, tmp_path):
    assert run("train", "digits", *QUICK, "--log", "a.csv", "--save", "a.model").code == 0
    before = (tmp_path / "a.csv").read_text()
    assert run("train", "mnist", "--data", "nowhere", "--log", "a.csv").code == 2
    assert run("train", "digits", *QUICK, "--lr", "1e30", "--log", "a.csv").code == 2
    assert (tmp_path / "a.csv").read_text() == before
    assert run("train", "digits", "--epochs", "1", "--hidden", "8", "--quiet", "--log", "a.csv").code == 0
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 2


def test_a_log_that_cannot_be_written_is_named_and_the_run_can_go_on(run, tmp_path):
    (tmp_path / "a.csv").symlink_to("/dev/full")
    done = run("train", "digits", *QUICK, "--log", "a.csv", "--save", "a.model")
    assert done.code == 2
    assert "--log a.csv: cannot be written: No space left on device" in done.err
    assert "go on with: gradcheck train digits --resume a.model" in done.err
    assert run("train", "digits", "--resume", "a.model", "--quiet").code == 0


@pytest.mark.parametrize("cache", ["/dev/null", "file", "/proc"])
def test_a_run_does_without_a_cache(run, tmp_path, monkeypatch, cache):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / cache))
    done = run("train", "digits", "--epochs", "2", "--hidden", "8")
    assert done.code == 0
    assert done.out.count("the state of this run cannot be kept") == 1
    assert "test accuracy" in done.out


def test_a_run_leaves_nothing_in_the_cache(run, tmp_path):
    assert run("train", "digits", *QUICK).code == 0
    assert run("train", "digits", *QUICK, "--lr", "1e30").code == 2
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_full_disk_leaves_the_epoch_before(run, tmp_path, monkeypatch):
    true, calls = checkpoint.os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        true(handle)

    monkeypatch.setattr("os.fsync", full)
    done = run("train", "digits", *QUICK, "--save", "a.model")
    assert done.code == 2
    assert "a.model: cannot be written: No space left on device" in done.err
    assert checkpoint.load(tmp_path / "a.model").position.epoch == 1
    assert list(tmp_path.glob("*.part")) == []


def test_what_goes_on_says_where_and_takes_no_recipe(run):
    assert run("train", "digits", *QUICK, "--save", "a.model").code == 0
    assert "all epochs are done" in run("train", "digits", "--resume", "a.model").out
    refused = run("train", "digits", "--resume", "a.model", "--recipe", "best")
    assert refused.code == 2
    assert "--recipe cannot change a training that goes on" in refused.err


@pytest.mark.parametrize("sizes", [",", "8,,8", "8,", "1e3"])
def test_sizes_that_are_none(run, sizes):
    assert f"{sizes} is no list of sizes" in run("train", "digits", "--hidden", sizes).err


def test_sizes_out_of_bounds_are_said_as_typed(run):
    assert "--hidden is 8,0; sizes from 1" in run("train", "digits", "--hidden", "8,0").err


def test_the_network_of_a_file_is_said_as_it_is(run, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "title: Mine\ninputs: {X: {shape: [m, dx]}, Y: {shape: [m, do], kind: onehot}, "
        "W: {shape: [dx, do], param: true}}\ngraph: {P: softmax(X @ W), loss: 'cross_entropy(P, Y)'}"
    )
    last = run("train", "digits", "--network", "mine.yaml", "--epochs", "1", "--json").out.splitlines()[-1]
    assert json.loads(last)["network"] == []
    last = run("train", "digits", "--epochs", "1", "--hidden", "8,6", "--json").out.splitlines()[-1]
    assert json.loads(last)["network"] == [8, 6]


def test_a_picture_is_drawn_with_a_library_that_waits_until_then():
    pytest.importorskip("matplotlib")
    code = (
        "import sys; from gradcheck_cli.cli import call, train_command as t; true = t.write_afterwards\n"
        "def late(*arguments): print('LOADED', 'matplotlib' in sys.modules); true(*arguments)\n"
        "t.write_afterwards = late; call(['train', 'digits', '--epochs', '1', '--hidden', '8', '--plot', 'a.svg'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED False" in done.stdout


FOUR = ["--epochs", "4", "--hidden", "8", "--quiet"]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize(
    "left",
    [
        lambda lines: lines[:-1],  # a kill after the state was written
        lambda lines: [*lines[:-1], lines[-1][:9]],  # and in the middle of a line
        lambda lines: [lines[0][:3]],
        lambda _lines: [],
        lambda lines: lines,
    ],
)
def test_a_log_goes_on_from_where_the_training_is(run, tmp_path, suffix, left):
    log = tmp_path / f"a{suffix}"
    assert run("train", "digits", *FOUR, "--log", log, "--save", "a.model").code == 0
    whole = log.read_text()
    log.write_text("".join(left(whole.splitlines(keepends=True))))
    assert run("train", "digits", "--resume", "a.model", "--quiet", "--log", log).code == 0
    assert log.read_text() == whole


def test_a_log_that_begins_when_a_training_goes_on_has_all_of_it(run, tmp_path):
    assert run("train", "digits", *FOUR, "--save", "a.model").code == 0
    assert run("train", "digits", "--resume", "a.model", "--quiet", "--log", "new.jsonl").code == 0
    lines = (tmp_path / "new.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [0, 1, 2, 3]


def ended():
    """The number of a process that has ended."""
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    return int(done.stdout)


def test_parts_that_a_kill_left_are_removed_with_the_next_epoch(run, tmp_path):
    gone = ended()
    names = [f"a[1].model.{gone}.part", f"a[1].model.{10**30}.part", f"a[1].model.{os.getpid()}0x.part"]
    others = [f"a[1].model.{os.getppid()}.part", f"a1.model.{gone}.part", "a[1].model.\u00b2.part"]
    for name in (*names, *others):
        (tmp_path / name).write_text("")
    assert run("train", "digits", *QUICK, "--save", "a[1].model").code == 0
    assert {path.name for path in tmp_path.glob("*.part")} == {*others, names[2]}


def test_what_cannot_be_written_at_the_end_costs_no_training(run, tmp_path, monkeypatch):
    def full(*_arguments):
        raise FileError("a.svg cannot be written: No space left on device", hint="write it somewhere else")

    with monkeypatch.context() as patch:
        patch.setattr(train_command, "write_afterwards", full)
        done = run("train", "digits", *QUICK)
    assert done.code == 2
    (kept,) = (tmp_path / "cache").rglob("*.model")
    assert f"all epochs are done; go on with: gradcheck train digits --resume {kept}" in done.err
    assert "a.svg cannot be written: No space left on device" in done.err
    assert run("train", "digits", "--resume", kept, "--save", "b.model", "--quiet").code == 0
    assert checkpoint.load(tmp_path / "b.model").position.epoch == 2


def test_a_training_that_is_done_is_saved_where_it_shall_be(run, tmp_path):
    assert run("train", "digits", *QUICK, "--save", "a.model").code == 0
    (tmp_path / "b.model").write_text("something else")
    done = run("train", "digits", "--resume", "a.model", "--save", "b.model")
    assert done.out.splitlines()[-1] == "saved in b.model"
    first, second = (checkpoint.load(tmp_path / name) for name in ("a.model", "b.model"))
    assert second.position == first.position
    assert {name: array.tobytes() for name, array in second.params.items()} == {
        name: array.tobytes() for name, array in first.params.items()
    }


def test_a_run_that_was_killed_is_named_by_the_next_one(run, tmp_path):
    from gradcheck_cli.train.cache import cache_folder

    gone = ended()
    assert run("train", "digits", *QUICK, "--save", "a.model").code == 0
    runs = cache_folder("runs")
    runs.mkdir(parents=True)
    killed, living, old, other = (
        runs / f"{name}.model" for name in (f"digits-{gone}", f"digits-{os.getppid()}", "digits-3", f"mnist-{gone}")
    )
    for path in (killed, living, old, other):
        path.write_bytes((tmp_path / "a.model").read_bytes())
    os.utime(old, (1e9, 1e9))
    lines = run("train", "digits", "--epochs", "1", "--hidden", "8", "--width", "300").out.splitlines()
    assert lines[4] == f"a training was killed; it goes on with: gradcheck train digits --resume {killed}"
    assert sorted(runs.iterdir()) == sorted([killed, living, other])
    assert run("train", "digits", "--resume", killed, "--quiet").code == 0
    os.utime(killed, (time.time() - 90_000,) * 2)
    assert "killed" not in run("train", "digits", "--epochs", "1", "--hidden", "8").out
