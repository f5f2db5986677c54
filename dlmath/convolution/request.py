"""What `dlmath convolve` asks of the engine: the words resolved once, applied to every image and kernel."""

from __future__ import annotations

import math
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.engine.borders import Border, parse_border
from dlmath.convolution.engine.convolve import convolve
from dlmath.convolution.engine.exact import ExactKernel, from_fractions
from dlmath.convolution.engine.kernel import Kernel, Magnitude
from dlmath.convolution.engine.magnitude import combine_responses
from dlmath.convolution.engine.naive import Geometry, WindowArithmetic, fraction_kernel, window_at
from dlmath.convolution.engine.pooling import parse_pool, pool
from dlmath.convolution.engine.single_precision import filtered
from dlmath.convolution.likeness import LIKE, Likeness
from dlmath.convolution.report.images import Convolved
from dlmath.errors import InvalidValueError, ShapeError
from dlmath.frame.checks import given, refuse

if TYPE_CHECKING:
    from dlmath.convolution.engine.pooling import Pool
    from dlmath.convolution.words import Words
    from dlmath.files.pictures.picture import Picture
    from dlmath.frame.output import Output
    from dlmath.neural.arrays import Array

LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601, as Pillow and OpenCV turn RGB into gray."""
PLAIN_NUMBERS = ("NPY", "TEXT")
"""Formats whose values are numbers rather than pixels: results are kept as they are."""


class Request(NamedTuple):
    """The options that are the same for every image and kernel."""

    border: Border
    stride: int
    dilation: int
    flip: bool
    channels: str
    scale: str | None
    offset: float
    dtype: np.dtype[Any] | None
    method: str
    pool: Pool | None
    like: Likeness | None
    at: tuple[int, int] | None
    threads: int | None

    @property
    def is_float(self) -> bool:
        """Whether pictures become floating point."""
        if self.dtype is not None:
            return self.dtype.kind == "f"
        return self.scale == "none" or (self.like is not None and self.like.overflow == "float")

    def settings(self) -> dict[str, object]:
        """Return the resolved options, as `settings` lists them."""
        return {
            "border": str(self.border),
            "flip": self.flip,
            "scale": self.scale,
            "dtype": None if self.dtype is None else str(self.dtype),
            "method": self.method,
            "at": self.at,
        }


def resolve(words: Words, output: Output) -> Request:
    """Check the words and resolve their defaults."""
    like = LIKE[words.like] if words.like else None
    at = parse_at(words.at)
    if at is not None and not output.explain:
        refuse({"--at": words.at}, "without --explain")
    return Request(
        border=parse_border(given(words.border, like.border if like else "replicate").lower()),
        stride=words.stride,
        dilation=words.dilation,
        flip=words.flip,
        channels=words.channels,
        scale=words.scale,
        offset=words.offset,
        dtype=None if words.dtype is None else np.dtype(words.dtype),
        method=words.method,
        pool=None if words.pool is None else parse_pool(words.pool),
        like=like,
        at=at,
        threads=words.threads,
    )


def parse_at(text: str | None) -> tuple[int, int] | None:
    """Return ROW,COL of --at.

    >>> parse_at("3,4")
    (3, 4)
    """
    if text is None:
        return None
    parts = text.replace(" ", "").split(",")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise InvalidValueError(f"--at {text} is not a pixel", "give ROW,COL counted from 0, as --at 10,20")
    return int(parts[0]), int(parts[1])


def convolved(picture: Picture, kernel: Kernel | Magnitude | None, request: Request) -> Convolved:
    """Convolve one picture; alpha is kept as it is, thinned out where the result is."""
    image, alpha = colour_and_alpha(picture, request)
    start = perf_counter()
    found = responses(image, kernel, picture, request)
    pixels = pooled(found.pixels, request)
    seconds = perf_counter() - start
    if alpha is not None:
        pixels = with_alpha(pixels, alpha_like(alpha, kernel, request))
    return found._replace(pixels=pixels, seconds=seconds)


def colour_and_alpha(picture: Picture, request: Request) -> tuple[Array, Array | None]:
    """Return what is convolved, (H, W) or (H, W, C), and the opacity that is not."""
    image = np.asarray(picture.pixels)
    if request.channels == "gray" and image.ndim == 3:
        return gray(image, has_alpha=picture.has_alpha), None
    if picture.has_alpha:
        colour = np.ascontiguousarray(image[:, :, :-1])
        return (colour[:, :, 0] if colour.shape[2] == 1 else colour), image[:, :, -1]
    return image, None


def gray(image: Array, *, has_alpha: bool) -> Array:
    """Return the luma of RGB (whole pixels round half up), or the mean of any other number of channels."""
    colour = image[:, :, :-1] if has_alpha else image
    weights = np.array(LUMA) if colour.shape[2] == 3 else np.full(colour.shape[2], 1 / colour.shape[2])
    luma = colour @ weights
    return np.asarray(luma if image.dtype.kind == "f" else np.floor(luma + 0.5).astype(image.dtype))


def responses(image: Array, kernel: Kernel | Magnitude | None, picture: Picture, request: Request) -> Convolved:
    """Return the image under the kernel, or as it is when there is none."""
    if kernel is None:
        values = image.astype(np.float64)
        facts = float(values.min()), float(values.max()), float(values.mean())
        return Convolved(image, image, "none", 0, *facts, 0, 0.0, image.ndim == 2, image.shape[:2])
    like = request.like
    scale, dtype = pixel_rule(picture, kernel, request)
    options: dict[str, Any] = {
        "border": request.border,
        "stride": request.stride,
        "dilation": request.dilation,
        "flip": request.flip or (like is not None and like.flip == "both"),
        "method": request.method,
        "threads": request.threads,
        "offset": request.offset + float(getattr(kernel, "offset", 0)),
        "scale": scale,
        "out_dtype": dtype,
        "statistics": True,
    }
    if isinstance(kernel, Magnitude):
        found = combine_responses(
            image, [engine_kernel(part, like) for part in kernel.parts], kernel.combine, **options
        )
    else:
        found = convolve(image, engine_kernel(kernel, like), **options)
    pixels = as_library(found.pixels, image, kernel, request)
    facts = known(found.minimum), known(found.maximum), known(found.mean)
    return Convolved(
        pixels, image, found.method, found.macs, *facts, found.clipped, 0.0, image.ndim == 2, pixels.shape[:2]
    )


def known(fact: float | None) -> float:
    """Return a measured fact, NaN where nothing finite was there to measure."""
    return math.nan if fact is None else fact


def pixel_rule(picture: Picture, kernel: Kernel | Magnitude, request: Request) -> tuple[str, np.dtype[Any] | None]:
    """Return how results become pixels, and their type (None: the engine's own choice)."""
    dtype = request.dtype
    if request.like is not None and request.scale is None and request.like.overflow != "clip":
        return "none", dtype
    if picture.file_format not in PLAIN_NUMBERS:
        return given(request.scale, "clip"), dtype
    if dtype is None and picture.file_format == "TEXT" and is_whole(picture, kernel, request):
        return given(request.scale, "clip"), np.dtype(np.int64)
    return given(request.scale, "none"), given(dtype, np.dtype(np.float64))


def is_whole(picture: Picture, kernel: Kernel | Magnitude, request: Request) -> bool:
    """Tell whether integers under this kernel stay integers."""
    if picture.pixels.dtype.kind != "i" or isinstance(kernel, Magnitude) or request.scale in {"minmax", "none"}:
        return False
    exact = kernel.exact()
    return exact is not None and exact[1] == 1 and request.offset.is_integer()


def engine_kernel(kernel: Kernel, like: Likeness | None) -> Array | ExactKernel:
    """Return the weights as the engine takes them, turned and divided as a library would."""
    rows = kernel.weights[::-1] if like is not None and like.flip == "rows" else kernel.weights
    divisor = kernel.sum if like is not None and like.normalise and kernel.sum else 1
    if kernel.exact() is not None:
        exact = from_fractions([[weight / divisor for weight in row] for row in rows])  # type: ignore[misc]
        if exact is not None:
            return exact
    return np.array([[float(weight / divisor) for weight in row] for row in rows])


def as_library(pixels: Array, image: Array, kernel: Kernel | Magnitude, request: Request) -> Array:
    """Apply what a library does to results after the sums."""
    like = request.like
    if like is None:
        return pixels
    if like.overflow == "wrap" and request.scale is None and request.dtype is None and image.dtype.kind in "ui":
        # a C cast: digits after the point are cut off, bits beyond the type are lost
        pixels = np.trunc(pixels).astype(np.int64).astype(image.dtype)
    if like.keeps_edge and pixels.shape == image.shape and request.scale is None and request.offset == 0:
        pixels = keeping_edge(pixels, image, kernel, like)
    return pixels


def keeping_edge(pixels: Array, image: Array, kernel: Kernel | Magnitude, like: Likeness) -> Array:
    """Return the input where windows reach beyond the edge; inside, 8-bit sums as that library rounds them."""
    rows, columns = (size // 2 for size in kernel.shape)
    inside = slice(rows, image.shape[0] - rows), slice(columns, image.shape[1] - columns)
    made = image.copy().astype(pixels.dtype)
    made[inside] = pixels[inside]
    weights = engine_kernel(kernel, like._replace(normalise=False)) if isinstance(kernel, Kernel) else None
    whole = isinstance(weights, ExactKernel) and weights.denominator == 1
    odd = kernel.shape[0] % 2 == kernel.shape[1] % 2 == 1
    if image.dtype == pixels.dtype == np.uint8 and whole and odd and made[inside].size:
        assert isinstance(weights, ExactKernel)
        made[inside] = filtered(image, weights.numerators, int(weights.numerators.sum()) or 1)
    return made


def pooled(pixels: Array, request: Request) -> Array:
    """Return the result pooled, if that was asked for."""
    return pixels if request.pool is None else pool(pixels, request.pool)


def alpha_like(alpha: Array, kernel: Kernel | Magnitude | None, request: Request) -> Array:
    """Return the opacity at the pixels that the result has."""
    if kernel is not None:
        if request.border.kind == "valid":
            top, left = (size // 2 * request.dilation for size in kernel.shape)
            rows, columns = ((size - 1) * request.dilation for size in kernel.shape)
            alpha = alpha[top : alpha.shape[0] - rows + top, left : alpha.shape[1] - columns + left]
        alpha = alpha[:: request.stride, :: request.stride]
    return alpha if request.pool is None else pool(alpha, request.pool)


def with_alpha(pixels: Array, alpha: Array) -> Array:
    """Put the opacity back behind the colours."""
    colour = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if colour.shape[:2] != alpha.shape:
        raise ShapeError(f"alpha of shape {alpha.shape} does not fit a result of {colour.shape[:2]}", "drop the alpha")
    return np.concatenate([colour, alpha[:, :, None].astype(colour.dtype)], axis=2)


def arithmetic_at(
    image: Array, kernel: Kernel | Magnitude, request: Request, place: tuple[int, int], channel: int
) -> list[tuple[Kernel, WindowArithmetic]]:
    """Return window, kernel, products and sum at one output pixel, for the kernel or each part of a magnitude."""
    parts = kernel.parts if isinstance(kernel, Magnitude) else (kernel,)
    planes = image[:, :, None] if image.ndim == 2 else image
    found = []
    for part in parts:
        weights = slid(engine_kernel(part, request.like), request)
        anchor = (weights.shape[0] // 2, weights.shape[1] // 2)
        geometry = Geometry(request.border, anchor, request.stride, request.dilation)
        found.append((part, window_at(planes, weights, geometry, *place, channel)))
    return found


def slid(weights: Array | ExactKernel, request: Request) -> Array:
    """Return the kernel as it is slid: exact where it is rational, turned where a true convolution is asked for."""
    plain = fraction_kernel(weights.numerators, weights.denominator) if isinstance(weights, ExactKernel) else weights
    turned = request.flip or (request.like is not None and request.like.flip == "both")
    return plain[::-1, ::-1] if turned else plain
