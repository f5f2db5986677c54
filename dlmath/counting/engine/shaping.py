"""Layers that move elements about without computing: flatten, reshape, permute, pad, crop, upsample, select."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.open_sizes import OPEN, UNRANKED, agree
from dlmath.counting.engine.options import (
    LayerKind,
    Option,
    amounts,
    anything,
    at_least,
    flag,
    numbers,
    one_of,
    pads_per_axis,
    per_axis,
    whole_number,
)
from dlmath.counting.engine.shapes import Window, check_output, elements, shape_text, whole
from dlmath.counting.engine.tally import TallyTerm, every, tally
from dlmath.errors import InvalidValueError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.tally import Count, Options

MIXING = {"nearest": 0, "bilinear": 7, "bicubic": 35}
"""Operations an element of interpolation: 4 products and 3 sums of bilinear, 5 cubics of 4 + 3 of bicubic."""


def source(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count an input of the network: its elements, no work."""
    del shapes
    return tally(options["shape"])


def flatten(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a flattening into a vector, or of the axes from `start` on."""
    (shape,) = shapes
    start = options["start"]
    if start:
        kept = shape[:start]
        return tally((*kept, elements(shape[start:])), windows=None, view=True)
    return tally((elements(shape),), windows=whole(shape), view=True)


def reshape(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a reshape; one axis may be -1: what is left."""
    (shape,) = shapes
    wanted, total = options["shape"], elements(shape)
    if wanted.count(-1) == 1:
        rest = -elements(wanted)
        wanted = tuple(total // rest if size == -1 and rest else size for size in wanted)
    if min(wanted) < 1 or not agree(elements(wanted), total):
        raise ShapeError(
            f"reshape: {shape_text(shape)} has {total} elements, which {shape_text(options['shape'])} cannot hold",
            "choose sizes whose product is the same",
        )
    return tally(wanted, windows=None, view=True)


def permute(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a transposition: `order` names the input's axes, from 1 (as Keras counts them).

    A `view` only writes the axes otherwise, as a file that puts the channels first is read here.
    """
    (shape,) = shapes
    order = options["order"]
    if sorted(order) != list(range(1, len(shape) + 1)):
        raise InvalidValueError(
            f"permute: {'x'.join(map(str, order))} is no order of the axes of {shape_text(shape)}",
            f"name each axis from 1 to {len(shape)} once",
        )
    return tally(tuple(shape[axis - 1] for axis in order), windows=None, view=options["view"])


def pad_channels(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count the filling up of a map with channels of zeros (the shortcut without parameters of He et al. 2015)."""
    (shape,) = shapes
    if options["out"] < shape[-1]:
        raise ShapeError(f"padchannels: {shape_text(shape)} has more than {options['out']} channels", "choose more")
    return tally((*shape[:-1], options["out"]))


def _grown(name: str, sign: int) -> Callable[[Options, tuple[Shape, ...]], Count]:
    def count(options: Options, shapes: tuple[Shape, ...]) -> Count:
        (shape,) = shapes
        _check_axes(name, shape)
        rank = len(shape) - 1
        pads = [(sign * before, sign * after) for before, after in pads_per_axis(options["pad"], rank)]
        windows = tuple(
            Window(size, size + before + after, before=before, after=after)
            for size, (before, after) in zip(shape[:-1], pads, strict=True)
        )
        check_output(name, windows)
        return tally((*(window.out for window in windows), shape[-1]), windows=windows)

    return count


def upsample(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count an upsampling by whole factors; interpolated elements are mixed of their neighbours (`pool_ops`)."""
    (shape,) = shapes
    _check_axes("upsample", shape)
    factors = per_axis("factor", options["factor"], len(shape) - 1)
    return _resized(options["mode"], shape, tuple(size * by for size, by in zip(shape[:-1], factors, strict=True)))


def resize(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a resizing to a given size."""
    (shape,) = shapes
    _check_axes("resize", shape)
    return _resized(options["mode"], shape, per_axis("size", options["size"], len(shape) - 1))


def _check_axes(name: str, shape: Shape) -> None:
    if len(shape) < 2:
        raise ShapeError(f"{name}: a vector of {shape_text(shape)} has no axis to change", "give it a map or sequence")


def _resized(mode: str, shape: Shape, sizes: Shape) -> Count:
    reach = {"nearest": 1, "bilinear": 2, "bicubic": 4}[mode]
    windows = tuple(
        Window(size, out, min(reach, size), max(size // out, 1), rule="resize", up=max(out // size, 1))
        for size, out in zip(shape[:-1], sizes, strict=True)
    )
    output = (*sizes, shape[-1])
    work = (every("pool_ops", output, operations=MIXING[mode]),) if reach > 1 else ()
    return tally(output, work, windows)


def take(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count the choice of one step of a sequence, such as the class token's: the axis goes away."""
    (shape,) = shapes
    axis, place = options["axis"], options["place"]
    if not 0 <= axis < len(shape) or shape[axis] < (place + 1 if place >= 0 else -place):
        raise ShapeError(f"take: {shape_text(shape)} has no place {place} on axis {axis}", "choose one it has")
    return tally((*shape[:axis], *shape[axis + 1 :]), windows=None, view=True)


def cut(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count the choice of the elements from `start` to before `stop` along an axis (the channels)."""
    (shape,) = shapes
    axis = options["axis"] % len(shape) if -len(shape) <= options["axis"] < len(shape) else None
    stop = shape[axis] if axis is not None and options["stop"] is None else options["stop"]
    if axis is None or not 0 <= options["start"] < stop <= shape[axis]:
        raise ShapeError(
            f"slice: {shape_text(shape)} has no elements {options['start']} to {stop} on axis {options['axis']}",
            "choose what it has",
        )
    windows = () if axis == len(shape) - 1 else None
    return tally((*shape[:axis], stop - options["start"], *shape[axis + 1 :]), windows=windows, view=True)


def mean(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a mean (sum, maximum) over the given axes, which go away unless they are kept at length 1."""
    (shape,) = shapes
    axes = {axis % len(shape) for axis in options["axes"]}
    left = [1 if axis in axes else size for axis, size in enumerate(shape)]
    output = tuple(size for axis, size in enumerate(left) if options["keep"] == "yes" or axis not in axes)
    return tally(output, (every("pool_ops", shape),), None)


def opaque(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a layer of another program that no formula here is for: unknown is what is not given.

    `params` is what it holds, `macs` what it multiplies (0 where such a layer multiplies nothing), `shape` its output.
    """
    del shapes
    given = {"weights": options["params"], "macs": options["macs"]}
    output = UNRANKED if options["shape"] is None else options["shape"]
    missing = tuple(name for name, value in given.items() if value is None)
    terms = [TallyTerm(name, (name,), (OPEN if value is None else value,)) for name, value in given.items()]
    return tally(output, terms, None, missing=missing)


def _optional(value: object) -> object:
    return None if value is None else whole_number(value)


def _signed(value: object) -> Any:
    parts = value.split("x") if isinstance(value, str) else value
    return tuple(whole_number(part) for part in (parts if isinstance(parts, (list, tuple)) else (parts,)))


_PAD = (Option("pad", amounts),)
_MODE = Option("mode", one_of(*MIXING), "nearest")
_SHAPE = Option("shape", numbers(1))

KINDS = {
    "input": LayerKind(source, (_SHAPE,), ("shape*",), inputs=(0, 0), example="input:224x224x3"),
    "flatten": LayerKind(flatten, (Option("start", at_least(0), 0),), ("start",), example="flatten"),
    "reshape": LayerKind(reshape, (Option("shape", _signed),), ("shape*",), example="reshape:7x7x64"),
    "permute": LayerKind(
        permute, (Option("order", numbers(1)), Option("view", flag, False)), ("order*",), example="permute:2x1"
    ),
    "zeropad": LayerKind(_grown("zeropad", 1), _PAD, ("pad",), example="zeropad:1"),
    "crop": LayerKind(_grown("crop", -1), _PAD, ("pad",), example="crop:1"),
    "padchannels": LayerKind(pad_channels, (Option("out", at_least(1)),), ("out",), example="padchannels:32"),
    "upsample": LayerKind(upsample, (Option("factor", numbers(1), (2,)), _MODE), ("factor*",), example="upsample:2"),
    "resize": LayerKind(resize, (Option("size", numbers(1)), _MODE), ("size*",), example="resize:28x28"),
    "take": LayerKind(
        take, (Option("place", whole_number, 0), Option("axis", at_least(0), 0)), ("place",), example="take:0"
    ),
    "slice": LayerKind(
        cut,
        (Option("start", at_least(0), 0), Option("stop", _optional, None), Option("axis", whole_number, -1)),
        example="slice:,start=0,stop=32",
    ),
    "mean": LayerKind(
        mean, (Option("axes", _signed), Option("keep", one_of("yes", "no"), "no")), ("axes*",), example="mean:0x1"
    ),
    "opaque": LayerKind(
        opaque,
        (
            Option("label", anything),
            Option("why", anything, ""),
            Option("shape", lambda value: value if value is None or value is UNRANKED else numbers(1)(value), None),
            Option("params", _optional, None),
            Option("macs", _optional, None),
        ),
        inputs=(0, None),
        example="opaque",
    ),
}
