"""Rows of real inputs and targets from .csv, .yaml or .json files, so that anyone's own example can be trained.

CSV has a header `x1,x2,...,y1,...`. YAML (or JSON) says the same in one of three ways::

    inputs: [[0.05, 0.10]]          rows:                            - {x1: 0.05, x2: 0.10, y1: 0.01, y2: 0.99}
    targets: [[0.01, 0.99]]           - {x: [0.05, 0.10], y: [0.01, 0.99]}
"""

from __future__ import annotations

import csv
import io
import math
import re
from typing import TYPE_CHECKING, Any

from dlmath.errors import UnreadableError
from dlmath.files.atomic import STANDARD
from dlmath.files.examples import is_example, path_of
from dlmath.files.text import load_yaml, read_text, shown
from dlmath.gates.engine.gates import Gate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENDINGS = (".csv", ".yaml", ".yml", ".json")
CSV_HEADER = re.compile(r"(\s*#.*\n)*\s*\"?[xy]\d+\"?\s*,")


def is_data_file(word: str) -> bool:
    """Tell whether a GATE word names a file of rows rather than a gate."""
    return word == STANDARD or is_example(word) or word.lower().endswith(ENDINGS) or "/" in word


def read_rows(name: str) -> Gate:
    """Read a file of rows: CSV or YAML by its ending; without one (`-`: standard input), by its first line.

    Raises
    ------
    UnreadableError
        Naming the file, the place and what was expected there.
    """
    text = read_text(name)
    title = "stdin" if name == STANDARD else path_of(name).stem
    ending = path_of(name).suffix.lower()
    is_csv = ending == ".csv" or (ending not in ENDINGS and CSV_HEADER.match(text) is not None)
    place = shown(name)
    inputs, targets = csv_rows(text, place) if is_csv else yaml_rows(load_yaml(text, place), place)
    return checked(title, inputs, targets, place)


def csv_rows(text: str, name: str) -> tuple[list[list[float]], list[list[float]]]:
    """Return inputs and targets of a CSV text; empty lines and lines that start with # are passed over."""
    try:
        lines = [(number, row) for number, row in numbered(text) if row]
    except csv.Error as error:
        raise UnreadableError(f"{name}: {error}", "give numbers separated by commas") from error
    if not lines:
        raise UnreadableError(f"{name}: has no rows", "begin with a header line such as x1,x2,y1")
    header = [cell.strip() for cell in lines[0][1]]
    xs, ys = columns(header, name)
    inputs, targets = [], []
    for number, row in lines[1:]:
        if len(row) != len(header):
            raise UnreadableError(
                f"{name}:{number}: has {len(row)} values",
                f"the header names {len(header)} columns: {','.join(header)}",
            )
        inputs.append([number_of(row[i], f"{name}:{number}: {header[i]}") for i in xs])
        targets.append([number_of(row[i], f"{name}:{number}: {header[i]}") for i in ys])
    return inputs, targets


def numbered(text: str) -> list[tuple[int, list[str]]]:
    """Return CSV rows with their line numbers; a blank line and one that starts with # give an empty row."""
    # Comments are words, not CSV: a quotation mark in one must not swallow the lines after it
    lines = ("" if line.lstrip().startswith("#") else line for line in io.StringIO(text))
    reader = csv.reader(lines, skipinitialspace=True)
    return [(reader.line_num, row if any(cell.strip() for cell in row) else []) for row in reader]


def columns(header: Sequence[str], name: str) -> tuple[list[int], list[int]]:
    """Return the positions of x1.. and of y1.., in their order."""
    found = {prefix: [i for i, title in enumerate(header) if re.fullmatch(prefix + r"\d+", title)] for prefix in "xy"}
    strange = [title for i, title in enumerate(header) if i not in found["x"] + found["y"]]
    if strange or not found["x"] or not found["y"]:
        what = f"column {strange[0]!r}" if strange else "a header without x1 or y1"
        raise UnreadableError(f"{name}: {what}", "name the columns x1,x2,... for inputs and y1,... for targets")
    if len(set(header)) != len(header):
        raise UnreadableError(f"{name}: a column stands twice in {','.join(header)}", "name each column once")
    return tuple(sorted(positions, key=lambda i: int(header[i][1:])) for positions in found.values())  # type: ignore[return-value]


def number_of(value: object, place: str) -> float:
    """Return a finite number, or raise the error that points at its place."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise UnreadableError(f"{place}: {value!r} is not a finite number", "give a number")
    return number


def yaml_rows(data: Any, name: str) -> tuple[list[list[float]], list[list[float]]]:
    """Return inputs and targets of a parsed YAML document, in any of its three forms."""
    if isinstance(data, dict) and "rows" in data:
        data = data["rows"]
    if isinstance(data, dict):
        pairs = list(zip_rows(data, name))
    elif isinstance(data, list):
        pairs = [row_pair(row, f"{name}: row {index + 1}") for index, row in enumerate(data)]
        check_same_columns(data, name)
    else:
        raise UnreadableError(
            f"{name}: holds no rows", "give inputs: and targets:, or a list of rows {x: [...], y: [...]}"
        )
    return [x for x, _ in pairs], [y for _, y in pairs]


def check_same_columns(rows: Sequence[Mapping[Any, Any]], name: str) -> None:
    """Refuse rows whose columns have other names than the first row's: x3 for x2 is no second input."""
    first = sorted(map(str, rows[0])) if rows else []
    for index, row in enumerate(rows):
        if sorted(map(str, row)) != first:
            raise UnreadableError(
                f"{name}: row {index + 1} has {', '.join(map(str, row))}", f"row 1 has {', '.join(map(str, rows[0]))}"
            )


def zip_rows(data: Mapping[str, Any], name: str) -> list[tuple[list[float], list[float]]]:
    """Return the rows of a document with one list of inputs and one of targets."""
    inputs, targets = named(data, ("inputs", "x"), name), named(data, ("targets", "y"), name)
    if not isinstance(inputs, list) or not isinstance(targets, list) or len(inputs) != len(targets):
        raise UnreadableError(
            f"{name}: inputs and targets are not lists of equal length", "give one target row an input row"
        )
    rows = enumerate(zip(inputs, targets, strict=True))
    return [(vector(x, f"{name}: inputs row {i + 1}"), vector(y, f"{name}: targets row {i + 1}")) for i, (x, y) in rows]


def row_pair(row: Any, place: str) -> tuple[list[float], list[float]]:
    """Return one row, written as {x: [...], y: [...]} or as {x1: ..., y1: ...}."""
    if not isinstance(row, dict):
        raise UnreadableError(f"{place}: {row!r} is not a row", "write {x: [...], y: [...]}")
    if any(re.fullmatch(r"[xy]\d+", str(key)) for key in row):
        header = [str(key) for key in row]
        values = list(row.values())
        xs, ys = columns(header, place)
        return tuple([number_of(values[i], f"{place}: {header[i]}") for i in places] for places in (xs, ys))  # type: ignore[return-value]
    return vector(named(row, ("x", "inputs"), place), place), vector(named(row, ("y", "targets"), place), place)


def named(data: Mapping[str, Any], names: tuple[str, str], place: str) -> Any:
    """Return the value under one of two names."""
    for name in names:
        if name in data:
            return data[name]
    raise UnreadableError(f"{place}: has no {names[0]!r}", f"there are: {', '.join(map(str, data)) or 'no keys'}")


def vector(value: Any, place: str) -> list[float]:
    """Return a list of finite numbers; a single number is a list of one."""
    items = value if isinstance(value, list) else [value]
    return [number_of(item, place) for item in items]


def checked(title: str, inputs: list[list[float]], targets: list[list[float]], name: str) -> Gate:
    """Return the rows as a gate when all have the same lengths."""
    if not inputs:
        raise UnreadableError(f"{name}: has no rows", "give at least one row of inputs and targets")
    for kind, rows in (("inputs", inputs), ("targets", targets)):
        odd = next((i for i, row in enumerate(rows) if len(row) != len(rows[0]) or not row), None)
        if odd is not None:
            raise UnreadableError(f"{name}: row {odd + 1} has {len(rows[odd])} {kind}", f"row 1 has {len(rows[0])}")
    return Gate(title, tuple(map(tuple, inputs)), tuple(map(tuple, targets)))
