"""A run as JSON has it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.depth.engine.bounds import spectral_radius
from dlmath.depth.engine.measure import LEARNING_RULE

if TYPE_CHECKING:
    from dlmath.depth.engine.bounds import Bound
    from dlmath.depth.engine.cures import Cure
    from dlmath.depth.engine.measure import DepthResult
    from dlmath.depth.engine.sensitivity import Move
    from dlmath.depth.engine.task import TaskResult

LN10 = math.log(10)


class Measured(NamedTuple):
    """One combination with all that was asked about it.

    Attributes
    ----------
    found : DepthResult
    trained : TaskResult or None
        --train.
    moves : tuple of Move or None
        --move.
    cures : tuple of Cure
    clip : float or None
        --clip: what the joint norm of the weight gradients is compared with.
    """

    found: DepthResult
    trained: TaskResult | None
    moves: tuple[Move, ...] | None
    cures: tuple[Cure, ...]
    clip: float | None


def run(measured: Measured, bound: Bound) -> dict[str, Any]:
    """Return one object of the result's `runs`, as the manual names it."""
    found = measured.found
    cures = [cure._asdict() for cure in measured.cures]
    return {
        **network(found),
        **factor(found),
        **theory(found),
        **totals(found),
        "bound_log10": bound.log10,
        "bound_reason": bound.reason,
        "slopes_log10": bound.log10_slopes,
        "spectral_radius": spectral_radius(found.settings),
        **verdicts(found),
        "layers": [layer._asdict() for layer in found.layers],
        "suggestion": cures[0] if cures else None,
        "suggestions": cures,
        "notes": found.notes,
        **extras(measured),
    }


def network(found: DepthResult) -> dict[str, Any]:
    """Return what was measured."""
    settings = found.settings
    return {
        "activation": settings.activation,
        "init": init_name(found),
        "depth": settings.depth,
        "width": settings.width,
        "widths": settings.widths,
        "cell": settings.cell,
        "method": found.plan.method,
        "method_reason": found.plan.reason,
    }


def factor(found: DepthResult) -> dict[str, Any]:
    """Return the factor a layer and what it is compared with."""
    return {
        "ratio": found.ratio,
        "ratio_error": known(found.ratio_error),
        "ratio_error_source": found.error_source,
        "expected_ratio": found.expected_ratio,
        "z": found.z,
        "z_source": found.z_source,
    }


def known(value: float) -> float | None:
    """Return a number, None for one that is not known."""
    return None if math.isnan(value) else value


def theory(found: DepthResult) -> dict[str, Any]:
    """Return what theory says of the limit."""
    prediction = found.prediction
    return {
        "predicted_ratio": prediction.ratio,
        "predicted_log_ratio": prediction.log_ratio,
        "predicted_reason": prediction.reason,
        "q_star": prediction.q_star,
        "chi_1": prediction.chi_1,
        "depth_scale": prediction.depth_scale,
        "beta": prediction.beta,
    }


def totals(found: DepthResult) -> dict[str, Any]:
    """Return what the factors come to over all layers."""
    return {
        "log10_gradient": found.log10_gradient,
        "log10_gradient_spread": found.log10_gradient_spread,
        "input_log10_gradient": found.input_log10_gradient,
        "extinct": found.extinct,
        "dead": found.dead,
        "log10_gradient_norm": found.log10_gradient_norm,
    }


def verdicts(found: DepthResult) -> dict[str, Any]:
    """Return what is said of it."""
    return {
        "verdict": found.verdict,
        "rule": found.rule,
        "certain": found.certain,
        "weight_gradient_ratio": found.weight_gradient_ratio,
        "log10_weight_gradient_ratio": found.log10_weight_gradient_ratio,
        "learning_verdict": found.learning_verdict,
        "learning_rule": LEARNING_RULE,
    }


def extras(measured: Measured) -> dict[str, Any]:
    """Return what was asked for besides."""
    made: dict[str, Any] = {}
    if measured.trained is not None:
        made["training"] = training(measured.trained)
    if measured.moves is not None:
        made["moves"] = [move._asdict() for move in measured.moves]
    if measured.clip is not None:
        made["clip"] = {"norm": measured.clip, "log10_factor": log10_clip(measured.found, measured.clip)}
    return made


def log10_clip(found: DepthResult, clip: float) -> float:
    """Return log10 of the one factor that clipping multiplies all weight gradients by: 0 where nothing is clipped."""
    return min(0.0, math.log10(clip) - found.log10_gradient_norm)


def training(trained: TaskResult) -> dict[str, Any]:
    """Return what --train found."""
    made = trained._asdict()
    made["layers"] = [layer._asdict() for layer in trained.layers]
    del made["settings"]
    return made


def init_name(found: DepthResult) -> str:
    """Return how the weights start: the initialiser, or the sigma_w in its place."""
    settings = found.settings
    if settings.weight_std is None:
        return settings.init
    gain = f"sigma_w={settings.weight_std:g}"
    return gain if settings.weights.family == "gaussian" else f"{settings.init}, gain {settings.weight_std:g}"


def name(found: DepthResult) -> str:
    """Name one combination."""
    cell = "" if found.settings.cell == "none" else f"{found.settings.cell}, "
    return f"{cell}{found.settings.activation}, {init_name(found)}"
