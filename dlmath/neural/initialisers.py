"""Initial weights and biases: a small language, one parser, and draws that do not depend on what is drawn beside.

Every network of an ensemble is numbered by its seed. All seeds share ONE stream of random doubles: a network of
P parameters takes doubles m P to (m + 1) P - 1 of it, m its seed, one double a parameter. So the parameters of
seed m are the same alone and in any ensemble, block or process.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from dlmath.errors import InvalidValueError, unknown
from dlmath.neural.arrays import Array
from dlmath.neural.later import np
from dlmath.neural.pcg import doubles
from dlmath.neural.special_functions import inverse_normal

if TYPE_CHECKING:
    from dlmath.neural.architecture import Architecture


MASTER_SEED = 19580101  # the stream every seed is a stretch of; the year of Rosenblatt's perceptron
MASTER_STATE = 311557516017578279260526359789434282086  # of numpy.random.PCG64(MASTER_SEED)
MASTER_INCREMENT = 218853127676336588915520430853375824401
FEW = 500
"""Doubles that are drawn sooner without importing numpy.random."""
SMALLEST_UNIFORM = 2.0**-54  # stands for a drawn 0, of which the normal quantile is infinite

Draw = Callable[[Array, int, int], Array]
"""From uniforms (count, fan_in, fan_out) on [0, 1) and the fans to values of the same shape."""


GAUSSIAN, UNIFORM, ORTHOGONAL, CONSTANT = "gaussian", "uniform", "orthogonal", "constant"


class Initialiser(NamedTuple):
    """One distribution of initial values.

    Attributes
    ----------
    spec : str
        The words it was parsed from.
    draw : callable (uniforms, fan_in, fan_out) -> values
        `uniforms` has shape (count, rows, columns): one matrix a network.
    kind : Kind
        The word of the language it is one of.
    """

    spec: str
    draw: Draw
    kind: Kind


class Kind(NamedTuple):
    """One word of the language of initialisers.

    Attributes
    ----------
    name, equation, source : str
    usages : tuple of str
        What can be typed, parameters as letters: ``uniform:A``, ``uniform:A:B``.
    counts : tuple of int
        How many numbers may follow.
    build : callable (*numbers) -> Draw
        Raises InvalidValueError for numbers without meaning.
    family : str
        `GAUSSIAN`, `UNIFORM`, `ORTHOGONAL` or `CONSTANT`: the shape of the law, whatever its size.
    aliases : tuple of str
        Other libraries' names of it.
    draws_biases : bool
        The initialiser is one for the biases, too: they start from it unless told otherwise.
    """

    name: str
    usages: tuple[str, ...]
    equation: str
    source: str
    counts: tuple[int, ...]
    build: Callable[..., Draw]
    family: str
    aliases: tuple[str, ...] = ()
    draws_biases: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """What can be typed, aliases included."""
        return self.usages + self.aliases

    @property
    def usage(self) -> str:
        """How it is written."""
        return " or ".join(self.usages)


def _between(uniforms: Array, low: float, high: float) -> Array:
    return low + (high - low) * uniforms


def _normals(uniforms: Array) -> Array:
    return inverse_normal(np.maximum(uniforms, SMALLEST_UNIFORM))


def _scaled_uniform(variance: Callable[[int, int], float]) -> Callable[[], Draw]:
    """Return U(-l, l) with l = sqrt(3 variance), the variance a function of the fans."""

    def draw(uniforms: Array, fan_in: int, fan_out: int) -> Array:
        limit = math.sqrt(3 * variance(fan_in, fan_out))
        return _between(uniforms, -limit, limit)

    return lambda: draw


def _scaled_normal(variance: Callable[[int, int], float]) -> Callable[[], Draw]:
    """Return N(0, variance), the variance a function of the fans."""
    return lambda: lambda uniforms, fan_in, fan_out: _normals(uniforms) * math.sqrt(variance(fan_in, fan_out))


def _glorot(fan_in: int, fan_out: int) -> float:
    return 2 / (fan_in + fan_out)


def _he(fan_in: int, _fan_out: int) -> float:
    return 2 / fan_in


def _lecun(fan_in: int, _fan_out: int) -> float:
    return 1 / fan_in


def _torch(fan_in: int, _fan_out: int) -> float:
    return 1 / (3 * fan_in)


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


GLOROT, HE, LECUN = "Glorot & Bengio 2010", "He et al. 2015", "LeCun et al. 1998"

_ENTRIES = (
    Kind("glorot", ("glorot",), "U(-l, l), l = sqrt(6 / (fan_in + fan_out))", GLOROT, (0,), _scaled_uniform(_glorot),
         UNIFORM, aliases=("glorot-uniform", "xavier-uniform")),
    Kind("glorot-normal", ("glorot-normal",), "N(0, 2 / (fan_in + fan_out))", GLOROT, (0,), _scaled_normal(_glorot),
         GAUSSIAN, aliases=("xavier-normal",)),
    Kind("he", ("he",), "N(0, 2 / fan_in)", HE, (0,), _scaled_normal(_he), GAUSSIAN,
         aliases=("he-normal", "kaiming-normal")),
    Kind("he-uniform", ("he-uniform",), "U(-l, l), l = sqrt(6 / fan_in)", HE, (0,), _scaled_uniform(_he), UNIFORM,
         aliases=("kaiming-uniform",)),
    Kind("lecun", ("lecun",), "N(0, 1 / fan_in)", LECUN, (0,), _scaled_normal(_lecun), GAUSSIAN,
         aliases=("lecun-normal",)),
    Kind("lecun-uniform", ("lecun-uniform",), "U(-l, l), l = sqrt(3 / fan_in)", LECUN, (0,), _scaled_uniform(_lecun),
         UNIFORM),
    Kind("torch", ("torch",), "U(-l, l), l = 1 / sqrt(fan_in), weights and biases", "PyTorch's nn.Linear", (0,),
         _scaled_uniform(_torch), UNIFORM, draws_biases=True),
    Kind("uniform", ("uniform:A", "uniform:A:B"), "U(-A, A) or U(A, B)", "", (1, 2), _uniform, UNIFORM),
    Kind("normal", ("normal:SIGMA",), "N(0, SIGMA^2)", "", (1,), _normal, GAUSSIAN),
    Kind("orthogonal", ("orthogonal",), "Haar orthogonal rows or columns", "Saxe, McClelland & Ganguli 2013", (0,),
         _fixed(_orthogonal), ORTHOGONAL),
    Kind("zeros", ("zeros",), "0", "", (0,), _constant, CONSTANT),
    Kind("constant", ("constant:C",), "C", "", (1,), _constant, CONSTANT),
)  # fmt: skip

INITIALISERS: dict[str, Kind] = {entry.name: entry for entry in _ENTRIES}
"""Every kind of initial values, by the first word the user types."""

_BY_WORD = {word: entry for entry in _ENTRIES for word in (entry.name, *entry.aliases)}


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
    if name not in _BY_WORD:
        raise unknown("initialiser", name, (word for kind in _ENTRIES for word in kind.words))
    kind = _BY_WORD[name]
    if len(words) not in kind.counts:
        raise InvalidValueError(
            f"initialiser {spec!r} has {_plural(len(words))} after its name", f"write it as {kind.usage}"
        )
    return Initialiser(spec, kind.build(*(_number(word, spec) for word in words)), kind)


def _plural(count: int) -> str:
    return f"{count} number" + ("" if count == 1 else "s")


def _uniforms(parameters: int, first_seed: int, count: int) -> Array:
    """Doubles first_seed * P onwards of the master stream, shape (count, P)."""
    if parameters * count <= FEW:
        few = doubles(MASTER_STATE, MASTER_INCREMENT, first_seed * parameters, parameters * count)
        return np.array(few).reshape(count, parameters)
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
