"""Boxes as they were read: columns, still in the form they were written in, and how they become corners."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dlmath.detection.engine.geometry import clip, to_corners
from dlmath.errors import InvalidValueError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.neural.arrays import Array

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".gif")


@dataclass
class BoxTable:
    """Columns of boxes.

    Attributes
    ----------
    place : str
        What errors call them.
    rows : ndarray (N, 4) of float64
        As written.
    form : str or None
        How they are written, where the format says it; None: `--boxes` says it.
    normalised : bool
        Whether the format gives shares of the picture's size.
    score : ndarray (N,) or None
    label, image : sequence of str or None
        Classes and pictures, in words.
    area : ndarray (N,) or None
        Where a file gives another than width x height (COCO: that of the outline).
    crowd, ignored : ndarray (N,) of bool or None
    names : dict
        Class number to class name, where a file has both.
    """

    place: str
    rows: Array
    form: str | None = None
    normalised: bool = False
    score: Array | None = None
    label: Sequence[str] | None = None
    image: Sequence[str] | None = None
    area: Array | None = None
    crowd: Array | None = None
    ignored: Array | None = None
    names: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass
class Writing:
    """How boxes are written, as the options say it.

    Attributes
    ----------
    form : str or None
        `--boxes`, None when not given.
    picture : (float, float) or None
        Width and height of `--image`.
    plus : float
        1 for `--inclusive`.
    """

    form: str | None = None
    picture: tuple[float, float] | None = None
    plus: float = 0.0


def corners_of(table: BoxTable, writing: Writing) -> tuple[Array, list[str]]:
    """Return boxes as corners (N, 4), scaled and clipped to the picture, and notes on what was done to them.

    Raises
    ------
    InvalidValueError
        Naming the first row that is no box.
    """
    form = table.form or writing.form or "corners"
    if not len(table):
        return np.zeros((0, 4)), []
    # shares of a picture are continuous whatever its pixels are
    shares = table.normalised or (writing.picture is not None and _are_shares(table.rows))
    boxes = to_corners(table.rows, form, plus=0.0 if shares else writing.plus, place=table.place)
    if writing.picture is None:
        return boxes, _notes_unscaled(table, boxes, writing)
    notes = []
    if shares:
        width, height = writing.picture
        boxes = boxes * np.array([width, height, width, height])
        boxes[:, 2:] -= writing.plus
        notes.append(f"{table.place}: shares of the picture, scaled to {width:g}x{height:g}")
    clipped = clip(boxes, *writing.picture, writing.plus)
    moved = int((clipped != boxes).any(axis=1).sum())
    if moved:
        notes.append(f"{table.place}: {moved:,} of {len(boxes):,} boxes were clipped to the picture")
    return clipped, notes


def _are_shares(rows: Array) -> bool:
    """Tell whether all coordinates lie in 0..1, and some within: shares of a picture's size, not its pixels."""
    return bool(((rows >= 0) & (rows <= 1)).all() and ((rows > 0) & (rows < 1)).any())


def _notes_unscaled(table: BoxTable, boxes: Array, writing: Writing) -> list[str]:
    """Return what a reader should know of boxes without a picture."""
    if table.normalised:
        return [f"{table.place}: shares of the picture are left as they are; --image WxH makes them pixels"]
    if writing.plus and len(boxes) and float(np.abs(boxes).max()) <= 1:
        return [f"{table.place}: --inclusive adds a whole pixel, and all coordinates are at most 1"]
    return []


def image_name(word: str) -> str:
    """Return a picture's name without folder and ending.

    >>> image_name("VOC/000012.jpg"), image_name("17"), image_name("img.2")
    ('000012', '17', 'img.2')
    """
    name = word.replace("\\", "/").rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    return stem if dot and f".{ending.lower()}" in PICTURE_ENDINGS else name


def label_text(value: object) -> str:
    """Return a class or a picture as a word: 3, 3.0 and "3" are the same.

    >>> label_text(3.0), label_text("03"), label_text(" cat ")
    ('3', '03', 'cat')
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def scores_of(table: BoxTable, rows: str) -> Array:
    """Return the scores.

    Raises
    ------
    InvalidValueError
        When they are missing, or not finite.
    """
    if table.score is None:
        raise InvalidValueError(f"{table.place}: has no scores", f"give {rows}")
    wrong = ~np.isfinite(table.score)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InvalidValueError(f"{table.place}: the score of box {row} is {table.score[row]}", "give finite scores")
    return table.score


def numbered(*columns: Sequence[str]) -> tuple[list[str], list[Array]]:
    """Return the different words of all columns in their order, and each column as indices into them.

    Numbers in them stand in order of value.

    >>> names, (first, second) = numbered(["10", "b", "9"], ["9"])
    >>> names, first.tolist(), second.tolist()
    (['9', '10', 'b'], [1, 2, 0], [0])
    """
    names = sorted(set().union(*columns), key=_natural)
    index = {name: number for number, name in enumerate(names)}
    return names, [np.fromiter((index[word] for word in column), np.int64, len(column)) for column in columns]


def _natural(word: str) -> tuple[tuple[bool, int, str], ...]:
    """Return what a word is sorted by: its stretches of digits as numbers, before other letters."""
    parts = re.findall(r"\d{1,18}|\D+|\d", word)
    return tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts)


def joined(tables: Sequence[BoxTable], place: str) -> BoxTable:
    """Return several tables of one format below each other.

    Raises
    ------
    UnreadableError
        When some have scores (or classes) and some have not.
    """
    for name in ("score", "label"):
        if len({getattr(table, name) is None for table in tables if len(table)}) > 1:
            raise UnreadableError(f"{place}: some files have a {name} and some have not", "give all of one kind")
    first = next((table for table in tables if len(table)), tables[0])

    def arrays(name: str) -> Array | None:
        return None if getattr(first, name) is None else np.concatenate([getattr(t, name) for t in tables if len(t)])

    def words(name: str) -> list[str] | None:
        return None if getattr(first, name) is None else [word for t in tables if len(t) for word in getattr(t, name)]

    return BoxTable(
        place,
        np.concatenate([table.rows for table in tables]),
        first.form,
        first.normalised,
        score=arrays("score"),
        label=words("label"),
        image=words("image"),
        area=arrays("area"),
        crowd=arrays("crowd"),
        ignored=arrays("ignored"),
    )
