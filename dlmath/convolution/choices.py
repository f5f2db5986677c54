"""What `dlmath convolve` is asked: its words resolved once, for every image and kernel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.engine.borders import Border, border_note, parse_border
from dlmath.convolution.engine.geometry import SAME, VALID, Pad, parse_pad
from dlmath.convolution.engine.pooling import parse_pool
from dlmath.convolution.likeness import LIKE, Likeness
from dlmath.errors import InvalidValueError
from dlmath.frame.checks import refuse

if TYPE_CHECKING:
    from dlmath.convolution.engine.pooling import Pool
    from dlmath.convolution.words import Words
    from dlmath.frame.output import Output
    from dlmath.neural.activations import Activation

ZEROS = Border("constant", 0)
PLAIN = Likeness("", "replicate")
"""What holds where no library is to be matched."""


class Choices(NamedTuple):
    """The options as resolved.

    Attributes
    ----------
    border, pad, stride, dilation, flip
        Where the windows lie and which way the kernel does.
    transposed, output_padding
        Whether the convolution is the transposed one, and how many rows and columns more it has.
    channels, normalize
        What is done before.
    bias, activation, pool
        What follows the sums: values for all output channels or one for each.
    scale, offset, dtype
        How results become pixels; None is the input's own way.
    method, threads
        How it is computed.
    like : Likeness
    at : tuple of int, or None
        The output pixel that is explained.
    notes : tuple of str
    """

    border: Border
    pad: Pad
    stride: int
    dilation: int
    flip: bool
    transposed: bool
    output_padding: int
    channels: str
    normalize: bool
    bias: tuple[float, ...]
    activation: Activation | None
    pool: Pool | None
    scale: str | None
    offset: float
    dtype: np.dtype[Any] | None
    method: str
    threads: int | None
    like: Likeness
    at: tuple[int, int] | None
    notes: tuple[str, ...]

    @property
    def follows(self) -> bool:
        """Whether anything follows the sums before they become pixels."""
        return bool(self.bias or self.activation or self.pool)

    def settings(self) -> dict[str, object]:
        """Return the resolved options, as `settings` lists them."""
        return {
            "border": str(self.border),
            "pad": str(self.pad),
            "scale": self.scale,
            "dtype": None if self.dtype is None else str(self.dtype),
            "pool": None if self.pool is None else str(self.pool),
            "bias": list(self.bias) or None,
            "at": self.at,
        }


def choices_of(words: Words, output: Output) -> Choices:
    """Check the words that are languages of their own, and all of them together."""
    like = LIKE[words.like] if words.like else PLAIN
    at = parse_at(words.at)
    if at is not None and not output.explain:
        refuse({"--at": words.at}, "without --explain")
    border, pad, notes = edge_of(words, like)
    choices = Choices(
        border=border,
        pad=pad,
        stride=words.stride,
        dilation=words.dilation,
        flip=words.flip,
        transposed=words.transposed,
        output_padding=words.output_padding,
        channels=words.channels,
        normalize=words.normalize,
        bias=parse_bias(words.bias),
        activation=activation_of(words.activation),
        pool=None if words.pool is None else parse_pool(words.pool),
        scale=words.scale,
        offset=words.offset,
        dtype=None if words.dtype is None else np.dtype(words.dtype),
        method=words.method,
        threads=words.threads,
        like=like,
        at=at,
        notes=notes,
    )
    check_together(choices, words)
    return choices


def edge_of(words: Words, like: Likeness) -> tuple[Border, Pad, tuple[str, ...]]:
    """Return the border and how much of it there is, with what is to be said of them.

    Padding that is named the way networks name it is zeros, as theirs is, unless a border says otherwise; a transposed
    convolution pads nothing unless it is told to.
    """
    said = None if words.border is None else parse_border(words.border)
    notes = [] if words.border is None else [border_note(words.border)]
    if words.pad is not None:
        pad = parse_pad(words.pad)
        zeros = pad.kind not in {"same", "valid"} or words.transposed
        if said is None and zeros and any((*pad.sides, pad.kind != "sides")) and not words.transposed:
            notes.append("the padding is zeros, as networks pad; --border says otherwise")
        default = ZEROS if zeros else parse_border(like.border)
        if said is not None and said.kind == "valid" and pad != VALID:
            raise InvalidValueError(f"--border valid pads nothing, --pad {words.pad} does", "leave one of them away")
        return said or default, pad, tuple(filter(None, notes))
    if words.transposed:
        return said or ZEROS, VALID, tuple(filter(None, notes))
    pad = SAME if said is not None else parse_pad(like.pad)
    border = said or parse_border(like.border)
    return border, VALID if border.kind == "valid" else pad, tuple(filter(None, notes))


def check_together(choices: Choices, words: Words) -> None:
    """Refuse words that have no meaning beside others."""
    if choices.transposed:
        if choices.border.kind != "valid" and choices.border != ZEROS:
            refuse({"--border": words.border}, "with --transposed, whose pixels have nothing but zeros beside them")
        if choices.pad.kind == "full":
            raise InvalidValueError("--pad full with --transposed takes everything off", "give numbers, same or valid")
        refuse({"--method": None if words.method == "auto" else words.method}, "with --transposed")
        if choices.output_padding >= max(choices.stride, choices.dilation):
            what = f"--output-padding {choices.output_padding} is not below the stride or the dilation"
            raise InvalidValueError(what, f"give at most {max(choices.stride, choices.dilation) - 1}")
    else:
        refuse({"--output-padding": words.output_padding or None}, "without --transposed")
    if not words.kernel:
        ruled = ("border", "pad", "flip", "like", "normalize", "bias", "activation", "transposed", "offset")
        steps = {"--stride": None if words.stride == 1 else words.stride, "--method": words.method != "auto"}
        steps["--dilation"] = None if words.dilation == 1 else words.dilation
        refuse({words.typed(f): getattr(words, f) or None for f in ruled} | steps, "without a --kernel")


def parse_at(text: str | None) -> tuple[int, int] | None:
    """Return ROW,COL of --at.

    >>> parse_at("3,4")
    (3, 4)
    """
    if text is None:
        return None
    parts = text.replace(" ", "").split(",")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise InvalidValueError(f"--at {text} is not a pixel", "give ROW,COL counted from 0, as --at 10,20")
    return int(parts[0]), int(parts[1])


def parse_bias(text: str | None) -> tuple[float, ...]:
    """Return the values of --bias, none where it was not given.

    >>> parse_bias("0.5,-1")
    (0.5, -1.0)
    """
    if text is None:
        return ()
    from dlmath.language.number_text import fraction_of

    values = []
    for part in text.split(","):
        try:
            values.append(float(fraction_of(part.strip())))
        except ValueError as error:
            raise InvalidValueError(f"--bias {text}: {error}", "give one number, or one an output channel") from None
    assert all(map(math.isfinite, values))
    return tuple(values)


def activation_of(word: str | None) -> Activation | None:
    """Return the activation that follows the sums."""
    if word is None:
        return None
    from dlmath.neural.activations import get_activation

    return get_activation(word)
