"""Solving: edges, fan-out, totals, symbols, kinks, queries, second derivatives."""

from __future__ import annotations

from fractions import Fraction

import pytest

import gradcheck_cli as gc
from gradcheck_cli.errors import ParseError
from gradcheck_cli.problem import load, read_problem
from gradcheck_cli.solving import assigned, solve
from gradcheck_cli.solving.numbers import number_text
from gradcheck_cli.source import Source


def problem(text, name="test"):
    return read_problem(Source(f"{name}.yaml", f"title: Test\n{text}"), name)


def ask(text, *queries):
    solution = solve(problem(text), ask=queries)
    assert solution.agreement.ok
    return [solution.answers[f"ask {at}"] for at in range(1, len(queries) + 1)]


def texts(text, *queries):
    return [str(answer.expr) for answer in ask(text, *queries)]


NEURON = "inputs: {w: 2, x: -1, b: 3}\ngraph:\n  z: w*x + b\n  a: sigmoid(z)\n"


def test_local_derivatives_are_in_the_names_of_nodes():
    assert texts(NEURON, "local(a, z)", "local(z, w)", "local(z, b)") == ["a*(1 - a)", "x", "1"]


def test_a_total_derivative_is_the_product_along_the_path():
    assert texts(NEURON, "d(a, w)", "d(a, a)", "d(z, a)") == ["a*(1 - a)*x", "1", "0"]


def test_totals_can_be_closed_in_the_inputs():
    (answer,) = ask(NEURON, "d(a, b)")
    assert str(answer.closed) == "sigmoid(w*x + b)*(1 - sigmoid(w*x + b))"


def test_upstream_local_and_downstream_of_each_edge():
    solution = solve(problem(NEURON))
    edge = next(edge for edge in solution.edges if (edge.source, edge.target) == ("w", "z"))
    assert (str(edge.upstream.expr), str(edge.local.expr), str(edge.downstream.expr)) == (
        "a*(1 - a)", "x", "a*(1 - a)*x",
    )  # fmt: skip
    assert edge.downstream.value == pytest.approx(edge.upstream.value * edge.local.value, rel=1e-14)


def test_a_fan_out_sums_one_contribution_per_edge():
    solution = solve(problem("inputs: {x: 3}\ngraph:\n  a: x^2\n  b: 5*x\n  y: a*b\n"))
    parts = [edge.downstream.exact for edge in solution.edges if edge.source == "x"]
    assert sorted(parts) == [45, 90]
    assert solution.node("x").gradient.exact == 135


def test_an_input_used_twice_in_one_node_is_one_edge():
    solution = solve(problem("inputs: {x: 3}\ngraph:\n  y: x*x + x\n"))
    assert [(edge.source, edge.target, str(edge.local.expr)) for edge in solution.edges] == [("x", "y", "2*x + 1")]


def test_symbols_without_values_are_solved_symbolically():
    solution = solve(problem("inputs: {x: {}, w: {}}\ngraph:\n  y: tanh(w*x)\n"))
    assert str(solution.node("w").gradient.expr) == "x*(1 - y^2)"
    assert solution.node("w").gradient.value is None
    assert solution.agreement.ok
    assert "drawn numbers" in solution.notes[0]


@pytest.mark.parametrize(
    ("expression", "slope", "note"),
    [
        ("relu(x)", 0, "slope 0 from the left, 1 from the right; 0 is used"),
        ("abs(x)", 0, "slope -1 from the left, 1 from the right; 0 is used"),
        ("max(x, 0)", 1, "1 is used"),
        ("max(0, x)", 0, "0 is used"),
        ("min(x, 0)", 1, "1 is used"),
        ("leaky_relu(x)", 0.01, "0.01 is used"),
        ("step(x)", 0, "jumps here"),
        ("floor(x)", 0, "jumps here"),
    ],
)
def test_on_a_kink_the_stated_convention_is_used_and_noted(expression, slope, note):
    solution = solve(problem(f"inputs: {{x: 0}}\ngraph: {{y: '{expression}'}}\n"))
    assert solution.node("x").gradient.value == pytest.approx(slope)
    assert solution.agreement.ok
    assert any(note in text for text in solution.notes)


def test_second_derivatives_of_scalars():
    (answer,) = ask("inputs: {x: 2}\ngraph: {y: x^3}\n", "d(d(y, x), x)")
    assert answer.quantity.exact == 12


def test_lets_and_constants_are_no_nodes():
    text = NEURON + "constants: {k: 0.5}\nlet: {delta: '-d(a, z)', u: 1 + exp(-z)}\n"
    counts = ask(text, "nodes()", "edges()", "params()", "delta", "k*u")
    assert [answer.value for answer in counts[:3]] == [5, 4, 0]
    assert counts[3].value == pytest.approx(-0.19661193)


def test_an_update_uses_the_learning_rate():
    text = "inputs: {w: {value: 0.8, param: true}, x: 2}\ngraph: {y: w*x^2}\nlearning_rate: 0.5\n"
    first, second, indicator = ask(text, "step(w)", "step(w, 0.1)", "step(x)")
    assert first.quantity.exact == Fraction(8, 10) - Fraction(1, 2) * 4
    assert second.quantity.exact == Fraction(8, 10) - Fraction(1, 10) * 4
    assert indicator.quantity.exact == 1
    bare = text.replace("{value: 0.8, param: true}", "0.8")
    assert ask(bare, "step(w)")[0].quantity.exact == first.quantity.exact  # no input is a parameter: each may be one
    assert ask(bare.replace("learning_rate: 0.5\n", ""), "step(w)")[0].quantity.exact == 1


def test_a_given_gradient_arrives_at_the_output():
    text = "inputs: {x: 3, G: 0.5}\ngraph: {y: x^2}\nupstream: {y: G}\n"
    solution = solve(problem(text))
    assert str(solution.node("x").gradient.expr) == "2*G*x"
    assert solution.node("x").gradient.exact == 3
    assert solution.agreement.ok


def test_several_outputs():
    text = "inputs: {x: 3}\ngraph: {f1: x^2, f2: 5*x}\noutput: [f1, f2]\n"
    first, second = ask(text, "upstream(x, f1)", "upstream(x, f2)")
    assert (first.value, second.value) == (6, 5)


def test_relations_are_shown_refuted_or_left_open():
    true, false = ask(NEURON, "a == 1/(1 + exp(-z))", "a == tanh(z)")
    assert true.holds is True
    assert false.holds is False
    assert false.reason == "0.731059 is not 0.761594 at w = 2, x = -1, b = 3"


@pytest.mark.parametrize("name", ["e", "E", "I", "S", "N", "gamma", "lambda", "d", "pi", "beta", "Q", "O"])
def test_the_users_own_names_win(name):
    text = f"inputs: {{{name}: 2, x: 3}}\ngraph: {{y: '{name}^2*x'}}\n"
    (answer,) = ask(text, f"d(y, {name})")
    assert answer.quantity.exact == 12


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("d(a, q)", '"q" is no name or function here'),
        ("d(a, k)", "k is a constant"),
        ("d(a, u)", "u is a let name"),
        ("d(a)", "d takes 2"),
        ("step(w)", "step(w) has no learning rate"),
        ("d(a, w + 1)", "w + 1 is no input or node"),
    ],
)
def test_a_senseless_query_says_why(query, message):
    text = NEURON.replace("w: 2", "w: {value: 2, param: true}") + "constants: {k: 1}\nlet: {u: z + 1}\n"
    with pytest.raises(ParseError) as caught:
        solve(problem(text), ask=[query])
    assert message in str(caught.value)
    assert caught.value.source is not None


def test_results_parse_back():
    loaded = load("four-hidden-units")
    solution = solve(loaded)
    for node in solution.nodes:
        text = str(node.gradient.expr)
        assert str(gc.parse(text, loaded)) == text


def test_a_chain_of_256_layers_stays_linear():
    count = 256
    lines = [f"  z{k}: w*{'a' + str(k - 1) if k else 'x'} + b\n  a{k}: tanh(z{k})" for k in range(count)]
    text = "inputs: {w: 0.9, x: 0.5, b: 0.1}\ngraph:\n" + "\n".join(lines) + "\n"
    solution = solve(problem(text))
    assert solution.agreement.ok
    longest = max(len(str(edge.downstream.expr)) for edge in solution.edges)
    assert longest < 1000


def test_repeated_squaring_of_256_steps():
    lines = [f"  x{k + 1}: x{k}*x{k} + x{k}" for k in range(256)]
    text = "inputs: {x0: 0}\ngraph:\n" + "\n".join(lines) + "\n"
    solution = solve(problem(text))
    assert solution.node("x0").gradient.exact == 1


def test_values_can_be_set():
    changed = assigned(load("sum-times"), ["x=1/3", "y = -0.5"])
    solution = solve(changed)
    assert solution.node("q").forward.exact == Fraction(1, 3) - Fraction(1, 2)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("x", "gives no value"),
        ("k=1", "is no input"),
        ("q=1", "q is computed"),
        ("x=abc", "is no number"),
        ("x=1+", "is no number"),
    ],
)
def test_a_setting_that_cannot_be_says_why(setting, message):
    with pytest.raises(gc.GradcheckError, match=message.replace("(", r"\(")):
        assigned(load("sum-times"), [setting])


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        (Fraction(-1, 4), {"decimal": False}, "-1/4"),
        (Fraction(-1, 4), {"decimal": True}, "-0.25"),
        (Fraction(1, 3), {"decimal": True}, "0.333333"),
        (Fraction(1, 3), {"exact": True}, "1/3"),
        (Fraction(12), {}, "12"),
        (Fraction(0), {}, "0"),
        (Fraction(1, 10**7), {}, "1e-7"),
        (Fraction(2, 3), {"count": 3}, "0.667"),
        (None, {}, ""),
    ],
)
def test_numbers_are_written_as_the_data_was(value, options, text):
    assert number_text(value, **options) == text


@pytest.mark.parametrize(
    "expression", ["(-8)^x", "2^x", "x^2.5", "(x - 5)^(1/3)", "9^9^9^9 + x", "x^100", "log(2)*x", "(x^9)^9"]
)
def test_constants_never_reach_complex_or_endless_arithmetic(expression):
    solution = solve(problem(f"inputs: {{x: 3}}\ngraph: {{y: '{expression}'}}\n"))
    assert solution.agreement.ok


def test_towers_of_powers_are_refused():
    with pytest.raises(gc.UnsupportedError, match="powers of powers reach the exponent"):
        solve(problem("inputs: {x: 3}\ngraph: {y: '(((x^60)^60)^60)^60'}\n"))


def test_what_has_numbers_is_shown_where_others_are_missing():
    solution = solve(problem("inputs: {x: 3, k: {}}\ngraph: {a: x^2, y: a*2 + k}\n"))
    assert solution.node("y").forward.value is None
    assert solution.node("x").gradient.value == 12


def test_an_undefined_node_has_no_slope():
    solution = solve(problem("inputs: {x: -1}\ngraph: {a: log(x), y: 2*a}\n"))
    assert [edge.local.value for edge in solution.edges] == [None, None]
    assert solution.node("x").gradient.value is None


@pytest.mark.parametrize("inputs", ["{x: 2, y: 3}", "{x: {shape: [n]}, y: {shape: [n]}}"])
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("d(a, b)", "a does not depend on b"),
        ("local(f, x)", "there is no edge from x to f"),
        ("upstream(y, b)", "b does not depend on y"),
        ("downstream(g, x)", "f does not depend on g"),
        ("d(g, x)", "the slope is 0 for every value"),
        ("local(g, x)", "the slope is 0 for every value"),
        ("d(b + 2, y)", "b + 2 does not depend on y"),
    ],
)
def test_why_a_derivative_is_zero_is_true(inputs, query, reason):
    graph = (
        "{a: x + y, b: 2*x, g: floor(x), f: sum(2*a - b)}"
        if "shape" in inputs
        else "{a: x + y, b: 2*x, g: floor(x), f: 2*a - b}"
    )
    (answer,) = ask(f"inputs: {inputs}\ngraph: {graph}\noutput: f\n", query)
    assert answer.reason.split("; ")[-1] == reason


@pytest.mark.parametrize(
    ("query", "holds", "reason"),
    [
        ("step(x) == (x >= 0)", True, "differs at the kink itself, where conventions differ: 0 is not 1 at x = 0"),
        ("1 == 2", False, "1 is not 2"),
        ("x + 1 == x", False, "1 is not 0 at x = 0"),
    ],
)
def test_where_two_sides_differ_is_told_with_both(query, holds, reason):
    solution = solve(problem("inputs: {x: 0}\ngraph: {y: relu(x)}\n"), ask=[query])
    assert solution.answers["ask 1"].holds is holds
    assert solution.answers["ask 1"].reason.endswith(reason)


def test_a_single_query_and_an_unknown_output_are_told_apart_from_letters():
    problem = load("squared-term")
    assert str(solve(problem, ask="d(f, c)").answers["ask 1"].expr) == "a"
    assert solve(load("sigmoid-neuron"), output="alpha").output == "a"
    with pytest.raises(ParseError, match='"q" is no input or node of squared-term'):
        solve(problem, output="q")


def test_a_forward_value_is_given_in_the_inputs_and_shown_by_its_own_step():
    neuron = solve(load("sigmoid-neuron"), ask="value(a)").answers["ask 1"]
    assert str(neuron.expr) == "sigmoid(w0*x0 + w1*x1 + w2)"
    assert neuron.latex == r"\sigma\left(w_{0} x_{0} + w_{1} x_{1} + w_{2}\right)"
    assert str(neuron.quantity.expr) == "sigmoid(z)"
    network = solve(load("softmax-mlp"), ask="value(l)").answers["ask 1"]
    assert str(network.expr) == "-sum(y*log(softmax(sigmoid(x @ W1 + b1) @ W2 + b2)))"
