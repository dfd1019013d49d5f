"""Conventional video codecs of libav, frame by frame: what anchors of a benchmark are made of.

Pictures are coded as YUV of a stated matrix and range, continued to the right and bottom up to the size that an
encoder takes. Encoder and decoder decode by the same library and convert by `core.media.colour`, which is exact on
every machine.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction

import av

from core.codec.decoded_pictures import DecodedPictures, checksum
from core.errors import MediaError, StreamError
from core.hooks import Array, CodedFrame, DecodedFrame, Packet, PacketType, Picture, PictureFormat
from core.media.colour import Matrix, Range, Subsampling, rgb_to_yuv
from core.media.planes import frame_from_planes, frame_to_rgb, parse_planar_format, planar_format, tag_colour

_RATE = Fraction(25)
"""Frames per second that encoders are told."""
_MARGIN = 128
"""How much larger libav may make a picture, in pixels."""
_LATEST = 1 << 63
"""Times that libav can say lie below it."""
# NAL units of supplemental information: of H.264, and both kinds of HEVC.
_SIDE_MESSAGES = {
    "h264": re.compile(rb"\x00\x00\x00?\x01\x06.*?(?=\x00\x00\x00?\x01|\Z)", re.DOTALL),
    "hevc": re.compile(rb"\x00\x00\x00?\x01[\x4e-\x51].*?(?=\x00\x00\x00?\x01|\Z)", re.DOTALL),
}


@dataclass(frozen=True)
class Encoder:
    """One of libav's encoders with its settings."""

    name: str
    """libav's name of it."""
    decoder: str
    """The decoder of its streams, as libav calls it."""
    options: Mapping[str, str]
    subsampling: Subsampling = Subsampling.YUV420
    matrix: Matrix = Matrix.BT709
    range: Range = Range.LIMITED
    multiple: int = 2
    """Height and width are continued to multiples of it."""
    smallest: int = 16
    """Height and width are continued to at least so many pixels."""
    decoder_options: Mapping[str, str] = field(default_factory=dict)

    def pixel_format(self, depth: int) -> str:
        """The pixel format for samples of this depth, of which more than 8 bits are coded as 10."""
        return planar_format(self.subsampling, 8 if depth == 8 else 10)

    def pictures(self, format: PictureFormat) -> DecodedPictures:
        """Pictures of a format as the encoder takes them."""
        pictures = DecodedPictures(format, self.multiple)
        pictures.height = max(pictures.height, self.smallest)
        pictures.width = max(pictures.width, self.smallest)
        return pictures


class ConventionalEncoder:
    """`core.hooks.FrameEncoder` over a libav encoder, which may hold frames back and reorder them.

    A packet holds what the encoder made of a frame, without messages about the encoder itself. Where it decides to
    code a frame by itself, the packet is intra; a frame that is asked to be intra is.
    """

    def __init__(self, encoder: Encoder, format: PictureFormat) -> None:
        self._encoder, self._format = encoder, format
        self._pictures = encoder.pictures(format)
        self._context = _open_encoder(encoder, self._pictures, format.depth)
        self._decoder = _Decoder(encoder, format)
        self._times: list[int] = []
        self._waiting: list[tuple[int, bool, bytes]] = []
        self._decoded: dict[int, Picture] = {}

    def encode(self, frame: Array, time: int, intra: bool) -> Sequence[CodedFrame]:
        """See `core.hooks.FrameEncoder.encode`; raises `MediaError` where libav's encoder refuses."""
        picture = _to_libav_picture(
            self._pictures.padded(frame), self._encoder, self._format.depth, len(self._times)
        )
        if intra:
            picture.pict_type = av.video.frame.PictureType.I
        self._times.append(time)
        return self._take_finished(_encode_picture(self._context, picture))

    def flush(self) -> Sequence[CodedFrame]:
        """See `core.hooks.FrameEncoder.flush`; raises `MediaError` unless every frame has come out."""
        finished = self._take_finished(_encode_picture(self._context, None), last=True)
        if self._waiting:
            raise MediaError(
                f"libav's {self._encoder.name} has coded other frames than it was given: "
                f"{len(self._waiting)} packets decode to none."
            )
        return finished

    def _take_finished(self, packets: Iterable[av.Packet], last: bool = False) -> list[CodedFrame]:
        """Frames of which packet and decoded picture are both there, in order of decoding."""
        for packet in packets:
            number, payload = _number(packet), _without_messages(bytes(packet), self._encoder.decoder)
            self._waiting.append((number, packet.is_keyframe, payload))
            self._decoded.update(self._decoder.decode(payload, number))
        if last:
            self._decoded.update(self._decoder.flush())
        finished = []
        while self._waiting and self._waiting[0][0] in self._decoded:
            number, is_key, payload = self._waiting.pop(0)
            picture = self._decoded.pop(number)
            kind = PacketType.INTRA if is_key else PacketType.INTER
            made = Packet(kind, self._times[number], payload, zlib.crc32(payload), checksum(picture))
            finished.append(CodedFrame(made, picture))
        return finished


class ConventionalDecoder:
    """`core.hooks.FrameDecoder` over a libav decoder."""

    def __init__(self, encoder: Encoder, format: PictureFormat) -> None:
        self._decoder = _Decoder(encoder, format)

    def decode(self, packet: Packet) -> Sequence[DecodedFrame]:
        """See `core.hooks.FrameDecoder.decode`."""
        if zlib.crc32(packet.payload) != packet.symbols:
            raise StreamError("A packet holds other bytes than were coded: it is damaged.")
        return _shown(self._decoder.decode(packet.payload, packet.time))

    def flush(self) -> Sequence[DecodedFrame]:
        """See `core.hooks.FrameDecoder.flush`."""
        return _shown(self._decoder.flush())


class _Decoder:
    """A libav decoder: numbered packets to numbered pictures, in order of display."""

    def __init__(self, encoder: Encoder, format: PictureFormat) -> None:
        self._encoder, self._format = encoder, format
        self._pictures = encoder.pictures(format)
        context = av.CodecContext.create(encoder.decoder, "r")
        assert isinstance(context, av.VideoCodecContext)
        context.thread_count = 1
        most = (self._pictures.width + _MARGIN) * (self._pictures.height + _MARGIN)
        context.options = {"max_pixels": str(most), **encoder.decoder_options}
        self._context = context

    def decode(self, payload: bytes, number: int) -> dict[int, Picture]:
        """The pictures that can be shown by now; raises `StreamError` where there are none of this format."""
        if number >= _LATEST:
            raise StreamError(f"A packet is damaged: no frame is shown at {number}.")
        packet = av.Packet(payload)
        packet.pts = packet.dts = number
        return self._run(packet)

    def flush(self) -> dict[int, Picture]:
        """The pictures that were held back."""
        return self._run(None)

    def _run(self, packet: av.Packet | None) -> dict[int, Picture]:
        try:
            frames = list(self._context.decode(packet))
        except (av.FFmpegError, ValueError) as error:
            raise StreamError(f"A packet is damaged: its picture cannot be decoded ({error}).") from error
        return {_number(frame): self._picture(frame) for frame in frames}

    def _picture(self, frame: av.VideoFrame) -> Picture:
        wanted = self._pictures.width, self._pictures.height, self._encoder.pixel_format(self._format.depth)
        if (frame.width, frame.height, frame.format.name) != wanted:
            raise StreamError("A packet is damaged: it holds no picture of the stream's format.")
        return self._pictures.samples(frame_to_rgb(frame, self._encoder.matrix, self._encoder.range))


def _open_encoder(encoder: Encoder, pictures: DecodedPictures, depth: int) -> av.VideoCodecContext:
    try:
        context = av.CodecContext.create(encoder.name, "w")
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(
            f"libav here has no encoder {encoder.name}: take another codec ({error})."
        ) from error
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height = pictures.width, pictures.height
    context.pix_fmt = encoder.pixel_format(depth)
    context.time_base, context.framerate = 1 / _RATE, _RATE
    context.options = dict(encoder.options)
    tag_colour(context, encoder.matrix, encoder.range)
    return context


def _encode_picture(context: av.VideoCodecContext, picture: av.VideoFrame | None) -> list[av.Packet]:
    """The packets that are finished by now; no picture flushes."""
    try:
        with own_priority():
            return list(context.encode(picture))
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(f"libav's {context.name} cannot code a frame ({error}).") from error


@contextmanager
def own_priority() -> Iterator[None]:
    """Keep the thread's scheduling. As root, SVT-AV1 makes the thread that opens it a real-time one, and with it all
    that this thread starts later: those of MindSpore, which spin while they wait, then starve the machine."""
    if not hasattr(os, "sched_setscheduler"):
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != policy:
            os.sched_setscheduler(0, policy, parameters)


def _to_libav_picture(padded: Array, encoder: Encoder, depth: int, number: int) -> av.VideoFrame:
    """A picture (3,H,W) in [0,1], already continued, as the encoder takes it at place ``number``."""
    name = encoder.pixel_format(depth)
    subsampling, bits = parse_planar_format(name)
    planes = rgb_to_yuv(
        padded, matrix=encoder.matrix, range=encoder.range, depth=bits, subsampling=subsampling
    )
    picture = frame_from_planes(planes, name)
    tag_colour(picture, encoder.matrix, encoder.range)
    picture.pts, picture.time_base = number, 1 / _RATE
    return picture


def _without_messages(payload: bytes, decoder: str) -> bytes:
    """A packet without supplemental messages, in which encoders describe themselves."""
    pattern = _SIDE_MESSAGES.get(decoder)
    return pattern.sub(b"", payload) if pattern else payload


def _number(timed: av.Packet | av.VideoFrame) -> int:
    if timed.pts is None:
        raise StreamError("A packet is damaged: its picture has no time.")
    return timed.pts


def _shown(pictures: Mapping[int, Picture]) -> list[DecodedFrame]:
    return [DecodedFrame(time, picture) for time, picture in pictures.items()]
