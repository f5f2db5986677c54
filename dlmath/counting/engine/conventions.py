"""How other tools count: each convention is a list of line items, and each item a pure function of one layer's row.

What a tool reports is the sum of its items over the rows, so that two tools can be reconciled item by item. Every
rule was read in the tool's source and checked by running it (experiments/benchmarks/param_count_conventions.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.counting.engine import convention_items as of
from dlmath.counting.engine.convention_items import RECURRENT, TRANSPOSED, minus, of_family, of_kinds
from dlmath.counting.engine.layers import FAMILY
from dlmath.errors import unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.count import LayerRow, NetworkCount

MEAN_POOLS = ("globalpool", "adaptivepool")
"""What PyTorch code writes as an adaptive average pool."""
UNKNOWN_TO_THOP = (
    *("positions", "classtoken", "parameter", "scale"),  # parameters outside of torch.nn's modules
    *("embedding", "groupnorm", "rmsnorm", "l2norm", "attention"),
)
LECUN = ("subsample", "partial", "rbf")
"""Layers that only the papers of LeCun have, which count connections."""


class Item(NamedTuple):
    """One line of a convention.

    Attributes
    ----------
    label : str
    value : callable
        Row -> int for one run, negative where the tool leaves something out.
    """

    label: str
    value: Callable[[LayerRow], int]


class CountingConvention(NamedTuple):
    """How one tool counts.

    Attributes
    ----------
    name : str
    source : str
        Where its rules can be read.
    says : str
        What the tool calls its operations.
    params, operations : tuple of Item
    """

    name: str
    source: str
    says: str
    params: tuple[Item, ...]
    operations: tuple[Item, ...]


class Line(NamedTuple):
    """One line of a reading: an item, summed over the network."""

    label: str
    value: int


class Reading(NamedTuple):
    """What a tool would report of a network.

    Attributes
    ----------
    name, source, says : str
        As in `CountingConvention`.
    params_lines, operations_lines : tuple of Line
        What the numbers are the sums of; items that are zero are left out, but the first.
    notes : tuple of str
    """

    name: str
    source: str
    says: str
    params_lines: tuple[Line, ...]
    operations_lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()

    @property
    def params(self) -> int:
        """The parameters the tool would report."""
        return sum(line.value for line in self.params_lines)

    @property
    def operations(self) -> int:
        """The operations the tool would report."""
        return sum(line.value for line in self.operations_lines)


_PARAMS = Item("weights and biases", of.held)
_MACS = Item("multiply-accumulates", of.macs)
_FUSED = Item("attention scores and sums, unseen inside a fused kernel", minus(of.fused_attention))
_AT_OUTPUTS = Item("transposed convolutions, at output positions", of_kinds(TRANSPOSED, of.spread_over_outputs))
_NO_ATTENTION = Item("attention and matrix products, not counted", of_kinds(("attention", "matmul"), minus(of.macs)))

_ALL = (
    CountingConvention(
        "torchvision",
        "torchvision's weights metadata, num_params and _ops: torch.utils.flop_counter, halved",
        "GFLOPS that are multiply-accumulates",
        (_PARAMS,),
        (_MACS,),
    ),
    CountingConvention(
        "torchinfo",
        "torchinfo 1.8, LayerInfo.calculate_macs",
        "mult-adds",
        (_PARAMS,),
        (
            _MACS,
            Item("biases of convolutions, once an output element", of_family("convolutions", of.bias_adds)),
            Item("biases of recurrent layers, once a step", of_kinds(RECURRENT, of.bias_adds)),
            Item("biases of dense layers, once", of_kinds(("dense",), of.biases)),
            Item("parameters of norms, once", of_family("normalisation", of.held)),
            Item("parameters of embeddings and PReLU, once", of_kinds(("embedding", "prelu"), of.held)),
            Item("dense layers over steps, as if for one step", of_kinds(("dense",), of.once)),
            _AT_OUTPUTS,
            _NO_ATTENTION,
        ),
    ),
    CountingConvention(
        "fvcore",
        "fvcore 0.1.5, fvcore/nn/jit_handles.py",
        "flops that are multiply-accumulates",
        (_PARAMS,),
        (
            _MACS,
            Item(
                "batch norm, 2 an element (1 without scale and shift)", of_kinds(("batchnorm",), of.norm_elements(2, 1))
            ),
            Item(
                "layer, group and instance norm, 5 an element (4 without scale and shift)",
                of_kinds(("layernorm", "groupnorm", "instancenorm"), of.norm_elements(5, 4)),
            ),
            Item("adaptive average pooling, 1 an input element", of_kinds(MEAN_POOLS, of.inputs_of_maps)),
            Item("upsampling, 1 an output element (bilinear 4)", of.resized(1, 4, 0)),
            _FUSED,
            Item("recurrent layers, not counted", of_kinds(RECURRENT, minus(of.macs))),
        ),
    ),
    CountingConvention(
        "ptflops",
        "ptflops 0.7.5, ptflops/aten_ops.py (its default backend)",
        "MACs",
        (Item("weights and biases that train", of.trained),),
        (
            _MACS,
            Item("biases, once an output element", of.bias_adds),
            _FUSED,
            Item("LSTM, not counted", of_kinds(("lstm",), lambda row: -of.macs(row) - of.bias_adds(row))),
        ),
    ),
    CountingConvention(
        "thop",
        "thop 0.1.1, thop/vision/basic_hooks.py and thop/rnn_hooks.py",
        "MACs, to which additions are counted as well",
        (_PARAMS, Item("layers it has no rule for, left out", of_kinds(UNKNOWN_TO_THOP, minus(of.held)))),
        (
            _MACS,
            Item(
                "batch, layer and instance norm, 4 an element (2 without scale and shift)",
                of_kinds(("batchnorm", "layernorm", "instancenorm"), of.norm_elements(4, 2)),
            ),
            Item(
                "adaptive average pooling, 1 an input and an output element",
                of_kinds(MEAN_POOLS, of.inputs_and_outputs),
            ),
            Item("average pooling, 1 an output element", of_kinds(("avgpool", "avgpool1d", "avgpool3d"), of.outputs)),
            Item("softmax, 3 an element less 1 a row", of_kinds(("softmax",), of.softmax_work)),
            Item("PReLU, 1 an element", of_kinds(("prelu",), of.inputs)),
            Item("upsampling, 1 an output element (bilinear 11, bicubic 259)", of.resized(1, 11, 259)),
            Item("gates of recurrent layers", of_kinds(RECURRENT, of.gate_work)),
            _AT_OUTPUTS,
            _NO_ATTENTION,
        ),
    ),
    CountingConvention(
        "keras",
        "Keras 3, Model.count_params",
        "multiply-accumulates (Keras itself counts no operations)",
        (_PARAMS, Item("moving means and variances, and others that never train", of.buffers)),
        (_MACS,),
    ),
    CountingConvention("paper", "He et al. 2015, Table 1", "multiply-adds", (_PARAMS,), (_MACS,)),
)
CONVENTIONS = {each.name: each for each in _ALL}
"""Every convention, by the word the command line has for it."""

CONNECTIONS = CountingConvention(
    "paper",
    "LeCun et al. 1989, 1998",
    "connections",
    (_PARAMS,),
    (
        _MACS,
        Item("biases, a connection each", of.bias_adds),
        Item("inputs that trainable pooling adds up", of.extra_links),
    ),
)
"""The paper's convention for networks of LeCun's layers."""


def convention_for(counted: NetworkCount, name: str) -> CountingConvention:
    """Return a convention, as it is for this network.

    Raises
    ------
    InvalidValueError
        For an unknown convention, with the nearest.
    """
    if name not in CONVENTIONS:
        raise unknown("convention", name, CONVENTIONS)
    if name == "paper" and any(_of_lecun(row) for row in counted.rows):
        return CONNECTIONS
    return CONVENTIONS[name]


def _of_lecun(row: LayerRow) -> bool:
    return row.node.kind in LECUN or row.node.options.get("bias") == "position"


def read_as(counted: NetworkCount, name: str) -> Reading:
    """Return what a tool would report of a network.

    Parameters
    ----------
    counted : NetworkCount
    name : str
        A key of `CONVENTIONS`.

    Examples
    --------
    >>> from dlmath.counting.engine.count import count
    >>> from dlmath.counting.engine.graph import chain
    >>> counted = count(chain("tiny", (8, 8, 3), [("conv", {"kernel": 3, "out": 4}), ("batchnorm", {})]))
    >>> read_as(counted, "torchvision").operations, read_as(counted, "fvcore").operations
    (6912, 7424)
    >>> [line.value for line in read_as(counted, "keras").params_lines]
    [120, 8]
    """
    chosen = convention_for(counted, name)
    params = _lines(chosen.params, lambda item: sum(item.value(row) for row in counted.rows if row.held))
    operations = _lines(chosen.operations, lambda item: sum(item.value(row) * row.runs for row in counted.rows))
    notes = _keras_biases(counted) if name == "keras" else ()
    return Reading(chosen.name, chosen.source, chosen.says, params, operations, notes)


def _lines(items: tuple[Item, ...], total: Callable[[Item], int]) -> tuple[Line, ...]:
    lines = [Line(item.label, total(item)) for item in items]
    return (lines[0], *(line for line in lines[1:] if line.value))


def reconcile(counted: NetworkCount) -> tuple[Reading, ...]:
    """Return what every tool would report of one network, with the lines that make the difference."""
    return tuple(read_as(counted, name) for name in CONVENTIONS)


def _keras_biases(counted: NetworkCount) -> tuple[str, ...]:
    """Return what a network has more in Keras, where its convolutions carry biases that they lack here."""
    bare = (row for row in counted.rows if FAMILY[row.node.kind] == "convolutions" and not row.counted.biases)
    more = sum(row.output[-1] for row in bare if row.held)
    if not more:
        return ()
    total = counted.params + counted.total("buffers") + more
    text = "convolutions have biases in Keras unless told otherwise (keras.applications' ResNets keep them): "
    return (f"{text}{more:,} more, {total:,} in all",)
