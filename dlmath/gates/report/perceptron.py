"""The perceptron's report: verdict, table, line, certificate, drawing, and the rule step by step."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from dlmath.gates.engine.perceptron import steps
from dlmath.gates.engine.separability import nearest_row
from dlmath.gates.perceptron_result import (
    certificate,
    coded,
    diagnosis,
    margin,
    right_count,
    seed_result,
    updates_bound,
)
from dlmath.gates.report.certificate import certificate_table
from dlmath.gates.report.tables import (
    input_titles,
    linear_form,
    number,
    numbered,
    right_text,
    shown_rows,
    span,
    truth_table,
)
from dlmath.report.blocks import Facts, Lines, Table
from dlmath.report.map import decision_map

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from dlmath.gates.engine.perceptron import Perceptron
    from dlmath.gates.engine.perceptron_records import PerceptronRun, PerceptronStep
    from dlmath.gates.perceptron_result import TrainedPerceptron
    from dlmath.gates.report.plane_plot import Plane
    from dlmath.report.blocks import Block, Cell, Line

EXPLAINED_STEPS = 200
MAP_STEPS = 41
VERDICTS = {
    "learned": "learned: every output equals its target",
    "cycle": "not learned: the weights run in a cycle",
    "epochs": "not learned: the epochs are used up",
}


def answers(trained: TrainedPerceptron) -> list[list[float]]:
    """Return the shown run's outputs (rows, 1), coded as the targets are."""
    return [[coded(trained, answer)] for answer in trained.run.outputs]


def correct_rows(trained: TrainedPerceptron) -> list[bool]:
    """Return which rows are answered rightly."""
    return [answer == target for answer, target in zip(trained.run.outputs, trained.unit.targets, strict=True)]


def main_table(trained: TrainedPerceptron) -> Table:
    """Return the truth table with the unit's outputs."""
    return truth_table(trained.gate, answers(trained), correct_rows(trained))


def seeds_table(trained: TrainedPerceptron) -> Table:
    """Return one row a seed."""
    rows = [seed_result(trained, place, run) for place, run in enumerate(trained.runs)]
    columns = ("seed", "learned", "epochs", "stopped", "loss", "class")
    cells: list[tuple[Cell, ...]] = [tuple(row[column] for column in columns) for row in rows]  # type: ignore[misc]
    titles = tuple("wrong rows" if column == "loss" else column for column in columns)
    return Table(titles, tuple(cells), title="Seed by seed")


def blocks(trained: TrainedPerceptron, *, per_seed: bool = False) -> Iterator[Block]:
    """Yield what is shown without asking; the verdict comes first and, where it is seen without scrolling, last."""
    yield Facts(tuple(facts(trained)), title="Perceptron")
    yield shown_rows(main_table(trained), correct_rows(trained))
    proof = certificate(trained)
    if proof is not None:
        yield certificate_table(trained.gate, proof, bias=trained.bias)
    if per_seed:
        yield seeds_table(trained)
    if trained.gate.n_inputs == 2:
        yield Lines(boundary(trained), title="Where the unit fires")
    yield Lines(tuple(verdict(trained)))


def verdict(trained: TrainedPerceptron) -> Iterator[str]:
    """Yield the last lines of the report: what came out, and if nothing did, why and what to do."""
    yield VERDICTS["learned" if trained.run.learned else trained.run.stopped]
    found = diagnosis(trained, trained.run)
    if found is not None:
        yield f"why: {found['class']}: {found['cause']}"
        yield f"try: {found['advice']}"


def facts(trained: TrainedPerceptron) -> Iterator[tuple[str, Cell]]:
    """Yield the run's figures and the verdict of the theory beside them."""
    run, runs = trained.run, trained.runs
    yield "result", VERDICTS["learned" if run.learned else run.stopped]
    yield "right", right_text(right_count(trained, run), len(trained.gate.inputs))
    yield "epochs", run.epochs
    yield "updates", run.updates
    yield from (("fires when", text) for text in firing(trained))
    yield "ties", tie_text(trained)
    if run.cycle is not None:
        yield "cycle", f"the weights after epoch {run.cycle.start} come back every {run.cycle.length} epoch(s)"
    if len(runs) > 1:
        yield "seeds that learned", f"{sum(seed.learned for seed in runs)} of {len(runs)}"
    yield from theory(trained)


def firing(trained: TrainedPerceptron) -> Iterator[str]:
    """Yield when the unit says its higher answer."""
    form = linear_form(trained.run.weights, trained.run.bias)
    if trained.dead_band is None:
        yield f"{form} {trained.fires} 0"
    else:
        yield f"{form} > {trained.dead_band:g}"


def tie_text(trained: TrainedPerceptron) -> str:
    """Say what the unit answers where its sum decides nothing."""
    low, high = (number(level) for level in trained.levels)
    if trained.dead_band is not None:
        band = f"sums from -{trained.dead_band:g} to {trained.dead_band:g}" if trained.dead_band else "a sum of 0"
        return (
            f"{band} is undecided and corrected (--dead-band)"
            if not trained.dead_band
            else (f"{band} are undecided and corrected (--dead-band)")
        )
    return f"a sum of exactly 0 answers {high if trained.fires == '>=' else low} (--fires '{trained.fires}')"


def theory(trained: TrainedPerceptron) -> Iterator[tuple[str, Cell]]:
    """Yield what the theory says of the table."""
    proof = trained.proof
    yield "linearly separable", proof.separable
    for row in trained.zero_rows:
        yield "on the line", f"row {row + 1}, all zeros: without a bias z = 0 whatever the weights"
    if not proof.separable or not proof.gamma_squared or proof.weights is None:
        return
    yield "widest line", f"{linear_form(proof.weights, proof.bias)} = 0"
    others = " (the other rows)" if trained.zero_rows else ""
    yield "margin gamma", f"{proof.margin:.9g} = sqrt({proof.gamma_squared}){others}"
    if trained.zero_rows:
        yield "margin", f"{margin(trained):g}: a row lies on every line through the origin"
    bound = updates_bound(trained)
    if bound is not None:
        term = "R^2" if trained.dead_band is None else "(R^2 + 2 theta / eta)"
        name = "(R / gamma)^2" if trained.dead_band is None else f"{term} / gamma^2"
        yield "at most", f"{name} = {bound} updates from zero weights (Novikoff 1962)"


def boundary(trained: TrainedPerceptron) -> tuple[Line, ...]:
    """Draw where the unit fires, over the plane of its two inputs."""
    gate, run = trained.gate, trained.run
    (x_low, x_high), (y_low, y_high) = (span([row[i] for row in gate.inputs]) for i in (0, 1))
    weights = [float(w) for w in run.weights]
    bias = float(run.bias or 0)
    values = [
        [float(weights[0] * x + weights[1] * y + bias > 0) for x in grid(x_low, x_high)] for y in grid(y_high, y_low)
    ]
    points = [(x[0], x[1], float(bit)) for x, bit in zip(gate.inputs, trained.unit.targets, strict=True)]
    return decision_map(values, points, x_range=(x_low, x_high), y_range=(y_low, y_high), levels=trained.levels)


def grid(start: float, stop: float, steps_: int = MAP_STEPS) -> list[float]:
    """Return evenly spaced numbers, ends included."""
    return [start + (stop - start) * i / (steps_ - 1) for i in range(steps_)]


# --------------------------------------------------------------------------------------------------- explanation


def explanation(trained: TrainedPerceptron, at_epoch: int | None = None) -> Iterator[Block]:
    """Yield the rule, and every row as it was taken: from the start, or in the one epoch after `at_epoch` of them."""
    unit, run = trained.unit, trained.run
    yield Lines(tuple(rule_lines(trained)), title="The perceptron rule")
    last = run.epochs if run.cycle is None else sum(run.cycle)
    if at_epoch is None:
        taken = list(islice(steps(unit, last), EXPLAINED_STEPS + 1))
    else:
        taken = [step for step in steps(unit, at_epoch + 1) if step.epoch == at_epoch + 1]
    shown = taken[:EXPLAINED_STEPS]
    yield steps_table(trained, shown)
    if at_epoch is not None and not taken:
        yield Lines((f"(the rule has stopped before: epoch {run.epochs} had no error)",))
    elif len(taken) > EXPLAINED_STEPS:
        yield Lines(
            (f"(the first {EXPLAINED_STEPS} rows taken; the run has {last} epochs of {len(trained.gate.inputs)} rows)",)
        )


def rule_lines(trained: TrainedPerceptron) -> Iterator[str]:
    """Yield the unit and its rule, in the coding of the targets."""
    low, high = (number(level) for level in trained.levels)
    yield "z = w . x + b                 the weighted sum" if trained.bias else "z = w . x                     the sum"
    if trained.dead_band is None:
        yield f"o = {high} if z {trained.fires} 0 else {low}".ljust(30) + "the step unit (McCulloch & Pitts 1943)"
    else:
        theta = f"{trained.dead_band:g}"
        yield f"o = {high} if z > {theta}, {low} if z < -{theta}, else undecided   (Fausett 1994)"
    rule = "(t - o)" if low == 0 and trained.dead_band is None else "s"
    yield f"w <- w + eta {rule} x".ljust(30) + "the rule (Rosenblatt 1958), on the rows that are not right;"
    if rule == "s":
        yield " " * 30 + f"s = +1 for the target {high}, -1 for the target {low}"
    bias = "the bias is fixed" if trained.fixed else "the bias is the weight of a constant input 1"
    yield " " * 30 + (bias if trained.bias else "there is no bias")
    if trained.unit.batch == "full":
        yield " " * 30 + "once an epoch: the sum over its rows, all taken with the same weights"
    yield f"eta = {float(trained.unit.rate):.9g}"


def steps_table(trained: TrainedPerceptron, shown: Sequence[PerceptronStep]) -> Table:
    """Return one line a row taken: what was seen, answered and changed."""
    names = (*numbered("w", trained.gate.n_inputs), *(("b",) if trained.bias else ()))
    columns = ("epoch", "row", *input_titles(trained.gate), "z", "o", "t", "error", *names)
    if trained.unit.batch == "full":
        rows, title = full_rows(trained, shown), "Epoch by epoch (each row beside the weights it was computed with)"
    else:
        rows, title = [(row_cells(trained, s, s.after), s.error) for s in shown], "Row by row (weights after it)"
    styles = tuple("yellow" if error else "" for _, error in rows)
    return Table(columns, tuple(cells for cells, _ in rows), title=title, styles=styles)


def row_cells(trained: TrainedPerceptron, step: PerceptronStep, weights: Sequence[Fraction]) -> tuple[Cell, ...]:
    """Return the cells of one row taken."""
    answer = "undecided" if step.output is None else number(coded(trained, step.output))
    target = number(coded(trained, step.target))
    return (step.epoch, step.row + 1, *map(number, step.x), number(step.z), answer, target, step.error,
            *map(number, weights))  # fmt: skip


def full_rows(trained: TrainedPerceptron, shown: Sequence[PerceptronStep]) -> list[tuple[tuple[Cell, ...], int]]:
    """Return the rows of each epoch beside the weights they were computed with, then the sum of their corrections."""
    rows: list[tuple[tuple[Cell, ...], int]] = []
    count = len(trained.gate.inputs)
    for start in range(0, len(shown), count):
        epoch = shown[start : start + count]
        rows += [(row_cells(trained, step, step.before), step.error) for step in epoch]
        before, after = epoch[0].before, epoch[-1].after
        blank: tuple[Cell, ...] = (None,) * (trained.gate.n_inputs + 4)
        change = [number(b - a) for a, b in zip(before, after, strict=True)]
        rows.append(((epoch[0].epoch, "sum", *blank, *change), 0))
        rows.append(((epoch[0].epoch, "new w", *blank, *map(number, after)), 0))
    return rows


def picture(trained: TrainedPerceptron, ending: str) -> bytes:
    """Draw the figure of --plot."""
    from dlmath.gates.report.plots import TrainGateFigure, figure
    from dlmath.report.figures import drawn

    run = trained.run
    data = TrainGateFigure(
        title=f"{trained.gate.name}: a perceptron",
        errors=run.history.errors,
        error_cycle=None if run.cycle is None else (run.cycle.start + 1, run.cycle.length),
        plane=plane(trained) if trained.gate.n_inputs == 2 else None,
    )
    return drawn(figure(data), ending)


def plane(trained: TrainedPerceptron) -> Plane:
    """Return what the panel of the plane shows: the line that was found, or those the rule cycles through."""
    from dlmath.gates.report.plane_plot import Plane

    gate, unit, run = trained.gate, trained.unit, trained.run
    nearest = nearest_row(gate.inputs, run.weights, run.bias or 0) if run.learned else None
    return Plane(
        x_range=span([row[0] for row in gate.inputs]),
        y_range=span([row[1] for row in gate.inputs]),
        points=[(x[0], x[1], float(bit)) for x, bit in zip(gate.inputs, unit.targets, strict=True)],
        separator=line_of((*run.weights, run.bias or 0)) if run.learned else None,
        margin=None if nearest is None else nearest.distance,
        cycle=cycle_lines(unit, run),
        levels=trained.levels,
    )


def line_of(weights: Sequence[float | Fraction]) -> tuple[float, float, float]:
    """Return w1, w2, b as floats."""
    first, second, bias = (float(value) for value in weights)
    return first, second, bias


def cycle_lines(unit: Perceptron, run: PerceptronRun) -> list[tuple[float, float, float]]:
    """Return the lines that the rule goes through once around its cycle."""
    if run.cycle is None:
        return []
    turning = [s.after for s in steps(unit, sum(run.cycle)) if s.epoch > run.cycle.start and s.error]
    return list(dict.fromkeys(line_of(after if unit.bias else (*after, 0)) for after in turning))
