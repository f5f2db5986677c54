from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlmath.convolution.engine.geometry import Pad
from dlmath.convolution.engine.pooling import Pool, parse_pool, pool, window_of, windows_of
from dlmath.errors import DlmathError, ShapeError

DTYPES = [np.uint8, np.uint16, np.int8, np.int32, np.uint64, np.float32, np.float64, np.bool_]


def padded_windows(image, pooling, height, width):
    """Yield each output with the values under its window, and how many places of the window lie in the padding."""
    top, _, left, _ = pooling.pad.sides
    for y in range(height):
        for x in range(width):
            rows = [pooling.step * y - top + i for i in range(pooling.size)]
            columns = [pooling.step * x - left + j for j in range(pooling.size)]
            places = [(r, c) for r in rows for c in columns if 0 <= r < image.shape[0] and 0 <= c < image.shape[1]]
            yield (y, x), places, pooling.size**2 - len(places)


@settings(max_examples=80, deadline=None)
@given(
    st.data(),
    st.sampled_from(DTYPES),
    st.sampled_from(["max", "average", "min"]),
    st.integers(1, 4),
    st.integers(1, 4),
    st.booleans(),
)
def test_every_pixel_is_its_window(data, dtype, kind, size, stride, counted):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=9))
    elements = st.floats(-100, 100, width=16) if np.dtype(dtype).kind == "f" else None
    image = data.draw(hnp.arrays(dtype, shape, elements=elements))
    sides = tuple(data.draw(st.integers(0, size - 1)) for _ in range(4))
    pooling = Pool(kind, size, stride, Pad("sides", sides))
    height, width = ((shape[i] - size + sides[2 * i] + sides[2 * i + 1]) // stride + 1 for i in (0, 1))
    if height < 1 or width < 1:
        with pytest.raises(ShapeError):
            pool(image, pooling)
        return
    found = pool(image, pooling, counted=counted)
    assert found.dtype == (np.float64 if kind == "average" else image.dtype)
    assert found.shape == (height, width, *shape[2:])
    for place, seen, outside in padded_windows(image, pooling, height, width):
        for channel in np.ndindex(shape[2:]):
            values = [image[(*spot, *channel)].item() for spot in seen]
            if kind != "average":
                assert found[(*place, *channel)] == {"max": max, "min": min}[kind](values)
                continue
            exact = sum(map(Fraction, values)) / (len(values) + outside * counted)
            # whole numbers are summed exactly and rounded once; floats once an addition
            terms = 1 if image.dtype.kind != "f" else len(values)
            slack = terms * 2**-53 * float(sum(map(abs, map(Fraction, values))))
            assert abs(Fraction(float(found[(*place, *channel)])) - exact) <= slack


@pytest.mark.parametrize(
    "text",
    ["max", "max:0", "max:x", "mean:2", "average:-1", "", "max:2/0", "max:2,pad=2", "max:2,pool=1", "max:2,pad=full"],
)
def test_mistaken_pools_are_told(text):
    with pytest.raises(DlmathError):
        parse_pool(text)


def test_large_sums_do_not_overflow():
    assert pool(np.full((2, 2), 2**64 - 1, dtype=np.uint64), Pool("average", 2)).item() == float(2**64 - 1)


def test_global_pooling_is_one_window():
    image = np.arange(30, dtype=np.int16).reshape(5, 3, 2)
    assert pool(image, parse_pool("average:global")).tolist() == [[image.mean(axis=(0, 1)).tolist()]]
    assert pool(image, parse_pool("max:global")).tolist() == [[[28, 29]]]


def test_strips_leave_no_seam(monkeypatch):
    image = np.random.default_rng(0).integers(0, 99, (23, 11))
    whole = pool(image, parse_pool("average:3/2,pad=1"))
    monkeypatch.setattr("dlmath.convolution.engine.pooling.STRIP", 40)
    assert np.array_equal(pool(image, parse_pool("average:3/2,pad=1")), whole)


def test_the_window_that_is_shown_is_the_one_that_is_pooled():
    image = np.arange(36).reshape(6, 6)
    pooling = parse_pool("max:3/2,pad=1")
    geometry = windows_of(pooling, 6, 6)
    found = pool(image, pooling)
    shown = [[window_of(image, geometry, y, x).max() for x in range(3)] for y in range(3)]
    assert found.tolist() == shown
    assert window_of(image, geometry, 0, 0).tolist() == [[0, 1], [6, 7]]
