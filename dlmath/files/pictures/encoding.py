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

HOLDS: dict[str, dict[str, tuple[int, ...]]] = {
    ".png": {"u1": (1, 2, 3, 4), "u2": (1, 2, 3, 4)},
    ".jpg": {"u1": (1, 3)},
    ".bmp": {"u1": (1, 3)},  # Pillow writes a fourth channel and does not read it again
    ".tif": {"u1": (1, 2, 3, 4), "u2": (1, 3, 4), "i4": (1,), "f4": (1,)},
    ".webp": {"u1": (1, 3, 4)},
    ".gif": {"u1": (1, 3)},
    ".pgm": {"u1": (1,), "u2": (1,)},
    ".ppm": {"u1": (3,), "u2": (3,)},
}
"""The samples each format holds, and of them how many channels."""

NARROWED = {(".tif", "f8"): "f4", (".tif", "f2"): "f4"}
"""Samples that are written as other ones, which hold fewer digits or more."""

NEAREST = (".png", ".npy")
"""Where a result goes that the ending of its input does not hold: the first of them that does."""

MEND_FLOATS = "floats are written as .npy or gray .tif; or scale them to pixels (--scale clip)"

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


def lack_of(ending: str, dtype: str, channels: int, *, alpha: bool) -> str | None:
    """Return what a format cannot hold of such samples, None where it holds them.

    Parameters
    ----------
    ending : str
        One of `WRITABLE`.
    dtype : str
        NumPy's short code: "u1", "f4", ...
    channels : int
    alpha : bool
        Whether the last of them is opacity.

    Examples
    --------
    >>> lack_of(".gif", "u1", 4, alpha=True), lack_of(".png", "u2", 4, alpha=True)
    ('colour with alpha', None)
    """
    ending = SAME.get(ending, ending)
    if ending == ".npy":
        return None
    if ending in NUMBERS:
        return None if channels == 1 else f"{channels} channels"
    held = HOLDS[ending]
    sample = NARROWED.get((ending, dtype), dtype)
    if sample not in held:
        return type_name(dtype)
    if alpha != (channels in {2, 4}) or channels not in {count for counts in held.values() for count in counts}:
        return described(channels, alpha=alpha)
    return None if channels in held[sample] else f"{type_name(dtype)} with {channels} channels"


def nearest_ending(ending: str, dtype: str, channels: int, *, alpha: bool) -> str:
    """Return the ending itself where its format holds such samples, else the nearest that does.

    >>> nearest_ending(".gif", "u1", 4, alpha=True), nearest_ending(".png", "f8", 1, alpha=False)
    ('.png', '.npy')
    """
    return next(e for e in (ending, *NEAREST) if lack_of(e, dtype, channels, alpha=alpha) is None)


def type_name(code: str) -> str:
    """Return the name of a short code: "f8" is float64."""
    kinds = {"u": "uint", "i": "int", "f": "float", "b": "bool"}
    return f"{kinds.get(code[0], code[0])}{8 * int(code[1:])}"


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
        What `HOLDS` says; anything for .npy; any gray for .txt, .csv and .tsv.
    alpha : bool, optional
        Whether the last channel is opacity; left out, two and four channels have it.
    compress_level : int, optional
        zlib's, 0 to 9, for .png; left out, the fastest that serves the picture.
    icc : bytes, optional
        A colour profile, for .png, .jpg, .tif and .webp; left out where it is one of other colours.

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
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    opacity = channels in {2, 4} if alpha is None else alpha
    check_held(name, ending, sample(pixels), channels, alpha=opacity)
    pixels, notes = narrowed(pixels, ending)
    profile = icc if fits(icc, channels) else None
    with atomic(name) as file:
        if ending == ".npy":
            write_array(file, pixels)
        elif ending in NUMBERS:
            write_text(file, pixels, ending)
        elif ending == ".png":
            from dlmath.files.pictures.png import write_png

            write_png(file, pixels, compress_level=compress_level, icc=profile)
        elif ending == ".tif" and channels > 1 and sample(pixels) == "u2":
            from dlmath.files.pictures.tiff import write_tiff

            write_tiff(file, pixels, icc=profile)
        elif ending == ".ppm" and sample(pixels) == "u2":
            write_deep_ppm(file, pixels)
        else:
            write_by_pillow(file, pixels, PILLOW[ending], profile)
    return (*notes, "reduced to 256 colours") if ending == ".gif" and channels == 3 else notes


def check_held(name: str, ending: str, dtype: str, channels: int, *, alpha: bool) -> None:
    """Refuse samples that a format does not hold.

    Raises
    ------
    UnwritableError
        Naming the file, what its format lacks, and one that has it.
    """
    lack = lack_of(ending, dtype, channels, alpha=alpha)
    if lack is None:
        return
    shown = "standard output" if name == STANDARD else name
    if ending in NUMBERS:
        raise UnwritableError(f"{shown}: text holds one channel, not {channels}", "write .npy, or one channel")
    better = nearest_ending(".png", dtype, channels, alpha=alpha)
    scaled = "" if dtype in {"u1", "u2"} else ", or scale them to pixels (--scale clip)"
    mend = MEND_FLOATS if dtype[0] == "f" else f"write {better}{scaled}"
    raise UnwritableError(f"{shown}: {ending} does not hold {lack}", mend)


def fits(icc: bytes | None, channels: int) -> bool:
    """Tell whether a profile is one of the colours that are written: it names its own (ICC.1, bytes 16 to 19)."""
    if icc is None or icc[36:40] != b"acsp":  # what does not call itself a profile is handed on as it is
        return icc is not None
    return icc[16:20] == (b"GRAY" if channels < 3 else b"RGB ")


def narrowed(pixels: NDArray[Any], ending: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return samples as a format takes them; a note when digits are lost."""
    code = NARROWED.get((ending, sample(pixels)))
    if code is None:
        return pixels, ()
    lost = pixels.itemsize > int(code[1:])
    return pixels.astype(code), (f"{pixels.dtype} written as {type_name(code)}",) if lost else ()


def sample(pixels: NDArray[Any]) -> str:
    """Return the kind and size of a sample, such as "u1"."""
    return f"{pixels.dtype.kind}{pixels.itemsize}"


def described(channels: int, *, alpha: bool) -> str:
    """Return what so many channels are."""
    if alpha != (channels in {2, 4}) or channels > 4:
        return f"{channels} channels" + (" with alpha" if alpha else "")
    return {1: "gray", 2: "gray with alpha", 3: "colour", 4: "colour with alpha"}[channels]


def write_deep_ppm(file: IO[bytes], pixels: NDArray[Any]) -> None:
    """Write colours of 16 bits as Netpbm's raw format has them: high byte first."""
    file.write(f"P6\n{pixels.shape[1]} {pixels.shape[0]}\n65535\n".encode("ascii") + pixels.astype(">u2").tobytes())


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
