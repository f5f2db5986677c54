"""`convolve --explain`: the definition, then every number behind one pixel of each result."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.engine.borders import Border
from dlmath.convolution.engine.geometry import Geometry
from dlmath.convolution.engine.kernel import Bank, ExactKernel, Kernel, Magnitude
from dlmath.convolution.engine.layer import groups_of, slid, spread
from dlmath.convolution.engine.magnitude import degrees
from dlmath.convolution.engine.naive import WindowArithmetic, fraction_kernel, window_at
from dlmath.convolution.engine.pixels import limits_of
from dlmath.convolution.engine.pooling import window_of
from dlmath.convolution.engine.request import top_of
from dlmath.convolution.job import parts_of
from dlmath.convolution.report.images import number, size_lines
from dlmath.convolution.work import engine_kernel, offset_of
from dlmath.language.number_text import short
from dlmath.report.blocks import Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.convolution.job import Job
    from dlmath.convolution.report.images import ConvolvedImage
    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block, Cell

WHOLE_TABLE = 64
"""Results of so many pixels are worked out whole, when they are printed."""
LONGEST_SUM = 49
MOST_CHANNELS = 4
"""Output channels, and input channels of each, that are worked out; the rest is named and counted."""


class Part(NamedTuple):
    """The window of one rectangle of weights, by its kernel's name."""

    name: str
    window: WindowArithmetic


def explained(done: Sequence[ConvolvedImage]) -> Iterator[Block]:
    """Yield the arithmetic at one pixel of every result; of a small matrix, at every pixel."""
    for item in done:
        yield definition(item)
        yield from pixel(item)
        if item.target is None and is_small(item.job):
            yield whole_table(item)


def is_small(job: Job) -> bool:
    """Tell whether every pixel is worked out."""
    return bool(parts_of(job.kernel)) and job.pooled is None and job.size[0] * job.size[1] <= WHOLE_TABLE


def definition(done: ConvolvedImage) -> Lines:
    """Return the formulas of one result and its size."""
    return Lines(
        (*formula_lines(done.job), *list(size_lines(done))[1:]),
        title=f"{short(done.image)} with {short(done.kernel_name)}",
    )


def formula_lines(job: Job) -> Iterator[str]:
    """Yield what is computed."""
    choices, kernel = job.choices, job.kernel
    if kernel is not None:
        yield from sum_lines(job)
        turned = "turned by 180 degrees" if choices.flip else "as it is (cross-correlation)"
        yield f"stride S = {choices.stride}, dilation D = {choices.dilation}, kernel {turned}"
        yield f"beyond the edge: {choices.border}" if any(job.padding) else "no padding"
        if note := getattr(kernel, "note", ""):
            yield f"{kernel.name}: {note}"
    if choices.activation is not None:
        yield f"then {choices.activation.name}: {choices.activation.equation}"
    if job.pooled is not None and choices.pool is not None:
        windows, step = f"{job.pooled.rows.taps}x{job.pooled.columns.taps}", job.pooled.rows.stride
        yield f"then the {choices.pool.kind} of every window of {windows}, {step} apart"


def sum_lines(job: Job) -> Iterator[str]:
    """Yield the formula of the sums."""
    top, _, left, _ = job.geometry.padding
    bias = " + bias" if job.choices.bias else ""
    if job.larger is not None:
        yield f"sum[S y + D i - {top}, S x + D j - {left}] += kernel[i, j] * image[y, x]{bias}   (transposed)"
        yield "that is the turned kernel slid over the image with S - 1 zeros between its pixels"
    elif isinstance(job.kernel, Bank):
        yield (
            "sum[y, x, o] = sum over channels c and i, j of kernel[o, c, i, j] "
            f"* image[S y + D i - {top}, S x + D j - {left}, c]{bias}"
        )
    else:
        yield f"sum[y, x] = sum over i, j of kernel[i, j] * image[S y + D i - {top}, S x + D j - {left}]{bias}"


def pixel(done: ConvolvedImage) -> Iterator[Block]:
    """Yield window, kernel, products and sum at one pixel, for each channel, and how they become the pixel."""
    job = done.job
    rows, columns = job.size
    place = job.choices.at or (rows // 2, columns // 2)
    outputs, what = max(job.channels, 1), f"{short(done.image)} with {short(done.kernel_name)}"
    for channel in range(min(outputs, MOST_CHANNELS)):
        which = f", channel {channel}" if outputs > 1 else ""
        spot = place if job.pooled is None else chosen(done, place, channel)
        title = f"{what} at row {spot[0]}, column {spot[1]}{which}"
        parts = arithmetic(done, spot, channel)
        chain = ExplainedChain(done, channel)
        if job.kernel is not None:
            chain.sum_of(parts)
        if job.pooled is None:
            chain.pixel(place)
        yield from windows(parts, title, done.kernel_name, chain.lines)
        if job.pooled is not None:
            chain.lines = list(pooled_lines(done, place, channel))
            chain.pooled(place)
            chain.pixel(place)
            title = f"{what}, pooled at row {place[0]}, column {place[1]}{which}"
            yield Lines(tuple(chain.lines), title=title)
    if outputs > MOST_CHANNELS:
        yield Lines((f"and {outputs - MOST_CHANNELS} channels more, likewise",))


def windows(parts: Sequence[Part], title: str, kernel: str, after: Sequence[str]) -> Iterator[Block]:
    """Yield window, kernel, products and sum of every part, and what follows them, behind the only or the last part."""
    blocks = [(part, [*beside(part.window), total_line(part.window)]) for part in parts[:MOST_CHANNELS]]
    if len(blocks) == 1:
        blocks[0][1].extend(after)
    for part, lines in blocks:
        yield Lines(tuple(lines), title=title if part.name == kernel else f"{part.name}: {title}")
    if len(parts) > MOST_CHANNELS:
        yield Lines((f"and {len(parts) - MOST_CHANNELS} channels more, summed likewise",))
    if len(blocks) > 1 and after:
        yield Lines(tuple(after), title=title)


def pooled_lines(done: ConvolvedImage, place: tuple[int, int], channel: int) -> Iterator[str]:
    """Yield the values under the pooled window."""
    seen = pooled_window(done, place, channel)
    if seen is not None:
        cells = [[number(value) for value in line] for line in seen.tolist()]
        width = max(len(text) for line in cells for text in line)
        yield "window of values"
        yield from ("  " + " ".join(text.rjust(width) for text in line) for line in cells[:16])


def pooled_window(done: ConvolvedImage, place: tuple[int, int], channel: int) -> Array | None:
    """Return the values under the pooled window, None where nothing is pooled."""
    values, geometry = done.convolved.values, done.job.pooled
    if values is None or geometry is None:
        return None
    return window_of(values if values.ndim == 2 else values[:, :, channel], geometry, *place)


def chosen(done: ConvolvedImage, place: tuple[int, int], channel: int) -> tuple[int, int]:
    """Return the pixel of the sums that is worked out: the one that was largest or least, of a mean the first."""
    seen, geometry = pooled_window(done, place, channel), done.job.pooled
    assert seen is not None
    assert geometry is not None
    assert done.job.choices.pool is not None
    find = {"max": np.argmax, "min": np.argmin}.get(done.job.choices.pool.kind)
    row, column = divmod(int(find(seen)) if find else 0, seen.shape[1])
    first = (
        max(0, out * axis.stride - axis.before)
        for out, axis in zip(place, (geometry.rows, geometry.columns), strict=True)
    )
    top, left = first
    return top + row, left + column


def arithmetic(done: ConvolvedImage, place: tuple[int, int], channel: int) -> list[Part]:
    """Return the windows behind one output pixel: of the kernel, of each part of a magnitude, of each input channel."""
    job, image = done.job, done.convolved.image
    planes = image[:, :, None] if image.ndim == 2 else image
    geometry = job.geometry
    if job.larger is not None:
        planes = spread(planes, job.choices.stride, job.choices.stride)
        geometry = Geometry(Border("constant"), slid(job.larger[0]), slid(job.larger[1]))
    turned = job.choices.flip != (job.larger is not None)  # the transposed one slides the turned kernel
    if isinstance(job.kernel, Bank):
        bank = job.kernel
        share = bank.outputs // groups_of(planes.shape[2], bank.numerators.shape)
        first = channel // share * bank.inputs
        parts = [(f"input channel {first + c}", bank.part(channel, c), first + c) for c in range(bank.inputs)]
    else:
        parts = [(part.name, part, channel) for part in parts_of(job.kernel)]
    return [
        Part(name, window_at(planes, as_slid(part, turned=turned), geometry, *place, seen))
        for name, part, seen in parts
    ]


def as_slid(kernel: Kernel, *, turned: bool) -> Array:
    """Return the kernel as it is slid: exact where it is rational."""
    weights = engine_kernel(kernel)
    plain = fraction_kernel(weights.numerators, weights.denominator) if isinstance(weights, ExactKernel) else weights
    return np.asarray(plain[::-1, ::-1] if turned else plain)


class ExplainedChain:
    """The lines from the sums to the pixel, each number made of the one before."""

    def __init__(self, done: ConvolvedImage, channel: int) -> None:
        self.lines: list[str] = []
        self._done = done
        self._channel = channel
        self._value: Any = None
        self._job = done.job

    def sum_of(self, parts: Sequence[Part]) -> None:
        """Join the parts, then what follows the sum."""
        totals = [part.window.total for part in parts]
        self._join(totals)
        self._add("offset", number_of(offset_of(self._job)))
        bias = self._job.choices.bias
        self._add("bias", number_of(bias[self._channel % len(bias)]) if bias else 0)
        activation = self._job.choices.activation
        if activation is not None:
            found = float(activation.value(np.array([float(self._value)]))[0])
            self._step(f"{activation.name}({shown(self._value)})", found)
        if self._job.scale == "absolute":
            self._step(f"|{shown(self._value)}|", abs(self._value))

    def _join(self, totals: list[Any]) -> None:
        kernel = self._job.kernel
        if isinstance(kernel, Magnitude):
            numbers = [float(total) for total in totals]
            text = " + ".join(f"({total:.9g})^2" for total in numbers)
            if kernel.combine == "l2":
                self._step(f"magnitude = sqrt({text})", float(np.sqrt(sum(total * total for total in numbers))))
            elif kernel.combine == "max":
                self._step(f"the largest of {', '.join(map(number, numbers))}", max(numbers))
            else:
                x, y = numbers
                self._step(f"atan2({y:.9g}, {x:.9g})", float(degrees(np.array([x]), np.array([y]))[0]))
        elif len(totals) > 1:
            terms = " + ".join(f"({number(t)})" if t < 0 else number(t) for t in totals[:LONGEST_SUM])
            self._step(f"sum over channels = {terms}" + (" + ..." if len(totals) > LONGEST_SUM else ""), sum(totals))
        else:
            self._value = totals[0]

    def _add(self, name: str, more: Any) -> None:
        if more:
            self._step(f"plus the {name} = {shown(self._value)} + {shown(more)}", self._value + more)

    def _step(self, text: str, value: Any) -> None:
        self.lines.append(f"{text} = {shown(value)}")
        self._value = value

    def pooled(self, place: tuple[int, int]) -> None:
        """Take the pooled value."""
        seen = pooled_window(self._done, place, self._channel)
        assert seen is not None
        assert self._job.choices.pool is not None
        kind = self._job.choices.pool.kind
        if kind == "average":
            total, count = seen.sum(), seen.size
            if self._job.choices.like.counts_padding:
                assert self._job.pooled is not None
                count = self._job.pooled.rows.taps * self._job.pooled.columns.taps
            self._step(f"mean = {number(total.item())} / {count}", total.item() / count)
        else:
            self._step(f"{kind} of the {seen.size} values", getattr(seen, kind)().item())

    def pixel(self, place: tuple[int, int]) -> None:
        """Say how the number became the pixel that was written."""
        pixels = self._done.convolved.pixels
        written = (pixels[place] if pixels.ndim == 2 else pixels[(*place, self._channel)]).item()
        self.lines.append(f"pixel {number(written)} = {self._how(written)}   ({self._job.dtype})")

    def _how(self, written: Any) -> str:
        """Return what was done to the number: nothing, rounding, clipping, stretching, or a library's own way."""
        value, job = self._value, self._job
        text = shown(value)
        limits = limits_of(job.dtype)
        if job.scale == "minmax":
            return self._stretched(text)
        if limits is None:
            return text
        whole = np.floor(float(value) + 0.5)
        if whole != min(max(whole, limits[0]), limits[1]):
            return f"clip({text})" if float(value) == whole else f"clip(round({text}))"
        if whole != written:
            return f"{text} as {job.choices.like.call} makes a pixel of it"
        return text if float(value) == whole else f"round({text})"

    def _stretched(self, text: str) -> str:
        low, high, top = self._done.convolved.minimum, self._done.convolved.maximum, top_of(self._job.dtype)
        if high <= low:
            return "0, for all results are equal"
        formula = f"(r - min) / (max - min) * {top:g} = ({text} - {low:.9g}) / ({high:.9g} - {low:.9g}) * {top:g}"
        return f"round({formula})" if limits_of(self._job.dtype) else formula


def number_of(value: float) -> Any:
    """Return a number so that sums with exact fractions stay exact where it is one."""
    return int(value) if value == int(value) else Fraction(value) if Fraction(value).denominator <= 4096 else value


def shown(value: Any) -> str:
    """Write a value: whole numbers and fractions as they are.

    >>> shown(Fraction(1750, 9)), shown(2.5), shown(1020)
    ('1750/9', '2.5', '1020')
    """
    return number(value)


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


def whole_table(done: ConvolvedImage) -> Table:
    """Return the sum at every pixel of a small matrix."""
    rows, columns = done.job.size
    lines: list[tuple[Cell, ...]] = []
    for y in range(rows):
        for x in range(columns):
            parts = arithmetic(done, (y, x), 0)
            lines.append((y, x, "; ".join(total_line(part.window).removeprefix("sum = ") for part in parts)))
    return Table(
        ("row", "column", "sum"),
        tuple(lines),
        title=f"Every pixel of {short(done.image)} with {short(done.kernel_name)}",
    )
