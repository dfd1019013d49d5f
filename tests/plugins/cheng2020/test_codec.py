"""Pictures to bytes and back: as frames of a stream of its own, and as intra frames of another codec."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.hooks import PacketType, PictureFormat
from plugins.cheng2020.config import Cheng2020CodecConfig
from plugins.cheng2020.plugin import CODEC

from ..codecs.material import build_frames, decoded, encoded, mode
from .conftest import build_network

FORMAT = PictureFormat(100, 44)


@pytest.fixture(scope="module", autouse=True)
def _graph_mode():
    with mode(ms.GRAPH_MODE):
        yield


@pytest.fixture(scope="module")
def network():
    return build_network()


@pytest.fixture(scope="module")
def frames():
    return build_frames(2, 44, 100)


def test_round_trip(network, frames):
    """Every frame by itself, at a size that is padded; the decoder shows the encoder's pictures."""
    codec = CODEC.build(Cheng2020CodecConfig(), network, CODEC.tables(network))
    coded = encoded(codec, FORMAT, frames, estimate=True)
    assert [item.packet.type for item in coded] == [PacketType.INTRA] * 2
    for item in coded:
        assert item.picture.shape == (3, 44, 100) and item.picture.std() > 1
        assert 8 * len(item.packet.payload) == pytest.approx(item.estimated_bits, rel=0.1)
    shown = decoded(codec, FORMAT, [item.packet for item in coded[::-1]])
    for item, frame in zip(coded[::-1], shown, strict=True):
        np.testing.assert_array_equal(frame.picture, item.picture)


def test_real_coding_is_near_the_estimate(network, frames):
    """The estimate rounds y, real coding its distance from the mean."""
    codec = CODEC.build(Cheng2020CodecConfig(), network, CODEC.tables(network))
    (item,) = encoded(codec, PictureFormat(64, 64), build_frames(1, 64, 64), estimate=True)
    with mode(ms.PYNATIVE_MODE):
        _, bits = network(Tensor(build_frames(1, 64, 64)[None]))
    assert item.estimated_bits == pytest.approx(float(bits), rel=0.05)
