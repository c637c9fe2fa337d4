"""Expressions in primitive functions, with their shapes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradcheck_cli import lowering
from gradcheck_cli.errors import GradcheckError, ShapeError
from gradcheck_cli.expr import children, number, substitute
from gradcheck_cli.lowering import Shapes, in_numbers, lower
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.shapes import text_of
from gradcheck_cli.write.text import write
from tests.shaped import shape_of, shaped_graph

SHAPES = {"a": (), "b": (), "v": ("n",), "w": ("n",), "u": ("m",), "A": ("m", "n"), "S": ("n", "n"), "L": (4, 3)}
KNOWN = {name: shape_of(shape) for name, shape in SHAPES.items()}
LETTERS = frozenset({"m", "n"})
WORDS = replace(scope(dict.fromkeys((*SHAPES, *LETTERS), ()), indices=frozenset("ij"))[0], arrays=True)


def known():
    return Shapes(KNOWN, LETTERS)


def lowered(text):
    """The text in primitive functions, and its shape as text."""
    found = lower(parse(text, WORDS), known())
    return write(found.expr), text_of(found.shape)


def test_a_sum_is_lowered_again_with_the_same_shapes():
    shapes, expr = known(), parse("sum(v[i]*sum(A[j, i], j), i)", WORDS)
    first, second = lower(expr, shapes), lower(expr, shapes)
    assert first == second
    assert shapes.ranges == {}


def test_a_call_that_two_sums_share_has_bounds_in_both():
    shared = parse("exp(v[i])", WORDS)
    both = [replace(parse("sum(v[i], i)", WORDS), body=shared) for _ in range(2)]
    shapes = known()
    found = [lower(one, shapes).expr for one in both]
    assert [write(one.count) for one in found] == ["n", "n"]


# what each stands for, with arguments that are sizes, indices, options, defaults, and calls themselves
DERIVED = {
    "silu(v)": ("v*sigmoid(v)", "(n,)"),
    "silu(silu(v))": ("v*sigmoid(v)*sigmoid(v*sigmoid(v))", "(n,)"),
    "mean(A, axis=-1)": ("sum(A, axis=1)/n", "(m,)"),
    "var(v)": ("sum((v - sum(v, keepdims=1)/n)^2)/n", "()"),
    "leaky_relu(v)": ("where(v > 0, v, 0.01*v)", "(n,)"),
    "leaky_relu(v, a)": ("where(v > 0, v, a*v)", "(n,)"),
    "onehot(1, count(v))": ("eye(n)[1]", "(n,)"),
    "onehot(1, 2*n)": ("eye(2*n)[1]", "(2*n,)"),
    "sum(onehot(i, n)*v[i], i)": ("sum(eye(n)[i]*v[i], i)", "(n,)"),
    "flatten(A)": ("reshape(A, m*n)", "(m*n,)"),
    "mse(a, b)": ("(a - b)^2", "()"),
    "mse(v, w)": ("sum((v - w)^2)/n", "()"),
    "sum(mse(v[i], w[i]), i)": ("sum((v[i] - w[i])^2, i)", "()"),
    "dot(A, mean(S, axis=0))": ("A @ (sum(S, axis=0)/n)", "(m,)"),
}


@pytest.mark.parametrize("text", DERIVED)
def test_a_derived_function_is_written_out(text):
    assert lowered(text) == DERIVED[text]


MISTAKES = {
    "1 + onehot(sum(v), n)": ("an index is a letter or a whole number", "onehot(sum(v), n)"),
    "1 + onehot(v[0], n)": ("an index is a letter or a whole number", "onehot(v[0], n)"),
    "1 + onehot(1, a*b)": ("eye(…) needs sizes", "onehot(1, a*b)"),
    "1 + onehot(4, 3)": ("the index 4 is too large", "onehot(4, 3)"),
    "1 + trace(A)": ("trace(…) needs a square matrix, this has shape (m, n)", "trace(A)"),
    "1 + silu(v + u)": ("shapes (n,) and (m,) do not fit", "v + u"),
    "1 + mse(exp(v), silu(u))": ("shapes (n,) and (m,) do not fit", "mse(exp(v), silu(u))"),
    "1 + silu(v[i]*u[i])": ("the index i runs over n and over m", "i"),
    "1 + mse(v[i], u[i])": ("the index i runs over n and over m", "i"),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_found_in_the_text_that_was_written(text):
    message, where = MISTAKES[text]
    with pytest.raises(GradcheckError) as caught:
        lowered(text)
    span = caught.value.span
    assert message in caught.value.message
    assert "(" not in caught.value.message.replace("(n", "").replace("(m", "").replace("(…", "")
    assert text[span.start : span.end] == where


def test_an_index_in_a_derived_function_is_recorded():
    shapes = known()
    lower(parse("mse(v[i], w[i])*onehot(j, n)", WORDS), shapes)
    assert {letter: str(size) for letter, size in shapes.ranges.items()} == {"i": "n", "j": "n"}


def parts(expr):
    """The expressions below, those that are shared once."""
    found, stack = {}, [expr]
    while stack:
        top = stack.pop()
        if id(top) not in found:
            found[id(top)] = top
            stack.extend(children(top))
    return found


@pytest.mark.parametrize("text", ["silu({})", "gelu({})", "{} + mean({})", "softmax(var({})*v)", "elu({}, mse(a, {}))"])
def test_each_argument_is_lowered_once(text, monkeypatch):
    calls = []
    call = lowering._call
    monkeypatch.setattr(lowering, "_call", lambda *given: calls.append(1) or call(*given))
    counts, expr = [], parse("v", WORDS)
    for depth in range(1, 61):
        expr = substitute(parse(text.format("w", "w"), WORDS), {"w": expr})
        if depth in (20, 40, 60):
            calls.clear()
            found = in_numbers(lower(expr, known()).expr, {"n": number(3)})
            counts.append((len(calls), len(parts(found))))
    first, second, third = counts
    assert third[0] - second[0] == second[0] - first[0] > 0
    assert third[1] - second[1] == second[1] - first[1] > 0


PARTS = {
    "part(v, 0, 2)": "(2,)",
    "part(v, 1, n - 1)": "(n - 1,)",
    "part(v, n - 1, 1)": "(1,)",
    "part(A, n, 1)": "(1, n)",
    "part(A, 0, n, axis=-1)": "(m, n)",
    "part(L, 1, 3)": "(3, 3)",
    "part(L, 0, 3, 1)": "(4, 3)",
    "part(concat(v, u), n, m)": "(m,)",
    "part(S, count(u), samples(S) - count(u))": "(-m + n, n)",
}


@pytest.mark.parametrize("text", PARTS)
def test_a_part_has_as_many_entries_as_it_says(text):
    assert lowered(text)[1] == PARTS[text]


NO_PARTS = {
    "part(L, 2, 3)": "there are no 3 entries from 2 on along axis 0 of shape (4, 3)",
    "part(L, 3, 1, axis=1)": "there are no 1 entries from 3 on along axis 1 of shape (4, 3)",
    "part(v, 1, n)": "there are no n entries from 1 on along axis 0 of shape (n,)",
    "part(v, 0, n + m)": "there are no m + n entries from 0 on along axis 0 of shape (n,)",
    "part(A, m, n)": "there are no n entries from m on along axis 0 of shape (m, n)",
    "part(v, -1, 1)": "part(…) needs sizes: whole numbers or letters of sizes",
    "part(v, -m, 1)": "there are no 1 entries from -m on along axis 0 of shape (n,)",
    "part(v, 0, 0)": "part(…) needs sizes: whole numbers or letters of sizes",
    "part(v, a, 1)": "part(…) needs sizes: whole numbers or letters of sizes",
    "part(a, 0, 1)": "part(x, start, n) takes entries along axis 0, x has shape ()",
    "part(v, 0, 1, axis=1)": "there is no axis 1 in shape (n,)",
}


@pytest.mark.parametrize("text", NO_PARTS)
def test_a_part_that_does_not_fit_is_refused(text):
    with pytest.raises(ShapeError) as caught:
        lowered(text)
    assert caught.value.message == NO_PARTS[text]


def test_the_sizes_of_a_part_become_numbers():
    found = lower(parse("part(concat(A, A), 2*m - 1, n - 2, axis=0)", WORDS), known())
    fixed = in_numbers(found.expr, {"m": number(4), "n": number(3)})
    assert write(fixed) == "part(concat(A, A), 7, 1, axis=0)"


REFUSED = [
    ("trace(W)", "trace(…) needs a square matrix, this has shape (m, n)"),
    ("diag(W)", "diag(…) needs a vector or a square matrix, this has shape (m, n)"),
    ("sum(a, axis=-2)", "there is no axis -2: this is a number"),
    ("sum(a, axis=1)", "there is no axis 1: this is a number"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_refused_is_told_of_the_function_as_written(text, message):
    with pytest.raises(ShapeError) as caught:
        shaped_graph({"a": (), "W": ("m", "n")}, {"y": text})
    assert caught.value.message.removeprefix("y: ") == message
