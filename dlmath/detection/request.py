"""What the options of `dlmath boxes` mean, and the boxes they name: read once, for the check and for the run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.detection.engine.encoding import CLAMP, UNIT_WEIGHTS
from dlmath.detection.files.reading import Role, read_boxes
from dlmath.detection.files.table import BoxTable, Writing, corners_of
from dlmath.detection.operations import LIKE, OURS, Conventions
from dlmath.errors import InvalidValueError
from dlmath.language.number_text import fraction_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.detection.words import Words
    from dlmath.frame.output import Output
    from dlmath.neural.arrays import Array

    Prepare = Callable[[Words, Output], Any]

LARGEST_SIDE = 2**31
"""Of a picture or a map."""

_LAST: dict[str, Any] = {}
"""The words that were prepared last, and what came of it."""


def prepared(words: Words, output: Output, prepare: Prepare) -> Any:
    """Return what `prepare` makes of the words, made once: the check reads files, the run does not read them again."""
    if _LAST.get("words") is not words or _LAST.get("prepare") is not prepare:
        _LAST.clear()
        made = prepare(words, output)
        _LAST.update(words=words, prepare=prepare, made=made)
    return _LAST["made"]


def conventions(words: Words) -> Conventions:
    """Return what --like says of this operation."""
    if words.like is None or words.operation is None:
        return OURS
    return LIKE[words.like][words.operation]


class Given(NamedTuple):
    """Boxes of one argument.

    Attributes
    ----------
    table : BoxTable
        As written, with scores, classes and pictures.
    boxes : ndarray (N, 4)
        Corners.
    """

    table: BoxTable
    boxes: Array


class Reader:
    """Reads the boxes of one call; remembers what should be noted."""

    def __init__(self, words: Words) -> None:
        like = conventions(words)
        self.plus = 1.0 if words.inclusive or like.inclusive else 0.0
        self.writing = Writing(words.boxes or like.boxes, parse_image(words.image), self.plus)
        self.notes: list[str] = []
        self.said = False

    def read(self, word: str, role: Role) -> Given:
        """Return the boxes of an argument."""
        table = read_boxes(word, role)
        boxes, notes = corners_of(table, self.writing)
        self.notes += notes
        self.said = self.said or table.form is None
        return Given(table, boxes)

    def check_form(self, words: Words) -> None:
        """Refuse --boxes when every file says itself how its boxes are written."""
        if words.boxes is not None and not self.said:
            raise InvalidValueError(
                f"--boxes {words.boxes} has no effect: the files say how their boxes are written", "leave it away"
            )


def parse_image(word: str | None) -> tuple[float, float] | None:
    """Return width and height of --image.

    >>> parse_image("1000x600"), parse_image(None)
    ((1000.0, 600.0), None)
    """
    if word is None:
        return None
    width, height = sizes("--image", word, "WIDTHxHEIGHT, as 1000x600")
    return float(width), float(height)


def sizes(option: str, word: str, wanted: str) -> tuple[int, int]:
    """Return two whole numbers from 1 on, written as AxB.

    >>> sizes("--map", "37x62", "HxW")
    (37, 62)
    """
    parts = word.lower().replace(" ", "").split("x")
    if len(parts) != 2 or not all(part.isdecimal() and 0 < int(part[:12]) < LARGEST_SIDE for part in parts):
        raise InvalidValueError(f"{option} {word} is no size", f"give {wanted}")
    return int(parts[0]), int(parts[1])


def floats(option: str, word: str, *, positive: bool = False, count: int | None = None) -> tuple[float, ...]:
    """Return numbers separated by commas; decimals or fractions.

    >>> floats("--ratios", "1/2,1,2")
    (0.5, 1.0, 2.0)
    """
    parts = word.replace(" ", ",").split(",")
    try:
        values = tuple(float(fraction_of(part)) for part in parts if part or len(parts) == 1)
    except ValueError as error:
        raise InvalidValueError(f"{option} {word}: {error}", "give numbers separated by commas") from error
    if count is not None and len(values) != count:
        raise InvalidValueError(f"{option} {word}: {len(values)} numbers", f"give {count}")
    if positive and min(values) <= 0:
        raise InvalidValueError(f"{option} {word}: {min(values):g} is not positive", "give positive numbers")
    return values


def parse_weights(word: str | None) -> tuple[float, ...]:
    """Return the four factors of --weights."""
    return UNIT_WEIGHTS if word is None else floats("--weights", word, positive=True, count=4)


def parse_clamp(word: str | None) -> float:
    """Return --clamp; `none` is infinity.

    >>> parse_clamp("none"), round(parse_clamp(None), 3)
    (inf, 4.135)
    """
    if word is None:
        return CLAMP
    if word.lower() in {"none", "inf"}:
        return math.inf
    (value,) = floats("--clamp", word, count=1)
    if not 0 <= value <= 700:
        raise InvalidValueError(f"--clamp {word} is not allowed", "give a number from 0 to 700, or none")
    return value


def parse_scale(word: str) -> float:
    """Return --scale: a positive number or a fraction.

    >>> parse_scale("1/16")
    0.0625
    """
    (value,) = floats("--scale", word, positive=True, count=1)
    return value


def parse_at(word: str | None, bounds: tuple[int, ...], names: str) -> tuple[int, ...] | None:
    """Return the indices of --at, as many as there are bounds, or fewer; the missing ones are 0.

    >>> parse_at("2,1", (3, 4), "I,J"), parse_at("2", (3, 4), "I,J")
    ((2, 1), (2, 0))
    """
    if word is None:
        return None
    parts = word.replace(" ", "").split(",")
    if len(parts) > len(bounds) or not all(part.isdecimal() and len(part) < 12 for part in parts):
        raise InvalidValueError(f"--at {word} is no place here", f"give {names}, counted from 0")
    values = (*map(int, parts), *(0,) * (len(bounds) - len(parts)))
    for value, bound in zip(values, bounds, strict=True):
        if value >= bound:
            raise InvalidValueError(f"--at {word}: there is no {value}", f"give {names}, here below {bound:,}")
    return values


def check_picture(words: Words) -> None:
    """Refuse a --picture that cannot be read."""
    if words.picture is not None:
        picture_pixels(words.picture)


def picture_pixels(name: str) -> Array:
    """Return the pixels (H, W) or (H, W, 3) of the picture that is drawn over."""
    from dlmath.files.pictures.images import read_image

    pixels = read_image(name).pixels
    return pixels[:, :, :3] if pixels.ndim == 3 and pixels.shape[2] > 3 else pixels
