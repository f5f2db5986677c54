"""Experiment files: what to run, over what to sweep, and what must come out; checked whole before anything runs.

    claim: Hidden units make XOR learnable, and more of them make it likely.
    source: Rumelhart, Hinton & Williams 1986
    command: train-gate            # and its options, with the words of the command line
    gate: xor
    seeds: 200
    sweep:
      hidden: [1, 2, 4]
    expect:
      - success_rate == 0 where hidden == 1
      - increasing[success_rate along hidden]

A file holds one experiment, several as YAML documents, or a list `experiments:` of which each takes over what stands
beside the list.
"""

from __future__ import annotations

import re
from pathlib import Path  # noqa: TC003  a doctest makes one
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import UnreadableError
from dlmath.files.atomic import STANDARD
from dlmath.files.document import Entries, Listing, Place, entries, items_of, read_documents, text_of, unknown_at, wrong
from dlmath.files.examples import PREFIX, experiments, path_of
from dlmath.frame.words import LARGEST_WHOLE
from dlmath.language.errors import ExpressionError
from dlmath.language.expressions import parse
from dlmath.runs.files.sweep import Axis, blanks_in, read_sweep
from dlmath.runs.files.values import Setting, is_empty, read_setting, typed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlmath.files.document import Scalar
    from dlmath.language.tree import Expectation
    from dlmath.runs.files.values import Vocabulary

OWN_KEYS = (
    "name", "claim", "source", "command", "sweep", "exclude", "sample", "repeat", "seed", "time_limit", "expect",
    "columns", "measure",
)  # fmt: skip
EXPERIMENTS = "experiments"
ENDINGS = (".yaml", ".yml")
SHAPE = "write keys such as command: train-gate"
MEND = "mend the YAML there; an expression with brackets or other special signs stands in quotation marks: 'max[x] > 0'"
RESERVED_NAMES = ("journal",)
"""Files of the results folder that belong to all experiments."""


class Expected(NamedTuple):
    """An expression of the file, and where it begins."""

    tree: Expectation
    place: Place

    @property
    def text(self) -> str:
        """The expression as it was written."""
        return self.tree.text


class Experiment(NamedTuple):
    """One experiment, as its file has it.

    Parameters
    ----------
    name, file, place : str, str, Place
        What results are called, and where it was read.
    command : str
        The subcommand.
    claim, source : str
        What is claimed, and who said so.
    settings : mapping of field to Setting
        The fixed options.
    axes : tuple of Axis
        What is swept, the last one fastest.
    exclude : tuple of Expected
        Cells for which one of them holds are not run.
    sample : int or None
        How many cells are drawn; None: all of them.
    time_limit : float or None
        Seconds after which a cell is given up.
    repeat : int or None
        How many seeds are derived; None: the seed itself, once.
    seed : int
        What seeds are derived from.
    expect, columns : tuple of Expected
        What must hold; what the summary lists.
    measure : mapping of label to Expected
        What was measured, in words.
    """

    name: str
    file: str
    place: Place
    command: str
    claim: str
    source: str
    settings: Mapping[str, Setting]
    axes: tuple[Axis, ...]
    exclude: tuple[Expected, ...]
    sample: int | None
    time_limit: float | None
    repeat: int | None
    seed: int
    expect: tuple[Expected, ...]
    columns: tuple[Expected, ...]
    measure: Mapping[str, Expected]


def read_experiments(names: Sequence[str], commands: Mapping[str, Vocabulary]) -> list[Experiment]:
    """Return the experiments in files and folders, in order, a file that is named twice once; their names differ."""
    found: list[Experiment] = []
    places: dict[str, Place] = {}
    for file in distinct_files(names):
        for experiment in read_file(file, commands):
            taken = places.setdefault(experiment.name.casefold(), experiment.place)
            if taken is not experiment.place:
                what = f"the name {experiment.name!r} is taken by {taken}"
                raise wrong(experiment.place, what, "give each experiment a name: of its own")
            found.append(experiment)
    return found


def distinct_files(names: Sequence[str]) -> list[str]:
    """Return the files that are named, each once, under the name it has first."""
    found: dict[str, str] = {}
    for name in names:
        for file in files_in(name):
            found.setdefault(file if file == STANDARD else str(path_of(file).resolve()), file)
    return list(found.values())


def files_in(name: str) -> list[str]:
    """Return a file itself, or the experiment files right in a folder, by name; hidden ones are none."""
    if not name:
        raise UnreadableError("a file's name is empty", "name an experiment file, or . for the folder here")
    if name == PREFIX:
        return experiments()
    folder = path_of(name)
    if not folder.is_dir():
        return [name]
    found = sorted(str(path) for path in folder.iterdir() if is_experiment(path))
    if not found:
        raise UnreadableError(f"{name}: has no experiment files", "give a folder with .yaml files, or a file")
    return found


def is_experiment(path: Path) -> bool:
    """Tell whether a file in a folder is taken for an experiment.

    >>> is_experiment(Path("._a.yaml")), is_experiment(Path("a.txt"))
    (False, False)
    """
    return not path.name.startswith(".") and path.suffix.lower() in ENDINGS and path.is_file()


def read_file(file: str, commands: Mapping[str, Vocabulary]) -> list[Experiment]:
    """Return the experiments of one file."""
    documents = read_documents(file, MEND)
    if not documents:
        raise UnreadableError(f"{file}: is empty", SHAPE)
    parts = [part for document in documents for part in parts_of(document)]
    stem = "experiment" if file == STANDARD else path_of(file).stem
    names = [stem] if len(parts) == 1 else [f"{stem}-{number}" for number in range(1, len(parts) + 1)]
    return [read_experiment(part, name, file, commands) for part, name in zip(parts, names, strict=True)]


def parts_of(document: Any) -> list[Entries]:
    """Return the experiments in a document: itself, or those in its list, with the keys beside the list in each."""
    whole = entries(document, "an experiment", SHAPE)
    if EXPERIMENTS not in whole.items:
        return [whole]
    place, listed = whole.items[EXPERIMENTS]
    if not isinstance(listed, Listing) or not listed.items:
        raise wrong(place, f"{EXPERIMENTS} is no list", "begin each experiment with a dash")
    shared = {key: value for key, value in whole.items.items() if key != EXPERIMENTS}
    parts = [entries(part, "an experiment", SHAPE) for part in listed.items]
    return [Entries({**shared, **part.items}, part.place) for part in parts]


def read_experiment(part: Entries, name: str, file: str, commands: Mapping[str, Vocabulary]) -> Experiment:
    """Check one experiment against the words of its command."""
    own, rest = own_keys(part)
    command = read_command(own, commands)
    words = commands[command]
    settings = read_settings(rest, words)
    blanks = {name for _, value in rest.values() for name in blanks_in(value)}
    axes = read_sweep(own.items["sweep"][1], words, blanks) if "sweep" in own.items else ()
    refuse_twice(settings, axes, words)
    return Experiment(
        name=read_name(own, name),
        file=file,
        place=part.place,
        command=command,
        claim=read_text_key(own, "claim"),
        source=read_text_key(own, "source"),
        settings=settings,
        axes=axes,
        exclude=tuple(read_expression(item) for item in listed_at(own, "exclude")),
        sample=read_count(own, "sample"),
        time_limit=read_time_limit(own),
        repeat=read_repeat(own, words),
        seed=read_seed(own, words),
        expect=tuple(read_expression(item) for item in listed_at(own, "expect")),
        columns=tuple(read_expression(item) for item in listed_at(own, "columns")),
        measure=read_measure(own),
    )


def own_keys(part: Entries) -> tuple[Entries, dict[str, tuple[Place, Any]]]:
    """Return the keys of experiments, those that say nothing left out, and the command's own words."""
    own: dict[str, tuple[Place, Any]] = {}
    rest: dict[str, tuple[Place, Any]] = {}
    for key, entry in part.items.items():
        name = key.replace("-", "_")
        if name not in OWN_KEYS:
            rest[key] = entry
        elif not is_empty(entry[1]):
            own[name] = entry
    return Entries(own, part.place), rest


def read_command(part: Entries, commands: Mapping[str, Vocabulary]) -> str:
    """Return the subcommand that is to be run."""
    if "command" not in part.items:
        raise wrong(part.place, "no command: is named", f"name one of: {', '.join(commands)}")
    _, value = part.items["command"]
    command = text_of(value, "command")
    if command not in commands:
        raise unknown_at(value.place, "command", command, commands)
    return command


def read_settings(items: Mapping[str, tuple[Place, Any]], words: Vocabulary) -> dict[str, Setting]:
    """Return the fixed options, each under its field."""
    made: dict[str, Setting] = {}
    for key, (place, value) in items.items():
        option = words.get(key.replace("-", "_"))
        if option is None:
            raise unknown_at(place, "key", key, [*OWN_KEYS, *words])
        if option.field in made:
            raise wrong(place, f"{key} is set twice, under two of its names", "set it once")
        made[option.field] = read_setting(value, key, option)
    return made


def refuse_twice(settings: Mapping[str, Setting], axes: Sequence[Axis], words: Vocabulary) -> None:
    """Refuse an option that is fixed and swept, or swept twice."""
    taken = dict.fromkeys(settings, "fixed")
    for axis in axes:
        for field, place in axis.fields.items():
            if field in taken:
                name = next((word for word, option in words.items() if option.field == field), field)
                raise wrong(place, f"{name} is {taken[field]} already", "set it in one place")
            taken[field] = "swept"


def read_name(part: Entries, default: str) -> str:
    """Return the name, which also names the files of results."""
    place, name = part.place, default
    if "name" in part.items:
        place, name = part.items["name"][0], text_of(part.items["name"][1], "name")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        of_file = "" if "name" in part.items else ", taken from the file's,"
        mend = "use letters, digits, dots and dashes" + (", in name:" if of_file else "")
        raise wrong(place, f"name {name!r}{of_file} cannot name a file", mend)
    if name.casefold() in RESERVED_NAMES:
        raise wrong(place, f"name {name!r} is that of a file of the results", "give the experiment another name:")
    return name


def read_text_key(part: Entries, key: str) -> str:
    """Return a sentence, empty when there is none."""
    return text_of(part.items[key][1], key) if key in part.items else ""


def read_count(part: Entries, key: str) -> int | None:
    """Return a whole number of at least 1."""
    if key not in part.items:
        return None
    _, value = part.items[key]
    count = typed(value, key, int)
    if not isinstance(count, int) or count < 1:
        raise wrong(value.place, f"{key}: {count} is not allowed", "give a whole number of at least 1")
    return count


def read_time_limit(part: Entries) -> float | None:
    """Return the seconds a cell may take."""
    if "time_limit" not in part.items:
        return None
    _, value = part.items["time_limit"]
    seconds = typed(value, "time_limit", float)
    if not isinstance(seconds, float) or not 0 < seconds < float("inf"):
        raise wrong(value.place, f"time_limit: {seconds} is not allowed", "give seconds, a positive finite number")
    return seconds


def read_repeat(part: Entries, words: Vocabulary) -> int | None:
    """Return how many seeds are wanted."""
    refuse_without_seed(part, "repeat", words)
    return read_count(part, "repeat")


def refuse_without_seed(part: Entries, key: str, words: Vocabulary) -> None:
    """Refuse a key about random numbers where none are drawn."""
    if key in part.items and "seed" not in words:
        place, _ = part.items[key]
        raise wrong(place, f"{key} has no meaning: this command draws no random numbers", "leave it away")


def read_seed(part: Entries, words: Vocabulary) -> int:
    """Return the seed from which all others come."""
    if "sample" not in part.items:  # which cells are drawn comes from the seed too
        refuse_without_seed(part, "seed", words)
    if "seed" not in part.items:
        return 0
    _, value = part.items["seed"]
    seed = typed(value, "seed", int)
    assert isinstance(seed, int)
    if not 0 <= seed <= LARGEST_WHOLE:
        raise wrong(value.place, f"seed: {seed} is not allowed", "give a whole number of at least 0")
    return seed


def listed_at(part: Entries, key: str) -> list[Any]:
    """Return the items under a key: a list, a single one, or none."""
    return items_of(part.items[key][1]) if key in part.items else []


def read_measure(part: Entries) -> dict[str, Expected]:
    """Return what is measured, each under its label."""
    if "measure" not in part.items:
        return {}
    made = entries(part.items["measure"][1], "measure", "write LABEL: EXPRESSION, one a line")
    return {label: read_expression(value) for label, (_, value) in made.items.items()}


def read_expression(value: Scalar) -> Expected:
    """Parse an expression; an error says where in the file it stands."""
    text_of(value, "an expectation")
    place = value.place.shifted(int(value.quoted))
    try:
        return Expected(parse(value.text), place)
    except ExpressionError as error:
        raise located_error(error, place) from None


def located_error(error: ExpressionError, place: Place) -> Exception:
    """Return an error of an expression with its place in the file."""
    return wrong(place.shifted(error.position), error.what, error.mend)
