"""`dlmath param-count --model FILE` for files that hold tensors without a graph: parameters, no operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.tensors import by_dtype, by_module
from dlmath.counting.models.choosing import read_tensors
from dlmath.errors import InvalidValueError
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome
from dlmath.report.blocks import Facts, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.counting.engine.tensors import TensorFile
    from dlmath.counting.words import Words
    from dlmath.frame.output import Output
    from dlmath.report.blocks import Block


def check_tensors(words: Words, output: Output) -> None:
    """Refuse what only a network's layers give a meaning."""
    if words.layers or words.conv:
        raise InvalidValueError("--model names a whole network, and layers are given too", "give one of them")
    given = {**words.given(but=("model",)), "--explain": output.explain, "--plot": output.plot}
    refuse(given, "on a file of tensors, which has no layers")


def count_tensors(words: Words, output: Output) -> Outcome:
    """Read the header of a weights file and add up what it names."""
    model = read_tensors(words.model or "")
    table = main_table(model)
    return Outcome(
        command="param-count",
        settings={**words.as_dict(), **output.settings()},
        result=result(model),
        table=table,
        blocks=lambda: blocks(model, table),
        notes=model.notes,
    )


def result(model: TensorFile) -> dict[str, object]:
    """Return the result; operations and shapes of activations are unknown, not zero."""
    size = sum(tensor.bytes for tensor in model.tensors)
    return {
        "name": model.name,
        "source": model.source,
        "input_shape": None,
        "output_shape": None,
        "params": sum(tensor.size for tensor in model.tensors),
        "trainable_params": None,
        "weights": None,
        "biases": None,
        "macs": None,
        "flops": None,
        "macs_unknown": "a file of tensors has no graph",
        "at_least": False,
        "uncounted": [],
        "memory": {"params_bytes": size, "activations_bytes": None, "training_bytes": None},
        "dtypes": {share.name: share.params for share in by_dtype(model)},
        "layers": [
            {"name": t.name, "kind": "tensor", "shape": t.shape, "dtype": t.dtype, "params": t.size, "bytes": t.bytes}
            for t in model.tensors
        ],
    }


def main_table(model: TensorFile) -> Table:
    """Return one line a tensor."""
    rows = tuple((t.name, "x".join(map(str, t.shape)) or "1", t.dtype, t.size, t.bytes) for t in model.tensors)
    total = ("total", "", "", sum(t.size for t in model.tensors), sum(t.bytes for t in model.tensors))
    return Table(("tensor", "shape", "dtype", "params", "bytes"), (*rows, total), title=model.name)


def blocks(model: TensorFile, table: Table) -> Iterator[Block]:
    """Yield the tensors, and their sums by type and by module."""
    yield table
    yield Facts(tuple((share.name, share.params) for share in by_dtype(model)), title="By dtype")
    yield Facts(tuple((share.name, share.params) for share in by_module(model, 1)), title="By module")
