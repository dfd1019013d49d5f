"""The transforms and their switches; the rest is tried with all codecs in tests/plugins/codecs."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.backend import Backend
from core.kernels import library
from core.nn.conv import Conv2d, ConvTranspose2d
from core.nn.gdn import GDN
from core.nn.nearest import NearestConv2d
from plugins.dvcp.config import DvcpConfig, Normalisation, Upsampling
from plugins.dvcp.normalisation import ChannelNorm
from plugins.dvcp.transforms import analysis, synthesis

SMALL = {"hidden": 4, "latent": 5, "motion": 4, "refinement": 4, "flow": 4}


@pytest.fixture(scope="module")
def picture():
    return Tensor(np.random.default_rng(2).random((2, 3, 32, 48), dtype=np.float32))


def test_channels_are_normalised():
    x = np.random.default_rng(4).standard_normal((2, 5, 3, 4)).astype(np.float32)
    norm = ChannelNorm(5)
    norm.gamma.set_data(Tensor(np.arange(1, 6, dtype=np.float32)))
    norm.beta.set_data(Tensor(np.linspace(-1, 1, 5, dtype=np.float32)))
    mean, variance = x.mean(1, keepdims=True), x.var(1, ddof=1, keepdims=True)
    gamma, beta = (p.asnumpy().reshape(1, 5, 1, 1) for p in (norm.gamma, norm.beta))
    expected = gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta
    np.testing.assert_allclose(norm(Tensor(x)).asnumpy(), expected, rtol=1e-5, atol=1e-5)


def test_our_kernel_normalises_alike(kernels):
    """With the channels last: values, and gradients of all that goes in."""
    rng = np.random.default_rng(5)
    x, dout = rng.normal(0.3, 2, (2, 2, 5, 9, 7)).astype(np.float32)
    gamma, beta = rng.normal(1, 0.5, (2, 7)).astype(np.float32)
    plain, fused = ChannelNorm(7), ChannelNorm(7)
    fused.fuse()
    results = []
    for norm, order in ((plain, (0, 3, 1, 2)), (fused, (0, 1, 2, 3))):
        norm.gamma.set_data(Tensor(gamma))
        norm.beta.set_data(Tensor(beta))
        given, weights = (Tensor(array.transpose(order)) for array in (x, dout))
        back = np.argsort(order)
        of_x, of_parameters = ms.grad(
            lambda x, c=norm, w=weights: (c(x) * w).sum(), 0, norm.trainable_params()
        )(given)
        values = (norm(given), of_x)
        results.append([v.asnumpy().transpose(back) for v in values] + [p.asnumpy() for p in of_parameters])
    assert len(results[0]) == 4
    for mine, other in zip(*results, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-5 * np.abs(other).max())


def test_threads_do_not_change_a_bit(kernels):
    rng = np.random.default_rng(6)
    given, norm = Tensor(rng.standard_normal((1, 33, 17, 6)).astype(np.float32)), ChannelNorm(6)
    norm.fuse()
    gradient = ms.grad(lambda x: (norm(x) ** 3).sum(), 0, norm.trainable_params())
    results = []
    for threads in (1, 2):
        library.start(threads)
        of_x, of_parameters = gradient(given)
        results.append([t.asnumpy() for t in (norm(given), of_x, *of_parameters)])
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("normalisation", Normalisation)
@pytest.mark.parametrize("upsampling", Upsampling)
def test_switches(picture, upsampling, normalisation, kernel):
    config = DvcpConfig(**SMALL, upsampling=upsampling, normalisation=normalisation, kernel=kernel)
    down, up = analysis(3, 4, 5, config), synthesis(5, 4, 2, config)
    latent = down(picture)
    assert latent.shape == (2, 5, 2, 3) and up(latent).shape == (2, 2, 32, 48)
    doubling = NearestConv2d if upsampling is Upsampling.nearest else ConvTranspose2d
    between = ChannelNorm if normalisation is Normalisation.channel else GDN
    assert sum(isinstance(cell, doubling) for cell in up) == 4
    for chain in (down, up):
        assert sum(isinstance(cell, between) for cell in chain) == 3
        sides = {c.kernel_size for c in chain if isinstance(c, Conv2d | ConvTranspose2d)}
        assert sides == {(kernel, kernel)}


def test_nearest_synthesis_repeats_constants():
    """What is constant stays so up to the border: there is no grid in it, as transposed convolutions leave one."""
    latent = Tensor(np.ones((1, 4, 6, 6), np.float32))
    grids = {}
    for upsampling in Upsampling:
        ms.set_seed(5)
        config = DvcpConfig(**SMALL, upsampling=upsampling)
        made = synthesis(4, 4, 3, config)(latent).asnumpy()[:, :, 40:56, 40:56]
        grids[upsampling] = np.ptp(made, axis=(2, 3)).max()
    assert grids[Upsampling.nearest] < 1e-5 < 1e-3 < grids[Upsampling.transposed]


def test_our_kernels_compute_the_same(kernels, picture):
    config = DvcpConfig(**SMALL)
    fast = analysis(3, 4, 5, config), synthesis(5, 4, 2, config)
    with Backend():
        slow = analysis(3, 4, 5, config), synthesis(5, 4, 2, config)
    x = y = picture
    for quick, plain in zip(fast, slow, strict=True):
        for ours, theirs in zip(quick.get_parameters(), plain.get_parameters(), strict=True):
            assert ours.name == theirs.name
            theirs.set_data(ours)
        x, y = quick(x), plain(y)
        # Normalisation divides by deviations of about a tenth.
        np.testing.assert_allclose(x.asnumpy(), y.asnumpy(), rtol=1e-4, atol=1e-4)
