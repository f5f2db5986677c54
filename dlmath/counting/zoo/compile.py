"""Make `compiled.json` of the zoo's YAML files: `python -m dlmath.counting.zoo.compile`."""

from __future__ import annotations

import json
from typing import Any

from dlmath.counting.models.architecture import parse_document
from dlmath.counting.zoo import FOLDER


def compiled() -> str:
    """Return the JSON text of all families, each checked against the language."""
    found: dict[str, Any] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        found[path.stem] = parse_document(path.read_text(encoding="utf-8"), path.name)
    lines = (f"{json.dumps(name)}: {json.dumps(document, separators=(',', ':'))}" for name, document in found.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    (FOLDER / "compiled.json").write_text(compiled(), encoding="utf-8")
