"""The training of one network: batches in a random order, the gradient by the chain rule, an optimizer's steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.images.engine.data import Augmentation, ImageSet, in_order, permute_batch
from dlmath.images.engine.evaluation import Scores, score
from dlmath.images.engine.model import STREAMS, Model
from dlmath.neural.optimizers import Update, parse_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dlmath.neural.arrays import Array

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda _share: 1.0,
    "cosine": lambda share: 0.5 * (1 + math.cos(math.pi * share)),
}
"""The learning rate's factor after a share of all steps (Loshchilov & Hutter 2016, without restarts)."""


class Recipe(NamedTuple):
    """How a network is trained.

    Attributes
    ----------
    epochs, batch : int
        An epoch shows every image once, in batches of one size: what is left over waits for the next epoch, which
        has another order. Fewer images than a batch are one batch.
    optimizer : str
        With its constants, as `parse_optimizer` reads it.
    learning_rate : float
    weight_decay : float
        lambda: dL/dW gets lambda W more, for kernels and matrices, not for biases nor normalisation.
    schedule : str
        A key of `SCHEDULES`.
    augmentation : Augmentation
    init : str
    """

    epochs: int = 20
    batch: int = 64
    optimizer: str = "adam"
    learning_rate: float = 0.003
    weight_decay: float = 0.0
    schedule: str = "constant"
    augmentation: Augmentation = Augmentation()
    init: str = "he"


class Curve(NamedTuple):
    """What was measured after each epoch over the whole sets, as at test; epoch 0 is the start.

    Attributes
    ----------
    train, test : list of Scores
    """

    train: list[Scores]
    test: list[Scores]


class Training(NamedTuple):
    """One trained network.

    Attributes
    ----------
    model : Model
    curve : Curve
    stopped : str
        `epochs`, `diverged` (the loss is no longer a finite number) or `interrupted`.
    """

    model: Model
    curve: Curve
    stopped: str


class Stepper:
    """The optimizer of a model: one update of all parameters from the gradient that is there."""

    def __init__(self, model: Model, recipe: Recipe) -> None:
        self.optimizer, self.recipe, self.model = parse_optimizer(recipe.optimizer), recipe, model
        size = len(model.parameters)
        self.memory = self.optimizer.rule.memory(size).astype(model.dtype)[:, None]
        self.scratch = np.empty((size, 1), model.dtype)
        self.decay = np.zeros(size, model.dtype)
        for slot in model.slots:
            if slot.decays:
                self.decay[slot.stretch] = recipe.weight_decay
        self.rate = math.nan

    def step(self, rate: float) -> None:
        """Update the parameters in place."""
        gradient = self.model.gradient
        if self.recipe.weight_decay:
            gradient += self.decay * self.model.parameters
        if self.optimizer.rule.takes_scaled_gradient:
            gradient *= gradient.dtype.type(rate)
        if rate != self.rate:
            self.rate, self.program = rate, self._program(rate)
        for function, arguments in self.program:
            function(*arguments)

    def _program(self, rate: float) -> list[tuple[Callable[..., object], tuple[object, ...]]]:
        """Return the calls of one update at this rate; what the rule remembers stays."""
        parameters, gradient = self.model.parameters[:, None], self.model.gradient[:, None]
        update = Update(parameters, gradient, self.scratch, self.memory, rate, self.optimizer.convention)
        return self.optimizer.program(update)


class Watch(NamedTuple):
    """Who is told of progress.

    Attributes
    ----------
    step : callable (done, all) or None
    epoch : callable (epoch, Scores of training, Scores of test) or None
    """

    step: Callable[[int, int], None] | None = None
    epoch: Callable[[int, Scores, Scores], None] | None = None


NOBODY = Watch()


def train(
    model: Model,
    train_set: ImageSet,
    test_set: ImageSet,
    recipe: Recipe,
    seed: int,
    watch: Watch = NOBODY,
    order: Array | None = None,
) -> Training:
    """Train a model in place.

    Parameters
    ----------
    model : Model
        With its initial parameters.
    seed : int
        Of the order of the images and of all that is drawn while training: the same seed gives the same bytes.
    order : ndarray, optional
        The order in which the network sees the pixels of both sets; images are moved before.

    Returns
    -------
    Training
        An interrupt (Ctrl-C) ends the training and is told in `stopped`; what was reached is there. Before anything
        was measured it is passed on.
    """
    loop = Loop(model, train_set, test_set, recipe, seed, watch, order)
    try:
        stopped = loop.run()
    except KeyboardInterrupt:
        if not loop.curve.test:
            raise
        stopped = "interrupted"
    return Training(model, loop.curve, stopped)


class Loop:
    """Epoch after epoch."""

    def __init__(
        self,
        model: Model,
        train_set: ImageSet,
        test_set: ImageSet,
        recipe: Recipe,
        seed: int,
        watch: Watch,
        order: Array | None,
    ) -> None:
        self.model, self.recipe, self.watch = model, recipe, watch
        self.train_rows, self.train_labels = in_order(train_set, order).rows(), train_set.labels
        self.test_rows, self.test_labels = in_order(test_set, order).rows(), test_set.labels
        # Images that are moved are moved first and permuted batch by batch; others are permuted once and for all
        self.late_order = order if recipe.augmentation.moves else None
        self.shown_rows = self.train_rows if self.late_order is None else train_set.rows()
        self.batch = min(recipe.batch, len(self.train_labels))
        self.steps = len(self.train_labels) // self.batch
        self.order = np.random.default_rng([seed, STREAMS["order"]])
        self.moves = np.random.default_rng([seed, STREAMS["augment"]])
        self.stepper = Stepper(model, recipe)
        self.curve = Curve([], [])

    def run(self) -> str:
        """Train, and return why it ended."""
        self._measure(0)
        for epoch in range(1, self.recipe.epochs + 1):
            self._epoch(epoch)
            self._measure(epoch)
            if not math.isfinite(self.curve.train[-1].loss):
                return "diverged"
        return "epochs"

    def _measure(self, epoch: int) -> None:
        train = score(self.model, self.train_rows, self.train_labels)
        test = score(self.model, self.test_rows, self.test_labels)
        self.curve.train.append(train)
        self.curve.test.append(test)
        if self.watch.epoch is not None:
            self.watch.epoch(epoch, train, test)

    def _epoch(self, epoch: int) -> None:
        running, total = self.model.on(self.batch), self.steps * self.recipe.epochs
        factor = SCHEDULES[self.recipe.schedule]
        for turn, chosen in enumerate(self._batches()):
            done = (epoch - 1) * self.steps + turn
            put_rows(running.images, self.shown_rows[chosen])
            self.recipe.augmentation.apply(running.images, self.moves)
            if self.late_order is not None:
                permute_batch(running.images, self.late_order)
            running.learn(self.train_labels[chosen])
            self.stepper.step(self.recipe.learning_rate * factor(done / total))
            if self.watch.step is not None:
                self.watch.step(done + 1, total)

    def _batches(self) -> Iterator[Array]:
        """Yield the images of each batch; those left over are not shown this time."""
        order = self.order.permutation(len(self.train_labels))
        for start in range(0, self.steps * self.batch, self.batch):
            yield order[start : start + self.batch]


def put_rows(images: Array, rows: Array) -> None:
    """Write rows (N, H * C * W) into the images of a running network (H, C, W, N) or (F, N)."""
    np.copyto(images.reshape(-1, images.shape[-1]), rows.T)
