"""A network's output over the plane of its two inputs, or over its one: for the terminal, figures and films."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.gates.engine.levels import target_levels
from dlmath.gates.engine.predict import predict
from dlmath.gates.report.tables import span
from dlmath.report.curve import curve
from dlmath.report.map import decision_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.engine.training import TrainingResult
    from dlmath.gates.report.plane_plot import Plane
    from dlmath.neural.architecture import Architecture
    from dlmath.report.blocks import Line

MAP_STEPS, PLOT_STEPS = 61, 201
MOST_LINES = 6
"""Hidden units whose lines are drawn: more only cross each other out."""


class PlaneScale(NamedTuple):
    """The levels that drawings go by: an output's lower and higher target level."""

    low: float
    high: float

    def shares(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values in units of the levels, clipped to them; what is no number is in the middle."""
        shares = (values - self.low) / (self.high - self.low)
        return np.asarray(np.clip(np.nan_to_num(shares, nan=0.5, posinf=1, neginf=0), 0, 1))

    @property
    def middle(self) -> float:
        """The midpoint."""
        return (self.low + self.high) / 2


def scale_of(gate: Gate, output: int = 0) -> PlaneScale:
    """Return the two levels of an output's targets; of more levels, the lowest and the highest."""
    targets = np.array(gate.targets, np.float64)
    levels = target_levels(targets)
    if levels is not None:
        return PlaneScale(float(levels.low[output]), float(levels.high[output]))
    return PlaneScale(float(targets[:, output].min()), float(targets[:, output].max()))


def drawn_output(gate: Gate) -> int:
    """Return which output is drawn over the inputs: the only one, the second of two classes, else the first."""
    return 1 if len(gate.output_names) == 2 else 0


def output_name(gate: Gate) -> str:
    """Name the drawn output where there are several.

    >>> from dlmath.gates.engine.gates import Gate, parse_gate
    >>> output_name(parse_gate("xor")), output_name(Gate("g", ((0,),), ((0, 1),), ("x",), ("no", "yes")))
    ('Output', "Output 'yes'")
    """
    if gate.n_outputs == 1:
        return "Output"
    place = drawn_output(gate)
    return f"Output {gate.output_names[place]!r}" if gate.output_names else f"Output {place + 1}"


def ranges(gate: Gate) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the part of the plane that is drawn."""
    return span([row[0] for row in gate.inputs]), span([row[1] for row in gate.inputs])


def output_grid(
    architecture: Architecture, parameters: NDArray[Any], gate: Gate, steps: int, output: int = 0
) -> NDArray[Any]:
    """Return an output's shares of its levels on an even grid; row 0 is the top, where x2 is highest."""
    x_range, y_range = ranges(gate)
    xs, ys = np.linspace(*x_range, steps), np.linspace(y_range[1], y_range[0], steps)
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    outputs = predict(architecture, parameters, points)[:, output]
    return scale_of(gate, output).shares(outputs).reshape(steps, steps)


def data_points(gate: Gate, output: int = 0) -> list[tuple[float, float, float]]:
    """Return (x1, x2, target), the target as a share of the levels."""
    shares = scale_of(gate, output).shares(np.array([row[output] for row in gate.targets], np.float64))
    return [(x[0], x[1], share) for x, share in zip(gate.inputs, shares.tolist(), strict=True)]


def boundary(gate: Gate, found: TrainingResult, columns: int) -> tuple[Line, ...]:
    """Draw the shown network's output over the plane of two inputs."""
    place = drawn_output(gate)
    values = output_grid(found.settings.architecture, found.shown.parameters, gate, MAP_STEPS, place)
    x_range, y_range = ranges(gate)
    scale = scale_of(gate, place)
    return decision_map(
        values.tolist(), data_points(gate, place), width=min(columns, 44), x_range=x_range, y_range=y_range,
        levels=(scale.low, scale.high),
    )  # fmt: skip


def one_input_curve(gate: Gate, found: TrainingResult, columns: int) -> tuple[Line, ...]:
    """Draw the shown network's output over its one input."""
    xs = np.linspace(*span([row[0] for row in gate.inputs]), MAP_STEPS)
    outputs = predict(found.settings.architecture, found.shown.parameters, xs[:, None])[:, drawn_output(gate)]
    return curve(xs.tolist(), outputs.tolist(), width=min(columns, 72), x_label="x1", y_label="output")


def plane(gate: Gate, found: TrainingResult) -> Plane:
    """Return what the panel of the inputs shows."""
    from dlmath.gates.report.plane_plot import Plane

    place = drawn_output(gate)
    scale = scale_of(gate, place)
    architecture, parameters = found.settings.architecture, found.shown.parameters
    if gate.n_inputs == 1:
        low, high = span([row[0] for row in gate.inputs])
        xs = np.linspace(low, high, PLOT_STEPS)
        outputs = predict(architecture, parameters, xs[:, None])[:, place]
        points = [(x[0], y[place], y[place]) for x, y in zip(gate.inputs, gate.targets, strict=True)]
        curve_points = list(zip(xs.tolist(), outputs.tolist(), strict=True))
        levels = (scale.low, scale.high)
        return Plane((low, high), levels, points, curve=curve_points, levels=levels, names=axis_names(gate))
    x_range, y_range = ranges(gate)
    return Plane(
        x_range=x_range,
        y_range=y_range,
        points=data_points(gate, place),
        values=output_grid(architecture, parameters, gate, PLOT_STEPS, place).tolist(),
        units=unit_lines(found),
        levels=(scale.low, scale.high),
        names=axis_names(gate),
    )


def axis_names(gate: Gate) -> tuple[str, str]:
    """Return what the axes of the inputs are called: as the file's columns, else x1 and x2."""
    titles = tuple(title.replace("$", "") for title in gate.input_names) or ("$x_1$", "$x_2$")
    return titles[0], titles[-1]


def unit_lines(found: TrainingResult) -> list[tuple[float, float, float]]:
    """Return the lines w . x + b = 0 of the first hidden layer's units, when they are few enough to be told apart."""
    weights, biases = found.shown.weights[0], found.shown.biases[0]
    if len(found.shown.weights) < 2 or weights.shape[1] > MOST_LINES:
        return []
    shared = np.resize(biases, weights.shape[1]) if len(biases) else np.zeros(weights.shape[1])
    return [(float(w[0]), float(w[1]), float(b)) for w, b in zip(weights.T, shared, strict=True)]
