"""The pieces of a program: calls with arguments, steps that apply them, and how Python writes their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.counting.engine.count import LayerRow

WIDTH = 100
"""Columns of a line of the program."""


class Arg(NamedTuple):
    """One argument of a call.

    Attributes
    ----------
    word : str
        Its keyword; also what a parameter of a function is called that stands for it.
    value : object
    default : object
        Left out where it has this value and may be left out.
    by_place : bool
        Written without its keyword.
    either : bool
        Another value would mean the same here, as any padding does to a kernel of one.
    """

    word: str
    value: Any
    default: Any = None
    by_place: bool = False
    either: bool = False


class Make(NamedTuple):
    """What makes a layer: `layers.Conv2D(64, 3)`."""

    name: str
    args: tuple[Arg, ...] = ()
    suffix: str = ""

    def text(self, values: tuple[str, ...] | None = None) -> str:
        """Return the call; `values` are the texts of its arguments, where some are a function's parameters."""
        texts = values if values is not None else tuple(written(arg.value) for arg in self.args)
        parts = [
            text if arg.by_place else f"{arg.word}={text}"
            for arg, text in zip(self.args, texts, strict=True)
            if arg.by_place or text != written(arg.default)
        ]
        return f"{self.name}({', '.join(parts)}){self.suffix}"


class Statement(NamedTuple):
    """One line of a program: a layer, or an expression, applied to what came before.

    Attributes
    ----------
    template : str
        `{m}` is the layer; `{0}`, `{1}` are what it reads, `{all}` all of them with commas.
    make : Make or None
    helper : str
        The class or function the program has to define for it.
    as_layer : str
        The same as a layer, where layers stand in a list ("" where the step has one in `make`).
    """

    template: str
    make: Make | None = None
    helper: str = ""
    as_layer: str = ""


class Piece(NamedTuple):
    """A node of the network as a program has it.

    Attributes
    ----------
    row : LayerRow
    steps : tuple of Statement
        The first reads what the node reads, each later one the one before it; empty where the node changes nothing.
    """

    row: LayerRow
    steps: tuple[Statement, ...]

    @property
    def name(self) -> str:
        """The node's name."""
        return self.row.name


class Plain(str):
    """A text that is written as it stands, without quotes."""

    __slots__ = ()


def written(value: Any) -> str:
    """Return a value as Python writes it.

    >>> written("same"), written((3, 3)), written(Plain("x")), written(((1, 1), (1, 1)))
    ('"same"', '(3, 3)', 'x', '((1, 1), (1, 1))')
    """
    if isinstance(value, Plain):
        return str(value)
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (tuple, list)):
        inner = ", ".join(map(written, value))
        opened, closed = "()" if isinstance(value, tuple) else "[]"
        return f"{opened}{inner}{',' if len(value) == 1 and isinstance(value, tuple) else ''}{closed}"
    return repr(value)


def alike(values: tuple[Any, ...]) -> Any:
    """Return one number for axes that agree, else all of them.

    >>> alike((3, 3)), alike((3, 5))
    (3, (3, 5))
    """
    return values[0] if all(value == values[0] for value in values) else tuple(values)


def place(word: str, value: Any) -> Arg:
    """Return an argument that is written without its keyword."""
    return Arg(word, value, by_place=True)


def refuse(row: LayerRow, why: str, target: str) -> InvalidValueError:
    """Return the error for a layer that a program cannot express."""
    return InvalidValueError(
        f"layer {row.name[:60]!r} ({row.node.kind}) cannot be written in {target}: {why}", "leave out --code"
    )


def options_of(row: LayerRow) -> Mapping[str, Any]:
    """Return the options of a row's layer, checked, defaults filled in."""
    from dlmath.counting.engine.layers import get_kind
    from dlmath.counting.engine.options import resolve

    return resolve(row.node.kind, get_kind(row.node.kind), row.node.options)
