"""Initial weights and biases: a small language, one parser, and draws that do not depend on what is drawn beside.

Every network of an ensemble is numbered by its seed. All seeds share ONE stream of random doubles: a network of
P parameters takes doubles m P to (m + 1) P - 1 of it, m its seed, one double a parameter. So the parameters of
seed m are the same alone and in any ensemble, block or process.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.errors import InvalidValueError, unknown
from dlmath.neural.arrays import Array
from dlmath.neural.special_functions import inverse_normal

if TYPE_CHECKING:
    from dlmath.neural.architecture import Architecture


MASTER_SEED = 19580101  # the stream every seed is a stretch of; the year of Rosenblatt's perceptron
SMALLEST_UNIFORM = 2.0**-54  # stands for a drawn 0, of which the normal quantile is infinite

Draw = Callable[[Array, int, int], Array]
"""From uniforms (count, fan_in, fan_out) on [0, 1) and the fans to values of the same shape."""


class Initialiser(NamedTuple):
    """One distribution of initial values.

    Attributes
    ----------
    spec : str
        The words it was parsed from.
    draw : callable (uniforms, fan_in, fan_out) -> values
        `uniforms` has shape (count, rows, columns): one matrix a network.
    """

    spec: str
    draw: Draw


class Kind(NamedTuple):
    """One word of the language of initialisers.

    Attributes
    ----------
    name, usage, equation, source : str
        `usage` is the word with its parameters: ``uniform:A:B``.
    counts : tuple of int
        How many numbers may follow.
    build : callable (*numbers) -> Draw
        Raises InvalidValueError for numbers without meaning.
    """

    name: str
    usage: str
    equation: str
    source: str
    counts: tuple[int, ...]
    build: Callable[..., Draw]


def _between(uniforms: Array, low: float, high: float) -> Array:
    return low + (high - low) * uniforms


def _normals(uniforms: Array) -> Array:
    return inverse_normal(np.maximum(uniforms, SMALLEST_UNIFORM))


def _glorot(uniforms: Array, fan_in: int, fan_out: int) -> Array:
    limit = math.sqrt(6 / (fan_in + fan_out))
    return _between(uniforms, -limit, limit)


def _glorot_normal(uniforms: Array, fan_in: int, fan_out: int) -> Array:
    return _normals(uniforms) * math.sqrt(2 / (fan_in + fan_out))


def _he(uniforms: Array, fan_in: int, _fan_out: int) -> Array:
    return _normals(uniforms) * math.sqrt(2 / fan_in)


def _lecun(uniforms: Array, fan_in: int, _fan_out: int) -> Array:
    return _normals(uniforms) * math.sqrt(1 / fan_in)


def _orthogonal(uniforms: Array, _fan_in: int, _fan_out: int) -> Array:
    """QR of a normal matrix, signs fixed so that the law is Haar's (Mezzadri 2007)."""
    wide = uniforms.shape[1] < uniforms.shape[2]
    normals = _normals(uniforms)
    q, r = np.linalg.qr(normals.swapaxes(1, 2) if wide else normals)
    q *= np.where(np.diagonal(r, axis1=1, axis2=2) < 0, -1.0, 1.0)[:, None, :]
    return np.asarray(q.swapaxes(1, 2) if wide else q)


def _uniform(low: float, high: float | None = None) -> Draw:
    if high is None:
        if low <= 0:
            raise InvalidValueError(f"uniform:{low:g} has no width", "uniform:A needs A > 0, for values on -A..A")
        low, high = -low, low
    if low >= high:
        raise InvalidValueError(f"uniform:{low:g}:{high:g} has no width", "uniform:A:B needs A < B")
    return lambda uniforms, _fan_in, _fan_out: _between(uniforms, low, high)


def _normal(sigma: float) -> Draw:
    if sigma < 0:
        raise InvalidValueError(f"normal:{sigma:g} has a negative standard deviation", "normal:SIGMA needs SIGMA >= 0")
    return lambda uniforms, _fan_in, _fan_out: _normals(uniforms) * sigma


def _constant(value: float = 0.0) -> Draw:
    return lambda uniforms, _fan_in, _fan_out: np.full_like(uniforms, value)


def _fixed(draw: Draw) -> Callable[[], Draw]:
    return lambda: draw


_ENTRIES = (
    Kind("glorot", "glorot", "U(-l, l), l = sqrt(6 / (fan_in + fan_out))", "Glorot & Bengio 2010", (0,),
         _fixed(_glorot)),
    Kind("glorot-normal", "glorot-normal", "N(0, 2 / (fan_in + fan_out))", "Glorot & Bengio 2010", (0,),
         _fixed(_glorot_normal)),
    Kind("he", "he", "N(0, 2 / fan_in)", "He et al. 2015", (0,), _fixed(_he)),
    Kind("lecun", "lecun", "N(0, 1 / fan_in)", "LeCun et al. 1998", (0,), _fixed(_lecun)),
    Kind("uniform", "uniform:A or uniform:A:B", "U(-A, A) or U(A, B)", "", (1, 2), _uniform),
    Kind("normal", "normal:SIGMA", "N(0, SIGMA^2)", "", (1,), _normal),
    Kind("orthogonal", "orthogonal", "Haar orthogonal rows or columns", "Saxe, McClelland & Ganguli 2013", (0,),
         _fixed(_orthogonal)),
    Kind("zeros", "zeros", "0", "", (0,), _constant),
    Kind("constant", "constant:C", "C", "", (1,), _constant),
)  # fmt: skip

INITIALISERS: dict[str, Kind] = {entry.name: entry for entry in _ENTRIES}
"""Every kind of initial values, by the first word the user types."""


def _number(word: str, spec: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidValueError(f"{word!r} in initialiser {spec!r} is not a finite number", "write it as 0.5 or 1e-3")
    return value


def parse_initialiser(spec: str) -> Initialiser:
    """Return the initialiser that `spec` names: ``glorot``, ``uniform:0.5``, ``uniform:0:1``, ``normal:0.1``.

    Raises
    ------
    InvalidValueError
        For an unknown name, a wrong number of parameters, or parameters without meaning.

    Examples
    --------
    >>> parse_initialiser("constant:3").draw(np.zeros((1, 1, 2)), 1, 2)
    array([[[3., 3.]]])
    """
    name, *words = spec.split(":")
    if name not in INITIALISERS:
        raise unknown("initialiser", name, (kind.usage.split()[0] for kind in INITIALISERS.values()))
    kind = INITIALISERS[name]
    if len(words) not in kind.counts:
        raise InvalidValueError(
            f"initialiser {spec!r} has {_plural(len(words))} after its name", f"write it as {kind.usage}"
        )
    return Initialiser(spec, kind.build(*(_number(word, spec) for word in words)))


def _plural(count: int) -> str:
    return f"{count} number" + ("" if count == 1 else "s")


def _uniforms(parameters: int, first_seed: int, count: int) -> Array:
    """Doubles first_seed * P onwards of the master stream, shape (count, P)."""
    generator = np.random.PCG64(MASTER_SEED)
    generator.advance(first_seed * parameters)
    return np.random.Generator(generator).random((count, parameters))


def draw_parameters(
    architecture: Architecture, weights: Initialiser, biases: Initialiser, first_seed: int, count: int
) -> Array:
    """Return the initial parameters of the networks `first_seed` to `first_seed + count - 1`.

    A layer's biases are drawn as a matrix of one row, with the fans of the layer's weights: `he` biases are
    N(0, 2 / fan_in), `orthogonal` ones a random direction of length 1.

    Returns
    -------
    ndarray of float64, shape (P, count)
        In the order of `Architecture.layers`: weights then biases, layer by layer.
    """
    uniforms = _uniforms(architecture.parameter_count, first_seed, count)
    return np.concatenate(list(_blocks(architecture, weights, biases, uniforms)), axis=1).T.copy()


def _blocks(architecture: Architecture, weights: Initialiser, biases: Initialiser, uniforms: Array) -> Iterable[Array]:
    count = len(uniforms)
    for layer in architecture.layers:
        matrices = uniforms[:, layer.weights].reshape(count, layer.fan_in, layer.fan_out)
        rows = uniforms[:, layer.biases].reshape(count, 1, layer.bias_count)
        yield weights.draw(matrices, layer.fan_in, layer.fan_out).reshape(count, -1)
        if layer.bias_count:
            yield biases.draw(rows, layer.fan_in, layer.fan_out).reshape(count, -1)
