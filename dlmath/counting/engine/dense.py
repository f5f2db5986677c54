"""Layers of all-to-all weights: dense, radial basis functions, embeddings, bare parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.open_sizes import UNRANKED
from dlmath.counting.engine.options import LayerKind, Option, at_least, flag, numbers, one_of
from dlmath.counting.engine.shapes import elements, shape_text, whole
from dlmath.counting.engine.tally import TallyTerm, every, tally
from dlmath.errors import ShapeError

if TYPE_CHECKING:
    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.shapes import Window
    from dlmath.counting.engine.tally import Count, Options


def dense(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a dense layer: in x out weights, each multiplied once a row.

    A map (height, width, channels) is flattened first and that is noted; a sequence (steps, features) passes
    step by step. `over` = `last` or `all` says otherwise.
    """
    (shape,) = shapes
    flattens = options["over"] == "all" or (options["over"] == "auto" and len(shape) > 2)
    rows = () if flattens else shape[:-1]
    fan_in = elements(shape) if flattens else shape[-1]
    out = options["out"]
    row_labels = ("rows",) * len(rows)
    terms = [
        TallyTerm("weights", ("in", "out"), (fan_in, out)),
        TallyTerm("macs", (*row_labels, "in", "out"), (*rows, fan_in, out)),
    ]
    if options["bias"]:
        terms += [TallyTerm("biases", ("out",), (out,)), TallyTerm("bias_adds", (*row_labels, "out"), (*rows, out))]
    notes = (f"the map {shape_text(shape)} is flattened into {fan_in} inputs",) if flattens and len(shape) > 1 else ()
    return tally((*rows, out), terms, _seen(shape, rows), notes=notes)


def _seen(shape: Shape, rows: Shape) -> tuple[Window, ...] | None:
    """Each row sees itself; a vector and a flattened map are seen whole."""
    return () if rows else whole(shape)


def rbf(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count Euclidean radial basis units, whose in x out centres are fixed: no parameters (LeNet-5's output).

    One square of a difference is added for each input: counted as one MAC.
    """
    (shape,) = shapes
    fan_in, out = elements(shape), options["out"]
    terms = (TallyTerm("buffers", ("in", "out"), (fan_in, out)), TallyTerm("macs", ("in", "out"), (fan_in, out)))
    return tally((out,), terms, whole(shape), notes=("the centres are set by hand and do not train",))


def embedding(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a table of `words` vectors of length `out`: looked up, not multiplied."""
    (shape,) = shapes
    terms = (TallyTerm("weights", ("words", "out"), (options["words"], options["out"])),)
    return tally(UNRANKED if shape is UNRANKED else (*shape, options["out"]), terms)


def positions(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count learned position vectors added to a sequence (or map): one parameter an element.

    `held` positions are kept however long the sequence is, as language models keep those of their longest one.
    """
    (shape,) = shapes
    held = shape if options["held"] is None else (options["held"], shape[-1])
    if options["held"] is not None and (len(shape) != 2 or shape[0] > held[0]):
        raise ShapeError(f"positions: {held[0]} are held for {shape_text(shape)}", "give a sequence that is no longer")
    labels = (*("positions",) * (len(held) - 1), "features")
    return tally(shape, (TallyTerm("weights", labels, held), every("join_ops", shape)))


def bias(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a vector of biases added by itself, as beside weights that belong to another layer."""
    del options
    (shape,) = shapes
    return tally(shape, (TallyTerm("biases", ("features",), shape[-1:]), every("bias_adds", shape)))


def class_token(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count learned vectors set before a sequence (steps, features): the class token of a vision transformer."""
    (shape,) = shapes
    if len(shape) != 2:
        raise ShapeError(f"classtoken cannot stand before {shape_text(shape)}", "give it a sequence STEPSxFEATURES")
    steps, features = shape
    terms = (TallyTerm("weights", ("tokens", "features"), (options["tokens"], features)),)
    return tally((steps + options["tokens"], features), terms)


def parameter(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a tensor that is held by itself: `trains` says whether gradients change it."""
    del shapes
    shape = options["shape"]
    quantity = "weights" if options["trains"] else "buffers"
    return tally(shape, (TallyTerm(quantity, ("size",) * len(shape), shape),))


def scale(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a learned factor: one a channel, one in all, or one an element (CaiT's and ConvNeXt's layer scale)."""
    (shape,) = shapes
    held = {"channel": shape[-1:], "layer": (), "element": shape}[options["per"]]
    terms = (
        TallyTerm("weights", ("features",) * len(held), held),
        every("norm_ops", shape),
    )
    return tally(shape, terms)


def _optional(value: object) -> object:
    return None if value is None else at_least(1)(value)


OUT = Option("out", at_least(1))

KINDS = {
    "dense": LayerKind(
        dense,
        (OUT, Option("bias", flag, True), Option("over", one_of("auto", "last", "all"), "auto")),
        ("out",),
        example="dense:4096",
        equation="y[o] = sum over i of w[i, o] x[i] + b[o]",
    ),
    "rbf": LayerKind(rbf, (OUT,), ("out",), example="rbf:10", equation="y[o] = sum over i of (x[i] - w[i, o])^2"),
    "embedding": LayerKind(
        embedding, (Option("words", at_least(1)), OUT), ("words", "out"), example="embedding:10000x128"
    ),
    "positions": LayerKind(
        positions, (Option("held", _optional, None),), ("held",), example="positions:512", equation="y = x + p"
    ),
    "bias": LayerKind(bias, example="bias", equation="y = x + b"),
    "classtoken": LayerKind(class_token, (Option("tokens", at_least(1), 1),), ("tokens",), example="classtoken"),
    "parameter": LayerKind(
        parameter,
        (Option("shape", numbers(1)), Option("trains", flag, True)),
        ("shape*",),
        inputs=(0, 0),
        example="parameter:1x768",
    ),
    "scale": LayerKind(
        scale, (Option("per", one_of("channel", "layer", "element"), "channel"),), ("per",), example="scale"
    ),
}
