"""How fast the scalar engine and the judge are, beside composed `sympy.diff` and a bare Python in the same run.

    python benchmarks/scalars.py            # a few minutes
    python benchmarks/scalars.py --quick    # without the composed derivatives of 12 layers

Prints a table. Times are medians of the rounds; ratios are what to compare between machines.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sympy

from gradcheck_cli.problem import bundled, load, read_problem
from gradcheck_cli.source import Source
from gradcheck_cli.symbolic import scalars
from gradcheck_cli.symbolic.derive import derive, locals_of
from gradcheck_cli.verifying import Examiner

ROUNDS = 5


def timed(function, rounds=ROUNDS):
    times = []
    for _ in range(rounds):
        scalars._derivative.cache_clear()  # noqa: SLF001 - every round starts cold
        sympy.core.cache.clear_cache()
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def layers(count):
    """z_k = w_k a_(k-1) + b_k, a_k = sigmoid or tanh in turn, as a problem."""
    inputs = {"x": 0.5} | {f"w{k}": 0.9 for k in range(count)} | {f"b{k}": 0.1 for k in range(count)}
    lines = []
    for k in range(count):
        lines.append(f"  z{k}: w{k}*{f'a{k - 1}' if k else 'x'} + b{k}")
        lines.append(f"  a{k}: {'tanh' if k % 2 else 'sigmoid'}(z{k})")
    return problem(inputs, lines)


def squares(count):
    return problem({"x0": 0}, [f"  x{k + 1}: x{k}*x{k} + x{k}" for k in range(count)])


def problem(inputs, lines):
    text = f"title: Benchmark\ninputs: {json.dumps(inputs)}\ngraph:\n" + "\n".join(lines) + "\n"
    return read_problem(Source("benchmark.yaml", text), "benchmark")


def derivation(loaded):
    graph = loaded.graph
    return lambda: derive(graph, locals_of(graph), graph.output)


def composed(count):
    """The same parameters by `sympy.diff` of the one composed expression."""

    def run():
        value = sympy.Symbol("x")
        parameters = []
        for k in range(count):
            w, b = sympy.symbols(f"w{k} b{k}")
            parameters += [w, b]
            z = w * value + b
            value = sympy.tanh(z) if k % 2 else 1 / (1 + sympy.exp(-z))
        for parameter in parameters:
            sympy.diff(value, parameter)

    return run


def process(command, rounds=9):
    times = []
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(rounds + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment, cwd=tempfile.gettempdir())
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])  # the first one compiles


def answers():
    """Seconds for each answer of each bundled problem: its author's keys, and each of them with a fault."""
    times = []
    for name in bundled():
        examiner = Examiner(load(name))
        for question in examiner.questions:
            examiner.claim(question, question.key)
        for _ in range(20):
            for question in examiner.questions:
                for key in (question.key, next(q.key for q in examiner.questions if q is not question)):
                    start = time.perf_counter()
                    examiner.claim(question, key)
                    times.append(time.perf_counter() - start)
    return sorted(times)


def row(what, value, against="", limit=""):
    print(f"| {what} | {value} | {against} | {limit} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    print(
        f"Python {platform.python_version()}, SymPy {sympy.__version__}, {platform.machine()}, {os.cpu_count()} cores\n"
    )
    print("| what | time | beside | bar |\n| --- | --- | --- | --- |")
    n64, n256 = timed(derivation(layers(64))), timed(derivation(layers(256)))
    n8 = timed(derivation(layers(8)))
    for count in (4, 8) if quick else (4, 8, 12):
        ours, theirs = timed(derivation(layers(count))), timed(composed(count), 1)
        row(
            f"{count} layers, all parameters",
            f"{ours * 1e3:.1f} ms",
            f"composed sympy.diff {theirs:.2f} s ({theirs / ours:.0f}x)",
        )
    row("64 layers, all parameters", f"{n64 * 1e3:.0f} ms", f"8 layers {n8 * 1e3:.1f} ms", "0.5 s")
    row("256 layers, all parameters", f"{n256 * 1e3:.0f} ms", f"{n256 / n64:.1f} times 64 layers", "5 times")
    row("x*x + x, 256 steps", f"{timed(derivation(squares(256))) * 1e3:.0f} ms", "", "1 s")
    program = str(Path(sys.executable).with_name("gradcheck"))
    bare, help_time = process([sys.executable, "-c", ""]), process([program, "--help"])
    row("gradcheck --help", f"{help_time * 1e3:.0f} ms", f"{help_time / bare:.1f} times a bare Python", "5 times")
    imports = process([sys.executable, "-c", "import sympy, numpy, rich.table, yaml, click"])
    solve = process([program, "solve", "sigmoid-neuron"])
    row(
        "gradcheck solve sigmoid-neuron",
        f"{solve * 1e3:.0f} ms",
        f"{solve / imports:.2f} times the imports alone",
        "1.3 times",
    )
    times = answers()
    row("verify, an answer, median", f"{times[len(times) // 2] * 1e3:.2f} ms", f"{len(times)} answers", "5 ms")
    row(
        "verify, an answer, 99th percentile",
        f"{times[len(times) * 99 // 100] * 1e3:.2f} ms",
        f"worst {times[-1] * 1e3:.1f} ms",
        "50 ms",
    )


if __name__ == "__main__":
    main()
