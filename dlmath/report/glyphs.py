"""Drawings in ASCII, for streams whose encoding has no braille or block characters, and for dumb terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

NEEDED = "⣿█▓┤─…"
"""What drawings are made of; an encoding that has these has the others."""

UPPER, LOWER = 0b00011011, 0b11100100
"""The bits of the upper and the lower four dots of a braille character."""

LINES_AND_BLOCKS = {
    **dict.fromkeys("─━╌", "-"),
    **dict.fromkeys("│┃┤├", "|"),
    **dict.fromkeys("└┘┌┐┬┴┼╭╮╯╰", "+"),
    **dict.fromkeys("█▉▊▋▓▐▆▇", "#"),
    **dict.fromkeys("▌▍▎▏▁▂▃▄▅", "="),
    "▒": ":",
    "░": ".",
    "…": "~",
    "·": ".",
    "×": "x",
    "−": "-",
    "–": "-",
    "—": "-",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "σ": "sigma",
    "φ": "phi",
    "λ": "lambda",
    "δ": "delta",
    "Σ": "sum",
    "√": "sqrt",
    "∞": "inf",
    "±": "+-",
}


def braille_as_ascii(bits: int) -> str:
    """Return the character that is nearest to a braille character's dots.

    >>> braille_as_ascii(0b00000011), braille_as_ascii(0b11000000), braille_as_ascii(0b11111111), braille_as_ascii(0)
    ("'", '.', '#', ' ')
    """
    count = bits.bit_count()
    if count >= 6:
        return "#"
    above, below = bits & UPPER, bits & LOWER
    return ":" if above and below else "'" if above else "." if below else " "


TABLE: Mapping[int, str] = {
    **{ord(letter): text for letter, text in LINES_AND_BLOCKS.items()},
    **{0x2800 + bits: braille_as_ascii(bits) for bits in range(256)},
}


def in_ascii(text: str) -> str:
    """Return text with its drawing characters in ASCII.

    >>> in_ascii("┤⡇▓▒░ σ")
    '|:#:. sigma'
    """
    return text.translate(TABLE)


def can_draw(encoding: str | None) -> bool:
    """Tell whether an encoding has the characters of drawings; a stream without one takes any.

    >>> can_draw("utf-8"), can_draw("cp1252"), can_draw("cp437"), can_draw("ascii"), can_draw(None)
    (True, False, False, False, True)
    """
    try:
        NEEDED.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class AsciiWriter:
    """A stream that writes drawings in ASCII on another one."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.encoding = "ascii"

    def write(self, text: str) -> int:
        """Write text, its drawing characters translated."""
        return self._out.write(in_ascii(text))

    def flush(self) -> None:
        """Flush the stream below."""
        self._out.flush()

    def isatty(self) -> bool:
        """Tell whether the stream below is a terminal."""
        return self._out.isatty()
