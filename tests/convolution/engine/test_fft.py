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


@pytest.mark.parametrize("offset", [0.0, 1e3, 6e4])
def test_error_is_relative_to_the_largest_value(offset):
    shape = TileShape(100, 130, 1, 31, 31)
    rng = np.random.default_rng(0)
    source = (rng.random(shape.source_shape) + offset).astype(np.float32)
    kernel = rng.normal(size=(31, 31))
    error = np.abs(laws.run(FFT, kernel, "float32", shape, source) - laws.definition(source, kernel, shape)).max()
    assert error <= laws.bound_of(FFT, kernel, np.float32, shape, source)


def test_linearity():
    shape = TileShape(30, 40, 1, 12, 17)
    rng = np.random.default_rng(0)
    kernel, first, second = rng.random((12, 17)), rng.random(shape.source_shape), rng.random(shape.source_shape)
    apart = 3 * laws.run(FFT, kernel, "float64", shape, first) - 2 * laws.run(FFT, kernel, "float64", shape, second)
    bound = 10 * laws.bound_of(FFT, kernel, np.float64, shape, first + second)  # 3 + 2 apart, as much together
    np.testing.assert_allclose(
        laws.run(FFT, kernel, "float64", shape, 3 * first - 2 * second), apart, rtol=0, atol=bound
    )


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
