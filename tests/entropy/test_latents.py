"""Latents: that their five faces agree, and that what is decoded is what was coded."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from core.entropy.conditional import GaussianConditional, LaplaceConditional
from core.entropy.factorized import BitEstimator, FactorizedPrior
from core.entropy.latents import ContextLatent, MeanScaleHyperprior, ScaleHyperprior
from core.entropy.masked import MaskedConv2d
from core.errors import CheckpointError
from core.nn.activation import LeakyReLU
from core.nn.chain import ConvChain
from core.nn.conv import Conv2d, ConvTranspose2d
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.context import ContextOrder

C, H, W = 3, 8, 12


@pytest.fixture(autouse=True)
def _operator_by_operator():
    mode = ms.get_context("mode")
    ms.set_context(mode=ms.PYNATIVE_MODE)
    yield
    ms.set_context(mode=mode)


def down():
    return ConvChain([Conv2d(C, C, 5, 2), nn.ReLU(), Conv2d(C, C, 5, 2)])


def up(outputs=C):
    return ConvChain([ConvTranspose2d(C, C, 5), nn.ReLU(), ConvTranspose2d(C, outputs, 5)])


def context(order=ContextOrder.raster, exact=False):
    layers = [Conv2d(4 * C, 4 * C, 1), LeakyReLU(0.01), Conv2d(4 * C, 2 * C, 1)]
    masked = MaskedConv2d(C, 2 * C, 5, order)
    conditional = LaplaceConditional(repels=True)
    return ContextLatent(down(), up(), BitEstimator(C), masked, ConvChain(layers), conditional, exact)


MAKERS = {
    "scales": lambda: ScaleHyperprior(down(), up(), BitEstimator(C), LaplaceConditional()),
    "gaussian scales": lambda: ScaleHyperprior(down(), up(), FactorizedPrior(C), GaussianConditional()),
    "means": lambda: MeanScaleHyperprior(down(), up(), up(), FactorizedPrior(C), GaussianConditional()),
}


def trained(make):
    """A cell whose weights are such that everything really depends on everything."""
    ms.set_seed(3)
    cell = make().set_train(False)
    rng = np.random.default_rng(1)
    for parameter in cell.get_parameters():
        if parameter.name.endswith("weight"):
            parameter.set_data(Tensor((0.3 * rng.standard_normal(parameter.shape)).astype(np.float32)))
        if parameter.name.endswith("quantiles"):
            quantiles = np.tile(np.array([-9, 0.3, 9], np.float32), (C, 1, 1))
            parameter.set_data(Tensor(quantiles))
    return cell


@pytest.fixture
def y():
    return Tensor(3 * np.random.default_rng(2).standard_normal((1, C, H, W)).astype(np.float32))


def coded(cell, latent, *known, name="tried"):
    """What was written, and what is read again from its payload; the coder knows the tables alone."""
    coder, encoder = cell.coder(cell.tables(name), name), SymbolEncoder()
    written = coder.encode(latent, encoder, *known)
    decoder = SymbolDecoder(encoder.finish())
    read = coder.decode(decoder, H, W, *known)
    decoder.finish(encoder.symbols_hash)
    return written, read, encoder


def same(ours, theirs):
    np.testing.assert_array_equal(ours.asnumpy(), theirs.asnumpy())


@pytest.mark.parametrize("prior", [BitEstimator, FactorizedPrior])
def test_a_factorised_latent(prior, y):
    cell = trained(lambda: prior(C))
    expected, likelihood = cell(y)
    symbols = cell.symbols(y)
    np.testing.assert_allclose(cell.restore(symbols).asnumpy(), expected.asnumpy(), atol=1e-6)
    bits = -np.log2(likelihood.asnumpy().astype(np.float64)).sum()
    assert float(cell.information(symbols)) == pytest.approx(bits, rel=1e-4)
    assert set(cell.tables("tried")) == {"tried.cdf", "tried.lengths", "tried.offsets"}
    written, read, _ = coded(cell, symbols)
    same(read, symbols)
    assert float(cell.information(*written.priced)) == pytest.approx(bits, rel=1e-4)


@pytest.mark.parametrize("name", MAKERS)
def test_a_hyperprior_latent(name, y):
    cell = trained(MAKERS[name])
    expected, *bits = cell(y)
    symbols = cell.symbols(y)
    np.testing.assert_allclose(cell.restore(*symbols).asnumpy(), expected.asnumpy(), atol=1e-5)
    total = sum(float(part) for part in bits)
    assert float(cell.information(*symbols)) == pytest.approx(total, rel=1e-4)
    parts = {name.split(".")[1] for name in cell.tables("tried") if name.startswith("tried.")}
    assert parts == {"prior", "scales"}
    written, read, encoder = coded(cell, symbols)
    for ours, theirs in zip(read, symbols, strict=True):
        same(ours, theirs)
    assert 8 * len(encoder.finish()) < 2 * total + 100
    assert float(cell.information(*written.priced)) == pytest.approx(total, rel=1e-4)


def test_scales_are_logarithms_where_they_come_from_magnitudes(y):
    cell = trained(MAKERS["scales"])
    z = cell.symbols(y)[0]
    np.testing.assert_allclose(
        np.log(cell.scales(z).asnumpy()), cell.synthesis(z).asnumpy(), rtol=1e-4, atol=1e-5
    )
    same(cell.symbols(y)[0], cell.symbols(-y)[0])


@pytest.mark.parametrize("order", ContextOrder)
def test_a_context_latent(order, y):
    """Under what z and something else tell of it."""
    cell = trained(lambda: context(order))
    known = Tensor(np.random.default_rng(4).standard_normal((1, C, H, W)).astype(np.float32))
    expected, bits, z_bits = cell(y, known)
    same(expected, ops.round(y))
    z = cell.hyper_symbols(y)
    side = cell.side(z, known)
    assert float(cell.prior.information(z)) == pytest.approx(float(z_bits), rel=1e-5)
    written, read, _ = coded(cell, y, side, True)
    same(read, written.values)
    np.testing.assert_allclose(read.asnumpy(), expected.asnumpy(), atol=1)
    assert float(cell.information(*written.priced)) == pytest.approx(float(bits), rel=0.1)
    written, read, _ = coded(cell, y, side)
    same(read, written.values)
    assert np.abs(read.asnumpy() - y.asnumpy()).max() < 0.51


def test_side_information_in_integers(y):
    cell = trained(lambda: context(exact=True))
    cell_side = cell.exact_side(cell.tables("tried"), "tried")
    z = cell.hyper_symbols(y)
    np.testing.assert_allclose(cell_side(z).asnumpy(), cell.side(z).asnumpy(), atol=2e-3)


@pytest.mark.parametrize("missing", ["tried.prior", "tried.scales", "laplace"])
def test_tables_are_checked(missing):
    cell = trained(MAKERS["scales"])
    tables = {name: t for name, t in cell.tables("tried").items() if not name.startswith(missing)}
    with pytest.raises(CheckpointError, match=missing):
        cell.coder(tables, "tried")
