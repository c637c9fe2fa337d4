"""Values as a reader wants them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.solving.numbers import apart, number_text

VALUES = st.fractions(max_denominator=10**6).filter(lambda value: abs(value) < 10**6)


@pytest.mark.parametrize(
    ("left", "right", "texts"),
    [
        (Fraction(1, 2), Fraction(1, 3), ("0.5", "0.333333")),
        (Fraction(-1), Fraction(-(10**8) - 1, 10**8), ("-1", "-1.00000001")),
        (Fraction(1), 1 + Fraction(1, 10**16), ("1", "1.0000000000000001")),
    ],
)
def test_two_values_are_told_apart(left, right, texts):
    assert apart(left, right) == texts


@given(VALUES, VALUES)
def test_values_that_differ_never_look_alike(left, right):
    assert (left == right) == (len(set(apart(left, right))) == 1)


def test_no_value_has_no_text():
    assert number_text(None) == ""
