"""What is told of a perceptron's run: its cycle, its steps, its history, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fractions import Fraction


class Cycle(NamedTuple):
    """The weights after epoch `start` come back every `length` epochs (start 0: the starting weights)."""

    start: int
    length: int


class PerceptronStep(NamedTuple):
    """One row as it was taken: what was seen, what was answered, and the weights before and after.

    Parameters
    ----------
    epoch : int
        Counted from 1.
    row : int
        Counted from 0.
    x : tuple of Fraction
        The row's inputs.
    z : Fraction
        The weighted sum, bias included.
    output : int or None
        None: undecided, within the dead band.
    target, error : int
        error is +1, -1 or 0: the sign of the correction, t - o where the unit answers.
    before, after : tuple of Fraction
        The weights, the bias last if there is one; equal when the row was right. With `full` batches the rows of
        an epoch share them.
    """

    epoch: int
    row: int
    x: tuple[Fraction, ...]
    z: Fraction
    output: int | None
    target: int
    error: int
    before: tuple[Fraction, ...]
    after: tuple[Fraction, ...]


class History(NamedTuple):
    """The first epochs of a run.

    Parameters
    ----------
    errors : tuple of int
        Wrong rows met in epochs 1, 2, ... (at most the first 1000).
    states : tuple of tuples of Fraction
        The weights, bias last, before epoch 1 and after epochs 1, 2, ... (at most the first 100).
    """

    errors: tuple[int, ...]
    states: tuple[tuple[Fraction, ...], ...]


class PerceptronRun(NamedTuple):
    """What became of a perceptron.

    Parameters
    ----------
    learned : bool
        Whether every output equals its target.
    stopped : {"learned", "cycle", "epochs"}
        An epoch without an error, weights that came back, or the limit.
    epochs : int
        The first epoch without an error (learned), the epoch that first brought back earlier weights (cycle,
        start + length), or the limit.
    updates : int
        Corrections of the weights in these epochs (`full`: at most one an epoch).
    weights : tuple of Fraction
    bias : Fraction or None
    outputs : tuple of int or None
        None: undecided.
    history : History
    cycle : Cycle or None
    certificate : tuple of int or None
        From the cycle: coprime y_i >= 0, one for each row, with sum_i y_i s_i x~_i = 0, s_i = +1 for target 1
        and -1 for target 0. None without a cycle, and when only rows of target 0 take part, which without a bias
        proves nothing.
    """

    learned: bool
    stopped: str
    epochs: int
    updates: int
    weights: tuple[Fraction, ...]
    bias: Fraction | None
    outputs: tuple[int | None, ...]
    history: History
    cycle: Cycle | None
    certificate: tuple[int, ...] | None
