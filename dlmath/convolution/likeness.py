"""How other libraries convolve: the conventions behind `--like`, as data."""

from __future__ import annotations

from typing import NamedTuple


class Likeness(NamedTuple):
    """The conventions of one library's plain convolution.

    Attributes
    ----------
    call : str
        The call that is matched.
    border, pad : str
        What lies beyond the edge, and how much of it.
    flip : {"none", "rows", "even"}
        Whether the kernel lies upside down; or, where a side is even, turned by 180 degrees with its anchor.
    anchor_turns : bool
        Whether, in a true convolution, the anchor is turned with the kernel: it matters for even kernels.
    overflow : {"clip", "wrap", "float"}
        What becomes of results beyond the pixel type: saturated; cut off as C casts are; kept, as floating point.
    divisor : {"", "sum", "half-absolute"}
        What weights are divided by: their sum (when that is not 0); for kernels of sum 0, half the sum of their
        absolute values, and a gradient's length by the root of its parts.
    keeps_edge : bool
        Whether pixels whose window reaches beyond the edge are copied from the input.
    unit : bool
        Whether whole-number pixels are first divided by the greatest of their type.
    counts_padding : bool
        Whether a mean that is pooled counts the padding's zeros.
    whole_strides : bool
        Whether a transposed convolution makes at least S rows of every row, also where the kernel is smaller.
    """

    call: str
    border: str
    pad: str = "same"
    flip: str = "none"
    anchor_turns: bool = False
    overflow: str = "clip"
    divisor: str = ""
    keeps_edge: bool = False
    unit: bool = False
    counts_padding: bool = False
    whole_strides: bool = False


LIKE = {
    "opencv": Likeness("cv2.filter2D(image, -1, kernel)", "mirror", anchor_turns=True),
    "scipy": Likeness("scipy.ndimage.correlate(image, kernel)", "reflect", anchor_turns=True, overflow="wrap"),
    "pillow": Likeness(
        "image.filter(ImageFilter.Kernel(size, kernel, scale=sum(kernel) or 1))",
        "replicate",
        flip="rows",
        divisor="sum",
        keeps_edge=True,
    ),
    "torch": Likeness(
        "torch.nn.functional.conv2d(image, kernel)", "constant:0", "valid", overflow="float", counts_padding=True
    ),
    "keras": Likeness(
        "keras.layers.Conv2D(filters, size)(image)", "constant:0", "valid", overflow="float", whole_strides=True
    ),
    "onnx": Likeness("the operator Conv", "constant:0", "valid", overflow="float"),
    "skimage": Likeness(
        "skimage.filters.sobel(image), scharr, prewitt and roberts, their _h and _v",
        "reflect",
        flip="even",
        overflow="float",
        divisor="half-absolute",
        unit=True,
    ),
    "vips": Likeness("vips conv in out kernel", "replicate"),
}
