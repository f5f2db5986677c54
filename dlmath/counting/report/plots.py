"""The figure of `dlmath param-count --plot`: the architecture, and where parameters and operations sit in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.report.cells import figure_of
from dlmath.counting.report.diagram import Diagram, Placed, columns, diagrams
from dlmath.report.figures import ink, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlmath.counting.engine.count import NetworkCount

BLUE, ORANGE = "#0072b2", "#e69f00"
FILLS = {
    "convolutions": "#8ecae6",
    "dense": "#f4a261",
    "pooling": "#e9c46a",
    "normalisation": "#d9d9d9",
    "pointwise": "#d9d9d9",
    "sequences": "#cdb4db",
    "windows": "#cdb4db",
    "convlstm": "#cdb4db",
    "block": "#b7e4c7",
    "input": "#ffffff",
    "join": "#ffffff",
}
"""What boxes are filled with, by family of layer; text on them is dark on every ground."""
DARK_TEXT = "#1b1b1b"
BOX, TALL, GAP = 2.5, 0.36, 0.16
"""Inches: a box's width and height, and the gap between rows."""
LANE = BOX + 0.25
NAMED = 40
"""Up to so many layers have their names written below the bars."""


def figure(counts: Sequence[NetworkCount]) -> Figure:
    """Draw networks beside one another: above each its architecture, below it two rows of bars."""
    sheets = [[(diagram, columns(diagram)) for diagram in diagrams(counted)] for counted in counts]
    widths = [sum(_width(diagram, cuts) for diagram, cuts in sheet) for sheet in sheets]
    tall = max(_rows(sheet) for sheet in sheets) * (TALL + GAP) + 0.7
    drawn = new_figure(min(max(sum(widths) + 0.6, 6.5), 48), tall + 3.2)
    grid = drawn.add_gridspec(3, len(counts), height_ratios=[tall, 1.2, 1.2], width_ratios=widths)
    for place, (counted, sheet) in enumerate(zip(counts, sheets, strict=True)):
        _architecture(drawn.add_subplot(grid[0, place]), counted, sheet, tall)
        upper = drawn.add_subplot(grid[1, place])
        _bars(upper, drawn.add_subplot(grid[2, place], sharex=upper), counted)
    return drawn


def _rows(sheet: list[tuple[Diagram, list[tuple[int, int]]]]) -> int:
    return max(last - first + 1 for _, cuts in sheet for first, last in cuts)


def _column_width(diagram: Diagram, cut: tuple[int, int]) -> tuple[float, float]:
    """Return the outer lanes of a column, with room for arrows that pass boxes by."""
    lanes = [spot.lane for spot in diagram.boxes if cut[0] <= spot.row <= cut[1]]
    return min(lanes) - 0.5, max(lanes) + 0.5 + 0.14 * _skips(diagram)


def _skips(diagram: Diagram) -> bool:
    return any(_passes(diagram, *arrow) for arrow in diagram.arrows)


def _passes(diagram: Diagram, source: int, target: int) -> bool:
    """Return whether an arrow passes boxes that stand between its ends."""
    first, last = diagram.boxes[source], diagram.boxes[target]
    return last.row - first.row > 1 and any(
        first.row < spot.row < last.row and abs(spot.lane - first.lane) < 0.6 for spot in diagram.boxes
    )


def _width(diagram: Diagram, cuts: list[tuple[int, int]]) -> float:
    return sum((right - left) * LANE + 0.35 for left, right in (_column_width(diagram, cut) for cut in cuts)) + 0.3


def _architecture(
    axes: Axes, counted: NetworkCount, sheet: list[tuple[Diagram, list[tuple[int, int]]]], tall: float
) -> None:
    """Draw the diagrams of a network from left to right, in inches."""
    axes.set_axis_off()
    left = 0.0
    for diagram, cuts in sheet:
        if diagram.title:
            axes.text(left + 0.2, 0.1, diagram.title, fontsize=12, style="italic", va="bottom")
        left = _diagram(axes, diagram, cuts, left)
    axes.set_xlim(-0.1, left)
    axes.set_ylim(-tall + 0.35, 0.35)
    axes.set_aspect("equal", anchor="NW")
    figures = f"{_short(counted, 'params')} parameters, {_short(counted, 'macs')} MACs"
    axes.set_title(f"{_title(counted)}\n{figures}", fontsize=12, fontweight="bold", loc="left")


def _title(counted: NetworkCount) -> str:
    name = counted.network.name
    return name if len(name) <= LONGEST_TITLE else f"{name[: LONGEST_TITLE - 3]}..."


LONGEST_TITLE = 48


def _short(counted: NetworkCount, quantity: str) -> str:
    return str(figure_of(counted, quantity, "auto"))


def _diagram(axes: Axes, diagram: Diagram, cuts: list[tuple[int, int]], left: float) -> float:
    """Draw one diagram from `left` on, column by column; return where the next begins."""
    spots: dict[int, tuple[float, float, int]] = {}
    heads: dict[int, tuple[float, float]] = {}
    for column, cut in enumerate(cuts):
        low, high = _column_width(diagram, cut)
        heads[column] = left + 0.2 + (_middle(diagram, cut) - low) * LANE, left
        for number, spot in enumerate(diagram.boxes):
            if cut[0] <= spot.row <= cut[1]:
                x = left + 0.2 + (spot.lane - low) * LANE
                down = (spot.row - cut[0]) * (TALL + GAP) + (TALL / 2 if column == 0 else TALL / 2 + GAP)
                spots[number] = (x, -down, column)
        left += (high - low) * LANE + 0.35
    _arrows(axes, diagram, spots, heads)
    for number, spot in enumerate(diagram.boxes):
        _draw_box(axes, spot, *spots[number][:2])
    return left + 0.3


def _middle(diagram: Diagram, cut: tuple[int, int]) -> float:
    """Return the lane over which a column begins."""
    lanes = [spot.lane for spot in diagram.boxes if spot.row == cut[0]]
    return sum(lanes) / len(lanes)


def _arrows(
    axes: Axes,
    diagram: Diagram,
    spots: dict[int, tuple[float, float, int]],
    heads: dict[int, tuple[float, float]],
) -> None:
    """Draw all arrows; what passes to another column goes to its head once, and starts anew there."""
    begun: set[tuple[int, int]] = set()
    for source, target in diagram.arrows:
        (x1, y1, first), (_, _, second) = spots[source], spots[target]
        start = (x1, y1 - _half(diagram, source))
        if first != second:
            middle, edge = heads[second]
            head = (middle, 0.0)
            if (source, second) not in begun:
                begun.add((source, second))
                _over(axes, start, head, edge)
            start = head
        _arrow(axes, diagram, (source, target), (start, spots))


def _half(diagram: Diagram, number: int) -> float:
    box = diagram.boxes[number].box
    return TALL * 0.4 if box.is_join and len(box.text) <= 2 else TALL / 2


def _draw_box(axes: Axes, spot: Placed, x: float, y: float) -> None:
    from matplotlib.patches import Circle, FancyBboxPatch

    box = spot.box
    fill = FILLS.get(box.family, "#eeeeee")
    if box.is_join and len(box.text) <= 2:
        axes.add_patch(Circle((x, y), TALL * 0.4, facecolor=fill, edgecolor="#444444", linewidth=1, zorder=3))
        axes.text(x, y, box.text, fontsize=10, ha="center", va="center", color=DARK_TEXT, zorder=4)
        axes.text(x - TALL * 0.55, y, box.shape, fontsize=6.5, ha="right", va="center", color=ink(), zorder=4)
        return
    corner = (x - BOX / 2, y - TALL / 2)
    style = "round,pad=0,rounding_size=0.05"
    axes.add_patch(
        FancyBboxPatch(corner, BOX, TALL, style, facecolor=fill, edgecolor="#444444", linewidth=0.8, zorder=3)
    )
    size = 8.5 if len(box.text) <= 34 else 8.5 * 34 / len(box.text)
    axes.text(x, y + TALL * 0.16, box.text, fontsize=max(size, 5), ha="center", va="center", color=DARK_TEXT, zorder=4)
    axes.text(x, y - TALL * 0.27, box.shape, fontsize=6.5, ha="center", va="center", color="#555555", zorder=4)


LINE: dict[str, Any] = {"color": "#666666", "lw": 1.1, "shrinkA": 0, "shrinkB": 0}


def _path(axes: Axes, *points: tuple[float, float]) -> None:
    """Draw a way of straight pieces that ends in an arrow."""
    xs, ys = zip(*points, strict=True)
    axes.plot(xs, ys, color=LINE["color"], lw=LINE["lw"], zorder=1, solid_joinstyle="round")
    axes.annotate("", points[-1], points[-2], arrowprops={**LINE, "arrowstyle": "-|>"}, zorder=1)


def _arrow(
    axes: Axes,
    diagram: Diagram,
    ends: tuple[int, int],
    places: tuple[tuple[float, float], dict[int, tuple[float, float, int]]],
) -> None:
    """Draw an arrow down to a box: straight, with one step aside, or round the boxes that stand between."""
    (x1, y1), spots = places
    x2, y2, column = spots[ends[1]]
    top = y2 + _half(diagram, ends[1])
    if abs(x1 - x2) < BOX / 10 and _free(spots, column, x1, (top, y1)):
        _path(axes, (x1, y1), (x2, top))
    elif _free(spots, column, x1, (top + GAP / 2, y1)):
        _path(axes, (x1, y1), (x1, top + GAP / 2), (x2, top + GAP / 2), (x2, top))
    elif _free(spots, column, x2, (top, y1 - GAP / 2)):
        _path(axes, (x1, y1), (x1, y1 - GAP / 2), (x2, y1 - GAP / 2), (x2, top))
    else:
        _aside(axes, diagram, ends, places)


def _free(spots: dict[int, tuple[float, float, int]], column: int, x: float, span: tuple[float, float]) -> bool:
    """Return whether no box stands in the way of a line straight down."""
    low, high = span
    return not any(
        other == column and abs(each - x) < BOX / 2 and low + 0.01 < y < high - 0.01
        for each, y, other in spots.values()
    )


def _aside(
    axes: Axes,
    diagram: Diagram,
    ends: tuple[int, int],
    places: tuple[tuple[float, float], dict[int, tuple[float, float, int]]],
) -> None:
    """Draw a way to the right of the boxes between, as skip connections are drawn."""
    (x1, y1), spots = places
    x2, y2, column = spots[ends[1]]
    between = [x for x, y, other in spots.values() if other == column and y2 - 0.01 < y < y1]
    side = max([*between, x2]) + BOX / 2 + 0.14 + 0.08 * (ends[0] % 2)
    join = diagram.boxes[ends[1]].box
    edge = x2 + (TALL * 0.4 if join.is_join and len(join.text) <= 2 else BOX / 2)
    start = (x1, y1 - GAP * 0.3)
    _path(axes, (x1, y1), start, (side, start[1]), (side, y2), (edge, y2))


def _over(axes: Axes, start: tuple[float, float], head: tuple[float, float], between: float) -> None:
    """Draw the way from the foot of one column to the head of the next, `between` being where neither has boxes."""
    (x1, y1), (x2, y2) = start, head
    points = [(x1, y1), (x1, y1 - 0.12), (between, y1 - 0.12), (between, y2 + 0.1), (x2, y2 + 0.1), (x2, y2)]
    xs, ys = zip(*points, strict=True)
    axes.plot(xs, ys, color=LINE["color"], lw=LINE["lw"], zorder=1)


def _bars(upper: Axes, lower: Axes, counted: NetworkCount) -> None:
    """Draw where parameters (above) and MACs (below) sit."""
    rows = [row for row in counted.rows if row.params or row.macs]
    names = [row.name for row in rows]
    bars(upper, [int(row.params) for row in rows], BLUE, "parameters")
    bars(lower, [int(row.macs) for row in rows], ORANGE, "MACs")
    upper.tick_params(labelbottom=False)
    if len(names) <= NAMED:
        lower.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=8)
    else:
        lower.set_xlabel(f"{len(names)} layers, from input to output", fontsize=11)


def bars(axes: Axes, values: Sequence[int], color: str, what: str) -> None:
    """Draw one row of bars, its sum in the corner."""
    from matplotlib.ticker import EngFormatter

    known = [max(value, 0) for value in values]
    axes.bar(range(len(known)), known, color=color, width=0.8)
    axes.set_ylabel(what, fontsize=11)
    axes.yaxis.set_major_formatter(EngFormatter())
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.01)


def picture(counts: Sequence[NetworkCount], ending: str) -> bytes:
    """Draw the figure of --plot: the architectures, and where their parameters and MACs sit."""
    from dlmath.report.figures import drawn as saved

    return saved(figure(counts), ending)
