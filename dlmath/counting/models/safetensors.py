"""The header of a .safetensors file: every tensor's name, dtype and shape, none of its bytes.

Eight bytes give the header's length (little endian), then comes that much JSON, name -> {"dtype", "shape",
"data_offsets"}, then the tensors' bytes without gaps (format of Hugging Face, github.com/huggingface/safetensors).
A file of 100 GB is read as fast as one of 1 kB.
"""

from __future__ import annotations

from typing import IO, Any

from dlmath.counting.engine.tensors import Tensor, TensorFile
from dlmath.counting.models.opening import damaged, opened, stem

LONGEST_HEADER = 100_000_000
"""Bytes; the format's own limit."""
MOST_ELEMENTS = 2**63 - 1
BITS = {
    "BOOL": ("bool", 8),
    "F4": ("float4_e2m1", 4),
    "F6_E2M3": ("float6_e2m3", 6),
    "F6_E3M2": ("float6_e3m2", 6),
    "F8_E4M3": ("float8_e4m3", 8),
    "F8_E5M2": ("float8_e5m2", 8),
    "F8_E4M3FNUZ": ("float8_e4m3fnuz", 8),
    "F8_E5M2FNUZ": ("float8_e5m2fnuz", 8),
    "F8_E8M0": ("float8_e8m0", 8),
    "U8": ("uint8", 8),
    "I8": ("int8", 8),
    "U16": ("uint16", 16),
    "I16": ("int16", 16),
    "F16": ("float16", 16),
    "BF16": ("bfloat16", 16),
    "U32": ("uint32", 32),
    "I32": ("int32", 32),
    "F32": ("float32", 32),
    "U64": ("uint64", 64),
    "I64": ("int64", 64),
    "F64": ("float64", 64),
    "C64": ("complex64", 64),
}
"""The dtypes of the format: what the others call them, and the bits of one element."""


def read_safetensors(name: str) -> TensorFile:
    """Return the tensors a .safetensors file holds, from its header alone.

    Raises
    ------
    UnreadableError
        When it is cut short, or its header is no JSON, names an unknown dtype, or describes tensors that overlap,
        leave gaps, or do not end where the file does.
    """
    with opened(name) as (file, size):
        try:
            header, begin = _header(file, size)
            tensors = _tensors(header, size - begin)
        except ValueError as error:
            raise damaged(name, error) from error
    notes = ("a .safetensors file holds no graph: operations and shapes of the layers are unknown",)
    return TensorFile(stem(name), tensors, name, notes)


def _header(file: IO[bytes], size: int) -> tuple[dict[str, Any], int]:
    """Return the header, and where the tensors' bytes begin."""
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > size - 8:
        raise ValueError(f"the header claims {length:,} bytes and the file has {max(size - 8, 0):,} after it says so")
    if length > LONGEST_HEADER:
        raise ValueError(f"the header claims {length:,} bytes; the format allows {LONGEST_HEADER:,}")
    return _parsed(file.read(length)), 8 + length


def _parsed(text: bytes) -> dict[str, Any]:
    import json

    from dlmath.files.text import unique

    if not text.startswith(b"{"):
        raise ValueError("the header does not begin with {: this is no .safetensors file")
    try:
        header: dict[str, Any] = json.loads(text.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the header is no JSON ({error})") from error
    header.pop("__metadata__", None)
    return header


def _tensors(header: dict[str, Any], room: int) -> tuple[Tensor, ...]:
    """Return the tensors in the order of their bytes, which must fill the file without gaps."""
    placed = sorted((*_offsets(name, entry), _tensor(name, entry)) for name, entry in header.items())
    end = 0
    for begin, stop, tensor in placed:
        if begin != end or stop - begin != tensor.bytes:
            raise ValueError(
                f"tensor {tensor.name[:60]!r} of {tensor.bytes:,} bytes is said to lie at {begin:,} to {stop:,}, "
                f"after {end:,} bytes of others"
            )
        end = stop
    if end != room:
        raise ValueError(f"the header describes {end:,} bytes of tensors and the file holds {room:,}")
    return tuple(tensor for _, _, tensor in placed)


def _tensor(name: str, entry: Any) -> Tensor:
    """Return a tensor as its entry describes it."""
    dtype, shape = _field(name, entry, "dtype"), _field(name, entry, "shape")
    if not (isinstance(dtype, str) and dtype in BITS):
        raise ValueError(f"tensor {name[:60]!r} has the unknown dtype {str(dtype)[:20]!r} (known: {', '.join(BITS)})")
    word, bits = BITS[dtype]
    tensor = Tensor(name, _whole_numbers(name, "shape", shape), word, 0)
    if tensor.size > MOST_ELEMENTS or tensor.size * bits % 8:
        raise ValueError(f"tensor {name[:60]!r} cannot have {tensor.size:,} elements of {bits} bits")
    return tensor._replace(bytes=tensor.size * bits // 8)


def _offsets(name: str, entry: Any) -> tuple[int, int]:
    """Return where a tensor's bytes begin and end, counted from the end of the header."""
    offsets = _whole_numbers(name, "data_offsets", _field(name, entry, "data_offsets"))
    if len(offsets) != 2:
        raise ValueError(f"tensor {name[:60]!r} has {len(offsets)} data_offsets, not 2")
    return offsets[0], offsets[1]


def _field(name: str, entry: Any, field: str) -> Any:
    if not isinstance(entry, dict) or field not in entry:
        raise ValueError(f"the header says no {field} of tensor {name[:60]!r}")
    return entry[field]


def _whole_numbers(name: str, field: str, value: Any) -> tuple[int, ...]:
    if isinstance(value, list) and len(value) <= 64 and all(type(one) is int and 0 <= one < 2**63 for one in value):
        return tuple(value)
    raise ValueError(f"the {field} of tensor {name[:60]!r} is no list of whole numbers")
