"""Rows of inputs and targets from .csv, .tsv, .yaml or .json files, so that anyone's own example can be trained.

CSV: values separated by commas, semicolons or tabs, under a header of any names. The targets are the columns that
`--target-columns` names, else those whose names begin with y, else the last one. Words as targets become classes,
one output each. YAML (or JSON) says the same in one of three ways::

    inputs: [[0.05, 0.10]]          rows:                            - {x1: 0.05, x2: 0.10, y1: 0.01, y2: 0.99}
    targets: [[0.01, 0.99]]           - {x: [0.05, 0.10], y: [0.01, 0.99]}
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import InvalidValueError, UnreadableError, unknown
from dlmath.files.atomic import STANDARD
from dlmath.files.examples import is_example, path_of
from dlmath.files.text import load_yaml, read_text, shown
from dlmath.gates.engine.gates import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ENDINGS = (".csv", ".tsv", ".yaml", ".yml", ".json")
CSV_ENDINGS = (".csv", ".tsv")
DELIMITERS = (";", "\t", ",")
NUMBERED = re.compile(r"([xy])(\d+)")
MOST_CLASSES = 100
"""Different words in a column of targets: beyond, it is rather a name than a class."""


class RowTable(NamedTuple):
    """A table as it was written.

    Attributes
    ----------
    columns : tuple of str
    rows : list of (place, values)
        The place is what errors call the row; values are text, or what YAML made of it.
    comma : bool
        A comma within a number is its decimal point.
    """

    columns: tuple[str, ...]
    rows: list[tuple[str, list[Any]]]
    comma: bool = False


def is_data_file(word: str) -> bool:
    """Tell whether a GATE word names a file of rows rather than a gate."""
    return word == STANDARD or is_example(word) or word.lower().endswith(ENDINGS) or "/" in word


def read_rows(name: str, target_columns: str | None = None) -> Gate:
    """Read a file of rows: CSV or YAML by its ending; without one (`-`: standard input), by its first line.

    Parameters
    ----------
    name : str
    target_columns : str, optional
        Names of the columns that are targets, separated by commas.

    Raises
    ------
    UnreadableError
        Naming the file, the place and what was expected there.
    InvalidValueError
        For a target column that the file does not have.
    """
    text = read_text(name)
    title = "stdin" if name == STANDARD else path_of(name).stem
    place = shown(name)
    if is_csv(name, text):
        return gate_of(title, csv_table(text, place), target_columns, place)
    data = load_yaml(text, place)
    if isinstance(data, dict) and "rows" in data:
        data = data["rows"]
    if is_list_of_columns(data):
        return gate_of(title, yaml_table(data, place), target_columns, place)
    if target_columns is not None:
        raise InvalidValueError(f"--target-columns: {place} names no columns", "leave it away")
    return checked(title, *yaml_rows(data, place), place)


def is_csv(name: str, text: str) -> bool:
    """Tell a table of values from YAML: by the file's ending, else by its first line."""
    ending = path_of(name).suffix.lower()
    if ending in ENDINGS:
        return ending in CSV_ENDINGS
    first = next((line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    return any(delimiter in first for delimiter in DELIMITERS) and not re.match(r"\s*([\[{-]|[^,;\t]*:)", first)


# ------------------------------------------------------------------------------------------------- CSV tables


def csv_table(text: str, name: str) -> RowTable:
    """Return the table of a CSV text; empty lines and lines that start with # are passed over."""
    import csv

    delimiter = delimiter_of(text)
    try:
        lines = [(number, row) for number, row in numbered(text, delimiter) if row]
    except csv.Error as error:
        raise UnreadableError(f"{name}: {error}", "give numbers separated by commas") from error
    if not lines:
        raise UnreadableError(f"{name}: has no rows", "begin with a header line such as x1,x2,y1")
    header = tuple(cell.strip() for cell in lines[0][1])
    if is_headless(header, comma=delimiter != ","):
        header, lines = (*(f"x{i}" for i in range(1, len(header))), "y"), [(0, []), *lines]
    check_header(header, name)
    rows = []
    for number, row in lines[1:]:
        if len(row) != len(header):
            raise UnreadableError(
                f"{name}:{number}: has {len(row)} values",
                f"the header names {len(header)} columns: {','.join(header)}",
            )
        rows.append((f"{name}:{number}", [cell.strip() for cell in row]))
    return RowTable(header, rows, comma=delimiter != ",")


def delimiter_of(text: str) -> str:
    """Return what separates the values: a semicolon or a tab if the first line has one, else a comma."""
    first = next((line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    return next((delimiter for delimiter in DELIMITERS if delimiter in first), ",")


def numbered(text: str, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Yield CSV rows with their line numbers; a blank line and one that starts with # give an empty row."""
    import csv
    import io

    # Comments are words, not CSV: a quotation mark in one must not swallow the lines after it
    lines = ("" if line.lstrip().startswith("#") else line for line in io.StringIO(text))
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != "\t")
    for row in reader:
        yield reader.line_num, row if any(cell.strip() for cell in row) else []


def is_headless(cells: Sequence[str], *, comma: bool) -> bool:
    """Tell whether a first line is data already: numbers alone, or numbers and a word at the end."""
    numbers = [as_number(cell, comma=comma) is not None for cell in cells]
    return len(cells) > 1 and all(numbers[:-1])


def check_header(header: Sequence[str], name: str) -> None:
    """Refuse columns without a name or of the same one."""
    if not all(header):
        raise UnreadableError(f"{name}: column {header.index('') + 1} has no name", "name every column")
    if len(set(header)) != len(header):
        raise UnreadableError(f"{name}: a column stands twice in {','.join(header)}", "name each column once")


# ------------------------------------------------------------------------------------- columns and their values


def gate_of(title: str, table: RowTable, target_columns: str | None, name: str) -> Gate:
    """Return the rows of a table as a gate."""
    xs, ys = columns(table.columns, target_columns, name)
    if not table.rows:
        raise UnreadableError(f"{name}: has no rows", "give at least one row of inputs and targets")
    inputs = [[number_in(table, row, i) for i in xs] for row in range(len(table.rows))]
    outputs = [output for i in ys for output in outputs_of(table, i)]
    targets = list(zip(*(values for _, values in outputs), strict=True))
    gate = Gate(title, tuple(map(tuple, inputs)), tuple(targets))
    return gate._replace(input_names=tuple(table.columns[i] for i in xs), output_names=tuple(n for n, _ in outputs))


def columns(header: Sequence[str], target_columns: str | None, name: str) -> tuple[list[int], list[int]]:
    """Return the places of the inputs and of the targets; x1, x2, ... and y1, y2, ... in their order.

    >>> columns(["y1", "x2", "x1"], None, "f.csv"), columns(["a", "b", "species"], None, "f.csv")
    (([2, 1], [0]), ([0, 1], [2]))
    """
    ys = targets_in(header, target_columns, name)
    xs = [i for i in range(len(header)) if i not in ys]
    if not xs:
        raise UnreadableError(f"{name}: every column is a target", "give at least one column of inputs")
    return in_order(header, xs), ys if target_columns is not None else in_order(header, ys)


def targets_in(header: Sequence[str], target_columns: str | None, name: str) -> list[int]:
    """Return the places of the target columns."""
    if target_columns is None:
        named = [i for i, title in enumerate(header) if title[:1] in {"y", "Y"}]
        return named or [len(header) - 1]
    wanted = [word.strip() for word in target_columns.split(",")]
    for word in wanted:
        if word not in header:
            raise unknown(f"column in --target-columns ({name}):", word, header)
    return [header.index(word) for word in dict.fromkeys(wanted)]


def in_order(header: Sequence[str], places: list[int]) -> list[int]:
    """Return columns that are all numbered (x1, x2, ...) by their numbers, others as they stand."""
    numbers = [NUMBERED.fullmatch(header[i]) for i in places]
    if not all(numbers):
        return places
    return sorted(places, key=lambda i: int(header[i][1:]))


def number_in(table: RowTable, row: int, column: int) -> float:
    """Return one input."""
    place, values = table.rows[row]
    return number_of(values[column], f"{place}: {table.columns[column]}", comma=table.comma)


def outputs_of(table: RowTable, column: int) -> list[tuple[str, list[float]]]:
    """Return the name and the values of each output that a column of targets makes: one, or one a class."""
    title = table.columns[column]
    values = [row[column] for _, row in table.rows]
    numbers = [as_number(value, comma=table.comma) for value in values]
    if all(isinstance(number, float) for number in numbers):
        return [(title, numbers)]  # type: ignore[list-item]  # none of them is None
    if not all(is_word(value) for value in values):
        for row in range(len(values)):
            number_in(table, row, column)  # raises at the first that is no number
    classes = sorted(set(map(str, values)))
    if len(classes) > MOST_CLASSES:
        raise UnreadableError(
            f"{table.rows[0][0].partition(':')[0]}: column {title!r} holds {len(classes)} different words",
            f"a target has at most {MOST_CLASSES} classes; name others by --target-columns",
        )
    return [(word, [float(value == word) for value in values]) for word in classes]


def is_word(value: object) -> bool:
    """Tell whether a target is the name of a class.

    >>> is_word("setosa"), is_word("-"), is_word("inf"), is_word(1.0)
    (True, False, False, False)
    """
    spelled = value.strip().lower() if isinstance(value, str) else ""
    return spelled[:1].isalpha() and spelled not in {"nan", "inf", "infinity", "na", "null", "none"}


def as_number(value: object, *, comma: bool = False) -> float | None:
    """Return a finite number, None for anything else; in tables of semicolons 1,5 is one and a half.

    >>> as_number("1,5", comma=True), as_number("1,5"), as_number("setosa"), as_number("nan")
    (1.5, None, None, None)
    """
    if isinstance(value, bool):
        return None
    if comma and isinstance(value, str) and value.count(",") == 1 and "." not in value:
        value = value.replace(",", ".")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def number_of(value: object, place: str, *, comma: bool = False) -> float:
    """Return a finite number, or raise the error that points at its place."""
    number = as_number(value, comma=comma)
    if number is None:
        raise UnreadableError(f"{place}: {value!r} is not a finite number", "give a number")
    return number


# -------------------------------------------------------------------------------------------------------- YAML


def is_list_of_columns(data: Any) -> bool:
    """Tell whether a YAML document is a list of rows whose values have names of their own."""
    lists = {"x", "y", "inputs", "targets"}
    first = data[0] if isinstance(data, list) and data else None
    return isinstance(first, dict) and bool(first) and not lists & {str(key) for key in first}


def yaml_table(data: Sequence[Any], name: str) -> RowTable:
    """Return a list of rows {x1: ..., y1: ...} as a table."""
    for index, row in enumerate(data, 1):
        if not isinstance(row, dict):
            raise UnreadableError(f"{name}: row {index}: {row!r} is not a row", "write {x1: ..., y1: ...}")
    check_same_columns(data, name)
    header = tuple(map(str, data[0]))
    by_name = [{str(key): value for key, value in row.items()} for row in data]
    rows = [(f"{name}: row {i}", [row[title] for title in header]) for i, row in enumerate(by_name, 1)]
    return RowTable(header, rows)


def yaml_rows(data: Any, name: str) -> tuple[list[list[float]], list[list[float]]]:
    """Return inputs and targets of a parsed YAML document whose rows are lists."""
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
    """Return one row, written as {x: [...], y: [...]}."""
    if not isinstance(row, dict):
        raise UnreadableError(f"{place}: {row!r} is not a row", "write {x: [...], y: [...]}")
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
