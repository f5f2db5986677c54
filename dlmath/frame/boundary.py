"""Errors as one line: WHAT; HOW TO MEND IT."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from dlmath.errors import DlmathError, nearest

if TYPE_CHECKING:
    import typer


INSTEAD = {
    **{f"--{style}": f"--format {style}" for style in ("json", "csv", "table", "markdown", "latex")},
    "--verbose": "--explain",
    "-v": "--explain, or dlmath --version",
    "--silent": "--quiet",
}
"""What other tools have, and how it is said here."""


def is_usage(error: Exception) -> bool:
    """Tell whether Typer raised it; where Typer was not imported, it did not."""
    typer: Any = sys.modules.get("typer")
    return typer is not None and isinstance(error, typer.TyperException)


def describe(error: Exception) -> str:
    """Return the line for an error, whoever raised it."""
    if isinstance(error, DlmathError):
        text = str(error)
    elif is_usage(error):
        text = describe_usage(error)  # type: ignore[arg-type]
    elif isinstance(error, MemoryError):
        text = (
            f"not enough memory ({error}); ask for less at once"
            if str(error)
            else "not enough memory; ask for less at once"
        )
    elif isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        text = f"{where}{error.strerror or error}; check the path and the space left"
    else:
        text = f"{type(error).__name__}: {error}; this is a defect of dlmath: DLMATH_DEBUG=1 shows where"
    from dlmath.report.harmless import visible

    return visible(" ".join(text.split()))


def describe_usage(error: typer.TyperException) -> str:
    """Return the line for a word the parser could not take."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "dlmath COMMAND"
    option = getattr(error, "option_name", None)
    if option in INSTEAD:
        return f"no such option {option}; write {INSTEAD[option]}"
    if hasattr(error, "possibilities"):
        return f"no such option {option}; {similar(option, error.possibilities)}see {command} --help"
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    what, _, guess = message.rstrip(".").partition(". Did you mean")
    first, _, rest = what.partition(" ")
    return f"{first.lower()} {rest}; " + (f"did you mean{guess} " if guess else "") + f"see {command} --help"


def similar(word: str | None, possibilities: list[str] | None) -> str:
    """Return the suggestion for a mistyped option."""
    close = nearest(word or "", possibilities or [])
    return f"did you mean {close}? " if close else ""
