"""Weights in several .safetensors files: those an index names, or those of a Hugging Face folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dlmath.counting.engine.tensors import Tensor, TensorFile
from dlmath.counting.models.opening import damaged
from dlmath.counting.models.safetensors import read_safetensors
from dlmath.errors import UnreadableError
from dlmath.files.examples import path_of
from dlmath.files.text import read_text, unique

MOST_SHARDS = 10_000


def read_index(name: str) -> TensorFile:
    """Return the tensors of all shards that a `model.safetensors.index.json` names.

    Raises
    ------
    UnreadableError
        When it is no index, a shard is missing, or a shard has not what the index says it has.
    """
    places = _weight_map(name)
    shards = sorted(set(places.values()))
    if len(shards) > MOST_SHARDS:
        raise damaged(name, f"names {len(shards):,} files; up to {MOST_SHARDS:,} are read")
    found: dict[str, Tensor] = {}
    for shard in shards:
        _add(found, read_safetensors(str(path_of(name).parent / shard)), name)
    missing = [tensor for tensor in places if tensor not in found]
    if missing:
        raise damaged(name, f"names {missing[0][:60]!r}, which is in none of its files")
    note = f"{len(shards)} files of tensors without a graph: operations and shapes of the layers are unknown"
    return TensorFile(path_of(name).parent.resolve().name or "model", tuple(found.values()), name, (note,))


def _weight_map(name: str) -> dict[str, str]:
    try:
        content: Any = json.loads(read_text(name), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise damaged(name, f"is no JSON ({str(error)[:100]})") from error
    places = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(places, dict) or not places or not all(isinstance(place, str) for place in places.values()):
        raise damaged(name, "has no weight_map of tensors to files")
    outside = next((place for place in places.values() if Path(place).name != place), None)
    if outside is not None:
        raise damaged(name, f"names a file elsewhere: {outside[:60]!r}")
    return places


def _add(found: dict[str, Tensor], shard: TensorFile, name: str) -> None:
    for tensor in shard.tensors:
        if tensor.name in found:
            raise damaged(name, f"has tensor {tensor.name[:60]!r} in two files")
        found[tensor.name] = tensor


def read_folder(name: str) -> TensorFile:
    """Return the tensors of a folder as Hugging Face lays it out: an index with its shards, or .safetensors files.

    Raises
    ------
    UnreadableError
        When it has no .safetensors.
    """
    folder = path_of(name)
    index = sorted(folder.glob("*.safetensors.index.json"))
    if index:
        return read_index(str(index[0]))._replace(source=name)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        others = sorted(path.name for path in folder.glob("*.bin"))
        mend = "its .bin files are pickles: convert them to .safetensors" if others else "give a model file"
        raise UnreadableError(f"{name}: the folder holds no .safetensors", mend)
    found: dict[str, Tensor] = {}
    for path in files:
        _add(found, read_safetensors(str(path)), name)
    note = f"{len(files)} file{'s' * (len(files) != 1)} of tensors without a graph: operations are unknown"
    return TensorFile(folder.resolve().name, tuple(found.values()), name, (note,))
