"""Trained weights: written and read as .npz and .safetensors, arrays `W1`, `b1`, `W2`, ... by name."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from dlmath.errors import UnreadableError, unknown
from dlmath.files.atomic import write_bytes
from dlmath.files.examples import path_of
from dlmath.images.files.npz import DAMAGE, read_member

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dlmath.neural.arrays import Array

ENDINGS = (".npz", ".safetensors")
TYPES = {"F32": "<f4", "F64": "<f8", "F16": "<f2"}
LONGEST_HEADER = 1_000_000


def check_ending(name: str, option: str) -> None:
    """Refuse a name whose ending is no format of weights."""
    ending = path_of(name).suffix.lower()
    if ending not in ENDINGS:
        raise unknown(f"ending of {option}:", ending or name, ENDINGS)


def save_weights(name: str, tensors: Mapping[str, Array]) -> None:
    """Write arrays by name, whole or not at all."""
    made = safetensors_bytes(tensors) if name.lower().endswith(".safetensors") else npz_bytes(tensors)
    write_bytes(name, made)


def npz_bytes(tensors: Mapping[str, Array]) -> bytes:
    """Return an archive; the same arrays give the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, values in tensors.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(values), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())  # dated 1980: no clock in the file
    return made.getvalue()


def safetensors_bytes(tensors: Mapping[str, Array]) -> bytes:
    """Return the format of Hugging Face: the header's length, a JSON header, the numbers."""
    words = {np.dtype(text): word for word, text in TYPES.items()}
    header, parts, offset = {}, [], 0
    for name, values in tensors.items():
        content = np.ascontiguousarray(values).tobytes()
        header[name] = {
            "dtype": words[values.dtype],
            "shape": list(values.shape),
            "data_offsets": [offset, offset + len(content)],
        }
        offset += len(content)
        parts.append(content)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # numbers begin at a multiple of 8 bytes
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def load_weights(name: str) -> dict[str, Array]:
    """Read arrays by name.

    Raises
    ------
    UnreadableError
        When the file is missing, damaged, or holds what is no numbers.
    """
    check_ending(name, "--weights")
    path = path_of(name)
    try:
        found = _safetensors(path) if path.suffix.lower() == ".safetensors" else _npz(path)
    except OSError as error:
        raise UnreadableError(f"{name}: {error.strerror or error}", "check the name and its permissions") from error
    except DAMAGE as error:
        raise UnreadableError(f"{name}: is damaged ({error})", "give a file written by --save") from error
    for key, values in found.items():
        if values.dtype.kind not in "fiu" or not np.isfinite(values).all():
            raise UnreadableError(f"{name}: {key} holds what is no finite number", "give weights that are numbers")
    return found


def _npz(path: Path) -> dict[str, Array]:
    with zipfile.ZipFile(path) as archive:
        keys = [entry.removesuffix(".npy") for entry in archive.namelist()]
        return {key: read_member(archive, key, str(path)) for key in keys}


def _safetensors(path: Path) -> dict[str, Array]:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(len(content) - 8, LONGEST_HEADER):
        raise ValueError(f"the header claims {length:,} bytes")
    header = json.loads(content[8 : 8 + length])
    if not isinstance(header, dict) or not all(isinstance(entry, dict) for entry in header.values()):
        raise ValueError("the header is no list of tensors")
    header.pop("__metadata__", None)
    return {key: _tensor(content[8 + length :], key, entry) for key, entry in header.items()}


def _tensor(content: bytes, key: str, entry: Mapping[str, object]) -> Array:
    dtype, shape, ends = entry["dtype"], entry["shape"], entry["data_offsets"]
    if dtype not in TYPES or not isinstance(shape, list) or not isinstance(ends, list):
        raise ValueError(f"tensor {key!r} is of type {dtype}; read are {', '.join(TYPES)}")
    return np.frombuffer(content[ends[0] : ends[1]], TYPES[str(dtype)]).reshape(shape)
