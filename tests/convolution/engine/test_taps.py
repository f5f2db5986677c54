import numpy as np
import pytest

from dlmath.convolution.engine.algorithm import TileShape
from dlmath.convolution.engine.program import compile_kernels
from dlmath.convolution.engine.taps import Bounds, PreparedTaps, bounds_of_sums, exact_dtype, exact_dtypes, uniform

PIXELS = Bounds(0, 255)


@pytest.mark.parametrize(
    ("kernel", "dtype"),
    [
        ([[-1, 0, 1]], "int16"),
        (np.ones((16, 16), int), "uint16"),
        (np.ones((17, 17), int), "int32"),
        (np.full((1, 1), 2**30), "int64"),
        (np.full((1, 1), 2**60), "object"),
    ],
)
def test_the_narrowest_type_that_holds_the_sums(kernel, dtype):
    sums = bounds_of_sums(np.asarray(kernel), PIXELS)
    assert exact_dtype(PIXELS, sums) == np.dtype(dtype)


def test_wide_sums_begin_in_narrow_registers():
    kernel = np.ones((21, 21), dtype=np.int64)
    program = compile_kernels(kernel)
    dtypes = exact_dtypes(program, PIXELS, bounds_of_sums(kernel, PIXELS))
    assert dtypes[0] == np.uint16
    assert dtypes[program.results[0].register] == np.int32
    assert sum(dtype == np.uint16 for dtype in dtypes) > len(dtypes) // 2


@pytest.mark.parametrize("channels", [1, 3])
def test_overflow_on_the_way_comes_back(channels):
    kernel = np.array([[200, -100], [-200, 101]])
    shape = TileShape(3, 5, channels, 2, 2)
    program = compile_kernels(kernel)
    prepared = PreparedTaps(program, [np.dtype(np.int16)] * (1 + len(program.ops)), shape)
    prepared.source[...] = 255
    assert (prepared.run() == 255).all()


def test_tiles_are_used_again_and_again():
    rng = np.random.default_rng(4)
    kernel = rng.normal(size=(3, 4))
    shape = TileShape(4, 6, 2, 3, 4)
    program = compile_kernels(kernel)
    prepared = PreparedTaps(program, uniform(program, np.dtype(np.float64)), shape)
    for _ in range(3):
        source = rng.normal(size=shape.source_shape)
        prepared.source[...] = source
        planes = source.reshape(6, 9, 2)
        wanted = sum(kernel[i, j] * planes[i : i + 4, j : j + 6] for i in range(3) for j in range(4))
        bound = 14 * np.finfo(float).eps * np.abs(kernel).sum() * np.abs(source).max()  # 12 products (laws.sum_error)
        assert np.allclose(prepared.run().reshape(4, 6, 2), wanted, rtol=0, atol=bound)
