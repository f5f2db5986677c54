"""Whole networks against PyTorch: loss, gradients, and ten steps of three optimizers, to ten digits.

Parameters: one counter i = 1, 2, 3, ... runs through all tensors in order, each in C order of its canonical shape;
value 0.5 sin(i) (a scale: 1 + value). Data: x[n, h, w, c] = cos(0.7 t), t = 0, 1, ... in C order; y[n] = (2 n + 1) mod
classes. Loss: mean cross-entropy over the whole set, in training. "After k steps" is evaluated after k updates.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from dlmath.counting.engine.language import build
from dlmath.images.engine.loss import cross_entropies
from dlmath.images.engine.model import Model
from dlmath.images.engine.training import Recipe, Stepper, put_rows

TEXT = (Path(__file__).parents[2] / "oracles" / "image_networks.txt").read_text(encoding="utf-8")
RESIDUAL = ["conv:3x3x4", "relu", "conv:3x3x4"]
NETWORKS = {
    "A": ["conv:3x3x2", "relu", "maxpool:2", "conv:3x3x3", "relu", "avgpool:2", "flatten", "dense:5"],
    "B": ["conv:3x3x4,bias=no", "batchnorm", "relu", {"residual": RESIDUAL}, "relu", "globalpool", "dense:3"],
    "D": ["flatten", "dense:6", "sigmoid", "dense:4"],
}
DATA = {"A": (3, 8, 8, 1, 5), "B": (4, 6, 6, 2, 3), "D": (4, 4, 4, 2, 4)}
RECIPES = {
    "sgd": Recipe(optimizer="sgd", learning_rate=0.1),
    "momentum": Recipe(optimizer="momentum", learning_rate=0.05),
    "adam": Recipe(optimizer="adam", learning_rate=0.01),
}


def figures(letter: str, *words: str) -> list[float]:
    """Return the numbers that follow some words in the text of one network, as far as the next word."""
    part = re.split(r"\*\*(?=[A-Z] )", TEXT)
    text = next(piece for piece in part if piece.startswith(f"{letter} "))
    for word in words:
        text = text.partition(word)[2]
    numbers = []
    for token in text.split():
        try:
            numbers.append(float(token))
        except ValueError:
            break
    return numbers


def built(letter: str) -> tuple[Model, np.ndarray, np.ndarray]:
    """Return the network with its defined parameters, and the data."""
    count, height, width, channels, classes = DATA[letter]
    network = build({"input": f"{height}x{width}x{channels}", "layers": NETWORKS[letter]})
    model = Model(network, "float64")
    counter = 1
    for slot in model.slots:
        size = int(np.prod(slot.parameter.shape))
        values = 0.5 * np.sin(np.arange(counter, counter + size))
        counter += size
        start = 1.0 if slot.parameter.role == "scale" else 0.0
        model.put(slot.name, start + values.reshape(slot.parameter.shape))
    images = np.cos(0.7 * np.arange(count * height * width * channels)).reshape(count, height, width, channels)
    rows = images.transpose(0, 1, 3, 2).reshape(count, -1)
    return model, rows, (2 * np.arange(count) + 1) % classes


def close(found: object, wanted: list[float]) -> None:
    """Compare to the ten digits that are printed."""
    np.testing.assert_allclose(np.atleast_1d(np.asarray(found, float)), wanted, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("letter", NETWORKS)
def test_start_and_gradients(letter):
    model, rows, labels = built(letter)
    running = model.on(len(rows))
    put_rows(running.images, rows)
    logits = running.learn(labels)
    assert len(model.parameters) == figures(letter, "params")[0]
    close(cross_entropies(logits, labels).mean(), figures(letter, "loss0"))
    close(logits[:, 0], figures(letter, "logits[0]"))
    close(logits.sum(), figures(letter, "sum logits"))
    slopes = [model.view(model.gradient, slot) for slot in model.slots]
    close([np.linalg.norm(slope) for slope in slopes], figures(letter, "L2 norms"))
    close([slope.sum() for slope in slopes], figures(letter, "grad sums"))


@pytest.mark.parametrize("optimizer", RECIPES)
@pytest.mark.parametrize("letter", NETWORKS)
def test_ten_steps(letter, optimizer):
    model, rows, labels = built(letter)
    running, stepper = model.on(len(rows)), Stepper(model, RECIPES[optimizer])
    put_rows(running.images, rows)
    for step in range(11):
        logits = running.learn(labels)
        if step in {1, 10}:
            words = f"{optimizer} loss after {step} step{'s' if step > 1 else ''}"
            close(cross_entropies(logits, labels).mean(), figures(letter, words)[:1])
            close(logits[:, 0], figures(letter, words, "logits[0] then"))
        if step < 10:
            stepper.step(RECIPES[optimizer].learning_rate)
    tensors = [model.get(slot.name) - (slot.parameter.role == "scale") for slot in model.slots]
    close([np.linalg.norm(tensor) for tensor in tensors], figures(letter, f"{optimizer} loss after 10", "param norms"))
    if letter == "B":
        close(model.get("mean2"), figures(letter, f"{optimizer} loss after 10", "running mean"))
        close(model.get("variance2"), figures(letter, f"{optimizer} loss after 10", "running mean", "var"))
