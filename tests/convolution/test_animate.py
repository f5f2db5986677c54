"""The window that slides: one frame a result, drawn from the numbers that --explain prints."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

SMALL = "1 2 3 4; 5 6 7 8; 9 8 7 6"


@pytest.fixture
def dlmath(command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return command("convolve")


@pytest.mark.parametrize(
    ("words", "frames"),
    [
        (["--kernel", "sobel-x"], 12),
        (["--kernel", "1 2; 3 4", "--stride", "2", "--border", "valid"], 2),
        (["--kernel", "1 2 1", "--transposed", "--stride", "2"], 45),
        (["--pool", "max:3/2,pad=1"], 4),
        (["--pool", "average:global"], 1),
        (["--kernel", "1 2", "--dilation", "2", "--bias", "1", "--activation", "relu"], 12),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_a_frame_a_result(dlmath, tmp_path, words, frames):
    status, _, err = dlmath(SMALL, *words, "--animate", "a.gif")
    assert status == 0, err
    with Image.open("a.gif") as film:
        assert film.n_frames == frames
        seen = []
        for k in range(frames):
            film.seek(k)
            seen.append(np.asarray(film.convert("RGB")))
    assert all((a != b).any() for a, b in pairwise(seen))
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


def test_channels_are_drawn_one_below_the_other(dlmath, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (2, 3, 3), dtype=np.uint8)).save(tmp_path / "in.png")
    assert dlmath("in.png", "--kernel", "0.299 | 0.587 | 0.114", "--animate", "rgb.gif")[0] == 0
    assert dlmath("in.png", "--kernel", "identity", "--animate", "one.gif", "-o", "out.png")[0] == 0
    with Image.open("rgb.gif") as three, Image.open("one.gif") as one:
        assert three.height > one.height


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--kernel", "sobel", "--animate", "a.gif"], "name one of its parts"),
        (["--kernel", "box:11", "--animate", "a.gif"], "kernel"),
        (["--kernel", "box:3", "--pad", "30", "--animate", "a.gif"], "at most 32x32"),
        (["--kernel", "box:3", "--kernel", "box:5", "--animate", "a.gif"], "one kernel"),
        (["--kernel", "box:3", "--animate", "a.png"], "gif"),
        (["--kernel", "box:3", "--animate", "no/such/a.gif"], "no folder"),
        (["--kernel", "box:3", "--pool", "max:2", "--animate", "a.gif"], "one of them"),
        (["--kernel", "box:3", "-o", "a.gif", "--animate", "a.gif"], "written twice"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_what_no_one_could_read_is_refused(dlmath, tmp_path, words, hint):
    status, out, err = dlmath(SMALL, *words)
    assert (status, out) == (2, "")
    assert hint in err
    assert list(tmp_path.iterdir()) == []
