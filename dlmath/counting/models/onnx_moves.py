"""ONNX operators that move elements, or reduce them: joined, cut, reshaped, looked up, resized; and unknown ones.

Which elements go where makes no difference to a count, so that the shapes ONNX infers say all that is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.shapes import elements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.models.onnx_walk import Use, Value

    Rule = Callable[[Use], Sequence[Value]]


def unknown(use: Use) -> Sequence[Value]:
    """Return what is not understood: parameters and shapes where they are known, its work missing by name."""
    held = [one for place in range(len(use.node.input)) if (one := use.held(place)) is not None and one.floats]
    fresh = sum(elements(one.shape) for one in held if not use.is_shared(one))
    use.spend(*held)
    options = {"label": use.kind, "params": fresh}
    sources = use.computed()
    return [
        use.add("opaque", sources, is_map=False, shape=use.output(place), **_once(options, place))
        for place in range(len(use.node.output))
    ]


def _once(options: dict[str, Any], place: int) -> dict[str, Any]:
    """Return options in which later outputs of a node hold nothing more."""
    return options if place == 0 else {**options, "params": 0}


def _concat(use: Use) -> Sequence[Value]:
    axis, values = use.attributes["axis"], use.computed()
    whole = use.walk.whole(use.node.output[0])
    held = [one for place in range(len(use.node.input)) if (one := use.held(place)) is not None and one.floats]
    if all(value.is_map for value in values) and not held and whole is not None:
        axis = axis % len(whole)
        return [use.add("concat", values, is_map=True, axis=-1 if axis == 1 else axis - 2)] if axis else unknown(use)
    if whole is None:
        return unknown(use)
    sides = [_side(use, place) for place in range(len(use.node.input)) if use.value(place) or use.held(place)]
    return [use.add("concat", sides, is_map=False, axis=axis % len(whole) - len(whole))]


def _side(use: Use, place: int) -> Value:
    held = use.held(place)
    return use.parameter(held) if held is not None else use.as_onnx(place)


def _moved(use: Use) -> Sequence[Value]:
    """Return an operator that only moves elements: as many in another shape, or some of them."""
    wanted = use.output()
    if wanted is None:
        return unknown(use)
    source = use.computed()[0]
    have = use.walk.builder.shapes[source.place]
    if elements(wanted) == elements(have):
        return [use.reshaped(source, wanted)]
    return _some(use, wanted)


def _some(use: Use, wanted: Shape) -> Sequence[Value]:
    """Return some elements of a tensor, taken axis by axis; which ones makes no difference to a count."""
    value = use.as_onnx(next(place for place in range(len(use.node.input)) if use.value(place)))
    shape = use.walk.builder.shapes[value.place]
    kept = _aligned(shape, wanted)
    if kept is None:
        return [use.add("opaque", (value,), is_map=False, label=use.kind, shape=wanted, params=0)]
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


def _split(use: Use) -> Sequence[Value]:
    made = []
    for place in range(len(use.node.output)):
        wanted = use.output(place)
        made += list(_some(use, wanted)) if wanted is not None else list(unknown(use))[:1]
    return made


def _gather(use: Use) -> Sequence[Value]:
    """Return a look-up in a table that is held, or the choice of places of a computed tensor."""
    table = use.held(0)
    if table is None:
        return _moved(use)
    owner = use.spend(table)
    words, out = table.shape[0], elements(table.shape[1:])
    return [use.add("embedding", (use.as_onnx(1),), is_map=False, owner=owner, words=words, out=out)]


def _reduce(use: Use) -> Sequence[Value]:
    """Return a mean or sum over axes, told from the shapes: which of equal axes they are changes no count."""
    wanted = use.output()
    value = use.as_onnx(next(place for place in range(len(use.node.input)) if use.value(place)))
    axes = _gone(use.walk.builder.shapes[value.place], wanted)
    if wanted is None or not axes:
        return unknown(use)
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


def _resize(use: Use) -> Sequence[Value]:
    wanted = use.output()
    source = use.as_map(use.computed()[0])
    mode = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}.get(use.attributes.get("mode", "nearest"))
    if wanted is None or mode is None or len(wanted) != len(use.walk.builder.shapes[source.place]):
        return unknown(use)
    return [use.add("resize", (source,), is_map=True, size=wanted[1:], mode=mode)]


def _pad(use: Use) -> Sequence[Value]:
    """Return a padding of maps by the growth of each axis; where it stands makes no difference to a count."""
    wanted, source = use.output(), use.computed()[0]
    if wanted is None or not source.is_map:
        return unknown(use)
    have = use.walk.builder.shapes[source.place]
    grown = [new - old for old, new in zip(have[:-1], wanted[1:], strict=True)]
    if wanted[0] != have[-1] or min(grown) < 0:
        return unknown(use)
    pads = tuple((gap // 2, gap - gap // 2) for gap in grown)
    return [use.add("zeropad", (source,), is_map=True, pad=pads)]


def _expand(use: Use) -> Sequence[Value]:
    wanted, source = use.output(), use.computed()[0]
    if wanted is not None and elements(wanted) == elements(use.walk.builder.shapes[source.place]):
        return [use.reshaped(source, wanted)]
    return unknown(use)


RULES: dict[str, Rule] = {
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
    **dict.fromkeys(("ReduceMean", "ReduceSum", "ReduceMax"), _reduce),
}
