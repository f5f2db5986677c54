"""How PyTorch writes layers over sequences, and those that attend within maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.code.pieces import Arg, Statement, options_of, place, refuse
from dlmath.counting.code.torch_windows import MAP, TARGET, in_order, layer, zeros

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.count import LayerRow

    Rule = Callable[[LayerRow], tuple[Statement, ...]]


def embedding(row: LayerRow) -> tuple[Statement, ...]:
    """Return a look-up."""
    options = options_of(row)
    if len(row.output) >= MAP:
        raise refuse(row, "it looks up a map", TARGET)
    return (layer("Embedding", place("num_embeddings", options["words"]), place("embedding_dim", options["out"])),)


def positions(row: LayerRow) -> tuple[Statement, ...]:
    """Return learned vectors added."""
    held = options_of(row)["held"]
    shape = in_order(row.output) if held is None else (held, row.output[-1])
    return (layer("Positions", place("shape", shape), helper="Positions"),)


def own_bias(row: LayerRow) -> tuple[Statement, ...]:
    """Return biases by themselves."""
    shape = row.output
    held = (shape[-1], *(1,) * (len(shape) - 1)) if len(shape) >= MAP else shape[-1:]
    return (layer("PositionBias", place("shape", held), helper="PositionBias"),)


def window_attention(row: LayerRow) -> tuple[Statement, ...]:
    """Return attention within windows; the program defines it."""
    options = options_of(row)
    args = (
        place("channels", row.output[-1]),
        place("heads", options["heads"]),
        Arg("window", options["window"], 7),
        Arg("shift", options["shift"], 0),
        Arg("grid", options["over"] == "grid", False),
        Arg("position", options["position"], "table"),
        Arg("bias", options["bias"], True),
    )
    return (layer("WindowAttention", *args, helper="WindowAttention"),)


def shuffle(row: LayerRow) -> tuple[Statement, ...]:
    """Return channels dealt out anew."""
    groups = options_of(row)["groups"]
    if len(row.output) != MAP:
        raise refuse(row, "it shuffles maps", TARGET)
    return (layer("ChannelShuffle", place("groups", groups)),)


def space_to_depth(row: LayerRow) -> tuple[Statement, ...]:
    """Return squares laid into the channels."""
    block = options_of(row)["block"]
    height, width = row.input_shapes[0][:2]
    down, right = -height % block, -width % block
    before = (zeros(((0, down), (0, right))),) if down or right else ()
    return (*before, layer("PixelUnshuffle", place("downscale_factor", block)))


def rotary(row: LayerRow) -> tuple[Statement, ...]:
    """Return pairs of features turned."""
    if len(row.output) != 2 or row.output[-1] % 2:
        raise refuse(row, "it turns pairs of features of a sequence", TARGET)
    return (Statement("rotated({0})", helper="rotated"),)


def class_token(row: LayerRow) -> tuple[Statement, ...]:
    """Return learned vectors set before a sequence."""
    options = options_of(row)
    return (
        layer(
            "ClassToken", place("features", row.output[-1]), Arg("tokens", options["tokens"], 1), helper="ClassToken"
        ),
    )


def attention(row: LayerRow) -> tuple[Statement, ...]:
    """Return attention: PyTorch's own, or one whose heads have a size of their own."""
    options, shapes = options_of(row), row.input_shapes
    width = shapes[0][-1]
    heads = options["heads"]
    key = options["key"] or width // heads
    plain = key * heads == width and options["value"] in {None, key} and options["out"] in {None, width}
    if any(len(shape) != 2 for shape in shapes):
        raise refuse(row, "it attends to maps", TARGET)
    if plain and options["kv"] in {None, heads}:
        value = shapes[1][-1] if len(shapes) > 1 else width
        source = shapes[2][-1] if len(shapes) > 2 else value
        more = (Arg("kdim", source, width), Arg("vdim", value, width))
        bias = Arg("bias", options["bias"], True)
        batch = Arg("batch_first", value=True)
        sides = {1: "{0}, {0}, {0}", 2: "{0}, {1}, {1}", 3: "{0}, {2}, {1}"}[len(shapes)]
        head = place("embed_dim", width), place("num_heads", heads)
        return (
            layer("MultiheadAttention", *head, bias, *more, batch, template=f"{{m}}({sides}, need_weights=False)[0]"),
        )
    if len(shapes) > 1:
        raise refuse(row, "heads of another size look at one sequence only", TARGET)
    args = (
        place("features", width),
        place("heads", heads),
        Arg("key", key),
        Arg("value", options["value"] or key, key),
        Arg("kv", options["kv"] or heads, heads),
        Arg("out", options["out"] or width, width),
        Arg("bias", options["bias"], True),
    )
    return (layer("Attention", *args, helper="Attention"),)


def recurrent(name: str) -> Rule:
    """Return the rule of recurrence."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        options = options_of(row)
        if options["bias"] and options["biases"] != 2:
            raise refuse(row, "PyTorch has 2 bias vectors a gate (write biases=2)", TARGET)
        args = (
            place("input_size", row.input_shapes[0][-1]),
            place("hidden_size", options["units"]),
            Arg("bias", options["bias"], True),
            Arg("batch_first", value=True),
            Arg("bidirectional", options["bidirectional"], False),
        )
        ends = "[0]" if options["sequences"] else "[0][:, -1]"
        if options["bidirectional"] and not options["sequences"]:
            return (layer(name, *args, template="both_ends({m}({0})[0])")._replace(helper="both_ends"),)
        return (layer(name, *args, template="{m}({0})" + ends),)

    return rule
