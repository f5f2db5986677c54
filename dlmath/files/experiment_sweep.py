"""`sweep:` of an experiment file: a grid of axes, each a list of values, some that go together, or named cases.

    sweep:
      hidden: [1, 2, 4]                    # one option, one value after another
      learning-rate: {logspace: [-2, 0, 3]}
      zip:                                 # options that go together: first with first, second with second
        depth: [10, 100]
        width: [512, 64]
      network:                             # cases: settings of several options under a name of one's own
        flat: {layers: dense:10}
        deep: {layers: [dense:8, relu, dense:10]}

Every combination of places on the axes is a cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.files.experiment_values import Setting, Value, generated, natural, read_setting
from dlmath.files.places import Entries, Listing, Place, entries, unknown_at, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlmath.files.experiment_values import Vocabulary

ZIP = "zip"


class Point(NamedTuple):
    """One place on an axis: how each name of the axis shows it, and the options that it sets."""

    labels: Mapping[str, Value]
    settings: Mapping[str, Setting]


class Axis(NamedTuple):
    """What is varied, with one name or, zipped, several."""

    names: tuple[str, ...]
    points: tuple[Point, ...]

    @property
    def fields(self) -> dict[str, Place]:
        """The options it sets, and where."""
        return {field: setting.place for point in self.points for field, setting in point.settings.items()}


def read_sweep(value: Any, words: Vocabulary) -> tuple[Axis, ...]:
    """Return the axes, in the order of the file."""
    items = entries(value, "sweep", "write NAME: [VALUE, VALUE], one a line").items
    return tuple(axis for key, (place, part) in items.items() for axis in read_axes(key, place, part, words))


def read_axes(key: str, place: Place, value: Any, words: Vocabulary) -> Iterator[Axis]:
    """Yield what one key under sweep: means."""
    word = key.replace("-", "_")
    if word in words:
        yield read_axis(word, value, words)
    elif key == ZIP:
        parts = value.items if isinstance(value, Listing) else [value]
        yield from (read_zip(part, words) for part in parts)
    elif isinstance(value, Entries) and all(isinstance(case, Entries) for _, case in value.items.values()):
        yield read_cases(key, value, words)
    else:
        raise unknown_at(place, "key", key, [ZIP, *words])


def read_axis(word: str, value: Any, words: Vocabulary) -> Axis:
    """Return the axis of one option."""
    listed = generated(value, word) if isinstance(value, Entries) else value.items if isinstance(value, Listing) else []
    if not listed:
        raise wrong(value.place, f"{word}: nothing to sweep over", "give a list of values, as [1, 2, 4]")
    option = words[word]
    settings = [read_setting(item, word, option) for item in listed]
    return Axis((word,), tuple(Point({word: natural(one.value)}, {option.field: one}) for one in settings))


def read_zip(value: Any, words: Vocabulary) -> Axis:
    """Return the axis of options that go together."""
    axes = []
    for key, (place, part) in entries(value, ZIP, "write NAME: [VALUE, VALUE], one a line").items.items():
        word = key.replace("-", "_")
        if word not in words:
            raise unknown_at(place, "key", key, words)
        axes.append(read_axis(word, part, words))
        if len(axes[-1].points) != len(axes[0].points):
            what = f"{key} has {len(axes[-1].points)} values, {axes[0].names[0]} has {len(axes[0].points)}"
            raise wrong(place, what, "lists that are zipped are of one length")
    if not axes:
        raise wrong(value.place, "nothing is zipped", "write NAME: [VALUE, VALUE], one a line")
    rows = zip(*(axis.points for axis in axes), strict=True)
    return Axis(tuple(name for axis in axes for name in axis.names), tuple(merged(row) for row in rows))


def merged(points: tuple[Point, ...]) -> Point:
    """Return places that go together as one."""
    labels = {name: label for point in points for name, label in point.labels.items()}
    return Point(labels, {field: setting for point in points for field, setting in point.settings.items()})


def read_cases(key: str, value: Entries, words: Vocabulary) -> Axis:
    """Return the axis of named cases."""
    points = []
    for name, (_, case) in value.items.items():
        settings = {}
        for option_key, (place, part) in case.items.items():
            word = option_key.replace("-", "_")
            if word not in words:
                raise unknown_at(place, "key", option_key, words)
            settings[words[word].field] = read_setting(part, option_key, words[word])
        points.append(Point({key.replace("-", "_"): natural(name)}, settings))
    if not points:
        raise wrong(value.place, f"{key} has no cases", "write NAME: {OPTION: VALUE}, one a line")
    return Axis((key.replace("-", "_"),), tuple(points))
