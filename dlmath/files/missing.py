"""What to do about a file that cannot be opened: the nearest name beside it, where there is one."""

from __future__ import annotations

from pathlib import Path

from dlmath.errors import nearest

CHECK = "check the name and its permissions"
MOST_NAMES = 10_000
"""Files of a folder that are looked at; more would take longer than the answer is worth."""


def mend_for(name: str, error: OSError) -> str:
    """Return how to mend an error of opening a file: a file of nearly that name, else what to check."""
    if not isinstance(error, FileNotFoundError):
        return CHECK
    path = Path(name)
    try:
        names = [entry.name for entry, _ in zip(path.parent.iterdir(), range(MOST_NAMES), strict=False)]
    except OSError:
        return f"there is no folder {path.parent}" if not path.parent.is_dir() else CHECK
    near = alike(path, sorted(names))
    return f"did you mean {path.with_name(near)}?" if near else CHECK


def alike(path: Path, names: list[str]) -> str | None:
    """Return the name that was meant: of the same ending with nearly that stem, or of that very stem.

    >>> alike(Path("scen.png"), ["lenet.png", "scene.png"]), alike(Path("a.jpg"), ["a.png"])
    ('scene.png', 'a.png')
    >>> alike(Path("scen.png"), ["lenet.png"]) is None
    True
    """
    stems = {Path(name).stem: name for name in names if Path(name).suffix.lower() == path.suffix.lower()}
    near = nearest(path.stem, stems)
    return stems[near] if near else next((name for name in names if Path(name).stem == path.stem), None)
