"""Intra frames by a learned picture codec, which any codec over a network that codes frames by themselves can be."""

from __future__ import annotations

from mindspore import Tensor

from core.codec.decoded_pictures import DecodedPictures
from core.codec.frame_code import Made
from core.codec.predictive import PictureCodec
from core.errors import StreamError
from core.hooks import Array, PictureFormat

_HASH_BYTES = 4


class LearnedIntra:
    """`core.hooks.IntraCodec` by a codec's `PictureCodec.encode_intra`. Its quality is the codec's,
    or one that suits the constant rate factor (`PictureCodec.suited_to`).

    A payload is the CRC-32 of the symbols, big-endian, then what the range coder made of them. ``fingerprint`` is the
    checkpoint's.
    """

    def __init__(self, codec: PictureCodec, fingerprint: bytes) -> None:
        self._codec, self.fingerprint = codec, fingerprint
        self._latest: tuple[bytes, PictureFormat, Made] | None = None
        """The picture that was coded last: a video codec asks for it next, and need not decode it for that."""

    def encode(self, frame: Array, format: PictureFormat, crf: float) -> bytes:
        """Code a picture (3,H,W) in [0,1]."""
        padded = DecodedPictures(format, self._codec.multiple).padded(frame)
        packet = self._codec.writer()
        coded = packet.finish(self._codec.suited_to(crf).encode_intra(Tensor(padded[None]), packet))
        payload = coded.symbols.to_bytes(_HASH_BYTES, "big") + coded.payload
        self._latest = payload, format, coded.output
        return payload

    def decode(self, payload: bytes, format: PictureFormat) -> Array:
        """The picture (3,H,W), near [0,1]; raises `StreamError` where the payload is damaged."""
        if self._latest and self._latest[:2] == (payload, format):
            made = self._latest[2]
        else:
            made = self._decode_picture(payload, format)
        output = made[0] if isinstance(made, tuple) else made
        return output.asnumpy()[0, :, : format.height, : format.width]

    def _decode_picture(self, payload: bytes, format: PictureFormat) -> Made:
        if len(payload) <= _HASH_BYTES:
            raise StreamError("An intra packet is damaged: it holds no picture.")
        pictures = DecodedPictures(format, self._codec.multiple)
        packet = self._codec.reader(payload[_HASH_BYTES:], pictures.height, pictures.width)
        made = self._codec.decode_intra(packet)
        packet.finish(int.from_bytes(payload[:_HASH_BYTES], "big"))
        return made
