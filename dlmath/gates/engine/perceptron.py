"""Rosenblatt's perceptron on a step unit, in exact arithmetic (no array library).

A McCulloch-Pitts unit answers o = 1 when its weighted sum z = w . x~ is above 0 and o = 0 otherwise; x~ is the
row x with a 1 appended for the bias. Rosenblatt's rule corrects the weights on the wrong rows,

    w <- w + rate (t - o) x~,      in textbooks with targets -1 and 1:  w <- w + rate t x~,

which is the same step. Textbooks differ in who answers at z = 0 (`fires`), in a dead band |z| <= theta whose rows
count as undecided and are corrected (`dead_band`; Fausett 1994), and in thresholds that are not learned
(`fixed_bias`). The rows are taken in order, one update a wrong row (`online`), or once an epoch the sum over the
wrong rows (`full`). On separable rows the rule stops (Rosenblatt 1958; Novikoff 1962). On others the weights stay
bounded, so that exact weights on finite data must come back to where they were (Minsky & Papert 1969; Block & Levin
1970): the repeated state, and the corrections made between, are a proof that the unit cannot compute them.

Weights are kept as whole multiples of one unit, rate / scale, in which every correction is whole: nothing is
rounded, whatever the decimals of the data, the rate and the starting weights.

References
----------
F. Rosenblatt, The perceptron: a probabilistic model, Psychological Review 65 (1958).
A. B. J. Novikoff, On convergence proofs on perceptrons (1962).
M. Minsky and S. Papert, Perceptrons (1969).
H. D. Block and S. A. Levin, On the boundedness of an iterative procedure, Proc. AMS 26 (1970).
L. Fausett, Fundamentals of Neural Networks, section 2.3 (1994).
R. P. Brent, An improved Monte Carlo factorization algorithm, BIT 20 (1980).
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import count
from math import floor, lcm
from operator import mul
from typing import TYPE_CHECKING, NamedTuple

from dlmath.errors import InvalidValueError, ShapeError, unknown
from dlmath.gates.engine.nearest_point import coprime
from dlmath.gates.engine.perceptron_records import Cycle, History, PerceptronRun, PerceptronStep
from dlmath.gates.engine.separability import check_certificate, exact, exact_rows, exact_targets, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dlmath.gates.engine.separability import Exact, Real

    Visit = tuple[int, int, int]

FIRES = (">", ">=")
"""When the unit answers 1: its weighted sum is above 0, or not below."""
KEPT_ERRORS = 1000  # epochs whose number of wrong rows is kept
KEPT_STATES = 100  # epochs whose weights are kept


class Perceptron(NamedTuple):
    """Rows, rule and starting weights, in whole units of rate / scale; made by `perceptron`.

    Parameters
    ----------
    rows : tuple of tuples of int
        scale * x~.
    targets : tuple of int
    start : tuple of int
        Starting weights in units of rate / scale.
    bias : bool
    batch : {"online", "full"}
    rate : Fraction
    scale : int
    moves : tuple of tuples of int
        What is added to the weights for a row: scale * x~, with 0 for a bias that is fixed.
    least, most : int
        A row of target 1 is right from z = `least` on, one of target 0 up to `most` (z in units of rate / scale^2).
    """

    rows: tuple[tuple[int, ...], ...]
    targets: tuple[int, ...]
    start: tuple[int, ...]
    bias: bool
    batch: str
    rate: Fraction
    scale: int
    moves: tuple[tuple[int, ...], ...]
    least: int
    most: int

    def epoch(self, weights: list[int]) -> Iterator[Visit]:
        """Take every row once, correcting `weights` in place; yield row, z (in units) and t - o of each."""
        return BATCHES[self.batch](weights, self)

    def error(self, z: int, target: int) -> int:
        """Return the sign of the correction that a row with this weighted sum needs, 0 when it is right."""
        if target:
            return int(z < self.least)
        return -int(z > self.most)

    def answer(self, z: int) -> int | None:
        """Return what the unit says to a weighted sum: 1, 0, or None within the dead band."""
        if z >= self.least:
            return 1
        return 0 if z <= self.most else None

    def in_numbers(self, weights: Sequence[int]) -> tuple[Fraction, ...]:
        """Turn whole units into the weights themselves."""
        return tuple(self.rate * value / self.scale for value in weights)


def perceptron(
    inputs: Iterable[Sequence[Real]],
    targets: Iterable[Real],
    *,
    bias: bool = True,
    batch: str = "online",
    learning_rate: Real = 1,
    weights: Sequence[Real] | None = None,
    starting_bias: Real = 0,
    fires: str = ">",
    dead_band: Real | None = None,
    fixed_bias: bool = False,
) -> Perceptron:
    """Check a request and put it in whole units.

    Parameters
    ----------
    inputs : rows of real numbers, shape (rows, n)
        Decimal numbers are taken at their decimal value: 0.1 is 1/10.
    targets : 0 or 1, shape (rows,)
    bias : bool
        Whether the unit has a bias.
    batch : {"online", "full"}
    learning_rate : positive number
    weights : n real numbers, optional
        Where to start; zeros unless given.
    starting_bias : real number
    fires : {">", ">="}
        What the unit answers at z = 0: 0 with ">", 1 with ">=".
    dead_band : real number >= 0, optional
        Rows with |z| up to it are undecided, and corrected; `fires` has no say then.
    fixed_bias : bool
        The bias stays where it starts.

    Examples
    --------
    >>> perceptron([(0.5, 2)], [1], learning_rate=0.1).rows
    ((1, 4, 2),)
    """
    rows = exact_rows(inputs)
    rate = _checked_rate(learning_rate)
    start = _start(weights, starting_bias, len(rows[0]), bias=bias)
    relative = [Fraction(value) / rate for value in start]
    scale = lcm(*{value.denominator for row in rows for value in row}, *(value.denominator for value in relative))
    one = (1,) if bias else ()
    whole_rows = tuple(tuple(whole(value, scale) for value in (*row, *one)) for row in rows)
    least, most = _bounds(fires, dead_band, Fraction(scale * scale) / rate)
    return Perceptron(
        rows=whole_rows,
        targets=tuple(exact_targets(targets, len(rows))),
        start=tuple(whole(value, scale) for value in relative),
        bias=bias,
        batch=_checked_batch(batch),
        rate=rate,
        scale=scale,
        moves=tuple((*row[:-1], 0) for row in whole_rows) if bias and fixed_bias else whole_rows,
        least=least,
        most=most,
    )


def _bounds(fires: str, dead_band: Real | None, unit: Fraction) -> tuple[int, int]:
    """Return from which whole z on target 1 is right, and up to which target 0; `unit` times z is whole."""
    if fires not in FIRES:
        raise unknown("value of fires", fires, FIRES)
    if dead_band is not None:
        beyond = floor(exact(dead_band) * unit) + 1
        return beyond, -beyond
    return (1, 0) if fires == ">" else (0, -1)


def train(unit: Perceptron, epochs: int = 1000) -> PerceptronRun:
    """Run the rule until an epoch has no error, the weights repeat, or the epochs are used up.

    The cycle is found by Brent's algorithm in O(1) memory: a bookmark at epochs 0, 1, 3, 7, 15, ... is compared
    with the weights after every epoch, so that the first return has the exact length; two copies `length` epochs
    apart then walk from the start and meet at the exact start. A dictionary of all states would find it up to
    three times sooner, in memory that grows with the epochs.

    Examples
    --------
    >>> rows = [(0, 0), (0, 1), (1, 0), (1, 1)]
    >>> and_ = train(perceptron(rows, [0, 0, 0, 1]))
    >>> and_.stopped, and_.epochs, and_.updates, [int(w) for w in and_.weights], int(and_.bias)
    ('learned', 6, 10, [2, 1], -2)
    >>> xor = train(perceptron(rows, [0, 1, 1, 0]))
    >>> xor.stopped, xor.cycle, xor.certificate
    ('cycle', Cycle(start=2, length=1), (1, 1, 1, 1))
    """
    if epochs < 1:
        raise InvalidValueError(f"{epochs} epochs cannot be run", "give at least 1")
    record, length = _search(unit, epochs)
    if not length:
        return _report(unit, record, None)
    cycle = Cycle(_cycle_start(unit, length), length)
    return _report(unit, _replay(unit, sum(cycle)), cycle)


def steps(unit: Perceptron, epochs: int | None = None) -> Iterator[PerceptronStep]:
    """Yield every row as the rule takes it, through the first epoch without an error or the given epochs.

    Examples
    --------
    >>> unit = perceptron([(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 1])
    >>> [(s.epoch, s.row, int(s.z), s.error, [int(w) for w in s.after]) for s in steps(unit) if s.error]
    [(1, 1, 0, 1, [0, 1, 1]), (2, 0, 1, -1, [0, 1, 0]), (2, 2, 0, 1, [1, 1, 1]), (3, 0, 1, -1, [1, 1, 0])]
    """
    weights = list(unit.start)
    for epoch in count(1) if epochs is None else range(1, epochs + 1):
        before, wrong = unit.in_numbers(weights), False
        for row, z, error in unit.epoch(weights):
            after = unit.in_numbers(weights)
            yield _step(unit, (epoch, row, z, error), before, after)
            before = after if unit.batch == "online" else before
            wrong = wrong or bool(error)
        if not wrong:
            return


def _online(weights: list[int], unit: Perceptron) -> Iterator[Visit]:
    """Correct the weights at once on each wrong row: w <- w + (t - o) x~."""
    for row, (x, move, target) in enumerate(zip(unit.rows, unit.moves, unit.targets, strict=True)):
        z = sum(map(mul, weights, x))
        error = unit.error(z, target)
        if error:
            weights[:] = [w + error * value for w, value in zip(weights, move, strict=True)]
        yield row, z, error


def _full(weights: list[int], unit: Perceptron) -> Iterator[Visit]:
    """Correct the weights once, by the sum over the wrong rows: w <- w + sum_i (t_i - o_i) x~_i."""
    sums = [sum(map(mul, weights, x)) for x in unit.rows]
    errors = [unit.error(z, target) for z, target in zip(sums, unit.targets, strict=True)]
    correction = [sum(map(mul, errors, column)) for column in zip(*unit.moves, strict=True)]
    weights[:] = [w + step for w, step in zip(weights, correction, strict=True)]
    yield from zip(range(len(unit.rows)), sums, errors, strict=True)


BATCHES: dict[str, Callable[[list[int], Perceptron], Iterator[Visit]]] = {
    "online": _online,
    "full": _full,
}
"""When the weights are corrected."""


class _Record:
    """A run under way: its weights, and what is told of it afterwards."""

    def __init__(self, unit: Perceptron) -> None:
        self.unit = unit
        self.weights = list(unit.start)
        self.epochs = 0
        self.updates = 0
        self.clean = False
        self.errors: list[int] = []
        self.states = [unit.start]

    def advance(self) -> None:
        """Run one epoch."""
        wrong = len(_wrong_rows(self.unit, self.weights))
        self.epochs += 1
        self.updates += wrong if self.unit.batch == "online" else min(wrong, 1)
        self.clean = not wrong
        if len(self.errors) < KEPT_ERRORS:
            self.errors.append(wrong)
        if len(self.states) <= KEPT_STATES:
            self.states.append(tuple(self.weights))


def _wrong_rows(unit: Perceptron, weights: list[int]) -> list[int]:
    return [row for row, _, error in unit.epoch(weights) if error]


def _search(unit: Perceptron, epochs: int) -> tuple[_Record, int]:
    """Run until learned, repeated or out of epochs; the length of the cycle, 0 if none was met (Brent 1980)."""
    record = _Record(unit)
    bookmark, power, length = list(unit.start), 1, 0
    while record.epochs < epochs:
        record.advance()
        length += 1
        if record.clean:
            break
        if record.weights == bookmark:
            return record, length
        if length == power:
            bookmark, power, length = list(record.weights), 2 * power, 0
    return record, 0


def _cycle_start(unit: Perceptron, length: int) -> int:
    """Return the first epoch whose weights come back: where two copies `length` epochs apart first agree."""
    behind, ahead = list(unit.start), _replay(unit, length).weights
    start = 0
    while behind != ahead:
        _wrong_rows(unit, behind)
        _wrong_rows(unit, ahead)
        start += 1
    return start


def _replay(unit: Perceptron, epochs: int) -> _Record:
    record = _Record(unit)
    for _ in range(epochs):
        record.advance()
    return record


def _report(unit: Perceptron, record: _Record, cycle: Cycle | None) -> PerceptronRun:
    outputs = tuple(unit.answer(sum(map(mul, record.weights, x))) for x in unit.rows)
    weights = unit.in_numbers(record.weights)
    return PerceptronRun(
        learned=outputs == unit.targets,
        stopped="learned" if record.clean else "cycle" if cycle else "epochs",
        epochs=record.epochs,
        updates=record.updates,
        weights=weights[:-1] if unit.bias else weights,
        bias=weights[-1] if unit.bias else None,
        outputs=outputs,
        history=History(tuple(record.errors), tuple(unit.in_numbers(state) for state in record.states)),
        cycle=cycle,
        certificate=_certificate(unit, record.weights, cycle.length) if cycle else None,
    )


def _certificate(unit: Perceptron, weights: Sequence[int], length: int) -> tuple[int, ...] | None:
    """Count each row's corrections once around the cycle: they sum to 0, since the weights came back."""
    around = list(weights)
    tally = Counter(row for _ in range(length) for row in _wrong_rows(unit, around))
    counts = coprime([tally[row] for row in range(len(unit.rows))])
    # The unit's rows hold the bias input already.
    return counts if check_certificate(unit.rows, unit.targets, counts, bias=False) else None


def _step(
    unit: Perceptron, visit: tuple[int, int, int, int], before: tuple[Fraction, ...], after: tuple[Fraction, ...]
) -> PerceptronStep:
    epoch, row, z, error = visit
    inputs = unit.rows[row][:-1] if unit.bias else unit.rows[row]
    target = unit.targets[row]
    return PerceptronStep(
        epoch=epoch,
        row=row,
        x=tuple(Fraction(value, unit.scale) for value in inputs),
        z=unit.rate * z / unit.scale**2,
        output=unit.answer(z),
        target=target,
        error=error,
        before=before,
        after=after,
    )


def _checked_rate(learning_rate: Real) -> Fraction:
    rate = Fraction(exact(learning_rate))
    if rate <= 0:
        raise InvalidValueError(f"the learning rate {learning_rate} is not above 0", "give a positive number")
    return rate


def _checked_batch(batch: str) -> str:
    if batch not in BATCHES:
        raise unknown("batch", batch, BATCHES)
    return batch


def _start(weights: Sequence[Real] | None, starting_bias: Real, n: int, *, bias: bool) -> list[Exact]:
    start = [exact(value) for value in weights or [0] * n]
    if len(start) != n:
        raise ShapeError(f"{len(start)} weights do not fit rows of {n} inputs", f"give {n}, one an input")
    return [*start, exact(starting_bias)] if bias else start
