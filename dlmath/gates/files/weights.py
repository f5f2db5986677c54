"""Weights of a small network: read and written as .npz, .safetensors, .yaml and .json.

A layer's weights have the shape (fan_in, fan_out): row i holds what input i sends to each unit, z = x W + b.
A layer's biases are one number a unit, or one number alone that all its units share, or none. What `--save` writes
also says the layers' activations and what the optimizer remembers, so that a run can be taken up where it ended.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmath.errors import UnreadableError, unknown
from dlmath.files.atomic import STANDARD, write_bytes
from dlmath.files.examples import path_of
from dlmath.files.text import load_yaml, read_text, shown
from dlmath.gates.files.rows import vector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Matrix = tuple[tuple[float, ...], ...]

ENDINGS = (".npz", ".yaml", ".yml", ".json", ".safetensors")
TENSORS = (".npz", ".safetensors")
MEMORY = "memory"
"""The array, or the key, of what the optimizer remembers."""


@dataclass(frozen=True)
class Weights:
    """Weights and biases, layer by layer; layer 1 is nearest the input.

    Attributes
    ----------
    activations : tuple of str
        One a layer; empty where the file does not say.
    optimizer : str
        Whose memory it is; empty without one.
    memory : tuple of float
    """

    weights: tuple[Matrix, ...]
    biases: tuple[tuple[float, ...], ...]
    activations: tuple[str, ...] = ()
    optimizer: str = ""
    memory: tuple[float, ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Widths from the input to the output."""
        return (len(self.weights[0]), *(len(matrix[0]) for matrix in self.weights))


# ---------------------------------------------------------------------------------------------------- reading


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
    document = tensor_document(name) if ending in TENSORS else load_yaml(read_text(name), place)
    return checked(document, place)


def tensor_document(name: str) -> dict[str, Any]:
    """Return the arrays W1, b1, W2, ... of an .npz or .safetensors file as a document."""
    from dlmath.files.tensors import read_tensors

    tensors = read_tensors(name)
    arrays = {key: values.tolist() for key, values in tensors.arrays.items()}
    memory = arrays.pop(MEMORY, None)
    document = numbered(arrays, name)
    if memory is not None:
        document[MEMORY] = memory
    words = {key: tensors.words[key] for key in ("activations", "optimizer") if key in tensors.words}
    if "activations" in words:
        document["activations"] = words["activations"].split(",")
    return {**words, **document}


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
    """Return the lists under `weights` and `biases`."""
    if not isinstance(document, dict) or not isinstance(document.get("weights"), list) or not document["weights"]:
        raise UnreadableError(f"{name}: has no list 'weights'", "give weights: one matrix a layer, and biases:")
    biases = document.get("biases")
    if biases is None:
        biases = [[]] * len(document["weights"])
    if not isinstance(biases, list):
        raise UnreadableError(f"{name}: 'biases' is not a list", "give one entry a layer")
    return document["weights"], biases


def checked(document: Any, name: str) -> Weights:
    """Return the layers when their shapes chain and every entry is a finite number; a printed result is taken as is."""
    if isinstance(document, dict) and isinstance(document.get("result"), dict):
        document = document["result"]
    weights, biases = layers(document, name)
    if len(biases) != len(weights):
        raise UnreadableError(
            f"{name}: {len(weights)} weight matrices and {len(biases)} biases",
            "give one entry of biases a layer",
        )
    matrices = tuple(matrix(value, f"{name}: weights of layer {i + 1}") for i, value in enumerate(weights))
    vectors = tuple(tuple(vector(value, f"{name}: biases of layer {i + 1}")) for i, value in enumerate(biases))
    check_chain(matrices, vectors, name)
    memory = vector(document.get(MEMORY) or [], f"{name}: {MEMORY}")
    return Weights(matrices, vectors, activations_of(document, len(matrices), name),
                   str(document.get("optimizer") or ""), tuple(memory))  # fmt: skip


def check_chain(matrices: Sequence[Matrix], vectors: Sequence[Sequence[float]], name: str) -> None:
    """Refuse layers that do not follow on each other, and biases that are neither one a unit, one, nor none."""
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


def activations_of(document: Mapping[str, Any], depth: int, name: str) -> tuple[str, ...]:
    """Return the activations that a file names, one a layer."""
    words = document.get("activations") or []
    if not isinstance(words, list) or (words and len(words) != depth):
        raise UnreadableError(f"{name}: 'activations' is not one word a layer", f"give a list of {depth}, or none")
    return tuple(map(str, words))


def matrix(value: Any, place: str) -> Matrix:
    """Return a matrix with rows of equal length."""
    if not isinstance(value, list) or not value:
        raise UnreadableError(f"{place}: is not a matrix", "give a list of rows, one an input")
    rows = [tuple(vector(row, place)) for row in value]
    if any(len(row) != len(rows[0]) or not row for row in rows):
        raise UnreadableError(f"{place}: has rows of unequal length", "give every row one number a unit")
    return tuple(rows)


# ---------------------------------------------------------------------------------------------------- writing


def check_ending(name: str) -> None:
    """Refuse, before any work, a name of `--save` whose ending is no format of weights."""
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS and name != STANDARD:
        raise unknown("ending for --save:", ending or name, ENDINGS)


def save_weights(name: str, weights: Weights) -> None:
    """Write weights in the format of the name's ending, whole or not at all; standard output and devices get .npz."""
    ending = Path(name).suffix.lower()
    is_document = ending in ENDINGS and ending not in TENSORS
    write_bytes(name, document_content(ending, weights) if is_document else tensor_content(name, weights))


def tensor_content(name: str, weights: Weights) -> bytes:
    """Return W1, b1, W2, ..., and the optimizer's memory, as arrays of float64."""
    import numpy as np

    from dlmath.files.tensors import Tensors, tensor_bytes

    arrays = {f"W{i}": np.array(value, np.float64) for i, value in enumerate(weights.weights, 1)}
    arrays |= {f"b{i}": np.array(value, np.float64) for i, value in enumerate(weights.biases, 1)}
    if weights.memory:
        arrays[MEMORY] = np.array(weights.memory, np.float64)
    named = {"activations": ",".join(weights.activations), "optimizer": weights.optimizer}
    return tensor_bytes(name, Tensors(arrays, {key: value for key, value in named.items() if value}))


def document_content(ending: str, weights: Weights) -> bytes:
    """Return weights as JSON or YAML, every number at full precision."""
    document = {
        "weights": [[list(row) for row in matrix_] for matrix_ in weights.weights],
        "biases": [list(bias) for bias in weights.biases],
        "activations": list(weights.activations),
        "optimizer": weights.optimizer,
        MEMORY: list(weights.memory),
    }
    kept = {key: value for key, value in document.items() if value or key in {"weights", "biases"}}
    if ending in {".yaml", ".yml"}:
        import yaml

        return yaml.safe_dump(kept, sort_keys=False, default_flow_style=None, width=1000).encode()
    return (json.dumps(kept, indent=1) + "\n").encode()
