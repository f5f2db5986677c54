"""Every analytic gradient against a numerical one, both through the code that trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.images.engine.loss import cross_entropies, mean_slope
from dlmath.images.engine.model import STREAMS, Model
from dlmath.images.engine.pooling import AdaptivePool, GlobalMaximum, MaxPool, PairMaximum
from dlmath.images.engine.training import put_rows
from dlmath.neural.activations import get_activation

if TYPE_CHECKING:
    from dlmath.images.engine.data import ImageSet
    from dlmath.images.engine.model import Running, Slot
    from dlmath.neural.arrays import Array

IMAGES = 2
"""Images the loss is taken over: few, so that few units stand near a kink; two, so that a batch has a variance."""
STEP = 6e-6
"""About eps^(1/3): where truncation, h^2, and rounding, eps / h, are equal in float64."""
SMALL_SHARE = 1e-3
ROUNDING = 1e-6
SUSPECT = 1e-4
"""A relative error from which it is asked whether a unit has crossed a kink."""
MOST_MACS = 100_000_000_000
"""Multiplications that a check may take; of larger networks it compares an even choice of the parameters."""


class GradientCheck(NamedTuple):
    """What the comparison found.

    Attributes
    ----------
    largest : float
        The largest relative error: |analytic - numerical| over the larger of the two, but at least over a thousandth
        of the largest gradient and over the rounding of the loss.
    name : str
        The parameter it belongs to.
    compared, at_kink, parameters : int
        How many were compared; how many were not because a small change carries a unit over a kink, where there is
        no derivative; how many there are.
    by_tensor : dict of str to float
        The largest relative error of each tensor.
    """

    largest: float
    name: str
    compared: int
    at_kink: int
    parameters: int
    by_tensor: dict[str, float]


def check_gradients(model: Model, data: ImageSet, seed: int = 0) -> GradientCheck:
    """Compare the gradient of the loss in training with central differences, in float64.

    Parameters
    ----------
    model : Model
        Its parameters are read and stay as they are.
    data : ImageSet
        The first two images are used.
    seed : int
        Of what dropout drops.
    """
    checker = Checker(model, data.first(IMAGES), seed)
    checks = [checker.tensor(slot) for slot in checker.model.slots]
    by_tensor = {slot.name: check.largest for slot, check in zip(checker.model.slots, checks, strict=True)}
    worst = max(checks, key=lambda check: check.largest)
    return worst._replace(
        compared=sum(check.compared for check in checks),
        at_kink=sum(check.at_kink for check in checks),
        parameters=len(model.parameters),
        by_tensor=by_tensor,
    )


class Checker:
    """A copy of the model in float64, its gradient, and its loss at changed parameters."""

    def __init__(self, model: Model, data: ImageSet, seed: int) -> None:
        self.model = Model(model.network, "float64")
        self.model.load({name: values.astype(np.float64) for name, values in model.tensors().items()})
        self.seed, self.labels = (seed, STREAMS["dropout"]), data.labels
        self.running = self.model.on(len(data.labels))
        put_rows(self.running.images, data.rows().astype(np.float64))
        self.start = self.loss()
        self.running.backward(mean_slope(self.running.logits, self.labels), training=True)
        self.gradient = self.model.gradient.copy()
        largest = float(np.abs(self.gradient).max(initial=0))
        self.floor = max(SMALL_SHARE * largest, ROUNDING * max(1.0, abs(self.start)))
        work = 2 * len(self.labels) * max(model.counts.macs, 1)
        self.every = max(1, -(-len(self.gradient) * work // MOST_MACS))

    def loss(self) -> float:
        """Return the loss in training, what is dropped being the same each time."""
        self.model.dice.seed(self.seed)
        return float(cross_entropies(self.running.forward(training=True), self.labels).mean())

    def tensor(self, slot: Slot) -> GradientCheck:
        """Compare one tensor's gradients."""
        places = np.arange(slot.start, slot.stretch.stop, self.every)
        order = self._canonical(slot)
        errors = [0.0 if slot.frozen else self._error(int(place)) for place in places]
        finite = [(error, place) for error, place in zip(errors, places, strict=True) if not np.isnan(error)]
        largest, place = max(finite, default=(0.0, slot.start))
        index = np.unravel_index(int(np.flatnonzero(order == place - slot.start)[0]), slot.parameter.shape)
        name = f"{slot.name}[{','.join(map(str, index))}]"
        return GradientCheck(float(largest), name, len(finite), len(errors) - len(finite), 0, {})

    def _canonical(self, slot: Slot) -> Array:
        """Return, for each canonical place of a tensor, its place in the flat stretch."""
        flat = np.arange(len(self.gradient))
        return self.model.view(flat, slot).ravel() - slot.start

    def _error(self, place: int) -> float:
        """Return the relative error of one parameter's gradient; NaN at a kink."""
        numerical = self._difference(place)
        analytic = float(self.gradient[place])
        error = abs(analytic - numerical) / max(abs(analytic), abs(numerical), self.floor)
        return float("nan") if error > SUSPECT and self._crosses_kink(place) else error

    def _difference(self, place: int) -> float:
        ahead, behind = (self._at(place, sign) for sign in (1, -1))
        return (ahead - behind) / (2 * self._step(place))

    def _step(self, place: int) -> float:
        return STEP * max(1.0, abs(float(self.model.parameters[place])))

    def _at(self, place: int, sign: int) -> float:
        """Return the loss with one parameter a step ahead or behind."""
        kept = self.model.parameters[place]
        self.model.parameters[place] = kept + sign * self._step(place)
        value = self.loss()
        self.model.parameters[place] = kept
        return value

    def _crosses_kink(self, place: int) -> bool:
        """Whether a unit is on another piece of its function a step ahead than behind."""
        pieces = []
        plain = self.model.on(len(self.labels), fused=False)
        np.copyto(plain.images, self.running.images)
        kept = self.model.parameters[place]
        for sign in (1, -1):
            self.model.parameters[place] = kept + sign * self._step(place)
            self.model.dice.seed(self.seed)
            plain.forward(training=True)
            pieces.append(pieces_of(plain))
        self.model.parameters[place] = kept
        return any(not np.array_equal(ahead, behind) for ahead, behind in zip(*pieces, strict=True))


def pieces_of(running: Running) -> list[Array]:
    """Return, for every unit with kinks, on which piece of its function it stands; for maxima, who wins."""
    pieces = []
    for op, step in zip(running.ops, running.lowered.steps, strict=True):
        if isinstance(op, (MaxPool, PairMaximum, GlobalMaximum, AdaptivePool)):
            (winners,) = op.backward(np.ones_like(op.output), training=True)
            pieces.append(winners.copy())
        elif step.kind in {"activation", "relu6"}:
            source = running.output(step.inputs[0])
            if step.kind == "relu6":
                pieces += [source > 0, source > 6]
                continue
            pieces += [source > kink for kink in get_activation(step.options["name"]).kinks]
    return pieces
