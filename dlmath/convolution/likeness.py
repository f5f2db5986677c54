"""How other libraries convolve: the conventions behind `--like`, as data."""

from __future__ import annotations

from typing import NamedTuple

FLIPS = ("none", "both", "rows")


class Likeness(NamedTuple):
    """The conventions of one library's plain convolution of 8-bit images.

    Attributes
    ----------
    call : str
        The call that is matched.
    border : str
    flip : {"none", "both", "rows"}
        Whether the kernel is turned by 180 degrees, or upside down.
    overflow : {"clip", "wrap", "float"}
        What becomes of results beyond the pixel type: saturated; cut off as C casts are; kept, as floating point.
    normalise : bool
        Whether the kernel is divided by its sum (when that is not 0).
    keeps_edge : bool
        Whether pixels whose window reaches beyond the edge are copied from the input.
    """

    call: str
    border: str
    flip: str = "none"
    overflow: str = "clip"
    normalise: bool = False
    keeps_edge: bool = False


LIKE = {
    "opencv": Likeness("cv2.filter2D(image, -1, kernel)", "mirror"),
    "scipy": Likeness("scipy.ndimage.correlate(image, kernel)", "reflect", overflow="wrap"),
    "pillow": Likeness(
        "image.filter(ImageFilter.Kernel(size, kernel, scale=sum(kernel) or 1))",
        "replicate",
        flip="rows",
        normalise=True,
        keeps_edge=True,
    ),
    "torch": Likeness("torch.nn.functional.conv2d(image, kernel)", "valid", overflow="float"),
    "vips": Likeness("vips conv in out kernel", "replicate"),
}
