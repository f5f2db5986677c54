"""Separable and low-rank kernels against the definition, and the factors they are made of."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.convolution.engine.algorithm import TileShape
from dlmath.convolution.engine.bands import band
from dlmath.convolution.engine.separable import SEPARABLE, factorise

specification = spec_from_file_location("laws", Path(__file__).with_name("laws.py"))
laws = module_from_spec(specification)
specification.loader.exec_module(laws)

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)
SIDES = st.sampled_from([1, 2, 3, 4, 5, 8, 15, 31, 64])
DTYPES = st.sampled_from(["uint8", "uint16", "float32", "float64", "int32"])
SHAPES = st.builds(TileShape, st.integers(1, 37), st.integers(1, 53), st.integers(1, 5), SIDES, SIDES)


def definition(source, kernel, shape):
    total = np.zeros((shape.rows, shape.row_elements))
    for i in range(shape.kernel_rows):
        for j in range(shape.kernel_columns):
            window = source[i : i + shape.rows, j * shape.channels : j * shape.channels + shape.row_elements]
            total += kernel[i, j] * window.astype(np.float64)
    return total


def run(kernel, dtype, shape, source):
    prepared = SEPARABLE.prepare(kernel, np.dtype(dtype), shape)
    assert prepared.source.shape == shape.source_shape
    prepared.source[...] = source
    return prepared.run()


def gaussian(size, sigma):
    taps = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / sigma) ** 2)
    return np.outer(taps, taps) / taps.sum() ** 2


def error_of_passes(kernel, dtype, largest):
    """Return the most by which sums may be off: what the factors leave out, and the rounding of the passes.

    A pass down of kh products, one across of kw, and the sum over the ranks, on the sizes of the factors.
    """
    columns, rows = factorise(kernel, dtype)
    left_out = np.abs(kernel - columns.T @ rows).sum() + laws.sum_error(len(rows), np.float64, np.abs(kernel).sum())
    passes = (np.abs(columns).sum(axis=1) * np.abs(rows).sum(axis=1)).sum()
    return largest * (left_out + laws.sum_error(sum(kernel.shape) + len(rows), dtype, passes))


@given(SHAPES, DTYPES, st.integers(1, 4), st.integers(0, 2**32 - 1))
@SETTINGS
def test_sums_are_those_of_the_definition(shape, dtype, rank, seed):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(rank, shape.kernel_rows)).T @ rng.normal(size=(rank, shape.kernel_columns))
    source = rng.integers(0, 256, size=shape.source_shape)
    sums = run(kernel, dtype, shape, source)
    bound = error_of_passes(kernel, sums.dtype, 255)
    assert sums.shape == (shape.rows, shape.row_elements)
    assert np.abs(sums - definition(source, kernel, shape)).max() <= bound


def test_scratch_serves_many_tiles():
    shape = TileShape(11, 13, 3, 4, 5)
    kernel = np.outer([1, 2, 3, 4], [1, 0, -1, 2, 5]) + np.outer([2, 0, 0, 1], [1, 1, 1, 1, 1])
    prepared = SEPARABLE.prepare(kernel, np.dtype("float64"), shape)
    for seed in range(3):
        source = np.random.default_rng(seed).integers(0, 256, size=shape.source_shape)
        prepared.source[...] = source
        bound = error_of_passes(kernel, np.dtype(np.float64), 255)
        np.testing.assert_allclose(prepared.run(), definition(source, kernel, shape), rtol=0, atol=bound)


def test_box_of_ones_sums():
    shape = TileShape(6, 7, 2, 21, 21)
    source = np.random.default_rng(0).integers(0, 256, size=shape.source_shape)
    sums = run(np.ones((21, 21)), "uint8", shape, source)
    np.testing.assert_array_equal(np.rint(sums), definition(source, np.ones((21, 21)), shape))


@pytest.mark.parametrize("size", [3, 5, 21, 31, 63])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_constant_images_stay_constant(size, dtype):
    shape = TileShape(33, 20, 3, size, size)
    level = np.iinfo(dtype).max
    for kernel in (gaussian(size, size / 6), np.full((size, size), size**-2.0)):
        assert (np.floor(run(kernel, dtype, shape, level) + 0.5) == level).all()


def test_no_warning_where_the_scratch_is_not_the_tile():
    shape = TileShape(1, 1, 1, 3, 3)
    with np.errstate(all="raise"):
        assert run(np.eye(3), "float32", shape, np.ones((3, 3)))[0, 0] == pytest.approx(
            3
        )  # to 25 eps of float32, and 9 terms need 11


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5), st.integers(0, 2**32 - 1))
@SETTINGS
def test_factors_multiply_to_the_kernel(rows, columns, rank, seed):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(rank, rows)).T @ rng.normal(size=(rank, columns))
    factors = factorise(kernel, np.dtype(np.float64))
    assert factors.rank <= min(rank, rows, columns)
    # what is left out by TOLERANCE, and the backward error of the singular values: p eps |K| with p <= 40 (LAPACK
    # Users' Guide, section 4.9), the Frobenius norm of K being at most the sum of its absolute weights
    bound = (1e-13 + 40 * np.finfo(float).eps) * np.abs(kernel).sum()
    np.testing.assert_allclose(factors.columns.T @ factors.rows, kernel, rtol=0, atol=bound)


def test_factors_of_zeros():
    factors = factorise(np.zeros((3, 4)), np.dtype(np.float32))
    assert factors.rank == 1
    assert not (factors.columns.T @ factors.rows).any()


def test_rank_counts_what_single_precision_can_tell():
    kernel = gaussian(15, 2.0) + 1e-12 * np.eye(15)
    assert factorise(kernel, np.dtype(np.float32)).rank == 1
    assert factorise(kernel, np.dtype(np.float64)).rank > 1


def test_band_is_the_correlation():
    taps, signal = np.array([1, -2, 4]), np.arange(10) ** 2
    np.testing.assert_array_equal(band(taps, 8) @ signal, np.correlate(signal, taps, "valid"))


@pytest.mark.parametrize(
    ("kernel", "dtype"), [(np.eye(9), "uint8"), (np.full((3, 3), np.nan), "uint8"), (np.ones((3, 3)), "complex64")]
)
def test_what_does_not_suit(kernel, dtype):
    assert not SEPARABLE.suits(kernel, np.dtype(dtype))


def test_cost_grows_with_the_kernel():
    costs = [SEPARABLE.cost(np.ones((size, size)), np.dtype("uint8"), 3) for size in (3, 5, 9, 15, 63)]
    assert costs == sorted(costs)


@pytest.mark.parametrize("image", [(1, 1), (7, 5), (3000, 4000)])
def test_preferred_tiles_are_not_empty(image):
    rows, columns = SEPARABLE.preferred_tile((5, 5), image, 3)
    assert rows >= 1
    assert columns >= 1
