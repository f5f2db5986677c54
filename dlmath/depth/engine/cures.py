"""What would keep this network's gradients: candidates that are not in use yet, each measured, those that help kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from dlmath.depth.engine.critical import suggest
from dlmath.depth.engine.measure import measure
from dlmath.depth.engine.settings import LSUV
from dlmath.errors import DlmathError
from dlmath.neural.initialisers import CONSTANT, ORTHOGONAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.depth.engine.measure import DepthResult
    from dlmath.depth.engine.settings import DepthSettings

DEEPEST, WIDEST, SEEDS = 1000, 2048, 4
"""A candidate is measured on no more than this."""
MOST_NUMBERS = 3e7
"""Nor on more weights than this, where it needs real matrices: less deep then."""
HELPS = 0.8
"""A candidate helps if it leaves less than this of ln of the factor a layer."""
SAME = 1e-6
LSTM_BIAS = 4.0


class Cure(NamedTuple):
    """One change that was measured.

    Attributes
    ----------
    text : str
        What is changed and why it helps.
    words : str
        The options that say so.
    sigma_w, sigma_b : float or None
        Of the weights and biases, where the change is one of theirs.
    chi_1 : float or None
        What theory then says.
    measured_ratio, measured_log10_gradient : float
    measured_depth, measured_width : int
    verdict : str
    """

    text: str
    words: str
    sigma_w: float | None
    sigma_b: float | None
    chi_1: float | None
    measured_ratio: float
    measured_log10_gradient: float
    measured_depth: int
    measured_width: int
    verdict: str


class Candidate(NamedTuple):
    """A change before it is measured."""

    text: str
    words: str
    settings: DepthSettings
    sigma_w: float | None = None
    sigma_b: float | None = None
    chi_1: float | None = None


def cures(found: DepthResult) -> tuple[Cure, ...]:
    """Return what helps, the best first; none where gradients are stable already.

    Examples
    --------
    >>> from dlmath.depth.engine.settings import DepthSettings
    >>> found = measure(DepthSettings(depth=50, width=64, activation="leaky-relu:0.5", init="normal:0.01"))
    >>> cures(found)[0].words
    '--weight-std 1.26491'
    """
    if found.verdict == "stable":
        return ()
    measured = [cure for candidate in candidates(found) if (cure := _measured(candidate)) is not None]
    now = math.inf if found.ratio == 0 else abs(found.log10_gradient) / found.settings.depth
    helping = [cure for cure in measured if _rest(cure) < HELPS * now]
    return tuple(sorted(helping, key=lambda cure: (cure.verdict != "stable", cure.sigma_w is None)))


def _rest(cure: Cure) -> float:
    return abs(cure.measured_log10_gradient) / cure.measured_depth


def candidates(found: DepthResult) -> Iterator[Candidate]:
    """Yield the changes that are not in use."""
    settings = found.settings
    if settings.cell != "none":
        yield from _of_cells(settings)
        return
    plain = settings.residual == "none" and settings.normalize == "none"
    if plain:
        yield from _gains(settings)
        yield from _widths(found)
    yield from _residuals(settings)


def _gains(settings: DepthSettings) -> Iterator[Candidate]:
    """Yield weights with chi_1 = 1, Gaussian and orthogonal."""
    critical = suggest(settings.activation, settings.sigma_b)
    if critical is None:
        return
    weights, noise = settings.weights, critical.sigma_b
    in_use = (
        abs(weights.sigma - critical.sigma_w) < SAME * critical.sigma_w
        and not weights.mean
        and noise == settings.sigma_b
        and weights.family != CONSTANT
    )
    plain = settings._replace(
        weight_std=critical.sigma_w, bias_std=noise or None, init="lecun", batch=1, method="auto", widths=None
    )
    biases = f" --bias-std {noise:.6g}" if noise else ""
    figures = (critical.sigma_w, noise, critical.chi_1)
    if not in_use:
        peculiar = f" ({critical.note})" if critical.note else ""
        text = f"chi_1 = 1 for {settings.activation}{peculiar}"
        yield Candidate(text, f"--weight-std {critical.sigma_w:.6g}{biases}", plain, *figures)
    if weights.family != ORTHOGONAL or not in_use:
        text = "chi_1 = 1, and orthogonal weights scatter less from layer to layer"
        words = f"--init orthogonal --weight-std {critical.sigma_w:.6g}{biases}"
        yield Candidate(text, words, plain._replace(init="orthogonal"), *figures)


def _widths(found: DepthResult) -> Iterator[Candidate]:
    """Yield the width at which the 1/N term costs one factor e over the whole depth: N = beta L / 4."""
    settings, theory = found.settings, found.prediction
    if theory.log_ratio is None or theory.log_ratio_mean_field is None or theory.beta is None:
        return
    if abs(settings.depth * theory.log_ratio_mean_field) > math.log(10) or settings.widths is not None:
        return  # it is not the width that is to blame
    width = math.ceil(theory.beta * settings.depth / 4)
    if width > settings.width:
        text = f"width {width}, beta L / 4: chi_1 = 1 already, and the 1/N term then costs one factor e in all"
        yield Candidate(text, f"--width {width}", settings._replace(width=width))


def _residuals(settings: DepthSettings) -> Iterator[Candidate]:
    """Yield residual connections, with their branches scaled down and with normalisation, and normalisation alone."""
    if len(set(settings.sizes)) > 1 or settings.init == LSUV:
        return
    free = settings._replace(batch=1, method="auto", widths=None, normalize="none", init="lecun", weight_std=None)
    if settings.residual != "pre":
        yield Candidate("residual connections: the identity carries the gradient", "--residual --init lecun",
                        free._replace(residual="pre"))  # fmt: skip
    if not (settings.residual == "pre" and settings.normalize == "layer"):
        yield Candidate(
            "residual connections with layer normalization: growth as a power of depth",
            "--residual --normalize layer --init lecun", free._replace(residual="pre", normalize="layer"),
        )  # fmt: skip
    scaled = settings.weights.sigma / math.sqrt(settings.depth)
    if settings.residual == "pre" and scaled > 0:
        yield Candidate("branches scaled by 1 / sqrt(L)", f"--residual --weight-std {scaled:.4g}",
                        free._replace(residual="pre", weight_std=scaled), scaled)  # fmt: skip
    if settings.normalize == "none" and settings.residual == "none":
        yield Candidate("layer normalization", "--normalize layer --init lecun", free._replace(normalize="layer"))


def _of_cells(settings: DepthSettings) -> Iterator[Candidate]:
    """Yield an orthogonal recurrent matrix, and an LSTM whose forget gate is near 1."""
    if settings.weights.family != ORTHOGONAL or settings.weight_std not in {None, 1.0}:
        yield Candidate(
            "an orthogonal recurrent matrix: every |eigenvalue| is 1", f"--cell {settings.cell} --init orthogonal",
            settings._replace(init="orthogonal", weight_std=None),
        )  # fmt: skip
    if settings.cell == "rnn" or settings.forget_bias < LSTM_BIAS:
        bounded = settings.activation if settings.phi.bounded else "tanh"
        yield Candidate(
            f"an LSTM with forget bias {LSTM_BIAS:g}: its gate near 1 carries the gradient along the cell",
            f"--cell lstm --activation {bounded} --forget-bias {LSTM_BIAS:g} --init lecun",
            settings._replace(cell="lstm", activation=bounded, forget_bias=LSTM_BIAS, init="lecun", weight_std=None),
        )  # fmt: skip


def _measured(candidate: Candidate) -> Cure | None:
    """Return the cure, measured at a size that takes a moment; None where it cannot be."""
    settings = candidate.settings
    depth, width = min(settings.depth, DEEPEST), min(settings.width, WIDEST)
    settings = settings._replace(depth=depth, width=width, seeds=SEEDS, seed=0)
    if settings.cell == "none" and settings.residual != "none":
        depth = min(depth, max(1, int(MOST_NUMBERS / (3 * SEEDS * width))))
        settings = settings._replace(depth=depth)
    try:
        found = measure(settings)
    except DlmathError:
        return None
    return Cure(
        candidate.text, candidate.words, candidate.sigma_w, candidate.sigma_b, candidate.chi_1, found.ratio,
        found.log10_gradient, depth, width, found.verdict,
    )  # fmt: skip
