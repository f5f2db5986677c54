"""`dlmath boxes cost`: the designs' multiply-accumulates and parameters, by `param-count`'s own engine.

This is the one file of the house that asks another house: what a network costs is counted in one place only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting import zoo
from dlmath.counting.engine.count import count
from dlmath.detection.engine.costs import CostedLayer, CostParts, Design, designs
from dlmath.detection.report import costs as report
from dlmath.detection.request import parse_image, prepared
from dlmath.errors import InvalidValueError
from dlmath.frame.outcome import Outcome
from dlmath.report.blocks import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.counting.engine.count import LayerRow
    from dlmath.detection.words import Words
    from dlmath.frame.output import Output

PAPER_IMAGE = (1000, 600)
PAPER_MAP = (60, 40)
"""Cells across and down as Ren et al. 2015, section 3.1.1, reckon with (W x H about 2,400)."""
ANCHORS = 9
SMALLEST = 32
"""Pixels: below, four poolings leave less than two cells."""
LARGEST = 20_000
FIRST_OF_HEAD = "fc6"


class CostsRequest(NamedTuple):
    """The designs counted.

    Attributes
    ----------
    map : (int, int)
        Rows and columns.
    """

    designs: tuple[Design, ...]
    proposals: tuple[CostedLayer, ...]
    map: tuple[int, int]
    image: tuple[int, int]
    published: bool


def layer_of(row: LayerRow) -> CostedLayer:
    """Return a counted layer."""
    inputs = row.input_shapes[0][-1] if row.input_shapes else 0
    return CostedLayer(
        row.name.rpartition(".")[2], row.counted.macs, row.params, row.counted.weights, (inputs, row.output[-1])
    )


def layers(model: str, shape: tuple[int, int, int] | None = None) -> Iterator[tuple[CostedLayer, tuple[int, ...]]]:
    """Yield the layers of a network of the zoo that multiply, with the shapes they make."""
    for row in count(zoo.load(model, shape)).rows:
        if row.counted.macs:
            yield layer_of(row), row.output


def prepare(words: Words, _output: Output) -> CostsRequest:
    """Count the layers and put the designs together."""
    width, height = (int(side) for side in parse_image(words.image) or PAPER_IMAGE)
    if min(width, height) < SMALLEST or max(width, height) > LARGEST:
        raise InvalidValueError(f"--image {width}x{height} is not allowed", f"sides from {SMALLEST} to {LARGEST:,}")
    crop = [layer for layer, shape in layers("vgg16") if len(shape) == 3]
    model = f"faster_rcnn:classes={words.classes + 1},anchors={ANCHORS}"
    whole = list(layers(model, (height, width, 3)))
    picture = [layer for layer, _ in whole if layer.name.startswith("conv")]
    proposals = tuple(layer for layer, _ in whole if layer.name.startswith("rpn"))
    head = [layer for layer, shape in whole if len(shape) == 1]
    hidden = [layer for layer in head if layer.name.startswith("fc")]
    rows, columns = next(shape[:2] for layer, shape in whole if layer.name == proposals[0].name)
    made = designs(CostParts(crop, picture, head, hidden, proposals), words.regions, words.proposals)
    usual = (width, height) == PAPER_IMAGE and not words.given(but=("operation", "image"))
    return CostsRequest(made, proposals, (rows, columns), (width, height), usual)


def check(words: Words, output: Output) -> None:
    """Refuse what `run` would refuse."""
    prepared(words, output, prepare)


def run(words: Words, output: Output) -> Outcome:
    """Set the designs side by side."""
    request: CostsRequest = prepared(words, output, prepare)
    total, inside = anchor_counts(request)
    paper = PAPER_MAP[0] * PAPER_MAP[1] * ANCHORS
    told = (
        ("as the paper reckons", f"{PAPER_MAP[0]} x {PAPER_MAP[1]} x {ANCHORS} = {paper:,}"),
        ("VGG16's map", f"{request.map[1]} x {request.map[0]} x {ANCHORS} = {total:,}"),
        ("inside the picture", inside),
    )
    return Outcome(
        command="boxes",
        settings={**words.as_dict(), "image": f"{request.image[0]}x{request.image[1]}", **output.settings()},
        result={
            "designs": [design_entry(design, request) for design in request.designs],
            "anchors": {"paper": paper, "map": request.map, "count": total, "inside": inside},
            "rpn": [{"name": layer.name, "macs": layer.macs, "params": layer.params} for layer in request.proposals],
        },
        table=Table(report.COLUMNS, tuple(report.rows(request.designs, published=request.published))),
        blocks=lambda: report.blocks(request.designs, request.proposals, told, published=request.published),
        explanation=(lambda: report.explanation(request.designs)) if output.explain else None,
        picture=lambda ending: draw(request, ending),
    )


def anchor_counts(request: CostsRequest) -> tuple[int, int]:
    """Return how many anchors the map has, and how many lie wholly within the picture, as py-faster-rcnn counts."""
    from dlmath.detection.engine.anchors import RATIOS, STYLES, check_count, grid_anchors
    from dlmath.detection.engine.geometry import inside

    style = STYLES["py-faster-rcnn"]
    check_count(request.map[0] * request.map[1] * ANCHORS)
    grid = grid_anchors(style.base(style.sizes, RATIOS, style.scales), *request.map, (16.0, 16.0))
    return len(grid), int(inside(grid, *request.image, style.plus).sum())


def design_entry(design: Design, request: CostsRequest) -> dict[str, Any]:
    """Return one object of `designs`."""
    return {
        "name": design.name,
        "passes": design.passes,
        "macs": design.macs,
        "ratio": request.designs[0].macs / design.macs,
        "params": design.params,
        "published": design.published if request.published else None,
        "terms": [{"name": term.name, "times": term.times, "macs": term.macs} for term in design.terms],
    }


def draw(request: CostsRequest, ending: str) -> bytes:
    """Draw the designs' MACs as bars, part by part."""
    from dlmath.detection.report import curves

    return curves.costs(request.designs, ending)
