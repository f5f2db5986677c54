"""An image that was read: its pixels, and what is to be known of the file they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import UnreadableError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BAND = 1 << 22  # elements looked at in one go, so that a check needs no second image


class Header(NamedTuple):
    """What is known of a picture before its samples are decoded.

    Attributes
    ----------
    shape : tuple of int
        (height, width) or (height, width, channels), upright.
    dtype : str
        NumPy's short code of a sample: "u1", "u2", "f4", ...
    file_format : str
    has_alpha : bool
        Whether the last channel is opacity.
    """

    shape: tuple[int, ...]
    dtype: str
    file_format: str
    has_alpha: bool = False

    @property
    def channels(self) -> int:
        """Channels, opacity included."""
        return self.shape[2] if len(self.shape) == 3 else 1


@dataclass(frozen=True)
class Picture:
    """Pixels with the facts of their file.

    Attributes
    ----------
    pixels : ndarray, shape (height, width) or (height, width, channels)
        uint8, uint16 from image files, int32 or float32 from TIFF; any real dtype from .npy; int64, float64 from text.
        Channels: 2 are gray and alpha, 3 RGB, 4 RGBA in image files; anything in .npy.
    name : str
        As the user gave it.
    file_format : str
        "PNG", "JPEG", ..., "NPY" or "TEXT".
    mode : str
        Pillow's name of how the file stores pixels ("P", "RGB", "I;16"), or the dtype of an array.
    bits : int
        Of a sample in `pixels`.
    has_alpha : bool
        Whether the last channel is opacity.
    notes : tuple of str
        What was done on the way: a palette expanded, the first of several frames taken, a picture turned upright.
    icc : bytes or None
        The colour profile, to be handed on to the output.
    """

    pixels: NDArray[Any]
    name: str
    file_format: str
    mode: str
    bits: int
    has_alpha: bool = False
    notes: tuple[str, ...] = ()
    icc: bytes | None = None

    @property
    def header(self) -> Header:
        """What the file's header would have said."""
        code = f"{self.pixels.dtype.kind}{self.pixels.itemsize}"
        return Header(self.pixels.shape, code, self.file_format, has_alpha=self.has_alpha)


def checked(picture: Picture, place: str, *, allow_nan: bool) -> Picture:
    """Return the picture if it has pixels, all of them finite (unless NaN is allowed).

    Raises
    ------
    UnreadableError
        Otherwise, with the count and the first place.
    """
    if picture.pixels.size == 0:
        shape = " x ".join(map(str, picture.pixels.shape))
        raise UnreadableError(f"{place}: has no pixels (shape {shape})", "give at least one")
    if picture.pixels.dtype.kind == "f" and not allow_nan:
        _check_finite(picture.pixels, place)
    return picture


def _check_finite(pixels: NDArray[Any], place: str) -> None:
    import numpy as np

    rows = max(1, BAND // max(1, pixels[0].size))
    for start in range(0, len(pixels), rows):
        wrong = ~np.isfinite(pixels[start : start + rows])
        if wrong.any():
            row, column = (int(index) for index in np.argwhere(wrong)[0][:2])
            value = pixels[start + row, column].ravel()[wrong[row, column].ravel()][0]
            raise UnreadableError(
                f"{place}: holds {value} at row {start + row}, column {column}",
                "a window over it has no sum; replace it first (numpy.nan_to_num)",
            )
