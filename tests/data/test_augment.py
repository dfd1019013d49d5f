"""Augmentation does one thing to all frames of a clip and depends on its generator alone."""

import numpy as np
import pytest

from core.data.augment import center_crop, random_crop, random_flips, random_reversal, random_transpose


@pytest.fixture
def frames() -> np.ndarray:
    return np.arange(3 * 3 * 8 * 8, dtype=np.uint8).reshape(3, 3, 8, 8)


@pytest.mark.parametrize("change", [random_flips, random_transpose, random_reversal])
def test_reproducible_and_both_outcomes_happen(change, frames):
    outcomes = {change(frames, np.random.default_rng(seed)).tobytes() for seed in range(40)}
    assert len(outcomes) == (4 if change is random_flips else 2)
    first, second = (change(frames, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, second)


def test_flips_and_transpose_make_the_eight_symmetries(frames):
    made = set()
    for seed in range(200):
        rng = np.random.default_rng(seed)
        made.add(random_transpose(random_flips(frames, rng), rng).tobytes())
    turns = [np.rot90(frames, turn, axes=(2, 3)) for turn in range(4)]
    assert made == {one.tobytes() for turn in turns for one in (turn, turn[:, :, ::-1])}


def test_reversal_only_reorders_frames(frames):
    outcomes = [random_reversal(frames, np.random.default_rng(seed)) for seed in range(20)]
    assert all(np.array_equal(one, frames) or np.array_equal(one, frames[::-1]) for one in outcomes)


def test_random_crop_is_aligned_over_frames_and_reaches_every_corner():
    rows, cols = np.meshgrid(np.arange(6), np.arange(9), indexing="ij")
    frames = np.broadcast_to(10 * rows + cols, (4, 3, 6, 9))
    corners = set()
    for seed in range(200):
        crop = random_crop(frames, 4, np.random.default_rng(seed))
        assert crop.shape == (4, 3, 4, 4)
        assert (crop == crop[:1, :1]).all()
        corners.add(int(crop[0, 0, 0, 0]))
    assert corners == {10 * top + left for top in range(3) for left in range(6)}


def test_center_crop_takes_the_middle():
    frames = np.arange(6 * 9).reshape(1, 1, 6, 9)
    assert np.array_equal(center_crop(frames, 4, 5)[0, 0], frames[0, 0, 1:5, 2:7])
