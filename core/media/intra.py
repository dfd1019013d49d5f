"""Pictures coded by themselves, by a codec that has a name: intra frames of video codecs without a picture network.

A coded picture says which codec made it: a byte with the length of the name, the name in ASCII, then what the codec
made. All of them decode in integers and single float operations, so to the same picture on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from core.errors import StreamError
from core.hooks import Array, PictureFormat

Encode = Callable[[Array, PictureFormat, float], bytes]
"""A picture (3,H,W) in [0,1], its format and a constant rate factor (0 is best) to bytes."""
Decode = Callable[[bytes, PictureFormat], Array]
"""Bytes to a picture (3,H,W) in [0,1]; raises `StreamError` where they are none of this format."""


class IntraCodec(Enum):
    """What intra frames are coded by."""

    hevc = "hevc"
    """HEVC in 4:2:0 by x265, preset medium."""
    png = "png"
    """Without loss."""


@dataclass(frozen=True)
class _Coder:
    encode: Encode
    decode: Decode


def encode_intra(codec: IntraCodec, frame: Array, format: PictureFormat, crf: float) -> bytes:
    """Code a picture (3,H,W) in [0,1]; ``crf`` is its constant rate factor, where the codec has one."""
    name = codec.value.encode("ascii")
    return bytes([len(name)]) + name + _coder(codec).encode(frame, format, crf)


def decode_intra(payload: bytes, format: PictureFormat) -> Array:
    """The picture (3,H,W) in [0,1]; raises `StreamError` where the payload is damaged or of an unknown codec."""
    start = 1 + payload[0] if payload else 1
    name = payload[1:start].decode("ascii", "replace")
    if name not in [codec.value for codec in IntraCodec]:
        raise StreamError(
            f"An intra packet is damaged, or made by a picture codec that is not known here ({name!r})."
        )
    return _coder(IntraCodec(name)).decode(payload[start:], format)


def _coder(codec: IntraCodec) -> _Coder:
    """Imported when it is needed: options are read without libav."""
    from core.media import hevc, png

    coders = {
        IntraCodec.hevc: _Coder(hevc.encode, hevc.decode),
        IntraCodec.png: _Coder(png.encode, png.decode),
    }
    return coders[codec]
