"""Weights of a small network: read from .npz, .yaml or .json, written as .npz.

A layer's weights have the shape (fan_in, fan_out): row i holds what input i sends to each unit, z = x W + b.
A layer's biases are one number a unit, or one number alone that all its units share, or none.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

from dlmath.errors import UnreadableError, unknown
from dlmath.files.atomic import STANDARD, write_bytes
from dlmath.files.examples import path_of
from dlmath.files.text import load_yaml, read_text, shown
from dlmath.gates.files.rows import vector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Matrix = tuple[tuple[float, ...], ...]

ENDINGS = (".npz", ".yaml", ".yml", ".json")
ZIP_START = b"PK"
# What zipfile, zlib and NumPy raise over a file that is cut short, changed, encrypted, or holds pickled objects
DAMAGE = (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, RuntimeError, SyntaxError, struct.error)


@dataclass(frozen=True)
class Weights:
    """Weights and biases, layer by layer; layer 1 is nearest the input."""

    weights: tuple[Matrix, ...]
    biases: tuple[tuple[float, ...], ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Widths from the input to the output."""
        return (len(self.weights[0]), *(len(matrix[0]) for matrix in self.weights))


def read_weights(name: str) -> Weights:
    """Read a network's weights (`-`: standard input, a printed JSON result or YAML).

    Raises
    ------
    UnreadableError
        When the file is no such file, or its shapes do not chain.
    """
    ending = path_of(name).suffix.lower()
    if ending not in ENDINGS and name != STANDARD:
        raise unknown("ending of a weights file:", ending or name, ENDINGS)
    place = shown(name)
    document = npz_document(name) if ending == ".npz" else load_yaml(read_text(name), place)
    return checked(*layers(document, place), place)


def npz_document(name: str) -> dict[str, Any]:
    """Return the arrays W1, b1, W2, ... of an .npz file as lists."""
    import numpy as np

    try:
        with path_of(name).open("rb") as file:
            if file.read(2) != ZIP_START:
                raise UnreadableError(f"{name}: is not an .npz file", "give a file written by --save")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                found = {key: np.asarray(arrays[key]).tolist() for key in arrays}
    except OSError as error:
        raise UnreadableError(f"{name}: {error.strerror or error}", "check the name and its permissions") from error
    except DAMAGE as error:
        raise UnreadableError(f"{name}: is damaged ({error})", "give a file written by --save") from error
    return numbered(found, name)


def numbered(arrays: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the document of arrays named W1, b1, W2, b2, ...; a layer without b has no biases."""
    depth = next(index for index in count() if f"W{index + 1}" not in arrays)
    allowed = {f"{letter}{index + 1}" for letter in "Wb" for index in range(depth)}
    strange = sorted(set(arrays) - allowed)
    if strange or not depth:
        what = f"holds an array {strange[0]!r}" if strange else "holds no arrays"
        raise UnreadableError(f"{name}: {what}", "name the arrays W1, b1, W2, b2, ..., one pair a layer")
    return {
        "weights": [arrays[f"W{index + 1}"] for index in range(depth)],
        "biases": [arrays.get(f"b{index + 1}", []) for index in range(depth)],
    }


def layers(document: Any, name: str) -> tuple[list[Any], list[Any]]:
    """Return the lists under `weights` and `biases`; a printed JSON result is taken as it is."""
    if isinstance(document, dict) and isinstance(document.get("result"), dict):
        document = document["result"]
    if not isinstance(document, dict) or not isinstance(document.get("weights"), list) or not document["weights"]:
        raise UnreadableError(f"{name}: has no list 'weights'", "give weights: one matrix a layer, and biases:")
    biases = document.get("biases")
    if biases is None:
        biases = [[]] * len(document["weights"])
    if not isinstance(biases, list):
        raise UnreadableError(f"{name}: 'biases' is not a list", "give one entry a layer")
    return document["weights"], biases


def checked(weights: Sequence[Any], biases: Sequence[Any], name: str) -> Weights:
    """Return the layers when their shapes chain and every entry is a finite number."""
    if len(biases) != len(weights):
        raise UnreadableError(
            f"{name}: {len(weights)} weight matrices and {len(biases)} biases",
            "give one entry of biases a layer",
        )
    matrices = tuple(matrix(value, f"{name}: weights of layer {i + 1}") for i, value in enumerate(weights))
    vectors = tuple(tuple(vector(value, f"{name}: biases of layer {i + 1}")) for i, value in enumerate(biases))
    for index, (before, after) in enumerate(pairwise(matrices)):
        if len(before[0]) != len(after):
            raise UnreadableError(
                f"{name}: layer {index + 1} has {len(before[0])} units, but layer {index + 2} takes {len(after)}",
                "a matrix has one row an input and one column a unit",
            )
    for index, (matrix_, bias) in enumerate(zip(matrices, vectors, strict=True)):
        if len(bias) not in {0, 1, len(matrix_[0])}:
            raise UnreadableError(
                f"{name}: layer {index + 1} has {len(bias)} biases",
                f"it has {len(matrix_[0])} units: give as many, one, or none",
            )
    return Weights(matrices, vectors)


def matrix(value: Any, place: str) -> Matrix:
    """Return a matrix with rows of equal length."""
    if not isinstance(value, list) or not value:
        raise UnreadableError(f"{place}: is not a matrix", "give a list of rows, one an input")
    rows = [tuple(vector(row, place)) for row in value]
    if any(len(row) != len(rows[0]) or not row for row in rows):
        raise UnreadableError(f"{place}: has rows of unequal length", "give every row one number a unit")
    return tuple(rows)


def save_weights(name: str, weights: Sequence[Any], biases: Sequence[Any]) -> None:
    """Write W1, b1, W2, ... as .npz, whole or not at all."""
    import numpy as np

    arrays = {f"W{index + 1}": np.asarray(value) for index, value in enumerate(weights)}
    arrays |= {f"b{index + 1}": np.asarray(value) for index, value in enumerate(biases)}
    made = io.BytesIO()  # an archive is not written straight into a pipe or a device: zipfile asks for its position
    np.savez(made, **arrays)  # type: ignore[arg-type]  # the stub takes the file for an array
    write_bytes(name, made.getvalue())
