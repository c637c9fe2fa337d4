"""Second and higher derivatives, in the spellings of homework."""

from __future__ import annotations

import pytest

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.parsing.text import parse, readings
from gradcheck_cli.problem import load
from gradcheck_cli.write.text import write

SCOPES = {name: load(name).scope for name in ("squared-term", "sigmoid-neuron", "two-layer-columns")}


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (r"\frac{\partial^2 f}{\partial x^2}", "d(d(f, x), x)"),  # x^2 is the spelling of a node there
        (r"\frac{\partial^{2} f}{\partial x \, \partial c}", "d(d(f, c), x)"),
        (r"\frac{\mathrm{d}^2f}{\mathrm{d}x^2}", "d(d(f, x), x)"),
        (r"\dfrac{d^3 f}{dx^3}", "d(d(d(f, x), x), x)"),
        (r"\frac{\partial^2}{\partial x^2} (c x)", "d(d(c*x, x), x)"),
        (r"c \frac{\partial^2 a}{\partial x^2} + 1", "c*d(d(a, x), x) + 1"),
    ],
)
def test_in_latex(text, same):
    scope = SCOPES["squared-term"]
    assert parse(same, scope) in readings(text, scope, latex=True)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("d^2f/dx^2", "d(d(f, x), x)"),
        ("d2f/dx2", "d(d(f, x), x)"),
        ("d²f/dx²", "d(d(f, x), x)"),
        ("∂²f/∂x∂c", "d(d(f, c), x)"),
        ("d^2f/dxdc", "d(d(f, c), x)"),
        ("d^2f/(dx dc)", "d(d(f, c), x)"),
        ("∂^2 f/(∂x*∂c)", "d(d(f, c), x)"),
        ("3*d^2f/dx^2 - c", "3*d(d(f, x), x) - c"),
        ("f''(x)", "d(d(f, x), x)"),
    ],
)
def test_in_plain_text(text, same):
    scope = SCOPES["squared-term"]
    assert write(parse(text, scope)) == write(parse(same, scope))


@pytest.mark.parametrize(
    "text", ["d^2f/dx", "d^2f/dx^3", "d^2f/dxdcdx", "d^9f/dx^9", "d^2", "d^2f/", "d2f/d", "f'''''(x)"]
)
def test_what_is_none_is_refused(text):
    with pytest.raises(GradcheckError):
        parse(text, SCOPES["squared-term"])


def test_beside_arrays_they_are_not_read_in_plain_text():
    with pytest.raises(GradcheckError):
        parse("d^2L/dz_1^2", SCOPES["two-layer-columns"])


def test_a_name_that_looks_like_one_stays_a_name():
    scope = SCOPES["sigmoid-neuron"]
    assert write(parse("da/dw2", scope)) == "d(a, w2)"
    assert write(parse("d2a/dw22", scope)) == "d(d(a, w2), w2)"
