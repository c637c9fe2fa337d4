"""Mistakes about one path, one term, one factor or one number are named, with given values put in or not."""

from __future__ import annotations

import pytest

from tests.answers import graded


@pytest.mark.parametrize(
    ("text", "problem", "code", "said"),
    [
        ("df/dy = 2*y*z/x + x/y^2", "chained-ratios", "sign", "the sign of the path f → a → y"),
        ("dL/db = -0.286 + 0.454", "shared-weight", "sign", "the sign of the path L → h2 → z2 → b"),
        ("dD/dq = -p/q - (1-p)/(1-q)", "kl-bernoulli", "sign", "the sign of the term (1 - p)/(1 - q)"),
        ("dD/dq = -p/q", "kl-bernoulli", "missing-path", "the term (1 - p)/(1 - q) is missing"),
        ("dh/dun = (1 - z)*(1 - n^2)*r", "gru-cell", "missing-factor", "the factor h0 is missing: dan/dun = r*h0"),
        ("dh/dun = 0.359*r = 0.2277", "gru-cell", "missing-factor", "the factor h0 is missing"),
        ("dL/da = 2*(e1 + e2 + e3)", "parabola", "constant", "3 times what is right: a factor 1/3 is missing"),
        ("df/dx = 3x", "squared-term", "wrong-local", "the exponent 2 comes down as a factor"),
        ("dL/da = 1/a", "squared-term-bce", "sign", "the sign is turned around"),
        ("w11 <- 0.7 + 0.5*0.2327", "four-hidden-units", "sign", "the step is added"),
        ("du/dw = -eta*(1 - beta)*x^2", "momentum-update", "missing-path", "its direct path is missing: add du/dw"),
        ("df/dx = y^2*z/x^2 + 1/y", "chained-ratios", "sign", "the sign is turned around at db/da = 1/z"),
        ("df/dz = 7.77", "chained-ratios", None, ""),
    ],
)
def test_the_mistake_is_named(text, problem, code, said):
    (claim,) = graded(text, problem)
    assert claim.verdict == "wrong"
    assert (claim.diagnosis.code if claim.diagnosis else None) == code
    assert said in (claim.diagnosis.message if claim.diagnosis else "")
