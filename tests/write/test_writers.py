"""Formulas on paper: fractions, roots, hats, derivatives."""

from __future__ import annotations

import pytest

from gradcheck_cli.expr import Name
from gradcheck_cli.greek import GREEK, GREEK_WORDS
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.write.formula import Formula
from gradcheck_cli.write.latex import LatexWriter
from gradcheck_cli.write.names import latex_name
from tests.build import names_of

SCOPE = names_of("x", "y", "w0", "yhat1", "alpha", "xwb0")


@pytest.mark.parametrize(
    ("name", "latex"),
    [("x", "x"), ("w0", "w_{0}"), ("yhat1", r"\hat{y}_{1}"), ("alpha", r"\alpha"), ("xwb0", r"\mathit{xwb}_{0}"),
     ("my_name", r"\mathit{my\_name}"), ("ytilde", r"\tilde{y}"), ("delta2", r"\delta_{2}"),
     ("d_i", "d_{i}")],
)  # fmt: skip
def test_names(name, latex):
    assert latex_name(name) == latex


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("x/y", r"\frac{x}{y}"), ("x^2", "x^{2}"), ("sqrt(x)", r"\sqrt{x}"), ("x^(1/2)", r"\sqrt{x}"),
        ("alpha*(1 - alpha)", r"\alpha\left(1 - \alpha\right)"), ("2*x", "2 x"), ("x*2", r"x \cdot 2"),
        ("-x", "-x"), ("exp(-x)", "e^{-x}"), ("sigmoid(x)", r"\sigma\left(x\right)"), ("abs(x)", r"\left|x\right|"),
        ("step(x)", r"\mathbb{1}\left[x > 0\right]"), ("d(y, x)", r"\frac{\partial y}{\partial x}"), ("1e-3*x", r"1 \cdot 10^{-3} x"),
        ("(x + y)^2", r"\left(x + y\right)^{2}"), ("pi*x", r"\pi x"), ("x - (y - w0)", r"x - \left(y - w_{0}\right)"),
    ],
)  # fmt: skip
def test_formulas(text, latex):
    assert LatexWriter().write(parse(text, SCOPE)) == latex


def test_declared_spellings_are_used_and_a_power_of_one_is_bracketed():
    formula = Formula(parse("w0^2 + x", SCOPE), {"w0": "w_{0}^1"})
    assert formula.latex == r"\left(w_{0}^1\right)^{2} + x"
    assert str(formula) == "w0^2 + x"


def test_an_adjoint_is_a_derivative():
    assert LatexWriter().name("d(L, w0)") == r"\frac{\partial L}{\partial w_{0}}"


@pytest.mark.parametrize("word", sorted(set(GREEK_WORDS.values())))
def test_every_greek_letter_is_written_as_it_is_read(word):
    assert latex_name(word) == f"\\{word}"
    for spelling in (word, GREEK[word]):
        assert parse(spelling, names_of(word)) == Name(word)
    assert parse(f"\\{word}", names_of(word), latex=True) == Name(word)
