"""The table of claims in a Markdown file, between two markers, written by the tool that checks them."""

from __future__ import annotations

import re
from pathlib import Path

from dlmath.errors import InvalidValueError
from dlmath.files.atomic import check_writable, write_bytes
from dlmath.files.text import read_text

BEGIN, END = "<!-- claims -->", "<!-- /claims -->"
BETWEEN = re.compile(f"^({re.escape(BEGIN)}\n).*?^({re.escape(END)})$", re.DOTALL | re.MULTILINE)


def check_claims_file(name: str) -> None:
    """Find out before the work that the table can be written after it."""
    check_writable(name, "--claims")
    if not BETWEEN.search(read_text(name)):
        raise InvalidValueError(f"--claims {name}: has no place for the table", f"write {BEGIN} and {END} on two lines")


def write_claims(name: str, table: str) -> None:
    """Replace what stands between the markers."""
    made = BETWEEN.sub(lambda found: found[1] + table + found[2], read_text(name))
    write_bytes(name, made.encode())


def read_claims(name: str) -> list[list[str]]:
    """Return the cells of the table's rows, without its header.

    Raises
    ------
    InvalidValueError
        When the file has no markers.
    """
    found = BETWEEN.search(Path(name).read_text(encoding="utf-8"))
    if found is None:
        raise InvalidValueError(f"{name}: has no table of claims", f"write {BEGIN} and {END} on two lines")
    rows = [line for line in found[0].splitlines() if line.startswith("|")]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[2:]]
