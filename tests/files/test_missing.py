"""A file that is missing is answered with the file that was meant."""

import pytest

from dlmath.errors import UnreadableError
from dlmath.files.missing import CHECK, mend_for
from dlmath.files.sources import open_source
from dlmath.files.text import read_text


@pytest.mark.parametrize("read", [read_text, open_source])
def test_the_nearest_file_is_named(read, tmp_path):
    (tmp_path / "scene.png").write_bytes(b"x")
    with pytest.raises(UnreadableError, match=r"No such file or directory; did you mean .*scene\.png\?"):
        read(str(tmp_path / "scen.png"))


def test_nothing_near_is_not_guessed(tmp_path):
    (tmp_path / "weights.npz").write_bytes(b"x")
    assert mend_for(str(tmp_path / "photo.jpg"), FileNotFoundError()) == CHECK
    assert mend_for(str(tmp_path / "weight.npz"), PermissionError()) == CHECK


def test_a_missing_folder_is_named(tmp_path):
    assert "there is no folder" in mend_for(str(tmp_path / "nowhere" / "a.png"), FileNotFoundError())
