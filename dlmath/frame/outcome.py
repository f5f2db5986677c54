"""The one result object of every command, and its renderers: table, JSON, CSV, one value, explanation, picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from dlmath.errors import MissingExtraError
from dlmath.frame.paths import SETTINGS, lookup
from dlmath.report.blocks import Block, Table, text_of
from dlmath.version import __version__

if TYPE_CHECKING:
    from dlmath.report.streams import Streams

MARKUPS = ("markdown", "latex")

SCHEMA_VERSION = 1
"""Of the object that `--format json` prints; it grows when a key that was there changes its meaning or goes."""

BlockMaker: TypeAlias = Callable[[], Iterable[Block]]


class Outcome(NamedTuple):
    """What a command found out, and every way to show it.

    Parameters
    ----------
    command : str
        The subcommand's name.
    settings : mapping
        Every option as resolved; enough to repeat the run.
    result : mapping
        JSON-like values; NumPy arrays and scalars, tuples, NaN and infinities are allowed.
    table : Table
        The main table, which `--format csv` prints.
    blocks : callable
        Makes what `--format table` shows; called only when it is shown.
    explanation : callable or None
        Makes what `--explain` prints; None when it was not asked for.
    picture : callable or None
        Draws the figure of `--plot`: takes the ending ("png", "svg", "pdf") and returns the file's bytes.
    answer : bool
        False when the run was carried out and the answer is no (exit status 1).
    notes : sequence of str
        Lines for standard error.
    errors : sequence of str
        What could not be carried out, for standard error; --quiet does not silence it.
    printed : bool
        False when the command's product itself went to standard output, which then takes nothing else.
    interrupted : bool
        Whether the user broke the run off: what was reached is shown, and the exit status is 130.
    """

    command: str
    settings: Mapping[str, object]
    result: Mapping[str, object]
    table: Table
    blocks: BlockMaker
    explanation: BlockMaker | None = None
    picture: Callable[[str], bytes] | None = None
    answer: bool = True
    notes: Sequence[str] = ()
    errors: Sequence[str] = ()
    printed: bool = True
    interrupted: bool = False

    def __getitem__(self, key: Any) -> Any:
        """Return a value of the result by its path: `found["epochs.median"]`; NumPy values as Python has them."""
        if isinstance(key, str):
            return lookup(plain(self.result), key)
        return tuple(self)[key]

    def to_frame(self) -> Any:
        """Return the main table as a pandas DataFrame, its columns with their types.

        Raises
        ------
        MissingExtraError
            Where pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ImportError as error:
            raise MissingExtraError("to_frame() needs pandas, which is not installed", "pip install pandas") from error
        return DataFrame([plain(row) for row in self.table.rows], columns=list(self.table.columns))

    def __str__(self) -> str:
        """Return the report as plain text."""
        from dlmath.report.plain import render

        return render(report_of(self)).rstrip("\n")

    def _repr_markdown_(self) -> str:
        """Return the report as Markdown, for notebooks."""
        return marked_up(self, "markdown")

    def _repr_html_(self) -> str:
        """Return the report as HTML, for notebooks."""
        return marked_up(self, "html")

    @property
    def status(self) -> int:
        """Exit status: 0 done, 1 done but the answer is no, 130 interrupted."""
        return 130 if self.interrupted else 0 if self.answer else 1


class Lazy(Mapping[str, Any]):
    """A result that is made when it is first looked at: a table does not need all that JSON has.

    >>> Lazy(lambda: {"params": 3})["params"]
    3
    """

    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        self._make = make
        self._made: Mapping[str, Any] | None = None

    def _found(self) -> Mapping[str, Any]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, key: str) -> Any:
        return self._found()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found())

    def __len__(self) -> int:
        return len(self._found())


class Parts(Mapping[str, Any]):
    """A result whose every key is made when it is looked at: one figure of many rows costs no rows.

    >>> parts = Parts({"count": lambda: 3, "rows": lambda: [1] * 3})
    >>> parts["count"], list(parts)
    (3, ['count', 'rows'])
    """

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        self._makers = makers
        self._made: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key not in self._made:
            self._made[key] = self._makers[key]()
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def emit(outcome: Outcome, streams: Streams, style: str = "table", path: str | None = None) -> None:
    """Print the outcome on standard output in the format asked for, its notes on standard error."""
    for text in outcome.notes:
        streams.note(text)
    for text in outcome.errors:
        streams.error(text)
    if not outcome.printed:
        return
    if path is not None:
        streams.out.write(bare(lookup(looked_into(outcome, path), path), as_json=style == "json"))
    elif style == "json":
        streams.out.write(to_json(envelope(outcome)) + "\n")
    elif style == "csv":
        streams.out.write(to_csv(outcome.table))
    elif style in MARKUPS:
        streams.out.write(marked_up(outcome, style))
    else:
        show(outcome, streams)


def looked_into(outcome: Outcome, path: str) -> Any:
    """Return what a path of `--get` leads into: the result, or the envelope's settings."""
    first = path.split(".", maxsplit=1)[0]
    if first in outcome.result:
        return {first: plain(outcome.result[first])}
    if first == SETTINGS:
        return {SETTINGS: plain(outcome.settings)}
    return plain(outcome.result)


def report_of(outcome: Outcome) -> list[Block]:
    """Return the whole report: the explanation (when asked for), then the blocks."""
    from dlmath.report.harmless import safe

    return [safe(block) for block in (*(outcome.explanation() if outcome.explanation else ()), *outcome.blocks())]


def marked_up(outcome: Outcome, style: str) -> str:
    """Return the report in a markup language; drawings that colours make are drawn without."""
    from dlmath.report import markup

    return {"markdown": markup.markdown, "latex": markup.latex, "html": markup.html_of}[style](report_of(outcome))


def show(outcome: Outcome, streams: Streams) -> None:
    """Print the report as it fits the window."""
    blocks = report_of(outcome)
    if streams.rich:
        from dlmath.report import terminal

        terminal.show(blocks, streams)
    else:
        from dlmath.report.plain import render

        streams.drawing.write(render(blocks, streams.width))


def envelope(outcome: Outcome) -> dict[str, Any]:
    """Return the object that `--format json` prints; `explanation` is there only when asked for."""
    made: dict[str, Any] = {
        "command": outcome.command,
        "version": __version__,
        "schema_version": SCHEMA_VERSION,
        "settings": plain(outcome.settings),
        "result": plain(outcome.result),
    }
    if outcome.explanation:
        made["explanation"] = explanation_lines(outcome.explanation())
    return made


def explanation_lines(blocks: Iterable[Block]) -> list[str]:
    """Return an explanation as a list of plain text lines."""
    from dlmath.report.plain import body, heading

    return [text_of(line) for block in blocks for line in (*heading(block), *body(block))]


def plain(value: object) -> Any:
    """Return a value as JSON has it: NaN and infinities become the strings "nan", "inf", "-inf".

    >>> plain({"a": (1, float("inf")), "b": None})
    {'a': [1, 'inf'], 'b': None}
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # a NumPy array or scalar, without importing NumPy to ask
        return plain(value.tolist())
    return str(value)


def to_json(value: object) -> str:
    """Return one line of JSON at full precision."""
    import json

    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def to_csv(table: Table) -> str:
    """Return the table as CSV (RFC 4180 quoting, newlines as the system has them), header first."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([scalar(plain(cell)) if cell is not None else "" for cell in row] for row in table.rows)
    return text.getvalue()


def scalar(value: Any) -> str:
    """Return one JSON-like value bare: no quotes on strings, compact JSON for what has parts.

    >>> scalar(0.1), scalar("inf"), scalar(True), scalar(None), scalar([1, 2])
    ('0.1', 'inf', 'true', 'null', '[1, 2]')
    """
    return value if isinstance(value, str) else to_json(value)


def bare(value: Any, *, as_json: bool = False) -> str:
    """Return the text of `--get`: a list one item a line, anything else on one line."""
    if as_json:
        return to_json(value) + "\n"
    items = value if isinstance(value, list) else [value]
    return "".join(scalar(item) + "\n" for item in items)
