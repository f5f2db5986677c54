"""What a network needs in memory: its parameters, its activations at inference, and everything in training.

Inference: layers run in the order of the graph; the output of a layer is kept until the last layer that reads it has
run, and a view (flatten, dropout) is the memory of what it views. The need is the largest sum of tensors alive at once,
inputs included. Training: parameters, one gradient a trainable parameter, the optimizer's state, and all outputs, which
the backward pass reads again. What a library's kernels use besides (workspaces, copies) is not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.counting.engine.shapes import elements
from dlmath.errors import InvalidValueError, unknown

if TYPE_CHECKING:
    from dlmath.counting.engine.count import NetworkCount

BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
"""Bytes of a number."""

OPTIMIZER_STATE = {"sgd": 0, "momentum": 1, "nesterov": 1, "rmsprop": 1, "adam": 2}
"""Numbers an optimizer keeps for each trainable parameter beside its gradient."""


class Memory(NamedTuple):
    """Bytes.

    Attributes
    ----------
    params_bytes : int
        Weights and biases.
    buffers_bytes : int
        Running statistics and frozen scales.
    activations_bytes : int
        At inference: the most that is alive at once.
    gradients_bytes, optimizer_bytes : int
        In training.
    stored_bytes : int
        All outputs of all layers, as training keeps them.
    training_bytes : int
        Parameters, buffers, gradients, optimizer state and stored outputs.
    """

    params_bytes: int
    buffers_bytes: int
    activations_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    stored_bytes: int
    training_bytes: int


def memory(counted: NetworkCount, dtype: str = "float32", batch: int = 1, optimizer: str = "sgd") -> Memory:
    """Return the memory a counted network needs.

    Raises
    ------
    InvalidValueError
        For an unknown dtype or optimizer, or a batch below 1.

    Examples
    --------
    >>> from dlmath.counting.engine.count import count
    >>> from dlmath.counting.engine.graph import chain
    >>> memory(count(chain("tiny", (3,), [("dense", {"out": 4}), ("relu", {})])), optimizer="adam")[:3]
    (64, 0, 32)
    """
    if dtype not in BYTES:
        raise unknown("dtype", dtype, BYTES)
    if optimizer not in OPTIMIZER_STATE:
        raise unknown("optimizer", optimizer, OPTIMIZER_STATE)
    if batch < 1:
        raise InvalidValueError(f"the batch is {batch}", "make it a whole number from 1 up")
    size = BYTES[dtype]
    params, buffers = counted.params * size, counted.total("buffers") * size
    gradients = counted.total("trainable_params") * size
    state = gradients * OPTIMIZER_STATE[optimizer]
    stored = (counted.total("activations") + _input_elements(counted)) * batch * size
    return Memory(
        params,
        buffers,
        peak_elements(counted) * batch * size,
        gradients,
        state,
        stored,
        params + buffers + gradients + state + stored,
    )


def _input_elements(counted: NetworkCount) -> int:
    return sum(elements(row.output) for row in counted.nodes if row.node.kind == "input")


def peak_elements(counted: NetworkCount) -> int:
    """Return the most elements that are alive at once while the layers run in their order.

    A layer that runs for each of many regions keeps all its runs' outputs, as they are run as one batch.
    """
    owners = _owners(counted)
    sizes = [0] * len(owners)
    last = [0] * len(owners)
    for place, row in enumerate(counted.nodes):
        if owners[place] == place:
            sizes[place] = elements(row.output) * (row.runs if row.node.kind != "input" else 1)
        last[owners[place]] = max(last[owners[place]], place)
        for source in row.node.inputs if row.runs else ():
            last[owners[source]] = place
    for output in counted.network.outputs:
        last[owners[output]] = len(owners)
    return _most_alive(sizes, last)


def _owners(counted: NetworkCount) -> list[int]:
    """Return for each node whose memory its output is: its own, or for a view its input's."""
    owners: list[int] = []
    for place, row in enumerate(counted.nodes):
        owners.append(owners[row.node.inputs[0]] if row.counted.view and row.node.inputs else place)
    return owners


def _most_alive(sizes: list[int], last: list[int]) -> int:
    """Return the largest sum of sizes over all moments; size i is alive from moment i to moment last[i]."""
    ends: dict[int, int] = {}
    alive = most = 0
    for place, size in enumerate(sizes):
        alive += size
        most = max(most, alive)
        ends[last[place]] = ends.get(last[place], 0) + size
        alive -= ends.pop(place, 0)
    return most
