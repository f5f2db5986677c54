"""Convolutions: plain in 1, 2 and 3 dimensions, depthwise, separable, transposed, unshared, partially connected.

A convolution holds kernel x in / groups x out weights, and multiplies each once at every position of its output
(padding included, as every published count has it); a transposed one at every position of its input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.options import (
    LayerKind,
    Option,
    at_least,
    numbers,
    one_of,
    padding,
    pads_per_axis,
    per_axis,
)
from dlmath.counting.engine.shapes import check_output, shape_text, slide, spread
from dlmath.counting.engine.tally import TallyTerm, tally
from dlmath.errors import InvalidValueError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.shapes import Window
    from dlmath.counting.engine.tally import Count, Options

AXES = {1: ("kernel",), 2: ("kernel height", "kernel width"), 3: ("kernel depth", "kernel height", "kernel width")}
OUT_AXES = {1: ("out length",), 2: ("out height", "out width"), 3: ("out depth", "out height", "out width")}


def _check_rank(name: str, shape: Shape, rank: int) -> None:
    if len(shape) != rank + 1:
        axes = {1: "LENGTHxCHANNELS", 2: "HEIGHTxWIDTHxCHANNELS", 3: "DEPTHxHEIGHTxWIDTHxCHANNELS"}[rank]
        raise ShapeError(f"{name} cannot take an input of shape {shape_text(shape)}", f"give it {axes}")


def sliding(name: str, options: Options, shape: Shape, rank: int, kernel: tuple[int, ...]) -> tuple[Window, ...]:
    """Return the windows of a layer with the options stride, pad, dilation and ceil (where it has them)."""
    _check_rank(name, shape, rank)
    strides = per_axis("stride", options["stride"] or kernel, rank)
    dilations = per_axis("dilation", options.get("dilation", (1,)), rank)
    pads = pads_per_axis(options["pad"], rank)
    ceil = bool(options.get("ceil"))
    windows = tuple(
        slide(shape[axis], kernel[axis], strides[axis], dilations[axis], pads[axis], ceil=ceil) for axis in range(rank)
    )
    check_output(name, windows)
    return windows


def _per_group(name: str, channels: int, out: int, groups: int) -> int:
    if channels % groups or out % groups:
        side, wrong = ("input", channels) if channels % groups else ("output", out)
        raise ShapeError(
            f"{name}: {groups} groups do not divide its {wrong} {side} channels",
            "choose groups that divide both the input's and the output's channels",
        )
    return channels // groups


def bias_terms(bias: str, out: int, positions: tuple[int, ...], rank: int) -> tuple[TallyTerm, ...]:
    """Return the biases of a map: one a channel (`yes`), one a position of the output too (`position`), or none."""
    if bias == "no":
        return ()
    everywhere = TallyTerm("bias_adds", (*OUT_AXES[rank], "out"), (*positions, out))
    if bias == "position":
        return TallyTerm("biases", everywhere.labels, everywhere.factors), everywhere
    return TallyTerm("biases", ("out",), (out,)), everywhere


def _conv(rank: int) -> Callable[[Options, tuple[Shape, ...]], Count]:
    name = {1: "conv1d", 2: "conv", 3: "conv3d"}[rank]

    def count(options: Options, shapes: tuple[Shape, ...]) -> Count:
        (shape,) = shapes
        kernel = per_axis("kernel", options["kernel"], rank)
        windows = sliding(name, options, shape, rank, kernel)
        out = options["out"]
        each = _per_group(name, shape[-1], out, options["groups"])
        positions = tuple(window.out for window in windows)
        held = (*kernel, each, out)
        labels = (*AXES[rank], "in" if options["groups"] == 1 else "in of a group", "out")
        terms = (
            TallyTerm("weights", labels, held),
            TallyTerm("macs", (*OUT_AXES[rank], *labels), (*positions, *held)),
            *bias_terms(options["bias"], out, positions, rank),
        )
        return tally((*positions, out), terms, windows)

    return count


def depthwise(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a convolution in which each channel has kernels of its own: `multiplier` outputs a channel."""
    (shape,) = shapes
    kernel = per_axis("kernel", options["kernel"], 2)
    windows = sliding("depthwise", options, shape, 2, kernel)
    positions = tuple(window.out for window in windows)
    out = shape[-1] * options["multiplier"]
    held, labels = (*kernel, shape[-1], options["multiplier"]), (*AXES[2], "channels", "multiplier")
    terms = (
        TallyTerm("weights", labels, held),
        TallyTerm("macs", (*OUT_AXES[2], *labels), (*positions, *held)),
        *bias_terms(options["bias"], out, positions, 2),
    )
    return tally((*positions, out), terms, windows)


def separable(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a depthwise convolution followed by a 1 x 1 one; only the second has biases (as in Keras)."""
    first = depthwise({**options, "bias": "no"}, shapes)
    positions, middle, out = first.output[:-1], first.output[-1], options["out"]
    terms = (
        *first.terms,
        TallyTerm("weights", ("middle", "out"), (middle, out)),
        TallyTerm("macs", (*OUT_AXES[2], "middle", "out"), (*positions, middle, out)),
        *bias_terms(options["bias"], out, positions, 2),
    )
    return tally((*positions, out), terms, first.windows)


def _transposed(rank: int) -> Callable[[Options, tuple[Shape, ...]], Count]:
    name = {1: "transposed1d", 2: "transposed", 3: "transposed3d"}[rank]

    def count(options: Options, shapes: tuple[Shape, ...]) -> Count:
        (shape,) = shapes
        _check_rank(name, shape, rank)
        kernel = per_axis("kernel", options["kernel"], rank)
        strides, dilations = (per_axis(key, options[key], rank) for key in ("stride", "dilation"))
        extras, pads = per_axis("extra", options["extra"], rank), pads_per_axis(options["pad"], rank)
        windows = tuple(
            spread(*numbers) for numbers in zip(shape[:-1], kernel, strides, dilations, pads, extras, strict=True)
        )
        check_output(name, windows)
        out = options["out"]
        each = _per_group(name, shape[-1], out, options["groups"])
        positions = tuple(window.out for window in windows)
        labels = (*AXES[rank], "in", "out of a group")
        held = (*kernel, shape[-1], out // options["groups"] if each else 0)
        inward = tuple(label.replace("out", "in") for label in OUT_AXES[rank])
        terms = (
            TallyTerm("weights", labels, held),
            TallyTerm("macs", (*inward, *labels), (*shape[:-1], *held)),
            *bias_terms(options["bias"], out, positions, rank),
        )
        return tally((*positions, out), terms, windows)

    return count


def _local(rank: int) -> Callable[[Options, tuple[Shape, ...]], Count]:
    name = {1: "local1d", 2: "local"}[rank]

    def count(options: Options, shapes: tuple[Shape, ...]) -> Count:
        (shape,) = shapes
        kernel = per_axis("kernel", options["kernel"], rank)
        windows = sliding(name, options, shape, rank, kernel)
        positions = tuple(window.out for window in windows)
        held = (*positions, *kernel, shape[-1], options["out"])
        labels = (*OUT_AXES[rank], *AXES[rank], "in", "out")
        terms = (
            TallyTerm("weights", labels, held),
            TallyTerm("macs", labels, held),
            *bias_terms(options["bias"], options["out"], positions, rank),
        )
        return tally((*positions, options["out"]), terms, windows)

    return count


def partial(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a convolution each output map of which sees some input maps only (LeCun et al. 1998, Table I).

    Weights: kernel x the number of crosses in the table. `sees` lists, for each output map, the input maps it
    sees; or `maps` says how many each sees, where which ones does not matter.
    """
    (shape,) = shapes
    table, out, maps = options["sees"], options["out"], options["maps"]
    if table is not None:
        _check_table(table, out, shape[-1])
        link_labels, links = ["crosses in the table"], [sum(map(len, table))]
    elif maps is not None and maps <= shape[-1]:
        link_labels, links = ["maps each sees", "out"], [maps, out]
    else:
        raise InvalidValueError(
            f"partial: nothing says which of the {shape[-1]} input maps each output map sees",
            f"give sees=[[0, 1, 2], ...] or maps= up to {shape[-1]}",
        )
    kernel = per_axis("kernel", options["kernel"], 2)
    windows = sliding("partial", options, shape, 2, kernel)
    positions = tuple(window.out for window in windows)
    terms = (
        TallyTerm("weights", (*AXES[2], *link_labels), (*kernel, *links)),
        TallyTerm("macs", (*OUT_AXES[2], *AXES[2], *link_labels), (*positions, *kernel, *links)),
        *bias_terms(options["bias"], out, positions, 2),
    )
    return tally((*positions, out), terms, windows)


def _check_table(table: tuple[tuple[int, ...], ...], out: int, channels: int) -> None:
    if len(table) != out:
        raise InvalidValueError(
            f"partial: the table has {len(table)} rows for {out} output maps", "give one row for each output map"
        )
    for number, row in enumerate(table):
        if len(set(row)) != len(row) or any(not 0 <= place < channels for place in row):
            raise InvalidValueError(
                f"partial: row {number} of the table is {list(row)}, and the input maps are 0 to {channels - 1}",
                "name each map that is seen once",
            )


def read_table(value: object) -> tuple[tuple[int, ...], ...] | None:
    """Read a connection table: for each output map the input maps it sees (text: rows by `;`, maps by blanks).

    >>> read_table("0 1 2; 1 2 3")
    ((0, 1, 2), (1, 2, 3))
    """
    if value is None:
        return None
    rows: Any = [row.split() for row in value.split(";")] if isinstance(value, str) else value
    if isinstance(rows, (list, tuple)) and rows and all(isinstance(row, (list, tuple)) and row for row in rows):
        return tuple(tuple(at_least(0)(place) for place in row) for row in rows)
    raise ValueError("write one list of input maps for each output map, [[0, 1, 2], [1, 2, 3]]")


def _optional(read: Callable[[object], object]) -> Callable[[object], object]:
    return lambda value: None if value is None else read(value)


KERNEL = Option("kernel", numbers(1))
OUT = Option("out", at_least(1))
STRIDE = Option("stride", numbers(1), (1,))
PAD = Option("pad", padding, "same")
DILATION = Option("dilation", numbers(1), (1,))
GROUPS = Option("groups", at_least(1), 1)
BIAS = Option("bias", one_of("yes", "no", "position"), "yes")
MULTIPLIER = Option("multiplier", at_least(1), 1)
_PLAIN = (KERNEL, OUT, STRIDE, PAD, DILATION, GROUPS, BIAS)
_SPREAD = (KERNEL, OUT, STRIDE, PAD, DILATION, GROUPS, BIAS, Option("extra", numbers(0), (0,)))
_HEADS = {rank: (f"kernel*{rank}", "out", "/stride") for rank in (1, 2, 3)}

KINDS = {
    "conv1d": LayerKind(
        _conv(1),
        _PLAIN,
        _HEADS[1],
        example="conv1d:3x64",
        equation="y[i, o] = sum over window and channels of w[k, c, o] x[i S + k d, c] + b[o]",
    ),
    "conv": LayerKind(
        _conv(2),
        _PLAIN,
        _HEADS[2],
        example="conv:3x3x64",
        equation="y[i, o] = sum over window and channels of w[k, c, o] x[i S + k d, c] + b[o]",
    ),
    "conv3d": LayerKind(
        _conv(3),
        _PLAIN,
        _HEADS[3],
        example="conv3d:3x3x3x64",
        equation="y[i, o] = sum over window and channels of w[k, c, o] x[i S + k d, c] + b[o]",
    ),
    "depthwise": LayerKind(
        depthwise,
        (KERNEL, STRIDE, PAD, DILATION, MULTIPLIER, BIAS),
        ("kernel*", "/stride"),
        example="depthwise:3x3/2",
        equation="y[i, c m] = sum over the window of w[k, c, m] x[i S + k d, c] + b[c m]",
    ),
    "separable": LayerKind(
        separable, (KERNEL, OUT, STRIDE, PAD, DILATION, MULTIPLIER, BIAS), _HEADS[2], example="separable:3x3x128"
    ),
    "transposed1d": LayerKind(
        _transposed(1),
        _SPREAD,
        _HEADS[1],
        example="transposed1d:2x64/2",
        equation="y[i S + k, o] += w[k, c, o] x[i, c], + b[o]",
    ),
    "transposed": LayerKind(
        _transposed(2),
        _SPREAD,
        _HEADS[2],
        example="transposed:2x2x64/2",
        equation="y[i S + k, o] += w[k, c, o] x[i, c], + b[o]",
    ),
    "transposed3d": LayerKind(
        _transposed(3),
        _SPREAD,
        _HEADS[3],
        example="transposed3d:2x2x2x64/2",
        equation="y[i S + k, o] += w[k, c, o] x[i, c], + b[o]",
    ),
    "local1d": LayerKind(
        _local(1),
        (KERNEL, OUT, STRIDE, PAD, DILATION, BIAS),
        _HEADS[1],
        example="local1d:3x64",
        equation="as a convolution, with weights of its own at every position",
    ),
    "local": LayerKind(
        _local(2),
        (KERNEL, OUT, STRIDE, PAD, DILATION, BIAS),
        _HEADS[2],
        example="local:3x3x64",
        equation="as a convolution, with weights of its own at every position",
    ),
    "partial": LayerKind(
        partial,
        (
            *(KERNEL, OUT, STRIDE, PAD, DILATION, BIAS, Option("sees", read_table, None)),
            Option("maps", _optional(at_least(1)), None),
        ),
        _HEADS[2],
        example="partial:5x5x16,maps=4",
    ),
}
