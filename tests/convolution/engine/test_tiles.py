import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.convolution.engine.borders import Border
from dlmath.convolution.engine.tiles import Filler, Grid, Tile, share, strip_grid

PADDING = {"replicate": "edge", "reflect": "symmetric", "mirror": "reflect", "wrap": "wrap", "constant": "constant"}


@settings(max_examples=35, deadline=None)
@given(
    st.sampled_from(sorted(PADDING)), st.integers(1, 6), st.integers(1, 6), st.integers(0, 9), st.integers(0, 9),
    st.sampled_from([1, 3]),
)  # fmt: skip
def test_scratch_is_a_window_of_the_padded_image(kind, height, width, row, column, channels):
    image = np.arange(height * width * channels, dtype=np.uint8).reshape(height, width, channels)
    padded = np.pad(image, ((2, 20), (3, 20), (0, 0)), mode=PADDING[kind])
    source = np.empty((6, 7 * channels), dtype=np.int16)
    Filler(image, Border(kind, 0), (2, 3)).fill(source, Tile(row, column))
    wanted = padded[row : row + 6, column : column + 7].reshape(6, -1)
    assert source.tolist() == wanted.tolist()


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([1, 3, 4]), st.integers(1, 90), st.integers(1, 90))
def test_grids_cover_the_image_in_bounded_tiles(height, width, channels, rows, columns):
    grid = strip_grid(height, width, channels, (rows, columns), 65_536)
    assert grid.rows * -(-height // grid.rows) < height + grid.rows
    assert grid.rows <= height
    assert grid.columns <= width
    assert grid.rows == 1 or grid.rows * (grid.columns + columns - 1) * channels <= 65_536


def test_workers_share_all_tiles_once():
    seen = [], []
    tiles = Grid(100, 100, 7, 9).tiles()
    share(tiles, [lambda queue, mine=mine: mine.extend(queue) for mine in seen])
    assert sorted(seen[0] + seen[1], key=lambda tile: (tile.row, tile.column)) == tiles


def test_an_error_in_a_thread_is_raised():
    begun = threading.Event()

    def fail(_queue):
        begun.set()
        raise ValueError("torn")

    def patient(queue):  # who has not begun when nothing is left is not waited for
        assert begun.wait(10)
        list(queue)

    with pytest.raises(ValueError, match="torn"):
        share([Tile(0, 0), Tile(1, 0)], [patient, fail])
