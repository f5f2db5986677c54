"""Overlap-save against the definition, and its accuracy."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.convolution.engine.algorithm import TileShape
from dlmath.convolution.engine.fft import FFT, best_tile, transform_size, transform_sizes

specification = spec_from_file_location("laws", Path(__file__).with_name("laws.py"))
laws = module_from_spec(specification)
specification.loader.exec_module(laws)

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)
SIDES = st.sampled_from([1, 2, 3, 5, 8, 15, 31, 64])
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
    prepared = FFT.prepare(kernel, np.dtype(dtype), shape)
    assert prepared.source.shape == shape.source_shape
    prepared.source[...] = source
    return prepared.run()


def error_of_transforms(dtype, shape, source, kernel):
    sides = shape.rows + shape.kernel_rows, shape.columns + shape.kernel_columns
    points = transform_size(sides[0]) * transform_size(sides[1])
    definition_error = laws.sum_error(kernel.size, np.float64, np.abs(source).max() * np.abs(kernel).sum())
    return laws.transform_error(points, dtype, source, kernel) + definition_error


@given(SHAPES, DTYPES, st.integers(0, 2**32 - 1))
@SETTINGS
def test_sums_are_those_of_the_definition(shape, dtype, seed):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(shape.kernel_rows, shape.kernel_columns))
    source = rng.integers(0, 256, size=shape.source_shape)
    sums = run(kernel, dtype, shape, source)
    bound = error_of_transforms(sums.dtype, shape, source, kernel)
    assert sums.shape == (shape.rows, shape.row_elements)
    assert np.abs(sums - definition(source, kernel, shape)).max() <= bound


@pytest.mark.parametrize("offset", [0.0, 1e3, 6e4])
def test_error_is_relative_to_the_largest_value(offset):
    shape = TileShape(100, 130, 1, 31, 31)
    rng = np.random.default_rng(0)
    source = (rng.random(shape.source_shape) + offset).astype(np.float32)
    kernel = rng.normal(size=(31, 31))
    error = np.abs(run(kernel, "float32", shape, source) - definition(source, kernel, shape)).max()
    assert error <= error_of_transforms(np.float32, shape, source, kernel)


def test_scratch_serves_many_tiles():
    shape = TileShape(11, 13, 3, 14, 15)
    kernel = np.random.default_rng(3).random((14, 15))
    prepared = FFT.prepare(kernel, np.dtype("float64"), shape)
    for seed in range(3):
        source = np.random.default_rng(seed).integers(0, 256, size=shape.source_shape)
        prepared.source[...] = source
        bound = error_of_transforms(np.float64, shape, source, kernel)
        np.testing.assert_allclose(prepared.run(), definition(source, kernel, shape), rtol=0, atol=bound)


def test_delta_returns_the_input():
    shape = TileShape(9, 21, 3, 5, 7)
    source = np.random.default_rng(0).random(shape.source_shape)
    kernel = np.zeros((5, 7))
    kernel[2, 3] = 1
    bound = error_of_transforms(np.float64, shape, source, kernel)
    np.testing.assert_allclose(run(kernel, "float64", shape, source), source[2:11, 9:72], rtol=0, atol=bound)


@pytest.mark.parametrize("size", [15, 63])
def test_constant_images_stay_constant(size):
    shape = TileShape(70, 90, 3, size, size)
    kernel = np.random.default_rng(0).random((size, size))
    sums = run(kernel / kernel.sum(), "uint8", shape, 255)
    assert (np.floor(sums + 0.5) == 255).all()


def test_linearity():
    shape = TileShape(30, 40, 1, 12, 17)
    rng = np.random.default_rng(0)
    kernel, first, second = rng.random((12, 17)), rng.random(shape.source_shape), rng.random(shape.source_shape)
    apart = 3 * run(kernel, "float64", shape, first) - 2 * run(kernel, "float64", shape, second)
    bound = 10 * error_of_transforms(np.float64, shape, first + second, kernel)  # 3 + 2 apart, as much together
    np.testing.assert_allclose(run(kernel, "float64", shape, 3 * first - 2 * second), apart, rtol=0, atol=bound)


def test_transform_sizes_have_small_prime_factors():
    for size in transform_sizes():
        rest = size
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        assert rest == 1
        assert size % 2 == 0


@given(st.integers(1, 20_000))
@SETTINGS
def test_transform_size_holds_the_points(points):
    assert points <= transform_size(points) <= max(2 * points, 2)


@pytest.mark.parametrize("kernel", [(1, 1), (15, 15), (63, 63), (1, 501), (700, 700)])
@pytest.mark.parametrize("image", [(1, 1), (7, 5), (512, 512), (3000, 4000)])
def test_best_tiles_are_of_the_image(kernel, image):
    rows, columns = best_tile(kernel, image, 160_000)
    assert 1 <= rows <= image[0]
    assert 1 <= columns <= image[1]


def test_large_kernels_get_larger_tiles_than_themselves():
    rows, columns = best_tile((300, 300), (3000, 4000), 160_000)
    assert rows * columns >= 300 * 300


def test_cost_hardly_depends_on_the_kernel():
    small, large = (FFT.cost(np.ones((size, size)), np.dtype("uint8"), 1) for size in (15, 63))
    assert small < large < 2.5 * small


@pytest.mark.parametrize(("kernel", "dtype"), [(np.full((3, 3), np.inf), "uint8"), (np.ones((3, 3)), "complex64")])
def test_what_does_not_suit(kernel, dtype):
    assert not FFT.suits(kernel, np.dtype(dtype))
