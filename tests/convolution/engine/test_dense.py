"""The dense algorithm against the definition, over random shapes, kernels, channels and dtypes."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.convolution.engine.algorithm import TileShape
from dlmath.convolution.engine.dense import DENSE, shifts

specification = spec_from_file_location("laws", Path(__file__).with_name("laws.py"))
laws = module_from_spec(specification)
specification.loader.exec_module(laws)

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)
SIDES = st.sampled_from([1, 2, 3, 4, 5, 8, 9, 15])
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
    prepared = DENSE.prepare(kernel, np.dtype(dtype), shape)
    assert prepared.source.shape == shape.source_shape
    prepared.source[...] = source
    return prepared.run()


@given(SHAPES, DTYPES, st.integers(0, 2**32 - 1))
@SETTINGS
def test_sums_are_those_of_the_definition(shape, dtype, seed):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(shape.kernel_rows, shape.kernel_columns))
    source = rng.integers(0, 256, size=shape.source_shape)
    sums = run(kernel, dtype, shape, source)
    bound = laws.sum_error(kernel.size, sums.dtype, 255 * np.abs(kernel).sum())
    assert sums.shape == (shape.rows, shape.row_elements)
    assert np.abs(sums - definition(source, kernel, shape)).max() <= bound


def test_scratch_serves_many_tiles():
    shape = TileShape(11, 13, 3, 4, 5)
    kernel = np.arange(20.0).reshape(4, 5)
    prepared = DENSE.prepare(kernel, np.dtype("uint8"), shape)
    for seed in range(3):
        source = np.random.default_rng(seed).integers(0, 256, size=shape.source_shape)
        prepared.source[...] = source
        np.testing.assert_array_equal(prepared.run(), definition(source, kernel, shape))


def test_integers_in_float32_are_exact():
    shape = TileShape(23, 31, 1, 5, 5)
    source = np.random.default_rng(0).integers(0, 256, size=shape.source_shape)
    kernel = np.random.default_rng(1).integers(-9, 10, size=(5, 5))
    np.testing.assert_array_equal(run(kernel, "uint8", shape, source), definition(source, kernel, shape))


def test_delta_returns_the_input():
    shape = TileShape(9, 21, 3, 5, 7)
    source = np.random.default_rng(0).random(shape.source_shape, dtype=np.float32)
    kernel = np.zeros((5, 7))
    kernel[2, 3] = 1
    np.testing.assert_array_equal(run(kernel, "float32", shape, source), source[2:11, 9:72])


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_constant_images_stay_constant(dtype):
    shape = TileShape(16, 33, 1, 9, 9)
    kernel = np.random.default_rng(0).random((9, 9))
    level = np.iinfo(dtype).max
    sums = run(kernel / kernel.sum(), dtype, shape, level)
    assert (np.floor(sums + 0.5) == level).all()


def test_shifts_are_views():
    source = np.arange(12).reshape(2, 6)
    assert np.shares_memory(shifts(source, 2, 3), source)


@pytest.mark.parametrize(("kernel", "dtype"), [(np.full((3, 3), np.nan), "uint8"), (np.ones((3, 3)), "complex128")])
def test_what_does_not_suit(kernel, dtype):
    assert not DENSE.suits(kernel, np.dtype(dtype))


def test_cost_grows_with_the_kernel():
    costs = [DENSE.cost(np.ones((size, size)), np.dtype("uint8"), 1) for size in (3, 5, 9, 15)]
    assert costs == sorted(costs)


@pytest.mark.parametrize("image", [(1, 1), (7, 5), (3000, 4000)])
def test_preferred_tiles_are_not_empty(image):
    rows, columns = DENSE.preferred_tile((5, 5), image, 3)
    assert rows >= 1
    assert 1 <= columns <= image[1]
