"""`dlmath vanishing`: every combination of activation and initialisation measured, theory beside it."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from dlmath.frame.checks import given, refuse

if TYPE_CHECKING:
    from dlmath.depth.engine.histograms import Histogram
    from dlmath.depth.engine.measure import DepthResult
    from dlmath.depth.engine.path import PathResult
    from dlmath.depth.engine.settings import DepthSettings
    from dlmath.depth.engine.task import TaskResult
    from dlmath.depth.words import Words
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output


def check_measurement(words: Words, _output: Output) -> None:
    """Refuse, before any work, networks that cannot be measured."""
    from dlmath.depth.engine.settings import check_settings

    for request in combinations(words):
        check_settings(request)


def measured(words: Words, output: Output) -> Outcome:
    """Measure every combination, one after the other."""
    from dlmath.depth.engine.measure import measure
    from dlmath.depth.report import tables as report
    from dlmath.frame.outcome import Lazy, Outcome
    from dlmath.report.progress import progress

    requests = combinations(words)
    trained = trainings(requests, words)
    runs = []
    with progress(output.streams, "measuring networks", len(requests) * words.seeds) as advance:
        for number, request in enumerate(requests):
            tell = None if advance is None else partial(told, advance, number * words.seeds)
            runs.append(measure(request, tell))
    advised = [advice(one) for one in runs]
    extras = list(zip(trained, advised, strict=True))
    return Outcome(
        command="vanishing",
        settings={**words.as_dict(), **resolved(requests), **output.settings()},
        result=Lazy(lambda: {"runs": [report.run(one, *extra) for one, extra in zip(runs, extras, strict=True)]}),
        table=report.main_table(runs),
        blocks=partial(report.blocks, runs, extras, output.streams.columns),
        explanation=(lambda: report.explanation([(one, path_of(one)) for one in runs])) if output.explain else None,
        picture=partial(report.picture, runs, histograms_of),
        notes=[note for one in runs for note in report.notes(one)],
    )


def told(advance: object, before: int, done: int, _all: int) -> None:
    """Tell the progress bar of networks done."""
    assert callable(advance)
    advance(before + done)


def combinations(words: Words) -> list[DepthSettings]:
    """Return the settings of every activation with every initialisation."""
    from dlmath.depth.engine.settings import DepthSettings

    if words.weight_std is not None and words.init:
        refuse({"--init": words.init[0]}, "beside --weight-std, which overrides it")
    residual = given(words.residual_kind, "pre" if words.residual else "none")
    pairs = product(words.activation or ["sigmoid"], words.init or ["glorot"])
    return [
        DepthSettings(
            depth=words.depth,
            width=words.width,
            batch=words.batch,
            seeds=words.seeds,
            seed=words.seed,
            activation=activation.lower(),
            init=init.lower(),
            weight_std=words.weight_std,
            bias_std=words.bias_std,
            residual=residual,
            normalize=words.normalize,
            clip=words.clip,
            method=words.method,
            dtype=words.dtype,
        )
        for activation, init in pairs
    ]


def trainings(requests: list[DepthSettings], words: Words) -> list[TaskResult | None]:
    """Return what --train found for every combination, None where it was not asked for."""
    if words.train is None:
        return [None] * len(requests)
    from dlmath.depth.engine.task import train_parity

    return [train_parity(request, words.train) for request in requests]


def advice(found: DepthResult) -> dict[str, Any] | None:
    """Return the gain that would keep this activation's gradients, measured to prove it; None where all is well.

    The proof is measured at no more than 100 layers of 1024 units.
    """
    settings = found.settings
    if found.verdict == "stable" or settings.normalize != "none" or settings.residual != "none":
        return None
    from dlmath.depth.engine.critical import suggest
    from dlmath.depth.engine.measure import measure

    suggestion = suggest(settings.activation, settings.sigma_b)
    if suggestion is None:
        return None
    proof = settings._replace(
        depth=min(settings.depth, 100), width=min(settings.width, 1024), batch=1, seeds=4, init="lecun", clip=None,
        weight_std=suggestion.sigma_w, bias_std=suggestion.sigma_b, method="auto",
    )  # fmt: skip
    return {**suggestion._asdict(), "measured_ratio": measure(proof).ratio, "measured_depth": proof.depth}


def path_of(found: DepthResult) -> PathResult | str:
    """Return the strongest path through the first seed's network, or why there is no single one to follow."""
    from dlmath.depth.engine.path import strongest_path
    from dlmath.errors import DlmathError

    try:
        return strongest_path(found.settings)
    except DlmathError as error:
        return str(error)


def histograms_of(found: DepthResult) -> tuple[Histogram, ...]:
    """Return the distributions of activations in five layers from the input to the output."""
    from dlmath.depth.engine.histograms import activation_histograms

    depth = found.settings.depth
    layers = sorted({1, *(round(1 + share * (depth - 1) / 4) for share in range(1, 5))})
    return activation_histograms(found.settings, tuple(layers))


def resolved(requests: list[DepthSettings]) -> dict[str, object]:
    """Return the options as the engine was given them."""
    return {
        "activation": list(dict.fromkeys(request.activation for request in requests)),
        "init": list(dict.fromkeys(request.init for request in requests)),
        "bias_std": requests[0].sigma_b,
        "residual": requests[0].residual,
        "normalize": requests[0].normalize,
        "method": requests[0].method,
        "dtype": requests[0].dtype,
    }
