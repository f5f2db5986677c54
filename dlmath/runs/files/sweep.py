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
      size: [3, 5]                         # a name of one's own, written into words: layers: conv:{size}x{size}x8

Every combination of places on the axes is a cell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.files.document import Entries, Listing, Place, Scalar, entries, unknown_at, wrong
from dlmath.language.functions import natural
from dlmath.runs.files.values import Option, Setting, Value, generated, label, read_setting

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from dlmath.runs.files.values import Vocabulary

ZIP = "zip"
BLANK = re.compile(r"\{(\w+)\}")


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
        """The options it sets, and where first."""
        return {field: one.place for point in reversed(self.points) for field, one in point.settings.items()}


def read_sweep(value: Any, words: Vocabulary, blanks: Collection[str]) -> tuple[Axis, ...]:
    """Return the axes, in the order of the file; `blanks` are the names in braces that the settings have."""
    items = entries(value, "sweep", "write NAME: [VALUE, VALUE], one a line").items
    words = {**words, **{name: Option("", str) for name in blanks if name not in words}}
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
    if not option.field:  # a name of one's own: it is a number where it looks like one
        return Axis((word,), tuple(Point({word: natural(one.value)}, {}) for one in settings))
    return Axis((word,), tuple(Point({word: label(one.value)}, {option.field: one}) for one in settings))


def blanks_in(value: Any) -> Iterator[str]:
    """Yield the names in braces in all that is written.

    >>> list(blanks_in(Scalar("conv:{size}x{size}x8", Place(""))))
    ['size', 'size']
    """
    match value:
        case Scalar():
            yield from BLANK.findall(value.text)
        case Listing():
            yield from (name for item in value.items for name in blanks_in(item))
        case Entries():
            yield from (name for _, item in value.items.values() for name in blanks_in(item))


def filled(value: Value, labels: Mapping[str, Value]) -> Value:
    """Return a word with the names in braces replaced by what is swept under them.

    >>> filled(["conv:{size}x{size}x8", "relu"], {"size": 3})
    ['conv:3x3x8', 'relu']
    """
    if isinstance(value, list):
        return [filled(item, labels) for item in value]
    if not isinstance(value, str):
        return value
    return BLANK.sub(lambda found: str(labels[found[1]]) if found[1] in labels else found[0], value)


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
        points.append(Point({key.replace("-", "_"): name}, settings))
    if not points:
        raise wrong(value.place, f"{key} has no cases", "write NAME: {OPTION: VALUE}, one a line")
    return Axis((key.replace("-", "_"),), tuple(points))
