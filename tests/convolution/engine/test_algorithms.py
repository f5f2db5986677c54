"""One law over all algorithms in floating point: their sums are those of the definition, within a derived error."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.convolution.engine.algorithm import Shelf, TileShape
from dlmath.convolution.engine.planner import FLOATING
from dlmath.convolution.engine.separable import MAXIMUM_RANK, SEPARABLE

specification = spec_from_file_location("laws", Path(__file__).with_name("laws.py"))
laws = module_from_spec(specification)
specification.loader.exec_module(laws)

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)
SIDES = st.sampled_from([1, 2, 3, 4, 5, 8, 15, 31, 64])
DTYPES = st.sampled_from(["uint8", "uint16", "float32", "float64", "int32"])
SHAPES = st.builds(TileShape, st.integers(1, 37), st.integers(1, 53), st.integers(1, 5), SIDES, SIDES)
ALL = pytest.mark.parametrize("algorithm", FLOATING.values(), ids=FLOATING)


def kernel_for(algorithm, rng, shape):
    """Return a random kernel that the algorithm suits: of low rank for the one that takes no other."""
    rank = int(rng.integers(1, MAXIMUM_RANK + 1)) if algorithm is SEPARABLE else 64
    return rng.normal(size=(rank, shape[0])).T @ rng.normal(size=(rank, shape[1]))


@ALL
@given(SHAPES, DTYPES, st.integers(0, 2**32 - 1))
@SETTINGS
def test_sums_are_those_of_the_definition(algorithm, shape, dtype, seed):
    rng = np.random.default_rng(seed)
    kernel = kernel_for(algorithm, rng, (shape.kernel_rows, shape.kernel_columns))
    source = rng.integers(0, 256, size=shape.source_shape)
    sums = laws.run(algorithm, kernel, dtype, shape, source)
    assert sums.shape == (shape.rows, shape.row_elements)
    bound = laws.bound_of(algorithm, kernel, sums.dtype, shape, source)
    assert np.abs(sums - laws.definition(source, kernel, shape)).max() <= bound


@ALL
def test_scratch_serves_many_tiles(algorithm):
    shape = TileShape(11, 13, 3, 4, 5)
    kernel = np.outer([1, 2, 3, 4], [1, 0, -1, 2, 5]) + np.outer([2, 0, 0, 1], [1, 1, 1, 1, 1]) + 0.0
    prepared = algorithm.prepare(kernel, np.dtype("float64"), shape)
    for seed in range(3):
        source = np.random.default_rng(seed).integers(0, 256, size=shape.source_shape)
        prepared.source[...] = source
        bound = laws.bound_of(algorithm, kernel, np.float64, shape, source)
        np.testing.assert_allclose(prepared.run(), laws.definition(source, kernel, shape), rtol=0, atol=bound)


@ALL
def test_the_line_is_the_memory_of_the_sums(algorithm):
    shape = TileShape(5, 7, 2, 3, 3)
    prepared = algorithm.prepare(np.ones((3, 3)), np.dtype("float64"), shape)
    prepared.source[...] = np.arange(prepared.source.size).reshape(shape.source_shape)
    sums = prepared.run()
    if prepared.line is not None:
        assert np.shares_memory(prepared.line, sums)
        prepared.line[...] = 3
        assert (sums == 3).all()


@ALL
def test_a_delta_returns_the_input(algorithm):
    shape = TileShape(9, 21, 3, 5, 7)
    source = np.random.default_rng(0).random(shape.source_shape)
    kernel = np.zeros((5, 7))
    kernel[2, 3] = 1
    bound = laws.bound_of(algorithm, kernel, np.float64, shape, source)
    np.testing.assert_allclose(
        laws.run(algorithm, kernel, "float64", shape, source), source[2:11, 9:72], rtol=0, atol=bound
    )


@ALL
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("size", [3, 15])
def test_constant_images_stay_constant(algorithm, dtype, size):
    shape = TileShape(33, 20, 3, size, size)
    level = np.iinfo(dtype).max
    rng = np.random.default_rng(0)
    kernel = np.outer(rng.random(size), rng.random(size)) if algorithm is SEPARABLE else rng.random((size, size))
    sums = laws.run(algorithm, kernel / kernel.sum(), dtype, shape, level)
    assert (np.floor(sums + 0.5) == level).all()


@ALL
@pytest.mark.parametrize(
    ("kernel", "dtype"),
    [(np.full((3, 3), np.nan), "uint8"), (np.full((3, 3), np.inf), "uint8"), (np.ones((3, 3)), "complex128")],
)
def test_what_does_not_suit(algorithm, kernel, dtype):
    assert not algorithm.suits(kernel, np.dtype(dtype))
    assert algorithm.suits(np.ones((3, 3)), np.dtype("uint8"))


@ALL
def test_no_cost_is_below_the_least(algorithm):
    for size in (1, 3, 5, 9, 15, 63):
        for dtype in ("uint8", "float32", "float64"):
            assert algorithm.cost(np.ones((size, size)), np.dtype(dtype), 3) >= (algorithm.least if size > 1 else 0)


@ALL
@pytest.mark.parametrize("image", [(1, 1), (7, 5), (3000, 4000)])
def test_preferred_tiles_are_not_empty(algorithm, image):
    rows, columns = algorithm.preferred_tile((5, 5), image, 3)
    assert rows >= 1
    assert 1 <= columns <= image[1]


def test_a_block_is_kept_for_one_taker_at_a_time():
    shelf = Shelf(kept=10_000)
    first = shelf.take(1000, np.dtype(np.int16))
    first[...] = 7
    shelf.give(first)
    again, other = (shelf.take(1000, np.dtype(np.int16)) for _ in range(2))
    assert np.shares_memory(first, again)
    assert not np.shares_memory(again, other)


def test_what_is_kept_is_bounded_and_not_much_larger_than_asked_for():
    shelf = Shelf(kept=10_000)
    arrays = [shelf.take(1000, np.dtype(np.float32)) for _ in range(5)]
    for array in arrays:
        shelf.give(array)
    kept = [shelf.take(1000, np.dtype(np.float32)) for _ in range(5)]
    assert sum(any(np.shares_memory(old, new) for old in arrays) for new in kept) == 2
    shelf.give(kept[0])
    assert not np.shares_memory(kept[0], shelf.take(100, np.dtype(np.float32)))
    assert shelf.take(3, np.dtype(object)).tolist() == [None] * 3
