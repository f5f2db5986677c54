"""What the panels of train-gate's figure share: palette, sizes of letters, titles."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, RED, INK = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#1a1a1a"
"""Okabe and Ito's palette (2008), which every kind of colour vision tells apart."""

TEXT, TITLE, HEADLINE = 11, 12.5, 15
"""Sizes of letters in points: legible from the back of a lecture hall when the figure fills a slide."""


def tidy(axes: Axes) -> None:
    """Leave only the ink that says something."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=TEXT, colors=INK)
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set_fontsize(TEXT + 0.5)


def name(axes: Axes, title: str, x: str, y: str) -> None:
    """Write what a panel shows, and on which axes."""
    axes.set_title(title, fontsize=TITLE, loc="left", color=INK)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def even(ends: tuple[float, float], count: int) -> list[float]:
    """Return `count` numbers from one end to the other, both of them exactly."""
    shares = [index / max(count - 1, 1) for index in range(count)]
    return [ends[0] * (1 - share) + ends[1] * share for share in shares]
