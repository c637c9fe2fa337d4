"""What texts bring along: names of their own, assumptions, slips carried forward, notebooks, plain lines."""

from __future__ import annotations

import json
import random
import re

import pytest

import gradcheck_cli as gc
from gradcheck_cli.errors import FileError
from gradcheck_cli.parsing.document import read_document
from gradcheck_cli.problem import load
from gradcheck_cli.source import Source
from gradcheck_cli.verifying import judge_files
from tests.answers import graded, verdicts_of

RELU, NEURON, HIDDEN, BCE = "residual-relu", "sigmoid-neuron", "four-hidden-units", "squared-term-bce"
SQUARED = "squared-term"


@pytest.mark.parametrize(
    ("text", "problem", "verdicts"),
    [
        # plain lines
        ("dz/dw0 = -0.2, dz/dw1 = 0.4; so dz/db1 = 1", RELU, "ccc"),
        ("The derivative is dz/dw0 = -0.2 because the unit is active", RELU, "c"),
        ("**Answer:** `dz/dw0 = -0.2`", RELU, "c"),
        ("Epoch 3: loss = 0.3\nTest accuracy = 0.9\nbatch size = 32", RELU, ""),
        ("α = σ(z) = 0.731\n∂α/∂x₀ = w₀·α·(1−α) ≈ 0.39", NEURON, "cc"),
        ("## z = 0.62 (approximately)", RELU, "c"),
        # layout
        (r"$$\boxed{\frac{dz}{dw_0} = -0.2}$$", RELU, "c"),
        (r"$$\frac{dz}{dw_0}$$ $$= -0.2$$", RELU, "c"),
        (r"$$\frac{dz}{dw_0} = \dots = 0.2$$", RELU, "w"),
        (r"$$\begin{cases} xw_0 = 0.3 \\ xwb_0 = 0.5 \end{cases}$$", RELU, "cw"),
        (r"A.N. : $z = 0.62 \; \checkmark$, $\frac{dz}{dw_1} = 0.4 \text{ A.N}$", RELU, "cc"),
        (r"$$\frac{dz}{dw_1} = 0.4 \left( \text{ as } \frac{dz}{dyx} = 1 \right)$$", RELU, "cc"),
        (r"$$\begin{aligned} z &= y_1 \\ &\quad + x_0 \\ &= 0.62 \end{aligned}$$", RELU, "c"),
        (r"$x_1 \in \mathbb{R}$ and $i = j$ for $P(y = 1)$", RELU, ""),
        # what is read as what
        (r"$\frac{dz}{dyx} = \begin{cases} 1 & \text{if } yx > 0 \\ 0 & \text{otherwise} \end{cases}$", RELU, "c"),
        (r"$\frac{dz}{dyx} = \begin{cases} 0 & yx > 0 \\ 1 & \text{otherwise} \end{cases}$", RELU, "w"),
        (r"$z = \sum_{i=0}^{1} w_i x_i + w_2 = 1$", NEURON, "c"),
        (r"$\frac{\partial \alpha}{\partial z} = \sigma'(z) = \sigma(z)(1-\sigma(z))$", NEURON, "c"),
        (r"$\frac{\partial \alpha}{\partial z} = \frac{\partial}{\partial z} \sigma(z)$", NEURON, "c"),
        (r"$u'(w) = -x_0 e^{-z}$, $u'(w) = x_0 e^{-z}$", NEURON, "cw"),
        (r"$dz = dyx$ and $dz = 2dyx$", RELU, "cw"),
        (r"$\frac{dz}{dw_0} = dx_0$", RELU, "u"),
        (r"$z + dx_0 = 3$", RELU, "u"),
        (r"$\frac{da}{dx}\bigg|_{x=3} = 6$ $\frac{da}{dx}\bigg|_{x=2} = 4$ $\frac{da}{dx}\bigg|_{x=3} = 4$", BCE, "ccw"),
        # a comparison behind a member is a remark, if it holds; what is unequal is no member
        (r"$y_1 = -0.38 < 0$ and $yx = 0.62 > 0$, so $\frac{dz}{dyx} = 1$", RELU, "ccc"),
        (r"$y_1 = -0.38 > 0$ and $yx = 0.64 > 0$", RELU, "ww"),
        (r"$0 < yx = 0.62$ and $0 > yx = 0.62$", RELU, "cw"),
        (r"$\frac{dz}{dx_0} \neq 0$, $\frac{dz}{dx_0} = 0.94 \neq 0$", RELU, "c"),
        ("dz/dx0 = 0.94 != 0", RELU, "c"),
        # results of rounded numbers
        ("da/dx0 = 2*0.197 = 0.394", NEURON, "c"),
        ("da/dx0 = 2*0.197 = 0.395", NEURON, "w"),
        ("da/dx0 = 0.394", NEURON, "w"),
        ("da/dz = 0.73(1 - 0.73) = 0.1971 = 0.197", NEURON, "c"),
        (r"$w_{42} \leftarrow 0.8 - 0.5 \cdot 0.3115 = 0.64425$", HIDDEN, "c"),
        ("da/dz = 0.73*0.27 = 0.1971\n\nda/dx1 = -3*0.1971 = -0.5913\n\nda/dx0 = 0.3942\n\nda/dw0 = 0.3942", NEURON, "cccw"),
        (r"$\sigma'(1) = 0.197$ so $\frac{\partial a}{\partial w_1} = -0.394$", NEURON, "cc"),
        (r"$\frac{\partial L}{\partial w_{42}} = 0.3115$, $w_{42}^{+} = 0.8 - 0.15575 = 0.64425$", HIDDEN, "cc"),
        (r"$\frac{\partial L}{\partial w_{42}} = 0.3115$, $w_{42}^{+} = 0.8 + 0.15575 = 0.95575$", HIDDEN, "cw"),
        ("da/dx0 = 2*0.1 = 0.2", NEURON, "w"),
        # given values put in, with each branch as it is there
        ("dz/dw0 = -0.2 x0, dz/dx0 = 1 - 0.2 w0, dz/dx0 = 1 + 0.3 w1, dz/dx0 = 1 + 0.2 w0", RELU, "cccw"),
        # words of other languages, remarks
        ("da/dw2 = 0.1966 und da/dw1 = -0.39", NEURON, "cc"),
        ("On a z = 1 et a = 0,731 donc da/dz = 0,197", NEURON, "ccc"),
        ("La dérivée est da/dw2 = 0,1966", NEURON, "c"),
        ("da/dw2 = about 0.197 and da/dw2 = 0.197 approx. and da/dw2 = 0.197  # the bias", NEURON, "ccc"),
        (r"$z = 1 \leadsto a = 0.731\ldots$ and $z = 1 ~~ a = 0.731$", NEURON, "cccc"),
        # behind what cannot be read another claim may have begun
        ("Für z = 1 gilt a = 0,731", NEURON, "?"),
        # marks of Markdown, remarks
        ("*z = 1*\n\n**a = 0.731**, _z = 2_\n\n- [x] z = 1\n\n~~z = 2~~ z = 1", NEURON, "ccwcc"),
        ("z = 2 *3 + -1* 5", NEURON, "c"),
        (r"~~$z = 2$~~ $z = 1$, $z = 1 ~~ a = 0.731$ and $z = 1 ~~ a = 0.73$", NEURON, "ccccc"),
        ("z = 1 [1 point], a = 0.731 (2 pts)", NEURON, "cc"),
        (r"$\large z = 1$, $a = \mathbf{0.731}$, $a = \textbf{0.831}$", NEURON, "ccw"),
        # claims with nothing but a space between
        ("h1=0.6514 h2=0.6687 h3=0.64 h4=0.605", HIDDEN, "cccc"),
        ("h1=0.6514 h2=0.76 h3=0.64", HIDDEN, "cwc"),
        (r"$xw_0 = 0.3 \; xwb_0 = 0.4 \ x_1 = 0.4$", RELU, "ccc"),
        ("da/dx = 2 x = 4", BCE, "c"),
        ("da/dx = 3 x = 6", BCE, "w"),
        ("dz / dw0 = -0.2", RELU, "c"),
        # names
        ("let s1 = a(1-a)\n\nda/dx0 = s1 w0", NEURON, "cc"),
        (r"$s = 2\alpha(1 - \alpha) = 0.1966$ $\frac{\partial \alpha}{\partial w_2} = s$", NEURON, "wc"),
        (r"$h_1 = \\sigma(0.25) = \sigma(0.625)$ and $h_2 = \sigma(0.7025)$", HIDDEN, "wc"),
        # updates
        (r"$w_{31}^+ = w_{31} - 0.5 \cdot 0.2286 = 0.2157$", HIDDEN, "c"),
        (r"$w_{31} := 0.33 - 0.5 \cdot 0.2286$, $w_{31}^{new} = 0.2157$, $w_{31} \leftarrow 0.4443$", HIDDEN, "ccw"),
        ("w11 <- 0.7 - 0.5*0.2326 = 0.5837 and w11 <- 0.8163", HIDDEN, "cw"),
        (r"$x_1 := 0.15$, $B := 0.6$, $x_1 := 3$, $B := 0.5$", HIDDEN, "cc?w"),
        (r"$w_0 := w_0 - 0.1$", RELU, "u"),
        # names of the student's own
        (r"$\text{let } s = 1 + e^{-z}$ $\alpha = \frac{1}{s}$ $\alpha = s$", NEURON, "ccw"),
        (r"$s = w_0 x_0 + w_1 x_1 + w_2$, $\frac{\partial \alpha}{\partial s} = \alpha(1-\alpha)$", NEURON, "cc"),
        (r"$S_1 = \alpha (1-\alpha) = 0.197$, $\frac{\partial \alpha}{\partial w_0} = S_1 x_0$", NEURON, "cc"),
        (r"$S_1 = \alpha (1-\alpha) = 0.3$, $\frac{\partial \alpha}{\partial w_0} = S_1$", NEURON, "ww"),
        (r"$s = \alpha$, $\alpha = s$, $s = z$, $z = s$, $\alpha = s$", NEURON, "ccccw"),
        (r"$s = \alpha$, $s = 5$", NEURON, "c?"),
        (r"$u = \frac{1}{1 + e^{-z}}$, $\alpha = u$, $u = 1 + e^{-z}$, $\alpha = u$", NEURON, "?ccw"),
        # derivatives by what is no node
        (r"$s = e^{-z}$, $\frac{d\alpha}{ds} = -\frac{1}{(1+s)^2}$, $\frac{d\alpha}{ds} = \frac{1}{(1+s)^2}$", NEURON, "ccw"),
        (r"$s = e^{-z}$, $\frac{d\alpha}{dz} = \frac{d\alpha}{ds} \cdot \frac{ds}{dz} = \frac{s}{(1+s)^2}$", NEURON, "cc"),
        (r"$\frac{d\alpha}{du} = -\frac1{u^2}$, $\frac{d\alpha}{du} = \frac1{u^2}$", NEURON, "cw"),
        (r"$p = w_0 x_0$, $\frac{dz}{dp} = 1$, $\frac{dz}{dp} = w_0$, $\frac{dp}{dw_0} = x_0$", NEURON, "ccwc"),
        (r"$p = w_0 x_1$, $\frac{dz}{dp} = 1$", NEURON, "cu"),
        (r"$t = x_0 z$, $\frac{dt}{dz} = x_0$, $\frac{dt}{dz} = -2$", NEURON, "ccw"),
        (r"$\frac{\partial f}{\partial (x^2)} = c$, $\frac{\partial f}{\partial (x^2)} = x$", SQUARED, "cw"),
        ("df/d(x^2) = 3, d(c*x^2)/dx = 12, d(c*x^2)/dx = 6, df/d(cx) = 2", SQUARED, "ccwu"),
        ("d(a)/d(w2) = 0.1966, ∂(a)/∂(z) = a(1-a), dz/d(w0x0) = 1, d(1+e^(-z))/dz = 1", NEURON, "cccw"),
        # names explained behind their use
        (r"$\frac{\partial a}{\partial b} = a(1-a)$ where $b = w_2$", NEURON, "cc"),
        (r"$\frac{\partial a}{\partial w_0} = s x_1$ with $s = a(1-a)$", NEURON, "wc"),
        ("da/dw0 = k x0, where k = 0.1966", NEURON, "cc"),
        ("da/dw0 = k x0, where k = 0.3", NEURON, "wc"),
        ("$z = p$\n\n\n\n$p = 1$", NEURON, "uc"),
        # an index letter stands for every number
        (r"$\frac{\partial z}{\partial w_i} = x_i$, $\frac{\partial z}{\partial w_i} = -x_i$, $\frac{\partial z}{\partial w_i} = x_0$", NEURON, "cw?"),
        (r"$\frac{\partial z}{\partial w_i} = x_j$, $w_i = 2$, $z = w_i x_i$", NEURON, "ucu"),
        # notations that courses share
        (r"$\partial_z \alpha = \alpha(1-\alpha)$, $\partial_{x_0} \alpha = 0.5$", NEURON, "cw"),
        (r"$\frac{\delta a}{\delta x_0} = 0.393$, $\frac{\delta a}{\delta x_0} = 0.5$", NEURON, "cw"),
        (r"$\delta = \frac{\partial a}{\partial z}$, $\frac{\delta}{2} = 0.0983$", NEURON, "cc"),
        (r"$\sigma' = \sigma(1-\sigma)$, $\sigma' = \sigma(1+\sigma)$, $\tanh' = 1 - \tanh^2$", NEURON, "cuc"),
        (r"$a_{x_0} = 0.393$, $a_{x_0} = 0.5$", NEURON, "c?"),
        ("grad_w2 = 0.1966, w2.grad = 0.5, grad_w0 = grad_z * x0 = -0.1966", NEURON, "cwc"),
        (r"$\frac{\partial L}{\partial w_2} = 0.5$, $\frac{\partial E}{\partial w_2} = 0.1966$", NEURON, "uu"),
        (r"$\frac{\partial E_{total}}{\partial w_{11}} = 0.2326$, $\frac{\partial J}{\partial w_{11}} = 0.3326$", HIDDEN, "cw"),
        (r"$w_{11}(t+1) = w_{11}(t) - \eta \frac{\partial E}{\partial w_{11}} = 0.5837$", HIDDEN, "c"),
        (r"$w_{11}^{(t+1)} = w_{11}^{(t)} + \eta \frac{\partial E}{\partial w_{11}} = 0.8163$", HIDDEN, "w"),
        # a learning rate of the student's own
        (r"$\eta = 0.1$, $w_{11}(t+1) = w_{11}(t) - \eta \frac{\partial E}{\partial w_{11}} = 0.6767$", HIDDEN, "c?"),
        (r"$\eta = 0.1$, $w_{11}^{+} = w_{11} - \eta \cdot 0.2326 = 0.6767$, $w_{11}^{+} = 0.5837$", HIDDEN, "c?c"),
        (r"$\eta = 0.5$, $w_{11}^{+} = w_{11} - \eta \cdot 0.2326 = 0.5837$, $w_{11}^{+} = 0.6767$", HIDDEN, "ccw"),
        # a loss of the student's own whose definition cannot be read is not the problem's
        (r"$\frac{\partial E}{\partial w_{11}} = 0.4652$", HIDDEN, "w"),
        ("$E = \\sum_k (t_k - o_k)^2$\n\n$\\frac{\\partial E}{\\partial w_{11}} = 0.4652$", HIDDEN, "uu"),
        (r"$w_{t+1} = 3$, $h_{1}(t+1) = 3$", HIDDEN, "uu"),
        (r"$w_{11}' = 0.5837$, $w_{11}' = 0.8163$, $w_{11,new} = 0.5837$, $w_{11,\text{new}} = 0.9$", HIDDEN, "cucw"),
        (r"$\Delta w_{11} = -0.1163$, $\Delta w_{11} = 0.1163$, $w_{11}^{+} = w_{11} + \Delta w_{11} = 0.5837$", HIDDEN, "cuc"),
        (r"$\mathrm{out}_{h_1} = 0.6514$, $\text{out}_{h1} = 0.3$", HIDDEN, "cc"),
        # names typed with their numbers beside LaTeX
        (r"da/dw1 = \sigma'(z) x_1 = -0.393", NEURON, "c"),
        (r"$z = w0x0 + w1 \cdot x1 + w2$, $w1^2 = 9$, $w1^2 = 6$", NEURON, "ccw"),
        # chains that begin with a number
        (r"$0.731 = a$, $2 = z$, $0.393 = 2 \cdot 0.1966 = \frac{da}{dx_0}$, $-1 = x_0$", NEURON, "cwcc"),
        # numbers
        (r"$\frac{\partial a}{\partial x_0} = 3.93\text{e-}1$, $\frac{\partial a}{\partial x_0} = 3.93e-1$", NEURON, "cc"),
        (r"$\frac{\partial a}{\partial x_0} = 3.93\mathrm{e}{-1}$, $\frac{\partial a}{\partial x_0} = 3.93e-2$", NEURON, "cw"),
        (r"$3e - 1 = 3e-1$, $\alpha = 1/(1 + 1e^{-1})$", NEURON, "cc"),
        ("da/dw2 = 1966/10000, da/dw2 = 197/10^3, da/dw2 = 1956/10000, da/dw2 = 2/10", NEURON, "ccww"),
        ("da/dx0 = 2*1966/10000 = 3932/10000, da/dx0 = 2*1964/10000", NEURON, "cw"),
        (r"$\frac{\partial a}{\partial w_0} = \frac{-197}{1000} = -19.7\%$, $\frac{\partial a}{\partial w_0} = 19.7\%$", NEURON, "cw"),
        ("da/dw2 = 19.66%, da/dw2 = 20 % of it", NEURON, "cu"),
        # nearly right, behind an expression that shows no rounded number
        (r"$\frac{da}{dw_1} = \sigma'(z) x_1 = -0.394$, $\frac{da}{dw_1} = 0.197 x_1 = -0.395$", NEURON, "?w"),
        # values a line takes
        ("$x_0 = 3$\n\n$z = 6 + 6 - 3 = 9$\n\n$z = 6$", NEURON, "?cw"),
        ("$x_0 = 3$\n\n$x_0 = -1$\n\n$z = 9$", NEURON, "?cw"),
    ],
)  # fmt: skip
def test_verdicts(text, problem, verdicts):
    assert verdicts_of(text, problem) == verdicts


LONG = "+".join("0" * 12_000)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (f"$z = 1$\n\n$z = 1 + {LONG}$", 3, "more than 20,000 characters"),
        (f"$z = 1$\n$$z = 1 + {LONG}$$ and $z = 1$", 2, "more than 20,000 characters"),
        (f"z = 1 + {LONG}\n\nz = 1", 1, "more than 20,000 characters"),
        (f"\\begin{{align}}z &= 1 + {LONG}\\end{{align}}\n\n$z=1$", 1, "more than 20,000 characters"),
        (f"$z = 1 + {LONG}\n\n$z = 1$", 1, "more than 20,000 characters"),
        ("$z" + " = 1" * 300 + "$", 1, "more than 200 members"),
        ("$z = 1$\n" * 2001, 2001, "more than 2,000 formulas"),
        (("$z" + " = 1" * 150 + "$\n\n") * 60, 105, "more than 8,000 members"),
    ],
    ids=["formula", "display", "line", "align", "unclosed", "members", "formulas", "all members"],
)
def test_what_is_passed_over_is_said(text, line, why):
    *read, passed = graded(text, NEURON)
    assert {claim.verdict for claim in read} == {"correct"}
    assert (passed.verdict, passed.line) == ("unreadable", line)
    assert why in passed.members[0].note
    assert len(passed.text) < 100


def test_what_is_passed_over_is_shown(tmp_path, run):
    (tmp_path / "h.md").write_text(f"---\nproblem: {NEURON}\n---\n$z = 1 + {LONG}$\n", encoding="utf-8")
    result = run("verify", tmp_path / "h.md")
    assert "is not read: split it" in result.out
    assert "1 unreadable" in result.out


def test_long_prose_is_no_claim():
    assert [claim.verdict for claim in graded("word " * 6000 + "\n\n$z = 1$", NEURON)] == ["correct"]


def test_definitions_of_definitions_do_not_grow_without_bound():
    lines = [
        "$k_0 = z + x_0$",
        *(f"$k_{{{at + 1}}} = k_{{{at}}} k_{{{at}}} + k_{{{at}}}$" for at in range(60)),
        "$z = k_{60}$",
    ]
    claims = graded("\n\n".join(lines), NEURON)
    assert claims[3].verdict == "correct"
    assert claims[-1].verdict == "unreadable"


def test_derivatives_of_derivatives_do_not_grow_without_bound():
    (claim,) = graded("da/dz = " + "d(" * 20 + "a" + ", z)" * 20, NEURON)
    assert claim.verdict == "unreadable"
    assert "too long" in claim.members[0].note


def test_a_problem_named_often_is_judged_once(tmp_path):
    (tmp_path / "h.md").write_text(f"---\nproblem: [{', '.join([NEURON] * 50)}]\n---\n$z = 1$\n", encoding="utf-8")
    (report,) = judge_files([str(tmp_path / "h.md")])
    assert report.problems == (NEURON,)


def test_many_wrong_claims_are_judged_without_comparing_all_with_all():
    claims = graded("\n".join(f"da/dx0 = {at}.5\nz = 7.{at}" for at in range(170)), NEURON)
    assert [claim.verdict for claim in claims] == ["wrong"] * 340
    assert claims[-1].diagnosis is None


def test_a_name_of_ones_own_earns_nothing():
    (claim,) = graded("$s = 1 + e^{-z}$", NEURON)
    assert (claim.points, claim.note) == (0, "a name of the student's own")


def test_what_a_line_assumes_is_reported():
    first, second = graded("$x_0 = 3$\n\n$z = 9$", NEURON)
    assert first.assumes == "line 1 takes x0 = 3; what stands below may be right with that"
    assert second.note == "with x0 = 3 (line 1)"


def test_a_value_for_an_input_without_one_holds_below(tmp_path):
    (tmp_path / "p.yaml").write_text("title: t\ninputs: {x: {}, y: {}}\ngraph: {a: x*y}\n", encoding="utf-8")
    (tmp_path / "h.md").write_text(
        "---\nproblem: p\n---\n$y = 1$, $a = x$, $x = 3$, $a = 3$, $a = 4$\n", encoding="utf-8"
    )
    (report,) = judge_files([str(tmp_path / "h.md")])
    assert [claim.verdict for claim in report.claims] == ["correct", "correct", "correct", "correct", "undecided"]
    assert report.score.possible == 2
    assert "line 4 takes y = 1; what stands below may be right with that" in report.notes


def test_what_follows_from_a_slip_is_carried_forward():
    first, second = graded(
        r"$\frac{\partial \alpha}{\partial z} = 0.731$ so $\frac{\partial \alpha}{\partial w_1} = 0.731 \cdot (-2) = -1.462$",
        NEURON,
    )
    assert (first.verdict, first.earned) == ("wrong", 0)
    assert (second.verdict, second.follows_from, second.earned) == ("wrong", 0, 1)
    assert second.diagnosis.code == "carried-forward"


def test_a_wrong_claim_has_the_steps_of_the_right_one():
    (claim,) = graded(r"$\frac{dz}{dx_0} = 1$", RELU)
    assert claim.explain().steps[0] == "dz/dx0"
    assert claim.explain().steps[1].startswith("= dz/dyx * dyx/")
    assert claim.explain().steps[-1] == "= 0.94"


def notebook(*cells):
    made = [{"cell_type": kind, "metadata": {}, "source": source} for kind, source in cells]
    return json.dumps({"cells": made, "nbformat": 4, "nbformat_minor": 5, "metadata": {}})


def test_a_notebook_is_read_cell_by_cell(tmp_path, run):
    path = tmp_path / "homework.ipynb"
    cells = [
        ("markdown", "---\nproblem: residual-relu\n---\n# Homework"),
        ("code", "z = 5"),
        ("markdown", ["Forward:\n", "$z = 0.62$\n", "\n", "$\\frac{dz}{dw_0} = 0.2$\n"]),
        ("markdown", "$= 0.2$"),
    ]
    path.write_text(notebook(*cells), encoding="utf-8")
    report = gc.verify(load(RELU), gc.read(path))
    assert [(claim.cell, claim.line, claim.verdict) for claim in report.claims] == [
        (3, 2, "correct"),
        (3, 4, "wrong"),
    ]
    result = run("verify", path)
    assert "\ncell 3\n" in result.out
    assert "✗ 4  $\\frac{dz}{dw_0} = 0.2$\n" in result.out
    document = json.loads(run("verify", path, "--json").out)
    assert [claim["cell"] for claim in document["files"][0]["claims"]] == [3, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "is no notebook: it is no JSON"),
        ("[]", "is no notebook: it has no list of cells"),
        ("[" * 100_000, "is no notebook: it is no JSON"),
        (notebook(("markdown", 3)), "is no notebook: cell 1 has no text"),
    ],
)
def test_what_is_no_notebook_says_so(tmp_path, text, message):
    path = tmp_path / "homework.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileError, match=re.escape(message)):
        gc.read(path)


def test_explain_shows_how_the_right_answer_comes_about(tmp_path, run):
    path = tmp_path / "homework.md"
    path.write_text("---\nproblem: residual-relu\n---\n$\\frac{dz}{dw_0} = 0.2$\n", encoding="utf-8")
    shown = run("verify", path, "--explain").out
    assert "dz/dyx * dyx/dy1 * dy1/dxw1 * dxw1/dx1 * dx1/dxwb0 * dxwb0/dxw0 * dxw0/dw0" in " ".join(shown.split())
    assert "dz/dyx" not in run("verify", path).out
    assert run("verify", path, "--quiet").out.count("\n") == 1


@pytest.mark.parametrize(
    "sign", ["$", "$$", r"\[", r"\(", r"\begin{align}", "(", r"\boxed{", "= ", "&", "\n", ". ", "```"]
)
def test_long_texts_are_read_in_time(sign):
    read_document(Source("homework.md", sign * (200_000 // len(sign))))


PARTS = [
    r"\alpha", "z", "w_0", "u", "s", "S_1", r"\frac{\partial \alpha}{\partial z}", "u'(x_0)", "u'", "dz", "dw_0", "1", "0", "-0.2",
    "e^{-z}", r"\sigma(z)", r"\sigma'(z)", r"\begin{cases} 1 & z>0 \\ 0 & z \le 0\end{cases}", r"\frac{d}{ds}", r"\log(z)",
    "9^{9^9}", "z^{z}", r"\frac{d\alpha}{ds}", r"\mathbb{1}[z>0]", "w_0^{+}", r"\alpha\bigg|_{x_0=3}", r"\sum_{i=0}^{1} w_i x_i",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(120))
def test_any_formulas_are_judged_or_explained(seed):
    draw = random.Random(seed)

    def side():
        first, *rest = (draw.choice(PARTS) for _ in range(draw.randint(1, 4)))
        return first + "".join(draw.choice(["+", "-", r"\cdot ", " ", "/", "^"]) + part for part in rest)

    chains = [" = ".join([draw.choice(PARTS), *(side() for _ in range(draw.randint(1, 3)))]) for _ in range(3)]
    for claim in graded("\n\n".join(f"${chain}$" for chain in chains), NEURON):
        assert claim.verdict == "wrong" or claim.diagnosis is None
        assert claim.verdict in ("correct", "wrong") or claim.earned == 0


@pytest.mark.parametrize(
    "text",
    [
        "z = z",
        r"$\alpha = \alpha$",
        "w_0 = w_0",
        r"$\frac{d\alpha}{dz} = \frac{d\alpha}{dz}$",
    ],
)
def test_the_left_side_again_is_no_answer(text):
    (claim,) = graded(text, "sigmoid-neuron")
    assert (claim.verdict, claim.points, claim.earned) == ("undecided", 0, 0)
    assert claim.members[0].note == "this only says the left side again"


@pytest.mark.parametrize(
    "text",
    [
        "a = a = 0.731",
        "a = σ(z)",
        r"$\frac{d\alpha}{dx_0} = \frac{d\alpha}{dz} \frac{dz}{dx_0}$",
        "z = x0*w0 + x1*w1 + w2",
    ],
)
def test_what_says_more_than_the_left_side_counts(text):
    (claim,) = graded(text, "sigmoid-neuron")
    assert (claim.verdict, claim.earned) == ("correct", 1)
