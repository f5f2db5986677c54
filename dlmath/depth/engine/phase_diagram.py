"""Order and chaos over (sigma_w, sigma_b): chi_1 on a whole grid at once, from one table of means over q."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.depth.engine.critical import CriticalPoint, critical_line, runaway_sigma_w
from dlmath.errors import InvalidValueError
from dlmath.neural.activations import get_activation
from dlmath.neural.quadrature import moments

if TYPE_CHECKING:
    from dlmath.neural.activations import Activation
    from dlmath.neural.arrays import Array

LOWEST, HIGHEST, PLACES = 1e-12, 1e9, 420
"""The table: q from lowest to highest in steps of a factor 1.12; fixed points beyond are 0 or infinite."""
POINTS = 12
BISECTIONS = 45


class PhaseDiagram(NamedTuple):
    """chi_1 over a grid: below 1 order (gradients vanish), above 1 chaos (they explode).

    Attributes
    ----------
    activation : str
    sigma_w, sigma_b : tuple of float
        Columns and rows of the grid.
    chi_1 : tuple of tuples of float
        One row a sigma_b; within 1e-5, being interpolated.
    q_star : tuple of tuples of float
        0 and inf where lengths die out and grow without end.
    line : tuple of CriticalPoint
        The critical line inside the grid, from frame to frame.
    runaway : tuple of (float, float)
        (sigma_w, sigma_b) where q* becomes infinite and chi_1 jumps from below 1 past it, rows of the grid.
    """

    activation: str
    sigma_w: tuple[float, ...]
    sigma_b: tuple[float, ...]
    chi_1: tuple[tuple[float, ...], ...]
    q_star: tuple[tuple[float, ...], ...]
    line: tuple[CriticalPoint, ...]
    runaway: tuple[tuple[float, float], ...] = ()


class _Table(NamedTuple):
    """ln E phi^2 and E phi'^2 at equally spaced ln q."""

    log_q: Array
    log_square: Array
    slope_square: Array

    @classmethod
    def of(cls, phi: Activation) -> _Table:
        places = np.geomspace(LOWEST, HIGHEST, PLACES)
        means = [moments(phi, q, POINTS) for q in places.tolist()]
        squares = np.log([mean.square for mean in means])
        return cls(np.log(places), squares, np.array([mean.slope_square for mean in means]))

    def at(self, values: Array, log_q: Array) -> Array:
        """Interpolate by the cubic through the four nearest places."""
        step = self.log_q[1] - self.log_q[0]
        position = (log_q - self.log_q[0]) / step
        first = np.clip(np.floor(position).astype(int) - 1, 0, PLACES - 4)
        t = position - first
        one, two, three = t - 1, t - 2, t - 3
        return np.asarray(
            -values[first] * one * two * three / 6
            + values[first + 1] * t * two * three / 2
            - values[first + 2] * t * one * three / 2
            + values[first + 3] * t * one * two / 6
        )


def phase_diagram(
    activation: str,
    sigma_w: tuple[float, float] = (0.5, 4.0),
    sigma_b: tuple[float, float] = (0.0, 2.0),
    shape: tuple[int, int] = (20, 60),
) -> PhaseDiagram:
    """Return chi_1 at the fixed point, over `shape` = (rows of sigma_b, columns of sigma_w) between the ends given.

    Examples
    --------
    >>> found = phase_diagram("relu", (1.0, 2.0), (0.0, 1.0), (2, 3))
    >>> [round(chi, 6) for chi in found.chi_1[0]]
    [0.5, 1.125, 2.0]
    """
    for what, (low, high) in (("weight-std", sigma_w), ("bias-std", sigma_b)):
        if not 0 <= low < high < math.inf:
            raise InvalidValueError(f"{what} from {low:g} to {high:g} is no range", "give 0 <= low < high")
    columns, rows = np.linspace(*sigma_w, shape[1]), np.linspace(*sigma_b, shape[0])
    table = _Table.of(get_activation(activation))
    gain, noise = (grid.ravel() ** 2 for grid in np.meshgrid(columns, rows))
    log_q = _fixed_points(table, gain, noise)
    inside = table.at(table.slope_square, np.clip(log_q, table.log_q[0], table.log_q[-1]))
    chi = (gain * np.where(log_q == np.inf, _slope_square_far_out(activation), inside)).reshape(shape)
    with np.errstate(over="ignore"):  # ln q* = inf
        q_star = np.exp(log_q).reshape(shape)
    line = within_frame(critical_line(activation, largest_sigma_b=2 * sigma_b[1]), sigma_w, sigma_b)
    runaway = tuple(
        (border, noise)
        for noise in _tuple(rows)
        if (border := runaway_sigma_w(get_activation(activation), noise)) is not None
        and sigma_w[0] <= border <= sigma_w[1]
    )
    return PhaseDiagram(activation, _tuple(columns), _tuple(rows), _grid(chi), _grid(q_star), line, runaway)


def within_frame(
    line: tuple[CriticalPoint, ...], sigma_w: tuple[float, float], sigma_b: tuple[float, float]
) -> tuple[CriticalPoint, ...]:
    """Return the part of the line inside the frame, with the points where it crosses the frame.

    Examples
    --------
    >>> line = CriticalPoint(1.0, 0.0, 0.0), CriticalPoint(2.0, 1.0, 4.0)
    >>> [(point.sigma_w, point.sigma_b) for point in within_frame(line, (0.5, 4.0), (0.0, 0.5))]
    [(1.0, 0.0), (1.5, 0.5)]
    """
    points: list[CriticalPoint] = []
    for before, after in pairwise(line):
        shares = _shares_inside(before, after, sigma_w, sigma_b)
        for share in shares:
            point = _between(before, after, share)
            if not points or point[:2] != points[-1][:2]:
                points.append(point)
    return tuple(points)


def _shares_inside(
    before: CriticalPoint, after: CriticalPoint, sigma_w: tuple[float, float], sigma_b: tuple[float, float]
) -> tuple[float, ...]:
    """Return the first and the last share of a segment that is inside the frame (Liang & Barsky 1984)."""
    first, last = 0.0, 1.0
    steps = (after.sigma_w - before.sigma_w, after.sigma_b - before.sigma_b)
    for start, step, (low, high) in zip(before[:2], steps, (sigma_w, sigma_b), strict=True):
        for sign, border in ((1, low), (-1, high)):
            room, pace = sign * (start - border), sign * step  # inside while room + share * pace >= 0
            if pace == 0:
                first = math.inf if room < 0 else first
            elif pace > 0:
                first = max(first, -room / pace)
            else:
                last = min(last, -room / pace)
    return (first, last) if first <= last else ()


def _between(before: CriticalPoint, after: CriticalPoint, share: float) -> CriticalPoint:
    """Return the point at a share of a segment."""
    if share in {0.0, 1.0}:
        return after if share else before
    gain, noise, q = (low + share * (high - low) for low, high in zip(before[:3], after[:3], strict=True))
    return CriticalPoint(gain, noise, q, after.stable, after.note)


WIDEST_FRAME = 60.0


def default_frame(activation: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ranges of sigma_w and sigma_b that are drawn unless told otherwise: those with the critical line in.

    Examples
    --------
    >>> default_frame("tanh"), default_frame("sigmoid")[0][1] > 4
    (((0.5, 4.0), (0.0, 2.0)), True)
    """
    low, high = 0.5, 4.0
    gains = [
        point.sigma_w for point in critical_line(activation) if point.sigma_b <= 1 and point.sigma_w < WIDEST_FRAME
    ]
    if gains and min(gains) > high / 2:
        high = float(math.ceil(1.5 * min(gains)))
    return (low, high), (0.0, 2.0)


def _slope_square_far_out(activation: str) -> float:
    left, right = get_activation(activation).limit_slopes(1e30)
    return (left * left + right * right) / 2


def _tuple(values: Array) -> tuple[float, ...]:
    return tuple(values.tolist())


def _grid(values: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(_tuple(row) for row in values)


def _fixed_points(table: _Table, gain: Array, noise: Array) -> Array:
    """Return ln q* of every cell, walking from q = 1 the way the map goes; -inf and inf where there is none."""
    start = int(np.argmin(np.abs(table.log_q)))
    with np.errstate(divide="ignore"):  # sigma_w = sigma_b = 0: ln 0
        grows = np.log(gain[:, None] * np.exp(table.log_square) + noise[:, None]) > table.log_q
    up = grows[:, start]
    above, below = ~grows[:, start:], grows[:, : start + 1]
    first_above = start + above.argmax(axis=1)
    last_below = start - below[:, ::-1].argmax(axis=1)
    settles = np.where(up, above.any(axis=1), below.any(axis=1))
    high = np.where(up, first_above, np.minimum(last_below + 1, start))
    low = table.log_q[np.maximum(high - 1, 0)]
    return np.where(settles, _bisect(table, gain, noise, low, table.log_q[high]), np.where(up, np.inf, -np.inf))


def _bisect(table: _Table, gain: Array, noise: Array, low: Array, high: Array) -> Array:
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        grows = gain * np.exp(table.at(table.log_square, middle)) + noise > np.exp(middle)
        low, high = np.where(grows, middle, low), np.where(grows, high, middle)
    return np.asarray((low + high) / 2)
