"""`dlmath boxes roi-pool` and `dlmath boxes roi-align`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.detection.engine.roi_align import Sampling, axes_of, roi_align
from dlmath.detection.engine.roi_pooling import Pooled, check_result, pooled_edges, roi_pool
from dlmath.detection.files.numbers import read_map
from dlmath.detection.files.reading import Role
from dlmath.detection.report import regions as report
from dlmath.detection.request import (
    Reader,
    check_picture,
    conventions,
    parse_at,
    parse_scale,
    picture_pixels,
    prepared,
    sizes,
)
from dlmath.errors import InvalidValueError
from dlmath.frame.checks import given
from dlmath.frame.outcome import Lazy, Outcome
from dlmath.report.blocks import Table

if TYPE_CHECKING:
    from dlmath.detection.words import Words
    from dlmath.frame.output import Output
    from dlmath.neural.arrays import Array

POOL = "roi-pool"


class RegionsRequest(NamedTuple):
    """A map, regions of the picture, and where they are sampled."""

    map: Array
    boxes: Array
    sampling: Sampling
    at: tuple[int, int, int]
    notes: list[str]


def prepare(words: Words, _output: Output) -> RegionsRequest:
    """Read map and boxes, and find regions that miss the map."""
    reader = Reader(words)
    first, second = words.inputs or []
    feature_map = read_map(first)
    boxes = reader.read(second, Role("B")).boxes
    reader.check_form(words)
    like = conventions(words)
    output = sizes("--output", words.output, "ROWSxCOLUMNS, as 7x7")
    sampling = Sampling(
        output=output,
        samples=given(words.sampling, given(like.sampling, 2)),
        aligned=not (words.unaligned or given(like.unaligned, False)),
        scale=parse_scale(words.scale),
    )
    channels = int(np.prod(feature_map.shape[2:], dtype=np.int64))
    check_result(len(boxes), output, channels)
    refuse_outside(feature_map, boxes, sampling, words)
    check_picture(words)
    place = parse_at(words.at, (len(boxes), *output), "BOX,ROW,COL: a bin") or (0, 0, 0)
    return RegionsRequest(feature_map, boxes, sampling, (place[0], place[1], place[2]), reader.notes)


def refuse_outside(feature_map: Array, boxes: Array, sampling: Sampling, words: Words) -> None:
    """Refuse regions that do not touch the map: most often the scale is missing."""
    height, width = feature_map.shape[:2]
    if words.operation == POOL:
        rows, columns = pooled_edges(boxes, (height, width), sampling.output, sampling.scale)
        missed = ((rows[..., 1] <= rows[..., 0]).all(axis=1)) | ((columns[..., 1] <= columns[..., 0]).all(axis=1))
    else:
        down, across = axes_of(boxes, (height, width), sampling)
        missed = np.zeros(len(boxes), dtype=bool)
        for axis, length in ((down, height), (across, width)):
            missed |= (axis.start > length) | (axis.start + axis.size < -1)
    if missed.any():
        row = int(np.argmax(missed))
        numbers = " ".join(f"{value:g}" for value in boxes[row])
        raise InvalidValueError(
            f"box {row} ({numbers}) x {sampling.scale:g} lies outside the map of {height} rows and {width} columns",
            "give --scale, cells of the map for a pixel of the picture (1/16), or boxes on the map",
        )


def check(words: Words, output: Output) -> None:
    """Refuse what `run` would refuse."""
    prepared(words, output, prepare)


def run(words: Words, output: Output) -> Outcome:
    """Pool or sample every region."""
    request: RegionsRequest = prepared(words, output, prepare)
    pooled = None
    if words.operation == POOL:
        pooled = roi_pool(request.map, request.boxes, request.sampling.output, request.sampling.scale)
        values = pooled.values
    else:
        values = roi_align(request.map, request.boxes, request.sampling)
    resolved: dict[str, Any] = {"scale": request.sampling.scale, "output_size": list(request.sampling.output)}
    if pooled is None:
        resolved |= {"sampling": request.sampling.samples, "unaligned": not request.sampling.aligned}
    return Outcome(
        command="boxes",
        settings={**words.as_dict(), **resolved, **output.settings()},
        result=Lazy(lambda: {"values": values, "bins": None if pooled is None else pooled.bins}),
        table=report.csv_table(values) if output.format == "csv" else Table(report.columns(values), ()),
        blocks=lambda: report.blocks(values, request.boxes, request.map.shape, request.sampling.scale),
        explanation=(lambda: explanation(request, values, pooled)) if output.explain else None,
        picture=lambda ending: draw(request, words, ending),
        notes=request.notes,
    )


def explanation(request: RegionsRequest, values: Array, pooled: Pooled | None) -> Any:
    """Return one bin worked out."""
    row, i, j = request.at
    box = request.boxes[row]
    if pooled is not None:
        return report.explain_pool(request.map, box, pooled, request.at, request.sampling.scale)
    value = values[row, i, j]
    return report.explain_align(request.map, box, request.sampling, request.at, float(value.ravel()[0]))


def draw(request: RegionsRequest, words: Words, ending: str) -> bytes:
    """Draw RoIPool's bins beside RoIAlign's points over the map's first channel."""
    from dlmath.detection.report import pictures

    over = picture_pixels(words.picture) if words.picture else None
    box = request.boxes[request.at[0]]
    plane = report.plane(request.map)
    pooled = roi_pool(plane, box[None], request.sampling.output, request.sampling.scale)
    first = float(pooled.values[0, 0, 0]), float(roi_align(plane, box[None], request.sampling)[0, 0, 0])
    edges = pooled.rows[0], pooled.columns[0]
    return pictures.regions(plane, box, request.sampling, edges, first, over, ending)
