"""When a network has learned: `--until`.

Every criterion watches one figure of a network, computed each epoch for all lanes at once, and is met when the
figure is at most a limit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.errors import InvalidValueError, unknown
from dlmath.gates.engine.levels import target_levels

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.gates.engine.levels import Levels
    from dlmath.neural.arrays import Array
    from dlmath.neural.optimizers import Program


class CriterionKind(NamedTuple):
    """One word of `--until`.

    Attributes
    ----------
    usage, says, short : str
        How it is written; what has been reached when it is met, with `{value}` in it; the same in a few words.
    plan : callable (errors (R, K, S), out (S,), offsets (R, K, 1)) -> Program
        Computes the figure from errors (output - target) / unit, which it may overwrite. `offsets` are
        (target - midpoint) / unit.
    power : int
        The figure is in units of unit^power.
    default : float or None
        The value where none is written; None: one has to be.
    takes_value, strict : bool
        Whether a number follows the word; whether the figure has to be below the limit, not at it.
    summed : bool
        The figure is a sum over rows and outputs, not the worst of them.
    largest_error : callable (value) -> float, or None
        The error that a single output may have at most; None: any, on its target's side of the midpoint.
    """

    usage: str
    says: str
    short: str
    plan: Callable[[Array, Array, Array], Program]
    power: int = 1
    default: float | None = None
    takes_value: bool = True
    strict: bool = False
    summed: bool = False
    largest_error: Callable[[float], float] | None = None

    @property
    def by_sides(self) -> bool:
        """Whether it asks for sides of the midpoint, which targets of more than two levels do not have."""
        return self.largest_error is None


def _largest_error(errors: Array, out: Array, _offsets: Array) -> Program:
    """Plan max |output - target| over rows and outputs."""
    flat = errors.reshape(-1, errors.shape[2])
    return [(np.abs, (flat, flat)), (np.maximum.reduce, (flat, 0, None, out))]


def _sum_of_squares(errors: Array, out: Array, _offsets: Array) -> Program:
    """Plan the sum of (output - target)^2 over rows and outputs."""
    flat = errors.reshape(-1, errors.shape[2])
    return [(np.square, (flat, flat)), (np.add.reduce, (flat, 0, None, out))]


def _worst_side(errors: Array, out: Array, offsets: Array) -> Program:
    """Plan max over rows and outputs of -(output - midpoint) sign(target - midpoint): below 0 where all are right."""
    flat = errors.reshape(-1, errors.shape[2])
    toward = -np.sign(offsets)
    distance = np.abs(offsets).reshape(-1, 1)
    return [
        (np.multiply, (errors, toward, errors)),
        (np.subtract, (flat, distance, flat)),
        (np.maximum.reduce, (flat, 0, None, out)),
    ]


KINDS: dict[str, CriterionKind] = {
    "tolerance": CriterionKind(
        "tolerance:T", "every output is within {value:g} of its target", "outputs within {value:g}", _largest_error,
        default=0.1, largest_error=lambda value: value,
    ),
    "sse": CriterionKind(
        "sse:E", "the total squared error is below {value:g}", "squared error below {value:g}", _sum_of_squares,
        power=2, strict=True, summed=True, largest_error=math.sqrt,
    ),
    "side": CriterionKind(
        "side", "every output is on its target's side of the midpoint", "outputs on their side", _worst_side,
        default=0.0, takes_value=False, strict=True,
    ),
}  # fmt: skip
"""Every criterion, by the word the user types."""


class Criterion(NamedTuple):
    """What "learned" means in a run: a kind and its value.

    Examples
    --------
    >>> parse_until("sse:0.05").text
    'the total squared error is below 0.05'
    """

    name: str
    value: float

    @property
    def kind(self) -> CriterionKind:
        """The registry's entry."""
        return KINDS[self.name]

    @property
    def spec(self) -> str:
        """The word of `--until` that means this."""
        return f"{self.name}:{self.value!r}" if self.kind.takes_value else self.name

    @property
    def text(self) -> str:
        """What is reached when it is met."""
        return self.kind.says.format(value=self.value)

    @property
    def short(self) -> str:
        """The same in a few words."""
        return self.kind.short.format(value=self.value)

    def limit(self, unit: float, dtype: np.dtype[Any]) -> Any:
        """Return what the figure may be at most, for errors in multiples of `unit`."""
        limit = dtype.type(self.value / unit**self.kind.power)
        return np.nextafter(limit, dtype.type(-math.inf)) if self.kind.strict else limit

    def plan(self, errors: Array, out: Array, targets: Array, unit: float) -> Program:
        """Plan the figure of every lane into `out` (S,), from errors (R, K, S) in multiples of `unit`."""
        levels = target_levels(targets)
        middle = targets if levels is None else levels.middle
        offsets = np.asarray((targets - middle) / unit, errors.dtype)[:, :, None]
        return self.kind.plan(errors, out, offsets)

    def check_suits(self, targets: Array) -> None:
        """Raise InvalidValueError when it has no meaning for these targets (R, K)."""
        if self.kind.by_sides and target_levels(targets) is None:
            raise InvalidValueError(
                f"--until {self.name} needs targets of two levels, and an output has more",
                "use --until tolerance:T or sse:E",
            )

    def misses(self, outputs: Array, targets: Array, middle: Array | float) -> Array:
        """Return which outputs keep it from being met on their own; the three arrays broadcast, NaN misses."""
        if self.kind.by_sides:
            return np.asarray(~((outputs - middle) * (targets - middle) > 0))
        assert self.kind.largest_error is not None
        errors, allowed = np.abs(outputs - targets), self.kind.largest_error(self.value)
        return np.asarray(~(errors < allowed) if self.kind.strict else ~(errors <= allowed))

    def fails(self, outputs: Array, targets: Array, middle: Array | float) -> bool:
        """Tell whether these outputs, whatever the others are, keep it from being met."""
        if self.kind.summed:
            return not float(np.square(outputs - targets).sum()) < self.value
        return bool(self.misses(outputs, targets, middle).any())

    def met(self, outputs: Array, targets: Array) -> bool:
        """Tell whether outputs (R, K) meet it."""
        return not self.fails(outputs, targets, _middle(targets))

    def met_rows(self, outputs: Array, targets: Array) -> Array:
        """Return which rows (R,) meet it on their own; of a sum, those whose share is not above the mean allowed."""
        if self.kind.summed:
            return np.asarray(np.square(outputs - targets).sum(axis=1) < self.value / len(targets))
        return np.asarray(~self.misses(outputs, targets, _middle(targets)).any(axis=1))

    def demands_sides(self, levels: Levels | None) -> bool:
        """Tell whether it can be met only with every output on its target's side of the midpoint."""
        if levels is None:
            return False
        if self.kind.largest_error is None:
            return True
        half, allowed = float(levels.gap.min()) / 2, self.kind.largest_error(self.value)
        return allowed < half or (self.kind.strict and allowed == half)


def _middle(targets: Array) -> Array:
    """Return the midpoints (K,) of the targets' levels; without two levels nobody asks for them."""
    levels = target_levels(targets)
    return np.zeros(targets.shape[1]) if levels is None else levels.middle


def parse_until(spec: str) -> Criterion:
    """Return the criterion that `spec` names: ``tolerance:0.1``, ``sse:0.05``, ``side``.

    Raises
    ------
    InvalidValueError
        For an unknown word, a missing or needless number, and a number that no network could reach or miss.
    """
    name, colon, word = spec.strip().lower().partition(":")
    if name not in KINDS:
        raise unknown("value for --until:", spec, (kind.usage for kind in KINDS.values()))
    kind = KINDS[name]
    if colon and not kind.takes_value:
        raise InvalidValueError(f"--until {spec}: {name} takes no number", f"write {kind.usage}")
    if not colon and kind.default is None:
        raise InvalidValueError(f"--until {spec} does not say how near", f"write {kind.usage}, such as {name}:0.05")
    value = _number(word) if colon else kind.default
    if value is None or not (math.isfinite(value) and (value > 0 or not kind.takes_value)):
        raise InvalidValueError(f"--until {spec}: {word!r} is not allowed", "give a positive finite number")
    return Criterion(name, value)


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan
