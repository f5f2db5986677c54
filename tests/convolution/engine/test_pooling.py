import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlmath.convolution.engine.pooling import Pool, parse_pool, pool
from dlmath.errors import DlmathError, ShapeError

DTYPES = [np.uint8, np.uint16, np.int8, np.int32, np.uint64, np.float32, np.float64, np.bool_]


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(DTYPES), st.sampled_from(["max", "average"]), st.integers(1, 4))
def test_every_pixel_is_its_block(data, dtype, kind, size):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=9))
    elements = st.floats(-100, 100, width=16) if np.dtype(dtype).kind == "f" else None
    image = data.draw(hnp.arrays(dtype, shape, elements=elements))
    if min(shape[:2]) < size:
        with pytest.raises(ShapeError):
            pool(image, Pool(kind, size))
        return
    found = pool(image, Pool(kind, size))
    assert found.dtype == image.dtype
    assert found.shape == (shape[0] // size, shape[1] // size, *shape[2:])
    for place in np.ndindex(found.shape):
        y, x = place[0] * size, place[1] * size
        values = image[y : y + size, x : x + size][(..., *place[2:])].ravel().tolist()
        if kind == "max":
            assert found[place] == max(values)
        elif image.dtype.kind == "f":
            # one rounding to the image's type, after at most 16 sums in double precision (Higham 2002, section 3.1)
            bound = (np.finfo(dtype).eps + 17 * np.finfo(float).eps) * sum(map(abs, values)) / len(values)
            assert found[place] == pytest.approx(sum(values) / len(values), rel=0, abs=bound)
        else:
            assert int(found[place]) == (2 * sum(values) + size * size) // (2 * size * size)


@pytest.mark.parametrize("text", ["max", "max:0", "max:x", "mean:2", "average:-1", ""])
def test_mistaken_pools_are_told(text):
    with pytest.raises(DlmathError):
        parse_pool(text)


def test_large_means_do_not_overflow():
    assert pool(np.full((2, 2), 2**64 - 1, dtype=np.uint64), Pool("average", 2)).item() == 2**64 - 1
