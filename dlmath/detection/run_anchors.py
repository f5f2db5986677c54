"""`dlmath boxes anchors`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.detection.engine.anchors import STYLES, Style, check_count, grid_anchors
from dlmath.detection.engine.geometry import inside
from dlmath.detection.engine.matching import match
from dlmath.detection.files.reading import Role
from dlmath.detection.files.table import numbered
from dlmath.detection.report import anchors as report
from dlmath.detection.request import (
    Given,
    Reader,
    check_picture,
    conventions,
    floats,
    parse_at,
    parse_image,
    picture_pixels,
    prepared,
    sizes,
)
from dlmath.errors import InvalidValueError
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Lazy, Outcome
from dlmath.report.blocks import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.detection.words import Words
    from dlmath.frame.output import Output
    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block


class AnchorsRequest(NamedTuple):
    """Anchors of one cell, and the grid.

    Attributes
    ----------
    map : (int, int) or None
        Rows and columns.
    image : (float, float) or None
        Width and height, given or reckoned from the map.
    stride : (float, float)
        Down and across.
    cell : (int, int)
        That is shown.
    truths : Given or None
        What the anchors are to cover.
    """

    style: Style
    sizes: tuple[float, ...]
    scales: tuple[float, ...]
    ratios: tuple[float, ...]
    base: Array
    map: tuple[int, int] | None
    image: tuple[float, float] | None
    stride: tuple[float, float]
    plus: float
    cell: tuple[int, int]
    truths: Given | None
    notes: list[str]


def parse_stride(word: str) -> tuple[float, float]:
    """Return --stride, down and across.

    >>> parse_stride("16"), parse_stride("8x4")
    ((16.0, 16.0), (8.0, 4.0))
    """
    parts = floats("--stride", word.lower().replace("x", ","), positive=True)
    if len(parts) > 2:
        raise InvalidValueError(f"--stride {word}: {len(parts)} numbers", "give one, or HxW")
    return parts[0], parts[-1]


def map_of(words: Words, image: tuple[float, float] | None, stride: tuple[float, float]) -> tuple[int, int] | None:
    """Return rows and columns of the map: as given, or as poolings that round down leave of the picture."""
    if words.map is not None:
        return sizes("--map", words.map, "ROWSxCOLUMNS, as 37x62")
    if image is None:
        return None
    rows, columns = int(image[1] // stride[0]), int(image[0] // stride[1])
    if not rows or not columns:
        raise InvalidValueError(
            f"--image {words.image} is smaller than --stride {words.stride}", "give a smaller stride"
        )
    return rows, columns


def prepare(words: Words, _output: Output) -> AnchorsRequest:
    """Check the numbers and make the anchors of one cell."""
    like = conventions(words)
    style = STYLES[like.style or "torchvision"]
    scales = style.scales if words.scales is None else floats("--scales", words.scales, positive=True)
    usual = style.sizes if words.scales is None else (16.0,)
    side = usual if words.size is None else floats("--size", words.size, positive=True)
    if words.size is not None and words.scales is None:
        scales = (1.0,)
    ratios = floats("--ratios", words.ratios, positive=True)
    check_count(len(side) * len(scales) * len(ratios))
    stride, image = parse_stride(words.stride), parse_image(words.image)
    shape = map_of(words, image, stride)
    if "--stride" in words.given() and shape is None:
        raise InvalidValueError("--stride has no meaning without a map", "give --map HxW or --image WxH")
    base = style.base(side, ratios, scales)
    if shape is not None:
        check_count(shape[0] * shape[1] * len(base))
        image = image or (shape[1] * stride[1], shape[0] * stride[0])
    check_picture(words)
    cell = parse_at(words.at, shape or (1, 1), "ROW,COL: a cell of the map")
    if cell is None:
        cell = (shape[0] // 2, shape[1] // 2) if shape else (0, 0)
    plus = 1.0 if words.inclusive or style.plus else 0.0
    reader = Reader(words.replace(inclusive=bool(plus)))
    truths = truths_to_cover(words, reader, shape)
    return AnchorsRequest(
        style, side, scales, ratios, base, shape, image, stride, plus, (cell[0], cell[1]), truths, reader.notes
    )


def truths_to_cover(words: Words, reader: Reader, shape: tuple[int, int] | None) -> Given | None:
    """Return the boxes that the anchors are held against, where there are some."""
    if not words.inputs:
        refuse({"--boxes": words.boxes}, "without TRUTHS")
        return None
    if shape is None:
        raise InvalidValueError("TRUTHS are covered by the anchors of a map", "give --map HxW or --image WxH")
    truths = reader.read(words.inputs[0], Role("TRUTHS", ("class", "image")))
    reader.check_form(words)
    return truths


class Covered(NamedTuple):
    """How well anchors cover truths.

    Attributes
    ----------
    best : ndarray (M,) of float64
        Of each truth, the highest IoU any anchor has.
    share : float
        Of the truths, those above 0.5.
    by_class : dict
        The same, class by class.
    """

    best: Array
    share: float
    by_class: dict[str, float]


def covered(request: AnchorsRequest, grid: Array | None) -> Covered | None:
    """Hold the truths against the anchors of all cells."""
    if request.truths is None or grid is None:
        return None
    best = match(grid, request.truths.boxes, keep_best=False, plus=request.plus).best
    above = best > 0.5
    by_class = {}
    if request.truths.table.label is not None:
        names, (label,) = numbered(request.truths.table.label)
        by_class = {name: float(above[label == number].mean()) for number, name in enumerate(names)}
    return Covered(best, float(above.mean()), by_class)


def check(words: Words, output: Output) -> None:
    """Refuse what `run` would refuse."""
    prepared(words, output, prepare)


def run(words: Words, output: Output) -> Outcome:
    """Make the anchors of one cell, and of all cells where there is a map."""
    request: AnchorsRequest = prepared(words, output, prepare)
    grid = None
    if request.map is not None:
        grid = grid_anchors(request.base, *request.map, request.stride, words.offset)
    within = None
    if grid is not None and request.image is not None:
        within = int(inside(grid, *request.image, request.plus).sum())
    count = len(request.base) if grid is None else len(grid)
    cover = covered(request, grid)
    result = {
        "base": request.base,
        "anchors": grid,
        "map": request.map,
        "count": count,
        "inside": within,
        "covered": None if cover is None else cover.share,
        "covered_by_class": {} if cover is None else cover.by_class,
        "best": None if cover is None else cover.best,
    }
    resolved = {
        "size": list(request.sizes),
        "scales": list(request.scales),
        "ratios": list(request.ratios),
        "style": request.style.name,
        "inclusive": bool(request.plus),
    }
    rows: tuple[tuple[Any, ...], ...] = ()
    if output.format == "csv":
        rows = tuple(report.base_rows(request.base, request.plus) if grid is None else report.grid_rows(grid))
    return Outcome(
        command="boxes",
        settings={**words.as_dict(), **resolved, **output.settings()},
        result=Lazy(lambda: result),
        table=Table(report.COLUMNS if grid is None else report.COLUMNS[:5], rows),
        blocks=lambda: report.blocks(request.base, request.plus, facts(request, count, within), cover),
        explanation=(lambda: explanation(request, words)) if output.explain else None,
        picture=lambda ending: draw(request, words, ending),
        notes=request.notes,
    )


def facts(request: AnchorsRequest, count: int, within: int | None) -> list[tuple[str, str | int]]:
    """Return what is told below the table."""
    told: list[tuple[str, str | int]] = [("made as", f"{request.style.name}: {request.style.about}")]
    if request.map is not None and request.image is not None:
        told += [
            ("map", f"{request.map[0]} x {request.map[1]} cells, {len(request.base)} anchors each"),
            ("anchors", count),
            (f"inside {request.image[0]:g}x{request.image[1]:g}", within or 0),
        ]
    return told


def explanation(request: AnchorsRequest, words: Words) -> Iterator[Block]:
    """Return how the first anchor comes about."""
    size_first = request.sizes[0] * request.scales[0], request.ratios[0]
    return report.explanation(
        request.style, size_first, request.base, (request.map, request.stride, words.offset), request.cell
    )


def draw(request: AnchorsRequest, words: Words, ending: str) -> bytes:
    """Draw the anchors at one cell of the picture."""
    from dlmath.detection.report import pictures

    over = picture_pixels(words.picture) if words.picture else None
    y, x = ((place + words.offset) * step for place, step in zip(request.cell, request.stride, strict=True))
    made = request.base + np.array([x, y, x, y])
    ratios = [row[-1] for row in report.base_rows(request.base, request.plus)]
    return pictures.anchors(made, ratios, request.image, (x, y), over, ending)
