import math
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dlmath.convolution.engine.algorithm import working_dtype
from dlmath.convolution.engine.magnitude import combine_responses
from dlmath.errors import InvalidValueError, ShapeError

specification = spec_from_file_location("laws", Path(__file__).with_name("laws.py"))
laws = module_from_spec(specification)
specification.loader.exec_module(laws)

SOBEL = np.outer([1, 2, 1], [-1, 0, 1])
SCHARR = np.outer([3, 10, 3], [-1, 0, 1])
PREWITT = np.outer([1, 1, 1], [-1, 0, 1])
ROBERTS = np.array([[1, 0], [0, -1]])


def outcome(image, kernels, combine, method, **options):
    try:
        return combine_responses(image, kernels, combine, method=method, threads=2, statistics=True, **options)
    except ShapeError:
        return None
    except InvalidValueError:
        if method in {"auto", "taps"}:
            raise
        return None


@pytest.mark.parametrize("pair", [(SOBEL, SOBEL.T), (SCHARR, SCHARR.T), (PREWITT, PREWITT.T), (ROBERTS, ROBERTS[::-1])])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2"])
def test_whole_images_give_the_rounded_root_of_whole_squares(pair, dtype):
    image = laws.random_image(np.random.default_rng(1), dtype, (60, 50))
    wanted = outcome(image, pair, "l2", "naive")
    found = combine_responses(image, pair)
    assert found.method == "taps"
    assert (found.pixels.tolist(), found.below, found.above) == (wanted.pixels.tolist(), wanted.below, wanted.above)


def test_every_root_that_8_bits_can_show_is_rounded_as_in_double_precision():
    x, y = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    image = np.stack([x.ravel(), y.ravel()], axis=1)
    found = combine_responses(image, [np.array([[1, 0]]), np.array([[0, 1]])], border="valid").pixels.ravel()
    wanted = np.floor(np.sqrt(x.ravel().astype(float) ** 2 + y.ravel().astype(float) ** 2) + 0.5)
    assert (found == np.minimum(wanted, 255)).all()


@pytest.mark.parametrize("method", ["auto", "taps", "separable", "dense", "fft"])
@settings(max_examples=30, deadline=None)
@given(
    laws.requests(dtypes=["u1", "i1", "i2", "f4", "f8"], kinds=["whole", "float"], scales=["clip"]),
    st.sampled_from(["l2", "max"]),
)
def test_all_methods_combine_as_the_definition_does(method, drawn, combine):
    image, kernel, options = drawn
    kernels = [kernel, np.ascontiguousarray(kernel[::-1]), -kernel]
    wanted = outcome(image, kernels, combine, "naive", **options)
    found = outcome(image, kernels, combine, method, **options)
    assume(wanted is not None and found is not None)
    # three responses, each within its limit, and as many roundings of squares, sum, root and offset as they are long
    size = max(abs(wanted.maximum), abs(wanted.minimum)) + abs(options["offset"])
    limit = 3 * laws.error_limit(image, kernel, options, found) + laws.sum_error(6, working_dtype(image.dtype), size)
    assert abs(found.maximum - wanted.maximum) <= limit
    if image.dtype.kind != "f":
        limit = 0 if kernel.dtype.kind == "i" else 1  # a half may be rounded either way
    assert np.abs(found.pixels.astype(float) - wanted.pixels.astype(float)).max() <= limit
    assert found.macs == wanted.macs == found.pixels.size * 3 * kernel.size


def test_a_flat_image_has_no_gradient():
    assert not combine_responses(np.full((9, 9, 3), 77, dtype=np.uint8), [SOBEL, SOBEL.T]).pixels.any()


def test_kernels_of_different_shapes_are_refused():
    with pytest.raises(ShapeError, match="shapes"):
        combine_responses(np.zeros((3, 3)), [SOBEL, ROBERTS])


def test_a_mistyped_combination_is_told():
    with pytest.raises(InvalidValueError, match="l2, max, angle"):
        combine_responses(np.zeros((3, 3)), [SOBEL], "l3")


@pytest.mark.parametrize("method", ["auto", "separable", "naive"])
@pytest.mark.parametrize("dtype", ["u1", "i2"])  # whole responses, so that no gradient is exactly 0
def test_angles_are_the_gradients_direction(method, dtype):
    """A ramp of any direction has that direction; whole responses give the same double as the definition."""
    y, x = np.mgrid[0:9, 0:11]
    for across, down in [(1, 0), (0, 1), (-1, 0), (3, 4), (-2, -5), (0, 0)]:
        ramp = (60 + across * x + down * y).astype(dtype)
        found = combine_responses(ramp, [SOBEL, SOBEL.T], "angle", scale="none", out_dtype=float, method=method)
        assert found.pixels[1:-1, 1:-1] == pytest.approx(math.degrees(math.atan2(down, across)), rel=1e-14)
