"""The scale space against its definition."""

import mindspore as ms
import numpy as np
from mindspore import Tensor
from scipy.ndimage import correlate

from plugins.ssfvc.scale_space import LEVELS, SIGMA, ScaleSpaceWarp


def by_definition(x):
    """The stack of N,C,H,W, in float64, with the two-dimensional kernel."""
    blurred = blur(x.astype(np.float64))
    slices = [x, blurred]
    for level in range(1, LEVELS):
        pooled = sum(blurred[:, :, y::2, x::2] for y in (0, 1) for x in (0, 1)) / 4
        blurred = enlarged = blur(pooled)
        for _ in range(level):
            enlarged = doubled(doubled(enlarged, 2), 3)
        slices.append(enlarged)
    return np.stack(slices, 2)


def blur(x):
    reach = np.arange(-5, 6)
    kernel = np.exp(-(reach[:, None] ** 2 + reach**2) / (2 * SIGMA**2))
    return correlate(x, (kernel / kernel.sum())[None, None], mode="nearest")


def doubled(x, axis):
    """Each pixel becomes two, which lean a quarter to the left and to the right neighbour."""
    left = np.take(x, np.maximum(np.arange(x.shape[axis]) - 1, 0), axis)
    right = np.take(x, np.minimum(np.arange(x.shape[axis]) + 1, x.shape[axis] - 1), axis)
    pairs = np.stack((0.75 * x + 0.25 * left, 0.75 * x + 0.25 * right), axis + 1)
    return pairs.reshape(*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis + 1 :])


def test_slices_follow_the_definition():
    x = np.random.default_rng(1).random((2, 3, 32, 272), dtype=np.float32)
    ours = ScaleSpaceWarp().stack(Tensor(x)).asnumpy()
    assert ours.shape == (2, 3, LEVELS + 1, 32, 272)
    np.testing.assert_allclose(ours, by_definition(x), rtol=0, atol=1e-6)


def test_the_gradient_is_the_adjoint():
    """The stack is linear in the picture: <stack(a), b> = <a, gradient of <stack, b>>."""
    rng = np.random.default_rng(2)
    a = rng.standard_normal((1, 2, 16, 48)).astype(np.float32)
    b = rng.standard_normal((1, 2, LEVELS + 1, 16, 48)).astype(np.float32)

    stack = ScaleSpaceWarp().stack

    def product(x):
        return (stack(x) * Tensor(b)).sum()

    gradient = ms.grad(product)(Tensor(a)).asnumpy()
    expected = (by_definition(a) * b).sum()
    np.testing.assert_allclose((a * gradient).sum(), expected, rtol=1e-4)


def test_a_sharp_motionless_prediction_is_the_reference():
    reference = np.random.default_rng(3).random((1, 3, 16, 32), dtype=np.float32)
    motion = np.zeros((1, 3, 16, 32), np.float32)
    motion[:, 2] = -1
    ours = ScaleSpaceWarp()(Tensor(reference), Tensor(motion)).asnumpy()
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-5)
