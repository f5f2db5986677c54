"""Which places of a sweep are run: all of them, those that are not excluded, or so many as are drawn.

The number of places is known before one is made. Draws come from the raw stream of PCG64, which NumPy promises to keep:
the same seed draws the same cells, and `sample: 20` begins with those of `sample: 10`.
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.files.document import Scalar, wrong
from dlmath.runs.files.sweep import Axis, point_of
from dlmath.runs.files.values import read_setting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dlmath.runs.files.experiment import Experiment
    from dlmath.runs.files.values import Draw

    Place = tuple[int, ...]

MOST_CELLS = 1_000_000
"""Cells of one run: beyond, a plan alone takes minutes and gigabytes."""


def most_draws(count: int) -> int:
    """Return after how many draws `exclude` is taken to leave too few of so many cells.

    >>> most_draws(1), most_draws(100_000)
    (10020, 2010000)
    """
    return 20 * count + 10_000


class SweepGrid(NamedTuple):
    """The axes with all their places, and the places that are run, in order."""

    axes: tuple[Axis, ...]
    places: Sequence[Place]


def count_of(experiment: Experiment) -> int:
    """Return how many cells an experiment may have at most, without making one."""
    places = experiment.sample or math.prod(len(axis.points) for axis in experiment.axes)
    return places * (experiment.repeat or 1)


def check_size(experiments: Iterable[Experiment]) -> None:
    """Refuse, before one is made, more cells than a run may have.

    Raises
    ------
    InvalidValueError
        With their number.
    """
    total = 0
    for experiment in experiments:
        check_draws(experiment)
        total += count_of(experiment)
        if total > MOST_CELLS:
            what = f"{total:,} cells are asked for, more than {MOST_CELLS:,}"
            raise wrong(experiment.place, what, "sweep over fewer values, or draw some of them with sample: N")


def check_draws(experiment: Experiment) -> None:
    """Refuse values that are drawn when nobody says how many."""
    for axis in experiment.axes:
        if axis.draw is not None and experiment.sample is None:
            what = f"{axis.names[0]} is drawn, and nothing says how many cells are"
            raise wrong(axis.draw.place, what, "write sample: N beside the sweep")


def grid_of(experiment: Experiment, is_excluded: Callable[[tuple[Axis, ...], Place], bool]) -> SweepGrid:
    """Return the places of an experiment that are run.

    Parameters
    ----------
    experiment : Experiment
    is_excluded : callable
        (axes, place) -> bool.

    Raises
    ------
    InvalidValueError
        When none is left, or fewer than are to be drawn.
    """
    if experiment.sample is None:
        every = product(*(range(len(axis.points)) for axis in experiment.axes))
        places: list[Place] = [place for place in every if not is_excluded(experiment.axes, place)]
        if not places:
            raise wrong(experiment.place, "exclude: leaves no cell", "exclude fewer")
        return SweepGrid(experiment.axes, places)
    if any(axis.draw is not None for axis in experiment.axes):
        return with_draws(experiment, experiment.sample, is_excluded)
    sizes = [len(axis.points) for axis in experiment.axes]
    drawn = shuffled(sizes, experiment.seed, most_draws(experiment.sample))
    left = (place for place in drawn if not is_excluded(experiment.axes, place))
    places = sorted(first(left, experiment.sample, math.prod(sizes)))
    if not places:
        raise wrong(experiment.place, "exclude: leaves no cell", "exclude fewer")
    return SweepGrid(experiment.axes, places)


def first(places: Iterator[Place], count: int, total: int) -> Iterator[Place]:
    """Yield the first different places; a sweep that has no more than are wanted is taken whole."""
    seen: set[Place] = set()
    while len(seen) < min(count, total) and (place := next(places, None)) is not None:
        if place not in seen:
            seen.add(place)
            yield place


def shares(seed: int, stream: int) -> Iterator[float]:
    """Yield numbers from 0 to below 1: the upper 53 bits of PCG64's raw words."""
    from numpy.random import PCG64, SeedSequence

    generator = PCG64(SeedSequence([seed, stream]))
    while True:
        for word in generator.random_raw(256):
            yield int(word >> 11) * 2.0**-53


def shuffled(sizes: Sequence[int], seed: int, most: int) -> Iterator[Place]:
    """Yield places of a grid in an order that is drawn; of a small one each once, of a large one perhaps again."""
    total = math.prod(sizes)
    draws = shares(seed, 1)
    if total > MOST_CELLS:
        yield from (unravelled(int(next(draws) * total), sizes) for _ in range(most))
        return
    numbers = list(range(total))
    for index in range(total):  # Fisher and Yates: each of the rest comes next with the same chance
        other = index + int(next(draws) * (total - index))
        numbers[index], numbers[other] = numbers[other], numbers[index]
        yield unravelled(numbers[index], sizes)


def unravelled(number: int, sizes: Sequence[int]) -> Place:
    """Return the place with a number, the last axis fastest.

    >>> unravelled(5, [2, 3]), unravelled(0, [])
    ((1, 2), ())
    """
    place: list[int] = []
    for size in reversed(sizes):
        number, index = divmod(number, size)
        place.append(index)
    return tuple(reversed(place))


def with_draws(experiment: Experiment, count: int, is_excluded: Callable[[tuple[Axis, ...], Place], bool]) -> SweepGrid:
    """Return as many places as are wanted, their values drawn on the axes that have none listed.

    Each draw takes one share from every axis' own stream, so that an axis more changes no other's values. The places of
    a drawn axis are its values in order: `increasing[... along it]` goes up.
    """
    streams = [shares(experiment.seed, 2 + index) for index in range(len(experiment.axes))]
    rows: dict[tuple[Any, ...], None] = {}
    for _ in range(most_draws(count)):
        row = tuple(picked(axis, next(stream)) for axis, stream in zip(experiment.axes, streams, strict=True))
        if not is_excluded(*alone(experiment.axes, row)):
            rows[row] = None
        if len(rows) == count:
            break
    if not rows or (len(rows) < count and experiment.exclude):
        what = f"exclude: leaves {len(rows)} of the {count} cells that are to be drawn"
        raise wrong(experiment.place, what, "exclude fewer, or draw fewer")
    return ordered(experiment.axes, list(rows))


def picked(axis: Axis, share: float) -> Any:
    """Return a listed place by its number, or a drawn value as it is written."""
    return int(share * len(axis.points)) if axis.draw is None else axis.draw.value(share)


def alone(axes: Sequence[Axis], row: Sequence[Any]) -> tuple[tuple[Axis, ...], Place]:
    """Return axes that have the drawn values of one row alone, and its place on them."""
    pairs = list(zip(axes, row, strict=True))
    single = tuple(axis if axis.draw is None else drawn_axis(axis, [value]) for axis, value in pairs)
    return single, tuple(value if axis.draw is None else 0 for axis, value in pairs)


def drawn_axis(axis: Axis, values: Sequence[str]) -> Axis:
    """Return an axis with the values that were drawn on it."""
    draw: Draw | None = axis.draw
    assert draw is not None
    assert axis.option is not None
    option, word = axis.option, axis.names[0]
    points = (point_of(word, option, read_setting(Scalar(value, draw.place), word, option)) for value in values)
    return axis._replace(points=tuple(points))


def ordered(axes: Sequence[Axis], rows: Sequence[Sequence[Any]]) -> SweepGrid:
    """Return the rows as places on axes whose drawn values stand in order."""
    complete, columns = [], []
    for index, axis in enumerate(axes):
        column = [row[index] for row in rows]
        if axis.draw is not None:
            values = sorted(set(column), key=float)
            numbers = {value: number for number, value in enumerate(values)}
            axis, column = drawn_axis(axis, values), [numbers[value] for value in column]  # noqa: PLW2901
        complete.append(axis)
        columns.append(column)
    places = sorted(set(zip(*columns, strict=True)))
    return SweepGrid(tuple(complete), places)
