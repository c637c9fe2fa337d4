"""Formulas that are read otherwise than they stand: facts about functions, names without their numbers, other accents."""

from __future__ import annotations

import pytest

from tests.answers import graded, verdicts_of

NEURON, BATCH, ROWS, RATIO = "sigmoid-neuron", "mnist-mlp", "softmax-mlp", "tanh-ratio-plus-sigmoid"


@pytest.mark.parametrize(
    ("text", "problem", "wanted"),
    [
        (r"$\sigma'(x) = \sigma(x)(1-\sigma(x))$, $\sigma'(x) = \sigma(x)(1+\sigma(x))$", NEURON, "cw"),
        (r"$\frac{d}{dx}\sigma(x) = \sigma(x)(1-\sigma(x))$, $\frac{d\sigma(x)}{dx} = \sigma(x)$", NEURON, "cw"),
        (r"$\sigma'(t) = \frac{e^{-t}}{(1+e^{-t})^2}$, $\frac{d}{dt}e^{-t} = -e^{-t}$, $\frac{d}{dt}e^{-t} = e^{-t}$", NEURON, "ccw"),
        (r"$\frac{d\alpha}{dx} = \phi(x)(1-\phi(x))$, $\frac{d(\alpha)}{dx} = \phi'(x)(1-\phi(x))$", NEURON, "cw"),
        (r"$\phi'(x) = \phi(x)(1-\phi(x))$, $\phi'(x) = 2x$, $f'(x) = 2x$", NEURON, "c??"),  # φ and f may be any function
        (r"$\sigma(x) = \frac{1}{1+e^{-x}}$, $\sigma(x) = \max(0, x)$", NEURON, "c?"),  # which function σ is, the text says
        (r"$\tanh'(s) = 1-\tanh^2(s)$, $\tanh'(s) = 1-\tanh(s)$", NEURON, "cw"),
        ("sigma'(x) = sigma(x)*(1-sigma(x))\nd/dx exp(-x) = exp(-x)", NEURON, "cw"),
        (r"$\sigma'(t) = 1 - \sigma(t)^2$", "two-layer-columns", "?"),  # σ for the tanh of this problem, perhaps
        (r"$\sigma'(t) = \sigma(t)(1-\sigma(t))$, $\sigma'(t) = \sigma(t)$", BATCH, "cw"),
        (r"$\sigma'(z) = \sigma(z)(1-\sigma(z))$, $\sigma'(z) = \sigma(z)$", NEURON, "cw"),  # of the problem's own z
        (r"$q'(t) = 5$", NEURON, "u"),
    ],
)  # fmt: skip
def test_facts_about_functions(text, problem, wanted):
    assert verdicts_of(text, problem) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (r"$z = xW + b$", "c"),
        (r"$\tilde y = hW + b$", "c"),
        (r"$z = n W + b'$", "c"),
        (r"$z = hW + b$", "u"),  # no number fits
        (r"$z = xW$", "u"),  # fits, and is not right
        (r"$\hat{y} = soft \max(\tilde{y})$, $\hat{y} = \text{soft}\max(\tilde y)$, $\hat y = \mathrm{soft\,max}(\tilde y)$", "ccc"),
        (r"$\hat y = softmax(\hat y)$", "?"),
        (r"$\hat y = softmax(h)$", "w"),
        ("l = -y.log(yhat)\nl = -y.log(g)\nl = y.log(yhat)", "ccw"),
        (r"$d\hat y_t = \hat y_t d\tilde y_t - \hat y_t \sum_j \hat y_j d\tilde y_j$", "?"),
        ("where n = some arbitrary variable", ""),
    ],
)  # fmt: skip
def test_names_and_letters_that_were_lost(text, wanted):
    assert verdicts_of(text, ROWS) == wanted


def test_how_it_was_read_is_told():
    (claim,) = graded(r"$z = n W + b'$", ROWS)
    assert claim.note == "n read as x, W read as W_1"
    (claim,) = graded(r"$\hat y = softmax(\hat y)$", ROWS)
    assert "\\tilde{y}" in claim.note


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            r"$\frac{\partial \alpha}{\partial z} = \frac{\partial \alpha}{\partial z}\left(\frac{1}{1+e^{-z}}\right)$",
            "c",
        ),
        (
            r"$\frac{\partial \alpha}{\partial z} = \frac{\partial \alpha}{\partial z}\left(\frac{1}{1-e^{-z}}\right)$",
            "?",
        ),
        (
            r"$\frac{\partial \alpha}{\partial z} = \frac{\partial \alpha}{\partial z} \cdot \left(\frac{1}{1+e^{-z}}\right)$",
            "?",
        ),
    ],
)
def test_a_derivative_for_the_operator(text, wanted):
    assert verdicts_of(text, NEURON) == wanted
