"""What the compact codec promises: a classical start that codes, one network for all qualities, pictures for
others."""

from dataclasses import replace

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.config import entry_section
from core.data.clips import EMBEDDED
from core.hooks import PictureFormat
from core.media.reader import open_video
from core.training.checkpoint import MODEL, Checkpoint, tensors_of
from plugins.compact.cells import Compact
from plugins.compact.classical import haar, transform
from plugins.compact.config import CompactCodecConfig, CompactConfig, CompactIntraConfig
from plugins.compact.plugin import CODEC, INTRA

from ..codecs.material import build_frames, decoded, encoded, intra_codec, mode, psnr
from .conftest import build_network


@pytest.fixture(scope="module", autouse=True)
def _graph_mode():
    with mode(ms.GRAPH_MODE):
        yield


@pytest.fixture(scope="module")
def network():
    return build_network()


def codec_of(network, **options):
    return CODEC.build(CompactCodecConfig(**options), network, CODEC.tables(network))


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


def test_quality_decides_bytes_and_error(network):
    format, frames = PictureFormat(64, 64), build_frames(2, 64, 64)
    sizes, errors = [], []
    for quality in (0, 30, 63):
        coded = encoded(codec_of(network, quality=quality), format, frames)
        sizes.append(sum(len(item.packet.payload) for item in coded))
        errors.append(np.abs(coded[0].picture / 255 - frames[0]).mean())
    assert sizes == sorted(sizes) and sizes[0] < sizes[2]
    assert errors[2] < errors[0]


def test_the_decoder_need_not_be_told_the_quality(network):
    format, frames = PictureFormat(64, 64), build_frames(5, 64, 64)
    coded = encoded(codec_of(network, quality=50, cascade=[0, -9, 3]), format, frames)
    shown = decoded(codec_of(network, quality=1), format, [item.packet for item in coded])
    for ours, theirs in zip(shown, coded, strict=True):
        np.testing.assert_array_equal(ours.picture, theirs.picture)


def test_quality_may_change_from_frame_to_frame(network):
    """By encoders of one codec at several qualities, whose packets make one stream."""
    codec, format, frames = codec_of(network), PictureFormat(64, 64), build_frames(4, 64, 64)
    packets = []
    for number, quality in enumerate((10, 50)):
        group = encoded(codec.at(quality), format, frames[2 * number :][:2])
        packets += [replace(item.packet, time=6 * number + item.packet.time) for item in group]
    assert codec.config.quality == 32
    sizes = [len(packet.payload) for packet in packets]
    assert sizes[2] > sizes[0]
    assert len(decoded(codec, format, packets)) == 4


@pytest.mark.parametrize(
    ("quality", "cascade", "told"),
    [(32, [0, -7, -2, -7], [32, 25, 30, 25, 32, 25]), (3, [0, -7], [3, 0, 3, 0, 3, 0]), (63, [], [63] * 6)],
)
def test_qualities_of_a_group(quality, cascade, told):
    config = CompactCodecConfig(quality=quality, cascade=cascade)
    assert [config.quality_at(place) for place in range(6)] == told


def test_the_feature_is_part_of_the_state(network):
    """Another one gives another picture from the same packet, which otherwise gives the same to the last bit."""
    codec, format, frames = codec_of(network), PictureFormat(64, 64), build_frames(2, 64, 64)
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


def test_it_codes_pictures_for_others(network, tmp_path):
    section = {"model": "compact", **entry_section(network.config)}
    weights = Checkpoint(tmp_path / "compact.safetensors", tensors_of(network, MODEL), section, {}, {})
    weights.with_tables(CODEC.tables(network)).save()
    pictures = INTRA.build(CompactIntraConfig(str(weights.path), quality=40))
    format, frame = PictureFormat(60, 44), build_frames(1, 44, 60)[0]
    others = intra_codec("compact", pictures)
    payload = others.encode(frame, format, crf=20)
    fresh = INTRA.build(CompactIntraConfig(str(weights.path), quality=1))
    np.testing.assert_array_equal(fresh.decode(payload[8:], format), others.decode(payload, format))
