"""`dlmath train-gate GATE`: networks of any depth by backpropagation, one or many seeds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import InvalidValueError
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome
from dlmath.gates.answers import MOST_ROWS, shared_result
from dlmath.gates.engine.diagnosis import NAMES
from dlmath.gates.engine.ensemble import STOPS
from dlmath.gates.engine.history import hidden_answers
from dlmath.gates.engine.obstacles import contradictions
from dlmath.gates.engine.training import diagnose_shown, make_problem, train
from dlmath.gates.request import arrays, has_steps, read_start, resolve, resolved_options
from dlmath.neural.losses import get_loss
from dlmath.neural.uncertainty import summarise_epochs, wilson_interval
from dlmath.report.progress import progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dlmath.frame.output import Output
    from dlmath.gates.engine.causes import Diagnosis
    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.engine.gradients import GradientCheck
    from dlmath.gates.engine.training import TrainingResult, TrainingSettings
    from dlmath.gates.words import Words

NAMED_CONTRADICTIONS = 3


class Trained(NamedTuple):
    """Everything a network's report is made of.

    Attributes
    ----------
    hidden : tuple of ndarray (R, H)
        What the shown network's hidden layers say to every row.
    diagnosis : Diagnosis or None
        Why the shown network did not learn.
    """

    gate: Gate
    request: TrainingSettings
    result: TrainingResult
    check: GradientCheck | None
    hidden: tuple[NDArray[Any], ...]
    diagnosis: Diagnosis | None


def check_network(gate: Gate, words: Words, output: Output) -> None:
    """Refuse what cannot be trained, before any work."""
    if words.animate is not None:
        from dlmath.report.animation import check_animation

        check_animation(words.animate)
    if not output.explain:
        refuse({"--at-epoch": words.at_epoch}, "without --explain, whose step it chooses")
    if has_steps(words, read_start(words)):
        from dlmath.gates.run_step import check_step

        check_step(gate, words, output)
        return
    settings = resolve(gate, words).settings
    if words.at_epoch is not None and words.at_epoch > settings.epochs:
        raise InvalidValueError(
            f"--at-epoch {words.at_epoch} lies beyond --epochs {settings.epochs}", "choose an epoch that is run"
        )


def run_network(gate: Gate, words: Words, output: Output) -> Outcome:
    """Train one network or many, and gather what was found."""
    if has_steps(words, read_start(words)):
        from dlmath.gates.run_step import run_step

        return run_step(gate, words, output)
    request = resolve(gate, words)
    settings = request.settings
    for note in (*request.notes, *contradiction_notes(gate)):
        output.streams.note(note)
    check = gradient_check(gate, settings) if words.check_gradients else None
    result = trained_networks(gate, settings, words.jobs, output)
    if words.save is not None:
        save(words.save, result)
    if words.animate is not None:
        from dlmath.gates.report.film import save_film

        save_film(words.animate, gate, settings, result, output)
    data = arrays(gate)
    problem = make_problem(*data, settings)
    hidden = hidden_answers(settings.architecture, problem, result.shown.parameters)
    trained = Trained(gate, settings, result, check, hidden, diagnose_shown(*data, result))
    return outcome(trained, words, {**words.as_dict(), **resolved_options(settings), **output.settings()}, output)


def trained_networks(gate: Gate, settings: TrainingSettings, jobs: int, output: Output) -> TrainingResult:
    """Train, with a bar that moves within one long run too."""
    task = "training" if settings.seeds == 1 else f"training {settings.seeds:,} networks"
    with progress(output.streams, task, settings.seeds) as advance:
        report = None if advance is None else lambda done, _all: advance(done)
        return train(*arrays(gate), settings, progress=report, jobs=jobs)


def contradiction_notes(gate: Gate) -> list[str]:
    """Return what is said before training of rows with equal inputs and different targets."""
    pairs = list(contradictions(*arrays(gate)))
    if not pairs:
        return []
    named = ", ".join(f"{first + 1} and {second + 1}" for first, second in pairs[:NAMED_CONTRADICTIONS])
    more = f" and {len(pairs) - NAMED_CONTRADICTIONS:,} more" if len(pairs) > NAMED_CONTRADICTIONS else ""
    return [f"contradictory rows (equal inputs, different targets): {named}{more}; no network gives both"]


def save(name: str, result: TrainingResult) -> None:
    """Write the shown network's weights, its activations and its optimizer's memory."""
    from dlmath.gates.files.weights import Weights, save_weights

    shown, settings = result.shown, result.settings
    weights = tuple(tuple(map(tuple, matrix.tolist())) for matrix in shown.weights)
    memory = tuple(shown.memory.tolist())
    save_weights(
        name,
        Weights(
            weights, tuple(tuple(vector.tolist()) for vector in shown.biases), settings.architecture.activations,
            settings.optimizer if memory else "", memory,
        ),
    )  # fmt: skip


def gradient_check(gate: Gate, settings: TrainingSettings) -> GradientCheck:
    """Compare every analytic gradient of the shown network with a central difference."""
    from dlmath.gates.engine.gradients import check_gradients
    from dlmath.gates.engine.training import initial_parameters

    start = initial_parameters(settings)
    return check_gradients(settings.architecture, get_loss(settings.loss), *arrays(gate), start)


def outcome(trained: Trained, words: Words, chosen: dict[str, object], output: Output) -> Outcome:
    """Gather the result, the table, the explanation and the picture."""
    from dlmath.gates.report import network as report

    explain = partial(report.explanation, trained.gate, trained.request, words.at_epoch or 0)
    return Outcome(
        command="train-gate",
        settings=chosen,
        result=result(trained, per_seed=words.per_seed),
        table=report.seeds_table(trained) if words.per_seed else report.main_table(trained),
        blocks=partial(report.blocks, trained, output.streams.columns, per_seed=words.per_seed),
        explanation=explain if output.explain else None,
        picture=partial(report.picture, trained),
        answer=trained.result.learned_count == trained.request.seeds,
    )


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
        **one_unit_result(trained.diagnosis),
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


def one_unit_result(diagnosis: Diagnosis | None) -> dict[str, object]:
    """Return the proof that one unit cannot do it, where that is the diagnosis."""
    if diagnosis is None or diagnosis.certificate is None:
        return {}
    return {"separable": False, "certificate": diagnosis.certificate}


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
