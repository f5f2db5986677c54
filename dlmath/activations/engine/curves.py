"""What an activation is and does: its means under a normal variable, its values, and the unit phi(W x + b)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.neural.quadrature import moments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.neural.activations import Activation
    from dlmath.neural.arrays import Array

POINTS = 401
ROUNDING = 1e-15
"""Means below this are 0, as those of odd functions are: it is the quadrature's rounding."""
EDGE = 1e-9
"""On both sides of a kink a curve has a point this near, relatively to its range, so that jumps are drawn as such."""


class At(NamedTuple):
    """Value and slope at one place."""

    x: float
    value: float
    slope: float


class Unit(NamedTuple):
    """One unit phi(W x + b).

    Attributes
    ----------
    weight, bias : float
    shift : float or None
        -b / W, where the curve has what phi has at 0; None for W = 0.
    at : tuple of At
        Slopes by x: W phi'(W x + b).
    """

    weight: float
    bias: float
    shift: float | None
    at: tuple[At, ...]


class Means(NamedTuple):
    """E phi(z), E phi(z)^2 and E phi'(z)^2 for z ~ N(0, 1): what mean-field theory asks of an activation."""

    mean: float
    square: float
    slope_square: float


def means(activation: Activation) -> Means:
    """Return the means under a standard normal variable.

    Examples
    --------
    >>> from dlmath.neural.activations import get_activation
    >>> means(get_activation("relu")).square, round(means(get_activation("tanh")).slope_square, 10)
    (0.5, 0.4644029024)
    """
    over_normal = moments(activation, 1.0)
    mean = over_normal.mean if abs(over_normal.mean) > ROUNDING else 0.0
    return Means(mean, over_normal.square, over_normal.slope_square)


def at_places(
    activation: Activation, places: Sequence[float], weight: float = 1.0, bias: float = 0.0
) -> tuple[At, ...]:
    """Return value and slope of phi(W x + b) at some x.

    Examples
    --------
    >>> from dlmath.neural.activations import get_activation
    >>> at_places(get_activation("sigmoid"), [0.0])
    (At(x=0.0, value=0.5, slope=0.25),)
    """
    value, slope = values(activation, np.array(places, np.float64), weight, bias)
    return tuple(At(*row) for row in zip(places, value.tolist(), slope.tolist(), strict=True))


def values(activation: Activation, x: Array, weight: float = 1.0, bias: float = 0.0) -> tuple[Array, Array]:
    """Return phi(W x + b) and its slope by x, W phi'(W x + b), for x of any shape, float64."""
    with np.errstate(over="ignore"):  # a weighted sum beyond 1e308 is infinite, and phi has a limit there
        z = weight * x + bias
    return activation.value(z), np.asarray(weight * activation.slope(z))


def unit(activation: Activation, weight: float, bias: float, places: Sequence[float]) -> Unit:
    """Return one unit phi(W x + b) at some x."""
    return Unit(weight, bias, -bias / weight + 0.0 if weight else None, at_places(activation, places, weight, bias))


def samples(activation: Activation, low: float, high: float, weight: float = 1.0, bias: float = 0.0) -> Array:
    """Return x from `low` to `high` at which to draw phi(W x + b): evenly apart, and on both sides of every kink."""
    x = np.linspace(low, high, POINTS)
    if not weight:
        return x
    kinks = (np.array(activation.kinks, np.float64) - bias) / weight
    near = EDGE * (high - low)
    more = np.concatenate([kinks - near, kinks + near])
    return np.sort(np.concatenate([x, more[(low < more) & (more < high)]]))
