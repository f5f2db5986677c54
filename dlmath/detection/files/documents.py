"""Boxes in documents: JSON of several makes, COCO's among them, and VOC's XML."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np

from dlmath.detection.files.rows import ALIASES, FORM_COLUMNS, from_columns, numbers, positional
from dlmath.detection.files.table import BoxTable, image_name, label_text
from dlmath.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlmath.detection.files.content import Content
    from dlmath.neural.arrays import Array

MEND_JSON = 'give [[x1, y1, x2, y2], ...], [{"box": [...], "score": ...}, ...], {"boxes": [...]}, or COCO\'s JSON'
PLURALS = {"scores": "score", "labels": "class", "classes": "class", "images": "image"}


def json_table(content: Content, extra: Sequence[str]) -> BoxTable:
    """Return the boxes of a JSON document, whichever of the known makes it is.

    Raises
    ------
    UnreadableError
        With line and column where it is no JSON, with the makes that are read where it is another.
    """
    try:
        data = json.loads(content.text())
    except (ValueError, RecursionError) as error:
        place = f":{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        reason = error.msg if isinstance(error, json.JSONDecodeError) else error
        raise UnreadableError(f"{content.place}{place}: is no JSON ({reason})", "mend it there") from error
    if isinstance(data, dict) and isinstance(data.get("result"), dict):
        data = data["result"]  # what `dlmath boxes --format json` printed
    if isinstance(data, dict):
        return _of_object(data, content.place, extra)
    if isinstance(data, list):
        return _of_list(data, content.place, extra)
    raise UnreadableError(f"{content.place}: holds no boxes", MEND_JSON)


def _of_object(data: Mapping[str, Any], place: str, extra: Sequence[str]) -> BoxTable:
    """Return the boxes of COCO's data set, or of parallel lists."""
    if "annotations" in data:
        return coco_truths(data, place)
    rows = data.get("boxes", data.get("anchors"))
    if not isinstance(rows, list):
        raise UnreadableError(f"{place}: has no boxes among {', '.join(map(str, data)) or 'nothing'}", MEND_JSON)
    table = _of_list(rows, place, extra)
    columns = {name: data[key] for key, name in PLURALS.items() if isinstance(data.get(key), list)}
    wrong = next((name for name, values in columns.items() if len(values) != len(table)), None)
    if wrong is not None:
        raise UnreadableError(f"{place}: {len(columns[wrong])} of {wrong} for {len(table)} boxes", "give one a box")
    if "score" in columns:
        table.score = _floats(columns["score"], place, "score")
    if "class" in columns:
        table.label = [label_text(value) for value in columns["class"]]
    if "image" in columns:
        table.image = [image_name(label_text(value)) for value in columns["image"]]
    return table


def _of_list(data: Sequence[Any], place: str, extra: Sequence[str]) -> BoxTable:
    """Return boxes of a list of lists, of COCO's results, or of objects."""
    if not data:
        return BoxTable(place, np.zeros((0, 4)))
    if all(isinstance(item, list) for item in data):
        return positional([[_cell(value, place, row) for value in item] for row, item in enumerate(data)], place, extra)
    if all(isinstance(item, dict) for item in data):
        coco = "bbox" in data[0] and ("image_id" in data[0] or "category_id" in data[0])
        return coco_annotations(data, place) if coco else _of_objects(data, place)
    if len(data) == 4 and not any(isinstance(item, list | dict) for item in data):
        return positional([[_cell(value, place, 0) for value in data]], place, extra)
    raise UnreadableError(f"{place}: holds a list of neither rows nor objects", MEND_JSON)


def _cell(value: Any, place: str, row: int) -> str:
    """Return a number or word as the text that rows are made of."""
    if isinstance(value, bool) or value is None or not isinstance(value, str | int | float):
        raise UnreadableError(f"{place}: box {row} holds {value!r}", "give numbers")
    return str(value)


def _of_objects(data: Sequence[Mapping[str, Any]], place: str) -> BoxTable:
    """Return boxes of objects with "box" (or "bbox"), or with x1 y1 x2 y2, each."""
    flat = [_flat(item, place, row) for row, item in enumerate(data)]
    header = tuple(flat[0])
    odd = next((row for row, item in enumerate(flat) if item.keys() != flat[0].keys()), None)
    if odd is not None:
        raise UnreadableError(f"{place}: box {odd} has {', '.join(flat[odd])}", f"box 0 has {', '.join(header)}")
    columns = [[_cell(item[name], place, row) for row, item in enumerate(flat)] for name in header]
    return from_columns(header, columns, place)


def _flat(item: Mapping[str, Any], place: str, row: int) -> dict[str, Any]:
    """Return an object with our names, its box taken apart."""
    named = {ALIASES.get(str(key).lower(), str(key).lower()): value for key, value in item.items()}
    box = named.pop("box", named.pop("bbox", None))
    if box is not None:
        if not isinstance(box, list) or len(box) != 4:
            raise UnreadableError(f"{place}: box {row} is {str(box)[:60]}", "give four numbers")
        named |= dict(zip(FORM_COLUMNS["corners"], box, strict=True))
    return named


def _floats(values: Sequence[Any], place: str, name: str) -> Array:
    """Return numbers (N,) of a JSON list."""
    if set(map(type, values)) <= {int, float}:
        with suppress(OverflowError):  # a whole number beyond any float is told below, with its row
            return np.array(values, dtype=np.float64)
    return numbers([_cell(value, place, row) for row, value in enumerate(values)], place, name)


def coco_truths(data: Mapping[str, Any], place: str) -> BoxTable:
    """Return the annotations of a COCO data set, with the names of its classes."""
    annotations = data["annotations"]
    if not isinstance(annotations, list) or not all(isinstance(item, dict) for item in annotations):
        raise UnreadableError(f"{place}: annotations is no list of objects", "give COCO's instances JSON")
    table = coco_annotations(annotations, place)
    categories = data.get("categories")
    if isinstance(categories, list):
        named = {
            label_text(c["id"]): str(c["name"])
            for c in categories
            if isinstance(c, dict) and {"id", "name"} <= c.keys()
        }
        table.names = named if len(set(named.values())) == len(named) else {}
    return table


def coco_annotations(items: Sequence[Mapping[str, Any]], place: str) -> BoxTable:
    """Return COCO's annotations or results: bbox (x y w h), category_id, image_id, score, area, iscrowd, ignore."""
    if not items:
        return BoxTable(place, np.zeros((0, 4)), "xywh")
    boxes = list(zip(*(_bbox(item, place, row) for row, item in enumerate(items)), strict=True))
    rows = np.stack([_floats(column, place, name) for name, column in zip("xywh", boxes, strict=True)], axis=1)
    columns = {key: [item.get(key) for item in items] for key in ("category_id", "image_id", "score", "area")}
    whole = {key: values for key, values in columns.items() if None not in values}
    crowd = np.array([bool(item.get("iscrowd", 0)) for item in items])
    return BoxTable(
        place,
        rows,
        "xywh",
        score=_floats(whole["score"], place, "score") if "score" in whole else None,
        label=[label_text(value) for value in whole["category_id"]] if "category_id" in whole else None,
        image=[image_name(label_text(value)) for value in whole["image_id"]] if "image_id" in whole else None,
        area=_floats(whole["area"], place, "area") if "area" in whole else None,
        crowd=crowd,
        ignored=crowd | np.array([bool(item.get("ignore", 0)) for item in items]),
    )


def _bbox(item: Mapping[str, Any], place: str, row: int) -> Sequence[Any]:
    box = item.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        raise UnreadableError(
            f"{place}: annotation {row} has no bbox of four numbers", "give COCO's x, y, width, height"
        )
    return box


def voc_table(content: Content) -> BoxTable:
    """Return the objects of a VOC annotation: bndbox, name, difficult.

    Raises
    ------
    UnreadableError
        When it is no such XML.
    """
    text = content.text()
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise UnreadableError(f"{content.place}: declares a document type", "give VOC's plain annotation")
    try:
        root = ET.fromstring(text)  # noqa: S314  entities, which could grow without bound, are refused above
    except ET.ParseError as error:
        line, column = error.position
        raise UnreadableError(
            f"{content.place}:{line}:{column + 1}: is no XML ({error.msg})", "mend it there"
        ) from error
    objects = root.findall("object")
    rows = [
        [_child(item, f"bndbox/{name}", content.place, row) for name in ("xmin", "ymin", "xmax", "ymax")]
        for row, item in enumerate(objects)
    ]
    picture = image_name(root.findtext("filename") or content.stem)
    if not rows:
        return BoxTable(content.place, np.zeros((0, 4)), "corners")
    table = positional(rows, content.place, ())
    table.form = "corners"
    table.label = [(item.findtext("name") or "").strip() or "object" for item in objects]
    table.image = [picture] * len(objects)
    table.ignored = np.array([(item.findtext("difficult") or "0").strip() not in {"", "0"} for item in objects])
    return table


def _child(item: ET.Element, path: str, place: str, row: int) -> str:
    text = item.findtext(path)
    if text is None:
        raise UnreadableError(f"{place}: object {row} has no {path}", "give VOC's annotation")
    return text.strip()
