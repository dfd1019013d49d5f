"""Copying the sound of one file into another, packet by packet, without decoding it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer

from core.errors import MediaError
from core.media.container import open_container


class AudioCopy:
    """All sound streams of ``source``, added to ``target`` and fed to it as the pictures advance.

    Time zero is the source's first picture (its first sound, if it has no picture), so the sound keeps its
    place when the pictures are written from time zero on. The sound is copied whole. A source without sound
    adds nothing. Raises `MediaError` when the target's format cannot hold a codec.
    """

    def __init__(self, source: Path, target: OutputContainer, name: Path) -> None:
        self._source = source
        self._input = open_container(source)
        self._target = target
        try:
            self._streams = {stream.index: self._add(stream, name) for stream in self._input.streams.audio}
        except BaseException:
            self._input.close()
            raise
        self._zero = self._time_zero()
        self._packets = self._demux()
        self._next = next(self._packets, None)

    def advance(self, until: Fraction | None) -> None:
        """Write the packets that come before ``until`` seconds; None: all that are left."""
        while self._next is not None and (until is None or decoding_time(self._next) <= until):
            self._target.mux(self._next)
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Let go of the source."""
        self._input.close()

    def _add(self, stream: AudioStream, name: Path) -> AudioStream:
        codec = stream.codec_context.name
        try:
            return self._target.add_stream_from_template(stream)
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(
                f"{name} cannot hold the {codec} sound of {self._source}: leave it out, or convert it first"
            ) from error

    def _time_zero(self) -> Fraction:
        streams = [*self._input.streams.video[:1], *self._input.streams.audio]
        for stream in streams:
            if stream.start_time is not None:
                return stream.start_time * Fraction(stream.time_base or 0)
        return Fraction(0)

    def _demux(self) -> Iterator[av.Packet]:
        """The packets with a time stamp, moved to time zero and assigned to their new streams."""
        if not self._streams:
            return
        try:
            for packet in self._input.demux(*self._input.streams.audio):
                if packet.size == 0:
                    continue
                if packet.dts is None or packet.pts is None:
                    raise MediaError(f"the sound of {self._source} has no time stamps: leave it out")
                shift = round(self._zero / Fraction(packet.time_base))
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = self._streams[packet.stream.index]
                yield packet
        except (av.FFmpegError, OSError) as error:
            raise MediaError(f"the sound of {self._source} is damaged: leave it out") from error


def decoding_time(packet: av.Packet) -> Fraction:
    """When the packet is due, in seconds."""
    return (packet.dts or 0) * Fraction(packet.time_base)
