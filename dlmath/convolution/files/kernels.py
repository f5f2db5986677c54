"""Kernel files: .npy, .yaml, text rows, and the text form of libvips; and what of a word is a file, rows or a name.

Arrays and YAML lists of two dimensions are one rectangle for every channel; of three (in, kh, kw) or four dimensions
(out, in, kh, kw) the kernels of a network's layer.

Text, one row a line, numbers (1, 0.5, 1/9) separated by commas or spaces::

    0 -1 0            3 3 8 128         libvips: width height scale offset; sums are divided by scale, then offset is
    -1 5 -1           -1 -1 -1          added. It is told from rows by its first line, whose length differs from the
    0 -1 0            -1 16 -1          others' or whose width and height are those of what follows.
                      -1 -1 -1

YAML: a list of rows, or `rows:` with `name:`, `scale:` (or `divisor:`; sums are divided by it, as in libvips and
Pillow) and `offset:`. Fractions and decimals are exact in every form.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmath.convolution.engine.kernel import LARGEST, AnyKernel, Bank, Kernel, Magnitude, Rows, bank_of
from dlmath.convolution.engine.kernels import parse_kernel
from dlmath.errors import InvalidValueError, UnreadableError
from dlmath.files.atomic import STANDARD
from dlmath.files.examples import is_example, path_of
from dlmath.files.text import load_yaml, read_text, shown
from dlmath.language.number_text import MEND_NUMBER, fraction_of, is_rows, short, tokens_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ENDINGS = (".npy", ".yaml", ".yml", ".json", ".txt", ".csv", ".tsv", ".mat", ".con")
MOST_SUM = 1e290
"""Of the weights without their signs: times any pixel, the sums are floating-point numbers still."""

MOST_LAYER = 1 << 25
"""Weights of a layer's file: 256 MiB of them."""

MOST_WEIGHTS = 1 << 20
"""Of a kernel file; an image given for a kernel by mistake has more."""

KEYS = ("rows", "name", "scale", "divisor", "offset", "source", "note")
EXACT_DENOMINATOR = 1 << 12  # a float weight that is a multiple of 1/4096 is taken for the fraction it is


def read_kernel(word: str) -> AnyKernel:
    """Read what follows --kernel: a file, rows, or a name.

    Raises
    ------
    UnreadableError
        For a file, naming it, the line and the number.
    InvalidValueError
        For rows and names.
    """
    kernel = read_kernel_file(word) if is_kernel_file(word) else parse_kernel(word)
    for part in kernel.parts if isinstance(kernel, Magnitude) else (kernel,):
        if not part.absolute_sum < MOST_SUM:
            raise InvalidValueError(
                f"kernel {short(kernel.name)!r}: its weights add up beyond {MOST_SUM:g}", "give smaller weights"
            )
    return kernel


def is_kernel_file(word: str) -> bool:
    """Tell whether a word names a file: by its ending, a folder in it, or because a file of that name is there.

    >>> is_kernel_file("my.npy"), is_kernel_file("1/9 1/9; 0 1"), is_kernel_file("sobel"), is_kernel_file("k/blur")
    (True, False, False, True)
    """
    if word == STANDARD or is_example(word) or Path(word).suffix.lower() in ENDINGS:
        return True
    if is_rows(word):
        return False
    # the disk is asked last, and in a way that answers for a name that no disk could hold
    return "/" in word or "\\" in word or (":" not in word and not is_name(word) and os.path.isfile(word))  # noqa: PTH113


def is_name(word: str) -> bool:
    """Tell whether a word is a kernel's name; a name is not hidden by a file that happens to be called so."""
    from dlmath.convolution.engine.kernels import kernel_names

    return word.strip().lower() in kernel_names()


def read_kernel_file(name: str) -> Kernel | Bank:
    """Read a kernel file by its ending; without a known one, as text.

    Raises
    ------
    UnreadableError
        Naming the file, the line and the number that is wrong.
    """
    place, ending = shown(name), path_of(name).suffix.lower()
    title = "kernel" if name == STANDARD else path_of(name).stem
    if ending == ".npy":
        return array_kernel(name, title)
    text = read_text(name)
    if ending in {".yaml", ".yml", ".json"}:
        return yaml_kernel(load_yaml(text, place), title, place)
    return text_kernel(text, title, place)


def array_kernel(name: str, title: str) -> Kernel | Bank:
    """Read a kernel of two, three or four dimensions from .npy; integers and short binary fractions stay exact."""
    from dlmath.files.pictures.matrices import NPY_START, load_array, real
    from dlmath.files.sources import open_source

    source = open_source(name)
    with source.file:
        if not source.head.startswith(NPY_START):
            raise UnreadableError(f"{source.place}: is not a .npy file", "save the kernel with numpy.save")
        weights, _ = real(load_array(source), source.place)
    if weights.ndim not in {2, 3, 4} or weights.size == 0:
        shapes = "(rows, columns), (in, rows, columns) or (out, in, rows, columns)"
        raise UnreadableError(f"{source.place}: has shape {weights.shape}", f"save a kernel of shape {shapes}")
    if weights.ndim > 2:
        return array_bank(weights, title, source.place)
    check_count(weights.size, source.place)
    return Kernel(title, array_weights(weights, source.place), f"file {name}")


def array_bank(weights: NDArray[Any], title: str, place: str) -> Bank:
    """Return the kernels of a layer: whole numbers where the weights are, or are multiples of 1/4096."""
    import numpy as np

    if weights.size > MOST_LAYER:
        raise UnreadableError(
            f"{place}: has {weights.size:,} weights, more than {MOST_LAYER:,}", "give a layer's kernels, not its input"
        )
    check_finite(weights, place)
    four = weights.astype(np.float64).reshape(-1, *weights.shape[-3:])
    steps = four * EXACT_DENOMINATOR
    if (steps == np.rint(steps)).all() and (abs(steps) <= LARGEST).all():
        whole = bool((four == np.rint(four)).all())
        numerators, denominator = (four, 1) if whole else (steps, EXACT_DENOMINATOR)
        return Bank(title, numerators.astype(np.int64), denominator, f"file {place}")
    return Bank(title, four, 1, f"file {place}")


def check_finite(weights: NDArray[Any], place: str) -> None:
    """Refuse weights that are no numbers, naming the first."""
    import numpy as np

    wrong = np.argwhere(~np.isfinite(weights))
    if len(wrong):
        *outer, row, column = (int(index) for index in wrong[0])
        where = f"{outer}, " if outer else ""
        value = weights[tuple(wrong[0])]
        raise UnreadableError(f"{place}: {where}row {row + 1}, number {column + 1}: {value}", "give finite weights")


def array_weights(weights: NDArray[Any], place: str) -> Rows:
    """Return an array's weights: fractions when all are integers or multiples of 1/4096, else floats."""
    import numpy as np

    if weights.dtype.kind not in "iu":
        check_finite(weights, place)
        steps = weights.astype(np.float64) * EXACT_DENOMINATOR
        if not ((steps == np.rint(steps)).all() and (abs(steps) < 2**53).all()):
            return tuple(tuple(map(float, row)) for row in weights.tolist())
    exact = {value: Fraction(value) for value in np.unique(weights).tolist()}  # one object for all of one value
    return tuple(tuple(map(exact.__getitem__, row)) for row in weights.tolist())


def check_count(count: int, place: str) -> None:
    """Refuse what can only be an image."""
    if count > MOST_WEIGHTS:
        raise UnreadableError(
            f"{place}: has {count:,} weights, more than {MOST_WEIGHTS:,}", "give a kernel, not an image"
        )


def text_kernel(text: str, title: str, place: str) -> Kernel:
    """Read rows, or libvips' form; lines that are empty or start with # are passed over."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if is_content(line)]
    rows = [numbers(line, f"{place}:{number}") for number, line in lines]
    if not rows:
        raise UnreadableError(f"{place}: has no numbers", "give rows of numbers, one a line")
    check_count(sum(map(len, rows)), place)
    if has_header(rows):
        return headed_kernel(rows, lines[0][0], title, place)
    check_even(rows, [number for number, _ in lines], place)
    return Kernel(title, tuple(rows), f"file {place}")


def is_content(line: str) -> bool:
    """Tell whether a line holds numbers: it is neither empty nor a comment."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def numbers(line: str, place: str) -> tuple[Fraction, ...]:
    """Return the exact numbers of a line."""
    return tuple(number(token, f"{place}: number {k}") for k, token in enumerate(tokens_of(line), start=1))


def number(token: str, place: str) -> Fraction:
    """Return one exact number, or raise the error that points at its place."""
    try:
        return fraction_of(token)
    except ValueError as error:
        raise UnreadableError(f"{place} {error}", MEND_NUMBER) from None


def has_header(rows: Sequence[Sequence[Fraction]]) -> bool:
    """Tell whether the first line is `width height [scale [offset]]` of the rows that follow.

    >>> has_header([(3, 1, 4), (1, 2, 1)]), has_header([(1, 2), (2, 1)])
    (True, False)
    """
    head, body = rows[0], rows[1:]
    if not body or not 2 <= len(head) <= 4:
        return False
    if len(body) == head[1] and all(len(row) == head[0] for row in body):
        return True
    # A first line of another length than rows that agree is a header that miscounts
    return len({len(row) for row in body}) == 1 and len(body[0]) != len(head) and all(n == int(n) > 0 for n in head[:2])


def headed_kernel(rows: Sequence[tuple[Fraction, ...]], line: int, title: str, place: str) -> Kernel:
    """Return the kernel of libvips' form: sums divided by scale, plus offset."""
    head, body = rows[0], tuple(rows[1:])
    width, height = head[:2]
    if len(body) != height or any(len(row) != width for row in body):
        raise UnreadableError(
            f"{place}:{line}: announces {width} columns and {height} rows, but {len(body[0])} and {len(body)} follow",
            "begin with: width height scale offset; or give the rows alone, all of one length",
        )
    scale = head[2] if len(head) > 2 else Fraction(1)
    if not scale:
        raise UnreadableError(f"{place}:{line}: the scale is 0", "sums are divided by it: give another number")
    offset = head[3] if len(head) > 3 else Fraction(0)
    note = f"read as libvips' form: scale {scale}, offset {offset}"
    return Kernel(title, divided(body, scale), f"file {place}", note, offset)


def divided(rows: Sequence[Sequence[Any]], scale: Any) -> Rows:
    """Return every weight over the scale."""
    return tuple(tuple(weight / scale for weight in row) for row in rows)


def check_even(rows: Sequence[Sequence[Any]], lines: Sequence[int], place: str) -> None:
    """Refuse rows of unequal length, naming the line."""
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(rows[0]):
            raise UnreadableError(f"{place}:{line}: has {len(row)} numbers", f"the first row has {len(rows[0])}")


def yaml_kernel(data: Any, title: str, place: str) -> Kernel | Bank:
    """Return the kernel of a YAML document: a list of rows (of channels, of outputs), or a mapping with `rows`."""
    document = {"rows": data} if isinstance(data, list) else data
    if not isinstance(document, dict) or "rows" not in document:
        raise UnreadableError(f"{place}: has no rows", "give rows: a list of lists of numbers")
    strange = [str(key) for key in document if key not in KEYS]
    if strange:
        raise UnreadableError(f"{place}: {strange[0]!r} is not known", f"there are: {', '.join(KEYS)}")
    name, scale = str(document.get("name", title)), yaml_scale(document, place)
    if yaml_depth(document["rows"]) > 2:
        return yaml_bank(document, name, scale, place)
    kernel = Kernel(name, yaml_rows(document["rows"], place), f"file {place}")
    return replace(
        kernel,
        weights=divided(kernel.weights, scale),
        offset=yaml_number(document.get("offset", 0), f"{place}: offset"),
        source=str(document.get("source", kernel.source)),
        note=str(document.get("note", "")),
    )


def yaml_depth(rows: Any) -> int:
    """Return how many dimensions nested lists have; a line of text with several numbers is one.

    >>> yaml_depth([[1, 2], [3, 4]]), yaml_depth(["1 2", "3 4"]), yaml_depth([[[1, 2]]])
    (2, 2, 3)
    """
    depth = 0
    while isinstance(rows, list) and rows:
        depth, rows = depth + 1, rows[0]
    return depth + (isinstance(rows, str) and len(tokens_of(rows)) > 1)


def yaml_bank(document: dict[str, Any], name: str, scale: Fraction, place: str) -> Bank:
    """Return the kernels of a layer given as lists (in, rows, columns) or (out, in, rows, columns)."""
    given = document["rows"]
    depth = yaml_depth(given)
    if depth > 4:
        raise UnreadableError(f"{place}: rows has {depth} dimensions", "give at most (out, in, rows, columns)")
    if "offset" in document:
        raise UnreadableError(f"{place}: has an offset", "say --bias, one value an output channel")
    outputs = given if depth == 4 else [given]
    banks = [yaml_channels(output, f"{place}: output {k}") for k, output in enumerate(outputs, start=1)]
    shapes = {(len(channels), len(rows), len(rows[0])) for channels in banks for rows in channels}
    if len(shapes) > 1:
        raise UnreadableError(f"{place}: has parts of several shapes {sorted(shapes)}", "give all of one shape")
    scaled = [[divided(rows, scale) for rows in channels] for channels in banks]
    source, note = str(document.get("source", f"file {place}")), str(document.get("note", ""))
    return bank_of(name, scaled, source, note)


def yaml_channels(output: Any, place: str) -> list[Rows]:
    """Return the rectangles of one output, one an input channel."""
    if not isinstance(output, list) or not output:
        raise UnreadableError(f"{place} is not a list of channels", "give a list of lists of rows")
    return [yaml_rows(rows, f"{place}, channel {k}") for k, rows in enumerate(output, start=1)]


def yaml_rows(rows: Any, place: str) -> Rows:
    """Return rows given as lists, or as lines of text."""
    if not isinstance(rows, list) or not rows:
        raise UnreadableError(f"{place}: rows is not a list of rows", "give a list of lists of numbers")
    read = tuple(yaml_row(row, f"{place}: row {k}") for k, row in enumerate(rows, start=1))
    odd = next((k for k, row in enumerate(read, start=1) if len(row) != len(read[0])), None)
    if odd is not None:
        raise UnreadableError(f"{place}: row {odd} has {len(read[odd - 1])} numbers", f"row 1 has {len(read[0])}")
    check_count(sum(map(len, read)), place)
    return read


def yaml_row(row: Any, place: str) -> tuple[Fraction, ...]:
    """Return one row."""
    if isinstance(row, str):
        return numbers(row, place)
    if not isinstance(row, list) or not row:
        raise UnreadableError(f"{place}: {row!r} is not a row", "give a list of numbers")
    return tuple(yaml_number(value, f"{place}, number {k}") for k, value in enumerate(row, start=1))


def yaml_number(value: Any, place: str) -> Fraction:
    """Return a number of a YAML document exactly as it is written: 0.1 is one tenth."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise UnreadableError(f"{place}: {value!r} is not a number", MEND_NUMBER)
    return number(re.sub(r"^([+-]?)\.(nan|inf)$", r"\1\2", str(value).strip()), f"{place}:")


def yaml_scale(document: dict[str, Any], place: str) -> Fraction:
    """Return what sums are divided by."""
    if "scale" in document and "divisor" in document:
        raise UnreadableError(f"{place}: has scale and divisor", "both divide: give one of them")
    key = "divisor" if "divisor" in document else "scale"
    scale = yaml_number(document.get(key, 1), f"{place}: {key}")
    if not scale:
        raise UnreadableError(f"{place}: {key} is 0", "sums are divided by it: give another number")
    return scale
