"""LaTeX of arrays: matrix products side by side, `odot` entry by entry; what is written is read back as the same."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.judge import compare_arrays
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.parsing.text import parse, readings
from gradcheck_cli.problem import bundled, load
from gradcheck_cli.shapes import size
from gradcheck_cli.solving.array_engine import ArrayEngine
from gradcheck_cli.solving.array_queries import array_space
from gradcheck_cli.source import Source
from gradcheck_cli.verifying.arrays.reading import product_readings, quietly, spread_indices
from gradcheck_cli.write.latex import LatexWriter
from gradcheck_cli.write.ranks import rank
from tests.build import names_of

SHAPES = {
    "x": ("n",), "y": ("n",), "A": ("n", "n"), "B": ("n", "n"), "W1": ("n", "m"), "G": ("n", "n"), "s": (),
}  # fmt: skip
SCOPE = replace(names_of(*SHAPES, "n", "m"), arrays=True, indices=frozenset("ij"))


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("A @ B", "A B"), ("A*B", r"A \odot B"), ("A.T @ x", r"A^{\top} x"), ("x @ y", r"x^{\top} y"),
        ("x @ A", r"A^{\top} x"), ("x @ A.T", "A x"), ("x @ A @ y", r"x^{\top} A y"), ("outer(x, y)", r"x y^{\top}"),
        ("A*(B @ G)", r"A \odot \left(B G\right)"), ("(A*B) @ G", r"\left(A \odot B\right) G"),
        ("s*A", "s A"), ("s*A*B", r"s A \odot B"), ("(s*A) @ B", "s A B"), ("A @ (B @ x)", "A B x"),
        ("(x @ y)*x", r"\left(x^{\top} y\right) x"), ("A/s", r"\frac{A}{s}"), ("inv(A)", "A^{-1}"),
        ("inv(A).T", r"\left(A^{-1}\right)^{\top}"), ("(A @ B).T", r"\left(A B\right)^{\top}"), ("W1[i, j]", r"\left(W_{1}\right)_{i, j}"),
        ("x[i]", "x_{i}"), ("delta(i, j)", r"\delta_{ij}"), ("sum(x[j]*y[j], j)", r"\sum_{j} x_{j} \, y_{j}"),
        ("ones(n, m)", r"\mathbf{1}_{n \times m}"), ("eye(n)", "I_{n}"), ("norm(x)", r"\left\|x\right\|"),
        ("trace(A)", r"\operatorname{tr}\left(A\right)"), ("det(A)", r"\det\left(A\right)"), ("exp(x)^2", r"\left(e^{x}\right)^{2}"),
        ("sum(A, axis=0)", r"\operatorname{sum}\left(A, \mathit{axis}=0\right)"), ("step(A)*B", r"\mathbb{1}\left[A > 0\right] \odot B"),
        ("where(x > 0, x, y)", r"\begin{cases} x & x > 0 \\ y & \text{otherwise} \end{cases}"),
    ],
)  # fmt: skip
def test_formulas(text, latex):
    assert LatexWriter({}, SHAPES).write(parse(text, SCOPE)) == latex


def test_without_shapes_nothing_is_an_array():
    assert LatexWriter().write(parse("A*B", SCOPE)) == "A B"


@pytest.mark.parametrize(
    "text",
    ["A @ x", "x @ A @ y", "outer(x, y)", "sum(A, axis=0)", "sum(A, axis=1, keepdims=1)", "mean(x)", "norm(A, axis=0)", "diag(x)",
     "diag(A)", "trace(A)", "softmax(A)", "A[0]", "A[0, 1]", "eye(n)", "ones(n, m)", "reshape(A, n*n)", "concat(A, B, axis=0)",
     "mse(x, y)", "bce(x, y)", "where(x > 0, A, B)", "flatten(A)", "max(A, axis=0)", "max(x, y)", "logdet(A)", "onehot(0, n)",
     "inv(A)", "A.T", "[x, y]", "exp(A)*x + s", "zeros(n)", "dot(x, y)", "logsumexp(A)", "log_softmax(x)"],
)  # fmt: skip
def test_ranks_are_those_of_the_shapes(text):
    known = Shapes({name: tuple(map(size, shape)) for name, shape in SHAPES.items()}, frozenset("nm"))
    expr = parse(text, SCOPE)
    assert rank(expr, SHAPES) == len(lower(expr, known).shape)


# notation of the textbooks that is not read, or as something else
UNREAD = re.compile(r"\\mathbf\{[01]\}_|I_\{|\^\{-1\}$|\\\||\\_|\\right\)_\{|upstream|vjp|part|\\odot \\mathbb\{1\}")


def quantities(problem):
    """An engine, and every expression of the forward and backward pass and of the answers."""
    engine = ArrayEngine(problem)
    exprs = [node.expr for node in problem.graph.nodes]
    exprs += engine.backward.totals.values()
    exprs += [engine.local(edge.source, edge.target) for edge in engine.backward.edges]
    for question in problem.questions:
        try:
            exprs.append(engine.resolve(question.ask))
        except GradcheckError:
            continue
    return engine, {str(engine.formula(expr)): engine.formula(expr) for expr in exprs}


@pytest.mark.parametrize("name", [name for name in bundled() if load(name).arrays])
def test_what_is_written_is_read_back(name):
    problem = load(name)
    if any(one.number and one.number > 20 for shape in problem.graph.shapes.values() for one in shape):
        pytest.skip("its sizes are too large to be compared")
    engine, formulas = quantities(problem)
    space, scope = array_space(engine), replace(problem.scope, arrays=True)
    shape_of = quietly(engine.shape_of)
    read = 0
    for text, formula in formulas.items():
        if UNREAD.search(formula.latex) or re.search("shape|==|vjp|part", text):
            continue
        source = Source("formula", formula.latex)
        found = [
            spread_indices(meant, shape_of)
            for expr in readings(source, scope, latex=True)
            for meant in (*product_readings(expr, source, shape_of, latex=True), expr)
        ]
        kinds = set()
        for expr in found:
            try:
                kinds.add(compare_arrays(space, formula.tree, expr, ranges=engine.runs).kind)
            except GradcheckError:
                continue
        assert "equal" in kinds, f"{text}: {formula.latex}"
        read += 1
    assert read > 2
