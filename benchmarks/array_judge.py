"""Milliseconds of processor time to judge a matrix answer: the first one to a problem, and those after it.

python benchmarks/array_judge.py
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

from gradcheck_cli import shapes
from gradcheck_cli.graph import Graph, Input, Node
from gradcheck_cli.judge import ArraySpace, compare_arrays
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse

INPUTS = {"X": ("real", "dx", "m"), "Y": ("binary", 1, "m"), "W1": ("real", "dh", "dx"), "b1": ("real", "dh", 1),
          "W2": ("real", 1, "dh"), "b2": ("real", 1, 1)}  # fmt: skip
NODES = {"Z1": "W1 @ X + b1", "H": "relu(Z1)", "Z2": "W2 @ H + b2", "Yh": "sigmoid(Z2)", "J": "mean(bce(Yh, Y))"}
TRUTH = "((step(Z1)*(W2.T @ (Yh - Y))) @ X.T)/m"
ANSWERS = {
    "right": ["(step(Z1)*(W2.T @ (Yh - Y)/m)) @ X.T", "((W2.T @ (Yh - Y))*step(Z1)/m) @ X.T", "1/m*((H > 0)*(W2.T @ (Yh - Y))) @ X.T"],
    "wrong": ["(step(Z1)*(W2.T @ (Yh - Y))) @ X.T", "(step(H)*(W2.T @ (Yh + Y))) @ X.T/m", "((W2.T @ (Yh - Y)) @ X.T)/m"],
}  # fmt: skip


def classifier():
    sized = {name: tuple(map(shapes.size, sizes)) for name, (_, *sizes) in INPUTS.items()}
    letters = ("dh", "dx", "m")
    vocabulary = replace(scope(dict.fromkeys((*INPUTS, *NODES, *letters), ()))[0], arrays=True)
    nodes = tuple(Node(name, parse(text, vocabulary)) for name, text in NODES.items())
    for node in nodes:
        sized[node.name] = lower(node.expr, Shapes(sized, frozenset(letters))).shape
    leaves = tuple(Input(name, kind=kind, shape=sized[name]) for name, (kind, *_) in INPUTS.items())
    graph = Graph(leaves, nodes, "J", (), tuple((letter, None) for letter in letters), sized)
    return ArraySpace(graph), lambda text: parse(text, vocabulary)


def timed(space, answer, truth):
    begin = time.process_time()
    kind = compare_arrays(space, answer, truth).kind
    return 1000 * (time.process_time() - begin), kind


def main():
    for expected, texts in ANSWERS.items():
        cold, warm = [], []
        for text in texts:
            space, read = classifier()
            answer, truth = read(text), read(TRUTH)
            cold.append(timed(space, answer, truth)[0])
            for _ in range(20):
                took, kind = timed(space, answer, truth)
                if kind != {"right": "equal", "wrong": "different"}[expected]:
                    raise SystemExit(f"{text} is judged {kind}")
                warm.append(took)
        first, median, worst = max(cold), statistics.median(warm), max(warm)
        print(f"{expected}: first {first:.1f} ms, then median {median:.1f} ms, worst {worst:.1f} ms")


if __name__ == "__main__":
    main()
