"""Logic gates as data: a name or a truth table in, rows of inputs and targets out (no array library).

A boolean function of n inputs is its truth table: a string of 2^n bits whose bit i is the target of row i,
and row i's inputs are the binary digits of i, most significant first. `0110` is xor, `0001` is and.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from dlmath.errors import InvalidValueError, nearest, unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    Number = float | int
    Rows = tuple[tuple[Number, ...], ...]

MAX_INPUTS = 10

TWO_INPUT_NAMES = {
    "0000": "false",
    "0001": "and",
    "0010": "nimplies",  # a and not b: material nonimplication
    "0011": "first",
    "0100": "nconverse",  # not a and b: converse nonimplication
    "0101": "second",
    "0110": "xor",
    "0111": "or",
    "1000": "nor",
    "1001": "xnor",
    "1010": "not-second",
    "1011": "converse",  # b implies a
    "1100": "not-first",
    "1101": "implies",  # a implies b
    "1110": "nand",
    "1111": "true",
}
"""The sixteen functions of two inputs, by truth table (rows 00, 01, 10, 11)."""

ONE_INPUT_NAMES = {"01": "identity", "10": "not"}
"""The two functions of one input that depend on it."""

SYMMETRIC: dict[str, Callable[[int, int], bool]] = {
    "and": lambda ones, n: ones == n,
    "or": lambda ones, n: ones > 0,  # noqa: ARG005 - every rule takes the same two numbers
    "nand": lambda ones, n: ones < n,
    "nor": lambda ones, n: ones == 0,  # noqa: ARG005
    "xor": lambda ones, n: ones % 2 == 1,  # noqa: ARG005
    "xnor": lambda ones, n: ones % 2 == 0,  # noqa: ARG005
    "parity": lambda ones, n: ones % 2 == 1,  # noqa: ARG005
    "majority": lambda ones, n: 2 * ones > n,
}
"""Gates of any number of inputs that only count the ones: (ones, inputs) -> does it fire?"""

FEWEST_INPUTS = {"parity": 1, "majority": 1}  # the others join at least two inputs
SIZE_REQUIRED = frozenset({"parity", "majority"})

CODINGS: dict[str, dict[Number, Number]] = {"01": {0: 0, 1: 1}, "pm1": {0: -1, 1: 1}}
"""How a 0/1 input is presented: as it is, or as -1/+1."""

_FIXED_TABLES = {name: bits for table in (ONE_INPUT_NAMES, TWO_INPUT_NAMES) for bits, name in table.items()}
_LISTED = [
    *("and", "or", "nand", "nor", "xor", "xnor", "not", "identity", "implies", "and:3", "parity:4"),
    *("majority:5", "a truth table such as 0110"),
]


class Gate(NamedTuple):
    """Rows of inputs with the targets a unit or network is to give for them.

    Parameters
    ----------
    name : str
        What the user called it.
    inputs : tuple of tuples, shape (rows, n_inputs)
        0/1 for a logic gate; any real numbers when the rows come from a file.
    targets : tuple of tuples, shape (rows, n_outputs)
    input_names, output_names : tuple of str
        What a file calls its columns; empty for gates.

    Examples
    --------
    >>> parse_gate("xor").targets
    ((0,), (1,), (1,), (0,))
    """

    name: str
    inputs: Rows
    targets: Rows
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()

    @property
    def n_inputs(self) -> int:
        """The number of inputs of a row."""
        return len(self.inputs[0])

    @property
    def n_outputs(self) -> int:
        """The number of targets of a row."""
        return len(self.targets[0])

    @property
    def is_logic(self) -> bool:
        """Whether this is a whole truth table in counting order (0/1 or -1/+1 inputs) with 0/1 targets."""
        return _in_counting_order(self.inputs) and all(value in {0, 1} for row in self.targets for value in row)

    @property
    def is_truth_table(self) -> bool:
        """Whether the rows are all those of n binary inputs, 0/1 or -1/+1, in counting order; targets are any."""
        return _in_counting_order(self.inputs)

    def recode(self, coding: str) -> Gate:
        """Present the 0/1 inputs in another coding; targets stay 0/1.

        Parameters
        ----------
        coding : {"01", "pm1"}
            "pm1" maps 0 to -1 and leaves 1.

        Raises
        ------
        InvalidValueError
            When the coding is unknown, or an input is neither 0 nor 1, so that there is nothing to recode.

        Examples
        --------
        >>> parse_gate("and").recode("pm1").inputs
        ((-1, -1), (-1, 1), (1, -1), (1, 1))
        """
        if coding not in CODINGS:
            raise unknown("input coding", coding, CODINGS)
        if coding == "01":
            return self
        _require_binary(self)
        return self._replace(inputs=_recoded(self.inputs, CODINGS[coding]))

    def of_two_classes(self) -> Gate:
        """Join the two outputs of two classes in one, which is 1 for the second: a single unit's question.

        >>> gate = Gate("g", ((0,), (1,)), ((1, 0), (0, 1)), ("x",), ("no", "yes"))
        >>> gate.of_two_classes().targets, gate.of_two_classes().output_names
        (((0,), (1,)), ('yes',))
        """
        if self.n_outputs != 2 or len(self.output_names) != 2 or any(sorted(row) != [0, 1] for row in self.targets):
            return self
        return self._replace(targets=tuple((row[1],) for row in self.targets), output_names=self.output_names[1:])

    def recode_targets(self, coding: str) -> Gate:
        """Present targets of 0 and 1 in another coding.

        Parameters
        ----------
        coding : {"01", "pm1"}
            "pm1" maps 0 to -1 and leaves 1; targets that are -1 and 1 already stay.

        Raises
        ------
        InvalidValueError
            When a target is neither.

        Examples
        --------
        >>> parse_gate("and").recode_targets("pm1").targets
        ((-1,), (-1,), (-1,), (1,))
        """
        if coding not in CODINGS:
            raise unknown("target coding", coding, CODINGS)
        values = {value for row in self.targets for value in row}
        if coding == "01" or values <= {-1, 1}:
            return self
        strange = sorted(values - {0, 1})
        if strange:
            raise InvalidValueError(
                f"targets pm1: {self.name} has a target {strange[0]:g}, and only 0 and 1 can be recoded",
                "leave --targets away, or write 0 and 1 in the file",
            )
        return self._replace(targets=_recoded(self.targets, CODINGS[coding]))

    def truth_table(self, output: int = 0) -> str:
        """Return the targets of one output as a string of bits, row 0 first.

        >>> parse_gate("majority:3").truth_table()
        '00010111'
        """
        if not self.is_logic:
            raise InvalidValueError(
                f"{self.name} has no truth table: its rows are not the 0/1 inputs in counting order",
                "name a gate, or give every row 00, 01, 10, 11 in this order",
            )
        return "".join(str(int(row[output])) for row in self.targets)


def truth_table_inputs(n: int) -> tuple[tuple[int, ...], ...]:
    """Return the 2^n rows of n binary digits in counting order, most significant digit first.

    >>> truth_table_inputs(2)
    ((0, 0), (0, 1), (1, 0), (1, 1))
    """
    return tuple(product((0, 1), repeat=n))


def canonical_name(bits: str) -> str | None:
    """Return the name of a one- or two-input truth table, None when it has none here.

    >>> canonical_name("1101")
    'implies'
    """
    return TWO_INPUT_NAMES.get(bits) or ONE_INPUT_NAMES.get(bits)


def gate_names() -> list[str]:
    """Return every word that names a gate, for completion and suggestions."""
    return sorted({*SYMMETRIC, *_FIXED_TABLES})


def parse_gate(text: str) -> Gate:
    """Read a gate from its name (`and`, `xor:3`, `parity:4`, `implies`) or truth table (`0110`), in any case.

    Parameters
    ----------
    text : str
        `NAME`, `NAME:N` or 2^n bits, n from 1 to 10.

    Raises
    ------
    InvalidValueError
        With the part that is wrong and how to mend it.

    Examples
    --------
    >>> parse_gate("AND:3").truth_table()
    '00000001'
    >>> parse_gate("0110").inputs
    ((0, 0), (0, 1), (1, 0), (1, 1))
    """
    word = text.strip().lower()
    if word[:1] in set("0123456789"):
        return _gate_of_bits(word, _checked_bits(word))
    name, colon, size = word.partition(":")
    if name in SYMMETRIC:
        return _symmetric(name, _checked_size(word, name, size if colon else None))
    if name in _FIXED_TABLES:
        return _fixed(name, size if colon else None)
    raise _unknown_gate(text, name)


def _in_counting_order(inputs: Rows) -> bool:
    n = len(inputs[0])
    if len(inputs) != 2**n:  # before a table of 2^n rows is built to compare with
        return False
    return any(inputs == _recoded(truth_table_inputs(n), code) for code in CODINGS.values())


def _recoded(inputs: Rows, code: dict[Number, Number]) -> Rows:
    return tuple(tuple(code[value] for value in row) for row in inputs)


def _require_binary(gate: Gate) -> None:
    for number, row in enumerate(gate.inputs, start=1):
        for value in row:
            if value not in {0, 1}:
                raise InvalidValueError(
                    f"inputs pm1: row {number} of {gate.name} holds {value}, and only 0 and 1 can be recoded",
                    "keep the inputs as they are (01), or write 0 and 1 in the file",
                )


def _gate_of_bits(name: str, bits: str) -> Gate:
    n = len(bits).bit_length() - 1
    return Gate(name, truth_table_inputs(n), tuple((int(bit),) for bit in bits))


def _symmetric(name: str, n: int) -> Gate:
    fires = SYMMETRIC[name]
    inputs = truth_table_inputs(n)
    plain = n == 2 and name not in SIZE_REQUIRED
    return Gate(name if plain else f"{name}:{n}", inputs, tuple((int(fires(sum(row), n)),) for row in inputs))


def _fixed(name: str, size: str | None) -> Gate:
    bits = _FIXED_TABLES[name]
    n = len(bits).bit_length() - 1
    if size is not None and size != str(n):
        raise InvalidValueError(
            f"gate '{name}:{_short(size)}': {name} has exactly {n} input{'s'[: n - 1]}", f"write '{name}'"
        )
    return _gate_of_bits(name, bits)


def _checked_size(word: str, name: str, size: str | None) -> int:
    fewest = FEWEST_INPUTS.get(name, 2)
    mend = f"write a whole number from {fewest} to {MAX_INPUTS}, such as '{name}:3'"
    if size is None:
        if name in SIZE_REQUIRED:
            raise InvalidValueError(f"gate {name!r} does not say its number of inputs", mend)
        return 2
    if not _is_count(size, fewest):
        raise InvalidValueError(f"gate {_short(word)!r}: {_short(size)!r} is no number of inputs for it", mend)
    return int(size)


def _is_count(size: str, fewest: int) -> bool:
    digits = size.isascii() and size.isdigit() and len(size) <= len(str(MAX_INPUTS))
    return digits and fewest <= int(size) <= MAX_INPUTS


def _checked_bits(word: str) -> str:
    place = next((k for k, bit in enumerate(word) if bit not in "01"), None)
    if place is not None:
        raise InvalidValueError(
            f"truth table {_short(word)!r}: {word[place]!r} (place {place + 1}) is not a bit",
            "write 0 and 1 only, one for each row, such as 0110",
        )
    n = len(word).bit_length() - 1
    if len(word) != 2**n or not 1 <= n <= MAX_INPUTS:
        raise _wrong_length(word)
    return word


def _wrong_length(word: str) -> InvalidValueError:
    n = min(max(len(word).bit_length() - 1, 1), MAX_INPUTS)
    beyond = f" or {2 ** (n + 1)} ({n + 1} inputs)" if n < MAX_INPUTS else ""
    bits = "bit" if len(word) == 1 else "bits"
    return InvalidValueError(
        f"truth table {_short(word)!r} has {len(word)} {bits}, not 2^n for n = 1 to {MAX_INPUTS} inputs",
        f"write {2**n} bits ({n} input{'s' if n > 1 else ''}){beyond}",
    )


def _unknown_gate(text: str, name: str) -> InvalidValueError:
    """Suggest from every name there is, but list the common ones only."""
    close = nearest(name, gate_names())
    listed = _LISTED if close is None or close in _LISTED else [close, *_LISTED]
    return unknown("gate", _short(text), listed)


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
