"""Intra frames that a picture codec made: their payloads say which, so that a decoder need not be told.

A payload is a byte with the length of the codec's name, the name in ASCII, then what the codec made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.errors import MindvideoError, StreamError
from core.hooks import Array, IntraCodec, PictureFormat


class NamedIntraCodec:
    """`core.hooks.IntraCodec` over several: codes by the one called ``name``, decodes by the one that a payload names.

    ``others`` opens those that were not chosen; it raises where a codec needs what was not given.
    """

    def __init__(self, name: str, codec: IntraCodec, others: Mapping[str, Callable[[], IntraCodec]]) -> None:
        self.name = name
        self.fingerprint = codec.fingerprint
        self._opened = {name: codec}
        self._others = others

    def encode(self, frame: Array, format: PictureFormat, crf: float) -> bytes:
        """Code a picture (3,H,W) in [0,1]; ``crf`` is its constant rate factor, where the codec has one."""
        name = self.name.encode("ascii")
        return bytes([len(name)]) + name + self._opened[self.name].encode(frame, format, crf)

    def decode(self, payload: bytes, format: PictureFormat) -> Array:
        """The picture (3,H,W); raises `StreamError` where the payload is damaged, or of a codec that is not here."""
        start = 1 + payload[0] if payload else 1
        name = payload[1:start].decode("ascii", "replace")
        return self._codec(name).decode(payload[start:], format)

    def _codec(self, name: str) -> IntraCodec:
        if name not in self._opened:
            if name not in self._others:
                raise StreamError(
                    f"An intra packet is damaged, or made by a picture codec that is not known here ({name!r})."
                )
            try:
                self._opened[name] = self._others[name]()
            except MindvideoError as error:
                raise StreamError(f"An intra packet was made by picture codec '{name}': {error}") from error
        return self._opened[name]
