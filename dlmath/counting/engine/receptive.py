"""What part of the input an output sees (Araujo, Norris, Sim 2019, "Computing Receptive Fields of CNNs").

From layer to layer, with kernel k, dilation d, stride s and padding P before:

    size     r' = r + (k - 1) d j
    jump     j' = j s
    padding  p' = p + j P
    centre of output i:  -p + i j + (r - 1) / 2
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.counting.engine.open_sizes import OPEN, is_open

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.shapes import Window

    Number = int | Fraction


class Field(NamedTuple):
    """The receptive field along one axis of the input.

    Attributes
    ----------
    size : int
        Positions an output sees, from the first to the last, padding included.
    jump : int or Fraction
        Positions of the input from one output to the next (the effective stride); a fraction after upsampling.
    padding : int or Fraction
        Effective padding: output 0 sees from -padding on.
    whole : bool
        Every output sees everything besides, through a global branch (squeeze and excitation) or attention. Where
        positions lost their meaning altogether (attention, a reshape), jump is 0 and size the input's length.
    """

    size: int
    jump: Number = 1
    padding: Number = 0
    whole: bool = False

    @property
    def centre(self) -> float:
        """Where in the input the middle of the first output's field lies; exact, for halves are. NaN: not known."""
        if is_open(self[:3]):
            return float("nan")
        return float((self.size - 1) / 2 - self.padding)


def start(shape: Shape) -> tuple[Field, ...]:
    """Return the field of an input: each position sees itself.

    >>> start((224, 224, 3))[0]
    Field(size=1, jump=1, padding=0, whole=False)
    """
    return (Field(1),) * (len(shape) - 1)


def through(fields: tuple[Field, ...], windows: tuple[Window, ...] | None, shape: Shape) -> tuple[Field, ...]:
    """Return the field after one layer.

    Parameters
    ----------
    fields : tuple of Field
        Of the layer's input.
    windows : tuple of Window, or None
        As `Count.windows` says.
    shape : tuple of int
        Of the network's input, all of which is seen where windows are None.

    Examples
    --------
    >>> from dlmath.counting.engine.shapes import slide
    >>> through((Field(1),), (slide(224, 7, 2, 1, (3, 3)),), (224, 3))
    (Field(size=7, jump=2, padding=3, whole=False),)
    """
    if windows == ():
        return fields
    if windows is None or (fields and len(windows) != len(fields)):
        return tuple(Field(size, 0, 0, whole=True) for size in shape[: len(fields) or len(shape) - 1])
    before = fields or (Field(1),) * len(windows)
    return tuple(_step(field, window) for field, window in zip(before, windows, strict=True))


def _step(field: Field, window: Window) -> Field:
    if is_open(field[:3]) or is_open(tuple(window) if window.rule in {"resize", "transposed"} else window[2:7]):
        return Field(OPEN, OPEN, OPEN, field.whole)
    if window == (window.size, window.size, 1, 1, 1, 0, 0, window.rule, 1):
        return field
    if window.up > 1 or window.size % window.stride * (window.rule == "resize"):
        return _spread(field, window)
    size = field.size + int((window.extent - 1) * field.jump)
    return Field(size, field.jump * window.stride, field.padding + field.jump * window.before, field.whole)


def _spread(field: Field, window: Window) -> Field:
    """Return the field after an upsampling by `up`: at most ceil(extent / up) inputs meet in one output.

    Output o is centred at (o + before - (extent - 1) / 2) / up of the input's positions.
    """
    from fractions import Fraction

    reach = window.kernel if window.rule == "resize" else -(-window.extent // window.up)
    size = field.size + int((reach - 1) * field.jump)
    ratio, shift = Fraction(1, window.up), Fraction(2 * window.before - window.extent + 1, 2 * window.up)
    if window.rule == "resize":  # pixel centres: output o lies at (o + 1/2) * size / out - 1/2
        ratio, shift = Fraction(window.size, window.out), Fraction(window.size - window.out, 2 * window.out)
    centre = Fraction(field.size - 1, 2) - field.padding + shift * field.jump
    return Field(size, _plain(field.jump * ratio), _plain(Fraction(size - 1, 2) - centre), field.whole)


def _plain(value: Number) -> Number:
    """Return a fraction that is a whole number as one."""
    return int(value) if value.denominator == 1 else value


def join(branches: Sequence[tuple[Field, ...]], shapes: Sequence[Shape]) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    """Return the largest field of parallel branches, and say where their strides or centres disagree.

    A branch that is broadcast (its axis has length 1 where another's is longer) sees the same for every output.

    >>> join([(Field(3, 2, 1),), (Field(1, 2, 0),)], [(8, 1), (8, 1)])
    ((Field(size=3, jump=2, padding=1, whole=False),), ())
    >>> join([(Field(3, 2, 0),), (Field(1, 2, 0),)], [(8, 1), (8, 1)])[1]
    ('branches are misaligned: the centres of their receptive fields lie at 0 and 1',)
    """
    if len(set(branches)) == 1 and len(set(shapes)) == 1:
        return branches[0], ()
    rank = max(map(len, branches))
    full = [(fields, shape) for fields, shape in zip(branches, shapes, strict=True) if len(fields) == rank]
    axes = [_join_axis([(fields[axis], _length(shape, axis)) for fields, shape in full]) for axis in range(rank)]
    notes = dict.fromkeys(note for _, found in axes for note in found)
    return tuple(field for field, _ in axes), tuple(notes)


def _length(shape: Shape, axis: int) -> int:
    return shape[axis] if axis < len(shape) - 1 else 1


def _join_axis(branches: list[tuple[Field, int]]) -> tuple[Field, tuple[str, ...]]:
    longest = max(length for _, length in branches)
    whole = any(field.whole or length < longest for field, length in branches)
    local = [field for field, length in branches if field.jump and length == longest]
    if any(is_open(field[:3]) for field in local):
        return Field(OPEN, OPEN, OPEN, whole), ()
    if not local:
        return branches[0][0], ()
    largest = max(local, key=lambda field: field.size)._replace(whole=whole)
    jumps = sorted({field.jump for field in local})
    if len(jumps) > 1:
        return largest, (f"branches are misaligned: their strides are {_listed(jumps)}",)
    centres = sorted({field.centre for field in local})
    if len(centres) > 1:
        where = _listed(centres)
        return largest, (f"branches are misaligned: the centres of their receptive fields lie at {where}",)
    return largest, ()


def _listed(values: Sequence[float | Number]) -> str:
    return " and ".join(str(int(value)) if value == int(value) else str(value) for value in values)
