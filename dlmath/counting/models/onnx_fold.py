"""Shapes that an ONNX graph computes for itself, worked out before anything is counted.

Exporters write `x.view(x.size(0), -1)` as a chain of Shape, Gather and Concat. ONNX' inference follows such chains a
little way only; here each small integer tensor that is known is put into the graph as a constant, and the inference
runs again until it learns nothing new.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

FLOATS = {1, 10, 11, 16}
"""TensorProto.DataType of float, float16, double and bfloat16."""
SMALL = 64
"""Elements up to which a tensor may be a shape."""
MOST_PASSES = 50
FOLDED = {
    *("Gather", "Concat", "Unsqueeze", "Squeeze", "Slice", "Cast", "Identity", "Reshape", "Constant"),
    *("Mul", "Add", "Sub", "Div", "Neg", "Floor", "Ceil", "Min", "Max", "Equal", "Where", "Mod", "Sqrt"),
}
"""Operators that are worked out; none of them makes much out of little."""


def inferred(onnx: Any, model: Any) -> Any:
    """Return the graph with every shape that can be inferred."""
    for _ in range(MOST_PASSES):
        try:
            found = onnx.shape_inference.infer_shapes(model, data_prop=True)
        except onnx.shape_inference.InferenceError:
            return model.graph
        if not fold(onnx, found):
            return found.graph
        model = found
    return model.graph


def fold(onnx: Any, model: Any) -> bool:
    """Write nodes whose small outputs are known as constants; return whether there were any."""
    graph = model.graph
    weights = {one.name for one in graph.initializer if one.data_type in FLOATS}
    known = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer if _is_small(one)}
    shapes = {one.name: _sizes(one) for one in (*graph.value_info, *graph.input, *graph.output)}
    shapes |= {one.name: tuple(one.dims) for one in graph.initializer}
    written, count = [], 0
    for node in graph.node:
        # What is made of floating-point initialisers may be a parameter, and stays as it is
        value = None if weights.intersection(node.input) else _worked_out(node, known, shapes)
        if value is not None:
            known[node.output[0]] = value
        if value is None or node.op_type == "Constant":
            written.append(node)
            continue
        count += 1
        written.append(_constant(onnx, node.output[0], value))
    del graph.node[:]
    graph.node.extend(written)
    return count > 0


def _constant(onnx: Any, name: str, value: Any) -> Any:
    return onnx.helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(value, name))


def _is_small(tensor: Any) -> bool:
    """Return whether an initialiser may be a shape: a few numbers that are in the file itself."""
    size = 1
    for axis in tensor.dims:
        size *= axis
    return 0 < size <= SMALL and not tensor.external_data


def _worked_out(node: Any, known: dict[str, Any], shapes: dict[str, Any]) -> Any:
    """Return a node's output as an array, None where it is not known."""
    import numpy as np

    if node.domain not in {"", "ai.onnx"} or len(node.output) != 1:
        return None
    if node.op_type == "Shape" and not node.attribute:
        shape = shapes.get(node.input[0])
        return np.array(shape, np.int64) if shape else None
    if node.op_type not in FOLDED or not all(name in known for name in node.input if name):
        return None
    return _evaluated(node, {name: known[name] for name in node.input if name})


def _evaluated(node: Any, feeds: dict[str, Any]) -> Any:
    """Return what a node gives, None where it cannot be worked out or is too much to be a shape."""
    import numpy as np

    evaluator = import_module("onnx.reference").ReferenceEvaluator
    try:
        value = np.asarray(evaluator(node).run(None, feeds)[0])
    except (TypeError, ValueError, IndexError, KeyError, RuntimeError, ArithmeticError, AttributeError):
        return None
    return value if 0 < value.size <= SMALL and value.dtype.kind in "iubf" else None


def _sizes(value: Any) -> tuple[int, ...] | None:
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        return None
    sizes = tuple(int(axis.dim_value) for axis in value.type.tensor_type.shape.dim)
    return sizes if all(size > 0 for size in sizes) else None
