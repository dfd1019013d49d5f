"""Rate and distortion: both scales of the squared error, and MS-SSIM against the measure that is reported."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, ops

from core.errors import ConfigError
from core.losses.entries import RATE_DISTORTION, Distortion, RateDistortionConfig
from core.losses.ms_ssim import MsSsimLoss
from core.metrics.quality import ms_ssim

pytestmark = pytest.mark.usefixtures("either_mode")


def pictures(height, width, noise=0.1, count=2):
    rng = np.random.default_rng(5)
    coarse = rng.random((count, 3, height // 16 + 1, width // 16 + 1), dtype=np.float32)
    truth = np.kron(coarse, np.ones((16, 16), np.float32))[:, :, :height, :width]
    return (truth + noise * rng.standard_normal(truth.shape)).astype(np.float32), truth


@pytest.mark.parametrize(("peak", "lmbda", "weight"), [(255, 0.013, 0.013 * 65025), (1, 256.0, 256.0)])
def test_squared_error_and_bits_per_pixel(peak, lmbda, weight):
    made, truth = pictures(20, 24, count=6)
    made, truth = (x.reshape(2, 3, 3, 20, 24) for x in (made, truth))
    loss = RATE_DISTORTION.build(RateDistortionConfig(lmbda=lmbda, peak=peak))
    assert loss.outputs == ("loss", "mse", "bpp")
    values = loss(Tensor(truth), Tensor(made), Tensor(1440.0, ms.float32))
    total, mse, bpp = (float(v.asnumpy()) for v in values)
    assert bpp == pytest.approx(1440 / (6 * 20 * 24), rel=1e-6)
    assert mse == pytest.approx(np.square(made.astype(float) - truth).mean(), rel=1e-5)
    assert total == pytest.approx(weight * mse + bpp, rel=1e-5)


def test_ms_ssim_objective():
    made, truth = pictures(161, 176)
    loss = RATE_DISTORTION.build(RateDistortionConfig(lmbda=8.0, distortion=Distortion.ms_ssim))
    assert loss.outputs == ("loss", "ms_ssim_distance", "bpp")
    values = loss(Tensor(truth[None]), Tensor(made[None]), Tensor(100.0, ms.float32))
    total, distance, bpp = (float(v.asnumpy()) for v in values)
    assert distance == pytest.approx(1 - ms_ssim(made, truth).mean(), abs=2e-6)
    assert total == pytest.approx(8 * distance + bpp, rel=1e-6)


@pytest.mark.parametrize(("height", "width", "noise"), [(161, 163, 0.05), (200, 170, 0.3)])
def test_ms_ssim_is_the_measure_that_is_reported(height, width, noise):
    made, truth = pictures(height, width, noise)
    ours = float(MsSsimLoss()(Tensor(made), Tensor(truth)).asnumpy())
    assert ours == pytest.approx(1 - ms_ssim(made, truth).mean(), abs=2e-6)


def test_ms_ssim_has_the_right_gradient():
    made, truth = pictures(161, 161, count=1)
    gradient = ops.grad(MsSsimLoss())(Tensor(made), Tensor(truth)).asnumpy()
    direction = np.random.default_rng(1).standard_normal(made.shape)
    step = 1e-4
    rise = ms_ssim(made - step * direction, truth) - ms_ssim(made + step * direction, truth)
    assert (gradient * direction).sum() == pytest.approx(rise[0] / (2 * step), rel=1e-3)


def test_ms_ssim_stays_finite_where_structures_oppose_or_agree():
    _, truth = pictures(161, 161, count=1)
    value_and_grad = ops.value_and_grad(MsSsimLoss())
    for made, distance in ((1 - truth, 1), (truth, 0)):
        value, gradient = value_and_grad(Tensor(made), Tensor(truth))
        assert float(value.asnumpy()) == pytest.approx(distance, abs=1e-6)
        assert np.isfinite(gradient.asnumpy()).all()


def test_ms_ssim_refuses_small_pictures():
    made, truth = pictures(160, 400)
    with pytest.raises(ConfigError, match="161x161 pixels at least, not 400x160"):
        MsSsimLoss()(Tensor(made), Tensor(truth))


@pytest.mark.parametrize("wrong", [{"lmbda": 0}, {"lmbda": -1}, {"peak": 256}])
def test_bad_options_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RateDistortionConfig(**wrong)
