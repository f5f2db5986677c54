"""Random requests for the laws of convolution."""

import math

import numpy as np
from hypothesis import strategies as st

from dlmath.convolution.engine.algorithm import working_dtype
from dlmath.convolution.engine.borders import parse_border
from dlmath.convolution.engine.kernel import ExactKernel
from dlmath.convolution.engine.separable import MAXIMUM_RANK, TOLERANCE

BORDERS = ["replicate", "reflect", "mirror", "wrap", "constant:0", "constant:-7", "constant:3", "valid"]
DTYPES = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8", "?"]


# How far results may be from the definition on any processor: whichever order its sums are made in, whatever is fused


def sum_error(terms, dtype, size):
    """Return the most by which a sum of `terms` products may be off, `size` being the sum of |products|.

    Half eps a product, a sum and a weight that was rounded: (terms + 1) eps / 2 (Higham, Accuracy and Stability of
    Numerical Algorithms, 2nd ed. 2002, section 3.1), and as much again for the definition it is held to.
    """
    return (terms + 2) * np.finfo(dtype).eps * size


def transform_error(points, dtype, source, kernel):
    """Return the most by which a correlation by Fourier transforms may be off, wherever in the tile.

    Each of three transforms of n points has a relative error of at most log2(n) eta in the 2-norm, where
    eta < 7 eps / 2 (Higham 2002, theorem 24.2; radices 3 and 5 make fewer passes), and the error at one place is at
    most the norm: of the source times that of the kernel.
    """
    norms = np.linalg.norm(source.astype(float)) * np.linalg.norm(kernel)
    return 3 * (math.log2(points) + 1) * 3.5 * np.finfo(dtype).eps * norms


def error_limit(image, kernel, options, found):
    """Return how far results may be off by the method that made them."""
    dtype, weights = working_dtype(image.dtype), np.asarray(kernel, dtype=float)
    largest = max(float(np.abs(image.astype(float)).max()), abs(parse_border(options["border"]).value))
    taps = weights.size * options["dilation"] ** 2
    products = largest * np.abs(weights).sum()
    more = 0.0
    if found.method == "fft":  # at most 29 x 29 pixels: 14, and a kernel that reaches over 16
        more = transform_error(32 * 32, dtype, np.full((29, 29), largest), weights)
    if found.method == "separable":
        more = TOLERANCE[dtype] * products  # what the factors leave out; their size by Cauchy and Schwarz
        products = largest * math.sqrt(MAXIMUM_RANK * taps) * np.linalg.norm(weights)
    return more + sum_error(taps + 2, dtype, products + abs(options["offset"]))


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
