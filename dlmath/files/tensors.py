"""Arrays by name, with a few words beside them: written and read as .npz and .safetensors."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.errors import UnreadableError
from dlmath.files.examples import path_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ENDINGS = (".npz", ".safetensors")
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
"""safetensors' words for the types that are read and written."""
LONGEST_HEADER = 10_000_000
LARGEST = 64_000_000
"""Bytes of all arrays together, unpacked: a few packed megabytes of zeros stand for gigabytes."""
ZIP_START = b"PK"
WORDS = "__words__"
"""The member of an .npz that holds the words, as JSON in bytes."""
METADATA = "__metadata__"  # safetensors' own name for them
# What zipfile, zlib and NumPy raise over a file that is cut short, changed, encrypted, or holds pickled objects
DAMAGE = (ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile, zlib.error, RuntimeError, SyntaxError,
          struct.error)  # fmt: skip


class Tensors(NamedTuple):
    """What such a file holds."""

    arrays: Mapping[str, NDArray[Any]]
    words: Mapping[str, str]


def tensor_bytes(name: str, tensors: Tensors) -> bytes:
    """Return a file's content in the format that `name` ends in; the same tensors give the same bytes."""
    return _safetensors_bytes(tensors) if Path(name).suffix.lower() == ".safetensors" else _npz_bytes(tensors)


def read_tensors(name: str) -> Tensors:
    """Read a file by its ending.

    Raises
    ------
    UnreadableError
        When it is missing, damaged, no such file, or holds what is no finite number.
    """
    read = _read_safetensors if path_of(name).suffix.lower() == ".safetensors" else _read_npz
    try:
        tensors = read(name)
    except OSError as error:
        raise UnreadableError(f"{name}: {error.strerror or error}", "check the name and its permissions") from error
    except DAMAGE as error:
        raise UnreadableError(f"{name}: is damaged ({error})", "give a file written by --save") from error
    for key, values in tensors.arrays.items():
        strange = values if values.dtype.kind not in "fiu" else values[~np.isfinite(values)]
        if strange.size:
            raise UnreadableError(f"{name}: {key}: {strange.flat[0].item()!r} is not a finite number", "give a number")
    return tensors


# ------------------------------------------------------------------------------------------------------- .npz


def _npz_bytes(tensors: Tensors) -> bytes:
    words = {WORDS: np.frombuffer(json.dumps(dict(tensors.words)).encode(), np.uint8)} if tensors.words else {}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for key, values in {**tensors.arrays, **words}.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(values), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{key}.npy"), content.getvalue())  # dated 1980: no clock in the file
    return made.getvalue()


def _read_npz(name: str) -> Tensors:
    with path_of(name).open("rb") as file:
        if file.read(2) != ZIP_START:
            raise UnreadableError(f"{name}: is not an .npz file", "give a file written by --save")
        file.seek(0)
        with np.load(file, allow_pickle=False) as members:
            _check_size(name, sum(member.file_size for member in members.zip.infolist()))
            arrays = {key: np.asarray(members[key]) for key in members}
    words = arrays.pop(WORDS, None)
    return Tensors(arrays, {} if words is None else _words(json.loads(words.tobytes())))


def _check_size(name: str, size: int) -> None:
    if size > LARGEST:
        what = f"{name}: holds {size:,} bytes of arrays, more than {LARGEST:,}"
        raise UnreadableError(what, "give the weights of a network that is trained here")


def _words(document: Any) -> dict[str, str]:
    if not isinstance(document, dict):
        raise TypeError("its words are no mapping")
    return {str(key): str(value) for key, value in document.items()}


# ----------------------------------------------------------------------------------------------- .safetensors


def _safetensors_bytes(tensors: Tensors) -> bytes:
    """Return the format of Hugging Face: the header's length, a JSON header, the numbers."""
    names = {np.dtype(text): word for word, text in TYPES.items()}
    header: dict[str, Any] = {METADATA: dict(tensors.words)} if tensors.words else {}
    parts, offset = [], 0
    for key, values in tensors.arrays.items():
        content = np.ascontiguousarray(values).tobytes()
        ends = [offset, offset + len(content)]
        header[key] = {"dtype": names[values.dtype], "shape": list(values.shape), "data_offsets": ends}
        parts.append(content)
        offset = ends[1]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # numbers begin at a multiple of 8 bytes
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def _read_safetensors(name: str) -> Tensors:
    _check_size(name, path_of(name).stat().st_size)
    content = path_of(name).read_bytes()
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(len(content) - 8, LONGEST_HEADER):
        raise ValueError(f"its header claims {length:,} bytes")
    header = json.loads(content[8 : 8 + length])
    if not isinstance(header, dict):
        raise TypeError("its header is no mapping")
    words = _words(header.pop(METADATA, {}))
    numbers = content[8 + length :]
    return Tensors({key: _tensor(numbers, key, entry) for key, entry in header.items()}, words)


def _tensor(numbers: bytes, key: str, entry: Mapping[str, Any]) -> NDArray[Any]:
    dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if dtype not in TYPES:
        raise ValueError(f"{key} is of type {dtype}; read are {', '.join(TYPES)}")
    if not 0 <= start <= end <= len(numbers):
        raise ValueError(f"{key} lies beyond the end")
    return np.frombuffer(numbers[start:end], TYPES[dtype]).reshape(shape)
