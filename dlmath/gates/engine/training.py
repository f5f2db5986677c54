"""Training a network, or many independently initialised ones at once: the settings, the result, the call."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from dlmath.errors import InvalidValueError, ShapeError, unknown
from dlmath.gates.engine.criteria import Criterion, parse_until
from dlmath.gates.engine.diagnosis import NAMES as FAILURE_NAMES
from dlmath.gates.engine.diagnosis import Diagnostician, Ends
from dlmath.gates.engine.ensemble import LEARNED, EnsembleTraining, LaneOutcome, SeedRange, ShownRun, block_size
from dlmath.gates.engine.lanes import Problem
from dlmath.gates.engine.obstacles import ObstacleQuestion
from dlmath.neural.initialisers import draw_parameters, parse_initialiser
from dlmath.neural.losses import check_loss_suits, get_loss
from dlmath.neural.optimizers import default_learning_rate, parse_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.gates.engine.causes import Diagnosis
    from dlmath.neural.architecture import Architecture
    from dlmath.neural.arrays import Array
    from dlmath.neural.initialisers import Initialiser

DTYPES = ("float64", "float32")
BATCHES: dict[str, str] = {"full": "one update an epoch", "online": "one update a row, in order"}
TYPICAL_EPOCHS = 1000  # of one network, failing ones included: only to judge whether processes are worth starting
SECONDS_PER_UNIT = 3e-9  # one unit, one row, one epoch, in float32
WORTH_PROCESSES = 0.3  # seconds
RANGES_PER_JOB = 4
BLOCKS_PER_RANGE = 2
STOP_TEXTS: dict[str, str] = {
    "diverged": "an output, the loss or a parameter became infinite or not a number",
    "epochs": "the epochs are used up",
}


@dataclass(frozen=True)
class TrainingSettings:
    """All that decides a training run apart from the data.

    Attributes
    ----------
    architecture : Architecture
        With its activations and its kind of bias.
    loss : str
    optimizer, like : str
        As `optimizers.parse_optimizer` reads them: a rule with its constants, and whose the others are.
    learning_rate : float or None
        None is `optimizers.default_learning_rate` of the rest.
    epochs : int
        The most updates (full batch) or passes (online) a network makes.
    until : str
        When a network has learned, as `criteria.parse_until` reads it.
    init, bias_init : str
        In the language of `initialisers.parse_initialiser`.
    dtype, batch : str
        One of `DTYPES`, a key of `BATCHES`.
    seed, seeds : int
        Networks `seed` to `seed + seeds - 1` are trained.
    parameters : ndarray (P,) or None
        Start from these instead of drawing; one network only.
    memory : ndarray (M,) or None
        What the optimizer remembers from an earlier run with the same settings.
    fixed_biases : bool
        Biases are not updated.
    """

    architecture: Architecture
    loss: str = "mse"
    optimizer: str = "sgd"
    learning_rate: float | None = None
    epochs: int = 5_000
    until: str = "tolerance:0.1"
    init: str = "glorot"
    bias_init: str = "zeros"
    like: str = "torch"
    dtype: str = "float64"
    batch: str = "full"
    seed: int = 0
    seeds: int = 1
    parameters: Array | None = None
    memory: Array | None = None
    fixed_biases: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise unknown("dtype", self.dtype, DTYPES)
        if self.batch not in BATCHES:
            raise unknown("batch", self.batch, BATCHES)
        get_loss(self.loss)
        parse_optimizer(self.optimizer, self.like)
        parse_until(self.until)
        parse_initialiser(self.init)
        parse_initialiser(self.bias_init)
        self._check_numbers()

    def _check_numbers(self) -> None:
        rate = self.rate_for(1)
        _require(_positive(rate), "learning rate", rate, "it must be a positive finite number")
        _require(self.epochs >= 0, "number of epochs", self.epochs, "it must be at least 0")
        _require(self.seed >= 0, "seed", self.seed, "it must be at least 0")
        _require(self.seeds >= 1, "number of seeds", self.seeds, "it must be at least 1")
        if self.parameters is not None:
            _require(self.seeds == 1, "number of seeds", self.seeds,
                     "from given weights every network would be the same; ask for one seed")  # fmt: skip
            wanted = (self.architecture.parameter_count,)
            if self.parameters.shape != wanted:
                raise ShapeError(f"the parameters have shape {self.parameters.shape}", f"they must have shape {wanted}")
        if self.memory is not None:
            self._check_memory(self.memory)

    def _check_memory(self, memory: Array) -> None:
        wanted = parse_optimizer(self.optimizer, self.like).rule.memory(self.architecture.parameter_count).shape
        if self.parameters is None or memory.shape != wanted:
            raise ShapeError(
                f"the memory of {self.optimizer} has shape {memory.shape}",
                f"it must have shape {wanted} and come with the parameters it belongs to",
            )

    @property
    def criterion(self) -> Criterion:
        """What "learned" means."""
        return parse_until(self.until)

    def rate_for(self, rows: int) -> float:
        """Return the learning rate for a table of that many rows, the default one resolved."""
        if self.learning_rate is not None:
            return self.learning_rate
        architecture = self.architecture
        table = (rows, architecture.sizes[-1])
        rule = parse_optimizer(self.optimizer, self.like).rule.name
        return default_learning_rate(rule, architecture.activations, self.loss, self.batch, table)


def _positive(value: float) -> bool:
    return math.isfinite(value) and value > 0


def _require(holds: bool, what: str, value: float, mend: str) -> None:  # noqa: FBT001
    if not holds:
        raise InvalidValueError(f"{what} {value:g} is not possible", mend)


@dataclass(frozen=True)
class TrainingResult:
    """How every seed ended, in order, and the first seed's run in full.

    Attributes
    ----------
    stops : ndarray of int8 (N,)
        Index into `STOPS`.
    stopped_at : ndarray of int64 (N,)
        Epochs done when the network stopped.
    losses : ndarray of float64 (N,)
        Final losses.
    failures : ndarray of int8 (N,)
        Index into `diagnosis.NAMES`; -1 for networks that learned.
    shown : ShownRun
    learning_rate : float
        The rate that was used.
    """

    settings: TrainingSettings
    stops: Array
    stopped_at: Array
    losses: Array
    failures: Array
    shown: ShownRun
    learning_rate: float

    @property
    def learned(self) -> Array:
        """Which seeds learned: ndarray of bool (N,)."""
        return np.asarray(self.stops == LEARNED)

    @property
    def epochs(self) -> Array:
        """Epochs each seed needed to learn, -1 where it did not: ndarray of int64 (N,)."""
        return np.where(self.learned, self.stopped_at, -1)

    @property
    def learned_count(self) -> int:
        """How many seeds learned."""
        return int(np.count_nonzero(self.learned))

    @property
    def first_failed(self) -> dict[str, int]:
        """The first seed of each class of failure."""
        codes = self.failures.tolist()
        return {name: self.settings.seed + codes.index(FAILURE_NAMES.index(name)) for name in self.failure_counts}

    @property
    def failure_counts(self) -> dict[str, int]:
        """How the other seeds ended: class to count, classes that occur only."""
        counts = np.bincount(self.failures[self.failures >= 0], minlength=len(FAILURE_NAMES))
        return {name: int(count) for name, count in zip(FAILURE_NAMES, counts, strict=True) if count}


def train(
    inputs: Array,
    targets: Array,
    settings: TrainingSettings,
    progress: Callable[[float, int], None] | None = None,
    jobs: int = 1,
) -> TrainingResult:
    """Train the networks of seeds `settings.seed` onwards until each has learned, diverged or run out of epochs.

    Parameters
    ----------
    inputs : ndarray (R, n)
    targets : ndarray (R, K)
    settings : TrainingSettings
    progress : callable (seeds finished, seeds in all), optional
    jobs : int
        Processes. The result is the same, bit for bit, for every number of them; below about a third of a
        second of work only one is used, since starting processes would cost more than it saves.

    Returns
    -------
    TrainingResult

    Raises
    ------
    InvalidValueError, ShapeError
        When data, loss and architecture do not fit together.
    """
    problem = make_problem(inputs, targets, settings)
    report = progress or _no_progress
    ranges = _ranges(problem, settings.seed, settings.seeds, jobs)
    work = _RangeWork(problem.inputs, problem.targets, settings)
    if len(ranges) == 1:
        outcomes = [work.train(ranges[0], lambda done: report(done, settings.seeds))]
    else:
        outcomes = _train_in_processes(work, ranges, jobs, report)
    shown = outcomes[0].shown
    assert shown is not None  # the first range holds the first seed
    return TrainingResult(settings, *_joined(outcomes), shown, problem.rate)


def diagnose_shown(inputs: Array, targets: Array, result: TrainingResult) -> Diagnosis | None:
    """Return why the shown network did not learn, None when it did."""
    shown, settings = result.shown, result.settings
    if shown.learned:
        return None
    from dlmath.gates.engine.causes import diagnose  # only where there is a cause to tell

    problem = make_problem(inputs, targets, settings)
    parameters, halfway, memory = (part[:, None] for part in (shown.parameters, shown.halfway, shown.memory))
    ends = Ends(parameters, halfway, memory, np.array([shown.stopped == "diverged"]), settings.epochs)
    return diagnose(make_diagnostician(problem, settings), ends)


def _no_progress(_done: float, _all: int) -> None:
    pass


def _joined(outcomes: list[LaneOutcome]) -> tuple[Array, Array, Array, Array]:
    return (
        np.concatenate([outcome.stops for outcome in outcomes]),
        np.concatenate([outcome.stopped_at for outcome in outcomes]),
        np.concatenate([outcome.losses for outcome in outcomes]),
        np.concatenate([outcome.failures for outcome in outcomes]),
    )


def initial_parameters(settings: TrainingSettings) -> Array:
    """Return the parameters (P,) the first seed starts from, in float64."""
    if settings.parameters is not None:
        return np.asarray(settings.parameters, np.float64)
    return draw_parameters(settings.architecture, *_initialisers(settings), settings.seed, 1)[:, 0]


def _initialisers(settings: TrainingSettings) -> tuple[Initialiser, Initialiser]:
    return parse_initialiser(settings.init), parse_initialiser(settings.bias_init)


def make_problem(inputs: Array, targets: Array, settings: TrainingSettings) -> Problem:
    """Check the data against the settings and resolve every name in them.

    Raises
    ------
    InvalidValueError, ShapeError
    """
    inputs, targets = np.asarray(inputs, np.float64), np.asarray(targets, np.float64)
    sizes = settings.architecture.sizes
    if inputs.ndim != 2 or targets.ndim != 2 or len(inputs) != len(targets) or len(inputs) == 0:
        raise ShapeError(
            f"inputs of shape {inputs.shape} and targets of shape {targets.shape} are no table of rows",
            "give as many rows of targets as of inputs, at least one",
        )
    if (inputs.shape[1], targets.shape[1]) != (sizes[0], sizes[-1]):
        raise ShapeError(
            f"rows of {inputs.shape[1]} inputs and {targets.shape[1]} targets do not fit the layer sizes {list(sizes)}",
            "the first size is the number of inputs, the last the number of targets",
        )
    if not (np.isfinite(inputs).all() and np.isfinite(targets).all()):
        raise InvalidValueError("the data hold a value that is not finite", "every input and target must be a number")
    loss, criterion = get_loss(settings.loss), settings.criterion
    check_loss_suits(loss, settings.architecture.activations[-1], targets)
    criterion.check_suits(targets)
    return Problem(
        settings.architecture, loss, parse_optimizer(settings.optimizer, settings.like), inputs, targets,
        settings.rate_for(len(inputs)), np.dtype(settings.dtype), settings.batch == "online", settings.fixed_biases,
        criterion,
    )  # fmt: skip


def make_diagnostician(problem: Problem, settings: TrainingSettings) -> Diagnostician:
    """Return what tells why networks of these settings did not learn."""
    return Diagnostician(problem, make_question(problem, settings))


def make_question(problem: Problem, settings: TrainingSettings) -> ObstacleQuestion:
    """Return what is asked of networks of these settings."""
    return ObstacleQuestion(
        problem.architecture, problem.inputs, problem.targets, problem.criterion, has_biases(settings)
    )


def has_biases(settings: TrainingSettings) -> bool:
    """Tell whether the units have biases that are, or can become, anything but 0."""
    architecture = settings.architecture
    if architecture.bias == "none" or not settings.fixed_biases:
        return architecture.bias != "none"
    drawn = draw_parameters(architecture, *_initialisers(settings), settings.seed, min(settings.seeds, 2))
    parameters = drawn if settings.parameters is None else settings.parameters[:, None]
    return any(biases.any() for biases in architecture.biases(parameters))


@dataclass(frozen=True)
class _RangeWork:
    """What a process needs to train any range of the seeds: data and words, which can be sent to it."""

    inputs: Array
    targets: Array
    settings: TrainingSettings

    def train(self, seeds: SeedRange, progress: Callable[[float], None] | None = None) -> LaneOutcome:
        settings = self.settings
        problem = make_problem(self.inputs, self.targets, settings)
        start = None if settings.parameters is None else (settings.parameters, settings.memory)
        return EnsembleTraining(
            problem, seeds, settings.epochs, *_initialisers(settings), make_diagnostician(problem, settings), start,
            shows_first=seeds.first == settings.seed, progress=progress,
        ).run()  # fmt: skip


def _ranges(problem: Problem, first: int, count: int, jobs: int) -> list[SeedRange]:
    """Cut the seeds into ranges, several a process, so that none waits long for the last."""
    units = len(problem.inputs) * sum(problem.architecture.sizes[1:])
    seconds = count * units * TYPICAL_EPOCHS * SECONDS_PER_UNIT
    if jobs == 1 or seconds < WORTH_PROCESSES:
        return [SeedRange(first, count)]
    full = count // (BLOCKS_PER_RANGE * block_size(problem))  # short ranges run their last lanes half empty
    pieces = min(max(jobs, min(full, RANGES_PER_JOB * jobs)), count)
    bounds = [first + count * i // pieces for i in range(pieces + 1)]
    return [SeedRange(low, high - low) for low, high in pairwise(bounds)]


def _train_in_processes(
    work: _RangeWork, ranges: list[SeedRange], jobs: int, report: Callable[[float, int], None]
) -> list[LaneOutcome]:
    outcomes: dict[int, LaneOutcome] = {}
    done = 0
    from dlmath.neural.parallel import share_out

    for number, outcome in share_out(work.train, ranges, jobs):
        outcomes[number] = outcome
        done += len(outcome.stops)
        report(done, work.settings.seeds)
    return [outcomes[number] for number in range(len(ranges))]
