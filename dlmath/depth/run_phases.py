"""`dlmath vanishing --critical` and `--phase-diagram`: where gradients neither vanish nor explode."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from dlmath.depth.engine.critical import critical_sigma_b, critical_sigma_w
from dlmath.depth.engine.phase_diagram import phase_diagram as over_the_plane
from dlmath.depth.report import phases as report
from dlmath.errors import InvalidValueError
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.depth.engine.critical import CriticalPoint
    from dlmath.depth.words import Words
    from dlmath.frame.output import Output

MEASURED_ONLY = (
    "init",
    "batch",
    "seeds",
    "seed",
    "residual",
    "residual_kind",
    "normalize",
    "clip",
    "method",
    "dtype",
    "train",
)


def check_critical(words: Words, output: Output) -> None:
    """Refuse what a solution has no use for."""
    refuse(strangers(words, MEASURED_ONLY), "with --critical")
    refuse({"--plot": output.plot}, "with --critical (--phase-diagram draws the line)")
    if words.weight_std is not None and words.bias_std is not None:
        raise InvalidValueError("--critical solves for one of --weight-std and --bias-std", "give the other one alone")


def critical_line(words: Words, output: Output) -> Outcome:
    """Solve chi_1 = 1 for sigma_w at the sigma_b given (0), or for sigma_b at the sigma_w given, and measure it."""
    activations = [activation.lower() for activation in words.activation or ["sigmoid"]]
    points = [solved(activation, words) for activation in activations]
    measured = [proof(activation, point, words) for activation, point in zip(activations, points, strict=True)]
    pairs = list(zip(activations, points, measured, strict=True))
    return Outcome(
        command="vanishing",
        settings=asked(words, output, activation=activations),
        result={"critical": [report.point(*pair) for pair in pairs]},
        table=report.critical_table(pairs),
        blocks=partial(report.critical_blocks, pairs),
        explanation=report.critical_explanation if output.explain else None,
    )


def solved(activation: str, words: Words) -> CriticalPoint:
    """Return the critical point at the sigma that is given."""
    if words.weight_std is not None:
        return critical_sigma_b(activation, words.weight_std)
    return critical_sigma_w(activation, words.bias_std or 0.0)


def proof(activation: str, point: CriticalPoint, words: Words) -> float:
    """Return the factor measured at a critical point: what the theory promises to be 1."""
    from dlmath.depth.engine.measure import measure
    from dlmath.depth.engine.settings import DepthSettings

    settings = DepthSettings(
        depth=words.depth,
        width=words.width,
        activation=activation,
        init="lecun",
        weight_std=point.sigma_w,
        bias_std=point.sigma_b,
        seeds=8,
    )
    return measure(settings).ratio


def check_diagram(words: Words, _output: Output) -> None:
    """Refuse what a diagram has no use for."""
    refuse(strangers(words, (*MEASURED_ONLY, "weight_std", "bias_std")), "with --phase-diagram")
    refuse(strangers(words, ("depth", "width")), "with --phase-diagram, which is about infinite width")
    activations = words.activation or ["tanh"]
    if len(activations) > 1:
        raise InvalidValueError(
            f"--phase-diagram draws one plane, {len(activations)} activations are named", "name one"
        )


def phase_diagram(words: Words, output: Output) -> Outcome:
    """Return chi_1 over the plane of sigma_w and sigma_b."""
    diagram = over_the_plane((words.activation or ["tanh"])[0].lower())
    return Outcome(
        command="vanishing",
        settings=asked(words, output, activation=[diagram.activation]),
        result=report.diagram(diagram),
        table=report.diagram_table(diagram),
        blocks=partial(report.diagram_blocks, diagram, output.streams.columns),
        explanation=report.critical_explanation if output.explain else None,
        picture=partial(report.picture, diagram),
    )


def strangers(words: Words, names: tuple[str, ...]) -> Mapping[str, object]:
    """Return the options among `names` that were given."""
    return words.given(but=words.ALL.keys() - set(names))


def asked(words: Words, output: Output, **resolved: Any) -> dict[str, object]:
    """Return the settings."""
    return {**words.as_dict(), **resolved, **output.settings()}
