"""Quotients of differences, as numeric checks of gradients have them: against what they come to, and the derivative."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.answers import verdicts_of

SQUARED, NEURON, HIDDEN, SUM = "squared-term", "sigmoid-neuron", "four-hidden-units", "sum-times"  # f = 3x^2 at x = 2


@pytest.mark.parametrize(
    ("text", "problem", "wanted"),
    [
        ("(f(x+0.01)-f(x-0.01))/(0.02) = 12", SQUARED, "c"),
        ("(f(x+0.01) - f(x))/0.01 = 12.03", SQUARED, "c"),
        ("(f(x+0.01) - f(x))/0.01 = 12.5", SQUARED, "w"),
        ("(f(x) - f(x - 0.01))/0.01 = 11.97", SQUARED, "c"),
        ("(f(2.01)-f(2))/0.01 = 12.03", SQUARED, "c"),
        ("(f(2.01)-f(2))/0.01 = 11", SQUARED, "w"),
        ("(f(2.1, 3)-f(2, 3))/0.1 = 12.3", SQUARED, "c"),
        (r"$\frac{f(2+0.1)-f(2)}{0.1} = 12.3$", SQUARED, "c"),
        ("f(x+0.01) = 12.1203, f(x+0.01) = 12.2", SQUARED, "cw"),
        ("h = 0.01\n(f(x+h)-f(x))/h = 12.03\n(f(x+h)-f(x))/h = 13", SQUARED, "ccw"),
        (r"$\frac{f(x+h)-f(x)}{h} = 12.03$ with $h=0.01$", SQUARED, "cc"),
        ("(a(w0+0.001)-a(w0-0.001))/0.002 = -0.1966", NEURON, "c"),
        ("(a(w0 + 1e-3) - a(w0 - 1e-3))/2e-3 = -0.19661", NEURON, "c"),
        ("(a(w0+0.001)-a(w0-0.001))/0.002 = 0.1966", NEURON, "w"),
        ("(a(z+0.01)-a(z-0.01))/0.02 = 0.1966", NEURON, "c"),
        ("(a(z+0.01)-a(z-0.01))/0.01 = 0.1966", NEURON, "w"),
        ("(L(w31+0.001)-L(w31-0.001))/(0.002) = 0.2286", HIDDEN, "c"),
        ("(L(0.3301)-L(0.3299))/0.0002 = 0.2286", HIDDEN, "c"),
        ("(L(w31+0.001)-L(w31-0.001))/(0.002) = 0.1234", HIDDEN, "w"),
        ("(f(x + 1, y, z) - f(x, y, z))/1 = -4", SUM, "c"),
    ],
)
def test_a_quotient_is_what_it_comes_to(text, problem, wanted):
    assert verdicts_of(text, problem) == wanted


@pytest.mark.parametrize(
    ("text", "problem", "wanted"),
    [
        (r"$\frac{f(x+0.01)-f(x)}{0.01} \approx 12$, $\frac{f(x+0.1)-f(x)}{0.1} \approx 6x$", SQUARED, "cc"),
        (r"$\frac{f(x+0.1)-f(x)}{0.1} \approx 12.0$, $\frac{f(x+0.1)-f(x)}{0.1} \approx 12.2$", SQUARED, "cc"),
        (r"$\frac{f(x+0.1)-f(x)}{0.1} \approx 11.8$, $\frac{f(x+0.1)-f(x)}{0.1} \approx 12.5$", SQUARED, "ww"),
        (r"$\frac{f(x+0.1)-f(x)}{0.1} = 6x$", SQUARED, "?"),  # near it, and not equal
        (r"$\frac{f(x+0.1)-f(x)}{0.1} = 6x + 0.3 = 12.3$", SQUARED, "c"),
        (r"$\frac{df}{dx} \approx \frac{f(2.01)-f(2)}{0.01} = \frac{12.1203-12}{0.01} = 12.03$", SQUARED, "c"),
        (r"$\frac{df}{dx} \approx \frac{f(2.01)-f(2)}{0.01} = \frac{12.1203-12}{0.01} = 12.3$", SQUARED, "w"),
        (r"$\frac{df}{dx} \approx \frac{f(2.01)-f(1.99)}{0.01} = 24$", SQUARED, "w"),  # the steps are 0.02 apart
        (r"$\frac{df}{dx} \approx \frac{f(2.01)-f(1.99)}{0.03}$", SQUARED, "w"),
        (r"$f'(2) \approx \frac{f(2.1)-f(1.9)}{0.2} = 12$", SQUARED, "c"),
        ("da/dw0 ≈ (a(w0+0.001)-a(w0-0.001))/0.002 = (0.73086-0.73126)/0.002 = -0.2", NEURON, "c"),
        (r"$\frac{\alpha(w_0+0.001)-\alpha(w_0-0.001)}{0.002} = -0.1966 \approx \frac{\partial \alpha}{\partial w_0}$", NEURON, "c"),
        ("da/dw0 ≈ (a(w1+0.001)-a(w1-0.001))/0.002", NEURON, "w"),
    ],
)  # fmt: skip
def test_a_quotient_is_near_the_derivative(text, problem, wanted):
    assert verdicts_of(text, problem) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (r"$\frac{df}{dx} \approx \frac{f(x+h)-f(x-h)}{2h} = 12$", "c"),
        (r"$\frac{df}{dx} \approx \frac{f(x+h)-f(x-h)}{2h} = 12.001$", "?"),  # who knows h
        (r"$\frac{df}{dx} \approx \frac{f(x+h)-f(x-h)}{h}$", "w"),
        (r"$f'(x) = \lim_{h \to 0} \frac{f(x+h)-f(x)}{h} = 6x$", "c"),
        (r"$f'(x) = \lim_{h \to 0} \frac{f(x+h)-f(x)}{h} = 13$", "w"),
        (r"$\lim_{h\to 0} \frac{f(x+h)-f(x)}{h} = 12$", "c"),
        (r"$\frac{1}{2h}(f(x+h)-f(x-h)) \approx 12$", "c"),
        (r"$\frac{f(2+h)-f(2)}{h} \approx 12$", "c"),
        ("(f(x+eps) - f(x-eps))/(2*eps) ≈ df/dx", "c"),
        ("df/dc ≈ (f(c+h)-f(c))/h", "c"),
        ("df/dx ≈ (f(c+h)-f(c))/h", "w"),
        (r"$\frac{f(x+\epsilon)-f(x-\epsilon)}{2\epsilon} \approx \frac{df}{dx} = 12$", "c"),
    ],
)
def test_a_step_without_a_value(text, wanted):
    assert verdicts_of(text, SQUARED) == wanted


@given(step=st.sampled_from(("0.1", "0.01", "0.25", "1e-3", "0.5")), side=st.sampled_from(("+", "-")))
def test_every_right_quotient_is_right(step, side):
    """Of 3x^2 at 2 the one-sided quotient is 12 + 3h, or 12 - 3h."""
    value = round(12 + 3 * float(side + step), 4)
    top = f"f(x+{step}) - f(x)" if side == "+" else f"f(x) - f(x-{step})"
    assert verdicts_of(f"({top})/{step} = {value}", SQUARED) == "c"
    assert verdicts_of(f"({top})/{step} = {value + 2}", SQUARED) == "w"
