"""Loss functions as data: equation, derivative, source, and the factor that backpropagation starts from.

Arrays are laid out (rows, outputs, lanes): one lane is one network of the ensemble.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.errors import InvalidValueError, unknown
from dlmath.neural.later import np

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array


class Loss(NamedTuple):
    """One loss L(outputs, targets).

    Attributes
    ----------
    name, equation, derivative, source : str
        What the user types, the formulas, and who published it.
    value : callable (signals, targets) -> ndarray (lanes,)
        `signals` (rows, outputs, lanes) are the outputs a, or with `from_logits` the weighted sums z of the
        output layer; `targets` broadcast against them.
    slope : callable (outputs, targets) -> ndarray
        dL/da without the constant `scale`.
    scale : callable (rows, outputs) -> float
        The constant factor of dL/da.
    from_logits : bool
        The loss is computed from z, where it is exact even for saturated outputs, and its delta dL/dz is
        scale * (a - y): the slope of the (sigmoid) output cancels.
    """

    name: str
    equation: str
    derivative: str
    source: str
    value: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    scale: Callable[[int, int], float]
    from_logits: bool = False


def _sum_of_squares(outputs: Array, targets: Array) -> Array:
    error = outputs - targets
    return np.asarray(np.sum(error * error, axis=(0, 1)))


def _mean_squared_error(outputs: Array, targets: Array) -> Array:
    return np.asarray(_sum_of_squares(outputs, targets) / (outputs.shape[0] * outputs.shape[1]))


def _half_sum_of_squares(outputs: Array, targets: Array) -> Array:
    return _sum_of_squares(outputs, targets) / 2


def _binary_cross_entropy(logits: Array, targets: Array) -> Array:
    """softplus(z) - y z, written so that no term is large when the answer is small."""
    hinge = np.maximum(logits, 0) - targets * logits
    return np.asarray(np.mean(hinge + np.log1p(np.exp(-np.abs(logits))), axis=(0, 1)))


def _difference(outputs: Array, targets: Array) -> Array:
    return np.asarray(outputs - targets)


def _difference_over_variance(outputs: Array, targets: Array) -> Array:
    return np.asarray((outputs - targets) / (outputs * (1 - outputs)))


_ENTRIES = (
    Loss(
        "mse", "L = 1/(R K) sum (a - y)^2", "dL/da = 2 (a - y) / (R K)", "Legendre 1805; Gauss 1809",
        _mean_squared_error, _difference, lambda rows, outputs: 2 / (rows * outputs),
    ),
    Loss(
        "half-sse", "L = 1/2 sum (a - y)^2", "dL/da = a - y", "Rumelhart, Hinton & Williams 1986",
        _half_sum_of_squares, _difference, lambda _rows, _outputs: 1.0,
    ),
    Loss(
        "cross-entropy", "L = -1/(R K) sum (y ln a + (1 - y) ln(1 - a))",
        "dL/da = (a - y) / (a (1 - a)) / (R K)", "Good 1952; Solla, Levin & Fleisher 1988",
        _binary_cross_entropy, _difference_over_variance, lambda rows, outputs: 1 / (rows * outputs),
        from_logits=True,
    ),
)  # fmt: skip

LOSSES: dict[str, Loss] = {entry.name: entry for entry in _ENTRIES}
"""Every loss, by the name the user types."""


def get_loss(name: str) -> Loss:
    """Return the loss of that name; an unknown one is an InvalidValueError."""
    if name not in LOSSES:
        raise unknown("loss", name, LOSSES)
    return LOSSES[name]


def check_loss_suits(loss: Loss, output_activation: str, targets: Array) -> None:
    """Raise InvalidValueError when `loss` has no meaning for this output activation or these targets."""
    if not loss.from_logits:
        return
    if output_activation != "sigmoid":
        raise InvalidValueError(
            f"loss {loss.name!r} needs outputs that are probabilities, which {output_activation!r} outputs are not",
            "use --output-activation sigmoid with it, or --loss mse",
        )
    outside = targets[(targets < 0) | (targets > 1)]
    if outside.size:
        raise InvalidValueError(
            f"loss {loss.name!r} needs targets between 0 and 1, and there is a target {outside.flat[0]:g}",
            "rescale the targets, or use --loss mse",
        )
