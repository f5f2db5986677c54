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


def gaussian(size, sigma):
    taps = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / sigma) ** 2)
    return np.outer(taps, taps) / taps.sum() ** 2


def test_box_of_ones_sums():
    shape = TileShape(6, 7, 2, 21, 21)
    source = np.random.default_rng(0).integers(0, 256, size=shape.source_shape)
    sums = laws.run(SEPARABLE, np.ones((21, 21)), "uint8", shape, source)
    np.testing.assert_array_equal(np.rint(sums), laws.definition(source, np.ones((21, 21)), shape))


def test_no_warning_where_the_scratch_is_not_the_tile():
    shape = TileShape(1, 1, 1, 3, 3)
    with np.errstate(all="raise"):
        assert laws.run(SEPARABLE, np.eye(3), "float32", shape, np.ones((3, 3)))[0, 0] == pytest.approx(
            3
        )  # to 25 eps of float32, and 9 terms need 11


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5), st.integers(0, 2**32 - 1))
@SETTINGS
def test_factors_multiply_to_the_kernel(rows, columns, rank, seed):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(rank, rows)).T @ rng.normal(size=(rank, columns))
    factors = factorise(kernel, np.dtype(np.float64))
    assert factors.rank <= min(rank, rows, columns)
    # what is left out by TOLERANCE, and the rounding of at most 5 steps, each of two roundings on
    # weights that complete pivoting lets grow at most twofold a step (Higham 2002, section 9.4)
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


def test_cost_grows_with_the_kernel():
    costs = [SEPARABLE.cost(np.ones((size, size)), np.dtype("uint8"), 3) for size in (3, 5, 9, 15, 63)]
    assert costs == sorted(costs)


def test_a_kernel_of_high_rank_does_not_suit():
    assert not SEPARABLE.suits(np.eye(9), np.dtype("uint8"))
    assert SEPARABLE.suits(np.eye(4), np.dtype("uint8"))
