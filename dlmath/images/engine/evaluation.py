"""What a trained network is worth: loss and accuracy, moved images, confusion, wrong answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.images.engine.data import DIRECTIONS, in_order, shifted
from dlmath.images.engine.loss import cross_entropies, softmax

if TYPE_CHECKING:
    from dlmath.images.engine.data import ImageSet
    from dlmath.images.engine.model import Model
    from dlmath.neural.arrays import Array

CHUNK = 64
"""Images that pass at once: more would leave the processor's cache."""


class Scores(NamedTuple):
    """How a network does on a set.

    Attributes
    ----------
    loss : float
        Mean cross-entropy.
    right : int
    accuracy : float
    """

    loss: float
    right: int
    accuracy: float


class Wrong(NamedTuple):
    """An image whose answer is wrong.

    Attributes
    ----------
    image : int
        Its place in the test set, from 0.
    truth, answer : int
    probability : float
        That the network gave its answer.
    """

    image: int
    truth: int
    answer: int
    probability: float


def logits_of(model: Model, rows: Array) -> Array:
    """Return the logits (K, n) of images given as rows (n, H * C * W), as at test."""
    size = min(CHUNK, len(rows))
    running = model.on(size)
    logits = np.empty((len(running.logits), len(rows)), model.dtype)
    inputs = running.images.reshape(-1, size)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        np.copyto(inputs[:, : len(part)], part.T)  # beyond the last image lie old ones, whose answers are not read
        logits[:, start : start + len(part)] = running.forward(training=False)[:, : len(part)]
    return logits


def score(model: Model, rows: Array, labels: Array) -> Scores:
    """Return loss and accuracy; of equal logits the first class is the answer."""
    return scores_of(logits_of(model, rows), labels)


def scores_of(logits: Array, labels: Array) -> Scores:
    """Return loss and accuracy of logits (K, n)."""
    right = int((logits.argmax(axis=0) == labels).sum())
    return Scores(float(cross_entropies(logits, labels).mean()), right, right / len(labels))


def shift_table(model: Model, test: ImageSet, largest: int, order: Array | None = None) -> list[float]:
    """Return the accuracy with images moved by 0 .. largest pixels, the mean of up, down, left and right.

    A network of permuted pixels sees what was moved before it was permuted.
    """

    def accuracy(rows: int, columns: int) -> float:
        images = in_order(test._replace(images=shifted(test.images, rows, columns)), order)
        return score(model, images.rows(), images.labels).accuracy

    moved = ([accuracy(pixels * y, pixels * x) for y, x in DIRECTIONS] for pixels in range(1, largest + 1))
    return [accuracy(0, 0), *(float(np.mean(four)) for four in moved)]


def confusion(logits: Array, labels: Array, classes: int) -> Array:
    """Return how often each class (row) was answered as each (column), (K, K)."""
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (labels, logits.argmax(axis=0)), 1)
    return table


def wrong_answers(logits: Array, labels: Array) -> list[Wrong]:
    """Return every wrong answer, the surest first."""
    answers, chances = logits.argmax(axis=0), softmax(logits)
    places = np.flatnonzero(answers != labels)
    answered = [Wrong(int(i), int(labels[i]), int(answers[i]), float(chances[answers[i], i])) for i in places]
    return sorted(answered, key=lambda wrong: -wrong.probability)
