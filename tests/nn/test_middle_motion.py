"""The search for motion towards the middle: what it finds, and that both of its forms find the same."""

import numpy as np
import pytest
from mindspore import Tensor
from scipy import ndimage

from core.nn import MiddleMotion


def still(height, width, seed=3):
    """A picture in [0,1] with structure of several sizes."""
    rng = np.random.default_rng(seed)
    sizes = [ndimage.gaussian_filter(rng.random((height, width)), size, mode="wrap") for size in (1.5, 4, 9)]
    soft = sum(plane / plane.std() for plane in sizes)
    return ((soft - soft.min()) / np.ptp(soft)).astype(np.float32)


def pair(x, y, height=64, width=96):
    """The first and the last frame of content that moves by (x, y) from each to the middle."""
    shift = [ndimage.shift(still(height, width), (s * y, s * x), order=3, mode="grid-wrap") for s in (-1, 1)]
    return [Tensor(plane[None, None].astype(np.float32)) for plane in shift]


@pytest.mark.parametrize(("x", "y"), [(0, 0), (2, -1), (-6, 3), (0.5, 0), (11, -9)])
def test_even_motion_is_found(either_kernels, x, y):
    flow = MiddleMotion()(*pair(x, y)).asnumpy()[0, :, 16:-16, 20:-20]
    assert np.median(flow[0]) == pytest.approx(x, abs=0.3)
    assert np.median(flow[1]) == pytest.approx(y, abs=0.3)


def test_both_forms_find_the_same(kernels):
    """But for places that are alike, between which rounding decides. The sides are odd at every level."""
    rng = np.random.default_rng(4)
    first, last = (np.stack([still(51, 75, seed)[None] for seed in seeds]) for seeds in ((1, 2), (1, 5)))
    last = np.roll(last, (2, 3), (2, 3)) + rng.normal(0, 0.01, last.shape).astype(np.float32)
    fast = MiddleMotion()
    slow = MiddleMotion()
    slow.search = None
    ours, theirs = (cell(Tensor(first), Tensor(last)).asnumpy() for cell in (fast, slow))
    assert ours.shape == theirs.shape == (2, 2, 51, 75)
    assert np.quantile(np.abs(ours - theirs), 0.98) < 1e-2
    assert np.abs(theirs).max() > 2


def test_noise_hardly_moves_what_rests(either_kernels):
    """Nine places of ten stay, and none moves by half a pixel."""
    plane, rng = still(48, 48), np.random.default_rng(6)
    noisy = [
        Tensor((plane + rng.normal(0, 0.02, plane.shape))[None, None].astype(np.float32)) for _ in range(2)
    ]
    moved = np.abs(MiddleMotion()(*noisy).asnumpy())
    assert np.quantile(moved, 0.9) == 0
    assert moved.max() < 0.5
