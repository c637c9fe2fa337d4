r"""Reading LaTeX: the spellings of real homework, with names settled by the problem's table."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import GradcheckError, ParseError
from gradcheck_cli.parsing.text import parse, readings
from gradcheck_cli.problem import load
from gradcheck_cli.write.latex import LatexWriter
from gradcheck_cli.write.text import write

PROBLEMS = {
    name: load(name) for name in ("sigmoid-neuron", "four-hidden-units", "residual-relu", "tanh-ratio-plus-sigmoid")
}

SAME = {
    "sigmoid-neuron": [
        (r"w_0 \alpha (1-\alpha)", "w0*a*(1 - a)"),
        (r"w_0x_0+w_1 x_1+w_2", "w0*x0 + w1*x1 + w2"),
        (r"\frac{w_0 e^{-z}}{(1+e^{-z})^2}", "w0*e^(-z)/(1 + e^(-z))^2"),
        (r"-\frac{(-w_0) e^{-z}}{u^2}", "-(-w0)*e^(-z)/u^2"),
        (r"\frac{\partial \alpha}{\partial z} \times \frac{\partial z}{\partial x_0}", "d(a, z)*d(z, x0)"),
        (r"\dfrac{d\alpha}{dx_0}", "d(a, x0)"),
        (r"\frac{\mathrm{d}\alpha}{\mathrm{d}x_0}", "d(a, x0)"),
        (r"\sigma(z)\left(1-\sigma(z)\right)", "sigmoid(z)*(1 - sigmoid(z))"),
        (r"\frac12", "1/2"),
        (r"\frac{1}{2}x_0", "1/2*x0"),
        (r"x_0^2", "x0^2"),
        (r"x_{0}^{10}", "x0^10"),
        (r"e^-z", "e^(-z)"),
        (r"\sqrt{x_0^2}", "sqrt(x0^2)"),
        (r"\text{ReLU}(z)", "relu(z)"),
        (r"\operatorname{sigmoid}(z)", "sigmoid(z)"),
        (r"sigmoid(z)", "sigmoid(z)"),
        (r"\tanh z", "tanh(z)"),
        (r"\ln(1+e^{-z})", "log(1 + e^(-z))"),
        (r"0{,}39", "0.39"),
        (r"-3 \times 0.197", "-3*0.197"),
        (r"\mathbb{1}[z > 0]", "1*(z > 0)"),
        (r"\left|z\right|", "abs(z)"),
        (r"\boxed{z}", "z"),
        (r"\mathbf{z}", "z"),
        (r"z \cdot \pi", "z*pi"),
        (r"\alpha\,(1-\alpha)", "a*(1 - a)"),
        (r"a/2", "a/2"),
    ],
    "four-hidden-units": [
        (r"w_{11}^2h_1 + w_{31}^2h_3", "w11*h1 + w31*h3"),
        (r"w_{11}^2sigmoid(w_{21}^1x_2 + B)", "w11*sigmoid(w21*x2 + B)"),
        (r"w_{31}ReLU(w_{23}^1x_2 + w_{33}^1x_3 + B)", "w31*relu(w23*x2 + w33*x3 + B)"),
        (r"\frac{1}{2}(y_1 - \hat{y_1})^2 + \frac{1}{2}(y_2 - \hat{y}_2)^2", "1/2*(y1 - yhat1)^2 + 1/2*(y2 - yhat2)^2"),
        (r"\frac{\partial L}{\partial w_{31}^2}", "d(L, w31)"),
        (r"\frac{\partial mse}{\partial w_{21}^1}", "d(L, w21)"),
        (r"w_{31}^2 - \alpha \frac{\partial L}{\partial w_{31}^2}", "w31 - alpha*d(L, w31)"),
    ],
    "residual-relu": [
        (r"\frac{dz}{dyx} \cdot \frac{dyx}{dy_1} \cdot \frac{dxwb_0}{dw_0}", "d(z, yx)*d(yx, y1)*d(xwb0, w0)"),
        (r"1 \cdot (xwb_0 > 0?)", "1*(xwb0 > 0)"),
        (r"xw_0 + b_0", "xw0 + b0"),
    ],
    "tanh-ratio-plus-sigmoid": [
        (r"\frac{\partial y}{\partial \phi_1(h_1)} \cdot \frac{\partial \phi_1(h_1)}{\partial h_1}", "d(y, phi1)*d(phi1, h1)"),
        (r"-\frac{x_1}{x_2^2}", "-x1/x2^2"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "text", "plain"), [(name, *pair) for name, pairs in SAME.items() for pair in pairs]
)
def test_spellings_of_homework(problem, text, plain):
    assert write(readings(text, PROBLEMS[problem].scope, latex=True)[0]) == plain


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (r"\begin{cases} 1 \end{cases}", r"formula:1:1: \begin is not read; type the formula without it"),
        (r"\frac{1}{", 'formula:1:9: "{" is never closed; add "}"'),
        (r"\frac{1}{}", "formula:1:7: a fraction has an empty part; fill it"),
        (r"\frac{1}", "formula:1:8: an argument is missing; put it in braces"),
        (r"x_9", 'formula:1:1: "x_9" is no name or function here; this problem knows w0, w1, w2, x0, x1, z, a, u'),
        (r"\text{so } z", 'formula:1:1: the words "so" stand inside the formula; write them outside'),
        (r"\sqrt[3]{z}", "formula:1:1: roots with an index are not read; write a power: x^{1/3}"),
        (r"z + \alpha)", 'formula:1:11: ")" closes nothing; remove it, or open it with "("'),
        ("{" * 100 + "z" + "}" * 100, "formula:1:62: the formula is nested more than 60 deep; give its parts names"),
    ],
)
def test_what_is_not_read_says_where_and_why(text, message):
    with pytest.raises(ParseError) as caught:
        parse(text, PROBLEMS["sigmoid-neuron"].scope, latex=True)
    assert str(caught.value) == message


PIECES = [r"\frac", r"\partial", "{", "}", "_", "^", "w", "0", "x_0", r"\alpha", "(", ")", "+", "-", r"\cdot", "2", " ",
          r"\left", r"\right", "|", r"\hat", r"\sigma", "z", "d", r"\sqrt", "e", ",", "$", "\\", r"\text", "T"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_latex_is_read_or_explained(text):
    with contextlib.suppress(GradcheckError):
        readings(text, PROBLEMS["sigmoid-neuron"].scope, latex=True)


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_what_we_print_we_read(name):
    problem = PROBLEMS[name]
    for node in problem.graph.nodes:
        text = LatexWriter(problem.latex).write(node.expr)
        assert write(readings(text, problem.scope, latex=True)[0]) == write(node.expr)
