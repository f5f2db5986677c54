"""ONNX operators that move elements, or reduce them: joined, cut, reshaped, looked up, resized; and unknown ones.

Which elements go where makes no difference to a count, so that the shapes ONNX infers say all that is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.open_sizes import UNRANKED, agree, is_open
from dlmath.counting.engine.shapes import elements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.models.onnx_use import Computed, NodeUse

    Rule = Callable[[NodeUse], Sequence[Computed]]

FREE = (
    *(
        "Where",
        "Equal",
        "Less",
        "LessOrEqual",
        "Greater",
        "GreaterOrEqual",
        "And",
        "Or",
        "Xor",
        "Not",
        "IsNaN",
        "IsInf",
    ),
    *("TopK", "ArgMax", "ArgMin", "GatherND", "GatherElements", "ScatterND", "ScatterElements", "Scatter", "NonZero"),
    *("GridSample", "AffineGrid", "RoiAlign", "MaxRoiPool", "MaxUnpool", "NonMaxSuppression", "RotaryEmbedding"),
    *("CumSum", "OneHot", "Range", "ConstantOfShape", "Tile", "Trilu", "EyeLike", "ReverseSequence", "Unique"),
    *("Compress", "CenterCropPad", "Col2Im", "Bernoulli", "Multinomial", "RandomNormalLike", "RandomUniformLike"),
    *("RandomNormal", "RandomUniform", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "Det"),
    *("SequenceConstruct", "SequenceAt", "SequenceEmpty", "SequenceInsert", "SequenceLength", "ConcatFromSequence"),
    *("SplitToSequence", "Optional", "OptionalGetElement", "OptionalHasElement", "StringNormalizer", "TfIdfVectorizer"),
    *("Shape", "Size", "LpNormalization", "MeanVarianceNormalization", "QLinearAdd", "QLinearMul", "QLinearSigmoid"),
    *("QLinearLeakyRelu", "QLinearGlobalAveragePool", "QLinearAveragePool", "QLinearConcat", "QLinearSoftmax"),
)
"""Operators without multiply-accumulates: a shape is all there is to know."""


def unknown(use: NodeUse, why: str = "") -> Sequence[Computed]:
    """Return what is not understood: parameters and shapes where they are known, its work missing by name."""
    tensors = [use.held(place) for place in range(len(use.node.input))]
    fresh = use.claim(*(held for held in tensors if use.reading.is_parameter(held)))
    free = use.kind in FREE or use.kind in RULES
    options = {"label": use.kind, "why": why, "params": fresh, "macs": 0 if free else None}
    return [_opaque(use, place, options, (fresh if place == 0 else 0, 0, 0)) for place in range(len(use.node.output))]


def _opaque(use: NodeUse, place: int, options: dict[str, Any], held: tuple[int, int, int]) -> Computed:
    """Return one output of a node; later ones hold and cost nothing more."""
    wanted = use.output(place) if use.node.output[place] else None
    more = options if place == 0 else {**options, "params": 0, "macs": 0}
    shape = UNRANKED if wanted is None else wanted
    return use.add("opaque", use.computed(), is_map=False, held=held, shape=shape, **more)


def free(use: NodeUse) -> Sequence[Computed]:
    """Return an operator that costs no multiply-accumulates."""
    return unknown(use)


def _concat(use: NodeUse) -> Sequence[Computed]:
    axis, values = use.attributes["axis"], use.computed()
    whole = use.reading.whole(use.node.output[0])
    if all(value.is_map for value in values) and len(values) == len(use.node.input):
        rank = len(whole) if whole is not None else len(use.shape_of(values[0])) + 1
        axis = axis % rank
        return [use.add("concat", values, is_map=True, axis=-1 if axis == 1 else axis - 2)] if axis else unknown(use)
    if whole is None:
        return unknown(use)
    sides = [_side(use, place) for place in range(len(use.node.input)) if use.value(place) or use.held(place)]
    if len(sides) < len(use.node.input):
        raise ValueError("one of its inputs is neither computed nor held")
    return [use.add("concat", sides, is_map=False, axis=axis % len(whole) - len(whole))]


def _side(use: NodeUse, place: int) -> Computed:
    held = use.held(place)
    return use.parameter(held) if held is not None else use.as_onnx(place)


CHOOSING = {"Slice", "Gather"}
"""Operators that give some elements of what they are given; others that only move give all of them."""


def _moved(use: NodeUse) -> Sequence[Computed]:
    """Return an operator that only moves elements: as many in another shape, or some of them."""
    wanted = use.output()
    if wanted is None:
        return unknown(use)
    source = use.first()
    have = use.shape_of(source)
    if have is UNRANKED or agree(elements(wanted), elements(have)):
        return [use.reshaped(source, wanted)]
    if use.kind not in CHOOSING:
        raise ValueError(f"{elements(have)} elements are to be {elements(wanted)}")
    return _some(use, wanted)


def _some(use: NodeUse, wanted: Shape) -> Sequence[Computed]:
    """Return some elements of a tensor, taken axis by axis; which ones makes no difference to a count."""
    value = use.as_onnx(use.first_place())
    shape = use.shape_of(value)
    kept = _aligned(shape, wanted)
    if kept is None or is_open(shape) or is_open(wanted):
        return [use.add("opaque", (value,), is_map=False, label=use.kind, shape=wanted, params=0, macs=0)]
    for axis, (old, new) in enumerate(zip(shape, kept, strict=True)):
        if new < old:
            value = use.add("slice", (value,), is_map=False, start=0, stop=new, axis=axis)
    return [use.reshaped(value, wanted)]


def _aligned(shape: Shape, wanted: Shape) -> Shape | None:
    """Return the wanted sizes axis for axis, an axis that is gone as length 1; None where they do not fit."""
    if len(shape) == len(wanted):
        return wanted if all(new <= old for old, new in zip(shape, wanted, strict=True)) else None
    if len(shape) == len(wanted) + 1:
        for axis in range(len(shape)):
            kept = (*wanted[:axis], 1, *wanted[axis:])
            if all(new in (old, 1) for old, new in zip(shape, kept, strict=True)):
                return kept
    return None


def _split(use: NodeUse) -> Sequence[Computed]:
    made: list[Computed] = []
    for place in range(len(use.node.output)):
        wanted = use.output(place)
        made += _some(use, wanted) if wanted is not None else unknown(use)[:1]
    return made


def _gather(use: NodeUse) -> Sequence[Computed]:
    """Return a look-up in a table that is held, or the choice of places of a computed tensor."""
    table = use.held(0)
    if table is None:
        return _moved(use)
    if not table.floats or use.value(1) is None:
        return unknown(use)
    shares, fresh = use.owner(table), use.claim(table)
    words, out = table.shape[0], elements(table.shape[1:])
    held = (fresh, 0, 0)
    return [use.add("embedding", (use.as_onnx(1),), is_map=False, held=held, shares=shares, words=words, out=out)]


def _reduce(use: NodeUse) -> Sequence[Computed]:
    """Return a mean or sum over axes, told from the shapes: which of equal axes they are changes no count."""
    wanted = use.output()
    value = use.as_onnx(use.first_place())
    shape = use.shape_of(value)
    axes = _gone(shape, wanted)
    if wanted is None:
        return unknown(use)
    if not axes or is_open(shape):
        return [use.add("opaque", (value,), is_map=False, label=use.kind, shape=wanted, params=0, macs=0)]
    made = use.add("mean", (value,), is_map=False, axes=axes, keep="yes")
    return [use.reshaped(made, wanted)]


def _gone(shape: Shape, wanted: Shape | None) -> tuple[int, ...]:
    """Return the axes that are reduced.

    >>> _gone((4, 5, 5), (4,)), _gone((4, 5, 5), (1, 5, 5)), _gone((4, 5), (7,))
    ((1, 2), (0,), ())
    """
    if wanted is None:
        return ()
    if len(shape) == len(wanted):
        return tuple(axis for axis, (old, new) in enumerate(zip(shape, wanted, strict=True)) if old != new == 1)
    left, axes = [size for size in wanted if size > 1], []
    for axis, size in enumerate(shape):
        if left and left[0] == size:
            left.pop(0)
        else:
            axes.append(axis)
    return () if left else tuple(axes)


def _resize(use: NodeUse) -> Sequence[Computed]:
    wanted = use.output()
    source = use.as_map(use.first())
    mode = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}.get(use.attributes.get("mode", "nearest"))
    if wanted is None or mode is None or len(wanted) != len(use.shape_of(source)):
        return unknown(use)
    return [use.add("resize", (source,), is_map=True, size=wanted[1:], mode=mode)]


def _pad(use: NodeUse) -> Sequence[Computed]:
    """Return a padding of maps by the growth of each axis; where it stands makes no difference to a count."""
    wanted, source = use.output(), use.first()
    have = use.shape_of(source)
    if wanted is None or not source.is_map or len(have) != len(wanted) or is_open(have) or is_open(wanted):
        return unknown(use)
    grown = [new - old for old, new in zip(have[:-1], wanted[1:], strict=True)]
    if wanted[0] != have[-1] or min(grown) < 0:
        return unknown(use)
    pads = tuple((gap // 2, gap - gap // 2) for gap in grown)
    return [use.add("zeropad", (source,), is_map=True, pad=pads)]


def _expand(use: NodeUse) -> Sequence[Computed]:
    wanted, source = use.output(), use.first()
    have = use.shape_of(source)
    if wanted is not None and not is_open(have) and elements(wanted) == elements(have):
        return [use.reshaped(source, wanted)]
    return unknown(use)


RULES: dict[str, Rule] = {
    **dict.fromkeys(FREE, free),
    **dict.fromkeys(
        ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "DepthToSpace", "SpaceToDepth", "Slice"), _moved
    ),
    "Split": _split,
    "Gather": _gather,
    "Concat": _concat,
    "Resize": _resize,
    "Upsample": _resize,
    "Pad": _pad,
    "Expand": _expand,
    **dict.fromkeys(
        ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum"),
        _reduce,
    ),
    **dict.fromkeys(("ReduceLogSumExp", "ReduceSumSquare"), _reduce),
}
