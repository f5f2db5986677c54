"""The words of the shared registries with a line about each, for completion and help: reading them imports no arrays.

Every word comes from the registry's own entry, so that a new entry is known here as soon as it exists.

Examples
--------
>>> ACTIVATIONS["sigmoid"]
'a = 1 / (1 + e^-z)  (Verhulst 1845; Rumelhart, Hinton & Williams 1986)'
>>> list(INITIALISERS)[:2]
['glorot', 'glorot-uniform']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.neural import activations, initialisers, losses, optimizers

if TYPE_CHECKING:
    from collections.abc import Mapping


def _fact(equation: str, source: str) -> str:
    return f"{equation}  ({source})" if source else equation


ACTIVATIONS: dict[str, str] = {
    word: _fact(entry.equation, entry.source) for entry in activations.ACTIVATIONS.values() for word in entry.words
}
"""Every activation by what the user types (`leaky-relu:A`: A stands for a number), with its equation and source."""

INITIALISERS: dict[str, str] = {
    word: _fact(kind.equation, kind.source) for kind in initialisers.INITIALISERS.values() for word in kind.words
}
OPTIMIZERS: dict[str, str] = {rule.name: _fact(rule.equation, rule.source) for rule in optimizers.OPTIMIZERS.values()}
LOSSES: dict[str, str] = {loss.name: _fact(loss.equation, loss.source) for loss in losses.LOSSES.values()}


def completions(words: Mapping[str, str]) -> tuple[str, ...]:
    """Return the words that can be typed as they stand, for completion: a word with a parameter ends at its colon.

    >>> completions({"he": "", "uniform:A": "", "uniform:A:B": ""})
    ('he', 'uniform:')
    """
    return tuple(dict.fromkeys(name + colon for name, colon, _ in (word.partition(":") for word in words)))
