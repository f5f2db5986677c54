"""What every algorithm of convolution has in common: the shape of a tile, and the three questions it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from dlmath.neural.arrays import Array


@dataclass(frozen=True)
class TileShape:
    """A tile of output and the input it needs, row-major, channels interleaved.

    Attributes
    ----------
    rows, columns : int
        Output pixels of the tile at stride 1.
    channels : int
        Interleaved samples a pixel; every channel is convolved on its own.
    kernel_rows, kernel_columns : int
        Of the kernel with its dilation written out as zeros.
    """

    rows: int
    columns: int
    channels: int
    kernel_rows: int
    kernel_columns: int

    @property
    def source_shape(self) -> tuple[int, int]:
        """Rows and elements a row of the padded input: the output's and the kernel's halo."""
        return self.rows + self.kernel_rows - 1, (self.columns + self.kernel_columns - 1) * self.channels

    @property
    def row_elements(self) -> int:
        """Output elements a row."""
        return self.columns * self.channels


class Prepared(Protocol):
    """An algorithm with its scratch and its calls laid out for one tile shape; one a thread, used for many tiles.

    Attributes
    ----------
    source : ndarray of the algorithm's dtype, shape `TileShape.source_shape` (rows may be strided, never columns)
        The caller fills it with the padded input: `source[i, j * channels + c]` is the input under output pixel (0, 0)
        shifted by (i, j). Halo and border are in it already.
    line : ndarray of shape (n,), optional
        The memory the sums are a view of, numbers also between the rows: what follows passes over it without stopping.
    """

    source: Array

    def run(self) -> Array:
        """Return the tile's sums, shape (rows, columns * channels): a view of scratch, valid until the next call.

        result[r, x * C + c] = sum_ij kernel[i, j] * source[r + i, (x + j) * C + c]   (cross-correlation)
        """
        ...


class Algorithm(Protocol):
    """One way to compute the sums."""

    name: str

    def suits(self, kernel: Array, dtype: np.dtype[Any]) -> bool:
        """Tell whether the algorithm can do this kernel on images of this dtype to full accuracy."""
        ...

    def cost(self, kernel: Array, dtype: np.dtype[Any], channels: int) -> float:
        """Return the predicted cost in nanoseconds an output element, on the machine the constants come from."""
        ...

    def prepare(self, kernel: Array, dtype: np.dtype[Any], shape: TileShape) -> Prepared:
        """Lay out scratch and calls for tiles of one shape."""
        ...
