"""Scales that z and the quality alone tell: a codec's are those that were trained, and both count."""

import numpy as np
import pytest
from mindspore import Tensor

from plugins.dcvcuf import plugin
from plugins.dcvcuf.config import DcvcUfCodecConfig

from ..codecs.material import intra_codec
from .conftest import build_network

Z = np.random.default_rng(4).integers(-3, 4, (1, 4, 2, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    return build_network(quality_scales=True)


@pytest.fixture(scope="module")
def codec(network):
    return plugin.CODEC.build(DcvcUfCodecConfig(), network, plugin.CODEC.tables(network), intra_codec("png"))


@pytest.mark.parametrize("quality", [0, 40, 63])
def test_they_are_those_of_the_network(network, codec, quality):
    trained = network.latent(Tensor(Z), Tensor(np.array([quality], np.int32))).asnumpy()[:, :, :7, :5]
    exact = codec.exact_scales(Tensor(Z), quality, 7, 5)
    assert exact.dtype == np.float32 and exact.flags["C_CONTIGUOUS"]
    np.testing.assert_allclose(exact, trained, atol=2e-3 * np.abs(trained).max())


def test_qualities_have_their_own(codec):
    coarse, fine = (codec.exact_scales(Tensor(Z), quality, 8, 8) for quality in (0, 63))
    factors = codec.rows["q_scales"][:, :, None, None]
    assert (factors[63] > 1.2 * factors[0]).all()
    np.testing.assert_allclose(fine * factors[0], coarse * factors[63], rtol=1e-6)


def test_older_networks_have_none():
    network = build_network()
    assert network.latent.q_scales is None
    assert all(not name.endswith("q_scales") for name in network.parameters_dict())
