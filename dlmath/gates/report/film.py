"""`--animate`: training as it goes on, frame by frame: the output over the inputs, the loss, the epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from dlmath.files.atomic import write_bytes
from dlmath.gates.engine.history import moments
from dlmath.gates.engine.predict import predict
from dlmath.gates.engine.training import initial_parameters, make_problem
from dlmath.gates.report.plane import data_points, drawn_output, output_grid, output_name, ranges, scale_of
from dlmath.gates.report.tables import span
from dlmath.report.animation import font, gif
from dlmath.report.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dlmath.frame.output import Output
    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.engine.history import Moment
    from dlmath.gates.engine.training import TrainingResult, TrainingSettings

    Box = tuple[int, int, int, int]

FRAMES = 60
MILLISECONDS, HOLD = 80, 2500
WIDTH, HEIGHT, EDGE = 720, 400, 16
INPUTS_BOX: Box = (EDGE, 64, EDGE + 320, 384)
LOSS_BOX: Box = (440, 84, WIDTH - EDGE, 350)
STEPS = 80  # of the grid of outputs
LOW, MIDDLE, HIGH = (44, 123, 182), (255, 255, 255), (224, 130, 20)
INK, GREY, LINE = "#1a1a1a", "#8a8a8a", "#0072b2"
LETTERS, HEADLINE = 15, 20


class Scene(NamedTuple):
    """What every frame of a film shares.

    Attributes
    ----------
    moments : list of Moment
        The training so far and to come: one a frame.
    log : bool
        Whether the loss is drawn on a log axis.
    """

    gate: Gate
    settings: TrainingSettings
    moments: list[Moment]
    log: bool

    @property
    def losses(self) -> list[float]:
        """The losses that can be drawn, one a frame; what is infinite or not a number is left out as NaN."""
        values = [moment.loss for moment in self.moments]
        return [height(value, log=self.log) for value in values]


def save_film(name: str, gate: Gate, settings: TrainingSettings, found: TrainingResult, output: Output) -> None:
    """Train the shown network once more, draw a frame now and then, and write the film."""
    problem = make_problem(np.array(gate.inputs, np.float64), np.array(gate.targets, np.float64), settings)
    epochs = frame_epochs(found.shown.stopped_at)
    start = initial_parameters(settings)
    states = list(moments(problem, start, settings.memory, epochs))
    losses = [state.loss for state in states if 0 < state.loss < math.inf]
    scene = Scene(gate, settings, states, bool(losses) and max(losses) > 100 * min(losses))
    frames = []
    with progress(output.streams, "drawing frames", len(states)) as advance:
        for place in range(len(states)):
            frames.append(frame(scene, place))
            if advance is not None:
                advance(place + 1)
    write_bytes(name, gif(frames, MILLISECONDS, HOLD))


def frame_epochs(last: int) -> list[int]:
    """Return the epochs of the frames: every one while they are few, else close together at first.

    >>> frame_epochs(3), len(frame_epochs(5000)), frame_epochs(5000)[-1]
    ([0, 1, 2, 3], 60, 5000)
    """
    if last < FRAMES:
        return list(range(last + 1))
    even = [last * (place / (FRAMES - 1)) ** 1.5 for place in range(FRAMES)]
    return sorted({round(value) for value in even} | {0, last})


def height(loss: float, *, log: bool) -> float:
    """Return where a loss stands on its axis; NaN where it has no place."""
    if not 0 <= loss < math.inf or (log and loss == 0):
        return math.nan
    return math.log10(loss) if log else loss


# ---------------------------------------------------------------------------------------------------- one frame


def frame(scene: Scene, place: int) -> Image.Image:
    """Draw one frame."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    sizes = "-".join(map(str, scene.settings.architecture.sizes))
    draw.text((EDGE, 12), f"{scene.gate.name}: a {sizes} network", fill=INK, font=font(HEADLINE))
    moment = scene.moments[place]
    draw.text((WIDTH - EDGE, 12), f"epoch {moment.epoch:,}", fill=INK, font=font(HEADLINE), anchor="ra")
    draw_inputs(picture, draw, scene, moment)
    draw_losses(draw, scene, place)
    return picture


def draw_inputs(picture: Image.Image, draw: ImageDraw.ImageDraw, scene: Scene, moment: Moment) -> None:
    """Draw the outputs: over the plane of two inputs, over one input, or row by row."""
    kinds = {1: draw_curve, 2: draw_plane}
    kinds.get(scene.gate.n_inputs, draw_rows)(picture, draw, scene, moment)


def title(draw: ImageDraw.ImageDraw, text: str) -> None:
    """Write what the left panel shows."""
    draw.text((EDGE, 42), text, fill=GREY, font=font(LETTERS))


def draw_plane(picture: Image.Image, draw: ImageDraw.ImageDraw, scene: Scene, moment: Moment) -> None:
    """Draw an output over the plane of the inputs, its midline, and the data."""
    gate, box = scene.gate, INPUTS_BOX
    place = drawn_output(gate)
    low, high = scale_of(gate, place)
    title(draw, f"{output_name(gate)} over x1, x2 (open: target {low:g}, filled: {high:g})")
    shares = output_grid(scene.settings.architecture, moment.parameters, gate, STEPS, place)
    size = (box[2] - box[0], box[3] - box[1])
    fine = Image.fromarray(shares.astype(np.float32), mode=None).resize(size, Image.Resampling.BICUBIC)
    values = np.asarray(fine)
    colors = painted(values)
    colors[midline(values)] = 26  # ink
    picture.paste(Image.fromarray(colors), box[:2])
    x_range, y_range = ranges(gate)
    radius = 8 if len(gate.inputs) <= 16 else 3
    for x, y, share in data_points(gate, place):
        centre = (across(x, x_range, box), up(y, y_range, box))
        dot(draw, centre, radius, filled=share >= 0.5)


def painted(shares: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the colours (H, W, 3) of shares: blue below the middle, orange above."""
    low, middle, high = (np.array(color, np.float32) for color in (LOW, MIDDLE, HIGH))
    part = np.clip(shares, 0, 1)[..., None]
    below = low + (middle - low) * (2 * part)
    above = middle + (high - middle) * (2 * part - 1)
    return np.where(part < 0.5, below, above).astype(np.uint8)


def midline(shares: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the pixels (H, W) beside which the output crosses its middle."""
    high = shares >= 0.5
    edge = np.zeros_like(high)
    edge[:, 1:] |= high[:, 1:] != high[:, :-1]
    edge[1:] |= high[1:] != high[:-1]
    return edge


def draw_curve(_picture: Image.Image, draw: ImageDraw.ImageDraw, scene: Scene, moment: Moment) -> None:
    """Draw the first output over the only input, and the data."""
    title(draw, "output over x1")
    gate, box = scene.gate, INPUTS_BOX
    x_range = span([row[0] for row in gate.inputs])
    scale = scale_of(gate)
    room = (scale.high - scale.low) * 0.25
    y_range = (scale.low - room, scale.high + room)
    xs = np.linspace(*x_range, 161)
    outputs = predict(scene.settings.architecture, moment.parameters, xs[:, None])[:, 0]
    draw.rectangle(box, outline=GREY)
    points = [
        (across(x, x_range, box), up(y, y_range, box)) for x, y in zip(xs.tolist(), outputs.tolist(), strict=True)
    ]
    draw.line([point for point in points if inside(point, box)], fill=LINE, width=3)
    for row, target in zip(gate.inputs, gate.targets, strict=True):
        dot(draw, (across(row[0], x_range, box), up(target[0], y_range, box)), 4, filled=False)


def draw_rows(_picture: Image.Image, draw: ImageDraw.ImageDraw, scene: Scene, moment: Moment) -> None:
    """Draw the first output of every row as a bar, its target as a mark."""
    title(draw, "output of every row (bar) and its target (line)")
    gate, box = scene.gate, INPUTS_BOX
    scale = scale_of(gate)
    outputs = predict(scene.settings.architecture, moment.parameters, np.array(gate.inputs, np.float64))[:, 0]
    shares, targets = scale.shares(outputs), scale.shares(np.array([row[0] for row in gate.targets], np.float64))
    count = len(gate.inputs)
    slot = (box[2] - box[0]) / count
    for row in range(count):
        left = box[0] + slot * row
        right = left + max(slot * 0.8, 1)
        draw.rectangle((left, up(float(shares[row]), (0, 1), box), right, box[3]), fill=LINE)
        mark = up(float(targets[row]), (0, 1), box)
        draw.line([(left, mark), (right, mark)], fill=INK, width=2)


def draw_losses(draw: ImageDraw.ImageDraw, scene: Scene, place: int) -> None:
    """Draw the loss up to a frame, on axes that do not move."""
    box, losses = LOSS_BOX, scene.losses
    known = [value for value in losses if math.isfinite(value)]
    label = f"loss ({scene.settings.loss}{', log scale' if scene.log else ''}) {scene.moments[place].loss:.4g}"
    draw.text((box[0], 52), label, fill=INK, font=font(LETTERS))
    draw.line([(box[0], box[1]), (box[0], box[3]), (box[2], box[3])], fill=GREY, width=1)
    last = scene.moments[-1].epoch
    draw.text((box[0], box[3] + 8), "0", fill=GREY, font=font(LETTERS))
    draw.text((box[2], box[3] + 8), f"{last:,}", fill=GREY, font=font(LETTERS), anchor="ra")
    if not known:
        return
    y_range = (min(known), max(known)) if scene.log else (0.0, max(known) or 1.0)
    for value in y_range:
        text = f"{10**value if scene.log else value:.3g}"
        draw.text((box[0] - 6, up(value, y_range, box)), text, fill=GREY, font=font(LETTERS), anchor="rm")
    points = [
        (across(moment.epoch, (0, max(last, 1)), box), up(value, y_range, box))
        for moment, value in list(zip(scene.moments, losses, strict=True))[: place + 1]
        if math.isfinite(value)
    ]
    if len(points) > 1:
        draw.line(points, fill=LINE, width=3)
    if points:
        dot(draw, points[-1], 5, filled=True)


# ------------------------------------------------------------------------------------------------------- places


def across(value: float, ends: Sequence[float], box: Box) -> float:
    """Return where a value stands between the left and the right side of a box."""
    return box[0] + (box[2] - box[0]) * (value - ends[0]) / ((ends[1] - ends[0]) or 1)


def up(value: float, ends: Sequence[float], box: Box) -> float:
    """Return where a value stands between the lower and the upper side of a box."""
    return box[3] - (box[3] - box[1]) * (value - ends[0]) / ((ends[1] - ends[0]) or 1)


def inside(point: tuple[float, float], box: Box) -> bool:
    """Tell whether a point lies in a box."""
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def dot(draw: ImageDraw.ImageDraw, centre: tuple[float, float], radius: int, *, filled: bool) -> None:
    """Draw a round mark."""
    x, y = centre
    fill = INK if filled else "white"
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill, outline=INK, width=2 if radius > 3 else 1)
