"""Layers in a few words, as pictures of networks have them: `3x3 conv, 64, /2`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.shapes import shape_text
from dlmath.counting.engine.stages import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlmath.counting.engine.count import LayerRow

    Words = Callable[[LayerRow, Mapping[str, Any]], str]

ABBREVIATED = {
    "batchnorm": "BN",
    "layernorm": "LN",
    "groupnorm": "GN",
    "instancenorm": "IN",
    "rmsnorm": "RMS norm",
    "relu": "ReLU",
    "relu6": "ReLU6",
    "gelu": "GELU",
    "silu": "SiLU",
    "hardswish": "h-swish",
    "hardsigmoid": "h-sigmoid",
    "leakyrelu": "leaky ReLU",
    "prelu": "PReLU",
    "lrn": "LRN",
    "scale": "scale",
}


def touch(row: LayerRow) -> str:
    """Return the word for a layer that is written into the box before it; "" for one that is not worth one."""
    kind = row.node.kind
    return (
        ""
        if kind in {"identity", "flatten", "reshape", "permute", "dropout", "stochasticdepth"}
        else ABBREVIATED.get(kind, kind)
    )


def _square(value: Any) -> str:
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    return "x".join(map(str, sizes if len(sizes) > 1 else sizes * 2))


def _stride(value: Any) -> str:
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    return "" if set(sizes) <= {1, None} else f", /{sizes[0] if len(set(sizes)) == 1 else 'x'.join(map(str, sizes))}"


def _convolution(word: str) -> Words:
    def words(_row: LayerRow, options: Mapping[str, Any]) -> str:
        groups = options.get("groups", 1)
        grouped = f", {groups} groups" if groups not in {1, None} else ""
        out = f", {options['out']}" if "out" in options else ""
        return f"{_square(options['kernel'])} {word}{out}{_stride(options.get('stride'))}{grouped}"

    return words


def _pool(word: str) -> Words:
    return lambda _row, options: f"{word} {_square(options['kernel'])}{_stride(options['stride'] or options['kernel'])}"


def _sized(word: str, option: str, after: str = "") -> Words:
    return lambda _row, options: f"{word} {options[option]}{after}"


def _said(text: str) -> Words:
    return lambda _row, _options: text


def _to(word: str) -> Words:
    return lambda row, _options: f"{word} to {shape_text(row.output[:-1])}"


CAPTIONS: dict[str, Words] = {
    **dict.fromkeys(("conv", "conv1d", "conv3d"), _convolution("conv")),
    "depthwise": _convolution("depthwise"),
    "separable": _convolution("separable"),
    **dict.fromkeys(("transposed", "transposed1d", "transposed3d"), _convolution("up-conv")),
    "partial": _convolution("partial conv"),
    **dict.fromkeys(("local", "local1d"), _convolution("local")),
    **dict.fromkeys(("maxpool", "maxpool1d", "maxpool3d"), _pool("max pool")),
    **dict.fromkeys(("avgpool", "avgpool1d", "avgpool3d"), _pool("average pool")),
    "subsample": _pool("subsampling"),
    "globalpool": _said("global average pool"),
    "globalmaxpool": _said("global max pool"),
    **dict.fromkeys(("adaptivepool", "adaptivemaxpool"), _to("pool")),
    **dict.fromkeys(("roipool", "roialign"), _to("regions")),
    "dense": _sized("dense", "out"),
    "rbf": _sized("radial basis", "out"),
    "embedding": lambda _row, options: f"embedding {options['words']} x {options['out']}",
    "positions": _said("+ positions"),
    "classtoken": _said("class token"),
    "attention": _sized("attention,", "heads", " heads"),
    "windowattention": _sized("window attention,", "heads", " heads"),
    "lstm": _sized("LSTM", "units"),
    "gru": _sized("GRU", "units"),
    "rnn": _sized("RNN", "units"),
    "resize": _to("resize"),
    "upsample": _to("upsample"),
    "input": _said("input"),
    "take": _said("take one step"),
    "channelshuffle": _said("channel shuffle"),
    "spacetodepth": _said("merge 2x2"),
    "opaque": lambda _row, options: str(options["label"]),
}


def caption(row: LayerRow) -> str:
    """Return a layer in a few words, its own name before them where it has one."""
    from dlmath.counting.engine.layers import get_kind
    from dlmath.counting.engine.options import resolve

    kind = row.node.kind
    options = resolve(kind, get_kind(kind), row.node.options)
    rule = CAPTIONS.get(kind)
    text = rule(row, options) if rule is not None else ABBREVIATED.get(kind, kind)
    name = words_of(row.name)[-1] if words_of(row.name) else ""
    own = name if not (name.rstrip("0123456789") == kind or name == "input") else ""
    return f"{own}: {text}" if own and own != text and len(own) <= LONGEST_NAME else text


LONGEST_NAME = 16
