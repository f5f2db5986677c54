"""A run as JSON has it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.depth.engine.bounds import spectral_radius
from dlmath.depth.engine.theory import correlation
from dlmath.depth.engine.verdicts import LEARNING_RULE

if TYPE_CHECKING:
    from dlmath.depth.engine.bounds import Bound
    from dlmath.depth.engine.cures import Cure
    from dlmath.depth.engine.measure import DepthResult
    from dlmath.depth.engine.sensitivity import LayerMove
    from dlmath.depth.engine.task import TaskResult

LN10 = math.log(10)


class DepthMeasured(NamedTuple):
    """One combination with all that was asked about it.

    Attributes
    ----------
    result : DepthResult
    trained : TaskResult or None
        --train.
    moves : tuple of LayerMove or None
        --move.
    cures : tuple of Cure
    clip : float or None
        --clip: what the joint norm of the weight gradients is compared with.
    """

    result: DepthResult
    trained: TaskResult | None
    moves: tuple[LayerMove, ...] | None
    cures: tuple[Cure, ...]
    clip: float | None


def run(measured: DepthMeasured, bound: Bound) -> dict[str, Any]:
    """Return one object of the result's `runs`, as the manual names it."""
    result = measured.result
    cures = [cure._asdict() for cure in measured.cures]
    return {
        **network(result),
        **factor(result),
        **theory(result),
        **totals(result),
        "bound_log10": bound.log10,
        "bound_reason": bound.reason,
        "slopes_log10": bound.log10_slopes,
        "spectral_radius": spectral_radius(result.settings),
        **verdicts(result),
        "layers": [layer._asdict() for layer in result.layers],
        "suggestion": cures[0] if cures else None,
        "suggestions": cures,
        "notes": result.notes,
        **extras(measured),
    }


def network(result: DepthResult) -> dict[str, Any]:
    """Return what was measured."""
    settings = result.settings
    return {
        "activation": settings.activation,
        "init": init_name(result),
        "depth": settings.depth,
        "width": settings.width,
        "widths": settings.widths,
        "cell": settings.cell,
        "method": result.plan.method,
        "method_reason": result.plan.reason,
    }


def factor(result: DepthResult) -> dict[str, Any]:
    """Return the factor a layer and what it is compared with."""
    return {
        "ratio": result.ratio,
        "ratio_error": known(result.ratio_error),
        "ratio_error_source": result.error_source,
        "expected_ratio": result.expected_ratio,
        "z": result.z,
        "z_source": result.z_source,
    }


def known(value: float) -> float | None:
    """Return a number, None for one that is not known."""
    return None if math.isnan(value) else value


def theory(result: DepthResult) -> dict[str, Any]:
    """Return what theory says of the limit."""
    prediction = result.prediction
    settled = correlation(result.settings, prediction)
    return {
        "predicted_ratio": prediction.ratio,
        "predicted_log_ratio": prediction.log_ratio,
        "predicted_reason": prediction.reason,
        "q_star": prediction.q_star,
        "chi_1": prediction.chi_1,
        "depth_scale": prediction.depth_scale,
        "beta": prediction.beta,
        "c_star": None if settled is None else settled.c_star,
        "correlation_depth_scale": None if settled is None else settled.depth_scale,
    }


def totals(result: DepthResult) -> dict[str, Any]:
    """Return what the factors come to over all layers."""
    return {
        "log10_gradient": result.log10_gradient,
        "log10_gradient_spread": result.log10_gradient_spread,
        "input_log10_gradient": result.input_log10_gradient,
        "extinct": result.extinct,
        "dead": result.dead,
        "log10_gradient_norm": result.log10_gradient_norm,
    }


def verdicts(result: DepthResult) -> dict[str, Any]:
    """Return what is said of it."""
    return {
        "verdict": result.verdict,
        "rule": result.rule,
        "certain": result.certain,
        "weight_gradient_ratio": result.weight_gradient_ratio,
        "log10_weight_gradient_ratio": result.log10_weight_gradient_ratio,
        "learning_verdict": result.learning_verdict,
        "learning_rule": LEARNING_RULE,
    }


def extras(measured: DepthMeasured) -> dict[str, Any]:
    """Return what was asked for besides."""
    made: dict[str, Any] = {}
    if measured.trained is not None:
        made["training"] = training(measured.trained)
    if measured.moves is not None:
        made["moves"] = [move._asdict() for move in measured.moves]
    if measured.clip is not None:
        made["clip"] = {"norm": measured.clip, "log10_factor": log10_clip(measured.result, measured.clip)}
    return made


def log10_clip(result: DepthResult, clip: float) -> float:
    """Return log10 of the one factor that clipping multiplies all weight gradients by: 0 where nothing is clipped."""
    return min(0.0, math.log10(clip) - result.log10_gradient_norm)


def training(trained: TaskResult) -> dict[str, Any]:
    """Return what --train result."""
    made = trained._asdict()
    made["layers"] = [layer._asdict() for layer in trained.layers]
    del made["settings"]
    return made


def init_name(result: DepthResult) -> str:
    """Return how the weights start: the initialiser, or the sigma_w in its place."""
    settings = result.settings
    if settings.weight_std is None:
        return settings.init
    gain = f"sigma_w={settings.weight_std:g}"
    return gain if settings.weights.family == "gaussian" else f"{settings.init}, gain {settings.weight_std:g}"


def name(result: DepthResult) -> str:
    """Name one combination."""
    cell = "" if result.settings.cell == "none" else f"{result.settings.cell}, "
    return f"{cell}{result.settings.activation}, {init_name(result)}"
