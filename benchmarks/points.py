"""Value and gradient of an 8-operation graph at one point: gradcheck, micrograd, PyTorch, plain Python, in turns.

    python benchmarks/points.py [--rounds 21]      # what is not installed is left out

The graph: L = (y - sigmoid(w0*x0 + w1*x1 + b))^2, with the negation and the square counted: 8 operations. gradcheck gives
every value and every adjoint, the others the value and six derivatives; each gets six numbers a call. Microseconds a
call: median and least of the rounds.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
TEXT = """\
title: Eight operations
inputs: {x0: -1, x1: -2, w0: 2, w1: -3, b: -3, y: 1}
graph:
  p: w0*x0
  q: w1*x1
  s: p + q
  z: s + b
  a: sigmoid(z)
  n: -a
  d: y + n
  L: d^2
output: L
"""
LEAVES = ("x0", "x1", "w0", "w1", "b", "y")
TURN = 0.05


def gradcheck_point():
    from gradcheck_cli.problem import read_problem
    from gradcheck_cli.source import Source
    from gradcheck_cli.train.points import point

    made = point(read_problem(Source("eight", TEXT), "eight").graph, print)
    run, records = made.run, made.records
    if made.leaves != LEAVES:
        sys.exit(f"the inputs are in another order: {made.leaves}")
    outs = [records.index("L"), *(records.index(f"d:{name}") for name in LEAVES)]

    return run, lambda found: [found[one] for one in outs], f"gradcheck, {made.backend}: all values and adjoints"


def gradcheck_many():
    import numpy as np

    from gradcheck_cli.problem import read_problem
    from gradcheck_cli.source import Source
    from gradcheck_cli.train.sampling import sampler

    made = sampler(read_problem(Source("eight", TEXT), "eight").graph, 1000)
    columns = {name: np.zeros(1000) for name in LEAVES}

    def run(*numbers):
        for column, number in zip(columns.values(), numbers, strict=True):
            column.fill(number)
        return made.run(columns)

    return run, lambda found: [found[0][0], *(found[1][name][0] for name in LEAVES)], "gradcheck, NumPy: 1,000 points"


def by_hand():
    exp = math.exp

    def run(x0, x1, w0, w1, b, y):
        a = 1 / (1 + exp(-(w0 * x0 + w1 * x1 + b)))
        d = y - a
        g = -2 * d * a * (1 - a)
        return d * d, g * w0, g * w1, g * x0, g * x1, g, 2 * d

    return run, list, "Python by hand"


def micrograd():
    from micrograd.engine import Value

    def run(*numbers):
        leaves = [Value(number) for number in numbers]
        x0, x1, w0, w1, b, y = leaves
        z = w0 * x0 + w1 * x1 + b
        loss = (y - (1 + exp_of(-z, Value)) ** -1) ** 2
        loss.backward()
        return loss.data, *(leaf.grad for leaf in leaves)

    return run, list, "micrograd"


def exp_of(x, Value):  # noqa: N803 - micrograd has no exponential: its own way to add an operation
    out = Value(math.exp(x.data), (x,), "exp")

    def backward():
        x.grad += out.data * out.grad

    out._backward = backward  # noqa: SLF001
    return out


def pytorch():
    import torch

    torch.set_num_threads(1)

    def run(*numbers):
        leaves = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in numbers]
        x0, x1, w0, w1, b, y = leaves
        loss = (y - torch.sigmoid(w0 * x0 + w1 * x1 + b)) ** 2
        return loss, *torch.autograd.grad(loss, leaves)

    return run, lambda found: [float(one.detach()) for one in found], "PyTorch"


def turn(run, numbers):
    count, began = 0, time.perf_counter()
    while True:
        for _ in range(200):
            run(*numbers)
        count += 200
        took = time.perf_counter() - began
        if took > TURN:
            return took / count * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    running, wanted = [], None
    for make in (gradcheck_point, by_hand, gradcheck_many, micrograd, pytorch):
        try:
            run, read, name = make()
        except ImportError as error:
            print(f"{make.__name__}: left out ({error})")
            continue
        found = [float(one) for one in read(run(0.3, -0.4, 0.5, 0.6, 0.1, 1.0))]
        wanted = wanted or found
        if any(abs(one - other) > 1e-9 for one, other in zip(found, wanted, strict=True)):
            sys.exit(f"{name} does not do the same work: {found}, not {wanted}")
        running.append((name, run, []))
    for at in range(options.rounds):
        for _, run, times in running:
            times.append(turn(run, (0.3 + 0.01 * at, -0.4, 0.5, 0.6, 0.1, 1.0)))
    for name, _, times in running:
        each = 1000 if "1,000" in name else 1
        print(f"{name:42}{statistics.median(times) / each:10.3f}{min(times) / each:10.3f}")


if __name__ == "__main__":
    main()
