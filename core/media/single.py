"""One picture through libav's encoders and decoders."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import av

from core.errors import MediaError, StreamError

_RATE = Fraction(25)
"""Encoders ask for it; a single picture has no use for it."""

_MARGIN = 128
"""How much larger libav may make a picture, in pixels."""


def encode_picture(picture: av.VideoFrame, codec: str, options: Mapping[str, str]) -> bytes:
    """All that an encoder makes of a picture. Raises `MediaError` where libav lacks it or it refuses."""
    picture.pts, picture.time_base = 0, 1 / _RATE
    try:
        context = av.CodecContext.create(codec, "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = picture.width, picture.height, picture.format.name
        context.time_base, context.framerate, context.thread_count = 1 / _RATE, _RATE, 1
        context.options = dict(options)
        packets = [bytes(packet) for frame in (picture, None) for packet in context.encode(frame)]
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(f"A picture cannot be coded by libav's {codec} ({error}).") from error
    return b"".join(packets)


def decode_picture(data: bytes, codec: str, width: int, height: int, pixel_format: str) -> av.VideoFrame:
    """The one picture that a decoder makes of bytes; raises `StreamError` unless it is one, and as stated."""
    try:
        context = av.CodecContext.create(codec, "r")
        assert isinstance(context, av.VideoCodecContext)
        context.thread_count = 1
        most = (width + _MARGIN) * (height + _MARGIN)
        context.options = {"max_pixels": str(most), "err_detect": "explode"}
        pictures = [*context.decode(av.Packet(data)), *context.decode(None)] if data else []
    except (av.FFmpegError, ValueError) as error:
        raise StreamError(f"An intra packet is damaged: its picture cannot be decoded ({error}).") from error
    found = [(picture.width, picture.height, picture.format.name) for picture in pictures]
    if found != [(width, height, pixel_format)]:
        raise StreamError("An intra packet is damaged: it does not hold one picture of the stream's format.")
    return pictures[0]
