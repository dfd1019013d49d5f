"""What SSFVC's packets hold; that they decode is tried with all codecs in tests/plugins/codecs."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.errors import CheckpointError
from core.hooks import Coding, PictureFormat, Supervision
from plugins.ssfvc.config import SsfvcCodecConfig
from plugins.ssfvc.plugin import CODEC

from ..codecs.material import build_frames, encoded, mode
from .conftest import build_network


@pytest.fixture(scope="module", autouse=True)
def _graph_mode():
    with mode(ms.GRAPH_MODE):
        yield


@pytest.fixture(scope="module")
def codec():
    network = build_network()
    return CODEC.build(SsfvcCodecConfig(), network, CODEC.tables(network))


def test_pictures_are_those_of_the_network(codec):
    """Each from the picture before, to less than a rounding step and a little."""
    network, frames = build_network(), build_frames(3)
    coded = encoded(codec, PictureFormat(128, 128), frames, estimate=True)
    with mode(ms.PYNATIVE_MODE):
        passes = [network.code_intra(Tensor(frames[:1]))]
        for frame, before in zip(frames[1:], coded, strict=False):
            reference = Tensor(before.picture[None].astype(np.float32) / 255)
            passes.append(network.code_inter(Tensor(frame[None]), reference))
    for item, (expected, bits) in zip(coded, passes, strict=True):
        samples = 255 * np.clip(expected.asnumpy()[0], 0, 1)
        assert np.abs(item.picture - samples).max() < 0.51
        assert item.picture.std() > 5
        assert item.estimated_bits == pytest.approx(float(bits), rel=1e-5)
        # Random latents do not follow their priors; escapes cost less than their floor of 1e-9 says.
        assert 8 * len(item.packet.payload) == pytest.approx(item.estimated_bits, rel=0.15)


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [("analysis", np.inf, "latents"), ("analysis", 1e12, "latents"), ("synthesis", np.nan, "picture")],
)
def test_a_diverged_network_is_named(part, value, words):
    network = build_network()
    tables = CODEC.tables(network)
    bias = getattr(network.image, part)[-1].bias
    bias.set_data(Tensor(np.full(bias.shape, value, np.float32)))
    codec = CODEC.build(SsfvcCodecConfig(), network, tables)
    with pytest.raises(CheckpointError, match=f"{words}.*diverged"):
        encoded(codec, PictureFormat(8, 8), build_frames(1, 8, 8))


def test_tables_are_checked():
    network = build_network()
    tables = dict(CODEC.tables(network))
    del tables["motion.scales.form"]
    with pytest.raises(CheckpointError, match=r"motion\.scales"):
        CODEC.build(SsfvcCodecConfig(), network, tables)


def test_where_it_stands_among_codecs():
    assert CODEC.coding is Coding.RESIDUAL and CODEC.supervision is Supervision.OBJECTIVE
