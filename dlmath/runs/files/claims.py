"""The table of claims in a Markdown file, between two markers, written by the tool that checks them."""

from __future__ import annotations

import re
from pathlib import Path

from dlmath.errors import InvalidValueError
from dlmath.files.atomic import check_writable, write_bytes
from dlmath.files.text import read_text

BEGIN, END = "<!-- claims -->", "<!-- /claims -->"
BETWEEN = re.compile(rf"^({re.escape(BEGIN)}(\r?\n)).*?^({re.escape(END)})\r?$", re.DOTALL | re.MULTILINE)


def check_claims_file(name: str) -> None:
    """Find out before the work that the table can be written after it."""
    check_writable(name, "--claims")
    if not BETWEEN.search(raw_text(name)):
        raise InvalidValueError(f"--claims {name}: has no place for the table", f"write {BEGIN} and {END} on two lines")


def raw_text(name: str) -> str:
    """Return a file's text as it stands: its ends of lines and its byte-order mark are its own."""
    read_text(name)  # it tells what is wrong with a file that cannot be read
    return Path(name).read_bytes().decode()


def write_claims(name: str, table: str) -> None:
    """Replace what stands between the markers, with the ends of lines that the file has."""

    def between(found: re.Match[str]) -> str:
        end_mark = found[0][found.start(3) - found.start() :]
        return found[1] + table.replace("\n", found[2]) + end_mark

    write_bytes(name, BETWEEN.sub(between, raw_text(name)).encode())
