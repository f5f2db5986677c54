"""A network as boxes and arrows: what is drawn of it, and where each box stands.

Small networks are drawn layer by layer (a norm or an activation is written into the box of the layer before it), large
ones block by block, with one block of each make in detail beside them. Boxes stand in rows by the longest way from the
input, in lanes by the branch they are in; a long way is cut into columns where a single arrow passes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from dlmath.counting.engine.layers import FAMILY
from dlmath.counting.engine.shapes import shape_text
from dlmath.counting.engine.stages import stages, words_of
from dlmath.counting.report.captions import caption, touch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dlmath.counting.engine.count import LayerRow, NetworkCount

MOST_BOXES = 46
"""Boxes up to which every layer has its own."""
MOST_BLOCKS = 120
"""Blocks up to which a picture is more than a pattern."""
ROWS = 15
"""Rows of a column."""
JOINS = {"add": "+", "subtract": "-", "multiply": "x", "average": "mean", "maximum": "max", "minimum": "min"}
SILENT = {"identity", "flatten", "reshape", "permute", "dropout", "stochasticdepth"}
"""Kinds that are not worth a box."""


class Box(NamedTuple):
    """One box.

    Attributes
    ----------
    text, shape : str
        What it says, and below it the shape of what it gives.
    family : str
        Of its layer: what it is coloured by.
    places : tuple of int
        The nodes it stands for.
    """

    text: str
    shape: str
    family: str
    places: tuple[int, ...]

    @property
    def is_join(self) -> bool:
        """Whether it is where branches meet."""
        return self.family == "join"


class Placed(NamedTuple):
    """A box in its place: a row from above, a lane (0 is the middle, in widths of a box)."""

    box: Box
    row: int
    lane: float


class Diagram(NamedTuple):
    """Boxes in their places, and arrows between them.

    Attributes
    ----------
    title : str
    boxes : tuple of Placed
    arrows : tuple of (int, int)
        From box to box, by number.
    """

    title: str
    boxes: tuple[Placed, ...]
    arrows: tuple[tuple[int, int], ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return 1 + max((placed.row for placed in self.boxes), default=0)

    @property
    def width(self) -> tuple[float, float]:
        """The outermost lanes, half a box included."""
        lanes = [placed.lane for placed in self.boxes] or [0.0]
        return min(lanes) - 0.5, max(lanes) + 0.5


def diagrams(counted: NetworkCount) -> list[Diagram]:
    """Return what is drawn of a network: itself, and where it is drawn by blocks, one of each make in detail."""
    whole = _layered(
        counted, [place for place, row in enumerate(counted.nodes) if row in counted.rows or _is_input(row)]
    )
    if len(whole[0]) <= MOST_BOXES:
        return [placed("", *whole)]
    boxes, arrows = _blocks(counted)
    if len(boxes) > MOST_BLOCKS:
        few = Box(f"{len(boxes)} blocks: too many to be drawn", shape_text(counted.output_shape), "block", ())
        return [placed("", [few], [])]
    return [placed("", boxes, arrows), *_details(counted)]


def _is_input(row: LayerRow) -> bool:
    return row.node.kind == "input"


def _layered(counted: NetworkCount, places: Sequence[int]) -> tuple[list[Box], list[tuple[int, int]]]:
    """Return a box a layer, and the arrows between them."""
    readers: dict[int, int] = {}
    for row in counted.nodes:
        for source in row.node.inputs:
            readers[source] = readers.get(source, 0) + 1
    boxes: list[Box] = []
    of: dict[int, int] = {}
    arrows: list[tuple[int, int]] = []
    inside = set(places)
    for place in places:
        row = counted.nodes[place]
        sources = [source for source in row.node.inputs if source in inside]
        if len(sources) == 1 and sources[0] in of and _joins_box(row, boxes[of[sources[0]]], readers[sources[0]]):
            number = of[sources[0]]
            boxes[number] = _with(boxes[number], row, place)
            of[place] = number
            continue
        of[place] = len(boxes)
        boxes.append(_box(row, place))
        arrows += [(of[source], of[place]) for source in sources if source in of]
    return boxes, list(dict.fromkeys(arrows))


def _joins_box(row: LayerRow, box: Box, readers: int) -> bool:
    """Return whether a layer is written into the box of the one before it."""
    silent = row.node.kind in SILENT
    touches = FAMILY[row.node.kind] in {"pointwise", "normalisation"} and row.node.kind not in {
        *JOINS,
        "concat",
        "matmul",
    }
    return silent or (touches and readers == 1 and box.family != "input")


def _with(box: Box, row: LayerRow, place: int) -> Box:
    word = touch(row)
    text = f"{box.text}, {word}" if word and not box.is_join else f"{box.text} {word}" if word else box.text
    return box._replace(text=text, shape=shape_text(row.output), places=(*box.places, place))


def _box(row: LayerRow, place: int) -> Box:
    kind = row.node.kind
    family = "join" if kind in JOINS or kind == "concat" else FAMILY[kind] if kind != "input" else "input"
    return Box(JOINS.get(kind, caption(row)), shape_text(row.output), family, (place,))


def _blocks(counted: NetworkCount) -> tuple[list[Box], list[tuple[int, int]]]:
    """Return a box a stage; equal ones that follow one another are one box."""
    parts = stages(counted)
    number_of = {id(row): place for place, row in enumerate(counted.nodes)}
    boxes = [_box(row, place) for place, row in enumerate(counted.nodes) if _is_input(row)]
    of = {place: number for number, box in enumerate(boxes) for place in box.places}
    before: tuple[object, ...] = ()
    for part in parts:
        places = tuple(number_of[id(row)] for row in part.rows)
        make = tuple((row.node.kind, shape_text(row.output)) for row in part.rows)
        reads = {of[source] for place in places for source in counted.nodes[place].node.inputs if source not in places}
        if len(part.rows) == 1 and part.rows[0].node.kind in SILENT and len(reads) == 1:
            of |= dict.fromkeys(places, *reads)
            continue
        if make == before and len(words_of(part.rows[0].name)) > 1 and reads == {len(boxes) - 1}:
            boxes[-1] = _again(boxes[-1], part.name, places)
        else:
            boxes.append(_stage_box(counted, part.name, places))
        of |= dict.fromkeys(places, len(boxes) - 1)
        before = make
    arrows = [
        (of[source], of[place])
        for place in of
        for source in counted.nodes[place].node.inputs
        if of[source] != of[place]
    ]
    return boxes, list(dict.fromkeys(arrows))


def _again(box: Box, name: str, places: tuple[int, ...]) -> Box:
    first = box.text.split(" to ")[0]
    return box._replace(text=f"{first} to {words_of(name)[-1]}", places=(*box.places, *places))


def _stage_box(counted: NetworkCount, name: str, places: tuple[int, ...]) -> Box:
    rows = [counted.nodes[place] for place in places]
    if len(words_of(rows[0].name)) == 1:  # a layer by itself, and what touches it
        box = _box(rows[0], places[0])
        for row, place in zip(rows[1:], places[1:], strict=True):
            box = _with(box, row, place)
        return box
    inner, _ = _layered(counted, places)
    if len(inner) == 1:
        return inner[0]._replace(text=f"{name}: {inner[0].text.partition(': ')[2] or inner[0].text}")
    kinds = [FAMILY[row.node.kind] for row in rows]
    family = "sequences" if "sequences" in kinds or "windows" in kinds else "block"
    return Box(name, shape_text(rows[-1].output), family, places)


def _details(counted: NetworkCount) -> Iterator[Diagram]:
    """Yield the most frequent makes of blocks that branch, one of each."""
    makes: dict[tuple[str, ...], list[tuple[str, tuple[int, ...]]]] = {}
    number_of = {id(row): place for place, row in enumerate(counted.nodes)}
    for part in stages(counted):
        rows = part.rows
        if len(rows) > 1 and len(words_of(rows[0].name)) > 1:
            make = tuple(row.node.kind for row in rows)
            makes.setdefault(make, []).append((part.name, tuple(number_of[id(row)] for row in rows)))
    ordered = sorted(makes.values(), key=lambda members: -len(members))
    for members in ordered[:MOST_DETAILS]:
        name, places = members[0]
        sources = {source for place in places for source in counted.nodes[place].node.inputs} - set(places)
        boxes, arrows = _layered(counted, places)
        if sources and 1 < len(boxes) <= MOST_BOXES:
            yield placed(f"{name} in detail", *_from(sources, counted, boxes, arrows))


MOST_DETAILS = 2


def _from(
    sources: set[int], counted: NetworkCount, boxes: list[Box], arrows: list[tuple[int, int]]
) -> tuple[list[Box], list[tuple[int, int]]]:
    """Return a block's boxes with one before them for what it reads."""
    first = Box("from before", shape_text(counted.nodes[min(sources)].output), "input", tuple(sorted(sources)))
    of = {place: number + 1 for number, box in enumerate(boxes) for place in box.places}
    fed = [(0, of[place]) for place in of if any(source in sources for source in counted.nodes[place].node.inputs)]
    return [first, *boxes], list(dict.fromkeys([*fed, *((a + 1, b + 1) for a, b in arrows)]))


def placed(title: str, boxes: Sequence[Box], arrows: Sequence[tuple[int, int]]) -> Diagram:
    """Return boxes in rows and lanes."""
    before: dict[int, list[int]] = {number: [] for number in range(len(boxes))}
    after: dict[int, list[int]] = {number: [] for number in range(len(boxes))}
    for source, target in arrows:
        before[target].append(source)
        after[source].append(target)
    rows = [0] * len(boxes)
    for number in range(len(boxes)):
        rows[number] = max((rows[source] + 1 for source in before[number]), default=0)
    lanes = _lanes(boxes, before, after, rows)
    spots = tuple(Placed(box, rows[number], lanes[number]) for number, box in enumerate(boxes))
    return Diagram(title, spots, tuple(arrows))


def _lanes(
    boxes: Sequence[Box], before: Mapping[int, list[int]], after: Mapping[int, list[int]], rows: Sequence[int]
) -> list[float]:
    """Return the lane of each box: below what it reads; branches that part stand side by side."""
    lanes = [0.0] * len(boxes)
    homes = [0.0] * len(boxes)  # the lane in which a branch began, to which its join returns
    for number in range(len(boxes)):
        sources = before[number]
        if not sources:
            lanes[number] = homes[number] = 0.0
        elif boxes[number].is_join or len(sources) > 1:
            lanes[number] = homes[number] = sum(homes[source] for source in sources) / len(sources)
        else:
            (source,) = sources
            branches = [
                child for child in after[source] if not (boxes[child].is_join and rows[child] > rows[source] + 1)
            ]
            side = branches.index(number) - (len(branches) - 1) / 2 if number in branches else 0.0
            lanes[number] = lanes[source] + side
            homes[number] = homes[source] if len(branches) == 1 else lanes[source]
    return _apart(lanes, rows)


def _apart(lanes: list[float], rows: Sequence[int]) -> list[float]:
    """Push boxes of a row apart until none stands upon another."""
    for row in set(rows):
        members = sorted((number for number in range(len(lanes)) if rows[number] == row), key=lambda each: lanes[each])
        for left, right in pairwise(members):
            if lanes[right] - lanes[left] < 1:
                lanes[right] = lanes[left] + 1
        if len(members) > 1:
            shift = (sum(lanes[each] for each in members) / len(members)) if len(members) > MANY else 0.0
            for each in members:
                lanes[each] -= shift
    return lanes


MANY = 3
"""Rows of more boxes than these are centred."""


def columns(diagram: Diagram, most: int = ROWS) -> list[tuple[int, int]]:
    """Return the rows (first, last) of each column a long diagram is cut into, where what passes comes of one box."""
    crossing: list[set[int]] = [set() for _ in range(diagram.rows + 1)]
    for source, target in diagram.arrows:
        for row in range(diagram.boxes[source].row, diagram.boxes[target].row):
            crossing[row].add(source)
    wanted = -(-diagram.rows // most)
    length = -(-diagram.rows // wanted) if wanted else most
    cuts, start = [], 0
    while diagram.rows - start > length:
        allowed = range(start + length // 2, min(start + most, diagram.rows - 1))
        options = [row for row in allowed if len(crossing[row]) == 1]
        if not options:
            break
        end = min(options, key=lambda row: abs(row + 1 - start - length))
        cuts.append((start, end))
        start = end + 1
    return [*cuts, (start, diagram.rows - 1)]
