"""Gradient and Hessian of many networks' losses at once, in the measure in which an optimizer moves.

An optimizer that reaches D_i as far along parameter i follows the flow dp/dt = -D g. In the coordinates
q = D^(-1/2) p this is the steepest descent dq/dt = -g~ with g~ = D^(1/2) g, and the Hessian there is
H~ = D^(1/2) H D^(1/2). An eigenvalue -l of H~ makes the deviation along its eigenvector grow as e^(l t).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.gates.engine.layers import padded, run
from dlmath.gates.engine.network import LaneNetwork

if TYPE_CHECKING:
    from dlmath.gates.engine.lanes import Problem
    from dlmath.neural.arrays import Array

STEP = 1e-5
"""Of the central differences of the gradient: error h^2 from the third derivatives, eps / h from rounding."""
AT_ONCE = 2048  # networks whose arrays stay in a core's cache


class Curvature(NamedTuple):
    """What the loss looks like around each of S networks of P parameters, in the optimizer's measure.

    Attributes
    ----------
    gradient : ndarray of float64 (S, P)
        g~, in the basis of the eigenvectors: its component along each of them.
    eigenvalues : ndarray of float64 (S, P)
        Of H~, the lowest first.
    """

    gradient: Array
    eigenvalues: Array

    @property
    def speed(self) -> Array:
        """|g~|^2, by which the loss falls per unit of time (S,)."""
        return np.asarray(np.square(self.gradient).sum(axis=1))


class Slopes:
    """The gradient of many networks of one problem, in float64."""

    def __init__(self, problem: Problem, count: int) -> None:
        self.count = count
        shape = (problem.architecture.parameter_count, padded(count, np.dtype(np.float64)))
        self.parameters, self.gradient = np.zeros(shape), np.zeros(shape)
        self.network = LaneNetwork(
            problem.architecture, problem.loss, problem.inputs, problem.targets, self.parameters, self.gradient,
            fixed_biases=problem.fixed_biases,
        )  # fmt: skip

    def at(self, parameters: Array) -> Array:
        """Return dL/dp (P, S) at `parameters` (P, S), in an array that the next call overwrites."""
        self.parameters[:, : self.count] = parameters
        for program in (self.network.forward, self.network.errors, self.network.backward):
            run(program)
        return self.gradient[:, : self.count]


def curvature(problem: Problem, parameters: Array, reach: Array) -> Curvature:
    """Return gradient and curvature of each network.

    Parameters
    ----------
    problem : Problem
    parameters : ndarray of float64 (P, S)
    reach : ndarray of float64 broadcastable to (P, S)
        D: how far a parameter goes for each unit of its gradient.
    """
    whole = np.broadcast_to(reach, parameters.shape)
    parts = [
        _curvature(problem, parameters[:, start : start + AT_ONCE], whole[:, start : start + AT_ONCE])
        for start in range(0, parameters.shape[1], AT_ONCE)
    ]
    return Curvature(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _curvature(problem: Problem, parameters: Array, reach: Array) -> Curvature:
    size, count = parameters.shape
    slopes, root = Slopes(problem, count), np.sqrt(reach)
    gradient = (root * slopes.at(parameters)).T  # (S, P)
    hessian = np.empty((count, size, size))
    moved = parameters.copy()
    for i in range(size):
        moved[i] = parameters[i] + STEP
        hessian[:, i] = slopes.at(moved).T
        moved[i] = parameters[i] - STEP
        hessian[:, i] -= slopes.at(moved).T
        moved[i] = parameters[i]
    hessian += hessian.swapaxes(1, 2).copy()  # of what differences leave unequal, the mean
    hessian *= root.T[:, :, None] * root.T[:, None, :] / (4 * STEP)
    sound = np.asarray(np.isfinite(hessian).all(axis=(1, 2)))
    hessian[~sound] = 0
    eigenvalues, vectors = np.linalg.eigh(hessian)
    return Curvature(np.einsum("spk,sp->sk", vectors, np.where(sound[:, None], gradient, 0)), eigenvalues)
