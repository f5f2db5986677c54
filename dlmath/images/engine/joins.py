"""Where branches join, and layers that only move numbers: sums, products, concatenation, padding, cropping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.images.engine.op import Op, Site, array_shape

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array


def summed_to(values: Array, shape: tuple[int, ...]) -> Array:
    """Return values summed over the axes that broadcasting had stretched from `shape`."""
    axes = tuple(axis for axis, size in enumerate(shape) if size != values.shape[axis])
    return values.sum(axis=axes, keepdims=True) if axes else values


class Add(Op):
    """y = the sum of the inputs: the gradient flows to each unchanged, which is what a residual network lives from."""

    def __init__(self, site: Site) -> None:
        self.sources, self.output = site.inputs, site.fresh()
        self.copies = [np.empty_like(source) for source in site.inputs[1:]]

    def forward(self, *, training: bool) -> None:
        """Add."""
        del training
        np.add(self.sources[0], self.sources[1], out=self.output)
        for source in self.sources[2:]:
            np.add(self.output, source, out=self.output)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Return the gradient to the first and copies of it to the others."""
        del training
        for copy in self.copies:
            np.copyto(copy, summed_to(gradient, copy.shape))
        return (summed_to(gradient, self.sources[0].shape), *self.copies)


class Multiply(Op):
    """y = the product of the inputs (a gate, as in squeeze and excitation)."""

    def __init__(self, site: Site) -> None:
        self.sources, self.output = site.inputs, site.fresh()

    def forward(self, *, training: bool) -> None:
        """Multiply."""
        del training
        np.multiply(self.sources[0], self.sources[1], out=self.output)
        for source in self.sources[2:]:
            np.multiply(self.output, source, out=self.output)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Return to each the gradient times the product of the others."""
        del training
        parts = []
        for place, source in enumerate(self.sources):
            slope = gradient.copy()
            for other in (*self.sources[:place], *self.sources[place + 1 :]):
                slope *= other
            parts.append(summed_to(slope, source.shape))
        return tuple(parts)


class Average(Add):
    """y = the mean of the inputs."""

    def forward(self, *, training: bool) -> None:
        """Add and divide."""
        super().forward(training=training)
        np.divide(self.output, self.output.dtype.type(len(self.sources)), out=self.output)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Return an equal share to each."""
        np.divide(gradient, gradient.dtype.type(len(self.sources)), out=gradient)
        return super().backward(gradient, training=training)


class Concatenate(Op):
    """The channels of all inputs behind one another."""

    def __init__(self, site: Site) -> None:
        self.sources, self.output = site.inputs, site.fresh()
        self.axis = 1 if self.output.ndim == 4 else 0
        ends = np.cumsum([source.shape[self.axis] for source in self.sources])
        self.ends = [int(end) for end in ends[:-1]]

    def forward(self, *, training: bool) -> None:
        """Copy."""
        del training
        np.concatenate(self.sources, axis=self.axis, out=self.output)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Return to each its own channels."""
        del training
        return tuple(np.ascontiguousarray(part) for part in np.split(gradient, self.ends, axis=self.axis))


class Identity(Op):
    """y = x."""

    def __init__(self, site: Site) -> None:
        self.output = site.inputs[0]

    def forward(self, *, training: bool) -> None:
        """Do nothing: the output is the input."""

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Return the gradient."""
        del training
        return (gradient,)


class Move(Op):
    """A part of the input at a part of the output, zeros around it: zero padding, cropping, added channels.

    Attributes
    ----------
    taken, placed : tuple of slice
        Of the input and of the output, (H, C, W, N).
    """

    def __init__(self, site: Site, taken: tuple[slice, ...], placed: tuple[slice, ...]) -> None:
        self.source = site.inputs[0]
        self.output = np.zeros(array_shape(site.output, site.batch), site.dtype)
        self.back = np.zeros(self.source.shape, site.dtype)
        self.taken, self.placed = taken, placed

    def forward(self, *, training: bool) -> None:
        """Copy the part; the zeros around it stay."""
        del training
        np.copyto(self.output[self.placed], self.source[self.taken])

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Copy the part back; what was cut off gets 0."""
        del training
        self.back.fill(0)  # whoever takes the gradient may write over it
        np.copyto(self.back[self.taken], gradient[self.placed])
        return (self.back,)


def grow(site: Site) -> Move:
    """Return zero padding (cropping where it is negative)."""
    pads = site.options["pad"]
    pairs = [pads[0]] * 2 if len(pads) == 1 else list(pads)
    sign = -1 if site.kind == "crop" else 1
    spans = [_span(sign * before, size) for before, size in zip(_befores(pairs), site.shapes[0], strict=False)]
    sizes = site.output[:2]
    ends = [(taken, placed, size) for (taken, placed), size in zip(spans, sizes, strict=True)]
    (rows, placed_rows), (columns, placed_columns) = (_limited(*end) for end in ends)
    every = slice(None)
    return Move(site, (rows, every, columns), (placed_rows, every, placed_columns))


def _befores(pairs: list[object]) -> list[int]:
    return [pair[0] if isinstance(pair, tuple) else int(str(pair)) for pair in pairs]


def _span(before: int, size: int) -> tuple[slice, slice]:
    """Return what is taken from an axis, and where it begins in the output."""
    return slice(max(-before, 0), size), slice(max(before, 0), None)


def _limited(taken: slice, placed: slice, size: int) -> tuple[slice, slice]:
    """Return both slices cut to what fits into an output of `size`."""
    count = min(taken.stop - taken.start, size - placed.start)
    return slice(taken.start, taken.start + count), slice(placed.start, placed.start + count)


def pad_channels(site: Site) -> Move:
    """Return the filling up with channels of zeros: the shortcut without parameters (He et al. 2015)."""
    every = slice(None)
    return Move(site, (every,), (every, slice(site.shapes[0][-1])))
