"""The plan of a run: every cell of every experiment, with the hash that names it.

A cell keeps its place alone; what it is called and all its words are worked out from the axes when they are asked for,
so that a hundred thousand cells fit into little memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import UnreadableError
from dlmath.files.document import Place, wrong
from dlmath.files.examples import PREFIX, is_example, path_of
from dlmath.frame.registry import command_of
from dlmath.language.errors import ExpressionError, MissingPathError
from dlmath.language.expectations import Cell, Paths, Scope, Sweep, evaluate
from dlmath.language.functions import truth
from dlmath.runs.cell import Task, program_version, with_paths
from dlmath.runs.files.experiment import located_error
from dlmath.runs.files.sweep import filled
from dlmath.runs.files.values import label
from dlmath.runs.overrides import check_overrides, override
from dlmath.runs.sampling import check_size, grid_of
from dlmath.runs.vocabulary import command_line, default_words, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.language.cells import AnyCell
    from dlmath.language.tree import Expectation
    from dlmath.runs.files.experiment import Experiment
    from dlmath.runs.files.sweep import Axis
    from dlmath.runs.files.values import Value

ID_DIGITS = 16


class InputFile(NamedTuple):
    """A file that a cell reads: its name as written, its path from here (or `example:NAME`), and what it held."""

    written: str
    path: str
    sha256: str


class Frame:
    """What all cells of an experiment share: its axes, its fixed options and its seeds."""

    def __init__(self, experiment: Experiment, axes: tuple[Axis, ...], seeds: Sequence[int | None]) -> None:
        self.experiment = experiment
        self.axes = axes
        self.seeds = seeds
        self.fixed = {field: setting.value for field, setting in experiment.settings.items()}

    def labels(self, point: tuple[int, ...]) -> dict[str, Value]:
        """Return what a place is called on each axis."""
        places = zip(self.axes, point, strict=True)
        return {name: shown for axis, index in places for name, shown in axis.points[index].labels.items()}

    def words(self, point: tuple[int, ...], repeat: int | None) -> dict[str, Any]:
        """Return the options of a cell, by field; those that are not set, or set to nothing, are left out."""
        seed = self.seeds[repeat or 0]
        given = {**self.fixed, **({} if seed is None else {"seed": seed})}
        for axis, index in zip(self.axes, point, strict=True):
            given.update((field, setting.value) for field, setting in axis.points[index].settings.items())
        labels = self.labels(point)
        return {field: filled(value, labels) for field, value in given.items() if value is not None}


class PlannedCell(NamedTuple):
    """One cell: its place on the axes, which repeat it is (None: the only one), its files, and its hash."""

    frame: Frame
    point: tuple[int, ...]
    repeat: int | None
    files: tuple[InputFile, ...] = ()
    id: str = ""

    @property
    def labels(self) -> dict[str, Value]:
        """What it is called on each axis."""
        return self.frame.labels(self.point)

    @property
    def words(self) -> dict[str, Any]:
        """Its options, by field."""
        return self.frame.words(self.point, self.repeat)

    @property
    def name(self) -> str:
        """The cell in words."""
        labels = {**self.labels, **({} if self.repeat is None else {"repeat": self.repeat})}
        return " ".join(f"{name}={value}" for name, value in labels.items()) or "the only cell"


class Planned(NamedTuple):
    """An experiment with its cells.

    `paths` are all that its expressions look at; `overridden` tells whether --set may have taken away what they mean.
    """

    experiment: Experiment
    axes: tuple[Axis, ...]
    cells: tuple[PlannedCell, ...]
    paths: Paths
    overridden: bool = False

    def seen(self, cell: PlannedCell, result: Mapping[str, Any] | None) -> Cell:
        """Return a cell as expectations see it."""
        return Cell(SettingsView(cell), result, cell.point)

    def sweep(self, cells: Sequence[AnyCell] | None = None) -> Sweep:
        """Return cells as one sweep; without any, all of them with their settings alone."""
        found = [self.seen(cell, None) for cell in self.cells] if cells is None else cells
        return Sweep(found, [axis.names for axis in self.axes], [axis.titles for axis in self.axes])


class SettingsView(Mapping[str, Any]):
    """A cell's settings under the words of the file, each made when it is looked at."""

    def __init__(self, cell: PlannedCell) -> None:
        self._cell = cell
        self._labels: dict[str, Any] | None = None
        self._words: dict[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        if self._labels is None:
            self._labels = {**self._cell.labels, "repeat": self._cell.repeat}
        if name in self._labels:
            return self._labels[name]
        command = self._cell.frame.experiment.command
        field = vocabulary(command)[name].field
        if self._words is None:
            self._words = self._cell.words
        return label(self._words[field] if field in self._words else default_words(command)[field])

    def __iter__(self) -> Iterator[str]:
        own = {**self._cell.labels, "repeat": None}
        return iter(dict.fromkeys([*vocabulary(self._cell.frame.experiment.command), *own]))

    def __len__(self) -> int:
        return len(list(iter(self)))


# --- cells ------------------------------------------------------------------------------------------------------------


def make_plan(
    experiments: Sequence[Experiment], overrides: Sequence[str], shown: Sequence[Expectation] = ()
) -> list[Planned]:
    """Return the cells of all experiments.

    Parameters
    ----------
    experiments : sequence of Experiment
    overrides : sequence of str
        What --set says.
    shown : sequence of Expectation
        What the table of cells looks at besides: --where, --sort.

    Raises
    ------
    InvalidValueError
        When an override fits no experiment, there are too many cells, or none is left.
    """
    check_overrides(overrides, experiments)
    changed = [override(experiment, overrides) for experiment in experiments]
    check_size(changed)
    return [planned_of(one, shown, overridden=bool(overrides)) for one in changed]


def planned_of(experiment: Experiment, shown: Sequence[Expectation], *, overridden: bool) -> Planned:
    """Return an experiment with its cells."""
    seeds = seeds_of(experiment)

    def is_excluded(axes: tuple[Axis, ...], place: tuple[int, ...]) -> bool:
        return excluded(experiment, PlannedCell(Frame(experiment, axes, seeds), place, None))

    grid = grid_of(experiment, is_excluded if experiment.exclude else lambda _axes, _place: False)
    expressions = (*experiment.expect, *experiment.columns, *experiment.measure.values())
    paths = Paths([*(expected.tree for expected in expressions), *shown])
    cells = tuple(cells_of(Frame(experiment, grid.axes, seeds), grid.places))
    return Planned(experiment, grid.axes, cells, paths, overridden)


def excluded(experiment: Experiment, cell: PlannedCell) -> bool:
    """Tell whether one of the expressions of `exclude:` holds for a cell's settings."""
    seen = Cell(SettingsView(cell), {}, cell.point)
    for expected in experiment.exclude:
        try:
            if truth(evaluate(expected.tree.test, Scope(Sweep([seen]), seen, settings_first=True))):
                return True
        except MissingPathError as error:
            step = error.what.partition("'")[2].partition("'")[0]
            unknown_setting = ExpressionError(f"no setting is called {step!r}", error.mend, error.position)
            raise located_error(unknown_setting, expected.place) from None
        except ExpressionError as error:
            raise located_error(error, expected.place) from None
    return False


def cells_of(frame: Frame, places: Sequence[tuple[int, ...]]) -> Iterator[PlannedCell]:
    """Yield the cells at some places, of each its repeats."""
    digests: dict[str, InputFile | None] = {}
    command = frame.experiment.command
    for point in places:
        for number in range(len(frame.seeds)):
            cell = PlannedCell(frame, point, number if frame.experiment.repeat else None)
            words = cell.words
            files = tuple(files_of(words, frame.experiment, digests))
            yield cell._replace(files=files, id=cell_id(command, words, files))


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
            if "\0" in word:
                place = place_of(experiment, field, words, word)
                raise wrong(place, "a word has a zero byte in it", "leave it away")
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
    >>> file_names("example:blocks:depth=4")
    ['example:blocks']
    """
    if is_example(word):
        return [PREFIX + word.removeprefix(PREFIX).partition(":")[0]]
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
    return None


@cache
def defaults(command: str) -> dict[str, Any]:
    """Return the options of a command as they are when nothing is said."""
    return default_words(command)


def cell_id(command: str, words: dict[str, Any], files: Sequence[InputFile]) -> str:
    """Return the hash of all that decides a cell's result: settings with their defaults, input files, the program."""
    decides = {
        "command": command,
        "words": {**defaults(command), **words},
        "files": {file.written: file.sha256 for file in files},
        "version": program_version(),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:ID_DIGITS]


def task_of(cell: PlannedCell) -> Task:
    """Return what a worker needs to run a cell."""
    experiment = cell.frame.experiment
    paths = {file.written: str(path_of(file.path).resolve()) for file in cell.files}
    return Task(cell.id, experiment.command, cell.words, paths, program_version(), experiment.time_limit)


def line_of(cell: PlannedCell) -> str:
    """Return the line that a user would type for a cell in this folder, whatever folder the experiment lies in."""
    paths = {file.written: file.path for file in cell.files}
    words = {field: with_paths(value, paths) for field, value in cell.words.items()}
    return command_line(cell.frame.experiment.command, words)


def asked(planned: Planned) -> str:
    """Return the hash of what was asked: all settings, places and input files, whatever program answers."""
    frame = planned.cells[0].frame
    axes = [
        [[point.labels, {field: setting.value for field, setting in point.settings.items()}] for point in axis.points]
        for axis in planned.axes
    ]
    head = [planned.experiment.name, planned.experiment.command, frame.fixed, axes, list(frame.seeds)]
    digest = hashlib.sha256(json.dumps(head).encode())
    for cell in planned.cells:
        digest.update(repr((cell.point, [file.sha256 for file in cell.files])).encode())
    return digest.hexdigest()[:ID_DIGITS]


def place_of(experiment: Experiment, field: str, words: dict[str, Any], item: str | None = None) -> Place:
    """Return where an option was written: the fixed one, or the place on an axis that has this value."""
    swept = [point.settings[field] for axis in experiment.axes for point in axis.points if field in point.settings]
    fixed = [experiment.settings[field]] if field in experiment.settings else []
    candidates = [*fixed, *swept]
    setting = next((one for one in candidates if one.value == words.get(field)), next(iter(candidates), None))
    return experiment.place if setting is None else setting.place_of(item)
