"""One activation with all that is shown of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from dlmath.activations.engine.curves import At, Means, Unit
    from dlmath.neural.activations import Activation


class Shown(NamedTuple):
    """One activation function.

    Attributes
    ----------
    phi : Activation
    means : Means
    at : tuple of At
    units : tuple of Unit
        One a bias, where --weight or --bias was given.
    """

    phi: Activation
    means: Means
    at: tuple[At, ...]
    units: tuple[Unit, ...]


def as_json(shown: Shown) -> dict[str, Any]:
    """Return one object of the result's `activations`."""
    phi = shown.phi
    return {
        "name": phi.name,
        "equation": phi.equation,
        "derivative": phi.derivative,
        "source": phi.source,
        "range": phi.range,
        "max_slope": phi.max_slope,
        "mean": shown.means.mean,
        "second_moment": shown.means.square,
        "slope_moment": shown.means.slope_square,
        "kinks": phi.kinks,
        "aliases": phi.aliases,
        "at": [place._asdict() for place in shown.at],
        "units": [{**unit._asdict(), "at": [place._asdict() for place in unit.at]} for unit in shown.units],
    }
