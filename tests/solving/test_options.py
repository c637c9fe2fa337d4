"""Values, sizes and seeds from the command line: what is put into a problem, and what every mistake is told."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.errors import GradcheckError, ParseError, UnsupportedError
from gradcheck_cli.graph import Input
from gradcheck_cli.grids import Grid
from gradcheck_cli.problem import read_problem
from gradcheck_cli.problem.fields import KINDS
from gradcheck_cli.problem.kinds import entry_misfit, misfit
from gradcheck_cli.shapes import at
from gradcheck_cli.solving import solve, with_numbers
from gradcheck_cli.solving.drawing import draw
from gradcheck_cli.source import Source

NET = """title: T
inputs:
  x: {shape: [dx], value: [1, 2, 3]}
  W1: {shape: [dh, dx], param: true}
  b1: {shape: [dh]}
  y: {shape: [dh], kind: onehot}
  r: {kind: positive}
constants: {k: {shape: [4]}}
graph:
  z: W1 @ x + b1
  L: r*sum(y*z) + sum(k)
"""


def net():
    return read_problem(Source("p.yaml", NET), "net")


def test_what_is_set_is_there():
    problem = with_numbers(net(), ["W1=[[1,2,1/2],[3,4,-5]]", "r=3"])
    assert problem.graph.dims == (("dx", 3), ("dh", 2))
    assert problem.data["W1"].nested() == [[1, 2, Fraction(1, 2)], [3, 4, -5]]
    assert problem.given == {"r": 3}
    assert "b1" not in problem.data


def test_sizes_of_data_that_is_replaced_no_longer_count():
    problem = with_numbers(net(), ["x=[0.5, 1]"])
    assert dict(problem.graph.dims) == {"dx": 2, "dh": None}
    assert problem.decimal
    assert dict(with_numbers(net(), dims=["dh=5"]).graph.dims) == {"dx": 3, "dh": 5}


def test_a_seed_gives_everything_a_number():
    problem = with_numbers(net(), seed=7)
    sizes = dict(problem.graph.dims)
    assert sizes == {"dx": 3, "dh": 2}  # drawn sizes are unlike all others
    leaves = (*problem.graph.inputs, *problem.graph.constants)
    assert all(leaf.entries.shape == at(leaf.shape, sizes) for leaf in leaves if leaf.shape)
    assert problem.data["x"].items == (1, 2, 3)
    assert problem.given["r"] > 0
    assert sum(problem.data["y"].items) == 1
    assert problem == with_numbers(net(), seed=7)
    assert problem.data["W1"] != with_numbers(net(), seed=8).data["W1"]


def test_sizes_are_drawn_pairwise_distinct_and_large_enough():
    text = "title: T\ninputs: {a: {shape: [m, n]}, b: {shape: [n - 3, 2]}, c: {shape: [k]}}\ngraph: {z: sum(a)}\n"
    problem = with_numbers(read_problem(Source("p.yaml", text), "p"), seed=0)
    sizes = dict(problem.graph.dims)
    assert len({2, *sizes.values()}) == 4
    assert sizes["n"] > 3
    assert problem.data["b"].shape == (sizes["n"] - 3, 2)


def test_sizes_are_drawn_so_that_indices_and_windows_fit():
    text = (
        "title: T\ninputs: {a: {shape: [m]}, b: {shape: [n, n]}}\ngraph: {z: 'a[6]', y: 'maxpool2d(b, 4, stride=1)'}\n"
    )
    sizes = dict(with_numbers(read_problem(Source("p.yaml", text), "p"), seed=0).graph.dims)
    assert sizes == {"m": 7, "n": 4}
    with pytest.raises(ParseError, match="--dims: z: the index 6 is too large"):
        with_numbers(read_problem(Source("p.yaml", text), "p"), dims=["m=6"])


def test_a_problem_of_numbers_takes_a_seed_too():
    problem = read_problem(Source("p.yaml", "title: T\ninputs: {x: 2, w: {}}\ngraph: {y: w*x}\n"), "p")
    drawn = with_numbers(problem, seed=3)
    assert drawn.given["x"] == 2
    assert drawn.given["w"]
    assert solve(drawn).nodes[-1].forward.exact == 2 * drawn.given["w"]


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 6), axis=st.integers(0, 1))
def test_values_are_drawn_of_their_kind(kind, seed, count, axis):
    leaf = Input("A", kind=kind, axis=axis)
    values = draw(leaf, (count, count), seed)
    assert entry_misfit(kind, values) is None
    assert misfit(kind, values, axis) == ""
    assert all(100 % value.denominator == 0 for value in values.items)


@pytest.mark.parametrize("kind", ["onehot", "distribution"])
def test_a_long_line_sums_to_one(kind):
    values = draw(Input("p", kind=kind), (700,), 1)
    assert sum(values.items) == 1
    assert misfit(kind, values, 0) == ""


def test_the_mistakes_of_the_drawn_would_be_seen():
    assert misfit("distribution", Grid((2,), (Fraction(1, 2), Fraction(1, 3))), 0)
    assert misfit("spd", Grid((2, 2), tuple(map(Fraction, (1, 2, 2, 1)))), -1)


@pytest.mark.parametrize(
    ("sets", "dims", "expected"),
    [
        (["W1=[[1,2],[3]]"], [], "--set W1:1:8: the rows of W1 have not equally many entries; W1 has shape (dh, dx): write W1=[[1, 2], [3, 4]], say"),
        (["W1=[[1,2,3],4]"], [], "--set W1:1:10: the rows of W1 have not equally many entries; W1 has shape (dh, dx): write W1=[[1, 2], [3, 4]], say"),
        (["W1=3"], [], '--set W1:1:1: "3" is no list of numbers; W1 has shape (dh, dx): write W1=[[1, 2], [3, 4]], say'),
        (["b1=[q]"], [], '--set b1:1:2: "q" is no name or function here; no names are known here'),
        (["b1=[1 + 1]"], [], '--set b1:1:2: "1 + 1" is no number; b1 has shape (dh,): write b1=[1, 2, 3], say'),
        (["W1=[[1,2],[3,4]]"], [], "--set: W1 has shape (2, 2), and (dh, dx) is declared, where dx = 3; the sizes have to fit"),
        (["b1=[[1,2],[3,4]]"], [], "--set: b1 has shape (2, 2), and (dh,) is declared; the sizes have to fit"),
        (["y=[0, 0.5, 0.5]"], [], "--set: y[1] makes y not onehot; set another value"),
        (["y=[1, 0, 1]"], [], "--set: y is not of the kind onehot: the entries sum to 2; set another value"),
        (["y=[1, 0]", "b1=[1, 2, 3]"], [], "--set: b1 has shape (3,), and (dh,) is declared, where dh = 2; the sizes have to fit"),
        (["r=[1]"], [], '--set r: "[1]" is no number; write a number such as 3, -0.5 or 1/3'),
        (["dx=3"], [], "--set: dx is a size; write --dims dx=3"),
        (["z=3"], [], "--set: z is computed, not given; set one of its inputs: W1, b1, k, r, x, y"),
        ([], ["dx=4"], "--dims: x has shape (3,), and (dx,) is declared, where dx = 4; the sizes have to fit"),
        ([], ["dz=4"], '--dims: "dz" is no size of net; its letters are dx, dh'),
        ([], ["dh"], '--dims: "dh" gives no size; write --dims dx=3'),
        ([], ["dh=0"], '--dims: "dh=0" gives no size; write --dims dx=3'),
        ([], ["dh=2,dh=1.5"], '--dims: "dh=1.5" gives no size; write --dims dx=3'),
        ([], [""], '--dims: "" gives no size; write --dims dx=3'),
    ],
)  # fmt: skip
def test_each_mistake_is_told(sets, dims, expected):
    with pytest.raises((ParseError, UnsupportedError)) as caught:
        with_numbers(net(), sets, dims)
    assert str(caught.value) == expected


def test_too_much_is_not_drawn():
    with pytest.raises(
        UnsupportedError, match="--seed: 600,406,003 numbers are missing, and at most 100,000 are drawn"
    ):
        with_numbers(read_problem(Source("p.yaml", NET.replace(", value: [1, 2, 3]", "").replace("k: {shape: [4]}", "k: 1")), "p"),
                     dims=["dx=3000,dh=200001"], seed=1)  # fmt: skip


def test_sizes_that_options_make_too_small_are_refused():
    problem = read_problem(Source("p.yaml", "title: T\ninputs: {a: {shape: [n - 3]}}\ngraph: {z: sum(a)}\n"), "p")
    with pytest.raises(ParseError, match="--dims: a would have the size n - 3 = -1"):
        with_numbers(problem, dims=["n=2"])


def test_drawn_numbers_give_every_quantity_a_value():
    solution = solve(with_numbers(net(), seed=5))
    assert solution.agreement.ok
    assert all(node.forward.value is not None for node in solution.nodes)


@given(st.lists(st.sampled_from([*"[],123.-/=x W1dh", "W1=", "b1=[", "]]"]), max_size=12).map("".join), st.booleans())
def test_any_option_is_read_or_explained(text, as_dims):
    try:
        with_numbers(net(), *([(), [text]] if as_dims else [[text], ()]))
    except GradcheckError as error:
        assert str(error).startswith("--")


def test_the_entries_of_a_draw_are_small():
    values = list(chain(draw(Input("a"), (30, 30), 2).items))
    assert all(0 < abs(value) <= 2 for value in values)
