"""Why networks did not learn: a class for each, from the state in which training left them.

The class rests on what is known of the network, not on its outputs alone: what no weights can do (`obstacles`),
slopes that have vanished, hidden units that are equal, how the loss fell over the second half of the training, and
where the plateau it is on leads. A plateau is a place of rest only where nothing leaves it: an eigenvalue -l of the
Hessian (in the optimizer's measure, see `curvature`) lets a deviation grow; on a plateau at infinity l falls as c / t,
so that it grows as t^c only, and what is small stays small for ages. Measured on XOR, 2-2-1, over 26 configurations of
activations, losses, optimizers, rates and epochs: of 2,500 networks called `half`, `thirds`, `dead` or `saturated`
none learned within 20 times the epochs (from weights of N(0, 8^2), which begin far out on the plateaus, 1 in 250 did;
with RMSprop, whose steps do not shrink, 1 in 80).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.gates.engine.curvature import AT_ONCE, Slopes, curvature
from dlmath.gates.engine.layers import run
from dlmath.gates.engine.levels import target_levels
from dlmath.gates.engine.obstacles import ObstacleQuestion, find_obstacle, one_direction_fails
from dlmath.gates.engine.plateaus import HALF, PLATEAUS, THIRDS, standing
from dlmath.neural.activations import get_activation

if TYPE_CHECKING:
    from dlmath.gates.engine.lanes import Problem
    from dlmath.gates.engine.levels import Levels
    from dlmath.gates.engine.obstacles import Obstacle
    from dlmath.neural.activations import Activation
    from dlmath.neural.arrays import Array

FAILURES: dict[str, str] = {
    "unfinished": "the loss still falls, or a way down leads on",
    "inseparable": "one unit, and no line separates the rows",
    "unbiased": "the missing bias forces some answers",
    "symmetric": "equal hidden units that stay equal",
    "saturated": "slopes vanished: rate or weights too large",
    "dead": "a layer with slope 0 on every row",
    "half": "at rest: rows not told apart get 1/2",
    "thirds": "at rest: rows not told apart get 1/3 or 2/3",
    "diverged": "a number became infinite, or none",
    "untrained": "no epoch was run",
    "other": "none of these",
}
"""Every class, and what it means in the width of a column."""
NAMES = tuple(FAILURES)
CODES = {name: code for code, name in enumerate(NAMES)}

FLAT = 1e-3
"""A slope below this share of the activation's largest one has vanished."""
STILL = 1e-2
"""A parameter that moves less than this in 50 times the epochs is not moving."""
AGES = 50
"""How many times the epochs that were run a prediction looks ahead."""
SETTLED = 0.02
"""The loss may have fallen by this share of itself over the second half of the training to be called at rest."""
EQUAL = {8: 1e-8, 4: 1e-4}
"""By bytes of a number: how far equal units may drift apart by rounding, relative to the weights."""
MOST_PARAMETERS = 64
"""Beyond, the eigenvalues of a Hessian cost more than a tenth of the training of most networks."""
SETTLED_UNSEEN, SETTLED_UNSEEN_PLATEAU = 1e-6, 2e-3
"""Without the Hessian: the fall over the second half up to which a network is called at rest, on a plateau or not."""


class Ends(NamedTuple):
    """How S networks that did not learn were left.

    Attributes
    ----------
    parameters, halfway : ndarray of float64 (P, S)
        At the end, and after about half of the epochs.
    memory : ndarray of float64 (M, S)
        The optimizer's.
    diverged : ndarray of bool (S,)
    epochs : int
        That were run by those that did not diverge.
    """

    parameters: Array
    halfway: Array
    memory: Array
    diverged: Array
    epochs: int

    def of(self, chosen: Array) -> Ends:
        """Return some of the networks."""
        return Ends(
            self.parameters[:, chosen], self.halfway[:, chosen], self.memory[:, chosen], self.diverged[chosen],
            self.epochs,
        )  # fmt: skip


class State(NamedTuple):
    """What a forward pass tells of S networks.

    Attributes
    ----------
    outputs : ndarray (R, K, S)
    losses : ndarray (S,)
    wrong_slopes : ndarray (S,)
        The largest |da/dz| of an output on a row that it misses, as a share of the activation's largest slope.
    hidden_slopes : ndarray (S,)
        The largest |da/dz| of the hidden layer where it is least, as a share likewise; 1 without one.
    zero : ndarray of bool (S,)
        A layer of units that can be flat whose slopes are all exactly 0.
    """

    outputs: Array
    losses: Array
    wrong_slopes: Array
    hidden_slopes: Array
    zero: Array


def _bends(activation: Activation) -> bool:
    """Tell whether the slope jumps somewhere, so that differences across the place tell nothing of curvature."""
    around = np.array(activation.kinks)[:, None] + np.array([-1e-9, 1e-9])
    return bool((np.abs(np.diff(activation.slope(around), axis=1)) > 1e-6).any())


class Diagnostician:
    """Diagnoses the networks of one problem.

    Parameters
    ----------
    problem : Problem
    question : ObstacleQuestion
    obstacle : Obstacle or None
        What `find_obstacle` found.
    """

    def __init__(self, problem: Problem, question: ObstacleQuestion) -> None:
        self.problem = problem
        self.question = question
        self.obstacle: Obstacle | None = find_obstacle(question)
        self.levels: Levels | None = target_levels(problem.targets)
        self.hopeless = question.is_one_direction and one_direction_fails(question)
        self.follows = problem.optimizer.rule.follows_gradient_size
        names = problem.architecture.activations
        bent = any(_bends(get_activation(name)) for name in names)
        self.can_stop = any(get_activation(name).flat for name in names)  # a slope of 0 ends all movement
        self.curved = problem.architecture.parameter_count <= MOST_PARAMETERS and not bent  # is there a Hessian to ask?

    def classify(self, ends: Ends) -> Array:
        """Return the failure class of each network as an index into `NAMES`: ndarray of int8 (S,)."""
        codes = np.full(ends.diverged.shape, CODES["diverged"], np.int8)
        sound = np.flatnonzero(~ends.diverged)
        for start in range(0, len(sound), AT_ONCE):
            part = sound[start : start + AT_ONCE]
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                codes[part] = self._classify(ends.of(part))
        return codes

    def _classify(self, ends: Ends) -> Array:
        """Classify networks that did not diverge: what holds for all of them, then what each one's state says."""
        count = len(ends.diverged)
        if ends.epochs == 0:
            return np.full(count, CODES["untrained"], np.int8)
        if self.obstacle is not None:
            return np.full(count, CODES[self.obstacle.name], np.int8)
        state, earlier = self.state(ends.parameters), self.losses(ends.halfway)
        plateau, resting = self._rest(ends, state, earlier)
        collapsed, chained = self._collapsed(ends)
        conditions = [
            self._dead(ends, state),
            chained | (collapsed & resting),
            (plateau >= 0) & resting,
            self._saturated(ends, state, resting),
            ~resting,
        ]
        names = np.where(plateau == 1, CODES[THIRDS], CODES[HALF])
        choices: list[Array | int] = [CODES["dead"], CODES["symmetric"], names, CODES["saturated"], CODES["unfinished"]]
        codes: Array = np.full(count, CODES["other"])
        for condition, choice in reversed(list(zip(conditions, choices, strict=True))):  # the first that holds counts
            codes = np.where(condition, choice, codes)
        return codes.astype(np.int8)

    # ----------------------------------------------------------------------------------- what the slopes say

    def state(self, parameters: Array) -> State:
        """Run the forward pass of networks (P, S) and note outputs, losses and slopes."""
        slopes = Slopes(self.problem, parameters.shape[1])
        slopes.parameters[:, : slopes.count] = parameters
        lanes = np.arange(slopes.count)
        network = slopes.network
        hidden, zero = np.ones(slopes.count), np.zeros(slopes.count, bool)
        for layer, _weighted in network.forward_by_layer():
            activation = layer.activation
            sizes = np.abs(layer.slope_of(lanes)) / activation.max_slope  # (R, K, S)
            largest = sizes.max(axis=(0, 1))
            zero |= (largest == 0) & (not activation.bounded)
            if layer is not network.output:
                hidden = np.minimum(hidden, largest)
        outputs = network.outputs(slice(0, slopes.count))
        wrong = ~self._right(outputs)
        if self.problem.loss.from_logits:  # there the output's slope cancels
            sizes = np.ones_like(sizes)
        largest = np.where(wrong.any(axis=(0, 1)), np.where(wrong, sizes, 0).max(axis=(0, 1)), 1)
        return State(outputs, network.losses(slice(0, slopes.count)), largest, hidden, zero)

    def losses(self, parameters: Array) -> Array:
        """Return the losses (S,) of networks (P, S)."""
        slopes = Slopes(self.problem, parameters.shape[1])
        slopes.parameters[:, : slopes.count] = parameters
        run(slopes.network.forward)
        return slopes.network.losses(slice(0, slopes.count))

    def _right(self, outputs: Array) -> Array:
        """Return which outputs (R, K, S) are on their target's side, or near their target where there are no sides."""
        targets = self.problem.targets[:, :, None]
        if self.levels is None:
            spread = np.ptp(targets) or 1.0
            return np.asarray(np.abs(outputs - targets) < spread / 4)
        middle = self.levels.middle[:, None]
        return np.asarray((outputs - middle) * (targets - middle) > 0)

    def _dead(self, ends: Ends, state: State) -> Array:
        """Return which networks have a layer that gives constants for good.

        An optimizer with a memory may carry a layer out of its dead region again: there it must have been dead for
        half of the training.
        """
        if (self.problem.targets == self.problem.targets[0]).all():  # a constant can be learned behind a dead layer
            return np.zeros(len(state.zero), bool)
        dead = state.zero.copy()
        if len(ends.memory) and dead.any():
            chosen = np.flatnonzero(dead)
            dead[chosen] = self.state(ends.halfway[:, chosen]).zero
        return dead

    def _saturated(self, ends: Ends, state: State, resting: Array) -> Array:
        """Return which networks no longer move, or are at rest, because their slopes have vanished."""
        saturated = np.asarray(np.minimum(state.wrong_slopes, state.hidden_slopes) < FLAT)
        flat = np.flatnonzero(saturated)
        if len(flat):
            some = ends.of(flat)
            steps = np.abs(self.reach(some) * Slopes(self.problem, len(flat)).at(some.parameters)) * ends.epochs * AGES
            still = (steps <= STILL * np.maximum(1, np.abs(some.parameters))).all(axis=0)
            saturated[flat] = still | resting[flat]
        return saturated

    # --------------------------------------------------------------------------------------- equal units

    def _collapsed(self, ends: Ends) -> tuple[Array, Array]:
        """Return which networks have a hidden layer of equal units, and which can compute nothing for that alone."""
        layers = self.problem.architecture.layers
        equal = [self.units_equal(ends.parameters, number) for number in range(len(layers) - 1)]
        if not equal:
            none = np.zeros(ends.parameters.shape[1], bool)
            return none, none
        single = np.array([layer.fan_out == 1 for layer in layers[:-1]])[:, None]
        rises = all(activation.rises for activation in self.question.hidden)
        chained = (np.array(equal) | single).all(axis=0) & np.array(equal).any(axis=0)
        fails = rises and one_direction_fails(self.question) if chained.any() else False
        return np.asarray(np.array(equal).any(axis=0)), np.asarray(chained & fails)

    def units_equal(self, parameters: Array, number: int) -> Array:
        """Tell for each network whether the units of hidden layer `number` (from 0) have equal weights on all sides."""
        architecture = self.problem.architecture
        layer = architecture.layers[number]
        if layer.fan_out == 1:
            return np.zeros(parameters.shape[1], bool)
        weights = architecture.weights(parameters)
        incoming, outgoing = weights[number], weights[number + 1].swapaxes(0, 1)  # both (other units, units, S)
        parts = [incoming, outgoing]
        if layer.bias_count == layer.fan_out:
            parts.append(architecture.biases(parameters)[number][None])
        joined = np.concatenate(parts)
        allowed = EQUAL[self.problem.dtype.itemsize] * np.maximum(1, np.abs(joined).max(axis=(0, 1)))
        return np.asarray(np.ptp(joined, axis=1).max(axis=0) <= allowed)

    # --------------------------------------------------------------------------------------------- at rest

    def reach(self, ends: Ends) -> Array:
        """Return how far each parameter goes in one epoch for each unit of its gradient, broadcastable to (P, S)."""
        problem = self.problem
        rows, outputs = problem.targets.shape
        per_epoch = problem.loss.scale(1, outputs) / problem.loss.scale(rows, outputs) if problem.online else 1.0
        count = problem.architecture.parameter_count
        return np.asarray(problem.optimizer.reach(ends.memory, count, problem.rate) * per_epoch)

    def _rest(self, ends: Ends, state: State, earlier: Array) -> tuple[Array, Array]:
        """Return the plateau each network is on (0 half, 1 thirds, -1 none) and which networks are at rest."""
        count = len(ends.diverged)
        plateau, excess = np.full(count, -1), np.zeros(count)
        settled = np.abs(earlier - state.losses) <= SETTLED * state.losses
        everywhere = np.zeros(count, bool)
        if self.levels is not None:
            for number, name in reversed(list(enumerate(PLATEAUS))):
                stands = standing(name, self.problem, self.levels, state.outputs, state.losses)
                plateau = np.where(stands.arrived, number, plateau)
                excess = np.where(stands.arrived, np.maximum(stands.excess, 0), excess)
                everywhere |= stands.arrived & stands.everywhere
        if self.hopeless:
            return plateau, np.ones(count, bool)
        resting = np.zeros(count, bool)
        partly = np.flatnonzero((plateau >= 0) & ~everywhere)
        falls = np.abs(earlier - state.losses) / state.losses
        resting[partly] = self._rests_on_plateau(ends.of(partly), excess[partly], falls[partly])
        others = np.flatnonzero(settled & ((plateau < 0) | everywhere))
        resting[others] = self._rests_elsewhere(ends.of(others), state.losses[others], falls[others])
        return plateau, resting

    def _rests_on_plateau(self, ends: Ends, excess: Array, falls: Array) -> Array:
        """Tell for each network on a plateau whether nothing leads off it.

        Along the eigenvector of the lowest eigenvalue -l a deviation grows as exp(integral of l dt). On a plateau at
        infinity l falls as t^-q; q is measured between the middle of the run and its end. A deviation of the share s
        of the gradient leads off the plateau when s exp(integral) comes to matter.
        """
        if not len(excess) or not self.curved:
            return falls <= (SETTLED_UNSEEN_PLATEAU if self.can_stop else SETTLED_UNSEEN)
        around = curvature(self.problem, ends.parameters, self.reach(ends))
        speed = np.maximum(around.speed, np.finfo(np.float64).tiny)
        age = np.maximum(ends.epochs, np.minimum(excess / speed, OLDEST))  # given weights may be older than the run
        lowest = -around.eigenvalues[:, 0]
        share = np.abs(around.gradient[:, 0]) / np.sqrt(speed)
        if self.follows:
            flow = np.sqrt(np.maximum(excess, np.finfo(np.float64).tiny) / age)
            share = np.maximum(share, np.abs(around.gradient[:, 0]) / flow)
        resting = np.asarray(lowest * age <= NO_GROWTH)
        growing = np.flatnonzero(~resting)
        if len(growing):
            earlier = -curvature(self.problem, ends.halfway[:, growing], self.reach(ends.of(growing))).eigenvalues[:, 0]
            grown = lowest[growing] * age[growing] * _ahead(lowest[growing], earlier)
            resting[growing] = share[growing] * np.exp(np.minimum(grown, 700)) < MATTERS
        return resting if self.follows else np.asarray(resting & (share < ADAPTIVE_SHARE))

    def _rests_elsewhere(self, ends: Ends, losses: Array, falls: Array) -> Array:
        """Tell for each network whose loss has settled whether it is at a minimum: no slope left, no way down."""
        if not len(losses) or not self.curved:
            return falls <= SETTLED_UNSEEN
        resting = self._falls_no_more(ends, losses)  # most of them, which spares the Hessian of the others
        chosen = np.flatnonzero(resting)
        if len(chosen):
            resting[chosen] = self._at_minimum(ends.of(chosen), losses[chosen])
        return resting

    def _falls_no_more(self, ends: Ends, losses: Array) -> Array:
        """Tell for each network whether its loss, falling as fast as now, hardly falls in `AGES` times the run."""
        slopes = Slopes(self.problem, len(losses)).at(ends.parameters)
        speed = (self.reach(ends) * np.square(slopes)).sum(axis=0)
        return np.asarray(speed * ends.epochs * AGES <= SETTLED * losses)

    def _at_minimum(self, ends: Ends, losses: Array) -> Array:
        """Tell for each network whether Newton's step would gain nothing and no way down leads on."""
        around = curvature(self.problem, ends.parameters, self.reach(ends))
        stiffest = np.abs(around.eigenvalues).max(axis=1)
        stiffness = np.maximum(np.abs(around.eigenvalues), 1e-6 * np.maximum(stiffest, 1e-300)[:, None])
        decrement = (np.square(around.gradient) / (2 * stiffness)).sum(axis=1)  # what Newton's step would gain
        lowest = around.eigenvalues[:, 0]
        bent = (lowest < -1e-3 * stiffest) | (-lowest * ends.epochs > NO_GROWTH)
        return np.asarray((decrement <= SETTLED * losses) & ~bent)


OLDEST = 1e6
"""Epochs: the most that a network on a plateau is taken to have been there."""
NO_GROWTH = 1e-2
"""The exponent c below which a deviation does not grow."""
MATTERS = 0.06
"""The share of the gradient at which a deviation is taken to lead off the plateau within `AGES`."""
ADAPTIVE_SHARE = 0.008
"""The largest share with rules whose steps do not shrink with the gradient: they wander on a plateau."""


def _ahead(now: Array, earlier: Array) -> Array:
    """Return the integral of (t / t0)^-q dt / t0 from t0 to `AGES` t0, q such that the rate fell from half of t0 on."""
    q = np.clip(np.log2(np.maximum(earlier, 1e-300) / np.maximum(now, 1e-300)), -1, 1.2)
    rest = np.where(np.abs(1 - q) < 1e-6, 1e-6, 1 - q)
    return np.asarray((AGES**rest - 1) / rest)
