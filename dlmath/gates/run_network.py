"""`dlmath train-gate GATE`: networks of any depth by backpropagation, one or many seeds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dlmath.errors import InvalidValueError
from dlmath.files.atomic import STANDARD
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome
from dlmath.gates.engine.history import hidden_answers
from dlmath.gates.engine.obstacles import contradictions, one_unit_proof
from dlmath.gates.engine.training import diagnose_shown, make_problem, make_question, train
from dlmath.gates.network_result import Trained, result
from dlmath.gates.request import arrays, has_steps, read_start, resolve, resolved_options
from dlmath.neural.losses import get_loss
from dlmath.report.progress import progress

if TYPE_CHECKING:
    from dlmath.frame.output import Output
    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.engine.gradients import NetworkGradientCheck
    from dlmath.gates.engine.training import TrainingResult, TrainingSettings
    from dlmath.gates.words import Words

NAMED_CONTRADICTIONS = 3


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
    found = trained_networks(gate, settings, words.jobs, output)
    if words.save is not None:
        save(words.save, found)
    if words.animate is not None:
        from dlmath.gates.report.film import save_film

        save_film(words.animate, gate, settings, found, output)
    data = arrays(gate)
    problem = make_problem(*data, settings)
    hidden = hidden_answers(settings.architecture, problem, found.shown.parameters)
    proof = one_unit_proof(make_question(problem, settings))
    trained = Trained(gate, settings, found, check, hidden, diagnose_shown(*data, found), proof)
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


def save(name: str, found: TrainingResult) -> None:
    """Write the shown network's weights, its activations and its optimizer's memory."""
    from dlmath.gates.files.weights import Weights, save_weights

    shown, settings = found.shown, found.settings
    weights = tuple(tuple(map(tuple, matrix.tolist())) for matrix in shown.weights)
    memory = tuple(shown.memory.tolist())
    save_weights(
        name,
        Weights(
            weights, tuple(tuple(vector.tolist()) for vector in shown.biases), settings.architecture.activations,
            settings.optimizer if memory else "", memory,
        ),
    )  # fmt: skip


def gradient_check(gate: Gate, settings: TrainingSettings) -> NetworkGradientCheck:
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
        printed=words.save != STANDARD,  # else the weights themselves went there
    )
