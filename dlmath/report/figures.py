"""Figures for slides, drawn with matplotlib (the optional extra `plot`)."""

from __future__ import annotations

import io
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from dlmath.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

DOTS_PER_INCH = 150


def require_matplotlib() -> None:
    """Find out, without importing it, whether matplotlib is there.

    Raises
    ------
    MissingExtraError
        With the command that installs it.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtraError("--plot needs matplotlib, which is not installed", "pip install 'dlmath[plot]'")


DARK: dict[Any, Any] = {
    "figure.facecolor": "#16181d",
    "axes.facecolor": "#16181d",
    "savefig.facecolor": "#16181d",
    "legend.facecolor": "#16181d",
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), "#e8e8e8"),
    "grid.color": "#555a66",
    "patch.edgecolor": "#e8e8e8",
    "lines.color": "#e8e8e8",
}


@contextmanager
def background(*, dark: bool) -> Iterator[None]:
    """Let figures be drawn on a dark ground, or as they are."""
    import matplotlib as mpl

    with mpl.rc_context(DARK if dark else {}):
        yield


def ink() -> str:
    """Return the colour of text and lines on the ground that figures are drawn on."""
    import matplotlib as mpl

    return str(mpl.rcParams["text.color"])


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure (inches), without the global state of pyplot."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")


def drawn(figure: Figure, ending: str) -> bytes:
    """Return a figure as a file of the format `ending`; the same figure gives the same bytes."""
    import matplotlib as mpl

    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(ending, {})
    file = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "dlmath", "svg.fonttype": "none"}):
        figure.savefig(file, format=ending, metadata=undated)
    return file.getvalue()
