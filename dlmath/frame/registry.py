"""Where the commands live: the only list of them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from dlmath.errors import unknown

if TYPE_CHECKING:
    from dlmath.frame.command import Command

HOUSES = {
    "train-gate": "gates",
    "convolve": "convolution",
    "param-count": "counting",
    "activation": "activations",
    "vanishing": "depth",
    "train-image": "images",
    "boxes": "detection",
    "run": "runs",
}
"""Command to its house, in the order in which help lists them. A house's `command` module holds its COMMAND."""


def command_of(name: str) -> Command:
    """Return a command by its name; no other is imported.

    Raises
    ------
    InvalidValueError
        With the nearest name.
    """
    if name not in HOUSES:
        raise unknown("command", name, HOUSES)
    return cast("Command", import_module(f"dlmath.{HOUSES[name]}.command").COMMAND)
