"""What the compact codec promises: a classical start that codes, and one network for all qualities."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.data.clips import EMBEDDED
from core.hooks import PictureFormat
from core.media.reader import open_video
from core.training.checkpoint import MODEL, Checkpoint, assign
from plugins.compact.cells import Compact
from plugins.compact.classical import haar, transform
from plugins.compact.config import CompactCodecConfig, CompactConfig
from plugins.compact.plugin import CODEC
from plugins.compact.published import WEIGHTS

from ..codecs.material import build_frames, decoded, encoded, mode, psnr
from .conftest import build_network


@pytest.fixture(scope="module", autouse=True)
def _graph_mode():
    with mode(ms.GRAPH_MODE):
        yield


def codec_of(network, **options):
    return CODEC.build(CompactCodecConfig(**options), network, CODEC.tables(network))


@pytest.fixture(scope="module")
def codec():
    """One for all tests, which compiles its stages once."""
    return codec_of(build_network(), cascade=[0, -9, 3])


@pytest.mark.parametrize(("channels", "trunk"), [(48, 32), (192, 96)])
def test_the_start_is_an_orthogonal_transform(channels, trunk):
    for weights in (transform(trunk), haar(channels, trunk)):
        np.testing.assert_allclose(weights @ weights.T, np.eye(len(weights)), atol=1e-12)


def test_an_untrained_network_codes_film(kernels):
    """At least 30 dB under one bit a pixel, of a clip that came from a camera."""
    with open_video(EMBEDDED / "box_handheld.mp4") as video:
        frames = [frame.rgb[:, :192, :256] for _, frame in zip(range(4), video, strict=False)]
    coded = encoded(codec_of(Compact(CompactConfig()), quality=44), PictureFormat(256, 192), frames)
    quality = [psnr(item.picture, 255 * frame) for item, frame in zip(coded, frames, strict=True)]
    bpp = 8 * sum(len(item.packet.payload) for item in coded) / (4 * 192 * 256)
    assert min(quality) >= 30 and bpp < 1, (quality, bpp)


def test_quality_decides_bytes_and_error_of_the_weights_that_come_along(kernels):
    """Of film: each is worth its bytes."""
    (entry,) = WEIGHTS
    checkpoint = Checkpoint.open(entry.file)
    network = Compact(checkpoint.options("compact", CompactConfig))
    assign(network, checkpoint.part(MODEL), entry.file)
    codec = codec_of(network.set_train(False))
    with open_video(EMBEDDED / "box_handheld.mp4") as video:
        frames = [frame.rgb[:, :128, :192] for _, frame in zip(range(3), video, strict=False)]
    sizes, quality = [], []
    for chosen in (0, 30, 63):
        coded = encoded(codec.at(chosen), PictureFormat(192, 128), frames)
        sizes.append(sum(len(item.packet.payload) for item in coded))
        quality.append(
            min(psnr(item.picture, 255 * frame) for item, frame in zip(coded, frames, strict=True))
        )
    assert sizes[0] < sizes[1] / 2 < sizes[2] / 4
    assert quality[0] + 3 < quality[1] < quality[2] - 3 and quality[1] > 30, quality


@pytest.mark.slow
def test_the_decoder_need_not_be_told_the_quality(codec):
    format, frames = PictureFormat(64, 64), build_frames(5, 64, 64)
    coded, player = encoded(codec.at(50), format, frames), codec.at(1)
    player.config.cascade = []
    shown = decoded(player, format, [item.packet for item in coded])
    for ours, theirs in zip(shown, coded, strict=True):
        np.testing.assert_array_equal(ours.picture, theirs.picture)


@pytest.mark.parametrize(
    ("quality", "cascade", "told"),
    [(32, [0, -7, -2, -7], [32, 25, 30, 25, 32, 25]), (3, [0, -7], [3, 0, 3, 0, 3, 0]), (63, [], [63] * 6)],
)
def test_qualities_of_a_group(quality, cascade, told):
    config = CompactCodecConfig(quality=quality, cascade=cascade)
    assert [config.quality_at(place) for place in range(6)] == told


def test_the_feature_is_part_of_the_state(codec):
    """Another one gives another picture from the same packet, which otherwise gives the same to the last bit."""
    format, frames = PictureFormat(64, 64), build_frames(2, 64, 64)
    coded = encoded(codec, format, frames)
    reader = codec.reader(coded[0].packet.payload, 64, 64)
    _, (picture, feature, place) = codec.decode_intra(reader)
    pictures = []
    for factor in (1, 1, 2):
        packet = codec.reader(coded[1].packet.payload, 64, 64)
        made, _ = codec.decode(packet, (picture, Tensor(factor * feature.asnumpy()), place))
        pictures.append(made.asnumpy())
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert (pictures[0] != pictures[2]).any()
