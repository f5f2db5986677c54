"""What no training can overcome: reasons in the table and the architecture, each with its proof.

They hold for every seed, rate and number of epochs, so that they are looked for once a run. Those that end
training at all are told before it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.gates.engine.levels import target_levels
from dlmath.neural.activations import get_activation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.gates.engine.criteria import Criterion
    from dlmath.gates.engine.separability import Separability
    from dlmath.neural.activations import Activation
    from dlmath.neural.architecture import Architecture
    from dlmath.neural.arrays import Array

MOST_PAIRS = 10_000
"""Pairs of rows that are listed as contradicting or opposite, at most."""


class Obstacle(NamedTuple):
    """One reason, proven.

    Attributes
    ----------
    name : str
        The class of failure it makes: `inseparable`, `unbiased`, or `other`.
    cause, advice : str
    output : int
        Which output it concerns.
    certificate : tuple of int or None
        Of `inseparable`: y >= 0 with sum_i y_i s_i x~_i = 0 (see `separability`).
    """

    name: str
    cause: str
    advice: str
    output: int = 0
    certificate: tuple[int, ...] | None = None


class ObstacleQuestion(NamedTuple):
    """What is asked of a network: a table, a shape, and when it has learned.

    Attributes
    ----------
    inputs, targets : ndarray of float64 (R, n) and (R, K)
    biased : bool
        Whether there is a bias that can be, or is, anything but 0.
    """

    architecture: Architecture
    inputs: Array
    targets: Array
    criterion: Criterion
    biased: bool

    @property
    def middle(self) -> Array:
        """The midpoints (K,) between the levels of the targets; zeros where they have more levels than two."""
        levels = target_levels(self.targets)
        return np.zeros(self.targets.shape[1]) if levels is None else levels.middle

    @property
    def hidden(self) -> tuple[Activation, ...]:
        """The activations of the hidden layers."""
        return tuple(get_activation(name) for name in self.architecture.activations[:-1])

    @property
    def output(self) -> Activation:
        """The activation of the outputs."""
        return get_activation(self.architecture.activations[-1])

    @property
    def is_one_unit(self) -> bool:
        """Whether each output is phi(w . x + b): no hidden layer, or linear ones alone."""
        return all(_is_linear(activation) for activation in self.hidden)

    @property
    def is_one_direction(self) -> bool:
        """Whether each output rises or falls along one direction w: linear layers, and chains of single units."""
        widths = self.architecture.sizes[1:-1]
        pairs = zip(self.hidden, widths, strict=True)
        return all(_is_linear(phi) or (width == 1 and phi.rises) for phi, width in pairs)


def _is_linear(activation: Activation) -> bool:
    """Tell whether an activation is a straight line."""
    return activation.odd and activation.homogeneous


def find_obstacle(question: ObstacleQuestion) -> Obstacle | None:
    """Return the first reason why no weights can do it, None when there is none that this knows."""
    for search in (_contradiction, _unreachable, _inseparable, _unbiased):
        obstacle = search(question)
        if obstacle is not None:
            return obstacle
    return None


# ------------------------------------------------------------------------------------------- contradictions


def contradictions(inputs: Array, targets: Array) -> Iterator[tuple[int, int]]:
    """Yield pairs of rows, counted from 0, with equal inputs and different targets: the first row and the later one.

    >>> list(contradictions(np.array([[0.0], [1.0], [0.0]]), np.array([[0.0], [1.0], [1.0]])))
    [(0, 2)]
    """
    first: dict[bytes, int] = {}
    for row, values in enumerate(inputs + 0.0):  # + 0.0: -0 is 0
        earlier = first.setdefault(values.tobytes(), row)
        if (targets[earlier] != targets[row]).any():
            yield earlier, row


def _contradiction(question: ObstacleQuestion) -> Obstacle | None:
    """Look for rows that no function can answer both: the best answer to two is their mean."""
    for first, second in itertools.islice(contradictions(question.inputs, question.targets), MOST_PAIRS):
        pair = question.targets[[first, second]]
        if question.criterion.fails(np.broadcast_to(pair.mean(axis=0), pair.shape), pair, question.middle):
            what = f"rows {first + 1} and {second + 1} have equal inputs and different targets"
            return Obstacle("other", f"{what}: no function gives both", "mend the data, or allow more error")
    return None


# --------------------------------------------------------------------------------------------- out of range


def _unreachable(question: ObstacleQuestion) -> Obstacle | None:
    """Look for a target that lies beyond what the output activation can give."""
    low, high = question.output.range
    nearest = np.clip(question.targets, low, high)
    if not question.criterion.fails(nearest, question.targets, question.middle):
        return None
    beyond = nearest != question.targets
    row, output = np.argwhere(beyond)[0].tolist()
    name, target = question.output.name, question.targets[row, output]
    return Obstacle(
        "other",
        f"a {name} output lies between {low:g} and {high:g}, and the target of row {row + 1} is {target:g}",
        "use another --output-activation, such as tanh for targets -1 and 1 or linear for any, or recode the targets",
        output,
    )


# ---------------------------------------------------------------------------------------------- separability


def _columns(question: ObstacleQuestion) -> Iterator[tuple[int, list[int]]]:
    """Yield each output's targets as 0 and 1, where sides are what the criterion demands."""
    levels = target_levels(question.targets)
    if levels is None or not question.criterion.demands_sides(levels):
        return
    bits = (question.targets > levels.middle).astype(int)
    yield from enumerate(bits.T.tolist())


def one_unit_proof(question: ObstacleQuestion) -> tuple[int, Separability] | None:
    """Return whether a line separates the rows, for a network that is one unit: of the first output that has none.

    None for other networks, and where the criterion does not ask for sides.
    """
    if not question.is_one_unit or not question.output.rises:
        return None
    from dlmath.gates.engine.separability import separate  # fractions are imported only where one unit is asked about

    proofs = [(output, separate(question.inputs.tolist(), bits)) for output, bits in _columns(question)]
    return min(proofs, key=lambda pair: pair[1].separable, default=None)


def _inseparable(question: ObstacleQuestion) -> Obstacle | None:
    """Look for an output that needs two lines where the network has one."""
    found = one_unit_proof(question)
    if found is None or found[1].separable:
        return None
    output, proof = found
    return Obstacle("inseparable", _one_unit_cause(question), ADVICE_HIDDEN, output, proof.certificate)


ADVICE_HIDDEN = "add a hidden layer with a curved activation: --hidden 4 --activation sigmoid"


def _one_unit_cause(question: ObstacleQuestion) -> str:
    linear = "its hidden layers are linear, so that the network is one unit, and the"
    start = linear if question.hidden else "without a hidden layer the network is one unit, and the"
    return f"{start} table is not linearly separable: no weights can do it (the certificate proves it)"


def one_direction_fails(question: ObstacleQuestion) -> bool:
    """Tell whether a network whose outputs rise along one direction only cannot compute the table."""
    if not question.output.rises:
        return False
    from dlmath.gates.engine.separability import separate

    return any(not separate(question.inputs.tolist(), bits).separable for _, bits in _columns(question))


# ----------------------------------------------------------------------------------------------- no biases


def _unbiased(question: ObstacleQuestion) -> Obstacle | None:
    """Look for rows whose answers are forced by the missing bias."""
    if question.biased:
        return None
    at_zero = float(question.output.value(np.zeros(1))[0])
    return _forced_row(question, at_zero) or _forced_pair(question, at_zero) or _forced_line(question, at_zero)


ADVICE_BIAS = "give the units a bias: --bias neuron"


def _forced_row(question: ObstacleQuestion, at_zero: float) -> Obstacle | None:
    """Look for a row of zeros, whose weighted sums are 0 whatever the weights."""
    if not all(activation.passes_zero for activation in question.hidden):
        return None
    for row in np.flatnonzero(~question.inputs.any(axis=1)).tolist():
        for output, target in enumerate(question.targets[row].tolist()):
            if question.criterion.fails(np.array(at_zero), np.array(target), float(question.middle[output])):
                what = f"without a bias row {row + 1}, all zeros, gives z = 0 and the output {at_zero:g} whatever the "
                return Obstacle("unbiased", f"{what}weights; its target is {target:g}", ADVICE_BIAS, output)
    return None


def _forced_pair(question: ObstacleQuestion, at_zero: float) -> Obstacle | None:
    """Look for rows x and -x: without biases odd units answer them with opposite signs."""
    if not all(activation.odd for activation in question.hidden) or not _is_centred(question.output):
        return None
    for first, second in itertools.islice(_opposite_rows(question.inputs), MOST_PAIRS):
        for output, pair in enumerate(question.targets[[first, second]].T.tolist()):
            if _pair_missed(question, pair, at_zero, output):
                what = f"rows {first + 1} and {second + 1} have opposite inputs; without a bias their outputs add up to"
                return Obstacle("unbiased", f"{what} {2 * at_zero:g}, and their targets do not", ADVICE_BIAS, output)
    return None


def _is_centred(activation: Activation) -> bool:
    """Tell whether phi - phi(0) is odd, as of tanh and of the sigmoid."""
    z = np.linspace(0.25, 6, 24)
    centre = activation.value(np.zeros(1))
    return bool(np.allclose(activation.value(z) - centre, centre - activation.value(-z), rtol=0, atol=1e-12))


def _opposite_rows(inputs: Array) -> Iterator[tuple[int, int]]:
    place = {values.tobytes(): row for row, values in enumerate(inputs + 0.0)}
    for row, values in enumerate(0.0 - inputs):
        other = place.get(values.tobytes())
        if other is not None and other > row:
            yield row, other


def _pair_missed(question: ObstacleQuestion, targets: list[float], centre: float, output: int) -> bool:
    """Tell whether two outputs that add up to twice the centre must miss these targets: the errors are best equal."""
    middle = float(question.middle[output])
    if question.criterion.kind.by_sides and min(targets) < middle < max(targets):  # outputs far apart are on both sides
        return False
    error = (sum(targets) - 2 * centre) / 2
    return question.criterion.fails(np.array(targets) - error, np.array(targets), middle)


def _forced_line(question: ObstacleQuestion, at_zero: float) -> Obstacle | None:
    """Look for an output that one unit could give with a bias, but not with a line through the origin."""
    levels = target_levels(question.targets)
    if levels is None or not question.is_one_unit or not question.output.rises:
        return None
    if any(middle != at_zero for middle in levels.middle.tolist()):  # then the unit's threshold is not at z = 0
        return None
    from dlmath.gates.engine.separability import separate

    for output, bits in _columns(question):
        if not _strictly_separable(separate(question.inputs.tolist(), bits, bias=False)):
            what = "without a bias the unit's line goes through the origin, and no such line separates the rows"
            return Obstacle("unbiased", what, ADVICE_BIAS, output)
    return None


def _strictly_separable(proof: Separability) -> bool:
    return proof.separable and bool(proof.gamma_squared)
