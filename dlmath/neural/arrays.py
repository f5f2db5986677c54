"""The array type of the engine's signatures, named without importing `numpy.typing`, which costs a tenth of NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"
"""An ndarray; shape and dtype stand in each docstring."""
