"""The report of convolved images: one line each, printed matrices and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.engine.kernel import Bank
from dlmath.convolution.engine.pixels import limits_of
from dlmath.convolution.job import parts_of
from dlmath.language.number_text import short
from dlmath.report.blocks import Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.convolution.job import Job
    from dlmath.convolution.work import Convolved
    from dlmath.files.pictures.picture import Picture
    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block, Cell
    from dlmath.report.streams import Streams

NOTHING = np.empty((0, 0))


class ConvolvedImage(NamedTuple):
    """One image with one kernel, and what came of it."""

    image: str
    target: str | None
    job: Job
    picture: Picture
    convolved: Convolved

    @property
    def kernel_name(self) -> str:
        """The kernel's name, or what was done without one."""
        return self.job.kernel.name if self.job.kernel else "pool"

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Rows, columns and, of several, channels of the result."""
        job = self.job
        return (*job.size, job.all_channels) if job.channels or job.alpha else job.size

    def without_pixels(self) -> ConvolvedImage:
        """Return what is still to be told once the pixels are written."""
        from dataclasses import replace

        bare = self.convolved._replace(pixels=NOTHING, image=NOTHING, values=None)
        return self._replace(picture=replace(self.picture, pixels=NOTHING), convolved=bare)


def entry(done: ConvolvedImage) -> dict[str, Any]:
    """Return one object of the result's `images`."""
    job, outcome = done.job, done.convolved
    kernel = job.kernel
    fields: dict[str, Any] = {
        "input": done.image,
        "output": done.target,
        "kernel": done.kernel_name,
        "kernel_shape": kernel.numerators.shape if isinstance(kernel, Bank) else kernel.shape if kernel else None,
        "input_shape": job.header.shape,
        "output_shape": done.output_shape,
        "padding": job.padding,
        "size_formula": job.formulas(),
        "dtype": str(job.dtype),
        "method": outcome.method,
        "macs": outcome.macs,
        "min": outcome.minimum,
        "max": outcome.maximum,
        "mean": outcome.mean,
        "clipped": outcome.below + outcome.above,
        "clipped_below": outcome.below,
        "clipped_above": outcome.above,
        "seconds": outcome.seconds,
    }
    if done.target is None:
        fields["values"] = outcome.pixels
    return fields


def notes(done: ConvolvedImage) -> Iterator[str]:
    """Yield what is to be said of one result: samples that were cut, a bell that was, angles that are no pixels."""
    job, found = done.job, done.convolved
    if found.below + found.above:
        yield clipping(done)
    if job.header.has_alpha and not job.alpha:
        yield "its opacity was left away, for --channels gray is one channel"
    for part in parts_of(job.kernel):
        if "of the bell off" in part.note and (cut := float(part.note.split("cuts ")[1].split(" %")[0])) >= 1:
            yield f"{part.name}: its window cuts {cut:.3g} % of the bell off; gaussian:sigma=S takes one that does not"


def clipping(done: ConvolvedImage) -> str:
    """Return which share of the samples was cut, and what would show them.

    >>> percent(1234, 10000), percent(1, 10**7), percent(9999, 10000)
    ('12 %', '0.00001 %', '99.99 %')
    """
    job, outcome = done.job, done.convolved
    low, high = limits_of(job.dtype) or (0, 0)
    total = int(np.prod(job.size)) * max(job.channels, 1)
    cut = [f"{percent(outcome.below, total)} to {low}"] if outcome.below else []
    cut += [f"{percent(outcome.above, total)} to {high}"] if outcome.above else []
    ways = ["--scale minmax"]
    if outcome.below and job.scale == "clip":
        ways = ["--scale absolute", *ways, f"--offset {(high + 1) // 2}"]
    return f"samples were cut: {' and '.join(cut)}; {', '.join(ways)} or --scale none (.npy) show them"


def percent(part: int, total: int) -> str:
    """Return a share as people say it, never 0 or 100 where it is not."""
    share = 100 * part / total
    if share == 100:
        return "100 %"
    digits = 2 if share < 99 else 4
    text = f"{share:.{digits}g}"
    return (
        f"{float(text):.{max(0, 2 - len(str(int(share))))}f} %" if share >= 10 and digits == 2 else f"{plain(text)} %"
    )


def plain(text: str) -> str:
    """Return a number without an exponent."""
    return np.format_float_positional(float(text), trim="-")


def main_table(done: Sequence[ConvolvedImage]) -> Table:
    """Return one line an output."""
    columns = (
        *("input", "kernel", "output", "rows x columns", "type", "method", "MACs"),
        *("min", "max", "mean", "clipped", "seconds"),
    )
    keep = ("input", "kernel", "output", "rows x columns", "min", "max", "clipped", "type", "mean", "MACs", "method")
    return Table(columns, tuple(row(item) for item in done), keep=keep, scalable=("MACs",))


def row(done: ConvolvedImage) -> tuple[Cell, ...]:
    """Return one line of the table."""
    outcome = done.convolved
    size = "x".join(map(str, done.output_shape))
    facts = (outcome.minimum, outcome.maximum, outcome.mean, outcome.below + outcome.above)
    what = (short(done.image), short(done.kernel_name), done.target or "printed", size, str(done.job.dtype))
    return (*what, outcome.method, outcome.macs, *facts, round(outcome.seconds, 6))


def blocks(done: Sequence[ConvolvedImage], *, show: bool, streams: Streams) -> Iterator[Block]:
    """Yield printed matrices, pictures where they were asked for, the table, and sizes that changed."""
    for item in done:
        if item.target is None:
            yield matrix(item.convolved.pixels, f"{short(item.image)} with {short(item.kernel_name)}")
        if show:
            yield pictures(item, streams)
    yield main_table(done)
    changed = [item for item in done if item.job.size != item.job.header.shape[:2]]
    if changed:
        yield Lines(tuple(line for item in changed for line in size_lines(item)), title="Sizes")


def size_lines(done: ConvolvedImage) -> Iterator[str]:
    """Yield how a result's rows and columns come about."""
    rows, columns = done.job.formulas()
    top, bottom, left, right = done.job.padding
    padding = f", padding {top}:{bottom}:{left}:{right}" if any(done.job.padding) else ""
    yield f"{short(done.image)} with {short(done.kernel_name)}{padding}"
    yield f"  rows     {rows}"
    yield f"  columns  {columns}"


def matrix(values: Array, title: str) -> Lines:
    """Return a matrix as right-aligned numbers; channels one after another."""
    planes = values[:, :, None] if values.ndim == 2 else values
    lines: list[str] = []
    for channel in range(planes.shape[2]):
        cells = [[number(value) for value in line] for line in planes[:, :, channel].tolist()]
        width = max(len(text) for line in cells for text in line)
        lines += [f"channel {channel}"] if planes.shape[2] > 1 else []
        lines += [" ".join(text.rjust(width) for text in line) for line in cells]
    return Lines(tuple(lines), title=title)


def number(value: object) -> str:
    """Write a whole number or a fraction as it is, a float with nine digits.

    >>> number(3), number(0.1), number(2.0)
    ('3', '0.1', '2')
    """
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def pictures(done: ConvolvedImage, streams: Streams) -> Lines:
    """Return original beside result, drawn with text."""
    from dlmath.report.terminal_picture import presentable, side_by_side

    both = [presentable(np.asarray(array)) for array in (done.picture.pixels, done.convolved.pixels)]
    lines = side_by_side(both, streams.columns, color=streams.color)
    return Lines(lines, title=f"{done.image}  |  {done.kernel_name}")


def picture(done: Sequence[ConvolvedImage], ending: str) -> bytes:
    """Draw the figure of --plot: input, kernel, output."""
    from dlmath.convolution.report import plots
    from dlmath.convolution.report.kernels import weight_text
    from dlmath.report.figures import drawn
    from dlmath.report.terminal_picture import presentable

    rows = []
    for item in done:
        kernels = drawn_kernels(item)
        labels = [[[weight_text(weight) for weight in line] for line in kernel.weights] for kernel in kernels]
        before, after = (presentable(np.asarray(pixels)) for pixels in (item.picture.pixels, item.convolved.pixels))
        rows.append(plots.Row(item.kernel_name, flat(before), flat(after), [k.array() for k in kernels], labels))
    return drawn(plots.figure(rows), ending)


def drawn_kernels(done: ConvolvedImage) -> Sequence[Any]:
    """Return the rectangles of weights that a figure shows: of a bank the first output's, four at most."""
    kernel = done.job.kernel
    if isinstance(kernel, Bank):
        return [kernel.part(0, channel) for channel in range(min(kernel.inputs, 4))]
    return parts_of(kernel)


def flat(pixels: Array) -> Array:
    """Return (H, W) or (H, W, 3), as a figure draws it."""
    if pixels.ndim == 2:
        return pixels
    return pixels[:, :, 0] if pixels.shape[2] < 3 else pixels[:, :, :3]
