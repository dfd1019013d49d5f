"""One-way codecs around coding that can be checked by hand: differences to the reference, in steps of 1/8."""

import zlib

import numpy as np
import pytest
from core.codec.unidirectional import UnidirectionalDecoder, UnidirectionalEncoder

from core.codec.coded import Coded
from core.errors import MediaError, StreamError
from core.hooks import PacketType, PictureFormat

FORMAT, MULTIPLE = PictureFormat(5, 3), 4


class Encoder(UnidirectionalEncoder):
    def __init__(self):
        super().__init__(FORMAT, MULTIPLE)
        self.seen = []

    def _intra(self, frame):
        self.seen.append((frame, None))
        return coded(frame, 0)

    def _inter(self, frame, reference):
        frame, reference = frame.asnumpy()[0], reference.asnumpy()[0]
        self.seen.append((frame, reference))
        return coded(frame, reference)


def coded(frame, reference):
    steps = np.rint(8 * (frame - reference)).astype(np.int8)
    return Coded(steps.tobytes(), zlib.crc32(steps.tobytes()), steps / np.float32(8) + reference, 7.0)


class Decoder(UnidirectionalDecoder):
    def __init__(self):
        super().__init__(FORMAT, MULTIPLE)

    def _intra(self, packet):
        return self._steps(packet)

    def _inter(self, packet, reference):
        return self._steps(packet) + reference.asnumpy()[0]

    def _steps(self, packet):
        if zlib.crc32(packet.payload) != packet.symbols:
            raise StreamError("damaged")
        return np.frombuffer(packet.payload, np.int8).reshape(3, 4, 8) / np.float32(8)


@pytest.fixture
def frames():
    return np.random.default_rng(0).random((4, 3, 3, 5), dtype=np.float32)


@pytest.fixture
def made(frames):
    """The encoder, and what it made of four frames, of which the last is intra again."""
    encoder = Encoder()
    return encoder, [item for t, frame in enumerate(frames) for item in encoder.encode(frame, t, t == 3)]


def test_frames_refer_to_decoded_pictures(frames, made):
    encoder, items = made
    assert [item.packet.type for item in items] == [
        PacketType.INTRA,
        *[PacketType.INTER] * 2,
        PacketType.INTRA,
    ]
    assert [item.estimated_bits for item in items] == [7.0] * 4 and encoder.flush() == []
    for number, (frame, reference) in enumerate(encoder.seen):
        np.testing.assert_array_equal(frame, np.pad(frames[number], ((0, 0), (0, 1), (0, 3)), "edge"))
        if reference is not None:
            before = items[number - 1].picture / np.float32(255)
            np.testing.assert_array_equal(reference, np.pad(before, ((0, 0), (0, 1), (0, 3)), "edge"))
        error = items[number].picture / 255 - frames[number]
        assert np.abs(error).max() < 1 / 16 + 1 / 255


def test_the_decoder_shows_the_encoder_s_pictures(made):
    decoder = Decoder()
    shown = [frame for item in made[1] for frame in decoder.decode(item.packet)]
    assert [frame.time for frame in shown] == [0, 1, 2, 3] and decoder.flush() == []
    for frame, item in zip(shown, made[1], strict=True):
        np.testing.assert_array_equal(frame.picture, item.picture)


def test_after_damage_the_decoder_waits_for_an_intra_packet(made):
    first, second, third, last = [item.packet for item in made[1]]
    decoder = Decoder()
    with pytest.raises(StreamError, match="begin at an intra packet"):
        decoder.decode(second)
    decoder.decode(first)
    damaged = type(second)(second.type, second.time, second.payload[::-1], second.symbols, second.picture)
    with pytest.raises(StreamError, match="damaged"):
        decoder.decode(damaged)
    with pytest.raises(StreamError, match="begin at an intra packet"):
        decoder.decode(third)
    assert decoder.decode(last)[0].time == 3


def test_frames_of_another_size_are_refused():
    with pytest.raises(MediaError, match=r"6x3 .* 5x3"):
        Encoder().encode(np.zeros((3, 3, 6), np.float32), 0, True)
