"""What every program says beside its layers: where the network comes from, what it must count, what is left out."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from dlmath.counting.code.pieces import WIDTH
from dlmath.counting.engine.open_sizes import is_open
from dlmath.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.counting.engine.count import LayerRow, NetworkCount


def kept_rows(counted: NetworkCount) -> dict[int, LayerRow]:
    """Return the layers that count, by place: no inputs, and no auxiliary heads that are left out.

    Raises
    ------
    InvalidValueError
        Where a size is open: a program has to say it.
    """
    if counted.open_inputs:
        raise InvalidValueError("a program needs every size of its input, and some are open", "give --input whole")
    kept = {id(row) for row in counted.rows}
    rows = {place: row for place, row in enumerate(counted.nodes) if id(row) in kept}
    for row in rows.values():
        if row.node.held is not None and row.node.held != (0, 0, 0) and is_open(row.counted.weights):
            raise InvalidValueError(f"layer {row.name[:60]!r} is not understood", "leave out --code")
    return rows


def wrapped(text: str, indent: str, note: str = "") -> Iterator[str]:
    """Yield a line of the program, broken where it is too long; a note stands behind it, or before it."""
    line = f"{indent}{text}" + (f"  # {note}" if note else "")
    if len(line) <= WIDTH:
        yield line
        return
    if note:
        yield f"{indent}# {note}"
    if len(indent + text) <= WIDTH:
        yield f"{indent}{text}"
        return
    yield from textwrap.wrap(
        f"{indent}{text}", WIDTH, subsequent_indent=f"{indent}    ", break_long_words=False, break_on_hyphens=False
    )


def docstring(counted: NetworkCount, command: str) -> str:
    """Return the program's first lines: the network, its source, and the command that wrote it."""
    title = counted.network.name
    title = title if len(title) < 80 else f"{title[:77]}..."
    lines = [title.replace('"', "'").replace("\\", "/") + "."]
    if counted.network.source:
        lines += ["", *textwrap.wrap(f"Source: {counted.network.source}", 96)]
    for note in counted.network.notes:
        lines += textwrap.wrap(f"Note: {note}", 96)
    lines += ["", f"Written by `{command}`."]
    text = "\n".join(lines).replace('"""', "'''")
    return f'"""{text}\n"""'


def check_lines(counted: NetworkCount, total: int, *, channels_first: bool = False) -> str:
    """Return what the program must find: all parameters, those that train, and the output's shape."""
    kept = counted.total("buffers")
    note = f"  # {counted.params:,} and {kept:,} that are kept, not learned" if total > counted.params else ""
    shape = counted.output_shape
    shape = (shape[-1], *shape[:-1]) if channels_first and len(shape) > 2 else shape
    lines = f"PARAMETERS = {total:_}{note}", f"TRAINABLE = {counted.total('trainable_params'):_}", f"OUTPUT = {shape!r}"
    return "\n".join(lines)
