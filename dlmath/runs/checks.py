"""What a command would refuse, found out without running it: the checks of each, on the words of a cell."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from dlmath.runs.cell import silent_output, whole_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.runs.cell import Task


def check_words(task: Task) -> None:
    """Raise what the command would raise for these words before any work; a command without checks is let pass."""
    check = CHECKS.get(task.command)
    if check is not None:
        with ExitStack() as stack:
            check(whole_words(task, stack, {}))


def check_train_gate(words: Any) -> None:
    """Check as `train-gate` does."""
    from dlmath.frame.checks import one_of
    from dlmath.gates import command as train_gate

    if words.separable is not None or words.gate is None:
        if words.separable is None:
            train_gate.run(words, silent_output())  # it has the error for a missing gate
        return
    one_of("--rule", words.rule, ("backprop", "perceptron"))
    train_gate.check_common(words)
    gate = train_gate.read_gate(words)
    if words.rule.lower() == "perceptron":
        from dlmath.gates import run_perceptron as gate_perceptron

        gate_perceptron.check_words(gate, words)
        gate_perceptron.resolve(words)
        return
    from dlmath.gates import run_network as gate_network
    from dlmath.neural.initialisers import parse_initialiser

    request = gate_network.resolve(gate, words)
    for init in (request.init, request.bias_init):
        parse_initialiser(init)


def check_convolve(words: Any) -> None:
    """Check as `convolve` does, up to reading the images."""
    from dlmath.convolution import command as convolve
    from dlmath.convolution import request as convolve_request
    from dlmath.convolution.engine.kernels import names_in
    from dlmath.convolution.files.kernels import read_kernel
    from dlmath.files.pictures.images import is_inline
    from dlmath.files.sources import open_source

    if words.list_kernels or (not words.kernel and not words.pool):
        convolve.run(words, silent_output())
        return
    convolve_request.resolve(words, silent_output())
    for word in words.kernel or ():
        for name in names_in(word):
            read_kernel(name)
    for image in words.images or ():
        if not is_inline(image):
            open_source(image).file.close()


def check_param_count(words: Any) -> None:
    """Check as `param-count` does; layers are counted, which takes no longer than reading them."""
    from dlmath.counting import command as param_count

    param_count.check_words(words)
    if words.model is None and not words.list_models:
        param_count.run(words, silent_output())


def check_vanishing(words: Any) -> None:
    """Check as `vanishing` does before it measures."""
    from dlmath.depth import command as vanishing
    from dlmath.depth.engine.settings import check_settings

    if not (words.critical or words.phase_diagram):
        for request in vanishing.combinations(words):
            check_settings(request)


CHECKS: dict[str, Callable[[Any], None]] = {
    "train-gate": check_train_gate,
    "convolve": check_convolve,
    "vanishing": check_vanishing,
    "param-count": check_param_count,
}
