"""Copies what stands beside the pictures of a file into another: sound, subtitles, attached files, cover pictures.

Packets are copied as they are, without decoding them; where the target cannot hold its codec, sound can be coded anew,
and subtitles of plain text are.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import cache
from io import BytesIO
from itertools import chain
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Stream
from av.subtitles.stream import SubtitleStream

from core.errors import MediaError
from core.media.aac import AacEncoder
from core.media.container import open_container, video_stream
from core.media.describing import codec_of, kept_tags, kind_of
from core.media.output import CONTAINERS
from core.media.presentation import TrackKind
from core.media.subtitles import SubtitleEncoder, becomes

_TRIED = 1
"""Seconds of sound by which a target is tried."""


class Sound(Enum):
    """What becomes of the source's sound: it is copied, coded anew as AAC, or left out."""

    COPY = "copy"
    AAC = "aac"
    NONE = "none"


@dataclass(frozen=True)
class TrackSource:
    """A file whose other tracks go with the pictures.

    ``start`` is when its first picture is shown, in seconds of the file's own clock; None: as the container says.
    Where the pictures are a part of the file's, which ends at ``end``, only what begins within it goes with them.
    """

    path: Path
    start: Fraction | None = None
    sound: Sound = Sound.COPY
    end: Fraction | None = None


def keeps(suffix: str, kind: TrackKind, codec: str) -> bool:
    """Whether a file of this ending can hold such a track, as it is or, of subtitles, as text of its own kind."""
    return holds(suffix, kind, codec) or (kind is TrackKind.SUBTITLES and becomes(suffix, codec) is not None)


def holds(suffix: str, kind: TrackKind, codec: str) -> bool:
    """Whether a file of this ending can hold such a track as it is."""
    if suffix not in (".mp4", ".mkv") or kind in (TrackKind.PICTURES, TrackKind.DATA):
        return False
    if kind is TrackKind.ATTACHMENT:
        return suffix == ".mkv"
    return codec in _codecs(CONTAINERS[suffix])


@cache
def _codecs(format: str) -> frozenset[str]:
    with av.open(BytesIO(), "w", format=format) as container:
        return frozenset(container.supported_codecs)


def check_tracks(source: TrackSource, output: Path) -> None:
    """Raise `MediaError` where ``output`` (.mp4, .mkv) cannot hold the sound of ``source`` as asked.

    The beginning is tried: some containers are found to be unable when they are closed.
    """
    with av.open(BytesIO(), "w", format=CONTAINERS[output.suffix.lower()]) as scratch:
        copy = TrackCopy(source, scratch, output)
        try:
            if scratch.streams:
                scratch.start_encoding()
                copy.advance(copy.lead + _TRIED)
                scratch.close()
        except (av.FFmpegError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise MediaError(
                f"{output} cannot hold the sound of {source.path} ({reason}): {_ways_out(output)}"
            ) from error
        finally:
            copy.close()


def _ways_out(output: Path, codec: str = "") -> str:
    """Advice where ``output`` cannot hold a sound as it is."""
    elsewhere = output.suffix.lower() != ".mkv" and (not codec or codec in _codecs(CONTAINERS[".mkv"]))
    another = "write an .mkv file, or " if elsewhere else ""
    return f"{another}give task.sound=aac (coded anew) or task.sound=none (left out)."


class TrackCopy:
    """The tracks of ``source`` that ``target`` can hold, added to it and fed to it as the pictures advance.

    Time zero is the first picture, so that all keeps its place when pictures are written from time zero on; where
    sound begins earlier, it is that sound, and the pictures are to be written `lead` seconds later. Languages, titles
    and dispositions are kept. Raises `MediaError` when the target cannot hold a sound; other tracks that it cannot
    hold are left out (`keeps`).
    """

    def __init__(self, source: TrackSource, target: OutputContainer, name: Path) -> None:
        self._source, self._target, self._name = source, target, name
        self._suffix = name.suffix.lower()
        self._input = open_container(source.path)
        self._feeds: dict[int, Callable[[av.Packet | None], list[av.Packet]]] = {}
        try:
            added = [stream for stream in self._others() if self._add(stream)]
            zero = self._picture_start()
            earliest = self._sound_start(added, zero) if source.end is None else zero
            self.lead = max(zero - earliest, Fraction(0))
        except BaseException:
            self._input.close()
            raise
        self._shift = zero - self.lead
        self._packets = self._demux(added)
        self._next: av.Packet | None = None
        self._begun = False

    def advance(self, until: Fraction | None) -> None:
        """Write the packets that come before ``until`` seconds; None: all that are left."""
        if not self._begun:
            self._begun, self._next = True, next(self._packets, None)
        while self._next is not None and (until is None or decoding_time(self._next) <= until):
            self._target.mux(self._next)
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Let go of the source."""
        self._packets.close()
        self._input.close()

    def _others(self) -> list[Stream]:
        try:
            pictures = video_stream(self._input, self._source.path).index
        except MediaError:  # a file of sound alone
            pictures = None
        return [stream for stream in self._input.streams if stream.index != pictures]

    def _add(self, stream: Stream) -> bool:
        """Add a track to the target; whether packets of it are to come."""
        kind = kind_of(stream)
        if kind is TrackKind.SOUND:
            return self._add_sound(stream)
        if not keeps(self._suffix, kind, codec_of(stream)):
            return False
        if kind is TrackKind.SUBTITLES and not holds(self._suffix, kind, codec_of(stream)):
            return self._add_text(stream)
        if kind is TrackKind.COVER and self._suffix == ".mkv":
            self._attach_cover(stream)
            return False
        new = self._new_stream(stream)
        if kind is TrackKind.ATTACHMENT:
            return False
        self._feeds[stream.index] = lambda packet: self._move(packet, new)
        return True

    def _add_sound(self, stream: Stream) -> bool:
        assert isinstance(stream, AudioStream)
        if self._source.sound is Sound.NONE:
            return False
        if self._source.sound is Sound.AAC:
            encoder = AacEncoder(stream, self._target, self._source.path)
            self._describe(stream, encoder.stream)
            self._feeds[stream.index] = lambda packet: encoder.encode(packet, self._shift)
            return True
        codec = stream.codec_context.name if stream.codec_context else "unknown"
        try:
            new = self._new_stream(stream)
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(
                f"{self._name} cannot hold the {codec} sound of {self._source.path}: "
                f"{_ways_out(self._name, codec)}"
            ) from error
        self._feeds[stream.index] = lambda packet: self._move(packet, new)
        return True

    def _add_text(self, stream: Stream) -> bool:
        """Add subtitles as text of the target's own kind."""
        assert isinstance(stream, SubtitleStream)
        codec = becomes(self._suffix, codec_of(stream))
        assert codec is not None
        encoder = SubtitleEncoder(stream, self._target, codec)
        self._describe(stream, encoder.stream)
        self._feeds[stream.index] = lambda packet: encoder.encode(packet, self._shift)
        return True

    def _new_stream(self, stream: Stream) -> Stream:
        new = self._target.add_stream_from_template(stream)
        self._describe(stream, new)
        return new

    def _describe(self, stream: Stream, new: Stream) -> None:
        new.metadata.update(kept_tags(stream.metadata))
        for name in ("filename", "mimetype", "language"):
            if name in stream.metadata:
                new.metadata[name] = stream.metadata[name]
        new.disposition = stream.disposition

    def _attach_cover(self, stream: Stream) -> None:
        """Matroska keeps cover pictures as attached files."""
        with open_container(self._source.path) as container:
            packet = next(container.demux(container.streams[stream.index]))
        kind = "png" if codec_of(stream) == "png" else "jpeg"
        name = stream.metadata.get("filename", f"cover.{'png' if kind == 'png' else 'jpg'}")
        self._target.add_attachment(name, f"image/{kind}", bytes(packet))

    def _picture_start(self) -> Fraction:
        """When the first picture is shown; in a file of sound alone, when that begins."""
        if self._source.start is not None:
            return self._source.start
        streams = [*self._input.streams.video[:1], *self._input.streams.audio]
        starts = (
            stream.start_time * Fraction(stream.time_base or 0)
            for stream in streams
            if stream.start_time is not None
        )
        return next(starts, Fraction(0))

    def _sound_start(self, added: list[Stream], otherwise: Fraction) -> Fraction:
        """When the first sound is heard; what lies before zero is what decoders need to begin."""
        starts = [
            max(stream.start_time * Fraction(stream.time_base or 0), min(otherwise, Fraction(0)))
            for stream in added
            if stream.type == "audio" and stream.start_time is not None
        ]
        return min(starts, default=otherwise)

    def _demux(self, streams: list[Stream]) -> Generator[av.Packet, None, None]:
        """The packets of all tracks, moved to time zero and assigned to their new streams."""
        if not streams:
            return
        try:
            for packet in self._drop_unshown(self._input.demux(*streams)):
                if packet.size and self._is_within(packet):
                    yield from self._feeds[packet.stream.index](packet)
            yield from chain.from_iterable(feed(None) for feed in self._feeds.values())
        except (av.FFmpegError, OSError) as error:
            raise MediaError(f"the sound of {self._source.path} is damaged: give task.sound=none.") from error

    def _drop_unshown(self, packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
        """The packets that are to be shown: an mp4 file may hold others, which Matroska cannot mark.

        The packet before the first that is shown stays: a decoder of sound begins with it.
        """
        if self._suffix != ".mkv":
            yield from packets
            return
        hidden: dict[int, av.Packet] = {}
        for packet in packets:
            if packet.is_discard:
                hidden[packet.stream.index] = packet
                continue
            if packet.stream.index in hidden:
                yield hidden.pop(packet.stream.index)
            yield packet

    def _is_within(self, packet: av.Packet) -> bool:
        """Whether a packet goes with the part of the pictures that is written."""
        if self._source.end is None or packet.pts is None or packet.stream.type == "video":
            return True
        return self._shift <= packet.pts * Fraction(packet.time_base) < self._source.end

    def _move(self, packet: av.Packet | None, new: Stream) -> list[av.Packet]:
        if packet is None:
            return []
        if packet.stream.type == "video":  # a cover picture is shown at no time
            packet.pts = packet.dts = 0
        elif packet.dts is None or packet.pts is None:
            raise MediaError(
                f"the sound of {self._source.path} has no time stamps: give task.sound=aac or none."
            )
        else:
            shift = round(self._shift / Fraction(packet.time_base))
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        packet.stream = new
        return [packet]


def decoding_time(packet: av.Packet) -> Fraction:
    """When the packet is due, in seconds."""
    return (packet.dts or 0) * Fraction(packet.time_base)
