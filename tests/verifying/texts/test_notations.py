"""Notations around formulas about numbers: HTML, units of measure, sums over names with numbers, gradients as lists."""

from __future__ import annotations

import pytest

from tests.answers import graded, verdicts_of

NEURON, POINTS, RESISTORS, UNITS = "sigmoid-neuron", "three-points", "resistors", "four-hidden-units"
OSCILLATION = "oscillation"


@pytest.mark.parametrize(
    ("text", "problem", "verdicts"),
    [
        # HTML and Pandoc's scripts
        ("z = w<sub>0</sub>x<sub>0</sub> + w<sub>1</sub>x<sub>1</sub> + w<sub>2</sub> = 1", NEURON, "c"),
        ("z = w<sub>0</sub>x<sub>0</sub> + w<sub>1</sub>x<sub>1</sub> = 1", NEURON, "w"),
        ("∂α/∂w<sub>0</sub> = α(1 − α)x<sub>0</sub> ≈ −0.197", NEURON, "c"),
        ("∂α/∂w<sub>0</sub> = α(1 − α)x<sub>1</sub>", NEURON, "w"),
        ("<b>∂α/∂z</b> = e<sup>-z</sup>/(1 + e<sup>-z</sup>)<sup>2</sup> = <i>0.197</i><br>", NEURON, "c"),
        ("∂α/∂z = e<sup>−z</sup>/(1 + e<sup>−z</sup>)", NEURON, "w"),
        ("&part;&alpha;/&part;w<sub>1</sub> = x<sub>1</sub>&middot;&alpha;(1&minus;&alpha;) = &minus;0.39", NEURON, "c"),
        ("∂a/∂x~0~ = w~0~ a(1-a) = 0.39 and ∂a/∂z = e^-z^/(1+e^-z^)^2^", NEURON, "cc"),
        # sentences before a formula
        ("First the forward pass. z = 1 and so a = 0.731", NEURON, "cc"),
        ("Numbers: z = 1. So the activation is a = 0.731. The other one is da/dz = 0.197", NEURON, "ccc"),
        ("L'erreur vaut L = 1/2(0,31 − 0,6671)² + 1/2(0,27 − 0,7849)² = 0,1963.", UNITS, "c"),
        # a decimal comma elsewhere in a formula; updates in other languages
        (r"$w_{neu} = 0{,}5 + 0{,}1\cdot4{,}667 = 0{,}967$ und $b_{neu} = 0{,}1 - 0{,}1\cdot 2 = -0{,}1$", POINTS, "cw"),
        ("w_neu = 0,5 + 0,1*4,667 = 0,967", POINTS, "c"),
        (r"$s = 0{,}5 + 0{,}1\cdot4{,}667 = 0{,}967$", POINTS, "c"),
        # dots above, of what moves with time; fractions of Unicode
        (r"$\dot x = -A e^{-\beta t}(\beta\cos(\omega t) + \omega \sin(\omega t)) = -6.05$", OSCILLATION, "c"),
        (r"$\ddot{x} = A e^{-\beta t}((\beta^2 - \omega^2)\cos\omega t + 2\beta\omega\sin\omega t)$", OSCILLATION, "c"),
        (r"$\dot{x}(0) = -\beta A$ and $\dot x = -A\omega e^{-\beta t}\sin\omega t$", OSCILLATION, "cw"),
        (r"$\dot{A} = 0$", OSCILLATION, "u"),
        ("∂z/∂b₀ = w₁ = −⅕, ∂z/∂w₁ = ⅖, ∂z/∂w₁ = ⅗", "residual-relu", "ccw"),
        # sums over the names that a letter numbers
        (r"$J = \frac13\sum_i (\hat y_i - y_i)^2 = 1.187$", POINTS, "c"),
        (r"$\frac{\partial J}{\partial w} = \frac{2}{3}\sum_{i=1}^n (\hat{y}_i - y_i) x_i$", POINTS, "c"),
        (r"$\frac{\partial J}{\partial w} = \frac{2}{3}\sum_{i=1}^n (\hat{y}_i - y_i)$", POINTS, "w"),
        (r"$L = \frac12 \sum_i (y_i - \hat y_i)^2$ and $L = \sum_i (y_i - \hat y_i)^2$", UNITS, "cw"),
        (r"$z = \sum_i w_i x_i$", NEURON, "u"),  # there is no x_2
        # gradients as lists
        (r"$\nabla_w \alpha = \alpha(1-\alpha)\,(x_0, x_1, 1)^\top = (-0.197, -0.393, 0.197)^\top$", NEURON, "ccc"),
        (r"$\nabla_{\mathbf{w}} \alpha = \alpha(1-\alpha) \begin{pmatrix} x_0 \\ x_1 \\ w_2 \end{pmatrix}$", NEURON, "ccw"),
        (r"$\frac{\partial \alpha}{\partial \mathbf{x}} = 0.1966 \begin{bmatrix} w_0 \\ w_1 \end{bmatrix}$", NEURON, "cc"),
        (r"$\nabla_x \alpha = -(0.393, -0.59)$", NEURON, "ww"),
        (r"$\nabla_{w,b} J = (-4.67, -2)$ and $\nabla_\theta J = (-4.67, -1)$", POINTS, "cccw"),
        (r"$\nabla J(w,b) = \frac23 \left(\sum_i (\hat y_i - y_i) x_i, \sum_i (\hat y_i - y_i)\right)$", POINTS, "cc"),
        # units of measure count where the formula is right without them, or with what their prefixes stand for
        ("R = 220*330/(220+330) = 72600/550 = 132 Ohm", RESISTORS, "c"),
        ("I = 12 V / 132 Ohm = 0.0909 A = 90.9 mA", RESISTORS, "c"),
        ("P = 1091 mW and P = 1.09 W and P = 1.09 mW", RESISTORS, "ccu"),
        (r"$R = \frac{220\,\Omega \cdot 330\,\Omega}{550\,\Omega} = 132\,\Omega = 0.132\,\mathrm{k}\Omega$", RESISTORS, "c"),
        (r"$I = 12\,\mathrm{V}/(132\,\Omega) = 0.0909\,\mathrm{V}/\Omega$", RESISTORS, "u"),
    ],
)  # fmt: skip
def test_what_stands_around_numbers_is_read(text, problem, verdicts):
    assert verdicts_of(text, problem) == verdicts


def test_units_are_told():
    (claim,) = graded("I = 90.9 mA", RESISTORS)
    assert claim.note == "units of measure left out, with what their prefixes stand for"


def test_places_in_html_are_those_of_the_file():
    (claim,) = graded("a = 0.73\n\nz = w<sub>0</sub>x<sub>0</sub> = 2", NEURON)[1:]
    assert claim.line == 3
    source, span = claim.members[1].source.whole(None)
    assert source.text[span.start :] == "2"
