"""Random requests for the laws of convolution."""

import numpy as np
from hypothesis import strategies as st

from dlmath.convolution.engine.exact import ExactKernel

BORDERS = ["replicate", "reflect", "mirror", "wrap", "constant:0", "constant:-7", "constant:3", "valid"]
DTYPES = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8", "?"]


def random_image(rng, dtype, shape):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(scale=50, size=shape).astype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def random_kernel(rng, kind, shape):
    if kind == "float":
        return rng.normal(size=shape)
    numerators = rng.integers(-5, 6, shape) if rng.random() < 0.7 else np.outer(*(rng.integers(1, 4, n) for n in shape))
    return numerators if kind == "whole" else ExactKernel(numerators, int(rng.integers(1, 300)))


@st.composite
def requests(
    draw, dtypes=tuple(DTYPES), kinds=("whole", "exact", "float"), scales=("clip", "absolute", "none"), side=14
):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = draw(st.integers(1, side)), draw(st.integers(1, side))
    channels = draw(st.sampled_from([(), (1,), (3,), (4,)]))
    taps = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    image = random_image(rng, draw(st.sampled_from(list(dtypes))), (*size, *channels))
    options = {
        "border": draw(st.sampled_from(BORDERS)),
        "stride": draw(st.integers(1, 3)),
        "dilation": draw(st.integers(1, 3)),
        "flip": draw(st.booleans()),
        "anchor": draw(st.sampled_from([None, (0, 0), (taps[0] - 1, taps[1] - 1)])),
        "offset": draw(st.sampled_from([0, 0, 1, 0.5, -12.25])),
        "scale": draw(st.sampled_from(list(scales))),
    }
    return image, random_kernel(rng, draw(st.sampled_from(list(kinds))), taps), options
