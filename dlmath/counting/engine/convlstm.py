"""Convolutional LSTM layers (Shi et al. 2015): an LSTM whose products are convolutions, over sequences of maps.

Each of 4 gates holds a kernel for the input and one for the state before: kernel x in x out and kernel x out x out
weights. The state's convolution keeps the size of the map (stride 1, padded).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.convolutions import AXES, BIAS, DILATION, KERNEL, OUT, OUT_AXES, PAD, STRIDE, sliding
from dlmath.counting.engine.options import LayerKind, Option, flag, per_axis
from dlmath.counting.engine.shapes import shape_text
from dlmath.counting.engine.tally import TallyTerm, every, tally
from dlmath.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.tally import Count, Options

GATES, APPLICATIONS = 4, 5
"""Of an LSTM: gates, and activation functions a unit applies at a step."""


def _convlstm(rank: int) -> Callable[[Options, tuple[Shape, ...]], Count]:
    name = f"convlstm{rank}d"

    def count(options: Options, shapes: tuple[Shape, ...]) -> Count:
        (shape,) = shapes
        if len(shape) != rank + 2:
            raise ShapeError(
                f"{name} cannot step through {shape_text(shape)}", f"give it STEPS, {rank} sizes and CHANNELS"
            )
        steps, channels, out = shape[0], shape[-1], options["out"]
        kernel = per_axis("kernel", options["kernel"], rank)
        windows = sliding(name, options, shape[1:], rank, kernel)
        positions = tuple(window.out for window in windows)
        labels, places = ("gates", *AXES[rank]), ("steps", *OUT_AXES[rank])
        held = (GATES, *kernel)
        terms = [
            TallyTerm("weights", (*labels, "in", "out"), (*held, channels, out)),
            TallyTerm("weights", (*labels, "out", "out"), (*held, out, out)),
            TallyTerm("macs", (*places, *labels, "in", "out"), (steps, *positions, *held, channels, out)),
            TallyTerm("macs", (*places, *labels, "out", "out"), (steps, *positions, *held, out, out)),
            every("activation_ops", (steps, *positions, out), functions=APPLICATIONS),
        ]
        if options["bias"] == "yes":
            terms.append(TallyTerm("biases", ("gates", "out"), (GATES, out)))
            terms.append(TallyTerm("bias_adds", (*places, "gates", "out"), (steps, *positions, GATES, out)))
        output = (steps, *positions, out) if options["sequences"] else (*positions, out)
        return tally(output, terms, None)

    return count


KINDS = {
    f"convlstm{rank}d": LayerKind(
        _convlstm(rank),
        (KERNEL, OUT, STRIDE, PAD, DILATION, BIAS, Option("sequences", flag, False)),
        (f"kernel*{rank}", "out", "/stride"),
        example=f"convlstm{rank}d:{'3x' * rank}64",
    )
    for rank in (1, 2, 3)
}
