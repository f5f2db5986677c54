"""The entry point: the version without imports, the one error boundary, the exit status."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dlmath.errors import UnwritableError
from dlmath.version import __version__

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130
REFUSED = 2


def main() -> None:
    """Run the command line and leave with its status."""
    # Imports make many objects and no garbage: searching for it every 700 of them takes a tenth of a short call
    gc.set_threshold(100_000, 50, 100)
    status = run()
    gc.freeze()  # what is left is not searched for garbage once more on the way out
    sys.exit(status)


def run(arguments: list[str] | None = None) -> int:
    """Run one command line; every failure becomes one line on standard error."""
    try:
        status = dispatch(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()  # here, where a full disk can still be told, not in the interpreter's last breath
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # how Typer leaves when the reader of --help is gone
            return 0
        raise
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001  this is the boundary: no traceback reaches a user
        return report(error)
    finally:
        settle()
    return status


def dispatch(arguments: list[str]) -> int:
    """Answer --version at once, hand other words to Typer; commands return their exit status."""
    if sys.stdout is None:
        raise UnwritableError("standard output is closed", "open it (a terminal, a file, a pipe or /dev/null)")
    if arguments == ["--version"]:
        sys.stdout.write(f"dlmath {__version__}\n")
        return 0
    import signal

    # Unwinding instead of dying at once lets unfinished output files be removed
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), terminate)
    # The engine shares work out itself, in products too small for BLAS to split; starting BLAS's own threads takes a
    # third of NumPy's import. A user's setting is kept.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.stderr is None:
        from pathlib import Path

        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  it stays open as long as we run
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without Unicode shows ? instead of failing
    from dlmath.frame.app import app, completion, load

    if len(arguments) == 2 and arguments[0] in {"--show-completion", "--install-completion"}:
        return completion(*arguments)
    load(arguments)
    status: Any = app(args=arguments or ["--help"], prog_name="dlmath", standalone_mode=False)
    return status if isinstance(status, int) else 0


def terminate(number: int, _frame: FrameType | None) -> None:
    """Turn a signal into an orderly end, with the status a shell expects of it."""
    sys.exit(128 + number)


def report(error: Exception) -> int:
    """Write the error's line on standard error, with DLMATH_DEBUG=1 its traceback before; return the status."""
    from dlmath.frame.boundary import describe

    with suppress(OSError, AttributeError):  # a standard error that is full or closed: the status still tells
        if os.environ.get("DLMATH_DEBUG") == "1":
            import traceback

            traceback.print_exception(error)
        sys.stderr.write(f"error: {describe(error)}\n")
    return REFUSED


def settle() -> None:
    """Write out what is left; what cannot be written is dropped, so that the interpreter does not complain of it."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        from dlmath.report.streams import silence

        silence(sys.stdout)


if __name__ == "__main__":
    main()
