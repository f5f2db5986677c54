"""`dlmath vanishing --critical` and `--phase-diagram`: where gradients neither vanish nor explode."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from dlmath.depth.engine.critical import critical_sigma_b, critical_sigma_w
from dlmath.depth.engine.phase_diagram import default_frame
from dlmath.depth.engine.phase_diagram import phase_diagram as over_the_plane
from dlmath.depth.engine.planner import plan
from dlmath.depth.engine.settings import LARGEST_SIGMA, DepthSettings
from dlmath.depth.report import phases as report
from dlmath.depth.run_networks import DEPTH, WIDTH
from dlmath.errors import InvalidValueError
from dlmath.frame.checks import given, refuse
from dlmath.frame.outcome import Outcome
from dlmath.neural.activations import get_activation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.depth.engine.critical import CriticalPoint
    from dlmath.depth.words import Words
    from dlmath.frame.output import Output

MEASURED_ONLY = (
    *("init", "widths", "cell", "forget_bias", "batch", "seeds", "seed", "residual", "residual_kind", "normalize"),
    *("clip", "method", "dtype", "move", "train", "learning_rate", "optimizer"),
)
RANGES = ("weight_range", "bias_range")
PROOF_SEEDS = 8

Range: TypeAlias = tuple[float, float]


def check_critical(words: Words, _output: Output) -> None:
    """Refuse what a solution has no use for, and points that there are none of."""
    refuse(strangers(words, (*MEASURED_ONLY, *RANGES)), "with --critical")
    if words.weight_std is not None and words.bias_std is not None:
        raise InvalidValueError("--critical solves for one of --weight-std and --bias-std", "give the other one alone")
    for activation in activations_of(words, "sigmoid"):
        plan(proof_settings(activation, solved(activation, words), words))


def critical_line(words: Words, output: Output) -> Outcome:
    """Solve chi_1 = 1 for sigma_w at the sigma_b given (0), or for sigma_b at the sigma_w given, and measure it."""
    activations = activations_of(words, "sigmoid")
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
        picture=partial(report.critical_picture, pairs),
    )


def solved(activation: str, words: Words) -> CriticalPoint:
    """Return the critical point at the sigma that is given."""
    if words.weight_std is not None:
        return critical_sigma_b(activation, words.weight_std)
    return critical_sigma_w(activation, words.bias_std or 0.0)


def proof(activation: str, point: CriticalPoint, words: Words) -> float:
    """Return the factor measured at a critical point: what the theory promises to be 1."""
    from dlmath.depth.engine.measure import measure

    return measure(proof_settings(activation, point, words)).ratio


def proof_settings(activation: str, point: CriticalPoint, words: Words) -> DepthSettings:
    """Return the networks that are measured at a critical point."""
    return DepthSettings(
        depth=given(words.depth, DEPTH),
        width=given(words.width, WIDTH),
        activation=activation,
        init="lecun",
        weight_std=point.sigma_w,
        bias_std=point.sigma_b,
        seeds=PROOF_SEEDS,
    )


def activations_of(words: Words, usual: str) -> list[str]:
    """Return the activations asked for, each checked."""
    names = [activation.lower() for activation in words.activation or [usual]]
    for name in names:
        get_activation(name)
    return names


def check_diagram(words: Words, _output: Output) -> None:
    """Refuse what a diagram has no use for."""
    refuse(strangers(words, (*MEASURED_ONLY, "weight_std", "bias_std")), "with --phase-diagram")
    refuse(strangers(words, ("depth", "width")), "with --phase-diagram, which is about infinite width")
    activations = activations_of(words, "tanh")
    frame_of(words, activations[0])
    if len(activations) > 1:
        raise InvalidValueError(
            f"--phase-diagram draws one plane, {len(activations)} activations are named", "name one"
        )


def phase_diagram(words: Words, output: Output) -> Outcome:
    """Return chi_1 over the plane of sigma_w and sigma_b."""
    activation = activations_of(words, "tanh")[0]
    diagram = over_the_plane(activation, *frame_of(words, activation))
    return Outcome(
        command="vanishing",
        settings=asked(words, output, activation=[diagram.activation]),
        result=report.diagram(diagram),
        table=report.diagram_table(diagram),
        blocks=partial(report.diagram_blocks, diagram, output.streams.columns),
        explanation=report.critical_explanation if output.explain else None,
        picture=partial(report.picture, diagram),
        notes=report.notes(diagram),
    )


def frame_of(words: Words, activation: str) -> tuple[Range, Range]:
    """Return the ranges of sigma_w and sigma_b that are drawn."""
    gains, noises = default_frame(activation)
    if words.weight_range is not None:
        gains = range_of("--weight-range", words.weight_range)
    if words.bias_range is not None:
        noises = range_of("--bias-range", words.bias_range)
    return gains, noises


def range_of(option: str, word: str) -> Range:
    """Return two numbers LOW:HIGH.

    >>> range_of("--bias-range", "0:0.5")
    (0.0, 0.5)
    """
    try:
        low, high = map(float, word.split(":"))
    except ValueError:
        low, high = math.nan, math.nan
    if not 0 <= low < high <= LARGEST_SIGMA:
        mend = f"write it LOW:HIGH, 0 <= LOW < HIGH <= {LARGEST_SIGMA:g}, as 0.5:4"
        raise InvalidValueError(f"{option} {word} is no range", mend)
    return low, high


def strangers(words: Words, names: tuple[str, ...]) -> Mapping[str, object]:
    """Return the options among `names` that were given."""
    return words.given(but=words.ALL.keys() - set(names))


def asked(words: Words, output: Output, **resolved: Any) -> dict[str, object]:
    """Return the settings."""
    return {**words.as_dict(), **resolved, **output.settings()}
