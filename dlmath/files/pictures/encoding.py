"""Pictures out: the ending chooses the format, every file is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dlmath.errors import UnwritableError, unknown
from dlmath.files.atomic import STANDARD, atomic
from dlmath.files.pictures.matrices import write_array, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

WRITABLE = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".pgm", ".ppm"),
    *(".npy", ".txt", ".csv", ".tsv"),
)
"""The endings an output may have."""

NUMBERS = (".npy", ".txt", ".csv", ".tsv")

CHANNELS = {
    ".png": (1, 2, 3, 4),
    ".jpg": (1, 3),
    ".bmp": (1, 3),  # Pillow writes a fourth and does not read it again
    ".tif": (1, 2, 3, 4),
    ".webp": (1, 3, 4),
    ".gif": (1, 3),
    ".pgm": (1,),
    ".ppm": (3,),
}
"""How many channels each format holds."""

PILLOW = {".jpg": "JPEG", ".bmp": "BMP", ".tif": "TIFF", ".webp": "WEBP", ".gif": "GIF", ".pgm": "PPM", ".ppm": "PPM"}
SETTINGS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},  # edges are what these pictures are about: colour is not thinned out
    "TIFF": {"compression": "tiff_lzw"},
    "WEBP": {"quality": 90},
}
MODES = {
    # (kind and bytes of a sample, channels): Pillow's mode
    ("u1", 1): "L",
    ("u1", 2): "LA",
    ("u1", 3): "RGB",
    ("u1", 4): "RGBA",
    ("u2", 1): "I;16",
    ("i4", 1): "I",
    ("f4", 1): "F",
}
DEEP = {".png": {"u1", "u2"}, ".tif": {"u1", "u2", "i4", "f4"}, ".pgm": {"u1", "u2"}}
"""The samples a format holds; the others hold bytes only."""

SAME = {".jpeg": ".jpg", ".tiff": ".tif"}


def check_image_name(name: str, file_format: str | None = None) -> str:
    """Return the ending that decides how an output is written; standard output is .png unless a format is given.

    Raises
    ------
    InvalidValueError
        When it is none of `WRITABLE`.
    """
    if file_format is not None:
        ending = "." + file_format.lower().removeprefix(".")
    else:
        ending = ".png" if name == STANDARD else Path(name).suffix.lower()
    if ending not in WRITABLE:
        raise unknown("ending" if ending else f"format of {name!r}: ending", ending, WRITABLE)
    return SAME.get(ending, ending)


def check_not_input(output: str, inputs: Iterable[str], *, force: bool = False) -> None:
    """Refuse to write over a file that is read, however either is named.

    Raises
    ------
    UnwritableError
        Unless it is forced.
    """
    for name in inputs:
        if not force and STANDARD not in {name, output} and same_file(name, output):
            raise UnwritableError(f"{output}: is the input itself", "choose another name, or --force")


def same_file(first: str, second: str) -> bool:
    """Tell whether two names are one file; links and folders are followed."""
    try:
        return Path(first).samefile(second)
    except OSError:  # one of them does not exist
        return os.path.realpath(first) == os.path.realpath(second)


def write_image(
    name: str,
    pixels: NDArray[Any],
    *,
    file_format: str | None = None,
    alpha: bool | None = None,
    compress_level: int | None = None,
    icc: bytes | None = None,
) -> tuple[str, ...]:
    """Write a picture, whole or not at all; the ending (or `file_format`) says how.

    Parameters
    ----------
    name : str
        A file, or `-` for standard output.
    pixels : ndarray, shape (height, width) or (height, width, channels)
        uint8 for every format; uint16 for .png, .tif and .pgm; float32 or int32 gray for .tif; anything for .npy;
        any gray for .txt, .csv and .tsv.
    alpha : bool, optional
        Whether the last channel is opacity; left out, two and four channels have it.
    compress_level : int, optional
        zlib's, 0 to 9, for .png; left out, the fastest that serves the picture.
    icc : bytes, optional
        A colour profile, for .png, .jpg, .tif and .webp.

    Returns
    -------
    notes : tuple of str
        What the format could not hold as it was given: fewer digits, fewer colours.

    Raises
    ------
    UnwritableError
        When the format cannot hold these samples or channels, or the file cannot be written.
    """
    ending = check_image_name(name, file_format)
    shown = "standard output" if name == STANDARD else name
    if ending not in NUMBERS:
        pixels, notes = fitted(pixels, ending, shown, alpha=alpha)
    else:
        notes = ()
    with atomic(name) as file:
        if ending == ".npy":
            write_array(file, pixels)
        elif ending in NUMBERS:
            write_text(file, pixels, ending)
        elif ending == ".png":
            from dlmath.files.pictures.png import write_png

            write_png(file, pixels, compress_level=compress_level, icc=icc)
        else:
            write_by_pillow(file, pixels, PILLOW[ending], icc)
    return notes


def fitted(
    pixels: NDArray[Any], ending: str, shown: str, *, alpha: bool | None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return the pixels as a format can hold them, or raise what it cannot."""
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    pixels, notes = narrowed(pixels, ending)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    check_samples(pixels, ending, shown)
    if channels not in CHANNELS[ending] or (alpha is False and channels in {2, 4}):
        raise UnwritableError(
            f"{shown}: {ending} does not hold {described(channels, alpha=alpha)}", "write .png or .npy"
        )
    if sample(pixels) != "u1" and ending != ".png" and channels > 1:
        raise UnwritableError(f"{shown}: {ending} holds {pixels.dtype} in gray only", "write .npy (or 16 bits as .png)")
    if ending == ".gif" and channels == 3:
        notes = (*notes, "reduced to 256 colours")
    return pixels, notes


def narrowed(pixels: NDArray[Any], ending: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return floats for .tif as float32; a note when digits are lost."""
    import numpy as np

    if pixels.dtype.kind == "f" and ending == ".tif" and pixels.itemsize != 4:
        return pixels.astype(np.float32), ("float64 written as float32",) if pixels.itemsize > 4 else ()
    return pixels, ()


def sample(pixels: NDArray[Any]) -> str:
    """Return the kind and size of a sample, such as "u1"."""
    return f"{pixels.dtype.kind}{pixels.itemsize}"


def check_samples(pixels: NDArray[Any], ending: str, shown: str) -> None:
    """Refuse samples that a format does not hold."""
    if sample(pixels) in DEEP.get(ending, {"u1"}):
        return
    if pixels.dtype.kind == "f":
        mend = "floats are written as .npy or gray .tif; or scale them to pixels (--scale clip)"
    else:
        mend = "write .npy, or scale them to pixels (--scale clip)"
    raise UnwritableError(f"{shown}: {ending} does not hold {pixels.dtype}", mend)


def described(channels: int, *, alpha: bool | None) -> str:
    """Return what so many channels are."""
    if alpha is False or channels not in {1, 2, 3, 4}:
        return f"{channels} channels"
    return {1: "gray", 2: "gray with alpha", 3: "colour", 4: "colour with alpha"}[channels]


def write_by_pillow(file: IO[bytes], pixels: NDArray[Any], file_format: str, icc: bytes | None) -> None:
    """Write through Pillow, with settings that keep edges."""
    import io

    import numpy as np
    from PIL import Image

    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    mode = MODES[sample(pixels), channels]
    little = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    image = Image.frombuffer(mode, (width, height), little.tobytes(), "raw", mode, 0, 1)
    profile = {"icc_profile": icc} if icc and file_format in {"JPEG", "TIFF", "WEBP"} else {}
    held = io.BytesIO()  # some of Pillow's writers go back in the file, which a pipe cannot
    image.save(held, format=file_format, **SETTINGS.get(file_format, {}), **profile)
    file.write(held.getbuffer())
