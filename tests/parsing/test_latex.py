r"""Reading LaTeX: the spellings of real homework, with names settled by the problem's table."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import GradcheckError, ParseError
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse, readings
from gradcheck_cli.problem import load
from gradcheck_cli.solving.engine import Engine
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
        (r"0{,}123", "0.123"),
        (r"12{,}5\%", "12.5e-2"),
        (r"0{,}125\%", "0.125e-2"),
        (r"32{,}769", "32769"),
        (r"1{,}234{,}567", "1234567"),
        (r"32\,769", "32769"),
        (r"30 \cdot 1{,}024", "30*1024"),
        (r"-3 \times 0.197", "-3*0.197"),
        (r"\mathbb{1}[z > 0]", "1*(z > 0)"),
        (r"\left|z\right|", "abs(z)"),
        (r"\boxed{z}", "z"),
        (r"\mathbf{z}", "z"),
        (r"z \cdot \pi", "z*pi"),
        (r"\alpha\,(1-\alpha)", "a*(1 - a)"),
        (r"a/2", "a/2"),
        (r"\sqrt[3]{z}", "z^(1/3)"),
        (r"\log_{2} z", "log2(z)"),
        (r"\tanh^{2}(z)", "tanh(z)^2"),
        (r"\begin{cases} 1 & \text{if } z > 0 \\ 0 & \text{if } z \leq 0 \end{cases}", "where(z > 0, 1, 0)"),
        (r"\begin{cases} z, & z \geq 0 \\ 0, & \text{otherwise} \end{cases}", "where(z >= 0, z, 0)"),
        (r"\begin{cases} 1 \text{ if } z = 0 \\ 0 \text{ else} \end{cases}", "where(z == 0, 1, 0)"),
        (r"\left\{ \begin{array}{ll} -1 & z<0 \\ 0 & z=0 \\ 1 & z>0 \end{array} \right.", "where(z < 0, -1, where(z == 0, 0, 1))"),
        (r"\frac{\partial}{\partial x_0} \times \left(\frac{1}{u(x_0)} \right)", "d(1/u, x0)"),
        (r"\frac{d}{dz}\left[z^2\right]", "d(z^2, z)"),
        (r"\frac{\partial tanh(z)}{\partial z}", "d(tanh(z), z)"),
        (r"\frac{d(\alpha)}{dz}", "d(a, z)"),
        (r"-\frac{u'(x_0)}{u(x_0)^2}", "-d(u, x0)/u^2"),
        (r"u^{\prime}(z)", "d(u, z)"),
        (r"\nabla_{w_0} \alpha", "d(a, w0)"),
        (r"\sum_{i=0}^{1} w_i x_i + w_2", "(w0*x0 + w1*x1) + w2"),
        (r"\mathbb{1}_{z > 0}", "1*(z > 0)"),
        (r"\cancel{z} + \cancel{z}^1", "z + 1"),
        (r"\underbrace{w_0 x_0}_{\text{first}} + w_2", "w0*x0 + w2"),
        (r"\textcolor{red}{z}", "z"),
        (r"\frac{\partial \alpha}{\partial z}\bigg|_{x_0=-1}", "d(a, z)"),
        (r"z_{old}", "z"),
        ("σ(z)·(1−σ(z))", "sigmoid(z)*(1 - sigmoid(z))"),
        ("w₀ α²", "w0*a^2"),
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
        (r"\begin{foo} 1 \end{foo}", r"formula:1:1: \begin{foo} is not read; type the formula without it"),
        (r"\begin{cases} 1 & z > 0", r"formula:1:1: \begin{cases} is never ended; add \end{cases}"),
        (r"\begin{cases} 1 \\ 0 \end{cases}", "formula:1:14: a case has no condition; write one behind &"),
        (
            r"\begin{bmatrix} 1 \end{bmatrix}",
            "formula:1:1: a matrix stands among numbers; write its entries as claims of their own",
        ),
        (r"\sum_j z", "formula:1:1: the sum has no letter and numbers to run over; write its terms out"),
        (r"\sum_{j=1}^{99} z", "formula:1:1: the sum has more than 50 terms; write fewer"),
        (r"\nabla z", "formula:1:1: a gradient needs the name it is taken by; write \\nabla_w"),
        (r"\log_7 z", "formula:1:1: a logarithm to the base 7 is not read; divide two logarithms"),
        (r"z + \dots", "formula:1:5: terms are left out here; write them all"),
        (r"\frac{1}{", 'formula:1:9: "{" is never closed; add "}"'),
        (r"\frac{1}{}", "formula:1:7: a fraction has an empty part; fill it"),
        (r"\frac{1}", "formula:1:8: an argument is missing; put it in braces"),
        (r"x_9", 'formula:1:1: "x_9" is no name or function here; this problem knows w0, w1, w2, x0, x1, z, a, u'),
        (r"\text{so } z", 'formula:1:1: the words "so" stand inside the formula; write them outside'),
        (r"\sqrt[3{z}", 'formula:1:6: "[" is never closed; add "]"'),
        (r"z + \alpha)", 'formula:1:11: ")" closes nothing; remove it, or open it with "("'),
        ("{" * 100 + "z" + "}" * 100, "formula:1:62: the formula is nested more than 60 deep; give its parts names"),
    ],
)
def test_what_is_not_read_says_where_and_why(text, message):
    with pytest.raises(ParseError) as caught:
        parse(text, PROBLEMS["sigmoid-neuron"].scope, latex=True)
    assert str(caught.value) == message


ARRAYS = replace(
    scope({"W": (), "W1": (), "x": (), "h": (), "y": (), "L": (), "p": (r"\hat{y}",), "b": ("b'",)})[0], arrays=True
)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("W'", "W.T"),
        (r"W^\top", "W.T"),
        ("b'", "b"),
        (r"h_j", "h[j]"),
        (r"W_{ij}", "W[i, j]"),
        (r"W_{1,2}", "W[0, 1]"),
        (r"\hat{y}_i", "p[i]"),
        (r"W^{(1)}", "W1"),
        (r"x^{(i)}", "x"),
        (r"\delta_{ij} - h_j", "delta(i, j) - h[j]"),
        (r"-\sum_j y_j \log h_j", "-sum(y[j]*log(h[j]), j)"),
        (r"\sum_{j=1}^{N} y_j", "sum(y[j], j)"),
        (r"\sum_{j \neq i} y_j", "sum(y[j]*(j != i), j)"),
        (r"\frac{\exp(h_j)}{\sum_k \exp(h_k)}", "exp(h[j])/sum(exp(h[k]), k)"),
        (r"\nabla_W L", "d(L, W)"),
        (r"\frac{\partial L}{\partial h_i}", "d(L, h[i])"),
        (r"\frac{\partial}{\partial h_i} \log h_j", "d(log(h[j]), h[i])"),
        (r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}", "[[1, 2], [3, 4]]"),
        (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "[[1], [2]]"),
        (r"x \odot y", "x*y"),
        (r"-\sum_j y_j \log p(y = j)", "-sum(y[j]*log(p[j]), j)"),
    ],
)
def test_arrays_are_read_where_the_scope_has_them(text, plain):
    assert write(readings(text, ARRAYS, latex=True)[0]) == plain


def test_a_prime_at_a_function_is_its_derivative_where_a_text_is_read():
    homework = replace(PROBLEMS["sigmoid-neuron"].scope, differentials=True)
    (found,) = readings(r"\sigma'(z)", homework, latex=True)
    engine = Engine(PROBLEMS["sigmoid-neuron"])
    assert write(engine.resolve(found)) == "sigmoid(z)*(1 - sigmoid(z))"


PIECES = [r"\frac", r"\partial", "{", "}", "_", "^", "w", "0", "x_0", r"\alpha", "(", ")", "+", "-", r"\cdot", "2", " ",
          r"\left", r"\right", "|", r"\hat", r"\sigma", "z", "d", r"\sqrt", "e", ",", "$", "\\", r"\text", "T",
          "'", r"\sum", r"\begin{cases}", r"\end{cases}", r"\\", "&", r"\nabla", r"\cancel", r"\underbrace", "i", "²", "ŷ", "=",
          r"\begin{bmatrix}", r"\end{bmatrix}", ">"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_latex_is_read_or_explained(text):
    with contextlib.suppress(GradcheckError):
        readings(text, PROBLEMS["sigmoid-neuron"].scope, latex=True)
    with contextlib.suppress(GradcheckError):
        readings(text, ARRAYS, latex=True)


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_what_we_print_we_read(name):
    problem = PROBLEMS[name]
    for node in problem.graph.nodes:
        text = LatexWriter(problem.latex).write(node.expr)
        assert write(readings(text, problem.scope, latex=True)[0]) == write(node.expr)
