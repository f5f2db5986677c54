"""The diagnosis of one network in words: its class, what its state says, and what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.gates.engine.curvature import Slopes
from dlmath.gates.engine.diagnosis import NAMES
from dlmath.gates.engine.plateaus import PLATEAUS, standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dlmath.gates.engine.diagnosis import Diagnostician, Ends, State
    from dlmath.neural.arrays import Array


class Diagnosis(NamedTuple):
    """Why a network did not learn.

    Attributes
    ----------
    name : str
        A key of `diagnosis.FAILURES`.
    cause, advice : str
    certificate : tuple of int or None
        Of `inseparable`: the proof, for output `output`.
    output : int
    """

    name: str
    cause: str
    advice: str
    certificate: tuple[int, ...] | None = None
    output: int = 0


class Evidence(NamedTuple):
    """The numbers that the words are made of."""

    doctor: Diagnostician
    ends: Ends
    state: State
    earlier: float  # the loss halfway
    slope: float  # |dL/dp|

    @property
    def loss(self) -> float:
        """The loss at the end."""
        return float(self.state.losses[0])

    @property
    def outputs(self) -> Array:
        """What the network answers (R, K)."""
        return np.asarray(self.state.outputs[:, :, 0])


def diagnose(doctor: Diagnostician, ends: Ends) -> Diagnosis:
    """Return the diagnosis of the one network in `ends`."""
    name = NAMES[int(doctor.classify(ends)[0])]
    if doctor.obstacle is not None and name == doctor.obstacle.name:
        obstacle = doctor.obstacle
        return Diagnosis(name, obstacle.cause, obstacle.advice, obstacle.certificate, obstacle.output)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        slopes = Slopes(doctor.problem, 1).at(ends.parameters)
        evidence = Evidence(
            doctor,
            ends,
            doctor.state(ends.parameters),
            float(doctor.losses(ends.halfway)[0]),
            float(np.linalg.norm(slopes)),
        )
    cause, advice = WORDS[name](evidence)
    return Diagnosis(name, cause, advice)


def rows_text(rows: Iterable[int]) -> str:
    """Name rows, counted from 1.

    >>> rows_text([0]), rows_text([0, 2, 3])
    ('row 1', 'rows 1, 3 and 4')
    """
    numbers = [str(row + 1) for row in rows]
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    return f"rows {', '.join(numbers[:-1])} and {numbers[-1]}"


def _unfinished(found: Evidence) -> tuple[str, str]:
    epochs = found.ends.epochs
    more = f"give it more epochs, such as --epochs {10 * epochs}"
    if not found.loss < found.earlier:
        swings = f"the loss does not fall any more but swings: {found.earlier:.4g} halfway, {found.loss:.4g} now"
        return swings, f"take smaller steps, such as --learning-rate {found.doctor.problem.rate / 10:.3g}"
    if found.earlier - found.loss > 0.02 * found.loss:
        return f"the loss still falls: {found.earlier:.4g} halfway, {found.loss:.4g} now", more
    slow = f"the loss falls slowly ({found.earlier:.6g} halfway, {found.loss:.6g} now), but a way down leads on"
    return slow, f"{more}, a larger --learning-rate, or another --seed"


def _symmetric(found: Evidence) -> tuple[str, str]:
    layer, units = next(
        (number, shape.fan_out)
        for number, shape in enumerate(found.doctor.problem.architecture.layers[:-1], 1)
        if found.doctor.units_equal(found.ends.parameters, number - 1)[0]
    )
    what = (
        f"the {units} units of hidden layer {layer} have equal weights, get equal gradients and stay equal: they count"
    )
    return f"{what} as one", "start from different weights, such as --init glorot"


def _saturated(found: Evidence) -> tuple[str, str]:
    share = float(min(found.state.wrong_slopes[0], found.state.hidden_slopes[0]))
    what = f"the slopes have vanished: where it counts the largest is {share:.1e} of what it can be, and |gradient| is "
    rate = found.doctor.problem.rate
    return (
        f"{what}{found.slope:.1e}",
        f"take smaller steps (--learning-rate {rate / 10:.3g}) or start from smaller weights (--init glorot)",
    )


def _dead(_found: Evidence) -> tuple[str, str]:
    return (
        "every unit of a layer has slope 0 on every row, so that its answers are constant and nothing before it learns",
        "try another --seed, a smaller --learning-rate, or a unit that cannot die (--activation leaky-relu, tanh)",
    )


def _plateau(name: str) -> Callable[[Evidence], tuple[str, str]]:
    answer = " or ".join(PLATEAUS[name])

    def words(found: Evidence) -> tuple[str, str]:
        doctor = found.doctor
        assert doctor.levels is not None  # there are no plateaus without levels
        stands = standing(name, doctor.problem, doctor.levels, found.state.outputs, found.state.losses)
        shares = doctor.levels.shares(found.outputs)
        rows = np.flatnonzero((np.abs(shares - np.round(shares)) > 0.2).any(axis=1)).tolist()
        what = f"at rest on a plateau: {rows_text(rows)} are not told apart and given {answer} of the way between the"
        figures = f"loss {found.loss:.6g}, the plateau's {float(stands.level[0]):.6g}, |gradient| {found.slope:.1e}"
        return f"{what} target levels ({figures})", "try another --seed or more hidden units (--hidden 4)"

    return words


def _diverged(found: Evidence) -> tuple[str, str]:
    return (
        "an output or a parameter became infinite or not a number",
        f"take smaller steps, such as --learning-rate {found.doctor.problem.rate / 100:.3g}",
    )


def _untrained(found: Evidence) -> tuple[str, str]:
    return f"no epoch was run; these are the starting weights, loss {found.loss:.4g}", "give it epochs: --epochs 5000"


def _other(found: Evidence) -> tuple[str, str]:
    if found.doctor.hopeless:
        return (
            "its outputs rise along one direction only, and the table is not linearly separable",
            "give every hidden layer more than one unit",
        )
    what = f"at rest at loss {found.loss:.6g} (|gradient| {found.slope:.1e}), on no plateau that has a name"
    return what, "try another --seed, more hidden units, or another --output-activation"


WORDS: dict[str, Callable[[Evidence], tuple[str, str]]] = {
    "unfinished": _unfinished,
    "symmetric": _symmetric,
    "saturated": _saturated,
    "dead": _dead,
    "half": _plateau("half"),
    "thirds": _plateau("thirds"),
    "diverged": _diverged,
    "untrained": _untrained,
    "other": _other,
}
"""What is said of each class but those of `obstacles`, which bring their own words."""
