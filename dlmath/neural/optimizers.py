"""Optimizers as data: each is one update rule over the flat arrays of an ensemble, in place.

An optimizer's constants are its own (`adam:beta2=0.99`); where libraries differ, a convention says which constants
and which place of epsilon is meant. Unless told otherwise they are PyTorch's: momentum v <- mu v + g, p <- p - rate v;
RMSprop with decay 0.99, not centred; epsilon added outside the square root.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import InvalidValueError, unknown
from dlmath.neural.later import np
from dlmath.neural.losses import get_loss

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

Program = list[tuple[Callable[..., Any], tuple[Any, ...]]]
"""Calls to be made in order, with the arrays they work on; built once, run every epoch."""

OUTSIDE, INSIDE, UNCORRECTED = "outside", "inside", "uncorrected"
"""Where epsilon stands: sqrt(v) + e, sqrt(v + e), or (Adam) beside the root of a v that is not yet corrected."""


class Constant(NamedTuple):
    """One constant of an update rule: what the user types before `=`, and from where to where it may go.

    Attributes
    ----------
    name : str
    low, high : float
        low <= value < high; `above_low`: low < value.
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    above_low: bool = False

    def allows(self, value: float) -> bool:
        """Tell whether a value lies in the range."""
        return self.low <= value < self.high and not (self.above_low and value == self.low)

    @property
    def allowed(self) -> str:
        """The range in words."""
        start = f"above {self.low:g}" if self.above_low else f"at least {self.low:g}"
        return f"give a number {start}" + (f" and below {self.high:g}" if math.isfinite(self.high) else "")


MU, DECAY, BETA1, BETA2 = Constant("mu"), Constant("decay"), Constant("beta1"), Constant("beta2")
EPSILON = Constant("epsilon", high=math.inf, above_low=True)


class Convention(NamedTuple):
    """An update rule's constants as one library has them, and where epsilon stands."""

    values: Mapping[str, float]
    epsilon: str = OUTSIDE


class Update(NamedTuple):
    """What an update rule works on.

    Attributes
    ----------
    parameters, gradient, scratch : ndarray (P, S)
        P parameters of S networks. The gradient may be overwritten.
    memory : ndarray (M, S)
        What the rule remembers of earlier epochs, a network a column.
    rate : float
    convention : Convention
        The rule's constants.
    """

    parameters: Array
    gradient: Array
    scratch: Array
    memory: Array
    rate: float
    convention: Convention

    def value(self, name: str) -> float:
        """Return one of the rule's constants."""
        return self.convention.values[name]

    def constant(self, value: float) -> Array:
        """Return `value` as an array of the parameters' dtype, which NumPy takes sooner than a Python number."""
        return np.array(value, self.parameters.dtype)


class RatesByUnits(NamedTuple):
    """Rates under which the two-input gates are learned, 2-4-1, measured over seeds 0 to 19.

    Attributes
    ----------
    sigmoid : float
        Every unit a sigmoid, whose slope is at most 1/4.
    sigmoid_output : float
        Sigmoid outputs over other hidden units.
    other : float
        Other outputs.
    """

    sigmoid: float
    sigmoid_output: float
    other: float


class Optimizer(NamedTuple):
    """One update rule.

    Attributes
    ----------
    name, equation, source : str
    program : callable (Update) -> Program
        The calls of one update, in place.
    memory : callable (P) -> ndarray (M,)
        What a fresh network remembers.
    reach : callable (memory (M, S), P, rate, Convention) -> ndarray broadcastable to (P, S)
        How far a parameter goes in one update for each unit of a gradient that stays as it is: the rate of the
        gradient flow that the rule follows.
    conventions : mapping of str to Convention
        By library; the first is the default.
    constants : tuple of Constant
        What may be set.
    takes_scaled_gradient : bool
        The gradient handed in is already multiplied by the rate (free for the caller: a constant factor).
    default_rates : RatesByUnits
        For the mean squared error over the table, full batch.
    follows_gradient_size : bool
        A step is proportional to the gradient, so that a loss twice as large wants half the rate.
    """

    name: str
    equation: str
    source: str
    program: Callable[[Update], Program]
    memory: Callable[[int], Array]
    reach: Callable[[Array, int, float, Convention], Array]
    conventions: Mapping[str, Convention]
    constants: tuple[Constant, ...]
    default_rates: RatesByUnits
    takes_scaled_gradient: bool = False
    follows_gradient_size: bool = True


def _sgd(update: Update) -> Program:
    return [(np.subtract, (update.parameters, update.gradient, update.parameters))]


def _momentum(update: Update) -> Program:
    return [
        (np.multiply, (update.memory, update.constant(update.value("mu")), update.memory)),
        (np.add, (update.memory, update.gradient, update.memory)),
        (np.multiply, (update.memory, update.constant(update.rate), update.gradient)),
        (np.subtract, (update.parameters, update.gradient, update.parameters)),
    ]


def _nesterov(update: Update) -> Program:
    return [
        (np.multiply, (update.memory, update.constant(update.value("mu")), update.memory)),
        (np.add, (update.memory, update.gradient, update.memory)),
        (np.multiply, (update.memory, update.constant(update.value("mu")), update.scratch)),
        (np.add, (update.gradient, update.scratch, update.gradient)),
        (np.multiply, (update.gradient, update.constant(update.rate), update.gradient)),
        (np.subtract, (update.parameters, update.gradient, update.parameters)),
    ]


def _running_mean_of_squares(mean: Array, decay: float, update: Update) -> Program:
    """Plan mean <- decay * mean + (1 - decay) * gradient^2."""
    return [
        (np.square, (update.gradient, update.scratch)),
        (np.multiply, (update.scratch, update.constant(1 - decay), update.scratch)),
        (np.multiply, (mean, update.constant(decay), mean)),
        (np.add, (mean, update.scratch, mean)),
    ]


def _root(square: Array, update: Update) -> Program:
    """Plan scratch <- the root of a mean of squares with epsilon, which keeps a step finite."""
    epsilon = update.constant(update.value("epsilon"))
    if update.convention.epsilon == INSIDE:
        return [(np.add, (square, epsilon, update.scratch)), (np.sqrt, (update.scratch, update.scratch))]
    return [(np.sqrt, (square, update.scratch)), (np.add, (update.scratch, epsilon, update.scratch))]


def _rmsprop(update: Update) -> Program:
    return [
        *_running_mean_of_squares(update.memory, update.value("decay"), update),
        *_root(update.memory, update),
        (np.multiply, (update.gradient, update.constant(update.rate), update.gradient)),
        (np.divide, (update.gradient, update.scratch, update.gradient)),
        (np.subtract, (update.parameters, update.gradient, update.parameters)),
    ]


def _adam(update: Update) -> Program:
    """Plan Adam. Memory: mean of gradients (P rows), mean of squares (P rows), and the two powers of the decays.

    p <- p - rate m^ / (sqrt(v^) + eps), m^ = m / (1 - b1^t), v^ = v / (1 - b2^t), each network with its own t;
    `UNCORRECTED`: p <- p - rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps), the paper's "epsilon hat".
    """
    count = len(update.parameters)
    mean, square, powers = update.memory[:count], update.memory[count : 2 * count], update.memory[2 * count :]
    decays = np.array((update.value("beta1"), update.value("beta2")), dtype=powers.dtype)[:, None]
    smallest = np.finfo(powers.dtype).tiny  # below it arithmetic is slow, and 1 - b^t is 1 long before
    corrections = np.empty_like(powers)  # rate / (1 - b1^t) and sqrt(1 - b2^t), each (S,)
    epsilon = (np.add, (update.scratch, update.constant(update.value("epsilon")), update.scratch))
    correction = (np.divide, (update.scratch, corrections[1], update.scratch))
    return [
        (np.multiply, (powers, decays, powers)),
        (partial(np.maximum, out=powers), (powers, smallest)),
        (np.subtract, (update.constant(1), powers, corrections)),
        (np.sqrt, (corrections[1], corrections[1])),
        (np.divide, (update.constant(update.rate), corrections[0], corrections[0])),
        *_running_mean_of_squares(square, update.value("beta2"), update),
        (np.multiply, (mean, update.constant(update.value("beta1")), mean)),
        (np.multiply, (update.gradient, update.constant(1 - update.value("beta1")), update.gradient)),
        (np.add, (mean, update.gradient, mean)),
        (np.sqrt, (square, update.scratch)),
        *((epsilon, correction) if update.convention.epsilon == UNCORRECTED else (correction, epsilon)),
        (np.divide, (mean, update.scratch, update.scratch)),
        (np.multiply, (update.scratch, corrections[0], update.scratch)),
        (np.subtract, (update.parameters, update.scratch, update.parameters)),
    ]


def _zeros(count: int) -> Array:
    return np.zeros(count)


def _adam_memory(count: int) -> Array:
    return np.concatenate([np.zeros(2 * count), np.ones(2)])


def _sgd_reach(_memory: Array, _count: int, rate: float, _convention: Convention) -> Array:
    return np.array([[rate]])


def _momentum_reach(_memory: Array, _count: int, rate: float, convention: Convention) -> Array:
    """Return the sum of a step and its echoes: rate (1 + mu + mu^2 + ...)."""
    return np.array([[rate / (1 - convention.values["mu"])]])


def _with_epsilon(square: Array, convention: Convention) -> Array:
    epsilon = convention.values["epsilon"]
    return np.asarray(np.sqrt(square + epsilon) if convention.epsilon == INSIDE else np.sqrt(square) + epsilon)


def _rmsprop_reach(memory: Array, _count: int, rate: float, convention: Convention) -> Array:
    return np.asarray(rate / _with_epsilon(memory, convention))


def _adam_reach(memory: Array, count: int, rate: float, convention: Convention) -> Array:
    corrected = memory[count : 2 * count] / np.maximum(1 - memory[-1], np.finfo(np.float64).tiny)
    return np.asarray(rate / _with_epsilon(corrected, convention))


_MOMENTUM = {"torch": Convention({"mu": 0.9}), "keras": Convention({"mu": 0.9})}
_RMSPROP = {
    "torch": Convention({"decay": 0.99, "epsilon": 1e-8}),
    "keras": Convention({"decay": 0.9, "epsilon": 1e-7}, INSIDE),
}
_ADAM = {
    "torch": Convention({"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}),
    "keras": Convention({"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7}, UNCORRECTED),
}

_ENTRIES = (
    Optimizer(
        "sgd", "p <- p - rate g", "Cauchy 1847; Robbins & Monro 1951", _sgd, lambda _count: np.zeros(0), _sgd_reach,
        {"torch": Convention({}), "keras": Convention({})}, (),
        default_rates=RatesByUnits(4.0, 1.0, 0.1), takes_scaled_gradient=True,
    ),
    Optimizer(
        "momentum", "v <- mu v + g; p <- p - rate v", "Polyak 1964; Rumelhart, Hinton & Williams 1986",
        _momentum, _zeros, _momentum_reach, _MOMENTUM, (MU,), default_rates=RatesByUnits(0.5, 0.2, 0.05),
    ),
    Optimizer(
        "nesterov", "v <- mu v + g; p <- p - rate (g + mu v)", "Nesterov 1983; Sutskever et al. 2013",
        _nesterov, _zeros, _momentum_reach, _MOMENTUM, (MU,), default_rates=RatesByUnits(0.5, 0.2, 0.05),
    ),
    Optimizer(
        "rmsprop", "v <- decay v + (1 - decay) g^2; p <- p - rate g / (sqrt(v) + epsilon)", "Tieleman & Hinton 2012",
        _rmsprop, _zeros, _rmsprop_reach, _RMSPROP, (DECAY, EPSILON),
        default_rates=RatesByUnits(0.01, 0.01, 0.01), follows_gradient_size=False,
    ),
    Optimizer(
        "adam",
        "m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2; p <- p - rate m^ / (sqrt(v^) + epsilon), "
        "m^ = m / (1 - beta1^t), v^ = v / (1 - beta2^t)",
        "Kingma & Ba 2014", _adam, _adam_memory, _adam_reach, _ADAM, (BETA1, BETA2, EPSILON),
        default_rates=RatesByUnits(0.02, 0.02, 0.02), follows_gradient_size=False,
    ),
)  # fmt: skip

OPTIMIZERS: dict[str, Optimizer] = {entry.name: entry for entry in _ENTRIES}
"""Every optimizer, by the name the user types."""

LIBRARIES = ("torch", "keras")
"""Whose constants `--like` can ask for."""

_EPSILON_PLACES = {
    OUTSIDE: "",
    INSIDE: "epsilon within the root: sqrt(v + epsilon)",
    UNCORRECTED: "epsilon beside the root of v before its correction",
}


def get_optimizer(name: str) -> Optimizer:
    """Return the optimizer of that name; an unknown one is an InvalidValueError."""
    if name not in OPTIMIZERS:
        raise unknown("optimizer", name, OPTIMIZERS)
    return OPTIMIZERS[name]


class ChosenOptimizer(NamedTuple):
    """An update rule with its constants, as `parse_optimizer` reads it from the user's word."""

    rule: Optimizer
    convention: Convention

    @property
    def spec(self) -> str:
        """The word that means exactly this (given the same `like`)."""
        pairs = ",".join(f"{name}={value!r}" for name, value in self.convention.values.items())
        return self.rule.name + (f":{pairs}" if pairs else "")

    @property
    def constants_text(self) -> str:
        """The constants in words, for the line below the equation; empty when there is none."""
        pairs = [f"{name} = {value:g}" for name, value in self.convention.values.items()]
        place = _EPSILON_PLACES[self.convention.epsilon]
        return "; ".join(text for text in (", ".join(pairs), place) if text)

    def having(self, name: str, value: float) -> ChosenOptimizer:
        """Return it with one constant changed; a rule that has no such constant stays as it is.

        >>> parse_optimizer("momentum").having("mu", 0.5).spec, parse_optimizer("sgd").having("mu", 0.5).spec
        ('momentum:mu=0.5', 'sgd')
        """
        values = self.convention.values
        if name not in values:
            return self
        return self._replace(convention=self.convention._replace(values={**values, name: value}))

    def program(self, update: Update) -> Program:
        """Return the calls of one update."""
        return self.rule.program(update)

    def reach(self, memory: Array, count: int, rate: float) -> Array:
        """Return how far each parameter goes in one update for each unit of a lasting gradient."""
        return self.rule.reach(memory, count, rate, self.convention)


def parse_optimizer(spec: str, like: str = "torch") -> ChosenOptimizer:
    """Return the optimizer that `spec` names: ``adam``, ``adam:beta2=0.99,epsilon=1e-7``.

    Parameters
    ----------
    spec : str
    like : str
        The library whose constants hold where `spec` gives none, a name of `LIBRARIES`.

    Raises
    ------
    InvalidValueError
        For an unknown name or constant, one that stands twice, or a value out of its range.

    Examples
    --------
    >>> parse_optimizer("rmsprop:decay=0.95").convention.values
    {'decay': 0.95, 'epsilon': 1e-08}
    >>> parse_optimizer("adam", like="keras").spec
    'adam:beta1=0.9,beta2=0.999,epsilon=1e-07'
    """
    name, colon, rest = spec.strip().lower().partition(":")
    rule = get_optimizer(name)
    if like not in rule.conventions:
        raise unknown("library", like, rule.conventions)
    convention = rule.conventions[like]
    given = _given_constants(rule, spec, rest) if colon else {}
    return ChosenOptimizer(rule, convention._replace(values={**convention.values, **given}))


def _given_constants(rule: Optimizer, spec: str, text: str) -> dict[str, float]:
    """Return the constants written after the colon."""
    known = {constant.name: constant for constant in rule.constants}
    given: dict[str, float] = {}
    for pair in text.split(","):
        name, equals, word = (part.strip() for part in pair.partition("="))
        if not known:
            raise InvalidValueError(f"optimizer {spec!r}: {rule.name} has no constants", f"write {rule.name} alone")
        if name not in known:
            raise unknown(f"constant of {rule.name} in {spec!r}:", name, known)
        if name in given:
            raise InvalidValueError(f"optimizer {spec!r}: {name} stands twice", "give it once")
        value = _number(word) if equals else math.nan
        if not known[name].allows(value):
            raise InvalidValueError(f"optimizer {spec!r}: {name} cannot be {word!r}", known[name].allowed)
        given[name] = value
    return given


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan


def default_learning_rate(
    optimizer: str,
    activations: tuple[str, ...] = ("sigmoid",),
    loss: str = "mse",
    batch: str = "full",
    table: tuple[int, int] = (4, 1),
) -> float:
    """Return the learning rate that is used when none is given.

    For rules whose step is proportional to the gradient it is such that an epoch goes as far as it would with the
    mean squared error and full batch: with `half-sse`, whose gradient is R K / 2 times as large, the rate is that
    many times smaller; with `online` updates, of which an epoch makes R, it is R times smaller.

    Parameters
    ----------
    optimizer, loss, batch : str
    activations : tuple of str
        One a layer, the output layer's last.
    table : tuple of int
        Rows R and outputs K of the targets.

    Examples
    --------
    >>> default_learning_rate("sgd"), default_learning_rate("sgd", ("tanh", "sigmoid"), loss="half-sse")
    (4.0, 0.5)
    """
    rule = get_optimizer(optimizer)
    rates, (rows, outputs) = rule.default_rates, table
    if activations[-1] != "sigmoid":
        rate = rates.other
    else:
        rate = rates.sigmoid if set(activations) == {"sigmoid"} else rates.sigmoid_output
    if not rule.follows_gradient_size:
        return rate
    updates = rows if batch == "online" else 1
    if loss == "half-sse":
        rate *= get_loss("mse").scale(rows // updates, outputs)
    return rate / updates
