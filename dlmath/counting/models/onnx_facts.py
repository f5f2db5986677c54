"""What is known of each tensor of an ONNX graph before anything is counted: its shape, and small tensors' numbers.

Nodes are learned one by one in the graph's order, so that one that contradicts itself spoils nothing but what comes
of it. ONNX' own inference is asked for each node; before it, small tensors are worked out (`onnx_arithmetic`), and the
operators whose output shape is an input's numbers are read here, as a size in it may be open.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.counting.engine.open_sizes import OPEN, is_open
from dlmath.counting.engine.shapes import elements
from dlmath.counting.models.onnx_arithmetic import SMALL, Operands, numbers, worked_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.models.onnx_arithmetic import Array

FLOATS = {1, 10, 11, 16}
"""TensorProto.DataType of float, float16, double and bfloat16."""
FLOAT, INT64, BOOL = 1, 7, 9
ONNX_DOMAINS = {"", "ai.onnx"}


class OnnxFacts:
    """Shapes and small values so far, by the tensors' names.

    Attributes
    ----------
    shapes : dict of str to shape, or None
        With the batch, axes in ONNX' order; None where not even the number of axes is known.
    numbers : dict of str to object array
    types : dict of str to int
        TensorProto.DataType.
    """

    def __init__(self, opsets: Mapping[str, int]) -> None:
        self.opsets = dict(opsets)
        self.shapes: dict[str, Shape | None] = {}
        self.numbers: dict[str, Array] = {}
        self.types: dict[str, int] = {}
        self._onnx = import_module("onnx")

    def tell(self, name: str, shape: Shape | None, kind: int = FLOAT, value: Array | None = None) -> None:
        """Say what a tensor is."""
        self.shapes[name] = shape
        self.types[name] = kind
        if value is not None and value.size <= SMALL:
            self.numbers[name] = value

    def hold(self, tensor: Any) -> None:
        """Learn an initialiser, its numbers where they are few and in the file."""
        self.tell(tensor.name, tuple(tensor.dims), tensor.data_type, array_of(tensor))

    def learn(self, node: Any, attributes: Mapping[str, Any]) -> None:
        """Learn the outputs of a node; of what cannot be told nothing is known."""
        if self._is_worked_out(node, attributes):
            return
        found = self._inferred(node)
        shape = self._read(node, attributes)
        for place, name in enumerate(node.output):
            kind, known_shape = found.get(name, (self.types.get(_first(node), FLOAT), None))
            if place == 0 and shape is not None:
                known_shape = _merged(shape, known_shape)
            if name:
                self.tell(name, known_shape, kind)

    def _is_worked_out(self, node: Any, attributes: Mapping[str, Any]) -> bool:
        if node.domain not in ONNX_DOMAINS or len(node.output) != 1:
            return False
        if node.op_type in {"Shape", "Size"}:
            value = self._size_of(node, attributes)
            kind = INT64
        else:
            value = self._constant(attributes) if node.op_type == "Constant" else self._evaluated(node, attributes)
            kind = self._kind(node, attributes)
        if value is None:
            return False
        self.tell(node.output[0], value.shape, kind, value)
        return True

    def _size_of(self, node: Any, attributes: Mapping[str, Any]) -> Array | None:
        shape = self.shapes.get(node.input[0])
        if shape is None:
            return None
        if node.op_type == "Size":
            return np.array(elements(shape), dtype=object)
        return numbers(shape[slice(attributes.get("start", 0), attributes.get("end"))])

    def _constant(self, attributes: Mapping[str, Any]) -> Array | None:
        value = next(iter(attributes.values()), None)
        if isinstance(value, np.ndarray):
            return value if value.size <= SMALL else None
        if isinstance(value, (int, float)):
            return np.array(value, dtype=object)
        return numbers(value) if isinstance(value, tuple) and len(value) <= SMALL else None

    def _evaluated(self, node: Any, attributes: Mapping[str, Any]) -> Array | None:
        if not node.input or any(name and name not in self.numbers for name in node.input):
            return None
        values = [self.numbers[name] if name else None for name in node.input]
        return worked_out(node.op_type, Operands(values, attributes))

    def _kind(self, node: Any, attributes: Mapping[str, Any]) -> int:
        """Return the type of what is worked out."""
        if node.op_type == "Cast":
            return int(attributes["to"])
        if node.op_type in {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Not"}:
            return BOOL
        if node.op_type in {"Constant", "ConstantOfShape"}:
            tensor = next((one.t for one in node.attribute if one.name == "value"), None)
            if tensor is not None:
                return int(tensor.data_type)
            return INT64 if any(one.name.startswith("value_int") for one in node.attribute) else FLOAT
        return self.types.get(node.input[1 if node.op_type == "Where" else 0], FLOAT)

    def _inferred(self, node: Any) -> dict[str, tuple[int, Shape | None]]:
        """Return type and shape of a node's outputs as ONNX' own inference has them."""
        onnx = self._onnx
        domain = "" if node.domain in ONNX_DOMAINS else node.domain
        try:
            schema = onnx.defs.get_schema(node.op_type, self.opsets.get(domain, 1), domain)
            given = {name: self._type(name) for name in node.input if name}
            data = {name: tensor for name in node.input if (tensor := self._tensor(name)) is not None}
            found = onnx.shape_inference.infer_node_outputs(
                schema, node, given, data, opset_imports=self._imports(), ir_version=10
            )
        except (onnx.shape_inference.InferenceError, onnx.defs.SchemaError, onnx.checker.ValidationError, *_FAULTS):
            return {}
        return {name: _of_type(value) for name, value in found.items()}

    def _imports(self) -> list[Any]:
        return [self._onnx.helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]

    def _type(self, name: str) -> Any:
        shape = self.shapes.get(name)
        sizes = None if shape is None else [None if is_open(size) else size for size in shape]
        return self._onnx.helper.make_tensor_type_proto(self.types.get(name) or FLOAT, sizes)

    def _tensor(self, name: str) -> Any:
        """Return the numbers of a small tensor as ONNX takes them, None where one of them is not known."""
        value = self.numbers.get(name)
        kind = self.types.get(name, FLOAT)
        if value is None or value.ndim > 1 or any(map(is_open, value.flat)) or kind not in {*FLOATS, 6, INT64, BOOL}:
            return None
        try:
            return self._onnx.helper.make_tensor(name, kind, value.shape, value.reshape(-1).tolist())
        except (ValueError, TypeError, OverflowError):
            return None

    def _read(self, node: Any, attributes: Mapping[str, Any]) -> Shape | None:
        """Return the shape of an operator that is told its shape as an input, where that has open sizes."""
        rule = _TOLD.get(node.op_type)
        if rule is None or node.domain not in ONNX_DOMAINS:
            return None
        place = _PLACES.get(node.op_type, 1)
        name = node.input[place] if place < len(node.input) else ""
        told = self.numbers.get(name)
        if told is None or told.ndim != 1:
            return None
        try:
            return rule(self.shapes.get(node.input[0]), tuple(told.tolist()), attributes)
        except (ValueError, IndexError, TypeError, ArithmeticError):
            return None


def array_of(tensor: Any) -> Array | None:
    """Return the numbers of a small tensor that are in the file itself, None for other tensors."""
    if not 0 < elements(tuple(tensor.dims)) <= SMALL or tensor.external_data:
        return None
    try:
        array = import_module("onnx.numpy_helper").to_array(tensor)
    except (ValueError, TypeError, RuntimeError):
        return None
    return numbers(array) if array.dtype.kind in "iubf" else None


_FAULTS = (ValueError, TypeError, KeyError, RuntimeError, IndexError, AttributeError, ArithmeticError)


def _first(node: Any) -> str:
    return node.input[0] if node.input else ""


def _of_type(value: Any) -> tuple[int, Shape | None]:
    """Return the element type and shape of a TypeProto; an axis without a size is open."""
    if not value.HasField("tensor_type"):
        return FLOAT, None
    return value.tensor_type.elem_type or FLOAT, sizes_of(value)


def sizes_of(value: Any) -> Shape | None:
    """Return the shape of a TypeProto, None where it has none; an axis without a size is open."""
    if not value.HasField("tensor_type") or not value.tensor_type.HasField("shape"):
        return None
    axes = value.tensor_type.shape.dim
    return tuple(int(axis.dim_value) if axis.HasField("dim_value") and axis.dim_value >= 0 else OPEN for axis in axes)


def _merged(first: Shape, second: Shape | None) -> Shape:
    """Return a shape with the sizes that either of two tells."""
    if second is None or len(first) != len(second):
        return first
    return tuple(b if is_open(a) else a for a, b in zip(first, second, strict=True))


def _reshaped(shape: Shape | None, told: Sequence[int], attributes: Mapping[str, Any]) -> Shape:
    copies = not attributes.get("allowzero")
    wanted = [
        (shape[place] if shape is not None else OPEN) if size == 0 and copies else size
        for place, size in enumerate(told)
    ]
    if -1 not in wanted:
        return tuple(wanted)
    rest = -elements(tuple(wanted))
    total = OPEN if shape is None else elements(shape)
    return tuple(total // rest if size == -1 else size for size in wanted)


def _expanded(shape: Shape | None, told: Sequence[int], attributes: Mapping[str, Any]) -> Shape:
    del attributes
    if shape is None:
        return tuple(OPEN if size == 1 else size for size in told)
    rank = max(len(shape), len(told))
    pairs = zip((1,) * (rank - len(shape)) + shape, (1,) * (rank - len(told)) + tuple(told), strict=True)
    return tuple(b if a == 1 else a if b == 1 or not is_open(a) else b for a, b in pairs)


def _filled(shape: Shape | None, told: Sequence[int], attributes: Mapping[str, Any]) -> Shape:
    del shape, attributes
    return tuple(told)


def _tiled(shape: Shape | None, told: Sequence[int], attributes: Mapping[str, Any]) -> Shape | None:
    del attributes
    return None if shape is None else tuple(size * by for size, by in zip(shape, told, strict=True))


_TOLD: dict[str, Callable[[Shape | None, Sequence[int], Mapping[str, Any]], Shape | None]] = {
    "Reshape": _reshaped,
    "Expand": _expanded,
    "ConstantOfShape": _filled,
    "Tile": _tiled,
    "Resize": _filled,
}
_PLACES = {"ConstantOfShape": 0, "Resize": 3}
"""Which input tells the shape, where it is not the second."""
