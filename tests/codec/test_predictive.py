"""Predictive codecs around coding that can be checked by hand: differences to the reference, in steps of 1/8."""

from dataclasses import replace

import numpy as np
import pytest
from mindspore import Tensor, nn

from core.codec.intra import NamedIntraCodec
from core.codec.options import InterCodecConfig
from core.codec.predictive import PictureCodec, PredictiveCodec
from core.errors import MediaError, StreamError
from core.hooks import CodecConfig, PacketType, PictureFormat
from core.media.png import Png

FORMAT, STEPS = PictureFormat(5, 3), range(-8, 9)


class StepCodec(PredictiveCodec):
    """Each step by itself: there is no latent."""

    multiple = 4

    def __init__(self, config=None, intra=None):
        super().__init__(config or CodecConfig(), nn.Cell(), {}, intra)
        self.seen = []

    @staticmethod
    def latents(network):
        return {}

    def encode(self, frame, reference, packet):
        self.seen.append((frame.asnumpy()[0], reference.asnumpy()[0]))
        steps = np.rint(8 * (frame - reference).asnumpy())
        for step in steps.ravel():
            packet.write_number(int(step), STEPS)
        return self._made(steps, reference)

    def decode(self, packet, reference):
        count = 3 * packet.height * packet.width
        steps = np.array([packet.read_number(STEPS) for _ in range(count)], np.float32)
        return self._made(steps.reshape(reference.shape), reference)

    def _made(self, steps, reference):
        return Tensor(steps / np.float32(8)) + reference


@pytest.fixture
def frames():
    return np.random.default_rng(0).random((4, 3, 3, 5), dtype=np.float32)


def encoded(codec, frames, **options):
    """Four frames, of which the last is intra again."""
    encoder = codec.encoder(FORMAT, **options)
    coded = [item for t, frame in enumerate(frames) for item in encoder.encode(frame, t, t == 3)]
    return [*coded, *encoder.flush()]


@pytest.fixture
def made(frames):
    """The codec, and what it made of four frames."""
    codec = StepCodec()
    return codec, encoded(codec, frames)


def test_frames_refer_to_decoded_pictures(frames, made):
    codec, items = made
    assert [item.packet.type for item in items] == [
        PacketType.INTRA,
        *[PacketType.INTER] * 2,
        PacketType.INTRA,
    ]
    assert [item.estimated_bits for item in items] == [None] * 4
    for number, (frame, reference) in enumerate(codec.seen):
        np.testing.assert_array_equal(frame, np.pad(frames[number], ((0, 0), (0, 1), (0, 3)), "edge"))
        before = items[number - 1].picture / np.float32(255) if number in (1, 2) else np.zeros((3, 3, 5))
        np.testing.assert_array_equal(reference, np.pad(before, ((0, 0), (0, 1), (0, 3)), "edge"))
        error = items[number].picture / 255 - frames[number]
        assert np.abs(error).max() < 1 / 16 + 1 / 255


def test_the_decoder_shows_the_encoder_s_pictures(made):
    decoder = made[0].decoder(FORMAT)
    shown = [frame for item in made[1] for frame in decoder.decode(item.packet)]
    assert [frame.time for frame in shown] == [0, 1, 2, 3] and decoder.flush() == []
    for frame, item in zip(shown, made[1], strict=True):
        np.testing.assert_array_equal(frame.picture, item.picture)


def test_after_damage_the_decoder_waits_for_an_intra_packet(made):
    first, second, third, last = [item.packet for item in made[1]]
    decoder = made[0].decoder(FORMAT)
    with pytest.raises(StreamError, match="begin at an intra packet"):
        decoder.decode(second)
    decoder.decode(first)
    with pytest.raises(StreamError):
        decoder.decode(replace(second, payload=second.payload[::-1]))
    with pytest.raises(StreamError, match="begin at an intra packet"):
        decoder.decode(third)
    assert decoder.decode(last)[0].time == 3


def test_frames_of_another_size_are_refused():
    with pytest.raises(MediaError, match=r"6x3 .* 5x3"):
        StepCodec().encoder(FORMAT).encode(np.zeros((3, 3, 6), np.float32), 0, True)


def test_estimates_are_made_on_request(made, frames):
    """Numbers are not in them."""
    assert [item.estimated_bits for item in encoded(made[0], frames, estimate=True)] == [0.0] * 4


def test_intra_frames_of_another_codec(frames):
    codec = StepCodec(InterCodecConfig(), NamedIntraCodec("png", Png(), {}))
    items = encoded(codec, frames, estimate=True)
    assert [item.packet.payload.startswith(b"\x03png") for item in items] == [True, False, False, True]
    np.testing.assert_array_equal(items[0].picture, np.rint(255 * frames[0]))
    assert items[0].estimated_bits == 8 * len(items[0].packet.payload)
    decoder = codec.decoder(FORMAT)
    for item in items:
        (shown,) = decoder.decode(item.packet)
        np.testing.assert_array_equal(shown.picture, item.picture)
    first = items[0].packet
    with pytest.raises(StreamError, match="other bytes than were coded"):
        decoder.decode(replace(first, payload=first.payload[:-1]))


class StillCodec(PictureCodec):
    """Frames by themselves, as `StepCodec` codes the first."""

    multiple, latents = StepCodec.multiple, staticmethod(StepCodec.latents)

    def __init__(self):
        super().__init__(CodecConfig(), nn.Cell(), {})
        self.steps = StepCodec()

    def encode_intra(self, frame, packet):
        return self.steps.encode_intra(frame, packet)

    def decode_intra(self, packet):
        return self.steps.decode_intra(packet)


def test_a_picture_codec_codes_intra_frames_alone(frames):
    codec = StillCodec()
    items = encoded(codec, frames)
    assert [item.packet.type for item in items] == [PacketType.INTRA] * 4
    decoder = codec.decoder(FORMAT)
    for item in items[::-1]:
        np.testing.assert_array_equal(decoder.decode(item.packet)[0].picture, item.picture)
    with pytest.raises(StreamError, match="begin at an intra packet"):
        decoder.decode(replace(items[1].packet, type=PacketType.INTER))


def test_both_methods_of_a_codec_must_be_stated():
    """Where one is left out, that is said when the codec is built, not at its first frame."""

    class Half(StillCodec):
        decode_intra = PictureCodec.decode_intra

    with pytest.raises(TypeError, match=r"abstract.* decode_intra"):
        Half()


def test_numbers_out_of_range_are_damage():
    codec = StepCodec()
    packet = codec.writer()
    packet.write_number(4, range(3, 5))
    packet.write_number(20, range(3, 5))
    reader = codec.reader(packet.finish(None).payload, 4, 4)
    assert reader.read_number(range(3, 5)) == 4
    with pytest.raises(StreamError, match="holds 20 where a number from 3 to 4 stands"):
        reader.read_number(range(3, 5))
