"""Reading formulas: what has one reading is read, what has several gives all, the rest is explained in place."""

from __future__ import annotations

import contextlib
import inspect
import sys
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import GradcheckError, ParseError
from gradcheck_cli.expr import Call, Index, Name, Num, walk
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse, readings
from gradcheck_cli.source import Source
from gradcheck_cli.write.latex import LatexWriter
from gradcheck_cli.write.text import write

DECLARED = {
    "w0": ("w_0",), "x0": (), "x1": (), "z": (), "a": (r"\alpha",), "yhat": (r"\hat{y}",), "x": (), "y": (), "yx": (),
    "w31": ("w_{31}^2", "w_{31}"), "b": (),
}  # fmt: skip
SCOPE, CLASHES = scope(DECLARED, {"a": frozenset({"z", "x0", "w0"})})

SAME = [
    ("zx^2", "z*x^2"), ("2zx²", "2*(z*x^2)"), ("(zx)^2", "(z*x)^2"), ("z/bx^2", "z/(b*x^2)"), ("ze^-x", "z*e^(-x)"),
    ("2x", "2*x"), ("w0 x0", "w0*x0"), ("w0x0", "w0*x0"), ("2(a+b)", "2*(a + b)"), ("(a)(b)", "a*b"), ("a(1-a)", "a*(1 - a)"),
    ("x^2", "x^2"), ("x**2", "x^2"), ("x²", "x^2"), ("x⁻¹", "x^(-1)"), ("a × b · z", "a*b*z"), ("a ⋅ b", "a*b"),
    ("a − b – z", "a - b - z"), ("a ÷ b", "a/b"), ("σ(z)", "sigmoid(z)"), ("ReLU(x)", "relu(x)"), ("ln(x)", "log(x)"),
    ("arctan(x)", "atan(x)"), ("x₀", "x0"), ("x_0", "x0"), ("w_{0}", "w0"), ("w_31", "w31"), ("ŷ", "yhat"), ("y_hat", "yhat"),
    ("α(1−α)", "a*(1 - a)"), ("|x|", "abs(x)"), ("|x| y", "abs(x)*y"), ("|x|y|z|", "abs(x)*y*abs(z)"), ("||x|-1|", "abs(abs(x) - 1)"),
    ("e^-z", "e^(-z)"), ("e^{-z}", "e^(-z)"), ("-x^2", "-x^2"), ("2^-3^2", "2^(-3^2)"), ("2 × -3", "2*(-3)"), ("+x", "x"),
    ("1/2x", "1/2*x"), ("a/b/z", "a/b/z"), ("a/(b z)", "a/(b*z)"), ("√x", "sqrt(x)"), ("√(x+1)", "sqrt(x + 1)"), ("½ x", "1/2*x"),
    ("[x > 0]", "x > 0"), ("(x > 0?)", "x > 0"), ("1[z>0]", "1*(z > 0)"), ("x ≥ y", "x >= y"), ("x ≠ y", "x != y"),
    ("log a b", "log(a*b)"), ("log 2a", "log(2*a)"), ("log a + b", "log(a) + b"), ("sin²(x)", "sin(x)^2"), ("tanh^2(x)", "tanh(x)^2"),
    ("exp -z", "exp(-z)"), ("x log(y)", "x*log(y)"), ("xlog(y)", "x*log(y)"), ("yx", "yx"), ("y x", "y*x"), ("max(x, y, z)", "max(x, y, z)"),
    ("dz/dx0", "d(z, x0)"), ("da/dw_0", "d(a, w0)"), ("∂a/∂x₀", "d(a, x0)"), ("d a / d x0", "d(a, x0)"), ("dyhat/dw31 · dw31/dx", "d(yhat, w31)*d(w31, x)"),
    ("d(a, x0)", "d(a, x0)"), ("0,5", "0.5"), ("1.5 × 10^-3", "1.5*10^(-3)"), ("2e", "2*e"), (".5x", ".5*x"), ("pi x", "pi*x"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "plain"), SAME)
def test_spellings_that_people_type(text, plain):
    assert write(readings(text, SCOPE)[0]) == plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12,345", ["12345", "12.345"]),
        ("1,234,567", ["1234567"]),
        ("12,345.5", ["12345.5"]),
        ("12 345", ["12345"]),
        ("1 234 567", ["1234567"]),
        ("12\u202f345", ["12345"]),
        ("012,345", ["012.345"]),
        ("1234,567", ["1234.567"]),
        ("39.3 %", ["39.3e-2"]),
        ("2*12 345 + 1", ["2*12345 + 1"]),
        ("a(z)", ["a", "a*z"]),
        ("a(x0, w0)", ["a"]),
    ],
)
def test_a_spelling_with_several_readings_gives_all(text, expected):
    assert [write(expr) for expr in readings(text, SCOPE)] == expected


ARRAYS = replace(scope({"A": (), "x": (), "y": ()})[0], arrays=True)


@pytest.mark.parametrize("base", ["x", "(x + y)", "relu(x)", "(2*x)", "(A @ x)", "softmax(x)", "x.T"])
def test_beside_arrays_brackets_right_behind_an_expression_hold_an_index(base):
    expected = Index(parse(base, ARRAYS), (parse("0", ARRAYS),))
    assert parse(f"{base}[0]", ARRAYS) == expected


@pytest.mark.parametrize(
    "text", ["relu(x)[x > 0]", "(x + y)[(x) >= y]", "2[x > 0]", "(x + y) [x, y]", "relu(x) [x > 0]"]
)
def test_beside_arrays_a_comparison_or_a_blank_before_the_brackets_makes_a_factor(text):
    found = parse(text, ARRAYS)
    assert isinstance(found, Call)
    assert found.function == "mul"


def test_a_trace_has_its_usual_short_names():
    assert parse("tr(A)", ARRAYS) == parse("Tr(A)", ARRAYS) == parse("trace(A)", ARRAYS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "formula:1:1: there is no formula; write an expression"),
        ("2(a+b", 'formula:1:2: "(" is never closed; add ")"'),
        ("a+b)", 'formula:1:4: ")" closes nothing; remove it, or open it with "("'),
        ("sigmoyd(z)", 'formula:1:1: "sigmoyd" is no name or function here; did you mean sigmoid?'),
        ("a_", 'formula:1:1: "a_" is no name or function here; did you mean a?'),
        ("q + 1", 'formula:1:1: "q" is no name or function here; this problem knows w0, x0, x1, z, a, yhat, x, y, yx, w31, b'),
        ("x 2", 'formula:1:3: "2" follows a value without an operator; put * or + between'),
        ("a + * b", 'formula:1:5: "*" follows "+"; a value should stand between'),
        ("a +", 'formula:1:3: the formula ends after "+"; a value should follow'),
        ("* a", 'formula:1:1: "*" stands where a value should; a value should come first'),
        ("1.2.3", 'formula:1:4: ".3" follows a value without an operator; put * or + between'),
        ("а + 1", 'formula:1:1: the character "а" (U+0430, cyrillic small letter a) has no meaning in a formula; it looks like "a": type that'),
        ("a $ b", 'formula:1:3: the character "$" (U+0024, dollar sign) has no meaning in a formula; LaTeX stands between $ and $ as a whole: $w_0 \\alpha$'),
        ("log", "formula:1:1: log has no argument; write log(…)"),
        ("log(x, y)", "formula:1:1: log(…) has 2 arguments; it takes 1 argument"),
        ("d(a)", "formula:1:1: d(…) has 1 argument; d takes 2"),
        ("a == b == z", "formula:1:8: two comparisons in a row; compare two values at a time"),
        ("(a, b)", 'formula:1:3: "," stands where no list can be; write one value, decimals with a point'),
        ("[a]", "formula:1:1: brackets [ ] stand around a value; […] around a comparison is 1 or 0; use ( ) to group"),
        ("1e500", "formula:1:1: the exponent of 1e500 is out of range; at most 400 is read"),
        ("9" * 61, "formula:1:1: a number has more than 60 digits; round it"),
        ("z'", "formula:1:2: a prime has no meaning here; write the derivative as d(y, x)"),
        ("a = b", 'formula:1:3: "=" stands inside an expression; use == to compare'),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_where_why_and_the_way_out(text, message):
    with pytest.raises(ParseError) as caught:
        parse(text, SCOPE)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    ["(" * 10**5, "-" * 10**6, "9" * 10**6, "a" * 10**6, "ab" * 30, "x+" * 5000, "a.T" * 900, "x^" * 900 + "x", "|" * 999,
     "[" * 999, "((((" * 200 + "x", "x" * 64, "x/" * 900 + "x", "sin " * 900, "d" * 64, "12,345" * 300, "a(z)" * 400, "\x00", "\ud800"],
)  # fmt: skip
def test_hostile_text_is_refused_or_read_quickly(text):
    started = time.perf_counter()
    with contextlib.suppress(GradcheckError):
        readings(text, SCOPE)
    assert time.perf_counter() - started < 2


@given(st.text(alphabet="0123456789abxyzwσ+-*/^()[]{}|,.=<>ed_ ×−²₀'√?~@\\$ŷ\t", max_size=40))
def test_any_text_is_read_or_explained(text):
    try:
        expr = readings(text, SCOPE)[0]
    except ParseError as error:
        assert error.message
        assert "\n" not in str(error)
    else:
        assert parse(write(expr), SCOPE) == expr
        assert LatexWriter({}).write(expr)


LEAVES = st.sampled_from([Name("x"), Name("y"), Name("w0")]) | st.integers(0, 30).map(lambda n: Num(n, str(n)))
BINARY = st.sampled_from(["add", "mul", "div", "pow", "gt", "le", "matmul"])
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.tuples(BINARY, inner, inner).map(lambda parts: Call(parts[0], parts[1:]))
        | inner.map(lambda x: Call("neg", (x,)))
        | inner.map(lambda x: Call("sigmoid", (x,)))
    ),
    max_leaves=12,
)


def flat(expr):
    """n-ary sums and products in one call, as the parser makes them from the left."""
    if not isinstance(expr, Call):
        return expr
    args = [flat(arg) for arg in expr.args]
    first = args[0]
    if expr.function in ("add", "mul") and isinstance(first, Call) and first.function == expr.function:
        args[:1] = first.args
    return Call(expr.function, tuple(args))


@given(TREES)
def test_every_tree_is_written_so_that_it_reads_back(tree):
    written = write(flat(tree))
    back = parse(written, SCOPE)
    assert flat(back) == flat(tree) or write(back) == written


def test_numbers_keep_their_digits():
    assert [part.text for part in walk(parse("0.20*x + 1.50", SCOPE)) if isinstance(part, Num)] == ["0.20", "1.50"]


def test_an_error_in_a_part_names_the_place_in_the_whole():
    whole = Source("file.yaml", "title: x\nz: a + qq\n")
    part = whole.part("a + qq", tuple(range(12, 19)))
    with pytest.raises(ParseError) as caught:
        parse(part, SCOPE)
    assert str(caught.value).startswith('file.yaml:2:8: "qq"')
    assert caught.value.source.excerpt(caught.value.span) == "  z: a + qq\n         ^^"


def test_two_names_may_not_share_a_spelling():
    _, clashes = scope({"x": ("y",), "y": ()})
    assert clashes == (("y", "y", "x"),)


def test_no_names_clash_here():
    assert CLASHES == ()


NESTED = [
    ("tanh(", " + 1)"), ("(", " + 1)"), ("-", ""), ("(-", ")"), ("1/(1 + ", ")"), ("2^", ""), ("|1 + ", "|"), ("‖1 + ", "‖"), ("⟨1 + ", ", x⟩"), ("√", ""), ("log ", ""),
    ("A[", "]"), ("[", ", 1]"), ("sum(", ", i)"), ("sum(", ", axis=0)"), ("sum(x, axis=", ")"), ("max(", ", 1)"), ("d(", ", x)"),
    ("(", " > 1)"), ("{", "}"), ("xtanh(", ")"), ("x tanh(", ")"), ("A @ (", ")"), ("", "^2"), ("", ".T"), ("", "[0]"), ("tanh(-(2*x^(√", ")))"),
    ("x(", ")"),
]  # fmt: skip
NESTED_LATEX = [
    (r"\tanh(", " + 1)"), (r"\frac{1}{1 + ", "}"), ("e^{-", "}"), (r"\sqrt{", "}"), (r"\boxed{", "}"), (r"\left(", r"\right)"),
    (r"x\tanh{", "}"), ("2^", ""), (r"\sqrt ", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("opening", "closing", "latex"), [(*one, False) for one in NESTED] + [(*one, True) for one in NESTED_LATEX]
)
def test_deep_formulas_are_refused_before_python_stops(opening, closing, latex):
    words = replace(ARRAYS, indices=frozenset("i"))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 820)
    refused = []
    try:
        for depth in (1, 20, *range(50, 64), 90, 120, 600):
            try:
                expr = parse(opening * depth + "x" + closing * depth, words, latex=latex)
            except ParseError as error:
                refused.append(error.message)
            else:
                assert write(expr)
                assert LatexWriter({}).write(expr)
                assert not [message for message in refused if "nested" in message]
    finally:
        sys.setrecursionlimit(limit)
    assert refused
