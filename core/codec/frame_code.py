"""Frames as encoders code them, and intra frames whose pictures another codec codes."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, TypeAlias

from mindspore import Tensor

from core.errors import StreamError
from core.hooks import Array, IntraCodec, Packet, PictureFormat

Made: TypeAlias = Tensor | tuple[Tensor, Any]
"""The decoded frame: 1,3,height,width, of any range; the picture's part of it counts. A state follows where the next
frame is coded under anything but the decoded picture."""


@dataclass(frozen=True)
class FrameCode:
    """A coded frame."""

    payload: bytes
    symbols: int
    """CRC-32 of the coded symbols."""
    output: Made
    """The frame as the decoder gives it."""
    bits: float | None
    """Information content, where it was asked for."""


class IntraPictures:
    """The intra frames of a codec whose network codes no frame by itself: their payloads are those of another codec.

    In place of symbols, the packet's checksum is that of its payload.
    """

    def __init__(self, codec: IntraCodec, format: PictureFormat) -> None:
        self._codec = codec
        self._format = format

    def encode(self, frame: Array, crf: float, estimate: bool) -> FrameCode:
        """A frame (3,height,width) in [0,1], perhaps continued beyond the picture; ``estimate`` asks for its bits."""
        picture = frame[:, : self._format.height, : self._format.width]
        payload = self._codec.encode(picture, self._format, crf)
        output = self._decode_picture(payload)
        return FrameCode(payload, zlib.crc32(payload), output, 8.0 * len(payload) if estimate else None)

    def decode(self, packet: Packet) -> Tensor:
        """The same as `FrameCode.output`; raises `StreamError` where the packet is damaged."""
        if zlib.crc32(packet.payload) != packet.symbols:
            raise StreamError("An intra packet holds other bytes than were coded: it is damaged.")
        return self._decode_picture(packet.payload)

    def _decode_picture(self, payload: bytes) -> Tensor:
        return Tensor(self._codec.decode(payload, self._format)[None])
