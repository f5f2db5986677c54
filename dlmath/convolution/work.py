"""The work of one job: from a picture to the pixels of its result.

sums -> / denominator -> + offset -> + bias -> activation -> |r| (--scale absolute) -> pooling -> pixels
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.engine.convolve import convolve, pixels_of
from dlmath.convolution.engine.kernel import LARGEST, Bank, ExactKernel, Kernel, Magnitude
from dlmath.convolution.engine.pooling import pool
from dlmath.convolution.engine.single_precision import filtered
from dlmath.convolution.job import PLAIN_NUMBERS, WHOLE, anchor_of
from dlmath.errors import ShapeError

if TYPE_CHECKING:
    from dlmath.convolution.choices import Choices
    from dlmath.convolution.engine.kernel import AnyKernel
    from dlmath.convolution.job import Job
    from dlmath.files.pictures.picture import Picture
    from dlmath.neural.arrays import Array

LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601, as Pillow and OpenCV turn RGB into gray."""


class Convolved(NamedTuple):
    """The result of a job, and what is told of it.

    Attributes
    ----------
    pixels : ndarray
        The result, opacity included.
    image : ndarray (H, W) or (H, W, C)
        What was convolved: without opacity, gray if that was asked for.
    values : ndarray or None
        What was pooled, where something was.
    method : str
    macs : int
    minimum, maximum, mean : float
        Of the results before they became pixels.
    below, above : int
        Samples that were cut to the least and the greatest of the pixel type.
    seconds : float
    """

    pixels: Array
    image: Array
    values: Array | None
    method: str
    macs: int
    minimum: float
    maximum: float
    mean: float
    below: int
    above: int
    seconds: float


def carried_out(job: Job, picture: Picture) -> Convolved:
    """Do one job; opacity is kept as it is, thinned out where the result is."""
    image, alpha = colour_and_alpha(picture, job.choices)
    start = perf_counter()
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is infinity, and is told as such
        result = direct(job, image) if is_direct(job) else by_steps(job, image)
    seconds = perf_counter() - start
    if alpha is not None:
        result = result._replace(pixels=with_alpha(result.pixels, alpha_like(alpha, job)))
    return result._replace(seconds=seconds)


def colour_and_alpha(picture: Picture, choices: Choices) -> tuple[Array, Array | None]:
    """Return what is convolved, (H, W) or (H, W, C), and the opacity that is not."""
    image = np.asarray(picture.pixels)
    if choices.like.unit and image.dtype.kind in "iu":
        image = image / np.iinfo(image.dtype).max
    if choices.channels == "gray" and image.ndim == 3:
        return gray(image, has_alpha=picture.has_alpha), None
    if picture.has_alpha:
        colour = np.ascontiguousarray(image[:, :, :-1])
        return (colour[:, :, 0] if colour.shape[2] == 1 else colour), np.asarray(picture.pixels)[:, :, -1]
    return image, None


def gray(image: Array, *, has_alpha: bool) -> Array:
    """Return the luma of RGB (whole pixels round half up), or the mean of any other number of channels."""
    colour = image[:, :, :-1] if has_alpha else image
    weights = np.array(LUMA) if colour.shape[2] == 3 else np.full(colour.shape[2], 1 / colour.shape[2])
    luma = colour @ weights
    return np.asarray(luma if image.dtype.kind == "f" else np.floor(luma + 0.5).astype(image.dtype))


def is_direct(job: Job) -> bool:
    """Tell whether the engine's one pass makes the pixels: nothing follows the sums of one kernel a channel."""
    return isinstance(job.kernel, Kernel | Magnitude) and not (job.choices.transposed or job.choices.follows)


def direct(job: Job, image: Array) -> Convolved:
    """Return the pixels that the engine makes in one pass."""
    cast = is_cast(job, image)
    found = slid(job, image, "none" if cast else job.scale, np.dtype(np.float64) if cast else job.dtype)
    pixels = as_library(found.pixels, image, job)
    facts = known(found.minimum), known(found.maximum), known(found.mean)
    return Convolved(pixels, image, None, found.method, found.macs, *facts, found.below, found.above, 0.0)


def slid(job: Job, image: Array, scale: str, dtype: np.dtype[Any]) -> Any:
    """Slide one kernel, or the parts of a magnitude, over every channel."""
    kernel, choices = job.kernel, job.choices
    assert isinstance(kernel, Kernel | Magnitude)
    options: dict[str, Any] = {
        "border": choices.border,
        "pad": choices.pad,
        "stride": choices.stride,
        "dilation": choices.dilation,
        "flip": choices.flip,
        "anchor": anchor_given(kernel, choices),
        "method": choices.method,
        "threads": choices.threads,
        "offset": offset_of(job),
        "scale": scale,
        "out_dtype": dtype,
        "statistics": True,
    }
    if isinstance(kernel, Kernel):
        return convolve(image, engine_kernel(kernel), **options)
    from dlmath.convolution.engine.magnitude import combine_responses

    return combine_responses(image, [engine_kernel(part) for part in kernel.parts], kernel.combine, **options)


def offset_of(job: Job) -> float:
    """Return what is added to every sum: the option's, and the kernel file's own."""
    return job.choices.offset + (float(job.kernel.offset) if isinstance(job.kernel, Kernel) else 0.0)


def anchor_given(kernel: Kernel | Magnitude, choices: Choices) -> tuple[int, int]:
    """Return the anchor for the engine, which turns one that is given with the kernel."""
    row, column = anchor_of(kernel.shape, choices)
    return (kernel.shape[0] - 1 - row, kernel.shape[1] - 1 - column) if choices.flip else (row, column)


def engine_kernel(kernel: Kernel) -> Array | ExactKernel:
    """Return the weights as the engine takes them: whole numbers over a denominator where they are small enough."""
    exact = kernel.exact()
    if exact is not None and exact[1] <= LARGEST:
        largest = max(abs(weight) for row in set(exact[0]) for weight in row)
        if largest <= LARGEST:
            return ExactKernel(np.array(exact[0], np.int64), exact[1])
    return kernel.array()


def known(fact: float | None) -> float:
    """Return a measured fact, NaN where nothing finite was there to measure."""
    return math.nan if fact is None else fact


def is_cast(job: Job, image: Array) -> bool:
    """Tell whether results become pixels as a C cast makes them: digits cut off, bits beyond the type lost."""
    choices = job.choices
    plain = choices.scale is None and choices.dtype is None and job.header.file_format not in PLAIN_NUMBERS
    return choices.like.overflow == "wrap" and plain and image.dtype.kind in "ui"


def as_library(pixels: Array, image: Array, job: Job) -> Array:
    """Apply what a library does to results after the sums."""
    if is_cast(job, image):
        return np.trunc(pixels).astype(np.int64).astype(image.dtype)
    choices = job.choices
    if choices.like.keeps_edge and pixels.shape == image.shape and choices.scale is None and choices.offset == 0:
        return keeping_edge(pixels, image, job)
    return pixels


def keeping_edge(pixels: Array, image: Array, job: Job) -> Array:
    """Return the input where windows reach beyond the edge; inside, 8-bit sums as that library rounds them."""
    kernel = job.kernel
    assert kernel is not None
    rows, columns = (size // 2 for size in kernel.shape)
    inside = slice(rows, image.shape[0] - rows), slice(columns, image.shape[1] - columns)
    kept = image.copy().astype(pixels.dtype)
    kept[inside] = pixels[inside]
    odd = kernel.shape[0] % 2 == kernel.shape[1] % 2 == 1
    if isinstance(kernel, Kernel) and image.dtype == pixels.dtype == np.uint8 and odd and kept[inside].size:
        exact = engine_kernel(kernel)
        if isinstance(exact, ExactKernel):
            kept[inside] = filtered(image, exact.numerators, exact.denominator)
    return kept


def by_steps(job: Job, image: Array) -> Convolved:
    """Return the pixels of what is done step by step: channels summed, bias, activation, pooling."""
    values, method, macs = summed(job, image)
    values = biased(values, job)
    if job.choices.activation is not None:
        values = np.asarray(job.choices.activation.value(values.astype(np.float64)))
    if job.scale == "absolute":
        values = np.abs(values)
    before = None
    if job.choices.pool is not None:
        before, values = values, pool(values, job.choices.pool, counted=job.choices.like.counts_padding)
    scale = "clip" if job.scale == "absolute" else job.scale
    found = pixels_of(values, scale=scale, out_dtype=job.dtype)
    facts = known(found.minimum), known(found.maximum), known(found.mean)
    return Convolved(found.pixels, image, before, method, macs, *facts, found.below, found.above, 0.0)


def summed(job: Job, image: Array) -> tuple[Array, str, int]:
    """Return the sums with the offset, (H, W) or (H, W, C), the method's name and its multiply-accumulates."""
    kernel, choices = job.kernel, job.choices
    if kernel is None:
        return image, "none", 0
    if isinstance(kernel, Kernel | Magnitude) and not choices.transposed:
        if choices.like.keeps_edge or is_cast(job, image):  # what follows sees what the library would have made
            made = direct(job, image)
            return made.pixels, made.method, made.macs
        found = slid(job, image, "clip" if job.whole else "none", WHOLE if job.whole else np.dtype(np.float64))
        return found.pixels, found.method, found.macs
    from dlmath.convolution.engine.layer import channel_sums, layer_macs, transposed_sums

    planes = image[:, :, None] if image.ndim == 2 else image
    bank = kernel if isinstance(kernel, Bank) else spread_out(kernel, planes.shape[2])
    weights = bank.numerators[:, :, ::-1, ::-1] if choices.flip else bank.numerators
    if job.larger is not None:
        sums = transposed_sums(planes, weights, *job.larger)
        positions = planes.shape[0] * planes.shape[1]
    else:
        sums = channel_sums(planes, weights, job.geometry)
        positions = sums.shape[0] * sums.shape[1]
    offset = offset_of(job)
    values = sums / bank.denominator + offset if bank.denominator != 1 or offset else sums
    values = values.astype(WHOLE) if job.whole and abs(values).max() < 2**63 else values
    return values if job.channels else values[:, :, 0], "layer", layer_macs(weights.shape, positions)


def spread_out(kernel: AnyKernel, channels: int) -> Bank:
    """Return the bank that slides one kernel over every channel on its own: one input channel a group."""
    assert isinstance(kernel, Kernel)
    weights = engine_kernel(kernel)
    exact = isinstance(weights, ExactKernel)
    numerators = weights.numerators if isinstance(weights, ExactKernel) else weights
    stacked = np.broadcast_to(numerators, (channels, 1, *numerators.shape))
    return Bank(kernel.name, stacked, weights.denominator if exact else 1)  # type: ignore[union-attr]


def biased(values: Array, job: Job) -> Array:
    """Return the values with the bias: one for all, or one a channel."""
    bias = job.choices.bias
    if not bias:
        return values
    added = np.array([int(value) for value in bias]) if job.whole else np.array(bias)
    return np.asarray(values + (added[0] if added.size == 1 else added))


def alpha_like(alpha: Array, job: Job) -> Array:
    """Return the opacity of the pixels that the result has: of the one under each window's anchor, then pooled."""
    shape = job.kernel.shape if job.kernel else (1, 1)
    anchor = anchor_of(shape, job.choices)
    rows, columns = (
        places(axis, size, tap, transposed=job.larger is not None)
        for axis, size, tap in zip((job.geometry.rows, job.geometry.columns), job.summed_shape, anchor, strict=True)
    )
    kept: Array = alpha[np.ix_(rows, columns)]
    if job.choices.pool is None:
        return kept
    pooled = pool(kept, job.choices.pool)
    return pixels_of(pooled, out_dtype=alpha.dtype).pixels


def places(axis: Any, outputs: int, anchor: int, *, transposed: bool) -> Array:
    """Return the image's line whose pixel stands for each line of the result, the nearest at the edges."""
    positions = np.arange(outputs)
    if transposed:  # the pixel that adds its multiple of the anchor's weight there, or the last before
        found = (positions + axis.before - anchor * axis.dilation) // axis.stride
    else:
        found = positions * axis.stride - axis.before + anchor * axis.dilation
    return np.asarray(np.clip(found, 0, axis.size - 1))


def with_alpha(pixels: Array, alpha: Array) -> Array:
    """Put the opacity back behind the colours, as full where it was whatever the type."""
    colour = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if colour.shape[:2] != alpha.shape:
        raise ShapeError(f"alpha of shape {alpha.shape} does not fit a result of {colour.shape[:2]}", "drop the alpha")
    return np.concatenate([colour, alpha[:, :, None].astype(colour.dtype)], axis=2)
