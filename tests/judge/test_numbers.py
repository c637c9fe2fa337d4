from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Num
from gradcheck_cli.judge import number_verdict, places, with_rounding
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.symbolic.evaluate import digits, evaluate, interval

SCOPE = scope({})[0]
F = Fraction


def typed(text: str) -> Num:
    return Num(F(text), text)


VERDICTS = [
    ("0.39", "0.393", "right"), ("0.4", "0.393", "right"), ("0.40", "0.393", "rounding"), ("0.393", "0.3932", "right"),
    ("-0.2", "-0.2", "right"), ("-0.20", "-0.196", "right"), ("-0.19", "-0.196", "truncated"), ("0.2", "-0.2", "wrong"),
    ("12", "12.4", "right"), ("12", "12.7", "truncated"), ("13", "12.4", "wrong"), ("12", "13", "wrong"), ("12", "12", "right"),
    ("1", "0.98", "right"), ("1", "0.4", "wrong"), ("3e2", "312", "right"), ("3e2", "391", "truncated"), ("3.1e2", "312", "right"),
    ("1.5e-3", "0.00154", "right"), ("1.5e-3", "0.0017", "wrong"), ("1.50e-3", "0.001516", "rounding"),
    ("0.3", "0.39", "truncated"), ("0.38", "0.393", "rounding"), ("0.36", "0.393", "wrong"), ("0.3", "0.1", "wrong"),
    ("0", "0", "right"), ("0.0", "0", "right"), ("0", "0.004", "wrong"), ("0.0", "0.04", "wrong"), ("0", "0.4", "wrong"),
    ("0.0", "-0.01", "wrong"), ("1", "0", "wrong"), ("0.01", "0", "wrong"), ("0.5", "1/2", "right"), ("1/2", "1/2", "right"),
    ("1/2", "2/3", "wrong"), ("20", "21", "wrong"), ("0.125", "1/8", "right"), ("0.13", "1/8", "right"), ("0.12", "1/8", "right"),
    ("100", "100.4", "right"), ("0.05", "0.05", "right"), ("1e400", "1", "wrong"), ("1.", "1.2", "right"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "exact", "verdict"), VERDICTS)
def test_numbers_are_judged_to_the_digits_given(text, exact, verdict):
    assert number_verdict(typed(text), F(exact)) == verdict


@pytest.mark.parametrize(("text", "exact", "verdict"), VERDICTS)
def test_the_sign_makes_no_other_difference(text, exact, verdict):
    mirrored = Num(-F(text), text.removeprefix("-") if text.startswith("-") else "-" + text)
    assert number_verdict(mirrored, -F(exact)) == verdict


BALLS = [
    ("0.6931", "log(2)", "right"), ("0.693147180559945309417232121458", "log(2)", "right"), ("0.69314", "log(2)", "truncated"),
    ("0.693147180559945309417232121459", "log(2)", "rounding"), ("0", "sin(pi)", "right"), ("0.1", "sin(pi)", "wrong"),
    ("0", "exp(-20)", "wrong"), ("2e-9", "exp(-20)", "right"), ("1", "9^9^9", "wrong"), ("1", "exp(exp(20))", "wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "exact", "verdict"), BALLS)
def test_numbers_are_judged_against_balls(text, exact, verdict):
    value = evaluate(expand(parse(exact, SCOPE)), {}, 192)
    assert number_verdict(typed(text), value) == verdict


@pytest.mark.parametrize(
    ("text", "verdict"), [("0.4", "right"), ("0.388", "right"), ("0.387", "wrong"), ("0.399", "wrong")]
)
def test_with_a_tolerance_the_distance_alone_counts(text, verdict):
    assert number_verdict(typed(text), F("0.393"), F("0.005") if text != "0.4" else F("0.007")) == verdict


def test_without_a_value_there_is_no_verdict():
    with pytest.raises(UnsupportedError, match="no value to compare with"):
        number_verdict(typed("1"), None)


@given(st.fractions(min_value=-100, max_value=100, max_denominator=10**5), st.integers(1, 12))
def test_a_correctly_rounded_number_is_right(value, count):
    assert number_verdict(typed(digits(value, count)), value) == "right"


@pytest.mark.parametrize(
    ("text", "count"), [("0.20", 2), ("3", 0), ("1.5e-3", 4), ("3e2", -2), ("-0.25", 2), ("1.", 0), (".5", 1)]
)
def test_places_count_the_exponent_in(text, count):
    assert places(text) == count


def ball(text: str, *exact: str) -> tuple[Fraction, Fraction]:
    bounds = interval(with_rounding(expand(parse(text, SCOPE)), frozenset(map(F, exact))))
    assert bounds is not None
    return bounds


INSIDE = [
    ("0.393*(1 - 0.393)", "0.2386"),
    ("0.39*2", "0.787"),
    ("0.39*2", "0.7989"),
    ("-0.39*2", "-0.7989"),
    ("0.39*2", "0.77"),
]


@pytest.mark.parametrize(("text", "truth"), INSIDE)
def test_a_typed_decimal_stands_for_what_it_was_rounded_or_cut_from(text, truth):
    low, high = ball(text)
    assert low <= F(truth) <= high


@pytest.mark.parametrize(
    ("text", "truth"), [("0.39*2", "0.7699"), ("0.39*2", "0.8001"), ("0.390*2", "0.783"), ("39*2", "78.1")]
)
def test_it_stands_for_nothing_more(text, truth):
    low, high = ball(text)
    assert not low <= F(truth) <= high


def test_whole_numbers_and_given_values_are_exact():
    assert with_rounding(expand(parse("3*0.5/2", SCOPE)), frozenset({F(1, 2)})) == F(3, 4)
    assert with_rounding(expand(parse("3/2", SCOPE)), frozenset()) == F(3, 2)


def test_a_typed_zero_may_have_either_sign():
    low, high = ball("0.0*2")
    assert low < 0 < high
    assert high - low < F("0.401")


def test_a_quotient_by_what_may_be_zero_has_no_bounds():
    assert with_rounding(expand(parse("1/0.0", SCOPE)), frozenset()) is None
