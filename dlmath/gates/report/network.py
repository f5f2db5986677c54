"""The report of networks on a gate: truth table, ensemble, drawings, and one training step number by number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.gates.engine.failures import FAILURES
from dlmath.gates.engine.predict import predict
from dlmath.gates.engine.training import STOP_TEXTS
from dlmath.gates.report.tables import span, truth_table
from dlmath.neural.uncertainty import summarise_epochs, wilson_interval
from dlmath.report.bars import bars, histogram, wide_histogram
from dlmath.report.blocks import Facts, Lines, Table
from dlmath.report.curve import curve
from dlmath.report.map import decision_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.engine.gradients import GradientCheck
    from dlmath.gates.engine.training import TrainingResult, TrainingSettings
    from dlmath.gates.report.plots import Plane
    from dlmath.report.blocks import Block, Cell, Line

MAP_STEPS = 61
PLOT_STEPS = 201
LOG_FROM = 100.0
LONG_TAIL = 20


def main_table(gate: Gate, found: TrainingResult) -> Table:
    """Return the truth table with the shown network's outputs."""
    outputs = found.shown.outputs
    correct = (np.abs(outputs - np.array(gate.targets)) <= found.settings.tolerance).all(axis=1)
    return truth_table(gate, outputs.tolist(), correct.tolist())


def blocks(gate: Gate, found: TrainingResult, check: GradientCheck | None, columns: int) -> Iterator[Block]:
    """Yield what is shown without asking."""
    yield main_table(gate, found)
    yield Facts(tuple(facts(found, check)), title="Network")
    if found.settings.seeds > 1:
        yield from ensemble(found, columns)
    shown = found.shown.curve
    if len(shown.epochs) > 1:
        log = spans_decades(shown.values)
        lines = curve(shown.epochs, shown.values, width=min(columns, 72), log=log, x_label="epoch", y_label="loss")
        yield Lines(lines, title=f"Loss of {seed_name(found)}")
    if gate.n_inputs == 2 and gate.n_outputs == 1:
        yield Lines(boundary(gate, found, columns), title=f"Output of {seed_name(found)} over the plane of its inputs")


def seed_name(found: TrainingResult) -> str:
    """Name the network that is shown."""
    return "the network" if found.settings.seeds == 1 else f"seed {found.settings.seed}"


def spans_decades(values: tuple[float, ...]) -> bool:
    """Tell whether a loss falls so far that only a log axis shows it."""
    positive = [value for value in values if 0 < value < float("inf")]
    return bool(positive) and max(positive) > LOG_FROM * min(positive)


def facts(found: TrainingResult, check: GradientCheck | None) -> Iterator[tuple[str, Cell]]:
    """Yield what the shown network is and how its training ended."""
    settings, shown = found.settings, found.shown
    architecture = settings.architecture
    verdict = "learned" if shown.learned else "not learned"
    yield "architecture", f"{'-'.join(map(str, architecture.sizes))} ({', '.join(architecture.activations)})"
    yield "parameters", architecture.parameter_count
    yield "seed", settings.seed
    yield "result", f"{verdict} after {shown.stopped_at:,} epochs: {STOP_TEXTS[shown.stopped]}"
    yield "loss", f"{shown.loss:.6g} ({settings.loss})"
    if not shown.learned:
        yield "how it failed", failure_of_shown(found)
    if check is not None:
        yield "gradient error", f"{check.largest:.3g} (largest relative error against central differences)"


def failure_of_shown(found: TrainingResult) -> str:
    """Say in words where the shown network got stuck."""
    name = tuple(FAILURES)[int(found.failures[0])]
    return f"{name}: {FAILURES[name]}"


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
        rows = tuple((name, number, FAILURES[name]) for name, number in found.failure_counts.items())
        yield Table(("failed", "seeds", "how"), rows, title="How the others ended")
    if len(epochs) > 1:
        counted = wide_histogram if epochs.max() > LONG_TAIL * max(epochs.min(), 1) else histogram
        yield Lines(bars(*counted(epochs.tolist()), width=min(columns, 60)), title="Epochs until learned")


def boundary(gate: Gate, found: TrainingResult, columns: int) -> tuple[Line, ...]:
    """Draw the shown network's output over the plane of two inputs."""
    x_range, y_range = ranges(gate)
    values = output_grid(found, x_range, y_range, MAP_STEPS)
    points = [(x[0], x[1], y[0]) for x, y in zip(gate.inputs, gate.targets, strict=True)]
    return decision_map(values.tolist(), points, width=min(columns, 44), x_range=x_range, y_range=y_range)


def ranges(gate: Gate) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the part of the plane that is drawn."""
    return span([row[0] for row in gate.inputs]), span([row[1] for row in gate.inputs])


def output_grid(
    found: TrainingResult, x_range: tuple[float, float], y_range: tuple[float, float], steps: int
) -> NDArray[np.float64]:
    """Return the outputs on an even grid, clipped to [0, 1]; row 0 is the top, where x2 is highest."""
    xs, ys = np.linspace(*x_range, steps), np.linspace(y_range[1], y_range[0], steps)
    plane = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    outputs = predict(found.settings.architecture, found.shown.parameters, plane)[:, 0]
    return np.asarray(np.clip(np.nan_to_num(outputs, nan=0.5), 0, 1).reshape(steps, steps))


def explanation(gate: Gate, settings: TrainingSettings) -> Iterator[Block]:
    """Yield the first training step of the shown network, number by number."""
    from dlmath.gates.engine.trace import trace_step
    from dlmath.gates.report.step import explain_step

    yield from explain_step(trace_step(np.array(gate.inputs), np.array(gate.targets), settings), settings)


def picture(gate: Gate, found: TrainingResult, ending: str) -> bytes:
    """Draw the figure of --plot."""
    from dlmath.gates.report.plots import TrainGateFigure, figure
    from dlmath.report.figures import drawn

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
        tolerance=found.settings.tolerance,
        plane=plane(gate, found) if gate.n_inputs == 2 and gate.n_outputs == 1 else None,
        epochs=found.epochs[found.learned].tolist() if several else (),
        failures=found.failure_counts if several else {},
    )
    return drawn(figure(data), ending)


def plane(gate: Gate, found: TrainingResult) -> Plane:
    """Return what the decision boundary's panel shows."""
    from dlmath.gates.report.plots import Plane

    x_range, y_range = ranges(gate)
    weights, biases = found.shown.weights[0], found.shown.biases[0]
    shared = np.resize(biases, weights.shape[1]) if len(biases) else np.zeros(weights.shape[1])
    hidden = len(found.shown.weights) > 1
    return Plane(
        x_range=x_range,
        y_range=y_range,
        points=[(x[0], x[1], y[0]) for x, y in zip(gate.inputs, gate.targets, strict=True)],
        values=output_grid(found, x_range, y_range, PLOT_STEPS).tolist(),
        units=[(float(w[0]), float(w[1]), float(b)) for w, b in zip(weights.T, shared, strict=True)] if hidden else (),
    )
