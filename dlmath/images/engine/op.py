"""What every layer of a running network is: arrays bound to one batch size, a way forward and a way back.

Layout. Activations of a batch lie as (H, C, W, N): rows of the image, channels, columns, images of the batch; vectors
as (F, N). The batch is innermost, so that every elementwise step runs over contiguous stretches of W * N numbers, a
convolution is one batched matrix product without a transposition, and a kernel's column matrix is a strided view.
Canonical shapes, those of users and files, are (H, W, C) and (F,), as `dlmath.counting.engine` has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlmath.counting.engine.graph import Shape
    from dlmath.neural.arrays import Array


def array_shape(shape: Shape, batch: int) -> tuple[int, ...]:
    """Return how a canonical shape lies in memory.

    >>> array_shape((28, 32, 3), 64), array_shape((10,), 64)
    ((28, 3, 32, 64), (10, 64))
    """
    if len(shape) == 1:
        return (*shape, batch)
    height, width, channels = shape
    return height, channels, width, batch


def canonical(values: Array) -> Array:
    """Return activations (H, C, W, N) or (F, N) as (N, H, W, C) or (N, F)."""
    return values.transpose(3, 0, 2, 1) if values.ndim == 4 else values.T


class Dice:
    """The one source of randomness of a running network: dropout draws from it.

    Attributes
    ----------
    generator : numpy.random.Generator
    """

    def __init__(self, seed: Sequence[int] = (0,)) -> None:
        self.seed(seed)

    def seed(self, seed: Sequence[int]) -> None:
        """Begin the stream of this seed."""
        self.generator = np.random.default_rng(list(seed))


class Site(NamedTuple):
    """Where a layer is built: everything it reads and what it may write.

    Attributes
    ----------
    kind : str
    inputs : sequence of ndarray
        The outputs of the layers it reads, (H, C, W, N) or (F, N).
    shapes : sequence of Shape
        The same, canonical: (H, W, C) or (F,).
    output : Shape
        Canonical.
    options : mapping
        As `counting` has resolved them.
    weights, slopes : sequence of ndarray
        Its parameters and the places for their gradients, in the layer's own layout.
    state : sequence of ndarray
        What it keeps that no gradient changes.
    wants : bool
        Whether any input wants a gradient; that of the first layer on the images does not.
    in_place : bool
        Whether it may write its output over its first input.
    dice : Dice
    """

    kind: str
    inputs: Sequence[Array]
    shapes: Sequence[Shape]
    output: Shape
    options: Mapping[str, Any]
    weights: Sequence[Array] = ()
    slopes: Sequence[Array] = ()
    state: Sequence[Array] = ()
    wants: bool = True
    in_place: bool = False
    dice: Dice | None = None

    @property
    def batch(self) -> int:
        """Images of the batch."""
        return int(self.inputs[0].shape[-1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision of the arithmetic."""
        return self.inputs[0].dtype

    def fresh(self) -> Array:
        """Return an array for the output."""
        return np.empty(array_shape(self.output, self.batch), self.dtype)

    def place(self) -> Array:
        """Return where the output goes: over the first input where that is allowed."""
        return self.inputs[0] if self.in_place else self.fresh()


class Op:
    """One layer of a running network.

    Attributes
    ----------
    output : ndarray
        Written by `forward`.
    """

    output: Array

    def forward(self, *, training: bool) -> None:
        """Write the output from the inputs; `training` tells batch normalisation and dropout what to do."""
        raise NotImplementedError

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Write the parameters' gradients and return those of the inputs, by the chain rule.

        `gradient` is dL/d(output) and belongs to the layer, which may write over it. Each array that is returned
        belongs to whoever takes it: no two are the same. Where no input wants a gradient, nothing is returned.
        """
        raise NotImplementedError
