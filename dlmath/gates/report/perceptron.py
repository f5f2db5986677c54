"""The perceptron's report: table, line, certificate, drawing, and the rule step by step."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from dlmath.gates.engine.perceptron import steps
from dlmath.gates.engine.separability import nearest_row
from dlmath.gates.report.tables import linear_form, number, numbered, span, truth_table
from dlmath.report.blocks import Facts, Lines, Table
from dlmath.report.map import decision_map

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.engine.perceptron import Perceptron, Run, Step
    from dlmath.gates.engine.separability import Separability
    from dlmath.gates.report.plots import Plane
    from dlmath.report.blocks import Block, Cell, Line

EXPLAINED_STEPS = 200
MAP_STEPS = 41
VERDICTS = {
    "learned": "learned: every output equals its target",
    "cycle": "not learned: the weights run in a cycle",
    "epochs": "not learned: the epochs are used up",
}


def main_table(gate: Gate, run: Run) -> Table:
    """Return the truth table with the unit's outputs."""
    outputs = [(value,) for value in run.outputs]
    return truth_table(gate, outputs, [out == target for out, target in zip(outputs, gate.targets, strict=True)])


def blocks(gate: Gate, run: Run, runs: Sequence[Run], proof: Separability) -> Iterator[Block]:
    """Yield what is shown without asking."""
    yield main_table(gate, run)
    yield Facts(tuple(facts(run, runs, proof)), title="Perceptron")
    certificate = None if proof.separable else run.certificate or proof.certificate
    if certificate is not None:
        yield certificate_table(gate, certificate, bias=run.bias is not None)
    if gate.n_inputs == 2:
        yield Lines(boundary(gate, run), title="Where the unit fires")


def facts(run: Run, runs: Sequence[Run], proof: Separability) -> Iterator[tuple[str, Cell]]:
    """Yield the run's figures and the verdict of the theory beside them."""
    yield "result", VERDICTS["learned" if run.learned else run.stopped]
    yield "epochs", run.epochs
    yield "updates", run.updates
    yield "fires when", f"{linear_form(run.weights, run.bias)} > 0"
    if run.cycle is not None:
        yield "cycle", f"the weights after epoch {run.cycle.start} come back every {run.cycle.length} epoch(s)"
    if len(runs) > 1:
        yield "seeds that learned", f"{sum(one.learned for one in runs)} of {len(runs)}"
    yield "linearly separable", proof.separable
    if proof.separable and proof.gamma_squared and proof.weights is not None:
        yield "widest line", f"{linear_form(proof.weights, proof.bias)} = 0"
        yield "margin gamma", f"{proof.margin:.9g} = sqrt({proof.gamma_squared})"
        yield "at most", f"(R / gamma)^2 = {proof.bound} updates from zero weights (Novikoff 1962)"


def certificate_table(gate: Gate, certificate: Sequence[int], *, bias: bool) -> Table:
    """Return the proof of impossibility: signed rows times y, and their sum, which is zero."""
    signed = []
    for x, (target,), y in zip(gate.inputs, gate.targets, certificate, strict=True):
        sign = 1 if target else -1
        row = (*x, 1) if bias else x
        signed.append((y, sign, [sign * number(value) for value in row]))
    kept = [(y, sign, row) for y, sign, row in signed if y]
    width = gate.n_inputs + bias
    sums = [sum(_exact(y, row[i]) for y, _, row in kept) for i in range(width)]
    columns = ("y", "sign", *(f"s {name}" for name in (*numbered("x", gate.n_inputs), *(("1",) if bias else ()))))
    rows = [(y, "+" if sign > 0 else "-", *row) for y, sign, row in kept]
    return Table(
        columns,
        (*rows, ("sum", "", *(number(total) for total in sums))),
        title="No line can do it: w . (signed row) > 0 for every row is impossible, for y times the rows sums to zero",
    )


def _exact(count: int, value: float) -> Fraction:
    """Return count * value with the decimal taken as written, so that the sum is exactly zero."""
    from fractions import Fraction

    return count * Fraction(str(value))


def boundary(gate: Gate, run: Run) -> tuple[Line, ...]:
    """Draw where the unit fires, over the plane of its two inputs."""
    (x_low, x_high), (y_low, y_high) = (span([row[i] for row in gate.inputs]) for i in (0, 1))
    weights = [float(w) for w in run.weights]
    bias = float(run.bias or 0)
    values = [
        [float(weights[0] * x + weights[1] * y + bias > 0) for x in grid(x_low, x_high)] for y in grid(y_high, y_low)
    ]
    points = [(x[0], x[1], y[0]) for x, y in zip(gate.inputs, gate.targets, strict=True)]
    return decision_map(values, points, x_range=(x_low, x_high), y_range=(y_low, y_high))


def grid(start: float, stop: float, steps_: int = MAP_STEPS) -> list[float]:
    """Return evenly spaced numbers, ends included."""
    return [start + (stop - start) * i / (steps_ - 1) for i in range(steps_)]


def explanation(gate: Gate, unit: Perceptron, run: Run) -> Iterator[Block]:
    """Yield the rule, and every row as it was taken."""
    yield Lines(
        (
            "z = w . x + b                 the weighted sum",
            "o = 1 if z > 0 else 0         the step unit (McCulloch & Pitts 1943)",
            "w <- w + eta (t - o) x        the rule (Rosenblatt 1958); the bias is the weight of a constant input 1",
            f"eta = {float(unit.rate):.9g}",
        ),
        title="The perceptron rule",
    )
    last = run.epochs if run.cycle is None else sum(run.cycle)
    taken = list(islice(steps(unit, last), EXPLAINED_STEPS + 1))
    shown = taken[:EXPLAINED_STEPS]
    yield steps_table(gate, shown, bias=unit.bias)
    if len(taken) > EXPLAINED_STEPS:
        yield Lines(
            (f"(the first {EXPLAINED_STEPS} rows taken; the run has {last} epochs of {len(gate.inputs)} rows)",)
        )


def steps_table(gate: Gate, shown: Sequence[Step], *, bias: bool) -> Table:
    """Return one line a row taken: what was seen, answered and changed."""
    names = (*numbered("w", gate.n_inputs), *(("b",) if bias else ()))
    columns = ("epoch", "row", *numbered("x", gate.n_inputs), "z", "o", "t", "t - o", *names)
    rows = tuple(
        (s.epoch, s.row + 1, *map(number, s.x), number(s.z), s.output, s.target, s.error, *map(number, s.after))
        for s in shown
    )
    styles = tuple("yellow" if step.error else "" for step in shown)
    return Table(columns, rows, title="Row by row (weights after it)", styles=styles)


def picture(gate: Gate, unit: Perceptron, run: Run, ending: str) -> bytes:
    """Draw the figure of --plot."""
    from dlmath.gates.report.plots import TrainGateFigure, figure
    from dlmath.report.figures import drawn

    data = TrainGateFigure(
        title=f"{gate.name}: a perceptron",
        errors=run.history.errors,
        error_cycle=None if run.cycle is None else (run.cycle.start + 1, run.cycle.length),
        plane=plane(gate, unit, run) if gate.n_inputs == 2 else None,
    )
    return drawn(figure(data), ending)


def plane(gate: Gate, unit: Perceptron, run: Run) -> Plane:
    """Return what the panel of the plane shows: the line that was found, or those the rule cycles through."""
    from dlmath.gates.report.plots import Plane

    nearest = nearest_row(gate.inputs, run.weights, run.bias or 0) if run.learned else None
    return Plane(
        x_range=span([row[0] for row in gate.inputs]),
        y_range=span([row[1] for row in gate.inputs]),
        points=[(x[0], x[1], y[0]) for x, y in zip(gate.inputs, gate.targets, strict=True)],
        separator=line_of((*run.weights, run.bias or 0)) if run.learned else None,
        margin=None if nearest is None else nearest.distance,
        cycle=cycle_lines(unit, run),
    )


def line_of(weights: Sequence[float | Fraction]) -> tuple[float, float, float]:
    """Return w1, w2, b as floats."""
    first, second, bias = (float(value) for value in weights)
    return first, second, bias


def cycle_lines(unit: Perceptron, run: Run) -> list[tuple[float, float, float]]:
    """Return the lines that the rule goes through once around its cycle."""
    if run.cycle is None:
        return []
    turning = [s.after for s in steps(unit, sum(run.cycle)) if s.epoch > run.cycle.start and s.error]
    return list(dict.fromkeys(line_of(after if unit.bias else (*after, 0)) for after in turning))
