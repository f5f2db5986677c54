import numpy as np
import pytest

from dlmath.convolution.engine.borders import Border
from dlmath.convolution.engine.geometry import geometry_of
from dlmath.convolution.engine.naive import fraction_kernel, sums, window_at

RAMP = np.arange(25, dtype=np.uint8).reshape(5, 5, 1)
ONE_TO_NINE = np.arange(1, 10).reshape(3, 3).astype(object)


def test_window_products_and_sum_at_a_corner():
    seen = window_at(RAMP, ONE_TO_NINE, geometry_of(Border("constant", 0), (5, 5), (3, 3)), 0, 0)
    assert seen.window.tolist() == [[0, 0, 0], [0, 0, 1], [0, 5, 6]]
    assert seen.products.tolist() == [[0, 0, 0], [0, 0, 6], [0, 40, 54]]
    assert (seen.total, seen.rows, seen.columns) == (100, (-1, 0, 1), (-1, 0, 1))


@pytest.mark.parametrize(
    ("border", "row"),
    [
        ("replicate", [138, 171, 216, 261, 288]),
        ("mirror", [180, 201, 246, 291, 300]),
        ("constant", [100, 163, 202, 241, 160]),
    ],
)
def test_published_ramp(border, row):
    assert sums(RAMP, ONE_TO_NINE, geometry_of(Border(border), (5, 5), (3, 3)))[0, :, 0].tolist() == row


def test_whole_numbers_do_not_overflow():
    image = np.full((1, 1, 1), 2**63 - 1, dtype=np.int64)
    geometry = geometry_of(Border("wrap"), (1, 1), (1, 1))
    assert sums(image, np.array([[4]], dtype=object), geometry).item() == 4 * (2**63 - 1)


def test_fractions_stay_exact():
    kernel = fraction_kernel(np.ones((1, 3), dtype=np.int64), 3)
    image = np.array([[[1], [1], [2]]], dtype=np.uint8)
    assert window_at(image, kernel, geometry_of(Border("valid"), (1, 3), (1, 3)), 0, 0).total * 3 == 4


@pytest.mark.parametrize(
    ("size", "taps", "stride", "dilation"), [(8, 3, 1, 1), (8, 3, 2, 2), (5, 5, 3, 1), (4, 5, 1, 1)]
)
def test_output_sizes(size, taps, stride, dilation):
    windows = range(0, size - dilation * (taps - 1), stride)
    for border, wanted in (("valid", len(windows)), ("wrap", len(range(0, size, stride)))):
        geometry = geometry_of(Border(border), (size, size), (taps, taps), stride=stride, dilation=dilation)
        assert geometry.shape == (wanted, wanted)
