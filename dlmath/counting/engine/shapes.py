"""Shapes of one example and the arithmetic of windows that slide over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.counting.engine.open_sizes import OPEN, UNRANKED
from dlmath.errors import InvalidValueError, ShapeError

if TYPE_CHECKING:
    from dlmath.counting.engine.graph import Shape

LARGEST = 10**12
"""No axis is longer: a slip of the keyboard must not become a number of a thousand digits."""


UNKNOWN = "?"
"""How a size that is not known is written."""


class Window(NamedTuple):
    """How one axis of a layer's output looks at one axis of its input.

    Attributes
    ----------
    size, out : int
        Positions of the input and of the output.
    kernel, stride, dilation : int
    before, after : int
        Positions of padding on either side; negative where a layer crops.
    rule : {"floor", "ceil", "same", "transposed", "adaptive", "resize"}
        How `out` follows from the rest.
    up : int
        How many outputs stand for one input position: 1 but for transposed convolution and upsampling.
    """

    size: int
    out: int
    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    rule: str = "floor"
    up: int = 1

    @property
    def extent(self) -> int:
        """Positions from a dilated kernel's first tap to its last: dilation * (kernel - 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1


def parse_shape(text: str) -> Shape:
    """Read the shape of one example, channels last; `?` is a size that is not known.

    Python's own spelling (`(28, 28, 1)`) and commas are understood.

    Raises
    ------
    InvalidValueError
        With the part that is no positive whole number.

    Examples
    --------
    >>> parse_shape("112x112x64"), parse_shape("784"), parse_shape("(28, 28, 1)"), parse_shape("?x?x3")
    ((112, 112, 64), (784,), (28, 28, 1), (?, ?, 3))
    """
    plain = text.strip().lower()
    if plain[:1] + plain[-1:] in {"()", "[]"}:
        plain = plain[1:-1].rstrip(", ")
    return tuple(_size(text, word.strip()) for word in plain.replace(",", "x").split("x"))


def _size(text: str, word: str) -> int:
    """Return one axis of a shape that was written as `text`."""
    if word == UNKNOWN:
        return OPEN
    if not (word.isascii() and word.isdigit() and len(word) <= 13 and 0 < int(word) <= LARGEST):
        raise InvalidValueError(
            f"shape {text[:40]!r}: {word[:20]!r} is no positive whole number",
            "write HEIGHTxWIDTHxCHANNELS such as 224x224x3, or a length such as 784",
        )
    return int(word)


def shape_text(shape: Shape) -> str:
    """Return a shape as `parse_shape` reads it.

    >>> shape_text((112, 112, 64))
    '112x112x64'
    """
    return "unknown" if shape is UNRANKED else "x".join(map(str, shape)) or "one number"


def elements(shape: Shape) -> int:
    """Return the number of values in a shape.

    >>> elements((2, 3, 5))
    30
    """
    product = 1
    for size in shape:
        product *= size
    return product


def slide(
    size: int, kernel: int, stride: int, dilation: int, pad: str | tuple[int, int], *, ceil: bool = False
) -> Window:
    """Return how a kernel slides along one axis.

    out = floor((size + before + after - dilation * (kernel - 1) - 1) / stride) + 1; with ceil mode the quotient is
    rounded up, but no window may begin beyond the input and the padding before it (as PyTorch and ONNX have it).

    Parameters
    ----------
    pad : (int, int) or {"same", "same-lower", "valid", "causal"}
        `same` is TensorFlow's: out = ceil(size / stride), an odd position of padding comes after the input;
        `same-lower` puts it before; `causal` puts all before.

    Examples
    --------
    >>> slide(224, 7, 2, 1, (3, 3)).out, slide(112, 3, 2, 1, "same")[5:7], slide(112, 3, 2, 1, (0, 0), ceil=True).out
    (112, (0, 1), 56)
    """
    extent = dilation * (kernel - 1) + 1
    if isinstance(pad, str) and pad != "valid":
        return _padded(size, kernel, stride, dilation, pad)
    before, after = (0, 0) if isinstance(pad, str) else pad
    room = size + before + after - extent
    out = room // stride + 1
    if ceil and room % stride and out * stride < size + before:
        out += 1
    rule = "ceil" if ceil else "floor"
    return Window(size, max(out, 0), kernel, stride, dilation, before, after, rule)


def _padded(size: int, kernel: int, stride: int, dilation: int, pad: str) -> Window:
    extent = dilation * (kernel - 1) + 1
    if pad == "causal":
        return slide(size, kernel, stride, dilation, (extent - 1, 0))
    out = -(-size // stride)
    total = extent - 1 if stride == 1 else max((out - 1) * stride + extent - size, 0)
    less, more = total // 2, total - total // 2
    before, after = (less, more) if pad == "same" else (more, less)
    return Window(size, out, kernel, stride, dilation, before, after, "same")


def spread(size: int, kernel: int, stride: int, dilation: int, pad: str | tuple[int, int], extra: int = 0) -> Window:
    """Return how a transposed convolution spreads one axis.

    out = (size - 1) * stride + dilation * (kernel - 1) + 1 + extra - before - after; with `same`, out = size * stride;
    with `valid` no output is cut off, even where the stride is longer than the kernel (as Keras has it).

    >>> spread(7, 2, 2, 1, (0, 0)).out, spread(7, 3, 2, 1, "same").out, spread(7, 3, 2, 1, (1, 1), 1).out
    (14, 14, 14)
    """
    extent = dilation * (kernel - 1) + 1
    full = (size - 1) * stride + extent + extra
    if pad == "valid":
        pad = (0, 0)
        full += max(stride - extent, 0)
    if isinstance(pad, str):
        cut = max(full - size * stride, 0)
        pad = (cut // 2, cut - cut // 2)
        full = size * stride + sum(pad)
    return Window(size, full - sum(pad), kernel, 1, dilation, *pad, "transposed", stride)


def whole(shape: Shape) -> tuple[Window, ...]:
    """Return the windows of a layer every output of which sees every position of a map.

    >>> whole((7, 7, 512))[0].kernel
    7
    """
    return tuple(Window(size, 1, size) for size in shape[:-1])


def check_output(name: str, windows: tuple[Window, ...]) -> None:
    """Refuse windows that leave no output.

    Raises
    ------
    ShapeError
        With the axis' own numbers.
    """
    for window in windows:
        if window.out < 1:
            padded = window.size + window.before + window.after
            raise ShapeError(
                f"{name}: no output is left where a window {window.extent} long slides over {padded} positions "
                f"({window.size} of input, {window.before} + {window.after} of padding)",
                "make the kernel or dilation smaller, or the input or padding larger",
            )
