"""Output files are written whole or not at all, and stay what they were: permissions, links, devices."""

import errno
import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import UnwritableError
from dlmath.files.atomic import atomic, check_writable, write_bytes

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def write_then_raise(path, error):
    with atomic(str(path)) as file:
        file.write(b"half of the new")
        raise error


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@given(st.binary())
def test_what_was_written_is_there(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("whole") / "a.bin"
    write_bytes(str(path), content)
    assert path.read_bytes() == content
    assert names(path.parent) == ["a.bin"]


def test_the_name_is_taken_only_at_the_end(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with atomic(str(path)) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("stop", [ZeroDivisionError, KeyboardInterrupt, SystemExit, MemoryError])
@pytest.mark.parametrize("old", [b"old\x00content", None])
def test_a_failure_leaves_everything_as_it_was(tmp_path, stop, old):
    path = tmp_path / "a"
    if old is not None:
        path.write_bytes(old)
    before = names(tmp_path)
    with pytest.raises(stop):
        write_then_raise(path, stop)
    assert names(tmp_path) == before
    if old is not None:
        assert path.read_bytes() == old


def test_a_failure_while_taking_the_name_leaves_no_draft(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def refuse(_self, _target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(UnwritableError, match="Operation not permitted") as caught:
        write_bytes(str(path), b"new")
    assert str(path) in str(caught.value)
    assert ".dlmath-" not in str(caught.value)  # the file is named, not its draft
    assert names(tmp_path) == ["a"]
    assert path.read_bytes() == b"old"


@pytest.mark.posix
@pytest.mark.parametrize("permissions", [0o600, 0o640, 0o755, 0o666])
def test_permissions_are_kept(tmp_path, umask, permissions):
    umask(0o077)
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(permissions)
    write_bytes(str(path), b"new")
    assert mode(path) == permissions


@pytest.mark.posix
@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o000, 0o666), (0o027, 0o640)])
def test_a_new_file_honours_the_umask(tmp_path, umask, mask, expected):
    umask(mask)
    write_bytes(str(tmp_path / "a"), b"")
    assert mode(tmp_path / "a") == expected
    assert os.umask(mask) == mask  # and the mask is left as it was


@pytest.mark.posix
def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to("there/target")
    write_bytes(str(link), b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert mode(target) == 0o640
    assert names(tmp_path) == ["link", "there"]
    assert names(tmp_path / "there") == ["target"]


@pytest.mark.posix
def test_a_link_to_nothing_yet_makes_its_target(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    check_writable(str(link), "--save")
    write_bytes(str(link), b"new")
    assert link.is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


@pytest.mark.posix
def test_a_link_into_a_missing_folder_is_found_before_the_work(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "missing" / "target")
    with pytest.raises(UnwritableError, match="there is no folder"):
        check_writable(str(tmp_path / "link"), "--save")


@pytest.mark.posix
def test_a_link_that_leads_in_a_circle_is_no_crash(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    check_writable(str(tmp_path / "a"), "--save")
    write_bytes(str(tmp_path / "a"), b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_relative_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_writable("a", "--save")
    write_bytes("a", b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


@pytest.mark.posix
@pytest.mark.parametrize("name", ["a" * 255, "名" * 85, "with blank", "-dash", "новый.npz"])
def test_any_name_the_system_allows(tmp_path, name):
    write_bytes(str(tmp_path / name), b"x")
    assert names(tmp_path) == [name]


@pytest.mark.posix
def test_a_device_is_written_directly():
    check_writable(os.devnull, "--save")
    write_bytes(os.devnull, b"gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.posix
def test_a_named_pipe_is_written_directly(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_bytes(str(path), b"through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert names(tmp_path) == ["pipe"]


def test_standard_output(capsysbinary):
    sys.stdout.write("before ")  # text that waits in its buffer comes first
    check_writable("-", "--save")
    write_bytes("-", b"\x00bytes")
    assert capsysbinary.readouterr().out == b"before \x00bytes"


@needs_full
def test_a_full_disk_is_told_with_the_files_name():
    check_writable(str(FULL), "--save")
    with pytest.raises(UnwritableError, match="/dev/full: No space left on device; free some space"):
        write_bytes(str(FULL), b"x" * 100_000)


def test_a_disk_that_fills_up_keeps_the_old_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(UnwritableError, match="a: No space left on device") as caught:
        write_then_raise(path, OSError(errno.ENOSPC, "No space left on device"))
    assert str(caught.value).startswith(str(path))
    assert names(tmp_path) == ["a"]
    assert path.read_bytes() == b"old"


@pytest.mark.posix
def test_a_reader_that_is_gone_stays_a_closed_pipe(tmp_path):
    with pytest.raises(BrokenPipeError):
        write_then_raise(tmp_path / "a", BrokenPipeError())


@pytest.mark.parametrize("check", [lambda name: check_writable(name, "--save"), lambda name: write_bytes(name, b"")])
def test_a_folder_that_is_missing(tmp_path, check):
    with pytest.raises(UnwritableError, match=r"no folder|No such file"):
        check(str(tmp_path / "missing" / "a"))
    assert names(tmp_path) == []


@pytest.mark.parametrize("check", [lambda name: check_writable(name, "--save"), lambda name: write_bytes(name, b"")])
def test_a_folder_is_no_file(tmp_path, check):
    with pytest.raises(UnwritableError, match=r"(?i)is a (folder|directory)"):
        check(str(tmp_path))


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnwritableError, match=r"--save .*there is no folder"):
        check_writable(str(tmp_path / "file" / "a"), "--save")


@pytest.mark.parametrize(
    ("exists", "protected", "told"),
    [
        (False, "folder", "no permission to write in"),
        (True, "folder", "no permission to write in"),
        (True, "file", "is write-protected"),
        (False, "file", None),  # there is no file to be protected
        (True, "nothing", None),
    ],
)
def test_permissions_are_looked_up_before_the_work(tmp_path, monkeypatch, exists, protected, told):
    path = tmp_path / "a"
    if exists:
        path.write_bytes(b"old")
    forbidden = {"folder": tmp_path, "file": path}.get(protected)
    # root may write everywhere, so the answer is made up
    monkeypatch.setattr(os, "access", lambda asked, _mode: Path(asked) != forbidden)
    if told is None:
        check_writable(str(path), "--save")
        return
    with pytest.raises(UnwritableError, match=told) as caught:
        check_writable(str(path), "--save")
    assert f"--save {path}" in str(caught.value)


def test_a_device_needs_no_writable_folder(monkeypatch):
    monkeypatch.setattr(os, "access", lambda asked, _mode: str(asked) == os.devnull)
    check_writable(os.devnull, "--save")
