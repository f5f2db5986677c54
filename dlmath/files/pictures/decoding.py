"""Image files through Pillow: every mode to plain samples, 16 bits kept, orientation and transparency respected.

The decoding itself (`load`) needs no NumPy, so that it can run in a thread while NumPy is being imported.
"""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dlmath.errors import TooLargeError, UnreadableError
from dlmath.files.pictures.depth import clear_colour, is_deep, low_bytes, note_on_depth, raw_mode, unspread, with_clear
from dlmath.files.pictures.picture import Header, Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

    from dlmath.files.sources import Source

MOST_PIXELS = 200_000_000
"""A picture of more pixels is taken for a decompression bomb, unless it is asked for: no camera's sensor has more."""

SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG", "PngImagePlugin"),
    (b"\xff\xd8\xff", "JPEG", "JpegImagePlugin"),
    (b"BM", "BMP", "BmpImagePlugin"),
    *((order, "TIFF", "TiffImagePlugin") for order in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    (b"RIFF", "WEBP", "WebPImagePlugin"),
    (b"GIF8", "GIF", "GifImagePlugin"),
    *((b"P" + kind, "PPM", "PpmImagePlugin") for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"f")),
)
"""First bytes, format, Pillow's module: one is imported instead of all, which would cost as much as a small picture."""

READABLE = ".png .jpg .bmp .tif .webp .gif .pgm .ppm .npy .txt .csv"

SAMPLES = {
    # Pillow's mode: dtype of a sample as its bytes are laid out, channels
    "L": ("u1", 1),
    "LA": ("u1", 2),
    "RGB": ("u1", 3),
    "RGBA": ("u1", 4),
    "I;16": ("<u2", 1),
    "I;16L": ("<u2", 1),
    "I;16B": (">u2", 1),
    "I": ("=i4", 1),
    "F": ("=f4", 1),
}
"""The modes that are plain samples already."""

CONVERTED = {
    "1": ("L", "1 bit expanded to 0 and 255"),
    "PA": ("RGBA", "palette expanded to RGBA"),
    "La": ("LA", ""),
    "RGBa": ("RGBA", ""),
    "RGBX": ("RGB", ""),
    "CMYK": ("RGB", "CMYK converted to RGB without its colour profile"),
    "YCbCr": ("RGB", "YCbCr converted to RGB"),
    "HSV": ("RGB", "HSV converted to RGB"),
}
"""The modes that Pillow turns into one of them; "P" depends on its transparency."""

# What Pillow's readers raise on bytes that are not what they claim to be
DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(RuntimeError, struct.error, zlib.error),
)

UNSUPPORTED = (
    "unknown",
    "unsupported",
    "not supported",
    "not available",
    "cannot handle",
    "can't handle",
    "not implemented",
)
"""Words of Pillow's readers for a file that is whole, but of a kind that they do not know."""

ORIENTATION = 0x0112  # of EXIF
ORIENTED = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}
"""Where a file can say how the camera was held; without any of them nothing is looked for."""
UPRIGHT_VIEWS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[:, ::-1].swapaxes(0, 1),
}
"""What turns a stored picture upright, by its EXIF orientation (CIPA DC-008, tag Orientation)."""

UPRIGHT = "turned upright as its EXIF or XMP orientation says"
CLEAR = "transparent colour expanded to alpha"
TURNED = 5  # the first of the orientations that change rows for columns
MOST = "dlmath: largest value"  # in Pillow's facts of an image
FIRST_FRAME = "the first of several frames was taken"
BAND_ROWS = 64  # moved at a time from Pillow into the array: three times as fast as numpy.asarray(image)


@dataclass(frozen=True)
class Loaded:
    """An image whose samples are decoded, still Pillow's.

    Attributes
    ----------
    image : PIL.Image.Image
        In a mode of `SAMPLES`.
    low : PIL.Image.Image or None
        The low bytes of 16-bit samples, of which `image` has the high ones.
    pairs : bool
        Whether `image` holds the bytes of 16-bit gray with alpha.
    clear : tuple of int, or None
        The 16-bit colour that is transparent.
    most : int
        The value of 16-bit samples that stands for 65535.
    """

    source: Source
    image: Image
    low: Image | None
    pairs: bool
    clear: tuple[int, ...] | None
    file_format: str
    mode: str
    notes: tuple[str, ...]
    orientation: int
    icc: bytes | None
    most: int = 65535


def signature(head: bytes) -> tuple[str, str] | None:
    """Return the format and Pillow's module for a file's first bytes, None when they are no image's.

    >>> signature(b"GIF89a")
    ('GIF', 'GifImagePlugin')
    """
    found = next(((name, module) for start, name, module in SIGNATURES if head.startswith(start)), None)
    return None if found and found[0] == "WEBP" and head[8:12] != b"WEBP" else found


def is_noisy(head: bytes) -> bool:
    """Tell whether a file is decoded by a library that writes on standard error itself: libtiff."""
    found = signature(head)
    return found is not None and found[0] == "TIFF"


def load(source: Source, *, allow_large: bool) -> Loaded:
    """Decode an image file; imports one of Pillow's readers and no NumPy.

    Raises
    ------
    UnreadableError
        When it is not an image, damaged, cut short, of a kind or of a mode that is not read.
    TooLargeError
        When it has more than `MOST_PIXELS`, unless that is allowed.
    """
    with reading(source) as (file_format, module):
        return _loaded(source, file_format, module, allow_large=allow_large)


def header_of(source: Source, *, allow_large: bool) -> Header:
    """Return what `load` and `picture_of` would make of an image file, from its header alone where that says it.

    Raises
    ------
    UnreadableError, TooLargeError
        As `load`, as far as a header tells.
    """
    with reading(source) as (file_format, module), no_limit_of_pillow():
        image = opened(source, module, file_format)
        check_size(image.size, source.place, allow_large=allow_large)
        deep, clear = is_deep(image), clear_colour(image)
        mode, _ = plain_mode(image, source.place)
    code, channels = SAMPLES[mode]
    if deep or (mode == "I" and file_format == "PPM"):
        code = "u2"
    width, height = image.size
    if orientation_of(image) >= TURNED:
        width, height = height, width
    channels += clear is not None
    shape = (height, width, channels) if channels > 1 else (height, width)
    return Header(shape, code.lstrip("<>="), file_format, has_alpha=channels in {2, 4})


@contextmanager
def reading(source: Source) -> Iterator[tuple[str, str]]:
    """Give format and module of an image file's reader, and turn whatever that raises into an error with the reason."""
    reader = signature(source.head)
    if reader is None:
        raise UnreadableError(f"{source.place}: is not an image", f"give one of {READABLE}")
    # Pillow warns of metadata it cannot read; what matters is told as an error, the rest is not the user's concern
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        with silent() if is_noisy(source.head) else nullcontext():
            yield reader
    except MemoryError as error:
        raise TooLargeError(f"{source.place}: does not fit in memory", "give a smaller picture") from error
    except DAMAGE as error:
        raise undecodable(error, source.place) from error


def undecodable(error: BaseException, place: str) -> UnreadableError:
    """Return the error for what a reader raised: a sound file of an unknown kind is not called damaged."""
    reason = " ".join(str(error).split()) or type(error).__name__
    elsewhere = "open it with the program that made it and save it as .png"
    if isinstance(error, NotImplementedError) or any(word in reason.lower() for word in UNSUPPORTED):
        return UnreadableError(f"{place}: is of a kind that is not read ({reason})", elsewhere)
    if "decoder error" in reason:  # all that is known of libtiff's many reasons
        what = (
            f"{place}: cannot be decoded, because it is damaged or cut short or compressed in an unusual way ({reason})"
        )
        return UnreadableError(what, f"if it opens elsewhere, {elsewhere}")
    return UnreadableError(f"{place}: is damaged or cut short ({reason})", "give a whole image file")


@contextmanager
def silent() -> Iterator[None]:
    """Keep a library from writing on standard error past every Python stream."""
    try:
        kept = os.dup(2)
    except OSError:  # standard error is closed: nothing to keep clean
        yield
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _loaded(source: Source, file_format: str, module: str, *, allow_large: bool) -> Loaded:
    with no_limit_of_pillow():
        image = opened(source, module, file_format)
        check_size(image.size, source.place, allow_large=allow_large)
        mode, notes, clear = image.mode, [note_on_depth(image)], clear_colour(image)
        pairs = is_deep(image) and raw_mode(image.tile[0]).startswith("LA")
        target, note = plain_mode(image, source.place)
        low = low_bytes(image, lambda: opened(source, module, file_format)) if is_deep(image) else None
        for part in (image, low):
            if part is not None:
                part.load()
        plain = image if target == image.mode else image.convert(target)
        if getattr(image, "is_animated", False):
            plain = plain.copy()  # the next frame would be sought in the file, which is closed by then
            notes.append(FIRST_FRAME)
    orientation = orientation_of(image)
    notes += [note, UPRIGHT if orientation > 1 else ""]
    kept = tuple(note for note in notes if note)
    icc = image.info.get("icc_profile")
    return Loaded(
        source, plain, low, pairs, clear, file_format, mode, kept, orientation, icc, image.info[MOST]
    )  # fmt: skip


@contextmanager
def no_limit_of_pillow() -> Iterator[None]:
    """Leave the judgement of sizes to `check_size`: Pillow would warn at half its limit and know no way around it."""
    from PIL import Image

    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def opened(source: Source, module: str, file_format: str) -> ImageFile:
    """Return an image with its header read and nothing decoded."""
    from PIL import Image

    import_module(f"PIL.{module}")
    source.file.seek(0)
    image: ImageFile = Image.OPEN[file_format][0](source.file, "")
    image.info[MOST] = unspread(image)
    return image


def check_size(size: tuple[int, int], place: str, *, allow_large: bool) -> None:
    """Refuse a picture whose header announces more pixels than any camera takes."""
    width, height = size
    if width * height > MOST_PIXELS and not allow_large:
        raise TooLargeError(
            f"{place}: has {width * height:,} pixels ({width} x {height})",
            f"more than {MOST_PIXELS:,} are read only with --allow-large",
        )


def plain_mode(image: ImageFile, place: str) -> tuple[str, str]:
    """Return the mode of plain samples an image is read in, and a note on what that takes; asked before it is loaded.

    Whether a palette is gray is known once it is there, so an image with one is loaded here.
    """
    transparent = "transparency" in image.info
    if image.mode == "P":
        image.load()
        target = "RGBA" if transparent else "L" if has_gray_palette(image) else "RGB"
        return target, f"palette expanded to {'gray' if target == 'L' else target}"
    if clear_colour(image) is not None:
        return image.mode, CLEAR
    if transparent and image.mode in {"1", "L", "RGB"}:
        return "RGBA" if image.mode == "RGB" else "LA", CLEAR
    if image.mode in SAMPLES:
        return image.mode, ""
    if image.mode not in CONVERTED:
        raise UnreadableError(f"{place}: has mode {image.mode}, which is not read", "convert it to RGB or gray first")
    return CONVERTED[image.mode]


def has_gray_palette(image: Image) -> bool:
    """Tell whether every colour of the palette is a gray, as in a gray GIF."""
    values = image.getpalette("RGB") or []
    return values[0::3] == values[1::3] == values[2::3]


def orientation_of(image: Image) -> int:
    """Return 1 to 8, how the camera was held; most files say nothing, and EXIF counts before XMP.

    TIFF is turned by Pillow itself while it is loaded, which then says nothing more of it.
    """
    if image.format != "TIFF" and not ORIENTED & image.info.keys():
        return 1
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except DAMAGE:  # metadata that cannot be read is no reason to refuse the picture
        return 1
    return value if value in UPRIGHT_VIEWS else 1


def picture_of(loaded: Loaded) -> Picture:
    """Move a decoded image into an array and turn it upright."""
    import numpy as np

    pixels = samples(loaded.image)
    if loaded.low is not None:
        pixels = (pixels.astype(np.uint16) << 8) | samples(loaded.low)
        if loaded.most != 65535:  # spread as Pillow spreads deep gray
            pixels = ((pixels.astype(np.uint64) * 65535 + loaded.most // 2) // loaded.most).astype(np.uint16)
    elif loaded.pairs:
        pixels = pixels.view(">u2").astype(np.uint16)
    elif loaded.mode == "I" and loaded.file_format == "PPM":
        pixels = pixels.astype(np.uint16)  # Pillow spreads any deep gray of this format over 0..65535
    if loaded.clear is not None:
        pixels = with_clear(pixels, loaded.clear)
    pixels = np.ascontiguousarray(UPRIGHT_VIEWS[loaded.orientation](pixels))
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    return Picture(
        pixels,
        loaded.source.name,
        loaded.file_format,
        loaded.mode,
        8 * pixels.itemsize,
        has_alpha=channels in {2, 4},
        notes=loaded.notes,
        icc=loaded.icc,
    )


def samples(image: Image) -> NDArray[Any]:
    """Copy an image's samples into an array, band by band, in the machine's byte order."""
    import numpy as np

    code, channels = SAMPLES[image.mode]
    width, height = image.size
    pixels = np.empty((height, width, channels), np.dtype(code).newbyteorder("="))
    with no_limit_of_pillow():
        for top in range(0, height, BAND_ROWS):
            band = image.crop((0, top, width, min(top + BAND_ROWS, height))).tobytes()
            pixels[top : top + BAND_ROWS] = np.frombuffer(band, code).reshape(-1, width, channels)
    return pixels if channels > 1 else pixels[:, :, 0]
