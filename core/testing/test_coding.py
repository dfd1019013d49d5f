"""The plugin's codecs: what is decoded is what the encoder said, for any size, depth and place to begin."""

from __future__ import annotations

import numpy as np
import pytest

from core.codec.decoded_pictures import checksum
from core.coding.clips import decode_packets
from core.coding.frames import StreamDecoder
from core.errors import MediaError
from core.hooks import (
    CodedFrame,
    DecodedFrame,
    Packet,
    PacketType,
    PictureFormat,
)
from core.selection import codec_of
from core.testing.cases import Case
from core.testing.damage import in_order_of_display
from core.testing.material import COUNT, HEIGHT, WIDTH, moving_frames, stream_header, write_stream

FORMAT = PictureFormat(WIDTH, HEIGHT)


def test_decoding_gives_the_encoder_s_pictures(coder: Case) -> None:
    """All frames, in order of display, each with the samples and the checksum that the encoder gave it."""
    shown = decoded(coder, FORMAT, [frame.packet for frame in coder.coded])
    require_the_same(shown, coder.coded)
    assert [frame.time for frame in shown] == list(range(COUNT))


@pytest.mark.usefixtures("pynative")
@pytest.mark.parametrize(("width", "height", "depth"), [(1, 1, 8), (17, 31, 8), (20, 12, 10)])
def test_sizes_and_depths(coder: Case, width: int, height: int, depth: int) -> None:
    """The smallest picture, an odd one, and one of 10 bits."""
    format = PictureFormat(width, height, depth)
    try:
        coded = coder.encode(moving_frames(4, height, width), format)
    except MediaError as error:
        if not codec_of(coder.run).is_conventional:
            raise
        pytest.skip(f"the encoder of others refuses: {error}")
    shown = decoded(coder, format, [frame.packet for frame in coded])
    require_the_same(shown, coded)
    assert all(frame.picture.shape == (3, height, width) for frame in shown)
    assert {frame.picture.dtype for frame in shown} == {np.dtype(np.uint8 if depth == 8 else np.uint16)}


def test_other_frames_are_other_packets(coder: Case) -> None:
    """What is coded is the video, not a constant."""
    other = coder.encode(moving_frames(COUNT, HEIGHT, WIDTH, seed=9), FORMAT)
    assert [frame.packet.payload for frame in other] != [frame.packet.payload for frame in coder.coded]


def test_every_packet_has_a_time_of_its_own(coder: Case) -> None:
    """The first is an intra packet; groups are closed: an intra frame is shown after all before its packet."""
    packets = [frame.packet for frame in coder.coded]
    assert packets[0].type is PacketType.INTRA
    assert sorted(packet.time for packet in packets) == list(range(COUNT))
    latest = -1
    for packet in packets:
        assert packet.type is not PacketType.INTRA or (packet.payload and packet.time > latest)
        latest = max(latest, packet.time)


def test_decoding_can_begin_at_any_intra_packet(coder: Case) -> None:
    """A fresh decoder shows the frames from there on."""
    for number, frame in enumerate(coder.coded):
        if frame.packet.type is PacketType.INTRA:
            rest = coder.coded[number:]
            require_the_same(decoded(coder, FORMAT, [item.packet for item in rest]), rest)


def test_a_stream_of_it_decodes(coder: Case) -> None:
    """Through the container, whose checks all hold."""
    path, loaded = coder.folder / "whole.mdv", coder.codec
    header = stream_header(
        codec=loaded.name, fingerprint=loaded.fingerprint, gop=loaded.gop, arithmetic=loaded.arithmetic
    )
    write_stream(path, header, [frame.packet for frame in coder.coded])
    with StreamDecoder(path, loaded) as stream:
        require_the_same(list(stream.frames()), coder.coded)
        assert stream.drifted == 0


def test_coding_again_gives_the_same_bytes(coder: Case) -> None:
    """Nothing of an encoder lives on in the next one."""
    again = coder.encode(moving_frames(COUNT, HEIGHT, WIDTH), FORMAT)
    assert [frame.packet for frame in again] == [frame.packet for frame in coder.coded]


def test_estimates_are_made_on_request(coder: Case) -> None:
    """The information of the symbols under the float priors; the bytes do not depend on it."""
    if codec_of(coder.run).is_conventional:
        pytest.skip("a codec without a network has no float priors")
    estimated = coder.encode(moving_frames(COUNT, HEIGHT, WIDTH), FORMAT, estimate=True)
    assert [frame.packet for frame in estimated] == [frame.packet for frame in coder.coded]
    assert all((frame.estimated_bits or 0) > 0 for frame in estimated if frame.packet.payload)
    assert all(frame.estimated_bits is None for frame in coder.coded)


def test_frames_of_another_size_are_refused(coder: Case) -> None:
    """With a sentence, not a traceback."""
    encoder = coder.codec.codec.encoder(FORMAT)
    with pytest.raises(MediaError):
        encoder.encode(moving_frames(1, HEIGHT, WIDTH + 1)[0], 0, True)


def decoded(case: Case, format: PictureFormat, packets: list[Packet]) -> list[DecodedFrame]:
    """What a fresh decoder shows."""
    return decode_packets(case.codec.codec, format, packets)


def require_the_same(shown: list[DecodedFrame], coded: list[CodedFrame]) -> None:
    """Fail unless the frames are those coded, in order of display."""
    packets = sorted((frame.packet for frame in coded), key=lambda packet: packet.time)
    assert [frame.time for frame in shown] == [packet.time for packet in packets]
    for frame, packet, picture in zip(shown, packets, in_order_of_display(coded), strict=True):
        np.testing.assert_array_equal(frame.picture, picture)
        assert checksum(frame.picture) == packet.picture
