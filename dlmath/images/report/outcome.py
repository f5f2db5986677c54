"""The result of `dlmath train-image` as every format has it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from dlmath.frame.outcome import Lazy, Outcome
from dlmath.images.engine.data import ink_lost
from dlmath.images.engine.model import Model
from dlmath.images.report import tables
from dlmath.images.report.figures import Measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.frame.output import Output
    from dlmath.images.engine.experiment import Run
    from dlmath.images.engine.gradients import GradientCheck
    from dlmath.images.request import TrainingRequest
    from dlmath.images.words import Words
    from dlmath.report.blocks import Block

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
INK_WORTH_TELLING = 0.02
"""Share of the images' ink beyond which it is told that moving them cuts it off."""


def outcome(
    request: TrainingRequest,
    runs: Sequence[Sequence[Run]],
    checks: Sequence[GradientCheck] | None,
    words: Words,
    output: Output,
    *,
    interrupted: bool,
) -> Outcome:
    """Gather the result, the tables, the explanation and the picture."""
    measured = [
        measure(request, place, own, checks[place] if checks else None) for place, own in enumerate(runs) if own
    ]
    facts = tables.Facing(request, measured, words, output.streams.columns)
    reached = words.at_least is None or measured[0].test_accuracy >= words.at_least
    return Outcome(
        command="train-image",
        settings={**words.as_dict(), **resolved(request, words), **output.settings()},
        result=Lazy(partial(result, request, measured)),
        table=tables.networks_csv(measured),
        blocks=partial(blocks, facts, output),
        explanation=partial(explanation, facts) if output.explain else None,
        picture=partial(picture, facts),
        answer=reached,
        notes=list(notes(request, measured, interrupted=interrupted)),
        interrupted=interrupted,
    )


def measure(request: TrainingRequest, place: int, runs: Sequence[Run], check: GradientCheck | None) -> Measured:
    """Return a network and what its runs found."""
    network = request.networks[place]
    model = Model(network, request.plan.dtype)
    letter = LETTERS[place] if place < len(LETTERS) else str(place + 1)
    params, macs = len(model.parameters), model.counts.macs
    return Measured(network.name, letter, params, macs, runs, len(request.data.classes), check)


def resolved(request: TrainingRequest, words: Words) -> dict[str, object]:
    """Return the options that had no value of their own."""
    return {
        "network": words.network or request.networks[0].name,
        "against": [network.name for network in request.networks[1:]],
        "init": request.plan.recipe.init,
        "train": len(request.data.train.first(request.plan.train).labels),
    }


def result(request: TrainingRequest, measured: Sequence[Measured]) -> dict[str, Any]:
    """Return the result as the manual names it."""
    data = request.data
    return {
        "networks": [network_result(entry) for entry in measured],
        "data": {
            "name": data.name,
            "train": len(data.train.first(request.plan.train).labels),
            "test": len(data.test.labels),
            "classes": len(data.classes),
            "names": list(data.classes),
            "shape": list(data.shape),
        },
    }


def network_result(entry: Measured) -> dict[str, Any]:
    """Return what was found of one network."""
    shown = entry.shown
    return {
        "name": entry.name,
        "params": entry.params,
        "macs": entry.macs,
        "train_accuracy": entry.train_accuracy,
        "test_accuracy": entry.test_accuracy,
        "test_range": list(entry.test_range),
        "loss": curve(shown, "loss"),
        "accuracy": curve(shown, "accuracy"),
        "shifted": entry.shifted,
        "confusion": shown.confusion,
        "wrong": [wrong._asdict() for wrong in shown.wrong],
        "gradient_error": None if entry.check is None else entry.check.largest,
        "stopped": shown.stopped,
        "stuck": entry.stuck,
        "runs": [run_result(run) for run in entry.runs],
    }


def curve(run: Run, what: str) -> dict[str, list[Any]]:
    """Return loss or accuracy after each epoch."""
    return {
        "epoch": list(range(len(run.train))),
        "train": [getattr(scores, what) for scores in run.train],
        "test": [getattr(scores, what) for scores in run.test],
    }


def run_result(run: Run) -> dict[str, Any]:
    """Return the figures of one seed."""
    return {
        "seed": run.seed,
        "train_accuracy": run.train[-1].accuracy,
        "test_accuracy": run.test[-1].accuracy,
        "train_loss": run.train[-1].loss,
        "test_loss": run.test[-1].loss,
        "shifted": run.shifted,
        "stopped": run.stopped,
    }


def notes(request: TrainingRequest, measured: Sequence[Measured], *, interrupted: bool) -> Iterator[str]:
    """Yield what is to be known beside the result."""
    yield from request.source.notes
    if interrupted:
        reached = sum(len(entry.runs) for entry in measured)
        yield f"interrupted: shown is what was reached ({reached} of {len(request.networks) * len(request.seeds)} runs)"
    if request.plan.shift:
        lost = ink_lost(request.data.test.images, request.plan.shift)
        if lost > INK_WORTH_TELLING and not request.data.name.startswith("marks"):
            yield (
                f"moving the images by {request.plan.shift} pixels cuts off up to {100 * lost:.0f} % of their ink: "
                "part of the loss of accuracy is that, and not the moving"
            )


def blocks(facing: tables.Facing, output: Output) -> Iterator[Block]:
    """Yield what is printed."""
    yield from tables.blocks(facing)
    if facing.words.show:
        from dlmath.images.report.show import pictures

        yield from pictures(facing, color=output.streams.color)


def explanation(facing: tables.Facing) -> Iterator[Block]:
    """Yield one image through the trained network, number by number."""
    from dlmath.images.report.explain import explain

    yield from explain(facing)


def picture(facing: tables.Facing, ending: str) -> bytes:
    """Draw the figure of --plot."""
    from dlmath.images.report.plots import figure
    from dlmath.report.figures import drawn

    return drawn(figure(facing), ending)
