"""The structure of YAML, checked before any of it is composed: no key twice, no bottomless nesting, no alias bomb.

A few lines of anchors and aliases stand for billions of values; what they stand for is counted, never made.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from dlmath.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_DEPTH = 100
"""Levels a YAML document may be nested, those behind its aliases too; the parser's C stack ends somewhere beyond."""
MOST_REPEATED = 100_000
"""Values that the aliases of a document may stand for together."""
TOO_DEEP = "is nested too deep"
MEND = "mend the YAML there"


def loader() -> Any:
    """Return the safe loader, the fast one where it is there."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@contextmanager
def faults_told(name: str, mend: str = MEND) -> Iterator[None]:
    """Turn the parser's faults into errors with file, line and column."""
    import yaml

    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise UnreadableError(f"{name}{place}: {error.problem}", mend) from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise UnreadableError(f"{name}: {' '.join(str(error).split())}", "mend the YAML") from error


def fault(problem: str, mark: Any) -> Exception:
    """Return the error the parser itself would raise at a place."""
    import yaml

    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def check_text(text: str) -> None:
    """Refuse YAML whose keys stand twice, that is nested too deep, or that repeats itself too often.

    The parser reads ahead of its events and may meet a limit of its own first: what lies before the place it complains
    of is then read once more, so that too deep a nesting is told as such, at the place where it becomes too deep.
    """
    import yaml

    try:
        check_structure(yaml.parse(text, Loader=loader()))
    except yaml.MarkedYAMLError as error:
        before = text[: error.problem_mark.index] if error.problem_mark else ""
        if (mark := place_too_deep(yaml.parse(before, Loader=loader()))) is not None:
            raise fault(TOO_DEEP, mark) from error
        raise


def place_too_deep(events: Iterable[Any]) -> Any:
    """Return the mark where a document is nested too deep; None where it ends, or breaks off, before that."""
    import yaml

    depth = 0
    with suppress(yaml.YAMLError):
        for event in events:
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                return event.start_mark
    return None


def check_structure(events: Iterable[Any]) -> None:
    """Refuse what a document must not have, event by event."""
    import yaml

    structure = Structure()
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            structure = Structure()
        elif isinstance(event, yaml.CollectionEndEvent):
            structure.end()
        elif isinstance(event, yaml.NodeEvent):
            structure.key(event.value if isinstance(event, yaml.ScalarEvent) else None, event.start_mark)
            if isinstance(event, yaml.AliasEvent):
                structure.alias(event.anchor, event.start_mark)
            elif isinstance(event, yaml.CollectionStartEvent):
                structure.begin(event.anchor, event.start_mark, mapping=isinstance(event, yaml.MappingStartEvent))
            else:
                structure.add(1, 0, event.anchor)


class Level:
    """A mapping or a list that is being read: its keys so far (None: a list), the values in it and how deep they go."""

    def __init__(self, anchor: str | None, keys: set[str] | None) -> None:
        self.anchor = anchor
        self.keys = keys
        self.at_key = True
        self.size = 1
        self.height = 1


class Structure:
    """What was read of one document: the open levels, and each anchor's size and height."""

    def __init__(self) -> None:
        self.levels: list[Level] = []
        self.anchors: dict[str, tuple[int, int]] = {}
        self.repeated = 0

    def key(self, text: str | None, mark: Any) -> None:
        """Refuse a key that stands twice: YAML would keep the last without a word."""
        level = self.levels[-1] if self.levels else None
        if level is None or level.keys is None:
            return
        if level.at_key and text is not None and text != "<<":
            if text in level.keys:
                raise fault(f"{text!r} stands twice", mark)
            level.keys.add(text)
        level.at_key = not level.at_key

    def begin(self, anchor: str | None, mark: Any, *, mapping: bool) -> None:
        """Go a level deeper."""
        self.levels.append(Level(anchor, set() if mapping else None))
        if len(self.levels) > MAX_DEPTH:
            raise fault(TOO_DEEP, mark)

    def end(self) -> None:
        """Come back from a level, which counts in the one above."""
        level = self.levels.pop()
        self.add(level.size, level.height, level.anchor)

    def add(self, size: int, height: int, anchor: str | None) -> None:
        """Count a value that is complete, and keep what its anchor stands for."""
        if anchor is not None:
            self.anchors[anchor] = (size, height)
        if self.levels:
            self.levels[-1].size += size
            self.levels[-1].height = max(self.levels[-1].height, height + 1)

    def alias(self, anchor: str | None, mark: Any) -> None:
        """Count what an alias stands for; one that is unknown is the parser's to refuse."""
        if any(level.anchor == anchor for level in self.levels):
            raise fault(f"*{anchor} stands within itself", mark)
        size, height = self.anchors.get(str(anchor), (1, 0))
        self.repeated += size
        if self.repeated > MOST_REPEATED:
            raise fault(f"*{anchor} and the aliases before it stand for more than {MOST_REPEATED:,} values", mark)
        if len(self.levels) + height > MAX_DEPTH:
            raise fault(TOO_DEEP, mark)
        self.add(size, height, None)
