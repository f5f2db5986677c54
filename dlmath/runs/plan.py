"""The plan of a run: every cell of every experiment, with the hash that names it, checked before anything runs."""

from __future__ import annotations

import hashlib
import json
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import DlmathError, InvalidValueError, UnreadableError, unknown
from dlmath.files.document import Entries, Listing, Place, compose, wrong
from dlmath.files.examples import PREFIX, is_example, path_of
from dlmath.frame.registry import command_of
from dlmath.language.expectations import Cell, Sweep, selected
from dlmath.language.functions import ExpressionError
from dlmath.runs.cell import Task, check_task, program_version
from dlmath.runs.files.experiment import located_error
from dlmath.runs.files.sweep import Axis, filled, read_axis
from dlmath.runs.files.values import label, read_setting
from dlmath.runs.vocabulary import default_words, spelled, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dlmath.runs.files.experiment import Experiment
    from dlmath.runs.files.sweep import Point
    from dlmath.runs.files.values import Value, Vocabulary

ID_DIGITS = 16


class InputFile(NamedTuple):
    """A file that a cell reads: its name as written, its path from here (or `example:NAME`), and what it held."""

    written: str
    path: str
    sha256: str


class PlannedCell(NamedTuple):
    """One cell: its place in the sweep, and all it takes to run it."""

    labels: dict[str, Value]
    point: tuple[int, ...]
    repeat: int | None
    words: dict[str, Any]
    files: tuple[InputFile, ...]
    id: str


class Planned(NamedTuple):
    """An experiment with its cells."""

    experiment: Experiment
    axes: tuple[Axis, ...]
    cells: tuple[PlannedCell, ...]
    overridden: bool = False

    def sweep(self, results: Sequence[dict[str, Any] | None] | None = None) -> Sweep:
        """Return the cells as expectations see them; without results, the settings alone."""
        found = results or [None] * len(self.cells)
        return self.part(dict(enumerate(found)))

    def part(self, results: Mapping[int, dict[str, Any] | None]) -> Sweep:
        """Return some of the cells, by their numbers, as expectations see them."""
        known = default_words(self.experiment.command)
        words = vocabulary(self.experiment.command)
        cells = [
            Cell(scope_settings(self.cells[number], known, words), result, self.cells[number].point)
            for number, result in results.items()
        ]
        return Sweep(cells, [axis.names for axis in self.axes])


def scope_settings(cell: PlannedCell, known: dict[str, Any], words: Vocabulary) -> dict[str, Any]:
    """Return a cell's settings under the words of the file."""
    values = {**known, **cell.words}
    named = {word: label(values[option.field]) for word, option in words.items()}
    return {**named, **cell.labels, "repeat": cell.repeat}


def make_plan(experiments: Sequence[Experiment], overrides: Sequence[str]) -> list[Planned]:
    """Return the cells of all experiments.

    Raises
    ------
    InvalidValueError
        When an override fits no experiment, or an expectation no cell.
    """
    changed = [override(experiment, overrides) for experiment in experiments]
    check_overrides(overrides, experiments)
    planned = [Planned(one, one.axes, tuple(cells_of(one)), overridden=bool(overrides)) for one in changed]
    for one in planned:
        check_where(one)
    return planned


# --- overrides --------------------------------------------------------------------------------------------------------


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
    """Refuse a key that no command here knows."""
    known = {word for experiment in experiments for word in vocabulary(experiment.command)} | {"repeat"}
    for text in overrides:
        key, _ = split_override(text)
        if key not in known:
            raise unknown("key for --set:", key, sorted(known))


def override(experiment: Experiment, overrides: Sequence[str]) -> Experiment:
    """Return an experiment with the options of --set: a value takes the place of what was fixed or swept."""
    words = vocabulary(experiment.command)
    for text in overrides:
        key, written = split_override(text)
        value = next(iter(compose(written, f"--set {text}")), None)
        if value is None:
            raise InvalidValueError(f"--set {text} has no value", "write it as --set epochs=100")
        if key == "repeat" and "seed" in words:
            experiment = experiment._replace(repeat=whole(text, value, 1))
        elif key == "seed" and "seed" in words:
            experiment = experiment._replace(seed=whole(text, value, 0), axes=without("seed", experiment.axes))
        elif key in words:
            experiment = overridden(experiment, key, unplaced(value, f"--set {text}"), words)
    return experiment


def whole(text: str, value: Any, least: int) -> int:
    """Return the whole number that --set gives."""
    written = getattr(value, "text", "")
    if not written.isdigit() or int(written) < least:
        raise InvalidValueError(f"--set {text} is not allowed", f"give a whole number of at least {least}")
    return int(written)


def unplaced(value: Any, name: str) -> Any:
    """Return a value whose place is an option of the command line."""
    place = Place(name)
    if isinstance(value, Listing):
        return Listing([unplaced(item, name) for item in value.items], place)
    if isinstance(value, Entries):
        return Entries({key: (place, unplaced(item, name)) for key, (_, item) in value.items.items()}, place)
    return value._replace(place=place)


def overridden(experiment: Experiment, key: str, value: Any, words: Vocabulary) -> Experiment:
    """Return an experiment with one option replaced; a list of values is swept."""
    option = words[key]
    settings = {field: one for field, one in experiment.settings.items() if field != option.field}
    axes = without(option.field, experiment.axes)
    if isinstance(value, Entries) or (isinstance(value, Listing) and not option.many):
        return experiment._replace(settings=settings, axes=(*axes, read_axis(key, value, words)))
    setting = read_setting(value, key, option)
    return experiment._replace(settings={**settings, option.field: setting}, axes=axes)


def without(field: str, axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Return the axes without one option; what was zipped with it, or set by the same case, stays."""
    kept = []
    for axis in axes:
        points = tuple(dropped(field, point) for point in axis.points)
        if field not in axis.fields or any(point.settings for point in points):
            kept.append(Axis(axis.names, points))
    return tuple(kept)


def dropped(field: str, point: Point) -> Point:
    """Return a place on an axis without one option."""
    return point._replace(settings={name: one for name, one in point.settings.items() if name != field})


# --- cells ------------------------------------------------------------------------------------------------------------


def cells_of(experiment: Experiment) -> Iterator[PlannedCell]:
    """Yield every combination of places on the axes, and of each its repeats."""
    digests: dict[str, InputFile | None] = {}
    seeds = seeds_of(experiment)
    fixed = {field: setting.value for field, setting in experiment.settings.items()}
    for places in product(*(list(enumerate(axis.points)) for axis in experiment.axes)):
        labels = {name: label for _, point in places for name, label in point.labels.items()}
        swept = {field: setting.value for _, point in places for field, setting in point.settings.items()}
        for repeat, seed in enumerate(seeds):
            given = {**fixed, **swept} if seed is None else {**fixed, "seed": seed, **swept}
            words = {field: filled(value, labels) for field, value in given.items()}
            index = repeat if experiment.repeat else None
            files = tuple(files_of(words, experiment, digests))
            name = cell_id(experiment.command, words, files)
            yield PlannedCell(labels, tuple(index for index, _ in places), index, words, files, name)


def seeds_of(experiment: Experiment) -> list[int | None]:
    """Return the seeds of the repeats: the same for every cell of the sweep, and for any number of repeats.

    Cells that share their random numbers differ by their settings alone.
    """
    if "seed" not in vocabulary(experiment.command):
        return [None]
    swept = next((axis.fields["seed"] for axis in experiment.axes if "seed" in axis.fields), None)
    if experiment.repeat is None:
        return [experiment.seed]
    if swept is not None:
        raise wrong(swept, "seeds are swept and repeated", "leave repeat: away")
    from numpy.random import SeedSequence

    children = SeedSequence(experiment.seed).spawn(experiment.repeat)
    return [int(child.generate_state(1)[0]) for child in children]


def files_of(
    words: dict[str, Any], experiment: Experiment, digests: dict[str, InputFile | None]
) -> Iterator[InputFile]:
    """Yield the input files that words name, beside the experiment's file or from here."""
    outputs = command_of(experiment.command).writes
    for field, value in words.items():
        for word in value if isinstance(value, list) else [value]:
            if not isinstance(word, str):
                continue
            if word == "-":
                place = place_of(experiment, field, words, word)
                raise wrong(place, "a cell has no standard input or output of its own", "name a file")
            for name in [] if field in outputs else file_names(word):
                if name not in digests:
                    digests[name] = input_file(name, experiment.file)
                found = digests[name]
                if found is not None:
                    yield found


def file_names(word: str) -> list[str]:
    """Return what of a word may be a file: the whole, or what stands before settings.

    >>> file_names("data/net.yaml:depth=20"), file_names("scene.png")
    (['data/net.yaml:depth=20', 'data/net.yaml'], ['scene.png'])
    """
    name = word.rpartition(":")[0]
    return [word, name] if name else [word]


def input_file(word: str, experiment: str) -> InputFile | None:
    """Return the file a word names, beside the experiment's file or from here, or None when it names none."""
    if "/" not in word and not Path(word).suffix and not is_example(word):
        return None
    beside = path_of(experiment).parent / word
    named = PREFIX + word if is_example(experiment) else str(beside)
    candidates = [(word, path_of(word))] if is_example(word) else [(named, beside), (word, Path(word))]
    for name, path in candidates:
        try:
            if path.is_file():
                return InputFile(word, name, hashlib.sha256(path.read_bytes()).hexdigest())
        except OSError as error:
            raise UnreadableError(f"{name}: {error.strerror}", "check its permissions") from error
        except ValueError:  # a word with a zero byte in it is no path
            return None
    return None


def cell_id(command: str, words: dict[str, Any], files: Sequence[InputFile]) -> str:
    """Return the hash of all that decides a cell's result: settings with their defaults, input files, the program."""
    decides = {
        "command": command,
        "words": {**default_words(command), **words},
        "files": {file.written: file.sha256 for file in files},
        "version": program_version(),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:ID_DIGITS]


def task_of(experiment: Experiment, cell: PlannedCell) -> Task:
    """Return what a worker needs to run a cell."""
    paths = {file.written: str(path_of(file.path).resolve()) for file in cell.files}
    return Task(cell.id, experiment.command, cell.words, paths, program_version())


# --- checks -----------------------------------------------------------------------------------------------------------


def check_where(planned: Planned) -> None:
    """Refuse a `where` that is about settings alone and leaves no cell."""
    sweep = planned.sweep()
    for expected in planned.experiment.expect:
        where = expected.tree.where
        if where is None or planned.overridden or looks_at_results(planned, where):
            continue
        try:
            selected(sweep, where, 0)
        except ExpressionError as error:
            raise located_error(error, expected.place) from None


def looks_at_results(planned: Planned, where: Any) -> bool:
    """Tell whether a `where` names something that is no setting."""
    from dlmath.language.expressions import Path as NamedPath
    from dlmath.language.expressions import walk

    known = {*vocabulary(planned.experiment.command), "repeat", "settings"}
    known |= {name for axis in planned.axes for name in axis.names}
    return any(isinstance(node, NamedPath) and node.steps[0] not in known for node in walk(where))


def place_of(experiment: Experiment, field: str, words: dict[str, Any], item: str | None = None) -> Place:
    """Return where an option was written: the fixed one, or the place on an axis that has this value."""
    swept = [point.settings[field] for axis in experiment.axes for point in axis.points if field in point.settings]
    fixed = [experiment.settings[field]] if field in experiment.settings else []
    candidates = [*fixed, *swept]
    setting = next((one for one in candidates if one.value == words.get(field)), next(iter(candidates), None))
    return experiment.place if setting is None else setting.place_of(item)


def check_cells(planned: Planned) -> None:
    """Let the command's own checks refuse what it would refuse, at the place where it was written."""
    seen: set[str] = set()
    for cell in planned.cells:
        if cell.id in seen:
            continue
        seen.add(cell.id)
        try:
            check_task(task_of(planned.experiment, cell))
        except DlmathError as error:
            raise wrong(guilty_place(planned.experiment, cell, error), error.what, error.mend) from error


def guilty_place(experiment: Experiment, cell: PlannedCell, error: DlmathError) -> Place:
    """Return the place of the option that an error is about: the one it names, or whose value it quotes."""
    text = error.what.replace(":", " ") + " "
    options = {field: spelled(experiment.command, field) + " " for field in cell.words}
    named = [(text.find(option), field) for field, option in options.items() if option != " " and option in text]
    if named:
        return place_of(experiment, min(named)[1], cell.words)
    for field, value in cell.words.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and item and item in error.what:
                return place_of(experiment, field, cell.words, item)
    return experiment.place
