"""ONNX model files: nodes, shapes as ONNX' own inference finds them, parameters as the file's own tensors.

The reader needs the package `onnx` (the extra `dlmath[onnx]`). Tensors kept in other files are not read.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.open_sizes import OPEN
from dlmath.counting.engine.shapes import elements, shape_text
from dlmath.counting.models.inputs import GivenInputs
from dlmath.counting.models.opening import damaged, opened, stem
from dlmath.errors import InvalidValueError, MissingExtraError, UnreadableError
from dlmath.files.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.counting.engine.graph import Network, Shape
    from dlmath.counting.models.onnx_walk import OnnxWalk

LARGEST_FILE = 2 * 2**30
"""Bytes; what a protocol buffer can hold (larger models keep their tensors in other files)."""
CHANNELS_FIRST_RANK = 3
SMALL = 4096
DATA_FIELDS = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")


def read_onnx(name: str, inputs: GivenInputs | tuple[Shape, ...] | list[Shape] = ()) -> Network:
    """Return the network an .onnx file describes.

    Parameters
    ----------
    name : str
        The file; `-` is standard input.
    inputs : GivenInputs, or sequence of shapes, optional
        Shapes to use in place of the file's, channels last. What stays open is open: parameters are counted all the
        same, operations are not.

    Raises
    ------
    MissingExtraError
        Without the package `onnx`.
    InvalidValueError
        When a shape is given for an input that the file does not have.
    UnreadableError
        When the file is damaged or describes no graph.
    """
    onnx = _package()
    model = _loaded(onnx, name)
    given = inputs if isinstance(inputs, GivenInputs) else GivenInputs({}, tuple(inputs))
    try:
        return _read(onnx, model, name, given)
    except InvalidValueError as error:
        raise InvalidValueError(f"{shown(name)}: {error.what}", error.mend) from error
    except UnreadableError as error:
        raise UnreadableError(f"{shown(name)}: {error.what}", error.mend) from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError, ArithmeticError) as error:
        raise damaged(name, str(error).split("\n")[0][:200] or "is no sound graph") from error


def _read(onnx: Any, model: Any, name: str, given: GivenInputs) -> Network:
    """OnnxWalk through the graph for one example; where that contradicts a batch written into it, for that batch."""
    if model.functions:
        model = import_module("onnx.inliner").inline_local_functions(model)
    constants = _hold_constants(model.graph)
    batches = _resize_inputs(model, given)
    declared = {} if given else _declared(model.graph, batches)
    walk = _walked(model, declared, constants)
    network = walk.network(stem(name), name)
    fixed = {size for size in batches.values() if size > 1}
    if walk.faults and len(fixed) == 1 and not given:
        whole = _with_batch(onnx, model, batches)
        other = _walked(whole, declared, constants)
        as_written = other.network(stem(name), name)
        if sum(map(len, other.faults.values())) < sum(map(len, walk.faults.values())):
            note = f"the graph is written for a batch of {fixed.pop()}, and is counted for the whole of it"
            return as_written._replace(notes=(note, *as_written.notes))
    return network


def _walked(model: Any, declared: dict[str, Shape], constants: set[str]) -> OnnxWalk:
    from dlmath.counting.models.onnx_walk import OnnxWalk

    opsets = {"" if one.domain == "ai.onnx" else one.domain: one.version for one in model.opset_import}
    return OnnxWalk(model.graph, {"": 1, **opsets}, declared, constants)


def _package() -> Any:
    try:
        onnx = import_module("onnx")
        import_module("onnx.shape_inference")
    except ImportError as error:
        raise MissingExtraError(
            "reading .onnx files needs the package onnx, which is not installed", "pip install 'dlmath[onnx]'"
        ) from error
    return onnx


def _loaded(onnx: Any, name: str) -> Any:
    decode_error = import_module("google.protobuf.message").DecodeError
    with opened(name) as (file, size):
        if size > LARGEST_FILE:
            raise damaged(name, f"has {size:,} bytes; an ONNX file has up to {LARGEST_FILE:,}")
        content = file.read()
    try:
        model = onnx.ModelProto.FromString(content)
    except (decode_error, ValueError, RecursionError) as error:
        raise damaged(name, "is no ONNX model") from error
    if not model.graph.node or not model.opset_import:
        raise damaged(name, "describes no graph")
    return model


def _graphs(graph: Any, depth: int = 0) -> Iterator[Any]:
    """Yield a graph and the bodies in it."""
    if depth > 20:
        raise ValueError("its bodies are nested too deep")
    yield graph
    for node in graph.node:
        for one in node.attribute:
            if one.HasField("g"):
                yield from _graphs(one.g, depth + 1)


def _hold_constants(graph: Any) -> set[str]:
    """Let tensors in Constant nodes be initialisers, forget the numbers of large ones, and return what stood so."""
    moved: set[str] = set()
    for each in _graphs(graph):
        kept = []
        for node in each.node:
            tensor = next((one.t for one in node.attribute if one.name == "value"), None)
            if node.op_type == "Constant" and tensor is not None and len(node.output) == 1:
                held = each.initializer.add()
                held.CopyFrom(tensor)
                held.name = node.output[0]
                moved.add(held.name)
            else:
                kept.append(node)
        if len(kept) < len(each.node):
            del each.node[:]
            each.node.extend(kept)
        for tensor in each.initializer:
            if elements(tuple(tensor.dims)) > SMALL:
                for field in DATA_FIELDS:
                    tensor.ClearField(field)
    return moved


def _fed(graph: Any) -> list[Any]:
    """Return the inputs that are data."""
    from dlmath.counting.models.onnx_walk import weights_fed

    held = {tensor.name for tensor in graph.initializer} | {value.name for value in weights_fed(graph)}
    return [value for value in graph.input if value.name not in held]


def _resize_inputs(model: Any, given: GivenInputs) -> dict[str, int]:
    """Set the batch to 1 and the sizes to those given; return the batches that stood there, 0 for open ones."""
    fed = _fed(model.graph)
    shapes = given.shapes([(value.name, _said(value)) for value in fed])
    batches: dict[str, int] = {}
    for value, shape in zip(fed, shapes, strict=True):
        axes = value.type.tensor_type.shape.dim
        if shape is not None:
            _set(value, _in_order(shape, axes))
        elif len(axes) > 1 and not _is_steps_first(axes):
            batches[axes[0].dim_param or value.name] = axes[0].dim_value
            axes[0].dim_value = 1
    return batches


def _said(value: Any) -> str:
    """Return the shape the file has for an input, as text."""
    axes = list(value.type.tensor_type.shape.dim)
    sizes = axes[1:] if len(axes) > 1 else axes
    return "x".join(str(axis.dim_value) if axis.dim_value > 0 else "?" for axis in sizes) or "unknown"


def _in_order(shape: Shape, axes: Any) -> Shape:
    """Return a shape that was given, in the file's order and with its batch."""
    if axes and len(axes) not in {len(shape), len(shape) + 1}:
        raise InvalidValueError(
            f"an input of {len(axes)} axes (the batch is one) is given the shape {shape_text(shape)}",
            f"give {len(axes) - 1} sizes, the channels last",
        )
    if len(axes) == len(shape):
        return shape
    last = axes[-1].dim_value if axes else 0
    first = axes[1].dim_value if len(axes) > 1 else 0
    stays = len(shape) < CHANNELS_FIRST_RANK or (last == shape[-1] and first != shape[-1])
    return (1, *(shape if stays else (shape[-1], *shape[:-1])))


def _set(value: Any, sizes: Shape) -> None:
    shape = value.type.tensor_type.shape
    del shape.dim[:]
    for size in sizes:
        axis = shape.dim.add()
        if size != OPEN:
            axis.dim_value = size


def _is_steps_first(axes: Any) -> bool:
    """Return whether an input is (steps, batch of 1, features), as recurrent layers take it."""
    return len(axes) == 3 and axes[0].dim_value > 1 and axes[1].dim_value == 1


def _with_batch(onnx: Any, model: Any, batches: dict[str, int]) -> Any:
    """Return the model with the batches that were written into it."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    size = max(batches.values())
    for value in _fed(made.graph):
        axes = value.type.tensor_type.shape.dim
        if len(axes) > 1 and axes[0].dim_value == 1:
            axes[0].dim_value = size
    return made


def _declared(graph: Any, batches: dict[str, int]) -> dict[str, Shape]:
    """Return the shapes the file itself says of what is computed, an open batch being 1."""
    found = {}
    for value in (*graph.value_info, *graph.output):
        if value.type.HasField("tensor_type") and value.type.tensor_type.HasField("shape"):
            axes = value.type.tensor_type.shape.dim
            found[value.name] = tuple(
                axis.dim_value if axis.dim_value > 0 else 1 if axis.dim_param in batches else OPEN for axis in axes
            )
    return found
