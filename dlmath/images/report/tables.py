"""The tables of `dlmath train-image`: networks side by side, moved images, and one sentence of what was measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from dlmath.images.engine.experiment import build_model, prepared
from dlmath.report.blocks import Facts, Lines, Table
from dlmath.report.curve import curve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.images.engine.data import Data
    from dlmath.images.engine.model import Model
    from dlmath.images.report.figures import Measured
    from dlmath.images.request import TrainingRequest
    from dlmath.images.words import Words
    from dlmath.report.blocks import Block, Cell

CURVE_COLUMNS = 70


class Facing(NamedTuple):
    """All that a report is made of.

    Attributes
    ----------
    request : TrainingRequest
    measured : sequence of Measured
    words : Words
    columns : int
        Of the terminal.
    """

    request: TrainingRequest
    measured: Sequence[Measured]
    words: Words
    columns: int

    @property
    def several(self) -> bool:
        """Whether there are seeds to compare."""
        return max(len(entry.runs) for entry in self.measured) > 1

    @property
    def seeds(self) -> str:
        """How many seeds the figures are of; an interrupted comparison may have reached unequal numbers."""
        counts = sorted({len(entry.runs) for entry in self.measured})
        return " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))

    def data(self) -> Data:
        """Return the images of the shown runs, as they were trained on."""
        return prepared(self.request.data, self.request.plan, self.request.seeds[0])

    def model(self, entry: Measured) -> Model:
        """Return the trained network of a shown run."""
        place = next(i for i, network in enumerate(self.request.networks) if network.name == entry.name)
        model = build_model(self.request.networks[place], self.request.plan_of(place), self.request.seeds[0])
        model.load(entry.shown.tensors)
        return model


def percent(share: float) -> float:
    """Return a share in percent, to one decimal.

    >>> percent(0.9747)
    97.5
    """
    return round(100 * share, 1)


def plural(count: int, word: str) -> str:
    """Write a number with its word.

    >>> plural(1, "epoch"), plural(2000, "step")
    ('1 epoch', '2,000 steps')
    """
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def networks_csv(measured: Sequence[Measured]) -> Table:
    """Return the main table: a row a network, shares as they are."""
    shifts = len(measured[0].shifted or ())
    columns = ("network", "params", "macs", "train_accuracy", "test_accuracy", "test_low", "test_high")
    rows = tuple(
        (
            entry.name,
            entry.params,
            entry.macs,
            entry.train_accuracy,
            entry.test_accuracy,
            *entry.test_range,
            *(entry.shifted or ()),
        )
        for entry in measured
    )
    return Table((*columns, *(f"shift_{pixels}" for pixels in range(shifts))), rows, title="Networks")


def blocks(facing: Facing) -> Iterator[Block]:
    """Yield everything but pictures."""
    yield setting(facing)
    yield networks_table(facing)
    if facing.measured[0].shifted is not None:
        yield shift_table(facing.measured)
    yield loss_curve(facing)
    yield from gradients(facing.measured)
    yield Lines(tuple(sentences(facing)), title="Measured")


def setting(facing: Facing) -> Facts:
    """Return what was trained on what, and how."""
    request, recipe = facing.request, facing.request.plan.recipe
    data = request.data
    train, test = len(data.train.first(request.plan.train).labels), len(data.test.labels)
    size = "x".join(map(str, data.shape))
    pairs: list[tuple[str, Cell]] = [
        *((entry.letter, entry.name) for entry in facing.measured),
        ("images", f"{data.name}: {train:,} for training, {test:,} for testing, {size}, {len(data.classes)} classes"),
    ]
    if request.plan.permute:
        pairs.append(("pixels", "in one random order, the same for all images"))
    steps = train // min(recipe.batch, train)
    often = f"{plural(recipe.epochs, 'epoch')} of {plural(steps, 'step')} of {min(recipe.batch, train)} images"
    pairs.append(("training", f"{often}, {recipe.optimizer} at {recipe.learning_rate:g}{extras(facing)}"))
    reached = [run.seed for entry in facing.measured for run in entry.runs]
    pairs.append(("seeds", f"{min(reached)} to {max(reached)}" if facing.several else str(reached[0])))
    return Facts(tuple(pairs), title="Networks")


def extras(facing: Facing) -> str:
    """Return what of the training is not as usual."""
    recipe = facing.request.plan.recipe
    unusual = [
        f"{recipe.schedule} schedule" if recipe.schedule != "constant" else "",
        f"weight decay {recipe.weight_decay:g}" if recipe.weight_decay else "",
        f"images moved by up to {recipe.augmentation.shift}" if recipe.augmentation.shift else "",
        "images flipped" if recipe.augmentation.flip else "",
        f"weights {recipe.init}" if recipe.init != "he" and facing.request.plan.start is None else "",
        f"weights of {facing.words.weights}" if facing.words.weights else "",
        facing.request.plan.dtype if facing.request.plan.dtype != "float32" else "",
    ]
    return "".join(f", {text}" for text in unusual if text)


def networks_table(facing: Facing) -> Table:
    """Return the networks side by side, accuracies in percent."""
    ranged = ("range",) if facing.several else ()
    rows = tuple(
        (
            entry.letter,
            entry.params,
            entry.macs,
            percent(entry.train_accuracy),
            percent(entry.test_accuracy),
            *((range_text(entry),) if facing.several else ()),
            end_text(entry),
        )
        for entry in facing.measured
    )
    title = "Accuracy, %" + (" (medians of the seeds)" if facing.several else "")
    return Table(("network", "params", "MACs", "train", "test", *ranged, "ended"), rows, title=title)


def range_text(entry: Measured) -> str:
    """Return the least and largest test accuracy."""
    low, high = entry.test_range
    return f"{100 * low:.1f} to {100 * high:.1f}"


def end_text(entry: Measured) -> str:
    """Return how the runs ended."""
    stopped = sorted({run.stopped for run in entry.runs if run.stopped != "epochs"})
    stuck = f"{entry.stuck} of {len(entry.runs)} learned nothing" if entry.stuck else ""
    return ", ".join([*stopped, *([stuck] if stuck else [])]) or "after all epochs"


def shift_table(measured: Sequence[Measured]) -> Table:
    """Return test accuracies with moved images."""
    shifts = len(measured[0].shifted or ())
    columns = ("network", *(f"{pixels} px" for pixels in range(shifts)))
    rows: list[tuple[Cell, ...]] = [(entry.letter, *map(percent, entry.shifted or ())) for entry in measured]
    return Table(columns, tuple(rows), title="Test accuracy, %, with images moved by so many pixels")


def loss_curve(facing: Facing) -> Lines:
    """Draw the first network's loss on the test images."""
    entry = facing.measured[0]
    values = [scores.loss for scores in entry.shown.test]
    label = f"loss of {entry.letter} on the test images, seed {entry.shown.seed}"
    lines = curve(
        list(range(len(values))), values, width=min(facing.columns, CURVE_COLUMNS), height=6, x_label="epoch",
        y_label=label,
    )  # fmt: skip
    return Lines(lines)


def gradients(measured: Sequence[Measured]) -> Iterator[Block]:
    """Yield how well the gradients agree with differences."""
    rows: list[tuple[Cell, ...]] = [
        (entry.letter, float(f"{check.largest:.3g}"), check.name, check.compared, check.at_kink, check.parameters)
        for entry in measured
        if (check := entry.check) is not None
    ]
    if rows:
        columns = ("network", "largest error", "of", "compared", "at a kink", "parameters")
        yield Table(columns, tuple(rows), title="Gradients by the chain rule against central differences, relative")


def sentences(facing: Facing) -> Iterator[str]:
    """Yield what was measured in a sentence, and what went wrong in others."""
    yield summary(facing)
    for entry in facing.measured:
        if entry.stuck:
            yield stuck_text(entry)
        diverged = sum(run.stopped == "diverged" for run in entry.runs)
        if diverged:
            runs = plural(len(entry.runs), "run")
            yield f"{entry.letter} diverged in {diverged} of {runs}: its loss is no finite number any more."


def summary(facing: Facing) -> str:
    """Return the one sentence: who is right on how many test images, at rest and moved."""
    data = facing.request.data
    kind = " whose pixels are permuted" if facing.request.plan.permute else ""
    middle = f"; medians of {facing.seeds} seeds" if facing.several else ""
    parts = [
        f"{entry.letter} ({entry.params:,} parameters) is right on {100 * entry.test_accuracy:.1f} %"
        for entry in facing.measured
    ]
    text = f"Of {len(data.test.labels):,} test images{kind}, {listed(parts)}"
    moved = [entry.shifted for entry in facing.measured if entry.shifted and len(entry.shifted) > 1]
    if len(moved) == len(facing.measured):
        pixels = len(moved[0]) - 1
        tail = listed(
            [f"{entry.letter} on {100 * table[-1]:.1f} %" for entry, table in zip(facing.measured, moved, strict=True)]
        )
        text += f"; moved by {plural(pixels, 'pixel')}, {tail}"
    return f"{text}{middle}."


def listed(parts: Sequence[str]) -> str:
    """Join parts as prose does.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def stuck_text(entry: Measured) -> str:
    """Say that a loss has not left the level of guessing."""
    level = math.log(entry.classes)
    runs = f"in {entry.stuck} of {len(entry.runs)} runs" if len(entry.runs) > 1 else "here"
    return (
        f"{entry.letter} learned nothing {runs}: its loss ended within 1 % of ln {entry.classes} = {level:.4f}, "
        "that of equal chances."
    )
