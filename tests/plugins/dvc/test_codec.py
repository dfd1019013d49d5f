"""What DVC's packets hold; that they decode is tried with all codecs in tests/plugins/codecs."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.errors import CheckpointError
from core.hooks import Coding, PictureFormat, Supervision
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


def test_pictures_are_those_of_the_network(codec, frames):
    """Each from the picture before, to less than a rounding step and a little."""
    coded = encoded(codec, FORMAT, frames, estimate=True)
    network = build_network()
    for frame, before, item in zip(frames[1:], coded[:-1], coded[1:], strict=True):
        reference = Tensor(before.picture[None].astype(np.float32) / 255)
        with mode(ms.PYNATIVE_MODE):
            expected, _, costs = network(Tensor(frame[None]), reference)
        samples = 255 * np.clip(expected.asnumpy()[0], 0, 1)
        assert np.abs(item.picture - samples).max() < 0.51
        assert item.picture.std() > 5
        assert item.estimated_bits == pytest.approx(sum(float(cost) for cost in costs), rel=1e-5)
        assert 8 * len(item.packet.payload) == pytest.approx(item.estimated_bits, rel=0.15)


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


def test_intra_frames_without_loss(make_codec, frames):
    (item,) = encoded(make_codec(intra_codec("png")), FORMAT, frames[:1])
    np.testing.assert_array_equal(item.picture, np.rint(255 * frames[0]))
    assert item.packet.payload.startswith(b"\x03png")


def test_the_quality_of_intra_frames_goes_with_the_weight(make_codec, frames):
    grey = np.repeat(frames[:1, :1], 3, 1)  # colours are sampled more coarsely, at any quality
    qualities = []
    for lmbda, intra in ((256.0, Hevc()), (2048.0, Hevc()), (256.0, Hevc(crf=4.0))):
        (item,) = encoded(make_codec(intra_codec("hevc", intra), lmbda=lmbda), FORMAT, grey)
        qualities.append(psnr(item.picture, 255 * grey[0]))
    assert sorted(qualities) == qualities and qualities[0] < qualities[1] - 1


@pytest.mark.parametrize(
    ("lmbda", "crf"), [(256, 29), (512, 26), (1024, 23), (2048, 20), (1, 51), (1 << 20, 0)]
)
def test_published_rate_factors(lmbda, crf):
    assert DvcCodecConfig(lmbda=float(lmbda)).crf == pytest.approx(crf)


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("motion.analysis", np.inf, "latents"),
        ("residual.analysis", 1e12, "latents"),
        ("residual.synthesis", np.nan, "picture"),
    ],
)
def test_a_diverged_network_is_named(part, value, words):
    network = build_network()
    tables = CODEC.tables(network)
    cell = network
    for name in part.split("."):
        cell = getattr(cell, name)
    cell[-1].bias.set_data(Tensor(np.full(cell[-1].bias.shape, value, np.float32)))
    codec = CODEC.build(DvcCodecConfig(), network, tables, intra_codec())
    with mode(ms.PYNATIVE_MODE), pytest.raises(CheckpointError, match=f"{words}.*diverged"):
        encoded(codec, PictureFormat(8, 8), build_frames(2, 8, 8))


@pytest.mark.parametrize("name", ["motion.prior", "residual.prior", "laplace", "residual.scales"])
def test_tables_are_checked(network, name):
    tables = {key: table for key, table in CODEC.tables(network).items() if not key.startswith(name)}
    with pytest.raises(CheckpointError, match=name):
        CODEC.build(DvcCodecConfig(), network, tables, intra_codec())


@pytest.mark.parametrize(("option", "value"), [("lmbda", 0.0), ("gop", -1)])
def test_wrong_options_are_named(option, value):
    with pytest.raises(ValueError, match=option):
        DvcCodecConfig(**{option: value})


def test_where_it_stands_among_codecs():
    assert CODEC.coding is Coding.RESIDUAL and CODEC.supervision is Supervision.OBJECTIVE
