"""Block motion: kernels are MindSpore's operators, the search to the last bit, displaced pictures but for rounding."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.kernels.motion import (
    FARTHEST,
    UNITS,
    DisplaceBlocks,
    SearchBlocks,
    displace,
    search,
)

MOVED = (5, -9)
"""Rows and columns by which the reference's content lies further down and to the right."""


@pytest.fixture(scope="module")
def lumas():
    """Two smooth textures and what they were before they moved, N,1,96,144, with noise and values out of range."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(3)
    wide = gaussian_filter(rng.normal(size=(2, 1, 160, 208)), (0, 0, 1.5, 1.5))
    wide = 128 + 300 * wide / np.abs(wide).max()
    row, column = MOVED
    now, before = wide[..., 32:128, 32:176], wide[..., 32 - row : 128 - row, 32 - column : 176 - column]
    return [(part + rng.normal(size=part.shape)).astype(np.float32) for part in (now, before)]


@pytest.fixture(scope="module")
def prices():
    return np.array([0.0, 9.5], np.float32)


def by_operators(*inputs):
    """Vectors as MindSpore's operators find them."""
    return search(*map(Tensor, inputs)).asnumpy()


def test_the_search_is_that_of_the_operators(kernels, lumas, prices):
    ours = SearchBlocks()(*map(Tensor, (*lumas, prices))).asnumpy()
    np.testing.assert_array_equal(ours, by_operators(*lumas, prices))
    assert (ours * UNITS == np.rint(ours * UNITS)).all() and np.abs(ours).max() <= FARTHEST


def test_the_search_finds_motion(lumas, prices):
    """Of all blocks whose content was within the reference."""
    found = by_operators(*lumas, prices)[:, :, 1:-1, 1:-1]
    right = (found == np.reshape(MOVED[::-1], (1, 2, 1, 1))).all(1)
    assert right.mean() > 0.95


def test_dear_bits_make_vectors_alike(lumas):
    rng = np.random.default_rng(4)
    noise = rng.uniform(0, 255, lumas[0].shape).astype(np.float32)
    cheap, dear = (by_operators(noise, lumas[1], np.full(2, price, np.float32)) for price in (0, 2000))
    assert len(np.unique(cheap)) > 20 and not dear.any()


def test_the_search_stands_no_numbers(kernels, lumas, prices):
    broken = lumas[0].copy()
    broken[0, 0, :20] = np.nan
    ours = SearchBlocks()(Tensor(broken), Tensor(lumas[1]), Tensor(prices)).asnumpy()
    np.testing.assert_array_equal(ours, by_operators(broken, lumas[1], prices))


@pytest.fixture(scope="module", params=[8, 1])
def case(request):
    """A picture, vectors of blocks of 8 pixels, or of one, that lead up to beyond it, and weights of the result."""
    rng = np.random.default_rng(5)
    shapes, widths = (
        ((2, 5, 24, 40), (2, 2, 24 // request.param, 40 // request.param), (2, 5, 24, 40)),
        (1, 30, 1),
    )
    return [Tensor(rng.uniform(-w, w, s).astype(np.float32)) for s, w in zip(shapes, widths, strict=True)]


def test_displaced_pictures_are_those_of_the_operators(kernels, case):
    picture, vectors, weights = case
    kernel = DisplaceBlocks()
    np.testing.assert_allclose(
        kernel(picture, vectors).asnumpy(), displace(picture, vectors).asnumpy(), rtol=0, atol=2e-5
    )
    ours = ms.grad(lambda x: (kernel(x, vectors) * weights).sum())(picture).asnumpy()
    theirs = ms.grad(lambda x: (displace(x, vectors) * weights).sum())(picture).asnumpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5)


def test_whole_pixels_are_copied(case):
    picture = case[0]
    vectors = Tensor(np.broadcast_to(np.float32([[[[3]], [[-2]]]]), case[1].shape))
    moved = DisplaceBlocks()(picture, vectors).asnumpy()
    np.testing.assert_allclose(moved[:, :, 2:, :-3], picture.asnumpy()[:, :, :-2, 3:], rtol=0, atol=1e-6)
