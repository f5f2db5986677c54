"""What NETWORK names: a chain of layers, a network of the zoo, a file, or a plain network `mlp:64`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.count import count
from dlmath.counting.engine.graph import Network, Node
from dlmath.counting.engine.language import Reference, parse_reference
from dlmath.counting.engine.layers import ALIASES, FAMILY
from dlmath.counting.engine.shapes import elements, shape_text
from dlmath.counting.engine.words import CLAUSES, parse_chain
from dlmath.errors import DlmathError, InvalidValueError
from dlmath.files.atomic import STANDARD
from dlmath.files.examples import is_example

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.graph import Shape

    Loader = Callable[[Reference, Shape | None], Network]

FILES = (".yaml", ".yml", ".json")
LOSS_LAYERS = ("softmax", "logsoftmax")
"""What is part of the loss, so that a network need not end in it."""
MLP = "mlp"


def is_plain(word: str) -> bool:
    """Whether a word names a plain network: `mlp`, `mlp:64`, `mlp:128,64`; not the zoo's `mlp:classes=10`."""
    name, _, rest = word.strip().partition(":")
    return name.lower() == MLP and "=" not in rest


def load_network(word: str, shape: Shape, classes: int, equal: int | None = None) -> Network:
    """Return the network that a word means, for images of a shape, with an answer for every class.

    Its last softmax is left out: it is part of the loss.

    Parameters
    ----------
    equal : int or None
        The parameters that `mlp` alone is to have, as nearly as a width can give them.

    Raises
    ------
    DlmathError
        For an unknown name, an impossible shape, another number of answers.
    """
    return answering(open_network(word, shape, classes, equal), classes, word.strip())


def answers_of(word: str, shape: Shape, classes: int) -> int:
    """Return how many numbers the network that a word means gives for an image."""
    return elements(count(open_network(word, shape, classes)).output_shape)


def open_network(word: str, shape: Shape, classes: int, equal: int | None = None) -> Network:
    """Return the network that a word means, as it is."""
    text = word.strip()
    if not text:
        raise InvalidValueError("an empty NETWORK", 'name layers, as "conv:3x3x8 relu flatten dense:10"')
    if is_plain(text):
        return plain_network(text, shape, classes, equal)
    if is_chain(text):
        return parse_chain(rows_of(text), shape, name=text)
    return named_network(text, shape, classes)


def is_chain(text: str) -> bool:
    """Whether a text is layers: several words, or one that is a layer's."""
    first = text.split(maxsplit=1)[0].partition(":")[0].lower().replace("-", "").replace("_", "")
    return len(text.split()) > 1 or first in FAMILY or first in ALIASES


def rows_of(text: str) -> list[str]:
    """Return the rows of a chain; a layer's `from`, `as` and `sharing` stay with it.

    >>> rows_of("conv:3x3x8 as a relu add from a,relu1 dense:10")
    ['conv:3x3x8 as a', 'relu', 'add from a,relu1', 'dense:10']
    """
    rows: list[str] = []
    joins = False
    for word in text.split():
        if rows and (word in CLAUSES or joins or rows[-1].endswith(",")):
            rows[-1] += f" {word}"
        else:
            rows.append(word)
        joins = word in CLAUSES
    return rows


def plain_network(text: str, shape: Shape, classes: int, equal: int | None) -> Network:
    """Return `flatten dense:W relu ... dense:K`."""
    rest = text.partition(":")[2]
    if rest:
        widths = tuple(_width(text, part.strip()) for part in rest.split(","))
    elif equal is None:
        raise InvalidValueError("'mlp' alone means as many parameters as NETWORK has", "name its width, as mlp:64")
    else:
        widths = (equal_width(elements(shape), classes, equal),)
    rows = ["flatten"]
    for width in widths:
        rows += [f"dense:{width}", "relu"]
    return parse_chain([*rows, f"dense:{classes}"], shape, name=f"mlp:{','.join(map(str, widths))}")


def _width(text: str, part: str) -> int:
    if not (part.isascii() and part.isdigit() and 0 < int(part) < 10**6):
        raise InvalidValueError(f"network {text[:40]!r}: {part[:20]!r} is no width", "write mlp:64 or mlp:128,64")
    return int(part)


def equal_width(inputs: int, classes: int, parameters: int) -> int:
    """Return the width with which inputs x W + W + W x classes + classes comes nearest to so many parameters.

    >>> equal_width(256, 10, 3818)
    14
    """
    return max(1, round((parameters - classes) / (inputs + classes + 1)))


def named_network(text: str, shape: Shape, classes: int) -> Network:
    """Return a network of the zoo or of a file; its setting `classes`, if it has one, is set to the data's."""
    reference = parse_reference(text)
    loader = _file_loader if is_file(reference.name) else _zoo_loader
    network = _shaped(loader, reference, shape)
    if count(network).output_shape == (classes,) or "classes" in reference.settings:
        return network
    try:
        return _shaped(loader, reference._replace(settings={**reference.settings, "classes": str(classes)}), shape)
    except DlmathError:
        return network  # it has no such setting: `answering` tells what is wrong


def is_file(name: str) -> bool:
    """Whether a network's name is a file's."""
    return is_example(name) or name == STANDARD or name.lower().endswith(FILES)


def _file_loader(reference: Reference, shape: Shape | None) -> Network:
    from dlmath.counting.models.architecture import read_architecture

    return read_architecture(reference, shape)


def _zoo_loader(reference: Reference, shape: Shape | None) -> Network:
    from dlmath.counting import zoo

    return zoo.load(reference, shape)


def _shaped(loader: Loader, reference: Reference, shape: Shape) -> Network:
    """Load a network for images of a shape; one that takes a vector gets a flattening before it."""
    if _takes_a_vector(loader, reference):
        return flattened(loader(reference, (elements(shape),)), shape)
    return loader(reference, shape)


def _takes_a_vector(loader: Loader, reference: Reference) -> bool:
    try:
        own = loader(reference, None).input_shapes
    except DlmathError:
        return False  # it says no input, or is wrong in another way, which is told when it is loaded
    return len(own) == 1 and len(own[0]) == 1


def flattened(network: Network, shape: Shape) -> Network:
    """Return the network with an image as its input and a flattening before all else."""
    first, *others = network.nodes
    nodes = [
        Node(first.name, "input", {"shape": shape}),
        Node("flatten0", "flatten", {"start": 0}, (0,)),
        *(node._replace(inputs=tuple(source + 1 for source in node.inputs)) for node in others),
    ]
    return network._replace(nodes=tuple(nodes), outputs=tuple(place + 1 for place in network.outputs))


def answering(network: Network, classes: int, text: str) -> Network:
    """Return the network ending in one number a class: a last softmax belongs to the loss and is left out."""
    nodes, (last, *_) = network.nodes, network.outputs
    while nodes[last].kind in LOSS_LAYERS and len(nodes[last].inputs) == 1:
        last = nodes[last].inputs[0]
    kept = pruned(network, last)
    output = count(kept).output_shape
    if elements(output) != classes:
        raise InvalidValueError(
            f"network {_short(text)!r} gives {shape_text(output)} for an image and the data has {classes} classes",
            f"end it with dense:{classes}",
        )
    if len(output) == 1:
        return kept
    end = Node("answers", "flatten", {"start": 0}, kept.outputs)
    return kept._replace(nodes=(*kept.nodes, end), outputs=(len(kept.nodes),))


def pruned(network: Network, last: int) -> Network:
    """Return the layers that one of them rests on, itself the output: without heads that only help training."""
    needed = {last}
    for place in range(last, -1, -1):
        if place in needed:
            needed.update(network.nodes[place].inputs)
    places = {old: new for new, old in enumerate(sorted(needed))}
    nodes = (network.nodes[old] for old in places)
    moved = tuple(node._replace(inputs=tuple(places[source] for source in node.inputs)) for node in nodes)
    return network._replace(nodes=moved, outputs=(places[last],))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
