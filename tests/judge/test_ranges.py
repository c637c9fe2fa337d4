from __future__ import annotations

from fractions import Fraction
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_cli.expand import expand
from gradcheck_cli.functions import PRIMITIVES
from gradcheck_cli.judge.ranges import RANGES, kind_range, ranges
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.symbolic.evaluate import evaluate, interval, plan

SCOPE = scope(dict.fromkeys("wqps", ()))[0]
KINDS = {"w": "real", "q": "positive", "p": "probability", "s": "sign"}


def bounds(text: str):
    steps = plan((expand(parse(text, SCOPE)),))
    return ranges(steps, {name: kind_range(kind) for name, kind in KINDS.items()})[steps.outputs[0]]


def test_every_primitive_has_a_range():
    assert set(RANGES) | {"mul", "pow"} == set(PRIMITIVES)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("w", -inf, inf), ("q", 0, inf), ("1 - p", 0, 1), ("1 - s", 0, 2), ("w*w", 0, inf), ("w^2 + 1", 1, inf),
        ("q/(1 + q)", 0, inf), ("1/w", -inf, inf), ("w/0", -inf, inf), ("-1/(1 + q)", -1, 0), ("3*p - 5", -5, -2), ("p^3", 0, 1),
        ("w^3", -inf, inf), ("tanh(w) + 1", 0, 2), ("atan(q)", 0, 2), ("relu(w) + 1", 1, inf), ("|s|", 0, 1),
        ("cosh(w)", 1, inf), ("exp(w)", 0, inf), ("exp(q)", 1, inf), ("sigmoid(q)", Fraction(1, 2), 1), ("min(w, 3)", -inf, 3), ("where(w > 0, 1, 2)", 1, 2), ("log(1 + q)", 0, inf), ("2^(-w)", 0, inf),
    ],
)  # fmt: skip
def test_bounds_follow_from_kinds_and_functions(text, low, high):
    assert bounds(text) == (low, high)


TEXTS = st.recursive(
    st.sampled_from(["w", "q", "p", "s", "2", "(1/3)", "0.7", "(-3)"]),
    lambda inner: st.one_of(
        st.builds("{}({})".format, st.sampled_from(sorted({"exp", "log", "sin", "cos", "asin", "atan", "sinh", "cosh", "tanh",
            "erf", "sigmoid", "relu", "softplus", "abs", "sign", "step", "floor"})), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", ">", ">=", "=="]), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["max", "min"]), inner, inner),
        st.builds("({})^({})".format, inner, st.sampled_from(["2", "3", "(-1)", "(-2)", "(1/2)", "0"])),
    ),
    max_leaves=6,
)  # fmt: skip
REALS = st.fractions(-9, 9, max_denominator=99)


@settings(max_examples=300, deadline=None)
@given(TEXTS, REALS, REALS, st.fractions(0, 1, max_denominator=99), st.sampled_from([-1, 1]))
def test_values_lie_inside_their_bounds(text, w, q, p, s):
    env = {"w": w, "q": abs(q) + Fraction(1, 10), "p": p, "s": Fraction(s)}
    found = interval(evaluate(expand(parse(text, SCOPE)), env, 192))
    if found is not None:
        low, high = bounds(text)
        assert low <= found[1]
        assert found[0] <= high
