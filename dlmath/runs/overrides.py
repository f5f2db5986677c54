"""`--set KEY=VALUE`: an experiment with other settings, and names that say so.

What is set takes the place of what was fixed or swept. A label that told the old value tells the new one, or goes:
no figure stands under another's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.errors import InvalidValueError, unknown
from dlmath.files.document import Entries, Listing, Place, compose
from dlmath.runs.files.sweep import BLANK, Axis, distinct, read_axis, with_own_names
from dlmath.runs.files.values import read_setting
from dlmath.runs.vocabulary import vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dlmath.runs.files.experiment import Experiment
    from dlmath.runs.files.sweep import Point
    from dlmath.runs.files.values import Setting, Vocabulary

SEEDED = ("repeat", "seed")
COUNTS = {"repeat": 1, "seed": 0, "sample": 1}
"""Keys of experiments that take a whole number, and the least one."""
OWN = (*COUNTS, "time_limit")


def split_override(text: str) -> tuple[str, str]:
    """Return key and value of --set.

    >>> split_override("learning-rate=0.1")
    ('learning_rate', '0.1')
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise InvalidValueError(f"--set {text} is not KEY=VALUE", "write it as --set epochs=100")
    return key.strip().replace("-", "_"), value


def check_overrides(overrides: Sequence[str], experiments: Sequence[Experiment]) -> None:
    """Refuse a key that no experiment here has a use for."""
    known = {word for experiment in experiments for word in keys_of(experiment)}
    for text in overrides:
        key, _ = split_override(text)
        if key in SEEDED and key not in known:
            what = f"--set {text} has no meaning: no experiment here draws random numbers"
            raise InvalidValueError(what, "leave it away")
        if key not in known:
            raise unknown("key for --set:", key, sorted(known))


def keys_of(experiment: Experiment) -> set[str]:
    """Return what --set may name for an experiment: its command's options, the sweep's own names, a few keys."""
    words = vocabulary(experiment.command)
    seeded = set(SEEDED) if "seed" in words else set()
    if experiment.sample is not None:
        seeded.add("seed")
    return {*words, *own_names(experiment), "sample", "time_limit"} - {"seed"} | seeded


def own_names(experiment: Experiment) -> dict[str, int]:
    """Return the names of one's own that are swept and stand in braces in settings, and their axes."""
    blanks = set(blanks_of(experiment))
    words = vocabulary(experiment.command)
    places = {name: index for index, axis in enumerate(experiment.axes) for name in axis.names}
    return {name: index for name, index in places.items() if name in blanks and name not in words}


def blanks_of(experiment: Experiment) -> Iterator[str]:
    """Yield the names in braces in all settings, fixed or swept."""
    swept = [one for axis in experiment.axes for point in axis.points for one in point.settings.values()]
    for setting in (*experiment.settings.values(), *swept):
        for item in setting.value if isinstance(setting.value, list) else [setting.value]:
            if isinstance(item, str):
                yield from BLANK.findall(item)


def override(experiment: Experiment, overrides: Sequence[str]) -> Experiment:
    """Return an experiment with the options of --set; those that are not its own are left to others."""
    for text in overrides:
        key, written = split_override(text)
        if key not in keys_of(experiment):
            continue
        value = next(iter(compose(written, f"--set {text}")), None)
        if value is None:
            raise InvalidValueError(f"--set {text} has no value", "write it as --set epochs=100")
        changed = with_own_key if key in OWN else with_word
        experiment = changed(experiment, key, unplaced(value, f"--set {text}"), text)
    return without_idle_names(experiment)


def with_own_key(experiment: Experiment, key: str, value: Any, text: str) -> Experiment:
    """Return an experiment with one of its own keys replaced."""
    if key == "time_limit":
        return experiment._replace(time_limit=seconds(text, value))
    number = whole(text, value, COUNTS[key])
    if key == "seed":
        return experiment._replace(seed=number, axes=without("seed", "seed", str(number), experiment))
    return experiment._replace(repeat=number) if key == "repeat" else experiment._replace(sample=number)


def whole(text: str, value: Any, least: int) -> int:
    """Return the whole number that --set gives."""
    written = getattr(value, "text", "")
    if not (written.isascii() and written.isdigit() and len(written) <= 18) or int(written) < least:
        raise InvalidValueError(f"--set {text} is not allowed", f"give a whole number of at least {least}")
    return int(written)


def seconds(text: str, value: Any) -> float:
    """Return the seconds that --set gives."""
    try:
        number = float(getattr(value, "text", ""))
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise InvalidValueError(f"--set {text} is not allowed", "give seconds, a positive finite number")
    return number


def unplaced(value: Any, name: str) -> Any:
    """Return a value whose place is an option of the command line."""
    place = Place(name)
    if isinstance(value, Listing):
        return Listing([unplaced(item, name) for item in value.items], place)
    if isinstance(value, Entries):
        return Entries({key: (place, unplaced(item, name)) for key, (_, item) in value.items.items()}, place)
    return value._replace(place=place)


def with_word(experiment: Experiment, key: str, value: Any, _text: str) -> Experiment:
    """Return an experiment with one option or own name replaced; a list of values is swept."""
    words = with_own_names(vocabulary(experiment.command), own_names(experiment))
    option = words[key]
    is_swept = isinstance(value, Entries) or (isinstance(value, Listing) and not option.many)
    if not option.field:
        listed = value if is_swept else Listing([value], value.place)
        return experiment._replace(axes=(*unnamed(key, experiment.axes), read_axis(key, listed, words)))
    settings = {field: one for field, one in experiment.settings.items() if field != option.field}
    shown = None if is_swept else str(getattr(value, "text", "another"))
    axes = without(option.field, key, shown, experiment)
    if is_swept:
        return experiment._replace(settings=settings, axes=(*axes, read_axis(key, value, words)))
    setting = read_setting(value, key, option)
    return experiment._replace(settings={**settings, option.field: setting}, axes=axes)


# --- axes that lose a name or an option -------------------------------------------------------------------------------


def without(field: str, word: str, shown: str | None, experiment: Experiment) -> tuple[Axis, ...]:
    """Return the axes without one option.

    Of options that are zipped its label goes, and places that are then alike are one. A case is called by its name and
    what it now has: `order with bias-std=3`, or `order with another bias-std` when that is swept.
    """
    names = {name for name, option in vocabulary(experiment.command).items() if option.field == field}
    told = f"{word}={shown}" if shown is not None else f"another {word}"
    own = own_names(experiment)

    def changed(point: Point) -> Point:
        return dropped(point, field, names, told)

    def tells(point: Point) -> bool:
        return bool(point.settings) or not own.keys().isdisjoint(point.labels)

    return mapped(experiment.axes, changed, tells, lambda axis: field in axis.fields)


def mapped(
    axes: Sequence[Axis],
    changed: Callable[[Point], Point],
    tells: Callable[[Point], bool],
    which: Callable[[Axis], bool],
) -> tuple[Axis, ...]:
    """Return axes with the places of some of them changed; those of which no place tells anything any more go."""
    kept = []
    for axis in axes:
        if not which(axis):
            kept.append(axis)
            continue
        points = distinct(changed(point) for point in axis.points)
        if any(map(tells, points)):
            kept.append(Axis(tuple(points[0].labels), points))
    return tuple(kept)


def dropped(point: Point, field: str, names: set[str], told: str) -> Point:
    """Return a place without one option: its own label goes, a case's name says what was changed."""
    if field not in point.settings:
        return point
    settings: dict[str, Setting] = {name: one for name, one in point.settings.items() if name != field}
    labels = {name: shown for name, shown in point.labels.items() if name not in names}
    if len(labels) == len(point.labels):  # it is a case
        labels = {name: f"{shown} with {told}" for name, shown in labels.items()}
    return point._replace(labels=labels, settings=settings)


def unnamed(name: str, axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Return the axes without a name of one's own."""

    def changed(point: Point) -> Point:
        return point._replace(labels={key: shown for key, shown in point.labels.items() if key != name})

    return mapped(axes, changed, lambda point: bool(point.labels), lambda axis: name in axis.names)


def without_idle_names(experiment: Experiment) -> Experiment:
    """Return an experiment whose own names all stand in some setting: after --set some may stand in none any more."""
    words: Vocabulary = vocabulary(experiment.command)
    blanks = set(blanks_of(experiment))
    for axis in experiment.axes:
        for name in axis.names:
            is_case = any(point.settings for point in axis.points) and name not in words and len(axis.names) == 1
            if name not in words and name not in blanks and not is_case:
                experiment = experiment._replace(axes=unnamed(name, experiment.axes))
    return experiment
