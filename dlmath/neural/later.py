"""NumPy for the registries, imported when a formula first runs.

Start-up, completion and help read the names and facts of the registries and compute nothing. So the registries can
keep a fact, a name and a formula in one entry and still be read without the quarter of a second that NumPy takes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["np"]


class Later:
    """A module that is imported when something of it is first asked for; from then on its names are found here."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(import_module(self._name), attribute)
        setattr(self, attribute, value)  # the next look-up costs no more than one in the module
        return value


if TYPE_CHECKING:
    import numpy as np
else:
    np = Later("numpy")
