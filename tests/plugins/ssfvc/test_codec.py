"""Packets decode to the encoder's pictures; damage and misuse end in the right errors."""

import zlib
from contextlib import contextmanager
from dataclasses import replace

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.errors import CheckpointError, MediaError, StreamError
from core.hooks import Coding, PacketType, PictureFormat, Supervision
from plugins.ssfvc.plugin import CODEC, SsfvcCodecConfig

from .conftest import build_frames, build_network

INTRA, INTER = PacketType.INTRA, PacketType.INTER


@pytest.fixture(scope="module", autouse=True)
def _graph_mode():
    with _mode(ms.GRAPH_MODE):
        yield


@contextmanager
def _mode(mode):
    before = ms.get_context("mode")
    ms.set_context(mode=mode)
    yield
    ms.set_context(mode=before)


@pytest.fixture(scope="module")
def codec():
    network = build_network()
    return CODEC.build(SsfvcCodecConfig(), network, CODEC.tables(network))


def encoded(codec, format, frames, gop=0, **options):
    encoder = codec.encoder(format, **options)
    coded = []
    for time, frame in enumerate(frames):
        intra = time == 0 or (gop > 0 and time % gop == 0)
        coded += encoder.encode(frame, 3 * time, intra)
    return [*coded, *encoder.flush()]


def decoded(codec, format, packets):
    decoder = codec.decoder(format)
    shown = [frame for packet in packets for frame in decoder.decode(packet)]
    return [*shown, *decoder.flush()]


@pytest.mark.parametrize(
    ("width", "height", "count", "gop"),
    [(1, 1, 2, 0), (17, 31, 13, 12), (128, 128, 13, 0), (127, 126, 3, 1), (130, 70, 5, 2), (129, 1, 1, 12)],
)
def test_round_trip(codec, width, height, count, gop):
    format, frames = PictureFormat(width, height), build_frames(count, height, width)
    coded = encoded(codec, format, frames, gop)
    kinds = [INTRA if t == 0 or (gop and t % gop == 0) else INTER for t in range(count)]
    assert [c.packet.type for c in coded] == kinds
    shown = decoded(codec, format, [c.packet for c in coded])
    assert [frame.time for frame in shown] == [3 * t for t in range(count)]
    for ours, theirs in zip(shown, coded, strict=True):
        assert ours.picture.dtype == np.uint8 and ours.picture.shape == (3, height, width)
        np.testing.assert_array_equal(ours.picture, theirs.picture)
        assert zlib.crc32(ours.picture.tobytes()) == theirs.packet.picture


def test_pictures_are_those_of_the_network(codec):
    """Each from the picture before, to less than a rounding step and a little."""
    network, frames = build_network(), build_frames(3)
    coded = encoded(codec, PictureFormat(128, 128), frames, estimate=True)
    with _mode(ms.PYNATIVE_MODE):
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


def test_estimates_are_made_on_request(codec):
    frames = build_frames(2)
    plain = encoded(codec, PictureFormat(128, 128), frames)
    estimated = encoded(codec, PictureFormat(128, 128), frames, estimate=True)
    assert [c.packet for c in plain] == [c.packet for c in estimated]
    assert [c.estimated_bits for c in plain] == [None, None]


@pytest.mark.parametrize("depth", [10, 16])
def test_deeper_pictures(codec, depth):
    format, frames = PictureFormat(20, 12, depth), build_frames(3, 12, 20)
    coded = encoded(codec, format, frames)
    shown = decoded(codec, format, [c.packet for c in coded])
    eight = encoded(codec, PictureFormat(20, 12), frames)
    for ours, theirs, coarse in zip(shown, coded, eight, strict=True):
        assert ours.picture.dtype == np.uint16 and ours.picture.max() < 2**depth
        np.testing.assert_array_equal(ours.picture, theirs.picture)
        assert zlib.crc32(ours.picture.astype("<u2").tobytes()) == theirs.packet.picture
        difference = ours.picture / (2**depth - 1) - coarse.picture / 255
        assert np.abs(difference).max() < 0.02
    assert any((c.picture % 2 ** (depth - 8)).any() for c in coded)


def test_the_first_frame_is_intra_in_any_case(codec):
    (item,) = codec.encoder(PictureFormat(9, 9)).encode(build_frames(1, 9, 9)[0], 0, intra=False)
    assert item.packet.type is INTRA


def test_an_inter_packet_needs_a_picture(codec):
    format = PictureFormat(40, 30)
    coded = encoded(codec, format, build_frames(3, 30, 40))
    with pytest.raises(StreamError, match="begin at an intra packet"):
        codec.decoder(format).decode(coded[1].packet)


def test_damage_is_noticed_and_ends_at_the_next_intra_packet(codec):
    format = PictureFormat(40, 30)
    coded = encoded(codec, format, build_frames(4, 30, 40), gop=3)
    rng = np.random.default_rng(4)
    for item in coded[:2]:
        for damaged in _damaged(item.packet, rng):
            decoder = codec.decoder(format)
            if damaged.type is INTER:
                decoder.decode(coded[0].packet)
            with pytest.raises(StreamError):
                decoder.decode(damaged)
            with pytest.raises(StreamError, match="intra"):
                decoder.decode(coded[2].packet)
            (frame,) = decoder.decode(coded[3].packet)
            np.testing.assert_array_equal(frame.picture, coded[3].picture)


def _damaged(packet, rng):
    payload = packet.payload
    yield replace(packet, payload=b"")
    yield replace(packet, payload=payload[: len(payload) // 2])
    yield replace(packet, payload=rng.bytes(len(payload)))
    yield replace(packet, symbols=packet.symbols ^ 1)
    for at in rng.integers(0, len(payload) - 8, 4):
        yield replace(packet, payload=payload[:at] + bytes([payload[at] ^ 0x10]) + payload[at + 1 :])


def test_frames_of_another_size_are_refused(codec):
    with pytest.raises(MediaError, match=r"16x8 .* 8x16"):
        codec.encoder(PictureFormat(8, 16)).encode(build_frames(1, 8, 16)[0], 0, True)


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
