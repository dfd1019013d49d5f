"""Downscaling against Pillow and against what each filter must do."""

import numpy as np
import pytest
from PIL import Image

from core.data.downscale import Filter, downscale, shrink

STATED = [kind for kind in Filter if kind is not Filter.random]
PILLOW = {"bicubic": 3, "bilinear": 2, "lanczos": 1}


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=shape, dtype=np.uint8)


def down(frames, factor, kind, seed=0, middle=None):
    return downscale(frames, factor, kind, np.random.default_rng(seed), middle)


@pytest.mark.parametrize("kind", Filter)
@pytest.mark.parametrize("value", [0, 77, 255])
def test_constants_stay(kind, value):
    low = down(np.full((3, 3, 16, 24), value, np.uint8), 4, kind)
    assert low.dtype == np.uint8
    assert low.shape == (3, 3, 4, 6)
    assert (low == value).all()


@pytest.mark.parametrize("kind", [kind for kind in STATED if kind is not Filter.box])
@pytest.mark.parametrize("factor", [2, 3])
def test_equals_pillow_on_each_frame(kind, factor):
    frames = noise(2, 3, 24, 36)
    low = down(frames, factor, kind)
    for frame, made in zip(frames, low, strict=True):
        image = Image.fromarray(np.ascontiguousarray(frame.transpose(1, 2, 0)))
        expected = image.resize((36 // factor, 24 // factor), PILLOW[kind.value])
        assert np.array_equal(made.transpose(1, 2, 0), np.asarray(expected))


def test_box_is_the_mean_of_blocks():
    frames = noise(1, 3, 8, 12)
    means = frames.reshape(1, 3, 4, 2, 6, 2).mean(axis=(3, 5))
    assert np.abs(down(frames, 2, Filter.box) - means).max() <= 0.5


def test_filters_differ():
    frames = noise(1, 3, 16, 16)
    assert len({down(frames, 2, kind).tobytes() for kind in STATED}) == 4


def test_random_draws_each_frame_among_three():
    frames = np.repeat(noise(1, 3, 16, 16), 30, axis=0)
    expected = {down(frames[:1], 2, kind).tobytes() for kind in STATED if kind is not Filter.box}
    assert {frame.tobytes() for frame in down(frames, 2, Filter.random)} == expected
    assert np.array_equal(down(frames, 2, Filter.random, 1), down(frames, 2, Filter.random, 1))


def test_the_middle_frame_may_have_a_filter_of_its_own():
    frames = np.repeat(noise(1, 3, 16, 16), 3, axis=0)
    low = down(frames, 2, Filter.box, middle=Filter.lanczos)
    assert np.array_equal(low[1:2], down(frames[1:2], 2, Filter.lanczos))
    assert np.array_equal(low[[0, 2]], down(frames[[0, 2]], 2, Filter.box))


def test_shrink():
    frames = noise(2, 3, 30, 45)
    assert shrink(frames, 1) is frames
    assert shrink(frames, 1.5).shape == (2, 3, 20, 30)
