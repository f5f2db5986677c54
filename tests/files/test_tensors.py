"""Arrays by name: what a few packed bytes stand for is bounded before any of it is unpacked."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from dlmath.errors import UnreadableError
from dlmath.files import tensors
from dlmath.files.tensors import LARGEST, read_tensors


def test_packed_zeros_are_refused_by_what_they_stand_for(tmp_path):
    path = tmp_path / "zeros.npz"
    np.savez_compressed(path, W1=np.zeros(LARGEST // 8 + 1))
    assert path.stat().st_size < LARGEST / 500
    tracemalloc.start()
    with pytest.raises(UnreadableError, match=r"zeros\.npz: holds 64,000,\d+ bytes of arrays, more than 64,000,000; "):
        read_tensors(str(path))
    assert tracemalloc.get_traced_memory()[1] < LARGEST / 10
    tracemalloc.stop()


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_arrays_up_to_the_bound_are_read(tmp_path, monkeypatch, ending):
    path = tmp_path / f"weights.{ending}"
    path.write_bytes(tensors.tensor_bytes(str(path), tensors.Tensors({"W1": np.eye(3)}, {})))
    assert np.array_equal(read_tensors(str(path)).arrays["W1"], np.eye(3))
    monkeypatch.setattr(tensors, "LARGEST", 50)
    with pytest.raises(UnreadableError, match="more than 50; "):
        read_tensors(str(path))
