"""Training a range of seeds in lanes that are never idle.

Networks run side by side in lanes. Every STRIDE epochs the lanes are looked through: a network that has learned,
diverged or used up its epochs leaves its lane to the next seed of the queue, and when the queue is empty the
lanes close up. When exactly it finished is known from the errors recorded each epoch; its state at that moment
is found by running its last few epochs again from the start of the stride, many networks together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.gates.engine.diagnosis import Ends
from dlmath.gates.engine.lanes import STRIDE, Lanes, Problem
from dlmath.gates.engine.layers import run
from dlmath.neural.initialisers import draw_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.gates.engine.diagnosis import Diagnostician
    from dlmath.neural.arrays import Array
    from dlmath.neural.initialisers import Initialiser


STOPS = ("learned", "diverged", "epochs")
LEARNED, DIVERGED, EXHAUSTED = range(3)
CACHED_BYTES = 3 << 17
"""A layer's array may take this much in a block of lanes, so that the block's arrays stay in a core's cache."""
CURVE_POINTS = 500
STRIDES_TOLD = 128  # between two reports of progress


class LossCurve(NamedTuple):
    """A loss over the epochs: at most `CURVE_POINTS` points, first and last among them."""

    epochs: tuple[int, ...]
    values: tuple[float, ...]


class ShownRun(NamedTuple):
    """One network as it stopped.

    Attributes
    ----------
    outputs : ndarray of float64 (R, K)
    parameters : ndarray of float64 (P,)
    weights, biases : tuples of ndarray
        A layer each: (fan_in, fan_out) and (bias count,).
    loss : float
    curve : LossCurve
    stopped : str
        One of `STOPS`.
    stopped_at : int
        Epochs done when it stopped.
    memory : ndarray of float64 (M,)
        What the optimizer remembers.
    halfway : ndarray of float64 (P,)
        The parameters after about half of the epochs allowed (of a network that stopped before: as it began).
    """

    outputs: Array
    parameters: Array
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    loss: float
    curve: LossCurve
    stopped: str
    stopped_at: int
    memory: Array
    halfway: Array

    @property
    def learned(self) -> bool:
        """Whether it learned."""
        return self.stopped == "learned"


@dataclass(frozen=True)
class SeedRange:
    """The seeds `first` to `first + count - 1`."""

    first: int
    count: int


@dataclass
class LaneOutcome:
    """How each seed of a range ended (see `training.TrainingResult`), and the shown run if it is the first of them."""

    stops: Array
    stopped_at: Array
    losses: Array
    failures: Array
    shown: ShownRun | None = None

    @classmethod
    def unknown(cls, count: int) -> LaneOutcome:
        """Return the outcome of a range before training."""
        no_failures = np.full(count, -1, np.int8)
        return cls(np.zeros(count, np.int8), np.zeros(count, np.int64), np.zeros(count), no_failures)


class CurveRecorder:
    """Keeps every 2^k-th loss, k growing, so that a run of any length takes little memory."""

    def __init__(self) -> None:
        self.spacing = 1
        self.points: list[tuple[int, float]] = []

    def add(self, first_epoch: int, values: Array) -> None:
        """Note the losses of consecutive epochs."""
        for epoch, value in enumerate(values.tolist(), first_epoch):
            if epoch % self.spacing == 0:
                self.points.append((epoch, value))
        while len(self.points) >= CURVE_POINTS:
            self.spacing *= 2
            self.points = self.points[::2]

    def finish(self, epoch: int, value: float) -> LossCurve:
        """Return the curve up to `epoch`, where the loss is `value`."""
        points = [point for point in self.points if point[0] < epoch] + [(epoch, value)]
        return LossCurve(tuple(e for e, _ in points), tuple(v for _, v in points))


class _Finished(NamedTuple):
    """Networks whose end is known: their state at the start of a stride, and the steps from there to the end.

    seeds, stops, steps have shape (F,), parameters and halfway (P, F), memory (M, F).
    """

    seeds: Array
    stops: Array
    steps: Array
    parameters: Array
    memory: Array
    halfway: Array

    @classmethod
    def together(cls, parts: list[_Finished]) -> _Finished:
        """Join several in one."""
        return cls(
            np.concatenate([part.seeds for part in parts]),
            np.concatenate([part.stops for part in parts]),
            np.concatenate([part.steps for part in parts]),
            np.concatenate([part.parameters for part in parts], axis=1),
            np.concatenate([part.memory for part in parts], axis=1),
            np.concatenate([part.halfway for part in parts], axis=1),
        )


def block_size(problem: Problem) -> int:
    """Return how many networks run side by side: as many as fit in a core's cache."""
    widest = len(problem.inputs) * max(problem.architecture.sizes[1:])
    return max(1, CACHED_BYTES // (widest * problem.dtype.itemsize))


class EnsembleTraining:
    """The training of one range of seeds.

    Parameters
    ----------
    problem : Problem
    seeds : SeedRange
    epochs : int
        When a network stops that has not learned.
    init, bias_init : Initialiser
    start : tuple of ndarray (P,) and (M,), or None
        Start from these parameters and this memory of the optimizer (None: a fresh one) instead of drawing.
    diagnostician : Diagnostician
        Of the networks that do not learn.
    shows_first : bool
        Keep the first seed's run in full.
    progress : callable (networks finished, running ones by the share of their epochs) or None
    """

    def __init__(
        self,
        problem: Problem,
        seeds: SeedRange,
        epochs: int,
        init: Initialiser,
        bias_init: Initialiser,
        diagnostician: Diagnostician,
        start: tuple[Array, Array | None] | None = None,
        *,
        shows_first: bool = False,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        self.problem = problem
        self.seeds = seeds
        self.epochs = epochs
        self.initialisers = (init, bias_init)
        self.given = start
        self.diagnostician = diagnostician
        self.half = epochs // 2 // STRIDE * STRIDE
        self.shows_first = shows_first
        self.progress = progress
        self.outcome = LaneOutcome.unknown(seeds.count)
        self.block = min(seeds.count, block_size(problem))
        self.lanes = Lanes(problem, self.block)
        self.tenants = np.full(self.lanes.size, -1)  # which network of the range sits in a lane, -1 for none
        self.ages = np.zeros(self.lanes.size, np.int64)
        self.halfway = np.zeros_like(self.lanes.parameters)
        self.seated = 0
        self.finished: list[_Finished] = []
        self.finished_count = 0
        self.strides = 0
        self.curve = CurveRecorder()
        self.limit = math.sqrt(float(np.finfo(problem.dtype).max) / problem.targets.size)  # beyond, the loss is inf

    def run(self) -> LaneOutcome:
        """Train every network of the range to its end."""
        # Overflow and invalid operations are how a network diverges, and `_record` looks for their results.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            self._seat(np.arange(self.block))
            while self.seated < self.seeds.count or (self.tenants >= 0).any():
                self._run_stride()
            if self.finished:
                self._settle()
        return self.outcome

    def _seat(self, lanes: Array) -> None:
        """Give the lanes to the next networks of the queue; those that get none are empty."""
        self.tenants[lanes] = -1
        lanes = lanes[: self.seeds.count - self.seated]
        if not len(lanes):
            return
        self.lanes.begin(lanes, self._draw(len(lanes)), None if self.given is None else self.given[1])
        self.tenants[lanes] = np.arange(self.seated, self.seated + len(lanes))
        self.ages[lanes] = 0
        self.seated += len(lanes)

    def _draw(self, count: int) -> Array:
        if self.given is not None:
            return self.given[0][:, None]
        first = self.seeds.first + self.seated
        return draw_parameters(self.problem.architecture, *self.initialisers, first, count)

    def _run_stride(self) -> None:
        self._note_halfway()
        parameters, memory = self.lanes.parameters.copy(), self.lanes.memory.copy()
        self.lanes.run_stride()
        if self.shows_first and self.tenants[0] == 0:
            self.curve.add(int(self.ages[0]), self.lanes.first_lane_losses())
        ended = self._find_ended()
        if len(ended):
            self._record(ended, parameters[:, ended], memory[:, ended])
        self.ages += STRIDE
        self._report()
        if len(ended):
            self._seat(ended)
            self._close_up()

    def _report(self) -> None:
        """Tell now and then how far the training is: short runs end before they are asked."""
        self.strides += 1
        if self.progress is None or self.strides % STRIDES_TOLD:
            return
        running = self.ages[self.tenants >= 0]
        self.progress(self.finished_count + float(running.sum()) / max(self.epochs, 1))

    def _note_halfway(self) -> None:
        """Keep the parameters of the lanes that are halfway: what the loss falls from there tells who is at rest."""
        due = self.ages == self.half
        if due.all():
            np.copyto(self.halfway, self.lanes.parameters)
        elif due.any():
            self.halfway[:, due] = self.lanes.parameters[:, due]

    def _find_ended(self) -> Array:
        """Return the lanes whose network ended in this stride; comparisons with NaN are false, so NaN ends one."""
        worst = self.lanes.worst
        running = np.minimum.reduce(worst, 0) > self.lanes.limit
        running &= np.maximum.reduce(worst, 0) < self.limit
        running &= self.ages + STRIDE <= self.epochs
        return np.flatnonzero(~running & (self.tenants >= 0))

    def _record(self, lanes: Array, parameters: Array, memory: Array) -> None:
        """Note when and why the networks in `lanes` ended; the state given is from before the stride."""
        worst = self.lanes.worst[:, lanes]
        learned, diverged = worst <= self.lanes.limit, ~(worst < self.limit)
        exhausted = np.arange(STRIDE)[:, None] >= self.epochs - self.ages[lanes]
        steps = np.argmax(learned | diverged | exhausted, axis=0)
        at = (steps, np.arange(len(lanes)))
        stops = np.where(learned[at], LEARNED, np.where(diverged[at], DIVERGED, EXHAUSTED)).astype(np.int8)
        networks = self.tenants[lanes]
        self.outcome.stopped_at[networks] = self.ages[lanes] + steps
        self.finished.append(_Finished(networks, stops, steps, parameters, memory, self.halfway[:, lanes]))
        if sum(len(part.seeds) for part in self.finished) >= self.block:
            self._settle()
        self.finished_count += len(lanes)
        if self.progress is not None:
            self.progress(self.finished_count)

    def _close_up(self) -> None:
        """When a tenth of the lanes are empty for good, go on with fewer lanes."""
        kept = np.flatnonzero(self.tenants >= 0)
        if self.seated < self.seeds.count or not 0 < len(kept) <= 0.9 * self.lanes.size:
            return
        lanes = Lanes(self.problem, len(kept))
        if lanes.size == self.lanes.size:
            return
        lanes.parameters[:, : len(kept)] = self.lanes.parameters[:, kept]
        lanes.memory[:, : len(kept)] = self.lanes.memory[:, kept]
        halfway = np.zeros_like(lanes.parameters)
        halfway[:, : len(kept)] = self.halfway[:, kept]
        self.halfway = halfway
        padding = lanes.size - len(kept)
        self.tenants = np.append(self.tenants[kept], np.full(padding, -1))
        self.ages = np.append(self.ages[kept], np.zeros(padding, np.int64))
        self.lanes = lanes

    def _settle(self) -> None:
        """Run the finished networks from the start of their last stride to their end, and keep what is asked."""
        finished, self.finished = _Finished.together(self.finished), []
        count = len(finished.seeds)
        lanes = Lanes(self.problem, count)
        lanes.parameters[:, :count] = finished.parameters
        lanes.memory[:, :count] = finished.memory
        for step in range(int(finished.steps.max()) + 1):
            run(lanes.network.forward)
            self._keep(lanes, finished, np.flatnonzero(finished.steps == step))
            run(lanes.network.errors)
            run(lanes.step)

    def _keep(self, lanes: Lanes, finished: _Finished, ended: Array) -> None:
        """Keep the results of the networks in the lanes `ended`, whose outputs have just been computed."""
        network, outcome = lanes.network, self.outcome
        seeds, stops = finished.seeds[ended], finished.stops[ended]
        broken = ~np.isfinite(lanes.parameters[:, ended]).all(axis=0)
        stops[broken] = DIVERGED
        outcome.stops[seeds] = stops
        outcome.losses[seeds] = network.losses(ended)
        failed = stops != LEARNED
        self._diagnose(lanes, finished, ended[failed], stops[failed] == DIVERGED)
        if self.shows_first and (seeds == 0).any():
            lane = int(ended[np.flatnonzero(seeds == 0)[0]])
            self._show(lanes, lane, finished.halfway[:, lane].astype(np.float64))

    def _diagnose(self, lanes: Lanes, finished: _Finished, failed: Array, diverged: Array) -> None:
        if not len(failed):
            return
        state = (lanes.parameters[:, failed], finished.halfway[:, failed], lanes.memory[:, failed])
        parameters, halfway, memory = (part.astype(np.float64) for part in state)
        ends = Ends(parameters, halfway, memory, diverged, self.epochs)
        self.outcome.failures[finished.seeds[failed]] = self.diagnostician.classify(ends)

    def _show(self, lanes: Lanes, lane: int, halfway: Array) -> None:
        outcome, architecture = self.outcome, self.problem.architecture
        parameters = lanes.parameters[:, lane].astype(np.float64)
        loss, stopped_at = float(outcome.losses[0]), int(outcome.stopped_at[0])
        outcome.shown = ShownRun(
            lanes.network.outputs(np.array([lane]))[:, :, 0].astype(np.float64),
            parameters, architecture.weights(parameters), architecture.biases(parameters),
            loss, self.curve.finish(stopped_at, loss), STOPS[outcome.stops[0]], stopped_at,
            lanes.memory[:, lane].astype(np.float64), halfway,
        )  # fmt: skip
