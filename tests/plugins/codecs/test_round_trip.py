"""Packets decode to the encoder's pictures; damage and misuse end in the right errors."""

import zlib
from dataclasses import replace

import mindspore as ms
import numpy as np
import pytest

from core.errors import MediaError, StreamError
from core.hooks import PacketType, PictureFormat

from .cases import CASES, OTHER_STRUCTURES, WRAPPED
from .material import build_frames, decoded, encoded, mode

INTRA, INTER = PacketType.INTRA, PacketType.INTER


@pytest.fixture(scope="module", autouse=True)
def _graph_mode():
    with mode(ms.GRAPH_MODE):
        yield


ALL = {**CASES, **OTHER_STRUCTURES, **WRAPPED}
LONG = {"dcvcuf_published", "dcvcuf_htl"}
"""Where others are nearly the same, and graphs take long to compile."""
NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in ALL]


@pytest.fixture(scope="module", params=NAMES)
def case(request):
    return ALL[request.param]


@pytest.fixture(scope="module")
def codec(case):
    return case.codec()


@pytest.mark.parametrize(
    ("size", "count", "gop"),
    [
        (lambda m: (1, 1), 2, 0),
        (lambda m: (17, 31), 13, 12),
        (lambda m: (m, m), 13, 0),
        (lambda m: (m - 1, m - 2), 3, 1),
        pytest.param(lambda m: (m + 2, m // 2 + 6), 5, 2, marks=pytest.mark.slow),
        (lambda m: (m + 1, 1), 1, 12),
    ],
    ids=["1x1", "odd", "whole", "intra", "wider", "row"],
)
def test_round_trip(case, codec, size, count, gop):
    width, height = size(case.multiple)
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


def test_estimates_are_made_on_request(case, codec):
    format, frames = (
        PictureFormat(case.multiple, case.multiple),
        build_frames(2, *[case.multiple] * 2),
    )
    plain, estimated = encoded(codec, format, frames), encoded(codec, format, frames, estimate=True)
    assert [c.packet for c in plain] == [c.packet for c in estimated]
    assert [c.estimated_bits for c in plain] == [None, None]
    assert all(c.estimated_bits > 0 for c in estimated)


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
        assert np.abs(difference).mean() < 0.01
    assert any((c.picture % 2 ** (depth - 8)).any() for c in coded)


def test_the_first_frame_is_intra_in_any_case(codec):
    encoder = codec.encoder(PictureFormat(9, 9))
    (item,) = [*encoder.encode(build_frames(1, 9, 9)[0], 0, intra=False), *encoder.flush()]
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
    for item in [item for item in coded if item.packet.payload][:2]:
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


def test_coding_leaves_the_parameters_their_names(case):
    network = case.network()
    before = [parameter.name for parameter in network.get_parameters()]
    case.codec(network)
    assert [parameter.name for parameter in network.get_parameters()] == before
