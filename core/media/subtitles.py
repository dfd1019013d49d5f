"""Subtitles of plain text, coded anew where a container has a kind of its own: mov_text in mp4, SubRip in mkv."""

from __future__ import annotations

from fractions import Fraction

import av
from av.container import OutputContainer
from av.subtitles.codeccontext import SubtitleCodecContext
from av.subtitles.stream import SubtitleStream

_PLAIN = frozenset(("mov_text", "srt", "subrip", "text", "webvtt"))
"""Kinds that are lines of text with little more than bold and italics; what ASS says of places would be lost."""
_OWN = {".mp4": "mov_text", ".mkv": "srt"}
_UNIT = Fraction(1, 1000)


def becomes(suffix: str, codec: str) -> str | None:
    """The kind of subtitles that those of ``codec`` become in a file of this ending; None where there is none."""
    return _OWN.get(suffix) if codec in _PLAIN else None


class SubtitleEncoder:
    """The lines of a track, decoded and coded anew by ``codec``."""

    def __init__(self, source: SubtitleStream, target: OutputContainer, codec: str) -> None:
        self._decoder = source.codec_context
        self._decoder.open(strict=False)
        self.stream = target.add_stream(codec)
        coder = self.stream.codec_context
        assert isinstance(coder, SubtitleCodecContext)
        coder.subtitle_header = self._decoder.subtitle_header
        self.stream.time_base = coder.time_base = _UNIT
        self._coder = coder

    def encode(self, packet: av.Packet | None, shift: Fraction) -> list[av.Packet]:
        """What comes out for a packet of the source, ``shift`` seconds earlier."""
        if packet is None or packet.pts is None:
            return []
        lines = self._decoder.decode2(packet)
        if lines is None or len(lines) == 0:  # a pause
            return []
        coded = self._coder.encode_subtitle(lines)
        unit = Fraction(packet.time_base)
        coded.pts = coded.dts = round((packet.pts * unit - shift) / _UNIT)
        coded.duration = round((packet.duration or 0) * unit / _UNIT)
        coded.time_base, coded.stream = _UNIT, self.stream
        return [coded]
