"""What is measured: a deep network with all its words resolved and checked."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.errors import InvalidValueError, nearest, unknown
from dlmath.neural.activations import get_activation
from dlmath.neural.initialisers import INITIALISERS, parse_initialiser

if TYPE_CHECKING:
    from dlmath.neural.activations import Activation
    from dlmath.neural.initialisers import Initialiser

METHODS = ("auto", "law", "explicit")
DTYPES = ("float32", "float64")
NORMALISATIONS: dict[str, str] = {
    "none": "none",
    "layer": "before phi, each input is brought to mean 0 and variance 1 over its units (Ba et al. 2016)",
    "batch": "before phi, each unit is brought to mean 0 and variance 1 over the inputs (Ioffe & Szegedy 2015)",
}
RESIDUALS: dict[str, str] = {
    "none": "x' = phi(W x + b)",
    "pre": "x' = x + W phi(x) + b (He et al. 2016, pre-activation)",
    "post": "x' = x + phi(W x + b)",
}
LSUV = "lsuv"
"""Orthogonal, then each layer scaled so that its weighted sums have variance 1 on the input (Mishkin & Matas 2016)."""
LARGEST_SIGMA = 1e6  # beyond it float32 sums of squares could overflow within a layer
ONE_SIGMA = 0.841344746068542949  # the normal's cumulative distribution at 1

GAUSSIAN, ORTHOGONAL, UNIFORM, CONSTANT = "gaussian", "orthogonal", "uniform", "constant"
_FAMILIES = {
    "glorot": UNIFORM, "glorot-normal": GAUSSIAN, "he": GAUSSIAN, "lecun": GAUSSIAN, "uniform": UNIFORM,
    "normal": GAUSSIAN, "orthogonal": ORTHOGONAL, "zeros": CONSTANT, "constant": CONSTANT,
}  # fmt: skip


class WeightLaw(NamedTuple):
    """How the entries of one N x N matrix are drawn.

    Attributes
    ----------
    family : str
        "gaussian", "orthogonal", "uniform" or "constant".
    sigma : float
        sigma_w of mean-field theory: the entries have variance sigma^2 / N (as Haar's, times sigma, have).
    mean : float
        Mean of the entries.
    unit_variance : bool
        Each layer is scaled further, until its weighted sums have variance 1 (LSUV).
    """

    family: str
    sigma: float
    mean: float = 0.0
    unit_variance: bool = False


class DepthSettings(NamedTuple):
    """A network of `depth` square layers, what it starts from, and how it is measured.

    Attributes
    ----------
    depth, width, batch : int
        Layers, units a layer, inputs at once. Inputs are random, each of mean square 1.
    seeds, seed : int
        Networks `seed` to `seed + seeds - 1`, one after the other or many at once: the same numbers.
    activation, init : str
        A key of `ACTIVATIONS`; the language of `parse_initialiser`, or "lsuv".
    weight_std, bias_std : float or None
        sigma_w and sigma_b: variances sigma_w^2 / N and sigma_b^2. sigma_w overrides `init` by Gaussian weights
        (orthogonal ones stay orthogonal, times sigma_w). None: as `init` says, no biases.
    residual, normalize : str
        Keys of `RESIDUALS` and `NORMALISATIONS`.
    clip : float or None
        The norm of dE/dx is cut to this after every layer going backward (the error sent in has norm 1).
    method, dtype : str
        One of `METHODS`, of `DTYPES`.
    """

    depth: int = 30
    width: int = 256
    batch: int = 1
    seeds: int = 1
    seed: int = 0
    activation: str = "sigmoid"
    init: str = "glorot"
    weight_std: float | None = None
    bias_std: float | None = None
    residual: str = "none"
    normalize: str = "none"
    clip: float | None = None
    method: str = "auto"
    dtype: str = "float32"

    @property
    def phi(self) -> Activation:
        """The activation."""
        return get_activation(self.activation)

    @property
    def sigma_b(self) -> float:
        """The standard deviation of the biases."""
        return self.bias_std or 0.0

    @property
    def weights(self) -> WeightLaw:
        """How the weights are drawn."""
        return weight_law(self.init, self.width, self.weight_std)


@lru_cache(maxsize=64)
def weight_law(init: str, width: int, weight_std: float | None = None) -> WeightLaw:
    """Return the law of one square layer's weights, its numbers taken from the initialiser's own formula.

    Examples
    --------
    >>> round(weight_law("he", 100).sigma ** 2, 12)
    2.0
    >>> weight_law("uniform:0:1", 256)
    WeightLaw(family='uniform', sigma=4.618802153517006, mean=0.5, unit_variance=False)
    """
    if init == LSUV:
        return WeightLaw(ORTHOGONAL, 1.0 if weight_std is None else weight_std, unit_variance=True)
    initialiser = _parse(init)
    family = _FAMILIES[init.partition(":")[0]]
    if weight_std is not None:
        return WeightLaw(ORTHOGONAL if family == ORTHOGONAL else GAUSSIAN, weight_std)
    return _law_of(family, initialiser, width)


def _law_of(family: str, initialiser: Initialiser, width: int) -> WeightLaw:
    """Ask the initialiser for the quantiles that fix its law."""
    if family == ORTHOGONAL:
        return WeightLaw(family, 1.0)
    if family == GAUSSIAN:
        return WeightLaw(family, _quantiles(initialiser, width, ONE_SIGMA)[0] * math.sqrt(width))
    low, high = _quantiles(initialiser, width, 0.0, 1.0)
    return WeightLaw(family, (high - low) * math.sqrt(width / 12), (low + high) / 2)


def _quantiles(initialiser: Initialiser, width: int, *uniforms: float) -> list[float]:
    return [float(value) for value in initialiser.draw(np.array([[uniforms]]), width, width).ravel()]


def _parse(init: str) -> Initialiser:
    name = init.partition(":")[0]
    if name not in INITIALISERS and nearest(name, [*INITIALISERS, LSUV]) == LSUV:
        raise InvalidValueError(f"unknown initialiser {init!r}", f"did you mean '{LSUV}'?")
    return parse_initialiser(init)


def check_settings(settings: DepthSettings) -> None:
    """Refuse what cannot be measured.

    Raises
    ------
    InvalidValueError
        Naming the value and what is allowed.
    """
    for what in ("depth", "width", "batch", "seeds"):
        _require(getattr(settings, what) >= 1, what, getattr(settings, what), "it must be at least 1")
    _require(settings.seed >= 0, "seed", settings.seed, "it must be at least 0")
    for what, word, allowed in _words(settings):
        if word not in allowed:
            raise unknown(what, word, allowed)
    _ = settings.phi, settings.weights  # raise for a name that is not known
    _check_sigmas(settings)
    _check_remedies(settings)


def _words(settings: DepthSettings) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return (
        ("method", settings.method, METHODS),
        ("dtype", settings.dtype, DTYPES),
        ("residual", settings.residual, tuple(RESIDUALS)),
        ("normalization", settings.normalize, tuple(NORMALISATIONS)),
    )


def _check_sigmas(settings: DepthSettings) -> None:
    for what, sigma in (("weight-std", settings.weight_std), ("bias-std", settings.bias_std)):
        if sigma is not None:
            _require(
                0 <= sigma <= LARGEST_SIGMA, what, sigma, f"a standard deviation lies between 0 and {LARGEST_SIGMA:g}"
            )
    law = settings.weights
    size = max(law.sigma, abs(law.mean) * settings.width)
    _require(
        size <= LARGEST_SIGMA,
        "size of the initial weights",
        size,
        f"sigma_w and N mean(w) may be at most {LARGEST_SIGMA:g}",
    )
    if settings.clip is not None:
        _require(0 < settings.clip < math.inf, "clip", settings.clip, "the norm to clip at must be positive and finite")


def _check_remedies(settings: DepthSettings) -> None:
    if settings.normalize == "batch" and settings.batch == 1:
        raise InvalidValueError(
            "batch normalization of 1 input has no variance to divide by",
            "give --batch 2 or more (64 to compare with theory)",
        )
    if settings.normalize == "layer" and settings.width == 1:
        raise InvalidValueError("layer normalization of 1 unit has no variance to divide by", "give --width 2 or more")


def _require(holds: bool, what: str, value: float, mend: str) -> None:  # noqa: FBT001
    if not holds:
        raise InvalidValueError(f"{what} {value:g} is not possible", mend)
