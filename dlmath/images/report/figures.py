"""What a network's runs come to: medians, ranges, what went wrong."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.images.engine.experiment import Run
    from dlmath.images.engine.gradients import GradientCheck

STUCK_SHARE = 0.01
"""How near ln(classes) a loss has stayed that learned nothing."""


class Measured(NamedTuple):
    """A network and what its runs found.

    Attributes
    ----------
    name : str
    letter : str
        What tables call it.
    params, macs : int
    runs : sequence of Run
        By seed; the first is the one that is shown.
    classes : int
    check : GradientCheck or None
    """

    name: str
    letter: str
    params: int
    macs: int
    runs: Sequence[Run]
    classes: int
    check: GradientCheck | None

    @property
    def shown(self) -> Run:
        """The run that is shown."""
        return self.runs[0]

    @property
    def train_accuracy(self) -> float:
        """Median over the seeds."""
        return median(run.train[-1].accuracy for run in self.runs)

    @property
    def test_accuracy(self) -> float:
        """Median over the seeds."""
        return median(run.test[-1].accuracy for run in self.runs)

    @property
    def test_range(self) -> tuple[float, float]:
        """Least and largest over the seeds."""
        accuracies = [run.test[-1].accuracy for run in self.runs]
        return min(accuracies), max(accuracies)

    @property
    def shifted(self) -> list[float] | None:
        """Medians over the seeds, for each number of pixels."""
        tables = [run.shifted for run in self.runs if run.shifted is not None]
        return [median(column) for column in zip(*tables, strict=True)] if tables else None

    @property
    def stuck(self) -> int:
        """How many runs trained and yet ended where guessing stands."""
        return sum(is_stuck(run, self.classes) for run in self.runs)


def is_stuck(run: Run, classes: int) -> bool:
    """Whether a run was trained and its training loss lies within 1 % of ln(classes), that of equal chances."""
    level = math.log(classes)
    return len(run.train) > 1 and abs(run.train[-1].loss - level) <= STUCK_SHARE * level
