"""What a house hands out: a command's words, its check, its run, and what its result holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.frame.output import OutputWords

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output
    from dlmath.frame.words import Word, Words


def _nowhere(_words: Any) -> str | None:
    return None


def _nothing(_words: Any) -> None:
    return None


class Command(NamedTuple):
    """A subcommand, and all that the frame and `run` need to know of it.

    Parameters
    ----------
    name : str
        As it is typed.
    words : type of Words
        Its options, each declared once.
    about : str
        What it does: a line, then paragraphs, for `--help`.
    examples : tuple of (str, str)
        Command lines without `dlmath`, and what each shows; the first lines of `--help`.
    check : callable
        (words, output) -> None: raises the error that the run would raise for these words, before any work.
    run : callable
        (words, output) -> Outcome. The words have been checked.
    results : callable
        words -> {path: meaning}: what the result of such a call holds, for `--get` and the manual. `*` is any item;
        a path ending in `**` holds anything below.
    has_plot : bool
        Whether `--plot` is an option of it.
    own_output : callable
        words -> the field of the option that names where files go, when the run would write some under names of its
        own; None when it writes only what the words name. A cell of an experiment gives it a folder that vanishes.
    written : callable or None
        words -> the files that such a call would write; None: those that the words themselves name.
    begin : callable
        words -> None: starts, beside the imports that follow, what takes long; only the command line calls it, first.
    """

    name: str
    words: type[Words]
    about: str
    examples: tuple[tuple[str, str], ...]
    check: Callable[[Any, Output], None]
    run: Callable[[Any, Output], Outcome]
    results: Callable[[Any], Mapping[str, str]]
    has_plot: bool = True
    own_output: Callable[[Any], str | None] = _nowhere
    written: Callable[[Any], Sequence[str]] | None = None
    begin: Callable[[Any], None] = _nothing

    @property
    def draws_random_numbers(self) -> bool:
        """Whether a seed decides what comes out."""
        return "seed" in self.words.ALL

    @property
    def writes(self) -> tuple[str, ...]:
        """The fields that name files that are written."""
        return tuple(field for field, word in self.words.ALL.items() if word.writes)

    def outputs(self, words: Words) -> list[str]:
        """Return the files that such a call would write."""
        if self.written is not None:
            return list(self.written(words))
        return [value for field in self.writes if (value := getattr(words, field)) is not None]

    @property
    def output_words(self) -> list[Word]:
        """The output options that it has; `--get` completes the paths of its own result."""

        def paths() -> list[str]:
            return [path.removesuffix(".**") for path in self.results(self.words())]

        own = [word for word in OutputWords.ALL.values() if self.has_plot or word.field not in {"plot", "dark"}]
        return [word._replace(suggestions=paths) if word.field == "get" else word for word in own]

    def carry_out(self, words: Words, output: Output) -> Outcome:
        """Check the words, one by one and together, then run: what the command line, `run` and Python all call."""
        whole = words.checked()
        self.check(whole, output)
        outcome = self.run(whole, output)
        if outcome.interrupted:
            raise KeyboardInterrupt  # half a result is for a person who looks at it, not for a program that keeps it
        return outcome
