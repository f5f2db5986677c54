"""Samples of 16 bits, and transparent colours: what Pillow keeps only half of, got from it whole."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

GRAY_LEVELS = {"1": 255, "L;2": 85, "L;4": 17}
"""What a stored gray level is multiplied with when it is expanded to 8 bits, by how it lies in the file."""


def raw_mode(tile: Any) -> str:
    """Return how a tile's samples lie in the file, such as "RGB;16B"."""
    args = tile.args if isinstance(tile.args, str) else tile.args[0]
    return str(args)


def is_deep(image: ImageFile) -> bool:
    """Tell whether Pillow would keep only the high bytes of colours of 16 bits, and has a name for the low ones."""
    return bool(image.tile) and all(
        raw_mode(tile)[:-1] in {"RGB;16", "RGBA;16", "LA;16"} and tile.codec_name in {"zip", "raw", "libtiff"}
        for tile in image.tile
    )


def unspread(image: ImageFile) -> int:
    """Have a .ppm of 16-bit colours decoded as it lies in the file, and return the largest value it announces.

    Pillow would scale its samples to 8 bits. Other files return 65535.
    """
    most = most_value(image.tile[0]) if image.mode == "RGB" and image.tile else 0
    if most <= 255 or image.tile[0].codec_name != "ppm":
        return 65535
    image.tile = [tile._replace(codec_name="raw", args=("RGB;16B", 0, 1)) for tile in image.tile]
    return most


def note_on_depth(image: ImageFile) -> str:
    """Return what is lost of samples of 16 bits, where something is."""
    if is_deep(image) or image.mode not in {"RGB", "RGBA", "LA"}:
        return ""
    deep = any(";16" in raw_mode(tile) or most_value(tile) > 255 for tile in image.tile)
    return "16 bits a sample were cut to 8" if deep else ""


def most_value(tile: Any) -> int:
    """Return the largest value a .ppm announces."""
    return int(tile.args[1]) if tile.codec_name.startswith("ppm") else 0


def low_bytes(image: ImageFile, again: Callable[[], ImageFile]) -> ImageFile | None:
    """Return a second view of a 16-bit colour file that decodes the low bytes, of which Pillow drops every one.

    Pillow keeps the high byte of a sample: told that the bytes lie in the other order, it keeps the low one. Gray with
    alpha has no such name, but its four bytes a pixel are RGBA's; then `image` itself becomes those.
    """
    if raw_mode(image.tile[0]).startswith("LA"):
        image.tile = [tile._replace(args="RGBA") for tile in image.tile]
        return None
    other = again()
    other.tile = [tile._replace(args=swapped(tile.args)) for tile in other.tile]
    return other


def swapped(args: Any) -> Any:
    """Return a tile's arguments with the byte order turned: B(ig), L(ittle), N(ative)."""
    if not isinstance(args, str):
        return (swapped(args[0]), *args[1:])
    little = args[-1] == "L" or (args[-1] == "N" and sys.byteorder == "little")
    return args[:-1] + ("B" if little else "L")


def clear_colour(image: ImageFile) -> tuple[int, ...] | None:
    """Return the transparent colour of a file of 16-bit samples; Pillow can turn that of 8-bit ones into alpha itself.

    The gray of fewer bits that it forgets to expand is expanded here.
    """
    clear = image.info.get("transparency")
    if clear is None or image.mode == "P":
        return None
    if image.mode.startswith("I;16") or is_deep(image):
        return clear if isinstance(clear, tuple) else (int(clear),)
    if image.tile and isinstance(clear, int) and not image.info.get("expanded"):
        image.info["transparency"] = clear * GRAY_LEVELS.get(raw_mode(image.tile[0]), 1)
        image.info["expanded"] = True
    return None


def with_clear(pixels: NDArray[Any], clear: tuple[int, ...]) -> NDArray[Any]:
    """Return 16-bit samples with their opacity: nothing where the colour is the transparent one, else all."""
    import numpy as np

    colour = pixels.reshape(*pixels.shape[:2], -1)
    opacity = np.where((colour == np.array(clear)).all(axis=2), 0, np.iinfo(pixels.dtype).max)
    return np.concatenate([colour, opacity[:, :, None].astype(pixels.dtype)], axis=2)
