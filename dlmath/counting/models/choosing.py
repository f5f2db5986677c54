"""What a model's name means: a network of the zoo, or a file by its ending; and what to do with other files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmath.counting import zoo
from dlmath.counting.engine.language import parse_reference
from dlmath.counting.engine.layers import ALIASES, FAMILY
from dlmath.counting.models.inputs import GivenInputs, parse_given
from dlmath.errors import InvalidValueError, UnreadableError
from dlmath.files.atomic import STANDARD
from dlmath.files.examples import is_example, path_of
from dlmath.files.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.counting.engine.graph import Network
    from dlmath.counting.engine.language import Reference
    from dlmath.counting.engine.tensors import TensorFile

INDEX = ".safetensors.index.json"
TENSORS = (".safetensors", ".npz", INDEX)
"""Files that hold tensors and no graph."""
ARCHITECTURES = (".yaml", ".yml", ".json")
EXPORT = "export it to ONNX (torch.onnx.export(model, inputs, 'net.onnx')) or save its state as .safetensors"
UNREAD = {
    **dict.fromkeys(
        (".pt", ".pth", ".ckpt", ".bin", ".pkl"), ("is a pickle, which can run code when it is read", EXPORT)
    ),
    **dict.fromkeys(
        (".h5", ".hdf5"),
        ("is Keras' older format (HDF5)", "load it in Keras and save it again: model.save('net.keras')"),
    ),
    ".tflite": (
        "is TensorFlow Lite's format",
        "give the Keras or ONNX model it was made of (python -m tf2onnx.convert --tflite)",
    ),
    ".pb": ("is TensorFlow's format", "convert it: python -m tf2onnx.convert --saved-model FOLDER --output net.onnx"),
    ".gguf": ("is llama.cpp's format", "give the .safetensors it was made of"),
    ".mlmodel": ("is Core ML's format", "give the model it was made of, as .onnx or .keras"),
}
"""Endings of model files that are not read: why, and what to do."""


def ending_of(name: str) -> str:
    """Return the ending that tells how a file is read.

    >>> ending_of("net.ONNX"), ending_of("model.safetensors.index.json"), ending_of("resnet50")
    ('.onnx', '.safetensors.index.json', '')
    """
    plain = str(path_of(name)).lower()
    return INDEX if plain.endswith(INDEX) else Path(plain).suffix


def holds_tensors(model: str) -> bool:
    """Return whether a model is a file, or a folder of files, of tensors without a graph."""
    if is_example(model):
        return ending_of(parse_reference(model).name) in TENSORS
    return ending_of(model) in TENSORS or (
        model not in {STANDARD, ""} and zoo_name(model) is None and path_of(model).is_dir()
    )


def zoo_name(model: str) -> str | None:
    """Return the name the zoo has for a model, None when it has none."""
    return zoo.find(parse_reference(model).name)


def names_a_model(spec: str) -> bool:
    """Return whether a word is the name of a model, not of a layer."""
    try:
        reference = parse_reference(spec)
    except InvalidValueError:
        return False
    name = reference.name
    known = {*TENSORS, *ARCHITECTURES, *READERS, *UNREAD}
    if zoo.find(name) is not None or name == STANDARD or is_example(spec) or ending_of(name) in known:
        return True
    return name not in {"", *FAMILY, *ALIASES} and path_of(name).is_dir()


def is_file(model: str) -> bool:
    """Return whether a model's name means a file or a folder, not a network of the zoo."""
    return names_a_model(model) and zoo_name(model) is None


def load_model(model: str, inputs: Sequence[str] = ()) -> Network:
    """Return the network that a name or a file means.

    Parameters
    ----------
    model : str
        A name of the zoo or a file, with settings: `mobilenet:width=0.5`.
    inputs : sequence of str
        What --input says: `SHAPE`, or `NAME=SHAPE` for files with several inputs.

    Raises
    ------
    InvalidValueError, UnreadableError
        With what to give instead.
    """
    given = parse_given(inputs)
    reference = parse_reference(model)
    ending = ending_of(reference.name)
    if zoo.find(reference.name) is not None:
        return zoo.load(reference, _only(given, reference.name))
    if ending in UNREAD:
        raise _unread(reference.name, ending)
    if holds_tensors(model):
        from dlmath.counting.engine.tensors import as_network

        return as_network(read_tensors(model))
    if ending in READERS:
        return READERS[ending](model, given)
    if (
        ending in ARCHITECTURES
        or reference.name == STANDARD
        or "/" in reference.name
        or path_of(reference.name).exists()
    ):
        return _architecture(reference, given)
    return zoo.load(reference)


def _only(given: GivenInputs, name: str) -> Any:
    """Return the one shape that a network of the zoo takes."""
    shape = given.shapes([("input", "its own")])[0]
    del name
    return shape


def _unread(name: str, ending: str) -> UnreadableError:
    """Return the error of a file whose format is not read."""
    if not path_of(name).exists():
        return UnreadableError(f"{shown(name)}: No such file or directory", "check the name; see also --list-models")
    why, mend = UNREAD[ending]
    return UnreadableError(f"{shown(name)}: {ending} {why}, and is not read", mend)


def _keras(model: str, given: GivenInputs) -> Network:
    from dlmath.counting.models.keras import read_keras

    return read_keras(model, given)


def _onnx(model: str, given: GivenInputs) -> Network:
    from dlmath.counting.models.onnx import read_onnx

    return read_onnx(model, given)


READERS: dict[str, Callable[[str, GivenInputs], Network]] = {".keras": _keras, ".onnx": _onnx}


def _architecture(reference: Reference, given: GivenInputs) -> Network:
    """Return the network of a YAML or JSON file; JSON may be what Keras' `model.to_json()` writes."""
    if ending_of(reference.name) == ".json" and (config := _json(reference.name)) is not None:
        if "class_name" in config:
            return _keras(reference.name, given)
        if "model_type" in config or "architectures" in config:
            raise UnreadableError(
                f"{shown(reference.name)}: is the config of a Hugging Face model, which describes no layers",
                "give the folder it stands in, whose .safetensors are counted",
            )
    from dlmath.counting.models.architecture import read_architecture

    return read_architecture(reference, _only(given, reference.name))


def _json(name: str) -> dict[str, Any] | None:
    import json

    try:
        found = json.loads(path_of(name).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def read_tensors(model: str) -> TensorFile:
    """Read the headers of a .safetensors or .npz file, of the shards of an index, or of a folder."""
    if path_of(model).is_dir() or ending_of(model) == INDEX:
        from dlmath.counting.models.shards import read_folder, read_index

        return read_folder(model) if path_of(model).is_dir() else read_index(model)
    if ending_of(model) == ".npz":
        from dlmath.counting.models.npz import read_npz

        return read_npz(model)
    from dlmath.counting.models.safetensors import read_safetensors

    return read_safetensors(model)
