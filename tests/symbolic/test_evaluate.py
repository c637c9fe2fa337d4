from __future__ import annotations

import math
from fractions import Fraction

import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, Expr, Index, Name, Num
from gradcheck_cli.functions import PRIMITIVES
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.symbolic.evaluate import RULES, digits, evaluate, interval, plan, to_float

SCOPE = scope(dict.fromkeys("xyzwp", ()))[0]
POINT = {"x": Fraction(347, 997), "y": Fraction(1), "z": Fraction(-3), "w": Fraction(0), "p": Fraction(4)}


def read(text: str) -> Expr:
    return expand(parse(text, SCOPE))


def value(text: str, bits: int = 128):
    return evaluate(read(text), POINT, bits)


def test_every_primitive_has_a_rule_and_nothing_else_has():
    assert set(RULES) == set(PRIMITIVES)


EXACT = {
    "x + y": Fraction(1344, 997), "x*z": Fraction(-1041, 997), "z/p": Fraction(-3, 4), "-(z)": 3, "x - x": 0,
    "z^2": 9, "z^(-2)": Fraction(1, 9), "z^3": -27, "w^0": 1, "w^2": 0, "w^(1/2)": 0,
    "p^(1/2)": 2, "sqrt(p/9)": Fraction(2, 3), "8^(1/3)": 2, "p^(3/2)": 8, "p^(-1/2)": Fraction(1, 2),
    "relu(z)": 0, "relu(p)": 4, "abs(z)": 3, "sign(z)": -1, "sign(w)": 0, "step(w)": 0, "step(p)": 1, "step(z)": 0,
    "max(x, y, z)": 1, "min(x, y, z)": -3, "floor(x)": 0, "floor(-x)": -1, "floor(7/2)": 3,
    "z > w": 0, "z < w": 1, "w >= w": 1, "w > w": 0, "w == 0": 1, "z != w": 1,
    "where(z > 0, x, y)": 1, "where(p > 0, z, y)": -3,
    "exp(w)": 1, "log(y)": 0, "sigmoid(w)": Fraction(1, 2), "tanh(w)": 0, "sin(w)": 0, "cos(w)": 1, "erf(w)": 0,
    "asin(w)": 0, "atan(w)": 0, "sinh(w)": 0, "cosh(w)": 1,
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), EXACT.items())
def test_rational_data_stays_exact(text, wanted):
    found = value(text)
    assert isinstance(found, Fraction)
    assert found == wanted


UNDEFINED = (
    "log(w)", "log(z)", "1/w", "w^(-1)", "z^(1/2)", "z^(1/3)", "(-8)^(1/3)", "z^x", "z^pi", "w^(-1/2)", "asin(2)",
    "asin(p)", "1 + log(z)", "w/w", "relu(log(z))", "p*log(z)", "log(sin(x)^2 + cos(x)^2 - 1)", "where(log(z), x, y)",
)  # fmt: skip


@pytest.mark.parametrize("text", UNDEFINED)
def test_what_no_real_number_answers_has_no_value(text):
    assert value(text) is None


@pytest.mark.parametrize("text", ["sign", "step", "floor"])
def test_a_jump_inside_a_ball_has_no_value(text):
    assert value(f"{text}(sin(x)^2 + cos(x)^2 - 1)") is None


@pytest.mark.parametrize("text", ["sin(x)^2 + cos(x)^2 == 1", "sin(x)^2 + cos(x)^2 > 1", "sin(x)^2 + cos(x)^2 >= 1"])
def test_a_comparison_that_a_ball_leaves_open_has_no_value(text):
    assert value(text) is None


@pytest.mark.parametrize("text", ["relu({})", "abs({})", "max({}, 0)", "-min({}, 0)"])
def test_a_bend_inside_a_ball_gives_the_ball_of_both_branches(text):
    ball = value(text.format("(sin(x)^2 + cos(x)^2 - 1)"))
    assert ball.contains(0)
    assert float(ball.rad()) < 1e-30


def test_an_exact_zero_absorbs_an_undefined_factor():
    assert value("w*log(z)") == 0
    assert value("log(z)*w*x") == 0


def test_the_cross_entropy_needs_only_the_branch_of_its_target():
    low, high = interval(value("bce(p, y)"))
    assert low <= high < 0
    assert float(low) == pytest.approx(-math.log(4))


def test_without_absorption_the_same_product_has_no_value():
    steps = plan((read("w*log(z)"),))
    assert steps.run(POINT, 64, absorb=False)[steps.outputs[0]] is None


def test_only_the_branch_taken_must_be_defined():
    assert value("where(z > 0, log(z), y)") == 1
    assert value("where(z < 0, y, 1/w)") == 1


NEAR = {
    "exp(x)": math.exp(347 / 997), "log(p)": math.log(4), "sin(z)": math.sin(-3), "cos(z)": math.cos(-3),
    "asin(x)": math.asin(347 / 997), "atan(z)": math.atan(-3), "sinh(z)": math.sinh(-3), "cosh(z)": math.cosh(-3),
    "tanh(z)": math.tanh(-3), "erf(x)": math.erf(347 / 997), "sigmoid(z)": 1 / (1 + math.e**3),
    "softplus(z)": math.log1p(math.exp(-3)), "softplus(p)": math.log1p(math.exp(4)), "pi": math.pi, "e": math.e,
    "sqrt(2)": math.sqrt(2), "2^x": 2 ** (347 / 997), "x^x": (347 / 997) ** (347 / 997), "exp(x)^3": math.exp(1041 / 997),
    "max(exp(x), p)": 4, "min(exp(x), p)": math.exp(347 / 997), "abs(sin(z))": abs(math.sin(-3)),
    "sign(sin(z))": -1, "floor(100*exp(x))": math.floor(100 * math.exp(347 / 997)), "2^(1/2 + x - x)": math.sqrt(2),
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), NEAR.items())
def test_a_ball_holds_what_the_mathematics_library_finds(text, wanted):
    low, high = interval(value(text))
    assert high - low < Fraction(1, 10**30)
    assert to_float(value(text)) == pytest.approx(wanted, rel=1e-13)


@pytest.mark.parametrize("text", ["sigmoid({})", "tanh({})", "softplus({})", "erf({})"])
@pytest.mark.parametrize("far", ["10^400", "-(10^400)"])
def test_a_saturated_activation_has_a_value(text, far):
    assert value(text.format(far)) is not None


HOSTILE = (
    "9^9^9^9", "exp(exp(exp(exp(exp(10)))))", "sin(exp(exp(exp(5))))", "2^(10^400)", "(1 + 1e-400)^(10^400)",
    "(-1)^(10^400)", "10^400^400", "floor(2^(2^30))", "floor(exp(exp(exp(10))))", "1e400*1e400*1e400*1e400*1e400",
    "+".join(f"{place}.123456789/{2 * place + 1}" for place in range(1, 300)),
    "+".join(["x"] * 600), "*".join(f"(x/(x+{place}))^64" for place in range(1, 140)),
    "+".join(f"erf(x + {place})" for place in range(150)),
    "silu(" * 45 + "x" + ")" * 45, "leaky_relu(" * 45 + "x" + ")" * 45,
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:24])
def test_hostile_expressions_give_small_values(text):
    found = value(text, 1088)
    if isinstance(found, Fraction):
        assert max(found.numerator.bit_length(), found.denominator.bit_length()) <= 5000
    bounds = interval(found)
    assert bounds is None or max(bound.denominator.bit_length() for bound in bounds) < 50_000
    digits(found, 6)
    to_float(found)


def test_shared_parts_are_one_step():
    assert len(plan((read("silu(" * 45 + "x" + ")" * 45),)).steps) == 90
    both = plan((read("sin(x*y) + 1"), read("2*sin(x*y)")))
    assert [function for _, function, _ in both.steps].count("sin") == 1


def test_equal_expressions_are_one_slot_and_others_are_not():
    assert len(set(plan((read("x*y + 0.5"), read("x*y + 0.50"))).outputs)) == 1
    assert len(set(plan((read("x*y"), read("y*x"))).outputs)) == 2


def test_a_plan_names_the_arguments_at_which_it_bends():
    steps = plan((read("relu(x) + max(x, y) + abs(x)"),))
    assert len(steps.kinks) == 2
    assert {steps.names_below(kink) for kink in steps.kinks} == {frozenset("x"), frozenset("xy")}


def test_balls_may_be_put_in_for_names():
    with ctx.workprec(64):
        ball = arb(2, 0.5)
    low, high = interval(evaluate(read("x + 1"), {"x": ball}, 64))
    assert low <= Fraction(5, 2) < Fraction(7, 2) <= high
    assert high - low < 1 + Fraction(1, 10**8)
    assert evaluate(read("log(x)"), {"x": None}, 64) is None


def test_the_precision_of_others_is_left_alone():
    before = ctx.prec
    value("exp(x)", 1088)
    with pytest.raises(UnsupportedError):
        evaluate(read("exp(x)"), {}, 1088)
    assert ctx.prec == before


@pytest.mark.parametrize(
    ("expr", "said"),
    [
        (Name("q"), '"q" has no value here'),
        (Call("matmul", (Name("x"), Name("y"))), '"matmul" has no scalar value'),
        (Index(Name("x"), (Num(Fraction(0), "0"),)), '"index" has no scalar value'),
    ],
)
def test_what_cannot_be_evaluated_is_said(expr, said):
    with pytest.raises(UnsupportedError, match=said):
        evaluate(expr, POINT, 64)


DIGITS = [
    (Fraction(1, 3), 3, "0.333"), (Fraction(2, 3), 3, "0.667"), (Fraction(-2, 3), 2, "-0.67"), (Fraction(0), 3, "0"),
    (Fraction(1, 8), 2, "0.13"), (Fraction(-1, 8), 2, "-0.13"), (Fraction(2), 4, "2.000"), (Fraction(123456), 3, "1.23e5"),
    (Fraction(999), 2, "1.0e3"), (Fraction(9999, 1000), 2, "10"), (Fraction(1, 10**7), 3, "1.00e-7"),
    (Fraction(12345, 10**9), 3, "0.0000123"), (Fraction(5), 1, "5"), (Fraction(10) ** 50, 1, "1e50"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "count", "wanted"), DIGITS)
def test_digits_are_rounded_correctly(number, count, wanted):
    assert digits(number, count) == wanted


def test_digits_of_a_ball_are_told_only_as_far_as_they_are_known():
    assert digits(value("pi", 128), 10) == "3.141592654"
    assert digits(value("pi", 32), 15) is None
    assert digits(None, 3) is None


@given(st.fractions(max_denominator=10**6), st.integers(1, 12))
def test_digits_are_within_half_a_unit(number, count):
    text = digits(number, count)
    mantissa, _, exponent = text.partition("e")
    unit = Fraction(10) ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    assert abs(Fraction(text) - number) <= unit / 2


def test_bounds_hold_the_ball_exactly():
    with ctx.workprec(64):
        ball = arb(3, 0.25)
    mantissa, exponent = (int(part) for part in ball.rad().man_exp())
    radius = mantissa * Fraction(2) ** exponent
    assert interval(ball) == (3 - radius, 3 + radius)
    assert interval(Fraction(1, 3)) == (Fraction(1, 3), Fraction(1, 3))
    assert interval(None) is None


def test_bounds_of_what_is_too_small_to_write_stay_around_it():
    low, high = interval(value("exp(-exp(20))"))
    assert low < 0 < high < Fraction(1, 2**10_000)


def test_floats_of_the_extremes():
    assert math.isnan(to_float(None))
    assert to_float(Fraction(10) ** 400) == math.inf
    assert to_float(-(Fraction(10) ** 400)) == -math.inf
    assert to_float(value("exp(-exp(20))")) == 0
