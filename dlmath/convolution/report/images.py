"""The report of convolved images: one line each, printed matrices, pictures, and the arithmetic at a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.report.kernels import parts_of
from dlmath.report.blocks import Lines, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlmath.convolution.engine.kernel import Kernel, Magnitude
    from dlmath.convolution.engine.naive import WindowArithmetic
    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block, Cell
    from dlmath.report.streams import Streams

    Look = Callable[[tuple[int, int], int], list[tuple[Kernel, WindowArithmetic]]]


WHOLE_TABLE = 64
"""Results of so many pixels are worked out whole by --explain, when they are printed."""
LONGEST_SUM = 49


class Convolved(NamedTuple):
    """One image with one kernel: the result, and what is told of it.

    Attributes
    ----------
    pixels : ndarray
        The result, opacity included.
    image : ndarray (H, W) or (H, W, C)
        What was convolved: without opacity, gray if that was asked for.
    method : str
    macs : int
    minimum, maximum, mean : float
        Of the results before they became pixels.
    clipped : int
        Samples that were saturated.
    seconds : float
    gray : bool
        Whether one channel was convolved.
    summed_shape : tuple of int
        Rows and columns of the result before pooling.
    notes : tuple of str
    """

    pixels: Array
    image: Array
    method: str
    macs: int
    minimum: float
    maximum: float
    mean: float
    clipped: int
    seconds: float
    gray: bool
    summed_shape: tuple[int, ...]
    notes: tuple[str, ...] = ()


class Shown(NamedTuple):
    """One image with one kernel, and what came of it."""

    image: str
    target: str | None
    kernel: Kernel | Magnitude | None
    original: Array
    convolved: Convolved

    @property
    def kernel_name(self) -> str:
        """The kernel's name, or what was done without one."""
        return self.kernel.name if self.kernel else "pool"


def entry(shown: Shown) -> dict[str, Any]:
    """Return one object of the result's `images`."""
    done = shown.convolved
    made: dict[str, Any] = {
        "input": shown.image,
        "output": shown.target,
        "kernel": shown.kernel_name,
        "kernel_shape": shown.kernel.shape if shown.kernel else None,
        "input_shape": shown.original.shape,
        "output_shape": done.pixels.shape,
        "dtype": str(done.pixels.dtype),
        "method": done.method,
        "macs": done.macs,
        "min": done.minimum,
        "max": done.maximum,
        "mean": done.mean,
        "clipped": done.clipped,
        "seconds": done.seconds,
    }
    if shown.target is None:
        made["values"] = done.pixels
    return made


def main_table(shown: Sequence[Shown]) -> Table:
    """Return one line an output."""
    columns = (
        "input",
        "kernel",
        "output",
        "size",
        "type",
        "method",
        "MACs",
        "min",
        "max",
        "mean",
        "clipped",
        "seconds",
    )
    return Table(columns, tuple(row(item) for item in shown))


def row(shown: Shown) -> tuple[Cell, ...]:
    """Return one line of the table."""
    done = shown.convolved
    size = "x".join(map(str, done.pixels.shape))
    facts = (size, str(done.pixels.dtype), done.method, done.macs, done.minimum, done.maximum, done.mean, done.clipped)
    return (shown.image, shown.kernel_name, shown.target or "printed", *facts, round(done.seconds, 6))


def blocks(shown: Sequence[Shown], *, show: bool, streams: Streams) -> Iterator[Block]:
    """Yield printed matrices, pictures where they were asked for, and the table."""
    for item in shown:
        if item.target is None:
            yield matrix(item.convolved.pixels, f"{item.image} with {item.kernel_name}")
        if show:
            yield pictures(item, streams)
    yield main_table(shown)


def matrix(values: Array, title: str) -> Lines:
    """Return a matrix as right-aligned numbers; channels one after another."""
    planes = values[:, :, None] if values.ndim == 2 else values
    lines: list[str] = []
    for channel in range(planes.shape[2]):
        cells = [[number(value) for value in line] for line in planes[:, :, channel].tolist()]
        width = max(len(text) for line in cells for text in line)
        lines += [" ".join(text.rjust(width) for text in line) for line in cells]
    return Lines(tuple(lines), title=title)


def number(value: object) -> str:
    """Write a whole number or a fraction as it is, a float with nine digits.

    >>> number(3), number(0.1), number(2.0)
    ('3', '0.1', '2')
    """
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def pictures(shown: Shown, streams: Streams) -> Lines:
    """Return original beside result, drawn with text."""
    from dlmath.report.terminal_picture import presentable, side_by_side

    both = [presentable(np.asarray(shown.original)), presentable(np.asarray(shown.convolved.pixels, dtype=None))]
    lines = side_by_side(both, streams.columns, color=streams.color)
    return Lines(lines, title=f"{shown.image}  |  {shown.kernel_name}")


def picture(shown: Sequence[Shown], ending: str) -> bytes:
    """Draw the figure of --plot: input, kernel, output."""
    from dlmath.convolution.report import plots
    from dlmath.convolution.report.kernels import weight_text
    from dlmath.report.figures import drawn
    from dlmath.report.terminal_picture import presentable

    rows = []
    for item in shown:
        kernels = parts_of(item.kernel) if item.kernel else ()
        labels = [[[weight_text(weight) for weight in line] for line in kernel.weights] for kernel in kernels]
        before, after = (presentable(np.asarray(pixels)) for pixels in (item.original, item.convolved.pixels))
        rows.append(plots.Shown(item.kernel_name, flat(before), flat(after), [k.array() for k in kernels], labels))
    return drawn(plots.figure(rows), ending)


def flat(pixels: Array) -> Array:
    """Return (H, W) or (H, W, 3), as a figure draws it."""
    if pixels.ndim == 2:
        return pixels
    return pixels[:, :, 0] if pixels.shape[2] < 3 else pixels[:, :, :3]


def definition(settings: Mapping[str, object], stride: int, dilation: int) -> Lines:
    """Return the formula of the run."""
    turned = "turned by 180 degrees" if settings["flip"] else "as it is (cross-correlation)"
    return Lines(
        (
            "sum[y, x] = sum over i, j of kernel[i, j] * image[S y + D (i - ay), S x + D (j - ax)]",
            f"stride S = {stride}, dilation D = {dilation}, anchor (ay, ax) = (kh // 2, kw // 2), kernel {turned},",
            f"beyond the edge: {settings['border']}"
            + (" (windows lie inside: S y + D i)" if settings["border"] == "valid" else ""),
        ),
        title="Convolution",
    )


def pixel(shown: Shown, look: Look, place: tuple[int, int], offset: float) -> Iterator[Block]:
    """Yield window, kernel, products and sum at one pixel, for each channel."""
    channels = 1 if shown.convolved.image.ndim == 2 else shown.convolved.image.shape[2]
    for channel in range(channels):
        found = look(place, channel)
        where = f"row {place[0]}, column {place[1]}" + (f", channel {channel}" if channels > 1 else "")
        for kernel, window in found:
            title = f"{shown.image} with {kernel.name} at {where}"
            yield Lines((*beside(window), total_line(window)), title=title)
        yield Lines(tuple(pixel_lines(shown, found, place, channel, offset)))


def beside(window: WindowArithmetic) -> tuple[str, ...]:
    """Return window, kernel and products side by side."""
    grids = [grid_texts(array) for array in (window.window, window.kernel, window.products)]
    titles = ("window", "kernel", "products")
    middle = len(grids[0]) // 2
    lines = ["   ".join(title.ljust(len(grid[0])) for title, grid in zip(titles, grids, strict=True))]
    for index, (seen, weights, products) in enumerate(zip(*grids, strict=True)):
        times, equals = (" x ", " = ") if index == middle else ("   ", "   ")
        lines.append(f"{seen}{times}{weights}{equals}{products}")
    return tuple(lines)


def grid_texts(array: Array) -> list[str]:
    """Return the rows of a matrix as aligned text."""
    cells = [[number(value) for value in row] for row in array.tolist()]
    width = max(len(text) for row in cells for text in row)
    return [" ".join(text.rjust(width) for text in row).ljust(8) for row in cells]


def total_line(window: WindowArithmetic) -> str:
    """Return the sum written out."""
    values = window.products.ravel().tolist()
    terms = " + ".join(f"({number(v)})" if v < 0 else number(v) for v in values[:LONGEST_SUM])
    more = f" + ... ({len(values)} products)" if len(values) > LONGEST_SUM else ""
    return f"sum = {terms}{more} = {number(window.total)}"


def pixel_lines(
    shown: Shown, found: Sequence[tuple[Kernel, WindowArithmetic]], place: tuple[int, int], channel: int, offset: float
) -> Iterator[str]:
    """Yield how the sums become the pixel that was written."""
    if len(found) > 1:
        how = getattr(shown.kernel, "combine", "l2")
        totals = [float(window.total) for _, window in found]
        made = np.sqrt(sum(total * total for total in totals)) if how == "l2" else max(totals)
        text = " + ".join(f"({total:.9g})^2" for total in totals)
        yield f"magnitude = sqrt({text}) = {made:.9g}" if how == "l2" else f"largest of them = {made:.9g}"
    if offset:
        yield f"plus the offset {offset:.9g}"
    if shown.convolved.pixels.shape[:2] == shown.convolved.summed_shape:
        pixels = shown.convolved.pixels
        value = pixels[place] if pixels.ndim == 2 else pixels[(*place, channel)]
        yield f"pixel = {number(value.item())} ({pixels.dtype})"


def whole_table(shown: Shown, look: Look) -> Table:
    """Return the sum at every pixel of a small matrix."""
    rows, columns = shown.convolved.summed_shape
    lines: list[tuple[Cell, ...]] = []
    for y in range(rows):
        for x in range(columns):
            text = "; ".join(total_line(window).removeprefix("sum = ") for _, window in look((y, x), 0))
            lines.append((y, x, text))
    return Table(("row", "column", "sum"), tuple(lines), title=f"Every pixel of {shown.image} with {shown.kernel_name}")
