"""`--explain`: every layer's formulas, then the same with this network's numbers in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.layers import get_kind
from dlmath.counting.engine.shapes import shape_text
from dlmath.counting.report.cells import axes_text, field
from dlmath.counting.report.results import OTHER_OPERATIONS
from dlmath.report.blocks import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.counting.engine.count import LayerRow, NetworkCount
    from dlmath.counting.engine.shapes import Window
    from dlmath.report.blocks import Block


def explanation(counts: Sequence[NetworkCount]) -> Iterator[Block]:
    """Yield every layer's formulas with its numbers in them."""
    yield Lines(
        (
            "output size       o = floor((W - d (F - 1) - 1 + P_before + P_after) / S) + 1",
            "receptive field   r' = r + (F - 1) d j;  jump j' = j S;  padding p' = p + j P  (Araujo et al. 2019)",
            "MAC               one multiply and one add; FLOPs = 2 x MACs; biases are counted apart",
        ),
        title="Formulas",
    )
    for count in counts:
        yield Lines(tuple(line for row in count.rows for line in layer_lines(row)), title=count.network.name)


def layer_lines(row: LayerRow) -> Iterator[str]:
    """Yield a layer's output sizes, its products and its field, numbers in them."""
    shapes = ", ".join(shape_text(shape) for shape in row.input_shapes)
    yield f"{row.name} ({row.node.kind}): {shapes} -> {shape_text(row.output)}"
    equation = get_kind(row.node.kind).equation
    if equation:
        yield f"    {equation.format(**resolved_options(row))}"
    yield from size_lines(row)
    yield from quantity_lines(row)
    sees = field(row.fields)
    if sees["receptive_field"] is not None:
        texts = (axes_text(sees[name]) for name in ("receptive_field", "jump", "effective_padding"))
        yield "    sees {}, jump {}, padding {}".format(*texts)


def resolved_options(row: LayerRow) -> dict[str, Any]:
    """Return the options of a layer with their defaults."""
    return {
        option.name: row.node.options.get(option.name, option.default) for option in get_kind(row.node.kind).options
    }


def size_lines(row: LayerRow) -> Iterator[str]:
    """Yield the output sizes, once where all axes are alike; a layer that sees all has none worth a line."""
    texts = [window_text(window) for window in row.counted.windows or ()]
    if row.node.kind in {"flatten", "dense"} or not any(texts):
        return
    if len(set(texts)) == 1:
        yield f"    {'each axis' if len(texts) > 1 else 'size'}: {texts[0]}"
        return
    yield from (f"    axis {axis}: {text}" for axis, text in enumerate(texts, start=1) if text)


def window_text(window: Window) -> str:
    """Return the output-size formula of one axis with its numbers; "" where an axis keeps its size by itself.

    >>> from dlmath.counting.engine.shapes import Window
    >>> window_text(Window(size=224, out=112, kernel=7, stride=2, before=3, after=3))
    'floor((224 - 1 x (7 - 1) - 1 + 3 + 3) / 2) + 1 = 112'
    """
    w = window
    if w.kernel == w.stride == 1 and w.size == w.out:
        return ""
    if w.rule in {"floor", "ceil", "same"}:
        rounding = "ceil" if w.rule == "ceil" else "floor"
        return (
            f"{rounding}(({w.size} - {w.dilation} x ({w.kernel} - 1) - 1 + {w.before} + {w.after}) / {w.stride}) + 1"
            f" = {w.out}"
        )
    if w.rule == "transposed":
        return f"({w.size} - 1) x {w.up} + {w.dilation} x ({w.kernel} - 1) + 1 - padding = {w.out}"
    return f"{w.size} -> {w.out} ({w.rule})"


def quantity_lines(row: LayerRow) -> Iterator[str]:
    """Yield each quantity as the sum of products it is."""
    held = [term for term in row.counted.terms if term.quantity in {"weights", "biases"}]
    if held:
        text = " + ".join(term.text() for term in held)
        shared = "" if row.held else f" (shared with {row.node.shares}: counted there)"
        yield f"    parameters: {text} = {row.counted.params:,}{shared}"
    for name in ("buffers", "macs", *OTHER_OPERATIONS):
        terms = [term for term in row.counted.terms if term.quantity == name]
        if terms:
            words = " + ".join(" x ".join(term.labels) for term in terms)
            total = sum(term.value for term in terms)
            product = " + ".join(term.text() for term in terms)
            sums = f"{product} = {total:,}" if len(terms) > 1 or len(terms[0].factors) > 1 else f"{total:,}"
            yield f"    {name.replace('_', ' ')}: {sums}   ({words})"
