"""One run: a network trained on the data of one seed, and everything measured of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.images.engine.data import Data, in_order, pixel_order
from dlmath.images.engine.evaluation import Scores, Wrong, confusion, logits_of, shift_table, wrong_answers
from dlmath.images.engine.model import STREAMS, Model
from dlmath.images.engine.training import NOBODY, Recipe, Watch, train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.counting.engine.graph import Network
    from dlmath.neural.arrays import Array

SHOWN_WRONG = 100
"""Wrong answers that are kept of a run, the surest first."""


class Plan(NamedTuple):
    """What is done with a network.

    Attributes
    ----------
    recipe : Recipe
    dtype : str
    train : int or None
        The first so many training images.
    shift : int or None
        Test images are moved by up to so many pixels.
    permute : bool
        The pixels of all images are put into one random order, which is the seed's own.
    start : mapping of str to ndarray, or None
        Weights to start from.
    """

    recipe: Recipe
    dtype: str = "float32"
    train: int | None = None
    shift: int | None = None
    permute: bool = False
    start: Mapping[str, Array] | None = None


class Run(NamedTuple):
    """A trained network, measured.

    Attributes
    ----------
    seed : int
    train, test : list of Scores
        At the start and after every epoch, over the whole sets, as at test.
    shifted : list of float, or None
        Test accuracy with images moved by 0, 1, ... pixels.
    confusion : ndarray (K, K)
        Truths down, answers across.
    wrong : list of Wrong
        The surest wrong answers.
    tensors : dict of str to ndarray
    stopped : str
    """

    seed: int
    train: list[Scores]
    test: list[Scores]
    shifted: list[float] | None
    confusion: Array
    wrong: list[Wrong]
    tensors: dict[str, Array]
    stopped: str


def order_of(data: Data, plan: Plan, seed: int) -> Array | None:
    """Return the order in which a network sees the pixels; None where it is their own."""
    return pixel_order(data.shape, (seed, STREAMS["permutation"])) if plan.permute else None


def prepared(data: Data, plan: Plan, seed: int) -> Data:
    """Return the data as a network of this plan and seed sees it: cut short, permuted."""
    order = order_of(data, plan, seed)
    train, test = in_order(data.train.first(plan.train), order), in_order(data.test, order)
    return data._replace(train=train, test=test)


def build_model(network: Network, plan: Plan, seed: int) -> Model:
    """Return a network with the parameters it starts from."""
    model = Model(network, plan.dtype)
    model.initialise(plan.recipe.init, seed)
    if plan.start is not None:
        model.load(plan.start)
    return model


def run_once(network: Network, data: Data, plan: Plan, seed: int, watch: Watch = NOBODY) -> Run:
    """Train a network on the data of a seed and measure it.

    The answer depends on nothing but the arguments: seed k alone is seed k of many, in any process.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # numbers beyond all bounds are told as `diverged`
        return _measured(network, data._replace(train=data.train.first(plan.train)), plan, seed, watch)


def _measured(network: Network, plain: Data, plan: Plan, seed: int, watch: Watch) -> Run:
    order = order_of(plain, plan, seed)
    model = build_model(network, plan, seed)
    trained = train(model, plain.train, plain.test, plan.recipe, seed, watch, order)
    chosen = in_order(plain.test, order)
    logits = logits_of(trained.model, chosen.rows())
    labels = chosen.labels
    moved = None if plan.shift is None else shift_table(trained.model, plain.test, plan.shift, order)
    return Run(
        seed,
        trained.curve.train,
        trained.curve.test,
        moved,
        confusion(logits, labels, len(plain.classes)),
        wrong_answers(logits, labels)[:SHOWN_WRONG],
        trained.model.tensors(),
        trained.stopped,
    )
