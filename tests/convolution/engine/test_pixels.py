"""Sums become pixels: whatever the offset, the type and the divisor, the definition's answer."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.convolution.engine import planner
from dlmath.convolution.engine.convolve import convolve, pixels_of
from dlmath.convolution.engine.kernel import ExactKernel
from dlmath.convolution.engine.kernels import parse_kernel
from dlmath.convolution.engine.pixels import Finisher
from dlmath.convolution.engine.request import request_of
from dlmath.convolution.work import engine_kernel


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["u1", "i1", "u2", "i2", "i4", "u4", "i8"]),
    st.sampled_from([0, 1, 300, 40_000, 70_000, 2**31, 2**33, 10**12, 2**62]),
    st.sampled_from([1, 2, 9, 255]),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_offsets_beyond_the_sums_type_saturate(dtype, offset, divisor, negative, seed):
    rng = np.random.default_rng(seed)
    info = np.iinfo(dtype)
    image = rng.integers(max(info.min, -1000), min(info.max, 1000), (4, 5), dtype=dtype, endpoint=True)
    kernel = ExactKernel(rng.integers(-3, 4, (3, 3)), divisor)
    moved = -offset if negative else offset
    found, wanted = (convolve(image, kernel, offset=moved, method=method) for method in ("auto", "naive"))
    assert (found.pixels.tolist(), found.below, found.above) == (wanted.pixels.tolist(), wanted.below, wanted.above)


@pytest.mark.parametrize("offset", [1e18, 1e25, -1e25, 1e299])
def test_huge_offsets(offset):
    found = convolve(np.uint8([[1, 2], [3, 4]]), [[1]], offset=offset)
    assert found.pixels.tolist() == [[255 if offset > 0 else 0] * 2] * 2
    assert (found.below, found.above) == ((0, 4) if offset > 0 else (4, 0))


@pytest.mark.parametrize("scale", ["clip", "absolute", "minmax"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8"])
def test_numbers_become_pixels_as_sums_do(scale, dtype):
    """Under the identity, `convolve` and `pixels_of` make the same pixels of the same numbers and tell the same."""
    values = np.random.default_rng(0).normal(scale=300, size=(7, 5, 2))
    wanted = convolve(values, [[1]], scale=scale, out_dtype=dtype, statistics=True)
    found = pixels_of(values, scale=scale, out_dtype=dtype)
    assert np.array_equal(found.pixels, wanted.pixels)
    assert (found.below, found.above) == (wanted.below, wanted.above)
    assert (found.minimum, found.maximum, found.mean) == (wanted.minimum, wanted.maximum, pytest.approx(wanted.mean))


@pytest.mark.parametrize("name", ["gaussian:5", "gaussian:3", "box:7", "box:15", "sharpen", "sobel-x", "emboss"])
def test_usual_kernels_stay_in_narrow_integers(name):
    """Python's integers are for what outgrows 64 bits: a usual kernel on a picture never does."""
    kernel = engine_kernel(parse_kernel(name))
    request = request_of(np.zeros((9, 9), np.uint8), kernel)
    choice = planner.choose(request.question())
    finisher = Finisher(replace(request.finish, denominator=choice.denominator), choice.dtype, np.dtype(np.uint8))
    assert choice.dtype.itemsize <= 4
    assert not finisher._wide
