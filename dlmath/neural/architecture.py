"""The shape of a network, and where each of its parameters stands in the one flat array that holds them all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.errors import InvalidValueError, ShapeError, unknown
from dlmath.neural.activations import get_activation

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

BIAS_KINDS: dict[str, str] = {
    "neuron": "one bias for each unit",
    "layer": "one bias shared by the units of a layer",
    "none": "no bias",
}


class LayerShape(NamedTuple):
    """One layer z = x W + b and the places of its parameters.

    Attributes
    ----------
    fan_in, fan_out : int
        W has shape (fan_in, fan_out).
    bias_count : int
        fan_out, 1 or 0, by the kind of bias.
    start : int
        Where the layer begins in the flat array of parameters: weights first, row by row, then biases.
    activation : str
    """

    fan_in: int
    fan_out: int
    bias_count: int
    start: int
    activation: str

    @property
    def weights(self) -> slice:
        """The places of the weights."""
        return slice(self.start, self.start + self.fan_in * self.fan_out)

    @property
    def biases(self) -> slice:
        """The places of the biases."""
        return slice(self.weights.stop, self.weights.stop + self.bias_count)


@dataclass(frozen=True)
class Architecture:
    """A fully connected network.

    Attributes
    ----------
    sizes : tuple of int
        Inputs, hidden widths, outputs: (2, 4, 1); (2, 1) has no hidden layer.
    activations : tuple of str
        One name a layer, the output layer's last.
    bias : str
        A key of `BIAS_KINDS`.

    Examples
    --------
    >>> Architecture((2, 4, 1), ("tanh", "sigmoid")).parameter_count
    17
    >>> Architecture((2, 4, 1), ("tanh", "sigmoid"), bias="layer").parameter_count
    14
    """

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    bias: str = "neuron"

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise ShapeError(
                f"no network has the layer sizes {list(self.sizes)}", "every layer needs at least one unit"
            )
        if len(self.activations) != len(self.sizes) - 1:
            raise InvalidValueError(
                f"{len(self.activations)} activations do not fit {len(self.sizes) - 1} layers",
                "give one activation a layer",
            )
        for name in self.activations:
            get_activation(name)
        if self.bias not in BIAS_KINDS:
            raise unknown("kind of bias", self.bias, BIAS_KINDS)

    @classmethod
    def uniform(
        cls, sizes: tuple[int, ...], hidden_activation: str, output_activation: str, bias: str = "neuron"
    ) -> Architecture:
        """Return the network whose hidden layers all have the same activation."""
        return cls(sizes, (hidden_activation,) * (len(sizes) - 2) + (output_activation,), bias)

    @cached_property
    def layers(self) -> tuple[LayerShape, ...]:
        """The layers from the input side to the output side."""
        found: list[LayerShape] = []
        start = 0
        for (fan_in, fan_out), activation in zip(pairwise(self.sizes), self.activations, strict=True):
            bias_count = {"neuron": fan_out, "layer": 1, "none": 0}[self.bias]
            found.append(LayerShape(fan_in, fan_out, bias_count, start, activation))
            start = found[-1].biases.stop
        return tuple(found)

    @property
    def parameter_count(self) -> int:
        """Number of weights and biases."""
        last = self.layers[-1]
        return last.start + last.fan_in * last.fan_out + last.bias_count

    def weights(self, parameters: Array) -> tuple[Array, ...]:
        """Return each layer's weights (fan_in, fan_out, ...) as views of `parameters` (P, ...)."""
        return tuple(
            parameters[layer.weights].reshape(layer.fan_in, layer.fan_out, *parameters.shape[1:])
            for layer in self.layers
        )

    def biases(self, parameters: Array) -> tuple[Array, ...]:
        """Return each layer's biases (bias_count, ...) as views of `parameters` (P, ...)."""
        return tuple(parameters[layer.biases] for layer in self.layers)

    def flatten(self, weights: tuple[Array, ...], biases: tuple[Array, ...]) -> Array:
        """Return the flat parameters (P,) of these weights and biases, the inverse of `weights` and `biases`.

        Raises
        ------
        ShapeError
            When an array does not have the shape its layer needs.
        """
        if len(weights) != len(self.layers) or len(biases) != len(self.layers):
            raise ShapeError(
                f"{len(weights)} weight matrices and {len(biases)} bias vectors do not fit a network of "
                f"{len(self.layers)} layers",
                "give one matrix and one vector a layer (an empty vector where there is no bias)",
            )
        pieces: list[Array] = []
        for number, (layer, matrix, vector) in enumerate(zip(self.layers, weights, biases, strict=True), 1):
            _check_shape(f"weights of layer {number}", matrix, (layer.fan_in, layer.fan_out))
            _check_shape(f"biases of layer {number}", vector, (layer.bias_count,))
            pieces += [np.ravel(matrix), np.ravel(vector)]
        return np.concatenate(pieces).astype(np.float64)

    def parameter_names(self) -> tuple[str, ...]:
        """Return a name for each parameter: ``W1[0,2]`` is layer 1, from input 0 to unit 2; ``b1[2]``."""
        names: list[str] = []
        for number, layer in enumerate(self.layers, 1):
            names += [f"W{number}[{i},{j}]" for i in range(layer.fan_in) for j in range(layer.fan_out)]
            names += [f"b{number}[{j}]" for j in range(layer.bias_count)]
        return tuple(names)


def _check_shape(what: str, array: Array, wanted: tuple[int, ...]) -> None:
    if np.shape(array) != wanted:
        raise ShapeError(f"the {what} have shape {np.shape(array)}", f"they must have shape {wanted}")
