"""The probe against closed forms and exact derivatives that are written here, and at kinks, jumps and extremes."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli import probe
from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expr import Call, Name, Sum
from gradcheck_cli.functions import PRIMITIVES
from gradcheck_cli.graph import Graph, Input, Node
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse

M = probe.CONTEXT


def graph_of(inputs: str, constants: str = "", **nodes: str) -> Graph:
    """A graph from texts; inputs and constants as "x=1/3 y", without a value where none is given."""
    leaves = [
        tuple(Input(name, Fraction(value) if value else None) for name, _, value in words)
        for words in ([word.partition("=") for word in text.split()] for text in (inputs, constants))
    ]
    known = scope(dict.fromkeys([part.name for part in (*leaves[0], *leaves[1])] + list(nodes), ()))[0]
    made = tuple(Node(name, parse(text, known)) for name, text in nodes.items())
    return Graph(leaves[0], made, list(nodes)[-1], leaves[1])


def compiled(inputs: str, constants: str = "", **nodes: str) -> tuple[probe.Probe, dict[str, object]]:
    made = probe.compile_graph(graph_of(inputs, constants, **nodes))
    return made, made.values({})


def slope(formula: str, x: str | int) -> probe.Slope:
    """The slope of a formula in x at a point."""
    made, values = compiled(f"x={x}", f=formula)
    return made.slope("f", "x", values)


def value(formula: str, x: str | int = 1) -> object:
    """The value of a formula in x at a point."""
    return compiled(f"x={x}", f=formula)[1]["f"]


def near(actual: object, expected: object, digits: int = 30) -> bool:
    return bool(abs(actual - expected) <= M.mpf(10) ** -digits * max(1, abs(expected)))


def smooth(found: probe.Slope, expected: object, digits: int = 28) -> bool:
    """Whether both sides, the mean and the error estimate fit a derivative."""
    return (
        not found.kink
        and not found.jump
        and near(found.central, expected, digits)
        and near(found.left, expected, 12)
        and near(found.right, expected, 12)
        and abs(found.central - expected) <= found.error
    )


CLOSED = {
    "x + 3": lambda _: 1,
    "-x": lambda _: -1,
    "x*x*x": lambda x: 3 * M.power(x, 2),
    "3/x": lambda x: -3 / M.power(x, 2),
    "x^5": lambda x: 5 * M.power(x, 4),
    "2^x": lambda x: M.power(2, x) * M.log(2),
    "pi*x": lambda _: M.mpf("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803"),
    "e*x": lambda _: M.mpf("2.71828182845904523536028747135266249775724709369995957496696762772407663035354759457138"),
    "exp(x)": lambda x: M.power(M.e, x),
    "sin(x)": lambda x: (M.expj(x) + M.expj(-x)).real / 2,
    "cos(x)": lambda x: -M.sin(x),
    "atan(x)": lambda x: M.power(M.sec(M.atan(x)), -2),
    "sinh(x)": lambda x: (M.exp(x) + M.exp(-x)) / 2,
    "cosh(x)": lambda x: (M.exp(x) - M.exp(-x)) / 2,
    "tanh(x)": lambda x: M.power(M.sech(x), 2),
    "erf(x)": lambda x: 2 * M.exp(-x * x) / M.sqrt(M.pi),
    "sigmoid(x)": lambda x: M.power(M.sech(x / 2), 2) / 4,
    "softplus(x)": lambda x: (1 + M.tanh(x / 2)) / 2,
    "relu(x)": lambda x: 1 if x > 0 else 0,
    "abs(x)": lambda x: 1 if x > 0 else -1,
    "sign(x)": lambda _: 0,
    "step(x)": lambda _: 0,
    "floor(x + 1/2)": lambda _: 0,
    "maximum(x, 0.1)": lambda x: 1 if x > 0.1 else 0,
    "minimum(x, 0.1)": lambda x: 0 if x > 0.1 else 1,
    "where(x > 0, x^2, 3*x)": lambda x: 2 * x if x > 0 else 3,
    "x*(x > 0.1)": lambda x: 1 if x > 0.1 else 0,
    "x*(x >= 0.1)": lambda x: 1 if x > 0.1 else 0,
    "x*(x == 0.1)": lambda _: 0,
}


@pytest.mark.parametrize("point", ["2", "-1.3", "7/3", "-0.004", "31"])
@pytest.mark.parametrize("formula", CLOSED)
def test_slope_is_the_derivative_to_28_digits(formula, point):
    x = probe.real(Fraction(point))
    assert smooth(slope(formula, point), M.mpf(CLOSED[formula](x)))


@pytest.mark.parametrize("point", ["2", "1/7", "1e-9", "12345"])
def test_slope_of_the_logarithm_and_of_roots_holds_near_the_edge_of_their_domain(point):
    x = probe.real(Fraction(point))
    assert smooth(slope("log(x)", point), 1 / x)
    assert smooth(slope("x^1.5", point), M.mpf(3) / 2 * M.sqrt(x))


@pytest.mark.parametrize("point", ["0", "0.5", "-0.99"])
def test_slope_of_the_arc_sine_is_one_over_the_cosine(point):
    x = probe.real(Fraction(point))
    assert smooth(slope("asin(x)", point), 1 / M.cos(M.asin(x)))


@pytest.mark.parametrize(
    ("formula", "x", "expected"),
    [
        ("exp(x)", 1, "2.718281828459045235360287471352662497757247093699959574966968"),
        ("sigmoid(x)", 0, "0.25"),
        ("erf(x)", 0, "1.1283791670955125738961589031215451716881"),
        ("atan(x)", 3, "0.1"),
        ("asin(x)", "3/5", "1.25"),
        ("log(x)", "1/8", "8"),
    ],
)
def test_slope_is_the_number_in_the_tables(formula, x, expected):
    assert smooth(slope(formula, x), M.mpf(expected))


def test_the_rules_cover_exactly_the_primitives():
    assert set(probe.RULES) == set(PRIMITIVES)


@pytest.mark.parametrize(
    ("formula", "x"),
    [
        ("exp(1000*x)", 1),
        ("exp(1000*x)", 0),
        ("tanh(50*x)", "0.01"),
        ("tanh(50*x)", 0),
        ("tanh(50*x)", 1),
        ("x^3*1000000", 0),
        ("x^3*1000000", 2),
        ("x^2", 0),
        ("x^4", 0),
        ("x*abs(x)", 0),
        ("relu(x)^2", 0),
        ("sin(1000000*x)", "0.3"),
        ("1000000*x^2", "1e-9"),
        ("sigmoid(100*x)", 1),
        ("1/x", "1e-9"),
    ],
)
def test_a_steep_or_flat_smooth_curve_is_no_kink(formula, x):
    found = slope(formula, x)
    assert not found.kink
    assert not found.jump
    assert abs(found.left - found.right) <= M.mpf("1e-12") * max(abs(found.central), M.mpf("1e-12"))


def test_steep_curves_keep_their_digits():
    assert near(slope("exp(1000*x)", 1).central / (1000 * M.exp(1000)), 1, 25)
    assert near(slope("tanh(50*x)", 1).central / (50 * M.power(M.sech(50), 2)), 1, 12)
    assert near(slope("x^3*1000000", 2).central, 12_000_000)


@pytest.mark.parametrize(
    ("formula", "x", "left", "right"),
    [
        ("relu(x)", 0, 0, 1),
        ("abs(x)", 0, -1, 1),
        ("maximum(x, 2*x)", 0, 1, 2),
        ("minimum(x, 2*x)", 0, 2, 1),
        ("maximum(x, 3)", 3, 0, 1),
        ("minimum(x, 3)", 3, 1, 0),
        ("where(x > 1, x^2, x)", 1, 1, 2),
        ("relu(3*x - 0.3)", "0.1", 0, 3),
        ("abs(x^2 - 2*x + 0.75)", "1.5", -1, 1),
        ("1000000 + abs(x)/1000", 0, "-1/1000", "1/1000"),
        ("exp(abs(x))", 0, -1, 1),
    ],
)
def test_a_kink_has_the_slopes_of_its_two_sides(formula, x, left, right):
    found = slope(formula, x)
    assert found.kink
    assert not found.jump
    assert near(found.left, probe.real(Fraction(left)), 12)
    assert near(found.right, probe.real(Fraction(right)), 12)
    assert near(found.central, (found.left + found.right) / 2)


@pytest.mark.parametrize(
    ("formula", "x", "left", "right"),
    [
        ("floor(x)", 2, M.inf, 0),
        ("floor(x) + x", -3, M.inf, 1),
        ("floor(x/0.1)", "0.3", M.inf, 0),
        ("step(x)", 0, 0, M.inf),
        ("1 - step(x)", 0, 0, -M.inf),
        ("sign(x)", 0, M.inf, M.inf),
        ("x >= 0.7", "0.7", M.inf, 0),
        ("x == 0.7", "0.7", M.inf, -M.inf),
        ("where(x > 1, x + 0.001, x)", 1, 1, M.inf),
    ],
)
def test_a_jump_is_told_from_a_kink(formula, x, left, right):
    found = slope(formula, x)
    assert found.kink
    assert found.jump
    for side, expected in ((found.left, left), (found.right, right)):
        assert near(side, expected) if M.isfinite(expected) else side == expected


def test_a_vertical_tangent_is_neither_smooth_nor_a_jump():
    found = slope("sign(x)*sqrt(abs(x))", 0)
    assert (found.left, found.right, found.kink, found.jump) == (M.inf, M.inf, True, False)


def test_a_slope_at_the_edge_of_the_domain_exists_on_one_side():
    found = slope("x^1.5", 0)
    assert M.isnan(found.left)
    assert abs(found.right) < 1e-12
    assert found.kink


@pytest.mark.parametrize("distance", ["1e-9", "1e-15", "3e-17", "4e-18", "1e-25"])
def test_a_kink_nearby_is_not_taken_for_a_kink_here(distance):
    above, below = slope("relu(x - 2)", Fraction(distance) + 2), slope("relu(x - 2)", 2 - Fraction(distance))
    assert not above.kink
    assert not below.kink
    assert near(above.central, 1)
    assert near(below.central, 0)


def test_the_error_covers_the_rounding_of_what_cancels():
    found = slope("x - 2", Fraction(2) + Fraction(1, 10**15))
    assert abs(found.central - 1) <= found.error


def test_a_tie_of_decimals_is_a_tie():
    assert value("step(3*x - 0.3)", "0.1") == 0
    assert value("3*x >= 0.3", "0.1") == 1
    assert value("3*x == 0.3", "0.1") == 1
    assert value("3*x > 0.3", "0.1") == 0
    assert value("floor(x/0.1)", "0.3") == 3
    assert value("(-8)^(30*x)", "0.1") == -512
    assert value("sin(pi*x)", 3) == 0
    assert value("cos(pi*x)", "0.5") == 0
    assert value("step(log(exp(log(3*x))/0.3))", "0.1") == 0
    assert near(value("asin(sin(x)^2 + cos(x)^2)", "0.7"), M.pi / 2)


def test_a_difference_far_above_rounding_is_no_tie():
    assert value("x > 1", Fraction(1) + Fraction(1, 10**50)) == 1
    assert value("floor(x)", Fraction(3) - Fraction(1, 10**50)) == 2
    assert value("x - 1", Fraction(1) + Fraction(1, 10**50)) > 0


@pytest.mark.parametrize(
    ("formula", "x"),
    [
        ("log(x)", -1),
        ("x^(1/3)", -8),
        ("1/x", 0),
        ("0/x", 0),
        ("1/x - 1/x", 0),
        ("x^(-1)", 0),
        ("asin(x)", 2),
        ("relu(1/x)", 0),
        ("maximum(1/x, 1)", 0),
        ("maximum(1, 1/x)", 0),
        ("minimum(1, 1/x)", 0),
        ("1/x > 0", 0),
        ("1/x >= 0", 0),
        ("1/x == 0", 0),
        ("sign(1/x)", 0),
        ("floor(1/x)", 0),
        ("where(1/x, 1, 2)", 0),
        ("(1/x)^0", 0),
        ("sigmoid(log(x))", -1),
    ],
)
def test_a_value_that_is_not_real_is_nan_and_has_no_slope(formula, x):
    assert M.isnan(value(formula, x))
    found = slope(formula, x)
    assert all(M.isnan(number) for number in (found.left, found.right, found.central, found.error))
    assert not found.kink
    assert not found.jump


def test_a_zero_factor_absorbs_what_is_not_known():
    made, values = compiled("p=4 y=1", L="bce(p, y)")
    assert near(values["L"], -M.log(4))
    assert smooth(made.slope("L", "p", values), M.mpf(-1) / 4)
    assert value("x*log(-1)", 0) == 0
    assert value("log(-1)*x", 0) == 0
    assert value("x*exp(9^9^9)", 0) == 0


def test_a_branch_that_is_not_taken_does_not_count():
    assert value("where(x > 0, log(x), 7)", -3) == 7
    assert smooth(slope("where(x > 0, log(x), 7*x)", -3), 7)
    assert smooth(slope("where(x > 0, log(x), 1/0)", 2), M.mpf("0.5"))


@pytest.mark.parametrize(
    ("formula", "x", "expected"),
    [
        ("9^9^9^9", 1, M.inf),
        ("(-9)^999999999", 1, -M.inf),
        ("9^(-9^9^9)", 1, 0),
        ("(1/9)^9^9^9", 1, 0),
        ("exp(exp(exp(exp(exp(x)))))", 10, M.inf),
        ("exp(-exp(exp(x)))", 10, 0),
        ("sigmoid(-exp(exp(x)))", 10, 0),
        ("tanh(exp(exp(x)))", 10, 1),
        ("erf(-exp(exp(x)))", 10, -1),
        ("sinh(-exp(exp(x)))", 10, -M.inf),
        ("cosh(-exp(exp(x)))", 10, M.inf),
        ("softplus(-exp(exp(x)))", 10, 0),
        ("0^x", 2, 0),
        ("x^0", 0, 1),
        ("log(x)", 0, -M.inf),
    ],
)
def test_a_huge_value_is_refused_before_it_is_computed(formula, x, expected):
    assert value(formula, x) == expected


@pytest.mark.parametrize("formula", ["sin(exp(exp(5*x)))", "cos(exp(exp(5*x)))", "sin(exp(exp(exp(5*x))))"])
def test_the_sine_of_a_number_without_digits_is_nan(formula):
    assert M.isnan(value(formula))


def test_growth_over_many_nodes_stays_bounded():
    nodes = {"n0": "x*x"} | {f"n{index}": f"n{index - 1}*n{index - 1}" for index in range(1, 400)}
    made, values = compiled("x=3", **nodes)
    assert values["n399"] == M.inf
    assert M.isnan(made.slope("n399", "x", values).central)
    assert compiled("x=1/3", **nodes)[1]["n399"] == 0


def test_large_exponents_near_one_are_not_refused():
    assert near(value("(1 + 1/x)^x", 10**9), M.exp(1) * (1 - M.mpf("5e-10")), 17)


polynomials = st.lists(st.fractions(-9, 9, max_denominator=20), min_size=1, max_size=6)
points = st.fractions(-5, 5, max_denominator=50)


@given(polynomials, points)
def test_slopes_of_polynomials_are_the_exact_ones(coefficients, x):
    formula = " + ".join(f"({c.numerator})/{c.denominator}*x^{power}" for power, c in enumerate(coefficients))
    exact = sum((power * c * x ** (power - 1) for power, c in enumerate(coefficients) if power), Fraction(0))
    assert smooth(slope(formula, str(x)), probe.real(exact))


@given(polynomials, points)
def test_values_of_polynomials_are_exact_to_50_digits(coefficients, x):
    formula = " + ".join(f"({c.numerator})/{c.denominator}*x^{power}" for power, c in enumerate(coefficients))
    exact = sum((c * x**power for power, c in enumerate(coefficients)), Fraction(0))
    assert near(value(formula, str(x)), probe.real(exact), probe.DIGITS)


DIAMOND = {"z": "w*x + b", "a": "sigmoid(z)", "s": "z*a", "L": "(s - y)^2 + a"}


def diamond() -> tuple[probe.Probe, dict[str, object]]:
    return compiled("x=3/2 w=-1/5 b=1/10 y=1", **DIAMOND)


def test_a_total_slope_follows_every_path():
    made, values = diamond()
    z, a, s = (values[name] for name in "zas")
    inner = M.power(M.sech(z / 2), 2) / 4
    expected = 2 * (s - 1) * (a + z * inner) + inner
    assert smooth(made.slope("L", "z", values), expected)
    assert smooth(made.slope("L", "w", values), expected * M.mpf("1.5"))


def test_a_local_slope_keeps_every_other_name():
    made, values = diamond()
    assert smooth(made.local("s", "z", values), values["a"])
    assert smooth(made.local("L", "a", values), 1)
    assert smooth(made.local("z", "w", values), M.mpf("1.5"))
    assert smooth(made.local("L", "z", values), 0)


def test_a_node_moves_by_itself():
    made, values = diamond()
    assert smooth(made.slope("L", "s", values), 2 * (values["s"] - 1))
    assert smooth(made.slope("L", "L", values), 1)
    assert smooth(made.slope("w", "w", values), 1)
    assert smooth(made.local("z", "z", values), 1)


def test_what_does_not_depend_has_slope_zero():
    made, values = diamond()
    for found in (made.slope("z", "y", values), made.slope("z", "L", values), made.local("w", "x", values)):
        assert smooth(found, 0)


def test_a_direction_adds_the_slopes_of_its_parts():
    made, values = diamond()
    rates = {"w": Fraction(2), "b": Fraction(-1, 3), "y": Fraction(5), "x": Fraction(0)}
    parts = [made.slope("L", name, values).central * rate.numerator / rate.denominator for name, rate in rates.items()]
    assert smooth(made.along("L", rates, values), sum(parts))


def test_a_direction_without_a_part_has_slope_zero():
    made, values = diamond()
    assert smooth(made.along("L", {}, values), 0)
    assert smooth(made.along("L", {"w": Fraction(0)}, values), 0)


def test_measuring_leaves_the_values_as_they_are():
    made, values = diamond()
    before = dict(values)
    made.slope("L", "w", values)
    made.local("L", "a", values)
    assert values == before


def test_values_hold_inputs_constants_and_nodes_and_prefer_what_is_given():
    made = probe.compile_graph(graph_of("x=2 y", "c=1/3", f="c*x*y"))
    values = made.values({"y": Fraction(3), "x": Fraction(5)})
    assert set(values) == {"x", "y", "c", "f"}
    assert near(values["f"], 5, 50)


def test_a_value_that_is_missing_is_named():
    made = probe.compile_graph(graph_of("x=2 y", f="x*y"))
    with pytest.raises(UnsupportedError) as caught:
        made.values({"x": Fraction(1)})
    assert str(caught.value) == '"y" has no value; give it a number'


@pytest.mark.parametrize(
    ("expr", "what"), [(Call("fft", (Name("x"),)), '"fft"'), (Sum(Name("x"), "j"), "an entry or a sum")]
)
def test_what_has_no_rule_is_named(expr, what):
    graph = Graph((Input("x", Fraction(1)),), (Node("f", expr),), "f")
    with pytest.raises(UnsupportedError) as caught:
        probe.compile_graph(graph)
    assert str(caught.value) == f"the probe has no rule for {what}; use functions of single numbers"


def test_what_occurs_twice_is_computed_once():
    calls = 0

    def counted(x: object) -> object:
        nonlocal calls
        calls += 1
        return M.exp(x)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(probe.RULES, "exp", counted)
        assert near(value("exp(x) + exp(x)*exp(x)", 1), M.exp(1) + M.exp(2))
    assert calls == 1


def test_a_bent_rule_shows_in_value_and_slope(monkeypatch):
    monkeypatch.setitem(probe.RULES, "sin", lambda x: M.mpf("1.001") * M.sin(x))
    assert near(value("sin(x)", 1), M.mpf("1.001") * M.sin(1))
    assert smooth(slope("sin(x)", 1), M.mpf("1.001") * M.cos(1))


def test_a_long_chain_of_nodes_is_a_loop():
    nodes = {"n0": "sin(x)"} | {f"n{index}": f"n{index - 1} + x" for index in range(1, 1500)}
    made, values = compiled("x=1", **nodes)
    assert smooth(made.slope("n1499", "x", values), M.cos(1) + 1499, 25)


def test_nested_derived_functions_do_not_grow_the_program():
    formula = "x"
    for _ in range(20):
        formula = f"silu({formula})"
    made, _ = compiled("x=1", f=formula)
    assert len(made.programs["f"].steps) == 40


def test_the_precision_of_others_is_left_alone():
    before = (mpmath.mp.dps, mpmath.mp.prec)
    slope("exp(x)*sin(x)", 1)
    assert (mpmath.mp.dps, mpmath.mp.prec) == before
    with mpmath.workdps(5):
        found = slope("exp(x)", 1)
        assert mpmath.mp.dps == 5
    assert smooth(found, M.exp(1))


def test_floats_are_the_nearest_and_never_raise():
    assert probe.as_float(probe.real(Fraction(1, 3))) == 1 / 3
    assert probe.as_float(value("exp(x)", 5000)) == math.inf
    assert probe.as_float(value("exp(-x)", 5000)) == 0
    assert math.isnan(probe.as_float(value("log(x)", -1)))
