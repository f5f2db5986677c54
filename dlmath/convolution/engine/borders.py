"""Beyond the edge of an image: what a window finds there.

What each finds on a row a b c d, and the names that other libraries have for it, stands in `MEANINGS`.
All of them go on periodically, so that a halo may be larger than the image and an image one pixel wide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.errors import InvalidValueError, unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("replicate", "reflect", "mirror", "wrap", "constant", "valid")
ALLOWED = ("replicate", "reflect", "mirror", "wrap", "constant:V", "valid")


class Meaning(NamedTuple):
    """What a border is: the pixels on a row a b c d, and its names elsewhere."""

    row: str
    opencv: str
    scipy: str
    numpy: str
    torch: str
    note: str


MEANINGS = {
    "replicate": Meaning(
        "aaaa|abcd|dddd", "BORDER_REPLICATE", "nearest", "edge", "replicate", "the edge pixel goes on"
    ),
    "reflect": Meaning("dcba|abcd|dcba", "BORDER_REFLECT", "reflect", "symmetric", "-", "the edge pixel is repeated"),
    "mirror": Meaning(
        "dcb|abcd|cba",
        "BORDER_REFLECT_101",
        "mirror",
        "reflect",
        "reflect",
        "the edge pixel is not",
    ),
    "wrap": Meaning("abcd|abcd|abcd", "BORDER_WRAP", "wrap, grid-wrap", "wrap", "circular", "as on a torus"),
    "constant:V": Meaning("VVVV|abcd|VVVV", "BORDER_CONSTANT", "constant", "constant", "zeros (V = 0)", "one value"),
    "valid": Meaning("|abcd|", "-", "mode='valid'", "mode='valid'", "padding=0", "only windows inside the image"),
}
"""By the name that `parse_border` takes. OpenCV's default is BORDER_REFLECT_101."""

SYNONYMS = {
    **dict.fromkeys(("edge", "nearest", "duplicate", "clamp", "border-replicate"), "replicate"),
    **dict.fromkeys(("symmetric", "grid-mirror", "border-reflect"), "reflect"),
    **dict.fromkeys(
        ("reflect101", "reflect-101", "border-reflect-101", "border-reflect101", "border-default"), "mirror"
    ),
    **dict.fromkeys(("circular", "grid-wrap", "periodic", "border-wrap"), "wrap"),
    **dict.fromkeys(("zero", "zeros", "border-constant", "grid-constant"), "constant:0"),
}
"""Names of other libraries that have one meaning alone; capitals and underscores as one likes."""

WHOLE = 2**53
"""The largest constant that is taken for a whole number: beyond, floating point has no digits after the point."""

ELSEWHERE = {
    "reflect": "reflect repeats the edge pixel (dcba|abcd|dcba), as SciPy's and OpenCV's; "
    "NumPy's and PyTorch's reflect is mirror here",
}
"""Names that mean another border in a library as well known."""


def border_note(text: str) -> str:
    """Return what is to be said of a name that means two things, "" of others."""
    return ELSEWHERE.get(text.strip().lower(), "")


@dataclass(frozen=True)
class Border:
    """A way to go on beyond the edge; `value` is the pixel of `constant`."""

    kind: str
    value: float = 0

    def __str__(self) -> str:
        return f"constant:{self.value:g}" if self.kind == "constant" else self.kind


class Stretch(NamedTuple):
    """Consecutive positions of a padded axis that come from evenly spaced places of the image.

    `step` 1 goes forward, -1 backward, 0 repeats one place; `source` None is the border's constant.
    """

    target: int
    length: int
    source: int | None
    step: int

    def places(self) -> slice:
        """Return the slice of the image's axis; one place when the step is 0, which then broadcasts."""
        first = self.source or 0
        if self.step == 0:
            return slice(first, first + 1)
        if self.step > 0:
            return slice(first, first + self.length)
        last = first - self.length
        return slice(first, None if last < 0 else last, -1)

    def positions(self) -> slice:
        """Return the slice of the padded axis."""
        return slice(self.target, self.target + self.length)


def parse_border(text: str) -> Border:
    """Return the border a user names.

    >>> parse_border("constant:0.5"), str(parse_border("REFLECT_101")), str(parse_border("zeros"))
    (Border(kind='constant', value=0.5), 'mirror', 'constant:0')
    >>> parse_border("mirrored")
    Traceback (most recent call last):
    ...
    dlmath.errors.InvalidValueError: unknown border 'mirrored'; did you mean 'mirror'? (allowed: replicate, ...)
    """
    word = text.strip().lower().replace("_", "-")
    name, colon, rest = SYNONYMS.get(word, word).partition(":")
    if name not in KINDS:
        raise unknown("border", text, ALLOWED)
    if name == "constant":
        return Border(name, _constant(text, rest))
    if colon:
        raise InvalidValueError(f"border {text!r} has a value", f"write {name}; only constant:V takes one")
    return Border(name)


def _constant(text: str, value: str) -> float:
    """Return the number of `constant:V`, an int where it is written as one."""
    mend = "write constant:V with a number, as in constant:0"
    if not value:
        raise InvalidValueError(f"border {text!r} lacks its value", mend)
    try:
        number = int(value) if value.lstrip("+-").isdigit() else float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidValueError(f"border {text!r}: {value!r} is not a finite number", mend)
    return int(number) if number == int(number) and abs(number) <= WHOLE else number


def _stretch_at(position: int, stop: int, size: int, border: Border) -> Stretch:
    """Return the longest stretch that starts at a position of the padded axis and ends before `stop`; target is 0."""
    if 0 <= position < size:
        return Stretch(0, min(stop, size) - position, position, 1)
    kind = border.kind if size > 1 or border.kind == "constant" else "replicate"  # one pixel has one continuation
    if kind in {"constant", "replicate", "valid"}:
        end = min(stop, 0) if position < 0 else stop
        place = None if kind == "constant" else 0 if position < 0 else size - 1
        return Stretch(0, end - position, place, 0)
    period = size - 1 if kind == "mirror" else size
    turn, phase = divmod(position, period)
    length = min(stop, (turn + 1) * period) - position
    if kind == "wrap" or turn % 2 == 0:
        return Stretch(0, length, phase, 1)
    return Stretch(0, length, (size - 1 if kind == "reflect" else period) - phase, -1)


def stretches(start: int, stop: int, size: int, border: Border) -> list[Stretch]:
    """Return where the positions start..stop-1 of an axis of `size` pixels come from.

    >>> [tuple(stretch) for stretch in stretches(-2, 6, 4, Border("reflect"))]
    [(0, 2, 1, -1), (2, 4, 0, 1), (6, 2, 3, -1)]
    """
    stretches_so_far = []
    position = start
    while position < stop:
        stretch = _stretch_at(position, stop, size, border)
        stretches_so_far.append(stretch._replace(target=position - start))
        position += stretch.length
    return stretches_so_far


def indices(start: int, stop: int, size: int, border: Border) -> NDArray[np.int64]:
    """Return the place in the image of each position start..stop-1, -1 for the border's constant.

    >>> indices(-3, 7, 4, Border("mirror")).tolist()
    [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]
    """
    places = np.empty(stop - start, dtype=np.int64)
    for stretch in stretches(start, stop, size, border):
        origin = -1 if stretch.source is None else stretch.source
        places[stretch.positions()] = origin + stretch.step * np.arange(stretch.length)
    return places
