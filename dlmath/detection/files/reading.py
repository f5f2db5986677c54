"""Boxes from wherever they are: the format is seen by the content, and by the ending where both could be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.detection.files.content import Content, is_inline, read_content
from dlmath.detection.files.documents import json_table, voc_table
from dlmath.detection.files.rows import array_table, csv_table, inline_table, yolo_table
from dlmath.detection.files.table import BoxTable, joined
from dlmath.errors import InvalidValueError, UnreadableError
from dlmath.files.examples import path_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FOLDER_ENDINGS = (".txt", ".xml")


class Role(NamedTuple):
    """What boxes are for.

    Attributes
    ----------
    name : str
        What errors call them where they have no file.
    extra : sequence of str
        Columns after the four of the box, where no header names them.
    may_be_empty : bool
    """

    name: str
    extra: Sequence[str] = ()
    may_be_empty: bool = False


def read_boxes(word: str, role: Role) -> BoxTable:
    """Return the boxes an argument means: numbers, a file, a folder of label files, or standard input.

    Raises
    ------
    UnreadableError
        When it cannot be read.
    InvalidValueError
        When its rows are no boxes.
    """
    if not is_inline(word) and path_of(word).is_dir():
        table = read_folder(path_of(word))
    else:
        content = read_content(word, role.name)
        table = table_of(content, role.extra)
    if not len(table) and not role.may_be_empty:
        raise InvalidValueError(f"{table.place}: holds no boxes", "give at least one")
    return table


def table_of(content: Content, extra: Sequence[str]) -> BoxTable:
    """Return the boxes of an argument's content."""
    if content.is_array:
        return array_table(content, extra)
    if content.ending == ".npy":
        raise UnreadableError(f"{content.place}: is no .npy file", "save it with numpy.save")
    start = content.text().lstrip()[:1]
    if start in {"[", "{"}:
        return json_table(content, extra)
    if start == "<":
        return voc_table(content)
    if content.ending in {".json", ".xml"}:
        raise UnreadableError(f"{content.place}: is no {content.ending[1:].upper()}", "give a file of that format")
    if content.ending == ".txt" and (table := yolo_table(content)) is not None:
        return table
    return inline_table(content, extra) if not content.name else csv_table(content, extra)


def read_folder(folder: Path) -> BoxTable:
    """Return the boxes of all label files of a folder, each file a picture: YOLO's .txt, VOC's .xml."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in FOLDER_ENDINGS)
    endings = {path.suffix.lower() for path in files}
    if len(endings) != 1:
        what = "has both .txt and .xml files" if endings else "has no .txt or .xml files"
        raise UnreadableError(f"{folder}: {what}", "give a folder of YOLO's or of VOC's label files")
    tables = []
    for path in files:
        if path.read_bytes().strip():  # an empty file of YOLO's says that nothing is there
            table = table_of(read_content(str(path), ""), ())
            if table.image is None and len(table):
                raise UnreadableError(f"{path}: is no label file", "YOLO: class cx cy w h a row")
            tables.append(table)
    if not tables:
        raise UnreadableError(f"{folder}: all of its label files are empty", "give at least one box")
    return joined(tables, str(folder))
