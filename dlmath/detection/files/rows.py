"""Boxes in rows of numbers: on the command line, in CSV files, in arrays, in YOLO's label files.

A CSV header names the columns. Without one, and on the command line and in arrays, the first four columns are the box
and the next ones what the operation needs, in its order (for detections: score, class, image).
"""

from __future__ import annotations

import csv
import io
import re
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from dlmath.detection.files.table import BoxTable, image_name, joined, label_text
from dlmath.errors import InvalidValueError, UnreadableError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.detection.files.content import Content
    from dlmath.neural.arrays import Array

PORTION = 100_000
"""Rows that are turned into numbers at once."""

FORM_COLUMNS = {
    "corners": ("x1", "y1", "x2", "y2"),
    "xywh": ("x", "y", "w", "h"),
    "cxcywh": ("cx", "cy", "w", "h"),
}
ALIASES = {
    "xmin": "x1", "ymin": "y1", "xmax": "x2", "ymax": "y2", "left": "x1", "top": "y1", "right": "x2", "bottom": "y2",
    "width": "w", "height": "h", "xc": "cx", "yc": "cy", "x_center": "cx", "y_center": "cy",
    "confidence": "score", "conf": "score", "label": "class", "category": "class", "category_id": "class",
    "name": "class", "image_id": "image", "filename": "image", "file": "image", "iscrowd": "crowd",
}  # fmt: skip
"""Names people give columns, and ours."""

NUMERIC = ("score", "area", "crowd", "difficult")
WORDS = ("class", "image")
KNOWN = (*dict.fromkeys(name for names in FORM_COLUMNS.values() for name in names), *NUMERIC, *WORDS)
YOLO_COLUMNS = (5, 6)
MEND_ROWS = 'give four numbers a box, rows separated by ";": "0 0 10 10; 2 2 12 14"'


def is_number(text: str) -> bool:
    """Tell whether a cell reads as a number (nan and inf too: their row is refused by name)."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def split_rows(text: str) -> list[list[str]]:
    """Return cells of rows separated by ";" or lines; cells by commas, blanks, or a semicolon file's semicolons.

    >>> split_rows("0 0 10 10; 2, 2, 12, 14")
    [['0', '0', '10', '10'], ['2', '2', '12', '14']]
    """
    rows = (re.split(r"[;\n]", text)) if "\n" not in text.strip() else text.splitlines()
    found = []
    for row in rows:
        line = row.strip().rstrip(",;").strip()
        if line and not line.startswith("#"):
            found.append([cell.strip() for cell in re.split(r"\s*[,;]\s*|\s+", line)])
    return found


def inline_table(content: Content, extra: Sequence[str]) -> BoxTable:
    """Return boxes of rows without a header."""
    return positional(split_rows(content.text()), content.place, extra)


def positional(rows: Sequence[Sequence[str]], place: str, extra: Sequence[str]) -> BoxTable:
    """Return boxes of rows whose first four cells are the box and the next the extra columns in their order."""
    if not rows:
        raise UnreadableError(f"{place}: is empty", MEND_ROWS)
    width = len(rows[0])
    odd = next((number for number, row in enumerate(rows) if len(row) != width), None)
    if odd is not None:
        raise InvalidValueError(f"{place}: box {odd} has {len(rows[odd])} numbers, box 0 has {width}", MEND_ROWS)
    check_width(width, place, extra)
    header = (*FORM_COLUMNS["corners"], *extra)[:width]
    return from_columns(header, list(zip(*rows, strict=True)), place, named=False)


def check_width(width: int, place: str, extra: Sequence[str]) -> None:
    """Refuse rows of too few or too many numbers."""
    if width < 4:
        raise InvalidValueError(f"{place}: {width} number{'s' * (width != 1)} a row", MEND_ROWS)
    if width > 4 + len(extra):
        more = f"; after them: {', '.join(extra)}" if extra else ", nothing more here"
        what = "five numbers a row: rotated boxes are not supported" if width == 5 else f"{width} numbers a row"
        raise InvalidValueError(f"{place}: {what}", f"give four numbers a box{more}")


def csv_table(content: Content, extra: Sequence[str]) -> BoxTable:
    """Return boxes of a CSV text with or without a header; comma, semicolon or tab."""
    text = content.text()
    lines = ("" if line.lstrip().startswith("#") else line for line in io.StringIO(text))
    heading = [""]
    for line in lines:
        heading.append(line)
        if line.strip():
            break
    first = heading[-1]
    separator = next((sign for sign in (",", ";", "\t") if sign in first), None)
    if separator is None or all(is_number(cell) for cell in first.replace(separator, " ").split()):
        return positional(split_rows(text), content.place, extra)
    reader = csv.reader(chain(heading[1:], lines), delimiter=separator, skipinitialspace=True)
    try:
        return joined(list(_tables(reader, content.place)), content.place)
    except csv.Error as error:
        raise UnreadableError(f"{content.place}: {error}", "give numbers separated by commas") from error


def _tables(reader: Iterator[list[str]], place: str) -> Iterator[BoxTable]:
    """Yield tables of some rows each, so that text never stands in memory whole."""
    portions = _portions(reader, place)
    header = tuple(ALIASES.get(cell.strip().lower(), cell.strip().lower()) for cell in next(portions)[0])
    words: dict[str, str] = {}
    first = 0
    for columns in portions:
        yield from_columns(header, columns, place, first=first, words=words)
        first += len(columns[0])
    if not first:
        yield from_columns(header, [[]] * len(header), place)


def _portions(reader: Iterator[list[str]], place: str) -> Iterator[list[Sequence[str]]]:
    """Yield the header in a list, then portions of rows as columns."""
    header = next(row for row in reader if row)
    yield [header]
    portion: list[list[str]] = []
    for row in reader:
        if not row:
            continue
        if len(row) != len(header):
            line = getattr(reader, "line_num", 0)
            raise UnreadableError(f"{place}:{line}: has {len(row)} values", f"the header names {len(header)} columns")
        portion.append(row)
        if len(portion) == PORTION:
            yield list(zip(*portion, strict=True))
            portion = []
    if portion:
        yield list(zip(*portion, strict=True))


def from_columns(
    header: Sequence[str],
    columns: Sequence[Sequence[str]],
    place: str,
    *,
    named: bool = True,
    first: int = 0,
    words: dict[str, str] | None = None,
) -> BoxTable:
    """Return a table of named columns of text.

    `first` is the number of the first row; `words` keeps each class and picture once for all portions of a file.
    """
    cells = dict(zip(header, columns, strict=True))
    if len(cells) != len(header):
        twice = next(name for number, name in enumerate(header) if name in header[:number])
        raise UnreadableError(f"{place}: the column {twice} stands twice", "name each column once")
    form = form_of(cells, place)
    rows = np.stack([numbers(cells[name], place, name, first) for name in FORM_COLUMNS[form]], axis=1)
    values = {name: numbers(cells[name], place, name, first) for name in NUMERIC if name in cells}
    crowd, difficult = values.get("crowd"), values.get("difficult")
    known = {} if words is None else words

    def kept(word: str) -> str:
        return known.setdefault(word, word)

    return BoxTable(
        place,
        rows,
        # columns called x1 y1 x2 y2 may still hold what --boxes says; x y w h says it itself
        form if named and form != "corners" else None,
        score=values.get("score"),
        area=values.get("area"),
        crowd=None if crowd is None else crowd != 0,
        ignored=None if difficult is None else difficult != 0,
        label=[kept(label_text(whole_text(cell))) for cell in cells["class"]] if "class" in cells else None,
        image=[kept(image_name(label_text(whole_text(cell)))) for cell in cells["image"]] if "image" in cells else None,
    )


def form_of(cells: dict[str, Sequence[str]], place: str) -> str:
    """Return the form whose four columns are there.

    Raises
    ------
    UnreadableError
        When none is there whole; names the nearest column.
    """
    for form, names in FORM_COLUMNS.items():
        if all(name in cells for name in names):
            return form
    strange = [name for name in cells if name not in KNOWN]
    close = nearest(strange[0], KNOWN) if strange else None
    hint = f" (did you mean {close} for {strange[0]}?)" if close else ""
    raise UnreadableError(
        f"{place}: the columns are {', '.join(cells) or 'none'}",
        f"name four of them x1,y1,x2,y2 (or x,y,w,h or cx,cy,w,h){hint}",
    )


def numbers(cells: Sequence[str], place: str, name: str, first: int = 0) -> Array:
    """Return a column as float64 (N,).

    Raises
    ------
    InvalidValueError
        Naming the first row that is no number.
    """
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        row = next(number for number, cell in enumerate(cells) if not is_number(cell))
        raise InvalidValueError(
            f"{place}: {name} of box {first + row} is {str(cells[row])[:40]!r}", "give a number"
        ) from None


def whole_text(cell: str) -> str:
    """Return "3" for "3.0": classes and pictures written as floats.

    >>> whole_text("3.0"), whole_text("cat")
    ('3', 'cat')
    """
    return cell[:-2] if cell.endswith(".0") and cell[:-2].isdecimal() else cell


def array_table(content: Content, extra: Sequence[str]) -> BoxTable:
    """Return boxes of a .npy array (N, 4) or with the extra columns behind."""
    values = content.array()
    if values.ndim == 1 and values.size:
        values = values[None]
    if values.ndim != 2:
        raise InvalidValueError(f"{content.place}: has shape {values.shape}", "save an array of shape (boxes, 4)")
    check_width(values.shape[1], content.place, extra)
    values = values.astype(np.float64)
    made = dict(zip(extra, values.T[4:], strict=False))
    return BoxTable(
        content.place,
        values[:, :4],
        score=made.get("score"),
        label=[label_text(value) for value in made["class"].tolist()] if "class" in made else None,
        image=[label_text(value) for value in made["image"].tolist()] if "image" in made else None,
    )


def yolo_table(content: Content) -> BoxTable | None:
    """Return the boxes of a YOLO label file (class cx cy w h, and maybe a score), None when it has other rows.

    Raises
    ------
    InvalidValueError
        When its numbers are no shares of a picture.
    """
    rows = split_rows(content.text())
    if not rows or len(rows[0]) not in YOLO_COLUMNS:
        return None
    odd = next((number for number, row in enumerate(rows) if len(row) != len(rows[0])), None)
    if odd is not None:
        raise InvalidValueError(f"{content.place}: row {odd} has {len(rows[odd])} values", "YOLO: class cx cy w h")
    columns = list(zip(*rows, strict=True))
    shares = np.stack([numbers(column, content.place, "a share") for column in columns[1:5]], axis=1)
    wrong = ~((shares >= -0.5) & (shares <= 1.5)).all(axis=1)  # labels at a border may lie a little outside
    if wrong.any():
        raise InvalidValueError(
            f"{content.place}: row {int(np.argmax(wrong))} of YOLO's class cx cy w h is no share of a picture (0 to 1)",
            "for boxes in pixels with a score use .csv with a header",
        )
    return BoxTable(
        content.place,
        shares,
        "cxcywh",
        normalised=True,
        score=numbers(columns[5], content.place, "score") if len(columns) == 6 else None,
        label=[whole_text(cell) for cell in columns[0]],
        image=[content.stem] * len(rows),
    )
