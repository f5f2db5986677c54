"""Pictures to learn box regression from, drawn by the program: one bright rectangle each, noise, proposals near it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.detection.engine.geometry import clip
from dlmath.detection.engine.overlap import iou_pairs
from dlmath.detection.engine.regression import Ridge, Rounds, apply_rounds, close_pairs, fit_pairs
from dlmath.detection.engine.roi_align import neighbours

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

SIDE = 64
"""Pixels of a picture's side."""
PROPOSALS = 20
"""Of each picture."""
CELLS = 8
"""Cells of the features along each axis, of two samples each."""
CONTEXT = 0.5
"""How much larger than the box the window is that the features look at."""
NORM = 20.0
"""Length every row of features is scaled to: what makes lambda 1000 a moderate penalty."""


class Scenes(NamedTuple):
    """Pictures, truths and proposals.

    Attributes
    ----------
    pictures : ndarray (N, 64, 64) of float64
        Gray, background 0.1-0.4, the rectangle brighter by 0.3-0.6.
    truths : ndarray (N, 4) of float64
    proposals : ndarray (N * 20, 4) of float64
    picture_of : ndarray (N * 20,) of int64
        The picture of each proposal.
    """

    pictures: Array
    truths: Array
    proposals: Array
    picture_of: Array


def draw(count: int, random: np.random.Generator) -> Scenes:
    """Return pictures, truths and proposals.

    Rectangle: sides uniform on 12-36 pixels, at least 1 pixel inside, edges antialiased; Gaussian noise 0.1. Proposals:
    the truth's centre moved by uniform +-0.35 of its side, its sides times exp(uniform +-0.5), clipped.
    """
    side = random.uniform(12, 36, (count, 2))
    low = 1 + random.random((count, 2)) * (SIDE - 2 - side)
    truths = np.concatenate([low, low + side], axis=1)
    background, contrast = random.uniform(0.1, 0.4, count), random.uniform(0.3, 0.6, count)
    covered = _cover(truths[:, 1], truths[:, 3])[:, :, None] * _cover(truths[:, 0], truths[:, 2])[:, None, :]
    pictures = background[:, None, None] + contrast[:, None, None] * covered
    pictures += random.normal(0, 0.1, pictures.shape)
    shift = random.uniform(-0.35, 0.35, (count, PROPOSALS, 2))
    growth = np.exp(random.uniform(-0.5, 0.5, (count, PROPOSALS, 2)))
    centre = (low + side / 2)[:, None] + shift * side[:, None]
    half = side[:, None] * growth / 2
    proposals = np.concatenate([centre - half, centre + half], axis=2).reshape(-1, 4)
    return Scenes(pictures, truths, clip(proposals, SIDE, SIDE), np.repeat(np.arange(count), PROPOSALS))


def _cover(low: Array, high: Array) -> Array:
    """Return how much of each pixel (N, 64) along an axis a stretch low..high covers."""
    start = np.arange(SIDE)
    covered = np.minimum(high[:, None], start + 1) - np.maximum(low[:, None], start)
    return np.asarray(np.clip(covered, 0, 1))


def features(pictures: Array, picture_of: Array, boxes: Array) -> Array:
    """Return what a window around each box shows: (N, 64), mean 0, norm 20.

    The box grown by half its size, 8 x 8 cells of 2 x 2 bilinear samples, the picture's edge repeated.
    """
    centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) * (1 + CONTEXT)
    shares = (np.arange(2 * CELLS) + 0.5) / (2 * CELLS) - 0.5
    at = centre[:, :, None] + size[:, :, None] * shares - 0.5  # (N, x and y, 16); a pixel's value is at its centre
    x_low, x_high, u_low, u_high = neighbours(np.clip(at[:, 0], 0, SIDE - 1), SIDE)
    y_low, y_high, v_low, v_high = neighbours(np.clip(at[:, 1], 0, SIDE - 1), SIDE)
    picture = picture_of[:, None, None]
    sampled = np.zeros((len(boxes), 2 * CELLS, 2 * CELLS))
    for y, v in ((y_low, v_low), (y_high, v_high)):
        for x, u in ((x_low, u_low), (x_high, u_high)):
            sampled += pictures[picture, y[:, :, None], x[:, None, :]] * v[:, :, None] * u[:, None, :]
    cells = sampled.reshape(-1, CELLS, 2, CELLS, 2).mean(axis=(2, 4)).reshape(len(boxes), -1)
    cells -= cells.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(cells, axis=1, keepdims=True)
    return np.asarray(np.divide(cells, norm, out=cells, where=norm > 0)) * NORM


class Demonstration(NamedTuple):
    """Box regression learned on drawn pictures and tried on others.

    Attributes
    ----------
    ridge : Ridge
    train, test : Rounds
        Mean IoU over the pairs above the threshold.
    share_above : tuple of float
        Of the test boxes with IoU above 0.8, before and after each round.
    scenes : Scenes
        Those of the test.
    rows : ndarray (pairs,) of int64
        The test's proposals that were used.
    """

    ridge: Ridge
    train: Rounds
    test: Rounds
    share_above: tuple[float, ...]
    scenes: Scenes
    rows: Array


def demonstrate(count: int, penalty: float, rounds: int, least: float, random: np.random.Generator) -> Demonstration:
    """Learn on `count` pictures, try on as many others.

    Parameters
    ----------
    count : int
        Pictures of each half.
    penalty : float
        lambda.
    rounds : int
    least : float
        Only proposals that overlap their truth by more take part.
    random : Generator
    """
    halves = [draw(count, random), draw(count, random)]
    used = [close_pairs(half.proposals, half.truths[half.picture_of], least) for half in halves]
    ridge = fit_pairs(*_pairs(halves[0], used[0]), penalty)
    done = []
    for half, rows in zip(halves, used, strict=True):
        _, proposals, truths = _pairs(half, rows)
        picture_of = half.picture_of[rows]

        def look(boxes: Array, half: Scenes = half, picture_of: Array = picture_of) -> Array:
            return features(half.pictures, picture_of, boxes)

        done.append(apply_rounds(ridge, look, proposals, truths, rounds))
    test_truths = halves[1].truths[halves[1].picture_of[used[1]]]
    stages = (halves[1].proposals[used[1]], *done[1].boxes)
    above = tuple(float((iou_pairs(boxes, test_truths) > 0.8).mean()) for boxes in stages)
    return Demonstration(ridge, done[0], done[1], above, halves[1], used[1])


def _pairs(scenes: Scenes, rows: Array) -> tuple[Array, Array, Array]:
    """Return features, proposals and truths of some of the proposals."""
    proposals, picture_of = scenes.proposals[rows], scenes.picture_of[rows]
    return features(scenes.pictures, picture_of, proposals), proposals, scenes.truths[picture_of]
