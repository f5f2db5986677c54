"""What a network of step units says: all that its report is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dlmath.gates.engine.criteria import Criterion
    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.engine.step_network import LayerAnswers
    from dlmath.gates.files.weights import Weights


class Response(NamedTuple):
    """A gate's rows run through a network of step units."""

    gate: Gate
    weights: Weights
    activations: tuple[str, ...]
    layers: tuple[LayerAnswers, ...]
    criterion: Criterion
    learned: bool
    fires: str

    @property
    def outputs(self) -> list[list[float]]:
        """What the network answers to every row."""
        return [[float(answer) for answer in row] for row in self.layers[-1].answers]
