"""Expressions in primitive functions, with their shapes."""

from __future__ import annotations

from dataclasses import replace

from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.shapes import text_of
from gradcheck_cli.write.text import write
from tests.shaped import shape_of

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
