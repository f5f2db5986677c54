"""Where windows lie: padding, stride, dilation and size along both axes, for sliding, pooling and transposed windows.

    O = floor((W - D (F - 1) - 1 + P) / S) + 1        sliding: P = before + after, the padding of an axis
    O = (W - 1) S + D (F - 1) + 1 - P + A             transposed, with A rows or columns of output padding

Source: Dumoulin & Visin 2016, A guide to convolution arithmetic for deep learning, relations 6 to 14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.errors import InvalidValueError, unknown

if TYPE_CHECKING:
    from dlmath.convolution.engine.borders import Border

PADS = ("same", "same-upper", "same-lower", "valid", "full", "N", "T:B:L:R")
MOST_STEP = 65_535
"""The largest stride, dilation, padding and pooled window: as far as any picture's side, short of any overflow."""


class WindowAxis(NamedTuple):
    """Windows along one axis.

    Attributes
    ----------
    size : int
        W, of the image, in pixels.
    taps : int
        F, of the kernel.
    before, after : int
        Pixels of padding.
    stride, dilation : int
        S, pixels between windows; D, pixels between taps.
    """

    size: int
    taps: int
    before: int = 0
    after: int = 0
    stride: int = 1
    dilation: int = 1

    @property
    def reach(self) -> int:
        """Pixels from a window's first tap to its last: D (F - 1) + 1."""
        return self.dilation * (self.taps - 1) + 1

    @property
    def outputs(self) -> int:
        """Windows that fit: floor((W - D (F - 1) - 1 + P) / S) + 1, never below 0.

        >>> WindowAxis(8, 3, stride=2).outputs, WindowAxis(7, 3, 1, 1, stride=2).outputs, WindowAxis(2, 3).outputs
        (3, 4, 0)
        """
        return max(0, (self.size - self.reach + self.before + self.after) // self.stride + 1)

    def formula(self) -> str:
        """Return the size, symbols first.

        >>> WindowAxis(6, 3, 1, 1, 2).formula()
        'floor((W - F + P) / S) + 1 = floor((6 - 3 + 2) / 2) + 1 = 3'
        """
        padding = self.before + self.after
        if self.dilation == 1:
            letters, numbers = "W - F + P", f"{self.size} - {self.taps} + {padding}"
        else:
            letters = "W - D (F - 1) - 1 + P"
            numbers = f"{self.size} - {self.dilation} ({self.taps} - 1) - 1 + {padding}"
        return f"floor(({letters}) / S) + 1 = floor(({numbers}) / {self.stride}) + 1 = {self.outputs}"


class Transposed(NamedTuple):
    """The size of a transposed convolution along one axis.

    Attributes
    ----------
    axis : WindowAxis
        Its `before` and `after` are taken off the result; of the stride, S - 1 zeros stand between pixels.
    more : int
        A, rows or columns of the result that no full window reaches ("output padding"), at its end.
    """

    axis: WindowAxis
    more: int = 0

    @property
    def outputs(self) -> int:
        """(W - 1) S + D (F - 1) + 1 - P + A.

        >>> Transposed(WindowAxis(3, 3, stride=2), 1).outputs
        8
        """
        axis = self.axis
        return (axis.size - 1) * axis.stride + axis.reach - axis.before - axis.after + self.more

    def formula(self) -> str:
        """Return the size, symbols first.

        >>> Transposed(WindowAxis(3, 3, stride=2), 1).formula()
        '(W - 1) S + D (F - 1) + 1 - P + A = (3 - 1) 2 + 1 (3 - 1) + 1 - 0 + 1 = 8'
        """
        axis = self.axis
        numbers = f"({axis.size} - 1) {axis.stride} + {axis.dilation} ({axis.taps} - 1) + 1"
        padding = axis.before + axis.after
        letters = "(W - 1) S + D (F - 1) + 1 - P + A"
        return f"{letters} = {numbers} - {padding} + {self.more} = {self.outputs}"


class Geometry(NamedTuple):
    """Windows over an image: what lies beyond its edge, and both axes."""

    border: Border
    rows: WindowAxis
    columns: WindowAxis

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """Rows and columns of padding: top, bottom, left, right."""
        return self.rows.before, self.rows.after, self.columns.before, self.columns.after

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        return self.rows.outputs, self.columns.outputs


class Pad(NamedTuple):
    """How much is padded.

    Attributes
    ----------
    kind : {"same", "same-upper", "same-lower", "valid", "full", "sides"}
        `same`: as much as the kernel's anchor needs for a result of the image's size, the stride aside;
        `same-upper`, `same-lower`: as much as a result of ceil(W / S) needs, the odd pixel at the end or the beginning
        (TensorFlow, Keras and ONNX; ONNX); `full`: every window that touches the image.
    sides : tuple of int
        Top, bottom, left, right, of `sides`.
    """

    kind: str = "same"
    sides: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __str__(self) -> str:
        if self.kind != "sides":
            return self.kind
        return str(self.sides[0]) if len(set(self.sides)) == 1 else ":".join(map(str, self.sides))


SAME, VALID = Pad("same"), Pad("valid")


def parse_pad(text: str) -> Pad:
    """Return the padding a user names.

    >>> parse_pad("same-upper"), parse_pad("2").sides, str(parse_pad("0:1:0:1"))
    (Pad(kind='same-upper', sides=(0, 0, 0, 0)), (2, 2, 2, 2), '0:1:0:1')
    """
    word = text.strip().lower()
    if word in PADS[:5]:
        return Pad(word)
    sides = word.split(":")
    if len(sides) not in {1, 4} or not all(side.isascii() and side.isdigit() for side in sides):
        raise unknown("padding", text, PADS)
    numbers = [int(side[:9]) for side in sides]
    if max(numbers) > MOST_STEP:
        raise InvalidValueError(f"padding {text!r} is too large", f"give at most {MOST_STEP} pixels a side")
    top, bottom, left, right = numbers * 4 if len(numbers) == 1 else numbers
    return Pad("sides", (top, bottom, left, right))


def geometry_of(
    border: Border,
    size: tuple[int, int],
    taps: tuple[int, int],
    pad: Pad = SAME,
    *,
    anchor: tuple[int, int] | None = None,
    stride: int = 1,
    dilation: int = 1,
) -> Geometry:
    """Return where windows lie on an image of `size` pixels, taps and anchor in rows and columns."""
    place = anchor or (taps[0] // 2, taps[1] // 2)
    known = VALID if border.kind == "valid" else pad
    rows, columns = (
        padded(
            WindowAxis(size[i], taps[i], stride=stride, dilation=dilation),
            known,
            place[i],
            known.sides[2 * i : 2 * i + 2],
        )
        for i in (0, 1)
    )
    return Geometry(border, rows, columns)


def padded(axis: WindowAxis, pad: Pad, anchor: int, sides: tuple[int, ...]) -> WindowAxis:
    """Return an axis with its padding."""
    if pad.kind == "same":
        before, after = anchor * axis.dilation, (axis.taps - 1 - anchor) * axis.dilation
    elif pad.kind in {"same-upper", "same-lower"}:
        wanted = -(-axis.size // axis.stride)
        total = max(0, (wanted - 1) * axis.stride + axis.reach - axis.size)
        before, after = halves(total, pad.kind)
    elif pad.kind == "full":
        before = after = axis.reach - 1
    else:
        before, after = sides
    return axis._replace(before=before, after=after)


def halves(total: int, kind: str) -> tuple[int, int]:
    """Return what stands before and after of a padding, the odd pixel after, or for `same-lower` before.

    >>> halves(3, "same-upper"), halves(3, "same-lower")
    ((1, 2), (2, 1))
    """
    small, large = total // 2, total - total // 2
    return (large, small) if kind == "same-lower" else (small, large)
