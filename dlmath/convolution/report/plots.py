"""The figure of `dlmath convolve --plot`: input, kernel and output side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlmath.report.figures import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Array = NDArray[Any]

PANEL = 4.2
WRITTEN_KERNEL = 7
"""Kernels up to this size have their numbers written on them."""


@dataclass(frozen=True)
class Row:
    """One row of the figure.

    Parameters
    ----------
    name : str
        The kernel's name.
    before, after : ndarray of uint8, (H, W) or (H, W, 3)
    kernels : sequence of ndarray of float64 (kh, kw)
        One, or the parts of a gradient magnitude.
    labels : sequence of sequences of rows of str
        What is written in each cell of a small kernel.
    """

    name: str
    before: Array
    after: Array
    kernels: Sequence[Array]
    labels: Sequence[Sequence[Sequence[str]]]


def figure(rows: Sequence[Row]) -> Figure:
    """Draw one row of panels for each kernel."""
    parts = max(len(row.kernels) for row in rows)
    drawn = new_figure(PANEL * (2 + 0.75 * parts), PANEL * 0.9 * len(rows))
    ratios = [1.0, *[0.75] * parts, 1.0]
    grid = drawn.add_gridspec(len(rows), parts + 2, width_ratios=ratios)
    for index, row in enumerate(rows):
        picture(drawn.add_subplot(grid[index, 0]), row.before, "input")
        for part, (kernel, labels) in enumerate(zip(row.kernels, row.labels, strict=True)):
            axes, title = drawn.add_subplot(grid[index, 1 + part]), row.name if part == 0 else ""
            kernel_panel(axes, kernel, labels, title, reach=max(float(abs(part).max()) for part in row.kernels))
        picture(drawn.add_subplot(grid[index, parts + 1]), row.after, "output")
    return drawn


def picture(axes: Axes, pixels: Array, title: str) -> None:
    """Draw an image without axes."""
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    axes.set_title(title, fontsize=13)
    axes.set_axis_off()


def kernel_panel(axes: Axes, kernel: Array, labels: Sequence[Sequence[str]], title: str, *, reach: float) -> None:
    """Draw a kernel's weights: blue below zero, white at zero, orange above, full at the row's largest."""
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("weights", ["#0072b2", "white", "#e69f00"])
    axes.imshow(kernel, cmap=colors, vmin=-(reach or 1.0), vmax=reach or 1.0)
    axes.set_title(title, fontsize=13, fontweight="bold")
    axes.set_xticks([])
    axes.set_yticks([])
    if max(kernel.shape) <= WRITTEN_KERNEL:
        for y, row in enumerate(labels):
            for x, text in enumerate(row):
                axes.text(x, y, text, ha="center", va="center", fontsize=13 if max(kernel.shape) <= 3 else 9)
