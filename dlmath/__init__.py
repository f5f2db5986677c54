"""The mathematics of deep learning, as commands that can be run, measured and explained.

Every command is a function of the same words: `dlmath.train_gate("xor", seeds=100)["success_rate"]`.
"""

from typing import Any

from dlmath.version import __version__

__all__ = ["__version__"]


def __getattr__(name: str) -> Any:
    """Return a command as a function, when it is asked for: `import dlmath` alone imports nothing."""
    from dlmath.frame.face import function_of

    return function_of(name)


def __dir__() -> list[str]:
    """Return the commands beside what is here."""
    from dlmath.frame.face import names

    return sorted([*globals(), *names()])
