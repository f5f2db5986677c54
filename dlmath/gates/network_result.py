"""What the training of networks found, as JSON has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.gates.answers import MOST_ROWS, shared_result
from dlmath.gates.engine.diagnosis import NAMES
from dlmath.gates.engine.ensemble import STOPS
from dlmath.neural.uncertainty import summarise_epochs, wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dlmath.gates.engine.causes import Diagnosis
    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.engine.gradients import NetworkGradientCheck
    from dlmath.gates.engine.separability import Separability
    from dlmath.gates.engine.training import TrainingResult, TrainingSettings


class Trained(NamedTuple):
    """Everything a network's report is made of.

    Attributes
    ----------
    hidden : tuple of ndarray (R, H)
        What the shown network's hidden layers say to every row.
    diagnosis : Diagnosis or None
        Why the shown network did not learn.
    proof : (int, Separability) or None
        Whether a line separates the rows, for a network that is one unit: an output and the proof.
    """

    gate: Gate
    request: TrainingSettings
    result: TrainingResult
    check: NetworkGradientCheck | None
    hidden: tuple[NDArray[Any], ...]
    diagnosis: Diagnosis | None
    proof: tuple[int, Separability] | None


def result(trained: Trained, *, per_seed: bool) -> dict[str, object]:
    """Return the result as its keys are documented in `words.RESULTS`."""
    request, found, gate = trained.request, trained.result, trained.gate
    shown = found.shown
    answer: dict[str, object] = {
        "gate": gate.name,
        "inputs": gate.inputs,
        "targets": gate.targets,
        "rule": "backprop",
        "architecture": request.architecture.sizes,
        "parameters": request.architecture.parameter_count,
        "learned": found.learned_count == request.seeds,
        "seeds": request.seeds,
        "learned_count": found.learned_count,
        "success_rate": found.learned_count / request.seeds,
        "success_interval": wilson_interval(found.learned_count, request.seeds),
        "epochs": summary(found),
        "outputs": shown.outputs,
        **shared_result(gate, shown.outputs.tolist()),
        "hidden": [layer[:MOST_ROWS] for layer in trained.hidden],
        "loss": {"epoch": shown.curve.epochs, "value": shown.curve.values},
        "weights": shown.weights,
        "biases": shown.biases,
        "failures": found.failure_counts,
        "first_failed": found.first_failed,
        "diagnosis": diagnosis_result(trained.diagnosis),
        "stopped": shown.stopped,
        "stopped_at": shown.stopped_at,
        "separable": None if trained.proof is None else trained.proof[1].separable,
        "certificate": None if trained.proof is None else trained.proof[1].certificate,
    }
    if trained.check is not None:
        answer["gradient_error"] = trained.check.largest
    if per_seed:
        answer["runs"] = runs(found)
    return answer


def summary(found: TrainingResult) -> dict[str, Any] | None:
    """Return how long the networks that learned took."""
    summarised = summarise_epochs(found.epochs[found.learned])
    return None if summarised is None else summarised._asdict()


def diagnosis_result(diagnosis: Diagnosis | None) -> dict[str, object] | None:
    """Return the diagnosis as JSON has it."""
    if diagnosis is None:
        return None
    return {"class": diagnosis.name, "cause": diagnosis.cause, "advice": diagnosis.advice}


def runs(found: TrainingResult) -> list[dict[str, object]]:
    """Return how every seed ended."""
    columns = (found.stops.tolist(), found.stopped_at.tolist(), found.losses.tolist(), found.failures.tolist())
    return [
        {
            "seed": found.settings.seed + number,
            "learned": STOPS[stop] == "learned",
            "epochs": epochs,
            "stopped": STOPS[stop],
            "loss": loss,
            "class": NAMES[code] if code >= 0 else None,
        }
        for number, (stop, epochs, loss, code) in enumerate(zip(*columns, strict=True))
    ]
