"""What a perceptron's training found, as JSON has it, and why it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.gates.engine import separability
from dlmath.neural.uncertainty import summarise_epochs, wilson_interval

if TYPE_CHECKING:
    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.engine.perceptron import Perceptron
    from dlmath.gates.engine.perceptron_records import PerceptronRun
    from dlmath.gates.engine.separability import Separability

CURVE_POINTS = 500
ADVICE = {
    "inseparable": "use a network: --rule backprop --hidden 4",
    "unbiased": "give the unit a bias: --bias neuron",
    "unfinished": "give it more epochs: --epochs 100000",
    "other": "let the bias learn too (without --fixed-biases), or fix another threshold",
}


class TrainedPerceptron(NamedTuple):
    """Everything a perceptron's report is made of; `unit` and `run` are the shown (first) seed's.

    Attributes
    ----------
    proof : Separability
        Whether some weights give every answer under the same rules of ties, with the proof.
    levels : (low, high)
        How the answers are coded.
    fires, dead_band : str, float or None
    fixed : bool
        Whether the bias is not learned.
    zero_rows : tuple of int
        Rows, from 0, whose sum is 0 whatever the weights; only without a bias.
    seed : int
        The shown one.
    """

    gate: Gate
    unit: Perceptron
    run: PerceptronRun
    runs: tuple[PerceptronRun, ...]
    proof: Separability
    bias: bool
    levels: tuple[float, float]
    fires: str
    dead_band: float | None
    fixed: bool
    zero_rows: tuple[int, ...]
    seed: int


def learned_weights(trained: TrainedPerceptron) -> tuple[list[list[list[float]]], list[list[float]]]:
    """Return the shown run's weights and biases in the shape of every result: one matrix a layer."""
    bias = trained.run.bias
    return [[[float(w)] for w in trained.run.weights]], [[] if bias is None else [float(bias)]]


def coded(trained: TrainedPerceptron, answer: int | None) -> float:
    """Return an answer as the targets are coded; an undecided one lies midway."""
    low, high = trained.levels
    return (low + high) / 2 if answer is None else (high if answer else low)


def result(trained: TrainedPerceptron, *, per_seed: bool) -> dict[str, object]:
    """Return the result as its keys are documented in `words.RESULTS`."""
    run, proof = trained.run, trained.proof
    weights, biases = learned_weights(trained)
    learned = [seed.epochs for seed in trained.runs if seed.learned]
    epochs = summarise_epochs(learned)
    outputs = [[coded(trained, answer)] for answer in run.outputs]
    answer: dict[str, object] = {
        "gate": trained.gate.name,
        "inputs": trained.gate.inputs,
        "targets": trained.gate.targets,
        "rule": "perceptron",
        "architecture": [trained.gate.n_inputs, 1],
        "parameters": trained.gate.n_inputs + trained.bias,
        "learned": len(learned) == len(trained.runs),
        "seeds": len(trained.runs),
        "learned_count": len(learned),
        "success_rate": len(learned) / len(trained.runs),
        "success_interval": wilson_interval(len(learned), len(trained.runs)),
        "epochs": None if epochs is None else epochs._asdict(),
        "outputs": outputs,
        "targets_levels": list(trained.levels),
        "accuracy": right_count(trained, run) / len(outputs),
        "right": right_count(trained, run),
        "hidden": [],
        "loss": curve(run),
        "weights": weights,
        "biases": biases,
        "failures": failures(trained),
        "diagnosis": diagnosis(trained, run),
        "stopped": "learned" if run.learned else run.stopped,
        "updates": run.updates,
        "separable": proof.separable,
        "certificate": certificate(trained),
        "margin": margin(trained),
        "updates_bound": updates_bound(trained),
        "line": line(trained),
        "cycle": None if run.cycle is None else run.cycle._asdict(),
    }
    if per_seed:
        answer["runs"] = [seed_result(trained, number, seed) for number, seed in enumerate(trained.runs)]
    return answer


def seed_result(trained: TrainedPerceptron, number: int, run: PerceptronRun) -> dict[str, object]:
    """Return how one seed ended."""
    return {
        "seed": trained.seed + number,
        "learned": run.learned,
        "epochs": run.epochs,
        "stopped": "learned" if run.learned else run.stopped,
        "loss": wrong_rows(trained, run),
        "class": None if run.learned else failure(trained, run),
    }


def right_count(trained: TrainedPerceptron, run: PerceptronRun) -> int:
    """Count the rows on their target's side: an undecided answer lies in the middle, on neither."""
    return len(run.outputs) - wrong_rows(trained, run)


def wrong_rows(trained: TrainedPerceptron, run: PerceptronRun) -> int:
    """Count the rows that a run answers wrongly, undecided ones among them."""
    return sum(answer != target for answer, target in zip(run.outputs, trained.unit.targets, strict=True))


def curve(run: PerceptronRun) -> dict[str, list[int]]:
    """Return the wrong rows of each epoch, thinned to at most 500 points."""
    errors = run.history.errors
    step = -(-len(errors) // CURVE_POINTS)
    return {"epoch": list(range(1, len(errors) + 1, step)), "value": list(errors[::step])}


# ------------------------------------------------------------------------------------------- why it failed


def failure(trained: TrainedPerceptron, run: PerceptronRun) -> str:
    """Return the class of a run that did not learn."""
    if not trained.proof.separable:
        with_bias = separability.separate(trained.gate.inputs, trained.unit.targets).separable
        return "unbiased" if with_bias and not trained.bias else "inseparable"
    return "other" if run.stopped == "cycle" else "unfinished"


def failures(trained: TrainedPerceptron) -> dict[str, int]:
    """Count how the runs that did not learn ended."""
    ends = [failure(trained, run) for run in trained.runs if not run.learned]
    return {end: ends.count(end) for end in sorted(set(ends))}


def diagnosis(trained: TrainedPerceptron, run: PerceptronRun) -> dict[str, object] | None:
    """Return why a run did not learn, as the networks' diagnosis says it."""
    if run.learned:
        return None
    name = failure(trained, run)
    return {"class": name, "cause": cause(trained, run, name), "advice": ADVICE[name]}


def cause(trained: TrainedPerceptron, run: PerceptronRun, name: str) -> str:
    """Say what the table and the run show."""
    if name == "inseparable":
        return "no line separates the rows, so that no weights can do it; the certificate proves it"
    if name == "unbiased":
        rows = ", ".join(str(row + 1) for row in trained.zero_rows)
        zero = f"; row {rows}, all zeros, has z = 0 whatever the weights" if rows else ""
        return f"without a bias the unit's line goes through the origin{zero}; with a bias a line separates the rows"
    if name == "unfinished":
        bound = updates_bound(trained)
        more = f", and the rule makes at most {bound:,} updates from zero weights" if bound is not None else ""
        return f"a line separates the rows{more}; {run.updates:,} were made"
    return "a line separates the rows, but with this fixed bias the weights run in a cycle"


def certificate(trained: TrainedPerceptron) -> tuple[int, ...] | None:
    """Return the proof that no unit can do it: from the cycle itself, or from the nearest-point search."""
    if trained.proof.separable:
        return None
    return trained.run.certificate or trained.proof.certificate


def margin(trained: TrainedPerceptron) -> float | None:
    """Return the distance of the nearest row from the widest line; 0 when a row lies on every line."""
    if not trained.proof.separable:
        return None
    return 0.0 if trained.zero_rows else trained.proof.margin if trained.proof.gamma_squared else None


def updates_bound(trained: TrainedPerceptron) -> int | None:
    """Return the most updates from zero weights: (R^2 + 2 theta / eta) / gamma^2 (Novikoff 1962).

    Every correction makes the weights longer by at most eta^2 R^2 + 2 eta theta in the square, since the row was
    taken with s z <= theta, and longer in the best direction by eta gamma.
    """
    proof, unit = trained.proof, trained.unit
    if not proof.separable or not proof.gamma_squared or trained.fixed or unit.batch != "online":
        return None
    band = 0 if trained.dead_band is None else 2 * separability.exact(trained.dead_band) / unit.rate
    return int((proof.radius_squared + band) // proof.gamma_squared)


def line(trained: TrainedPerceptron) -> dict[str, object] | None:
    """Return the widest separating line and the distance of the nearest row from it."""
    proof = trained.proof
    if proof.weights is None or not any(proof.weights):
        return None
    nearest = separability.nearest_row(trained.gate.inputs, proof.weights, proof.bias or 0)
    return {
        "weights": proof.weights,
        "bias": proof.bias,
        "distance": None if nearest is None else nearest.distance,
    }
