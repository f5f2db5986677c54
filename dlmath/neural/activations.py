"""Activation functions as data: each with its equation, its derivative, its source and its two implementations.

The pure functions `value` and `slope` are the definition: they accept every argument, in float32 and float64.
The `Machine` is the same function as the training loop runs it: in place, on big arrays, and up to an affine
map that costs nothing because the caller folds it into the small parameter arrays (see `Machine`). A test
holds the two together.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.errors import InvalidValueError, unknown
from dlmath.neural.special_functions import erfc

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array


SELU_ALPHA = 1.6732632423543772
SELU_LAMBDA = 1.0507009873554805
LEAKY_SLOPE = 0.01


def _nothing(_array: Array, _other: Array) -> None:
    """Leave both arrays as they are."""


class Machine(NamedTuple):
    """An activation as the training loop computes it: a = alpha * u + beta with u = core(gamma * z).

    The big arrays hold only u. alpha, beta and gamma are folded by the caller into weights, biases and
    constant matrices, which are smaller. So in float32 the sigmoid costs no more than a tanh.

    Attributes
    ----------
    activate : callable (z, slope)
        Turns `z`, which holds gamma * z, into u in place. `slope` is for the core slope where that is
        cheapest here; until then it is scratch space.
    slope : callable (u, out)
        Writes the core slope, computed from u, where `activate` has not. da/dz = slope_scale * core slope.
    slope_in_place : bool
        `slope` may write over u itself and `activate` leaves its second argument alone, so that the layer
        needs one big array less.
    alpha, beta, gamma, slope_scale : float
        The affine map. beta is 0 or alpha.
    """

    activate: Callable[[Array, Array], None]
    slope: Callable[[Array, Array], None] = _nothing
    slope_in_place: bool = False
    alpha: float = 1.0
    beta: float = 0.0
    gamma: float = 1.0
    slope_scale: float = 1.0


class Activation(NamedTuple):
    """One activation function a = phi(z).

    Attributes
    ----------
    name, equation, derivative, source : str
        What the user types, the formulas, and who published it.
    value, slope : callable
        phi and phi' over an ndarray of float32 or float64 of any shape; stable at every argument, infinities
        included. At a kink `slope` is the left derivative.
    machine : callable (dtype) -> Machine
        The form the training loop runs in that dtype.
    kinks : tuple of float
        The z at which phi or phi' jumps or bends: differences across them tell nothing of the derivative.
    max_slope : float
        The largest |phi'|.
    range : tuple of float
        Infimum and supremum of phi.
    """

    name: str
    equation: str
    derivative: str
    source: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    machine: Callable[[np.dtype[Any]], Machine]
    kinks: tuple[float, ...] = ()
    max_slope: float = 1.0
    range: tuple[float, float] = (-math.inf, math.inf)


# ---------------------------------------------------------------- sigmoid and tanh


def _sigmoid(z: Array) -> Array:
    small = np.exp(-np.abs(z))  # never overflows, whichever the sign
    return np.asarray(np.where(z >= 0, 1, small) / (1 + small))


def _sigmoid_slope(z: Array) -> Array:
    small = np.exp(-np.abs(z))
    return np.asarray(small / np.square(1 + small))


def sigmoid_by_exp(dtype: np.dtype[Any]) -> Machine:
    """Return u = 1 / (1 + exp(x)) with x = -z; exp may overflow to infinity, and 1/inf = 0 is then the right answer."""
    one = np.ones((), dtype)  # an array: NumPy takes longer to convert a Python number than to add it to a few lanes

    def activate(x: Array, _slope: Array) -> None:
        np.exp(x, x)
        np.add(x, one, x)
        np.divide(one, x, x)

    def slope(u: Array, out: Array) -> None:
        np.subtract(one, u, out)
        np.multiply(u, out, out)

    return Machine(activate, slope, gamma=-1.0)


def tanh_machine(dtype: np.dtype[Any]) -> Machine:
    """Return u = tanh(z), core slope 1 - u^2."""
    one = np.ones((), dtype)

    def activate(x: Array, _slope: Array) -> None:
        np.tanh(x, x)

    def slope(u: Array, out: Array) -> None:
        np.square(u, out)
        np.subtract(one, out, out)

    return Machine(activate, slope, slope_in_place=True)


def sigmoid_by_tanh(dtype: np.dtype[Any]) -> Machine:
    """Return sigmoid(z) = (1 + tanh(z / 2)) / 2 as an affine map of a tanh."""
    return tanh_machine(dtype)._replace(alpha=0.5, beta=0.5, gamma=0.5, slope_scale=0.25)


@cache
def _has_fast_tanh() -> bool:
    """Whether NumPy has a tanh for this processor that is cheaper than exp, add and divide.

    With AVX-512 its float32 tanh takes 0.4 ns an element and exp 0.5; with AVX2 alone 3 ns and 1.5.
    """
    from numpy.lib.introspect import opt_func_info

    found = opt_func_info(func_name="^tanh$", signature="float32")
    names = [kernel["current"] for kernels in found.values() for kernel in kernels.values()]
    return any("AVX512" in name or "X86_V4" in name for name in names)  # NumPy before 2.4, and since


def _sigmoid_machine(dtype: np.dtype[Any]) -> Machine:
    """Choose the cheaper form; in float64 that is always exp."""
    form = sigmoid_by_tanh if dtype.itemsize == 4 and _has_fast_tanh() else sigmoid_by_exp
    return form(dtype)


def _tanh_slope(z: Array) -> Array:
    """sech^2, in a form that does not cancel for large |z|."""
    small = np.exp(-2 * np.abs(z))
    return np.asarray(4 * small / np.square(1 + small))


# ---------------------------------------------------------------- piecewise linear


def _relu(z: Array) -> Array:
    return np.maximum(z, 0)


def _positive(z: Array) -> Array:
    """Return 1 where z > 0, else 0, and NaN where z is NaN."""
    return np.where(np.isnan(z), z, z > 0).astype(z.dtype)


def _relu_core(z: Array, _slope: Array) -> None:
    np.maximum(z, 0, out=z)


def _relu_core_slope(u: Array, out: Array) -> None:
    np.sign(u, out)  # u is never negative


def _leaky(z: Array) -> Array:
    return np.maximum(z, LEAKY_SLOPE * z)


def _leaky_slope(z: Array) -> Array:
    return np.where(np.isnan(z), z, np.where(z > 0, 1, LEAKY_SLOPE)).astype(z.dtype)


def _leaky_core(z: Array, slope: Array) -> None:
    np.multiply(z, LEAKY_SLOPE, slope)
    np.maximum(z, slope, out=z)
    slope.fill(LEAKY_SLOPE)
    np.copyto(slope, 1, where=z > 0)


def _ones_like(z: Array) -> Array:
    return np.where(np.isnan(z), z, 1).astype(z.dtype)


def _linear_core(_z: Array, slope: Array) -> None:
    slope.fill(1)


# ---------------------------------------------------------------- exponential units


def _elu(z: Array) -> Array:
    return np.maximum(z, np.expm1(np.minimum(z, 0)))  # e^z - 1 >= z, so the larger is the right branch


def _elu_slope(z: Array) -> Array:
    return np.exp(np.minimum(z, 0))


def _elu_core(z: Array, slope: Array) -> None:
    np.minimum(z, 0, out=slope)
    np.expm1(slope, slope)
    np.maximum(z, slope, out=z)
    np.add(slope, 1, slope)


def _selu(z: Array) -> Array:
    return SELU_LAMBDA * (np.maximum(z, 0) + SELU_ALPHA * np.expm1(np.minimum(z, 0)))


def _selu_slope(z: Array) -> Array:
    below = SELU_LAMBDA * SELU_ALPHA * np.exp(np.minimum(z, 0))
    return np.where(z > 0, SELU_LAMBDA, below).astype(z.dtype)


def _selu_core(z: Array, slope: Array) -> None:
    np.minimum(z, 0, out=slope)
    np.expm1(slope, slope)
    np.multiply(slope, SELU_LAMBDA * SELU_ALPHA, slope)
    above = z > 0
    np.maximum(z, 0, out=z)
    np.multiply(z, SELU_LAMBDA, z)
    np.add(z, slope, z)
    np.add(slope, SELU_LAMBDA * SELU_ALPHA, slope)
    np.copyto(slope, SELU_LAMBDA, where=above)


# ---------------------------------------------------------------- smooth ramps


def _gelu_parts(z: Array) -> tuple[Array, Array]:
    """Return phi(z) and phi'(z); beyond |z| = 40 the bell has underflown to 0, and 0 * inf is avoided."""
    cumulative = 0.5 * erfc(z * -math.sqrt(0.5))
    near = np.clip(z, -40, 40)
    bell = np.exp(-0.5 * near * near) / math.sqrt(2 * math.pi)
    return np.maximum(z, -40) * cumulative, cumulative + near * bell


def _gelu(z: Array) -> Array:
    return _gelu_parts(z)[0]


def _gelu_slope(z: Array) -> Array:
    return _gelu_parts(z)[1]


def _gelu_core(z: Array, slope: Array) -> None:
    z[...], slope[...] = _gelu_parts(z)


def _swish(z: Array) -> Array:
    return np.maximum(z, -1e4) * _sigmoid(z)  # at -inf: -1e4 * 0, not inf * 0


def _swish_slope(z: Array) -> Array:
    return np.asarray(_sigmoid(z) * (1 + np.clip(z, -1e4, 1e4) * _sigmoid(-z)))


def _swish_core(z: Array, slope: Array) -> None:
    """Compute z * s with s = sigmoid(z) = (1 + tanh(z/2)) / 2; the slope is s + a (1 - s)."""
    np.multiply(z, 0.5, slope)
    np.tanh(slope, slope)
    np.add(slope, 1, slope)
    np.multiply(slope, 0.5, slope)
    np.multiply(z, slope, z)
    remainder = (1 - slope) * z
    np.add(slope, remainder, slope)


def _softplus(z: Array) -> Array:
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _softplus_core(z: Array, slope: Array) -> None:
    slope[...] = _sigmoid(z)
    z[...] = _softplus(z)


# ---------------------------------------------------------------- the registry


def _same(machine: Machine) -> Callable[[np.dtype[Any]], Machine]:
    """Return the machine chooser of an activation with one form for every dtype."""
    return lambda _dtype: machine


_ENTRIES = (
    Activation(
        "sigmoid", "a = 1 / (1 + e^-z)", "da/dz = a (1 - a)", "Verhulst 1845; Rumelhart, Hinton & Williams 1986",
        _sigmoid, _sigmoid_slope, _sigmoid_machine, max_slope=0.25, range=(0.0, 1.0),
    ),
    Activation(
        "tanh", "a = (e^z - e^-z) / (e^z + e^-z)", "da/dz = 1 - a^2", "LeCun et al. 1998",
        np.tanh, _tanh_slope, tanh_machine,
        range=(-1.0, 1.0),
    ),
    Activation(
        "relu", "a = max(0, z)", "da/dz = 1 if z > 0 else 0", "Fukushima 1969; Nair & Hinton 2010",
        _relu, _positive, _same(Machine(_relu_core, _relu_core_slope, slope_in_place=True)),
        kinks=(0.0,), range=(0.0, math.inf),
    ),
    Activation(
        "leaky-relu", "a = z if z > 0 else 0.01 z", "da/dz = 1 if z > 0 else 0.01", "Maas, Hannun & Ng 2013",
        _leaky, _leaky_slope, _same(Machine(_leaky_core)), kinks=(0.0,),
    ),
    Activation(
        "elu", "a = z if z > 0 else e^z - 1", "da/dz = 1 if z > 0 else e^z", "Clevert, Unterthiner & Hochreiter 2015",
        _elu, _elu_slope, _same(Machine(_elu_core)), kinks=(0.0,), range=(-1.0, math.inf),
    ),
    Activation(
        "selu", "a = lambda z if z > 0 else lambda alpha (e^z - 1), lambda = 1.0507..., alpha = 1.6733...",
        "da/dz = lambda if z > 0 else lambda alpha e^z", "Klambauer et al. 2017",
        _selu, _selu_slope, _same(Machine(_selu_core)), kinks=(0.0,),
        max_slope=SELU_LAMBDA * SELU_ALPHA, range=(-SELU_LAMBDA * SELU_ALPHA, math.inf),
    ),
    Activation(
        "gelu", "a = z Phi(z), Phi(z) = (1 + erf(z / sqrt 2)) / 2", "da/dz = Phi(z) + z e^(-z^2/2) / sqrt(2 pi)",
        "Hendrycks & Gimpel 2016", _gelu, _gelu_slope, _same(Machine(_gelu_core)),
        max_slope=1.128904145185155, range=(-0.16997120747990369, math.inf),
    ),
    Activation(
        "swish", "a = z / (1 + e^-z)", "da/dz = s + a (1 - s), s = 1 / (1 + e^-z)",
        "Elfwing, Uchibe & Doya 2017; Ramachandran, Zoph & Le 2017", _swish, _swish_slope, _same(Machine(_swish_core)),
        max_slope=1.0998393201288672, range=(-0.27846454276107380, math.inf),
    ),
    Activation(
        "softplus", "a = ln(1 + e^z)", "da/dz = 1 / (1 + e^-z)", "Dugas et al. 2000",
        _softplus, _sigmoid, _same(Machine(_softplus_core)), range=(0.0, math.inf),
    ),
    Activation(
        "linear", "a = z", "da/dz = 1", "Widrow & Hoff 1960",
        np.array, _ones_like, _same(Machine(_linear_core)),
    ),
)  # fmt: skip

ACTIVATIONS: dict[str, Activation] = {entry.name: entry for entry in _ENTRIES}
"""Every activation a network can be trained with, by the name the user types."""


def get_activation(name: str) -> Activation:
    """Return the activation of that name.

    Raises
    ------
    InvalidValueError
        When there is none; `step` gets its own answer, for it exists but has no slope to follow.
    """
    if name == "step":
        raise InvalidValueError(
            "activation 'step' has slope 0 everywhere, so backpropagation cannot train it",
            f"use the perceptron rule with it, or one of: {', '.join(ACTIVATIONS)}",
        )
    if name not in ACTIVATIONS:
        raise unknown("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]
