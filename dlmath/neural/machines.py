"""Activations as a training loop computes them: in place, on big arrays, and up to an affine map that costs nothing."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.neural.later import np

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array


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


def of_parts(parts: Callable[[Array], tuple[Array, Array]]) -> Machine:
    """Return the machine of a function that computes phi and phi' together."""

    def activate(z: Array, slope: Array) -> None:
        z[...], slope[...] = parts(z)

    return Machine(activate)


# ---------------------------------------------------------------- sigmoid and tanh


def sigmoid_by_exp(dtype: np.dtype[Any]) -> Machine:
    """Return u = 1 / (1 + exp(x)) with x = -z; exp may overflow to infinity, and 1/inf = 0 is then the right answer."""
    unity = np.ones((), dtype)  # an array: NumPy takes longer to convert a Python number than to add it to a few lanes

    def activate(x: Array, _slope: Array) -> None:
        np.exp(x, x)
        np.add(x, unity, x)
        np.divide(unity, x, x)

    def slope(u: Array, out: Array) -> None:
        np.subtract(unity, u, out)
        np.multiply(u, out, out)

    return Machine(activate, slope, gamma=-1.0)


def tanh_machine(dtype: np.dtype[Any]) -> Machine:
    """Return u = tanh(z), core slope 1 - u^2."""
    unity = np.ones((), dtype)

    def activate(x: Array, _slope: Array) -> None:
        np.tanh(x, x)

    def slope(u: Array, out: Array) -> None:
        np.square(u, out)
        np.subtract(unity, out, out)

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


def sigmoid_machine(dtype: np.dtype[Any]) -> Machine:
    """Choose the cheaper form; in float64 that is always exp."""
    form = sigmoid_by_tanh if dtype.itemsize == 4 and _has_fast_tanh() else sigmoid_by_exp
    return form(dtype)


# ---------------------------------------------------------------- piecewise linear


def relu_machine(_dtype: np.dtype[Any]) -> Machine:
    """Return u = max(0, z), whose slope is its sign, for u is never negative."""

    def activate(z: Array, _slope: Array) -> None:
        np.maximum(z, 0, out=z)

    def slope(u: Array, out: Array) -> None:
        np.sign(u, out)

    return Machine(activate, slope, slope_in_place=True)


def leaky_machine(below: float) -> Machine:
    """Return u = z above 0 and below * z below."""

    def activate(z: Array, slope: Array) -> None:
        slope.fill(below)
        np.copyto(slope, 1, where=z > 0)
        np.multiply(z, slope, z)

    return Machine(activate)


def linear_machine(_dtype: np.dtype[Any]) -> Machine:
    """Return u = z."""

    def activate(_z: Array, slope: Array) -> None:
        slope.fill(1)

    return Machine(activate)


# ---------------------------------------------------------------- exponential units and smooth ramps


def exponential_machine(alpha: float, scale: float) -> Machine:
    """Return u = scale z above 0 and scale alpha (e^z - 1) below: ELU and SELU."""

    def activate(z: Array, slope: Array) -> None:
        np.minimum(z, 0, out=slope)
        np.expm1(slope, slope)
        np.multiply(slope, scale * alpha, slope)
        above = z > 0
        np.maximum(z, 0, out=z)
        np.multiply(z, scale, z)
        np.add(z, slope, z)
        np.add(slope, scale * alpha, slope)
        np.copyto(slope, scale, where=above)

    return Machine(activate)


def swish_machine(_dtype: np.dtype[Any]) -> Machine:
    """Return z * s with s = sigmoid(z) = (1 + tanh(z/2)) / 2; the slope is s + a (1 - s)."""

    def activate(z: Array, slope: Array) -> None:
        np.multiply(z, 0.5, slope)
        np.tanh(slope, slope)
        np.add(slope, 1, slope)
        np.multiply(slope, 0.5, slope)
        np.multiply(z, slope, z)
        remainder = (1 - slope) * z
        np.add(slope, remainder, slope)

    return Machine(activate)
