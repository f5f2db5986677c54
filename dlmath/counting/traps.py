"""Notes on requests that can be counted and were perhaps meant otherwise: an order of axes, a region's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.open_sizes import is_open
from dlmath.counting.engine.shapes import parse_shape, shape_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.counting.engine.count import NetworkCount
    from dlmath.counting.engine.graph import Network, Shape
    from dlmath.counting.words import Words

MOST_COLOURS = 4
"""Channels a picture has; more of them in the last place, and few in the first, are the other order."""
WIDE_KERNEL = 12
"""No kernel of the literature is so high and as wide as 3."""


def trap_notes(network: Network, counts: NetworkCount, words: Words) -> list[str]:
    """Return a note for each part of a request that may have been meant otherwise."""
    shapes = [parse_shape(text.rpartition("=")[2]) for text in words.input_shape or ()]
    notes = [note for shape in shapes for note in channels_first(shape)]
    if words.model is None:
        notes += [note for node in network.nodes for note in filters_first(node.name, node.options.get("kernel"), node)]
    elif shapes:
        notes += list(regions(counts, shapes))
    return notes


def channels_first(shape: Shape) -> Iterator[str]:
    """Yield a note where a picture seems to have its channels first.

    >>> list(channels_first((3, 224, 224)))[0]
    'the input is 3 rows of 224 columns with 224 channels; with 3 channels it is written 224x224x3'
    >>> list(channels_first((7, 7, 512)))
    []
    """
    if len(shape) == 3 and not is_open(shape) and shape[0] <= MOST_COLOURS < min(shape[1:]):
        rows, columns, channels = shape
        turned = shape_text((columns, channels, rows))
        yield (
            f"the input is {rows} rows of {columns} columns with {channels} channels; with {rows} channels it is "
            f"written {turned}"
        )


def filters_first(name: str, kernel: object, node: object) -> Iterator[str]:
    """Yield a note where a convolution seems to have its filters before its kernel, as Keras' arguments have them."""
    out = getattr(node, "options", {}).get("out")
    if not isinstance(kernel, tuple) or len(kernel) != 2 or not isinstance(out, int):
        return
    first, second = kernel
    if first >= WIDE_KERNEL and second == out and second % 2:
        yield (
            f"{name} has a kernel {first} high and {second} wide, and {out} filters; {first} filters of "
            f"{second}x{out} are written {second}x{out}x{first}"
        )


def regions(counts: NetworkCount, shapes: Sequence[Shape]) -> Iterator[str]:
    """Yield a note where the input of a network is one of many regions of a picture."""
    runs = next((row.runs for row in counts.rows if 0 in row.node.inputs), 1)
    if runs > 1:
        yield (
            f"{counts.network.name} runs {runs:,} times, once for each region warped to its input: each is taken to "
            f"be {shape_text(shapes[0])}, and operations are those of all"
        )
