"""Laws of the terminal drawings: width, monotony, extremes, and no number they cannot take."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.report.bars import bars, histogram
from dlmath.report.blocks import text_of
from dlmath.report.canvas import braille, position, segment
from dlmath.report.curve import curve
from dlmath.report.map import crossings, decision_map, resampled

ANY = st.floats()
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TAME = st.floats(-1e6, 1e6)
WIDTHS = st.integers(1, 130)
HEIGHTS = st.integers(1, 20)


def texts(lines):
    return [text_of(line) for line in lines]


def dots_of(line):
    """Return, for each braille character of a line, its column and bits; spaces have none."""
    return [(column, ord(char) - 0x2800) for column, char in enumerate(line) if 0x2800 <= ord(char) < 0x2900]


def plot_rows(lines):
    """Return the rows between heading and axis of a curve, without their labels."""
    return [line[max(line.find("│"), line.find("┤")) + 1 :] for line in texts(lines) if "│" in line or "┤" in line]


# --- numbers that no drawing may fail on ----------------------------------------------------------------------------


@given(st.lists(st.tuples(ANY, ANY), max_size=30), WIDTHS, HEIGHTS, st.booleans())
def test_a_curve_takes_any_numbers_and_keeps_its_width(points, width, height, log):
    lines = curve([x for x, _ in points], [y for _, y in points], width=width, height=height, log=log, y_label="loss")
    assert lines
    assert all(len(line) <= width for line in texts(lines))


@given(
    st.integers(1, 6).flatmap(lambda n: st.lists(st.lists(ANY, min_size=n, max_size=n), min_size=1, max_size=6)),
    st.lists(st.tuples(ANY, ANY, ANY), max_size=6),
    WIDTHS,
    HEIGHTS,
    st.tuples(FINITE, FINITE).map(sorted),
)
def test_a_decision_map_takes_any_numbers_and_keeps_its_width(values, points, width, height, ends):
    lines = decision_map(values, points, width=width, height=height, x_range=tuple(ends), y_range=(-0.5, 1.5))
    assert all(len(line) <= width for line in texts(lines))
    assert len(lines) == height + 3


@given(st.lists(st.tuples(st.text("abc …", max_size=30), ANY), max_size=12), WIDTHS, st.booleans())
def test_bars_take_any_numbers_and_keep_their_width(rows, width, log):
    lines = bars([label for label, _ in rows], [value for _, value in rows], width=width, log=log)
    assert all(len(line) <= width for line in texts(lines))
    assert len(lines) >= len(rows)


@given(st.lists(ANY, max_size=50), st.integers(1, 20))
def test_a_histogram_counts_every_finite_value_once(values, bins):
    labels, counts = histogram(values, bins)
    assert sum(counts) == sum(map(math.isfinite, values))
    assert len(labels) == len(counts) <= max(bins, 2) + 1
    assert all(count >= 0 for count in counts)


# --- the curve ------------------------------------------------------------------------------------------------------


@given(st.lists(TAME, min_size=2, max_size=60), st.integers(20, 130), HEIGHTS)
def test_falling_values_draw_a_falling_curve(values, width, height):
    falling = sorted(values, reverse=True)
    rows = plot_rows(curve(range(len(values)), falling, width=width, height=height))
    columns = [[row for row, line in enumerate(rows) if line[column : column + 1].strip()] for column in range(width)]
    inked = [column for column in columns if column]
    for before, after in pairwise(inked):
        assert min(before) <= min(after)
        assert max(before) <= max(after)


@given(st.lists(TAME, min_size=2, max_size=60).filter(lambda values: len(set(values)) > 1), HEIGHTS)
def test_the_extremes_touch_the_top_and_the_bottom_row(values, height):
    rows = plot_rows(curve(range(len(values)), values, height=height))
    top, bottom = dots_of(rows[0]), dots_of(rows[-1])
    assert any(bits & 0x09 for _, bits in top)  # the two upper dots of a character
    assert any(bits & 0xC0 for _, bits in bottom)  # the two lower ones


@given(st.lists(TAME, min_size=2, max_size=30), st.integers(20, 130))
def test_a_curve_has_no_gaps_from_its_first_column_to_its_last(values, width):
    rows = plot_rows(curve(range(len(values)), values, width=width))
    columns = max(map(len, rows))
    assert all(any(row[column : column + 1].strip() for row in rows) for column in range(columns))


def test_ticks_name_the_least_the_middle_and_the_greatest_value():
    lines = texts(curve([0, 100], [1, 3], height=5, x_label="epoch"))
    assert [line.split(" ┤")[0].strip() for line in lines if "┤" in line] == ["3", "2", "1"]
    assert lines[-1].split() == ["0", "epoch", "100"]


def test_the_middle_of_a_log_axis_is_the_geometric_mean():
    lines = texts(curve([0, 1], [1e-4, 1], height=5, log=True, y_label="loss"))
    assert lines[0] == "loss, log scale"
    assert [line.split(" ┤")[0].strip() for line in lines if "┤" in line] == ["1", "0.01", "0.0001"]


def test_a_constant_is_a_line_in_the_middle():
    rows = plot_rows(curve([0, 1, 2], [7, 7, 7], height=5))
    assert [bool(row.strip()) for row in rows] == [False, False, True, False, False]


def test_one_point_is_drawn_fat_enough_to_be_seen():
    (char,) = "".join(plot_rows(curve([5], [2]))).split()
    assert (ord(char) - 0x2800).bit_count() == 4


def test_points_left_out_are_counted_by_reason_and_break_the_line():
    lines = texts(curve([0, 1, 2, 3], [1, math.nan, 0, 3], log=True, y_label="loss"))
    assert lines[0] == "loss, log scale; left out: 1 not above 0, 1 not finite"
    assert sum(len(row.split()) for row in plot_rows(curve([0, 1, 2, 3], [1, math.nan, 0, 3], log=True))) == 2


def test_nothing_to_draw_is_said():
    assert texts(curve([1, 2], [math.nan, math.inf], y_label="loss")) == [
        "loss; left out: 2 not finite; nothing to draw"
    ]
    assert texts(curve([], [])) == ["nothing to draw"]


def test_labels_that_would_look_alike_get_more_digits():
    lines = texts(curve([0, 1], [0.12501, 0.12503], height=5))
    assert "0.12503 ┤" in lines[0]


# --- the decision map -----------------------------------------------------------------------------------------------


def map_rows(lines):
    """Return the rows of a decision map without axis and labels."""
    return ["".join(text for text, _ in line[1:]) for line in lines[1:-2]]


XOR = [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]


def test_data_points_are_written_where_their_ticks_point():
    lines = texts(decision_map([[0.2, 0.2], [0.2, 0.2]], XOR, width=43, height=15))
    one, zero = (next(line for line in lines if line.startswith(f"{value} ┤")) for value in (1, 0))
    ticks = [column for column, char in enumerate(lines[-2]) if char == "┬"]
    assert [one[column] for column in ticks] == ["1", "0"]
    assert [zero[column] for column in ticks] == ["0", "1"]


def test_the_boundary_is_seen_without_colour():
    for line in map_rows(decision_map([[0, 1], [0, 1]], [], width=43, height=6)):
        ((column, _),) = dots_of(line)
        assert set(line[:column]) == set(" ░")
        assert set(line[column + 1 :]) == set("▒▓")


def test_colour_hides_the_shades_and_shows_the_points():
    for line in decision_map([[0.1, 0.1], [0.1, 0.1]], XOR)[1:-2]:
        for text, style in line[1:]:
            ink, _, paper = style.removeprefix("bold ").partition(" on ")
            assert (ink != paper) == style.startswith("bold") == bool(set(text) & set("01"))


def test_points_outside_the_ranges_are_left_out():
    rows = map_rows(decision_map([[0, 0], [0, 0]], [(9, 9, 1), (math.nan, 0, 1)]))
    assert not "".join(rows).strip()


def test_the_top_row_is_the_highest_x2():
    rows = map_rows(decision_map([[1, 1], [0, 0]], [], height=8))
    assert set(rows[0]) == {"▓"}
    assert set(rows[-1]) == {" "}


@given(st.integers(2, 7), st.integers(2, 7), st.integers(2, 30), st.integers(2, 30))
def test_a_plane_is_interpolated_exactly(old_columns, old_rows, columns, rows):
    def plane(width, height):
        return [[2 * x / (width - 1) - 3 * y / (height - 1) for x in range(width)] for y in range(height)]

    for made, exact in zip(resampled(plane(old_columns, old_rows), columns, rows), plane(columns, rows), strict=True):
        assert made == pytest.approx(exact, abs=1e-12)


def test_crossings_are_one_dot_thick_and_on_the_high_side():
    assert crossings([[0, 0, 1, 1, 1], [0, 0, 1, 1, 1]]) == {(2, 0), (2, 1)}
    assert crossings([[1, 1], [1, 1]]) == crossings([[0, 0], [0, 0]]) == set()


# --- bars, histograms -----------------------------------------------------------------------------------


def eighths(text):
    return sum(8 if char == "█" else "▏▎▍▌▋▊▉".find(char) + 1 for char in text)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=10), st.booleans())
def test_longer_bars_are_greater_values(values, log):
    drawn = [eighths(line) for line in texts(bars([""] * len(values), values, width=60, log=log))[: len(values)]]
    ordered = [length for _, length in sorted(zip(values, drawn, strict=True))]
    assert ordered == sorted(ordered)


def test_the_greatest_bar_fills_its_room():
    lines = texts(bars(["a", "bb"], [1, 4], width=20))
    assert lines[1] == "bb │" + "█" * 14 + " 4"
    assert len(lines[1]) == 20


def test_zero_has_no_bar_and_little_has_one():
    zero, little, _ = texts(bars(["", "", ""], [0, 1e-9, 1], width=30))
    assert eighths(zero) == 0
    assert eighths(little) == 1


def test_negative_bars_grow_to_the_left_of_one_axis():
    lines = texts(bars(["a", "b"], [-3, 3], width=30))
    assert lines[0].index("│") == lines[1].index("│")
    assert "█" in lines[0].partition("│")[0]
    assert "█" in lines[1].partition("│")[2]


def test_equal_ratios_are_equal_lengths_on_a_log_scale():
    *lines, footer = texts(bars([""] * 3, [1, 10, 100], width=60, log=True))
    first, second, third = map(eighths, lines)
    assert second - first == pytest.approx(third - second, abs=1)
    assert footer.strip() == "log scale from 0.1"


def test_intervals_hold_their_lower_end():
    assert histogram([0.1, 0.2, 0.3, 0.4], 5) == (
        ("0.1 to 0.2", "0.2 to 0.3", "0.3 to 0.4", "0.4 to 0.5"),
        (1, 1, 1, 1),
    )


def test_equal_values_are_one_interval():
    assert histogram([0.3] * 7) == (("0.3",), (7,))
    assert histogram([]) == ((), ())


# --- parts ----------------------------------------------------------------------------------------------------------


@given(FINITE, FINITE, FINITE)
def test_position_stays_between_the_ends(a, b, c):
    low, value, high = sorted([a, b, c])
    assert 0 <= position(value, low, high) <= 1


@given(*[st.tuples(st.integers(0, 60), st.integers(0, 60))] * 2)
def test_a_segment_joins_its_ends_in_steps_of_one_dot(start, end):
    dots = list(segment(start, end))
    assert (dots[0], dots[-1]) == (start, end)
    assert all(max(abs(x1 - x0), abs(y1 - y0)) <= 1 for (x0, y0), (x1, y1) in pairwise(dots))


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 11))))
def test_braille_sets_as_many_dots_as_it_is_given(dots):
    assert sum(bits.bit_count() for line in braille(dots, 5, 3) for _, bits in dots_of(line)) == len(dots)


def test_drawing_imports_neither_numpy_nor_rich():
    script = "import sys, dlmath.report.bars; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & {"numpy", "rich", "matplotlib"}
