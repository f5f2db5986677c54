"""Paths into results, as `--get` and expectations write them: `layers.0.macs`, `layers.*.macs`, `settings.seed`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from dlmath.errors import InvalidValueError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EVERY = "*"
ANYTHING = "**"
SETTINGS = "settings"


def check_path(path: str, results: Iterable[str], settings: Iterable[str]) -> None:
    """Refuse, before any work, a path that no result of such a call can have.

    Parameters
    ----------
    path : str
        As `--get` has it.
    results : iterable of str
        The paths that such a result has; `*` is any item, `**` anything below.
    settings : iterable of str
        The fields below `settings`.

    Raises
    ------
    InvalidValueError
        With the step that is not there, and the nearest that is.
    """
    known = (
        [f"{SETTINGS}.{field}.{ANYTHING}" for field in settings]
        if path.split(".", maxsplit=1)[0] == SETTINGS
        else results
    )
    check_steps(path.split("."), [one.split(".") for one in known], path)


def check_steps(steps: Sequence[str], known: list[list[str]], path: str) -> None:
    """Follow the steps through the known paths, together."""
    for depth, step in enumerate(steps):
        if any(one[depth : depth + 1] == [ANYTHING] for one in known):
            return
        following = [one for one in known if len(one) > depth and fits(step, one[depth])]
        if not following:
            there = dict.fromkeys(one[depth] for one in known if len(one) > depth)
            raise no_such_step(step, path, list(there))
        known = following


def fits(step: str, declared: str) -> bool:
    """Tell whether a step of a path may be what was declared.

    >>> fits("0", "*"), fits("*", "*"), fits("macs", "macs"), fits("mac", "macs")
    (True, True, True, False)
    """
    return declared in {EVERY, step}


def lookup(value: Any, path: str) -> Any:
    """Follow a dotted path into a JSON-like value; `*` gathers every item.

    >>> lookup({"layers": [{"macs": 3}, {"macs": 5}]}, "layers.0.macs")
    3
    >>> lookup({"layers": [{"macs": 3}, {"macs": 5}]}, "layers.*.macs")
    [3, 5]

    Raises
    ------
    InvalidValueError
        When a step is not there; names the step and what is.
    """
    return followed(value, path.split("."), path)


def followed(value: Any, steps: Sequence[str], path: str) -> Any:
    """Return what the steps lead to."""
    if not steps:
        return value
    if steps[0] == EVERY and isinstance(value, list | dict):
        items = value if isinstance(value, list) else value.values()
        return [followed(item, steps[1:], path) for item in items]
    return followed(child(value, steps[0], path), steps[1:], path)


def child(value: Any, step: str, path: str) -> Any:
    """Return one step of a path."""
    if isinstance(value, dict):
        if step in value:
            return value[step]
        raise no_such_step(step, path, list(value))
    if isinstance(value, list):
        if re.fullmatch("-?[0-9]{1,18}", step) and -len(value) <= int(step) < len(value):
            return value[int(step)]
        allowed = f"an index from 0 to {len(value) - 1}" if value else "nothing: the list is empty"
        raise InvalidValueError(f"--get {path}: no item {step!r}", f"here stands a list; allowed is {allowed}")
    raise InvalidValueError(
        f"--get {path}: nothing below {json.dumps(value)} to look up {step!r} in", "shorten the path"
    )


def no_such_step(step: str, path: str, keys: list[str]) -> InvalidValueError:
    """Return the error for a key that the result does not have."""
    close = nearest(step, keys)
    there = f"there are: {', '.join(keys)}" if keys else "nothing stands below it: shorten the path"
    mend = f"did you mean '{close}'? ({there})" if close else there
    return InvalidValueError(f"--get {path}: the result has no {step!r}", mend)
