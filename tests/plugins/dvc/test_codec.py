"""What DVC's packets hold; that they decode is tried with all codecs in tests/plugins/codecs."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.hooks import PictureFormat
from core.media.hevc import Hevc
from core.symbols.integer import IntegerNetwork
from core.symbols.tables import LAPLACE_SCALES, table_index
from plugins.dvc.config import DvcCodecConfig
from plugins.dvc.plugin import CODEC

from ..codecs.material import build_frames, encoded, intra_codec, mode, psnr
from .conftest import build_network

FORMAT = PictureFormat(64, 64)


@pytest.fixture(scope="module", autouse=True)
def _graph_mode():
    with mode(ms.GRAPH_MODE):
        yield


@pytest.fixture(scope="module")
def network():
    return build_network()


@pytest.fixture(scope="module")
def make_codec(network):
    tables = CODEC.tables(network)

    def make(intra=None, **options):
        return CODEC.build(DvcCodecConfig(**options), network, tables, intra or intra_codec())

    return make


@pytest.fixture(scope="module")
def codec(make_codec):
    return make_codec()


@pytest.fixture(scope="module")
def frames():
    return build_frames(4, 64, 64)


def test_tables_are_those_of_the_float_scales(network):
    """Chosen in integers, from the hyper synthesis without its exponential."""
    rng = np.random.default_rng(3)
    z = rng.integers(-4, 5, (network.config.hidden, 6, 5)).astype(np.int32)
    ours = IntegerNetwork.from_arrays(CODEC.tables(network), "residual.scales")(z)
    scales = network.residual.hyperprior.scales(Tensor(z[None].astype(np.float32))).asnumpy()[0]
    expected = table_index(scales, LAPLACE_SCALES)
    assert ours.shape == expected.shape and len(np.unique(expected)) > 5
    # Float scales and 15-bit weights part where a scale lies next to a table's.
    assert (ours != expected).mean() < 0.01
    assert np.abs(ours.astype(int) - expected).max() <= 1


def test_the_quality_of_intra_frames_goes_with_the_weight(make_codec, frames):
    grey = np.repeat(frames[:1, :1], 3, 1)  # colours are sampled more coarsely, at any quality
    qualities = []
    for lmbda, intra in ((256.0, Hevc()), (2048.0, Hevc()), (256.0, Hevc(crf=4.0))):
        (item,) = encoded(make_codec(intra_codec("hevc", intra), lmbda=lmbda), FORMAT, grey)
        qualities.append(psnr(item.picture, 255 * grey[0]))
    assert sorted(qualities) == qualities and qualities[0] < qualities[1] - 1
