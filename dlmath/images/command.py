"""`dlmath train-image`: its check, its run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.frame.command import Command
from dlmath.images.words import Words, results

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output
    from dlmath.images.request import TrainingRequest

_CHECKED: list[tuple[Words, TrainingRequest]] = []
"""The request that was checked last, so that a run does not read its images a second time."""


def check(words: Words, output: Output) -> None:
    """Refuse, before any work, what the run would refuse."""
    from dlmath.images.request import resolve

    _CHECKED[:] = [(words, resolve(words, output))]


def run(words: Words, output: Output) -> Outcome:
    """Train the networks and gather what was found."""
    from dlmath.images.request import resolve
    from dlmath.images.run_training import run_training

    kept = _CHECKED.pop() if _CHECKED else None
    return run_training(kept[1] if kept and kept[0] == words else resolve(words, output), words, output)


COMMAND = Command(
    name="train-image",
    words=Words,
    about="""Train a small convolutional network on images, and measure it beside a plain one.

    Every layer is written out in NumPy, forward and backward. Without files it learns ten marks that the program draws.
    Exit status 1 when --at-least is not reached.""",
    examples=(
        ("train-image --epochs 5", "a small network learns ten marks"),
        (
            "train-image --against mlp --shift 3 --seeds 3 --epochs 5",
            "beside a plain network of as many parameters, with moved images",
        ),
        ("train-image mlp:64 --epochs 5 --permute", "to a plain network the order of the pixels is nothing"),
        ("train-image --epochs 2 --explain", "one convolution, one pooling, the softmax, number by number"),
        (
            'train-image "conv:3x3x8 relu globalmaxpool dense:10" --check-gradients --epochs 0',
            "every gradient against differences",
        ),
    ),
    check=check,
    run=run,
    results=results,
)
