"""Factorised priors: published likelihoods and tables, distributions, quantiles that only their loss trains."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from core.entropy.conditional import bits
from core.entropy.factorized import BitEstimator, FactorizedPrior

PARITY = Path(__file__).parents[1] / "parity"
TABLES, SSFVC = np.load(PARITY / "entropy_tables.npz"), np.load(PARITY / "ssfvc.npz")


def normal(name, shape):
    return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)


def published_prior(prefix="img_hyperprior.entropy_bottleneck."):
    """The fixture's bottleneck, weights seeded by their published names."""
    prior = FactorizedPrior(192).set_train(False)
    for parameter in prior.get_parameters():
        values = np.float32(0.3) * normal(prefix + parameter.name, parameter.shape)
        if "matrices" in parameter.name:
            values = values * np.float32(2 / 3)
            values += np.float32(np.log(np.expm1(10 ** (-1 / 5) / parameter.shape[1])))
        if parameter.name.endswith("quantiles"):
            values[:, :, 0], values[:, :, 2] = -10, 10
        parameter.set_data(Tensor(values))
    return prior


def published_estimator(name):
    estimator = BitEstimator(64).set_train(False)
    for parameter in estimator.get_parameters():
        values = np.float32(0.2) * normal(f"{name}.{parameter.name}", parameter.shape)
        shift = np.float32(0.2) if parameter.name.endswith("h") else 0
        parameter.set_data(Tensor(values + shift))
    return estimator


def test_parameters_have_the_published_names():
    names = {p.name: p.shape for p in FactorizedPrior(5).get_parameters()}
    widths = (1, 3, 3, 3, 3, 1)
    expected = {"quantiles": (5, 1, 3)}
    for i in range(5):
        expected[f"matrices.{i}"] = (5, widths[i + 1], widths[i])
        expected[f"biases.{i}"] = (5, widths[i + 1], 1)
        expected |= {f"factors.{i}": (5, 3, 1)} if i < 4 else {}
    assert names == expected
    names = {p.name for p in BitEstimator(5).get_parameters()}
    assert names == {f"f{i}.{part}" for i in (1, 2, 3, 4) for part in "hba"} - {"f4.a"}


@pytest.mark.usefixtures("either_mode")
def test_published_likelihoods():
    prior = published_prior()
    z_hat, likelihood = prior(Tensor(SSFVC["f0_img_z"][None]))
    symbols = z_hat.asnumpy()[0] - prior.quantiles.asnumpy()[:, 0, 1, None, None]
    np.testing.assert_array_equal(np.rint(symbols), SSFVC["f0_img_sym_z"])
    # The difference of two float32 sigmoids.
    np.testing.assert_allclose(likelihood.asnumpy()[0], SSFVC["f0_img_lik_z"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("cell", "name", "equal"),
    [
        (published_prior(), "ssf_img_eb", 186),
        (published_estimator("bitEstimator_z"), "dcvc_z", 57),
        (published_estimator("bitEstimator_z_mv"), "dcvc_mv_z", 57),
    ],
)
def test_published_tables(cell, name, equal):
    """All but a few tables, where an entry is next to a tie that float32 rounds the other way: see `test_tables`."""
    tables = cell.table_set()
    np.testing.assert_array_equal(tables.lengths, TABLES[f"{name}_cdf_length"])
    np.testing.assert_array_equal(tables.offsets, TABLES[f"{name}_offset"])
    ends = np.cumsum(tables.lengths)[:-1]
    pairs = zip(np.split(tables.cdf, ends), np.split(TABLES[f"{name}_cdf_flat"], ends), strict=True)
    assert sum(np.array_equal(ours, theirs) for ours, theirs in pairs) >= equal


def whole_numbers(channels, reach):
    """-reach … reach in every channel, as a latent."""
    values = np.arange(-reach, reach + 1, dtype=np.float32).reshape(1, 1, 1, -1)
    return Tensor(np.tile(values, (1, channels, 1, 1)))


@pytest.mark.parametrize("cell", [FactorizedPrior(4), BitEstimator(4), published_prior()])
def test_likelihoods_are_a_distribution(cell):
    channels = cell.table_set().lengths.size
    z_hat, likelihood = cell.set_train(False)(whole_numbers(channels, 200))
    floor = 401 * (1e-5 if isinstance(cell, BitEstimator) else 1e-9)
    assert (likelihood.asnumpy() > 0).all() and likelihood.asnumpy().max() <= 1
    np.testing.assert_allclose(likelihood.asnumpy().sum(3), 1, atol=floor + 2e-5)
    assert np.abs(z_hat.asnumpy() - whole_numbers(channels, 200).asnumpy()).max() <= 0.5


def test_fresh_priors_begin_as_wide_as_ten():
    """The chain's gains begin with a product of 1/10; the bends are off."""
    prior = FactorizedPrior(3)
    logits = prior._logits(Tensor(np.tile(np.float32([-1, 0, 1]), (3, 1, 1)))).asnumpy()
    np.testing.assert_allclose(np.diff(logits, axis=2), 0.1, rtol=1e-5)


@pytest.mark.usefixtures("either_mode")
@pytest.mark.parametrize("cell", [FactorizedPrior, BitEstimator])
def test_training_adds_noise_and_reaches_every_parameter(cell):
    prior = cell(3).set_train()
    for parameter in prior.get_parameters():
        if "quantiles" not in parameter.name:
            parameter.set_data(Tensor(parameter.asnumpy() + 0.1 * normal(parameter.name, parameter.shape)))
    z = np.random.default_rng(0).normal(0, 3, (2, 3, 8, 8)).astype(np.float32)
    value_and_grad = ops.value_and_grad(Information(prior), 0, prior.trainable_params(), has_aux=True)
    (_, z_hat, likelihood), (by_z, by_parameters) = value_and_grad(Tensor(z))
    noise = z_hat.asnumpy() - z
    assert np.abs(noise).max() <= 0.5 + 1e-6 and noise.std() == pytest.approx(12**-0.5, rel=0.1)
    _, rounded = prior.set_train(False)(z_hat)
    assert not np.array_equal(likelihood.asnumpy(), rounded.asnumpy())
    assert np.isfinite(by_z.asnumpy()).all() and (by_z.asnumpy() != 0).mean() > 0.9
    for parameter, slope in zip(prior.trainable_params(), by_parameters, strict=True):
        assert slope.asnumpy().any() == ("quantiles" not in parameter.name), parameter.name


class Information(nn.Cell):
    def __init__(self, prior):
        super().__init__()
        self.prior = prior

    def construct(self, z):
        z_hat, likelihood = self.prior(z)
        return bits(likelihood), z_hat, likelihood


class Auxiliary(nn.Cell):
    def __init__(self, prior):
        super().__init__()
        self.prior = prior

    def construct(self):
        return self.prior.auxiliary_loss()


@pytest.mark.usefixtures("either_mode")
def test_auxiliary_loss_trains_quantiles_alone():
    prior = published_prior()
    parameters = list(prior.trainable_params())
    loss, slopes = ops.value_and_grad(Auxiliary(prior), None, parameters)()
    target = np.log(2e9 - 1)
    logits = prior._numpy_logits()(prior.quantiles.asnumpy()[:, 0].astype(np.float64))
    assert float(loss.asnumpy()) == pytest.approx(np.abs(logits - [-target, 0, target]).sum(), rel=1e-5)
    for parameter, slope in zip(parameters, slopes, strict=True):
        if parameter.name.endswith("quantiles"):
            np.testing.assert_array_equal(
                np.sign(slope.asnumpy()[:, 0]), np.sign(logits - [-target, 0, target])
            )
        else:
            assert not slope.asnumpy().any(), parameter.name
