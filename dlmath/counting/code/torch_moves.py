"""How PyTorch writes layers that move elements, and joins; its maps have their channels first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.code.pieces import Arg, Statement, alike, options_of, refuse
from dlmath.counting.code.torch_windows import FLATTEN, MAP, TARGET, around, layer
from dlmath.counting.engine.options import per_axis
from dlmath.counting.engine.shapes import elements

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.count import LayerRow
    from dlmath.counting.engine.graph import Shape

    Rule = Callable[[LayerRow], tuple[Statement, ...]]


def _operand(number: int, shape: Shape, rank: int) -> str:
    """Return one side of a join, stretched to as many axes as the output has."""
    missing = rank - len(shape)
    if missing <= 0:
        return f"{{{number}}}"
    if rank >= MAP and len(shape) == 1:
        return f"{{{number}}}[..., {', '.join(['None'] * missing)}]"
    return f"{{{number}}}[:, {', '.join(['None'] * missing)}]"


def join(symbol: str) -> Rule:
    """Return the rule of an element by element join."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        if any(1 < len(shape) < len(row.output) and len(row.output) >= MAP for shape in row.input_shapes):
            raise refuse(row, "it joins a sequence with a map", TARGET)
        sides = [_operand(number, shape, len(row.output)) for number, shape in enumerate(row.input_shapes)]
        if symbol in {"maximum", "minimum"}:
            text = sides[0]
            for side in sides[1:]:
                text = f"torch.{symbol}({text}, {side})"
            return (Statement(text),)
        if symbol == "average":
            return (Statement(f"({' + '.join(sides)}) / {len(sides)}"),)
        return (Statement(f" {symbol} ".join(sides)),)

    return rule


def concat(row: LayerRow) -> tuple[Statement, ...]:
    """Return a concatenation."""
    rank = len(row.output)
    axis = options_of(row)["axis"] % rank
    dim = (1 if axis == rank - 1 else axis + 2) if rank >= MAP else axis + 1
    return (Statement(f"torch.cat([{{all}}], dim={dim})"),)


def matmul(row: LayerRow) -> tuple[Statement, ...]:
    """Return a product of two matrices."""
    if len(row.output) >= MAP:
        raise refuse(row, "products of more than two axes are not written", TARGET)
    turned = ".transpose(-1, -2)" if options_of(row)["transpose"] == "yes" else ""
    return (Statement(f"{{0}} @ {{1}}{turned}"),)


def channels_last(expression: str, before: Shape, after: Shape) -> Statement:
    """Return an expression on a tensor with its channels last, whatever order the axes have before and after."""
    source = "{0}.movedim(1, -1)" if len(before) >= MAP else "{0}"
    return Statement(expression.replace("{0}", source) + (".movedim(-1, 1)" if len(after) >= MAP else ""))


def flatten(row: LayerRow) -> tuple[Statement, ...]:
    """Return a flattening, or that of later axes."""
    shape = row.input_shapes[0]
    if len(shape) == 1:
        return ()
    return reshape(row) if options_of(row)["start"] else (FLATTEN,)


def reshape(row: LayerRow) -> tuple[Statement, ...]:
    """Return a reshape."""
    before, after = row.input_shapes[0], row.output
    if len(before) >= MAP and after == (elements(before[:-1]), before[-1]):
        return (Statement("{0}.flatten(2).transpose(1, 2)"),)
    return (channels_last(f"{{0}}.reshape(-1, {', '.join(map(str, after))})", before, after),)


def permute(row: LayerRow) -> tuple[Statement, ...]:
    """Return a transposition."""
    order = ", ".join(str(axis) for axis in (0, *options_of(row)["order"]))
    return (channels_last(f"{{0}}.permute({order})", row.input_shapes[0], row.output),)


def pad_channels(row: LayerRow) -> tuple[Statement, ...]:
    """Return channels of zeros added."""
    more, rank = row.output[-1] - row.input_shapes[0][-1], len(row.output)
    zeros_before = (0, 0) * (rank - 1 if rank >= MAP else 0)
    return (Statement(f"F.pad({{0}}, {(*zeros_before, 0, more)})"),)


def upsample(row: LayerRow) -> tuple[Statement, ...]:
    """Return an upsampling."""
    options, rank = options_of(row), len(row.output) - 1
    factor = alike(per_axis("factor", options["factor"], rank))
    mode = Arg("mode", _mode(options["mode"], rank), "nearest")
    return (layer("Upsample", Arg("scale_factor", factor), mode, template=around(rank)),)


def resize(row: LayerRow) -> tuple[Statement, ...]:
    """Return a resizing."""
    rank = len(row.output) - 1
    mode = Arg("mode", _mode(options_of(row)["mode"], rank), "nearest")
    size = row.output[:-1] if rank > 1 else row.output[0]
    return (layer("Upsample", Arg("size", size), mode, template=around(rank)),)


def _mode(mode: str, rank: int) -> str:
    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}
    return linear.get(rank, mode) if mode == "bilinear" else mode


def take(row: LayerRow) -> tuple[Statement, ...]:
    """Return the choice of one step."""
    options = options_of(row)
    where = f"[{', '.join([':'] * (options['axis'] + 1))}, {options['place']}]"
    return (channels_last(f"{{0}}{where}", row.input_shapes[0], row.output),)


def cut_out(row: LayerRow) -> tuple[Statement, ...]:
    """Return the choice of elements along an axis."""
    options, rank = options_of(row), len(row.output)
    axis = options["axis"] % rank
    dim = (1 if axis == rank - 1 else axis + 2) if rank >= MAP else axis + 1
    return (Statement(f"{{0}}[{', '.join([':'] * dim)}, {options['start']}:{options['start'] + row.output[axis]}]"),)


def mean(row: LayerRow) -> tuple[Statement, ...]:
    """Return a mean over axes."""
    options, before = options_of(row), row.input_shapes[0]
    axes = tuple(sorted(axis % len(before) + 1 for axis in options["axes"]))
    keep = ", keepdim=True" if options["keep"] == "yes" else ""
    return (channels_last(f"{{0}}.mean({axes[0] if len(axes) == 1 else axes}{keep})", before, row.output),)
