"""Convolution of an image, whole: what is asked, the plan, tiles through scratch, pixels out.

Deep-learning "convolution" is cross-correlation: the kernel is slid unturned,

    sum[y, x] = sum_ij kernel[i, j] * image[S y + D (i - ay), S x + D (j - ax)]

with stride S, dilation D and anchor (ay, ax); `flip` turns the kernel by 180 degrees (a true convolution). The default
anchor is (kh // 2, kw // 2), as SciPy and OpenCV have it: in the middle of odd kernels, after it in even ones.
Memory is the image, the result and scratch tiles of a bounded size, whatever the image's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dlmath.convolution.engine import naive, planner
from dlmath.convolution.engine.algorithm import TileShape
from dlmath.convolution.engine.pixels import Finish, Finisher, Tally
from dlmath.convolution.engine.request import Request, request_of, stretched
from dlmath.convolution.engine.speeds import WORTH_THREADS
from dlmath.convolution.engine.tiles import Filler, Grid, Tile, available_threads, share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, DTypeLike

    from dlmath.convolution.engine.algorithm import Prepared
    from dlmath.convolution.engine.borders import Border
    from dlmath.convolution.engine.geometry import Pad
    from dlmath.convolution.engine.kernel import ExactKernel
    from dlmath.convolution.engine.planner import Choice
    from dlmath.neural.arrays import Array


@dataclass(frozen=True, eq=False)
class Result:
    """An image convolved.

    Attributes
    ----------
    pixels : ndarray of shape (oh, ow) or (oh, ow, C)
    method : str
        The algorithm that did it.
    macs : int
        Multiply-accumulates of the definition: one a tap and output sample.
    below, above : int
        Samples whose rounded result lay beyond the pixel type and was saturated; what is no number counts below.
    minimum, maximum, mean : float or None
        Of the results before rounding and saturation, over the finite ones; None unless `statistics` was asked for.
    threads : int
    plan : Choice or None
        What the planner chose; None for the naive loops.
    """

    pixels: Array
    method: str
    macs: int
    below: int
    above: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    threads: int
    plan: Choice | None

    @property
    def clipped(self) -> int:
        """Samples that were saturated."""
        return self.below + self.above


def convolve(
    image: ArrayLike,
    kernel: ArrayLike | ExactKernel,
    *,
    border: str | Border = "replicate",
    pad: str | Pad = "same",
    stride: int = 1,
    dilation: int = 1,
    flip: bool = False,
    anchor: tuple[int, int] | None = None,
    method: str = "auto",
    threads: int | None = None,
    offset: float = 0.0,
    scale: str = "clip",
    out_dtype: DTypeLike | None = None,
    out: Array | None = None,
    statistics: bool = False,
) -> Result:
    """Slide a kernel over an image.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C), any real dtype
        Every channel is convolved on its own.
    kernel : array of shape (kh, kw), or ExactKernel
        Whole weights on whole-number images are computed exactly, whatever their size.
    border : str or Border
        `replicate`, `reflect`, `mirror`, `wrap`, `constant:V`, `valid` (no padding, whatever `pad` says).
    pad : str or Pad
        How much of the border there is: `same`, `same-upper`, `same-lower`, `valid`, `full`, a number of pixels, or
        `top:bottom:left:right`.
    stride, dilation : int
    flip : bool
        Turn the kernel by 180 degrees.
    anchor : tuple of int, optional
        The tap (row, column) that lies on the output's pixel; (kh // 2, kw // 2).
    method : str
        `auto`, or an algorithm by name.
    threads : int, optional
        At most so many; by default the processors there are, one when the work is small.
    offset : float
        Added to the sums.
    scale : str
        `clip`: rounded half up and saturated to the pixel type (floating-point types as they are); `absolute`: the
        same of |r|; `minmax`: stretched from the least and greatest result to the pixel type's 0..max (0..1 for
        floating point); `none`: floating point, float32 for images of at most 24 significant bits, else float64.
    out_dtype : dtype, optional
        Of the result; by default the image's (`none`: as above).
    out : ndarray, optional
        Where the result is written: its shape, its dtype.
    statistics : bool
        Measure minimum, maximum and mean of the results before they become pixels.

    Examples
    --------
    >>> import numpy as np
    >>> step = np.repeat(np.uint8([[0, 255]]), 2, axis=1)
    >>> convolve(step, [[-1, 0, 1]], scale="none").pixels
    array([[  0., 255., 255.,   0.]], dtype=float32)

    Notes
    -----
    A value that is not finite reaches only windows that contain it: a tile of a floating-point image that holds one
    is computed by `taps`, whatever the method, because products of bands and transforms would spread it.
    """
    request = request_of(
        image, kernel, border=border, pad=pad, stride=stride, dilation=dilation, flip=flip, anchor=anchor,
        offset=offset, scale=scale, out_dtype=out_dtype, out=out,
    )  # fmt: skip
    if method == "naive":
        sums = naive.sums(request.image, request.naive_kernel(request.plain), request.geometry)
        return carry_out_sums(request, sums, 1, statistics=statistics)
    question = request.question()
    choice = planner.choose(question, method)
    return carry_out(request, choice, lambda: planner.taps_choice(question), threads, 1, statistics=statistics)


def pixels_of(values: Array, *, scale: str = "clip", out_dtype: DTypeLike | None = None) -> Result:
    """Return numbers as pixels, as `convolve` makes them of its sums, with what is told of them.

    Parameters
    ----------
    values : ndarray of shape (H, W) or (H, W, C), any real dtype, or Python's integers (object)
    scale, out_dtype
        As of `convolve`; by default the pixels have the values' dtype.
    """
    dtype = np.dtype(values.dtype if out_dtype is None else out_dtype)
    pixels = np.empty(values.shape, dtype=dtype)
    planes = values.reshape(*values.shape[:2], -1)
    whole = values.dtype.kind in "biuO"
    kind = values.dtype if values.dtype.kind in "iufO" else np.dtype(np.int64)
    finisher = Finisher(Finish(absolute=scale == "absolute"), kind, dtype, whole=whole)
    step = max(1, PIXELS_AT_A_TIME // max(1, planes[0].size))
    if scale == "minmax":
        for top in range(0, len(planes), step):
            finisher.measure(planes[top : top + step])
        tally = finisher.tally
        stretch = stretched(finisher.finish, dtype, tally.minimum, tally.maximum)
        finisher = Finisher(stretch, kind, dtype)
        finisher.tally = replace(tally)
    for top in range(0, len(planes), step):
        part = planes[top : top + step].astype(kind)  # a copy: its scratch is overwritten
        finisher.store(part, pixels.reshape(planes.shape)[top : top + step], measure=scale != "minmax")
    return _result(pixels, "none", 0, finisher.tally, True)


PIXELS_AT_A_TIME = 1 << 20


def carry_out(
    request: Request,
    choice: Choice,
    fallback: Callable[[], Choice],
    threads: int | None,
    kernels: int,
    *,
    statistics: bool,
) -> Result:
    """Do what was chosen; `fallback` gives the way for tiles with values that are not finite."""
    count = thread_count(choice, threads, request.output.shape[2])
    minmax = request.scale == "minmax"
    tally = _run(
        [
            BandWorker(request, choice, fallback, request.finish, measure=statistics or minmax, store=not minmax)
            for _ in range(count)
        ]
    )
    if minmax:
        stretch = stretched(request.finish, request.output.dtype, tally.minimum, tally.maximum)
        stored = _run([BandWorker(request, choice, fallback, stretch, measure=False, store=True) for _ in range(count)])
        tally.below, tally.above = stored.below, stored.above
    return _result(request.pixels, choice.method, request.macs(kernels), tally, statistics, count, choice)


def thread_count(choice: Choice, allowed: int | None, channels: int) -> int:
    """Return how many threads share the tiles: as many as asked for, by default one where the work is small."""
    work = choice.cost * choice.grid.height * choice.grid.width * channels
    if allowed is None:
        allowed = available_threads() if work >= WORTH_THREADS else 1
    return max(1, min(allowed, len(choice.grid.tiles())))


def _result(
    pixels: Array,
    method: str,
    macs: int,
    tally: Tally,
    statistics: bool,  # noqa: FBT001
    threads: int = 1,
    plan: Choice | None = None,
) -> Result:
    known = statistics and tally.count > 0
    nothing = math.nan if statistics else None
    return Result(
        pixels=pixels,
        method=method,
        macs=macs,
        below=tally.below,
        above=tally.above,
        minimum=tally.minimum if known else nothing,
        maximum=tally.maximum if known else nothing,
        mean=tally.mean if known else nothing,
        threads=threads,
        plan=plan,
    )


def _run(workers: list[BandWorker]) -> Tally:
    """Let workers pass over all tiles; return what they saw."""
    share(workers[0].grid.tiles(), [worker.run for worker in workers])
    total = Tally()
    for worker in workers:
        total.join(worker.finisher.tally)
    return total


class BandWorker:
    """One thread's scratch and its way with a tile; scratch is laid out when the first tile comes.

    Parameters
    ----------
    measure, store : bool
        What the pass over the image is for: to measure the results, to store their pixels, or both.
    """

    def __init__(
        self,
        request: Request,
        choice: Choice,
        fallback: Callable[[], Choice],
        finish: Finish,
        *,
        measure: bool,
        store: bool,
    ) -> None:
        self._request, self._choice, self._fallback = request, choice, fallback
        self._measures, self._stores = measure, store
        self.grid = aligned(choice.grid, request.stride)
        finish = replace(finish, denominator=choice.denominator)
        self.finisher = Finisher(finish, choice.dtype, request.output.dtype, whole=choice.whole)
        rows, columns = request.weights.shape
        self._filler = Filler(request.image, request.border, request.before)
        self._shape = TileShape(self.grid.rows, self.grid.columns, request.image.shape[2], rows, columns)
        # products of bands and transforms would spread a value that is not finite over the whole tile
        self._checked = choice.method != "taps" and request.image.dtype.kind == "f"

    def run(self, tiles: Iterator[Tile]) -> None:
        """Take tiles until none is left."""
        prepared = None
        with np.errstate(over="ignore", invalid="ignore"):  # of this thread: an overflow is infinity
            for tile in tiles:
                prepared = prepared or self._choice.prepare(self._shape)
                self._filler.fill(prepared.source, tile)
                sums, line = self._sums(prepared, tile)
                # a stride leaves rows out, which a pass over the whole line would take along
                self._store(sums, tile, line if self._request.stride == 1 else None)
        if prepared is not None:
            prepared.release()

    def _target(self, tile: Tile) -> Array:
        """Return the pixels of the result that a tile is for."""
        step, grid = self._request.stride, self.grid
        rows, columns = min(grid.rows, grid.height - tile.row), min(grid.columns, grid.width - tile.column)
        row, column = tile.row // step, tile.column // step
        return self._request.output[row : row + -(-rows // step), column : column + -(-columns // step)]

    def _sums(self, prepared: Prepared, tile: Tile) -> tuple[Array, Array | None]:
        """Return the tile's sums, and the memory they are a view of where all of it may be passed over."""
        if self._checked and not math.isfinite(float(np.add.reduce(prepared.source, axis=None))):
            return self._sums_apart(tile), None
        sums, line = prepared.run(), prepared.line
        if self._choice.snap:
            np.rint(sums if line is None else line, out=sums if line is None else line)
        return sums, line

    def _sums_apart(self, tile: Tile) -> Array:
        """Return the sums of a tile with values that are not finite, tap by tap."""
        fallback = self._fallback()
        prepared = fallback.prepare(self._shape)
        self._filler.fill(prepared.source, tile)
        sums = prepared.run()
        same = fallback.denominator == self._choice.denominator
        return sums if same else np.divide(sums, sums.dtype.type(fallback.denominator))

    def _store(self, sums: Array, tile: Tile, line: Array | None) -> None:
        """Turn the tile's sums that are asked for into pixels."""
        step, grid = self._request.stride, self.grid
        rows, columns = min(grid.rows, grid.height - tile.row), min(grid.columns, grid.width - tile.column)
        channels = self._shape.channels
        asked = sums.reshape(len(sums), -1, channels)[:rows:step, :columns:step]
        if not self._stores:
            self.finisher.measure(asked)
            return
        self.finisher.store(asked, self._target(tile), line, measure=self._measures)


def aligned(grid: Grid, stride: int) -> Grid:
    """Return the grid with tiles that begin on pixels the stride picks."""
    rows, columns = (-(-size // stride) * stride for size in (grid.rows, grid.columns))
    # one tile of all rows (or columns) begins on a pixel that is picked, however long it is
    return Grid(grid.height, grid.width, min(rows, grid.height), min(columns, grid.width))


def carry_out_sums(request: Request, sums: Array, kernels: int, *, statistics: bool) -> Result:
    """Turn the sums of the naive loops into pixels."""
    whole = sums.dtype == object
    finish = request.finish
    if not whole and not request.exact:
        finish = replace(finish, denominator=1)
    finisher = Finisher(finish, sums.dtype, request.output.dtype, whole=whole)
    if request.scale == "minmax":
        finisher.measure(sums)
        seen = finisher.tally
        finisher = Finisher(
            stretched(finish, request.output.dtype, seen.minimum, seen.maximum), sums.dtype, request.output.dtype
        )
        finisher.store(sums, request.output)
        seen.below, seen.above = finisher.tally.below, finisher.tally.above
        return _result(request.pixels, "naive", request.macs(kernels), seen, statistics)
    finisher.store(sums, request.output, measure=statistics)
    return _result(request.pixels, "naive", request.macs(kernels), finisher.tally, statistics)
