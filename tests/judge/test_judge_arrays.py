from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_cli.errors import ShapeError
from gradcheck_cli.graph import Graph, Input, Node
from gradcheck_cli.grids import Grid
from gradcheck_cli.judge import ArraySpace, compare_arrays
from gradcheck_cli.judge.array_space import array_samples
from gradcheck_cli.judge.draws import Leaf, Style, drawn
from gradcheck_cli.lowering import Shapes, lower
from gradcheck_cli.parsing.names import scope
from gradcheck_cli.parsing.text import parse
from gradcheck_cli.shapes import size, text_of
from gradcheck_cli.symbolic.evaluate import to_float


class World:
    """A space from {name: "kind sizes"} and {node: text}, and a reader of expressions over it."""

    def __init__(self, inputs, nodes=(), *, dims=(), values=(), axis=()):
        nodes, dims, values = dict(nodes), dict(dims), dict(values)
        kinds = {name: text.split() for name, text in inputs.items()}
        sized = {name: tuple(map(self.size, sizes)) for name, (_, *sizes) in kinds.items()}
        letters = sorted({letter for shape in sized.values() for one in shape for letter in one.letters} | dims.keys())
        self.vocabulary = replace(
            scope(dict.fromkeys((*inputs, *nodes, *letters), ()), indices=("i", "j"))[0], arrays=True
        )
        made = []
        for name, text in nodes.items():
            made.append(Node(name, self.read(text)))
            sized[name] = lower(made[-1].expr, Shapes(sized, frozenset(letters))).shape
        leaves = tuple(
            Input(name, kind=kind, shape=sized[name], entries=values.get(name), axis=dict(axis).get(name, -1))
            for name, (kind, *_) in kinds.items()
        )
        graph = Graph(leaves, tuple(made), next(reversed(sized)), (), tuple((x, dims.get(x)) for x in letters), sized)
        self.space = ArraySpace(graph)

    @staticmethod
    def size(text):
        return size(int(text) if text.isdigit() else text)

    def read(self, text):
        return parse(text, self.vocabulary)

    def compare(self, left, right, **options):
        return compare_arrays(self.space, self.read(left), self.read(right), **options)


PLAIN = World(
    {"A": "real m n", "B": "real n k", "C": "real m n", "S": "real n n", "R": "real n n", "x": "real n", "z": "real n", "w": "real m", "s": "real"}
    | {"q": "positive n", "p": "probability n", "Y": "symmetric n n", "G": "spd n n", "V": "invertible n n"}
    | {"h": "onehot n", "y": "real n", "d": "distribution n", "b": "binary n", "H": "onehot m n", "u": "sign n"},
    {"P": "softmax(x)", "Z": "A*C", "t": "relu(Z)"},
)  # fmt: skip

SAME = [
    ("(A @ B).T", "B.T @ A.T"), ("A*C", "C*A"), ("A @ (B @ B.T)", "(A @ B) @ B.T"), ("A @ (x + z)", "A @ x + A @ z"),
    ("trace(S @ R)", "trace(R @ S)"), ("trace(S @ R)", "sum(S*R.T)"), ("x @ S @ z", "sum(outer(x, z)*S)"), ("trace(outer(x, z))", "x @ z"),
    ("P", "exp(x)/sum(exp(x))"), ("P", "exp(x - max(x))/sum(exp(x - max(x)))"), ("P", "exp(x - logsumexp(x))"), ("log_softmax(x)", "log(P)"),
    ("sum(P)", "1"), ("logsumexp(x + s)", "logsumexp(x) + s"), ("h.T @ log(P)", "sum(h*log(P))"), ("mean(A, axis=0)", "sum(A, axis=0)/m"),
    ("sum(A)", "sum(sum(A, axis=1))"), ("sum(A)", "ones(m) @ A @ ones(n)"), ("norm(x)^2", "x @ x"), ("eye(n) @ x", "x"), ("S*eye(n)", "diag(diag(S))"),
    ("P*sum(h) - h", "P - h"), ("H @ ones(n)", "ones(m)"), ("P*sum(d)", "P"), ("h*h", "h"), ("b^2", "b"), ("u*u", "ones(n)"), ("h @ P", "max(h*P)"),
    ("Y.T", "Y"), ("(Y + Y.T) @ x", "2*Y @ x"), ("G.T", "G"), ("logdet(G)", "log(det(G))"), ("inv(G) @ G", "eye(n)"), ("V @ inv(V)", "eye(n)"),
    ("inv(V @ G)", "inv(G) @ inv(V)"), ("det(V @ G)", "det(G)*det(V)"), ("inv(V).T", "inv(V.T)"), ("log(q*exp(x))", "log(q) + x"),
    ("t", "(Z > 0)*Z"), ("t", "max(0, A*C)"), ("step(Z)*t", "t"), ("sqrt(q)*sqrt(q)", "q"), ("relu(P)", "P"), ("|q|", "q"),
    ("A[i, j]*x[j]", "x[j]*A[i, j]"), ("A[i, j]*z[j]", "sum(A[i, l]*delta(l, j)*z[l], l)"), ("P[i]*(delta(i, j) - P[j])", "P[i]*delta(i, j) - P[j]*P[i]"),
    ("delta(i, j)*x[i]*z[j]", "delta(j, i)*z[i]*x[j]"), ("sum(delta(i, j)*x[j], j)", "x[i]"), ("sum(-h[j]*(delta(i, j) - P[i]), j)", "P[i] - h[i]"),
    ("sum(x)/n", "mean(x)"), ("reshape(A, m*n)", "flatten(A)"), ("concat(x, z) @ concat(z, x)", "2*x @ z"), ("0*x", "zeros(n)"), ("count(A)", "m*n"),
]  # fmt: skip

OTHER = [
    ("S", "S.T"), ("S @ R", "R @ S"), ("A @ S", "A @ S.T"), ("x @ S", "S @ x"), ("(A*C) @ S", "A @ S*C"), ("sum(A, axis=0)", "A[0]"), ("mean(A)", "sum(A)/m"),
    ("sum(x*z)", "sum(x)*sum(z)"), ("P*sum(y) - y", "P - y"), ("P*sum(d) - d", "P - h"), ("h @ x", "max(x)"), ("sum(b)", "1"), ("Y", "Y + eye(n)"),
    ("S @ x", "(S + S.T) @ x/2"), ("det(V)", "1"), ("inv(V)", "V"), ("G", "abs(G)"), ("t", "Z"), ("step(Z)", "step(A)"), ("relu(x)", "relu(-x)"),
    ("P*(1 - P)", "diag(P) - outer(P, P)"), ("P[i]*(1 - P[j])", "P[i]*(delta(i, j) - P[j])"), ("P[i] - h[i]", "P[i] - h[j]"), ("x[i]*z[j]", "x[j]*z[i]"),
    ("A", "A + 1e-60"), ("x", "x + relu(x - 1000)"), ("sum(x)", "sum(x) + step(x[0] - 100)"), ("t", "t + max(0, Z - 1000)"), ("A/m", "A/n"), ("mean(x)", "sum(x)/2"),
    ("S @ x", "S @ x*h"), ("softmax(A)", "softmax(A, axis=0)"), ("max(x)", "x[0]"), ("max(x)", "x[1]"), ("x", "x*where(max(x) > 100, 1, 2)"), ("h", "eye(n)[0]"),
    ("x", "x + b*relu(x - 1000)"), ("x", "x + (1 - b)*relu(x - 1000)"), ("x", "x - (1 + u)*relu(x - 1000)"), ("s", "s + relu(s - 1000)*relu(sum(w) - 1000)"),
]  # fmt: skip


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize(("left", "right"), SAME)
def test_what_is_equal_for_every_size_is_equal(left, right, swap):
    found = PLAIN.compare(*((right, left) if swap else (left, right)))
    assert found.kind == "equal", found


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize(("left", "right"), OTHER)
def test_what_differs_is_different_or_of_another_shape(left, right, swap):
    found = PLAIN.compare(*((right, left) if swap else (left, right)))
    assert found.kind in ("different", "shape"), found
    if found.kind == "different":
        assert to_float(found.left) != to_float(found.right) or "1e-60" in left + right


LABELLED = World({"t": "binary", "c": "positive", "x": "real n", "X": "real m n"}, {"D": "x @ x"})


@pytest.mark.parametrize(
    "more", ["(1 - t)*max(0, c - D)", "t*max(0, c - D)", "t*sum(relu(X - 50))", "(1 - t)*step(sum(relu(X)) - 500)"]
)
def test_a_term_that_a_label_switches_off_is_looked_at_where_it_counts(more):
    assert LABELLED.compare(f"D*t + {more}", "D*t").kind == "different"
    assert LABELLED.compare("D*t", f"D*t + {more}").kind == "different"
    assert LABELLED.compare(f"D*t + {more}", f"{more} + t*D").kind == "equal"


SHAPES = [
    ("A", "A.T", "(m, n)", "(n, m)"), ("x", "reshape(x, n, 1)", "(n,)", "(n, 1)"), ("x", "reshape(x, 1, n)", "(n,)", "(1, n)"), ("s", "x", "()", "(n,)"),
    ("s", "[s]", "()", "(1,)"), ("0", "zeros(m, n)", "()", "(m, n)"), ("sum(A, axis=0)", "sum(A, axis=0, keepdims=1)", "(n,)", "(1, n)"), ("x[i]", "x", "()", "(n,)"),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "one", "other"), SHAPES)
def test_another_shape_is_told_and_never_broadcast_away(left, right, one, other):
    found = PLAIN.compare(left, right)
    assert found.kind == "shape"
    assert found.reason == f"the shapes are {one} and {other}"
    assert tuple(map(text_of, found.shapes)) == (one, other)


def test_one_entry_may_stand_for_a_number_where_the_caller_says_so():
    assert PLAIN.compare("s*s", "[[s^2]]", lenient=True).kind == "equal"
    assert PLAIN.compare("s", "[[s^2]]", lenient=True).kind == "different"
    assert PLAIN.compare("s", "[[s]]").kind == "shape"
    assert PLAIN.compare("x", "reshape(x, n, 1)", lenient=True).kind == "shape"


def test_an_index_letter_runs_over_one_size():
    assert PLAIN.compare("w[i]", "x[i]").kind == "letters"


def test_operands_that_do_not_fit_are_the_callers_matter():
    with pytest.raises(ShapeError, match="do not fit"):
        PLAIN.compare("A @ A", "A")


def test_what_has_no_bounds_or_no_value_is_undecided():
    assert PLAIN.compare("x[i]*i", "x[i]*j").kind == "undecided"
    assert PLAIN.compare("x", "log(-1 - x^2)").reason == "both sides are defined at too few points"
    assert PLAIN.compare("log(-1 - x^2)", "x").kind == PLAIN.compare("x*log(x - x)", "x").kind == "nowhere"
    assert PLAIN.compare("|x^2 - 2*x + 2|", "x^2 - 2*x + 2").reason == "a branch was never reached"
    assert PLAIN.compare("log(-1)", "s - s + log(-2)").kind == "undecided"


BATCH = World(
    {"X": "real m n", "W": "real n k", "T": "real m k"}, {"E": "X @ W - T", "L": "sum(E^2)/m"}, dims={"m": 3, "n": 3, "k": 3}
)  # fmt: skip
NAMED = World({"X": "real m n", "W": "real n k"}, {"E": "X @ W"}, dims={"m": 4, "n": 2, "k": 7})


def test_sizes_that_coincide_in_the_problem_do_not_hide_a_slip():
    truth = "2*X.T @ E/m"
    assert BATCH.compare("(X.T @ E)*2/m", truth).kind == "equal"
    assert BATCH.compare("2*X.T @ E/n", truth).kind == "different"
    assert BATCH.compare("2*X.T @ E/3", truth).kind == "different"
    for settings_, _ in array_samples(BATCH.space).settings():
        assert len(set(settings_.sizes.values())) == 3
        assert min(settings_.sizes.values()) > 1


def test_a_bias_is_summed_over_the_batch():
    world = World({"X": "real d m", "W": "real h d", "b": "real h 1"}, {"Z": "W @ X + b", "L": "sum(Z^2)/2"})
    assert world.compare("Z @ ones(m, 1)", "sum(Z, axis=1, keepdims=1)").kind == "equal"
    assert world.compare("Z", "sum(Z, axis=1, keepdims=1)").kind == "shape"
    assert world.compare("mean(Z, axis=1, keepdims=1)", "sum(Z, axis=1, keepdims=1)").kind == "different"


def test_the_problems_own_sizes_are_used_where_they_tell_letters_apart():
    first, _ = next(iter(array_samples(NAMED.space).settings()))
    assert first.sizes == {"m": 4, "n": 2, "k": 7}


def test_numbers_among_the_sizes_are_avoided():
    world = World({"A": "real n 2", "B": "real k 3"})
    for setting, _ in array_samples(world.space).settings():
        assert not {2, 3} & set(setting.sizes.values())


def test_a_counterexample_tells_sizes_entry_and_small_numbers():
    found = PLAIN.compare("S @ x", "S.T @ x")
    assert dict(found.sizes).keys() >= {"n", "m"}
    assert len(found.place) == 1
    values = dict(found.counterexample)
    assert values.keys() == {"S", "x"}
    assert all(value.denominator == 1 for grid in values.values() for value in grid.items)
    matrix, vector = (np.array(values[name].nested(), dtype=float) for name in "Sx")
    assert to_float(found.left) == (matrix @ vector)[found.place]
    assert to_float(found.right) == (matrix.T @ vector)[found.place]


def test_a_counterexample_of_index_form_has_the_letters_values():
    found = PLAIN.compare("P[i]*P[j]", "P[i]*delta(i, j)")
    assert dict(found.letters).keys() == {"i", "j"}
    assert found.place == ()


def test_the_given_values_come_first():
    values = {"x": Grid((2,), (Fraction(3), Fraction(4)))}
    world = World({"x": "real 2"}, values=values)
    found = world.compare("x", "2*x")
    assert found.counterexample == (("x", values["x"]),)
    hole = World({"x": "real 2"}, values={"x": Grid((2,), (Fraction(0), Fraction(1)))})
    assert hole.compare("x*x/x", "x").note == "not defined at the given values"


def test_a_difference_at_a_kink_alone_is_a_matter_of_convention():
    world = World({"x": "real 2"}, values={"x": Grid((2,), (Fraction(0), Fraction(1)))})
    found = world.compare("where(x >= 0, 1, 0)", "step(x)")
    assert (found.kind, found.place) == ("equal", (0,))
    assert found.note == "differs at the kink itself, where conventions differ"


def test_labels_choose_rows():
    world = World({"y": "integer m", "Z": "real m n"}, {"L": "-sum(log_softmax(Z)[i, y[i]], i)/m"})
    assert world.compare("L", "sum(logsumexp(Z, axis=1))/m - sum(Z[i, y[i]], i)/m").kind == "equal"
    assert world.compare("L", "sum(logsumexp(Z, axis=1))/m - sum(Z[i, y[0]], i)/m").kind == "different"
    one = World({"y": "integer", "z": "real n"}, {"p": "softmax(z)", "L": "-log(p[y])"})
    assert one.compare("p - onehot(y, n)", "p - eye(n)[y]").kind == "equal"
    assert one.compare("p - onehot(0, n)", "p - eye(n)[y]").kind == "different"


def test_too_many_entries_are_undecided():
    world = World({"W": "real 784 512", "x": "real 784"})
    found = world.compare("x @ W", "W.T @ x")
    assert (found.kind, found.reason) == ("undecided", "there are too many entries to work with one by one")


def test_definitions_are_names_too():
    graph, read = PLAIN.space.graph, PLAIN.read
    named = ArraySpace(graph, (("w", read("P - h")),))
    assert compare_arrays(named, read("x*w"), read("x*P - x*h")).kind == "equal"


KINDS = st.sampled_from(
    ["onehot", "distribution", "symmetric", "spd", "invertible", "binary", "sign", "positive", "probability", "integer"]
)
STYLES = st.one_of(st.builds(Style, st.integers(0, 9), st.just((-3, 3))), st.builds(Style, st.integers(0, 9)),
                   st.builds(Style, st.integers(0, 9), st.none(), st.integers(0, 30)))  # fmt: skip


def _is(kind, found):
    matrix = np.array(found.nested(), dtype=object)
    rows = matrix.sum(axis=1)
    laws = {
        "onehot": lambda: set(found.items) == {0, 1} and set(rows) == {1},
        "distribution": lambda: min(found.items) > 0 and set(rows) == {1},
        "symmetric": (matrix == matrix.T).all,
        "spd": lambda: (matrix == matrix.T).all() and min(np.diag(matrix)) >= 1,
        "invertible": lambda: all(abs(row[k]) > sum(map(abs, row)) - abs(row[k]) for k, row in enumerate(matrix)),
        "binary": lambda: set(found.items) <= {0, 1},
        "sign": lambda: set(found.items) <= {-1, 1},
        "positive": lambda: min(found.items) > 0,
        "probability": lambda: 0 < min(found.items) <= max(found.items) < 1,
        "integer": lambda: all(value.denominator == 1 for value in found.items),
    }
    return laws[kind]()


@settings(max_examples=100)
@given(KINDS, STYLES, st.integers(2, 5), st.randoms(use_true_random=False))
def test_drawn_values_are_of_their_kind(kind, style, count, draw):
    assert _is(kind, drawn(Leaf("a", kind, (count, count)), style, draw))


def test_a_one_hot_column_is_hot_along_the_column():
    world = World({"y": "onehot n 1", "Y": "onehot n m"}, axis={"Y": 0})
    assert world.compare("sum(y)", "1").kind == "equal"
    assert world.compare("sum(Y, axis=0)", "ones(m)").kind == "equal"
    assert world.compare("sum(Y, axis=1)", "ones(n)").kind == "different"


LEAVES = ["A", "C", "(A @ S)", "t", "(A + x)", "outer(w, x)", "softmax(A)", "(s*C)", "H"]
JOIN = ["{} + {}", "{}*{}", "relu({}) - {}", "({} @ Y)*{}", "{}*sum({})", "{} - softmax({})"]
REWRITES = [
    "({0}).T.T",
    "({0})*1",
    "({0}) @ eye(n)",
    "eye(m) @ ({0})",
    "({0}) + A - A",
    "({0})*(h @ h)",
    "relu({0}) - relu(-({0}))",
    "(({0}) @ V) @ inv(V)",
]
MUTATIONS = [
    "({0})*2 + A",
    "({0}) + 1e-60",
    "({0}) @ S",
    "({0}) + s*A",
    "({0}) + outer(w, h)",
    "({0}) + relu(A - 1000)",
]


@st.composite
def _expressions(draw):
    text = draw(st.sampled_from(LEAVES))
    for _ in range(draw(st.integers(0, 2))):
        text = "(" + draw(st.sampled_from(JOIN)).format(text, draw(st.sampled_from(LEAVES))) + ")"
    return text


@settings(max_examples=40)
@given(_expressions(), st.sampled_from(REWRITES))
def test_rewriting_never_makes_a_difference(text, rewrite):
    assert PLAIN.compare(rewrite.format(text), text).kind != "different"


@settings(max_examples=40)
@given(_expressions(), st.sampled_from(MUTATIONS))
def test_a_mutation_is_never_overlooked(text, mutation):
    assert PLAIN.compare(mutation.format(text), text).kind != "equal"


@pytest.mark.parametrize("inside", ["P - 1", "-1 - P", "P - 2"])
def test_zero_times_something_undefined_proves_no_agreement(inside):
    """Where y is 1 the second logarithm does not count; where it is 0 the left side has no value."""
    world = World({"P": "probability m", "y": "binary m"})
    left, right = world.read(f"y*log(P) + (1 - y)*log({inside})"), world.read("y*log(P) + (1 - y)*log(1 - P)")
    assert compare_arrays(world.space, left, right).kind == "nowhere"
    assert compare_arrays(world.space, right, world.read("(1 - y)*log(1 - P) + log(P)*y")).kind == "equal"
