"""What is measured: a deep network with all its words resolved and checked."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.errors import InvalidValueError, nearest, unknown
from dlmath.neural.activations import get_activation
from dlmath.neural.initialisers import GAUSSIAN, INITIALISERS, ORTHOGONAL, parse_initialiser

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
CELLS: dict[str, str] = {
    "none": "every layer has weights of its own",
    "rnn": "h' = phi(W h + b), the same W and b at every step (Elman 1990)",
    "lstm": "c' = f c + i g, h' = o phi(c'), the same weights at every step (Hochreiter & Schmidhuber 1997)",
}
FORGET_BIAS = 1.0
"""Added to the forget gate's weighted sums unless told otherwise (Gers, Schmidhuber & Cummins 2000)."""
LARGEST_SIGMA = 1e6  # beyond it float32 sums of squares could overflow within a layer
ONE_SIGMA = 0.841344746068542949  # the normal's cumulative distribution at 1


class WeightLaw(NamedTuple):
    """How the entries of one matrix (fan_out, fan_in) are drawn.

    Attributes
    ----------
    family : str
        "gaussian", "orthogonal", "uniform" or "constant".
    sigma : float
        sigma_w of mean-field theory: the entries have variance sigma^2 / fan_in (as Haar's, times sigma, have in
        square matrices).
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
    """A network of `depth` layers, what it starts from, and how it is measured.

    Attributes
    ----------
    depth, width, batch : int
        Layers, units a layer, inputs at once. Inputs are random, each of mean square 1.
    widths : tuple of int or None
        Units of every layer, where they differ; the input has as many as layer 1. `depth` is their number.
    seeds, seed : int
        Networks `seed` to `seed + seeds - 1`, one after the other or many at once: the same numbers.
    activation, init : str
        A word of `get_activation`; the language of `parse_initialiser`, or "lsuv".
    weight_std, bias_std : float or None
        sigma_w and sigma_b: variances sigma_w^2 / N and sigma_b^2. sigma_w overrides `init` by Gaussian weights
        (orthogonal ones stay orthogonal, times sigma_w). None: as `init` says; biases only where it draws them.
    residual, normalize : str
        Keys of `RESIDUALS` and `NORMALISATIONS`.
    cell : str
        A key of `CELLS`; with a cell, `depth` is the number of steps.
    forget_bias : float
        Of an LSTM.
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
    cell: str = "none"
    forget_bias: float = FORGET_BIAS
    widths: tuple[int, ...] | None = None
    method: str = "auto"
    dtype: str = "float32"

    @property
    def phi(self) -> Activation:
        """The activation."""
        return get_activation(self.activation)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of the input and of every layer (L + 1)."""
        return (self.width,) * (self.depth + 1) if self.widths is None else (self.widths[0], *self.widths)

    @property
    def sigma_b(self) -> float:
        """The standard deviation of the biases, of layer 1 where it depends on the width."""
        return self.biases.sigma

    @property
    def biases(self) -> BiasLaw:
        """How the biases of layer 1 are drawn."""
        return bias_law(self.init, self.sizes[0], self.bias_std)

    @property
    def weights(self) -> WeightLaw:
        """How the weights of layer 1 are drawn, those of every layer where all widths are equal."""
        return weight_law(self.init, self.sizes[0], weight_std=self.weight_std)

    def weights_of(self, layer: int) -> WeightLaw:
        """Return how the weights of layer index `layer` are drawn."""
        return weight_law(self.init, self.sizes[layer], self.sizes[layer + 1], self.weight_std)

    def biases_of(self, layer: int) -> BiasLaw:
        """Return how the biases of layer index `layer` are drawn."""
        return bias_law(self.init, self.sizes[layer], self.bias_std)


class BiasLaw(NamedTuple):
    """How a layer's biases are drawn: mean 0, standard deviation `sigma`, Gaussian or uniform."""

    family: str
    sigma: float


@lru_cache(maxsize=64)
def bias_law(init: str, fan_in: int, bias_std: float | None = None) -> BiasLaw:
    """Return the law of a layer's biases: Gaussian where `bias_std` is given, else the initialiser's, else none.

    Examples
    --------
    >>> law = bias_law("torch", 300)
    >>> law.family, round(law.sigma, 12)
    ('uniform', 0.033333333333)
    """
    if bias_std is not None:
        return BiasLaw(GAUSSIAN, bias_std)
    if init == LSUV or not (initialiser := _parse(init)).kind.draws_biases:
        return BiasLaw(GAUSSIAN, 0.0)
    law = _law_of(initialiser, fan_in, fan_in)
    return BiasLaw(law.family, law.sigma / math.sqrt(fan_in))


@lru_cache(maxsize=256)
def weight_law(init: str, fan_in: int, fan_out: int | None = None, weight_std: float | None = None) -> WeightLaw:
    """Return the law of one layer's weights, its numbers taken from the initialiser's own formula.

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
    if weight_std is not None:
        return WeightLaw(ORTHOGONAL if initialiser.kind.family == ORTHOGONAL else GAUSSIAN, weight_std)
    return _law_of(initialiser, fan_in, fan_in if fan_out is None else fan_out)


def _law_of(initialiser: Initialiser, fan_in: int, fan_out: int) -> WeightLaw:
    """Ask the initialiser for the quantiles that fix its law."""
    family, fans = initialiser.kind.family, (fan_in, fan_out)
    if family == ORTHOGONAL:
        return WeightLaw(family, math.sqrt(fan_in / max(fans)))  # of a wide matrix only the rows have norm 1
    if family == GAUSSIAN:
        return WeightLaw(family, _quantiles(initialiser, fans, ONE_SIGMA)[0] * math.sqrt(fan_in))
    low, high = _quantiles(initialiser, fans, 0.0, 1.0)
    return WeightLaw(family, (high - low) * math.sqrt(fan_in / 12), (low + high) / 2)


def _quantiles(initialiser: Initialiser, fans: tuple[int, int], *uniforms: float) -> list[float]:
    return [float(value) for value in initialiser.draw(np.array([[uniforms]]), *fans).ravel()]


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
    _check_widths(settings)
    _check_sigmas(settings)
    _check_remedies(settings)
    _check_cell(settings)


def _words(settings: DepthSettings) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return (
        ("method", settings.method, METHODS),
        ("dtype", settings.dtype, DTYPES),
        ("residual", settings.residual, tuple(RESIDUALS)),
        ("normalization", settings.normalize, tuple(NORMALISATIONS)),
        ("cell", settings.cell, tuple(CELLS)),
    )


def _check_widths(settings: DepthSettings) -> None:
    if settings.widths is None:
        return
    _require(
        len(settings.widths) == settings.depth, "depth", settings.depth, f"{len(settings.widths)} widths are given"
    )
    for width in settings.widths:
        _require(width >= 1, "width", width, "every layer needs at least 1 unit")
    if settings.residual != "none" and len(set(settings.widths)) > 1:
        raise InvalidValueError(
            "a residual connection adds a layer's input to its output, and these layers differ in width",
            "give equal widths, or no --residual",
        )


def _check_sigmas(settings: DepthSettings) -> None:
    for what, sigma in (("weight-std", settings.weight_std), ("bias-std", settings.bias_std)):
        if sigma is not None:
            _require(
                0 <= sigma <= LARGEST_SIGMA, what, sigma, f"a standard deviation lies between 0 and {LARGEST_SIGMA:g}"
            )
    laws = [(settings.weights_of(layer), settings.sizes[layer]) for layer in range(len(settings.widths or [0]))]
    size = max(max(law.sigma, abs(law.mean) * fan_in) for law, fan_in in laws)
    _require(
        size <= LARGEST_SIGMA,
        "size of the initial weights",
        size,
        f"sigma_w and N mean(w) may be at most {LARGEST_SIGMA:g}",
    )


def _check_remedies(settings: DepthSettings) -> None:
    """Refuse normalisations over 1 or 2 numbers: what is brought to mean 0 and variance 1 is then 0, or -1 and 1."""
    if settings.normalize == "batch" and settings.batch <= 2:
        raise InvalidValueError(
            f"batch normalization of {settings.batch} {'input leaves' if settings.batch == 1 else 'inputs leaves'} "
            "nothing of them, and its derivative is 0",
            "give --batch 3 or more (64 to compare with theory)",
        )
    narrowest = min(settings.sizes)
    if settings.init == LSUV and narrowest * settings.batch == 1:
        raise InvalidValueError(
            "lsuv brings the weighted sums of a layer to variance 1, and one unit for one input has none",
            "give --width 2 or more",
        )
    if settings.normalize == "layer" and narrowest <= 2:
        raise InvalidValueError(
            f"layer normalization of {narrowest} {'unit leaves' if narrowest == 1 else 'units leaves'} nothing of "
            "them, and its derivative is 0",
            "give --width 3 or more",
        )


def _check_cell(settings: DepthSettings) -> None:
    if settings.cell == "none":
        return
    strangers = (
        ("residual connections", settings.residual != "none"),
        ("normalization", settings.normalize != "none"),
        ("layers of several widths", settings.widths is not None),
        ("lsuv", settings.init == LSUV),
        ("method law, which draws new weights for every layer", settings.method == "law"),
    )
    for what, given in strangers:
        if given:
            raise InvalidValueError(
                f"--cell {settings.cell} uses one layer's weights again at every step and does not go with {what}",
                "leave one of the two out",
            )
    if settings.cell == "lstm" and not settings.phi.bounded:
        raise InvalidValueError(
            f"the candidate of an LSTM adds up over steps, and {settings.activation} has no bounds",
            "use a bounded activation: tanh, sigmoid, softsign or hard-tanh",
        )
    _require(math.isfinite(settings.forget_bias), "forget bias", settings.forget_bias, "it must be a finite number")


def _require(holds: bool, what: str, value: float, mend: str) -> None:  # noqa: FBT001
    if not holds:
        raise InvalidValueError(f"{what} {value:g} is not possible", mend)
