"""Weights of a small network: read from .npz, .yaml or .json, written as .npz.

A layer's weights have the shape (fan_in, fan_out): row i holds what input i sends to each unit, z = x W + b.
A layer's biases are one number a unit, or one number alone that all its units share, or none.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dlmath.errors import UnreadableError, unknown
from dlmath.files.atomic import atomic
from dlmath.files.rows import vector
from dlmath.files.text import load_yaml, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Matrix = tuple[tuple[float, ...], ...]

ENDINGS = (".npz", ".yaml", ".yml", ".json")


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
    """Read a network's weights.

    Raises
    ------
    UnreadableError
        When the file is no such file, or its shapes do not chain.
    """
    ending = "." + name.rpartition(".")[2].lower()
    if ending not in ENDINGS:
        raise unknown("ending of a weights file:", ending, ENDINGS)
    document = npz_document(name) if ending == ".npz" else load_yaml(read_text(name), name)
    return checked(*layers(document, name), name)


def npz_document(name: str) -> dict[str, Any]:
    """Return the arrays W1, b1, W2, ... of an .npz file as lists."""
    import numpy as np

    try:
        with np.load(name, allow_pickle=False) as arrays:
            matrices = in_order({key: arrays[key].tolist() for key in arrays if key.startswith("W")})
            biases = {key: arrays[key].tolist() for key in arrays if key.startswith("b")}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableError(f"{name}: {reason}", "give a file written by --save") from error
    ordered = [biases.get(f"b{index + 1}", []) for index in range(len(matrices))]
    return {"weights": matrices, "biases": ordered}


def in_order(arrays: Mapping[str, Any]) -> list[Any]:
    """Return W1, W2, ... by their numbers."""
    numbered = {key: value for key, value in arrays.items() if key[1:].isdecimal()}
    return [numbered[key] for key in sorted(numbered, key=lambda key: int(key[1:]))]


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
    with atomic(name) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # the stub takes the file for an array
