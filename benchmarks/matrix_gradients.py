"""Textbook gradients by gradcheck, and by SymPy's matrix derivatives beside it, in one run.

    python benchmarks/matrix_gradients.py                          # both on gradients.yaml, then chains of layers
    python benchmarks/matrix_gradients.py --no-sympy               # gradcheck alone
    python benchmarks/matrix_gradients.py --only batch-norm --limit 5

Building the composed expression and differentiating it count as time (of the processor); evaluating the result does not.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import time
import warnings
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import corpus
import numpy as np
import sympy
import sympy_matrices
import sympy_values
from sympy.core.cache import clear_cache
from sympy.tensor.array.expressions import array_expressions

from gradcheck_cli import expr as trees
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.symbolic.arrays import ArrayCalculus
from gradcheck_cli.symbolic.reading import written
from gradcheck_cli.write.text import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Engine = Callable[[corpus.Case], str]

RIGHT, ARRAY, LAYOUT = "right", "right, array form", "wrong layout"
RAISED, SLOW, NOT_EVALUABLE = "raised", "too slow", "not evaluable"
WRONG, NOT_EXPRESSIBLE = "wrong value", "not expressible"
VERDICTS = (RIGHT, ARRAY, LAYOUT, RAISED, SLOW, NOT_EVALUABLE, WRONG, NOT_EXPRESSIBLE)
POINTS = 3


class Result(NamedTuple):
    """What came of one case: the seconds are those of the work, whether it led anywhere or not."""

    verdict: str
    seconds: float
    note: str = ""


class TimeoutReached(BaseException):  # passes every `except Exception`
    """The time limit of a case."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutReached

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Point(NamedTuple):
    """Sizes, the values of inputs and nodes, and the gradient there by the textbook form."""

    sizes: dict[str, int]
    values: dict[str, np.ndarray]
    gradient: np.ndarray


def points(case: corpus.Case) -> list[Point]:
    found = []
    for seed in range(POINTS):
        rng = np.random.default_rng(seed)
        sizes = corpus.sizes_of(case, rng)
        values = corpus.forward(case, corpus.draw(case, sizes, rng), sizes)
        found.append(Point(sizes, values, corpus.evaluate(case.textbook, values, sizes, case.known)))
    return found


def close(left: Any, right: Any) -> bool:
    return bool(np.allclose(left, right, rtol=1e-8, atol=1e-9))


# -- SymPy


def by_sympy(case: corpus.Case, limit: float) -> dict[str, Result]:
    """A result for each encoding of scalars."""
    return {encoding: _one_encoding(case, encoding, limit) for encoding in sympy_matrices.ENCODINGS}


def _one_encoding(case: corpus.Case, encoding: str, limit: float) -> Result:
    clear_cache()
    start = time.process_time()
    try:
        with limited(limit):
            _, found = sympy_matrices.derivative(case, encoding)
    except sympy_matrices.NotExpressibleError as error:
        return Result(NOT_EXPRESSIBLE, time.process_time() - start, str(error))
    except TimeoutReached:
        return Result(SLOW, time.process_time() - start)
    except Exception as error:  # noqa: BLE001 - whatever SymPy raises is the result
        return Result(RAISED, time.process_time() - start, f"{type(error).__name__}: {error}".split("\n")[0][:70])
    seconds = time.process_time() - start
    try:
        with limited(limit):
            return Result(_judged(case, found), seconds, str(found).replace("\n", " ")[:70])
    except TimeoutReached:
        return Result(NOT_EVALUABLE, seconds, "evaluating is too slow")
    except Exception as error:  # noqa: BLE001 - shapes that do not fit end here too
        return Result(NOT_EVALUABLE, seconds, f"{type(error).__name__}: {error}".split("\n")[0][:70])


def _judged(case: corpus.Case, found: Any) -> str:
    verdicts = [_at(found, point) for point in points(case)]
    worst = max(verdicts, key=VERDICTS.index)
    arrays = hasattr(found, "has") and found.has(array_expressions._ArrayExpr, array_expressions._CodegenArrayAbstract)  # noqa: SLF001
    return ARRAY if worst == RIGHT and arrays else worst


def _at(found: Any, point: Point) -> str:
    known = {**point.sizes, **{name: _columns(array) for name, array in point.values.items()}}
    value = np.asarray(sympy_values.value(found, known), dtype=float)
    wanted = _columns(point.gradient)
    if value.shape == wanted.shape:
        return RIGHT if close(value, wanted) else WRONG
    flat, flat_wanted = np.squeeze(value), np.squeeze(wanted)
    for one in (flat, flat.T):
        if one.shape == flat_wanted.shape and close(one, flat_wanted):
            return LAYOUT
    return WRONG


def _columns(array: np.ndarray) -> np.ndarray:
    """[n] as SymPy has it: a column."""
    return array[:, None] if np.ndim(array) == 1 else array


def best(results: dict[str, Result]) -> Result:
    return min(results.values(), key=lambda result: VERDICTS.index(result.verdict))


# -- an engine of one's own


def ours(case: corpus.Case, engine: Engine) -> tuple[str, float]:
    """The printed gradient, and the seconds it took."""
    start = time.process_time()
    text = engine(case)
    return text, time.process_time() - start


def measured(case: corpus.Case, engine: Engine) -> tuple[Result, float]:
    """The verdict on the printed text, read back; and how large it is against the textbook's, in tree nodes."""
    start = time.process_time()
    try:
        text, seconds = ours(case, engine)
        found = parse(text, case.words)
        right = all(_same(case, found, point) for point in points(case))
    except GradcheckError as error:
        return Result(RAISED, time.process_time() - start, error.message), float("nan")
    ratio = trees.size(found) / trees.size(case.textbook)
    return Result(RIGHT if right else WRONG, seconds, text), ratio


def _same(case: corpus.Case, found: trees.Expr, point: Point) -> bool:
    value = corpus.evaluate(found, point.values, point.sizes, case.known)
    return value.shape == point.gradient.shape and close(value, point.gradient)


def gradcheck_gradient(case: corpus.Case) -> str:
    """The closed form that gradcheck prints; nothing is kept from one case to the next but SymPy's own cache."""
    calculus = ArrayCalculus(case.graph())
    return write(written(calculus.algebra, calculus.backward(case.output).totals[case.wrt]))


def chains() -> None:
    """The step form of chains of layers: z = W @ h + b, tanh and sigmoid in turn, squared error."""
    print("\nstep form of a chain of layers")
    for layers in (64, 128, 256):
        inputs = {"h0": {"shape": ["d", 1]}}
        graph = {}
        for at in range(1, layers + 1):
            inputs |= {f"W{at}": {"shape": ["d", "d"]}, f"b{at}": {"shape": ["d", 1]}}
            graph |= {f"z{at}": f"W{at} @ h{at - 1} + b{at}", f"h{at}": f"{('tanh', 'sigmoid')[at % 2]}(z{at})"}
        raw = {"name": "chain", "source": "", "inputs": inputs, "graph": {**graph, "L": f"sum(h{layers}^2)/2"}}
        found = corpus.case({**raw, "output": "L", "wrt": "h0", "textbook": "h0"}).graph()
        start = time.process_time()
        steps = ArrayCalculus(found).backward("L").steps
        print(f"  {layers:4} layers: {len(steps)} adjoints in {time.process_time() - start:.3f} s of processor time")


# -- the tables


def row(name: str, result: Result, extra: str = "") -> str:
    return f"{name:42} {result.verdict:18} {1000 * result.seconds:9.1f} ms {extra} {result.note}"


def summary(title: str, results: list[Result]) -> None:
    counts = Counter(result.verdict for result in results)
    print(f"\n{title}, {len(results)} gradients")
    for verdict in VERDICTS:
        times = [1000 * result.seconds for result in results if result.verdict == verdict]
        if times:
            print(
                f"  {verdict:18} {counts[verdict]:4}   median {statistics.median(times):8.1f} ms, worst {max(times):9.1f} ms"
            )
    times = [1000 * result.seconds for result in results]
    print(f"  {'all':18} {len(results):4}   median {statistics.median(times):8.1f} ms, worst {max(times):9.1f} ms")


def run_sympy(cases: list[corpus.Case], limit: float) -> None:
    chosen = []
    both: Counter[str] = Counter()
    for case in cases:
        results = by_sympy(case, limit)
        chosen.append(best(results))
        both.update(encoding for encoding, result in results.items() if result.verdict == WRONG)
        print(row(case.name, chosen[-1]), flush=True)
    summary(f"SymPy {sympy.__version__}, the best of three encodings of scalars", chosen)
    print("  silently wrong: " + ", ".join(f"{both[name]} with {name}" for name in sympy_matrices.ENCODINGS))


def run_engine(cases: list[corpus.Case], engine: Engine, name: str) -> None:
    found = []
    ratios: dict[str, float] = {}
    for case in cases:
        result, ratios[case.name] = measured(case, engine)
        found.append(result)
        print(row(case.name, result, f"size {ratios[case.name]:.2f}"), flush=True)
    summary(name, found)
    larger = sorted((ratio, case) for case, ratio in ratios.items() if ratio > 1)
    print(f"  no larger than the textbook's: {sum(ratio <= 1 for ratio in ratios.values())}")
    print(f"  within 1.25 times: {sum(ratio <= 1.25 for ratio in ratios.values())}")
    for ratio, case in reversed(larger):
        print(f"    {ratio:.2f}  {case}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--no-sympy", action="store_true", help="gradcheck alone")
    arguments.add_argument("--only", default="", help="only cases whose name holds this text")
    arguments.add_argument("--limit", type=float, default=20, help="seconds for a case and an encoding")
    given = arguments.parse_args()
    warnings.simplefilter("ignore")
    cases = [case for case in corpus.load() if given.only in case.name]
    run_engine(cases, gradcheck_gradient, "gradcheck, closed forms")
    chains()
    if not given.no_sympy:
        run_sympy(cases, given.limit)


if __name__ == "__main__":
    main()
