"""What stands beside a formula, or for something else in it: conditions, points, lists, numbers of other steps."""

from __future__ import annotations

import pytest

from gradcheck_cli.problem import load
from gradcheck_cli.solving.engine import Engine
from gradcheck_cli.verifying.worth import COMMON, derived
from tests.answers import graded, verdicts_of

RELU, NEURON, HIDDEN, SQUARED, SUM = "residual-relu", "sigmoid-neuron", "four-hidden-units", "squared-term", "sum-times"
UNIT, RATIO = "softmax-unit", "tanh-ratio-plus-sigmoid"
B1 = r"\frac{\partial x_4}{\partial b_1} = x_4(1-x_4)w_2"


@pytest.mark.parametrize(
    ("text", "problem", "wanted"),
    [
        (f"${B1}$ if $x_1 > 0$ else $0$", UNIT, "c"),
        (f"${B1}$ if $x_1 < 0$", UNIT, "w"),
        (f"${B1}$", UNIT, "w"),
        (f"${B1} \\text{{ if }} x_1 > 0$", UNIT, "c"),
        (f"If $x_1 > 0$, then ${B1}$ and $\\frac{{\\partial x_4}}{{\\partial w_1}} = x_4(1-x_4)w_2$.", UNIT, "cc"),
        (f"For $x_1 > 0$:\n\n${B1}$", UNIT, "w"),  # not on the line above
        (f"For $0 < x_1$:\n${B1}$", UNIT, "c"),
        (f"$x_1 > 0$, so $\\frac{{\\partial x_2}}{{\\partial x_1}} = 1$\n${B1}$", UNIT, "cw"),
        (f"${B1}$ for $x_1 \\geq 1$, and $\\frac{{\\partial x_4}}{{\\partial b_1}} = 0$ when $x_1 \\le 0$", UNIT, "cc"),
        ("dz/dw0 = 0 if xwb0 < 0", RELU, "c"),
        ("dz/dw0 = 0 if xwb0 > 0", RELU, "w"),
        ("dz/dx0 = 1 if xwb0 < 0, dz/dx0 = 1 if xwb0 > 0", RELU, "cw"),
        ("dz/dw0 = 0 (if xwb0 < 0)", RELU, "c"),
        ("dz/dyx = 1 (because 0.62 > 0)", RELU, "c"),
        (r"$\frac{\partial z}{\partial w_0} = \begin{cases} w_1 x_0 & \text{if } yx > 0 \text{ and } xwb_0 > 0 \\ 0 & \text{else} \end{cases}$", RELU, "c"),
        (r"$\frac{\partial z}{\partial w_0} = \begin{cases} w_1 x_0 & \text{if } yx < 0 \land xwb_0 > 0 \\ 0 & \text{else} \end{cases}$", RELU, "w"),
    ],
)  # fmt: skip
def test_a_condition_beside_a_formula(text, problem, wanted):
    assert verdicts_of(text, problem) == wanted


@pytest.mark.parametrize(
    ("text", "problem", "wanted"),
    [
        ("$f'(2) = 12$, $f(2) = 12$, $f''(2) = 6$, $a'(2) = 4$", SQUARED, "cccc"),
        ("$f'(3) = 18$, $f(3) = 27$, $f'(2) = 11$, $f(2) = 10$", SQUARED, "ccww"),
        (r"$\frac{df}{dx}(2) = 12$, $\frac{df}{dx}(3) = 18$, $\frac{df}{dx}(2) = 25$", SQUARED, "ccw"),
        (r"$\left[\frac{\partial f}{\partial x}\right]_{x=2} = 12$, $\left[\frac{\partial f}{\partial x}\right]_{x=1} = 12$", SQUARED, "cw"),
        ("f(-2, 5, -4) = -12\nf(1,1,1) = 2\nf(-2,5,-4) = 12\nq(-2, 5) = 3", SUM, "ccwc"),
        ("a(1) = 0.731, a'(1) = 0.197, a'(0) = 0.25", NEURON, "cc?"),
        ("f'(7) = 12", SQUARED, "?"),
        (r"$\frac{f(2.001) - f(2)}{0.001} = 12.003$", SQUARED, "c"),
        (r"$\alpha(0.269) = 0.1966$", NEURON, "?"),
        (r"$f'(2) = 24$, $\frac{df}{dx}(3) = 12$", SQUARED, "ww"),
    ],
)  # fmt: skip
def test_a_function_at_a_point(text, problem, wanted):
    assert verdicts_of(text, problem) == wanted


@pytest.mark.parametrize(
    ("text", "problem", "wanted"),
    [
        (r"$\nabla f = (-4, -4, 3)$", SUM, "ccc"),
        (r"$\nabla f(x, y, z) = (z, z, x + y) = (-4, -4, 4)$", SUM, "ccw"),
        (r"$\nabla y = \begin{pmatrix} 0.7992 \\ -0.2282 \end{pmatrix}$, $\nabla y = [0.7992, 0.2282]^\top$", RATIO, "cccw"),
        (r"$\nabla f = (12, 4)$, $\nabla f = (4, 12)$, $\nabla f = (12, 4, 1)$", SQUARED, "ccwwu"),
    ],
)  # fmt: skip
def test_a_gradient_as_a_list(text, problem, wanted):
    assert verdicts_of(text, problem) == wanted


@pytest.mark.parametrize(
    ("text", "problem", "wanted"),
    [
        (r"$\frac{\partial f}{\partial x} = \frac{1}{y} \cdot 17 = \frac{17}{4} = 4\tfrac14$", "chained-ratios", "c"),
        (r"$\frac{\partial f}{\partial x} = \frac{1}{y} \cdot 18 = \frac{18}{4}$", "chained-ratios", "w"),
        (r"$\frac{\partial f}{\partial x} = 4\tfrac34$, $\frac{\partial f}{\partial x} = 4\frac54$", "chained-ratios", "ww"),
        ("dL/dz = z = 1\ndL/dx = 1/s = 0.5", "gaussian", "cc"),
        ("dL/dx = 1/s = 0.5", "gaussian", "w"),  # nothing says that the factor z has been put in
        (r"$\hat{y}_1 = 0.7 \cdot 0.6514 + 0.33 \cdot 0.64 = 0.6672$, $\delta_1 = \hat{y}_1 - y_1 = 0.3572$", HIDDEN, "cc"),
        (r"$\delta_1 = \hat{y}_1 - y_1 = 0.3581$", HIDDEN, "w"),
        (r"$E = \frac12 (0.31-0.6671)^2 + \frac12 (0.27-0.7849)^2 = 0.0638 + 0.1326 = 0.1964$, $\frac{\partial E}{\partial \hat{y}_1} = \hat{y}_1 - y_1$", HIDDEN, "cc"),
        ("o = 0.731, do/dz = o(1 - o) = 0.197, do/dz = o = 0.731", NEURON, "ccw"),
        ("o = 5, do/dz = 0", NEURON, "cu"),
        ("E = 0.25, J = 0.1963", HIDDEN, "?c"),
    ],
)  # fmt: skip
def test_numbers_that_stand_for_other_steps(text, problem, wanted):
    assert verdicts_of(text, problem) == wanted


@pytest.mark.parametrize("name", [RELU, NEURON, HIDDEN, SQUARED, SUM, RATIO])
def test_what_numbers_may_stand_for_has_these_values(name):
    engine = Engine(load(name))
    for worth in derived(engine):
        assert engine.value(worth.meaning) == worth.value
        assert abs(worth.value) not in COMMON


@pytest.mark.parametrize(
    ("text", "problem", "wanted"),
    [
        (r"$df = z\,dx + z\,dy + (x+y)\,dz$, $df = (x + y) dz + z dq$, $df = 2(x+y)\,dz$", SUM, "ccw"),
        (r"$\delta f = z\,\delta x + z\,\delta y + q\,\delta z$", SUM, "c"),
        (r"$D_x f = z$, $D_{z} f = x + y$, $D_x f = 3$", SUM, "ccw"),
        (r"$\phi_1' = 1 - \phi_1^2$, $dy = \phi_1'\,dh_1 + \phi_2'\,dh_2$, $dy = \phi_2'\,dh_1$", RATIO, "ccw"),
        (r"The local gradient is $\frac{\partial a}{\partial x} = 2x = 4$, so downstream $= 3 \cdot 4 = 12$", SQUARED, "cc"),
        (r"We have $\frac{\partial a}{\partial x} = 2x$, which is $= 12$", SQUARED, "w"),
        (r"We have $\frac{\partial a}{\partial x} = 2x$, and the product is $= 12$", SQUARED, "cc"),
        (r"$\frac{\partial^2 f}{\partial x^2} = 0$", "swish-unit", "w"),
        (r"$\frac{\partial \alpha}{\partial z} \overset{\text{(1)}}{=} \alpha(1-\alpha) = 0.197$", NEURON, "c"),
        ("z = 1 # forward\na = 0.731  # 0.7311", NEURON, "cc"),
        ("Q1. z=1. a=0.731", NEURON, "cc"),
        ("At x=2: df/dx = 12, at c = 3: df/dc = 4", SQUARED, "cccc"),
        ("a = sigma(z), da/dz = sigma(z)*(1 - sigma(z))", NEURON, "cc"),
        ("z = 1\nwe see\n= 0.731", NEURON, "?"),
        ("That is a(1-a), i.e. da/dz = 0.197", NEURON, "c"),
        # after the update the forward pass is worked out again
        ("w_new = 0.8353\nb_new = 0.174\nz1 = 0.8353*0.5 + 0.174 = 0.592\nh1 = tanh(0.592) = 0.531\nz2 = 0.6175\nh1 = 0.6", "shared-weight", "cccccw"),
        ("w_new = 0.8353\nz1 = 0.592", "shared-weight", "cw"),
        (r"$z_1^{new} = 0.592$, $L_{new} = 0.1014$, $L_{new} = 0.12$, $h_{1,new} = 0.46$", "shared-weight", "cc?u"),
        (r"If $x = \mu$, then $z = 0$." + "\n" + r"$z = 0$", "gaussian", "??w"),
        # equations that are solved are about no given values
        (r"$D'(q) = 0 \iff q = p$, and $D'(q) = 0$", "kl-bernoulli", "??w"),
        (r"Setting $\frac{\partial L}{\partial \mu} = 0$ gives $\mu = x$.", "gaussian", "??"),
        (r"We set $\frac{\partial L}{\partial \mu} = 0$ and find $\mu = x$; but $\frac{\partial L}{\partial \mu} = 0.5$", "gaussian", "??w"),
        (r"$\frac{\partial L}{\partial \sigma} = 0$ is the minimum; $\frac{\partial L}{\partial \mu} = 0$", "gaussian", "c?"),
        (r"$\frac{\partial L}{\partial \mu} = 0$, so nothing moves", "gaussian", "w"),
        (r"$x_1 w_2 x_4 (1 - x_4) = 0.1$, $w_1 \alpha (1 - \alpha) = -0.5899$", NEURON, "u?"),
        ("dyx = 1\ndy1 = dyx\ndx1 = w1*dxw1\ndx0 = 1 + 0.06", RELU, "cccw"),
    ],
)  # fmt: skip
def test_other_notations(text, problem, wanted):
    assert verdicts_of(text, problem) == wanted


@pytest.mark.parametrize(
    ("text", "problem", "wanted"),
    [
        (r"$df = d(qz) = z\,dq + q\,dz$, $df = d(q)z + q\,d(z)$, $df = d(q)z - q\,d(z)$", SUM, "ccw"),
        (r"$df = d(x+y)\,z + (x+y)\,dz$, $d(qz) = q\,dz + z\,dq$, $d(qz) = q\,dz - z\,dq$", SUM, "ccw"),
        ("df = d(q)*z + q*d(z)\ndq = d(x) + d(y)\ndf = d(x*y)", SUM, "ccw"),
        (r"$d(xz + yz) = z\,dx + z\,dy + (x+y)\,dz$, $df = d(xz) + d(yz)$, $df = d(xz) + d(yx)$", SUM, "ccw"),
        (r"$df = c\,d(x^2) = 2cx\,dx$, $df = c\,d(x^2) + x^2\,dc$, $df = c\,d(x^2) + x\,dc$", SQUARED, "ccw"),
        (r"$da = d(x^2) = 2x\,dx$, $d(x^2) = 2x\,dx$, $d(x^2) = x\,dx$", SQUARED, "ccw"),
        (r"$d\alpha = d(\sigma(z)) = \sigma(z)(1-\sigma(z))\,dz$, $d\sigma(z) = \sigma(z)\,dz$", NEURON, "cw"),
        (r"$d\alpha = \alpha(1-\alpha)\,d(w_0 x_0 + w_1 x_1 + w_2)$, $d \ln \alpha = (1-\alpha) dz$", NEURON, "cc"),
        (r"$d\alpha = -\frac{d(1+e^{-z})}{(1+e^{-z})^2} = \frac{e^{-z}}{(1+e^{-z})^2} dz$", NEURON, "c"),
        (r"$d\alpha = \frac{d(1+e^{-z})}{(1+e^{-z})^2}$, $d(e^{-z}) = -e^{-z}\,dz$, $d(e^{-z}) = e^{-z}\,dz$", NEURON, "wcw"),
    ],
)  # fmt: skip
def test_differentials_of_expressions(text, problem, wanted):
    assert verdicts_of(text, problem) == wanted


def test_a_wrong_differential_of_an_expression_is_told_what_is_right():
    (claim,) = graded(r"$d(qz) = q\,dz - z\,dq$", SUM)
    assert (claim.members[0].note, claim.expected) == ("the coefficient of dq should be z", "z*dq + q*dz")


def test_a_wrong_differential_is_told_which_coefficient():
    (claim,) = graded(r"$df = z\,dq + z\,dz$", SUM)
    assert claim.members[0].note == "the coefficient of dz should be q"
    assert claim.expected == "z*dq + q*dz"
