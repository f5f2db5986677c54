"""Strips of the image through scratch: cut, filled with halo and border in one copy, shared out to threads.

The grid of tiles follows from the image and the algorithm alone, never from the number of threads: every pixel is
computed by the same steps however many cores there are.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from dlmath.convolution.engine.borders import stretches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import ThreadPoolExecutor

    from dlmath.convolution.engine.borders import Border
    from dlmath.neural.arrays import Array

ROW_COST = 600
"""What beginning another row costs when a tile is filled and stored, in elements."""


@dataclass(frozen=True)
class Tile:
    """Output pixels [row, row + rows) x [column, column + columns) at stride 1; the last ones may reach beyond."""

    row: int
    column: int


@dataclass(frozen=True)
class Grid:
    """Tiles of one shape over an output of `height` x `width` pixels at stride 1."""

    height: int
    width: int
    rows: int
    columns: int

    def tiles(self) -> list[Tile]:
        """Return the tiles, row by row."""
        return [Tile(y, x) for y in range(0, self.height, self.rows) for x in range(0, self.width, self.columns)]


def available_threads() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def even_parts(size: int, part: int) -> int:
    """Return the length of equal parts, the last one the rest, of which none is longer than `part`.

    >>> even_parts(3000, 131)
    131
    >>> even_parts(100, 99)
    50
    """
    count = -(-size // max(1, part))
    return -(-size // count)


def strip_grid(height: int, width: int, channels: int, kernel: tuple[int, int], elements: int) -> Grid:
    """Return the grid of strips that copies least halo, tiles of at most about `elements`.

    Full rows are best for flat kernels; under tall ones narrower tiles share the halo's rows among more outputs.
    """
    best: tuple[float, Grid] | None = None
    for parts in range(1, 1 + max(1, width * channels // 1024)):
        columns = -(-width // parts)
        rows = min(height, max(1, elements // ((columns + kernel[1] - 1) * channels)))
        row_cost = (columns + kernel[1] - 1) * channels + ROW_COST
        cost = (rows + kernel[0] - 1) * row_cost / (rows * columns)
        if best is None or cost < best[0]:
            best = cost, Grid(height, width, even_parts(height, rows), columns)
    assert best is not None  # at least one part
    return best[1]


class Filler:
    """Copies the input under a tile into its padded scratch: cast, halo and border in one go.

    Parameters
    ----------
    image : ndarray of shape (H, W, C)
    border : Border
    before : tuple of int
        Rows and columns of padding before the image: the first window begins there.
    """

    def __init__(self, image: Array, border: Border, before: tuple[int, int]) -> None:
        self._image = image
        self._border = border
        self._before = before
        self._columns: dict[int, list[Columns]] = {}

    def fill(self, source: Array, tile: Tile) -> None:
        """Fill scratch of shape (rows + halo, (columns + halo) * C) with the input under a tile."""
        channels = self._image.shape[2]
        height, elements = source.shape
        padded = source.reshape(height, elements // channels, channels)
        first = tile.row - self._before[0]
        across = self._columns.get(tile.column) or self._across(tile.column, elements // channels)
        if 0 <= first <= self._image.shape[0] - height:  # most tiles: no border above or below
            fill_columns(padded, self._image[first : first + height], across)
            return
        for down in stretches(first, first + height, self._image.shape[0], self._border):
            strip = padded[down.positions()]
            if down.source is None:
                strip[...] = self._border.value
            else:
                fill_columns(strip, self._image[down.places()], across)

    def _across(self, column: int, length: int) -> list[Columns]:
        first = column - self._before[1]
        found = stretches(first, first + length, self._image.shape[1], self._border)
        self._columns[column] = [
            (stretch.positions(), None if stretch.source is None else stretch.places(), self._border.value)
            for stretch in found
        ]
        return self._columns[column]


Columns = tuple[slice, slice | None, float]
"""Columns of scratch, and those of the image they come from or else the constant that fills them."""


def fill_columns(strip: Array, rows: Array, across: list[Columns]) -> None:
    """Copy rows of the image into a strip of scratch, cast, with what lies beyond their ends."""
    for positions, places, value in across:
        strip[:, positions] = value if places is None else rows[:, places]


def share(tiles: Iterable[Tile], workers: list[Callable[[Iterator[Tile]], None]]) -> None:
    """Let every worker take the next tile when it is free; the calling thread is the first worker.

    An error in any of them is raised here, after the others have finished their tile.
    """
    queue = iter(list(tiles))  # a list's iterator hands out each item once, whichever thread asks
    if len(workers) == 1:
        workers[0](queue)
        return
    from concurrent.futures import wait  # small images need no threads, and the import is dear

    others = [helpers().submit(worker, queue) for worker in workers[1:]]
    try:
        workers[0](queue)
    finally:
        for _ in queue:  # nothing is left for the others after an error
            pass
        started = [other for other in others if not other.cancel()]  # one that has not begun is not waited for
        wait(started)
    for other in started:
        other.result()


@lru_cache(maxsize=1)
def helpers() -> ThreadPoolExecutor:
    """Return the threads that help, which are kept from call to call.

    A new thread is placed behind everything that waits for a processor; one that slept is let in sooner.
    """
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(max(32, available_threads()), thread_name_prefix="convolution")


if hasattr(os, "register_at_fork"):  # threads do not survive a fork
    os.register_at_fork(after_in_child=helpers.cache_clear)
