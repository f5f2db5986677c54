"""Random requests for the laws of convolution."""

import math

import numpy as np
from hypothesis import strategies as st

from dlmath.convolution.engine.algorithm import working_dtype
from dlmath.convolution.engine.borders import parse_border
from dlmath.convolution.engine.dense import DENSE
from dlmath.convolution.engine.fft import FFT, transform_size
from dlmath.convolution.engine.kernel import ExactKernel
from dlmath.convolution.engine.separable import MAXIMUM_RANK, TOLERANCE, factorise

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


# One algorithm in floating point, on one tile


def definition(source, kernel, shape):
    """Return the sums of a tile, tap by tap, in double precision."""
    total = np.zeros((shape.rows, shape.row_elements))
    for i in range(shape.kernel_rows):
        for j in range(shape.kernel_columns):
            window = source[i : i + shape.rows, j * shape.channels : j * shape.channels + shape.row_elements]
            total += kernel[i, j] * window.astype(np.float64)
    return total


def run(algorithm, kernel, dtype, shape, source):
    """Return an algorithm's sums of one tile."""
    prepared = algorithm.prepare(kernel, np.dtype(dtype), shape)
    assert prepared.source.shape == shape.source_shape
    prepared.source[...] = source
    return prepared.run()


def bound_of(algorithm, kernel, dtype, shape, source):
    """Return the most by which sums may be off on any processor."""
    largest = np.abs(np.asarray(source, dtype=float)).max()
    own = sum_error(kernel.size, np.float64, largest * np.abs(kernel).sum())  # of the definition
    if algorithm is DENSE:
        return own + sum_error(kernel.size, dtype, largest * np.abs(kernel).sum())
    if algorithm is FFT:
        sides = shape.rows + shape.kernel_rows, shape.columns + shape.kernel_columns
        return own + transform_error(transform_size(sides[0]) * transform_size(sides[1]), dtype, source, kernel)
    # what the factors leave out, and a pass down of kh products, one across of kw, and the sum over the ranks
    columns, rows = factorise(kernel, np.dtype(dtype), MAXIMUM_RANK + 1)
    left_out = np.abs(kernel - columns.T @ rows).sum() + sum_error(len(rows), np.float64, np.abs(kernel).sum())
    passes = (np.abs(columns).sum(axis=1) * np.abs(rows).sum(axis=1)).sum()
    return own + largest * (left_out + sum_error(sum(kernel.shape) + len(rows), dtype, passes))
