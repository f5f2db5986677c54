"""Numbers and rows of numbers as people write them: integers, decimals, fractions; exact (no array library)."""

from __future__ import annotations

import re
from fractions import Fraction

from dlmath.errors import InvalidValueError

NUMBER = re.compile(
    r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?(/(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?)?", re.IGNORECASE | re.ASCII
)
NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
MOST_CHARACTERS = 60  # of one number: beyond any float's digits, and short of what would stall exact arithmetic
MEND_NUMBER = "write integers, decimals or fractions such as 1/9"
MEND_ROWS = 'separate rows by ";" and numbers by spaces or commas, such as "0 -1 0; -1 5 -1; 0 -1 0"'


def fraction_of(token: str) -> Fraction:
    """Return the exact value of one number.

    Raises
    ------
    ValueError
        With what is wrong, to follow on the number's place: "'x' is not a number".

    Examples
    --------
    >>> fraction_of("1/9"), fraction_of("-.5"), fraction_of("1e-2")
    (Fraction(1, 9), Fraction(-1, 2), Fraction(1, 100))
    """
    if not token:
        raise ValueError("is missing")
    if NOT_FINITE.fullmatch(token):
        raise ValueError(f"{token!r} is not finite")
    if len(token) > MOST_CHARACTERS or not NUMBER.fullmatch(token):
        raise ValueError(f"{short(token)!r} is not a number")
    above, _, below = token.partition("/")
    divisor = Fraction(below or "1")
    if not divisor:
        raise ValueError(f"{token!r} divides by zero")
    return _within_floats(Fraction(above) / divisor, token)


def _within_floats(value: Fraction, token: str) -> Fraction:
    try:
        fits = bool(float(value)) == bool(value)
    except OverflowError:
        fits = False
    if not fits:
        raise ValueError(f"{token!r} is beyond the range of floating point")
    return value


def tokens_of(row: str) -> list[str]:
    """Split a row at commas or spaces; two commas in a row leave an empty token, which is an error to be told.

    >>> tokens_of(" 1, 2 3 ")
    ['1', '2', '3']
    """
    return re.split(r"\s*,\s*|\s+", row.strip())


def parse_rows(text: str, kind: str) -> tuple[tuple[Fraction, ...], ...]:
    """Read rows written on one line: "0 -1 0; -1 5 -1; 0 -1 0".

    Parameters
    ----------
    text : str
        Rows end at ";", at the end of a line or at both; one ";" may follow the last row.
    kind : str
        What the rows are, for messages: "kernel", "matrix".

    Raises
    ------
    InvalidValueError
        With the row and the number that is wrong.

    Examples
    --------
    >>> parse_rows("1/2 1; 0 -1", "kernel")
    ((Fraction(1, 2), Fraction(1, 1)), (Fraction(0, 1), Fraction(-1, 1)))
    """
    lines = re.split(r";[^\S\n]*\n|[;\n]", re.sub(r";?\s*\Z", "", text.lstrip(), count=1))
    rows = tuple(_row(line, f"{kind} {short(text)!r}: row {index + 1}") for index, line in enumerate(lines))
    odd = next((index for index, row in enumerate(rows) if len(row) != len(rows[0])), None)
    if odd is not None:
        raise InvalidValueError(
            f"{kind} {short(text)!r}: row {odd + 1} has {_numbers(len(rows[odd]))}",
            f"row 1 has {len(rows[0])}: give every row as many",
        )
    return rows


def _row(line: str, place: str) -> tuple[Fraction, ...]:
    if not line.strip():
        raise InvalidValueError(f"{place} is empty", MEND_ROWS)
    return tuple(_number(token, f"{place}, number {index + 1}") for index, token in enumerate(tokens_of(line)))


def _number(token: str, place: str) -> Fraction:
    try:
        return fraction_of(token)
    except ValueError as error:
        raise InvalidValueError(f"{place}: {error}", MEND_NUMBER) from None


def _numbers(count: int) -> str:
    return f"{count} number{'s' if count != 1 else ''}"


def is_rows(text: str) -> bool:
    """Tell whether a word is rows of numbers rather than a name.

    >>> is_rows("1 2; 3 4"), is_rows("-1"), is_rows(".5 1"), is_rows("a 1; 2 3"), is_rows("sobel-x")
    (True, True, True, True, False)
    """
    return ";" in text or re.match(r"\s*([+-]?\.?\d|[+-]?(nan|inf)\b[\s,])", text, re.IGNORECASE) is not None


def short(text: str, most: int = 40) -> str:
    """Return a text cut to a length that a one-line message can hold."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
