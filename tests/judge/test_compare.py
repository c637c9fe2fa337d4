from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_cli.expand import expand
from gradcheck_cli.expr import Call, Expr, Name, names, number, substitute
from gradcheck_cli.judge import Space, Variable, decide
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.symbolic.evaluate import evaluate, to_float

# w, x, v are reals, c a real given as 0, q positive, p a probability, y 0 or 1, s -1 or 1, n an integer;
# the nodes: z = w*x + v, a = sigmoid(z), t = relu(z), u = w^2 - 2*w + 2 (never negative, but no rule says so)
SCOPE = scope(dict.fromkeys("wxvcqpysnzatug", ()))[0]


def read(text: str) -> Expr:
    return expand(parse(text, SCOPE))


SPACE = Space(
    (
        Variable("w", "real", Fraction(2)),
        Variable("x", "real", Fraction(-1)),
        Variable("v", "real", Fraction(-3)),
        Variable("c", "real", Fraction(0)),
        Variable("q", "positive", Fraction(1, 4)),
        Variable("p", "probability", Fraction(1, 2)),
        Variable("y", "binary", Fraction(1)),
        Variable("s", "sign", Fraction(1)),
        Variable("n", "integer", Fraction(3)),
    ),
    (
        ("z", read("w*x + v")),
        ("a", read("sigmoid(z)")),
        ("t", read("relu(z)")),
        ("u", read("w^2 - 2*w + 2")),
    ),
)

EQUAL = [
    ("sigmoid(w)", "(1 + tanh(w/2))/2"), ("1 - tanh(w)^2", "1/cosh(w)^2"), ("a*(1 - a)", "exp(-z)/(1 + exp(-z))^2"),
    ("x*a*(1 - a)", "x*sigmoid(w*x + v)*(1 - sigmoid(z))"), ("(w + x)^2", "w^2 + 2*w*x + x^2"), ("0.5*w", "w/2"),
    ("(w^3 - x^3)/(w - x)", "w^2 + w*x + x^2"), ("w*(z/w)", "z"), ("tan(w)", "sin(w)/cos(w)"),
    ("sin(w)^2 + cos(w)^2", "1"), ("cosh(w)", "(e^w + e^(-w))/2"), ("acos(p)", "pi/2 - asin(p)"),
    ("log(q^2)", "2*log(q)"), ("log(q)/log(2)", "log2(q)"), ("log(x*v)", "log(x) + log(v)"), ("q^0.5", "sqrt(q)"),
    ("exp(w + x)", "exp(w)*exp(x)"), ("softplus(w)", "log(1 + exp(w))"), ("sqrt(2)*sqrt(3)", "sqrt(6)"),
    ("relu(w)", "max(0, w)"), ("relu(w)", "where(w > 0, w, 0)"), ("relu(w)", "(w + |w|)/2"), ("t", "max(z, 0)"),
    ("relu(w) - relu(-w)", "w"), ("max(w, x) + min(w, x)", "w + x"), ("sign(w)*w", "|w|"), ("sqrt(w^2)", "|w|"),
    ("leaky_relu(w)", "max(w, 0.01*w)"), ("clip(w, -1, 1)", "max(-1, min(1, w))"), ("step(w)", "w > 0"),
    ("elu(w)", "where(w > 0, w, exp(w) - 1)"), ("relu(relu(w))", "relu(w)"), ("hinge(w, s)", "relu(1 - s*w)"),
    ("bce(p, y)", "-(y*log(p) + (1 - y)*log(1 - p))"), ("bce(p, y)", "-where(y > 0, log(p), log(1 - p))"),
    ("where(y == 1, w, x)", "y*w + (1 - y)*x"), ("y^2", "y"), ("s^2", "1"), ("|s|", "1"), ("(-n)^2", "|n|^2"),
    ("gelu(w)", "w*(1 + erf(w/sqrt(2)))/2"), ("e^(2*log(3))", "9"), ("y/y", "1"), ("-w^2", "-(w*w)"),
]  # fmt: skip

ONE_BRANCH = [
    ("relu(a)", "a"), ("relu(q)", "q"), ("|p|", "p"), ("|1 - p|", "1 - p"), ("step(q + 1)", "1"), ("|exp(w)|", "exp(w)"),
    ("relu(1 + sigmoid(w))", "1 + sigmoid(w)"), ("relu(1 - tanh(w))", "1 - tanh(w)"), ("relu(1 + w^2)", "1 + w^2"),
    ("relu(-(w*w) - 1)", "0"), ("max(cosh(w), 1/2)", "cosh(w)"), ("|q/(1 + q)|", "q/(1 + q)"), ("relu(softplus(z))", "softplus(z)"),
    ("|t|", "t"), ("relu(pi - atan(w))", "pi - atan(w)"), ("relu(-|w|)", "0"), ("relu(u)", "relu(u)"),
]  # fmt: skip

DIFFERENT = [
    ("w", "w + 1e-60"), ("w", "w*(1 + 1e-60)"), ("a", "a + exp(-100)"), ("a", "a + (1/2)^200"), ("w", "w + exp(-600)"),
    ("1", "1 + 1e-60"), ("sqrt(2)", "1.4142135623730950488016887242"), ("pi", "3.14159265358979"), ("log(q)", "log(q) + 1e-50"),
    ("z", "z + max(0, z - 1000)"), ("z", "z + step(w - 100)"), ("w", "w + relu(x - 1e6)"), ("w", "w + relu(w*x - 5000)"),
    ("w", "w + y*relu(x - 1e6)"), ("w", "w + (1 - y)*relu(x - 1e6)"), ("w", "w + (1 + s)*relu(x - 1e6)"), ("v", "v + relu(w - 1000)*relu(x - 1000)"),
    ("w", "w + step(x - 100)*step(200 - x)"), ("a", "where(z > 30, 1, a)"), ("a", "a + step(z - 500)*1e-30"),
    ("relu(p - 0.999999)", "0"), ("relu(1e-5 - p)", "0"), ("relu(1e-5 - q)", "0"), ("w", "w + floor(x/100)*1e-20"),
    ("relu(w)", "leaky_relu(w)"), ("relu(w)", "w"), ("|w|", "w"), ("relu(w)", "relu(-w)"), ("w^64", "w^65"),
    ("a*(1 - a)", "a*(1 + a)"), ("x*a*(1 - a)", "w*a*(1 - a)"), ("z", "-z"), ("w^2", "2*w"), ("sigmoid(w)", "tanh(w)"),
    ("y", "1 - y"), ("y", "1"), ("s", "1"), ("bce(p, y)", "-log(p)"), ("where(y == 1, w, x)", "x"), ("n", "n + 1e-59"),
    ("relu(n)", "where(n >= 0, n, 1)"), ("sin(w)", "w"), ("exp(w)", "1 + w"), ("w/x", "x/w"), ("t", "z"), ("c", "0"),
]  # fmt: skip


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize(("left", "right"), EQUAL + ONE_BRANCH)
def test_what_is_equal_everywhere_is_equal(left, right, swap):
    sides = (right, left) if swap else (left, right)
    assert decide(read(sides[0]), read(sides[1]), SPACE).kind == "equal"


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_what_differs_is_different_and_the_point_proves_it(left, right, swap):
    sides = [read(side) for side in ((right, left) if swap else (left, right))]
    decision = decide(*sides, SPACE)
    assert decision.kind == "different"
    env = dict(decision.counterexample)
    for name, expr in SPACE.definitions:
        if set(names(expr)) <= set(env):
            env[name] = evaluate(expr, env, 2000)
    assert evaluate(Call("eq", tuple(sides)), env, 2000) == 0


UNDECIDED = [
    ("|u|", "u", "a branch was never reached"), ("w", "sqrt(-1 - w^2)", "both sides are defined at too few points"),
    ("asin(2 + w^2)", "sqrt(-1 - w^2)", "both sides are defined at too few points"), ("log(-1)", "1", "a side is not defined"),
    ("step(sin(w)^2 + cos(w)^2 - 1)", "0", "both sides are defined at too few points"), ("9^9^9^9", "1", "a side is not defined"),
    ("g + 1", "z", '"g" has no value here'),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "reason"), UNDECIDED)
def test_what_cannot_be_settled_is_said_to_be_so(left, right, reason):
    decision = decide(read(left), read(right), SPACE)
    assert (decision.kind, decision.reason) == ("undecided", reason)


def test_below_two_to_the_minus_900_nothing_is_seen():
    assert decide(read("1 + exp(-1000)"), read("1"), SPACE).kind == "equal"
    assert decide(read("exp(-1000)"), read("0"), SPACE).kind == "different"


def test_the_given_values_are_looked_at_first():
    decision = decide(read("w*x"), read("w + x"), SPACE)
    assert decision.counterexample == (("w", 2), ("x", -1))
    assert (decision.left, decision.right, decision.points) == (-2, 1, 0)


def test_a_counterexample_is_shown_in_small_numbers():
    decision = decide(read("w^2"), read("2*w"), SPACE)
    assert decision.counterexample in ((("w", 1),), (("w", -1),), (("w", 3),), (("w", Fraction(1, 2)),))


def test_a_far_branch_is_shown_at_a_whole_number():
    decision = decide(read("w"), read("w + relu(x - 1e6)"), SPACE)
    values = dict(decision.counterexample)
    assert values["x"] > 10**6
    assert all(value.denominator == 1 for value in values.values())


def test_only_the_inputs_that_matter_are_shown():
    assert {name for name, _ in decide(read("a"), read("-a"), SPACE).counterexample} == {"w", "x", "v"}


def test_zero_times_something_undefined_proves_no_difference():
    assert decide(read("c*(z/c)"), read("z"), SPACE).kind == "equal"
    assert decide(read("z"), read("c*(z/c)"), SPACE).kind == "equal"


def test_a_hole_at_the_given_values_is_noted():
    decision = decide(read("z*c/c"), read("z"), SPACE)
    assert (decision.kind, decision.note) == ("equal", "not defined at the given values")
    assert decide(read("z"), read("z*c/c"), SPACE).note == ""


def test_a_difference_at_a_kink_alone_is_a_matter_of_convention():
    decision = decide(read("where(c >= 0, 1, 0)"), read("step(c)"), SPACE)
    assert (decision.kind, decision.counterexample) == ("equal", (("c", 0),))
    assert decision.note == "differs at the kink itself, where conventions differ"


def test_where_an_input_is_discrete_a_tie_is_no_matter_of_convention():
    assert decide(read("where(y >= 1, 1, 0)"), read("step(y - 1)"), SPACE).kind == "different"


def test_few_discrete_values_are_all_looked_at():
    assert decide(read("y"), read("y^3"), SPACE).points == 2
    assert decide(read("s*y"), read("s*y^2"), SPACE).points == 4


def test_too_few_points_leave_the_given_ones():
    narrow = Space((Variable("w", "real", Fraction(30)),))
    left, right = read("sqrt(w - 30)*sqrt(30 - w) + w"), read("w + 0*w")
    decision = decide(left, right, narrow)
    assert (decision.kind, decision.note) == ("equal", "compared at the given values only")
    assert decide(left, right, Space((Variable("w"),))).kind == "nowhere"
    assert decide(right, left, Space((Variable("w"),))).kind == "undecided"


NOWHERE = ["sqrt(-1 - w^2)", "asin(2 + w^2)", "w*log(-1 - w^2)", "1/(w - w)", "(-2 - w^2)^(1/3)", "(w - w)^-2", "0^(w - w - 1)",
           "where(w > 0, log(-1 - x^2), sqrt(-2))", "w*log(0)", "exp(log(-x^2 - 1))"]  # fmt: skip


@pytest.mark.parametrize("left", NOWHERE)
def test_what_has_no_value_anywhere_is_not_what_has_one(left):
    assert decide(read(left), read("w"), SPACE).kind == "nowhere"


@pytest.mark.parametrize("left", ["log(w)", "sqrt(w)", "w*log(x)", "where(w > 0, w, log(-1 - x^2))", "9^9^9^w + w"])
def test_what_has_a_value_somewhere_is_judged_by_that(left):
    assert decide(read(left), read("w"), SPACE).kind in ("different", "undecided")


def test_inputs_may_be_held_at_values():
    held = Space((Variable("x"), Variable("v")), (("w", number(2)), *SPACE.definitions))
    assert decide(read("z"), read("2*x + v"), held).kind == "equal"
    assert decide(read("z"), read("2*x + v"), SPACE).kind == "different"
    assert decide(read("w"), read("2"), held).kind == "equal"


def test_the_same_question_has_the_same_answer():
    first = decide(read("relu(w)"), read("leaky_relu(w)"), SPACE)
    assert decide(read("relu(w)"), read("leaky_relu(w)"), SPACE) == first
    assert decide(read("relu(w)"), read("leaky_relu(w)"), Space(SPACE.inputs, SPACE.definitions)) == first


HOSTILE = (
    "9^9^9^9*w", "exp(exp(exp(exp(exp(w)))))", "sin(exp(exp(exp(w))))", "(1 + w*1e-400)^(10^400)",
    "+".join(f"erf(w + {place})" for place in range(120)), "+".join(f"relu(w*x - {place})" for place in range(120)),
    "+".join(f"(w/(x + {place}))^60" for place in range(1, 120)), "leaky_relu(" * 45 + "z" + ")" * 45,
    "silu(" * 45 + "z" + ")" * 45, "floor(" * 45 + "w*x" + ")" * 45, "+".join(f"step(w - {place}e3)" for place in range(120)),
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:24])
def test_hostile_expressions_are_never_judged_different_from_themselves(text):
    assert decide(read(text), read(f"({text})*1 + 0*v"), SPACE).kind != "different"


# -- properties

LEAVES = st.sampled_from([read(text) for text in ("w", "x", "q", "p", "a", "z", "2", "1/3", "0.7")])


def _grow(inner):
    unary = st.sampled_from(["neg", "exp", "sin", "tanh", "sigmoid", "relu", "abs", "log", "softplus", "atan"])
    binary = st.sampled_from(["add", "mul", "div", "maximum", "minimum"])
    return st.one_of(
        st.builds(lambda function, x: Call(function, (x,)), unary, inner),
        st.builds(lambda function, x, y: Call(function, (x, y)), binary, inner, inner),
    )


EXPRESSIONS = st.recursive(LEAVES, _grow, max_leaves=6)
IDENTITIES = [
    "t + v - v", "1*t", "t/1", "-(-t)", "2*t - t", "(t + 1)^2/2 - t^2/2 - 1/2", "max(t, t)", "relu(t) - relu(-t)",
    "where(v > 0, t, t)", "sinh(v)*0 + t", "t*(sin(v)^2 + cos(v)^2)", "t*exp(v)/exp(v)", "atan(tan(1))*t", "q*t/q",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS, st.lists(st.sampled_from(IDENTITIES), min_size=1, max_size=3))
def test_rewriting_by_an_identity_never_makes_a_difference(expr, chosen):
    rewritten = expr
    for identity in chosen:
        rewritten = substitute(read(identity), {"t": rewritten})
    assert decide(rewritten, expr, SPACE).kind != "different"


@settings(max_examples=150, deadline=None)
@given(
    EXPRESSIONS, st.sampled_from(["1e-60", "1e-200", "exp(-100)", "(1/2)^200", "exp(-300)*q", "step(v - 100)*1e-20"])
)
def test_a_small_addition_is_never_overlooked(expr, addition):
    changed = Call("add", (expr, read(addition)))
    assert decide(changed, expr, SPACE).kind != "equal"
    assert decide(expr, changed, SPACE).kind != "equal"


def test_a_branch_where_all_is_huge_is_not_taken_as_seen():
    assert decide(read("exp(exp(z)) + step(v - 100)*1e-20"), read("exp(exp(z))"), SPACE).kind == "undecided"


def test_names_of_nodes_stand_for_their_values():
    assert decide(Name("a"), read("1/(1 + exp(-z))"), SPACE).kind == "equal"
    assert to_float(decide(Name("z"), Name("w"), SPACE).left) == -5


@pytest.mark.parametrize("inside", ["p - 1", "-1 - p", "p - 2"])
def test_zero_times_something_undefined_proves_no_agreement(inside):
    """Where y is 1 the second logarithm does not count; where y is 0 the left side has no value."""
    found = decide(read(f"y*log(p) + (1 - y)*log({inside})"), read("y*log(p) + (1 - y)*log(1 - p)"), SPACE)
    assert found.kind == "nowhere"
    assert decide(read(f"y*log({inside})"), read(f"log({inside})*y"), SPACE).kind != "different"


def test_a_hole_alone_takes_nothing_back():
    assert decide(read("c*(1/c)*x + y*x"), read("x + y*x"), SPACE).kind == "equal"
