"""Signs that open and close alike: absolute values, norms, inner products."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradcheck_cli.errors import ParseError
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse, readings
from gradcheck_cli.write.text import write

NUMBERS = scope({"a": (), "b": ()})[0]
ARRAYS = replace(NUMBERS, arrays=True)


@pytest.mark.parametrize(
    ("text", "latex", "meaning"),
    [
        ("||a||", False, "norm(a)"),
        ("||a||_2^2", False, "norm(a)^2"),
        ("‖a‖ ‖b‖", False, "norm(a)*norm(b)"),
        ("|a||b|", False, "abs(a)*abs(b)"),
        ("|a - |b||", False, "abs(a - abs(b))"),
        (r"\|a\|\|b\|", True, "norm(a)*norm(b)"),
        (r"\lVert a - b \rVert_2^2", True, "norm(a - b)^2"),
        (r"\left\| a \right\|_F", True, "norm(a)"),
        (r"\left|\left| a \right|\right|^2", True, "norm(a)^2"),
        (r"\Vert a \Vert_{\mathrm{F}}", True, "norm(a)"),
        (r"\|a\|_1", True, "sum(abs(a))"),
        (r"|a||b|", True, "abs(a)*abs(b)"),
        (r"\langle a, b \rangle_F", True, "sum(a*b)"),
        ("⟨a, b⟩", False, "sum(a*b)"),
        ("⟨a + b⟩", False, "a + b"),
    ],
)
def test_beside_arrays(text, latex, meaning):
    assert write(parse(text, ARRAYS, latex=latex)) == meaning


@pytest.mark.parametrize(
    ("text", "meaning"), [("||a||", "abs(a)"), ("⟨a, b⟩", "a*b"), ("‖a‖_1", "abs(a)"), ("||a|| b", "abs(a)*b")]
)
def test_of_numbers(text, meaning):
    assert write(parse(text, NUMBERS)) == meaning


def test_two_bars_may_be_two_absolute_values():
    assert "abs(abs(a) - b)" in [write(expr) for expr in readings("||a| - b|", ARRAYS)]


@pytest.mark.parametrize("text", [r"\|a\|_p", r"\|a", r"\langle a, b", r"\langle a, b, a \rangle"])
def test_what_is_refused(text):
    with pytest.raises(ParseError):
        parse(text, ARRAYS, latex=True)


@pytest.mark.parametrize(("text", "latex"), [("ab^2", False), ("ab^2", True), ("ab²", False)])
def test_an_exponent_behind_letters_belongs_to_the_last(text, latex):
    assert write(parse(text, NUMBERS, latex=latex)) == "a*b^2"
