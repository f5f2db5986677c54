"""The shapes that a user gives for the inputs of a model file: `--input 224x224x3`, or `--input NAME=SHAPE`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.counting.engine.shapes import parse_shape
from dlmath.errors import InvalidValueError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlmath.counting.engine.graph import Shape


class GivenInputs(NamedTuple):
    """Shapes by the names of inputs, and shapes in the order of the inputs that have no name here."""

    named: Mapping[str, Shape] = {}
    in_order: tuple[Shape, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anything is given."""
        return bool(self.named or self.in_order)

    def shapes(self, inputs: Sequence[tuple[str, str]]) -> list[Shape | None]:
        """Return the shape given for each input, None where the file's own stands.

        Parameters
        ----------
        inputs : sequence of (str, str)
            Each input's name, and its shape in the file as text.

        Raises
        ------
        InvalidValueError
            For a name that no input has, or when shapes without names cannot be told apart.
        """
        names = [name for name, _ in inputs]
        for name in self.named:
            if name not in names:
                raise unknown("input of the file:", name[:40], names)
        rest = [name for name in names if name not in self.named]
        if self.in_order and len(self.in_order) != len(rest):
            listed = ", ".join(f"{name} ({shape})" for name, shape in inputs[:8])
            raise InvalidValueError(
                f"the file has {len(names)} inputs and {len(self.in_order)} shapes without a name are given",
                f"name them, --input NAME=SHAPE for each that is open: {listed}",
            )
        in_order = dict(zip(rest, self.in_order, strict=False))
        return [self.named.get(name, in_order.get(name)) for name in names]


def parse_given(texts: Sequence[str]) -> GivenInputs:
    """Read `SHAPE` or `NAME=SHAPE`, each as often as there are inputs.

    >>> parse_given(["224x224x3"]), parse_given(["ids=128", "mask=128"]).named
    (GivenInputs(named={}, in_order=((224, 224, 3),)), {'ids': (128,), 'mask': (128,)})
    """
    named: dict[str, Shape] = {}
    in_order: list[Shape] = []
    for text in texts:
        name, equals, shape = text.rpartition("=")
        if not equals:
            in_order.append(parse_shape(text))
        elif not name.strip() or name.strip() in named:
            raise InvalidValueError(f"--input {text[:40]!r} names no input, or one twice", "write NAME=SHAPE")
        else:
            named[name.strip()] = parse_shape(shape)
    return GivenInputs(named, tuple(in_order))
