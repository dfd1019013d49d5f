"""Encoders of libav frame by frame: what comes back, in which order, how many bytes, and what becomes of damage."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from core.codec.conventional import (
    ConventionalDecoder,
    ConventionalEncoder,
    Encoder,
    own_priority,
)
from core.codec.decoded_pictures import checksum
from core.errors import MediaError, StreamError
from core.hooks import CodedFrame, DecodedFrame, Packet, PacketType, PictureFormat
from core.media.colour import Subsampling, rgb_to_yuv
from core.media.planes import frame_from_planes, tag_colour

LOW_DELAY = "keyint=4:min-keyint=4:scenecut=0:bframes=0"
REPEATABLE = "threads=1:cpu-independent=1"
"""Without the second, x264's trees of macroblocks, which low delay has none of, differ from run to run."""
X264 = Encoder(
    "libx264",
    "h264",
    {"crf": "20", "preset": "veryfast", "tune": "zerolatency", "x264-params": f"{LOW_DELAY}:{REPEATABLE}"},
)
X264_B = Encoder(
    "libx264",
    "h264",
    {
        "crf": "20",
        "preset": "veryfast",
        "x264-params": f"keyint=250:scenecut=0:bframes=3:b-adapt=0:rc-lookahead=4:{REPEATABLE}",
    },
)
QUIET = "info=0:pools=none:frame-threads=1:log-level=none"
X265 = Encoder(
    "libx265",
    "hevc",
    {"crf": "20", "preset": "ultrafast", "tune": "zerolatency", "x265-params": f"{LOW_DELAY}:{QUIET}"},
    multiple=8,
)
X265_B = Encoder(
    "libx265",
    "hevc",
    {
        "crf": "20",
        "preset": "ultrafast",
        "x265-params": f"keyint=250:bframes=3:b-adapt=0:rc-lookahead=5:{QUIET}",
    },
    multiple=8,
)
SVT_AV1 = Encoder(
    "libsvtav1",
    "libdav1d",
    {"crf": "25", "preset": "12", "g": "4", "svtav1-params": "pred-struct=1:scd=0:lp=1"},
    multiple=8,
    smallest=64,
    decoder_options={"max_frame_delay": "1"},
)
VP9 = Encoder(
    "libvpx-vp9",
    "vp9",
    {
        "crf": "25",
        "b": "0",
        "cpu-used": "8",
        "g": "4",
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
        "threads": "1",
    },
)
ENCODERS = {"x264": X264, "x264_b": X264_B, "x265": X265, "x265_b": X265_B, "svtav1": SVT_AV1, "vp9": VP9}
each_encoder = pytest.mark.parametrize("name", ENCODERS)
COUNT = 9


def frames(width: int, height: int, count: int = COUNT) -> list[np.ndarray]:
    """A pattern that moves; each frame is far brighter in its own column, which tells it from the others."""
    y, x = np.mgrid[:height, :width]
    made = []
    for n in range(count):
        wave = np.stack([np.sin(x / 9 + 0.2 * n), np.cos(y / 11 - 0.1 * n), np.sin((x + y) / 13)])
        picture = 0.45 + 0.3 * wave
        picture[:, :, n * width // count : (n + 1) * width // count] += 0.2
        made.append(picture.astype(np.float32))
    return made


def encode(encoder: Encoder, format: PictureFormat, pictures: list[np.ndarray]) -> list[CodedFrame]:
    """Frames are shown at 10, 13, 16, …"""
    side = ConventionalEncoder(encoder, format)
    out = [done for n, frame in enumerate(pictures) for done in side.encode(frame, 10 + 3 * n, n == 0)]
    return [*out, *side.flush()]


def decode(encoder: Encoder, format: PictureFormat, packets: list[Packet]) -> list[DecodedFrame]:
    side = ConventionalDecoder(encoder, format)
    return [*(frame for packet in packets for frame in side.decode(packet)), *side.flush()]


def psnr(picture: np.ndarray, truth: np.ndarray, depth: int = 8) -> float:
    error = picture / float((1 << depth) - 1) - truth
    return float(-10 * np.log10(np.mean(error.astype(np.float64) ** 2)))


@each_encoder
@pytest.mark.parametrize(("width", "height"), [(72, 64), (67, 45)])
def test_all_frames_come_back_in_order(name: str, width: int, height: int) -> None:
    encoder, format, source = ENCODERS[name], PictureFormat(width, height), frames(width, height)
    coded = encode(encoder, format, source)
    assert sorted(frame.packet.time for frame in coded) == [10 + 3 * n for n in range(COUNT)]
    shown = decode(encoder, format, [frame.packet for frame in coded])
    assert [frame.time for frame in shown] == [10 + 3 * n for n in range(COUNT)]
    promised = {frame.packet.time: frame for frame in coded}
    for frame in shown:
        assert frame.picture.shape == (3, height, width) and frame.picture.dtype == np.uint8
        np.testing.assert_array_equal(frame.picture, promised[frame.time].picture)
        assert checksum(frame.picture) == promised[frame.time].packet.picture
        qualities = [psnr(frame.picture, other) for other in source]
        assert qualities[frame.time // 3 - 3] == max(qualities) > 27


@pytest.mark.parametrize("name", ["x264_b", "x265_b"])
def test_b_frames_are_decoded_after_later_ones(name: str) -> None:
    times = [frame.packet.time for frame in encode(ENCODERS[name], PictureFormat(72, 64), frames(72, 64))]
    assert times != sorted(times)


@pytest.mark.parametrize("name", ["x264", "x265", "svtav1", "vp9"])
def test_intra_frames_stand_where_the_options_say(name: str) -> None:
    coded = encode(ENCODERS[name], PictureFormat(72, 64), frames(72, 64))
    kinds = [frame.packet.type for frame in coded]
    assert kinds == [PacketType.INTRA if n % 4 == 0 else PacketType.INTER for n in range(COUNT)]


@each_encoder
def test_the_bytes_are_those_of_a_plain_encode_after_its_flush(name: str) -> None:
    """The same options by libav alone: every byte but the messages of H.264 and HEVC is counted, and none beside."""
    encoder, source = ENCODERS[name], frames(72, 64)
    counted = sum(len(frame.packet.payload) for frame in encode(encoder, PictureFormat(72, 64), source))
    plain = plain_packets(encoder, source)
    messages = sum(len(unit) for packet in plain for unit in messages_of(packet, encoder))
    assert counted == sum(map(len, plain)) - messages
    assert (messages > 0) == (encoder.name == "libx264")  # it describes itself once; x265 is asked not to


def plain_packets(encoder: Encoder, source: list[np.ndarray]) -> list[bytes]:
    context = av.CodecContext.create(encoder.name, "w")
    context.width, context.height, context.pix_fmt = 72, 64, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    context.options = dict(encoder.options)
    tag_colour(context, encoder.matrix, encoder.range)
    packets = []
    for number, frame in enumerate(source):
        picture = frame_from_planes(rgb_to_yuv(frame, matrix=encoder.matrix, range=encoder.range), "yuv420p")
        tag_colour(picture, encoder.matrix, encoder.range)
        picture.pts, picture.time_base = number, Fraction(1, 25)
        if number == 0:
            picture.pict_type = av.video.frame.PictureType.I
        with own_priority():
            packets += context.encode(picture)
    return [bytes(packet) for packet in [*packets, *context.encode(None)]]


def messages_of(packet: bytes, encoder: Encoder) -> list[bytes]:
    """Supplemental messages of H.264 or HEVC, each with its start code."""
    if encoder.decoder not in ("h264", "hevc"):
        return []
    starts = [n for n in range(len(packet) - 2) if packet[n : n + 3] == b"\0\0\1"]
    starts = [n - 1 if n and packet[n - 1] == 0 else n for n in starts]
    units = [packet[a:b] for a, b in zip(starts, [*starts[1:], len(packet)], strict=True)]
    heads = [unit.lstrip(b"\0")[1] for unit in units]
    kinds = [head & 31 == 6 if encoder.decoder == "h264" else head >> 1 in (39, 40) for head in heads]
    return [unit for unit, is_message in zip(units, kinds, strict=True) if is_message]


def test_messages_of_x265_at_every_intra_frame_are_left_out() -> None:
    loud = {**X265.options, "x265-params": X265.options["x265-params"].replace("info=0", "info=1")}
    told = sum(map(len, plain_packets(replace(X265, options=loud), frames(72, 64))))
    format, source = PictureFormat(72, 64), frames(72, 64)
    counted = sum(len(f.packet.payload) for f in encode(replace(X265, options=loud), format, source))
    assert counted == sum(len(f.packet.payload) for f in encode(X265, format, source))
    assert told > counted + 3 * 1000  # three intra frames


def test_ten_bits_and_full_chroma() -> None:
    format, source = PictureFormat(72, 64, 10), frames(72, 64, 3)
    full = replace(X265, subsampling=Subsampling.YUV444)
    shown = decode(full, format, [frame.packet for frame in encode(full, format, source)])
    assert all(frame.picture.dtype == np.uint16 for frame in shown)
    assert max(frame.picture.max() for frame in shown) > 255
    assert min(psnr(f.picture, truth, 10) for f, truth in zip(shown, source, strict=True)) > 35


@each_encoder
def test_damage_is_told(name: str) -> None:
    encoder, format = ENCODERS[name], PictureFormat(72, 64)
    packets = [frame.packet for frame in encode(encoder, format, frames(72, 64, 3))]
    first = packets[0]
    for payload in (b"", first.payload[: len(first.payload) // 2], first.payload[:-1] + b"\x55"):
        with pytest.raises(StreamError, match="damaged"):
            decode(encoder, format, [replace(first, payload=payload), *packets[1:]])


def test_a_time_that_libav_cannot_say_is_damage() -> None:
    (frame,) = encode(X264, PictureFormat(72, 64), frames(72, 64, 1))
    with pytest.raises(StreamError, match="no frame is shown at"):
        decode(X264, PictureFormat(72, 64), [replace(frame.packet, time=2**63)])


def test_a_picture_of_another_size_is_refused() -> None:
    packets = [frame.packet for frame in encode(X264, PictureFormat(72, 64), frames(72, 64, 2))]
    with pytest.raises(StreamError, match="no picture of the stream's format"):
        decode(X264, PictureFormat(96, 64), packets)


def test_frames_of_another_size_are_refused() -> None:
    side = ConventionalEncoder(X264, PictureFormat(72, 64))
    with pytest.raises(MediaError, match="all frames of a stream must have one size"):
        side.encode(frames(64, 64, 1)[0], 0, True)


def test_an_encoder_that_is_not_there() -> None:
    with pytest.raises(MediaError, match="no encoder libnothing"):
        ConventionalEncoder(replace(X264, name="libnothing"), PictureFormat(72, 64))


def test_options_that_libav_refuses() -> None:
    wrong = replace(X264, options={"preset": "hasty"})
    with pytest.raises(MediaError, match="libx264 cannot code"):
        encode(wrong, PictureFormat(72, 64), frames(72, 64, 1))


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="this system tells no scheduling policy")
@pytest.mark.parametrize("name", ENCODERS)
def test_encoders_leave_the_scheduling_as_it_was(name):
    """SVT-AV1 would leave a real-time thread where it may make one."""
    format = PictureFormat(64, 64)
    frames = np.random.default_rng(3).random((2, 3, 64, 64), np.float32)
    before = os.sched_getscheduler(0)
    assert encode(ENCODERS[name], format, frames)
    assert os.sched_getscheduler(0) == before
