import numpy as np
import pytest

from gradcheck_cli.errors import ShapeError, UnsupportedError
from gradcheck_cli.expr import Call, Index, Name, Sum, number
from gradcheck_cli.grids import Grid
from gradcheck_cli.tape import Glance, multiple, near, same, vanishes

A, B, V = Name("A"), Name("B"), Name("v")


def glance():
    found = Glance(
        {"n": 2},
        {"A": Grid((2, 3), (1, 2, 3, 4, 5, 6)), "B": Grid((2, 3), (0, 1, 0, 2, 0, 3)), "v": Grid((3,), (1, -1, 2))},
    )
    found.define("C", Call("mul", (A, B)))
    return found


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (Call("matmul", (A, V)), [5, 11]),
        (Call("transpose", (Call("add", (A, Call("neg", (B,)))),)), [[1, 2], [1, 5], [3, 3]]),
        (Call("sum", (Name("C"),), (("axis", number(1)),)), [2, 26]),
        (Call("div", (V, Name("n"))), [0.5, -0.5, 1]),
    ],
)
def test_values_as_written_and_in_primitives_are_numpys(expr, value):
    assert np.array_equal(glance().written(expr, lambda part: part), value)
    assert np.array_equal(glance().value(expr), value)


def test_entries_run_over_a_few_numbers_of_their_letters():
    entry = Call("mul", (Index(A, (Name("i"), Name("j"))), Index(V, (Name("j"),))))
    total = Sum(entry, "j", count=number(3))
    found = glance()
    assert [float(found.value(total, bound)) for bound in found.places({"i": 2})] == [5, 11, 5, 11, 11]
    assert [float(found.value(Name("n"), bound)) for bound in found.places({})] == [2]


def test_what_does_not_fit_and_what_is_not_known_are_told_apart():
    with pytest.raises(ShapeError):
        glance().written(Call("matmul", (A, B)), lambda part: part)
    with pytest.raises(UnsupportedError):
        glance().value(Name("missing"))


def test_values_are_near_that_are_undefined_at_the_same_places():
    assert near(np.array([1.0, np.nan]), np.array([1.0, np.inf]))
    assert not near(np.array([1.0, np.nan]), np.array([1.0, 2.0]))
    assert not near(np.array([1.0, 3.0]), np.array([1.0, 2.0]))
    assert near(np.array(1.0), np.array([[1.0]]))
    assert not near(np.array([1.0, 1.0]), np.array(1.0))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ([1e-3, 2.0], True),
        ([1e-3, 2.0 + 1e-10], True),
        ([1e-3, 2.0 + 1e-7], False),
        ([1e-3], False),
        ([1, np.nan], False),
    ],
)
def test_values_are_the_same_to_the_digits_that_doubles_tell(value, found):
    assert same(np.array(value), np.array([1e-3, 2.0])) == found
    assert not vanishes(np.array(value))


def test_what_is_small_is_not_the_same_for_that():
    assert near(np.array([1e-9]), np.array([2e-9]))
    assert not same(np.array([1e-9]), np.array([2e-9]))
    assert same(np.zeros(2), np.zeros(2))
    assert vanishes(np.zeros(2))


@pytest.mark.parametrize("other", [[2.0, -4.0, 6.0], [-0.5, 1.0, -1.5], [0.0, 0.0, 0.0]])
def test_one_value_is_a_multiple_of_another_where_a_number_leads_from_one_to_the_other(other):
    assert multiple(np.array([1.0, -2.0, 3.0]), np.array(other))
    assert multiple(np.array(other), np.array([1.0, -2.0, 3.0]))
    assert not multiple(np.array(other) + 1, np.array([1.0, -2.0, 3.0]))
    assert not multiple(np.array([1.0, -2.0]), np.array(other))


def test_no_more_is_worked_out_than_is_allowed():
    found = glance()
    found.left = 3
    inner = Sum(Index(A, (Name("i"), Name("j"))), "j", count=number(3))
    with pytest.raises(UnsupportedError):
        found.value(Sum(inner, "i", count=number(2)))
    assert found.left < 0
    found.left = 20
    assert np.array_equal(found.value(Sum(inner, "i", count=number(2))), 21)
