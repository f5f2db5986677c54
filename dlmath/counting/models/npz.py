"""The headers of an .npz file's arrays: names, shapes and dtypes, no array data, no pickle.

An .npz is a zip of .npy members; each begins with a magic string, a version, a length, and a Python literal
{"descr", "fortran_order", "shape"} (NumPy Enhancement Proposal 1). Only that much of a member is unpacked.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from dlmath.counting.engine.tensors import Tensor, TensorFile
from dlmath.counting.models.archive import members
from dlmath.counting.models.opening import damaged, stem

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 10_000
"""Bytes, as NumPy itself limits it: the literal's parser is not for long input."""
KINDS = {"f": "float", "i": "int", "u": "uint", "c": "complex", "b": "bool"}
LIKE_BFLOAT16 = "V2"  # what NumPy writes for the bfloat16 of ml_dtypes


def read_npz(name: str) -> TensorFile:
    """Return the arrays of numbers an .npz file holds, from their headers alone.

    What holds no numbers (text, pickled objects, records) is left out and named in the notes.

    Raises
    ------
    UnreadableError
        When the zip or a header is damaged, or a member is not as long as its header says.
    """
    with members(name) as archive:
        tensors, notes = [], ["an .npz file holds no graph: operations and shapes of the layers are unknown"]
        for info in archive.infolist():
            try:
                tensor = _tensor(archive, info)
            except ValueError as error:
                raise damaged(name, f"{info.filename[:60]}: {error}") from error
            if tensor.dtype:
                tensors.append(tensor)
            else:
                notes.append(f"{tensor.name} holds no numbers and is not counted")
    if not tensors:
        raise damaged(name, "holds no arrays of numbers")
    return TensorFile(stem(name), tuple(tensors), name, tuple(notes))


def _tensor(archive: ZipFile, info: ZipInfo) -> Tensor:
    """Return one member's array, its dtype "" when its elements are no numbers."""
    with archive.open(info) as file:
        header, begin = _header(file)
    descr, shape = header.get("descr"), header.get("shape")
    if not isinstance(shape, tuple) or not all(type(one) is int and 0 <= one < 2**63 for one in shape):
        raise ValueError(f"its shape is {str(shape)[:40]}")
    dtype, width = _dtype(descr)
    tensor = Tensor(info.filename.removesuffix(".npy"), shape, dtype, 0)
    tensor = tensor._replace(bytes=tensor.size * width)
    if dtype and tensor.bytes != info.file_size - begin:
        raise ValueError(f"{tensor.bytes:,} bytes are described and {info.file_size - begin:,} are there")
    return tensor


def _header(file: IO[bytes]) -> tuple[dict[str, Any], int]:
    """Return a member's header, and where its numbers begin."""
    lead = file.read(8)
    if lead[:6] != MAGIC or len(lead) < 8 or lead[6] not in (1, 2, 3):
        raise ValueError("is no .npy array")
    width = 2 if lead[6] == 1 else 4
    length = int.from_bytes(file.read(width), "little")
    if length > LONGEST_HEADER:
        raise ValueError(f"its header claims {length:,} bytes; {LONGEST_HEADER:,} are allowed")
    text = file.read(length)
    if len(text) < length:
        raise ValueError("its header is cut short")
    return _literal(text.decode("utf-8" if lead[6] == 3 else "latin-1")), 8 + width + length


def _literal(text: str) -> dict[str, Any]:
    from ast import literal_eval

    try:
        header = literal_eval(text.strip())
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError("its header is no Python literal") from error
    if not isinstance(header, dict):
        raise ValueError("its header is no dictionary")  # noqa: TRY004  the file is wrong, not a caller
    return header


def _dtype(descr: Any) -> tuple[str, int]:
    """Return NumPy's word for a dtype and the bytes of one element; ("", 0) when it is no number.

    >>> _dtype("<f4"), _dtype("|b1"), _dtype("|O"), _dtype([("x", "<f4")])
    (('float32', 4), ('bool', 1), ('', 0), ('', 0))
    """
    word = descr[1:] if isinstance(descr, str) and descr[:1] in {"<", ">", "|", "="} else ""
    if word == LIKE_BFLOAT16:
        return "bfloat16", 2
    kind, digits = KINDS.get(word[:1], ""), word[1:]
    if not kind or digits not in {"1", "2", "4", "8", "12", "16", "32"}:
        return "", 0
    return kind if kind == "bool" else f"{kind}{int(digits) * 8}", int(digits)
