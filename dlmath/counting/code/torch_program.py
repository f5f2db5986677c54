"""The program in PyTorch: nn.Sequential where layers follow one another, else modules with a forward each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.code import torch_words
from dlmath.counting.code.layout import CallOf, Single, identifier, plan
from dlmath.counting.code.pieces import Piece, Statement
from dlmath.counting.code.prose import check_lines, docstring, kept_rows, wrapped
from dlmath.counting.code.scopes import Names, own_name, runs, uses_of
from dlmath.counting.code.torch_helpers import HELPERS
from dlmath.counting.code.torch_windows import CALL, in_order
from dlmath.counting.engine.stages import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.counting.code.layout import ProgramFunction, ProgramLayout, Unit
    from dlmath.counting.engine.count import NetworkCount

INDENT = "    "
TIED = "F.linear({0}, {m}.weight)"
"""A dense layer whose weights are those of an embedding."""
RESERVED = ("torch", "nn", "Network", "F", "build", *HELPERS)
CHECK = """if __name__ == "__main__":
    with torch.device("meta"):  # shapes and counts alone: nothing is allocated
        model = build().eval()
        output = model({inputs})
    parameters = sum(tensor.numel() for tensor in model.parameters())
    trainable = sum(tensor.numel() for tensor in model.parameters() if tensor.requires_grad)
    output = output[0] if isinstance(output, tuple) else output
    found = parameters, trainable, tuple(output.shape[1:])
    if found != (PARAMETERS, TRAINABLE, OUTPUT):
        raise SystemExit(f"{{found}} parameters, trainable ones and output shape are not as counted")
    print(f"{{PARAMETERS:,}} parameters, {{TRAINABLE:,}} of them trainable, output {{OUTPUT}}: as counted")
"""


def torch_program(counted: NetworkCount, command: str) -> str:
    """Return a program that builds the network in PyTorch, and checks its own count.

    Raises
    ------
    InvalidValueError
        With the layer that PyTorch cannot express.
    """
    writer = _Writer(counted)
    parts = [HELPERS[name].strip("\n") for name in writer.helpers()]
    if writer.is_chain():
        parts.append("\n".join(writer.sequential()))
    else:
        laid = plan(counted.network, writer.pieces, RESERVED)
        parts += ["\n".join(writer.definition(function)) for function in laid.functions]
        parts.append("\n".join(writer.network_class(laid)))
        parts.append(f"def build():\n{INDENT}return Network()")
    code = "\n\n\n".join(parts)
    imports = "import torch\nfrom torch import nn" + ("\nfrom torch.nn import functional as F" if "F." in code else "")
    expected = check_lines(counted, counted.params, channels_first=True)
    check = CHECK.format(inputs=", ".join(writer.inputs()))
    return f"{docstring(counted, command)}\n\n{imports}\n\n{expected}\n\n\n{code}\n\n\n{check}"


class _Members:
    """The attributes of one module: what each is made by, and lines of its forward."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str, str]] = []
        self.forward: list[tuple[str, str]] = []
        self.names: set[str] = set()

    TAKEN = (
        *("double", "float", "half", "type", "train", "eval", "apply", "to", "cpu", "cuda", "modules", "children"),
        *("parameters", "buffers", "forward", "compile", "training", "extra_repr", "zero_grad", "state_dict"),
    )
    """What every module has already."""

    def attribute(self, wish: str, text: str, note: str = "") -> str:
        """Keep a layer under a name near the wish, and return how the forward calls it."""
        base = identifier(wish) + ("_" if identifier(wish) in self.TAKEN else "")
        name, number = base, 1
        while name in self.names:
            number += 1
            name = f"{base}_{number}"
        self.names.add(name)
        self.made.append((name, text, note))
        return f"self.{name}"


class _Writer:
    """The lines of one program."""

    def __init__(self, counted: NetworkCount) -> None:
        self.counted = counted
        self.network = counted.network
        rows = kept_rows(counted)
        self.pieces = {place: Piece(row, torch_words.steps(row)) for place, row in rows.items()}
        self.starts = [place for place, node in enumerate(self.network.nodes) if node.kind == "input"]
        self.owners = {node.shares for node in self.network.nodes if node.shares}
        self.shared: dict[str, str] = {}
        self.tables: set[str] = set()

    def helpers(self) -> list[str]:
        """Return the names of what the program defines itself."""
        return list(dict.fromkeys(step.helper for piece in self.pieces.values() for step in piece.steps if step.helper))

    def inputs(self) -> list[str]:
        """Return one example of each input; words that are looked up are whole numbers."""
        made = []
        for place in self.starts:
            readers = {row.node.kind for row in self.counted.nodes if place in row.node.inputs}
            shape = self.counted.nodes[place].output
            sizes = ", ".join(map(str, (1, *in_order(shape))))
            made.append(f"torch.zeros({sizes}{', dtype=torch.long' if readers == {'embedding'} else ''})")
        return made

    def is_chain(self) -> bool:
        """Return whether every layer reads the one before it, and can stand in a list."""
        before = self.starts[0]
        for place, piece in self.pieces.items():
            if piece.row.node.inputs != (before,) or piece.row.node.shares or len(self.network.outputs) > 1:
                return False
            if any(not step.as_layer and step.template != CALL for step in piece.steps):
                return False
            before = place
        return len(self.starts) == 1

    def sequential(self) -> Iterator[str]:
        """Yield the model as a list of layers."""
        yield "def build():"
        yield f"{INDENT}return nn.Sequential("
        for piece in self.pieces.values():
            for number, step in enumerate(piece.steps):
                text = step.make.text() if step.make is not None else step.as_layer
                note = own_name(piece.name) if number == len(piece.steps) - 1 else ""
                yield from wrapped(f"{text},", INDENT * 2, note)
        yield f"{INDENT})"

    def definition(self, function: ProgramFunction) -> Iterator[str]:
        """Yield the module of a block."""
        block = function.model
        letters = Names.LETTERS[: len(block.sources)]
        names = Names(uses_of(function.units, self.network, block.outputs))
        names.held = dict(zip(block.sources, letters, strict=True))
        members = self.members(function.units, names, inside=True)
        yield from _module(
            class_name(function.name), function.parameters, letters, members, names.held[block.outputs[0]]
        )

    def network_class(self, laid: ProgramLayout) -> Iterator[str]:
        """Yield the module of the whole network."""
        outputs = [place for place in self.network.outputs if place in self.pieces or place in self.starts]
        names = Names(uses_of(laid.units, self.network, outputs))
        letters = (
            Names.LETTERS[: len(self.starts)]
            if len(self.starts) <= len(Names.LETTERS)
            else [f"input{number}" for number, _ in enumerate(self.starts, 1)]
        )
        names.held = dict(zip(self.starts, letters, strict=True))
        members = self.members(laid.units, names, inside=False)
        yield from _module("Network", (), letters, members, ", ".join(names.held[place] for place in outputs))

    def members(self, units: Sequence[Unit], names: Names, *, inside: bool) -> _Members:
        """Return the attributes and the forward of a scope."""
        members = _Members()
        for unit in runs(units):
            if isinstance(unit, Single):
                self.single(unit, names, members)
            else:
                self.calls(unit, names, members, inside=inside)
        return members

    def calls(self, unit: list[CallOf], names: Names, members: _Members, *, inside: bool) -> None:
        """Add a block, or equal ones that follow one another."""
        first, last = unit[0], unit[-1]
        read = names.read(first.block.sources)
        for call in unit[1:]:
            names.left[call.block.sources[0]] = 0
        target = names.give(last.block.outputs[0], first.block.sources)
        made = f"{class_name(first.function.name)}({', '.join(first.arguments)})"
        word = words_of(first.block.name)[-1]
        note = "" if inside or len(unit) == 1 else f"{first.block.name} to {last.block.name}"
        if len(unit) > 1 and len(read) == 1:
            made = f"nn.Sequential(*({made} for _ in range({len(unit)})))"
        elif len(unit) > 1:
            for number in range(len(unit)):
                name = members.attribute(word, made)
                members.forward.append((f"{target} = {name}({', '.join(read)})", ""))
                read = [target, *read[1:]] if number == 0 else read
            return
        name = members.attribute(word, made, note)
        members.forward.append((f"{target} = {name}({', '.join(read)})", ""))

    def single(self, unit: Single, names: Names, members: _Members) -> None:
        """Add one layer; one whose weights are used again is kept once."""
        piece = self.pieces[unit.place]
        node, sources = piece.row.node, piece.row.node.inputs
        read = names.read(sources)
        if not piece.steps:
            names.held[unit.place] = read[0]
            return
        target = names.give(unit.place, sources)
        for number, step in enumerate(piece.steps):
            is_last = number == len(piece.steps) - 1
            made = self._made(node, step, unit.texts[number], members, is_last=is_last)
            template = TIED if made in self.tables and node.kind == "dense" else step.template
            applied = template.format(*read, m=made, all=", ".join(read))
            note = own_name(piece.name) if is_last and step.make is None else ""
            members.forward.append((f"{target} = {applied}", note))
            read = [target]

    def _made(self, node: object, step: Statement, texts: tuple[str, ...], members: _Members, *, is_last: bool) -> str:
        if step.make is None:
            return ""
        name, shares = getattr(node, "name", ""), getattr(node, "shares", None)
        if is_last and shares in self.shared:
            return self.shared[shares]
        word = words_of(name)[-1] if is_last else f"{words_of(name)[-1]}_before"
        attribute = members.attribute(word, step.make.text(texts))
        if name in self.owners and is_last:
            self.shared[name] = attribute
            if getattr(node, "kind", "") == "embedding":
                self.tables.add(attribute)
        return attribute


def class_name(name: str) -> str:
    """Return a function's name as a class has it.

    >>> class_name("residual_block_2"), class_name("inception")
    ('ResidualBlock2', 'Inception')
    """
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _module(
    name: str, parameters: Sequence[str], letters: Sequence[str], members: _Members, given: str
) -> Iterator[str]:
    yield f"class {name}(nn.Module):"
    yield from wrapped(f"def __init__({', '.join(('self', *parameters))}):", INDENT)
    yield f"{INDENT * 2}super().__init__()"
    for attribute, text, note in members.made:
        yield from wrapped(f"self.{attribute} = {text}", INDENT * 2, note)
    yield ""
    yield f"{INDENT}def forward(self, {', '.join(letters)}):"
    for text, note in members.forward:
        yield from wrapped(text, INDENT * 2, note)
    yield f"{INDENT * 2}return {given}"
