"""The report of `boxes cost`: three designs beside each other, with what their papers measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.detection.engine.costs import CostedLayer, Design
    from dlmath.report.blocks import Block

COLUMNS = ("design", "passes", "MACs", "R-CNN / this", "parameters", "published")


def rows(designs: Sequence[Design], *, published: bool) -> list[tuple[Any, ...]]:
    """Return a row for each design."""
    dearest = designs[0].macs
    return [
        (
            design.name,
            design.passes,
            design.macs,
            dearest / design.macs,
            design.params,
            design.published if published else None,
        )
        for design in designs
    ]


def blocks(
    designs: Sequence[Design], proposals: Sequence[CostedLayer], anchors: Sequence[tuple[str, Any]], *, published: bool
) -> Iterator[Block]:
    """Yield designs, the proposal network, the anchors, and what was published."""
    made = rows(designs, published=published)
    yield Facts(tuple(row[:2] for row in made), title="What goes through the network for a picture (VGG16)")
    yield Table(
        (COLUMNS[0], *COLUMNS[2:5]),
        tuple((row[0], *row[2:5]) for row in made),
        title="What it costs",
        scalable=("MACs", "parameters"),
    )
    layers = tuple((layer.name, layer.params, layer.macs) for layer in proposals)
    total = ("sum", sum(layer.params for layer in proposals), sum(layer.macs for layer in proposals))
    yield Table(("layer", "parameters", "MACs"), (*layers, total), title="The region proposal network")
    yield Facts(tuple(anchors), title="Its anchors")
    if published:
        yield Facts(tuple((design.name, design.published) for design in designs), title="Published")
    yield Lines(tuple(why_lines(designs, published=published)), title="Arithmetic, not seconds")


def why_lines(designs: Sequence[Design], *, published: bool) -> Iterator[str]:
    """Yield why the ratio of operations is not that of seconds."""
    ratio = designs[0].macs / designs[1].macs
    yield f"Fast R-CNN does 1/{ratio:.1f} of R-CNN's multiply-accumulates" + (
        ", and took 1/146 of its seconds (47 s against 0.32 s)." if published else "."
    )
    yield (
        "MACs count neither memory traffic nor how well a processor is filled: thousands of crops are read, warped and "
        f"sent through {designs[0].params / 1e6:.0f} million weights in small batches, one large map is not."
    )
    head = designs[1].terms[-1].total / designs[1].macs
    yield f"In Fast R-CNN the head takes {head:.1%} of the MACs; the paper measured 45 % of its time in fc layers."


def explanation(designs: Sequence[Design]) -> Iterator[Block]:
    """Yield each design's sum."""
    for design in designs:
        lines = [
            f"{term.name}: {term.times:,} x {term.macs:,} = {term.total:,}" if term.times > 1
            else f"{term.name}: {term.macs:,}"
            for term in design.terms
        ]  # fmt: skip
        yield Lines((*lines, f"sum = {design.macs:,}"), title=f"{design.name} ({design.source})")
    yield Lines(
        (
            "counts of layers are those of `dlmath param-count --model vgg16` and `--model faster_rcnn`",
            "truncated SVD: W (inputs x outputs) becomes two matrices of rank t: t (inputs + outputs) weights",
            "R-CNN's support vector machines and its box regression on pool5 are not counted",
        ),
        title="Where the figures come from",
    )
