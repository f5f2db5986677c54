"""What a deep network is trained on, parity: vanishing shows itself as layers that do not learn.

The L layers are those of `explicit`, with the same forward and backward passes and every remedy. Around them stand a
fixed random map of the bits (coded -1 and 1) and of a constant 1 onto the first layer's units, each row of mean square
1, and one sigmoid unit whose weights are trained with the rest. Without the constant a network of odd activations would
be an odd function of the bits, and parity of an even number of bits is an even one: no weights would learn it.
Cross-entropy, all rows at once, any optimizer of the registry.

Clipping is that of Pascanu, Mikolov & Bengio (2013): where the joint norm of all parameter gradients exceeds a limit,
all of them are multiplied by one factor that brings it there; what they are to each other stays.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.depth.engine.planner import check_memory, count_weights, physical_memory
from dlmath.depth.engine.settings import DepthSettings, check_settings
from dlmath.errors import InvalidValueError
from dlmath.neural.optimizers import parse_optimizer

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

BITS = 4
MOST_BITS = 10
MATRICES_HELD = 4  # of each layer: W, W at the start, the move, the gradient; and what an optimizer remembers
LN10 = math.log(10)


class ParityTask(NamedTuple):
    """What is trained on, and how.

    Attributes
    ----------
    steps, bits : int
        Steps, each over all 2^bits rows of the table.
    optimizer : str
        A word of `parse_optimizer`.
    learning_rate : float or None
        None: a rate that suits the optimizer (0.1 for sgd).
    clip : float or None
        The largest joint norm of the parameter gradients.
    """

    steps: int
    bits: int = BITS
    optimizer: str = "sgd"
    learning_rate: float | None = None
    clip: float | None = None

    @property
    def rate(self) -> float:
        """The learning rate."""
        if self.learning_rate is not None:
            return self.learning_rate
        rule = parse_optimizer(self.optimizer).rule
        # steps that do not shrink with the gradient go as far in every one of many layers at once
        return rule.default_rates.other * (1 if rule.follows_gradient_size else 0.1)


def parity(bits: int) -> tuple[Array, Array]:
    """Return the table of parity: inputs (2^n, n) of -1 and 1, targets (2^n, 1) of 0 and 1.

    Examples
    --------
    >>> parity(2)[1].ravel()
    array([0., 1., 1., 0.])
    """
    table = np.arange(2**bits)[:, None] >> np.arange(bits)[::-1] & 1
    return table * 2.0 - 1, (table.sum(axis=1, keepdims=True) % 2).astype(np.float64)


class LayerTraining(NamedTuple):
    """One layer before and after training.

    Attributes
    ----------
    layer : int
    log10_gradient_before, log10_gradient : float
        log10 of the root mean square of dE/dx^l over units and rows, before the first step and after the last.
    log10_weight_gradient_before, log10_weight_gradient : float
        The same of dE/dW^l.
    activation_variance_before, activation_variance : float
    saturated_before, saturated : float
        As in `measure.LayerFigures`.
    moved : float
        |W after - W before| / |W before|, Frobenius norms.
    """

    layer: int
    log10_gradient_before: float
    log10_gradient: float
    log10_weight_gradient_before: float
    log10_weight_gradient: float
    activation_variance_before: float
    activation_variance: float
    saturated_before: float
    saturated: float
    moved: float


class TaskResult(NamedTuple):
    """A training run on n-bit parity.

    Attributes
    ----------
    settings : DepthSettings
        With the batch of the task, 2^n.
    gate, optimizer : str
    steps, steps_done : int
    learning_rate : float
    clip : float or None
    clipped : int
        Steps whose gradients were clipped.
    log10_gradient_norm_before, log10_gradient_norm : float
        log10 of the joint norm of all parameter gradients, as they were before clipping, at the first step and at
        the last one made.
    losses : tuple of float
        Before each step, and after the last.
    accuracy : float
        Share of the rows on the right side of 1/2 in the end.
    stopped : str or None
        Why training ended early.
    layers : tuple of LayerTraining
    """

    settings: DepthSettings
    gate: str
    optimizer: str
    steps: int
    steps_done: int
    learning_rate: float
    clip: float | None
    clipped: int
    log10_gradient_norm_before: float
    log10_gradient_norm: float
    losses: tuple[float, ...]
    accuracy: float
    stopped: str | None
    layers: tuple[LayerTraining, ...]


def check_task(settings: DepthSettings, task: ParityTask) -> DepthSettings:
    """Refuse what cannot be trained, before any work; return the settings of the network that is."""
    if task.steps < 1:
        raise InvalidValueError(f"{task.steps} training steps are not possible", "train for at least 1")
    if not 1 <= task.bits <= MOST_BITS:
        raise InvalidValueError(f"parity of {task.bits} bits is not possible", f"1 to {MOST_BITS} bits are")
    for what, number in (("learning rate", task.rate), ("clip", task.clip)):
        if number is not None and not (math.isfinite(number) and number > 0):
            raise InvalidValueError(f"{what} {number:g} is not possible", "it must be a positive finite number")
    if settings.cell != "none":
        raise InvalidValueError(
            f"training is for layers with weights of their own, not for --cell {settings.cell}",
            "leave --train or --cell out",
        )
    settings = settings._replace(batch=2**task.bits, seeds=1, method="explicit", dtype="float64")
    check_settings(settings)
    held = MATRICES_HELD + 1 + len(parse_optimizer(task.optimizer).rule.memory(1))
    needed = held * 8.0 * count_weights(settings)
    check_memory("training these layers", needed, physical_memory(), "train fewer or narrower layers")
    return settings
