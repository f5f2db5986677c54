"""The report of networks on a gate: the verdict, the rows, hidden units, many seeds, drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.gates.answers import right_rows
from dlmath.gates.engine.diagnosis import FAILURES, NAMES
from dlmath.gates.engine.ensemble import STOPS
from dlmath.gates.engine.training import STOP_TEXTS
from dlmath.gates.report.hidden import hidden_blocks
from dlmath.gates.report.plane import boundary, one_input_curve, output_name, plane
from dlmath.gates.report.tables import linear_form, right_text, shown_rows, truth_table
from dlmath.neural.optimizers import parse_optimizer
from dlmath.neural.uncertainty import summarise_epochs, wilson_interval
from dlmath.report.bars import bars, histogram, wide_histogram
from dlmath.report.blocks import Facts, Lines, Table
from dlmath.report.curve import curve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.engine.training import TrainingResult, TrainingSettings
    from dlmath.gates.network_result import Trained
    from dlmath.report.blocks import Block, Cell

LOG_FROM = 100.0
LONG_TAIL = 20


def met_rows(trained: Trained) -> list[bool]:
    """Return which rows meet the criterion of learning."""
    targets = np.array(trained.gate.targets, np.float64)
    met = trained.request.criterion.met_rows(trained.result.shown.outputs, targets)
    return [bool(row) for row in met.tolist()]


def main_table(trained: Trained) -> Table:
    """Return the truth table with the shown network's outputs."""
    return truth_table(trained.gate, trained.result.shown.outputs.tolist(), met_rows(trained))


def blocks(trained: Trained, columns: int, *, per_seed: bool = False) -> Iterator[Block]:
    """Yield what is shown without asking; the verdict comes first and, where it is seen without scrolling, last."""
    gate, found = trained.gate, trained.result
    yield Facts(tuple(facts(trained)), title="Network")
    correct = met_rows(trained)
    yield shown_rows(main_table(trained), correct)
    yield from hidden_blocks(gate, trained.request.architecture, trained.hidden)
    yield from line_blocks(trained)
    if found.settings.seeds > 1:
        yield from ensemble(found, columns)
    if per_seed:
        yield seeds_table(trained)
    yield from loss_curve(found, columns)
    if gate.n_inputs == 2:
        drawing = boundary(gate, found, columns)
        yield Lines(drawing, title=f"{output_name(gate)} of {seed_name(found)} over the plane of its inputs")
    if gate.n_inputs == 1:
        drawing = one_input_curve(gate, found, columns)
        yield Lines(drawing, title=f"{output_name(gate)} of {seed_name(found)} over its input")
    yield Lines(tuple(verdict(trained)))


def line_blocks(trained: Trained) -> Iterator[Block]:
    """Yield whether a line separates the rows, and the proof, for a network that is one unit."""
    if trained.proof is None:
        return
    from dlmath.gates.report.certificate import certificate_table

    output, proof = trained.proof
    if proof.certificate is not None:
        yield certificate_table(trained.gate, proof.certificate, output=output)
    elif proof.weights is not None:
        line = f"{linear_form(proof.weights, proof.bias)} = 0"
        yield Facts((("linearly separable", True), ("widest line", line)), title="The network is one unit")


def loss_curve(found: TrainingResult, columns: int) -> Iterator[Block]:
    """Yield the loss over the epochs, when there were any."""
    shown = found.shown.curve
    if len(shown.epochs) > 1:
        log = spans_decades(shown.values)
        lines = curve(shown.epochs, shown.values, width=min(columns, 72), log=log, x_label="epoch", y_label="loss")
        yield Lines(lines, title=f"Loss of {seed_name(found)}")


def seed_name(found: TrainingResult) -> str:
    """Name the network that is shown."""
    return "the network" if found.settings.seeds == 1 else f"seed {found.settings.seed}"


def spans_decades(values: tuple[float, ...]) -> bool:
    """Tell whether a loss falls so far that only a log axis shows it."""
    positive = [value for value in values if 0 < value < float("inf")]
    return bool(positive) and max(positive) > LOG_FROM * min(positive)


# ----------------------------------------------------------------------------------------- the shown network


def facts(trained: Trained) -> Iterator[tuple[str, Cell]]:
    """Yield what the shown network is and how its training ended."""
    settings, shown = trained.request, trained.result.shown
    architecture = settings.architecture
    yield "result", result_text(trained)
    right = right_rows(trained.gate, shown.outputs.tolist())
    yield "right", right_text(None if right is None else int(right.sum()), len(trained.gate.inputs))
    yield "architecture", f"{'-'.join(map(str, architecture.sizes))} ({', '.join(architecture.activations)})"
    yield "parameters", architecture.parameter_count
    yield "optimizer", optimizer_text(settings)
    yield "seed", settings.seed
    yield "loss", f"{shown.loss:.6g} ({settings.loss})"
    if trained.check is not None:
        yield "gradient error", f"{trained.check.largest:.3g} (largest relative error against central differences)"


def optimizer_text(settings: TrainingSettings) -> str:
    """Say how the steps are made."""
    chosen = parse_optimizer(settings.optimizer, settings.like)
    rate = f"{chosen.rule.name}, rate {settings.learning_rate:g}"
    return f"{rate} ({chosen.constants_text})" if chosen.constants_text else rate


def result_text(trained: Trained) -> str:
    """Say in a line how the shown network's training ended."""
    settings, shown = trained.request, trained.result.shown
    epochs = f"{shown.stopped_at:,} epoch{'' if shown.stopped_at == 1 else 's'}"
    if shown.learned:
        return f"learned after {epochs}: {settings.criterion.text}"
    return f"not learned after {epochs}: {STOP_TEXTS[shown.stopped]}"


def verdict(trained: Trained) -> Iterator[str]:
    """Yield the last lines of the report: what came out, and if nothing did, why and what to do."""
    found = trained.result
    if found.settings.seeds > 1:
        yield f"{found.learned_count:,} of {found.settings.seeds:,} seeds learned"
    yield f"{seed_name(found)}: {result_text(trained)}"
    if trained.diagnosis is not None:
        yield f"why: {trained.diagnosis.name}: {trained.diagnosis.cause}"
        yield f"try: {trained.diagnosis.advice}"


# -------------------------------------------------------------------------------------------------- many seeds


def ensemble(found: TrainingResult, columns: int) -> Iterator[Block]:
    """Yield how all the seeds fared."""
    count, seeds = found.learned_count, found.settings.seeds
    low, high = wilson_interval(count, seeds)
    pairs: list[tuple[str, Cell]] = [
        ("learned", f"{count:,} of {seeds:,}"),
        ("success rate", f"{100 * count / seeds:.4g} % (95 %: {100 * low:.4g} to {100 * high:.4g})"),
    ]
    epochs = found.epochs[found.learned]
    summary = summarise_epochs(epochs)
    if summary is not None:
        quantiles = f"median {summary.median:,.6g}, p90 {summary.p90:,.6g}"
        pairs.append(("epochs", f"min {summary.min:,}, {quantiles}, max {summary.max:,}"))
    yield Facts(tuple(pairs), title=f"Seeds {found.settings.seed} to {found.settings.seed + seeds - 1}")
    if found.failure_counts:
        yield failures_table(found)
    if len(epochs) > 1:
        counted = wide_histogram if epochs.max() > LONG_TAIL * max(epochs.min(), 1) else histogram
        yield Lines(bars(*counted(epochs.tolist()), width=min(columns, 60)), title="Epochs until learned")


def failures_table(found: TrainingResult) -> Table:
    """Return how the others ended, with the first seed of each class, which can be looked at alone."""
    first = found.first_failed
    rows = tuple(
        (name, number, f"--seed {first[name]}", FAILURES[name]) for name, number in found.failure_counts.items()
    )
    columns = ("failed", "seeds", "look at", "how")
    return Table(columns, rows, title="How the others ended", keep=("failed", "seeds", "look at"))


def seeds_table(trained: Trained) -> Table:
    """Return one row a seed."""
    found = trained.result
    columns = (found.stops.tolist(), found.stopped_at.tolist(), found.losses.tolist(), found.failures.tolist())
    rows = tuple(
        (found.settings.seed + number, STOPS[stop] == "learned", epochs, STOPS[stop], loss,
         NAMES[code] if code >= 0 else None)
        for number, (stop, epochs, loss, code) in enumerate(zip(*columns, strict=True))
    )  # fmt: skip
    return Table(("seed", "learned", "epochs", "stopped", "loss", "class"), rows, title="Seed by seed")


# ------------------------------------------------------------------------------------- explanation and picture


def explanation(gate: Gate, settings: TrainingSettings, epoch: int = 0) -> Iterator[Block]:
    """Yield one training step of the shown network, number by number."""
    from dlmath.gates.engine.trace import trace_step
    from dlmath.gates.report.step import explain_step

    trace = trace_step(np.array(gate.inputs, np.float64), np.array(gate.targets, np.float64), settings, epoch)
    yield from explain_step(trace, settings, epoch)


def picture(trained: Trained, ending: str) -> bytes:
    """Draw the figure of --plot."""
    from dlmath.gates.report.plots import TrainGateFigure, figure
    from dlmath.report.figures import drawn

    gate, found = trained.gate, trained.result
    shown = found.shown
    several = found.settings.seeds > 1
    sizes = "-".join(map(str, found.settings.architecture.sizes))
    data = TrainGateFigure(
        title=f"{gate.name}: a {sizes} network" + (f", {found.settings.seeds:,} seeds" if several else ""),
        loss_epochs=shown.curve.epochs,
        loss_values=shown.curve.values,
        loss_name=found.settings.loss,
        run=seed_name(found) if several else "",
        learned_at=shown.stopped_at if shown.learned else None,
        reached=found.settings.criterion.short,
        plane=plane(gate, found) if gate.n_inputs <= 2 else None,
        epochs=found.epochs[found.learned].tolist() if several else (),
        failures=found.failure_counts if several else {},
    )
    return drawn(figure(data), ending)
