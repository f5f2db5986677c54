"""ONNX model files: nodes, shapes as ONNX' own inference finds them, initialisers counted once.

The reader needs the package `onnx` (the extra `dlmath[onnx]`). Tensors kept in other files are not read.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dlmath.counting.models.opening import damaged, opened, stem
from dlmath.errors import MissingExtraError, UnreadableError
from dlmath.files.text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.counting.engine.graph import Network, Shape

LARGEST_FILE = 2 * 2**30
"""Bytes; what a protocol buffer can hold (larger models keep their tensors in other files)."""
CHANNELS_FIRST_RANK = 3


def read_onnx(name: str, inputs: Sequence[Shape] = ()) -> Network:
    """Return the network an .onnx file describes.

    Parameters
    ----------
    name : str
        The file; `-` is standard input.
    inputs : sequence of shapes, optional
        Shapes to use in place of the file's, one an input, channels last; needed where the file leaves sizes open.

    Raises
    ------
    MissingExtraError
        Without the package `onnx`.
    UnreadableError
        When the file is damaged or describes no graph.
    """
    onnx = _package()
    model = _loaded(onnx, name)
    from dlmath.counting.models.onnx_walk import Walk

    try:
        _resize_inputs(model, inputs)
        graph = _inferred(onnx, model)
        return Walk(graph).network(stem(name), name)
    except UnreadableError as error:
        raise UnreadableError(f"{shown(name)}: {error.what}", error.mend) from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError, ArithmeticError) as error:
        raise damaged(name, str(error).split("\n")[0][:200] or "is no sound graph") from error


def _package() -> Any:
    try:
        return import_module("onnx")
    except ImportError as error:
        raise MissingExtraError(
            "reading .onnx files needs the package onnx, which is not installed", "pip install 'dlmath[onnx]'"
        ) from error


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


def _resize_inputs(model: Any, inputs: Sequence[Shape]) -> None:
    """Set the batch to 1 and the sizes to those given, and forget the shapes the file has for what follows."""
    held = {tensor.name for tensor in model.graph.initializer}
    fed = [value for value in model.graph.input if value.name not in held]
    if inputs and len(inputs) != len(fed):
        raise ValueError(f"it has {len(fed)} inputs and {len(inputs)} shapes are given")
    for place, value in enumerate(fed):
        axes = value.type.tensor_type.shape.dim
        if not axes:
            raise ValueError(f"input {value.name!r} has no shape")
        sizes = _channels_first(inputs[place]) if inputs else tuple(axis.dim_value for axis in axes)[1:]
        if len(sizes) != len(axes) - 1 or min(sizes, default=1) < 1:
            text = "x".join(str(axis.dim_value) if axis.dim_value > 0 else "?" for axis in axes[1:])
            raise UnreadableError(
                f"input {value.name!r} has the shape {text} (channels first)",
                "give a whole one, channels last: --input 224x224x3",
            )
        batch = axes[0].dim_value if _is_steps_first(axes) else 1
        for axis, size in zip(axes, (batch, *sizes), strict=True):
            axis.dim_value = size
    del model.graph.value_info[:]


def _is_steps_first(axes: Any) -> bool:
    """Return whether an input is (steps, batch of 1, features), as recurrent layers take it."""
    return len(axes) == 3 and axes[0].dim_value > 1 and axes[1].dim_value == 1


def _channels_first(shape: Shape) -> Shape:
    return (shape[-1], *shape[:-1]) if len(shape) >= CHANNELS_FIRST_RANK else tuple(shape)


def _inferred(onnx: Any, model: Any) -> Any:
    """Return the graph with local functions written out and every shape that can be inferred."""
    from dlmath.counting.models.onnx_fold import SMALL, inferred

    for tensor in model.graph.initializer:
        if _elements(tensor.dims) > SMALL:
            # The numbers themselves are not wanted, and the inference would copy them
            for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data"):
                tensor.ClearField(field)
    if model.functions:
        model = import_module("onnx.inliner").inline_local_functions(model)
    return inferred(onnx, model)


def _elements(sizes: Sequence[int]) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product
