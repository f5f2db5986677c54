"""Every command of README and the manuals in windows of 60 to 160 columns: no line is wider, every figure is whole."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import sys

import pytest

from dlmath.__main__ import run
from dlmath.report.cells import width_of
from tests.test_readme import EXAMPLES, ROOT

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WIDTHS = (60, 80, 100, 120, 160)
SLOW = ("run experiments/", "--seeds", "--separable 4")
LINES = sorted(
    {
        re.match(r"""(?:[^|"']|"[^"]*"|'[^']*')*""", command.removeprefix("dlmath "))[0].strip()
        for _, command, _ in EXAMPLES
        if command.startswith("dlmath ") and not re.search(r"[;&<>$`]", re.sub(r'"[^"]*"', "", command))
    }
)
SHOWN = [line for line in LINES if not re.search(r"--get|--format|--help|--code", line)]
"""Reports: what scripts read, and programs, are as wide as they are."""


class Terminal(io.StringIO):
    """A terminal without a window behind it: COLUMNS says how wide it is."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def window(tmp_path, monkeypatch):
    """Give a function that shows a command line in a window of so many columns."""
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)

    def show(line, columns):
        out = Terminal()
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys, "stdout", out)
        try:
            run([*shlex.split(line), "--quiet"])
        finally:
            monkeypatch.undo()
        return CODES.sub("", out.getvalue())

    def shown(line, columns):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("TERM", "xterm-256color")
        return show(line, columns)

    return shown


@pytest.mark.parametrize("line", SHOWN)
def test_no_line_is_wider_than_the_window(line, window):
    for columns in WIDTHS[:2] if any(part in line for part in SLOW) else WIDTHS:
        for text in window(line, columns).splitlines():
            assert width_of(text.rstrip()) <= columns, (columns, text)


@pytest.mark.parametrize("line", SHOWN)
def test_figures_of_a_narrow_table_are_those_of_the_wide_one(line, window):
    """Nothing is cut: a figure of the narrow report stands in the wide one, unless it took a unit."""
    wide = set(re.findall(r"(?<![\w.,])-?\d[\d,.]*\d(?![\w.,])", window(f"{line} --wide", 160)))
    narrow = window(line, 60)
    figures = re.findall(r"(?<![\w.,])-?\d[\d,]*\d\.?\d*(?= |$)", narrow, re.MULTILINE)
    large = {figure for figure in figures if "," in figure}
    assert large <= wide | {figure for figure in large if "rows between" in narrow}


@pytest.mark.posix
def test_a_real_pseudo_terminal_is_asked_for_its_width(tmp_path, start):
    import fcntl
    import pty
    import struct
    import subprocess
    import termios

    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"TERM": "xterm"}
    process = start(
        [sys.executable, "-m", "dlmath", "param-count", "--model", "lenet5", "-q"],
        stdin=subprocess.DEVNULL,
        stdout=other,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env=environment,
    )
    os.close(other)
    text = b""
    while True:
        try:
            piece = os.read(main, 1 << 16)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        text += piece
    process.wait(start.patience)
    os.close(main)
    lines = CODES.sub("", text.decode()).replace("\r", "").splitlines()
    assert "60,000" in "\n".join(lines)
    assert max(map(len, lines)) <= 60
