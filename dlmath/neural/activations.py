"""Activation functions as data: each with its equation, its derivative, its source, and all that others ask of it.

A new activation is one entry here: training, the theory of depth, the pictures, completion and help read their facts
from it. Its pure functions `value` and `slope` are the definition; the `Machine` is the same function as the training
loop runs it, and a test holds the two together. Reading the entries imports no array library.

Examples
--------
>>> get_activation("leaky-relu:0.2").equation
'a = z if z > 0 else 0.2 z'
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import InvalidValueError, unknown
from dlmath.neural import formulas, machines
from dlmath.neural.formulas import SELU_ALPHA, SELU_LAMBDA, exponential, falling_tail, from_slope, leaky, rising
from dlmath.neural.later import np
from dlmath.neural.machines import Machine, exponential_machine, leaky_machine, of_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array
    from dlmath.neural.formulas import LogSlope

LEAKY_SLOPE = 0.01
LARGEST_PARAMETER = 1000.0
"""Slopes and sizes that a user gives (`leaky-relu:A`, `elu:A`) are at most this."""


class Activation(NamedTuple):
    """One activation function a = phi(z).

    Attributes
    ----------
    name, equation, derivative, source : str
        What the user types, the formulas, and who published it.
    value, slope : callable
        phi and phi' over an ndarray of float32 or float64 of any shape; stable at every argument, infinities
        included. At a kink `slope` is the left derivative.
    machine_of : callable (dtype) -> Machine, or None
        The form the training loop runs in that dtype; None: made of `value` and `slope`.
    log_slope_of : callable (z) -> (sign, log), or None
        The sign of phi' and ln |phi'|, finite wherever phi' is not 0 by its formula; float64. None: as `slope` has
        them, which suffices where phi' does not underflow.
    kinks : tuple of float
        The z at which phi or phi' jumps or bends: differences across them tell nothing of the derivative, and
        quadrature has the border of a panel there.
    max_slope : float
        The largest |phi'|.
    range : tuple of float
        Infimum and supremum of phi.
    homogeneous : bool
        phi(c z) = c phi(z) for every c > 0: sizes never matter.
    odd : bool
        phi(-z) = -phi(z): an even distribution keeps mean 0.
    flat : bool
        phi' is exactly 0 over a whole half-line, so that units can be dead.
    rises : bool
        phi' is nowhere negative.
    algebraic : bool
        phi runs into its limits as a power of z, not exponentially: quadrature needs panels further out.
    aliases : tuple of str
        Other names of the same function.
    with_parameter : callable (float) -> Activation, or None
        What `name:A` stands for.
    """

    name: str
    equation: str
    derivative: str
    source: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    machine_of: Callable[[np.dtype[Any]], Machine] | None = None
    log_slope_of: LogSlope | None = None
    kinks: tuple[float, ...] = ()
    max_slope: float = 1.0
    range: tuple[float, float] = (-math.inf, math.inf)
    homogeneous: bool = False
    odd: bool = False
    flat: bool = False
    rises: bool = True
    algebraic: bool = False
    aliases: tuple[str, ...] = ()
    with_parameter: Callable[[float], Activation] | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """What can be typed for it: its name, with a parameter if it takes one, and its aliases."""
        return (self.name, *((f"{self.name}:A",) if self.with_parameter else ()), *self.aliases)

    @property
    def bounded(self) -> bool:
        """Whether phi has finite limits on both sides."""
        return math.isfinite(self.range[0]) and math.isfinite(self.range[1])

    @property
    def passes_zero(self) -> bool:
        """Whether phi(0) = 0."""
        return float(self.value(np.zeros(1))[0]) == 0

    def machine(self, dtype: np.dtype[Any]) -> Machine:
        """Return the form the training loop runs in that dtype."""
        if self.machine_of is None:
            return of_parts(lambda z: (self.value(z), self.slope(z)))
        return self.machine_of(dtype)

    def log_slope(self, z: Array) -> tuple[Array, Array]:
        """Return the sign of phi'(z) and ln |phi'(z)|; z of float64."""
        return (self.log_slope_of or from_slope(self.slope))(z)

    def limit_slopes(self, u: float) -> tuple[float, float]:
        """Return phi'(-u) and phi'(u): with u tiny or huge, the slopes of the homogeneous function phi is there."""
        left, right = self.slope(np.array([-u, u]))
        return float(left), float(right)


# ---------------------------------------------------------------- entries with a parameter


def leaky_relu(below: float = LEAKY_SLOPE) -> Activation:
    """Return z above 0 and below * z below: 0.01 unless told otherwise."""
    value, slope = leaky(below)
    return Activation(
        "leaky-relu", f"a = z if z > 0 else {below:g} z", f"da/dz = 1 if z > 0 else {below:g}",
        "Maas, Hannun & Ng 2013", value, slope, lambda _dtype: leaky_machine(below), kinks=(0.0,),
        max_slope=max(1.0, abs(below)), range=(-math.inf if below > 0 else 0.0, math.inf), homogeneous=True,
        odd=below == 1, flat=below == 0, rises=below >= 0, with_parameter=leaky_relu,
    )  # fmt: skip


def elu(alpha: float = 1.0) -> Activation:
    """Return z above 0 and alpha (e^z - 1) below: alpha 1 unless told otherwise."""
    if alpha <= 0:
        raise InvalidValueError(f"elu:{alpha:g} does not rise below 0", "elu:A needs A > 0 (A = 0 is relu)")
    value, slope, log_slope = exponential(alpha)
    size = "" if alpha == 1 else f"{alpha:g} "
    below = "e^z - 1" if alpha == 1 else f"{alpha:g} (e^z - 1)"
    return Activation(
        "elu", f"a = z if z > 0 else {below}", f"da/dz = 1 if z > 0 else {size}e^z",
        "Clevert, Unterthiner & Hochreiter 2015", value, slope, lambda _dtype: exponential_machine(alpha, 1.0),
        rising(log_slope), kinks=(0.0,), max_slope=max(1.0, alpha), range=(-alpha, math.inf), with_parameter=elu,
    )  # fmt: skip


def selu() -> Activation:
    """Return the ELU whose fixed point of mean 0 and variance 1 attracts."""
    value, slope, log_slope = exponential(SELU_ALPHA, SELU_LAMBDA)
    return Activation(
        "selu", "a = lambda z if z > 0 else lambda alpha (e^z - 1), lambda = 1.0507..., alpha = 1.6733...",
        "da/dz = lambda if z > 0 else lambda alpha e^z", "Klambauer et al. 2017", value, slope,
        lambda _dtype: exponential_machine(SELU_ALPHA, SELU_LAMBDA), rising(log_slope), kinks=(0.0,),
        max_slope=SELU_LAMBDA * SELU_ALPHA, range=(-SELU_LAMBDA * SELU_ALPHA, math.inf),
    )  # fmt: skip


# ---------------------------------------------------------------- the registry

_ENTRIES = (
    Activation(
        "sigmoid", "a = 1 / (1 + e^-z)", "da/dz = a (1 - a)", "Verhulst 1845; Rumelhart, Hinton & Williams 1986",
        formulas.sigmoid, formulas.sigmoid_slope, machines.sigmoid_machine, rising(formulas.log_sigmoid_slope),
        max_slope=0.25, range=(0.0, 1.0),
    ),
    Activation(
        "tanh", "a = (e^z - e^-z) / (e^z + e^-z)", "da/dz = 1 - a^2", "LeCun et al. 1998",
        formulas.tanh, formulas.tanh_slope, machines.tanh_machine, rising(formulas.log_tanh_slope),
        range=(-1.0, 1.0), odd=True,
    ),
    Activation(
        "relu", "a = max(0, z)", "da/dz = 1 if z > 0 else 0", "Fukushima 1969; Nair & Hinton 2010",
        formulas.relu, formulas.relu_slope, machines.relu_machine,
        kinks=(0.0,), range=(0.0, math.inf), homogeneous=True, flat=True,
    ),
    leaky_relu(),
    elu(),
    selu(),
    Activation(
        "gelu", "a = z Phi(z), Phi(z) = (1 + erf(z / sqrt 2)) / 2", "da/dz = Phi(z) + z e^(-z^2/2) / sqrt(2 pi)",
        "Hendrycks & Gimpel 2016", formulas.gelu, formulas.gelu_slope, lambda _dtype: of_parts(formulas.gelu_parts),
        falling_tail(formulas.gelu_slope, formulas.gelu_tail),
        max_slope=1.128904145185155, range=(-0.16997120747990369, math.inf), rises=False,
    ),
    Activation(
        "swish", "a = z / (1 + e^-z)", "da/dz = s + a (1 - s), s = 1 / (1 + e^-z)",
        "Elfwing, Uchibe & Doya 2017; Ramachandran, Zoph & Le 2017", formulas.swish, formulas.swish_slope,
        machines.swish_machine, falling_tail(formulas.swish_slope, formulas.swish_tail),
        max_slope=1.0998393201288672, range=(-0.27846454276107380, math.inf), rises=False, aliases=("silu",),
    ),
    Activation(
        "mish", "a = z tanh(ln(1 + e^z))", "da/dz = t + z (1 - t^2) / (1 + e^-z), t = tanh(ln(1 + e^z))",
        "Misra 2019", formulas.mish, formulas.mish_slope,
        log_slope_of=falling_tail(formulas.mish_slope, formulas.swish_tail),
        max_slope=1.0884981612516479, range=(-0.30884341301725041, math.inf), rises=False,
    ),
    Activation(
        "softplus", "a = ln(1 + e^z)", "da/dz = 1 / (1 + e^-z)", "Dugas et al. 2000",
        formulas.softplus, formulas.sigmoid, log_slope_of=rising(formulas.log_sigmoid), range=(0.0, math.inf),
    ),
    Activation(
        "softsign", "a = z / (1 + |z|)", "da/dz = 1 / (1 + |z|)^2", "Bergstra et al. 2009; Glorot & Bengio 2010",
        formulas.softsign, formulas.softsign_slope, log_slope_of=rising(formulas.log_softsign_slope),
        kinks=(0.0,), range=(-1.0, 1.0), odd=True, algebraic=True,
    ),
    Activation(
        "hard-tanh", "a = max(-1, min(1, z))", "da/dz = 1 if -1 < z < 1 else 0", "Collobert 2004",
        formulas.hard_tanh, formulas.hard_tanh_slope, kinks=(-1.0, 1.0), range=(-1.0, 1.0), odd=True, flat=True,
    ),
    Activation(
        "linear", "a = z", "da/dz = 1", "Widrow & Hoff 1960",
        formulas.linear, formulas.linear_slope, machines.linear_machine, homogeneous=True, odd=True,
    ),
)  # fmt: skip

ACTIVATIONS: dict[str, Activation] = {entry.name: entry for entry in _ENTRIES}
"""Every activation a network can be trained with, by the name the user types."""

_BY_WORD = {word: entry for entry in _ENTRIES for word in (entry.name, *entry.aliases)}


@lru_cache(maxsize=256)
def get_activation(word: str) -> Activation:
    """Return the activation that a word stands for: a name, an alias, or a name with its parameter.

    Raises
    ------
    InvalidValueError
        When there is none; `step` gets its own answer, for it exists but has no slope to follow.
    """
    if word == "step":
        raise InvalidValueError(
            "activation 'step' has slope 0 everywhere, so backpropagation cannot train it",
            f"use the perceptron rule with it, or one of: {', '.join(ACTIVATIONS)}",
        )
    name, colon, number = word.partition(":")
    if name not in _BY_WORD:
        raise unknown("activation", word, [usage for entry in _ENTRIES for usage in entry.words])
    return _with_parameter(word, _BY_WORD[name], number) if colon else _BY_WORD[name]


def _with_parameter(word: str, entry: Activation, number: str) -> Activation:
    if entry.with_parameter is None:
        takers = ", ".join(f"{other.name}:A" for other in _ENTRIES if other.with_parameter)
        raise InvalidValueError(f"activation {entry.name!r} takes no number, and {word!r} gives it one", f"{takers} do")
    try:
        parameter = float(number)
    except ValueError:
        parameter = math.nan
    if not abs(parameter) <= LARGEST_PARAMETER:
        raise InvalidValueError(
            f"{number!r} in activation {word!r} is not a number from -{LARGEST_PARAMETER:g} to {LARGEST_PARAMETER:g}",
            f"write it as {entry.name}:0.2",
        )
    return entry.with_parameter(parameter)._replace(name=word)
