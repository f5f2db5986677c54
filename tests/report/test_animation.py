"""The one writer of animations: what is read back is what was drawn."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw, ImageSequence

from dlmath.errors import DlmathError
from dlmath.report.animation import check_animation, font, gif


def frames_of(count, size=(20, 10)):
    """Frames of few colours, each with a box at another place."""
    frames = []
    for number in range(count):
        frame = Image.new("RGB", size, "#ffffff")
        ImageDraw.Draw(frame).rectangle((number, 0, number + 2, 4), fill=("#0072b2", "#d55e00")[number % 2])
        frames.append(frame)
    return frames


def read(content):
    picture = Image.open(io.BytesIO(content))
    moments = [(frame.convert("RGB").copy(), frame.info["duration"]) for frame in ImageSequence.Iterator(picture)]
    return picture, moments


def test_frames_durations_and_loop_come_back():
    frames = frames_of(12)
    picture, moments = read(gif(frames, 40, hold=700))
    assert picture.info["loop"] == 0
    assert [duration for _, duration in moments] == [40] * 11 + [700]
    for frame, (shown, _) in zip(frames, moments, strict=True):
        assert shown.tobytes() == frame.tobytes()  # fewer than 256 colours: none is lost


def test_one_frame_is_a_picture():
    _, moments = read(gif(frames_of(1), 40))
    assert len(moments) == 1


def test_the_same_frames_are_the_same_bytes():
    assert gif(frames_of(5), 60) == gif(frames_of(5), 60)


def test_letters_have_the_size_asked_for():
    small, large = (font(size).getbbox("epoch")[3] for size in (10, 30))
    assert small < large


@pytest.mark.parametrize(
    ("frames", "milliseconds"),
    [
        ([], 40),
        (frames_of(1) + frames_of(1, (5, 5)), 40),
        (frames_of(2), 10),
        ([Image.new("RGB", (9000, 9000))] * 2, 40),
    ],
)
def test_what_is_no_animation_is_refused(frames, milliseconds):
    with pytest.raises(DlmathError):
        gif(frames, milliseconds)


def test_the_place_is_checked_before_the_work(tmp_path):
    check_animation(str(tmp_path / "a.GIF"))
    for name in ("a.png", "a", "gif"):
        with pytest.raises(DlmathError, match="gif"):
            check_animation(str(tmp_path / name))
    with pytest.raises(DlmathError, match="no folder"):
        check_animation(str(tmp_path / "none" / "a.gif"))
