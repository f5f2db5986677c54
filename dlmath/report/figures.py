"""Figures for slides, drawn with matplotlib (the optional extra `plot`)."""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dlmath.errors import MissingExtraError

if TYPE_CHECKING:
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
