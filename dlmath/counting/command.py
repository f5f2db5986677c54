"""`dlmath param-count`: which of its three runs is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.words import Words, results
from dlmath.frame.command import Command

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output


def check(words: Words, output: Output) -> None:
    """Refuse, before any work, what the wanted run would refuse."""
    if words.list_models:
        from dlmath.counting.run_zoo import check_listing

        check_listing(words, output)
    elif is_tensor_file(words):
        from dlmath.counting.run_tensors import check_tensors

        check_tensors(words, output)
    else:
        from dlmath.counting.run_network import check_network

        check_network(words, output)


def run(words: Words, output: Output) -> Outcome:
    """List the zoo, add up a file of tensors, or count a network."""
    if words.list_models:
        from dlmath.counting.run_zoo import list_models

        return list_models(words, output)
    if is_tensor_file(words):
        from dlmath.counting.run_tensors import count_tensors

        return count_tensors(words, output)
    from dlmath.counting.run_network import run_network

    return run_network(words, output)


def is_tensor_file(words: Words) -> bool:
    """Tell whether the model is a file that holds tensors without a graph, and is counted alone."""
    if words.model is None or words.compare:
        return False
    from dlmath.counting.models.choosing import holds_tensors

    return holds_tensors(words.model)


COMMAND = Command(
    name="param-count",
    words=Words,
    about="""Count parameters, operations, shapes, receptive fields and memory of layers and whole networks.

    A multiply-accumulate (MAC) is one multiply and one add; flops are 2 x macs. Biases, normalisation, pooling and
    activations are counted apart, never silently.""",
    examples=(
        ("param-count --conv 3x3x128 --input 112x112x64", "one layer"),
        ("param-count --model resnet50 --get macs", "one figure, for scripts"),
        ("param-count conv:3x3x64 relu maxpool:2 flatten dense:10 --input 28x28x1", "a chain"),
    ),
    check=check,
    run=run,
    results=results,
)
