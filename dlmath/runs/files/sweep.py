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
      momentum: {uniform: [0.5, 0.99]}     # drawn, with sample: N beside the sweep

Every combination of places on the axes is a cell, or with `sample: N` so many of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.files.document import Entries, Listing, Place, Scalar, entries, unknown_at, wrong
from dlmath.language.expressions import CONSTANTS, DIALECT
from dlmath.language.functions import natural
from dlmath.runs.files.values import (
    Draw,
    ExperimentOption,
    Setting,
    Value,
    generated,
    is_draw,
    label,
    read_draw,
    read_setting,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from dlmath.runs.files.values import Vocabulary

ZIP = "zip"
BLANK = re.compile(r"\{(\w+)\}")
COLUMNS = frozenset({"id", "status", "error", "repeat", "seed"})
"""Columns of every table of results: a name of one's own would take one over."""
SCOPES = frozenset({"name", "settings", "result"})
"""What expressions mean otherwise."""
RESERVED = COLUMNS | SCOPES | DIALECT.words | set(CONSTANTS)


class Point(NamedTuple):
    """One place on an axis: how each name of the axis shows it, and the options that it sets."""

    labels: Mapping[str, Value]
    settings: Mapping[str, Setting]


class Axis(NamedTuple):
    """What is varied, with one name or, zipped, several.

    Parameters
    ----------
    names : tuple of str
    points : tuple of Point
        Each different; none yet where values are drawn.
    draw : Draw or None
        What values are drawn from.
    option : ExperimentOption or None
        What a drawn value is given to.
    """

    names: tuple[str, ...]
    points: tuple[Point, ...]
    draw: Draw | None = None
    option: ExperimentOption | None = None

    @property
    def fields(self) -> dict[str, Place]:
        """The options it sets, and where first."""
        if self.draw is not None and self.option is not None:
            return {self.option.field: self.draw.place} if self.option.field else {}
        return {field: one.place for point in reversed(self.points) for field, one in point.settings.items()}

    @property
    def titles(self) -> list[str]:
        """What each place on it is called."""
        return [" ".join(str(shown) for shown in point.labels.values()) for point in self.points]


def read_sweep(value: Any, words: Vocabulary, blanks: Collection[str]) -> tuple[Axis, ...]:
    """Return the axes, in the order of the file; `blanks` are the names in braces that the settings have."""
    items = entries(value, "sweep", "write NAME: [VALUE, VALUE], one a line").items
    known = with_own_names(words, blanks)
    return tuple(axis for key, (place, part) in items.items() for axis in read_axes(key, place, part, known))


def with_own_names(words: Vocabulary, blanks: Collection[str]) -> Vocabulary:
    """Return the words of a command and the names of one's own that settings have in braces."""
    return {**words, **{name: ExperimentOption("", str) for name in blanks if name not in words}}


def read_axes(key: str, place: Place, value: Any, words: Vocabulary) -> Iterator[Axis]:
    """Yield what one key under sweep: means."""
    word = key.replace("-", "_")
    is_cases = isinstance(value, Entries) and all(isinstance(case, Entries) for _, case in value.items.values())
    if word in words:
        check_own_name(word, place, words)
        yield read_axis(word, value, words)
    elif key == ZIP:
        parts = value.items if isinstance(value, Listing) else [value]
        yield from (read_zip(part, words) for part in parts)
    elif is_cases:
        check_own_name(word, place, words)
        yield read_cases(key, value, words)
    else:
        raise unknown_at(place, "key", key, [ZIP, *words])


def check_own_name(word: str, place: Place, words: Vocabulary) -> None:
    """Refuse a name of one's own that means something else in tables or expressions."""
    is_own = word not in words or not words[word].field
    if is_own and word in RESERVED:
        meant = "a column of every table" if word in COLUMNS else "a word of expressions"
        raise wrong(place, f"{word!r} cannot be a name of one's own: it is {meant}", "choose another name")


def read_axis(word: str, value: Any, words: Vocabulary) -> Axis:
    """Return the axis of one option."""
    option = words[word]
    if is_draw(value):
        return Axis((word,), (), read_draw(value, word, option), option)
    return Axis((word,), distinct(read_points(word, value, option)))


def read_points(word: str, value: Any, option: ExperimentOption) -> list[Point]:
    """Return the values of one option, doubled ones too."""
    listed = generated(value, word) if isinstance(value, Entries) else value.items if isinstance(value, Listing) else []
    if not listed:
        raise wrong(value.place, f"{word}: nothing to sweep over", "give a list of values, as [1, 2, 4]")
    return [point_of(word, option, read_setting(item, word, option)) for item in listed]


def point_of(word: str, option: ExperimentOption, setting: Setting) -> Point:
    """Return one value of an option as a place on its axis; a name of one's own is a number where it looks like one."""
    if not option.field:
        return Point({word: natural(setting.value)}, {})
    shown = setting.value if setting.value is not None else option.default
    return Point({word: "default" if shown is None else label(shown)}, {option.field: setting})


def distinct(points: Iterable[Point]) -> tuple[Point, ...]:
    """Return places without those that say the same again."""
    found: dict[str, Point] = {}
    for point in points:
        found.setdefault(repr((point.labels, {field: one.value for field, one in point.settings.items()})), point)
    return tuple(found.values())


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
    columns: dict[str, list[Point]] = {}
    for key, (place, part) in entries(value, ZIP, "write NAME: [VALUE, VALUE], one a line").items.items():
        word = key.replace("-", "_")
        if word not in words:
            raise unknown_at(place, "key", key, words)
        check_own_name(word, place, words)
        if is_draw(part):
            raise wrong(part.place, f"{word}: drawn values go together with none", "give it a place beside zip:")
        columns[word] = read_points(word, part, words[word])
        first = next(iter(columns))
        if len(columns[word]) != len(columns[first]):
            what = f"{key} has {len(columns[word])} values, {first} has {len(columns[first])}"
            raise wrong(place, what, "lists that are zipped are of one length")
    if not columns:
        raise wrong(value.place, "nothing is zipped", "write NAME: [VALUE, VALUE], one a line")
    rows = zip(*columns.values(), strict=True)
    return Axis(tuple(columns), distinct(merged(row) for row in rows))


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
