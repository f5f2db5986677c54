"""Small tensors that an ONNX graph computes for itself, worked out: the shapes that `x.view(x.size(0), -1)` leads to.

Exporters write such lines as chains of Shape, Gather, Mul, Unsqueeze, Concat. Each operator here is a function from
arrays of Python's own numbers (dtype object; a size that is not known is `OPEN` and stays so) to one such array. Where
an operator has changed from one opset to another, both forms are understood, as a node's inputs and attributes tell.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.counting.engine.open_sizes import OPEN, is_open

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Array = np.ndarray[Any, np.dtype[Any]]

SMALL = 4096
"""Elements up to which a tensor is worked out; what is larger is no shape."""


class Operands:
    """What an operator is given.

    Attributes
    ----------
    inputs : list of object arrays, or None for one that is left out
    attributes : mapping
    """

    def __init__(self, inputs: list[Array | None], attributes: Mapping[str, Any]) -> None:
        self.inputs = inputs
        self.attributes = attributes

    def __getitem__(self, place: int) -> Array:
        """Return an input that must be there."""
        found = self.inputs[place] if place < len(self.inputs) else None
        if found is None:
            raise ValueError(f"input {place} is not known")
        return found

    def option(self, place: int, name: str) -> list[int] | None:
        """Return whole numbers that stand as an input (since some opset) or as an attribute (before it)."""
        if place < len(self.inputs) and self.inputs[place] is not None:
            return [_sure(size) for size in self[place].reshape(-1)]
        value = self.attributes.get(name)
        return None if value is None else list(value)


def numbers(values: Any) -> Array:
    """Return an array of Python's own numbers.

    >>> numbers([1, OPEN]) * 2
    array([2, ?], dtype=object)
    """
    return np.array(values.tolist() if isinstance(values, np.ndarray) else list(values), dtype=object)


def _sure(value: Any) -> int:
    if is_open(value):
        raise ValueError("it rests on a size that is not known")
    return int(value)


def _limited(sizes: list[int]) -> list[int]:
    product = 1
    for size in sizes:
        product *= size
    if product > SMALL:
        raise ValueError("it is too large to be a shape")
    return sizes


def _each(function: Callable[..., Any], count: int = 2) -> Callable[[Operands], Array]:
    """Return the operator that treats each element by itself, inputs broadcast."""
    spread = np.frompyfunc(lambda *values: _rounded(function(*values)), count, 1)

    def run(given: Operands) -> Array:
        return np.asarray(spread(*(given[place] for place in range(count))), dtype=object)

    return run


def _rounded(value: Any) -> Any:
    """Return a fraction as float32 keeps it, in which graphs compute the sizes of pictures that are resized."""
    return float(np.float32(value)) if isinstance(value, float) else value


def _every(function: Callable[[Any, Any], Any]) -> Callable[[Operands], Array]:
    """Return the operator of any number of inputs."""
    spread = np.frompyfunc(function, 2, 1)

    def run(given: Operands) -> Array:
        total = given[0]
        for place in range(1, len(given.inputs)):
            total = np.asarray(spread(total, given[place]), dtype=object)
        return total

    return run


def _test(function: Callable[[Any, Any], bool]) -> Callable[[Operands], Array]:
    """Return a comparison; what is not known cannot be compared."""
    return _each(lambda a, b: OPEN if is_open(a) or is_open(b) else function(a, b))


def _divide(left: Any, right: Any) -> Any:
    if is_open(left) or is_open(right):
        return OPEN
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)  # whole numbers are cut off toward zero
        return quotient if (left < 0) == (right < 0) else -quotient
    return left / right


def _choose(condition: Any, first: Any, second: Any) -> Any:
    if is_open(condition):
        return first if first == second else OPEN
    return first if condition else second


def _cast(given: Operands) -> Array:
    kind = given.attributes["to"]
    turn: Callable[[Any], Any] = float if kind in {1, 10, 11, 16} else bool if kind == 9 else int
    return np.asarray(np.frompyfunc(lambda value: value if is_open(value) else turn(value), 1, 1)(given[0]), object)


def _gather(given: Operands) -> Array:
    places = given[1].astype(np.int64) if not any(map(is_open, given[1].flat)) else None
    if places is None:
        raise ValueError("places are not known")
    return np.take(given[0], places, axis=given.attributes.get("axis", 0))


def _concat(given: Operands) -> Array:
    return np.concatenate([given[place] for place in range(len(given.inputs))], axis=given.attributes.get("axis", 0))


def _unsqueeze(given: Operands) -> Array:
    axes = given.option(1, "axes") or []
    return np.expand_dims(given[0], tuple(axes))


def _squeeze(given: Operands) -> Array:
    axes = given.option(1, "axes")
    return np.squeeze(given[0], None if axes is None else tuple(axes))


def _slice(given: Operands) -> Array:
    starts, ends = given.option(1, "starts") or [], given.option(2, "ends") or []
    axes = given.option(3, "axes") or list(range(len(starts)))
    steps = given.option(4, "steps") or [1] * len(starts)
    places: list[Any] = [slice(None)] * given[0].ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        beyond = step < 0 and end < -given[0].shape[axis]
        places[axis] = slice(start, None if beyond else end, step)
    return np.asarray(given[0][tuple(places)], dtype=object)


def _reshape(given: Operands) -> Array:
    wanted = given.option(1, "shape") or []
    kept = [given[0].shape[place] if size == 0 else size for place, size in enumerate(wanted)]
    return np.asarray(given[0].reshape(kept), dtype=object)


def _transpose(given: Operands) -> Array:
    return np.transpose(given[0], given.attributes.get("perm"))


def _expand(given: Operands) -> Array:
    wanted = given.option(1, "shape") or []
    sizes = np.broadcast_shapes(given[0].shape, tuple(_limited(wanted)))
    return np.broadcast_to(given[0], _limited(list(sizes))).copy()


def _tile(given: Operands) -> Array:
    times = given.option(1, "repeats") or []
    _limited([size * by for size, by in zip(given[0].shape, times, strict=True)])
    return np.tile(given[0], times)


def _range(given: Operands) -> Array:
    start, stop, step = (given[place].reshape(-1)[0] for place in range(3))
    if any(map(is_open, (start, stop, step))) or (stop - start) / step > SMALL:
        raise ValueError("the range is not known, or too long")
    return numbers(np.arange(start, stop, step).tolist())


def _constant_of_shape(given: Operands) -> Array:
    value = given.attributes.get("value")
    fill = 0.0 if value is None else value.reshape(-1)[0]
    return np.full(_limited([_sure(size) for size in given[0].reshape(-1)]), fill, dtype=object)


def _reduced(function: Callable[[Any, Any], Any]) -> Callable[[Operands], Array]:
    def run(given: Operands) -> Array:
        axes, keep = given.option(1, "axes"), bool(given.attributes.get("keepdims", 1))
        if axes is None and given.attributes.get("noop_with_empty_axes"):
            return given[0]
        ufunc = np.frompyfunc(function, 2, 1)
        made = given[0]
        for axis in sorted({axis % made.ndim for axis in (range(made.ndim) if axes is None else axes)}, reverse=True):
            made = np.asarray(ufunc.reduce(made, axis=axis, keepdims=keep), dtype=object)
        return made

    return run


def _likely(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a minimum or maximum of which an unknown side makes an unknown result."""
    return lambda a, b: OPEN if is_open(a) or is_open(b) else function(a, b)


def _whole(function: Callable[[float], Any]) -> Callable[[Operands], Array]:
    return _each(lambda value: value if is_open(value) else float(function(value)), 1)


OPERATORS: dict[str, Callable[[Operands], Array]] = {
    "Identity": lambda given: given[0],
    "Cast": _cast,
    "Gather": _gather,
    "Concat": _concat,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Slice": _slice,
    "Reshape": _reshape,
    "Flatten": lambda given: given[0].reshape(given[0].shape[0] if given[0].ndim else 1, -1),
    "Transpose": _transpose,
    "Expand": _expand,
    "Tile": _tile,
    "Range": _range,
    "ConstantOfShape": _constant_of_shape,
    "Add": _each(operator.add),
    "Sub": _each(operator.sub),
    "Mul": _each(operator.mul),
    "Div": _each(_divide),
    "Mod": _each(lambda a, b: OPEN if is_open(a) or is_open(b) else a % b),
    "Pow": _each(lambda a, b: OPEN if is_open(a) or is_open(b) else a**b),
    "Neg": _each(operator.neg, 1),
    "Abs": _each(lambda value: value if is_open(value) else abs(value), 1),
    "Sqrt": _each(lambda value: value if is_open(value) else value**0.5, 1),
    "Floor": _whole(np.floor),
    "Ceil": _whole(np.ceil),
    "Round": _whole(np.round),
    "Min": _every(_likely(min)),
    "Max": _every(_likely(max)),
    "Equal": _test(operator.eq),
    "Less": _test(operator.lt),
    "LessOrEqual": _test(operator.le),
    "Greater": _test(operator.gt),
    "GreaterOrEqual": _test(operator.ge),
    "And": _test(lambda a, b: bool(a and b)),
    "Or": _test(lambda a, b: bool(a or b)),
    "Not": _each(lambda value: value if is_open(value) else not value, 1),
    "Where": _each(_choose, 3),
    "ReduceProd": _reduced(operator.mul),
    "ReduceSum": _reduced(operator.add),
    "ReduceMin": _reduced(_likely(min)),
    "ReduceMax": _reduced(_likely(max)),
}
"""What is worked out, by the names ONNX has."""


def worked_out(kind: str, given: Operands) -> Array | None:
    """Return an operator's output, None where it is not known or no small tensor."""
    rule = OPERATORS.get(kind)
    if rule is None:
        return None
    try:
        value = np.asarray(rule(given), dtype=object)
    except (ValueError, TypeError, IndexError, KeyError, ArithmeticError, AttributeError, MemoryError):
        return None
    return value if value.size <= SMALL else None
