"""One image with one kernel: what will come of it, told from the image's header alone, and the work itself.

sums -> / denominator -> + offset -> + bias -> activation -> |r| (--scale absolute) -> pooling -> pixels
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.engine.borders import Border
from dlmath.convolution.engine.geometry import VALID, Geometry, Transposed, geometry_of, halves
from dlmath.convolution.engine.kernel import Bank, Kernel, Magnitude
from dlmath.convolution.engine.layer import groups_of
from dlmath.convolution.engine.pooling import windows_of
from dlmath.convolution.engine.request import check_size, fitting
from dlmath.errors import InvalidValueError

if TYPE_CHECKING:
    from dlmath.convolution.choices import Choices
    from dlmath.convolution.engine.kernel import AnyKernel
    from dlmath.files.pictures.picture import Header

PLAIN_NUMBERS = ("NPY", "TEXT")
"""Formats whose values are numbers rather than pixels: results are kept as they are."""
WHOLE = np.dtype(np.int64)


class Job(NamedTuple):
    """What one image and one kernel will give.

    Attributes
    ----------
    kernel : Kernel, Magnitude, Bank or None
        None: pooling alone.
    choices : Choices
    header : Header
        Of the image.
    geometry : Geometry
        The kernel's windows; of a transposed convolution those of which it is the transpose, seen from the image.
    larger : tuple of Transposed, or None
        The sizes of a transposed convolution.
    pooled : Geometry or None
        The windows that are pooled.
    scale : str
    dtype : dtype
        Of the result.
    whole : bool
        Whether integers stay integers, exactly.
    channels : int
        Of the result without opacity; 0 for one of two dimensions.
    alpha : bool
        Whether opacity is kept beside them.
    """

    kernel: AnyKernel | None
    choices: Choices
    header: Header
    geometry: Geometry
    larger: tuple[Transposed, Transposed] | None
    pooled: Geometry | None
    scale: str
    dtype: np.dtype[Any]
    whole: bool
    channels: int
    alpha: bool

    @property
    def summed_shape(self) -> tuple[int, int]:
        """Rows and columns before pooling."""
        return (self.larger[0].outputs, self.larger[1].outputs) if self.larger else self.geometry.shape

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        return self.pooled.shape if self.pooled else self.summed_shape

    @property
    def all_channels(self) -> int:
        """Channels of the result, opacity included."""
        return max(self.channels, 1) + self.alpha

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """Rows and columns of padding: top, bottom, left, right; pooling's where nothing else is done."""
        return self.pooled.padding if self.kernel is None and self.pooled else self.geometry.padding

    def formulas(self) -> tuple[str, str]:
        """Return how rows and columns of the result come about, the pooled size behind the summed one."""
        steps: list[tuple[Any, Any]] = []
        if self.kernel is not None:
            steps.append(self.larger or (self.geometry.rows, self.geometry.columns))
        if self.pooled:
            steps.append((self.pooled.rows, self.pooled.columns))
        rows, columns = ("; pooled: ".join(step[axis].formula() for step in steps) for axis in (0, 1))
        return rows, columns


def planned(kernel: AnyKernel | None, choices: Choices, header: Header, *, numbers: bool = True) -> Job:
    """Return what an image and a kernel will give.

    Parameters
    ----------
    numbers : bool
        Whether results of plain numbers stay plain; not where they are written as a picture.

    Raises
    ------
    ShapeError, InvalidValueError, TooLargeError
        When nothing can: a window that does not fit, channels that do not, a pixel to be shown that is not there.
    """
    kernel = suited(kernel, choices)
    alpha = header.has_alpha and choices.channels == "keep"
    colours = 1 if choices.channels == "gray" else header.channels - header.has_alpha
    flat = len(header.shape) == 2 or choices.channels == "gray" or (header.has_alpha and colours == 1)
    outputs = kernel.outputs if isinstance(kernel, Bank) else colours
    channels = 0 if outputs == 1 and (flat or isinstance(kernel, Bank)) else outputs
    check_channels(kernel, choices, colours, outputs)
    geometry, larger = windows(kernel, choices, header.shape[:2], outputs)
    size = (larger[0].outputs, larger[1].outputs) if larger else geometry.shape
    pooled = windows_of(choices.pool, *size) if choices.pool else None
    whole = stays_whole(kernel, choices, header)
    scale, dtype = pixel_rule(kernel, choices, header, whole=whole, numbers=numbers)
    job = Job(kernel, choices, header, geometry, larger, pooled, scale, dtype, whole, channels, alpha)
    check_place(job)
    return job


def suited(kernel: AnyKernel | None, choices: Choices) -> AnyKernel | None:
    """Return the kernel with its weights divided as it was asked for, and laid and divided as a library would."""
    if isinstance(kernel, Kernel):
        return suited_part(kernel, choices)
    if isinstance(kernel, Magnitude):
        mean = choices.like.divisor == "half-absolute" and kernel.combine == "l2"  # the root of the mean square
        root = math.sqrt(len(kernel.parts)) if mean else 1
        return replace(kernel, parts=tuple(suited_part(part, choices).divided(root) for part in kernel.parts))
    return normalized_bank(kernel) if kernel and choices.normalize else kernel


def suited_part(kernel: Kernel, choices: Choices) -> Kernel:
    """Return one rectangle so."""
    divisor: Any = 1
    if choices.normalize:
        divisor = kernel.absolute_sum
    elif choices.like.divisor == "sum":
        divisor = kernel.sum
    elif choices.like.divisor == "half-absolute" and not kernel.sum:
        divisor = kernel.absolute_sum / 2
    return laid(kernel, choices).divided(divisor or 1)


def laid(kernel: Kernel, choices: Choices) -> Kernel:
    """Return the kernel as a library lays it on the image."""
    if choices.like.flip == "rows":
        return replace(kernel, weights=kernel.weights[::-1])
    if choices.like.flip == "even" and not all(size % 2 for size in kernel.shape):
        return replace(kernel, weights=tuple(row[::-1] for row in kernel.weights[::-1]))
    return kernel


def normalized_bank(bank: Bank) -> Bank:
    """Return the bank with every output's weights over the sum of their absolute values."""
    sums = np.abs(bank.numerators).sum(axis=(1, 2, 3), keepdims=True)
    return replace(bank, numerators=bank.numerators / np.where(sums == 0, 1, sums), denominator=1)


def check_channels(kernel: AnyKernel | None, choices: Choices, colours: int, outputs: int) -> None:
    """Refuse kernels and biases that do not fit the channels."""
    if isinstance(kernel, Bank):
        groups_of(colours, kernel.numerators.shape)
        if choices.method != "auto":
            raise InvalidValueError(f"--method {choices.method} has no meaning for a kernel with channels", "leave it")
        if choices.like.divisor or choices.like.keeps_edge or choices.like.overflow == "wrap":
            raise InvalidValueError(f"{choices.like.call} has no kernels with channels", "leave --like away")
    if choices.transposed and isinstance(kernel, Magnitude):
        raise InvalidValueError(f"{kernel.name} with --transposed: it is no sum", "name one of its parts, as sobel-x")
    if len(choices.bias) > 1 and len(choices.bias) != outputs:
        raise InvalidValueError(f"--bias has {len(choices.bias)} values", f"give one, or {outputs}: one a channel")


def parts_of(kernel: AnyKernel | None) -> tuple[Kernel, ...]:
    """Return the rectangles that are slid one by one; none of a bank, whose channels belong together."""
    if isinstance(kernel, Kernel):
        return (kernel,)
    return kernel.parts if isinstance(kernel, Magnitude) else ()


def windows(
    kernel: AnyKernel | None, choices: Choices, size: tuple[int, ...], channels: int
) -> tuple[Geometry, tuple[Transposed, Transposed] | None]:
    """Return where the windows lie, and the sizes of a transposed convolution."""
    image = size[0], size[1]
    if kernel is None:
        return geometry_of(choices.border, image, (1, 1)), None
    stride, dilation = choices.stride, choices.dilation
    if not choices.transposed:
        geometry = geometry_of(
            choices.border,
            image,
            kernel.shape,
            choices.pad,
            anchor=anchor_of(kernel.shape, choices),
            stride=stride,
            dilation=dilation,
        )
        fitting(geometry, channels)
        return geometry, None
    valid = geometry_of(Border("constant"), image, kernel.shape, VALID, stride=stride, dilation=dilation)
    rows, columns = (
        transposed_axis(Transposed(axis, choices.output_padding), choices, choices.pad.sides[2 * i : 2 * i + 2])
        for i, axis in enumerate((valid.rows, valid.columns))
    )
    check_size(rows.outputs, columns.outputs, channels, image)
    return Geometry(Border("constant"), rows.axis, columns.axis), (rows, columns)


def transposed_axis(plain: Transposed, choices: Choices, sides: tuple[int, ...]) -> Transposed:
    """Return an axis of a transposed convolution with what its padding takes off.

    `same` makes it S times the image: the transpose of a convolution that TensorFlow, Keras and ONNX pad so.
    """
    axis = plain.axis
    if choices.pad.kind == "sides":
        return plain._replace(axis=axis._replace(before=sides[0], after=sides[1]))
    if choices.pad.kind == "valid":
        lacking = max(0, axis.stride - axis.reach) if choices.like.whole_strides else 0
        return plain._replace(more=plain.more + lacking)
    total = axis.reach - axis.stride + plain.more
    before, after = halves(max(total, 0), choices.pad.kind)
    return Transposed(axis._replace(before=before, after=after), plain.more + max(-total, 0))


def anchor_of(shape: tuple[int, int], choices: Choices) -> tuple[int, int]:
    """Return the tap that lies on the output's pixel, of the kernel as it is slid."""
    row, column = shape[0] // 2, shape[1] // 2
    if choices.like.flip == "even" or (choices.flip and choices.like.anchor_turns):
        return shape[0] - 1 - row, shape[1] - 1 - column
    return row, column


def stays_whole(kernel: AnyKernel | None, choices: Choices, header: Header) -> bool:
    """Tell whether integers stay integers under all that is done to them."""
    if (
        header.dtype[0] not in "iu"
        or header.dtype == "u8"
        or isinstance(kernel, Magnitude)
        or choices.scale in {"minmax", "none"}
    ):
        return False
    if choices.activation or (choices.pool and choices.pool.kind == "average") or choices.like.unit:
        return False
    if not all(number.is_integer() for number in (*choices.bias, choices.offset)):
        return False
    if isinstance(kernel, Bank):
        return kernel.numerators.dtype.kind == "i" and kernel.denominator == 1
    exact = kernel.exact() if kernel else ((), 1)
    return exact is not None and exact[1] == 1 and (kernel is None or float(kernel.offset).is_integer())


def pixel_rule(
    kernel: AnyKernel | None, choices: Choices, header: Header, *, whole: bool, numbers: bool
) -> tuple[str, np.dtype[Any]]:
    """Return how results become pixels, and their type."""
    own: np.dtype[Any] = np.dtype(header.dtype)
    scale: str
    usual: np.dtype[Any]
    floating: np.dtype[Any] = np.dtype(np.float32 if np.result_type(own, np.float32) == np.float32 else np.float64)
    plain = header.file_format in PLAIN_NUMBERS
    degrees = isinstance(kernel, Magnitude) and kernel.combine == "angle"
    if plain and not numbers:
        scale, usual = "clip", np.dtype(np.uint8)
    elif degrees or choices.like.overflow == "float":
        scale, usual = "none", np.dtype(np.float64) if plain or (choices.like.unit and own.kind != "f") else floating
    elif not plain:
        scale, usual = "clip", own
    elif header.file_format == "TEXT" and whole:
        scale, usual = "clip", WHOLE
    else:
        scale, usual = "none", np.dtype(np.float64)
    if choices.scale is not None:
        scale = choices.scale
        if not plain:
            usual = floating if scale == "none" else own
    return scale, usual if choices.dtype is None else choices.dtype


def check_place(job: Job) -> None:
    """Refuse a pixel to be explained that the result does not have."""
    if job.choices.at is None:
        return
    (row, column), (rows, columns) = job.choices.at, job.size
    if row >= rows or column >= columns:
        what = f"--at {row},{column} lies outside the result of {rows}x{columns} pixels"
        raise InvalidValueError(what, f"rows are 0 to {rows - 1}, columns 0 to {columns - 1}")
