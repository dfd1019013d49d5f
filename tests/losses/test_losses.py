"""Losses against numpy and scikit-image."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.losses.charbonnier import Charbonnier
from core.losses.ssim import SsimLoss


def pictures():
    rng = np.random.default_rng(5)
    truth = rng.random((2, 3, 24, 31), dtype=np.float32)
    return np.clip(truth + 0.1 * rng.standard_normal(truth.shape), 0, 1).astype(np.float32), truth


def test_charbonnier():
    made, truth = pictures()
    expected = np.sqrt((made.astype(np.float64) - truth) ** 2 + (1 / 255) ** 2).mean()
    assert float(Charbonnier()(Tensor(made), Tensor(truth))) == pytest.approx(expected, rel=1e-5)


def test_ssim_is_one_of_equal_pictures():
    made, _ = pictures()
    assert float(SsimLoss()(Tensor(made), Tensor(made))) == pytest.approx(0, abs=1e-6)


def by_definition(x, y):
    line = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    line /= line.sum()
    kernel = np.outer(line, line)

    def blur(picture):
        windows = np.lib.stride_tricks.sliding_window_view(picture, (11, 11))
        return (windows * kernel).sum((-1, -2))

    mean_x, mean_y = blur(x), blur(y)
    covariance = blur(x * y) - mean_x * mean_y
    variances = blur(x * x) - mean_x**2 + blur(y * y) - mean_y**2
    first = (2 * mean_x * mean_y + 1e-4) / (mean_x**2 + mean_y**2 + 1e-4)
    return (first * (2 * covariance + 9e-4) / (variances + 9e-4)).mean()


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.heavy)])
def test_ssim_follows_the_definition(compiled):
    made, truth = pictures()
    channels = [
        by_definition(a, b)
        for a, b in zip(
            made.reshape(-1, 24, 31).astype(float), truth.reshape(-1, 24, 31).astype(float), strict=True
        )
    ]
    loss = SsimLoss()
    run = ms.jit(loss.construct) if compiled else loss
    assert float(run(Tensor(made), Tensor(truth))) == pytest.approx(1 - np.mean(channels), abs=2e-6)


def test_ssim_has_a_finite_gradient_where_pictures_are_equal():
    _, truth = pictures()
    gradient = ms.grad(SsimLoss())(Tensor(truth), Tensor(truth)).asnumpy()
    assert np.isfinite(gradient).all()
