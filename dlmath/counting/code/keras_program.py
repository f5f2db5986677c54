"""The program in Keras 3: a Sequential model where layers follow one another, else the functional API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.code import keras_words
from dlmath.counting.code.keras_helpers import HELPERS
from dlmath.counting.code.keras_windows import CALL
from dlmath.counting.code.layout import CallOf, ProgramFunction, ProgramLayout, Single, identifier, plan
from dlmath.counting.code.pieces import Arg, Piece, Statement, written
from dlmath.counting.code.prose import check_lines, docstring, kept_rows, wrapped
from dlmath.counting.code.scopes import Names, own_name, runs, uses_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.counting.code.layout import Unit
    from dlmath.counting.engine.count import NetworkCount

INDENT = "    "
TIED = "ops.matmul({0}, ops.transpose({m}.embeddings))"
"""A dense layer whose weights are those of an embedding."""
RESERVED = ("layers", "ops", "keras", "build", "inputs", "outputs", *HELPERS)
CHECK = """if __name__ == "__main__":
    model = build()
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    found = model.count_params(), trainable, model.outputs[0].shape[1:]
    if found != (PARAMETERS, TRAINABLE, OUTPUT):
        raise SystemExit(f"{found} parameters, trainable ones and output shape are not as counted")
    print(f"{PARAMETERS:,} parameters, {TRAINABLE:,} of them trainable, output {OUTPUT}: as counted")
"""


def keras_program(counted: NetworkCount, command: str) -> str:
    """Return a program that builds the network in Keras, and checks its own count.

    Raises
    ------
    InvalidValueError
        With the layer that Keras cannot express.
    """
    writer = _KerasProgramWriter(counted)
    parts = [HELPERS[name].strip("\n") for name in writer.helpers()]
    if writer.is_chain():
        parts.append("\n".join(writer.sequential()))
    else:
        laid = plan(counted.network, writer.pieces, RESERVED)
        parts += ["\n".join(writer.definition(function)) for function in laid.functions]
        parts.append("\n".join(writer.functional(laid)))
    code = "\n\n\n".join(parts)
    imports = f"import math\n\nimport keras\nfrom keras import layers{', ops' if 'ops.' in code else ''}"
    expected = check_lines(counted, counted.total("params") + counted.total("buffers"))
    return f"{docstring(counted, command)}\n\n{imports}\n\n{expected}\n\n\n{code}\n\n\n{CHECK}"


def _pieces(counted: NetworkCount) -> dict[int, Piece]:
    """Return the pieces of all layers, activations put into the layers before them where these take one."""
    rows = kept_rows(counted)
    pieces = {place: Piece(row, keras_words.steps(row)) for place, row in rows.items()}
    pieces = {place: _frozen(piece) if piece.row.node.frozen else piece for place, piece in pieces.items()}
    owners = {node.shares for node in counted.network.nodes if node.shares}
    readers: dict[int, int] = {}
    for row in rows.values():
        for source in row.node.inputs:
            readers[source] = readers.get(source, 0) + 1
    for place, row in rows.items():
        source = row.node.inputs[0] if len(row.node.inputs) == 1 else -1
        fits = row.node.kind in keras_words.ACTIVATIONS and source in pieces and readers[source] == 1
        shared = source in pieces and pieces[source].name in owners
        if fits and not shared and source not in counted.network.outputs and _takes_activation(pieces[source]):
            pieces[source] = _with_activation(pieces[source], keras_words.ACTIVATIONS[row.node.kind])
            pieces[place] = pieces[place]._replace(steps=())
    return pieces


def _takes_activation(piece: Piece) -> bool:
    node, last = piece.row.node, piece.steps[-1] if piece.steps else None
    plain = last is not None and last.make is not None and last.template == CALL and not last.helper
    return node.kind in keras_words.FUSED and node.shares is None and plain and "Cropping" not in _made(piece.steps[-1])


def _with_activation(piece: Piece, word: str) -> Piece:
    return piece._replace(steps=_more(piece.steps, len(piece.steps) - 1, Arg("activation", word, None)))


def _frozen(piece: Piece) -> Piece:
    """Return a piece whose layers do not train."""
    steps = piece.steps
    for number, step in enumerate(steps):
        have = {arg.word for arg in step.make.args} if step.make is not None else {"trainable"}
        if "trainable" not in have and piece.row.counted.params and _made(step).startswith("layers."):
            steps = _more(steps, number, Arg("trainable", value=False, default=True))
    return piece._replace(steps=steps)


def _more(steps: tuple[Statement, ...], number: int, arg: Arg) -> tuple[Statement, ...]:
    step = steps[number]
    assert step.make is not None
    changed = step._replace(make=step.make._replace(args=(*step.make.args, arg)))
    return (*steps[:number], changed, *steps[number + 1 :])


def _made(step: Statement) -> str:
    return step.make.name if step.make is not None else ""


class _KerasProgramWriter:
    """The lines of one program."""

    def __init__(self, counted: NetworkCount) -> None:
        self.counted = counted
        self.network = counted.network
        self.pieces = _pieces(counted)
        self.starts = [place for place, node in enumerate(self.network.nodes) if node.kind == "input"]
        self.kinds = {node.name: node.kind for node in self.network.nodes}
        self.owners = {node.shares for node in self.network.nodes if node.shares}

    def helpers(self) -> list[str]:
        """Return the names of what the program defines itself."""
        return list(dict.fromkeys(step.helper for piece in self.pieces.values() for step in piece.steps if step.helper))

    def is_chain(self) -> bool:
        """Return whether every layer reads the one before it, and is a layer."""
        before = self.starts[0]
        for place, piece in self.pieces.items():
            if piece.row.node.inputs != (before,) or piece.row.node.shares or len(self.network.outputs) > 1:
                return False
            if any(step.template != CALL for step in piece.steps):
                return False
            before = place
        return len(self.starts) == 1

    def input(self, place: int) -> str:
        """Return the input of the network; words that are looked up are whole numbers."""
        readers = {row.node.kind for row in self.counted.nodes if place in row.node.inputs}
        return f"keras.Input({written(self.counted.nodes[place].output)}{INTEGERS if readers == {'embedding'} else ''})"

    def sequential(self) -> Iterator[str]:
        """Yield the model as a list of layers."""
        yield "def build():"
        yield f"{INDENT}return keras.Sequential("
        yield f"{INDENT * 2}["
        yield f"{INDENT * 3}{self.input(self.starts[0])},"
        for piece in self.pieces.values():
            for number, step in enumerate(piece.steps):
                assert step.make is not None
                note = own_name(piece.name) if number == len(piece.steps) - 1 else ""
                yield from wrapped(f"{step.make.text()},", INDENT * 3, note)
        yield f"{INDENT * 2}]"
        yield f"{INDENT})"

    def definition(self, function: ProgramFunction) -> Iterator[str]:
        """Yield a function."""
        block = function.model
        names = Names(uses_of(function.units, self.network, block.outputs))
        letters = Names.LETTERS[: len(block.sources)]
        names.held = dict(zip(block.sources, letters, strict=True))
        yield from wrapped(f"def {function.name}({', '.join((*letters, *function.parameters))}):", "")
        yield from self.scope(function.units, names, inside=True)
        yield f"{INDENT}return {names.held[block.outputs[0]]}"

    def functional(self, laid: ProgramLayout) -> Iterator[str]:
        """Yield the model as layers applied to tensors."""
        outputs = [place for place in self.network.outputs if place in self.pieces or place in self.starts]
        names = Names(uses_of(laid.units, self.network, outputs))
        given = ["inputs"] if len(self.starts) == 1 else [f"input{number}" for number, _ in enumerate(self.starts, 1)]
        yield "def build():"
        for place, name in zip(self.starts, given, strict=True):
            names.held[place] = name
            yield f"{INDENT}{name} = {self.input(place)}"
        yield from self.scope(laid.units, names)
        ends = [names.held[place] for place in outputs]
        fed = given[0] if len(given) == 1 else f"[{', '.join(given)}]"
        yield f"{INDENT}return keras.Model({fed}, {ends[0] if len(ends) == 1 else '[' + ', '.join(ends) + ']'})"

    def scope(self, units: Sequence[Unit], names: Names, *, inside: bool = False) -> Iterator[str]:
        """Yield the lines of a function's body, or of the whole."""
        for unit in runs(units):
            yield from self.single(unit, names) if isinstance(unit, Single) else self.calls(unit, names, inside=inside)

    def calls(self, unit: list[CallOf], names: Names, *, inside: bool) -> Iterator[str]:
        """Yield a call of a function, or a loop of equal ones."""
        first, last = unit[0], unit[-1]
        read = names.read(first.block.sources)
        for call in unit[1:]:
            names.left[call.block.sources[0]] = 0
        target = names.give(last.block.outputs[0], first.block.sources)
        if len(unit) == 1:
            call_text = f"{target} = {first.function.name}({', '.join((*read, *first.arguments))})"
            yield from wrapped(call_text, INDENT, "" if inside else first.block.name)
            return
        if read[0] != target:
            yield f"{INDENT}{target} = {read[0]}"
        note = "" if inside else f"{first.block.name} to {last.block.name}"
        yield from wrapped(f"for _ in range({len(unit)}):", INDENT, note)
        yield f"{INDENT * 2}{target} = {first.function.name}({', '.join((target, *read[1:], *first.arguments))})"

    def single(self, unit: Single, names: Names) -> Iterator[str]:
        """Yield the lines of one layer; one whose weights are used again is made before it is used."""
        piece = self.pieces[unit.place]
        node = piece.row.node
        if piece.steps and (node.shares is not None or node.name in self.owners):
            shared = f"shared_{identifier(node.shares or node.name)}"
            if node.shares is None and piece.steps[-1].make is not None:
                yield f"{INDENT}{shared} = {piece.steps[-1].make.text()}"
            tied = node.kind == "dense" and self.kinds.get(node.shares or "") == "embedding"
            last = Statement((TIED if tied else piece.steps[-1].template).replace("{m}", shared))
            piece = piece._replace(steps=(*piece.steps[:-1], last))
        yield from _lines(unit, piece, names)


INTEGERS = ', dtype="int32"'


def _lines(unit: Single, piece: Piece, names: Names) -> Iterator[str]:
    sources = piece.row.node.inputs
    read = names.read(sources)
    if not piece.steps:
        names.held[unit.place] = read[0]
        return
    target = names.give(unit.place, sources)
    for number, step in enumerate(piece.steps):
        made = step.make.text(unit.texts[number]) if step.make is not None else ""
        applied = step.template.format(*read, m=made, all=", ".join(read))
        note = own_name(piece.name) if number == len(piece.steps) - 1 else ""
        yield from wrapped(f"{target} = {applied}", INDENT, note)
        read = [target]
