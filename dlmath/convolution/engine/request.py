"""What `convolve` was asked, checked and resolved: every error a request can have is raised here."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.convolution.engine.algorithm import working_dtype
from dlmath.convolution.engine.borders import Border, parse_border
from dlmath.convolution.engine.geometry import MOST_STEP, Geometry, Pad, geometry_of, parse_pad
from dlmath.convolution.engine.kernel import ExactKernel
from dlmath.convolution.engine.pixels import Finish
from dlmath.convolution.engine.planner import Question
from dlmath.convolution.engine.taps import Bounds, bounds_of_sums
from dlmath.errors import InvalidValueError, ShapeError, TooLargeError, unknown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

    from dlmath.neural.arrays import Array

Dtype = np.dtype[Any]
SCALES = ("clip", "absolute", "minmax", "none")


@dataclass(frozen=True, eq=False)
class Request:
    """A convolution, resolved.

    Attributes
    ----------
    image : ndarray of shape (H, W, C)
    plain : ndarray of shape (kh, kw)
        The kernel as it is slid: int64 numerators, or float64.
    weights : ndarray
        The same with its dilation written out as zeros.
    denominator : int
    exact : bool
        The weights are whole numbers.
    geometry : Geometry
    scale : str
    finish : Finish
    output : ndarray of shape (oh, ow, C)
    pixels : ndarray
        The output in the image's number of dimensions.
    bounds : Bounds or None
        Of the whole numbers in image and border.
    flip : bool
    factor : int
        What the given numerators were multiplied by, so that the offset has their denominator too.
    """

    image: Array
    plain: Array
    weights: Array
    denominator: int
    exact: bool
    geometry: Geometry
    scale: str
    finish: Finish
    output: Array
    pixels: Array
    bounds: Bounds | None
    flip: bool
    factor: int

    @property
    def taps(self) -> int:
        """Taps of the kernel."""
        return self.plain.size

    def placed(self, weights: Array) -> Array:
        """Return another kernel of the same shape as it is slid."""
        return weights[::-1, ::-1] * self.factor if self.flip else weights * self.factor

    @property
    def border(self) -> Border:
        """What lies beyond the edge."""
        return self.geometry.border

    @property
    def stride(self) -> int:
        """Pixels between windows."""
        return self.geometry.rows.stride

    @property
    def before(self) -> tuple[int, int]:
        """Rows and columns of padding above and left of the image."""
        return self.geometry.rows.before, self.geometry.columns.before

    def dilated(self, weights: Array) -> Array:
        """Return a kernel with this request's dilation written out."""
        return dilated(weights, self.geometry.rows.dilation)

    def naive_kernel(self, weights: Array) -> Array:
        """Return a kernel for the naive loops: Python's integers where sums are whole numbers, else float64."""
        return weights.astype(object if self.exact and self.bounds is not None else np.float64)

    def question(self) -> Question:
        """Return what the planner needs to know."""
        height, width = ((size - 1) * self.stride + 1 for size in self.output.shape[:2])
        target = self.output.dtype if self.output.dtype.kind == "f" else np.dtype(np.float16)
        return Question(
            self.image.dtype, target, height, width, self.image.shape[2],
            self.weights, self.denominator, self.exact, self.bounds,
        )  # fmt: skip

    def macs(self, kernels: int) -> int:
        """Return the multiply-accumulates of the definition: one a tap and output sample, of so many kernels."""
        return self.output.size * self.taps * kernels


def stretched(finish: Finish, dtype: Dtype, low: float, high: float) -> Finish:
    """Return the finish that maps low..high to the pixel type's 0..max; a constant becomes 0."""
    top = top_of(dtype)
    gain = top / (high - low) if high > low else 0.0
    return replace(finish, gain=gain, lift=-low * gain if gain else 0.0, bounds=(-math.inf, math.inf))


def top_of(dtype: Dtype) -> float:
    """Return the greatest value of a pixel type, 1 for floating point and truth values."""
    return float(np.iinfo(dtype).max) if dtype.kind in "ui" else 1.0


def request_of(
    image: ArrayLike,
    kernel: ArrayLike | ExactKernel,
    *,
    border: str | Border = "replicate",
    pad: str | Pad = "same",
    stride: int = 1,
    dilation: int = 1,
    flip: bool = False,
    anchor: tuple[int, int] | None = None,
    offset: float = 0.0,
    scale: str = "clip",
    out_dtype: DTypeLike | None = None,
    out: Array | None = None,
) -> Request:
    """Check a request and request_of its defaults."""
    planes = image_planes(np.asarray(image))
    plain, denominator, exact = kernel_weights(kernel)
    for name, value in (("stride", stride), ("dilation", dilation)):
        check_step(name, value)
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    if not math.isfinite(offset):
        raise InvalidValueError(f"offset {offset} is not a finite number", "give a finite offset")
    edge = parse_border(border) if isinstance(border, str) else border
    padding = parse_pad(pad) if isinstance(pad, str) else pad
    place = kernel_anchor(plain.shape, anchor, flip=flip and anchor is not None)
    plain = plain[::-1, ::-1] if flip else plain
    given = denominator
    if exact and whole_border(edge) and planes.dtype.kind in "bui" and offset != int(offset):
        plain, denominator = common_denominator(plain, denominator, offset)
    pixels = pixel_bounds(planes, edge)
    geometry = geometry_of(edge, planes.shape[:2], plain.shape, padding, anchor=place, stride=stride, dilation=dilation)
    shape = (*fitting(geometry, planes.shape[2]), planes.shape[2])
    dtype = pixel_dtype(planes.dtype, scale, out_dtype if out is None else out.dtype)
    output = output_array(shape, dtype, out, np.asarray(image).ndim)
    bounds = result_bounds(plain, denominator, pixels, offset, scale)
    finish = Finish(denominator, offset, scale == "absolute", bounds=bounds)
    return Request(
        planes, plain, dilated(plain, dilation), denominator, exact, geometry, scale, finish,
        output.reshape(shape), output, pixels, flip, denominator // given,
    )  # fmt: skip


def image_planes(image: Array) -> Array:
    """Return the image as (H, W, C), a view."""
    if image.dtype.kind not in "buif":
        raise InvalidValueError(f"an image of {image.dtype} values", "give real numbers: integers or floats")
    if image.ndim not in {2, 3} or 0 in image.shape:
        raise ShapeError(f"an image of shape {image.shape}", "give (height, width) or (height, width, channels)")
    return image[:, :, None] if image.ndim == 2 else image


def kernel_weights(kernel: ArrayLike | ExactKernel) -> tuple[Array, int, bool]:
    """Return the kernel's weights, their denominator, and whether they are whole numbers."""
    if isinstance(kernel, ExactKernel):
        if kernel.denominator < 1:
            raise InvalidValueError(f"a kernel over {kernel.denominator}", "give a denominator of at least 1")
        weights, denominator = np.asarray(kernel.numerators), kernel.denominator
    else:
        weights, denominator = np.asarray(kernel), 1
    if weights.ndim != 2 or 0 in weights.shape:
        raise ShapeError(f"a kernel of shape {weights.shape}", "give rows and columns of at least one weight")
    if weights.dtype.kind in "bui" and weights.dtype != np.uint64:
        return weights.astype(np.int64), denominator, True
    if weights.dtype.kind not in "uf":
        raise InvalidValueError(f"a kernel of {weights.dtype} values", "give real numbers")
    weights = weights.astype(np.float64)
    if not np.isfinite(weights).all():
        worst = weights[~np.isfinite(weights)][0]
        raise InvalidValueError(f"a kernel with the weight {worst}", "give finite weights")
    if (weights == np.rint(weights)).all() and np.abs(weights).max() < 2**31:
        return weights.astype(np.int64), denominator, True
    return weights, denominator, False


def check_step(name: str, value: int) -> None:
    """Raise unless a stride or dilation is an integer of at least 1."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 1 <= value <= MOST_STEP:
        raise InvalidValueError(f"{name} {value!r}", f"give a {name} of 1, 2, 3, ... {MOST_STEP}")


def kernel_anchor(shape: tuple[int, ...], anchor: tuple[int, int] | None, *, flip: bool) -> tuple[int, int]:
    """Return the anchor in the kernel as it is slid; one that was given turns with the kernel."""
    if anchor is None:
        return shape[0] // 2, shape[1] // 2
    row, column = anchor
    if not (0 <= row < shape[0] and 0 <= column < shape[1]):
        raise InvalidValueError(
            f"anchor {row},{column} lies outside the {shape[0]}x{shape[1]} kernel",
            f"give a row of 0..{shape[0] - 1} and a column of 0..{shape[1] - 1}",
        )
    return (shape[0] - 1 - row, shape[1] - 1 - column) if flip else (row, column)


def dilated(plain: Array, dilation: int) -> Array:
    """Return the kernel with dilation - 1 zeros between its weights.

    >>> dilated(np.array([[1, 2]]), 3).tolist()
    [[1, 0, 0, 2]]
    """
    if dilation == 1:
        return plain
    rows, columns = ((size - 1) * dilation + 1 for size in plain.shape)
    weights = np.zeros((rows, columns), dtype=plain.dtype)
    weights[::dilation, ::dilation] = plain
    return weights


def whole_border(border: Border) -> bool:
    """Tell whether what lies beyond the edge of a whole-number image is whole numbers."""
    return border.kind != "constant" or isinstance(border.value, int)


def common_denominator(plain: Array, denominator: int, offset: float) -> tuple[Array, int]:
    """Return weights and denominator of which the offset is a multiple, where that stays small."""
    common = math.lcm(denominator, Fraction(offset).denominator)
    factor = common // denominator
    return (plain * factor, common) if factor <= 4096 else (plain, denominator)


def pixel_bounds(image: Array, border: Border) -> Bounds | None:
    """Return the bounds of whole-number pixels: their type's, or for 64 bits what the image holds."""
    if image.dtype.kind not in "bui" or not whole_border(border):
        return None
    if image.dtype.kind == "b":
        low, high = 0, 1
    elif image.dtype.itemsize < 8:
        low, high = int(np.iinfo(image.dtype).min), int(np.iinfo(image.dtype).max)
    else:
        low, high = int(image.min()), int(image.max())
    value = int(border.value) if border.kind == "constant" else low
    return Bounds(min(low, value), max(high, value))


def bounds_of_results(plain: Array, denominator: int, pixels: Bounds, offset: float) -> tuple[float, float]:
    """Return the least and the greatest sum / denominator + offset."""
    if plain.dtype.kind == "f":
        positive, negative = float(plain[plain > 0].sum()), float(plain[plain < 0].sum())
        low, high = positive * pixels.low + negative * pixels.high, positive * pixels.high + negative * pixels.low
        return low / denominator + offset, high / denominator + offset
    bounds = bounds_of_sums(plain, pixels)
    return bounds.low / denominator + offset, bounds.high / denominator + offset


def magnitude_bounds(low: float, high: float) -> tuple[float, float]:
    """Return the bounds of |r| for r in low..high."""
    ends = abs(low), abs(high)
    return (0.0 if low <= 0 <= high else min(ends)), max(ends)


def result_bounds(
    plain: Array, denominator: int, pixels: Bounds | None, offset: float, scale: str
) -> tuple[float, float]:
    """Return the bounds of the results before they become pixels."""
    if pixels is None:
        return -math.inf, math.inf
    low, high = bounds_of_results(plain, denominator, pixels, offset)
    return magnitude_bounds(low, high) if scale == "absolute" else (low, high)


MOST_SAMPLES = 1 << 28
"""Of a result that is larger than its image, as padding can make it."""

MOST_WINDOW = 1 << 24
"""Pixels a window may span, dilation included: its zeros are written out."""


def fitting(geometry: Geometry, channels: int) -> tuple[int, int]:
    """Return the result's rows and columns, or raise that no window fits, or that it is beyond all memory."""
    rows, columns = geometry.rows, geometry.columns
    size = f"{rows.size}x{columns.size} pixels"
    if rows.reach * columns.reach > MOST_WINDOW:
        what = f"a window of {rows.reach}x{columns.reach} pixels spans more than {MOST_WINDOW:,}"
        raise TooLargeError(what, "choose a smaller kernel or a smaller dilation")
    if not rows.outputs or not columns.outputs:
        padding = f" and its padding {':'.join(map(str, geometry.padding))}" if any(geometry.padding) else ""
        raise ShapeError(
            f"a window of {rows.reach}x{columns.reach} does not fit into the image of {size}{padding}",
            "choose another border than valid, more padding, a smaller kernel or a smaller dilation",
        )
    check_size(rows.outputs, columns.outputs, channels, (rows.size, columns.size))
    return geometry.shape


def check_size(rows: int, columns: int, channels: int, image: tuple[int, int]) -> None:
    """Refuse a result without pixels, and one larger than its image that is beyond all memory."""
    if rows < 1 or columns < 1:
        raise ShapeError(f"a result of {rows}x{columns} pixels", "choose less padding")
    if rows * columns * channels > max(MOST_SAMPLES, image[0] * image[1] * channels):
        raise TooLargeError(f"a result of {rows}x{columns} pixels", "choose less padding or a smaller stride")


def pixel_dtype(image: Dtype, scale: str, wanted: DTypeLike | None) -> Dtype:
    """Return the result's dtype: the image's, or for `none` a floating-point one that holds its values."""
    if wanted is not None:
        dtype = np.dtype(wanted)
        if dtype.kind not in "buif":
            raise InvalidValueError(f"a result of {dtype} values", "choose a real dtype")
        return dtype
    return image if scale != "none" else working_dtype(image)


def output_array(shape: tuple[int, int, int], dtype: Dtype, out: Array | None, dimensions: int) -> Array:
    """Return the array the result is written to."""
    wanted = shape[:2] if dimensions == 2 else shape
    if out is None:
        return np.empty(wanted, dtype=dtype)
    if out.shape != wanted:
        raise ShapeError(f"out has shape {out.shape}", f"give one of shape {wanted}")
    return out
