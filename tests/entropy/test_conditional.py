"""Conditional priors: values and gradients against formulas in float64, quantisation, published likelihoods."""

from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor, nn, ops
from scipy.special import ndtr

from core.entropy.conditional import GaussianConditional, LaplaceConditional, bits

FIXTURE = np.load(Path(__file__).parents[1] / "parity" / "ssfvc.npz")


pytestmark = pytest.mark.usefixtures("either_mode")


def gaussian(deviation, scales):
    distance, scales = np.abs(deviation), np.maximum(scales, 0.11)
    return np.maximum(ndtr((0.5 - distance) / scales) - ndtr((-0.5 - distance) / scales), 1e-9)


def laplace(deviation, scales):
    scales = np.clip(scales, 1e-5, 1e10)

    def cdf(x):
        return 0.5 - 0.5 * np.sign(x) * np.expm1(-np.abs(x) / scales)

    return np.minimum(cdf(deviation + 0.5) - cdf(deviation - 0.5) + 1e-5, 1)


class Likelihood(nn.Cell):
    def __init__(self, conditional):
        super().__init__()
        self.conditional = conditional

    def construct(self, deviation, scales):
        return self.conditional.likelihood(deviation, scales)


class Information(Likelihood):
    def construct(self, deviation, scales):
        return bits(self.conditional.likelihood(deviation, scales))


class Coded(Likelihood):
    """Sums of ``y_hat`` and bits, and what a call gives."""

    def construct(self, y, scales, means):
        y_hat, likelihood = self.conditional(y, scales, means)
        return y_hat.sum(), y_hat, likelihood


class ZeroMean(Likelihood):
    def construct(self, y, scales):
        return self.conditional(y, scales)


def sample(seed=0):
    """Deviations and scales, also negative ones, where likelihoods are between their bounds; float32."""
    rng = np.random.default_rng(seed)
    scales = np.exp(rng.uniform(np.log(0.2), np.log(20), 4000))
    deviations = rng.uniform(-4, 4, 4000) * scales
    return deviations.astype(np.float32), scales.astype(np.float32)


BOTH = pytest.mark.parametrize(
    ("conditional", "formula"), [(GaussianConditional, gaussian), (LaplaceConditional, laplace)]
)


@BOTH
def test_likelihood(conditional, formula):
    deviation, scales = sample()
    scales[:4], deviation[:4] = [0.01, -3, 0, 1e-7], [0.3, 0.2, 7, -2]
    ours = Likelihood(conditional())(Tensor(deviation), Tensor(scales)).asnumpy()
    expected = formula(deviation.astype(np.float64), scales.astype(np.float64))
    # A difference of two float32 up to 1: absolute errors of single units in the last place.
    np.testing.assert_allclose(ours, expected, rtol=2e-6, atol=1.5e-7)


@BOTH
def test_gradient_of_information(conditional, formula):
    deviation, scales = sample()
    away = np.abs(np.abs(deviation) - 0.5) > 1e-3  # Laplace has a bend there
    deviation, scales = deviation[away], scales[away]
    gradients = ops.grad(Information(conditional()), (0, 1))(Tensor(deviation), Tensor(scales))
    x, s = deviation.astype(np.float64), scales.astype(np.float64)
    step = 1e-5

    def information(x, s):
        return -np.log2(formula(x, s))

    by_x = (information(x + step, s) - information(x - step, s)) / (2 * step)
    by_s = (information(x, s * (1 + step)) - information(x, s * (1 - step))) / (2 * step * s)
    # A likelihood of 1e-5 (Gaussian, 4 scales away) is good to 1e-7 / 1e-5 in float32, and so is its inverse.
    tolerance = 1e-4 + 2e-7 / formula(x, s)
    for ours, expected in zip(gradients, (by_x, by_s), strict=True):
        assert (np.abs(ours.asnumpy() - expected) <= tolerance * np.maximum(np.abs(expected), 0.05)).all()


def test_bounds_let_gradients_in():
    """A scale below 0.11 may grow but not shrink; so may a likelihood below 1e-9."""
    deviation = Tensor(np.array([0.4, 0.9, 30, 30], np.float32))
    scales = Tensor(np.array([0.05, 0.05, 0.05, 1.0], np.float32))
    likelihood = Likelihood(GaussianConditional())(deviation, scales).asnumpy()
    np.testing.assert_array_equal(likelihood[2:], np.float32(1e-9))
    slopes = ops.grad(Information(GaussianConditional()), 1)(deviation, scales).asnumpy()
    assert slopes[0] == 0  # the latent is well inside of its interval: a smaller scale would be cheaper
    assert slopes[1] < 0  # it is outside: a larger scale would be cheaper
    assert np.isfinite(slopes).all()


@BOTH
def test_evaluation_rounds_about_the_mean(conditional, formula):
    rng = np.random.default_rng(1)
    y, means = (
        rng.normal(0, 5, (2, 3, 4, 5)).astype(np.float32),
        rng.normal(0, 1, (2, 3, 4, 5)).astype(np.float32),
    )
    scales = np.full_like(y, 3)
    _, y_hat, likelihood = Coded(conditional()).set_train(False)(Tensor(y), Tensor(scales), Tensor(means))
    symbols = np.rint(y - means)
    np.testing.assert_array_equal(y_hat.asnumpy(), symbols + means)
    np.testing.assert_allclose(likelihood.asnumpy(), formula(symbols, scales), rtol=2e-6, atol=1.5e-7)
    zero_mean, _ = ZeroMean(conditional()).set_train(False)(Tensor(y), Tensor(scales))
    np.testing.assert_array_equal(zero_mean.asnumpy(), np.rint(y))


@pytest.mark.parametrize("noisy", [False, True])
def test_training_judges_noise_and_decodes_what_was_asked_for(noisy):
    rng = np.random.default_rng(1)
    y, means = rng.normal(0, 5, (40, 50)).astype(np.float32), rng.normal(0, 1, (40, 50)).astype(np.float32)
    scales = np.full_like(y, 3)
    coded = Coded(GaussianConditional(noisy_synthesis=noisy)).set_train()
    value_and_grad = ops.value_and_grad(coded, (0, 1, 2), None, has_aux=True)
    (_, y_hat, likelihood), gradients = value_and_grad(Tensor(y), Tensor(scales), Tensor(means))
    error = y_hat.asnumpy() - y
    assert np.abs(error).max() <= 0.5 + 1e-6 and error.std() == pytest.approx(12**-0.5, rel=0.05)
    rounded = np.rint(y - means) + means
    assert np.array_equal(y_hat.asnumpy(), rounded) == (not noisy)
    expected = gaussian(y_hat.asnumpy() - means, scales)
    assert (
        np.allclose(likelihood.asnumpy(), expected, rtol=1e-5) == noisy
    )  # else of the noise that was not decoded
    assert likelihood.asnumpy().mean() == pytest.approx(expected.mean(), rel=0.02)
    for ours, constant in zip(gradients, (1, 0, 0), strict=True):
        np.testing.assert_array_equal(ours.asnumpy(), np.full_like(y, constant))


@pytest.mark.parametrize("part", ["f0_img", "f1_motion", "f1_res", "f2_motion", "f2_res"])
def test_published_likelihoods(part):
    y, scales, means = (Tensor(FIXTURE[f"{part}_{name}"]) for name in ("y", "scales", "means"))
    _, y_hat, likelihood = Coded(GaussianConditional()).set_train(False)(y, scales, means)
    np.testing.assert_array_equal(np.rint(y_hat.asnumpy() - means.asnumpy()), FIXTURE[f"{part}_sym_y"])
    np.testing.assert_allclose(likelihood.asnumpy(), FIXTURE[f"{part}_lik_y"], rtol=2e-6, atol=1.5e-7)


def test_bits():
    likelihood = np.exp2(-np.arange(30, dtype=np.float32)).reshape(2, 3, 5)
    assert float(bits(Tensor(likelihood)).asnumpy()) == pytest.approx(np.arange(30).sum(), rel=1e-6)
