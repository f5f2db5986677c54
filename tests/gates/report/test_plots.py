"""The figure of train-gate: which panels there are, what they say, and that nothing is too small to read."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from dlmath.gates.report.plane_plot import Plane, visible
from dlmath.gates.report.plots import TrainGateFigure, edges, figure
from dlmath.report.figures import drawn

SQUARE = (-0.5, 1.5)
XOR = ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0))
GRID = tuple(tuple(x / 8 for x in range(9)) for _ in range(9))
NETWORK = Plane(SQUARE, SQUARE, XOR, values=GRID, units=((1, 1, -0.5), (1, 1, -1.5)))
LOSS = {"loss_epochs": (1, 500, 1000), "loss_values": (0.25, 0.1, 0.0001)}


def titles(made):
    return [axes.get_title("left") for axes in made.axes if axes.get_title("left")]


def test_one_run_shows_loss_and_boundary():
    made = figure(TrainGateFigure("XOR", **LOSS, learned_at=1000, reached="outputs within 0.1", plane=NETWORK))
    assert titles(made) == ["Learned after 1,000 epochs: outputs within 0.1", "Decision boundary, hidden units dashed"]


def test_many_seeds_show_their_epochs_and_their_failures():
    data = TrainGateFigure("XOR", **LOSS, run="seed 0", epochs=range(100, 300), failures={"near 1/2": 50, "dead": 0})
    made = figure(data)
    assert titles(made) == [
        "Not learned: loss 0.0001 after 1,000 epochs",
        "200 seeds learned, half within 200 epochs",
        "200 of 250 seeds learned",
    ]
    assert made.axes[0].get_xlabel() == "epoch (seed 0)"
    assert [text.get_text() for text in made.axes[-1].get_yticklabels()] == ["learned", "near 1/2"]
    assert [text.get_text() for text in made.axes[-1].texts] == [" 200 (80.0%)", " 50 (20.0%)"]


def test_a_perceptron_shows_its_updates_and_its_line():
    plane = Plane(SQUARE, SQUARE, XOR, separator=(2, 1, -2.5), margin=0.2236)
    made = figure(TrainGateFigure("AND", errors=(2, 3, 1, 0), plane=plane))
    assert titles(made) == ["No row is wrong in epoch 4", "A line separates the classes, margin 0.224"]


def test_a_cycle_shows_where_it_starts_and_the_lines_it_goes_through():
    plane = Plane(SQUARE, SQUARE, XOR, cycle=((1, 0, 0), (0, 1, 0), (0, 0, 1), (-2, 0, 0)))
    made = figure(TrainGateFigure("XOR", errors=(2, 3, 4, 4, 4), error_cycle=(3, 1), plane=plane))
    assert titles(made) == ["From epoch 3 on every epoch is the same", "The weights cycle through 4 values"]
    assert [text.get_text() for text in made.axes[1].texts] == ["1, 4", "2"]  # the third weights have no line
    longer = figure(TrainGateFigure("XOR", errors=(2, 3, 4, 4, 4), error_cycle=(2, 2)))
    assert titles(longer) == ["From epoch 2 on 2 epochs repeat"]


def test_a_figure_without_data_has_a_headline_and_no_panel():
    made = figure(TrainGateFigure("nothing"))
    assert made.axes == []
    assert drawn(made, "png").startswith(b"\x89PNG")


@pytest.mark.parametrize(("last", "scale"), [(0.01, "linear"), (0.002, "log"), (0.0, "linear"), (math.inf, "linear")])
def test_the_loss_axis_is_logarithmic_beyond_two_decades(last, scale):
    made = figure(TrainGateFigure("t", loss_epochs=(0, 1, 2), loss_values=(0.25, 0.2, last)))
    assert made.axes[0].get_yscale() == scale
    drawn(made, "png")


@pytest.mark.parametrize(
    "values",
    [
        ((0.2, 0.2), (0.2, 0.2)),
        ((0.5, 0.5), (0.5, 0.5)),
        ((math.nan, 1), (0, 1)),
        ((math.nan, math.nan), (math.nan, math.nan)),
        ((-3, 9), (0, 1)),
    ],
    ids=["flat", "half", "a hole", "nothing", "outside"],
)
def test_a_boundary_that_is_not_there_is_no_error(values):
    drawn(figure(TrainGateFigure("t", plane=Plane(SQUARE, SQUARE, XOR, values=values))), "png")


@pytest.mark.parametrize("epochs", [(7, 7, 7), (0, 1), (1, 2, 100_000), (0, 5, 5000), tuple(range(1, 2000))])
def test_any_epochs_make_a_histogram_that_counts_them_all(epochs):
    made = figure(TrainGateFigure("t", epochs=epochs))
    assert sum(bar.get_height() for bar in made.axes[0].patches) == len(epochs)
    drawn(made, "png")


def test_edges_cover_the_values_in_even_steps_or_ratios():
    even, ratios = edges((1, 9), log=False), edges((1, 10_000), log=True)
    assert (even[0], even[-1]) == (1, 9)
    assert (ratios[0], ratios[-1]) == (1, 10_000)
    assert ratios[1] / ratios[0] == pytest.approx(ratios[2] / ratios[1])


@pytest.mark.parametrize(
    "line", [(1, 1, -1), (1, -1, 0.3), (0, 1, -0.2), (1, 0, -1.2), (-2, 0.1, 1)], ids=lambda line: f"{line}"
)
def test_the_ends_of_a_line_are_on_it_and_on_the_border(line):
    for x, y in visible(line, SQUARE, SQUARE):
        assert line[0] * x + line[1] * y + line[2] == pytest.approx(0, abs=1e-12)
        assert x in SQUARE or y in SQUARE


@pytest.mark.parametrize("line", [(0, 0, 0), (0, 0, 1), (1, 1, 9), (1, 1, 1), (math.nan, 1, 0), (math.inf, 1, 0)])
def test_a_line_out_of_sight_is_not_drawn(line):
    assert visible(line, SQUARE, SQUARE) == []


def test_every_letter_is_large_enough_for_a_slide():
    data = TrainGateFigure("XOR", **LOSS, plane=NETWORK, epochs=range(1, 90), failures={"near 1/2": 5})
    made = figure(data)
    drawn(made, "png")
    from matplotlib.text import Text

    written = [text for text in made.findobj(Text) if text.get_text() and text.get_visible()]
    assert len(written) > 30
    assert min(text.get_fontsize() for text in written) >= 11


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_data_give_the_same_bytes(ending):
    data = TrainGateFigure("XOR", **LOSS, plane=NETWORK)
    assert drawn(figure(data), ending) == drawn(figure(data), ending)


def test_matplotlib_is_imported_only_to_draw():
    script = "import sys, dlmath.gates.report.plots; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & {"numpy", "matplotlib"}
