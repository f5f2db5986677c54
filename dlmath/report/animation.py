"""Moving pictures: frames drawn with Pillow, written as one GIF."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from dlmath.errors import InvalidValueError, TooLargeError, unknown
from dlmath.files.atomic import STANDARD, check_writable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

ENDINGS = ("gif",)
MOST_PIXELS = 1 << 27
"""Of all frames together: beyond, a browser needs longer to show the file than a reader looks at it."""
COLORS = 256  # of a GIF's palette
SAMPLED_FRAMES = 8
"""Frames whose colours make the palette; first and last among them."""
CENTISECOND = 10
"""Milliseconds: a GIF counts its durations in hundredths of a second."""


def check_animation(name: str, option: str = "--animate") -> None:
    """Find out before the work that an animation can be written after it.

    Raises
    ------
    InvalidValueError, UnwritableError
        For another ending than .gif, and for a place where no file can be written.
    """
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in ENDINGS and name != STANDARD:
        raise unknown(f"ending for {option}:", ending or name, ENDINGS)
    check_writable(name, option)


def font(size: float) -> FreeTypeFont | ImageFont:
    """Return Pillow's own letters at a size in pixels."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def gif(frames: Sequence[Image], milliseconds: int, hold: int = 1500) -> bytes:
    """Return the frames as a GIF that repeats for ever.

    Parameters
    ----------
    frames : sequence of RGB pictures of one size
    milliseconds : int
        How long a frame is seen, in whole hundredths of a second (at least 20 milliseconds: browsers slow down what
        is faster).
    hold : int
        How long the last frame stays before the first comes back.

    Raises
    ------
    InvalidValueError
        Without a frame, with frames of several sizes, or with a duration that is too short.
    TooLargeError
        For more than `MOST_PIXELS` in all.
    """
    from PIL.Image import Dither

    _check(frames, milliseconds)
    palette = _shared_palette(frames)
    # Without dithering a frame differs from the one before it only where something moved
    first, *others = [frame.quantize(palette=palette, dither=Dither.NONE) for frame in frames]
    durations = [milliseconds] * len(others) + [max(hold, milliseconds)]
    file = io.BytesIO()
    first.save(file, format="GIF", save_all=True, append_images=others, duration=durations, loop=0, optimize=False)
    return file.getvalue()


def _check(frames: Sequence[Image], milliseconds: int) -> None:
    if not frames:
        raise InvalidValueError("an animation without a frame", "give at least one")
    sizes = {frame.size for frame in frames}
    if len(sizes) > 1:
        raise InvalidValueError(f"frames of the sizes {sorted(sizes)}", "give every frame the same size")
    if milliseconds < 2 * CENTISECOND:
        raise InvalidValueError(f"frames of {milliseconds} milliseconds", f"give at least {2 * CENTISECOND}")
    width, height = frames[0].size
    if width * height * len(frames) > MOST_PIXELS:
        raise TooLargeError(f"{len(frames)} frames of {width}x{height} pixels", "ask for fewer or smaller frames")


def _shared_palette(frames: Sequence[Image]) -> Image:
    """Return the colours of frames from all over the animation: one palette, so that nothing flickers."""
    from PIL import Image

    step = -(-len(frames) // SAMPLED_FRAMES)
    chosen = [*frames[::step], frames[-1]]
    width, height = frames[0].size
    strip = Image.new("RGB", (width, height * len(chosen)))
    for number, frame in enumerate(chosen):
        strip.paste(frame, (0, number * height))
    return strip.quantize(COLORS)
