"""Which way a network is measured, and whether it fits into the machine."""

from __future__ import annotations

import math
import os
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.depth.engine.law import SLAB
from dlmath.depth.engine.matrices import BLOCK
from dlmath.errors import InvalidValueError, TooLargeError
from dlmath.neural.initialisers import CONSTANT, GAUSSIAN, ORTHOGONAL, UNIFORM

if TYPE_CHECKING:
    from dlmath.depth.engine.settings import DepthSettings

SLAB_ARRAYS = 12
SIGNALS = 14.0
"""Arrays of activations, gates and slopes a layer or step keeps, at most."""
KEEP = 0.25
"""All matrices of a network are kept if they take less than this share of the memory; else they are drawn twice."""
MOST_NUMBERS = 1e12
"""Weights of all networks together: drawn in about half an hour."""
CHEAP = 1 << 25
"""Bytes of uniform matrices that are kept: to draw more of them again takes less time than to get the memory."""


class MeasurementPlan(NamedTuple):
    """How the measurement is done.

    Attributes
    ----------
    method : str
        "law" or "explicit".
    rows : int
        Networks drawn side by side (law).
    kept_layers : int
        Matrices held at once (explicit): all, 1, or 0: a block of rows at a time.
    memory : float
        Bytes, about.
    reason : str
        Why this method.
    """

    method: str
    rows: int
    kept_layers: int
    memory: float
    reason: str


def no_law(settings: DepthSettings) -> str | None:
    """Return why the exact law cannot be used, or None.

    Examples
    --------
    >>> from dlmath.depth.engine.settings import DepthSettings
    >>> no_law(DepthSettings(init="he")), no_law(DepthSettings(init="he", batch=2))
    (None, 'it follows one input, not a batch of 2')
    """
    if settings.cell != "none":
        return "it draws new weights for every layer, and a recurrent network has the same at every step"
    if settings.widths is not None:
        return "it is of layers of one width"
    if settings.normalize == "batch":
        return "batch normalization couples the inputs of a batch"
    if settings.batch > 1:
        return f"it follows one input, not a batch of {settings.batch}"
    weights = settings.weights
    if weights.family not in {GAUSSIAN, ORTHOGONAL} or weights.sigma == 0:
        return f"it holds for Gaussian and orthogonal weights of mean 0, not for {settings.init}"
    if weights.unit_variance and settings.residual != "none":
        return "it does not follow lsuv through residual connections"
    return None


def plan(settings: DepthSettings, memory: float | None = None) -> MeasurementPlan:
    """Choose the method, from the settings and the machine's memory in bytes alone.

    Raises
    ------
    InvalidValueError
        When `law` is asked for and does not hold.
    TooLargeError
        When the work does not fit into memory, before anything is allocated.
    """
    available = physical_memory() if memory is None else memory
    obstacle = no_law(settings)
    if settings.method == "law" and obstacle:
        raise InvalidValueError(f"method 'law' does not apply: {obstacle}", "use --method explicit, or auto")
    if settings.method != "explicit" and obstacle is None:
        chosen = _law_plan(settings)
    else:
        why = f"the exact law does not apply, {obstacle}" if obstacle else "as asked for"
        chosen = _explicit_plan(settings, available, why)
    _check_size(settings, chosen, available)
    return chosen


def _check_size(settings: DepthSettings, chosen: MeasurementPlan, available: float) -> None:
    """Refuse what does not fit into memory, or would draw numbers for hours."""
    size = f"depth {settings.depth} x width {settings.width}"
    weights = float(count_weights(settings))
    if chosen.method == "explicit" and weights * settings.seeds > MOST_NUMBERS:
        raise TooLargeError(
            f"{size}: the weights of one network would fill {_gigabytes(weights * np.dtype(settings.dtype).itemsize)}, "
            "and to draw them would take hours",
            "use method law (Gaussian weights, one input), or less depth, width or seeds",
        )
    check_memory(
        f"{size} by method {chosen.method}",
        chosen.memory,
        available,
        "use method law (Gaussian weights, one input), or less depth, width or batch",
    )


def check_memory(what: str, needed: float, available: float, mend: str) -> None:
    """Raise TooLargeError where `needed` bytes exceed those available."""
    if needed > available:
        figures = f"{_gigabytes(needed)} of memory; this machine has {_gigabytes(available)}"
        raise TooLargeError(f"{what} needs about {figures}", mend)


def _law_plan(settings: DepthSettings) -> MeasurementPlan:
    rows = max(1, min(settings.seeds, SLAB // settings.width))
    memory = SLAB_ARRAYS * 4.0 * max(SLAB, 2 * rows * settings.width) + 200.0 * settings.depth * rows
    if settings.residual != "none":
        memory += 3 * 4.0 * settings.depth * rows * settings.width
    return MeasurementPlan("law", rows, 0, memory, "the exact law of these networks, without their matrices")


def _explicit_plan(settings: DepthSettings, available: float, why: str) -> MeasurementPlan:
    """Keep all matrices where they fit, else one; activations of all layers are kept in any case."""
    bytes_each = np.dtype(settings.dtype).itemsize
    matrix = float(settings.width) ** 2 * bytes_each
    if settings.cell != "none" or settings.widths is not None:  # all that there is is kept
        signals = SIGNALS * settings.batch * float(sum(settings.sizes)) * bytes_each
        return MeasurementPlan("explicit", 1, 1 if settings.widths is None else settings.depth,
                    2 * count_weights(settings) * bytes_each + signals, why)  # fmt: skip
    signals = (4.0 * settings.depth + 8) * settings.batch * settings.width * bytes_each
    if settings.weights.family == ORTHOGONAL:
        signals += 4 * matrix  # the work of QR
    limit = CHEAP if settings.weights.family == UNIFORM else KEEP * available
    if settings.depth * matrix + signals <= limit:
        kept = settings.depth
    else:
        kept = 1 if settings.weights.family in {ORTHOGONAL, CONSTANT} else 0
    return MeasurementPlan("explicit", 1, kept, kept * matrix + signals + BLOCK * bytes_each, why)


def count_weights(settings: DepthSettings) -> int:
    """Return the number of weights of one network."""
    if settings.cell != "none":
        return (4 if settings.cell == "lstm" else 1) * settings.width**2
    return sum(fan_in * fan_out for fan_in, fan_out in pairwise(settings.sizes))


def physical_memory() -> float:
    """Return the bytes of memory this machine has; infinite where the system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * float(os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return math.inf


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.3g} GB" if size < 1e12 else f"{size / 1e12:,.3g} TB"
