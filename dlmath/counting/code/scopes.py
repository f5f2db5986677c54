"""One scope of a program, a function's body or the whole: its variables, and its runs of equal calls."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dlmath.counting.code.layout import CallOf, Single
from dlmath.counting.engine.stages import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dlmath.counting.code.layout import Unit
    from dlmath.counting.engine.graph import Network


class Names:
    """Variables of one scope: the running one is `x`, what must be kept beside it gets another letter.

    Parameters
    ----------
    uses : mapping of int to int
        How often the output of each place is still to be read in this scope.
    """

    LETTERS = ("x", "y", "z", "w", "v", "u")
    FIXED = "input"
    """Names that begin so are not used again for something else."""

    def __init__(self, uses: Mapping[int, int]) -> None:
        self.left = dict(uses)
        self.held: dict[int, str] = {}

    def read(self, sources: Sequence[int]) -> list[str]:
        """Return the names of what is read, each counted as read once."""
        for source in sources:
            self.left[source] -= 1
        return [self.held[source] for source in sources]

    def give(self, place: int, sources: Sequence[int]) -> str:
        """Return the name for an output: that of an input nobody needs any longer, else a new one."""
        live = {name for other, name in self.held.items() if self.left.get(other, 0) > 0}
        free = [self.held[source] for source in sources if self.held[source] not in live]
        free = [name for name in free if not name.startswith(self.FIXED)]
        name = min(free, key=self._rank) if free else next(letter for letter in self._fresh() if letter not in live)
        self.held = {other: known for other, known in self.held.items() if known != name}
        self.held[place] = name
        return name

    def _rank(self, name: str) -> tuple[int, str]:
        return (self.LETTERS.index(name) if name in self.LETTERS else len(self.LETTERS), name)

    def _fresh(self) -> Iterator[str]:
        yield from self.LETTERS
        number = 1
        while True:
            number += 1
            yield f"y{number}"


def uses_of(units: Sequence[Unit], network: Network, outputs: Sequence[int]) -> dict[int, int]:
    """Return how often each output is read by the units of a scope, and at its end."""
    uses = Counter(outputs)
    for unit in units:
        uses.update(sources_of(unit, network))
    return dict(uses)


def sources_of(unit: Unit, network: Network) -> tuple[int, ...]:
    """Return what a unit reads."""
    return unit.block.sources if isinstance(unit, CallOf) else network.nodes[unit.place].inputs


def runs(units: Sequence[Unit]) -> Iterator[list[CallOf] | Single]:
    """Yield the units of a scope, equal calls that follow one another put together."""
    current: list[CallOf] = []
    for unit in units:
        if current and isinstance(unit, CallOf) and _continues(current[-1], unit):
            current.append(unit)
            continue
        if current:
            yield current
        current = [unit] if isinstance(unit, CallOf) else []
        if isinstance(unit, Single):
            yield unit
    if current:
        yield current


def _continues(before: CallOf, after: CallOf) -> bool:
    same = (before.function.name, before.arguments) == (after.function.name, after.arguments)
    return same and after.block.sources == before.block.outputs


def own_name(name: str) -> str:
    """Return a layer's own name where somebody gave it one; those made of kind and number say nothing.

    >>> own_name("features.conv1_1"), own_name("block1.relu2"), own_name("fc6")
    ('conv1_1', '', 'fc6')
    """
    from dlmath.counting.engine.layers import FAMILY

    word = words_of(name)[-1] if words_of(name) else name
    return "" if word.rstrip("0123456789") in FAMILY and word[-1:].isdigit() else word
