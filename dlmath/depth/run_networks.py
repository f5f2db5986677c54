"""`dlmath vanishing`: every combination of activation and initialisation measured, theory beside it."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from dlmath.depth.report.result import DepthMeasured
from dlmath.errors import InvalidValueError
from dlmath.frame.checks import given, refuse, widths

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.depth.engine.bounds import Bound
    from dlmath.depth.engine.histograms import Histograms
    from dlmath.depth.engine.measure import DepthResult
    from dlmath.depth.engine.path import PathResult
    from dlmath.depth.engine.settings import DepthSettings
    from dlmath.depth.engine.task import ParityTask
    from dlmath.depth.words import Words
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output

DEPTH, STEPS, WIDTH = 30, 100, 256


def check_measurement(words: Words, _output: Output) -> None:
    """Refuse, before any work, networks that cannot be measured, moved or trained."""
    from dlmath.depth.engine.planner import plan
    from dlmath.depth.engine.sensitivity import check_move
    from dlmath.depth.engine.settings import check_settings
    from dlmath.depth.engine.task import check_task

    refuse({"--weight-range": words.weight_range, "--bias-range": words.bias_range}, "without --phase-diagram")
    if words.cell != "lstm":
        refuse({"--forget-bias": words.forget_bias}, "without --cell lstm, which has a forget gate")
    if words.train is None:
        refuse({"--learning-rate": words.learning_rate, "--optimizer": words.optimizer}, "without --train")
    for request in combinations(words):
        check_settings(request)
        plan(request)
        if words.move is not None:
            check_move(request, words.move)
        if words.train is not None:
            check_task(request, task_of(words, words.train))


def measured(words: Words, output: Output) -> Outcome:
    """Measure every combination, one after the other."""
    from dlmath.depth.report import result as as_json
    from dlmath.depth.report import tables
    from dlmath.depth.report.explanation import explanation
    from dlmath.frame.outcome import Lazy, Outcome
    from dlmath.report.progress import progress

    requests = combinations(words)
    parts = 1 + (words.train is not None)
    runs = []
    with progress(output.streams, "measuring networks", len(requests) * parts) as advance:
        for number, request in enumerate(requests):
            runs.append(one_combination(request, words, told(advance, number * parts)))
    return Outcome(
        command="vanishing",
        settings={**words.as_dict(), **resolved(requests), **output.settings()},
        result=Lazy(lambda: {"runs": [as_json.run(run, bound_for(run.result, output.get)) for run in runs]}),
        table=tables.main_table(runs),
        blocks=partial(tables.blocks, runs, output.streams.columns),
        explanation=(lambda: explanation([(run, path_of(run.result)) for run in runs])) if output.explain else None,
        picture=partial(tables.picture, runs, histograms_of),
        notes=[note for run in runs for note in tables.notes(run)] + tables.shared_notes(runs),
    )


def told(advance: Callable[[float], None] | None, before: int) -> Callable[[float], None] | None:
    """Return what is told how far one combination is, in parts of it that are done; None where no bar is drawn."""
    return None if advance is None else lambda done: advance(before + done)


def one_combination(request: DepthSettings, words: Words, tell: Callable[[float], None] | None) -> DepthMeasured:
    """Measure one combination, and train and move it where that is asked for."""
    from dlmath.depth.engine.cures import cures
    from dlmath.depth.engine.measure import measure
    from dlmath.depth.engine.sensitivity import move_layers
    from dlmath.depth.engine.training import train_parity

    result = measure(request, None if tell is None else lambda done, all_: tell(done / all_))
    trained = moves = None
    if words.train is not None:
        told_of_steps = None if tell is None else lambda done, all_: tell(1 + done / all_)
        trained = train_parity(request, task_of(words, words.train), told_of_steps)
    if words.move is not None:
        moves = move_layers(request, words.move)
    return DepthMeasured(result, trained, moves, cures(result), words.clip)


def task_of(words: Words, steps: int) -> ParityTask:
    """Return what --train asks for."""
    from dlmath.depth.engine.task import ParityTask

    optimizer = given(words.optimizer, "sgd").lower()
    return ParityTask(steps, optimizer=optimizer, learning_rate=words.learning_rate, clip=words.clip)


def combinations(words: Words) -> list[DepthSettings]:
    """Return the settings of every activation with every initialisation."""
    from dlmath.depth.engine.settings import DepthSettings

    layers = layer_widths(words)
    residual = given(words.residual_kind, "pre" if words.residual else "none")
    cell = words.cell != "none"
    pairs = product(words.activation or ["tanh" if cell else "sigmoid"], inits_of(words))
    depth = given(words.depth, STEPS if cell else DEPTH)
    return [
        DepthSettings(
            depth=depth if layers is None else len(layers),
            width=given(words.width, WIDTH) if layers is None else max(layers),
            widths=layers if layers is None or len(set(layers)) > 1 else None,
            batch=words.batch,
            seeds=words.seeds,
            seed=words.seed,
            activation=activation.lower(),
            init=init.lower(),
            weight_std=words.weight_std,
            bias_std=words.bias_std,
            residual=residual,
            normalize=words.normalize,
            cell=words.cell,
            forget_bias=given(words.forget_bias, 1.0),
            method=words.method,
            dtype=words.dtype,
        )
        for activation, init in pairs
    ]


def inits_of(words: Words) -> list[str]:
    """Return the initialisations; beside --weight-std only orthogonal ones mean something: their gain."""
    inits = words.init or ["glorot" if words.weight_std is None else "lecun"]
    if words.weight_std is not None and words.init:
        from dlmath.neural.initialisers import ORTHOGONAL, parse_initialiser

        for init in words.init:
            if init.lower() == "lsuv" or parse_initialiser(init.lower()).kind.family != ORTHOGONAL:
                refuse({"--init": init}, "beside --weight-std, which overrides it (orthogonal takes it as its gain)")
    return inits


def layer_widths(words: Words) -> tuple[int, ...] | None:
    """Return the widths of the layers, where they are listed."""
    if words.widths is None:
        return None
    refuse({"--depth": words.depth, "--width": words.width}, "beside --widths, which says both")
    listed = widths("--widths", words.widths)
    if not listed:
        raise InvalidValueError("--widths none has no layer", "give whole numbers from 1, as 64,128,64")
    return listed


OF_BOUND = ("bound_log10", "bound_reason", "slopes_log10")


def bound_for(result: DepthResult, path: str | None) -> Bound:
    """Return the bound over what was measured; of singular values only where --get does not ask for something else."""
    from dlmath.depth.engine.bounds import bound, bound_by_slopes

    steps = (path or "").split(".")
    wanted = len(steps) < 3 or steps[2] in OF_BOUND
    return bound(result.settings) if wanted else bound_by_slopes(result.settings, "not asked for")


def path_of(result: DepthResult) -> PathResult | str:
    """Return the strongest path through the first seed's network, or why there is no single one to follow."""
    from dlmath.depth.engine.path import strongest_path
    from dlmath.errors import DlmathError

    try:
        return strongest_path(result.settings)
    except DlmathError as error:
        return str(error)


def histograms_of(result: DepthResult) -> Histograms:
    """Return the distributions of activations and gradients in five layers from the input to the output."""
    from dlmath.depth.engine.histograms import histograms
    from dlmath.depth.engine.sensitivity import spread_layers

    return histograms(result.settings, spread_layers(result.settings.depth))


def resolved(requests: list[DepthSettings]) -> dict[str, object]:
    """Return the options as the engine was given them."""
    first = requests[0]
    return {
        "activation": list(dict.fromkeys(request.activation for request in requests)),
        "init": list(dict.fromkeys(request.init for request in requests)),
        "depth": first.depth,
        "width": first.width,
        "widths": None if first.widths is None else list(first.widths),
        "bias_std": first.sigma_b,
        "residual": first.residual,
        "normalize": first.normalize,
        "method": first.method,
        "dtype": first.dtype,
    }
