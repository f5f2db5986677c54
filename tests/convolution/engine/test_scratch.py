"""Scratch memory is shared out to one owner at a time, comes back when nobody looks at it, and is bounded."""

from __future__ import annotations

import gc

import numpy as np

from dlmath.convolution.engine.scratch import PAGE, SMALL, Pool, zeros


def address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_arrays_in_use_never_share_memory() -> None:
    pool = Pool()
    arrays = [pool.empty((100, 300), np.int16) for _ in range(5)]
    for number, array in enumerate(arrays):
        array.fill(number)
    assert [int(array[50, 50]) for array in arrays] == [0, 1, 2, 3, 4]


def test_a_view_keeps_its_block() -> None:
    pool = Pool()
    view = pool.empty((100, 300), np.int16)[3:, 5:]
    view.fill(7)
    other = pool.empty((100, 300), np.int16)
    other.fill(1)
    assert (view == 7).all()


def test_a_block_comes_back() -> None:
    pool = Pool()
    array = pool.empty(50_000, np.float32)
    page = address(array) // (64 * PAGE)
    del array
    gc.collect()
    again = pool.empty(50_000, np.float32)
    assert address(again) // (64 * PAGE) in {page - 1, page, page + 1}


def test_arrays_begin_on_a_cache_line_at_different_places_of_their_pages() -> None:
    pool = Pool()
    arrays = [pool.empty(50_000, np.float32) for _ in range(6)]
    places = [address(array) % PAGE for array in arrays]
    assert all(place % 64 == 0 for place in places)
    assert len(set(places)) == 6


def test_no_more_is_kept_than_allowed() -> None:
    pool = Pool(kept=1 << 20)
    arrays = [pool.empty(300_000, np.uint8) for _ in range(9)]
    del arrays
    gc.collect()
    assert sum(map(len, pool._free)) <= 1 << 20


def test_small_arrays_and_objects_are_numpys_own() -> None:
    pool = Pool()
    assert pool.empty(SMALL - 1, np.uint8).base is None
    assert pool.empty(SMALL, object).dtype == object
    assert not zeros((200, 200), np.float64).any()
