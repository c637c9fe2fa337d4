"""What people read, as it was when somebody last looked at it: one text file for each command.

To accept a change: GRADCHECK_SNAPSHOTS=write pytest tests/render, and read the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "snapshots"
ANSWERS = Path(__file__).parents[1] / "cases" / "answers"
HOMEWORK = Path("..") / "transcripts"
UNITS = ("--problem", "four-hidden-units", "--problem", "tanh-ratio-plus-sigmoid")

COMMANDS = {
    "residual-relu-80": ["solve", "residual-relu", "--width", 80],
    "residual-relu-40": ["solve", "residual-relu", "--width", 40],
    "four-hidden-units-80": ["solve", "four-hidden-units", "--width", 80],
    "squared-term-bce-100": ["solve", "squared-term-bce", "--width", 100],
    "sigmoid-neuron-exact-100": ["solve", "sigmoid-neuron", "--exact", "--width", 100],
    "tanh-ratio-questions-60": ["solve", "tanh-ratio-plus-sigmoid", "--only", "questions", "--width", 60],
    "softmax-mlp-80": ["solve", "softmax-mlp", "--width", 80],
    "softmax-cross-entropy-80": ["solve", "softmax-cross-entropy", "--width", 80],
    "binary-classifier-80": ["solve", "binary-classifier-batch", "--width", 80],
    "binary-classifier-numbers-80": [
        "solve",
        "binary-classifier-batch",
        "--dims",
        "dx=3,dh=2,m=4",
        "--seed",
        7,
        "--width",
        80,
    ],
    "two-layer-rows-80": ["solve", "two-layer-rows", "--width", 80],
    "two-layer-rows-w1-48": ["solve", "two-layer-rows", "--only", "backward", "--wrt", "W1", "--width", 48],
    "tied-autoencoder-80": ["solve", "tied-autoencoder", "--only", "backward", "--width", 80],
    "dense-parameter-count-80": ["solve", "dense-parameter-count", "--width", 80],
    "conv-output-sizes-80": ["solve", "conv-output-sizes", "--width", 80],
    "verify-neuron-80": ["verify", "sigmoid-neuron-mixed.yaml", "--width", 80],
    "verify-relu-80": ["verify", "residual-relu-mixed.yaml", "--width", 80],
    "homework-units-80": ["verify", HOMEWORK / "002.md", *UNITS, "--width", 80],
    "homework-units-hint-48": ["verify", HOMEWORK / "002.md", *UNITS, "--hint", "--width", 48],
    "homework-units-quiet": ["verify", HOMEWORK / "002.md", *UNITS, "--quiet"],
    "homework-neuron-explain-80": [
        "verify",
        HOMEWORK / "003.md",
        "--problem",
        "sigmoid-neuron",
        "--explain",
        "--width",
        80,
    ],
    "homework-rows-explain-80": ["verify", "two-layers.md", "--explain", "--width", 80],
    "homework-rows-hint-60": ["verify", "two-layers.md", "--hint", "--width", 60],
    "notebook-80": ["verify", "two-cells.ipynb", "--width", 80],
    "help": ["--help"],
    "solve-help": ["solve", "--help"],
    "verify-help": ["verify", "--help"],
    "problems": ["problems"],
}


@pytest.mark.usefixtures("usual_spread")
@pytest.mark.parametrize("name", COMMANDS)
def test_the_output_is_as_somebody_saw_it(run, name, monkeypatch):
    monkeypatch.chdir(ANSWERS)
    result = run(*COMMANDS[name])
    assert result.err == ""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("GRADCHECK_SNAPSHOTS") == "write":
        path.write_text(result.out, encoding="utf-8")
    assert result.out == path.read_text(encoding="utf-8")
