"""The cross-check of arrays: what is compared, and that a rule bent in one witness is seen."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from gradcheck_cli import probe
from gradcheck_cli.crosscheck import crosscheck_arrays
from gradcheck_cli.expr import Name, number
from gradcheck_cli.functions import ARRAY_PRIMITIVES, BACKWARD
from gradcheck_cli.grids import Grid
from gradcheck_cli.symbolic import pullback
from gradcheck_cli.symbolic.arrays import ArrayCalculus
from gradcheck_cli.symbolic.entries import ENTRY_RULES
from gradcheck_cli.tape.arrays import ARRAY_RULES as TAPED
from gradcheck_cli.tape.arrays import ArrayRule
from gradcheck_cli.tape.entries import LETTER_RULES
from tests.arraygraphs import filled, shaped
from tests.shaped import shaped_graph

MORE = Fraction(1001, 1000)
SIZES = (((3, 30, 30), 2700), ((8, 3, 5, 5), 600))


def drawn(shape, seed=1):
    """Entries between 0.3 and 2, all different."""
    count = 1
    for size in shape:
        count *= size
    numbers = Random(f"{seed} {shape}").sample(range(30, 200), count)
    return Grid(shape, tuple(Fraction(number, 100) for number in numbers))


def agreement(inputs, seed=None, **nodes):
    """The cross-check of a graph from {name: Grid or shape} and texts, the last node its output."""
    values = {name: given if isinstance(given, Grid) else drawn(given, name) for name, given in inputs.items()}
    graph = shaped(values, **nodes)
    return crosscheck_arrays(graph, values, ArrayCalculus(graph), graph.output, seed)


def quantities(found):
    return [check.quantity for check in found.checks]


def test_a_classifier_of_two_layers():
    found = agreement(
        {"X": (2, 5), "Y": filled((1, 5), 0, 1, 1, 0, 1), "W1": (3, 2), "b1": (3, 1), "W2": (1, 3), "b2": (1, 1)},
        Z1="W1 @ X + b1", A1="relu(Z1 - 2)", Z2="W2 @ A1 + b2", P="sigmoid(Z2)", J="bce(P, Y)",
    )  # fmt: skip
    assert found.ok, found.failed
    assert found.spread < 1e-12
    assert {"value(J)", "local(Z1, W1)", "d(J, W1)", "d(J, b2)", "d(J, P)"} <= set(quantities(found))
    assert all(None not in (check.symbolic, check.autodiff, check.difference) for check in found.checks)


def test_softmax_with_a_onehot_target():
    found = agreement(
        {"x": (4,), "W": (3, 4), "y": filled((3,), 0, 1, 0)}, z="W @ x", p="softmax(z)", L="-sum(y*log(p))"
    )
    assert found.ok, found.failed
    assert found.compared == len(found.checks)


def test_fan_out_and_an_output_that_is_an_array():
    found = agreement({"X": (2, 3)}, A="tanh(X)", B="X @ A.T", C="B + sum(A)*B")
    assert found.ok, found.failed
    assert "d(C, X)" in quantities(found)


def test_what_arrives_at_the_output_may_be_given():
    found = agreement({"X": (2, 3), "G": (2, 2)}, Name("G"), A="tanh(X)", B="X @ A.T")
    assert found.ok, found.failed
    assert "upstream(X)" in quantities(found)


def test_a_matrix_of_one_entry_and_a_number():
    found = agreement({"A": (1, 1), "s": (), "B": (3, 1)}, C="B @ A + s", D="C*s + A", f="sum(D)*s")
    assert found.ok, found.failed


# -- kinks, ties, undefined points


def test_relu_at_zero_is_a_note():
    found = agreement({"x": filled((3,), 0, 1, -1)}, h="relu(x)", f="sum(h*h) + sum(h)")
    assert found.ok, found.failed
    assert any("on a kink" in note for note in found.notes)


def test_a_tie_of_two_entries_sends_the_adjoint_to_one_of_them():
    found = agreement({"x": filled((3,), 1, 2, 2)}, f="sum(maxpool2d(reshape(x, 1, 3)*ones(3, 3), 3))")
    assert found.ok, found.failed


@pytest.mark.parametrize("text", ["sum(maximum(x, y))", "sum(abs(x - y))", "sum(minimum(x, y)*x)", "norm(x - y)"])
def test_ties_of_two_arrays(text):
    same = filled((2,), "0.5", "-0.25")
    assert agreement({"x": same, "y": same}, f=text).ok


def test_decimals_that_meet_on_a_kink_are_no_disagreement():
    found = agreement(
        {"w": filled((2,), "0.1", "0.2"), "b": filled((2,), "-0.3", "-0.6")}, h="relu(3*w + b)", f="sum(h)"
    )
    assert found.ok, found.failed


def test_kinks_that_cancel():
    found = agreement({"x": filled((2,), 0, 1)}, f="sum(relu(x) - relu(-x))")
    assert found.ok, found.failed


def test_a_slope_beside_a_kink_that_is_neither_is_a_disagreement(monkeypatch):
    rule = pullback._RULES["fn"]
    monkeypatch.setitem(
        pullback._RULES, "fn", lambda make, *rest: ((to, make.add(part, make.num(3))) for to, part in rule(make, *rest))
    )
    assert not agreement({"x": filled((2,), 0, 1)}, f="sum(relu(x))").ok


def test_a_formula_without_a_value_is_a_note():
    found = agreement({"x": filled((3,), 0, 2, 3), "y": filled((3,), 1, 2, 4)}, f="prod(x*y)")
    assert found.ok, found.failed
    assert any("no value" in check.note for check in found.checks)


def test_a_factor_of_zero_hides_what_has_no_value():
    found = agreement({"y": filled((2,), 0, 1), "p": filled((2,), 0, "0.5")}, L="-sum(y*log(p))")
    assert found.ok, found.failed


def test_an_undefined_entry_leaves_the_others_compared():
    found = agreement({"x": filled((3,), -1, 2, 3)}, z="log(x)", p="z*z")
    assert found.ok, found.failed
    assert any("not defined" in note for note in found.notes)
    assert {check.quantity: check.symbolic for check in found.checks}["d(p, x)"] is not None


def test_nothing_is_compared_where_the_output_has_no_value():
    found = agreement({"x": filled((2,), -1, 2)}, z="log(x)", f="sum(z)")
    assert found.ok, found.failed
    assert {check.quantity: check.note for check in found.checks}["d(f, x)"] == "undefined here"


# -- sizes


def test_large_graphs_are_looked_at_along_joint_directions():
    nodes = {f"h{k}": f"tanh(W @ {f'h{k - 1}' if k else 'x'} + b)" for k in range(90)}
    found = agreement({"x": (6,), "W": (6, 6), "b": (6,)}, **nodes, f="sum(h89)")
    assert found.ok, found.failed
    assert any("direction" in quantity for quantity in quantities(found))


def test_what_is_too_large_is_said():
    image, kernel = (Grid(shape, tuple(Fraction(at % 17, 8) for at in range(count))) for shape, count in SIZES)
    found = agreement({"x": image, "W": kernel}, f="sum(conv2d(x, W))")
    assert found.ok, found.failed
    assert found.compared == 0
    assert [note for note in found.notes if "too large for the symbolic" in note]
    assert [note for note in found.notes if "too large for the differences" in note]


# -- a rule that is bent in one witness is seen

WHERE = {
    "add": ({"x": (2, 3), "b": (3,)}, "sum((x + b)*x)"),
    "had": ({"x": (2, 3), "b": (3,)}, "sum(x*b*b)"),
    "matmul": ({"A": (2, 3), "B": (3, 4)}, "A @ B"),
    "transpose": ({"A": (2, 3), "B": (2, 4)}, "A.T @ B + 1"),
    "fn": ({"A": (2, 3)}, "sin(A)"),
    "sum": ({"A": (2, 3)}, "sum(A, axis=0)*2"),
    "prod": ({"A": (2, 3)}, "prod(A, axis=1)"),
    "amax": ({"A": (2, 3)}, "max(A, axis=1)"),
    "amin": ({"A": (2, 3)}, "min(A)"),
    "logsumexp": ({"A": (2, 3)}, "logsumexp(A, axis=1)"),
    "softmax": ({"A": (2, 3)}, "softmax(A)"),
    "outer": ({"u": (2,), "v": (3,)}, "outer(u, v)"),
    "det": ({"A": (3, 3)}, "det(A)"),
    "inv": ({"A": (2, 2)}, "inv(A)"),
    "reshape": ({"A": (2, 3)}, "reshape(A, 3, 2)*2"),
    "concat": ({"A": (2, 3), "B": (1, 3)}, "concat(A, B)*2"),
    "part": ({"A": (2, 3)}, "part(A, 1, 2, axis=1)*2"),
    "array": ({"u": (3,)}, "[u, u*u]"),
    "entry": ({"A": (2, 3)}, "A[1]*2"),
    "ones": ({"A": (2, 3)}, "A*ones(3)"),
    "zeros": ({"A": (2, 3)}, "A + zeros(3)"),
    "eye": ({"A": (2, 2)}, "A @ (eye(2) + A)"),
    "conv2d": ({"x": (1, 4, 4), "k": (2, 1, 2, 2)}, "conv2d(x, k)"),
    "maxpool2d": ({"x": (1, 4, 4)}, "maxpool2d(x, 2)"),
    "avgpool2d": ({"x": (1, 4, 4)}, "avgpool2d(x, 2)"),
    "over": ({"u": (3,), "v": (3,)}, "sum(u[j]^2*v[j], j)"),
}
UNREACHED = {"letter"}  # it has no operands


def small(name):
    inputs, text = WHERE[name]
    return agreement(inputs, Z=text, f="sum(Z*Z)")


@pytest.mark.parametrize("name", WHERE)
def test_unbent_rules_agree(name):
    found = small(name)
    assert found.ok, found.failed


def test_every_rule_has_a_graph():
    assert {*pullback._RULES, *pullback._CALLS} - UNREACHED <= set(WHERE)
    assert {*TAPED, *LETTER_RULES, *probe.ARRAY_RULES, *ARRAY_PRIMITIVES} - UNREACHED <= set(WHERE)


@pytest.mark.parametrize("name", sorted({*pullback._RULES, *pullback._CALLS} - UNREACHED))
def test_a_bent_pullback_is_seen(name, monkeypatch):
    table = pullback._RULES if name in pullback._RULES else pullback._CALLS
    rule = table[name]

    def bent(make, *rest):
        return ((to, make.mul(make.num(MORE), part)) for to, part in rule(make, *rest))

    monkeypatch.setitem(table, name, bent)
    assert not small(name).ok


@pytest.mark.parametrize("name", BACKWARD)
def test_a_bent_entry_of_what_a_window_sends_back_is_seen(name, monkeypatch):
    rule = ENTRY_RULES[name]

    def bent(work, *rest):
        return rule(work, *rest).map(lambda item: work.make("mul", number(MORE), item))

    monkeypatch.setitem(ENTRY_RULES, name, bent)
    assert not small(name.split("_")[1]).ok


@pytest.mark.parametrize(
    ("image", "kernel", "text"),
    [
        ((4, 5), (2, 3), "conv2d(x, k)"),
        ((4, 5), (2, 2), "conv2d(x, k, padding=1, stride=1, dilation=2)"),
        ((2, 5, 4), (3, 2, 3, 2), "conv2d(x, k, stride=2, padding=1)"),
        ((2, 2, 3, 3), (1, 2, 2, 2), "conv2d(x, k, padding=2)"),
        ((5, 5), (2, 2), "conv2d(maxpool2d(x, 3, stride=1, padding=1), k)"),
        ((2, 5, 4), (1, 2, 2, 2), "conv2d(maxpool2d(x, 2, stride=1), k)"),
        ((2, 2, 4, 4), (1, 2, 1, 1), "conv2d(avgpool2d(x, 3, stride=2, padding=1), k)"),
    ],
)
def test_all_three_witnesses_have_what_windows_send_back(image, kernel, text):
    found = agreement({"x": image, "k": kernel}, Z=text, f="sum(Z*Z)")
    assert found.ok, found.failed
    assert all(None not in (check.symbolic, check.autodiff, check.difference) for check in found.checks)


@pytest.mark.parametrize("name", sorted({*TAPED, *LETTER_RULES} - {"ones", "zeros", "eye", "letter"}))
def test_a_bent_rule_of_the_tape_is_seen(name, monkeypatch):
    table = TAPED if name in TAPED else LETTER_RULES
    rule = table[name]

    def bent(*args, **options):
        return tuple(sent * 1.001 for sent in rule.vjp(*args, **options))

    monkeypatch.setitem(table, name, ArrayRule(rule.value, bent))
    assert not small(name).ok


@pytest.mark.parametrize("name", sorted(probe.ARRAY_RULES))
def test_a_bent_rule_of_the_differences_is_seen(name, monkeypatch):
    rule = probe.ARRAY_RULES[name]

    def bent(*args, **options):
        return rule(*args, **options).map(lambda item: item * 1.001 + 0.001)

    monkeypatch.setitem(probe.ARRAY_RULES, name, bent)
    assert not small(name).ok


def test_a_transpose_that_is_missing_is_seen_where_sizes_coincide(monkeypatch):
    rule = TAPED["matmul"]

    def swapped(g, y, a, b):
        left, right = rule.vjp(g, y, a, b)
        return left.T, right

    monkeypatch.setitem(TAPED, "matmul", ArrayRule(rule.value, swapped))
    assert not agreement({"A": (3, 3), "B": (3, 3)}, f="sum((A @ B)*A)").ok


def test_a_maximum_that_pays_more_than_there_is_to_ties_is_seen(monkeypatch):
    rule = TAPED["amax"]

    def every(g, y, a, **_options):
        return (g * (a == y) * 0.75,)

    monkeypatch.setitem(TAPED, "amax", ArrayRule(rule.value, every))
    assert not agreement({"x": filled((3,), 1, 2, 2)}, f="max(x)").ok


def test_the_tape_abstains_where_doubles_underflow():
    found = agreement({"x": filled((2,), 1000, -1000)}, p="softmax(x)", f="-sum([0, 1]*log(p))")
    assert found.ok, found.failed
    assert {check.quantity: check.autodiff for check in found.checks}["d(f, x)"] is None


def test_rows_written_out_are_compared():
    found = agreement({"x": (2,)}, p="softmax(x*[1, 3])", f="-sum([0, 1]*log(p))")
    assert found.ok, found.failed


def test_letters_of_sizes_stand_for_numbers():
    graph = shaped_graph({"X": ("m", "n"), "w": ("n",), "y": ("m",)}, {"r": "X @ w - y", "L": "r @ r/m"})
    graph = replace(graph, dims=(("m", 4), ("n", 2)))
    values = {"X": drawn((4, 2)), "w": drawn((2,)), "y": drawn((4,))}
    found = crosscheck_arrays(graph, values, ArrayCalculus(graph), "L", drawn=("w",))
    assert found.ok, found.failed
    assert found.sampled == ("w",)
    assert None not in {check.difference for check in found.checks}


def test_kinks_of_drawn_numbers_are_not_told():
    values = {"x": filled((3,), 0, 1, -1)}
    graph = shaped(values, h="relu(x)", f="sum(h*h) + sum(h)")
    found = crosscheck_arrays(graph, values, ArrayCalculus(graph), graph.output, drawn=("x",))
    assert found.ok, found.failed
    assert found.notes == ()
