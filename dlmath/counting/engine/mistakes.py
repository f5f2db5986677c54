"""The usual mistakes in counting a network, as functions that make them: whose number comes out made that mistake.

Two registries: `REBUILDS` change the network (no padding, no groups) and count it again; `SUMS` add up the right
counts in a wrong way. `checks` looks for the one, or the pair of one each, that gives exactly what was expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.engine.layers import FAMILY, get_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlmath.counting.engine.count import LayerRow, NetworkCount
    from dlmath.counting.engine.graph import Network, Node

WINDOWED = ("convolutions", "pooling")
HELD = ("params", "trainable_params", "weights", "biases")
INPUT_CHANNELS = ("in", "in of a group")
"""The labels of the factor that is forgotten."""


class Rebuild(NamedTuple):
    """A mistake about the network: `build` returns the wrong one."""

    text: str
    build: Callable[[Network], Network]


class Sum(NamedTuple):
    """A mistake about what is added up.

    Attributes
    ----------
    text : str
    quantities : tuple of str
        The quantities in which it is made.
    value : callable
        NetworkCount -> int.
    """

    text: str
    quantities: tuple[str, ...]
    value: Callable[[NetworkCount], int]


def _with(families: tuple[str, ...], **changes: object) -> Callable[[Network], Network]:
    """Return the change of options of all layers of some families that have them."""

    def build(network: Network) -> Network:
        return network._replace(nodes=tuple(_changed(node, families, changes) for node in network.nodes))

    return build


def _changed(node: Node, families: tuple[str, ...], changes: Mapping[str, object]) -> Node:
    if FAMILY[node.kind] not in families:
        return node
    known = {option.name for option in get_kind(node.kind).options}
    fitting = {name: value for name, value in changes.items() if name in known}
    return node._replace(options={**node.options, **fitting})


def _without_norms(network: Network) -> Network:
    nodes = tuple(
        node._replace(kind="identity", options={}, shares=None) if node.kind == "batchnorm" else node
        for node in network.nodes
    )
    return network._replace(nodes=nodes)


def _without_pools(network: Network) -> Network:
    """Return the network whose pooling halves the map but is not looked through."""
    nodes = tuple(
        node._replace(
            options={
                **node.options,
                "kernel": 1,
                "pad": 0,
                "stride": node.options.get("stride") or node.options["kernel"],
            }
        )
        if node.kind in {"maxpool", "avgpool"}
        else node
        for node in network.nodes
    )
    return network._replace(nodes=nodes)


def _apart(network: Network) -> Network:
    return network._replace(nodes=tuple(node._replace(shares=None) for node in network.nodes))


def _heads(mode: str) -> Callable[[Network], Network]:
    return lambda network: network._replace(auxiliary=mode)


_BIASED = ("convolutions", "dense", "sequences")
REBUILDS = (
    Rebuild("the padding is taken to be valid", _with(WINDOWED, pad="valid")),
    Rebuild("the padding is taken to be same", _with(WINDOWED, pad="same")),
    Rebuild("the groups are left out of account", _with(("convolutions",), groups=1)),
    Rebuild("the strides are taken to be 1", _with(WINDOWED, stride=1)),
    Rebuild("the dilations are taken to be 1", _with(WINDOWED, dilation=1)),
    Rebuild("the windows of pooling are left out of account", _without_pools),
    Rebuild("the sizes of pooling are rounded up", _with(("pooling",), ceil=True)),
    Rebuild("the sizes of pooling are rounded down", _with(("pooling",), ceil=False)),
    Rebuild("every layer is given biases", _with(_BIASED, bias="yes")),
    Rebuild("convolutions are given biases", _with(("convolutions",), bias="yes")),
    Rebuild("batch normalisation is left out", _without_norms),
    Rebuild("shared weights are counted every time", _apart),
    Rebuild("auxiliary heads are left out", _heads("without")),
    Rebuild("the parameters of auxiliary heads are counted", _heads("parameters")),
    Rebuild("auxiliary heads are counted as running", _heads("with")),
)


def _total(quantity: str, factor: int = 1) -> Callable[[NetworkCount], int]:
    return lambda counted: factor * counted.total(quantity)


def _sum(*quantities: str) -> Callable[[NetworkCount], int]:
    return lambda counted: sum(counted.total(quantity) for quantity in quantities)


def _rows(value: Callable[[LayerRow], int]) -> Callable[[NetworkCount], int]:
    return lambda counted: sum(value(row) for row in counted.rows)


def _layer_biases(row: LayerRow) -> int:
    """Return the biases of a layer that has a choice, not the shifts of a norm."""
    return row.value("biases") if FAMILY[row.node.kind] in _BIASED else 0


def _per_channel(quantity: str) -> Callable[[NetworkCount], int]:
    """Return a total without the factor of the input channels in convolutions."""

    def value(row: LayerRow) -> int:
        if FAMILY[row.node.kind] != "convolutions":
            return row.value(quantity)
        repeats = row.runs if quantity == "macs" else int(row.held)
        terms = (term for term in row.counted.terms if term.quantity == quantity)
        return repeats * sum(_product_without(term.labels, term.factors) for term in terms)

    return _rows(value)


def _product_without(labels: tuple[str, ...], factors: tuple[int, ...]) -> int:
    product = 1
    for label, factor in zip(labels, factors, strict=True):
        product *= 1 if label in INPUT_CHANNELS else factor
    return product


_KERNELS = _per_channel("weights")
_PRODUCTS = _per_channel("macs")
_LAYER_BIASES = _rows(_layer_biases)
_BIASED_LAYERS = _rows(lambda row: 1 if _layer_biases(row) else 0)
_FORGOTTEN = "the input channels are forgotten"
SUMS = (
    Sum("the biases are left out", ("params", "trainable_params"), lambda one: one.params - _LAYER_BIASES(one)),
    Sum("biases and the shifts of norms are left out", ("params", "trainable_params"), _total("weights")),
    Sum("the biases are counted", ("weights",), _total("params")),
    Sum(
        "one bias a layer is counted",
        ("params", "trainable_params"),
        lambda one: one.params - _LAYER_BIASES(one) + _BIASED_LAYERS(one),
    ),
    Sum("one bias a layer is counted", ("biases",), _BIASED_LAYERS),
    Sum(_FORGOTTEN, ("weights",), _KERNELS),
    Sum(_FORGOTTEN, ("params", "trainable_params"), lambda one: _KERNELS(one) + one.total("biases")),
    Sum(
        f"{_FORGOTTEN} and the biases are left out",
        ("params", "trainable_params"),
        lambda one: _KERNELS(one) + one.total("biases") - _LAYER_BIASES(one),
    ),
    Sum("moving means and variances are counted", ("params", "trainable_params"), _sum("params", "buffers")),
    Sum("frozen parameters are counted", ("trainable_params",), _total("params")),
    Sum("frozen parameters are left out", ("params",), _total("trainable_params")),
    Sum("bytes of float32 are counted", HELD, _total("params", 4)),
    Sum("a multiply-accumulate is counted as two operations (FLOPs)", ("macs",), _total("flops")),
    Sum("a multiply-accumulate is counted as one operation (MACs)", ("flops",), _total("macs")),
    Sum("additions of biases are counted too", ("macs",), _sum("macs", "bias_adds")),
    Sum("additions of biases are counted too", ("flops",), _sum("flops", "bias_adds")),
    Sum(
        "only the multiplications of kernel positions are counted, without the additions of biases",
        ("connections",),
        _total("macs"),
    ),
    Sum("the parameters are counted, as if each were used once", ("macs", "flops"), _total("params")),
    Sum(_FORGOTTEN, ("macs",), _PRODUCTS),
    Sum(_FORGOTTEN, ("flops",), lambda one: 2 * _PRODUCTS(one)),
)


def tool_sums(quantity: str) -> tuple[Sum, ...]:
    """Return the figures of other tools, each as a way of adding up.

    >>> [one.text for one in tool_sums("params")][-2:]
    ['it is counted as Keras counts', 'it is counted as papers count']
    """
    from dlmath.counting.engine.conventions import CONVENTIONS, read_as

    names = {"keras": "Keras counts", "paper": "papers count"}

    def of(name: str) -> Callable[[NetworkCount], int]:
        return lambda counted: int(getattr(read_as(counted, name), field))

    field = "params" if quantity in HELD else "operations"
    if quantity not in {"params", "trainable_params", "macs", "flops"}:
        return ()
    return tuple(
        Sum(f"it is counted as {names.get(name, f'{name} counts')}", (quantity,), of(name)) for name in CONVENTIONS
    )


def shape_mistakes(shape: tuple[int, ...]) -> Mapping[str, Any]:
    """Return other ways in which a shape is written.

    >>> shape_mistakes((7, 5, 64))["the channels are put first"]
    (64, 7, 5)
    """
    return {
        "the channels are put first": (shape[-1], *shape[:-1]),
        "the batch is counted in": (1, *shape),
        "the channels are put first, after the batch": (1, shape[-1], *shape[:-1]),
    }
