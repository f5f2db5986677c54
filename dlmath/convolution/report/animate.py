"""`convolve --animate`: the window slides over a small image; its products, their sum and the pixel, one a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.engine.borders import Border, indices
from dlmath.convolution.engine.geometry import Geometry, WindowAxis
from dlmath.convolution.engine.kernel import Bank, Magnitude
from dlmath.convolution.engine.layer import slid, spread
from dlmath.convolution.report.explain import ExplainedChain, arithmetic
from dlmath.convolution.report.images import number
from dlmath.errors import InvalidValueError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

    from dlmath.convolution.engine.naive import WindowArithmetic
    from dlmath.convolution.job import Job
    from dlmath.convolution.report.images import ConvolvedImage
    from dlmath.neural.arrays import Array

MOST_CELLS = 32
"""Rows and columns of the padded image and of the result that are drawn: beyond, no number can be read."""
MOST_TAPS = 9
MOST_CHANNELS = 3
MOST_FRAMES = 400

CELL, GAP, MARGIN, LINE = 44, 40, 24, 22  # pixels
WIDEST = 1600
"""Pixels of a frame: cells become smaller to keep within."""

INK, PALE, PAPER, FRAME, PADDING = "#1a1a1a", "#8c8c8c", "#ffffff", "#c8c8c8", "#ececec"
WINDOW, RESULT = "#e69f00", "#0072b2"  # Okabe & Ito 2008: told apart by every eye
QUICK, SLOW, MANY = 150, 450, 60  # milliseconds a frame, and from how many frames on they are quick


class FrameGrid(NamedTuple):
    """A matrix of numbers where it is drawn: the place of its first cell, its cells, and what is pale."""

    left: int
    top: int
    values: Array
    pale: Array | None = None


def check_animated(job: Job) -> None:
    """Refuse what no one could read as an animation.

    Raises
    ------
    InvalidValueError, TooLargeError
        For a magnitude, many channels, large images and kernels.
    """
    kernel = job.kernel
    if isinstance(kernel, Magnitude):
        raise InvalidValueError(f"--animate of {kernel.name}: it is no single sum", "name one of its parts")
    if kernel is not None and job.pooled is not None:
        raise InvalidValueError("--animate of a kernel and a pooling at once", "animate one of them")
    if isinstance(kernel, Bank) and kernel.inputs > MOST_CHANNELS:
        raise TooLargeError(f"--animate of {kernel.inputs} input channels", f"it shows at most {MOST_CHANNELS}")
    geometry = drawn_geometry(job)
    sides = [axis.before + axis.size + axis.after for axis in (geometry.rows, geometry.columns)]
    if max(*sides, *job.size) > MOST_CELLS:
        what = f"--animate of {sides[0]}x{sides[1]} pixels with their padding"
        raise TooLargeError(what, f"it shows images of at most {MOST_CELLS}x{MOST_CELLS}: take a part, or a stride")
    if kernel is not None and max(kernel.shape) > MOST_TAPS:
        raise TooLargeError(f"--animate of a {kernel.shape[0]}x{kernel.shape[1]} kernel", f"at most {MOST_TAPS} taps")
    if job.size[0] * job.size[1] > MOST_FRAMES:
        raise TooLargeError(f"--animate of {job.size[0] * job.size[1]} results", f"it shows at most {MOST_FRAMES}")


def drawn_geometry(job: Job) -> Geometry:
    """Return the windows as they slide: of a transposed convolution, over the image with its zeros."""
    if job.kernel is None and job.pooled is not None:
        return job.pooled
    if job.larger is not None:
        return Geometry(Border("constant"), slid(job.larger[0]), slid(job.larger[1]))
    return job.geometry


def animation(done: ConvolvedImage) -> bytes:
    """Return the GIF: a frame for every pixel of the result, in reading order."""
    from dlmath.report.animation import gif

    stage = Stage(done)
    frames = [stage.frame(place) for place in np.ndindex(*done.job.size)]
    return gif(frames, QUICK if len(frames) > MANY else SLOW)


class Stage:
    """What stays the same from frame to frame: where the grids are, and their numbers."""

    def __init__(self, done: ConvolvedImage) -> None:
        self._done, self._job = done, done.job
        self._geometry = drawn_geometry(done.job)
        self._planes = shown_planes(done)
        taps = done.job.kernel.shape if done.job.kernel else (0, 0)
        rows, columns = self._planes[0].shape
        across = columns + taps[1] + done.job.size[1]
        self._cell = min(CELL, (WIDEST - 2 * MARGIN - 2 * GAP) // across)
        height = max(len(self._planes) * (rows * self._cell + GAP) - GAP, done.job.size[0] * self._cell)
        self._size = 2 * MARGIN + 2 * GAP + across * self._cell, 2 * MARGIN + height + 5 * LINE
        self._size = max(self._size[0], 480), self._size[1]
        self._values = result_plane(done)

    def frame(self, place: tuple[int, ...]) -> Image:
        """Return one frame: the window at one pixel of the result."""
        from PIL import Image, ImageDraw

        image = Image.new("RGB", self._size, PAPER)
        draw = ImageDraw.Draw(image)
        spot = (place[0], place[1])
        parts = arithmetic(self._done, spot, 0)
        kernel_left = MARGIN + self._planes[0].shape[1] * self._cell + GAP
        for k, plane in enumerate(self._planes):
            top = MARGIN + LINE + k * (plane.shape[0] * self._cell + GAP)
            self._grid(draw, FrameGrid(MARGIN, top, plane, self._is_padding()))
            self._window(draw, top, spot)
            if parts:
                weights = parts[k].window.kernel
                self._grid(draw, FrameGrid(kernel_left, top + self._cell, weights))
                self._sign(draw, kernel_left - GAP // 2, top, "\u00d7")
        self._result(draw, spot, kernel_left)
        self._words(draw, spot, parts)
        return image

    def _is_padding(self) -> Array:
        masks = []
        for axis in (self._geometry.rows, self._geometry.columns):
            places = np.arange(-axis.before, axis.size + axis.after)
            masks.append((places < 0) | (places >= axis.size))
        return np.asarray(masks[0][:, None] | masks[1][None])

    def _grid(self, draw: ImageDraw, grid: FrameGrid) -> None:
        """Draw a matrix: a framed cell a number."""
        for (row, column), value in np.ndenumerate(grid.values):
            box = self._box(grid, row, column)
            pale = grid.pale is not None and grid.pale[row, column]
            draw.rectangle(box, fill=PADDING if pale else PAPER, outline=FRAME)
            self._text(draw, box, "" if value is None else short_number(value), PALE if pale else INK)

    def _box(self, grid: FrameGrid, row: int, column: int) -> tuple[int, int, int, int]:
        left, top = grid.left + column * self._cell, grid.top + row * self._cell
        return left, top, left + self._cell, top + self._cell

    def _text(self, draw: ImageDraw, box: tuple[int, int, int, int], text: str, color: str) -> None:
        """Write a number into the middle of a cell, as large as it fits."""
        from dlmath.report.animation import font

        size = min(0.45 * self._cell, 1.5 * self._cell / max(len(text), 1))
        middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        draw.text(middle, text, fill=color, font=font(max(size, 7)), anchor="mm")

    def _window(self, draw: ImageDraw, top: int, spot: tuple[int, int]) -> None:
        """Frame the pixels under the window; with a dilation, each of them."""
        rows, columns = self._geometry.rows, self._geometry.columns
        grid = FrameGrid(MARGIN, top, self._planes[0])
        first = spot[0] * rows.stride, spot[1] * columns.stride
        for i in range(rows.taps):
            for j in range(columns.taps):
                box = self._box(grid, first[0] + i * rows.dilation, first[1] + j * columns.dilation)
                draw.rectangle(box, outline=WINDOW, width=2)
        corner = self._box(grid, *first)
        last = self._box(grid, first[0] + rows.reach - 1, first[1] + columns.reach - 1)
        draw.rectangle((corner[0], corner[1], last[2], last[3]), outline=WINDOW, width=4)

    def _result(self, draw: ImageDraw, spot: tuple[int, int], kernel_left: int) -> None:
        """Draw the result as far as it is known, the new pixel framed."""
        taps = self._job.kernel.shape[1] if self._job.kernel else 0
        left = kernel_left + taps * self._cell + (GAP if taps else 0)
        values = np.array(self._values, dtype=object)
        count = spot[0] * values.shape[1] + spot[1] + 1
        values.ravel()[count:] = None
        grid = FrameGrid(left, MARGIN + LINE, values)
        self._grid(draw, grid)
        self._sign(draw, left - GAP // 2, MARGIN + LINE, "=")
        draw.rectangle(self._box(grid, *spot), outline=RESULT, width=4)

    def _sign(self, draw: ImageDraw, middle: int, top: int, text: str) -> None:
        """Write a sign between two grids, beside their second row."""
        from dlmath.report.animation import font

        draw.text((middle, top + 1.5 * self._cell), text, fill=INK, font=font(0.5 * self._cell), anchor="mm")

    def _words(self, draw: ImageDraw, spot: tuple[int, int], parts: Sequence[Any]) -> None:
        """Write what is slid, the products and the sum."""
        from dlmath.report.animation import font

        letters = font(15)
        name = self._done.kernel_name if self._job.kernel else str(self._job.choices.pool)
        title = f"{name}    row {spot[0]}, column {spot[1]}"
        draw.text((MARGIN, MARGIN // 2), title, fill=INK, font=letters)
        lines = list(self._sentences(spot, parts))
        for k, line in enumerate(lines[:4]):
            top = self._size[1] - MARGIN - (min(len(lines), 4) - k) * LINE
            draw.text((MARGIN, top), line, fill=RESULT if k == len(lines) - 1 else INK, font=letters)

    def _sentences(self, spot: tuple[int, int], parts: Sequence[Any]) -> Iterator[str]:
        """Yield the products of every channel, then how their sum became the pixel."""
        chain = ExplainedChain(self._done, 0)
        for part in parts:
            yield products(part.window)
        if parts:
            chain.sum_of(parts)
        else:
            chain.pooled(spot)
        chain.pixel(spot)
        yield "    ".join(chain.lines)


def products(window: WindowArithmetic) -> str:
    """Return the products and their sum, those with weight 0 left away."""
    pairs = zip(window.kernel.ravel().tolist(), window.window.ravel().tolist(), strict=True)
    terms = [f"{factor(weight)}\u00b7{factor(pixel)}" for weight, pixel in pairs if weight != 0]
    text = " + ".join(terms[:12]) + (" + ..." if len(terms) > 12 else "")
    return f"{text or 0} = {short_number(window.total)}"


def factor(value: Any) -> str:
    """Return a factor, in brackets where it is negative."""
    return f"({short_number(value)})" if value < 0 else short_number(value)


def short_number(value: Any) -> str:
    """Return a number in a few letters.

    >>> short_number(3), short_number(1 / 3), short_number(-128)
    ('3', '0.333', '-128')
    """
    return f"{value:.3g}" if isinstance(value, float) else number(value)


def shown_planes(done: ConvolvedImage) -> list[Array]:
    """Return the padded image, one plane for each channel under the kernel."""
    job, image = done.job, done.convolved.image
    planes = image[:, :, None] if image.ndim == 2 else image
    if job.larger is not None:
        planes = spread(planes, job.choices.stride, job.choices.stride)
    geometry = drawn_geometry(job)
    count = job.kernel.inputs if isinstance(job.kernel, Bank) else 1
    beyond = geometry.border.value if job.kernel else None  # what lies in pooling's padding takes no part
    return [padded_plane(planes[:, :, channel], geometry, beyond) for channel in range(count)]


def padded_plane(plane: Array, geometry: Geometry, beyond: float | None) -> Array:
    """Return the pixels of a plane with what lies beyond its edge, `beyond` for a constant, as Python's numbers."""
    rows, columns = (places(axis, geometry.border) for axis in (geometry.rows, geometry.columns))
    padded: Array = plane[np.ix_(rows, columns)].astype(object)
    outside = (rows == -1)[:, None] | (columns == -1)[None]
    padded[outside] = beyond
    return padded


def places(axis: WindowAxis, border: Border) -> Array:
    """Return which line of the image each line of the padded one is, -1 for the border's constant."""
    return indices(-axis.before, axis.size + axis.after, axis.size, border)


def result_plane(done: ConvolvedImage) -> Array:
    """Return the first channel of the result."""
    pixels = done.convolved.pixels
    return np.asarray(pixels if pixels.ndim == 2 else pixels[:, :, 0])
