"""The files that come with the program, by name: `example:NAME` stands wherever a file is read.

They are the experiments and their data. In a checkout they lie in `experiments/`; the wheel has a copy inside the
package. What a name means is decided here alone: whoever opens a file, or looks at its ending, asks `path_of`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmath.errors import InvalidValueError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "example:"
LIST = "dlmath help examples"
PACKAGE = Path(__file__).parent.parent
DATA = "data"
DESCRIPTIONS = "README.md"
"""In the folder of data: a line "- `NAME`: what it is" for every file."""


def is_example(word: str) -> bool:
    """Tell whether a word names a built-in file, or is meant to.

    >>> is_example("example:scene.png"), is_example("scene.png")
    (True, False)
    """
    return word.startswith(PREFIX)


def path_of(name: str) -> Path:
    """Return the path of a file, built in or not: what is to be opened, and whose ending tells what it holds.

    >>> path_of("nets/a.onnx").name, path_of("example:scene.png").name, path_of("example:06-optimizers").name
    ('a.onnx', 'scene.png', '06-optimizers.yaml')

    Raises
    ------
    InvalidValueError
        For a built-in file that does not exist, with the nearest name; for none.
    """
    if not is_example(name):
        return Path(name)
    word, known = name.removeprefix(PREFIX), _paths()
    if not word:
        raise InvalidValueError(f"{PREFIX} names no file here", f"write {PREFIX}NAME; they are listed by: {LIST}")
    found = known.get(word.removeprefix(DATA + "/"))
    if found is None:  # an experiment with its ending, data without it
        found = next((path for path in known.values() if word in {path.name, path.stem}), None)
    if found is None:
        raise unknown("example", word, known, LIST)
    return found


def names() -> list[str]:
    """Return the names of all built-in files, experiments first."""
    return list(_paths())


def experiments() -> list[str]:
    """Return every built-in experiment as it is typed, prefix and all."""
    return [PREFIX + name for name, path in _paths().items() if path.parent == folder()]


def described() -> Iterator[tuple[str, str]]:
    """Yield every name with one line on what it is: an experiment's first claim, or the folder's list of data."""
    listed = dict(re.findall(r"^- `(.+?)`: (.+)$", (folder() / DATA / DESCRIPTIONS).read_text("utf-8"), re.MULTILINE))
    for name, path in _paths().items():
        yield name, listed[name] if name in listed else claim_in(path)


@cache
def folder() -> Path:
    """Return where the built-in files lie: in the package, or beside it in a checkout."""
    packed = PACKAGE / "examples"
    return packed if packed.is_dir() else PACKAGE.parent / "experiments"


@cache
def _paths() -> dict[str, Path]:
    """Return name to path: experiments without their ending, data with it."""
    whole = {path.stem: path for path in sorted(folder().glob("*.yaml"))}
    data = (path for path in sorted((folder() / DATA).glob("*")) if path.is_file() and path.name != DESCRIPTIONS)
    return whole | {path.name: path for path in data}


def claim_in(path: Path) -> str:
    """Return the first claim of an experiment file, in one line."""
    import yaml

    document: Any = next(iter(yaml.safe_load_all(path.read_text("utf-8"))))
    claims = [part["claim"] for part in (document, *document.get("experiments", ())) if "claim" in part]
    return " ".join(str(claims[0] if claims else path.stem).split())
