"""The entry point: the version without imports, the one error boundary, the exit status."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from dlmath import __version__

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130
TERMINATED = 143
REFUSED = 2


def main() -> None:
    """Run the command line and leave with its status."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"dlmath {__version__}\n")
        return
    sys.exit(run())


def run(arguments: list[str] | None = None) -> int:
    """Run one command line; every expected failure becomes one line on standard error."""
    if os.environ.get("DLMATH_DEBUG") == "1":
        return dispatch(arguments)
    try:
        return dispatch(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  this is the boundary: no traceback reaches a user
        from dlmath.cli.boundary import describe

        say(describe(error))
        return REFUSED


def dispatch(arguments: list[str] | None) -> int:
    """Hand the words to Typer; commands return their exit status."""
    import signal

    # Unwinding instead of dying at once lets unfinished output files be removed
    signal.signal(signal.SIGTERM, terminate)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without Unicode shows ? instead of failing
    from dlmath.cli.app import app

    words = sys.argv[1:] if arguments is None else arguments
    status: Any = app(args=words or ["--help"], prog_name="dlmath", standalone_mode=False)
    return status if isinstance(status, int) else 0


def terminate(_signal: int, _frame: FrameType | None) -> None:
    """Turn SIGTERM into an orderly end."""
    sys.exit(TERMINATED)


def say(line: str) -> None:
    """Write the error line, even where standard error cannot take it."""
    try:
        sys.stderr.write(f"error: {line}\n")
    except OSError:
        return


if __name__ == "__main__":
    main()
