"""Optimizers as data: each is one update rule over the flat arrays of an ensemble, in place.

Conventions are those of PyTorch: momentum v <- mu v + g, p <- p - rate v; RMSprop with decay 0.99, not centred;
epsilon is added outside the square root.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import unknown
from dlmath.neural.later import np
from dlmath.neural.losses import get_loss

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

Program = list[tuple[Callable[..., Any], tuple[Any, ...]]]
"""Calls to be made in order, with the arrays they work on; built once, run every epoch."""

RMSPROP_DECAY = 0.99
ADAM_DECAYS = (0.9, 0.999)
EPSILON = 1e-8


class Update(NamedTuple):
    """What an update rule works on.

    Attributes
    ----------
    parameters, gradient, scratch : ndarray (P, S)
        P parameters of S networks. The gradient may be overwritten.
    memory : ndarray (M, S)
        What the rule remembers of earlier epochs, a network a column.
    rate, momentum : float
    """

    parameters: Array
    gradient: Array
    scratch: Array
    memory: Array
    rate: float
    momentum: float

    def constant(self, value: float) -> Array:
        """Return `value` as an array of the parameters' dtype, which NumPy takes sooner than a Python number."""
        return np.array(value, self.parameters.dtype)


class RatesByUnits(NamedTuple):
    """Rates under which the two-input gates are learned, 2-4-1, measured over seeds 0 to 19.

    Attributes
    ----------
    sigmoid : float
        Every unit a sigmoid, whose slope is at most 1/4.
    sigmoid_output : float
        Sigmoid outputs over other hidden units.
    other : float
        Other outputs.
    """

    sigmoid: float
    sigmoid_output: float
    other: float


class Optimizer(NamedTuple):
    """One update rule.

    Attributes
    ----------
    name, equation, source : str
    program : callable (Update) -> Program
        The calls of one update, in place.
    memory : callable (P) -> ndarray (M,)
        What a fresh network remembers.
    takes_scaled_gradient : bool
        The gradient handed in is already multiplied by the rate (free for the caller: a constant factor).
    default_rates : RatesByUnits
        For the mean squared error over the table, full batch.
    follows_gradient_size : bool
        A step is proportional to the gradient, so that a loss twice as large wants half the rate.
    """

    name: str
    equation: str
    source: str
    program: Callable[[Update], Program]
    memory: Callable[[int], Array]
    default_rates: RatesByUnits
    takes_scaled_gradient: bool = False
    follows_gradient_size: bool = True


def _sgd(update: Update) -> Program:
    return [(np.subtract, (update.parameters, update.gradient, update.parameters))]


def _momentum(update: Update) -> Program:
    return [
        (np.multiply, (update.memory, update.constant(update.momentum), update.memory)),
        (np.add, (update.memory, update.gradient, update.memory)),
        (np.multiply, (update.memory, update.constant(update.rate), update.gradient)),
        (np.subtract, (update.parameters, update.gradient, update.parameters)),
    ]


def _nesterov(update: Update) -> Program:
    return [
        (np.multiply, (update.memory, update.constant(update.momentum), update.memory)),
        (np.add, (update.memory, update.gradient, update.memory)),
        (np.multiply, (update.memory, update.constant(update.momentum), update.scratch)),
        (np.add, (update.gradient, update.scratch, update.gradient)),
        (np.multiply, (update.gradient, update.constant(update.rate), update.gradient)),
        (np.subtract, (update.parameters, update.gradient, update.parameters)),
    ]


def _running_mean_of_squares(mean: Array, decay: float, update: Update) -> Program:
    """Plan mean <- decay * mean + (1 - decay) * gradient^2."""
    return [
        (np.square, (update.gradient, update.scratch)),
        (np.multiply, (update.scratch, update.constant(1 - decay), update.scratch)),
        (np.multiply, (mean, update.constant(decay), mean)),
        (np.add, (mean, update.scratch, mean)),
    ]


def _rmsprop(update: Update) -> Program:
    return [
        *_running_mean_of_squares(update.memory, RMSPROP_DECAY, update),
        (np.sqrt, (update.memory, update.scratch)),
        (np.add, (update.scratch, update.constant(EPSILON), update.scratch)),
        (np.multiply, (update.gradient, update.constant(update.rate), update.gradient)),
        (np.divide, (update.gradient, update.scratch, update.gradient)),
        (np.subtract, (update.parameters, update.gradient, update.parameters)),
    ]


def _adam(update: Update) -> Program:
    """Plan Adam. Memory: mean of gradients (P rows), mean of squares (P rows), and the two powers of the decays.

    p <- p - rate m^ / (sqrt(v^) + eps), m^ = m / (1 - b1^t), v^ = v / (1 - b2^t), each network with its own t.
    """
    count = len(update.parameters)
    mean, square, powers = update.memory[:count], update.memory[count : 2 * count], update.memory[2 * count :]
    decays = np.array(ADAM_DECAYS, dtype=powers.dtype)[:, None]
    smallest = np.finfo(powers.dtype).tiny  # below it arithmetic is slow, and 1 - b^t is 1 long before
    corrections = np.empty_like(powers)
    return [
        (np.multiply, (powers, decays, powers)),
        (partial(np.maximum, out=powers), (powers, smallest)),
        (np.subtract, (update.constant(1), powers, corrections)),
        (np.sqrt, (corrections[1], corrections[1])),
        (np.divide, (update.constant(update.rate), corrections[0], corrections[0])),
        *_running_mean_of_squares(square, ADAM_DECAYS[1], update),
        (np.multiply, (mean, update.constant(ADAM_DECAYS[0]), mean)),
        (np.multiply, (update.gradient, update.constant(1 - ADAM_DECAYS[0]), update.gradient)),
        (np.add, (mean, update.gradient, mean)),
        (np.sqrt, (square, update.scratch)),
        (np.divide, (update.scratch, corrections[1], update.scratch)),
        (np.add, (update.scratch, update.constant(EPSILON), update.scratch)),
        (np.divide, (mean, update.scratch, update.scratch)),
        (np.multiply, (update.scratch, corrections[0], update.scratch)),
        (np.subtract, (update.parameters, update.scratch, update.parameters)),
    ]


def _zeros(count: int) -> Array:
    return np.zeros(count)


def _adam_memory(count: int) -> Array:
    return np.concatenate([np.zeros(2 * count), np.ones(2)])


_ENTRIES = (
    Optimizer(
        "sgd", "p <- p - rate g", "Cauchy 1847; Robbins & Monro 1951", _sgd, lambda _count: np.zeros(0),
        default_rates=RatesByUnits(4.0, 1.0, 0.1), takes_scaled_gradient=True,
    ),
    Optimizer(
        "momentum", "v <- mu v + g; p <- p - rate v", "Polyak 1964; Rumelhart, Hinton & Williams 1986",
        _momentum, _zeros, default_rates=RatesByUnits(0.5, 0.2, 0.05),
    ),
    Optimizer(
        "nesterov", "v <- mu v + g; p <- p - rate (g + mu v)", "Nesterov 1983; Sutskever et al. 2013",
        _nesterov, _zeros, default_rates=RatesByUnits(0.5, 0.2, 0.05),
    ),
    Optimizer(
        "rmsprop", "v <- 0.99 v + 0.01 g^2; p <- p - rate g / (sqrt(v) + 1e-8)", "Tieleman & Hinton 2012",
        _rmsprop, _zeros, default_rates=RatesByUnits(0.01, 0.01, 0.01), follows_gradient_size=False,
    ),
    Optimizer(
        "adam",
        "m <- 0.9 m + 0.1 g; v <- 0.999 v + 0.001 g^2; p <- p - rate m^ / (sqrt(v^) + 1e-8), "
        "m^ = m / (1 - 0.9^t), v^ = v / (1 - 0.999^t)",
        "Kingma & Ba 2014", _adam, _adam_memory, default_rates=RatesByUnits(0.02, 0.02, 0.02),
        follows_gradient_size=False,
    ),
)  # fmt: skip

OPTIMIZERS: dict[str, Optimizer] = {entry.name: entry for entry in _ENTRIES}
"""Every optimizer, by the name the user types."""


def get_optimizer(name: str) -> Optimizer:
    """Return the optimizer of that name; an unknown one is an InvalidValueError."""
    if name not in OPTIMIZERS:
        raise unknown("optimizer", name, OPTIMIZERS)
    return OPTIMIZERS[name]


def default_learning_rate(
    optimizer: str,
    activations: tuple[str, ...] = ("sigmoid",),
    loss: str = "mse",
    batch: str = "full",
    table: tuple[int, int] = (4, 1),
) -> float:
    """Return the learning rate that is used when none is given.

    For rules whose step is proportional to the gradient it is such that an epoch goes as far as it would with the
    mean squared error and full batch: with `half-sse`, whose gradient is R K / 2 times as large, the rate is that
    many times smaller; with `online` updates, of which an epoch makes R, it is R times smaller.

    Parameters
    ----------
    optimizer, loss, batch : str
    activations : tuple of str
        One a layer, the output layer's last.
    table : tuple of int
        Rows R and outputs K of the targets.

    Examples
    --------
    >>> default_learning_rate("sgd"), default_learning_rate("sgd", ("tanh", "sigmoid"), loss="half-sse")
    (4.0, 0.5)
    """
    rule = get_optimizer(optimizer)
    rates, (rows, outputs) = rule.default_rates, table
    if activations[-1] != "sigmoid":
        rate = rates.other
    else:
        rate = rates.sigmoid if set(activations) == {"sigmoid"} else rates.sigmoid_output
    if not rule.follows_gradient_size:
        return rate
    updates = rows if batch == "online" else 1
    if loss == "half-sse":
        rate *= get_loss("mse").scale(rows // updates, outputs)
    return rate / updates
