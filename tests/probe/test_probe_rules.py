"""The probe's rules of arrays against cases worked by hand, against NumPy, and against laws of algebra."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli import probe
from gradcheck_cli.functions import ARRAY_PRIMITIVES
from gradcheck_cli.grids import Grid, grid
from gradcheck_cli.probe.arrays import lifted
from tests.arraygraphs import filled

M = probe.CONTEXT
RULES = probe.ARRAY_RULES


def made(shape, *numbers):
    return filled(shape, *numbers).map(probe.real)


def size(number):
    return made((), number)


def of_array(array):
    """A grid of the probe's numbers with exactly the doubles of an array."""
    array = np.asarray(array)
    return grid(array.shape, [probe.real(Fraction(float(x))) for x in array.ravel()])


def as_array(found):
    return np.array([probe.as_float(item) for item in found.items]).reshape(found.shape)


def drawn(*shape):
    """The same numbers for the same shape, with both signs and no ties."""
    return np.random.default_rng([7, *shape]).permutation(math.prod(shape)).reshape(shape) / 7 - 1.1


def test_the_rules_cover_exactly_the_primitives_of_arrays():
    assert set(RULES) == set(ARRAY_PRIMITIVES)


SQUARE = made((2, 2), 1, 2, 3, 4)
WIDE = made((2, 3), 1, 5, 3, 4, 2, 6)
IMAGE = made((3, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9)
HAND = {
    "matrices": (RULES["matmul"](SQUARE, WIDE), [[9, 9, 15], [19, 23, 33]]),
    "matrix by vector": (RULES["matmul"](WIDE, made((3,), 1, 0, -1)), [-2, -2]),
    "vector by matrix": (RULES["matmul"](made((2,), 1, -1), WIDE), [-3, 3, -3]),
    "vectors": (RULES["matmul"](made((2,), 1, 2), made((2,), 3, 4)), 11),
    "row by column": (RULES["matmul"](made((1, 2), 1, 2), made((2, 1), 3, 4)), [[11]]),
    "transpose": (RULES["transpose"](WIDE), [[1, 4], [5, 2], [3, 6]]),
    "outer": (RULES["outer"](made((2,), 1, 2), made((3,), 3, 4, 5)), [[3, 4, 5], [6, 8, 10]]),
    "sum": (RULES["sum"](WIDE), 21),
    "sum of columns": (RULES["sum"](WIDE, axis=0), [5, 7, 9]),
    "sum of rows, kept": (RULES["sum"](WIDE, axis=1, keepdims=1), [[9], [12]]),
    "sum of all, kept": (RULES["sum"](WIDE, keepdims=1), [[21]]),
    "prod": (RULES["prod"](WIDE, axis=1), [15, 48]),
    "largest": (RULES["amax"](WIDE, axis=0), [4, 5, 6]),
    "smallest": (RULES["amin"](WIDE, axis=1), [1, 2]),
    "determinant": (RULES["det"](SQUARE), -2),
    "determinant with a zero corner": (RULES["det"](made((3, 3), 0, 2, 0, 1, 0, 0, 0, 0, 5)), -10),
    "singular": (RULES["det"](IMAGE), 0),
    "inverse": (RULES["inv"](made((2, 2), 2, 1, 1, 1)), [[1, -1], [-1, 2]]),
    "inverse with a zero corner": (RULES["inv"](made((2, 2), 0, 2, 4, 0)), [[0, 0.25], [0.5, 0]]),
    "reshape": (RULES["reshape"](WIDE, size(3), size(2)), [[1, 5], [3, 4], [2, 6]]),
    "below each other": (RULES["concat"](SQUARE, made((1, 2), 8, 9)), [[1, 2], [3, 4], [8, 9]]),
    "side by side": (RULES["concat"](SQUARE, WIDE, axis=1), [[1, 2, 1, 5, 3], [3, 4, 4, 2, 6]]),
    "the last rows": (RULES["part"](made((3, 2), 1, 2, 3, 4, 5, 6), size(1), size(2)), [[3, 4], [5, 6]]),
    "columns": (RULES["part"](WIDE, size(0), size(2), axis=1), [[1, 5], [4, 2]]),
    "array of numbers": (RULES["array"](size(3), size(4)), [3, 4]),
    "array of rows": (RULES["array"](made((2,), 3, 4), made((2,), 5, 6)), [[3, 4], [5, 6]]),
    "ones": (RULES["ones"](size(2), size(1)), [[1], [1]]),
    "zeros": (RULES["zeros"](size(2)), [0, 0]),
    "eye": (RULES["eye"](size(2)), [[1, 0], [0, 1]]),
    "convolution": (RULES["conv2d"](IMAGE, made((2, 2), 1, 0, 0, -1)), [[-4, -4], [-4, -4]]),
    "the kernel is not turned": (RULES["conv2d"](IMAGE, made((1, 2), 1, 10)), [[21, 32], [54, 65], [87, 98]]),
    "padded": (RULES["conv2d"](made((1, 2), 1, 2), made((1, 1), 3), padding=1), [[0] * 4, [0, 3, 6, 0], [0] * 4]),
    "dilated": (RULES["conv2d"](IMAGE, made((2, 2), 1, 2, 3, 4), dilation=2), [[64]]),
    "max pool": (RULES["maxpool2d"](IMAGE, size(2), stride=1), [[5, 6], [8, 9]]),
    "max pool leaves the rest": (RULES["maxpool2d"](IMAGE, size(2)), [[5]]),
    "max pool of negatives, padded": (RULES["maxpool2d"](made((1, 1), -3), size(2), padding=1, stride=1), [[-3, -3], [-3, -3]]),
    "mean pool": (RULES["avgpool2d"](IMAGE, size(2), stride=1), [[3, 4], [6, 7]]),
    "mean pool, padded": (RULES["avgpool2d"](made((1, 1), 8), size(2), padding=1), [[2]]),
}  # fmt: skip


@pytest.mark.parametrize("case", HAND)
def test_a_case_worked_by_hand(case):
    found, expected = HAND[case]
    assert found.shape == np.shape(expected)
    assert all(abs(a - b) < 1e-70 for a, b in zip(found.items, np.ravel(expected), strict=True))


NUMPY = {
    "sum": np.sum,
    "prod": np.prod,
    "amax": np.max,
    "amin": np.min,
    "logsumexp": lambda x, axis=None, keepdims=False: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims)),
}


@pytest.mark.parametrize("function", NUMPY)
@pytest.mark.parametrize("shape", [(4,), (2, 3), (3, 1), (2, 3, 4)])
def test_a_reduction_is_numpys_along_every_axis(function, shape):
    x = drawn(*shape)
    for axis, keep in itertools.product((None, *range(len(shape))), (0, 1)):
        options = {} if axis is None else {"axis": axis}
        found = as_array(RULES[function](of_array(x), **options, **({"keepdims": 1} if keep else {})))
        np.testing.assert_allclose(found, NUMPY[function](x, axis=axis, keepdims=bool(keep)), rtol=1e-13, strict=True)


@pytest.mark.parametrize("shape", [(4,), (2, 3), (3, 1), (2, 3, 4)])
def test_softmax_has_exponentials_in_proportion_and_sums_to_one_along_its_axis(shape):
    x = drawn(*shape)
    for axis in range(len(shape)):
        found = as_array(RULES["softmax"](of_array(x), axis=axis))
        np.testing.assert_allclose(found, np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True), rtol=1e-13, strict=True)


def test_huge_exponents_do_not_overflow():
    x = made((3,), 10**7, 10**7, -(10**7))
    assert [probe.as_float(share) for share in RULES["softmax"](x, axis=0).items] == [0.5, 0.5, 0]
    assert probe.as_float(RULES["logsumexp"](x).items[0] - 10**7) == math.log(2)


@pytest.mark.parametrize(
    ("left", "right"), [((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((2, 1), (1, 4)), ((1, 3), (3, 1))]
)  # fmt: skip
def test_matrix_products_are_numpys(left, right):
    x, y = drawn(*left), drawn(*right)
    np.testing.assert_allclose(
        as_array(RULES["matmul"](of_array(x), of_array(y))), np.asarray(x @ y), rtol=1e-13, atol=1e-13, strict=True
    )


@pytest.mark.parametrize("shape", [(2, 3), (3, 1), (2, 3, 4)])
def test_transpose_and_concat_and_reshape_are_numpys(shape):
    x, y = drawn(*shape), 2 * drawn(*shape)
    np.testing.assert_array_equal(as_array(RULES["transpose"](of_array(x))), x.T, strict=True)
    for axis in range(len(shape)):
        found = as_array(RULES["concat"](of_array(x), of_array(y), of_array(x), axis=axis))
        np.testing.assert_array_equal(found, np.concatenate([x, y, x], axis=axis), strict=True)
        middle = as_array(RULES["part"](of_array(found), size(shape[axis]), size(shape[axis]), axis=axis))
        np.testing.assert_array_equal(middle, y, strict=True)
    found = as_array(RULES["reshape"](of_array(x), size(shape[-1]), size(math.prod(shape[:-1]))))
    np.testing.assert_array_equal(found, x.reshape(shape[-1], -1), strict=True)


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_determinant_and_inverse_are_numpys(count):
    x = drawn(count, count) + 0.3 * np.eye(count)
    np.testing.assert_allclose(as_array(RULES["det"](of_array(x))), np.linalg.det(x), rtol=1e-9)
    np.testing.assert_allclose(as_array(RULES["inv"](of_array(x))), np.linalg.inv(x), rtol=1e-9, atol=1e-12)


matrices = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.fractions(-3, 3, max_denominator=4), min_size=n * n, max_size=n * n)
)


def leibniz(x):
    """The determinant as the sum over permutations, in fractions."""
    count = x.shape[0]
    result = Fraction(0)
    for turned in itertools.permutations(range(count)):
        swaps = sum(a > b for a, b in itertools.combinations(turned, 2))
        result += (-1) ** swaps * math.prod(x[row, column] for row, column in enumerate(turned))
    return result


@given(matrices)
def test_the_determinant_is_the_sum_over_permutations_and_an_exact_zero_where_that_is_zero(numbers):
    count = math.isqrt(len(numbers))
    x = grid((count, count), numbers)
    exact = leibniz(x)
    found = RULES["det"](x.map(probe.real)).items[0]
    assert abs(found - probe.real(exact)) <= M.mpf(10) ** -65
    assert (found == 0) == (exact == 0)


@given(matrices)
def test_the_inverse_multiplies_to_the_unit_matrix_or_is_nan(numbers):
    count = math.isqrt(len(numbers))
    x = grid((count, count), numbers)
    found = RULES["inv"](x.map(probe.real))
    if not leibniz(x):
        assert all(map(M.isnan, found.items))
        return
    unit = RULES["matmul"](found, x.map(probe.real))
    assert all(abs(unit[row, column] - (row == column)) < M.mpf(10) ** -60 for row, column in unit.places())


def test_what_is_not_known_is_not_known_afterwards():
    x = Grid((2, 2), (M.nan, M.mpf(1), M.mpf(2), M.mpf(3)))
    for function in ("sum", "prod", "amax", "amin", "logsumexp", "det"):
        assert M.isnan(RULES[function](x).items[0])
    assert M.isnan(RULES["maxpool2d"](x, size(2)).items[0])
    assert all(map(M.isnan, RULES["inv"](x).items))
    assert [M.isnan(item) for item in RULES["softmax"](x, axis=1).items] == [True, True, False, False]


def test_a_zero_factor_absorbs_what_is_not_known_in_products():
    zero, unknown = Grid((2,), (M.mpf(0), M.mpf(2))), Grid((2,), (M.nan, M.mpf(3)))
    assert RULES["matmul"](zero, unknown).items == (6,)
    assert RULES["outer"](zero, unknown).items[:2] == (0, 0)
    assert RULES["prod"](Grid((2,), (M.mpf(0), M.inf))).items == (0,)


def test_what_cancels_to_rounding_is_zero():
    tenth = made((3,), "0.1", "0.1", "0.1")
    assert RULES["sum"](Grid((4,), (*tenth.items, -3 * tenth.items[0]))).items == (0,)
    assert RULES["matmul"](Grid((2,), (tenth.items[0], M.mpf(-1))), made((2,), 3, "0.3")).items == (0,)
    assert RULES["logsumexp"](Grid((2,), (-M.log(2), -M.log(2)))).items == (0,)


def test_products_over_many_layers_stay_bounded():
    x = made((1, 1), 3)
    for _ in range(300):
        x = RULES["matmul"](x, x)
    assert x.items == (M.inf,)


@pytest.mark.parametrize(
    ("left", "right"), [((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 2)), ((2, 1), (3,)), ((2, 1, 3), (4, 1)), ((1,), ())]
)
def test_single_numbers_broadcast_as_numpys(left, right):
    x, y = drawn(*left), drawn(*right)
    np.testing.assert_allclose(
        as_array(lifted(probe.RULES["add"])(of_array(x), of_array(y))), np.asarray(x + y), strict=True
    )
    np.testing.assert_allclose(
        as_array(lifted(probe.RULES["where"])(of_array(x), of_array(y), of_array(2.5))),
        np.where(x, y, 2.5),
        strict=True,
    )


def slow_conv(x, k, stride, padding, dilation):
    """The definition, written with slices, for (samples, channels, rows, columns)."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    reach = [dilation * (side - 1) + 1 for side in k.shape[2:]]
    counts = [(side - part) // stride + 1 for side, part in zip(x.shape[2:], reach, strict=True)]
    out = np.zeros((x.shape[0], k.shape[0], *counts))
    for row, column in np.ndindex(*counts):
        top, left = row * stride, column * stride
        window = x[:, :, top : top + reach[0] : dilation, left : left + reach[1] : dilation]
        out[:, :, row, column] = np.einsum("nchw,fchw->nf", window, k)
    return out


@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 0, 1), (2, 1, 1), (1, 2, 2), (3, 1, 2)])
@pytest.mark.parametrize(
    ("image", "kernel"), [((2, 5, 6), (3, 2, 3, 2)), ((2, 2, 5, 6), (3, 2, 3, 2)), ((5, 6), (3, 2))]
)
def test_convolution_is_the_sum_over_slices(image, kernel, stride, padding, dilation):
    x, k = drawn(*image), drawn(*kernel)
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    found = as_array(RULES["conv2d"](of_array(x), of_array(k), **options))
    full = slow_conv(x.reshape((1,) * (4 - x.ndim) + x.shape), k.reshape((1,) * (4 - k.ndim) + k.shape), **options)
    expected = full if len(image) == 4 else full[0] if len(kernel) == 4 else full[0, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12, strict=True)


@pytest.mark.parametrize(("stride", "padding"), [(None, 0), (1, 0), (2, 1), (1, 1)])
@pytest.mark.parametrize("shape", [(5, 6), (2, 5, 6), (2, 3, 4, 5)])
def test_pools_are_the_largest_and_the_mean_of_slices(shape, stride, padding):
    x = drawn(*shape)
    step = stride or 2
    around = (*((0, 0),) * (x.ndim - 2), (padding, padding), (padding, padding))
    for function, outside, rule in (("maxpool2d", -np.inf, np.max), ("avgpool2d", 0, np.mean)):
        padded = np.pad(x, around, constant_values=outside)
        counts = [(side - 2) // step + 1 for side in padded.shape[-2:]]
        expected = np.zeros((*shape[:-2], *counts))
        for row, column in np.ndindex(*counts):
            window = padded[..., row * step : row * step + 2, column * step : column * step + 2]
            expected[..., row, column] = rule(window, axis=(-2, -1))
        options = {"padding": padding} | ({} if stride is None else {"stride": stride})
        found = as_array(RULES[function](of_array(x), size(2), **options))
        np.testing.assert_allclose(found, expected, rtol=1e-13, strict=True)
